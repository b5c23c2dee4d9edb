//! Objects of the repo's models where no assignment says what they are: over the relations that other models declare,
//! through the model that a view, a form or a serializer is about, and by a variable's name.

use super::relation::{names_user, relations};
use super::*;
use crate::facts::Category;
use crate::syntax::module::BindingValue;

const USER: &str = "django.contrib.auth.models.User";
const MANAGER: &str = "django.db.models.Manager";
pub(super) const QUERY: &str = "django.db.models.QuerySet";
const SERIALIZER: &str = "rest_framework.serializers.BaseSerializer";

impl<'p> Resolver<'p> {
    /// What other models lend to a model by their fields' `related_name`: `author.posts`, `user.profile`.
    pub(super) fn lent_by_relation(
        &mut self,
        model: Option<Definition>,
        name: &Name,
    ) -> Option<Typed> {
        let program = self.program;
        let relations = program.relations.get_or_init(|| relations(program));
        let found = relations.get(name)?;
        let names: Vec<String> = match model {
            Some(model) => {
                let lineage = self.lineage(model);
                let own = lineage.iter().filter_map(|ancestor| match ancestor {
                    Ancestor::Own(own) => Some(
                        program
                            .module(own.file)?
                            .scope(own.scope)
                            .name
                            .to_lowercase(),
                    ),
                    Ancestor::External(name) => name
                        .starts_with("django.contrib.auth.")
                        .then(|| "user".to_owned()),
                });
                own.collect()
            }
            None => vec!["user".to_owned()],
        };
        let is_user = names.iter().any(|name| name == "user");
        let mut lent = found.iter().filter(|relation| !relation.is_own);
        let relation = lent.find(|relation| match &relation.to {
            Some(to) => names.contains(to),
            None => is_user,
        })?;
        Some(Typed::likely(if relation.is_single {
            Value::Object(relation.model, None)
        } else {
            Value::Instance(MANAGER.into(), Some(relation.field))
        }))
    }

    /// The field by which an attribute of this name gives rows, on a model of the repo.
    pub fn many_named(&self, name: &Name) -> Option<Site> {
        let program = self.program;
        let relations = program.relations.get_or_init(|| relations(program));
        let found = relations.get(name)?;
        let relation = found
            .iter()
            .find(|relation| !relation.is_single && !program.file(relation.model.file).is_test)?;
        Some(relation.field)
    }

    /// The model whose rows a manager gives that `name` of another model is: the other side of the field that was
    /// called at `field`.
    pub(super) fn model_behind(&mut self, field: Site, name: &Name) -> Option<Definition> {
        let module = self.program.module(field.file)?;
        let scope = module.scope_of(field.expr);
        let class = module.scope(scope);
        let is_own_name = class.bindings.get(name).is_some_and(|bindings| {
            bindings.iter().any(|binding| {
                matches!(binding.value, BindingValue::Value(expr) | BindingValue::Annotated(_, Some(expr)) if expr == field.expr)
            })
        });
        if class.kind != ScopeKind::Class || is_own_name {
            return self.named_class(field);
        }
        Some(Definition {
            file: field.file,
            scope,
        })
    }

    /// The model that a view, an admin, a form or a serializer is about.
    pub(super) fn subject(&mut self, class: Definition) -> Option<Value> {
        let key = Key::Subject(class);
        let found = self.find(key, |resolver| {
            let found = resolver.find_subject(class, 0);
            found.map(Typed::likely).into_iter().collect()
        });
        found.first().map(|typed| typed.value.clone())
    }

    fn find_subject(&mut self, class: Definition, depth: u32) -> Option<Value> {
        let ancestors = self.lineage(class);
        if depth > 3
            || !ancestors
                .iter()
                .any(|ancestor| matches!(ancestor, Ancestor::External(_)))
        {
            return None;
        }
        let own: Vec<Definition> = ancestors
            .iter()
            .filter_map(|ancestor| match ancestor {
                Ancestor::Own(own) => Some(*own),
                Ancestor::External(_) => None,
            })
            .collect();
        for class in own {
            let module = self.program.module(class.file)?;
            let scope = module.scope(class.scope);
            let meta =
                scope
                    .bindings
                    .get("Meta")
                    .and_then(|bindings| match bindings.first()?.value {
                        BindingValue::Definition(meta) => Some(meta),
                        _ => None,
                    });
            for (scope, name) in [
                (Some(class.scope), "model"),
                (meta, "model"),
                (Some(class.scope), "queryset"),
            ] {
                let bindings =
                    scope.and_then(|scope| Some((scope, module.scope(scope).bindings.get(name)?)));
                let Some((scope, bindings)) = bindings else {
                    continue;
                };
                for binding in bindings {
                    for typed in self.binding(class.file, scope, &binding.value) {
                        let found = self.model_of(&typed.value);
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
            for name in ["serializer_class", "form_class", "form"] {
                for binding in scope.bindings.get(name).into_iter().flatten() {
                    for typed in self.binding(class.file, class.scope, &binding.value) {
                        if let Value::Class(other) = typed.value
                            && let Some(found) = self.find_subject(other, depth + 1)
                        {
                            return Some(found);
                        }
                    }
                }
            }
            // `@admin.register(Author)`
            for &decorator in &scope.decorators {
                let site = Site {
                    file: class.file,
                    expr: decorator,
                };
                if let Some(argument) = self.argument(site, Some(0), None) {
                    for typed in self.values(argument).to_vec() {
                        let found = self.model_of(&typed.value);
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
            if let Some(method) = self.find_method(class, "get_queryset") {
                for typed in self.returned(method) {
                    let found = self.model_of(&typed.value);
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    /// The model that a value is the class of, or a query for.
    fn model_of(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Class(class) if self.is_model(*class) => Some(Value::Object(*class, None)),
            Value::External(name) if self.catalog().property(name, "objects").is_some() => {
                Some(Value::Instance(name.clone(), None))
            }
            Value::Instance(class, Some(made)) if self.catalog().derives(class, QUERY) => {
                let models = self.receiver_model(*made);
                models.into_iter().next().map(|typed| typed.value)
            }
            _ => None,
        }
    }

    /// Whether objects of the class keep themselves in a database.
    pub(super) fn is_model(&mut self, class: Definition) -> bool {
        let ancestors = self.lineage(class);
        ancestors.iter().any(|ancestor| match ancestor {
            Ancestor::External(name) => self.is_stored(name),
            Ancestor::Own(_) => false,
        })
    }

    pub(super) fn is_stored(&self, class: &str) -> bool {
        let rule = self.catalog().effect(class, "save");
        rule.is_some_and(|found| {
            found.rule.library.category == Category::Database
                && !found.rule.library.name.contains("rest")
                && !class.contains(".forms.")
        })
    }

    /// What a view, a form or a serializer has of its model under the names that their frameworks give it.
    pub(super) fn lent_by_view(
        &mut self,
        class: Definition,
        name: &Name,
        site: Option<Site>,
    ) -> Option<Typed> {
        let value = match &**name {
            "object" | "instance" => self.subject(class)?,
            "object_list" | "queryset" => {
                self.subject(class)?;
                Value::Instance(QUERY.into(), site)
            }
            "get_object" => {
                let object = self.subject(class)?;
                Value::Returns(Arc::from([Typed::likely(object)]))
            }
            "get_queryset" | "filter_queryset" => {
                self.subject(class)?;
                let query = Value::Instance(QUERY.into(), site);
                Value::Returns(Arc::from([Typed::likely(query)]))
            }
            "get_form" => self.made_by(class, "form_class")?,
            "get_serializer" => {
                let made = self.made_by(class, "serializer_class");
                made.or_else(|| self.any_serializer(class))?
            }
            _ => return None,
        };
        Some(Typed::likely(value))
    }

    /// What calling the class that an attribute of a view names gives.
    fn made_by(&mut self, view: Definition, attribute: &str) -> Option<Value> {
        let class = self.class_in(view, attribute)?;
        Some(Value::Returns(Arc::from([Typed::likely(Value::Object(
            class, None,
        ))])))
    }

    /// What a view of Django REST framework gives whose serializer is not said in its body.
    fn any_serializer(&mut self, view: Definition) -> Option<Value> {
        let lineage = self.lineage(view);
        let is_view = lineage.iter().any(|ancestor| match ancestor {
            Ancestor::External(name) => self
                .catalog()
                .derives(name, "rest_framework.generics.GenericAPIView"),
            Ancestor::Own(_) => false,
        });
        let serializer = Value::Instance(SERIALIZER.into(), None);
        is_view.then(|| Value::Returns(Arc::from([Typed::likely(serializer)])))
    }

    fn class_in(&mut self, view: Definition, attribute: &str) -> Option<Definition> {
        let name: Name = attribute.into();
        let found = self.object_member(view, &name, None, None);
        found.into_iter().find_map(|typed| match typed.value {
            Value::Class(class) => Some(class),
            _ => None,
        })
    }

    /// What a framework passes for a parameter of this name: `serializer` in a view's `perform_create`, `instance` in a
    /// signal's receiver.
    pub(super) fn passed_by_role(&mut self, function: Definition, name: &Name) -> Vec<Typed> {
        if ["queryset", "qs"].contains(&&**name)
            && let Some(class) = self.class_of(function)
            && let Some(object) = self.subject(class)
        {
            let rows = Value::Container(Arc::from([Typed::likely(object)]));
            return vec![
                Typed::likely(Value::Instance(QUERY.into(), None)),
                Typed::likely(rows),
            ];
        }
        // Django's own word for an admin action's first parameter.
        let module = self.program.module(function.file);
        let parameters = module.map_or(&[][..], |m| &m.scope(function.scope).parameters);
        if &**name == "queryset"
            && parameters
                .first()
                .is_some_and(|first| &*first.name == "modeladmin")
        {
            return vec![Typed::likely(Value::Instance(QUERY.into(), None))];
        }
        self.object_by_role(function, name).into_iter().collect()
    }

    fn object_by_role(&mut self, function: Definition, name: &Name) -> Option<Typed> {
        let Some(class) = self.class_of(function) else {
            return self.sent_to(function, name);
        };
        let lineage = self.lineage(class);
        let base = lineage.iter().find_map(|ancestor| match ancestor {
            Ancestor::External(name) => Some(name),
            Ancestor::Own(_) => None,
        })?;
        let value = match &**name {
            "instance" | "obj" | "object" => self.subject(class)?,
            "serializer" if base.starts_with("rest_framework.") => {
                let serializer = self.class_in(class, "serializer_class");
                let any =
                    || Value::Instance("rest_framework.serializers.ModelSerializer".into(), None);
                serializer.map_or_else(any, |class| Value::Object(class, None))
            }
            "form" if base.starts_with("django.") => {
                let form = self.class_in(class, "form_class");
                let form = form.map(|class| Value::Object(class, None));
                form.or_else(|| {
                    self.subject(class)?;
                    Some(Value::Instance("django.forms.ModelForm".into(), None))
                })?
            }
            _ => return None,
        };
        Some(Typed::likely(value))
    }

    /// The object that a signal is about: `@receiver(post_save, sender=Author)`.
    fn sent_to(&mut self, function: Definition, name: &Name) -> Option<Typed> {
        if &**name != "instance" {
            return None;
        }
        let module = self.program.module(function.file)?;
        for &expr in &module.scope(function.scope).decorators {
            let site = Site {
                file: function.file,
                expr,
            };
            let Some(sender) = self.argument(site, None, Some("sender")) else {
                continue;
            };
            for typed in self.values(sender).to_vec() {
                if let Some(model) = self.model_of(&typed.value) {
                    return Some(Typed::likely(model));
                }
            }
        }
        None
    }

    /// A variable that is named like the only model of that name, where nothing else says what it holds: `post.save()`.
    pub(super) fn named_like_model(&mut self, file: FileId, name: &Name) -> Option<Typed> {
        let program = self.program;
        let plain = name.replace('_', "");
        if plain.is_empty() || name.starts_with(char::is_uppercase) {
            return None;
        }
        let module = program.module(file)?;
        if (&**name == "queryset" || name.ends_with("_queryset") || name.ends_with("_qs"))
            && module.imports_any(&["django", "django_filters", "rest_framework"])
        {
            return Some(Typed::likely(Value::Instance(QUERY.into(), None)));
        }
        match self.model_named(&plain, file) {
            Some(class) if self.is_model(class) => Some(Typed::likely(Value::Object(class, None))),
            None if plain == "user" && module.imports_any(&["django", "rest_framework"]) => {
                Some(self.project_user())
            }
            _ => None,
        }
    }

    fn project_user(&mut self) -> Typed {
        let found = self.django_user().into_iter().next();
        found.unwrap_or(Typed::likely(Value::Instance(USER.into(), None)))
    }

    /// The object that a field refers to whose model is not the repo's: the project's user, or a library's model.
    pub(super) fn other_model(&mut self, field: Site) -> Option<Typed> {
        let first = self
            .argument(field, Some(0), None)
            .or_else(|| self.argument(field, None, Some("to")))?;
        let module = self.program.module(first.file)?;
        if names_user(module, first.expr) {
            return Some(self.project_user());
        }
        let values = self.values(first);
        values.iter().find_map(|typed| match &typed.value {
            Value::External(name) | Value::Instance(name, _) => {
                self.model_from_elsewhere(name).map(Typed::likely)
            }
            _ => None,
        })
    }
}
