//! YAML as a tree of nodes that know their line. Lenient: what templates leave of a file is read, and of a file that is
//! not valid what stands before and after the error.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins; for a block, the first line of its text.
    pub line: u32,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Lines of it that are folded are one.
    Text(String),
    /// `|`: the lines as they stand.
    Lines(String),
    List(Vec<Node>),
    /// In the order of the file; a key that is no text is empty.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let mut entries = entries.iter();
        entries.find(|(name, _)| name == key).map(|(_, node)| node)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Lines(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// Nobody nests deeper; what does is left out.
const MAX_DEPTH: usize = 64;

/// The documents of a file. After an error it goes on with the next document.
pub fn documents(text: &str) -> Vec<Node> {
    let text = indent_brackets(hide_templates(text));
    let mut found = Vec::new();
    let (mut rest, mut line) = (&*text, 0);
    while let Some(failed) = read(rest, line, &mut found) {
        // The error may be told on the line that it begins in or on the next.
        let mut at = 0;
        let next = rest
            .split_inclusive('\n')
            .zip(1..)
            .find_map(|(part, number)| {
                let start = at;
                at += part.len();
                (number > failed && part.starts_with("---")).then_some((start, number))
            });
        let Some((start, number)) = next else { break };
        rest = &rest[start..];
        line += number - 1;
    }
    found
}

/// Reads up to the end or the first error, and gives the error's line.
fn read(text: &str, before: u32, found: &mut Vec<Node>) -> Option<u32> {
    let mut open: Vec<Open> = Vec::new();
    let mut failed = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                failed = Some(error.marker().line() as u32);
                break;
            }
        };
        let line = before + span.start.line() as u32;
        let finished = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() == MAX_DEPTH => {
                failed = Some(span.start.line() as u32);
                break;
            }
            Event::SequenceStart(..) => {
                open.push(Open::new(line, Value::List(Vec::new())));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::new(line, Value::Map(Vec::new())));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(done) => done.node,
                None => continue,
            },
            Event::Scalar(text, style, ..) => {
                let text = show_templates(&text);
                let value = match style {
                    ScalarStyle::Literal => Value::Lines(text.trim_start_matches('\n').to_owned()),
                    ScalarStyle::Folded => Value::Text(text.trim().to_owned()),
                    _ => Value::Text(text),
                };
                Node { line, value }
            }
            Event::Alias(_) => Node {
                line,
                value: Value::Text(String::new()),
            },
            _ => continue,
        };
        put(&mut open, finished, found);
    }
    while let Some(unfinished) = open.pop() {
        put(&mut open, unfinished.node, found);
    }
    failed
}

/// A list or map whose end is not read yet.
struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<String>,
}

impl Open {
    fn new(line: u32, value: Value) -> Open {
        Open {
            node: Node { line, value },
            key: None,
        }
    }
}

fn put(open: &mut [Open], finished: Node, found: &mut Vec<Node>) {
    let Some(parent) = open.last_mut() else {
        found.push(finished);
        return;
    };
    match (&mut parent.node.value, parent.key.take()) {
        (Value::List(items), _) => items.push(finished),
        (Value::Map(entries), Some(key)) => entries.push((key, finished)),
        (_, _) => parent.key = Some(finished.text().unwrap_or_default().to_owned()),
    }
}

/// Where the marks of a template are kept while the rest is read: a private block of Unicode.
const HIDDEN: u32 = 0xE000;

/// Takes what `{{ }}` and `{% %}` hold out of the parser's sight: templates on lines of their own are left out, the
/// marks of those in a line are written so that they mean nothing.
fn hide_templates(text: &str) -> Cow<'_, str> {
    if !text.contains("{{") && !text.contains("{%") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = templates(rest) {
        let (before, template) = rest[..end].split_at(start);
        rest = &rest[end..];
        out.push_str(before);
        let before = out.trim_end_matches(GAP);
        let after = rest.trim_start_matches(GAP);
        let begins = before.is_empty() || before.ends_with('\n');
        if begins && (after.is_empty() || after.starts_with('\n')) {
            out.extend(template.chars().filter(|c| *c == '\n'));
        } else {
            let hidden = |c: char| char::from_u32(HIDDEN + u32::from(c)).unwrap_or(c);
            out.extend(template.chars().map(|c| match c {
                c if c.is_ascii_punctuation() => hidden(c),
                c => c,
            }));
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What may stand between a template and the ends of its line.
const GAP: [char; 3] = [' ', '\t', '\r'];

/// Where the first template of a text begins, and where it or the last that follows at once ends.
fn templates(text: &str) -> Option<(usize, usize)> {
    let closing = |at: usize| match text.as_bytes().get(at..at + 2)? {
        b"{{" => Some("}}"),
        b"{%" => Some("%}"),
        _ => None,
    };
    let mut opens = text.match_indices('{').map(|(at, _)| at);
    let start = opens.find(|at| closing(*at).is_some())?;
    let (mut next, mut end) = (start, None);
    while let Some(close) = closing(next)
        && let Some(length) = text[next..].find(close)
    {
        let at = next + length + close.len();
        end = Some(at);
        next = text.len() - text[at..].trim_start_matches(GAP).len();
    }
    Some((start, end?))
}

/// A bracket that closes a list at the indentation of its key is an error in YAML 1.2, and common: it moves inwards.
fn indent_brackets(text: Cow<'_, str>) -> Cow<'_, str> {
    let closes = |line: &str| line.trim_start().starts_with([']', '}']);
    if !text.lines().any(closes) {
        return text;
    }
    let lines = text.split_inclusive('\n');
    let lines = lines.flat_map(|line| [if closes(line) { " " } else { "" }, line]);
    Cow::Owned(lines.collect())
}

fn show_templates(text: &str) -> String {
    text.chars()
        .map(|c| match u32::from(c).checked_sub(HIDDEN) {
            Some(code @ 0..0x80) => char::from_u32(code).unwrap_or(c),
            _ => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a file's nodes, each behind its line.
    #[track_caller]
    fn check(text: &str, expected: &[(u32, &str)]) {
        fn collect(node: &Node, out: &mut Vec<(u32, String)>) {
            match &node.value {
                Value::List(items) => items.iter().for_each(|item| collect(item, out)),
                Value::Map(entries) => entries.iter().for_each(|(_, node)| collect(node, out)),
                Value::Text(text) | Value::Lines(text) => out.push((node.line, text.clone())),
            }
        }
        let mut found = Vec::new();
        for document in documents(text) {
            collect(&document, &mut found);
        }
        let found: Vec<(u32, &str)> = found.iter().map(|(line, text)| (*line, &**text)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_begin_at_their_first_line() {
        check(
            "a: |\n\n  one\n  two\nb: >-\n  one\n  two\nc: [x,\n  y]\n",
            &[(3, "one\ntwo\n"), (6, "one two"), (8, "x"), (9, "y")],
        );
    }

    #[test]
    fn templates_hide_nothing_around_them() {
        check(
            "{{- if .x }}{{- $y := 1 }}\na: {{ .b | quote }}:{{ .c }}\n{{- /* two\n  lines */}}\n{% if d %}\nd: [\"{{ e[\"f\"] }}\"]\n{% endif %}\n",
            &[(2, "{{ .b | quote }}:{{ .c }}"), (6, "{{ e[\"f\"] }}")],
        );
    }

    #[test]
    fn an_error_costs_no_other_document() {
        check(
            "a: 1\nb: ]\n--- \nc: [\n  2,\n]\n---\nd: *e\n",
            &[(1, "1"), (5, "2")],
        );
        check(&"- ".repeat(1000), &[]);
    }
}
