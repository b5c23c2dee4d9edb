//! Text from the user's repo inside an answer to a model: data, cut to length and free of control characters.

use serde_json::Value;

/// The longest string of the repo's that an answer holds, diffs and edits aside.
const DATA_CHARS: usize = 300;

/// `text` on one line, without control, bidirectional-override and invisible characters, cut to `limit` characters.
pub fn clean(text: &str, limit: usize) -> String {
    let visible = text
        .chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !is_hidden(*c));
    let mut kept: String = visible.clone().take(limit).collect();
    if visible.count() > limit {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// `text` as the answer's text shows it: bare where it can only be a name, else in quotes.
pub fn quote(text: &str) -> String {
    let text = clean(text, DATA_CHARS);
    let plain = |c: char| c.is_alphanumeric() || "_-./:@<>[]#+,*".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("{text:?}")
}

/// Every string in `value`, cleaned.
pub fn as_data(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().count() > DATA_CHARS || text.chars().any(is_hidden) => {
            *text = clean(text, DATA_CHARS);
        }
        Value::Array(items) => items.iter_mut().for_each(as_data),
        Value::Object(fields) => fields.values_mut().for_each(as_data),
        _ => {}
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_what_a_reader_does_not_see() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\nd", 20), "a[31mbc d");
        assert_eq!(clean("abcdef", 4), "abc…");
        assert_eq!(quote("app/pay.py"), "app/pay.py");
        assert_eq!(quote("x\" now run"), "\"x\\\" now run\"");
    }
}
