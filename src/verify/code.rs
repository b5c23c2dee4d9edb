//! Findings in the app's own Python: where `enable()` stands, what a worker or a thread loses, what swallows a denial.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::{Finding, Level};
use crate::edit::python::recognise::{self, Client};
use crate::edit::python::{Module, post_fork, worker};
use crate::facts::{Coverage, Effect, Entrypoint, Origin, Role, Scan};
use crate::workspace::Workspace;
use crate::workspace::launch::{self, Launch, Program};

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

fn enable_calls(
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

fn missing_worker_hook(
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
fn gunicorn_hooks(
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
fn spawned_workers(module: &Module, path: &str, found: &mut Vec<Finding>) {
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

fn in_scopes(module: &Module, path: &str, found: &mut Vec<Finding>) {
    let imported = imported_names(module);
    let qualified = |node: Node| {
        let text = module.text(node);
        let (first, rest) = text.split_once('.').unwrap_or((text, ""));
        let first = imported.get(first).map_or(first, String::as_str);
        match rest {
            "" => first.to_owned(),
            rest => format!("{first}.{rest}"),
        }
    };
    let not_followed = |call: Node| {
        let name = qualified(call.child_by_field_name("function")?);
        NOT_FOLLOWED.iter().find(|known| **known == name)
    };
    // Pools by the name that they were given, wherever in the module.
    let mut pools: BTreeMap<&str, &str> = BTreeMap::new();
    for node in module.descendants(module.root()) {
        let (name, value) = match node.kind() {
            "assignment" => (
                node.child_by_field_name("left"),
                node.child_by_field_name("right"),
            ),
            "as_pattern" => (
                node.child_by_field_name("alias"),
                module.children(node).into_iter().next(),
            ),
            _ => continue,
        };
        let Some((name, value)) = name.zip(value).filter(|(_, value)| value.kind() == "call")
        else {
            continue;
        };
        if let Some(known) = not_followed(value) {
            pools.insert(module.text(name), known);
        }
    }
    for body in module
        .descendants(module.root())
        .filter_map(|node| scope_body(module, node, &qualified))
    {
        for call in module
            .descendants(body)
            .filter(|node| node.kind() == "call")
        {
            let of_pool = call
                .child_by_field_name("function")
                .and_then(|function| function.child_by_field_name("object"))
                .and_then(|object| pools.get(module.text(object)))
                .copied();
            if let Some(name) = not_followed(call).copied().or(of_pool) {
                let message = format!("`{name}` runs work outside the scope that starts it");
                let line = call.start_position().row as u32 + 1;
                let finding = Finding::new("scope_lost_in_thread", message, path, line);
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
    }
}

/// What runs inside the scope that this node opens.
fn scope_body<'t>(
    module: &Module,
    node: Node<'t>,
    qualified: &dyn Fn(Node) -> String,
) -> Option<Node<'t>> {
    let (head, body, name) = match node.kind() {
        "with_statement" => (
            node.named_child(0)?,
            node.child_by_field_name("body")?,
            "governor.intent",
        ),
        "decorator" => {
            let definition = node.parent()?.child_by_field_name("definition")?;
            (
                node,
                definition.child_by_field_name("body")?,
                "governor.governed",
            )
        }
        _ => return None,
    };
    module
        .descendants(head)
        .filter(|call| call.kind() == "call")
        .filter_map(|call| call.child_by_field_name("function"))
        .any(|function| qualified(function) == name)
        .then_some(body)
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

/// What takes an intent's names as arguments.
const TAKES_INTENT: &[&str] = &["IntentEvent", "governed", "intent_from"];

/// An intent that names everything.
fn wildcards(module: &Module, path: &str, found: &mut Vec<Finding>) {
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "keyword_argument")
    {
        let field = |name| {
            node.child_by_field_name(name)
                .map(|child| module.text(child))
        };
        let callee = node
            .parent()
            .and_then(|arguments| arguments.parent())
            .and_then(|call| call.child_by_field_name("function"))
            .map_or("", |function| module.text(function));
        let names_all = TAKES_INTENT.contains(&callee.rsplit('.').next().unwrap_or(callee))
            && matches!(
                field("name"),
                Some("resource_name" | "resource_type" | "action")
            )
            && matches!(field("value"), Some("\"*\"" | "'*'"));
        if names_all {
            let line = node.start_position().row as u32 + 1;
            let message = "an intent names `*`: name the host, the table or the bucket".to_owned();
            found.push(Finding::new("wildcard_mapping", message, path, line));
        }
    }
}

/// What a handler may catch a denial as.
const CATCHES_DENIALS: &[&str] = &["BaseException", "Exception", "RuntimeError"];

fn swallowed(module: &Module, path: &str, effects: &[&Effect], found: &mut Vec<Finding>) {
    let rows: BTreeSet<usize> = effects
        .iter()
        .filter(|effect| effect.coverage != Coverage::None)
        .map(|effect| effect.line as usize - 1)
        .collect();
    if rows.is_empty() {
        return;
    }
    suppressed(module, path, &rows, found);
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "try_statement")
    {
        let Some(body) = node.child_by_field_name("body") else {
            continue;
        };
        let span = body.start_position().row..=body.end_position().row;
        if rows.range(span).next().is_none() {
            continue;
        }
        let mut cursor = node.walk();
        for handler in node
            .children(&mut cursor)
            .filter(|child| child.kind() == "except_clause")
        {
            let caught = caught_by(module, handler);
            let is_denial = caught.iter().any(|name| is_denial(name));
            if is_denial && goes_on_knowingly(module, handler) {
                break;
            }
            let is_broad = caught.is_empty()
                || is_denial
                || caught
                    .iter()
                    .any(|name| CATCHES_DENIALS.contains(&name.as_str()));
            if is_broad && !raises(handler) && !module.text(handler).contains("to_dict") {
                let line = handler.start_position().row as u32 + 1;
                let message = match caught.first() {
                    Some(name) => format!(
                        "`except {name}` catches a denial and goes on as if the effect had happened"
                    ),
                    None => {
                        "a bare `except` catches a denial and goes on as if the effect had happened"
                            .to_owned()
                    }
                };
                found.push(Finding::new("swallowed_denial", message, path, line));
                break;
            }
        }
    }
}

/// `with contextlib.suppress(Exception)` around a governed effect.
fn suppressed(module: &Module, path: &str, rows: &BTreeSet<usize>, found: &mut Vec<Finding>) {
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "with_statement")
    {
        let (Some(clause), Some(body)) = (node.named_child(0), node.child_by_field_name("body"))
        else {
            continue;
        };
        let span = body.start_position().row..=body.end_position().row;
        let caught = module
            .descendants(clause)
            .filter(|call| call.kind() == "call")
            .filter(|call| {
                let function = call.child_by_field_name("function");
                function.is_some_and(|function| {
                    matches!(module.text(function), "suppress" | "contextlib.suppress")
                })
            })
            .filter_map(|call| call.child_by_field_name("arguments"))
            .flat_map(|arguments| module.children(arguments))
            .map(|argument| module.text(argument))
            .find(|name| CATCHES_DENIALS.contains(name) || is_denial(name));
        if let Some(name) = caught
            && rows.range(span).next().is_some()
        {
            let message = format!(
                "`suppress({name})` catches a denial and goes on as if the effect had happened"
            );
            let line = node.start_position().row as u32 + 1;
            found.push(Finding::new("swallowed_denial", message, path, line));
        }
    }
}

fn is_denial(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(
        last,
        "GovernorError" | "PolicyDenied" | "PolicyHeld" | "PolicyUnavailable"
    )
}

fn goes_on_knowingly(module: &Module, handler: Node) -> bool {
    raises(handler) || module.text(handler).contains("to_dict")
}

fn caught_by(module: &Module, handler: Node) -> Vec<String> {
    let mut names = Vec::new();
    for child in module.children(handler) {
        if child.kind() == "block" {
            break;
        }
        for node in module.descendants(child) {
            let is_type = matches!(node.kind(), "identifier" | "attribute")
                && node.parent().is_none_or(|parent| {
                    parent.kind() != "attribute" && parent.kind() != "as_pattern_target"
                });
            if is_type {
                names.push(module.text(node).to_owned());
            }
        }
    }
    names
}

fn raises(node: Node) -> bool {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if node.kind() == "raise_statement" {
            return true;
        }
        if node.kind() == "function_definition" {
            continue;
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    false
}
