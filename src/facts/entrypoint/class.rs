//! Classes that are entrypoints, or whose methods are.

use super::{FoundEntrypoint, constants, handlers, matches_name, name_of};
use crate::catalog::schema::EntrypointRule;
use crate::facts::Role;
use crate::facts::graph::Node;
use crate::names::{Ancestor, Definition, Resolver, Site};
use crate::syntax::module::{BindingValue, ExprId, MODULE_SCOPE, Module};

pub(super) fn by_subclass(
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
pub(super) fn by_attribute(
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
