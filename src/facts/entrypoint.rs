//! The entrypoints of one file, by the shapes that a rule can have.

use super::Role;
use super::graph::Node;
use super::graph::{node_of, own_decorators, registered};
use crate::catalog::schema::EntrypointRule;
use crate::names::{Ancestor, Definition, FileId, Resolver, Site, Value};
use crate::syntax::module::{
    BindingValue, BlockKind, ExprId, ExprKind, MODULE_SCOPE, Module, ScopeId, ScopeKind, Span,
};

/// An entrypoint before the whole repo is known.
#[derive(Clone, Debug)]
pub struct FoundEntrypoint {
    pub role: Role,
    pub kind: String,
    pub name: String,
    /// The function or class that is the entrypoint, or that is registered as one.
    pub definition: Option<Definition>,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    /// The code that starts to run.
    pub node: Node,
}

impl FoundEntrypoint {
    /// A function or class that a rule says is one, and where it is reported.
    fn of_code(rule: &EntrypointRule, name: String, definition: Definition, span: Span) -> Self {
        FoundEntrypoint {
            role: rule.role(),
            kind: rule.kind.clone(),
            name,
            definition: Some(definition),
            line: span.line,
            column: span.column,
            end_line: span.end_line,
            node: Node::Code(definition),
        }
    }
}

/// Everything that a rule or a `__main__` block makes an entrypoint of, in source order.
pub fn entrypoints(resolver: &mut Resolver, module: &Module, file: FileId) -> Vec<FoundEntrypoint> {
    let mut found = Vec::new();
    let path = resolver.program.file(file).path.clone();
    let file_process = by_file(resolver, module, file, &path);
    let is_file_process = file_process.is_some();
    found.extend(file_process);
    for (index, scope) in module.scopes.iter().enumerate() {
        let definition = Definition {
            file,
            scope: ScopeId(index as u32),
        };
        match scope.kind {
            ScopeKind::Function => {
                found.extend(by_decorator(resolver, module, definition));
                found.extend(by_own_decorator(resolver, module, definition));
                found.extend(by_function(resolver, module, definition));
            }
            ScopeKind::Class => {
                found.extend(by_decorator(resolver, module, definition));
                found.extend(by_subclass(resolver, module, definition));
                found.extend(by_attribute(resolver, module, definition));
            }
            _ => {}
        }
    }
    for call in &module.calls {
        found.extend(by_call(resolver, module, file, call));
    }
    if !is_file_process {
        for block in module
            .blocks
            .iter()
            .filter(|block| matches!(block.kind, BlockKind::Main))
        {
            found.push(FoundEntrypoint {
                role: Role::Process,
                kind: "main_block".to_owned(),
                name: resolver.program.file(file).name.clone(),
                definition: None,
                line: block.span.line,
                column: 1,
                end_line: block.span.end_line,
                node: Node::Main(file),
            });
        }
    }
    found.sort_by(|a, b| {
        (a.line, a.column, &a.kind, &a.name).cmp(&(b.line, b.column, &b.kind, &b.name))
    });
    found.dedup_by(|a, b| (a.line, &a.kind, &a.name, a.role) == (b.line, &b.kind, &b.name, b.role));
    found
}

/// Names under which a rule may know a value: class and member.
fn rule_names(resolver: &mut Resolver, site: Site) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for typed in resolver.values(site).to_vec() {
        match &typed.value {
            Value::External(name) => {
                names.push((name.to_string(), String::new()));
                if let Some((class, member)) = name.rsplit_once('.') {
                    names.push((class.to_owned(), member.to_owned()));
                }
            }
            Value::Method { class, chain, .. } => {
                names.push((class.to_string(), chain.to_string()));
                // `schedule.every().day.at("9:00").do`: what a chain ends in.
                if let Some((_, last)) = chain.rsplit_once('.') {
                    names.push((class.to_string(), last.to_owned()));
                }
            }
            Value::Instance(class, _) => names.push((class.to_string(), String::new())),
            Value::Class(class) => {
                for ancestor in resolver.lineage(*class).iter() {
                    if let Ancestor::External(name) = ancestor {
                        names.push((name.to_string(), String::new()));
                    }
                }
            }
            _ => {}
        }
    }
    names
}

pub fn rules<'c>(
    resolver: &mut Resolver<'c>,
    shape: &str,
    site: Site,
) -> Vec<(&'c EntrypointRule, String)> {
    let catalog = resolver.program.catalog;
    // Calling an instance makes no new one: `app()` starts what `app = Typer()` made.
    let calls_instance = shape == "instance"
        && resolver
            .values(site)
            .iter()
            .any(|typed| matches!(typed.value, Value::Instance(..)));
    if calls_instance {
        return Vec::new();
    }
    for (on, member) in rule_names(resolver, site) {
        let rules = catalog.entrypoint(shape, &on, &member);
        if !rules.is_empty() {
            let called = if member.is_empty() { on } else { member };
            return rules
                .into_iter()
                .map(|rule| (rule, called.clone()))
                .collect();
        }
    }
    Vec::new()
}

fn by_decorator(
    resolver: &mut Resolver,
    module: &Module,
    definition: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(definition.scope);
    let mut found = Vec::new();
    for &decorator in &scope.decorators {
        let (callee, call) = match &module.expr(decorator).kind {
            ExprKind::Call(function, _) => (
                *function,
                Some(Site {
                    file: definition.file,
                    expr: decorator,
                }),
            ),
            _ => (decorator, None),
        };
        for (rule, called) in rules(
            resolver,
            "decorator",
            Site {
                file: definition.file,
                expr: callee,
            },
        ) {
            if !rule.names.is_empty() && !rule.names.iter().any(|name| **name == *scope.name) {
                continue;
            }
            let name = name_of(
                resolver,
                rule,
                &called,
                call,
                module,
                Some(definition.scope),
                definition.file,
            );
            found.push(FoundEntrypoint::of_code(rule, name, definition, scope.span));
        }
    }
    found
}

/// A function under a decorator of the repo that registers it, or what it wraps it in, with a framework.
fn by_own_decorator(
    resolver: &mut Resolver,
    module: &Module,
    definition: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(definition.scope);
    let mut found: Vec<FoundEntrypoint> = Vec::new();
    for (decorator, decorated) in own_decorators(resolver, definition) {
        for rule in registers(resolver, decorator, decorated) {
            if found.iter().any(|known| known.kind == rule.kind) {
                continue;
            }
            found.push(FoundEntrypoint::of_code(
                rule,
                scope.name.to_string(),
                definition,
                scope.span,
            ));
        }
    }
    found
}

/// The rules by which a decorator of the repo registers the function that it is passed, or one of its own around it.
pub fn registers<'c>(
    resolver: &mut Resolver<'c>,
    decorator: Definition,
    decorated: usize,
) -> Vec<&'c EntrypointRule> {
    let Some(module) = resolver.program.module(decorator.file) else {
        return Vec::new();
    };
    let Some(parameter) = module.scope(decorator.scope).parameters.get(decorated) else {
        return Vec::new();
    };
    let is_inner = |definition: &Definition| {
        definition.file == decorator.file
            && definition.scope != decorator.scope
            && module.is_inside(definition.scope, decorator.scope)
    };
    let mut found = Vec::new();
    for call in &module.calls {
        if !module.is_inside(call.scope, decorator.scope) {
            continue;
        }
        let site = Site {
            file: decorator.file,
            expr: call.expr,
        };
        for (rule, handler) in registered(resolver, site) {
            let is_decorated = matches!(&module.expr(handler.expr).kind, ExprKind::Name(name) if *name == parameter.name);
            if is_decorated || handlers(resolver, handler).iter().any(is_inner) {
                found.push(rule);
            }
        }
        // `client.on(event)(handler)`
        let ExprKind::Call(callee, arguments) = &module.expr(call.expr).kind else {
            continue;
        };
        if let (ExprKind::Call(registrar, _), [argument]) =
            (&module.expr(*callee).kind, &**arguments)
            && matches!(&module.expr(argument.value).kind, ExprKind::Name(name) if *name == parameter.name)
        {
            let site = Site {
                expr: *registrar,
                ..site
            };
            found.extend(
                rules(resolver, "decorator", site)
                    .into_iter()
                    .map(|(rule, _)| rule),
            );
        }
    }
    for (index, scope) in module.scopes.iter().enumerate() {
        let inner = Definition {
            file: decorator.file,
            scope: ScopeId(index as u32),
        };
        if scope.decorators.is_empty() || !is_inner(&inner) {
            continue;
        }
        for &expr in &scope.decorators {
            let callee = match &module.expr(expr).kind {
                ExprKind::Call(function, _) => *function,
                _ => expr,
            };
            let site = Site {
                file: decorator.file,
                expr: callee,
            };
            found.extend(
                rules(resolver, "decorator", site)
                    .into_iter()
                    .map(|(rule, _)| rule),
            );
        }
    }
    found
}

fn by_subclass(
    resolver: &mut Resolver,
    module: &Module,
    class: Definition,
) -> Vec<FoundEntrypoint> {
    let catalog = resolver.program.catalog;
    let scope = module.scope(class.scope);
    let mut found = Vec::new();
    let ancestors = resolver.lineage(class);
    let mut seen: Vec<&str> = Vec::new();
    for ancestor in ancestors.iter() {
        let base = match ancestor {
            Ancestor::External(base) if is_servicer(base) => SERVICER.into(),
            Ancestor::External(base) => base.clone(),
            Ancestor::Own(own) if *own != class && is_servicer(&resolver.program.symbol(*own)) => {
                SERVICER.into()
            }
            Ancestor::Own(_) => continue,
        };
        for rule in catalog.entrypoint("subclass", &base, "") {
            if seen.contains(&rule.kind.as_str()) && rule.methods.is_empty() {
                continue;
            }
            seen.push(&rule.kind);
            if rule.methods.is_empty() {
                found.push(FoundEntrypoint::of_code(
                    rule,
                    name_of(
                        resolver,
                        rule,
                        &scope.name,
                        None,
                        module,
                        Some(class.scope),
                        class.file,
                    ),
                    class,
                    scope.span,
                ));
                continue;
            }
            for (name, definition) in boundary_methods(resolver, module, class, rule) {
                let span = module.scope(definition.scope).span;
                found.push(FoundEntrypoint::of_code(
                    rule,
                    name_of(
                        resolver,
                        rule,
                        &name,
                        None,
                        module,
                        Some(definition.scope),
                        class.file,
                    ),
                    definition,
                    span,
                ));
            }
        }
    }
    found
}

/// The methods of a class that a rule says are each a boundary: by name, every public one, or those that an attribute
/// of the class lists, by name or as functions of the same file.
fn boundary_methods(
    resolver: &mut Resolver,
    module: &Module,
    class: Definition,
    rule: &EntrypointRule,
) -> Vec<(String, Definition)> {
    let scope = module.scope(class.scope);
    let mut names: Vec<String> = Vec::new();
    let mut found: Vec<(String, Definition)> = Vec::new();
    for method in &rule.methods {
        let attribute = method
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        if method.contains('*') {
            let counts = |name: &&crate::syntax::module::Name| {
                !name.starts_with('_') && matches_name(method, name)
            };
            let public = scope.bindings.keys().filter(counts);
            names.extend(public.map(|name| name.to_string()));
        } else if let Some(attribute) = attribute {
            for binding in scope.bindings.get(attribute).into_iter().flatten() {
                let BindingValue::Value(expr) = binding.value else {
                    continue;
                };
                let list = Site {
                    file: class.file,
                    expr,
                };
                names.extend(constants(resolver, list));
                let listed = handlers(resolver, list).into_iter();
                let here = listed.filter(|function| function.file == class.file);
                found.extend(here.map(|function| {
                    let name = module.scope(function.scope).name.to_string();
                    (name, function)
                }));
            }
        } else {
            names.push(method.clone());
        }
    }
    for name in names {
        for binding in scope.bindings.get(name.as_str()).into_iter().flatten() {
            if let BindingValue::Definition(inner) = binding.value {
                let definition = Definition {
                    scope: inner,
                    ..class
                };
                found.push((name.clone(), definition));
            }
        }
    }
    found
}

/// What gRPC's generated base classes are called in the rules: `orders_pb2_grpc.OrdersServicer`.
const SERVICER: &str = "grpc.Servicer";

fn is_servicer(name: &str) -> bool {
    match name.rsplit_once('.') {
        Some((module, class)) => module.ends_with("_pb2_grpc") && class.ends_with("Servicer"),
        None => false,
    }
}

/// A class that a runner reads: its attributes list the functions that the runner calls.
fn by_attribute(
    resolver: &mut Resolver,
    module: &Module,
    class: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(class.scope);
    let mut found = Vec::new();
    for rule in resolver.program.catalog.entrypoints_of_shape("attribute") {
        let imports = module.imports.iter().any(|import| {
            let root = import.module.split('.').next().unwrap_or_default();
            import.level == 0 && rule.imports_any.iter().any(|wanted| wanted == root)
        });
        let is_named = rule
            .names
            .iter()
            .any(|name| matches_name(name, &scope.name));
        if !imports && !is_named || scope.parent != Some(MODULE_SCOPE) {
            continue;
        }
        let lists: Vec<ExprId> = rule
            .of
            .iter()
            .filter_map(|attribute| scope.bindings.get(attribute.as_str()))
            .flatten()
            .filter_map(|binding| match binding.value {
                BindingValue::Value(expr) | BindingValue::Annotated(_, Some(expr)) => Some(expr),
                _ => None,
            })
            .collect();
        if rule.role() == Role::Process {
            if !lists.is_empty() {
                found.push(FoundEntrypoint {
                    role: Role::Process,
                    kind: rule.kind.clone(),
                    name: scope.name.to_string(),
                    definition: Some(class),
                    line: scope.span.line,
                    column: scope.span.column,
                    end_line: scope.span.end_line,
                    node: Node::Code(Definition {
                        scope: MODULE_SCOPE,
                        ..class
                    }),
                });
            }
            continue;
        }
        for expr in lists {
            let list = Site {
                file: class.file,
                expr,
            };
            for definition in handlers(resolver, list) {
                let Some(handler) = resolver.program.module(definition.file) else {
                    continue;
                };
                let name = handler.scope(definition.scope).name.to_string();
                let span = module.expr(expr).span;
                let span = if definition.file == class.file {
                    handler.scope(definition.scope).span
                } else {
                    span
                };
                found.push(FoundEntrypoint::of_code(rule, name, definition, span));
            }
        }
    }
    found
}

fn by_call(
    resolver: &mut Resolver,
    module: &Module,
    file: FileId,
    call: &crate::syntax::module::CallSite,
) -> Vec<FoundEntrypoint> {
    let ExprKind::Call(function, _) = &module.expr(call.expr).kind else {
        return Vec::new();
    };
    let (site, callee) = (
        Site {
            file,
            expr: call.expr,
        },
        Site {
            file,
            expr: *function,
        },
    );
    let mut found = Vec::new();
    for (rule, _) in rules(resolver, "instance", callee) {
        let node = node_of(module, file, call);
        found.push(FoundEntrypoint {
            role: rule.role(),
            kind: rule.kind.clone(),
            name: target_name(module, call.expr).unwrap_or_else(|| class_name(resolver, callee)),
            definition: None,
            line: call.statement.line,
            column: call.statement.column,
            end_line: call.statement.end_line,
            node: match node {
                // An app made in a factory function starts with its module all the same.
                Node::Code(_) => Node::Code(Definition {
                    file,
                    scope: MODULE_SCOPE,
                }),
                main => main,
            },
        });
    }
    if found.is_empty() && call.scope == MODULE_SCOPE {
        found.extend(by_app_factory(resolver, module, site, callee, call));
    }
    for (rule, called) in rules(resolver, "call", callee) {
        let handler = rule
            .handler
            .as_ref()
            .and_then(|handler| resolver.argument(site, handler.pos, handler.kw.as_deref()));
        let Some(handler) = handler else { continue };
        for definition in handlers(resolver, handler) {
            found.push(FoundEntrypoint::of_code(
                rule,
                name_of(resolver, rule, &called, Some(site), module, None, file).replace(
                    "{function}",
                    &{
                        let scope = resolver
                            .program
                            .module(definition.file)
                            .map(|module| module.scope(definition.scope));
                        scope.map_or(String::new(), |scope| scope.name.to_string())
                    },
                ),
                definition,
                module.expr(call.expr).span,
            ));
        }
    }
    found
}

/// `app = create_app()` at the top level, where the repo's own function makes the app: the process starts here.
fn by_app_factory(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    callee: Site,
    call: &crate::syntax::module::CallSite,
) -> Option<FoundEntrypoint> {
    let is_function = |typed: &crate::names::Typed| matches!(typed.value, Value::Function(_));
    if !resolver.values(callee).iter().any(is_function) {
        return None;
    }
    let name = target_name(module, call.expr)?;
    let catalog = resolver.program.catalog;
    let rule = resolver
        .values(site)
        .iter()
        .find_map(|typed| match &typed.value {
            Value::Instance(class, _) => {
                catalog.entrypoint("instance", class, "").into_iter().next()
            }
            _ => None,
        })?;
    Some(FoundEntrypoint {
        role: rule.role(),
        kind: rule.kind.clone(),
        name,
        definition: None,
        line: call.statement.line,
        column: call.statement.column,
        end_line: call.statement.end_line,
        node: node_of(module, site.file, call),
    })
}

/// The functions or classes that an argument registers: a function, a class, `View.as_view()`.
pub fn handlers(resolver: &mut Resolver, handler: Site) -> Vec<Definition> {
    let Some(module) = resolver.program.module(handler.file) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for typed in resolver.values(handler).to_vec() {
        match typed.value {
            Value::Function(function)
            | Value::Wrapped { function, .. }
            | Value::Class(function) => found.push(function),
            Value::Bound { method, .. } => found.push(method),
            Value::Object(class, _) => {
                found.push(resolver.find_method(class, "__call__").unwrap_or(class))
            }
            // Falcon takes a module for a resource.
            Value::Module(file) => found.push(Definition {
                file,
                scope: MODULE_SCOPE,
            }),
            Value::Literal(list) => {
                for typed in resolver.elements(&Value::Literal(list)) {
                    if let Value::Function(function) | Value::Wrapped { function, .. } = typed.value
                    {
                        found.push(function);
                    }
                }
            }
            _ => {}
        }
    }
    if found.is_empty()
        && let ExprKind::Call(function, _) = &module.expr(handler.expr).kind
        && let ExprKind::Attribute(class, method) = &module.expr(*function).kind
        && &**method == "as_view"
    {
        for typed in resolver
            .values(Site {
                expr: *class,
                ..handler
            })
            .iter()
        {
            if let Value::Class(class) = typed.value {
                found.push(class);
            }
        }
    }
    found
}

fn by_function(
    resolver: &Resolver,
    module: &Module,
    definition: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(definition.scope);
    if scope.parent != Some(MODULE_SCOPE) {
        return Vec::new();
    }
    let path = &resolver.program.file(definition.file).path;
    let file_name = path.rsplit('/').next().unwrap_or(path);
    let catalog = resolver.program.catalog;
    catalog
        .entrypoints_of_shape("function")
        .filter(|rule| {
            rule.names
                .iter()
                .any(|name| matches_name(name, &scope.name))
        })
        .filter(|rule| {
            rule.files.is_empty() || rule.files.iter().any(|file| matches_name(file, file_name))
        })
        .filter(|rule| {
            rule.params.len() <= scope.parameters.len()
                && rule.params.iter().zip(&scope.parameters).enumerate().all(
                    |(index, (wanted, found))| {
                        let found = found.name.trim_start_matches('_');
                        // `def handler(event, _)`
                        **wanted == *found || index > 0 && ["", "ctx"].contains(&found)
                    },
                )
        })
        .map(|rule| FoundEntrypoint::of_code(rule, scope.name.to_string(), definition, scope.span))
        .collect()
}

/// A name, or one with a `*` for any part of it.
fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

fn by_file(
    resolver: &Resolver,
    module: &Module,
    file: FileId,
    path: &str,
) -> Option<FoundEntrypoint> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let imports = |root: &String| {
        module
            .imports
            .iter()
            .any(|import| import.level == 0 && import.module.split('.').next() == Some(root))
    };
    let rule = resolver
        .program
        .catalog
        .entrypoints_of_shape("file")
        .find(|rule| {
            rule.files.iter().any(|file| file == name)
                && (rule.imports_any.is_empty() || rule.imports_any.iter().any(imports))
        })?;
    let main = module
        .blocks
        .iter()
        .find(|block| matches!(block.kind, BlockKind::Main));
    let span = main.map_or(module.scope(MODULE_SCOPE).span, |block| block.span);
    Some(FoundEntrypoint {
        role: rule.role(),
        kind: rule.kind.clone(),
        name: name.to_owned(),
        definition: None,
        line: main.map_or(1, |block| block.span.line),
        column: 1,
        end_line: span.end_line,
        node: if main.is_some() {
            Node::Main(file)
        } else {
            Node::Code(Definition {
                file,
                scope: MODULE_SCOPE,
            })
        },
    })
}

/// The variable that a call's result is assigned to.
fn target_name(module: &Module, call: ExprId) -> Option<String> {
    let is_call = |value: &BindingValue| matches!(value, BindingValue::Value(expr) | BindingValue::Annotated(_, Some(expr)) if *expr == call);
    for scope in &module.scopes {
        for (name, bindings) in &scope.bindings {
            if bindings.iter().any(|binding| is_call(&binding.value)) {
                return Some(name.to_string());
            }
        }
        for (name, attributes) in &scope.attributes {
            if attributes.iter().any(|attribute| is_call(&attribute.value)) {
                return Some(name.to_string());
            }
        }
    }
    None
}

fn class_name(resolver: &mut Resolver, callee: Site) -> String {
    let names = rule_names(resolver, callee);
    let last = names
        .first()
        .and_then(|(class, _)| class.rsplit('.').next())
        .unwrap_or_default();
    last.to_owned()
}

/// The constant texts of a list or tuple.
fn constants(resolver: &mut Resolver, list: Site) -> Vec<String> {
    let Some(module) = resolver.program.module(list.file) else {
        return Vec::new();
    };
    match &module.expr(list.expr).kind {
        ExprKind::Sequence(items) => items
            .iter()
            .filter_map(|&expr| resolver.constant(Site { expr, ..list }))
            .collect(),
        _ => Vec::new(),
    }
}

/// Fills in a rule's name template.
fn name_of(
    resolver: &mut Resolver,
    rule: &EntrypointRule,
    called: &str,
    call: Option<Site>,
    module: &Module,
    scope: Option<ScopeId>,
    file: FileId,
) -> String {
    let path = &resolver.program.file(file).path;
    let file = path.rsplit('/').next().unwrap_or(path);
    let file = file.strip_suffix(".py").unwrap_or(file);
    let function = scope.map(|scope| module.scope(scope).name.to_string());
    let template = if rule.name.is_empty() {
        "{function}"
    } else {
        &rule.name
    };
    let method = called.rsplit('.').next().unwrap_or_default();
    let class = scope.and_then(|scope| {
        let at = module.scope(scope);
        let class = if at.kind == ScopeKind::Class {
            scope
        } else {
            at.parent?
        };
        (module.scope(class).kind == ScopeKind::Class).then(|| module.scope(class).name.to_string())
    });
    let mut name = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        name.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        let field = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        match field {
            "METHOD" => name.push_str(&method.to_uppercase()),
            "method" => name.push_str(method),
            "function" => match &function {
                Some(function) => name.push_str(function),
                None => name.push_str("{function}"),
            },
            "class" => name.push_str(class.as_deref().unwrap_or_default()),
            "file" => name.push_str(file),
            "METHODS" => {
                let methods = call.and_then(|call| resolver.argument(call, None, Some("methods")));
                let texts = methods.map_or(Vec::new(), |methods| constants(resolver, methods));
                name.push_str(&texts.join(",").to_uppercase());
            }
            _ => {
                let mut parts = field.split(':').skip(1);
                let position = parts.next().and_then(|position| position.parse().ok());
                let keyword = parts.next();
                let argument = call.and_then(|call| resolver.argument(call, position, keyword));
                name.push_str(
                    &argument
                        .and_then(|argument| resolver.text(argument))
                        .unwrap_or_default(),
                );
            }
        }
    }
    name.push_str(rest);
    let name = name.trim().to_owned();
    if name.is_empty() {
        function.unwrap_or_else(|| method.to_owned())
    } else {
        name
    }
}
