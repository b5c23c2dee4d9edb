//! Pages that stay under the size of an answer, and the opaque cursors between them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::error::ToolError;

/// What structured content and text of one page may weigh together, in characters. The answer's frame comes on top.
pub const PAGE_CHARS: usize = 16_000;

/// The pages of one question (tool, root, filters). A cursor names its question, and the content that answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    question: [u8; 6],
    /// Where the page starts, and the content that the cursor was made for.
    asked: Option<(usize, [u8; 6])>,
}

impl Paging {
    /// Errors when `cursor` belongs to another question.
    pub fn new(question: &[&str], cursor: Option<&str>) -> Result<Paging, ToolError> {
        let question = digest(question.join("\0").as_bytes());
        let Some(cursor) = cursor else {
            return Ok(Paging {
                question,
                asked: None,
            });
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad_cursor())?;
        let (position, rest) = bytes.split_first_chunk::<4>().ok_or_else(bad_cursor)?;
        let (of, content) = rest.split_first_chunk::<6>().ok_or_else(bad_cursor)?;
        if *of != question {
            return Err(bad_cursor());
        }
        let content: [u8; 6] = content.try_into().map_err(|_| bad_cursor())?;
        let position = u32::from_be_bytes(*position) as usize;
        Ok(Paging {
            question,
            asked: Some((position, content)),
        })
    }

    /// Where the page starts in `content`, which has `length` items. Errors when the content is another one by now.
    pub fn start(&self, content: &[u8], length: usize) -> Result<usize, ToolError> {
        let Some((position, of)) = self.asked else {
            return Ok(0);
        };
        if of != digest(content) {
            return Err(ToolError::new(
                "stale_cursor",
                "the content changed since the page before",
                "leave `cursor` out to start again at the first page",
            ));
        }
        if position > length {
            return Err(bad_cursor());
        }
        Ok(position)
    }

    /// The cursor for the page that starts at `position` of `content`.
    pub fn cursor(&self, content: &[u8], position: usize) -> String {
        let mut bytes = (position as u32).to_be_bytes().to_vec();
        bytes.extend(self.question);
        bytes.extend(digest(content));
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

fn bad_cursor() -> ToolError {
    ToolError::new(
        "bad_cursor",
        "the cursor is not one that this call gave",
        "pass `next_cursor` of the answer before as it is, with the same other arguments, or leave it out to start at the first page",
    )
}

/// Counts characters until a page is full. The first item always fits.
#[derive(Clone, Debug)]
pub struct Budget {
    left: usize,
    empty: bool,
}

impl Budget {
    pub fn new(chars: usize) -> Budget {
        Budget {
            left: chars,
            empty: true,
        }
    }

    /// Takes an item of so many characters, or says that the page is full.
    pub fn take(&mut self, chars: usize) -> bool {
        let fits = self.empty || chars <= self.left;
        if fits {
            self.left = self.left.saturating_sub(chars);
            self.empty = false;
        }
        fits
    }
}

fn digest(bytes: &[u8]) -> [u8; 6] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut short = [0; 6];
    short.copy_from_slice(&hash[..6]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_question_and_content() {
        let question = ["scan_repo", "/r"];
        let paging = Paging::new(&question, None).expect("no cursor");
        let cursor = paging.cursor(b"one", 7);
        let start = |question: &[&str], cursor: &str, content: &[u8]| {
            let paging = Paging::new(question, Some(cursor));
            paging
                .and_then(|paging| paging.start(content, 9))
                .map_err(|error| error.code)
        };
        assert_eq!(start(&question, &cursor, b"one"), Ok(7));
        assert_eq!(start(&question, &cursor, b"two"), Err("stale_cursor"));
        assert_eq!(
            start(&["scan_repo", "/s"], &cursor, b"one"),
            Err("bad_cursor")
        );
        assert_eq!(start(&question, "nonsense", b"one"), Err("bad_cursor"));
        assert_eq!(
            start(&question, &paging.cursor(b"one", 10), b"one"),
            Err("bad_cursor")
        );
    }
}
