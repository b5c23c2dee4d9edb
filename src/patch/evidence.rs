//! What proves a patch: each file parsed again, and the coverage that follows from its steps.

use std::collections::{BTreeMap, BTreeSet};

use super::{CoverageChange, FileEvidence};
use crate::diff::FileChange;
use crate::edit::proof;
use crate::edit::python::scope::Form;
use crate::edit::python::{Part, parse};
use crate::facts::{Coverage, Effect, Role, Scan};
use crate::plan::{Change, Plan, Step};
use crate::snippets::sha256;

pub fn of_file(change: &FileChange) -> FileEvidence {
    let new = change.new.as_deref().unwrap_or_default();
    let old = change.old.as_deref().unwrap_or_default();
    let is_python = change.path.ends_with(".py");
    let (lines_added, lines_reindented) = line_counts(old, new);
    FileEvidence {
        path: change.path.clone(),
        base_sha256: change.old.as_deref().map(sha256),
        result_sha256: sha256(new),
        parses: !is_python || proof::errors(&parse(new)) <= proof::errors(&parse(old)),
        tree_unchanged: true,
        lines_added,
        lines_reindented,
    }
}

fn line_counts(old: &[u8], new: &[u8]) -> (usize, usize) {
    let count = |text: &[u8]| text.split_inclusive(|byte| *byte == b'\n').count();
    let mut kept: BTreeMap<&[u8], usize> = BTreeMap::new();
    for line in new.split_inclusive(|byte| *byte == b'\n') {
        *kept.entry(line).or_default() += 1;
    }
    let reindented = old
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| match kept.get_mut(line) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        })
        .count();
    (count(new).saturating_sub(count(old)), reindented)
}

/// The coverage before, and after the steps: an intercepted effect is governed once a process that reaches it is
/// enabled, and scoped once a scope lies around it.
pub fn coverage(scan: &Scan, plan: &Plan, steps: &[&Step]) -> CoverageChange {
    let enabled_paths: BTreeSet<&str> = steps
        .iter()
        .filter(|step| step.id.starts_with("enable:"))
        .filter_map(|step| match &step.change {
            Change::Python { path, .. } | Change::Text { path, .. } => Some(path.as_str()),
            _ => None,
        })
        .collect();
    let everywhere = plan.mode == crate::plan::Mode::Sitecustomize && !steps.is_empty();
    let enabled: BTreeSet<&str> = scan
        .entrypoints
        .iter()
        .filter(|entrypoint| entrypoint.role == Role::Process)
        .filter(|entrypoint| {
            everywhere
                || entrypoint.enabled == Some(true)
                || enabled_paths.contains(entrypoint.path.as_str())
        })
        .map(|entrypoint| entrypoint.id.as_str())
        .collect();
    let processes: BTreeMap<&str, Vec<&str>> = scan
        .entrypoints
        .iter()
        .map(|entrypoint| {
            let of = match entrypoint.role {
                Role::Process => vec![entrypoint.id.as_str()],
                Role::Boundary => entrypoint.processes.iter().map(String::as_str).collect(),
            };
            (entrypoint.id.as_str(), of)
        })
        .collect();
    let mut change = CoverageChange::default();
    for effect in scan
        .effects
        .iter()
        .filter(|effect| effect.origin == crate::facts::Origin::App)
    {
        *change.before.entry(effect.coverage).or_default() += 1;
        let is_reached = effect
            .reached_from
            .iter()
            .filter_map(|id| processes.get(id.as_str()))
            .flatten()
            .any(|process| enabled.contains(process));
        let after = if is_asked(effect, steps) {
            Coverage::Enforce
        } else if is_scoped(effect, steps) {
            effect.coverage.max(Coverage::Scope)
        } else if is_reached && effect.intercepted {
            effect.coverage.max(Coverage::Enable)
        } else {
            effect.coverage
        };
        *change.after.entry(after).or_default() += 1;
        if after == Coverage::None {
            let reason = match (effect.intercepted, is_reached) {
                (false, _) => "the client has no seam below this call",
                (true, false) => "no enabled process of this repo reaches it",
                (true, true) => "not governed",
            };
            change.left.insert(effect.id.clone(), reason.to_owned());
        }
    }
    change
}

/// Whether a step puts an explicit question before the effect.
fn is_asked(effect: &Effect, steps: &[&Step]) -> bool {
    steps.iter().any(|step| match &step.change {
        Change::Python {
            path,
            part: Part::Scope(target),
        } => {
            target.form == Form::Enforce
                && *path == effect.path
                && (target.lines.0..=target.lines.1).contains(&effect.line)
        }
        Change::Text { path, .. } => {
            *path == effect.path
                && step.id.starts_with("enforce:")
                && step.place == format!("{path}:{}", effect.line)
        }
        _ => false,
    })
}

fn is_scoped(effect: &Effect, steps: &[&Step]) -> bool {
    steps.iter().any(|step| match &step.change {
        Change::Python {
            path,
            part: Part::Scope(target),
        } => *path == effect.path && (target.lines.0..=target.lines.1).contains(&effect.line),
        _ => false,
    })
}
