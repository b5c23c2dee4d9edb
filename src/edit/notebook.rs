//! The client in the first code cell of a notebook. The file's JSON is kept byte for byte around the insertion.

use super::Insertions;
use super::json::Scanner;

/// Puts the client first in the first code cell of Python. `None` when it is there.
pub fn insert(source: &[u8]) -> Result<Option<Insertions>, String> {
    let text = std::str::from_utf8(source).map_err(|_| "not valid UTF-8".to_owned())?;
    let document: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    let cells = document
        .get("cells")
        .and_then(|cells| cells.as_array())
        .ok_or("no list of cells: an old notebook format")?;
    let code = |cell: &serde_json::Value| match cell.get("source") {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Array(lines)) => {
            lines.iter().filter_map(|line| line.as_str()).collect()
        }
        _ => String::new(),
    };
    let is_code = |cell: &serde_json::Value| {
        cell.get("cell_type").is_some_and(|kind| kind == "code")
            && !code(cell).trim_start().starts_with("%%")
            && !code(cell).trim().is_empty()
    };
    let is_enabled = cells.iter().filter(|cell| is_code(cell)).any(|cell| {
        let code = code(cell);
        code.contains("governor") && code.contains("enable(")
    });
    if is_enabled {
        return Ok(None);
    }
    let index = cells
        .iter()
        .position(is_code)
        .ok_or("no code cell of Python")?;
    let at = source_of_cell(text, index).ok_or("the cell's source was not found")?;
    let body = &text[at..];
    if body.starts_with('"') {
        return Ok(Some(Insertions::one(
            at + 1,
            "import governor\\n\\ngovernor.enable()\\n\\n",
        )));
    }
    let first = body.find('"').ok_or("the cell has no lines")?;
    let gap = &body[1..first];
    let lines = ["import governor\\n", "\\n", "governor.enable()\\n", "\\n"];
    let inserted: String = lines
        .iter()
        .map(|line| format!("\"{line}\",{}", if gap.is_empty() { " " } else { gap }))
        .collect();
    Ok(Some(Insertions::one(at + first, inserted)))
}

/// Takes out what [`insert`] put in.
pub fn take_out(source: &[u8]) -> Option<Vec<u8>> {
    const LINES: [&str; 4] = ["import governor\\n", "\\n", "governor.enable()\\n", "\\n"];
    let text = std::str::from_utf8(source).ok()?;
    let one = LINES.concat();
    let start = text.find("import governor\\n")?;
    let end = match text[start..].starts_with(&one) {
        true => start + one.len(),
        false => {
            let mut at = start;
            for line in LINES {
                at = text[at..].find(line)? + at + line.len();
            }
            // The next line's text starts after the quote, the comma, the gap and a quote.
            at + text[at + 1..].find('"')? + 2
        }
    };
    let candidate = [&source[..start], &source[end..]].concat();
    let again = insert(&candidate).ok()??;
    (again.apply(&candidate) == source).then_some(candidate)
}

/// The offset of the value of `source` in the cell.
fn source_of_cell(text: &str, cell: usize) -> Option<usize> {
    let mut scanner = Scanner { text, at: 0 };
    let cells = scanner.value_of_key("cells")?;
    scanner.at = cells;
    scanner.enter_item(cell)?;
    scanner.value_of_key("source")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_into_the_first_code_cell() {
        let source = "{\n \"cells\": [\n  {\"cell_type\": \"markdown\", \"source\": [\"# x]\"]},\n  {\n   \"cell_type\": \"code\",\n   \"source\": [\n    \"import os\\n\",\n    \"x\"\n   ]\n  }\n ],\n \"nbformat\": 4\n}";
        let edit = insert(source.as_bytes()).expect("reads").expect("applies");
        let result = edit.apply(source.as_bytes());
        let text = String::from_utf8_lossy(&result);
        assert!(text.contains("\"source\": [\n    \"import governor\\n\",\n    \"\\n\",\n    \"governor.enable()\\n\",\n    \"\\n\",\n    \"import os\\n\","), "{text}");
        assert_eq!(insert(&result), Ok(None));
        assert_eq!(take_out(&result).as_deref(), Some(source.as_bytes()));
    }
}
