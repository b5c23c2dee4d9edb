//! Findings in what the repo deploys with and in its `governor.toml`: settings that open the gate.

use super::Finding;
use crate::edit::python::Module;
use crate::snippets;
use crate::workspace::Workspace;

/// Folders whose files do not deploy.
const NOT_DEPLOYED: &[&str] = &["doc", "docs", "example", "examples", "test", "tests"];

/// The files that are neither the client's own nor in a folder that does not deploy.
pub fn deployed(workspace: &Workspace, keep: impl Fn(&str) -> bool) -> Vec<String> {
    let clients: Vec<String> = workspace
        .list(|name| name == "_gate.py")
        .files
        .iter()
        .filter_map(|path| path.strip_suffix(snippets::MARKER))
        .map(|folder| format!("{folder}governor/"))
        .collect();
    let mut files = workspace.list(keep).files;
    files.retain(|path| {
        !path.split('/').any(|part| NOT_DEPLOYED.contains(&part))
            && !clients
                .iter()
                .any(|client| path.starts_with(client.as_str()))
    });
    files
}

pub fn findings(workspace: &Workspace) -> Vec<Finding> {
    let mut found = Vec::new();
    for path in &deployed(workspace, is_settings_file) {
        let Ok(source) = workspace.read(path) else {
            continue;
        };
        let mentions = [
            &b"GOVERNOR_"[..],
            b"fail_mode",
            b"dev_bypass",
            b"[[destination",
        ]
        .iter()
        .any(|word| memchr::memmem::find(&source, word).is_some());
        if !mentions {
            continue;
        }
        let text = String::from_utf8_lossy(&source);
        if path.ends_with(".py") {
            python(&source, path, &mut found);
        } else if path.ends_with("governor.toml") {
            toml(&text, path, &mut found);
        } else {
            lines(&text, path, &mut found);
        }
    }
    found
}

fn is_settings_file(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let named = [
        "Dockerfile",
        "Containerfile",
        "Procfile",
        "Makefile",
        "Jenkinsfile",
    ];
    named.iter().any(|known| name.starts_with(known))
        || name.starts_with(".env")
        || matches!(
            extension,
            "bash"
                | "cfg"
                | "conf"
                | "env"
                | "ini"
                | "json"
                | "py"
                | "service"
                | "sh"
                | "tf"
                | "toml"
                | "yaml"
                | "yml"
        )
}

/// A variable and its value in any of the forms that deployment files have: `A=b`, `A: b`, `name: A` and `value: b`.
fn lines(text: &str, path: &str, found: &mut Vec<Finding>) {
    let all: Vec<&str> = text.lines().collect();
    for (index, line) in all.iter().enumerate() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let next = all.get(index + 1).copied().unwrap_or("");
        let value = |variable: &str| {
            let (_, rest) = line.split_once(variable)?;
            let rest = rest.trim_start_matches([' ', '"', '\'', ':', '=', ',']);
            // JSON in one line: `{"name": "A", "value": "b"}`.
            let rest = match rest.strip_prefix("value") {
                Some(rest) => rest.trim_start_matches([' ', '"', '\'', ':', '=']),
                None => rest,
            };
            let own = rest
                .split([' ', '"', '\'', ',', ';', '#'])
                .next()
                .unwrap_or("");
            let value = match own {
                "" => next
                    .trim()
                    .trim_start_matches("- ")
                    .strip_prefix("value")?
                    .trim_start_matches([' ', ':', '=', '"', '\'']),
                own => own,
            };
            Some(value.trim().trim_matches(['"', '\'']).to_lowercase())
        };
        report(&value, path, index as u32 + 1, found);
    }
}

fn report(value: &dyn Fn(&str) -> Option<String>, path: &str, line: u32, found: &mut Vec<Finding>) {
    if value("GOVERNOR_FAIL_MODE").as_deref() == Some("open") {
        let message = "`GOVERNOR_FAIL_MODE=open`: an outage of the plane lets every call through";
        found.push(Finding::new("fail_open", message.to_owned(), path, line));
    }
    if matches!(
        value("GOVERNOR_DEV_BYPASS").as_deref(),
        Some("1" | "true" | "yes" | "on")
    ) && !is_for_development(path)
    {
        let message = "`GOVERNOR_DEV_BYPASS` is set in a file that deploys: there is no gate then";
        found.push(Finding::new(
            "bypass_in_production",
            message.to_owned(),
            path,
            line,
        ));
    }
}

/// Whether the file's name says that it is for a developer's machine.
fn is_for_development(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    name.split(['.', '-', '_']).any(|part| {
        matches!(
            part,
            "dev" | "development" | "example" | "local" | "override" | "sample" | "test" | "tests"
        )
    })
}

fn python(source: &[u8], path: &str, found: &mut Vec<Finding>) {
    let module = Module::new(source);
    for node in module.descendants(module.root()) {
        let (key, value) = match node.kind() {
            "keyword_argument" | "pair" | "assignment" => {
                let (key, value) = match node.kind() {
                    "keyword_argument" => ("name", "value"),
                    "pair" => ("key", "value"),
                    _ => ("left", "right"),
                };
                let field = |name| {
                    node.child_by_field_name(name)
                        .map(|child| module.text(child))
                };
                (field(key).unwrap_or(""), field(value).unwrap_or(""))
            }
            _ => continue,
        };
        let value = value.trim_matches(['"', '\'']).to_lowercase();
        let line = node.start_position().row as u32 + 1;
        let is_call = node.kind() == "keyword_argument";
        let lookup = |variable: &str| {
            let setting = match variable {
                "GOVERNOR_FAIL_MODE" => "fail_mode",
                _ => "dev_bypass",
            };
            (key.contains(variable) || is_call && key == setting && names_client(&module, node))
                .then(|| value.clone())
        };
        report(&lookup, path, line, found);
    }
}

/// Whether the keyword belongs to a call of the client's `enable`.
fn names_client(module: &Module, argument: tree_sitter::Node) -> bool {
    argument
        .parent()
        .and_then(|arguments| arguments.parent())
        .and_then(|call| call.child_by_field_name("function"))
        .is_some_and(|function| module.text(function).ends_with("enable"))
}

fn toml(text: &str, path: &str, found: &mut Vec<Finding>) {
    let mut line_of_table = 0;
    for (line, number) in text.lines().zip(1u32..) {
        let line = line.trim();
        if line.starts_with('[') {
            line_of_table = number;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let value = value
            .split('#')
            .next()
            .unwrap_or("")
            .trim()
            .trim_matches(['"', '\'']);
        match (key.trim(), value) {
            ("fail_mode", "open") => {
                let message =
                    "`fail_mode = \"open\"`: an outage of the plane lets every call through";
                found.push(Finding::new("fail_open", message.to_owned(), path, number));
            }
            ("dev_bypass", "true") => {
                let message = "`dev_bypass = true`: there is no gate then";
                found.push(Finding::new(
                    "bypass_in_production",
                    message.to_owned(),
                    path,
                    number,
                ));
            }
            ("pattern" | "resource_name", "*" | "**" | "*://*" | "*/*") => {
                let message = "a destination names `*`, so that one permit covers everything";
                found.push(Finding::new(
                    "wildcard_mapping",
                    message.to_owned(),
                    path,
                    number.max(line_of_table),
                ));
            }
            _ => {}
        }
    }
}
