//! What a change weakened: the findings of today set beside those of a revision.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::{Finding, verify};
use crate::diff;
use crate::facts::{self, Coverage, Origin, Role, Scan};
use crate::workspace::Workspace;

/// The findings that `workspace` has and the revision has not.
pub fn weakened(
    workspace: &Workspace,
    scan: &Scan,
    findings: &[Finding],
    revision: &str,
) -> anyhow::Result<Vec<Finding>> {
    let folder = std::env::temp_dir().join(format!("governor-mcp-since-{}", std::process::id()));
    let result = check_out(workspace, revision, &folder).and_then(|old_root| {
        let old_workspace = Workspace::open(&old_root)?;
        let old_scan = facts::analyze(&old_workspace, &facts::Options::default())?;
        let old = verify(&old_workspace, &old_scan, None);
        Ok(compare(scan, findings, &old_scan, &old.findings))
    });
    let _ = std::fs::remove_dir_all(&folder);
    result
}

/// Writes the revision's files below `folder`. The user's index, work tree and configured filters are not touched.
fn check_out(
    workspace: &Workspace,
    revision: &str,
    folder: &Path,
) -> anyhow::Result<std::path::PathBuf> {
    let (root, prefix) = diff::apply_root(workspace.root());
    if revision.starts_with('-') {
        bail!("`{revision}` is not a revision: name a commit, a branch or a tag");
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot write `{}`", folder.display()))?;
    let index = folder.join(".index");
    let git = |arguments: &[&str]| -> anyhow::Result<()> {
        let out = Command::new("git")
            .arg("-C")
            .arg(&root)
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "filter.lfs.smudge=",
                "-c",
                "filter.lfs.process=",
                "-c",
                "filter.lfs.required=false",
            ])
            .args(arguments)
            .env("GIT_INDEX_FILE", &index)
            .output()
            .context("cannot run `git`: install it to use `--since`")?;
        if !out.status.success() {
            let said = String::from_utf8_lossy(&out.stderr);
            bail!(
                "git does not know `{revision}` here: {}",
                said.lines().last().unwrap_or("no message").trim()
            );
        }
        Ok(())
    };
    git(&["read-tree", revision])?;
    let to = folder.join("tree");
    let target = format!("--prefix={}/", to.display());
    git(&["checkout-index", "--all", "--quiet", &target])?;
    let old_root = to.join(&prefix);
    std::fs::create_dir_all(&old_root)?;
    Ok(old_root)
}

fn compare(scan: &Scan, findings: &[Finding], old_scan: &Scan, old: &[Finding]) -> Vec<Finding> {
    let mut found = Vec::new();
    let processes = |scan: &'_ Scan, enabled: bool| -> Vec<(String, String, u32)> {
        scan.entrypoints
            .iter()
            .filter(|found| found.role == Role::Process && found.origin == Origin::App)
            .filter(|found| (found.enabled == Some(true)) == enabled)
            .map(|found| (found.path.clone(), found.name.clone(), found.line))
            .collect()
    };
    let were_enabled = processes(old_scan, true);
    for (path, name, line) in processes(scan, false) {
        if were_enabled
            .iter()
            .any(|(old_path, old_name, _)| *old_path == path && *old_name == name)
        {
            let message = format!("the process {name} was enabled and is not any more");
            found.push(Finding::new("removed_enable", message, &path, line));
        }
    }
    let mut were_scoped: Vec<(&str, &str, &str)> = old_scan
        .effects
        .iter()
        .filter(|effect| effect.coverage >= Coverage::Scope)
        .map(|effect| {
            (
                effect.path.as_str(),
                effect.symbol.as_str(),
                effect.call.as_str(),
            )
        })
        .collect();
    for effect in &scan.effects {
        let place = (
            effect.path.as_str(),
            effect.symbol.as_str(),
            effect.call.as_str(),
        );
        let Some(at) = were_scoped.iter().position(|old| *old == place) else {
            continue;
        };
        were_scoped.swap_remove(at);
        if effect.coverage < Coverage::Scope {
            let message = format!(
                "{} stood in an intent scope and does not any more",
                effect.call
            );
            found.push(Finding::new(
                "moved_out_of_scope",
                message,
                &effect.path,
                effect.line,
            ));
        }
    }
    // Counted, not matched by line: lines move.
    let mut left: Vec<(&str, &str, &str)> = old
        .iter()
        .map(|finding| {
            (
                finding.code,
                finding.path.as_str(),
                finding.message.as_str(),
            )
        })
        .collect();
    for finding in findings {
        let this = (
            finding.code,
            finding.path.as_str(),
            finding.message.as_str(),
        );
        match left.iter().position(|old| *old == this) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => found.push(finding.clone()),
        }
    }
    found.sort_by(|one, other| {
        (&one.path, one.line, one.code).cmp(&(&other.path, other.line, other.code))
    });
    found
}
