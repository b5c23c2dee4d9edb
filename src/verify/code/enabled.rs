//! Where `enable()` stands, and which workers it does not reach.

use std::collections::BTreeSet;

use super::{NOT_FOLLOWED, imported_names};
use crate::edit::python::{Module, post_fork, recognise, worker};
use crate::facts::{Coverage, Effect, Entrypoint, Origin, Scan};
use crate::verify::{Finding, Level};
use crate::workspace::Workspace;
use crate::workspace::launch::{self, Launch, Program};

pub fn enable_calls(
    module: &Module,
    path: &str,
    processes: &[&Entrypoint],
    effects: &[&Effect],
    found: &mut Vec<Finding>,
) {
    let calls: Vec<_> = recognise::enable_calls(module)
        .into_iter()
        .filter(|call| call.at_top)
        .collect();
    if let Some(call) = calls.first()
        && !call.first
        && (processes
            .iter()
            .any(|process| process.enabled != Some(true))
            || effects
                .iter()
                .any(|effect| effect.line < call.line && effect.coverage == Coverage::None))
    {
        let message =
            "`enable()` stands after other code of this module, which runs without a decision";
        found.push(Finding::new(
            "late_enable",
            message.to_owned(),
            path,
            call.line,
        ));
    }
    for call in calls.iter().skip(1) {
        let message = "`enable()` is called further up in this module already".to_owned();
        found.push(Finding::new("double_enable", message, path, call.line));
    }
}

pub fn missing_worker_hook(
    launches: &[Launch],
    module: &Module,
    path: &str,
    processes: &[&Entrypoint],
    found: &mut Vec<Finding>,
) {
    let Some(app) = processes
        .iter()
        .find(|process| process.kind == "celery_app")
    else {
        return;
    };
    if app.enabled != Some(true) || worker::is_hooked(module) {
        return;
    }
    let mut pools = launches
        .iter()
        .filter(|launch| launch.program == Program::Celery)
        .filter(|launch| launch.module_path.as_deref() == Some(path))
        .map(|launch| launch.prefork)
        .peekable();
    if pools.peek().is_none() || pools.any(|prefork| prefork) {
        let message = format!(
            "`{}` forks its workers after this module is loaded: they keep the client of the parent, and no hook enables it in each",
            app.name
        );
        found.push(Finding::new("missing_worker_hook", message, path, app.line));
    }
}

/// gunicorn runs the hooks of its configuration before a worker has loaded the app, and with it the client.
pub fn gunicorn_hooks(
    workspace: &Workspace,
    scan: &Scan,
    launches: &[Launch],
    found: &mut Vec<Finding>,
) {
    let any_enabled = scan
        .entrypoints
        .iter()
        .any(|entrypoint| entrypoint.origin == Origin::App && entrypoint.enabled == Some(true));
    if !any_enabled {
        return;
    }
    let files = workspace.list(|name| name.ends_with(".py")).files;
    let files: BTreeSet<String> = files.into_iter().collect();
    for path in launch::gunicorn_configs(&files, launches) {
        let Ok(source) = workspace.read(&path) else {
            continue;
        };
        if !post_fork::is_hooked(&Module::new(&source)) {
            let message = "gunicorn forks its workers by this file, and no `post_fork` enables the client in them before the app is loaded";
            found.push(Finding::new(
                "missing_worker_hook",
                message.to_owned(),
                &path,
                1,
            ));
        }
    }
}

/// Workers that are spawned import the main module without its `__main__` block.
pub fn spawned_workers(module: &Module, path: &str, found: &mut Vec<Finding>) {
    let guarded = recognise::enable_calls(module).into_iter().find(|call| {
        module
            .children(module.root())
            .into_iter()
            .filter(|node| node.kind() == "if_statement")
            .filter(|node| node.byte_range().contains(&call.start))
            .filter_map(|node| node.child_by_field_name("condition"))
            .any(|condition| module.text(condition).contains("__name__"))
    });
    let Some(call) = guarded else { return };
    let imported = imported_names(module);
    let spawns = module.descendants(module.root()).any(|node| {
        node.kind() == "call"
            && node
                .child_by_field_name("function")
                .is_some_and(|function| {
                    let text = module.text(function);
                    let (first, rest) = text.split_once('.').unwrap_or((text, ""));
                    let first = imported.get(first).map_or(first, String::as_str);
                    let name = format!("{first}.{rest}");
                    let name = name.trim_end_matches('.');
                    name != "_thread.start_new_thread" && NOT_FOLLOWED.contains(&name)
                })
    });
    if spawns {
        let message = "worker processes that are spawned do not run this block, so nothing enables the client in them: move `enable()` to the top of the module";
        let mut finding = Finding::new("missing_worker_hook", message.to_owned(), path, call.line);
        finding.level = Level::Warning;
        found.push(finding);
    }
}
