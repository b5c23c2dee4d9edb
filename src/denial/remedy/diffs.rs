//! Fixes as diffs: a decorator, a table in governor.toml, a permit.

use crate::diff::{self, FileChange};
use crate::edit::python::Module;
use crate::edit::python::enable::{ClientName, first_statements};
use crate::edit::{Insertions, line_ending_at, line_start};
use crate::policy::{Store, camel_case, quoted};
use crate::workspace::Workspace;

use super::super::CallSite;

/// `@governor.governed(...)` on the function that makes the call, and the import where it is missing.
pub fn governed(
    workspace: &Workspace,
    site: &CallSite,
    action: &str,
    resource_type: &str,
    resource_name: &str,
) -> Option<String> {
    let source = workspace.read(&site.path).ok()?;
    let module = Module::new(&source);
    let row = usize::try_from(site.line).ok()?.checked_sub(1)?;
    let function = module.function_at(row)?;
    let client = ClientName::of(&module);
    let mut edit = Insertions::default();
    if client.import.is_some() {
        edit.extend(first_statements(&module, &client, false));
    }
    let start = line_start(&source, function.start_byte());
    let indent = source.get(start..function.start_byte())?;
    if !indent.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let mut arguments = vec![format!("action={}", python_string(action))];
    for (key, value) in [
        ("resource_type", resource_type),
        ("resource_name", resource_name),
    ] {
        if !value.is_empty() && value != "unknown" {
            arguments.push(format!("{key}={}", python_string(value)));
        }
    }
    let mut line = indent.to_vec();
    line.extend_from_slice(
        format!(
            "@{}.governed({}){}",
            client.name,
            arguments.join(", "),
            line_ending_at(&source, start)
        )
        .as_bytes(),
    );
    edit.add(start, line);
    let new = edit.apply(&source);
    let broken = crate::edit::proof::errors(&Module::new(&new).tree)
        > crate::edit::proof::errors(&module.tree);
    (!broken).then(|| text(workspace, &site.path, Some(source), new))?
}

/// A table at the end of governor.toml.
pub fn governor_toml(workspace: Option<&Workspace>, table: &str) -> Option<String> {
    let workspace = workspace?;
    let path = "governor.toml";
    let old = match workspace.root().join(path).exists() {
        true => Some(workspace.read(path).ok()?),
        false => None,
    };
    let mut new = old.clone().unwrap_or_default();
    if !new.is_empty() {
        if !new.ends_with(b"\n") {
            new.push(b'\n');
        }
        new.push(b'\n');
    }
    new.extend_from_slice(table.as_bytes());
    let valid = std::str::from_utf8(&new).is_ok_and(|text| text.parse::<toml::Table>().is_ok());
    valid.then(|| self::text(workspace, path, old, new))?
}

/// A permit as a file of its own in the repo's policies folder.
pub fn new_policy(
    workspace: Option<&Workspace>,
    folder: Option<&str>,
    id: &str,
    cedar: &str,
) -> Option<String> {
    let workspace = workspace?;
    Store::from_cedar("permit", cedar).ok()?;
    let path = match folder.unwrap_or("policies") {
        "" => format!("{id}.cedar"),
        folder => format!("{folder}/{id}.cedar"),
    };
    if workspace.root().join(&path).exists() {
        return None;
    }
    text(workspace, &path, None, cedar.as_bytes().to_vec())
}

/// A permit for exactly this question.
pub fn permit(
    id: &str,
    actor: Option<(&str, &str)>,
    action: &str,
    resource_type: &str,
    resource_name: &str,
) -> String {
    let principal = match actor {
        Some((kind, name)) => format!(
            "principal == {}::{}",
            camel_case(kind, "Actor"),
            quoted(name)
        ),
        None => "principal".to_owned(),
    };
    format!(
        "@id({})\npermit (\n  {principal},\n  action == Action::{},\n  resource == {}::{}\n);\n",
        quoted(id),
        quoted(action),
        camel_case(resource_type, "Resource"),
        quoted(resource_name),
    )
}

fn text(workspace: &Workspace, path: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Option<String> {
    let (_, prefix) = diff::apply_root(workspace.root());
    let change = FileChange {
        path: path.to_owned(),
        old,
        new: Some(new),
    };
    String::from_utf8(diff::unified(&[change], &prefix)).ok()
}

fn python_string(text: &str) -> String {
    // JSON's string is Python's, but for what neither prints.
    serde_json::Value::from(text).to_string()
}

pub fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}
