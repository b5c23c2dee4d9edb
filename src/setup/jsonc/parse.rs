//! JSON with comments and trailing commas as spans: what stands where, so that an edit touches nothing else.

use anyhow::{bail, ensure};
use serde_json::Value;

/// Nobody nests settings deeper; a reader of hostile input must not run out of stack.
const MAX_DEPTH: usize = 128;

/// A value and where it stands.
pub struct Node {
    pub start: usize,
    /// One behind the last byte.
    pub end: usize,
    pub kind: Kind,
}

pub enum Kind {
    /// Name, where the name starts, and value of each member.
    Object(Vec<(String, usize, Node)>),
    Array(Vec<Node>),
    Scalar(Value),
}

impl Node {
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Object(members) => members
                .iter()
                .map(|(key, _, node)| (key.clone(), node.value()))
                .collect(),
            Kind::Array(items) => items.iter().map(Node::value).collect(),
            Kind::Scalar(value) => value.clone(),
        }
    }
}

pub struct Parser<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl Parser<'_> {
    /// A whole file: one value, with white space and comments around it.
    pub fn document(&mut self) -> anyhow::Result<Node> {
        let node = self.node(0)?;
        self.skip()?;
        ensure!(
            self.at == self.text.len(),
            "line {}: text after the end",
            self.line()
        );
        Ok(node)
    }

    fn line(&self) -> usize {
        self.text[..self.at].matches('\n').count() + 1
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space and comments.
    pub fn skip(&mut self) -> anyhow::Result<()> {
        loop {
            let rest = &self.text[self.at..];
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            self.at += blank;
            let rest = &rest[blank..];
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    bail!("line {}: a comment that does not end", self.line());
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn node(&mut self, depth: usize) -> anyhow::Result<Node> {
        ensure!(depth < MAX_DEPTH, "line {}: nested too deeply", self.line());
        self.skip()?;
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Kind::Scalar(Value::String(self.string()?)),
            Some(_) => self.word()?,
            None => bail!("line {}: a value is missing", self.line()),
        };
        Ok(Node {
            start,
            end: self.at,
            kind,
        })
    }

    fn object(&mut self, depth: usize) -> anyhow::Result<Kind> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.skip()?;
            let key_start = self.at;
            match self.peek() {
                Some(b'}') => break,
                Some(b'"') => {}
                _ => bail!("line {}: a name in double quotes is missing", self.line()),
            }
            let key = self.string()?;
            self.skip()?;
            ensure!(
                self.peek() == Some(b':'),
                "line {}: `:` is missing",
                self.line()
            );
            self.at += 1;
            members.push((key, key_start, self.node(depth + 1)?));
            if !self.comma(b'}')? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::Object(members))
    }

    fn array(&mut self, depth: usize) -> anyhow::Result<Kind> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip()?;
            if self.peek() == Some(b']') {
                break;
            }
            items.push(self.node(depth + 1)?);
            if !self.comma(b']')? {
                break;
            }
        }
        self.at += 1;
        Ok(Kind::Array(items))
    }

    /// Whether a comma follows; otherwise the closing bracket must.
    fn comma(&mut self, close: u8) -> anyhow::Result<bool> {
        self.skip()?;
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => Ok(false),
            _ => bail!(
                "line {}: `,` or `{}` is missing",
                self.line(),
                close as char
            ),
        }
    }

    fn string(&mut self) -> anyhow::Result<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\\' => at += 2,
                b'"' => {
                    self.at = at + 1;
                    let literal = &self.text[start..self.at];
                    let parsed = serde_json::from_str(literal);
                    return parsed.map_err(|_| {
                        anyhow::anyhow!("line {}: a string with a wrong escape", self.line())
                    });
                }
                b'\n' => break,
                _ => at += 1,
            }
        }
        bail!("line {}: a string that does not end", self.line())
    }

    fn word(&mut self) -> anyhow::Result<Kind> {
        let rest = &self.text[self.at..];
        let word_char = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let word = &rest[..rest.len() - rest.trim_start_matches(word_char).len()];
        let Ok(value) = serde_json::from_str(word) else {
            let shown: String = rest.chars().take(12).collect();
            bail!("line {}: {shown:?} is no value", self.line());
        };
        self.at += word.len();
        Ok(Kind::Scalar(value))
    }
}
