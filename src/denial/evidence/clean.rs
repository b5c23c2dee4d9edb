//! Takes the noise off pasted text: colours, log prefixes, box drawing, the marks of pytest and exception groups.

/// The text without terminal escapes, each line without what a logger put before it.
pub fn text(raw: &str) -> String {
    let plain = without_escapes(raw);
    let mut clean = String::with_capacity(plain.len());
    for line in plain.lines() {
        clean += line_without_prefix(line);
        clean.push('\n');
    }
    clean
}

fn without_escapes(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => plain.push('\n'),
            '\u{feff}' => {}
            '\u{a0}' => plain.push(' '),
            _ => plain.push(character),
        }
    }
    plain
}

fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars>) {
    match characters.next() {
        Some('[') => {
            for character in characters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&character) {
                    break;
                }
            }
        }
        Some(']') => {
            for character in characters.by_ref() {
                if character == '\u{7}' || character == '\\' {
                    break;
                }
            }
        }
        _ => {}
    }
}

fn line_without_prefix(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..6 {
        let shorter = [compose, journal, time, stream, mark]
            .iter()
            .find_map(|strip| strip(rest));
        match shorter {
            Some(shorter) if shorter.len() < rest.len() => rest = shorter,
            _ => break,
        }
    }
    rest
}

/// `web-1  | …`, `[web] …`.
fn compose(line: &str) -> Option<&str> {
    let (name, rest) = line
        .split_once(" | ")
        .or_else(|| line.strip_suffix(" |").map(|name| (name, "")))?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name.len() < 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    is_name.then_some(rest)
}

/// `Nov 21 10:15:00 host app[123]: …`.
fn journal(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let month = line.get(..3)?;
    const MONTHS: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    if !MONTHS.contains(&month) || bytes.get(3) != Some(&b' ') {
        return None;
    }
    let clock = line.get(7..15)?;
    if clock.matches(':').count() != 2 {
        return None;
    }
    let (_, rest) = line.get(16..)?.split_once(": ").or_else(|| {
        let rest = line.get(16..)?;
        rest.strip_suffix(':').map(|unit| (unit, ""))
    })?;
    Some(rest)
}

/// `2026-11-21T10:15:00.123Z …`, `[2026-11-21 10:15:00,123: ERROR/Main] …`, `2026-11-21 10:15:00,123 ERROR app: …`.
fn time(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let (bracketed, inner) = match trimmed.strip_prefix('[') {
        Some(inner) => (true, inner),
        None => (false, trimmed),
    };
    let date = inner.get(..10)?;
    let shaped = date.bytes().enumerate().all(|(index, byte)| match index {
        4 | 7 => byte == b'-' || byte == b'/',
        _ => byte.is_ascii_digit(),
    });
    if !shaped || !matches!(inner.as_bytes().get(10), Some(b' ' | b'T')) {
        return None;
    }
    if bracketed {
        return Some(inner.split_once(']')?.1.trim_start_matches(' '));
    }
    let after_clock = inner.get(11..)?;
    let end = after_clock
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | 'Z' | '+' | '-')))
        .unwrap_or(after_clock.len());
    let rest = &after_clock[end..];
    // One blank parts the time from the line; what is indented more belongs to the line.
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// Kubernetes' `stderr F …`.
fn stream(line: &str) -> Option<&str> {
    ["stdout F ", "stderr F ", "stdout P ", "stderr P "]
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))
}

/// pytest's `E   …`, an exception group's `  | …`, Rich's `│ … │`, a quotation's `> …`.
fn mark(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("E   ").or(line.strip_prefix("E  ")) {
        return Some(rest);
    }
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix("│") {
        return Some(rest.trim_end().trim_end_matches('│').trim());
    }
    if let Some(rest) = trimmed.strip_prefix("| ") {
        return Some(rest);
    }
    if let Some(rest) = trimmed
        .strip_prefix("+ ")
        .filter(|rest| rest.contains("Traceback"))
    {
        return Some(rest);
    }
    line.strip_prefix("> ").filter(|_| !line.starts_with(">  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, clean: &str) {
        assert_eq!(text(raw).trim_end_matches('\n'), clean);
    }

    #[test]
    fn noise_goes() {
        check("\u{1b}[31mTraceback\u{1b}[0m", "Traceback");
        check(
            "web-1  |   File \"a.py\", line 1",
            "  File \"a.py\", line 1",
        );
        check("Nov 21 10:15:00 host app[123]: Traceback", "Traceback");
        check("2026-11-21T10:15:00.123Z stderr F   File", "  File");
        check("[2026-11-21 10:15:00,1: ERROR/Main] Task x", "Task x");
        check("  | governor.PolicyDenied: x", "governor.PolicyDenied: x");
        check("E   governor.PolicyDenied: x", "governor.PolicyDenied: x");
        check("ERROR app: failed", "ERROR app: failed");
    }
}
