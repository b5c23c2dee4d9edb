//! `search_docs`: the passages of the documentation that answer a question.

use std::fmt::Write as _;

use serde_json::json;

use super::{Tool, text_schema};
use crate::docs;
use crate::mcp::call::{Answer, Call};
use crate::mcp::error::ToolError;
use crate::mcp::paging::{Budget, PAGE_CHARS};

pub const TOOL: Tool = Tool {
    name: "search_docs",
    title: "Search the documentation",
    description: "Searches governor's bundled documentation (guides, concepts, reference). Returns the best passages with page, section and score; read_doc gives the whole page.",
    input: || {
        let properties = json!({
            "query": {"type": "string", "description": "A question, or words from it"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 20, "description": "Most passages; default 5"},
        });
        (properties, &["query"])
    },
    output: || {
        let result = json!({"type": "object", "properties": {
            "page": text_schema(), "section": text_schema(), "uri": text_schema(), "score": {"type": "number"}, "text": text_schema()},
            "required": ["page", "section", "uri", "score", "text"]});
        let properties = json!({
            "summary": {"type": "object"}, "results": {"type": "array", "items": result}, "next_action": text_schema()});
        (properties, &["summary", "results", "next_action"])
    },
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let query = call.arguments.text("query").unwrap_or_default();
    if query.trim().is_empty() {
        return Err(ToolError::new(
            "empty_query",
            "`query` has no words",
            "pass a question or a few words, for example `fail closed`",
        ));
    }
    let found = docs::search(query, call.arguments.number("limit").unwrap_or(5));
    let mut budget = Budget::new(PAGE_CHARS);
    let matched = found.len();
    let results: Vec<docs::Passage> = found
        .into_iter()
        .take_while(|passage| budget.take(2 * passage.text.chars().count() + 200))
        .collect();
    let next_action = if results.is_empty() {
        let near = docs::suggestions(query);
        format!(
            "no passage matches; other words may, or read_doc of one of: {}",
            near.join(", ")
        )
    } else {
        "read_doc with a result's page and section gives the text around a passage".to_owned()
    };
    let mut text = format!("{} of {matched} passages\n", results.len());
    for (at, passage) in results.iter().enumerate() {
        let _ = write!(
            text,
            "\n{}. {} | page {} section {} | {} | score {:.2}\n{}\n",
            at + 1,
            passage.title,
            passage.page,
            passage.section,
            passage.uri,
            passage.score,
            passage.text
        );
    }
    let _ = write!(text, "\nnext: {next_action}");
    Ok(Answer {
        structured: json!({
            "summary": {"matched": matched, "returned": results.len()},
            "results": results,
            "next_action": next_action,
        }),
        text,
        ..Answer::default()
    })
}
