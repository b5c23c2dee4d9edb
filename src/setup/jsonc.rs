//! Merges values into JSON that people write: comments, trailing commas, order, indentation, BOM and line endings stay.
//!
//! The text is parsed into spans; what is missing is inserted and what differs is replaced, as text, in place.

use anyhow::bail;
use serde_json::Value;

mod parse;

use parse::{Kind, Node, Parser};

/// `text` with every member of `wanted` in it: objects are merged, other values set. `text` itself where nothing is
/// missing. Errors when it does not parse, or something other than an object stands where one is needed.
pub fn merge(text: &str, wanted: &Value) -> anyhow::Result<String> {
    let (bom, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let style = Style::of(body);
    if body.trim().is_empty() {
        return Ok(format!(
            "{bom}{}{}",
            style.pretty(wanted, ""),
            style.newline
        ));
    }
    let mut parser = Parser { text: body, at: 0 };
    let root = parser.document()?;
    let mut edits = Vec::new();
    Merge {
        text: body,
        style,
        edits: &mut edits,
    }
    .value(&root, wanted, "the file")?;
    edits.sort_by_key(|edit| edit.start);
    let mut merged = String::from(bom);
    let mut copied = 0;
    for edit in edits {
        merged += &body[copied..edit.start];
        merged += &edit.new;
        copied = edit.end;
    }
    merged += &body[copied..];
    Ok(merged)
}

struct Edit {
    start: usize,
    end: usize,
    new: String,
}

/// How the file is laid out.
#[derive(Clone, Copy)]
struct Style<'a> {
    newline: &'static str,
    /// One level of indentation.
    unit: &'a str,
}

impl<'a> Style<'a> {
    fn of(text: &'a str) -> Style<'a> {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let indented = text.lines().find(|line| {
            line.starts_with([' ', '\t'])
                && !line.trim().is_empty()
                && !line.trim_start().starts_with('*')
        });
        let unit = indented.map_or("  ", |line| &line[..line.len() - line.trim_start().len()]);
        let unit = if unit.starts_with('\t') { "\t" } else { unit };
        Style { newline, unit }
    }

    /// `value` over several lines; lines after the first start with `indent`.
    fn pretty(&self, value: &Value, indent: &str) -> String {
        let inner = format!("{indent}{}", self.unit);
        let lines: Vec<String> = match value {
            Value::Object(members) if !members.is_empty() => members
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{inner}{}: {}",
                        Value::from(key.as_str()),
                        self.pretty(value, &inner)
                    )
                })
                .collect(),
            other => return one_line(other),
        };
        let separator = format!(",{}", self.newline);
        format!(
            "{{{}{}{}{indent}}}",
            self.newline,
            lines.join(&separator),
            self.newline
        )
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), one_line(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

struct Merge<'a, 'e> {
    text: &'a str,
    style: Style<'a>,
    edits: &'e mut Vec<Edit>,
}

impl Merge<'_, '_> {
    fn value(&mut self, node: &Node, wanted: &Value, name: &str) -> anyhow::Result<()> {
        let Value::Object(wanted) = wanted else {
            if node.value() != *wanted {
                self.edits.push(Edit {
                    start: node.start,
                    end: node.end,
                    new: one_line(wanted),
                });
            }
            return Ok(());
        };
        let Kind::Object(members) = &node.kind else {
            bail!("{name} holds something other than an object");
        };
        let mut missing = Vec::new();
        for (key, value) in wanted {
            // Of two members with one name, readers take the last.
            match members.iter().rev().find(|(known, ..)| known == key) {
                Some((_, _, member)) => self.value(member, value, &format!("`{key}`"))?,
                None => missing.push((key.as_str(), value)),
            }
        }
        if !missing.is_empty() {
            self.insert(node, members, &missing);
        }
        Ok(())
    }

    /// Puts members behind the last one of an object, and behind the comment on its line.
    fn insert(
        &mut self,
        node: &Node,
        members: &[(String, usize, Node)],
        missing: &[(&str, &Value)],
    ) {
        let close = node.end - 1;
        let newline = self.style.newline;
        let lines = |indent: &str| -> String {
            let lines: Vec<String> = missing
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{newline}{indent}{}: {}",
                        Value::from(*key),
                        self.style.pretty(value, indent)
                    )
                })
                .collect();
            lines.join(",")
        };
        let Some((_, key_start, last)) = members.last() else {
            let indent = format!("{}{}", self.indent(node.start), self.style.unit);
            let content_end = self.content_end(node.start + 1, close);
            let tail = &self.text[content_end..close];
            let tail = if tail.contains('\n') {
                tail.to_owned()
            } else {
                format!("{newline}{}", self.indent(node.start))
            };
            let new = format!("{}{tail}", lines(&indent));
            self.edits.push(Edit {
                start: content_end,
                end: close,
                new,
            });
            return;
        };
        if !self.text[node.start..node.end].contains('\n') {
            let members: Vec<String> = missing
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(*key), one_line(value)))
                .collect();
            let new = format!(", {}", members.join(", "));
            self.edits.push(Edit {
                start: last.end,
                end: last.end,
                new,
            });
            return;
        }
        let comma = self.comma_after(last.end, close);
        let indent = self.indent(*key_start).to_owned();
        let at = self.line_content_end(comma.unwrap_or(last.end), close);
        let mut new = lines(&indent);
        if comma.is_some() {
            new.push(',');
        } else {
            self.edits.push(Edit {
                start: last.end,
                end: last.end,
                new: ",".to_owned(),
            });
        }
        if !self.text[at..close].contains('\n') {
            new += newline;
            new += &self.indent(node.start);
        }
        self.edits.push(Edit {
            start: at,
            end: at,
            new,
        });
    }

    /// The white space that the line of `at` begins with.
    fn indent(&self, at: usize) -> String {
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &self.text[start..];
        line[..line.len() - line.trim_start_matches([' ', '\t']).len()].to_owned()
    }

    /// The end of the comma behind a value, if one is there.
    fn comma_after(&self, at: usize, close: usize) -> Option<usize> {
        let mut parser = Parser {
            text: self.text,
            at,
        };
        parser.skip().ok()?;
        (parser.at < close && self.text.as_bytes()[parser.at] == b',').then_some(parser.at + 1)
    }

    /// The end of what stands on the line of `at` after it: a comment, or nothing.
    fn line_content_end(&self, at: usize, close: usize) -> usize {
        let line_end = self.text[at..close]
            .find('\n')
            .map_or(close, |newline| at + newline);
        let rest = self.text[at..line_end].trim_end();
        let comment = rest.trim_start();
        let whole =
            comment.starts_with("//") || (comment.starts_with("/*") && comment.ends_with("*/"));
        if whole { at + rest.len() } else { at }
    }

    /// The end of the last comment in an object without members, or of its brace.
    fn content_end(&self, from: usize, close: usize) -> usize {
        from + self.text[from..close].trim_end().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let wanted = json!({"servers": {"governor": {"command": "g", "args": ["serve"]}}});
        let merged = merge(before, &wanted).expect("it parses");
        assert_eq!(merged, after);
        assert_eq!(
            merge(&merged, &wanted).expect("it parses"),
            merged,
            "twice is once"
        );
    }

    #[test]
    fn a_new_file() {
        check(
            "",
            "{\n  \"servers\": {\n    \"governor\": {\n      \"command\": \"g\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        );
    }

    #[test]
    fn comments_and_trailing_commas_stay() {
        check(
            "// mine\n{\n    \"a\": 1, // one\n    \"servers\": {\n        \"x\": {}, // last\n        // \"y\": {}\n    },\n}\n",
            "// mine\n{\n    \"a\": 1, // one\n    \"servers\": {\n        \"x\": {}, // last\n        \"governor\": {\n            \"command\": \"g\",\n            \"args\": [\"serve\"]\n        },\n        // \"y\": {}\n    },\n}\n",
        );
        check(
            "{\n\t\"servers\": {\n\t\t\"x\": {} /* last */\n\t}\n}",
            "{\n\t\"servers\": {\n\t\t\"x\": {}, /* last */\n\t\t\"governor\": {\n\t\t\t\"command\": \"g\",\n\t\t\t\"args\": [\"serve\"]\n\t\t}\n\t}\n}",
        );
    }

    #[test]
    fn one_line_crlf_bom_and_empty_objects() {
        check(
            "{\"servers\": {\"x\": 1}}",
            "{\"servers\": {\"x\": 1, \"governor\": {\"command\": \"g\", \"args\": [\"serve\"]}}}",
        );
        check(
            "\u{feff}{\r\n  \"servers\": {}\r\n}\r\n",
            "\u{feff}{\r\n  \"servers\": {\r\n    \"governor\": {\r\n      \"command\": \"g\",\r\n      \"args\": [\"serve\"]\r\n    }\r\n  }\r\n}\r\n",
        );
        check(
            "{\n  // none yet\n}\n",
            "{\n  // none yet\n  \"servers\": {\n    \"governor\": {\n      \"command\": \"g\",\n      \"args\": [\"serve\"]\n    }\n  }\n}\n",
        );
    }

    #[test]
    fn what_the_user_added_to_the_entry_stays() {
        check(
            "{\"servers\": {\"governor\": {\"command\": \"old\", \"args\": [\"serve\"], \"env\": {\"K\": \"v\"}}}}",
            "{\"servers\": {\"governor\": {\"command\": \"g\", \"args\": [\"serve\"], \"env\": {\"K\": \"v\"}}}}",
        );
    }

    #[test]
    fn what_does_not_parse_is_refused() {
        for text in [
            "{",
            "{\"a\" 1}",
            "[1",
            "{\"a\": 1} x",
            "{a: 1}",
            "{\"servers\": []}",
            "[]",
            "/* x",
            "{\"a\": \"\n\"}",
            "{\"a\": nul}",
        ] {
            assert!(
                merge(text, &json!({"servers": {"governor": {}}})).is_err(),
                "{text}"
            );
        }
        assert!(merge(&"[".repeat(100_000), &json!({})).is_err());
    }
}
