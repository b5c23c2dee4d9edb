//! Dependencies in TOML: `pyproject.toml`, with or without Poetry, and `Pipfile`.

use std::ops::Range;

use toml_edit::{Document, Item};

use super::{Addition, Dependency, into_list, whole_line};

pub fn pyproject(text: &str, dependency: &Dependency) -> Option<Addition> {
    let document = Document::parse(text).ok()?;
    let then = |lock: &'static str, held: bool| held.then_some(lock);
    let is_poetry_lock = document
        .get("tool")
        .and_then(|tool| tool.get("poetry"))
        .is_some();
    let is_uv = document
        .get("tool")
        .and_then(|tool| tool.get("uv"))
        .is_some();
    if let Some(list) = document
        .get("project")
        .and_then(|project| project.get("dependencies"))
    {
        let array = list.as_array()?;
        let items: Vec<Range<usize>> = array.iter().filter_map(toml_edit::Value::span).collect();
        let (at, added) = into_list(text, array.span()?, &items, dependency);
        return Some(Addition {
            at,
            text: added,
            then: then("poetry lock", is_poetry_lock).or(then("uv lock", is_uv)),
            is_first: false,
        });
    }
    let project = document.get("project").and_then(Item::as_table);
    let has_other = document
        .get("tool")
        .and_then(|tool| tool.get("poetry")?.get("dependencies"))
        .is_some();
    if let Some(project) = project.filter(|project| !has_other && !project.contains_key("dynamic"))
    {
        let last = project
            .iter()
            .filter(|(_, item)| item.is_value())
            .filter_map(|(_, item)| item.span())
            .map(|span| span.end)
            .max()?;
        let at = text[last..]
            .find('\n')
            .map_or(text.len(), |index| last + index + 1);
        let line = format!(
            "dependencies = [\"{}>={}\"]",
            dependency.name, dependency.version
        );
        return Some(Addition {
            at,
            text: whole_line(text, at, &line),
            then: then("uv lock", is_uv),
            is_first: true,
        });
    }
    let table = document.get("tool")?.get("poetry")?.get("dependencies")?;
    into_table(text, table, dependency).map(|(at, added)| Addition {
        at,
        text: added,
        then: Some("poetry lock"),
        is_first: false,
    })
}

pub fn pipfile(text: &str, dependency: &Dependency) -> Option<Addition> {
    let document = Document::parse(text).ok()?;
    let (at, added) = into_table(text, document.get("packages")?, dependency)?;
    Some(Addition {
        at,
        text: added,
        then: Some("pipenv lock"),
        is_first: false,
    })
}

/// A key of a TOML table, after its last one.
fn into_table(text: &str, table: &Item, dependency: &Dependency) -> Option<(usize, String)> {
    let table = table.as_table()?;
    let last = table
        .iter()
        .filter_map(|(_, item)| item.span())
        .map(|span| span.end)
        .max();
    let at = last.or_else(|| table.span().map(|span| span.end))?;
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |index| at + index + 1);
    let values: Vec<&str> = table.iter().filter_map(|(_, item)| item.as_str()).collect();
    let version = match values.iter().find(|value| **value != "*") {
        Some(value) if value.starts_with('^') => format!("^{}", dependency.version),
        Some(value) if value.starts_with('~') => format!("~={}", dependency.version),
        Some(value) if value.starts_with("==") => format!("=={}", dependency.version),
        None if !values.is_empty() => "*".to_owned(),
        _ => format!(">={}", dependency.version),
    };
    let line = format!("{} = \"{version}\"", dependency.name);
    Some((end, whole_line(text, end, &line)))
}
