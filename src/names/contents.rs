//! What the repo puts into its own collections after it has made them: registries of handlers, pools of clients.

use super::*;
use crate::syntax::module::{BindingValue, ExprKind, StoredItem};

/// What a collection holds, and under which key, where that is constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    key: Option<Name>,
    pub value: Value,
}

/// What one file puts into collections, each of which is known by the expression that makes it.
#[derive(Default)]
pub struct Puts {
    pub held: Vec<(Site, Held)>,
    /// Functions that put there what they are passed for the parameter of this index: decorators that register.
    pub registrars: Vec<(Definition, usize, Site)>,
    /// What is put is a parameter that nothing is known of yet.
    pub open: Vec<Put>,
}

/// A place that puts something into a collection: an index into [`Module::items`], or a call.
#[derive(Clone, Copy, Debug)]
pub enum Put {
    Item(usize),
    Call(ExprId),
}

impl Held {
    /// What a decorator registers, under a key that only it knows.
    pub fn registered(value: Value) -> Held {
        Held { key: None, value }
    }
}

impl<'p> Resolver<'p> {
    /// What a file puts into the repo's collections: `handlers[name] = run`, `tools.append(Search())`. Looks at `open`, or
    /// at every place.
    pub fn puts(&mut self, file: FileId, open: Option<&[Put]>) -> Puts {
        let mut puts = Puts::default();
        let Some(module) = self.program.module(file) else {
            return puts;
        };
        let every = || {
            let items = (0..module.items.len()).map(Put::Item);
            let calls = module.calls.iter().map(|call| Put::Call(call.expr));
            items.chain(calls).collect()
        };
        let places: Vec<Put> = open.map_or_else(every, <[Put]>::to_vec);
        for place in places {
            match place {
                Put::Item(index) => {
                    let item = &module.items[index];
                    self.put_item(file, module, item, place, &mut puts);
                }
                Put::Call(expr) => self.put_by_call(module, Site { file, expr }, place, &mut puts),
            }
        }
        puts
    }

    fn put_item(
        &mut self,
        file: FileId,
        module: &Module,
        item: &StoredItem,
        place: Put,
        puts: &mut Puts,
    ) {
        let at = |expr| Site { file, expr };
        let value = match item.value {
            BindingValue::Value(expr) => Some(expr),
            _ => None,
        };
        if value.is_some_and(|expr| !may_be_held(module, expr)) {
            return;
        }
        let into = self.collections(at(item.object));
        if into.is_empty() {
            return;
        }
        let key = self.constant(at(item.key)).map(Name::from);
        let values = self.binding(file, item.scope, &item.value);
        let passed = value.and_then(|expr| self.parameter_named(at(expr)));
        self.put(puts, place, &into, &key, values, passed);
    }

    fn put_by_call(&mut self, module: &Module, site: Site, place: Put, puts: &mut Puts) {
        let at = |expr| Site { expr, ..site };
        let Some((object, method)) = module.method_call(site.expr) else {
            return;
        };
        let Some((_, position)) = PUTTING.iter().find(|(name, _)| *name == &**method) else {
            return;
        };
        let Some(argument) = self.argument(site, Some(*position), None) else {
            return;
        };
        let puts_all = ["extend", "update"].contains(&&**method);
        if argument.file != site.file || !puts_all && !may_be_held(module, argument.expr) {
            return;
        }
        let mut into = self.collections(at(object));
        // `handlers[event].append(run)`
        let outer = match &module.expr(object).kind {
            ExprKind::Subscript(outer, _) => Some(*outer),
            ExprKind::Call(..) => module.method_call(object).map(|(outer, _)| outer),
            _ => None,
        };
        let is_nested = into.is_empty();
        if let (true, Some(outer)) = (is_nested, outer) {
            into = self.collections(at(outer));
        }
        if into.is_empty() {
            return;
        }
        let key = match &**method {
            "setdefault" => self.argument(site, Some(0), None),
            _ => None,
        };
        let key = key.and_then(|key| self.constant(key)).map(Name::from);
        let mut values = self.values(argument).to_vec();
        if puts_all {
            let all = values.iter();
            values = all.flat_map(|typed| self.any_entry(&typed.value)).collect();
        }
        let passed = self.parameter_named(argument);
        if is_nested {
            values.retain(|typed| is_held(&typed.value));
            let inner = values.into();
            values = vec![Typed::likely(Value::Container(inner))];
        }
        self.put(puts, place, &into, &key, values, passed);
    }

    fn put(
        &mut self,
        puts: &mut Puts,
        place: Put,
        into: &[Site],
        key: &Option<Name>,
        values: Vec<Typed>,
        passed: Option<(Definition, usize)>,
    ) {
        let mut values: Vec<Value> = values.into_iter().map(|typed| typed.value).collect();
        // `registry[cls.__name__] = cls` when a class is derived from.
        if let Some((function, 0)) = passed
            && self.is_called(function, "__init_subclass__")
        {
            let program = self.program;
            let heirs = |value: &Value| match value {
                Value::Class(class) => program.subclasses.get(class).cloned(),
                _ => None,
            };
            let heirs = values.iter().filter_map(heirs).flatten();
            values = heirs.map(Value::Class).collect();
        }
        values.retain(is_held);
        if values.is_empty() && passed.is_some() {
            puts.open.push(place);
        }
        for &made in into {
            let held = values.iter();
            puts.held.extend(held.map(|value| {
                let key = key.clone();
                let value = value.clone();
                (made, Held { key, value })
            }));
            puts.registrars
                .extend(passed.map(|(function, index)| (function, index, made)));
        }
    }

    fn is_called(&self, function: Definition, name: &str) -> bool {
        let module = self.program.module(function.file);
        module.is_some_and(|module| &*module.scope(function.scope).name == name)
    }

    /// The function of which a name is a parameter, and the parameter's index.
    fn parameter_named(&self, site: Site) -> Option<(Definition, usize)> {
        let module = self.program.module(site.file)?;
        let ExprKind::Name(name) = &module.expr(site.expr).kind else {
            return None;
        };
        let mut at = Some(module.scope_of(site.expr));
        while let Some(scope) = at {
            let current = module.scope(scope);
            if let Some(bindings) = current.bindings.get(name) {
                let BindingValue::Parameter(index) = bindings.first()?.value else {
                    return None;
                };
                let file = site.file;
                return Some((Definition { file, scope }, usize::from(index)));
            }
            at = current.parent;
        }
        None
    }

    /// The collections of the repo that an expression denotes, by the expressions that make them.
    fn collections(&mut self, site: Site) -> Vec<Site> {
        let values = self.values(site);
        let made = values.iter().filter_map(|typed| match &typed.value {
            Value::Literal(literal) => {
                let module = self.program.module(literal.file)?;
                let kind = &module.expr(literal.expr).kind;
                let is_collection = matches!(kind, ExprKind::Dict(_) | ExprKind::Sequence(_));
                is_collection.then_some(*literal)
            }
            Value::Instance(class, made) if is_collection(class) => *made,
            _ => None,
        });
        made.collect()
    }

    /// What the repo puts into a collection under a key, or under any.
    pub(super) fn contents(&mut self, made: Site, key: Option<&str>) -> Vec<Typed> {
        self.ask(Input::Contents(made));
        let held = self.program.contents.get(&made).into_iter().flatten();
        let fits = |held: &&Held| match (&held.key, key) {
            (Some(known), Some(key)) => **known == *key,
            _ => true,
        };
        held.filter(fits)
            .map(|held| Typed::likely(held.value.clone()))
            .collect()
    }

    /// The same of a collection that a call makes, with what the call is passed: `dict(mail=send_mail)`.
    pub(super) fn contents_of_made(&mut self, made: Option<Site>, key: Option<&str>) -> Vec<Typed> {
        let Some(made) = made else {
            return Vec::new();
        };
        let mut found = self.contents(made, key);
        let arguments = self.arguments(made).iter();
        let named = arguments.filter(|argument| match (&argument.keyword, key) {
            (Some(known), Some(key)) => **known == *key,
            (known, _) => known.is_some(),
        });
        let named: Vec<ExprId> = named.map(|argument| argument.value).collect();
        for expr in named {
            found.extend(self.values(Site { expr, ..made }).iter().cloned());
        }
        found
    }
}

/// Whether a class is one of Python's own collections.
pub(super) fn is_collection(class: &str) -> bool {
    DICTS.contains(&class) || LISTS.contains(&class)
}

/// Collections whose loop gives what they hold, not its keys.
pub(super) const LISTS: &[&str] = &["builtins.list", "builtins.set", "collections.deque"];

const DICTS: &[&str] = &[
    "builtins.dict",
    "collections.OrderedDict",
    "collections.defaultdict",
    "weakref.WeakValueDictionary",
];

/// What asks a collection for what it holds.
pub(super) const HOLDS: &[&str] = &[
    "copy",
    "get",
    "items",
    "pop",
    "popitem",
    "popleft",
    "setdefault",
    "values",
];

/// Methods that put one of their arguments into a collection, and which.
const PUTTING: &[(&str, u32)] = &[
    ("add", 0),
    ("append", 0),
    ("appendleft", 0),
    ("extend", 0),
    ("insert", 1),
    ("setdefault", 1),
    ("update", 0),
];

/// Whether an expression may denote what may be called, or has methods that may.
fn may_be_held(module: &Module, expr: ExprId) -> bool {
    matches!(
        module.expr(expr).kind,
        ExprKind::Attribute(..)
            | ExprKind::Await(_)
            | ExprKind::Call(..)
            | ExprKind::Either(_)
            | ExprKind::Lambda(_)
            | ExprKind::Name(_)
    )
}

/// Whether something may be called, or its methods.
fn is_held(value: &Value) -> bool {
    matches!(
        value,
        Value::Bound { .. }
            | Value::Class(_)
            | Value::Container(_)
            | Value::Function(_)
            | Value::Instance(..)
            | Value::Method { .. }
            | Value::Object(..)
            | Value::Wrapped { .. }
    )
}
