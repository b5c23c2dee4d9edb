//! The model that a query is about.

use super::member::{MANAGER, ROWS};
use super::*;
use crate::syntax::module::{ExprKind, ScopeKind};

impl<'p> Resolver<'p> {
    /// An object of the model class that a query starts from: `Model.objects.get(…)`, `Model.find_one(…)`.
    pub(super) fn receiver_model(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        if let Some(model) = self.related_model(site) {
            return vec![Typed::likely(Value::Object(model, None))];
        }
        let mut expr = site.expr;
        for _ in 0..12 {
            // `session.query(User)`
            if let ExprKind::Call(function, _) = &module.expr(expr).kind
                && let ExprKind::Attribute(_, method) | ExprKind::Name(method) =
                    &module.expr(*function).kind
                && ["query", "select"].contains(&&**method)
                && let Some(first) = self.argument(Site { expr, ..site }, Some(0), None)
            {
                let values = self.values(first);
                let class = values.iter().find_map(|typed| match typed.value {
                    Value::Class(class) => Some(class),
                    _ => None,
                });
                // `Post.select(Post.id)` is about the class that it is called on.
                if class.is_some()
                    || !matches!(&module.expr(*function).kind, ExprKind::Attribute(..))
                {
                    return class
                        .map(|class| Typed::likely(Value::Object(class, None)))
                        .into_iter()
                        .collect();
                }
            }
            expr = match &module.expr(expr).kind {
                ExprKind::Attribute(object, _) | ExprKind::Await(object) => *object,
                ExprKind::Call(function, _) => *function,
                _ => break,
            };
            let at = Site { expr, ..site };
            for typed in self.values(at).to_vec() {
                match typed.value {
                    Value::Class(class) | Value::Object(class, _) if !self.is_manager(class) => {
                        let subject = if self.is_model(class) {
                            None
                        } else {
                            self.subject(class)
                        };
                        let model = subject.unwrap_or(Value::Object(class, None));
                        return vec![Typed::likely(model)];
                    }
                    // `super().save(commit=False)` of a form.
                    Value::Super(class) => {
                        let subject = self.subject(class);
                        return subject.map(Typed::likely).into_iter().collect();
                    }
                    Value::Instance(name, _) if self.is_stored(&name) => {
                        return vec![Typed::likely(Value::Instance(name, None))];
                    }
                    // A model from elsewhere: `User.objects.get(…)`.
                    Value::External(name) if self.model_from_elsewhere(&name).is_some() => {
                        let model = self.model_from_elsewhere(&name);
                        return model.map(Typed::likely).into_iter().collect();
                    }
                    // A query that was begun elsewhere: `query.first()`.
                    Value::Instance(_, Some(made))
                        if made != site && matches!(module.expr(expr).kind, ExprKind::Name(_)) =>
                    {
                        return self
                            .find(Key::Model(made), |resolver| resolver.receiver_model(made))
                            .to_vec();
                    }
                    _ => {}
                }
            }
        }
        Vec::new()
    }

    /// A manager or query class of the repo: it gives models but is none.
    pub(super) fn is_manager(&mut self, class: Definition) -> bool {
        self.lineage(class).iter().any(|ancestor| match ancestor {
            Ancestor::External(name) => self.catalog().derives(name, related::QUERY),
            Ancestor::Own(_) => false,
        })
    }

    /// The model of this name: the one in the same file, else the first; where no class of the name is a model, any.
    pub(super) fn model_named(&mut self, name: &str, file: FileId) -> Option<Definition> {
        let program = self.program;
        let named = program.classes_named(name);
        let is_model: Vec<Definition> = named
            .iter()
            .copied()
            .filter(|class| named.len() == 1 || self.is_model(*class))
            .collect();
        let same_file = is_model.iter().find(|class| class.file == file);
        same_file.or(is_model.first()).or(named.first()).copied()
    }

    /// The class of the repo that the first argument of a call names, by itself or by a string: `"blog.Author"`.
    pub(super) fn named_class(&mut self, call: Site) -> Option<Definition> {
        let first = self
            .argument(call, Some(0), None)
            .or_else(|| self.argument(call, None, Some("to")))?;
        let values = self.values(first);
        let class = values.iter().find_map(|typed| match typed.value {
            Value::Class(class) => Some(class),
            _ => None,
        });
        if class.is_some() {
            return class;
        }
        let text = self.constant(first)?;
        if text == "self" {
            let module = self.program.module(call.file)?;
            let scope = module.scope_of(call.expr);
            return (module.scope(scope).kind == ScopeKind::Class).then_some(Definition {
                file: call.file,
                scope,
            });
        }
        let name = text.rsplit('.').next().unwrap_or_default();
        self.model_named(name, call.file)
    }

    /// The model on the other side of a relation that a chain goes over: `Tag` in `post.tags.filter(…)`, `Comment` in
    /// `post.comment_set.all()`. `None` where the chain starts from the model itself.
    pub fn related_model(&mut self, site: Site) -> Option<Definition> {
        let module = self.program.module(site.file)?;
        let mut expr = site.expr;
        // The method of the attribute that is looked at.
        let mut behind: Option<&Name> = None;
        for _ in 0..12 {
            match &module.expr(expr).kind {
                ExprKind::Attribute(object, name) => {
                    let values = self.values(Site { expr, ..site });
                    let unknown = match behind {
                        Some(method) if values.is_empty() && ROWS.contains(&&**method) => {
                            self.rows_behind(Site { expr, ..site })
                        }
                        _ => None,
                    };
                    let unknown = unknown.map(|rows| match rows {
                        Value::Instance(_, made) => made,
                        _ => None,
                    });
                    behind = Some(name);
                    let managed = values.iter().find_map(|typed| match &typed.value {
                        Value::Instance(class, made) if self.catalog().derives(class, MANAGER) => {
                            Some(*made)
                        }
                        _ => None,
                    });
                    if let Some(made) = managed.or(unknown) {
                        if let Some(name) = name.strip_suffix("_set") {
                            return self.model_named(name, site.file);
                        }
                        return made
                            .filter(|made| {
                                matches!(
                                    self.program
                                        .module(made.file)
                                        .map(|m| &m.expr(made.expr).kind),
                                    Some(ExprKind::Call(..))
                                )
                            })
                            .and_then(|made| self.model_behind(made, name));
                    }
                    expr = *object;
                }
                ExprKind::Await(object) => expr = *object,
                ExprKind::Call(function, _) => expr = *function,
                _ => return None,
            }
        }
        None
    }
}
