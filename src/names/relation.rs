//! The fields by which models of the repo refer to one another.

use super::*;
use crate::syntax::module::{BindingValue, ExprKind};

/// A field by which one model refers to another, seen from the other.
#[derive(Clone, Debug)]
pub struct Relation {
    /// The model that declares the field.
    pub(super) model: Definition,
    /// The call that declares it.
    pub(super) field: Site,
    /// The name of the other model in lower case; `None` for the project's users.
    pub(super) to: Option<String>,
    pub(super) is_single: bool,
    /// The name is the field's own: what `post.tags` is, not what `tag.posts` is.
    pub(super) is_own: bool,
}

/// `settings.AUTH_USER_MODEL`, `get_user_model()`, `"auth.User"`.
pub(super) fn names_user(module: &Module, expr: ExprId) -> bool {
    match &module.expr(expr).kind {
        ExprKind::Attribute(_, name) | ExprKind::Name(name) => &**name == "AUTH_USER_MODEL",
        ExprKind::Call(callee, _) => matches!(
            &module.expr(*callee).kind,
            ExprKind::Name(name) | ExprKind::Attribute(_, name) if &**name == "get_user_model"
        ),
        ExprKind::Str(text) => &**text == "auth.User",
        _ => false,
    }
}

/// Fields by which one model refers to another, and whether the other sees one object or many.
const FIELDS: &[(&str, bool)] = &[
    ("ForeignKey", false),
    ("GenericRelation", false),
    ("ManyToManyField", false),
    ("OneToOneField", true),
    ("ParentalKey", false),
    ("ParentalManyToManyField", false),
    ("TreeForeignKey", false),
    ("TreeManyToManyField", false),
];

/// Every relation of the repo by the name that the other model has for it.
pub(super) fn relations(program: &Program) -> FxHashMap<Name, Vec<Relation>> {
    let mut found: FxHashMap<Name, Vec<Relation>> = FxHashMap::default();
    for (index, source) in program.files.iter().enumerate() {
        let Some(module) = source.module.as_deref() else {
            continue;
        };
        let file = FileId(index as u32);
        for (scope, class) in module.scopes.iter().enumerate() {
            if class.kind != ScopeKind::Class {
                continue;
            }
            let fields = class
                .bindings
                .iter()
                .flat_map(|(name, bindings)| bindings.iter().map(move |binding| (name, binding)));
            for (field, binding) in fields {
                let (BindingValue::Value(expr) | BindingValue::Annotated(_, Some(expr))) =
                    binding.value
                else {
                    continue;
                };
                let model = Definition {
                    file,
                    scope: ScopeId(scope as u32),
                };
                for (name, relation) in related(program, module, model, expr) {
                    found.entry(name).or_default().push(relation);
                }
                if is_many(module, expr) {
                    let field_at = Site { file, expr };
                    found.entry(field.clone()).or_default().push(Relation {
                        model,
                        field: field_at,
                        to: None,
                        is_single: false,
                        is_own: true,
                    });
                }
            }
        }
    }
    for relations in found.values_mut() {
        relations.sort_by_key(|relation| (relation.model, relation.field, relation.is_own));
    }
    found
}

/// Whether a field refers to many objects of another model.
fn is_many(module: &Module, field: ExprId) -> bool {
    let ExprKind::Call(callee, _) = &module.expr(field).kind else {
        return false;
    };
    matches!(
        &module.expr(*callee).kind,
        ExprKind::Name(name) | ExprKind::Attribute(_, name) if MANY.contains(&&**name)
    )
}

const MANY: &[&str] = &[
    "GenericRelation",
    "ManyToManyField",
    "ParentalManyToManyField",
    "TreeManyToManyField",
];

/// The relation that a field declares; an abstract model's once for each model that derives from it.
fn related(
    program: &Program,
    module: &Module,
    model: Definition,
    field: ExprId,
) -> Vec<(Name, Relation)> {
    let Some((name, relation)) = relation(module, model, field) else {
        return Vec::new();
    };
    if !name.contains(CLASS) {
        return vec![(name, relation)];
    }
    let heirs = program.subclasses.get(&model).into_iter().flatten();
    let models = heirs.copied().chain([model]);
    let each = models.filter_map(|model| {
        let class = program
            .module(model.file)?
            .scope(model.scope)
            .name
            .to_lowercase();
        let relation = Relation {
            model,
            ..relation.clone()
        };
        Some((name.replace(CLASS, &class).into(), relation))
    });
    each.collect()
}

/// What stands for the model's name in a `related_name`.
const CLASS: &str = "%(class)s";

fn relation(module: &Module, model: Definition, expr: ExprId) -> Option<(Name, Relation)> {
    let ExprKind::Call(callee, arguments) = &module.expr(expr).kind else {
        return None;
    };
    let (ExprKind::Name(field) | ExprKind::Attribute(_, field)) = &module.expr(*callee).kind else {
        return None;
    };
    let &(_, is_single) = FIELDS.iter().find(|(name, _)| **name == **field)?;
    let given = |keyword: &str| {
        arguments
            .iter()
            .find(|argument| argument.keyword.as_deref() == Some(keyword))
    };
    let class = module.scope(model.scope).name.to_lowercase();
    let name: Name = match given("related_name").map(|argument| &module.expr(argument.value).kind) {
        Some(ExprKind::Str(name)) => name.clone(),
        Some(_) => return None,
        None if is_single => class.into(),
        None => format!("{class}_set").into(),
    };
    let other = arguments
        .first()
        .filter(|argument| argument.keyword.is_none())
        .or_else(|| given("to"))?;
    let to = match &module.expr(other.value).kind {
        _ if names_user(module, other.value) => None,
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => Some(name.to_lowercase()),
        ExprKind::Str(text) if &**text == "self" => {
            Some(module.scope(model.scope).name.to_lowercase())
        }
        ExprKind::Str(text) => Some(text.rsplit('.').next().unwrap_or_default().to_lowercase()),
        _ => return None,
    };
    let field = Site {
        file: model.file,
        expr,
    };
    Some((
        name,
        Relation {
            model,
            field,
            to,
            is_single,
            is_own: false,
        },
    ))
}
