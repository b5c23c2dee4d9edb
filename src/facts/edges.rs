//! Which code of a file runs which other code.

mod implied;

use implied::{answered, properties};

use super::effect::run_arguments;
use super::file::FileFacts;
use super::graph::{Edge, Node, calls_of_decorated, node_of, runs, targets};
use crate::names::{Definition, FileId, Resolver, Site, Typed, Value};
use crate::syntax::module::{
    BlockKind, CallSite, ExprId, ExprKind, MODULE_SCOPE, Module, Scope, ScopeId, ScopeKind,
};

/// Adds the edges that start in a file, and its loops.
pub fn edges(resolver: &mut Resolver, module: &Module, file: FileId, facts: &mut FileFacts) {
    called(resolver, module, file, facts);
    wrapped(resolver, module, file, facts);
    entered(resolver, module, file, facts);
    registered(resolver, module, file, facts);
    nested(module, file, facts);
    properties(resolver, module, file, facts);
}

/// An edge that no scope stands around.
fn edge(from: Definition, to: Definition, at: u32) -> (Node, Edge) {
    let scoped = false;
    (Node::Code(from), Edge { to, scoped, at })
}

/// What calls run, by themselves or through what they are passed.
fn called(resolver: &mut Resolver, module: &Module, file: FileId, facts: &mut FileFacts) {
    for call in &module.calls {
        let expr = call.expr;
        let site = Site { file, expr };
        let node = node_of(module, file, call);
        let at = module.expr(expr).span.start;
        let scoped = facts.guards.around(module, node, call, at).scope;
        let mut called: Vec<Definition> = targets(resolver, site)
            .into_iter()
            .map(|(target, _)| target)
            .collect();
        for argument in run_arguments(resolver, module, site) {
            called.extend(referenced(resolver, argument));
        }
        for argument in resolver.arguments(site) {
            let expr = argument.value;
            called.extend(passed(resolver, module, Site { file, expr }));
        }
        called.extend(started(resolver, module, site));
        called.extend(answered(resolver, module, site));
        if called.is_empty() {
            called.extend(by_name(resolver, module, site));
        }
        called.sort_unstable();
        called.dedup();
        let edges = called.iter().map(|&to| (node, Edge { to, scoped, at }));
        facts.edges.extend(edges);
        record_loop(module, call, &called, facts);
    }
}

/// The methods that a call of nobody knows what may run, by their name.
fn by_name(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<Definition> {
    let ExprKind::Call(function, _) = module.expr(site.expr).kind else {
        return Vec::new();
    };
    let ExprKind::Attribute(_, method) = &module.expr(function).kind else {
        return Vec::new();
    };
    let expr = function;
    if resolver.values(Site { expr, ..site }).is_empty() {
        resolver.methods_named(method, site)
    } else {
        Vec::new()
    }
}

/// The functions of a file, with their scopes.
fn functions(module: &Module, file: FileId) -> impl Iterator<Item = (Definition, &Scope)> {
    let scopes = module.scopes.iter().enumerate();
    scopes
        .filter(|(_, scope)| scope.kind == ScopeKind::Function)
        .map(move |(index, scope)| {
            let scope_id = ScopeId(index as u32);
            (
                Definition {
                    file,
                    scope: scope_id,
                },
                scope,
            )
        })
}

/// A function that the repo decorates runs inside of what the decorator puts around it.
fn wrapped(resolver: &mut Resolver, module: &Module, file: FileId, facts: &mut FileFacts) {
    for (function, scope) in functions(module, file) {
        if scope.decorators.is_empty() {
            continue;
        }
        for site in calls_of_decorated(resolver, function) {
            let Some(around) = resolver.program.module(site.file) else {
                continue;
            };
            let to = Definition {
                file: site.file,
                scope: around.owner(around.scope_of(site.expr)),
            };
            facts.edges.push(edge(function, to, scope.span.start));
        }
    }
}

/// Entering a repo's own context manager runs its methods.
fn entered(resolver: &mut Resolver, module: &Module, file: FileId, facts: &mut FileFacts) {
    for block in &module.blocks {
        let BlockKind::With(items) = &block.kind else {
            continue;
        };
        for &expr in items {
            let scope = module.owner(module.scope_of(expr));
            let at = module.expr(expr).span.start;
            for typed in resolver.values(Site { file, expr }).iter() {
                let Value::Object(class, _) = typed.value else {
                    continue;
                };
                for name in ["__enter__", "__exit__", "__aenter__", "__aexit__"] {
                    let method = resolver.find_method(class, name);
                    let edges = method.map(|to| edge(Definition { file, scope }, to, at));
                    facts.edges.extend(edges);
                }
            }
        }
    }
}

/// A function that is handed to an object as its decorator may be run by it: `@app.before_serving`.
fn registered(resolver: &mut Resolver, module: &Module, file: FileId, facts: &mut FileFacts) {
    for (function, scope) in functions(module, file) {
        let Some(parent) = scope.parent else { continue };
        for &decorator in &scope.decorators {
            let expr = module.callee(decorator);
            let callees = resolver.values(Site { file, expr });
            for generic in generics(resolver, module, Site { file, expr }) {
                facts.edges.push(edge(generic, function, scope.span.start));
            }
            let registers = |typed: &Typed| matches!(typed.value, Value::Method { .. });
            if callees.iter().any(registers) {
                let scope = module.owner(parent);
                let at = module.expr(decorator).span.start;
                facts
                    .edges
                    .push(edge(Definition { file, scope }, function, at));
                break;
            }
        }
    }
}

/// The functions for which a decorator registers others by the type of an argument: `export` of `@export.register`.
fn generics(resolver: &mut Resolver, module: &Module, decorator: Site) -> Vec<Definition> {
    let object = match &module.expr(decorator.expr).kind {
        ExprKind::Attribute(object, name) if &**name == "register" => *object,
        _ => return Vec::new(),
    };
    let values = resolver.values(Site {
        expr: object,
        ..decorator
    });
    let functions = values.iter().filter_map(|typed| match typed.value {
        Value::Function(function) => Some(function),
        _ => None,
    });
    let is_generic = |function: &Definition| {
        let names = resolver.decorator_names(*function);
        names
            .iter()
            .any(|name| name.starts_with("functools.singledispatch"))
    };
    functions
        .collect::<Vec<_>>()
        .into_iter()
        .filter(is_generic)
        .collect()
}

/// A nested function runs, at the latest, when what holds it lets it run.
fn nested(module: &Module, file: FileId, facts: &mut FileFacts) {
    for (function, inner) in functions(module, file) {
        let Some(parent) = inner.parent else { continue };
        let scope = module.owner(parent);
        let is_method = module.scope(parent).kind == ScopeKind::Class;
        if scope != MODULE_SCOPE && !is_method {
            let outer = Definition { file, scope };
            facts.edges.push(edge(outer, function, inner.span.start));
        }
    }
}

/// `worker.start()` of a repo's own thread or process runs its `run`.
fn started(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<Definition> {
    let Some((expr, method)) = module.method_call(site.expr) else {
        return Vec::new();
    };
    let objects = resolver.values(Site { expr, ..site });
    let mut found = Vec::new();
    for typed in objects.iter() {
        match typed.value {
            Value::Object(class, _) => found.extend(resolver.hooked(class, method)),
            // What a decorator from elsewhere makes of a function runs it: `load.expand(day=days)`.
            Value::Function(function) => {
                let names = resolver.decorator_names(function);
                let mut names = names.iter();
                let makes = names.any(|name| !name.starts_with("functools."));
                found.extend(makes.then_some(function));
            }
            _ => {}
        }
    }
    found
}

fn record_loop(module: &Module, call: &CallSite, called: &[Definition], facts: &mut FileFacts) {
    let innermost = module
        .enclosing_blocks(call.block)
        .take_while(|(_, block)| !matches!(block.kind, BlockKind::Body))
        .find(|(_, block)| matches!(block.kind, BlockKind::While | BlockKind::For));
    if let Some((block, _)) = innermost {
        facts.loops.entry(block).or_default().extend(called);
    }
}

/// Functions of the repo that an argument names, directly or in a list or dict.
fn passed(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<Definition> {
    match &module.expr(site.expr).kind {
        ExprKind::Name(_) | ExprKind::Attribute(..) => {
            let mut found = referenced(resolver, site);
            for typed in resolver.values(site).iter() {
                if let Value::Literal(literal) = typed.value {
                    found.extend(listed(resolver, literal));
                }
            }
            found
        }
        ExprKind::Sequence(items) => {
            let items = items.clone();
            items
                .iter()
                .flat_map(|&expr| passed(resolver, module, Site { expr, ..site }))
                .collect()
        }
        ExprKind::Dict(items) => {
            let items = items.clone();
            items
                .iter()
                .flat_map(|&(_, expr)| passed(resolver, module, Site { expr, ..site }))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The functions of the repo in a list or dict that has a name.
fn listed(resolver: &mut Resolver, literal: Site) -> Vec<Definition> {
    let module = resolver.program.module(literal.file);
    let items: Vec<ExprId> = match module.map(|module| &module.expr(literal.expr).kind) {
        Some(ExprKind::Sequence(items)) => items.to_vec(),
        Some(ExprKind::Dict(entries)) => entries.iter().map(|(_, value)| *value).collect(),
        _ => return Vec::new(),
    };
    let names = |expr: &ExprId| {
        let kind = module.map(|module| &module.expr(*expr).kind);
        matches!(kind, Some(ExprKind::Attribute(..) | ExprKind::Name(_)))
    };
    let items = items.into_iter().filter(names);
    items
        .flat_map(|expr| referenced(resolver, Site { expr, ..literal }))
        .collect()
}

fn referenced(resolver: &mut Resolver, site: Site) -> Vec<Definition> {
    let mut found = Vec::new();
    for typed in resolver.values(site).to_vec() {
        if matches!(
            typed.value,
            Value::Function(_) | Value::Bound { .. } | Value::Wrapped { .. }
        ) {
            found.extend(
                runs(resolver, &typed.value)
                    .into_iter()
                    .map(|(target, _)| target),
            );
        }
    }
    found
}
