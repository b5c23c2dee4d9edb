//! What calling a value gives.

use super::*;
use crate::syntax::module::{Argument, BindingValue, ExprKind, ParameterKind, ScopeKind};

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
            Value::Object(class, _) => match self.find_method(*class, "__call__") {
                Some(method) => self.returned(method),
                None => Vec::new(),
            },
            Value::Function(function) => match self.handed_back(*function, site) {
                Some(found) => found,
                None => match self.made_to_order(*function, site, 0) {
                    Some(found) => found,
                    None => self.returned(*function),
                },
            },
            Value::Bound { method, class } => match self.made_to_order(*method, site, 1) {
                Some(found) => found,
                None => self.bound_called(*method, *class),
            },
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

    /// What a function gives that only ever returns one of its parameters: this call's own argument, not any call's.
    fn handed_back(&mut self, function: Definition, site: Site) -> Option<Vec<Typed>> {
        let module = self.program.module(function.file)?;
        let scope = module.scope(function.scope);
        if scope.return_values.is_empty() || !scope.yields.is_empty() {
            return None;
        }
        let mut arguments = Vec::new();
        for &returned in &scope.return_values {
            let ExprKind::Name(name) = &module.expr(returned).kind else {
                return None;
            };
            let [binding] = scope.bindings.get(name)?.as_slice() else {
                return None;
            };
            let BindingValue::Parameter(index) = binding.value else {
                return None;
            };
            let parameter = scope.parameters.get(usize::from(index))?;
            let is_plain = matches!(
                parameter.kind,
                ParameterKind::Positional | ParameterKind::KeywordOnly
            );
            if parameter.annotation.is_some() || !is_plain {
                return None;
            }
            arguments.extend(self.argument(site, Some(u32::from(index)), Some(name)));
        }
        let mut found = Vec::new();
        for argument in arguments {
            found.extend(self.values(argument).iter().cloned());
        }
        Some(
            found
                .into_iter()
                .map(|typed| typed.at_most(false))
                .collect(),
        )
    }

    /// What a function gives that makes what its own parameter names: `def client(service): return
    /// boto3.client(service)` called as `client("s3")`.
    fn made_to_order(
        &mut self,
        function: Definition,
        site: Site,
        bound: u16,
    ) -> Option<Vec<Typed>> {
        let (index, template) = self.order(function)?;
        let module = self.program.module(function.file)?;
        let parameter = module
            .scope(function.scope)
            .parameters
            .get(usize::from(index))?;
        let position = index.checked_sub(bound).map(u32::from);
        let argument = self
            .argument(site, position, Some(&parameter.name))
            .or_else(|| {
                parameter.default.map(|expr| Site {
                    file: function.file,
                    expr,
                })
            })?;
        let word = self.constant(argument)?;
        let made = template.replace("<arg0>", &word).into();
        Some(vec![Typed::likely(Value::Instance(made, Some(site)))])
    }

    /// The parameter whose text decides what a function makes, and the rule with `<arg0>` for it.
    fn order(&mut self, function: Definition) -> Option<(u16, Name)> {
        if let Some(known) = self.orders.get(&function) {
            return known.clone();
        }
        let key = Key::Order(function);
        let (found, is_final) = self.enter(&key, |resolver| resolver.find_order(function))?;
        if is_final {
            self.orders.insert(function, found.clone());
        }
        found
    }

    fn find_order(&mut self, function: Definition) -> Option<(u16, Name)> {
        let module = self.program.module(function.file)?;
        let scope = module.scope(function.scope);
        if scope.parameters.is_empty() || !scope.yields.is_empty() {
            return None;
        }
        let at = |expr| Site {
            file: function.file,
            expr,
        };
        let only = |name: &Name| match scope.bindings.get(name)?.as_slice() {
            [binding] => Some(&binding.value),
            _ => None,
        };
        let parameter = |argument: Site| match &module.expr(argument.expr).kind {
            ExprKind::Name(name) => match only(name)? {
                BindingValue::Parameter(index) => Some(*index),
                _ => None,
            },
            _ => None,
        };
        for &returned in &scope.return_values {
            let call = match &module.expr(returned).kind {
                ExprKind::Name(name) => match only(name) {
                    Some(BindingValue::Value(expr)) => at(*expr),
                    _ => continue,
                },
                _ => at(returned),
            };
            let ExprKind::Call(callee, arguments) = &module.expr(call.expr).kind else {
                continue;
            };
            let mut handed = arguments.iter().map(|argument| at(argument.value));
            if !handed.any(|argument| parameter(argument).is_some()) {
                continue;
            }
            for typed in self.values(at(*callee)).iter() {
                let (template, argument) = match &typed.value {
                    Value::External(name) => (
                        self.catalog().makes(name).map(Name::from),
                        self.argument(call, Some(0), Some("service_name")),
                    ),
                    Value::Method { class, chain, .. } => (
                        self.catalog()
                            .member_makes(class, &format!(".{chain}"))
                            .map(Name::from),
                        self.argument(call, Some(0), Some("service_name")),
                    ),
                    Value::Function(inner) | Value::Bound { method: inner, .. } => {
                        let bound = u16::from(matches!(typed.value, Value::Bound { .. }));
                        let Some((index, template)) = self.order(*inner) else {
                            continue;
                        };
                        let name = self
                            .program
                            .module(inner.file)
                            .and_then(|m| m.scope(inner.scope).parameters.get(usize::from(index)))
                            .map(|parameter| parameter.name.clone());
                        let position = index.checked_sub(bound).map(u32::from);
                        (
                            Some(template),
                            self.argument(call, position, name.as_deref()),
                        )
                    }
                    _ => continue,
                };
                let (Some(template), Some(argument)) = (template, argument) else {
                    continue;
                };
                if template.contains("<arg0>")
                    && let Some(index) = parameter(argument)
                {
                    return Some((index, template));
                }
            }
        }
        None
    }

    /// A method that gives `self` or an object of `cls` gives one of the class it is called on.
    fn bound_called(&mut self, method: Definition, class: Definition) -> Vec<Typed> {
        let own = self.class_of(method);
        let mut found = self.returned(method);
        for typed in &mut found {
            if let Value::Object(made, _) = &mut typed.value
                && Some(*made) == own
            {
                *made = class;
            }
        }
        found
    }

    /// The arguments of the call at `site`.
    pub fn arguments(&self, site: Site) -> &'p [Argument] {
        match self
            .program
            .module(site.file)
            .map(|module| &module.expr(site.expr).kind)
        {
            Some(ExprKind::Call(_, arguments)) => arguments,
            _ => &[],
        }
    }

    /// The item of a tuple of arguments, as `Thread(target=f, args=(a, b))` hands them on.
    fn handed_on(&self, site: Site, position: Option<u32>) -> Option<Site> {
        match &self.program.module(site.file)?.expr(site.expr).kind {
            ExprKind::Sequence(items) => items
                .get(position? as usize)
                .map(|&expr| Site { expr, ..site }),
            _ => None,
        }
    }

    /// The argument of a call at a position or by keyword, unless a `*` before it hides which it is.
    pub fn argument(
        &self,
        site: Site,
        position: Option<u32>,
        keyword: Option<&str>,
    ) -> Option<Site> {
        if let Some(found) = self.handed_on(site, position) {
            return Some(found);
        }
        let arguments = self.arguments(site);
        let at = |argument: &Argument| Site {
            expr: argument.value,
            ..site
        };
        if let Some(keyword) = keyword {
            let by_name = arguments
                .iter()
                .find(|argument| argument.keyword.as_deref() == Some(keyword));
            if let Some(found) = by_name {
                return Some(at(found));
            }
        }
        let module = self.program.module(site.file)?;
        let positional = arguments
            .iter()
            .filter(|argument| argument.keyword.is_none());
        let found = positional.clone().nth(position? as usize)?;
        let starred =
            |argument: &&Argument| matches!(module.expr(argument.value).kind, ExprKind::Starred(_));
        if positional
            .take(position? as usize + 1)
            .any(|argument| starred(&argument))
        {
            None
        } else {
            Some(at(found))
        }
    }

    /// Whether a call hands on arguments that stand elsewhere: `f(*args)`.
    pub fn hides_arguments(&self, site: Site) -> bool {
        let module = self.program.module(site.file);
        self.arguments(site).iter().any(|argument| {
            module.is_some_and(|module| {
                matches!(module.expr(argument.value).kind, ExprKind::Starred(_))
            })
        })
    }

    fn external_called(&mut self, name: &Name, site: Site) -> Vec<Typed> {
        let first = self.argument(site, Some(0), None);
        match &**name {
            "builtins.super" => return self.super_called(site),
            "builtins.getattr" => return self.getattr_called(site),
            "builtins.__import__" | "importlib.import_module" => return self.import_called(site),
            "builtins.type" => {
                let objects = first
                    .map(|first| self.values(first))
                    .unwrap_or_else(|| Rc::from([]));
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
            "functools.partial" | "functools.partialmethod" => {
                let inner = first
                    .map(|first| self.values(first).to_vec())
                    .unwrap_or_default();
                return inner;
            }
            "contextvars.ContextVar" | "queue.Queue" => return Vec::new(),
            _ => {}
        }
        if let (true, Some(first)) = (COLLECTORS.contains(&&**name), first) {
            return self.each(first, |resolver, typed| match &typed.value {
                Value::Instance(class, _)
                    if resolver
                        .catalog()
                        .member_makes(class, ".__iter__")
                        .is_some() =>
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
                catalog.member_makes(class, &format!(".{method}"))
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
                let classes = first
                    .map(|first| self.values(first))
                    .unwrap_or_else(|| Rc::from([]));
                let objects = classes.iter().filter_map(|typed| match typed.value {
                    Value::Class(class) => Some(Typed::likely(Value::Object(class, None))),
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
            return Vec::new();
        };
        vec![Typed::certain(Value::Instance(
            made.replace("<arg0>", &word).into(),
            Some(site),
        ))]
    }

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
                return class
                    .map(|class| Typed::likely(Value::Object(class, None)))
                    .into_iter()
                    .collect();
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
                    Value::External(name)
                        if self.catalog().property(&name, "objects").is_some() =>
                    {
                        return vec![Typed::likely(Value::Instance(name, None))];
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
    fn is_manager(&mut self, class: Definition) -> bool {
        self.lineage(class).iter().any(|ancestor| match ancestor {
            Ancestor::External(name) => {
                let bases = self.catalog().lineage(name);
                bases.contains(&"django.db.models.QuerySet")
            }
            Ancestor::Own(_) => false,
        })
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
        if let Some(key) = catalog.member_makes(class, &format!(".{chain}")) {
            return self.instance(key, site);
        }
        // `boto3.client:*.get_paginator` holds for every service.
        if let Some((family, service)) = class.split_once(':')
            && let Some(key) = catalog.makes(&format!("{family}:*.{chain}"))
        {
            return self.instance(&key.replace("<service>", service), site);
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
                let entered = self.catalog().member_makes(class, ".__enter__");
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

    /// What a function of the repo returns: by its `return` statements, else by its annotation. Generators give a
    /// container of what they yield.
    pub(super) fn returned(&mut self, function: Definition) -> Vec<Typed> {
        let found = self.find(Key::Returned(function), |resolver| {
            let found = resolver.find_returned(function).into_iter();
            found.map(|typed| typed.at_most(false)).collect()
        });
        found.to_vec()
    }

    fn find_returned(&mut self, function: Definition) -> Vec<Typed> {
        let Some(module) = self.program.module(function.file) else {
            return Vec::new();
        };
        let scope = module.scope(function.scope);
        let at = |expr| Site {
            file: function.file,
            expr,
        };
        if !scope.yields.is_empty() {
            let mut held: Vec<Typed> = scope
                .yields
                .iter()
                .flat_map(|&expr| self.values(at(expr)).to_vec())
                .collect();
            if held.is_empty()
                && let Some(annotation) = scope.returns
            {
                let annotated = self.type_of(at(annotation));
                held = annotated
                    .iter()
                    .flat_map(|typed| self.elements(&typed.value))
                    .map(|t| t.at_most(false))
                    .collect();
            }
            return vec![Typed::certain(Value::Container(held.into()))];
        }
        let mut found: Vec<Typed> = scope
            .return_values
            .iter()
            .flat_map(|&expr| self.values(at(expr)).to_vec())
            .collect();
        if found
            .iter()
            .all(|typed| matches!(typed.value, Value::Literal(_)))
            && let Some(annotation) = scope.returns
        {
            found.extend(self.type_of(at(annotation)));
        }
        found
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
        let name = self
            .argument(site, Some(1), None)
            .and_then(|name| self.constant(name));
        match (self.argument(site, Some(0), None), name) {
            (Some(object), Some(name)) => {
                let name: Name = name.into();
                self.each(object, |resolver, typed| {
                    resolver.member(&typed.value, &name, Some(site))
                })
            }
            _ => Vec::new(),
        }
    }

    fn import_called(&mut self, site: Site) -> Vec<Typed> {
        let name = self
            .argument(site, Some(0), Some("name"))
            .and_then(|name| self.constant(name));
        let Some(name) = name.filter(|name| !name.starts_with('.')) else {
            return Vec::new();
        };
        let value = self
            .module_by_name(&name)
            .unwrap_or_else(|| self.external(&name));
        vec![Typed::certain(value)]
    }
}

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

fn pairs(columns: Vec<Vec<Typed>>) -> Typed {
    let held: Arc<[Typed]> = Arc::from([Typed::certain(Value::Tuple(columns.into()))]);
    Typed::certain(Value::Container(held))
}

/// What PEP 249 calls the objects that every database driver gives.
const CONNECTION: &str = "dbapi.Connection";
const CURSOR: &str = "dbapi.Cursor";
