//! An integration taken back, from the code as it stands: what was put in is recognised, taken out, and put in again to
//! see that it gives the same bytes.

use super::propose::{apply_command, assemble};
use super::{ClientFiles, CoverageChange, Evidence, Patch, evidence, shell_word};
use crate::diff::FileChange;
use crate::edit::{config, notebook, python, workflow};
use crate::facts::Scan;
use crate::plan::{self, Options};
use crate::snippets;
use crate::workspace::Workspace;
use crate::workspace::launch;
use crate::workspace::manifest::{self, Dependency};

pub fn undo(workspace: &Workspace, scan: &Scan, options: &Options) -> anyhow::Result<Patch> {
    let mut changes = Vec::new();
    let mut client_changes = Vec::new();
    let mut client_files = Vec::new();
    let listing = workspace.list(|_| true);
    let context = plan::Context::new(workspace, scan, options);
    let dependency = Dependency {
        name: snippets::DISTRIBUTION,
        version: snippets::VERSION,
        sha256: snippets::wheel_sha256(),
    };
    let client_dirs: Vec<&str> = listing
        .files
        .iter()
        .filter_map(|path| path.strip_suffix(snippets::MARKER))
        .map(|folder| folder.trim_end_matches('/'))
        .collect();
    for path in &listing.files {
        let in_client = client_dirs
            .iter()
            .any(|dir| path.starts_with(&format!("{}/", crate::plan::join(dir, "governor"))));
        if in_client {
            continue;
        }
        let Ok(source) = workspace.read(path) else {
            continue;
        };
        if memchr::memmem::find(&source, b"governor").is_none()
            && memchr::memmem::find(&source, b"GOVERNOR_").is_none()
        {
            continue;
        }
        if let Some(new) = taken_out(&context, path, &source, &dependency) {
            changes.push(FileChange {
                path: path.clone(),
                old: Some(source),
                new,
            });
        }
    }
    for dir in client_dirs {
        let mut count = 0;
        for file in snippets::client_files() {
            let path = crate::plan::join(dir, file.path);
            if workspace.read(&path).is_ok_and(|bytes| bytes == file.bytes) {
                count += 1;
                client_changes.push(FileChange {
                    path,
                    old: Some(file.bytes.to_vec()),
                    new: None,
                });
            }
        }
        let folder =
            super::propose::client_folder(workspace.root(), if dir.is_empty() { "." } else { dir });
        client_files.push(ClientFiles {
            dir: if dir.is_empty() { "." } else { dir }.to_owned(),
            files: count,
            reason: "the vendored client".to_owned(),
            command: format!("rm -r {}", shell_word(&folder.to_string_lossy())),
        });
    }
    let files = changes.iter().map(evidence::of_file).collect();
    let mut patch = assemble(
        workspace,
        options,
        changes,
        Evidence {
            files,
            moved: Vec::new(),
            coverage: CoverageChange::default(),
        },
    );
    if !patch.diff_bytes.is_empty() {
        patch
            .apply
            .push(apply_command(workspace, options, true, &patch.root));
        patch
            .undo
            .push(apply_command(workspace, options, false, &patch.root));
    }
    patch
        .apply
        .extend(client_files.iter().map(|files| files.command.clone()));
    patch.client_files = client_files;
    patch.client_changes = client_changes;
    Ok(patch)
}

/// The file without what was put in: `Some(None)` where the whole file was.
fn taken_out(
    context: &plan::Context,
    path: &str,
    source: &[u8],
    dependency: &Dependency,
) -> Option<Option<Vec<u8>>> {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    if path == plan::config::PATH {
        let (destinations, named) = plan::config::names(context.scan);
        if config::starting(&destinations, &named).as_bytes() == source {
            return Some(None);
        }
        return config::take_out(source, &destinations).map(Some);
    }
    if name == plan::zero_code::FUNCTION_ACTIVATION && source == snippets::function_activation() {
        return Some(None);
    }
    match name {
        name if name.ends_with(".py") => python::take_out(source).map(Some),
        name if name.ends_with(".json")
            && memchr::memmem::find(source, b"/api/v2/enforce").is_some() =>
        {
            workflow::take_out(source, &plan::workflow::nodes(context, path)).map(Some)
        }
        name if name.ends_with(".ipynb") => notebook::take_out(source).map(Some),
        _ if launch::is_dockerfile(path) => {
            let first = plan::zero_code::take_out(context, path, source);
            let text = first.as_deref().unwrap_or(source);
            plan::docker::take_out(context, path, text)
                .or(first)
                .map(Some)
        }
        _ => {
            if let Some(without) = plan::zero_code::take_out(context, path, source) {
                return Some(Some(without));
            }
            let text = std::str::from_utf8(source).ok()?;
            let without = manifest::take_out(path, text, dependency)?;
            Some(Some(without.into_bytes()))
        }
    }
}
