//! Steps become changed files, and changed files a patch.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::{Check, ClientFiles, Edit, Evidence, Patch, evidence, shell_word};
use crate::diff::{self, FileChange};
use crate::edit::Insertions;
use crate::edit::python::{self, Part};
use crate::facts::Scan;
use crate::plan::{Change, Options, Plan, Step};
use crate::snippets::{self, sha256};
use crate::workspace::Workspace;

pub fn propose(
    workspace: &Workspace,
    scan: &Scan,
    plan: &Plan,
    options: &Options,
) -> anyhow::Result<Patch> {
    let steps = selected(plan, &options.steps)?;
    let (changes, evidence) = changes(workspace, &steps)?;
    let client_dirs: BTreeMap<&str, &Step> = steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::Client { dir } => Some((dir.as_str(), *step)),
            _ => None,
        })
        .collect();
    let coverage = evidence::coverage(scan, plan, &steps);
    let mut patch = assemble(
        workspace,
        options,
        changes,
        Evidence {
            files: evidence,
            moved: Vec::new(),
            coverage,
        },
    );
    patch.steps = steps.iter().map(|step| step.id.clone()).collect();
    let root = workspace.root();
    for (dir, step) in client_dirs {
        let files = snippets::client_files();
        let target = if dir.is_empty() {
            root.to_owned()
        } else {
            root.join(dir)
        };
        patch.client_files.push(ClientFiles {
            dir: if dir.is_empty() { "." } else { dir }.to_owned(),
            files: files.len(),
            reason: step.reason.clone(),
            command: format!(
                "governor-mcp client vendor {}",
                shell_word(&target.to_string_lossy())
            ),
        });
        patch
            .client_changes
            .extend(files.iter().map(|file| FileChange {
                path: crate::plan::join(dir, file.path),
                old: None,
                new: Some(file.bytes.to_vec()),
            }));
    }
    patch.apply = patch
        .client_files
        .iter()
        .map(|files| files.command.clone())
        .collect();
    if !patch.diff_bytes.is_empty() {
        patch
            .apply
            .push(apply_command(workspace, options, false, &patch.root));
        patch
            .undo
            .push(apply_command(workspace, options, true, &patch.root));
    }
    patch.undo.extend(patch.client_files.iter().map(|files| {
        let folder = client_folder(root, &files.dir);
        format!("rm -r {}", shell_word(&folder.to_string_lossy()))
    }));
    patch.checks = checks(workspace, options, &patch);
    Ok(patch)
}

/// Where the client's files of a [`ClientFiles`] lie.
pub fn client_folder(root: &std::path::Path, dir: &str) -> std::path::PathBuf {
    match dir {
        "." => root.join("governor"),
        dir => root.join(dir).join("governor"),
    }
}

fn selected<'p>(plan: &'p Plan, ids: &[String]) -> anyhow::Result<Vec<&'p Step>> {
    for id in ids {
        if !plan.steps.iter().any(|step| step.id == *id) {
            let known: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            if known.is_empty() {
                bail!("no step `{id}`: nothing is left to do in this mode");
            }
            bail!("no step `{id}`: the steps are {}", known.join(", "));
        }
    }
    // The folders that the chosen modules import the client from: it comes with them.
    let clients: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| ids.contains(&step.id))
        .filter_map(|step| match &step.change {
            Change::Python { path, .. } => Some(path),
            Change::Text { path, .. } => Some(path).filter(|path| path.ends_with(".ipynb")),
            _ => None,
        })
        .filter_map(|path| nearest_client(plan, path))
        .collect();
    Ok(plan
        .steps
        .iter()
        .filter(|step| {
            ids.is_empty()
                || ids.contains(&step.id)
                || matches!(&step.change, Change::Client { dir } if clients.contains(dir.as_str()))
        })
        .collect())
}

/// The innermost folder above a module that the plan puts the client's files into.
fn nearest_client<'p>(plan: &'p Plan, path: &str) -> Option<&'p str> {
    plan.steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::Client { dir } => Some(dir.as_str()),
            _ => None,
        })
        .filter(|dir| dir.is_empty() || path.starts_with(&format!("{dir}/")))
        .max_by_key(|dir| dir.len())
}

fn changes(
    workspace: &Workspace,
    steps: &[&Step],
) -> anyhow::Result<(Vec<FileChange>, Vec<super::FileEvidence>)> {
    let mut python: BTreeMap<&str, BTreeSet<Part>> = BTreeMap::new();
    let mut text: BTreeMap<&str, Insertions> = BTreeMap::new();
    let mut changes = Vec::new();
    for step in steps {
        match &step.change {
            Change::Python { path, part } => {
                python.entry(path).or_default().insert(part.clone());
            }
            Change::Text { path, insertions } => {
                text.entry(path).or_default().extend(insertions.clone());
            }
            Change::Create { path, content } => changes.push(FileChange {
                path: path.clone(),
                old: None,
                new: Some(content.clone()),
            }),
            Change::Client { .. } | Change::None => {}
        }
    }
    let read = |path: &str| {
        workspace
            .read(path)
            .map_err(|reason| anyhow::anyhow!("cannot read `{path}`: {reason}"))
    };
    let mut files: Vec<super::FileEvidence> = changes.iter().map(evidence::of_file).collect();
    let paths: BTreeSet<&str> = python.keys().chain(text.keys()).copied().collect();
    let edited: Vec<(FileChange, super::FileEvidence)> = paths
        .into_par_iter()
        .map(|path| {
            let old = read(path)?;
            let mut insertions = text.get(path).cloned().unwrap_or_default();
            if let Some(parts) = python.get(path) {
                insertions.extend(
                    python::compose(&old, parts)
                        .with_context(|| format!("cannot edit `{path}`"))?,
                );
            }
            let change = FileChange {
                path: path.to_owned(),
                new: Some(insertions.apply(&old)),
                old: Some(old),
            };
            // While the file's parses are at hand.
            let evidence = evidence::of_file(&change);
            Ok((change, evidence))
        })
        .collect::<anyhow::Result<_>>()?;
    for (change, evidence) in edited {
        changes.push(change);
        files.push(evidence);
    }
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok((changes, files))
}

/// The parts of a patch that follow from its changed files.
pub fn assemble(
    workspace: &Workspace,
    options: &Options,
    changes: Vec<FileChange>,
    evidence: Evidence,
) -> Patch {
    let (root, prefix) = diff::apply_root(workspace.root());
    let diff_bytes = diff::unified(&changes, &prefix);
    let inverse: Vec<FileChange> = changes.iter().map(FileChange::inverse).collect();
    let inverse_bytes = diff::unified(&inverse, &prefix);
    Patch {
        id: sha256(&diff_bytes)[..16].to_owned(),
        root: root.to_string_lossy().into_owned(),
        mode: options.mode,
        steps: Vec::new(),
        diff: String::from_utf8_lossy(&diff_bytes).into_owned(),
        inverse: String::from_utf8_lossy(&inverse_bytes).into_owned(),
        edits: changes.iter().flat_map(edits).collect(),
        client_files: Vec::new(),
        evidence,
        apply: Vec::new(),
        undo: Vec::new(),
        checks: Vec::new(),
        diff_bytes,
        inverse_bytes,
        changes,
        client_changes: Vec::new(),
    }
}

fn edits(change: &FileChange) -> Vec<Edit> {
    let Some(new) = &change.new else {
        return Vec::new();
    };
    let Some(old) = &change.old else {
        return vec![Edit {
            path: change.path.clone(),
            base_sha256: None,
            old: String::new(),
            new: decoded(new),
        }];
    };
    diff::replacements(old, new)
        .into_iter()
        .map(|part| Edit {
            path: change.path.clone(),
            base_sha256: Some(sha256(old)),
            old: decoded(&part.old),
            new: decoded(&part.new),
        })
        .collect()
}

/// Text as an editor shows it: UTF-8, else a byte a character.
fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The command whose output is this patch, piped into the command that applies it.
pub fn apply_command(workspace: &Workspace, options: &Options, undo: bool, root: &str) -> String {
    format!(
        "{} | git -C {} apply",
        integrate_command(workspace, options, undo),
        shell_word(root)
    )
}

pub fn integrate_command(workspace: &Workspace, options: &Options, undo: bool) -> String {
    use clap::ValueEnum as _;
    let mut command = format!(
        "governor-mcp integrate {}",
        shell_word(&workspace.root().to_string_lossy())
    );
    if let Some(mode) = options.mode.to_possible_value() {
        command.push_str(&format!(" --mode {}", mode.get_name()));
    }
    if options.client == crate::plan::ClientSource::Package {
        command.push_str(" --client package");
    }
    for step in &options.steps {
        command.push_str(&format!(" --step {}", shell_word(step)));
    }
    if options.all {
        command.push_str(" --all");
    }
    if undo {
        command.push_str(" --undo");
    }
    command
}

fn checks(workspace: &Workspace, options: &Options, patch: &Patch) -> Vec<Check> {
    let root = workspace.root();
    let mut checks = Vec::new();
    let mut add = |title: &str, command: String, expect: String| {
        checks.push(Check {
            number: checks.len() + 1,
            title: title.to_owned(),
            command,
            expect,
        });
    };
    if !patch.diff_bytes.is_empty() {
        add(
            "before: the diff applies",
            format!(
                "{} --check",
                apply_command(workspace, options, false, &patch.root)
            ),
            "no output, exit status 0".to_owned(),
        );
    }
    for files in &patch.client_files {
        add(
            "after: the client imports where the processes start",
            format!(
                "cd {} && python -c 'import governor; print(governor.__version__)'",
                shell_word(
                    &client_folder(root, &files.dir)
                        .with_file_name("")
                        .to_string_lossy()
                )
            ),
            "0.1.0".to_owned(),
        );
    }
    // A step that was taken is no step any more; to ask for it again is a wrong question.
    if options.steps.is_empty() {
        add(
            "after: nothing is left to do",
            integrate_command(workspace, options, false),
            "no output, exit status 0".to_owned(),
        );
    }
    add(
        "after: the analysis sees it",
        format!(
            "governor-mcp scan {} --format json",
            shell_word(&root.to_string_lossy())
        ),
        format!(
            "`summary.coverage` is {}",
            serde_json::to_string(&patch.evidence.coverage.after).unwrap_or_default()
        ),
    );
    checks
}
