//! Entrypoints by their decorators: a framework's, or the repo's own that register with one.

use super::{FoundEntrypoint, handlers, name_of, rules};
use crate::catalog::schema::EntrypointRule;
use crate::facts::graph::{own_decorators, registered};
use crate::names::{Definition, Resolver, Site};
use crate::syntax::module::{ExprKind, Module};

pub(super) fn by_decorator(
    resolver: &mut Resolver,
    module: &Module,
    definition: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(definition.scope);
    let mut found = Vec::new();
    for &decorator in &scope.decorators {
        let at = |expr| Site {
            file: definition.file,
            expr,
        };
        let callee = module.callee(decorator);
        let call = (callee != decorator).then(|| at(decorator));
        for (rule, called) in rules(resolver, "decorator", at(callee)) {
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
pub(super) fn by_own_decorator(
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
    for call in module.calls_in(decorator.scope) {
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
    for (_, scope) in module.scopes_in(decorator.scope) {
        for &expr in &scope.decorators {
            let site = Site {
                file: decorator.file,
                expr: module.callee(expr),
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
