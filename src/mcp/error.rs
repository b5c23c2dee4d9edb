//! What a call with bad input answers: a stable code, the cause and the fix, as a result that a model can act on.

use rmcp::model::{CallToolResult, ContentBlock};

use super::text::clean;

/// No part of an error is longer, so that the whole stays under 1,000 characters.
const PART_CHARS: usize = 420;

/// Why a tool did not answer. The code is part of the contract; the rest is for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolError {
    pub code: &'static str,
    pub cause: String,
    pub fix: String,
}

impl ToolError {
    pub fn new(code: &'static str, cause: impl Into<String>, fix: impl Into<String>) -> ToolError {
        ToolError {
            code,
            cause: cause.into(),
            fix: fix.into(),
        }
    }

    /// The tool broke; the server lives.
    pub fn internal(cause: &str) -> ToolError {
        ToolError::new(
            "internal_error",
            cause,
            "the server goes on; call again, and report it with the arguments if it happens twice",
        )
    }

    /// An error of the crate's whose message ends in what to do, after the last `: `.
    pub fn from_chain(code: &'static str, error: &anyhow::Error, fix: &str) -> ToolError {
        ToolError::new(code, format!("{error:#}"), fix)
    }

    fn text(&self) -> String {
        format!(
            "error: {}\ncause: {}\nfix: {}",
            self.code,
            clean(&self.cause, PART_CHARS),
            clean(&self.fix, PART_CHARS)
        )
    }
}

impl From<ToolError> for CallToolResult {
    fn from(error: ToolError) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(error.text())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_short_and_on_three_lines() {
        let error = ToolError::new("path_not_found", "x\n".repeat(900), "y".repeat(3000));
        let text = error.text();
        assert!(text.chars().count() < 1000, "{}", text.chars().count());
        assert_eq!(text.lines().count(), 3);
    }
}
