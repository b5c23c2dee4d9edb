//! Text edits: insertions into the bytes that the user wrote, sorted and disjoint.
//!
//! Nothing here rewrites, reorders or reformats. Taking the insertions out again gives the very bytes, which is what
//! [`proof`] relies on and what the inverse diff is made of.

use std::ops::Range;

pub mod config;
pub mod environment;
mod json;
pub mod notebook;
pub mod proof;
pub mod python;
pub mod workflow;

/// Insertions into one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Insertions {
    /// Sorted by offset, one for each offset.
    items: Vec<Insertion>,
}

/// Text that goes in before the byte at `at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    pub at: usize,
    pub text: Vec<u8>,
}

impl Insertions {
    pub fn one(at: usize, text: impl Into<Vec<u8>>) -> Insertions {
        let mut insertions = Insertions::default();
        insertions.add(at, text);
        insertions
    }

    /// Adds `text` at `at`, after what is already there.
    pub fn add(&mut self, at: usize, text: impl Into<Vec<u8>>) {
        let text = text.into();
        if text.is_empty() {
            return;
        }
        match self.items.binary_search_by_key(&at, |item| item.at) {
            Ok(index) => self.items[index].text.extend(text),
            Err(index) => self.items.insert(index, Insertion { at, text }),
        }
    }

    pub fn extend(&mut self, other: Insertions) {
        for item in other.items {
            self.add(item.at, item.text);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Insertion> {
        self.items.iter()
    }

    /// The bytes with everything put in.
    pub fn apply(&self, source: &[u8]) -> Vec<u8> {
        let added: usize = self.items.iter().map(|item| item.text.len()).sum();
        let mut out = Vec::with_capacity(source.len() + added);
        let mut copied = 0;
        for item in &self.items {
            let at = item.at.min(source.len());
            out.extend_from_slice(&source[copied..at]);
            out.extend_from_slice(&item.text);
            copied = at;
        }
        out.extend_from_slice(&source[copied..]);
        out
    }

    /// Where each insertion lies in the result.
    pub fn ranges_after(&self) -> Vec<Range<usize>> {
        let mut shift = 0;
        self.items
            .iter()
            .map(|item| {
                let start = item.at + shift;
                shift += item.text.len();
                start..start + item.text.len()
            })
            .collect()
    }
}

/// The line ending used around `at`: of the line before, else of the line that holds it, else `\n`.
pub fn line_ending_at(source: &[u8], at: usize) -> &'static str {
    let at = at.min(source.len());
    let before = source[..at].iter().rposition(|byte| *byte == b'\n');
    let after = source[at..].iter().position(|byte| *byte == b'\n');
    match (before, after) {
        (Some(index), _) if index > 0 && source[index - 1] == b'\r' => "\r\n",
        (Some(_), _) => "\n",
        (None, Some(index)) if at + index > 0 && source[at + index - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// The offset at which the line that holds `at` starts.
pub fn line_start(source: &[u8], at: usize) -> usize {
    source[..at.min(source.len())]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |index| index + 1)
}

/// The offset after the line that holds `at`, its ending included.
pub fn line_end(source: &[u8], at: usize) -> usize {
    let at = at.min(source.len());
    source[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(source.len(), |index| at + index + 1)
}

/// The 1-based line that holds `at`.
pub fn line_number(source: &[u8], at: usize) -> u32 {
    1 + source[..at.min(source.len())]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insertions_sort_and_join() {
        let mut insertions = Insertions::default();
        insertions.add(3, "c");
        insertions.add(0, "a");
        insertions.add(3, "d");
        assert_eq!(insertions.apply(b"xyz"), b"axyzcd");
        assert_eq!(insertions.ranges_after(), vec![0..1, 4..6]);
    }

    #[test]
    fn line_ending_is_the_neighbours() {
        assert_eq!(line_ending_at(b"a\r\nb\nc\n", 3), "\r\n");
        assert_eq!(line_ending_at(b"a\r\nb\nc\n", 5), "\n");
        assert_eq!(line_ending_at(b"a\r\n", 0), "\r\n");
        assert_eq!(line_ending_at(b"", 0), "\n");
    }
}
