//! What a repo keeps under a name of its own in an object that a framework lends it, or that nobody knows: `g.db`,
//! `app.state.client`, `bot.session`.

use super::*;
use crate::syntax::module::{BindingValue, ExprKind};

impl<'p> Resolver<'p> {
    pub(super) fn stores(&mut self, bag: &str, name: &Name) -> bool {
        !self.stored(bag, name).is_empty()
    }

    /// What the repo assigns to an attribute of a bag, in any file.
    pub(super) fn stored(&mut self, bag: &str, name: &Name) -> Vec<Typed> {
        let key = Key::Stored(format!("{bag}.{name}").into());
        let found = self.find(key, |resolver| {
            let program = resolver.program;
            let mut found = Vec::new();
            for index in 0..program.files.len() as u32 {
                let file = FileId(index);
                for stored in program
                    .module(file)
                    .into_iter()
                    .flat_map(|module| &module.stored)
                {
                    let object = Site {
                        file,
                        expr: stored.object,
                    };
                    if stored.name == *name && resolver.is_bag(object, bag) {
                        found.extend(resolver.binding(file, stored.scope, &stored.value));
                    }
                }
            }
            found
                .into_iter()
                .map(|typed| typed.at_most(false))
                .collect()
        });
        found.to_vec()
    }

    /// An attribute or an item of an object that nobody knows, by what the repo keeps under that name.
    pub(super) fn kept_as(&mut self, name: &Name, site: Site) -> Option<Typed> {
        self.ask(Input::Kept(name));
        let class = self.program.kept.get(name)?;
        Some(Typed::likely(Value::Instance(class.clone(), Some(site))))
    }

    /// The names under which a file keeps objects in attributes and items, each with the class where it is known.
    pub fn keeps(&mut self, file: FileId) -> Vec<(Name, Option<Name>)> {
        let program = self.program;
        let Some(module) = program.module(file) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (index, scope) in module.scopes.iter().enumerate() {
            if scope.kind != ScopeKind::Class {
                continue;
            }
            for (name, attributes) in &scope.attributes {
                for attribute in attributes {
                    let class = self.kept_class(file, attribute.scope, &attribute.value);
                    found.extend(class.map(|class| (name.clone(), class)));
                }
            }
            for (name, bindings) in &scope.bindings {
                for binding in bindings {
                    let class = self.kept_class(file, ScopeId(index as u32), &binding.value);
                    found.extend(class.map(|class| (name.clone(), class)));
                }
            }
        }
        for stored in &module.stored {
            let class = self.kept_class(file, stored.scope, &stored.value);
            found.extend(class.map(|class| (stored.name.clone(), class)));
        }
        found
    }

    /// The class of what is kept, `Some(None)` if it is not known, `None` if nothing is.
    fn kept_class(
        &mut self,
        file: FileId,
        scope: ScopeId,
        value: &BindingValue,
    ) -> Option<Option<Name>> {
        let module = self.program.module(file)?;
        let is_none = |expr: ExprId| matches!(&module.expr(expr).kind, ExprKind::Constant(text) if &**text == "None");
        if matches!(value, BindingValue::Value(expr) if is_none(*expr)) {
            return None;
        }
        let values = self.binding(file, scope, value);
        let mut classes = values.iter().filter_map(|typed| match &typed.value {
            Value::Instance(class, _) if self.catalog().is_known(class) => Some(class.clone()),
            _ => None,
        });
        let first = classes.next();
        let agree = values.iter().all(|typed| matches!((&typed.value, &first), (Value::Instance(class, _), Some(first)) if class == first));
        if values.is_empty() && matches!(value, BindingValue::Annotated(_, None)) {
            return None;
        }
        Some(first.filter(|_| agree))
    }

    fn is_bag(&mut self, object: Site, bag: &str) -> bool {
        let values = self.values(object);
        if values.is_empty() && STATES.contains(&bag) {
            // Of an app that nobody says the class of.
            return self.program.module(object.file).is_some_and(|module| {
                matches!(&module.expr(object.expr).kind, ExprKind::Attribute(_, name) if &**name == bag)
            });
        }
        values.iter().any(|typed| match &typed.value {
            Value::External(name) | Value::Instance(name, _) => self.catalog().derives(name, bag),
            Value::Method { chain, .. } => chain.rsplit('.').next() == Some(bag),
            _ => false,
        })
    }
}

/// What frameworks call the attribute of an app under which a repo keeps its own things.
pub(super) const STATES: &[&str] = &["ctx", "state"];

/// Objects that a framework lends for a request's or an app's own things.
pub(super) const BAGS: &[&str] = &[
    "django.http.HttpRequest",
    "flask.Flask",
    "flask.g",
    "quart.Quart",
    "quart.g",
];
