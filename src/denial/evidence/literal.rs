//! Objects inside of text, as JSON or as Python prints them, wherever they stand.

use serde_json::{Map, Number, Value};

/// How deep an object may nest.
const DEPTH: usize = 64;
/// Bytes that are read in vain before the rest is left alone: braces that never close must not cost a square.
const VAIN_BYTES: usize = 16 * 1024 * 1024;

/// The objects of a text in their order, and the text without them.
pub fn objects(text: &str) -> (Vec<Value>, String) {
    let (found, rest) = scan(text);
    if found.is_empty() && text.contains("{\\\"") {
        // A logger quoted the JSON once more.
        return scan(&text.replace("\\\"", "\""));
    }
    (found, rest)
}

fn scan(text: &str) -> (Vec<Value>, String) {
    let mut found = Vec::new();
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    let mut vain = 0;
    while vain < VAIN_BYTES {
        let Some(brace) = text[at..].find('{').map(|offset| at + offset) else {
            break;
        };
        rest += &text[at..brace];
        let mut reader = Reader { text, at: brace };
        match reader.value(0) {
            Some(Value::Object(fields)) if !fields.is_empty() => {
                found.push(Value::Object(fields));
                rest.push('\n');
                at = reader.at;
            }
            _ => {
                vain += reader.at - brace;
                rest.push('{');
                at = brace + 1;
            }
        }
    }
    rest += &text[at..];
    (found, rest)
}

/// Reads JSON and Python literals alike.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.list(depth, ']'),
            '(' => self.list(depth, ')'),
            '"' | '\'' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut fields = Map::new();
        loop {
            self.blank();
            if self.take('}') {
                return Some(Value::Object(fields));
            }
            let key = self.string()?;
            self.blank();
            if !self.take(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            fields.insert(key, value);
            self.blank();
            if !self.take(',') && self.peek() != Some('}') {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize, end: char) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.take(end) {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.blank();
            if !self.take(',') && self.peek() != Some(end) {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''))?;
        self.at += 1;
        let mut string = String::new();
        loop {
            let character = self.next()?;
            if character == quote {
                return Some(string);
            }
            if character != '\\' {
                string.push(character);
                continue;
            }
            match self.next()? {
                'n' => string.push('\n'),
                't' => string.push('\t'),
                'r' => string.push('\r'),
                'b' => string.push('\u{8}'),
                'f' => string.push('\u{c}'),
                'u' => string.push(self.unicode(4)?),
                'x' => string.push(self.unicode(2)?),
                other => string.push(other),
            }
        }
    }

    fn unicode(&mut self, digits: usize) -> Option<char> {
        let unit = self.hexadecimal(digits)?;
        if !(0xd800..0xdc00).contains(&unit) {
            return Some(char::from_u32(unit).unwrap_or('\u{fffd}'));
        }
        if self.take('\\') && self.take('u') {
            let low = self.hexadecimal(4)?;
            let code = 0x10000 + ((unit - 0xd800) << 10) + low.wrapping_sub(0xdc00) % 0x400;
            return Some(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        Some('\u{fffd}')
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let code = self.text.get(self.at..self.at + digits)?;
        self.at += digits;
        u32::from_str_radix(code, 16).ok()
    }

    fn word(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_')))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        match word {
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            "null" | "None" | "NaN" => Some(Value::Null),
            _ => word
                .parse::<i64>()
                .map(Number::from)
                .ok()
                .or_else(|| word.parse().ok().and_then(Number::from_f64))
                .map(Value::Number),
        }
    }

    fn blank(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn take(&mut self, character: char) -> bool {
        let taken = self.peek() == Some(character);
        if taken {
            self.at += character.len_utf8();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        let (found, _) = objects(text);
        assert_eq!(Value::Array(found), expected);
    }

    #[test]
    fn objects_are_found_in_noise() {
        check("a {b} {\"x\": 1}, {}", json!([{"x": 1}]));
        check(
            "{'a': None, 'b': (True, \"it's\"),}",
            json!([{"a": null, "b": [true, "it's"]}]),
        );
        check("x={\\\"d\\\": \\\"e\\\"}", json!([{"d": "e"}]));
        check("{\"a\": \"\\u00e9\\ud83d\\ude00\"", json!([]));
        check(
            "{\"a\": \"\\u00e9\\ud83d\\ude00\"}",
            json!([{"a": "é\u{1F600}"}]),
        );
        check(&"{".repeat(100), json!([]));
    }
}
