//! `read_doc`: a page of the documentation, or one section of it.

use serde_json::json;

use super::{Tool, cursor_property, list_schema, text_schema};
use crate::docs::{self, NotFound};
use crate::mcp::call::{Answer, Call};
use crate::mcp::error::ToolError;
use crate::mcp::paging::Paging;

/// Half of what an answer may hold: the text stands in it twice.
const PART_CHARS: usize = 8_000;

pub const TOOL: Tool = Tool {
    name: "read_doc",
    title: "Read a documentation page",
    description: "Returns a page of governor's documentation, or one section of it, as Markdown. Long pages come in parts.",
    input: || {
        let properties = json!({
            "page": {"type": "string", "description": "Name or URI from search_docs, like guides/celery"},
            "section": {"type": "string", "description": "Section's name; default: the whole page"},
            "cursor": cursor_property(),
        });
        (properties, &["page"])
    },
    output: || {
        let properties = json!({
            "summary": {"type": "object"}, "page": text_schema(), "section": text_schema(), "uri": text_schema(),
            "title": text_schema(), "text": text_schema(), "sections": list_schema(),
            "next_cursor": text_schema(), "next_action": text_schema()});
        (
            properties,
            &["summary", "page", "uri", "title", "text", "sections"],
        )
    },
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let arguments = &call.arguments;
    let page = arguments.text("page").unwrap_or_default();
    let document = docs::page(page, arguments.text("section")).map_err(|error| {
        let (code, fix) = match &error {
            NotFound::Page { .. } => ("unknown_page", "search_docs finds pages by what they say"),
            NotFound::Section { .. } => (
                "unknown_section",
                "leave `section` out to read the whole page; its answer names the sections",
            ),
        };
        ToolError::new(code, error.to_string(), fix)
    })?;
    let total = document.text.chars().count();
    let paging = Paging::new(
        &["read_doc", &arguments.question()],
        arguments.text("cursor"),
    )?;
    let content = document.text.as_bytes();
    let start = paging.start(content, content.len())?;
    let rest = document.text.get(start..).unwrap_or_default();
    let part = part_of(rest);
    let end = start + part.len();
    let mut text = format!(
        "{} | {} | {total} characters\n",
        document.title, document.uri
    );
    if start == 0 && document.section.is_none() {
        let names: Vec<&str> = document
            .sections
            .iter()
            .map(|s| s.section.as_str())
            .collect();
        text += &format!("sections: {}\n", names.join(", "));
    }
    text += &format!("\n{part}");
    let sections = if start == 0 {
        json!(document.sections)
    } else {
        json!([])
    };
    let mut structured = json!({
        "summary": {"characters": total, "returned": part.chars().count()},
        "page": document.page,
        "uri": document.uri,
        "title": document.title,
        "sections": sections,
        "text": part,
    });
    if let Some(section) = document.section {
        structured["section"] = json!(section);
    }
    if end < document.text.len() {
        let cursor = paging.cursor(content, end);
        text += &format!("\n\nnext: the same call with cursor {cursor} for the rest");
        structured["next_cursor"] = json!(cursor);
        structured["next_action"] =
            json!("the same call with next_cursor as `cursor` returns the rest");
    }
    Ok(Answer {
        structured,
        text,
        ..Answer::default()
    })
}

/// As much of `text` as fits, up to the end of a paragraph.
fn part_of(text: &str) -> &str {
    let Some((limit, _)) = text.char_indices().nth(PART_CHARS) else {
        return text;
    };
    let cut = text[..limit].rfind("\n\n").map_or(limit, |at| at + 2);
    &text[..cut]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_paragraphs() {
        let text = format!("{}\n\n{}", "a".repeat(5000), "b".repeat(5000));
        assert_eq!(part_of(&text), format!("{}\n\n", "a".repeat(5000)));
        assert_eq!(part_of("short"), "short");
    }
}
