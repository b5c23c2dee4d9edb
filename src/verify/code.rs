//! Findings in the app's own Python: where `enable()` stands, what a worker or a thread loses, what swallows a denial.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use crate::edit::python::Module;
use crate::edit::python::recognise::{self, Client};
use crate::facts::{Coverage, Effect, Entrypoint, Origin, Role, Scan};
use crate::workspace::Workspace;
use crate::workspace::launch;

mod enabled;
mod scoped;
mod swallowed;

use enabled::{enable_calls, gunicorn_hooks, missing_worker_hook, spawned_workers};
use scoped::{in_scopes, wildcards};
use swallowed::swallowed;

pub fn findings(workspace: &Workspace, scan: &Scan) -> Vec<Finding> {
    let mut effects: BTreeMap<&str, Vec<&Effect>> = BTreeMap::new();
    for effect in scan
        .effects
        .iter()
        .filter(|effect| effect.origin == Origin::App)
    {
        effects.entry(&effect.path).or_default().push(effect);
    }
    let mut processes: BTreeMap<&str, Vec<&Entrypoint>> = BTreeMap::new();
    for entrypoint in &scan.entrypoints {
        if entrypoint.role == Role::Process && entrypoint.origin == Origin::App {
            processes
                .entry(&entrypoint.path)
                .or_default()
                .push(entrypoint);
        }
    }
    let launches = launch::commands(workspace);
    // A module without an effect of its own may hold an intent, a scope or the settings of the client.
    let others = super::settings::deployed(workspace, |name| {
        name.ends_with(".py") && !name.starts_with("test_") && name != "conftest.py"
    });
    let paths: BTreeSet<&str> = effects
        .keys()
        .chain(processes.keys())
        .copied()
        .chain(others.iter().map(String::as_str))
        .collect();
    let mut found = Vec::new();
    for path in paths.into_iter().filter(|path| path.ends_with(".py")) {
        let Ok(source) = workspace.read(path) else {
            continue;
        };
        let effects = effects.get(path).map(Vec::as_slice).unwrap_or_default();
        let is_governed = effects
            .iter()
            .any(|effect| effect.coverage != Coverage::None);
        let names_client = memchr::memmem::find(&source, b"governor").is_some();
        if !is_governed && !names_client {
            continue;
        }
        let module = Module::new(&source);
        let processes = processes.get(path).map(Vec::as_slice).unwrap_or_default();
        let client = recognise::client(&module);
        if client != Client::default() {
            enable_calls(&module, path, processes, effects, &mut found);
            missing_worker_hook(&launches, &module, path, processes, &mut found);
            spawned_workers(&module, path, &mut found);
            in_scopes(&module, path, &mut found);
            wildcards(&module, path, &mut found);
        }
        swallowed(&module, path, effects, &mut found);
    }
    gunicorn_hooks(workspace, scan, &launches, &mut found);
    found
}

/// The names that the module's imports bind, with what they stand for.
fn imported_names<'s>(module: &Module<'s>) -> BTreeMap<&'s str, String> {
    let mut names = BTreeMap::new();
    for node in module.descendants(module.root()) {
        let from = match node.kind() {
            "import_statement" => None,
            "import_from_statement" => match node.child_by_field_name("module_name") {
                Some(from) => Some(module.text(from)),
                None => continue,
            },
            _ => continue,
        };
        let mut cursor = node.walk();
        for item in node.children_by_field_name("name", &mut cursor) {
            let field = |name| item.child_by_field_name(name).map(|part| module.text(part));
            let name = field("name").unwrap_or_else(|| module.text(item));
            match (from, field("alias")) {
                (None, None) => {}
                (None, Some(alias)) => {
                    names.insert(alias, name.to_owned());
                }
                (Some(from), alias) => {
                    names.insert(alias.unwrap_or(name), format!("{from}.{name}"));
                }
            }
        }
    }
    names
}

/// What starts work that the client's scopes do not follow.
const NOT_FOLLOWED: &[&str] = &[
    "_thread.start_new_thread",
    "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.process.ProcessPoolExecutor",
    "multiprocessing.Pool",
    "multiprocessing.Process",
    "multiprocessing.context.Process",
    "multiprocessing.pool.Pool",
];
