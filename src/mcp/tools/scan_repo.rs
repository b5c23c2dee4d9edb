//! `scan_repo`: the entrypoints and side-effecting calls of a repo, paged.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Tool, cursor_property, list_schema, name_of, path_property, text_schema};
use crate::facts::{Effect, Entrypoint, Origin, Scan};
use crate::mcp::call::{Answer, Call, root_of};
use crate::mcp::error::ToolError;
use crate::mcp::paging::{Budget, PAGE_CHARS, Paging};
use crate::mcp::text::{as_data, quote};
use crate::report;

/// The categories of the contract.
pub const CATEGORIES: [&str; 13] = [
    "http",
    "database",
    "filesystem",
    "process",
    "email",
    "messaging",
    "cloud",
    "llm",
    "mcp",
    "browser",
    "secrets",
    "saas",
    "network",
];

/// Skipped and unparsed files are named up to this many; the counts are whole.
const NAMED_FILES: usize = 20;

pub const TOOL: Tool = Tool {
    name: "scan_repo",
    title: "Scan a repo",
    description: "Lists a Python repo's entrypoints (processes that need enable(), boundaries that need an intent) and every side-effecting call (HTTP, SQL, files, processes, mail, cloud, LLM, ...) with place, target, confidence and coverage. Counts first, then pages. Reads only; runs no code.",
    input: || {
        let properties = json!({
            "path": path_property(),
            "categories": {"type": "array", "items": {"type": "string", "enum": CATEGORIES}, "description": "Only effects of these; default all"},
            "cursor": cursor_property(),
        });
        (properties, &[])
    },
    output: || {
        let properties = json!({
            "root": text_schema(), "schema": text_schema(), "summary": {"type": "object"}, "files": {"type": "object"},
            "entrypoints": list_schema(), "effects": list_schema(),
            "next_cursor": text_schema(), "next_action": text_schema()});
        (
            properties,
            &[
                "root",
                "schema",
                "summary",
                "files",
                "entrypoints",
                "effects",
                "next_action",
            ],
        )
    },
    run,
};

enum Item<'a> {
    Entrypoint(&'a Entrypoint),
    Effect(&'a Effect),
}

fn run(call: &Call) -> Result<Answer, ToolError> {
    let workspace = call.workspace()?;
    let root = workspace.root().to_string_lossy();
    let question = ["scan_repo", &root, &call.arguments.question()];
    let paging = Paging::new(&question, call.arguments.text("cursor"))?;
    let scan = call.scan(&workspace)?;
    let categories = call.arguments.list("categories");
    let wanted = |effect: &&Effect| {
        categories.is_empty() || categories.contains(&name_of(&effect.category).as_str())
    };
    let entrypoints = scan.entrypoints.iter().map(Item::Entrypoint);
    let effects = scan.effects.iter().filter(wanted).map(Item::Effect);
    let items: Vec<Item> = entrypoints.chain(effects).collect();

    let content = serde_json::to_vec(&*scan).unwrap_or_default();
    let start = paging.start(&content, items.len())?;

    let head = head(&scan, items.len(), start, &categories);
    let mut budget =
        Budget::new(PAGE_CHARS.saturating_sub(head.text.len() + head.files.to_string().len()));
    let (mut entrypoints, mut effects, mut lines) = (Vec::new(), Vec::new(), String::new());
    let mut end = start;
    for item in &items[start..] {
        let (mut value, line) = match item {
            Item::Entrypoint(entrypoint) => (json!(entrypoint), entrypoint_line(entrypoint)),
            Item::Effect(effect) => (json!(effect), effect_line(effect)),
        };
        as_data(&mut value);
        if !budget.take(value.to_string().chars().count() + line.chars().count() + 3) {
            break;
        }
        lines.push_str(&line);
        match item {
            Item::Entrypoint(_) => entrypoints.push(value),
            Item::Effect(_) => effects.push(value),
        }
        end += 1;
    }

    let left = items.len() - end;
    let next_cursor = (left > 0).then(|| paging.cursor(&content, end));
    let next_action = match (&next_cursor, scan.summary.effects) {
        (Some(_), _) => format!(
            "scan_repo with next_cursor as `cursor` lists {left} more; plan_integration says what to change"
        ),
        (None, _) if scan.files.python == 0 => {
            "there is no Python file under this root: pass `path` with the repo's absolute path"
                .to_owned()
        }
        (None, 0) => {
            "no side effect in the app's own code; plan_integration still enables its processes"
                .to_owned()
        }
        (None, _) => "plan_integration says what to change".to_owned(),
    };
    let mut text = format!("root: {root}\n{}{lines}", head.text);
    if let Some(cursor) = &next_cursor {
        let _ = writeln!(text, "cursor for the next page: {cursor}");
    }
    let _ = write!(text, "next: {next_action}");
    let mut structured = json!({
        "root": root_of(&workspace),
        "schema": scan.schema,
        "summary": scan.summary,
        "files": head.files,
        "entrypoints": entrypoints,
        "effects": effects,
        "next_action": next_action,
    });
    if let Some(cursor) = next_cursor {
        structured["next_cursor"] = json!(cursor);
    }
    Ok(Answer {
        structured,
        text,
        ..Answer::default()
    })
}

/// What stands above the items: counts, and the files that were not read. Pages after the first only count them.
struct Head {
    text: String,
    files: Value,
}

fn head(scan: &Scan, items: usize, start: usize, categories: &[&str]) -> Head {
    let named = if start == 0 { NAMED_FILES } else { 0 };
    let (skipped, unparsed) = (&scan.files.skipped, &scan.files.unparsed);
    let mut files = json!({
        "python": scan.files.python,
        "with_findings": scan.files.with_findings,
        "skipped_count": skipped.len(),
        "skipped": skipped.iter().take(named).collect::<Vec<_>>(),
        "unparsed_count": unparsed.len(),
        "unparsed": unparsed.iter().take(named).collect::<Vec<_>>(),
    });
    as_data(&mut files);
    let mut text = format!(
        "app code: {} entrypoints, {} effects {}, coverage {}\n",
        scan.summary.entrypoints,
        scan.summary.effects,
        json!(scan.summary.by_category),
        json!(scan.summary.coverage),
    );
    let _ = writeln!(
        text,
        "files: {} python, {} with findings, {} skipped, {} with unparsed lines; {} entrypoints and {} effects of every origin",
        scan.files.python,
        scan.files.with_findings,
        skipped.len(),
        unparsed.len(),
        scan.entrypoints.len(),
        scan.effects.len(),
    );
    for file in skipped.iter().take(named) {
        let _ = writeln!(
            text,
            "skipped {}: {}",
            quote(&file.path),
            quote(&file.reason)
        );
    }
    for part in unparsed.iter().take(named) {
        let _ = writeln!(
            text,
            "unparsed {}:{}-{}",
            quote(&part.path),
            part.line,
            part.end_line
        );
    }
    if !categories.is_empty() {
        let _ = writeln!(text, "only effects of: {}", categories.join(", "));
    }
    let _ = writeln!(
        text,
        "items from {start} of {items}; unless said otherwise: origin app, certain, intercepted by the client, coverage none"
    );
    Head { text, files }
}

fn entrypoint_line(entrypoint: &Entrypoint) -> String {
    let mut line = format!(
        "{} {} {} {} {}-{}",
        entrypoint.id,
        name_of(&entrypoint.role),
        entrypoint.kind,
        quote(&entrypoint.name),
        report::place(&quote(&entrypoint.path), entrypoint.cell, entrypoint.line),
        entrypoint.end_line
    );
    if let Some(symbol) = &entrypoint.symbol {
        let _ = write!(line, " {}", quote(symbol));
    }
    if let Some(enabled) = entrypoint.enabled {
        line += if enabled {
            ", enabled"
        } else {
            ", not enabled"
        };
    }
    if let Some(scoped) = entrypoint.scoped {
        line += if scoped { ", scoped" } else { ", not scoped" };
    }
    if !entrypoint.processes.is_empty() {
        let _ = write!(line, ", run by {}", entrypoint.processes.join(" "));
    }
    for command in &entrypoint.commands {
        let prefork = if command.prefork {
            " (forks workers)"
        } else {
            ""
        };
        let _ = write!(
            line,
            ", started by {}:{} {}{prefork}",
            quote(&command.path),
            command.line,
            quote(&command.command)
        );
    }
    with_origin(line, entrypoint.origin)
}

fn effect_line(effect: &Effect) -> String {
    let mut line = format!(
        "{} {}.{} {} {}:{}-{} in {}",
        effect.id,
        name_of(&effect.category),
        name_of(&effect.action),
        quote(&effect.call),
        report::place(&quote(&effect.path), effect.cell, effect.line),
        effect.column,
        effect.end_line,
        quote(&effect.symbol)
    );
    if let Some(destination) = &effect.destination {
        let _ = write!(line, " to {}", quote(destination));
    }
    let _ = write!(
        line,
        ", resource {}:{}",
        quote(&effect.resource.kind),
        quote(&effect.resource.name)
    );
    let confidence = name_of(&effect.confidence);
    if confidence != "certain" {
        let _ = write!(line, ", {confidence}");
    }
    if !effect.intercepted {
        line += ", not intercepted";
    }
    let coverage = name_of(&effect.coverage);
    if coverage != "none" {
        let _ = write!(line, ", coverage {coverage}");
    }
    if !effect.reached_from.is_empty() {
        let _ = write!(line, ", from {}", effect.reached_from.join(" "));
    }
    with_origin(line, effect.origin)
}

fn with_origin(mut line: String, origin: Origin) -> String {
    if origin != Origin::App {
        let _ = write!(line, ", origin {}", name_of(&origin));
    }
    line.push('\n');
    line
}
