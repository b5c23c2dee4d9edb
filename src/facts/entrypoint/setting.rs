//! Entrypoints that a project's settings name by their path: `MIDDLEWARE = ["shop.middleware.CurrentTenant"]`.

use super::{FoundEntrypoint, matches_name};
use crate::names::{Definition, FileId, Resolver, Value, is_settings};
use crate::syntax::module::{BindingValue, ExprKind, MODULE_SCOPE, Module, Name, Span};

pub(super) fn by_setting(
    resolver: &mut Resolver,
    module: &Module,
    file: FileId,
) -> Vec<FoundEntrypoint> {
    let mut found = Vec::new();
    if !is_settings(module) {
        return found;
    }
    for expr in &module.exprs {
        let ExprKind::Str(path) = &expr.kind else {
            continue;
        };
        let Some(definition) = named_by(resolver, path).filter(|named| named.file != file) else {
            continue;
        };
        let setting = setting_around(module, expr.span);
        let setting = setting.map_or("", |name| &**name);
        let mut rules = resolver.program.catalog.entrypoints_of_shape("setting");
        let rule = rules.find(|rule| rule.names.iter().any(|name| matches_name(name, setting)));
        if let Some(rule) = rule {
            found.push(FoundEntrypoint::of_code(
                rule,
                path.to_string(),
                definition,
                expr.span,
            ));
        }
    }
    found
}

/// The class or function of the repo that a dotted path names.
fn named_by(resolver: &mut Resolver, path: &str) -> Option<Definition> {
    let (module, name) = path.rsplit_once('.')?;
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if path.len() > 120 || !path.split('.').all(is_word) {
        return None;
    }
    let file = resolver.program.table.by_name(module)?;
    let values = resolver.exported(file, &name.into());
    values.iter().find_map(|typed| match typed.value {
        Value::Class(definition) | Value::Function(definition) => Some(definition),
        _ => None,
    })
}

/// The setting whose value holds what stands at `inner`.
fn setting_around(module: &Module, inner: Span) -> Option<&Name> {
    let holds = |value: &BindingValue| match value {
        BindingValue::Value(expr)
        | BindingValue::Added(expr)
        | BindingValue::Annotated(_, Some(expr)) => {
            let outer = module.expr(*expr).span;
            outer.start <= inner.start && inner.end <= outer.end
        }
        _ => false,
    };
    let mut bindings = module.scope(MODULE_SCOPE).bindings.iter();
    let found = bindings.find(|(_, bindings)| bindings.iter().any(|found| holds(&found.value)));
    found.map(|(name, _)| name)
}
