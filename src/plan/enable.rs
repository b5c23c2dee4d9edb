//! One `enable()` in each module that starts a process, and a hook where its workers are forked.

use std::collections::BTreeSet;

use super::context::{folder_of, join};
use super::{Change, Context, Plan, Refusal, Step};
use crate::edit::notebook;
use crate::edit::python::enable::Refusal as EditRefusal;
use crate::edit::python::{self, Module, Part, worker};
use crate::facts::Entrypoint;
use crate::workspace::launch::Program;

pub fn add_steps(context: &Context, plan: &mut Plan) {
    for (path, entrypoints) in context.processes() {
        let source = match context.read(path) {
            Ok(source) => source,
            Err(reason) => {
                refuse(plan, path, reason);
                continue;
            }
        };
        if path.ends_with(".ipynb") {
            add_notebook(plan, path, &source, &entrypoints);
            continue;
        }
        let is_enabled = entrypoints
            .iter()
            .all(|entrypoint| entrypoint.enabled == Some(true));
        if !is_enabled && !starts_with_its_package(context, plan, path, &entrypoints) {
            add_enable(plan, path, &source, &entrypoints);
        }
        add_worker_hook(context, plan, path, &source, &entrypoints);
    }
    add_gunicorn_hooks(context, plan);
}

/// gunicorn forks its workers, and runs the hooks of its configuration in them before it loads the app.
fn add_gunicorn_hooks(context: &Context, plan: &mut Plan) {
    if context.processes().is_empty() {
        return;
    }
    for path in context.gunicorn_configs() {
        let Ok(source) = context.read(&path) else {
            continue;
        };
        let part = Part::PostFork;
        match python::compose(&source, &BTreeSet::from([part.clone()])) {
            Ok(edit) => {
                let line = edit
                    .iter()
                    .next()
                    .map_or(1, |item| crate::edit::line_number(&source, item.at));
                plan.steps.push(Step::new(
                    format!("worker-hook:{path}"),
                    "Enable the client in each gunicorn worker".to_owned(),
                    format!("{path}:{line}"),
                    "gunicorn forks its workers by this file, and runs `post_fork` in each before it loads the app".to_owned(),
                    Change::Python { path, part },
                ));
            }
            Err(EditRefusal::AlreadyEnabled) => {}
            Err(refusal) => refuse(
                plan,
                &path,
                format!("no hook for forked workers: {refusal}"),
            ),
        }
    }
}

/// Whether a package around the module is enabled by this plan: its `__init__.py` runs before the module does.
fn starts_with_its_package(
    context: &Context,
    plan: &Plan,
    path: &str,
    entrypoints: &[&Entrypoint],
) -> bool {
    // A file that is run by its path does not load the package around it.
    let is_run_by_path = entrypoints.iter().any(|entrypoint| {
        matches!(
            entrypoint.kind.as_str(),
            "main_block" | "main_module" | "script"
        )
    });
    let mut folder = folder_of(path);
    while !is_run_by_path && !folder.is_empty() {
        let package = join(folder, "__init__.py");
        if !context.has_file(&package) {
            break;
        }
        if package != path
            && plan
                .steps
                .iter()
                .any(|step| step.id == format!("enable:{package}"))
        {
            return true;
        }
        folder = folder_of(folder);
    }
    false
}

fn add_enable(plan: &mut Plan, path: &str, source: &[u8], entrypoints: &[&Entrypoint]) {
    let parts = BTreeSet::from([Part::Enable]);
    let line = match python::compose(source, &parts) {
        Ok(edit) => edit
            .iter()
            .next()
            .map_or(1, |item| crate::edit::line_number(source, item.at)),
        Err(EditRefusal::AlreadyEnabled) => return,
        Err(EditRefusal::EnabledLate(line)) => {
            let instructions = format!(
                "move `governor.enable()` from line {line} to the top of {path}, after the docstring and the `__future__` imports"
            );
            plan.steps.push(
                Step::new(
                    format!("enable:{path}"),
                    "Move the call of `governor.enable()` up".to_owned(),
                    format!("{path}:{line}"),
                    "code of the module runs before the client is enabled".to_owned(),
                    Change::None,
                )
                .display_only(instructions),
            );
            return;
        }
        Err(refusal) => {
            refuse(plan, path, refusal.to_string());
            return;
        }
    };
    plan.steps.push(Step::new(
        format!("enable:{path}"),
        format!("Enable the client in {}", names(entrypoints)),
        format!("{path}:{line}"),
        "the process starts here, and nothing of it runs before this line".to_owned(),
        Change::Python {
            path: path.to_owned(),
            part: Part::Enable,
        },
    ));
}

fn add_notebook(plan: &mut Plan, path: &str, source: &[u8], entrypoints: &[&Entrypoint]) {
    match notebook::insert(source) {
        Ok(Some(insertions)) => plan.steps.push(Step::new(
            format!("enable:{path}"),
            format!("Enable the client in {}", names(entrypoints)),
            path.to_owned(),
            "the kernel runs the first code cell before any other".to_owned(),
            Change::Text {
                path: path.to_owned(),
                insertions,
            },
        )),
        Ok(None) => {}
        Err(reason) => refuse(plan, path, reason),
    }
}

/// Celery forks its workers after it has loaded the app's module.
fn add_worker_hook(
    context: &Context,
    plan: &mut Plan,
    path: &str,
    source: &[u8],
    entrypoints: &[&Entrypoint],
) {
    let Some(app) = entrypoints
        .iter()
        .find(|entrypoint| entrypoint.kind == "celery_app")
    else {
        return;
    };
    let mut pools = context
        .launches
        .iter()
        .filter(|launch| {
            launch.program == Program::Celery && launch.module_path.as_deref() == Some(path)
        })
        .map(|launch| launch.prefork)
        .peekable();
    let forks = pools.peek().is_none() || pools.any(|prefork| prefork);
    if !forks || worker::is_hooked(&Module::new(source)) {
        return;
    }
    let part = Part::WorkerHook { line: app.line };
    if let Err(refusal) = python::compose(source, &BTreeSet::from([part.clone()])) {
        refuse(
            plan,
            &format!("{path}:{}", app.line),
            format!("no hook for forked workers: {refusal}"),
        );
        return;
    }
    plan.steps.push(Step::new(
        format!("worker-hook:{path}"),
        format!("Enable the client in each forked worker of `{}`", app.name),
        format!("{path}:{}", app.line),
        "Celery forks its workers after this module is loaded: each starts with fresh connections to the plane"
            .to_owned(),
        Change::Python {
            path: path.to_owned(),
            part,
        },
    ));
}

fn names(entrypoints: &[&Entrypoint]) -> String {
    let names: BTreeSet<String> = entrypoints
        .iter()
        .map(|entrypoint| format!("`{}` ({})", entrypoint.name, entrypoint.kind))
        .collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn refuse(plan: &mut Plan, place: &str, reason: String) {
    plan.refused.push(Refusal {
        place: place.to_owned(),
        reason,
    });
}
