//! Which line of the user's own code led to the call.

use crate::edit::python::Module;
use crate::workspace::Workspace;

use super::CallSite;
use super::evidence::{Evidence, Frame};

/// The call site: what the client named, else the innermost frame of the repo, else of anybody's own code.
pub fn find(evidence: &Evidence, workspace: Option<&Workspace>) -> Option<CallSite> {
    let named = evidence
        .call_site
        .iter()
        .filter(|(path, _)| is_own(path))
        .map(|(path, line)| (path.as_str(), *line));
    let frames = evidence
        .frames
        .iter()
        .rev()
        .filter(|frame| is_own(&frame.path))
        .map(|frame: &Frame| (frame.path.as_str(), frame.line));
    let places: Vec<(&str, u32)> = named.chain(frames).collect();
    if let Some(workspace) = workspace {
        let in_repo = places
            .iter()
            .find_map(|(path, line)| Some((locate(path, workspace)?, *line)));
        if let Some((path, line)) = in_repo {
            let symbol = symbol(workspace, &path, line);
            return Some(CallSite { path, line, symbol });
        }
    }
    let (path, line) = *places.first()?;
    Some(CallSite {
        path: super::shown(&slashes(path), 300),
        line,
        symbol: None,
    })
}

/// Whether a path is neither the client's nor a library's.
fn is_own(path: &str) -> bool {
    let path = slashes(path).to_lowercase();
    let is_client = path.contains("governor/_")
        || path.contains("governor/patches/")
        || path.contains("governor/integrations/")
        || path.ends_with("governor/http.py")
        || path.ends_with("governor/fs.py")
        || path.ends_with("governor/db.py");
    let is_library = [
        "/site-packages/",
        "/dist-packages/",
        "/lib/python3",
        "/lib64/python3",
        "/_pytest/",
    ]
    .iter()
    .any(|mark| path.contains(mark))
        || is_windows_library(&path)
        || path.starts_with('<');
    !is_client && !is_library
}

/// `C:/Python313/Lib/…`.
fn is_windows_library(path: &str) -> bool {
    path.match_indices("/python3").any(|(at, mark)| {
        path[at + mark.len()..]
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with("/lib/")
    })
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/")
}

/// The file of the repo that a printed path means: containers and other machines print other roots.
pub fn locate(path: &str, workspace: &Workspace) -> Option<String> {
    let path = slashes(path);
    let root = slashes(&workspace.root().to_string_lossy());
    if let Some(inside) = path.strip_prefix(&format!("{root}/")) {
        return is_file(workspace, inside);
    }
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != "." && *part != "~")
        .collect();
    if parts.contains(&"..") {
        return None;
    }
    (0..parts.len()).find_map(|skip| is_file(workspace, &parts[skip..].join("/")))
}

fn is_file(workspace: &Workspace, path: &str) -> Option<String> {
    let full = workspace.root().join(path);
    if !full.is_file() {
        return None;
    }
    workspace.confine(&full).ok()
}

/// The dotted name of the innermost function around a line, or the module's.
fn symbol(workspace: &Workspace, path: &str, line: u32) -> Option<String> {
    let source = workspace.read(path).ok()?;
    let module = Module::new(&source);
    let row = usize::try_from(line).ok()?.checked_sub(1)?;
    let mut names = vec![module_name(path)];
    names.extend(
        module
            .descendants(module.root())
            .filter(|node| {
                matches!(node.kind(), "function_definition" | "class_definition")
                    && node.start_position().row <= row
                    && row <= node.end_position().row
            })
            .filter_map(|node| Some(module.text(node.child_by_field_name("name")?).to_owned())),
    );
    Some(names.join("."))
}

/// `src/app/pay.py` is `app.pay`.
fn module_name(path: &str) -> String {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".py").unwrap_or(path);
    path.strip_suffix("/__init__")
        .unwrap_or(path)
        .replace('/', ".")
}
