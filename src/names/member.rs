//! Attributes: of modules, classes, objects, and of what comes from elsewhere.

use super::contents::{HOLDS, is_collection};
use super::kept::{BAGS, STATES};
use super::*;
use crate::syntax::module::{BindingValue, ScopeKind};

impl<'p> Resolver<'p> {
    /// `value.name`; `site` is the expression, for what is made by it.
    pub fn member(&mut self, value: &Value, name: &Name, site: Option<Site>) -> Vec<Typed> {
        match value {
            Value::Module(file) => self.module_member(&Located::File(*file), name),
            Value::Namespace(folder) => {
                self.module_member(&Located::Folder(folder.to_string()), name)
            }
            Value::External(outer) => {
                if &**outer == "django.conf.settings" {
                    let found = self.setting(name);
                    if !found.is_empty() {
                        return found;
                    }
                }
                if BAGS.contains(&&**outer) {
                    let found = self.stored(outer, name);
                    if !found.is_empty() {
                        return found;
                    }
                }
                if let Some(made) = self.catalog().property(outer, name) {
                    return vec![Typed::certain(Value::Instance(made.into(), site))];
                }
                let full = format!("{outer}.{name}");
                // An object that a module's rule covers by `<attr>`: `django.db.models.signals.post_save.connect`.
                if let Some((module, _)) = outer.rsplit_once('.')
                    && let Some(made) = self.catalog().makes(&format!("{module}.<attr>"))
                {
                    return vec![Typed::certain(self.instance_member(
                        &made.into(),
                        name,
                        None,
                        site,
                    ))];
                }
                // `django.core.cache.cache.set`: the rule's object is used without being called.
                let last = outer.rsplit('.').next().unwrap_or_default();
                if let Some(made) = self.catalog().makes(outer)
                    && last.starts_with(|c: char| c.is_lowercase())
                    && !made.contains('<')
                    && self.catalog().function(&full).is_none()
                    && self.catalog().makes(&full).is_none()
                {
                    return vec![Typed::certain(self.instance_member(
                        &made.into(),
                        name,
                        None,
                        site,
                    ))];
                }
                vec![Typed::certain(self.external(&full))]
            }
            Value::Instance(class, _)
                if &**name == "user"
                    && self.catalog().derives(class, "django.http.HttpRequest") =>
            {
                self.django_user()
            }
            Value::Instance(class, _) if is_collection(class) => match HOLDS.contains(&&**name) {
                true => self.container_member(value, name),
                false => Vec::new(),
            },
            Value::Instance(class, made) => {
                let property = self.catalog().attribute_makes(class, name);
                if property == Some("<type0>") {
                    return made
                        .map(|made| self.type_argument(made, 0))
                        .unwrap_or_default();
                }
                if let Some(held) = property.and_then(|property| property.strip_prefix("[]")) {
                    let held: Arc<[Typed]> =
                        Arc::from([Typed::certain(Value::Instance(held.into(), *made))]);
                    return vec![Typed::certain(Value::Container(held))];
                }
                let member = self.instance_member(class, name, *made, site);
                if matches!(&member, Value::Method { .. })
                    && !self.catalog().has_member(class, name)
                {
                    let found = self.of_own_rows(class, *made, name, site);
                    if !found.is_empty() {
                        return found;
                    }
                    let found = self.of_sole_heir(class, name, site);
                    if !found.is_empty() {
                        return found;
                    }
                }
                if matches!(&member, Value::Method { .. })
                    && self.is_stored(class)
                    && !self.catalog().has_member(class, name)
                    && let Some(lent) = self.lent_by_relation(None, name)
                {
                    return vec![lent];
                }
                if matches!(&member, Value::Method { .. })
                    && !self.catalog().has_member(class, name)
                    && let Some(lent) = self.catalog().property_like(class, name)
                {
                    return vec![Typed::likely(Value::Instance(lent.into(), site))];
                }
                if let Some(bag) = BAGS.iter().find(|bag| self.catalog().derives(class, bag))
                    && matches!(&member, Value::Method { .. })
                    && !self.catalog().has_member(class, name)
                {
                    let found = self.stored(bag, name);
                    if !found.is_empty() {
                        return found;
                    }
                }
                vec![Typed::certain(member)]
            }
            Value::Method {
                class, chain, made, ..
            } if self
                .catalog()
                .effect(class, &format!("{chain}.{name}"))
                .is_none()
                && self
                    .catalog()
                    .method_makes(class, chain)
                    .is_some_and(|made| !made.contains('<')) =>
            {
                // The rule's object is used without being called: `db.session.add`.
                let made_class = self
                    .catalog()
                    .method_makes(class, chain)
                    .unwrap_or_default();
                vec![Typed::certain(self.instance_member(
                    &made_class.into(),
                    name,
                    *made,
                    site,
                ))]
            }
            Value::Method { chain, .. }
                if STATES.contains(&last_part(chain)) && self.stores(last_part(chain), name) =>
            {
                self.stored(last_part(chain), name)
            }
            // Only what leads to the rows of another model has these: `project.tasks.all()`.
            Value::Method { class, chain, .. } if self.leads_to_rows(class, chain, name) => {
                vec![Typed::likely(Value::Method {
                    class: MANAGER.into(),
                    chain: name.clone(),
                    made: self.many_named(&last_part(chain).into()),
                    function: None,
                })]
            }
            Value::Method {
                class,
                chain,
                made,
                function,
            } => {
                let chain = format!("{chain}.{name}");
                let catalog = self.catalog();
                let made_by = catalog.attribute_makes(class, &chain).map(Name::from);
                let made_by =
                    made_by.or_else(|| Some(catalog.attribute_of_any_makes(class, &chain)?.into()));
                vec![Typed::certain(match made_by {
                    Some(class) => Value::Instance(class, *made),
                    None => Value::Method {
                        class: class.clone(),
                        chain: chain.into(),
                        made: *made,
                        function: *function,
                    },
                })]
            }
            Value::Wrapped { class, function } => {
                let (class, chain) = (class.clone(), name.clone());
                vec![Typed::certain(Value::Method {
                    class,
                    chain,
                    made: None,
                    function: Some(*function),
                })]
            }
            Value::Class(class) => self.class_member(*class, name, site),
            Value::Object(class, made) => self.object_member(*class, name, *made, site),
            Value::Super(class) => {
                let lineage = self.lineage(*class);
                let behind = lineage.get(1..).unwrap_or_default();
                let found = self.search(*class, behind, name, true, None, site);
                if found.is_empty() {
                    self.super_of_mixin(*class, name, site)
                } else {
                    found
                }
            }
            Value::Container(_) | Value::Literal(_) => self.container_member(value, name),
            _ => Vec::new(),
        }
    }

    fn instance_member(
        &self,
        class: &Name,
        name: &Name,
        made: Option<Site>,
        site: Option<Site>,
    ) -> Value {
        let catalog = self.catalog();
        if let Some(made_class) = catalog.attribute_makes(class, name) {
            return Value::Instance(made_class.into(), made.or(site));
        }
        if !catalog.has_member(class, name)
            && !name.starts_with('_')
            && let Some(made_class) = catalog.method_makes(class, "<attr>")
        {
            return Value::Instance(made_class.into(), site);
        }
        Value::Method {
            class: class.clone(),
            chain: name.clone(),
            made,
            function: None,
        }
    }

    fn container_member(&mut self, value: &Value, name: &Name) -> Vec<Typed> {
        let given = match &**name {
            "get" | "pop" | "popleft" | "setdefault" | "popitem" => self.any_entry(value),
            "values" | "copy" => {
                let held = self.any_entry(value).into();
                vec![Typed::certain(Value::Container(held))]
            }
            "items" => {
                let pair: Arc<[Vec<Typed>]> = Arc::from([Vec::new(), self.any_entry(value)]);
                let held: Arc<[Typed]> = Arc::from([Typed::certain(Value::Tuple(pair))]);
                vec![Typed::certain(Value::Container(held))]
            }
            _ => return Vec::new(),
        };
        vec![Typed::certain(Value::Returns(given.into()))]
    }

    fn class_member(&mut self, class: Definition, name: &Name, site: Option<Site>) -> Vec<Typed> {
        let ancestors = self.lineage(class);
        self.search(class, &ancestors, name, false, None, site)
    }

    /// An attribute of an object of a class of the repo.
    pub fn object_member(
        &mut self,
        class: Definition,
        name: &Name,
        made: Option<Site>,
        site: Option<Site>,
    ) -> Vec<Typed> {
        let ancestors = self.lineage(class);
        self.search(class, &ancestors, name, true, made, site)
    }

    pub(super) fn search(
        &mut self,
        class: Definition,
        ancestors: &[Ancestor],
        name: &Name,
        on_object: bool,
        made: Option<Site>,
        site: Option<Site>,
    ) -> Vec<Typed> {
        for ancestor in ancestors {
            let found = match ancestor {
                Ancestor::Own(own) => self.own_member(class, *own, name, on_object),
                Ancestor::External(external) => self.inherited(external, name, made, site),
            };
            match found {
                // A view that assigns who knows what to `self.object` still has an object of its model there.
                Some(found) if found.is_empty() && on_object => {
                    return self.lent_by_view(class, name, site).into_iter().collect();
                }
                Some(found) => return found,
                None => {}
            }
        }
        if on_object
            && ancestors
                .iter()
                .any(|ancestor| matches!(ancestor, Ancestor::External(_)))
        {
            if self.is_model(class)
                && let Some(lent) = self.lent_by_relation(Some(class), name)
            {
                return vec![lent];
            }
            if let Some(lent) = self.lent_by_view(class, name, site) {
                return vec![lent];
            }
        }
        // What a base class from elsewhere lends under a name of its own: `author.book_set`, `Model.deleted_objects`.
        let lent = ancestors.iter().find_map(|ancestor| match ancestor {
            Ancestor::External(external) => self.catalog().property_like(external, name),
            Ancestor::Own(_) => None,
        });
        if let Some(lent) = lent {
            return vec![Typed::likely(Value::Instance(lent.into(), site))];
        }
        // An unlisted member of a class from elsewhere: it may still lead to a listed one.
        let external = ancestors.iter().find_map(|ancestor| match ancestor {
            Ancestor::External(name) if !name.starts_with("builtins.") => Some(name.clone()),
            _ => None,
        });
        let method = |class| Value::Method {
            class,
            chain: name.clone(),
            made,
            function: None,
        };
        match external {
            Some(class) => vec![Typed::certain(method(class))],
            None if ancestors.first() == Some(&Ancestor::Own(class)) => {
                self.member_in_heirs(class, name, on_object, site)
            }
            None => Vec::new(),
        }
    }

    fn inherited(
        &self,
        external: &Name,
        name: &Name,
        made: Option<Site>,
        site: Option<Site>,
    ) -> Option<Vec<Typed>> {
        let catalog = self.catalog();
        let value = if let Some(class) = catalog.property(external, name) {
            Value::Instance(class.into(), site)
        } else if catalog.effect(external, name).is_some()
            || catalog.method_makes(external, name).is_some()
        {
            Value::Method {
                class: external.clone(),
                chain: name.clone(),
                made,
                function: None,
            }
        } else {
            return None;
        };
        Some(vec![Typed::certain(value)])
    }

    fn own_member(
        &mut self,
        class: Definition,
        own: Definition,
        name: &Name,
        on_object: bool,
    ) -> Option<Vec<Typed>> {
        let scope = self.program.module(own.file)?.scope(own.scope);
        let bindings = scope.bindings.get(name);
        let attributes = scope.attributes.get(name);
        if bindings.is_none() && attributes.is_none() {
            return None;
        }
        let mut found = Vec::new();
        for attribute in attributes.into_iter().flatten() {
            found.extend(self.binding(own.file, attribute.scope, &attribute.value));
        }
        for binding in bindings.into_iter().flatten() {
            match binding.value {
                BindingValue::Definition(inner) => {
                    let definition = Definition {
                        file: own.file,
                        scope: inner,
                    };
                    found.extend(self.method(class, definition, on_object));
                }
                ref value => {
                    // A declared field with a default says less than what the methods assign to it.
                    let declared = self.binding(own.file, own.scope, value);
                    found.extend(
                        declared
                            .into_iter()
                            .filter(|typed| !is_field_marker(&typed.value)),
                    );
                }
            }
        }
        let found = found
            .into_iter()
            .flat_map(|typed| self.field_value(class, name, typed))
            .collect();
        Some(found)
    }

    /// What a field that a class declares holds on its objects: a `ForeignKey(Author)` an `Author`, a manager that no
    /// rule knows still a manager.
    fn field_value(&mut self, class: Definition, name: &Name, typed: Typed) -> Vec<Typed> {
        if let Value::Object(own, made) = &typed.value
            && let Some(field) = self.django_field(*own)
        {
            let field = Value::Instance(field, *made);
            return self.field_value(class, name, Typed::likely(field));
        }
        let Value::Instance(field, made) = &typed.value else {
            return vec![typed];
        };
        if self.catalog().attribute_makes(field, "*") == Some("<arg0>()") {
            let model = made.and_then(|made| self.named_class(made));
            let model = model.map(|model| Typed::likely(Value::Object(model, None)));
            return model
                .or_else(|| made.and_then(|made| self.other_model(made)))
                .into_iter()
                .collect();
        }
        if !name.ends_with("objects") || self.catalog().is_known(field) {
            return vec![typed];
        }
        let lent = self
            .lineage(class)
            .iter()
            .find_map(|ancestor| match ancestor {
                Ancestor::External(external) => {
                    let catalog = self.catalog();
                    catalog
                        .property_like(external, name)
                        .or_else(|| catalog.property(external, name))
                        .map(Name::from)
                }
                Ancestor::Own(_) => None,
            });
        match lent {
            Some(lent) => vec![Typed::likely(Value::Instance(lent, *made))],
            None => vec![typed],
        }
    }

    /// A function or class found in a class body, as an attribute.
    fn method(&mut self, class: Definition, definition: Definition, on_object: bool) -> Vec<Typed> {
        let is_function = self.kind(definition) == Some(ScopeKind::Function);
        if !is_function {
            return vec![Typed::certain(Value::Class(definition))];
        }
        let decorators = self.decorator_names(definition);
        let has = |names: &[&str]| decorators.iter().any(|found| names.contains(&&**found));
        if on_object && has(PROPERTIES) {
            return self.returned(definition);
        }
        if has(&["builtins.staticmethod"]) {
            return vec![Typed::certain(Value::Function(definition))];
        }
        if on_object || has(&["builtins.classmethod"]) {
            let wrapped = self.definition(definition);
            if let Some(Typed {
                value: Value::Wrapped { .. },
                ..
            }) = wrapped.first()
            {
                return wrapped;
            }
            return vec![Typed::certain(Value::Bound {
                method: definition,
                class,
            })];
        }
        self.definition(definition)
    }
}

const PROPERTIES: &[&str] = &[
    "abc.abstractproperty",
    "builtins.property",
    "cached_property.cached_property",
    "django.utils.functional.cached_property",
    "functools.cached_property",
    "werkzeug.utils.cached_property",
];

pub(super) fn last_part(chain: &str) -> &str {
    chain.rsplit('.').next().unwrap_or_default()
}

/// `field(...)`, `Field(...)`, `mapped_column(...)`: what it makes is no value of the field.
fn is_field_marker(value: &Value) -> bool {
    matches!(value, Value::Instance(class, _) if class.ends_with("()") || class.ends_with(".Field"))
}

pub(super) const MODEL: &str = "django.db.models.Model";

/// Methods that a model's attribute has only if it is a manager.
pub(super) const ROWS: &[&str] = &[
    "aggregate",
    "all",
    "annotate",
    "bulk_create",
    "create",
    "exclude",
    "exists",
    "filter",
    "first",
    "get_or_create",
    "last",
    "order_by",
    "prefetch_related",
    "select_related",
    "update_or_create",
    "values_list",
];

/// What reaches a table's rows through a relation.
pub(super) const MANAGER: &str = "django.db.models.Manager";
