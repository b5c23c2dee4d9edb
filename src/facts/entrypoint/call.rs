//! Entrypoints by a call: an app that is made, a handler that is registered.

use super::{FoundEntrypoint, name_of, rule_names, rules};
use crate::facts::graph::{Node, node_of};
use crate::names::{Definition, FileId, Resolver, Site, Typed, Value};
use crate::syntax::module::{BindingValue, CallSite, ExprId, ExprKind, MODULE_SCOPE, Module};

pub(super) fn by_call(
    resolver: &mut Resolver,
    module: &Module,
    file: FileId,
    call: &CallSite,
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
    call: &CallSite,
) -> Option<FoundEntrypoint> {
    let is_function = |typed: &Typed| matches!(typed.value, Value::Function(_));
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
