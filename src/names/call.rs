//! What calling a value gives.

use super::contents::is_collection;
use super::*;
use crate::syntax::module::ScopeKind;

impl<'p> Resolver<'p> {
    /// What the call at `site` gives if its function is `value`.
    pub(super) fn called(&mut self, value: &Value, site: Site) -> Vec<Typed> {
        match value {
            Value::External(name) => self.external_called(name, site),
            Value::Instance(class, made) => {
                let named = self.class_argument(*made, site);
                if !named.is_empty() {
                    return named;
                }
                let found = self.made(&format!("{class}()"), site);
                if found.is_empty() && self.catalog().is_fluent(class) {
                    return vec![Typed::certain(Value::Instance(class.clone(), *made))];
                }
                found
            }
            Value::Method {
                class,
                chain,
                made,
                function,
            } => self.method_called(class, chain, *made, *function, site),
            Value::Class(class) => vec![Typed::certain(Value::Object(*class, Some(site)))],
            Value::Object(class, _) => {
                let run = self.run_by_call(*class).into_iter();
                run.flat_map(|method| self.returned(method)).collect()
            }
            Value::Function(function) => match self.handed_back(*function, site) {
                Some(found) => found,
                None => self
                    .as_ordered(*function, site, 0)
                    .unwrap_or_else(|| self.returned(*function)),
            },
            Value::Bound { method, class } => self
                .as_ordered(*method, site, 1)
                .unwrap_or_else(|| self.bound_called(*method, *class)),
            // `Queue[Job]()`
            Value::Type(of) => self.type_of(*of),
            Value::Wrapped { function, .. } => self.returned(*function),
            Value::Returns(values) => values.to_vec(),
            _ => Vec::new(),
        }
    }

    /// `sessionmaker(class_=AsyncSession)` makes objects of the class that it is told.
    fn class_argument(&mut self, made: Option<Site>, site: Site) -> Vec<Typed> {
        let class = made.and_then(|made| self.argument(made, None, Some("class_")));
        let Some(class) = class else {
            return Vec::new();
        };
        self.each(class, |_, typed| match &typed.value {
            Value::External(name) => {
                vec![Typed::certain(Value::Instance(name.clone(), Some(site)))]
            }
            Value::Class(class) => vec![Typed::certain(Value::Object(*class, Some(site)))],
            _ => Vec::new(),
        })
    }

    /// A method that gives `self` or an object of `cls` gives one of the class it is called on.
    fn bound_called(&mut self, method: Definition, class: Definition) -> Vec<Typed> {
        let own = self.class_of(method);
        let mut found = self.returned(method);
        if found.is_empty() {
            found = self.overridden(method, class);
        }
        if found.is_empty() && GIVES_MODEL.contains(&&*self.name_of(method)) {
            let subject = self.subject(class);
            found.extend(subject.map(Typed::likely));
        }
        for typed in &mut found {
            if let Value::Object(made, _) = &mut typed.value
                && Some(*made) == own
            {
                *made = class;
            }
        }
        found
    }

    /// What a method gives that a class only declares: what the methods give that its subclasses put in its place.
    fn overridden(&mut self, method: Definition, class: Definition) -> Vec<Typed> {
        let program = self.program;
        let gives = |method: Definition| {
            let module = program.module(method.file);
            module.is_some_and(|module| {
                let scope = module.scope(method.scope);
                !scope.return_values.is_empty() || !scope.yields.is_empty()
            })
        };
        if gives(method) {
            return Vec::new();
        }
        let name = self.name_of(method);
        let mut found = Vec::new();
        let heirs = program.subclasses.get(&class).into_iter().flatten();
        let mut asked = vec![method];
        for &heir in heirs.take(MAX_HEIRS) {
            if let Some(own) = self.find_method(heir, &name)
                && !asked.contains(&own)
                && gives(own)
            {
                asked.push(own);
                found.extend(self.returned(own));
            }
        }
        found
    }

    fn name_of(&self, definition: Definition) -> Name {
        let module = self.program.module(definition.file);
        module.map_or_else(
            || "".into(),
            |module| module.scope(definition.scope).name.clone(),
        )
    }

    fn external_called(&mut self, name: &Name, site: Site) -> Vec<Typed> {
        let first = self.argument(site, Some(0), None);
        match &**name {
            "builtins.super" => return self.super_called(site),
            "builtins.getattr" => return self.getattr_called(site),
            "builtins.__import__" | "importlib.import_module" => return self.import_called(site),
            "builtins.type" => {
                let objects = first.map(|first| self.values(first)).unwrap_or_default();
                return objects
                    .iter()
                    .filter_map(|typed| match typed.value {
                        Value::Object(class, _) => Some(Typed::certain(Value::Class(class))),
                        _ => None,
                    })
                    .collect();
            }
            "builtins.enumerate" => {
                let held = self.elements_of(first);
                return vec![pairs(vec![Vec::new(), held])];
            }
            "builtins.zip" => {
                let columns = (0..self.arguments(site).len() as u32)
                    .map(|index| self.elements_of(self.argument(site, Some(index), None)))
                    .collect();
                return vec![pairs(columns)];
            }
            "typing.cast" => {
                let mut found = first.map(|first| self.type_of(first)).unwrap_or_default();
                if found.is_empty() {
                    let second = self.argument(site, Some(1), None);
                    found = second
                        .map(|second| self.values(second).to_vec())
                        .unwrap_or_default();
                }
                return found;
            }
            // `Reader = NewType("Reader", Session)` is a session.
            "typing.NewType" | "typing_extensions.NewType" => {
                let second = self.argument(site, Some(1), Some("tp"));
                return second
                    .map(|second| self.values(second).to_vec())
                    .unwrap_or_default();
            }
            "functools.partial" | "functools.partialmethod" => {
                let inner = first
                    .map(|first| self.values(first).to_vec())
                    .unwrap_or_default();
                return inner;
            }
            "contextvars.ContextVar" | "queue.Queue" => return Vec::new(),
            "django.apps.apps.get_model" | "django.contrib.auth.get_user_model" => {
                let model = self.model_named_by(name, site);
                if !model.is_empty() {
                    return model;
                }
            }
            _ => {}
        }
        // A collection that is filled later; its elements are known by where it is made.
        let is_empty = || {
            self.arguments(site)
                .iter()
                .all(|argument| argument.keyword.is_some())
        };
        if is_collection(name) && (is_empty() || !name.starts_with("builtins.")) {
            return vec![Typed::certain(Value::Instance(name.clone(), Some(site)))];
        }
        if let (true, Some(first)) = (COLLECTORS.contains(&&**name), first) {
            return self.each(first, |resolver, typed| match &typed.value {
                Value::Instance(class, _)
                    if resolver.catalog().method_makes(class, "__iter__").is_some() =>
                {
                    let held = resolver.elements(&typed.value).into();
                    vec![Typed::certain(Value::Container(held))]
                }
                value => vec![Typed::certain(value.clone())],
            });
        }
        if self.catalog().is_transparent(name) || DECORATORS_THAT_KEEP.contains(&&**name) {
            return first
                .map(|first| self.values(first).to_vec())
                .unwrap_or_default();
        }
        if self.catalog().is_injector(name) {
            return self.injected(site);
        }
        let made = self.made(name, site);
        if !made.is_empty() {
            return made;
        }
        if let Some(class) = self.catalog().makes_alike(name) {
            return vec![Typed::certain(Value::Instance(class.into(), Some(site)))];
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.starts_with(|c: char| c.is_uppercase()) && !name.starts_with("typing.") {
            return vec![Typed::certain(Value::Instance(name.clone(), Some(site)))];
        }
        let result: Name = format!("{name}()").into();
        if self.catalog().knows_result(&result) {
            return vec![Typed::certain(Value::Instance(result, Some(site)))];
        }
        // `Class.from_url(...)` and the like: an alternative constructor.
        if let Some((class, method)) = name.rsplit_once('.')
            && class
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with(|c: char| c.is_uppercase()))
            && [
                "from_", "create", "connect", "build", "new", "default", "open",
            ]
            .iter()
            .any(|p| method.starts_with(p))
        {
            return vec![Typed::certain(Value::Instance(
                self.catalog().canonical(class).into(),
                Some(site),
            ))];
        }
        let root = name.split('.').next().unwrap_or_default();
        if last == "connect" && name.contains('.') && !self.catalog().imports.contains(root) {
            return vec![Typed::likely(Value::Instance(
                CONNECTION.into(),
                Some(site),
            ))];
        }
        Vec::new()
    }

    /// What a factory key makes, with `<arg0>` filled in from the call.
    fn made(&mut self, key: &str, site: Site) -> Vec<Typed> {
        let catalog = self.catalog();
        let (class, method) = key.rsplit_once('.').unwrap_or(("", key));
        let made = catalog.makes(key).or_else(|| {
            if class.is_empty() {
                None
            } else {
                catalog.method_makes(class, method)
            }
        });
        let Some(made) = made else { return Vec::new() };
        self.instance(made, site)
    }

    /// What a factory rule says that the call at `site` gives.
    fn instance(&mut self, made: &str, site: Site) -> Vec<Typed> {
        match made {
            "<model>" => return self.receiver_model(site),
            "<arg0>()" => {
                let first = self.argument(site, Some(0), None);
                let classes = first.map(|first| self.values(first)).unwrap_or_default();
                let objects = classes.iter().filter_map(|typed| match &typed.value {
                    Value::Class(class) => Some(Typed::likely(Value::Object(*class, None))),
                    Value::External(name) => self.model_from_elsewhere(name).map(Typed::likely),
                    _ => None,
                });
                return objects.collect();
            }
            _ => {}
        }
        if let Some(held) = made.strip_prefix("[]") {
            let held: Arc<[Typed]> =
                Arc::from([Typed::certain(Value::Instance(held.into(), Some(site)))]);
            return vec![Typed::certain(Value::Container(held))];
        }
        if !made.contains("<arg0>") {
            return vec![Typed::certain(Value::Instance(made.into(), Some(site)))];
        }
        let first = self.argument(site, Some(0), Some("service_name"));
        let Some(word) = first.and_then(|first| self.constant(first)) else {
            // A client of AWS still is one, whatever its service.
            let any = made
                .strip_suffix(":<arg0>")
                .filter(|_| made == CLOUD_CLIENT);
            let any = any.map(|family| Value::Instance(format!("{family}:*").into(), Some(site)));
            return any.map(Typed::likely).into_iter().collect();
        };
        vec![Typed::certain(Value::Instance(
            made.replace("<arg0>", &word).into(),
            Some(site),
        ))]
    }

    fn method_called(
        &mut self,
        class: &Name,
        chain: &Name,
        made: Option<Site>,
        function: Option<Definition>,
        site: Site,
    ) -> Vec<Typed> {
        let catalog = self.catalog();
        if let Some(key) = catalog.method_of_any_makes(class, chain) {
            return self.instance(&key, site);
        }
        if let Some(key) = catalog.method_makes(class, chain) {
            return match (key, made) {
                // `ContextVar[Client].get()`
                ("<type0>", Some(made)) => self.type_argument(made, 0),
                ("<type0>", None) => Vec::new(),
                _ => self.instance(key, site),
            };
        }
        match &**chain {
            "enter_context" | "enter_async_context" => {
                let first = self.argument(site, Some(0), None);
                return first.map_or(Vec::new(), |first| {
                    self.each(first, |resolver, typed| resolver.entered(&typed.value))
                });
            }
            "__enter__" | "__aenter__" => {
                return vec![Typed::certain(Value::Instance(class.clone(), made))];
            }
            _ => {}
        }
        if let Some(function) = function {
            return self.returned(function);
        }
        let is_query = catalog.derives(class, super::related::QUERY);
        if is_query && ENDS_OF_QUERY.contains(&&**chain) {
            return Vec::new();
        }
        if catalog.is_fluent(class) && !chain.contains('.') {
            return vec![Typed::certain(Value::Instance(class.clone(), made))];
        }
        // A driver or a wrapper of one that no rule knows still has the methods of PEP 249.
        if !catalog.is_known(class) {
            let given = match chain.rsplit('.').next() {
                Some("cursor") => Some(CURSOR),
                Some("connect" | "get_conn" | "get_connection" | "raw_connection") => {
                    Some(CONNECTION)
                }
                _ => None,
            };
            if let Some(given) = given {
                return vec![Typed::likely(Value::Instance(given.into(), Some(site)))];
            }
        }
        Vec::new()
    }

    /// What a `with` item binds.
    pub(super) fn entered(&mut self, value: &Value) -> Vec<Typed> {
        match value {
            Value::Instance(class, made) => {
                let entered = self.catalog().method_makes(class, "__enter__");
                vec![Typed::certain(Value::Instance(
                    entered.map_or_else(|| class.clone(), Name::from),
                    *made,
                ))]
            }
            Value::Object(class, made) => {
                let enter = self
                    .find_method(*class, "__aenter__")
                    .or_else(|| self.find_method(*class, "__enter__"));
                let found = match enter {
                    Some(method) => self.bound_called(method, *class),
                    None => Vec::new(),
                };
                if found.is_empty() {
                    vec![Typed::certain(Value::Object(*class, *made))]
                } else {
                    found
                }
            }
            // A function under `@contextmanager` gives what it yields.
            Value::Container(held) => held.to_vec(),
            _ => vec![Typed::certain(value.clone())],
        }
    }

    fn elements_of(&mut self, site: Option<Site>) -> Vec<Typed> {
        site.map_or(Vec::new(), |site| {
            self.each(site, |resolver, typed| resolver.elements(&typed.value))
        })
    }

    fn super_called(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let mut scope = Some(module.scope_of(site.expr));
        while let Some(id) = scope {
            let current = module.scope(id);
            if current.kind == ScopeKind::Class {
                return vec![Typed::certain(Value::Super(Definition {
                    file: site.file,
                    scope: id,
                }))];
            }
            scope = current.parent;
        }
        Vec::new()
    }

    fn getattr_called(&mut self, site: Site) -> Vec<Typed> {
        let second = self.argument(site, Some(1), None);
        let name = second.and_then(|name| self.constant(name));
        match (self.argument(site, Some(0), None), name) {
            (Some(object), Some(name)) => {
                let name: Name = name.into();
                self.each(object, |resolver, typed| {
                    resolver.member(&typed.value, &name, Some(site))
                })
            }
            (Some(object), None) => {
                let text = second.and_then(|name| self.text(name));
                let is_asked = self.arguments(site).len() == 2;
                self.each(object, |resolver, typed| {
                    resolver.some_member(&typed.value, text.as_deref(), is_asked, site)
                })
            }
            _ => Vec::new(),
        }
    }

    fn import_called(&mut self, site: Site) -> Vec<Typed> {
        let first = self.argument(site, Some(0), Some("name"));
        let Some(name) = first.and_then(|name| self.constant(name)) else {
            let text = first.and_then(|name| self.text(name));
            return text.map_or_else(Vec::new, |text| self.modules_like(&text));
        };
        if name.starts_with('.') {
            return Vec::new();
        }
        let value = self
            .module_by_name(&name)
            .unwrap_or_else(|| self.external(&name));
        vec![Typed::certain(value)]
    }
}

/// What a rule says that `boto3.client(service)` makes.
const CLOUD_CLIENT: &str = "boto3.client:<arg0>";

/// What makes a collection of everything that a loop over its argument gives: `list(query)` is no query.
const COLLECTORS: &[&str] = &["builtins.list", "builtins.sorted", "builtins.tuple"];

/// Wrappers that give back the function they are given.
const DECORATORS_THAT_KEEP: &[&str] = &[
    "asgiref.sync.async_to_sync",
    "asgiref.sync.sync_to_async",
    "backoff.on_exception",
    "functools.cache",
    "functools.lru_cache",
    "functools.wraps",
    "tenacity.retry",
];

/// Methods of a query that give no query: `rows.aggregate(…).get("total")` asks a dict.
const ENDS_OF_QUERY: &[&str] = &[
    "aggregate",
    "count",
    "delete",
    "exists",
    "in_bulk",
    "update",
];

/// Methods of forms and serializers that give the object that they are about.
const GIVES_MODEL: &[&str] = &["create", "save", "update"];

/// More subclasses than these are not asked.
const MAX_HEIRS: usize = 8;

fn pairs(columns: Vec<Vec<Typed>>) -> Typed {
    let held: Arc<[Typed]> = Arc::from([Typed::certain(Value::Tuple(columns.into()))]);
    Typed::certain(Value::Container(held))
}

/// What PEP 249 calls the objects that every database driver gives.
const CONNECTION: &str = "dbapi.Connection";
const CURSOR: &str = "dbapi.Cursor";
