//! Completion of the arguments of prompts and resource templates.

use rmcp::model::{CompleteRequestParams, Reference};

use super::prompts::MODES;
use super::root::Roots;
use super::shelf::Shelf;
use super::text::clean;
use crate::docs;
use crate::facts::Origin;
use crate::facts::session::Session;

/// The values that go on from what the user typed, best first.
pub fn values(request: &CompleteRequestParams, roots: &Roots, shelf: &Shelf) -> Vec<String> {
    let typed = request.argument.value.as_str();
    let all = match (&request.r#ref, request.argument.name.as_str()) {
        (Reference::Prompt(_), "mode") => MODES.map(str::to_owned).to_vec(),
        (Reference::Prompt(_), "path") => return directories(roots, typed),
        (Reference::Prompt(_), "symbol") => symbols(roots, shelf),
        (Reference::Resource(template), "page") if template.uri.starts_with(docs::SCHEME) => {
            docs::list().into_iter().map(|page| page.page).collect()
        }
        (Reference::Resource(template), "file")
            if template.uri.starts_with("governor://client/") =>
        {
            super::resources::client_files()
        }
        (Reference::Resource(template), "id") if template.uri.starts_with("governor://patch/") => {
            shelf.list().into_iter().map(|(id, _)| id).collect()
        }
        _ => Vec::new(),
    };
    matching(all, typed)
}

/// Those that begin with what was typed, then those that contain it.
fn matching(all: Vec<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let (starting, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|value| value.to_lowercase().starts_with(&typed));
    let containing = others
        .into_iter()
        .filter(|value| value.to_lowercase().contains(&typed));
    starting.into_iter().chain(containing).collect()
}

/// Functions with side effects.
fn symbols(roots: &Roots, shelf: &Shelf) -> Vec<String> {
    let scan = roots
        .open(None)
        .ok()
        .and_then(|workspace| shelf.scan(&workspace, Session::default()).ok());
    let effects = scan.iter().flat_map(|scan| &scan.effects);
    let app = effects.filter(|effect| effect.origin == Origin::App);
    let mut symbols: Vec<String> = app.map(|effect| clean(&effect.symbol, 300)).collect();
    symbols.sort();
    symbols.dedup();
    symbols
}

/// Folders of the project below what was typed.
fn directories(roots: &Roots, typed: &str) -> Vec<String> {
    let (folder, started) = typed.rsplit_once('/').map_or(("", typed), |(a, b)| (a, b));
    let absolute = typed.starts_with('/') && folder.is_empty();
    let Ok(workspace) = roots.open(Some(if absolute { "/" } else { folder })) else {
        return Vec::new();
    };
    let prefix = &typed[..typed.len() - started.len()];
    let entries = std::fs::read_dir(workspace.root())
        .into_iter()
        .flatten()
        .flatten();
    let names = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name.starts_with(started));
    let mut found: Vec<String> = names
        .map(|name| format!("{prefix}{}", clean(&name, 300)))
        .collect();
    found.sort();
    found
}
