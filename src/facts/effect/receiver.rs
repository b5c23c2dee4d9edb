//! Effects of objects that nothing says the class of: by what the object is called, and by how rows are kept.

use super::FoundEffect;
use super::unknown::{is_in, likely_on};
use crate::names::{Resolver, Site, Typed, Value};
use crate::syntax::module::{CallSite, ExprId, ExprKind, ImportedName, Module};

/// A method of what is called a session, or of what is saved as only a model is: `db_session.commit()`, `row.save()`.
pub(super) fn by_receiver(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Option<FoundEffect> {
    let (object, method) = module.method_call(site.expr)?;
    let class = called(resolver, module, object, method)
        .or_else(|| saved(resolver, module, site, object, method))
        .or_else(|| related(resolver, module, site, object, method))?;
    let at = |expr| Site { expr, ..site };
    let is_known = !resolver.values(at(module.callee(site.expr))).is_empty()
        || !resolver.values(at(object)).is_empty()
        || module.imports_any(&resolver.program.catalog.language.unknown.stand_ins);
    if is_known {
        return None;
    }
    likely_on(resolver, module, site, call, class)
}

/// The class of what a receiver is called, where the repo imports its library.
fn called<'p>(
    resolver: &Resolver<'p>,
    module: &Module,
    object: ExprId,
    method: &str,
) -> Option<&'p str> {
    let name = module.called(object)?;
    let program = resolver.program;
    let receivers = &program.catalog.language.unknown.receivers;
    let rule = receivers.iter().find(|rule| {
        let is_called = rule.names.iter().any(|end| {
            name.strip_suffix(end.as_str())
                .is_some_and(|start| start.is_empty() || start.ends_with('_'))
        });
        is_called
            && (rule.methods.is_empty() || is_in(&rule.methods, method))
            && rule
                .roots
                .iter()
                .any(|root| program.imported.contains(root))
            && !module.imports_any(&rule.unless)
    })?;
    let is_own = !rule.methods.is_empty() && !rule.always && program.defines_method(&method.into());
    let owner = module.owner(module.scope_of(object));
    let is_async = module.scope(owner).is_async && !rule.when_async.is_empty();
    (!is_own).then_some(if is_async {
        &rule.when_async
    } else {
        &rule.class
    })
}

/// Nothing but a model, its form or its serializer is saved without a word of where to, in a file about Django.
fn saved(
    resolver: &Resolver,
    module: &Module,
    site: Site,
    object: ExprId,
    method: &str,
) -> Option<&'static str> {
    // A file of a model is told whether to save the model too.
    let of_file = resolver
        .arguments(site)
        .iter()
        .any(|argument| argument.keyword.as_deref() == Some("save"));
    if of_file && module.imports_any(&["django"]) && ["delete", "save"].contains(&method) {
        return Some("django.db.models.FileField");
    }
    let catalog = resolver.program.catalog;
    let unknown = &catalog.language.unknown;
    let words = match method {
        "asave" | "save" => &unknown.save_keywords,
        "adelete" | "delete" => &unknown.delete_keywords,
        _ => return None,
    };
    let says = |keyword: Option<&str>| keyword.is_some_and(|keyword| is_in(words, keyword));
    let mut arguments = resolver.arguments(site).iter();
    let is_saved = arguments.all(|argument| says(argument.keyword.as_deref()));
    let imports_models = || {
        let of_models = |module: &str| module.rsplit('.').next() == Some("models");
        module.imports.iter().any(|import| {
            let names_models =
                matches!(&import.name, ImportedName::Member(name) if &**name == "models");
            names_models || of_models(&import.module)
        })
    };
    let about_django = (module.imports_any(&["django", "rest_framework"])
        || resolver.program.imported.contains("django") && imports_models())
        && !module.imports_any(&unknown.also_saved);
    // A class of the repo that is no model may be what the object is called after.
    let is_own = module.called(object).is_some_and(|name| {
        let class = name.replace('_', "");
        resolver.program.class_named(&class, site.file).is_some()
    });
    (is_saved && about_django && !is_own).then_some("django.db.models.Model")
}

/// Rows behind a relation that a model of the repo declares: `step.ingredients.add(ingredient)`.
fn related(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    object: ExprId,
    method: &str,
) -> Option<&'static str> {
    let ExprKind::Attribute(owner, name) = &module.expr(object).kind else {
        return None;
    };
    let arguments = resolver.arguments(site).len();
    let is_asked = match method {
        "count" => arguments == 0,
        "add" | "set" => arguments > 0,
        _ => false,
    };
    let is_many = is_asked
        && module.imports_any(&["django", "rest_framework"])
        && resolver.many_named(name).is_some();
    // What a class of the repo keeps under the name is what it is.
    let owner = Site {
        expr: *owner,
        ..site
    };
    let is_kept = |typed: &Typed| matches!(typed.value, Value::Object(..));
    let is_many = is_many && !resolver.values(owner).iter().any(is_kept);
    is_many.then_some("django.db.models.Manager")
}
