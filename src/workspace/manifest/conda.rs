//! Environments of conda.

use super::{Addition, Dependency, newline, styled, whole_line};

/// A conda environment: into its list for pip, which is made if there is none.
pub fn addition(text: &str, dependency: &Dependency) -> Option<Addition> {
    let newline = newline(text);
    let mut at = 0;
    let mut in_dependencies = false;
    let mut pip: Option<(usize, usize)> = None;
    let mut last: Option<(usize, usize)> = None;
    let mut items = Vec::new();
    let mut item_indent = None;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if !body.starts_with(['-', '#']) && !body.is_empty() && indent == 0 {
            in_dependencies = body.starts_with("dependencies:");
            continue;
        }
        if !in_dependencies || !body.starts_with("- ") {
            continue;
        }
        match pip {
            Some((depth, _)) if indent > depth => {
                items.push(body[2..].trim().to_lowercase());
                item_indent = Some(indent);
                pip = Some((depth, at));
                last = last.map(|(depth, _)| (depth, at));
                continue;
            }
            _ => {}
        }
        if body[2..].trim_end() == "pip:" {
            pip = Some((indent, at));
        }
        last = Some((indent, at));
    }
    let (depth, at, head) = match (pip, last) {
        (Some((depth, at)), _) => (depth, at, String::new()),
        (None, Some((depth, at))) => (depth, at, format!("{}- pip:{newline}", " ".repeat(depth))),
        (None, None) => return None,
    };
    let line = format!(
        "{head}{}- {}",
        " ".repeat(item_indent.unwrap_or(depth + 2)),
        styled(dependency, &items)
    );
    Some(Addition {
        at,
        text: whole_line(text, at, &line),
        then: None,
        is_first: false,
    })
}
