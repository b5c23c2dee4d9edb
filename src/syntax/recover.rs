//! What to do about code that does not parse: blank the smallest statement that holds it, keep everything else.

use super::parse;

/// Statements longer than this are not tried again with what follows them.
const MAX_JOINED: usize = 6;

/// The source with every statement that does not parse blanked out, byte for byte as long as before, and the first and
/// last lines of what was blanked.
pub fn blank_errors(source: &str) -> (String, Vec<(u32, u32)>) {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let mut kept: Vec<bool> = vec![true; lines.len()];
    blank_in(&lines, 0, &mut kept);
    let mut text = String::with_capacity(source.len());
    let mut blanked: Vec<(u32, u32)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if kept[index] {
            text.push_str(line);
            continue;
        }
        text.extend(line.bytes().map(|byte| {
            if byte == b'\n' || byte == b'\r' {
                char::from(byte)
            } else {
                ' '
            }
        }));
        let number = index as u32 + 1;
        match blanked.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => blanked.push((number, number)),
        }
    }
    (text, blanked)
}

/// Goes through the statements that start at the smallest indentation of `lines` and blanks those that do not parse;
/// in a compound statement, only the statements of its body that do not.
fn blank_in(lines: &[&str], offset: usize, kept: &mut [bool]) {
    let starts = statement_starts(lines);
    let mut at = 0;
    while at < starts.len() {
        let end = |index: usize| starts.get(index).copied().unwrap_or(lines.len());
        // A statement may hold lines that look like the start of another: text in triple quotes.
        let parses = (1..=MAX_JOINED).find(|joined| {
            at + joined <= starts.len() && !has_error(&lines[starts[at]..end(at + joined)])
        });
        if let Some(joined) = parses {
            at += joined;
            continue;
        }
        let (first, last) = (starts[at], end(at + 1));
        let body = first + 1;
        let opens_body = lines[first]
            .trim_start()
            .starts_with(['c', 'd', 'a', 'i', 'w', 'f', 't', '@'])
            && lines[first].trim_end().ends_with(':')
            && body < last;
        if opens_body && offset < lines.len() * 64 {
            let inner = &lines[body..last];
            let mut inner_kept = vec![true; inner.len()];
            blank_in(inner, offset + 1, &mut inner_kept);
            let some_left = inner
                .iter()
                .zip(&inner_kept)
                .any(|(line, kept)| *kept && !line.trim().is_empty());
            if some_left && inner_kept.iter().any(|kept| !kept) {
                kept[body..last].copy_from_slice(&inner_kept);
                at += 1;
                continue;
            }
        }
        kept[first..last].fill(false);
        at += 1;
    }
}

/// Lines at the smallest indentation at which a statement can start.
fn statement_starts(lines: &[&str]) -> Vec<usize> {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t', '\x0c']).len();
    let starts_code = |line: &str| {
        let code = line.trim();
        !code.is_empty() && !code.starts_with(['#', ')', ']', '}'])
    };
    let Some(smallest) = lines
        .iter()
        .filter(|line| starts_code(line))
        .map(|line| indent(line))
        .min()
    else {
        return Vec::new();
    };
    let continues = ["else:", "elif ", "except", "finally:"];
    let mut starts: Vec<usize> = Vec::new();
    let mut decorated = false;
    for (index, line) in lines.iter().enumerate() {
        if !starts_code(line) || indent(line) != smallest {
            continue;
        }
        let code = line.trim_start();
        let is_clause = continues.iter().any(|clause| code.starts_with(clause));
        if starts.is_empty() || !(is_clause || decorated) {
            starts.push(index);
        }
        decorated = code.starts_with('@');
    }
    starts
}

fn has_error(lines: &[&str]) -> bool {
    // A body on its own is indented code; the grammar takes it as it stands.
    parse(&lines.concat()).root_node().has_error()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_statement_that_does_not_parse_is_blanked() {
        let source = "import os\n\ndef half(\n    a,\n    b(c\n\nclass C:\n    def bad(self:\n        x\n    def good(self):\n        os.remove('a')\n\nos.remove('b')\n";
        let (text, blanked) = blank_errors(source);
        assert_eq!(text.len(), source.len());
        assert!(
            text.contains("def good") && text.contains("os.remove('b')") && !text.contains("half"),
            "{text}"
        );
        assert_eq!(blanked, vec![(3, 6), (8, 9)]);
    }
}
