//! Where the client comes from: a copy beside the code of each process, or a line in the project's manifest.

use std::collections::BTreeMap;

use super::context::shown;
use super::{Applicability, Change, Choice, ClientSource, Context, Plan, Question, Refusal, Step};
use crate::edit::Insertions;
use crate::edit::python::{Module, recognise};
use crate::snippets;
use crate::workspace::manifest::{self, Dependency};

pub fn add_steps(context: &Context, plan: &mut Plan) {
    let roots = roots(context, plan);
    match context.options.client {
        ClientSource::Vendored => vendored(context, plan, &roots),
        ClientSource::Package => package(context, plan, &roots),
    }
}

/// The folders that the modules with the client import from, with those modules.
fn roots(context: &Context, plan: &Plan) -> BTreeMap<String, Vec<(String, String)>> {
    let mut modules: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.applicability != Applicability::DisplayOnly)
        .filter_map(|step| match &step.change {
            Change::Python { path, .. } => Some(path.clone()),
            Change::Text { path, .. } if path.ends_with(".ipynb") => Some(path.clone()),
            _ => None,
        })
        .collect();
    // A process starts where its own module is, and imports the others from there.
    for (path, _) in context.processes() {
        let imports = context.read(path).is_ok_and(|source| {
            memchr::memmem::find(&source, b"governor").is_some()
                && recognise::client(&Module::new(&source)) != recognise::Client::default()
        });
        if imports || plan.mode == super::Mode::Sitecustomize {
            modules.push(path.to_owned());
        }
    }
    modules.sort();
    modules.dedup();
    let processes = context.processes();
    let has_process = modules
        .iter()
        .any(|path| processes.contains_key(path.as_str()));
    let mut roots: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for path in modules {
        // A module that is only imported is found by way of the processes that import it.
        if has_process && !processes.contains_key(path.as_str()) {
            continue;
        }
        let (root, reason) = context.import_root(&path);
        roots.entry(root).or_default().push((path, reason));
    }
    roots
}

fn vendored(context: &Context, plan: &mut Plan, roots: &BTreeMap<String, Vec<(String, String)>>) {
    if super::declares_client(context) {
        return;
    }
    let mut ids = Vec::new();
    for (root, modules) in roots {
        if context.has_client(root) {
            super::docker::add_steps(context, plan, root);
            continue;
        }
        if let Some(foreign) = context.foreign_governor(root) {
            plan.refused.push(Refusal {
                place: foreign.clone(),
                reason: format!(
                    "`import governor` in {} finds this module of yours, so the client cannot lie beside it: rename it, then run the command again",
                    listed(modules)
                ),
            });
            plan.steps.retain(|step| match &step.change {
                Change::Python { path, .. } => !modules.iter().any(|(module, _)| module == path),
                _ => true,
            });
            continue;
        }
        let id = format!("client:vendored:{}", shown(root));
        ids.push(id.clone());
        plan.steps.push(Step::new(
            id,
            "Copy the client's files (no package index needed)".to_owned(),
            super::context::join(root, "governor"),
            format!(
                "{} imports from `{}`: {}",
                listed(modules),
                shown(root),
                modules.first().map_or("", |(_, reason)| reason.as_str())
            ),
            Change::Client { dir: root.clone() },
        ));
        super::docker::add_steps(context, plan, root);
    }
    let is_installed = context
        .processes()
        .values()
        .flatten()
        .any(|process| process.kind.ends_with("script") && process.kind != "script");
    if is_installed && !ids.is_empty() {
        plan.needs_input.push(Question {
            id: "client-in-wheel".to_owned(),
            question: "A console script runs from the installed package. Is the package installed in editable mode, or built into a wheel?".to_owned(),
            choices: vec![
                Choice {
                    value: "editable".to_owned(),
                    consequence: "the copy beside the package is found".to_owned(),
                },
                Choice {
                    value: "wheel".to_owned(),
                    consequence: "the wheel leaves the copy out: run again with `--client package`, or list `governor` among the packages that the build includes".to_owned(),
                },
            ],
            default: "editable".to_owned(),
            steps: ids.clone(),
        });
    }
    if ids.len() > 1 {
        plan.needs_input.push(Question {
            id: "client-copies".to_owned(),
            question: format!(
                "The processes import from {} folders, so the client would be copied {} times. Copy it, or depend on the package?",
                roots.len(),
                ids.len()
            ),
            choices: vec![
                Choice {
                    value: "vendored".to_owned(),
                    consequence: "one copy in each folder, which needs no package index".to_owned(),
                },
                Choice {
                    value: "package".to_owned(),
                    consequence: "one dependency `governor-sdk` instead: run again with `--client package`".to_owned(),
                },
            ],
            default: "vendored".to_owned(),
            steps: ids,
        });
    }
}

/// A line in the manifest of each project that a process belongs to: the nearest one upwards.
fn package(context: &Context, plan: &mut Plan, roots: &BTreeMap<String, Vec<(String, String)>>) {
    if super::declares_client(context) || roots.is_empty() {
        return;
    }
    let dependency = Dependency {
        name: snippets::DISTRIBUTION,
        version: snippets::VERSION,
        sha256: snippets::wheel_sha256(),
    };
    let mut found: BTreeMap<String, (manifest::Addition, Vec<&str>)> = BTreeMap::new();
    for (path, _) in roots.values().flatten() {
        if let Some((manifest, addition)) = manifest_of(context, path, &dependency) {
            found
                .entry(manifest)
                .or_insert_with(|| (addition, Vec::new()))
                .1
                .push(path);
        } else {
            plan.refused.push(Refusal {
                place: path.clone(),
                reason: "no file declares this project's dependencies: install `governor-sdk` where the process runs, or use `--client vendored`".to_owned(),
            });
        }
    }
    for (path, (addition, modules)) in found {
        let mut step = Step::new(
            format!("client:package:{path}"),
            format!("Depend on `{}`", snippets::DISTRIBUTION),
            path.clone(),
            format!("{} import it", modules.join(", ")),
            Change::Text {
                path: path.clone(),
                insertions: Insertions::one(addition.at, addition.text),
            },
        )
        .needs_review(super::Risk::Low);
        step.instructions = Some(match addition.then {
            Some(lock) => format!(
                "then `{lock}`; the package comes from your index, or from the file that `governor-mcp client wheel` writes"
            ),
            None => "the package comes from your index, or from the file that `governor-mcp client wheel` writes".to_owned(),
        });
        plan.steps.push(step);
    }
}

fn manifest_of(
    context: &Context,
    path: &str,
    dependency: &Dependency,
) -> Option<(String, manifest::Addition)> {
    let mut folder = super::context::folder_of(path);
    loop {
        let found: Vec<(String, manifest::Addition)> = manifest::NAMES
            .iter()
            .filter_map(|name| {
                let candidate = super::context::join(folder, name);
                if !context.has_file(&candidate) {
                    return None;
                }
                let text = String::from_utf8(context.read(&candidate).ok()?).ok()?;
                let addition = manifest::addition(name, &text, dependency)?;
                Some((candidate, addition))
            })
            .collect();
        // A file that declares dependencies comes before one that would start to.
        let declares = found.iter().find(|(_, addition)| !addition.is_first);
        if let Some(found) = declares.or(found.first()) {
            return Some(found.clone());
        }
        if folder.is_empty() {
            return None;
        }
        folder = super::context::folder_of(folder);
    }
}

fn listed(modules: &[(String, String)]) -> String {
    let names: Vec<&str> = modules
        .iter()
        .take(3)
        .map(|(path, _)| path.as_str())
        .collect();
    let more = modules.len().saturating_sub(names.len());
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
