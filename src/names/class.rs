//! Classes of the repo: what they derive from, their methods, and what a decorator makes of a function or class.

use std::rc::Rc;

use super::import::module_value;
use super::*;
use crate::syntax::module::{BindingValue, ExprKind, ScopeKind};

/// A class that an object's class derives from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ancestor {
    Own(Definition),
    External(Name),
}

impl<'p> Resolver<'p> {
    pub(super) fn kind(&self, definition: Definition) -> Option<ScopeKind> {
        Some(
            self.program
                .module(definition.file)?
                .scope(definition.scope)
                .kind,
        )
    }

    /// The names of a definition's decorators that come from elsewhere.
    pub fn decorator_names(&mut self, definition: Definition) -> Vec<Name> {
        let Some(module) = self.program.module(definition.file) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for &expr in &module.scope(definition.scope).decorators {
            let callee = module.callee(expr);
            let callees = self.values(Site {
                file: definition.file,
                expr: callee,
            });
            for typed in callees.iter() {
                match &typed.value {
                    Value::External(name) => names.push(name.clone()),
                    Value::Method { class, chain, .. } => {
                        names.push(format!("{class}.{chain}").into())
                    }
                    // `class job(rq.decorators.job)` of the repo decorates as its base does.
                    Value::Class(class) => {
                        let ancestors = self.lineage(*class);
                        names.extend(ancestors.iter().filter_map(|ancestor| match ancestor {
                            Ancestor::External(name) => Some(name.clone()),
                            Ancestor::Own(_) => None,
                        }));
                    }
                    _ => {}
                }
            }
        }
        names
    }

    /// A function or class as its name denotes it: a decorator may have turned it into something else.
    pub(super) fn definition(&mut self, definition: Definition) -> Vec<Typed> {
        if self.kind(definition) == Some(ScopeKind::Class) {
            return vec![Typed::certain(Value::Class(definition))];
        }
        for name in self.decorator_names(definition) {
            if let Some(class) = self.decorator_makes(&name) {
                return vec![Typed::certain(Value::Wrapped {
                    class: class.into(),
                    function: definition,
                })];
            }
        }
        if let Some(class) = self.wrapped_by_own(definition) {
            return vec![Typed::likely(Value::Wrapped {
                class,
                function: definition,
            })];
        }
        vec![Typed::certain(Value::Function(definition))]
    }

    /// What the repo's own decorator makes of a function, if it hands it on to one that a rule knows: a `task(retries=3)`
    /// whose inner function returns `app.task(bind=True)(function)`.
    fn wrapped_by_own(&mut self, definition: Definition) -> Option<Name> {
        let module = self.program.module(definition.file)?;
        for &expr in &module.scope(definition.scope).decorators {
            let site = Site {
                file: definition.file,
                expr,
            };
            let (callee, depth) = match &module.expr(expr).kind {
                ExprKind::Call(function, _) => (
                    Site {
                        expr: *function,
                        ..site
                    },
                    2,
                ),
                _ => (site, 1),
            };
            for typed in self.values(callee).to_vec() {
                if let Value::Function(own) = typed.value
                    && own != definition
                    && let Some(class) = self.made_by_decorator(own, depth)
                {
                    return Some(class);
                }
            }
        }
        None
    }

    /// What a decorator of the repo returns, `depth` calls on, where a decorator that a rule knows makes it.
    fn made_by_decorator(&mut self, decorator: Definition, depth: u32) -> Option<Name> {
        let module = self.program.module(decorator.file)?;
        let at = |expr| Site {
            file: decorator.file,
            expr,
        };
        for &returned in &module.scope(decorator.scope).return_values {
            if depth > 1 {
                for typed in self.values(at(returned)).to_vec() {
                    if let Value::Function(inner) = typed.value
                        && inner != decorator
                        && let Some(class) = self.made_by_decorator(inner, depth - 1)
                    {
                        return Some(class);
                    }
                }
                continue;
            }
            let ExprKind::Call(callee, _) = module.expr(returned).kind else {
                continue;
            };
            let callee = match module.expr(callee).kind {
                ExprKind::Call(function, _) => function,
                _ => callee,
            };
            for typed in self.values(at(callee)).to_vec() {
                let name: Name = match typed.value {
                    Value::External(name) => name,
                    Value::Method { class, chain, .. } => format!("{class}.{chain}").into(),
                    _ => continue,
                };
                if let Some(class) = self.decorator_makes(&name) {
                    return Some(class.into());
                }
            }
        }
        None
    }

    fn decorator_makes(&self, name: &str) -> Option<&'p str> {
        let catalog = self.catalog();
        if let Some(class) = catalog.makes(&format!("@{name}")) {
            return Some(class);
        }
        let (class, method) = name.rsplit_once('.')?;
        catalog
            .lineage(class)
            .into_iter()
            .find_map(|class| catalog.makes(&format!("@{class}.{method}")))
    }

    /// A class of the repo and everything it derives from, nearest first.
    pub fn lineage(&mut self, class: Definition) -> Rc<[Ancestor]> {
        if let Some((known, needs)) = self.lineages.get(&class).cloned() {
            self.use_found(&needs);
            return known;
        }
        let (found, cut, needs) = self.watched(|resolver| resolver.find_lineage(class));
        let found: Rc<[Ancestor]> = found.into();
        if cut.is_none() {
            self.lineages.insert(class, (found.clone(), needs));
        }
        found
    }

    fn find_lineage(&mut self, class: Definition) -> Vec<Ancestor> {
        let mut found: Vec<Ancestor> = Vec::new();
        let mut open = vec![Ancestor::Own(class)];
        while let Some(ancestor) = open.pop() {
            if found.contains(&ancestor) || found.len() >= MAX_ANCESTORS {
                continue;
            }
            if let Ancestor::Own(own) = ancestor {
                open.extend(self.bases(own).into_iter().rev());
            }
            found.push(ancestor);
        }
        for index in 0..found.len() {
            if let Ancestor::Own(own) = found[index]
                && let Some(shown) = self.shown_by_fields(own, &found)
            {
                let shown = Ancestor::External(shown.into());
                if !found.contains(&shown) {
                    found.push(shown);
                }
            }
        }
        found
    }

    /// What a class of the repo derives from at once.
    fn bases(&mut self, class: Definition) -> Vec<Ancestor> {
        let found = self.find(Key::Bases(class), |resolver| {
            let bases = resolver.find_bases(class).into_iter();
            let values = bases.map(|base| match base {
                Ancestor::Own(base) => Value::Class(base),
                Ancestor::External(name) => Value::External(name),
            });
            values.map(Typed::certain).collect()
        });
        let bases = found.iter().filter_map(|base| match &base.value {
            Value::Class(base) => Some(Ancestor::Own(*base)),
            Value::External(name) => Some(Ancestor::External(name.clone())),
            _ => None,
        });
        bases.collect()
    }

    fn find_bases(&mut self, class: Definition) -> Vec<Ancestor> {
        let Some(module) = self.program.module(class.file) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let bases = &module.scope(class.scope).bases;
        for base in bases.iter().filter(|base| base.keyword.is_none()) {
            let site = Site {
                file: class.file,
                expr: base.value,
            };
            for typed in self.values(site).iter() {
                match &typed.value {
                    Value::Class(base) => found.push(Ancestor::Own(*base)),
                    Value::External(name) | Value::Instance(name, _) => {
                        found.push(Ancestor::External(name.clone()));
                        // `class Orders(Manager.from_queryset(OrderRows))` has the methods of both.
                        if let Value::Instance(_, Some(made)) = typed.value
                            && let Some(rows) = self.own_rows(made)
                        {
                            found.push(Ancestor::Own(rows));
                        }
                    }
                    Value::Method { class, chain, .. } => {
                        found.push(Ancestor::External(format!("{class}.{chain}").into()))
                    }
                    Value::Type(site) => found.extend(self.subscripted_base(*site)),
                    _ => {}
                }
            }
        }
        found
    }

    /// The base that a class must have somewhere above an unlisted one, as its own fields belong to that base.
    fn shown_by_fields(&mut self, class: Definition, found: &[Ancestor]) -> Option<&'p str> {
        let catalog = self.catalog();
        let is_unlisted = |ancestor: &Ancestor| match ancestor {
            Ancestor::External(name) => {
                !name.starts_with("builtins.")
                    && !name.starts_with("typing.")
                    && !name.starts_with("abc.")
                    && !catalog.is_known(name)
            }
            Ancestor::Own(_) => false,
        };
        if !found.iter().any(is_unlisted) {
            return None;
        }
        let program = self.program;
        let module = program.module(class.file)?;
        for binding in module.scope(class.scope).bindings.values().flatten() {
            let BindingValue::Value(expr) = binding.value else {
                continue;
            };
            let ExprKind::Call(function, _) = module.expr(expr).kind else {
                continue;
            };
            let values = self.values(Site {
                file: class.file,
                expr: function,
            });
            let owner = values.iter().find_map(|typed| match &typed.value {
                Value::External(field) => catalog.field_of(field),
                _ => None,
            });
            if owner.is_some() {
                return owner;
            }
        }
        None
    }

    /// `Base[T]` as a base class is `Base`.
    fn subscripted_base(&mut self, site: Site) -> Vec<Ancestor> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let ExprKind::Subscript(base, _) = &module.expr(site.expr).kind else {
            return Vec::new();
        };
        let values = self.values(Site {
            expr: *base,
            ..site
        });
        values
            .iter()
            .filter_map(|typed| match &typed.value {
                Value::External(name) => Some(Ancestor::External(name.clone())),
                _ => None,
            })
            .collect()
    }

    /// The class whose body holds this method.
    pub fn class_of(&self, method: Definition) -> Option<Definition> {
        let module = self.program.module(method.file)?;
        let parent = module.scope(method.scope).parent?;
        (module.scope(parent).kind == ScopeKind::Class).then_some(Definition {
            scope: parent,
            ..method
        })
    }

    /// The module that a name like `app.main` in a string names, as a value.
    pub(super) fn module_by_name(&self, dotted: &str) -> Option<Value> {
        self.program
            .table
            .by_name(dotted)
            .map(|file| module_value(Located::File(file)))
    }

    /// The method of a class of the repo with this name, its own or inherited.
    pub fn find_method(&mut self, class: Definition, name: &str) -> Option<Definition> {
        for ancestor in self.lineage(class).iter() {
            let Ancestor::Own(own) = ancestor else {
                continue;
            };
            let bindings = self
                .program
                .module(own.file)?
                .scope(own.scope)
                .bindings
                .get(name);
            for binding in bindings.into_iter().flatten() {
                if let BindingValue::Definition(scope) = binding.value {
                    return Some(Definition {
                        file: own.file,
                        scope,
                    });
                }
            }
        }
        None
    }

    /// The methods of a class of the repo that a class from elsewhere runs when `called` is called: `run` by `start` of a
    /// thread.
    pub fn hooked(&mut self, class: Definition, called: &str) -> Vec<Definition> {
        let catalog = self.catalog();
        let mut found = Vec::new();
        for ancestor in self.lineage(class).iter() {
            let Ancestor::External(base) = ancestor else {
                continue;
            };
            for method in catalog.run_by(base, called) {
                found.extend(self.find_method(class, method));
            }
        }
        found
    }

    /// What runs when an object of a class of the repo is called.
    pub fn run_by_call(&mut self, class: Definition) -> Vec<Definition> {
        match self.find_method(class, "__call__") {
            Some(method) => vec![method],
            None => self.hooked(class, "__call__"),
        }
    }

    /// Whether a definition stands at the top level of its module.
    pub fn is_top_level(&self, definition: Definition) -> bool {
        self.program
            .module(definition.file)
            .is_some_and(|module| module.scope(definition.scope).parent == Some(MODULE_SCOPE))
    }
}

/// No real class has more.
const MAX_ANCESTORS: usize = 64;
