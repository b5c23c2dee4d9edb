//! What an annotation says about a value. Everything known this way is likely, never certain.

use super::*;
use crate::syntax::module::{ExprKind, Operator, ScopeKind};

impl<'p> Resolver<'p> {
    /// The values that a type expression admits.
    pub(super) fn type_of(&mut self, site: Site) -> Vec<Typed> {
        let found = self.find(Key::Type(site), |resolver| {
            let found = resolver.find_type(site).into_iter();
            found.map(|typed| typed.at_most(false)).collect()
        });
        found.to_vec()
    }

    fn find_type(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let at = |expr| Site { expr, ..site };
        match &module.expr(site.expr).kind {
            ExprKind::Name(_) | ExprKind::Attribute(..) => {
                let classes = self.values(site);
                classes
                    .iter()
                    .flat_map(|typed| self.instance_of(&typed.value, site))
                    .collect()
            }
            ExprKind::Binary(Operator::BitOr, left, right) => {
                let mut found = self.find_type(at(*left));
                found.extend(self.find_type(at(*right)));
                found
            }
            ExprKind::Subscript(base, items) => {
                let bases = self.values(at(*base));
                bases
                    .iter()
                    .flat_map(|typed| self.subscripted(&typed.value, at(*base), items, site))
                    .collect()
            }
            ExprKind::Str(text) => self.forward_reference(site, text),
            // `Annotated[...]` metadata and the like may be calls; a type is not.
            _ => Vec::new(),
        }
    }

    pub(super) fn instance_of(&mut self, class: &Value, site: Site) -> Vec<Typed> {
        match class {
            Value::Class(class) => vec![Typed::likely(Value::Object(*class, None))],
            Value::External(name)
                if &**name == "typing.Self" || &**name == "typing_extensions.Self" =>
            {
                self.enclosing_class(site)
                    .map(|class| Typed::likely(Value::Object(class, None)))
                    .into_iter()
                    .collect()
            }
            Value::External(name) if self.catalog().is_container(name) => {
                vec![Typed::likely(Value::Container(Arc::from([])))]
            }
            Value::External(name)
                if name.starts_with("typing.") || name.starts_with("builtins.") =>
            {
                Vec::new()
            }
            Value::External(name) => {
                let class = self
                    .catalog()
                    .makes(name)
                    .filter(|made| !made.contains('<'))
                    .unwrap_or(name);
                vec![Typed::likely(Value::Instance(class.into(), None))]
            }
            // `def f(tool: Tool)` where `Tool` is an attribute of an instance: `db.Model`.
            Value::Method { class, chain, .. } => {
                vec![Typed::likely(Value::Instance(
                    format!("{class}.{chain}").into(),
                    None,
                ))]
            }
            Value::Type(alias) if *alias != site => self.type_of(*alias),
            // `def f(session: SessionLocal)`: the factory stands for what it makes.
            Value::Instance(class, made) => {
                let class = self
                    .catalog()
                    .makes(class)
                    .filter(|made| !made.contains('<'))
                    .map_or_else(|| class.clone(), Name::from);
                vec![Typed::likely(Value::Instance(class, *made))]
            }
            _ => Vec::new(),
        }
    }

    fn subscripted(
        &mut self,
        base: &Value,
        base_site: Site,
        items: &[ExprId],
        site: Site,
    ) -> Vec<Typed> {
        let Value::External(name) = base else {
            return self.instance_of(base, base_site);
        };
        let at = |expr: ExprId| Site { expr, ..site };
        let last = name.rsplit('.').next().unwrap_or_default();
        let items: Vec<ExprId> = self.flattened(site, items);
        let is_typing = [
            "typing.",
            "typing_extensions.",
            "collections.abc.",
            "contextlib.",
            "builtins.",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix));
        if !is_typing && !self.catalog().is_container(name) {
            let mut found = self.instance_of(base, base_site);
            for typed in &mut found {
                // The type's own arguments tell what some of its attributes are.
                if let Value::Instance(_, made) = &mut typed.value {
                    *made = Some(site);
                }
            }
            return found;
        }
        match last {
            "Annotated" => {
                let injected: Vec<Typed> = items
                    .iter()
                    .skip(1)
                    .flat_map(|&item| self.injected_by(at(item)))
                    .collect();
                let declared = items
                    .first()
                    .map(|&item| self.find_type(at(item)))
                    .unwrap_or_default();
                // What the injected callable gives is the very object; the declared type says the same in general.
                if injected.is_empty() {
                    declared
                } else {
                    injected.into_iter().chain(declared).collect()
                }
            }
            "Optional" | "Union" => items
                .iter()
                .flat_map(|&item| self.find_type(at(item)))
                .collect(),
            "ClassVar"
            | "Final"
            | "Required"
            | "NotRequired"
            | "ReadOnly"
            | "Awaitable"
            | "ContextManager"
            | "AbstractContextManager"
            | "AsyncContextManager"
            | "AbstractAsyncContextManager" => items
                .first()
                .map(|&item| self.find_type(at(item)))
                .unwrap_or_default(),
            "Coroutine" => items
                .last()
                .map(|&item| self.find_type(at(item)))
                .unwrap_or_default(),
            "Callable" => {
                let given = items
                    .last()
                    .map(|&item| self.find_type(at(item)))
                    .unwrap_or_default();
                vec![Typed::likely(Value::Returns(given.into()))]
            }
            "type" | "Type" => items
                .iter()
                .flat_map(|&item| self.values(at(item)).to_vec())
                .filter(|typed| matches!(typed.value, Value::Class(_) | Value::External(_)))
                .collect(),
            "tuple" | "Tuple" => {
                let columns: Vec<Vec<Typed>> =
                    items.iter().map(|&item| self.find_type(at(item))).collect();
                vec![Typed::likely(Value::Tuple(columns.into()))]
            }
            "Generator" | "AsyncGenerator" | "Iterator" | "AsyncIterator" | "Iterable"
            | "AsyncIterable" => {
                let held = items
                    .first()
                    .map(|&item| self.find_type(at(item)))
                    .unwrap_or_default();
                vec![Typed::likely(Value::Container(held.into()))]
            }
            _ if self.catalog().is_container(name) => {
                let held = items
                    .last()
                    .map(|&item| self.find_type(at(item)))
                    .unwrap_or_default();
                vec![Typed::likely(Value::Container(held.into()))]
            }
            _ => Vec::new(),
        }
    }

    /// `Union[A, B]` has two items, however the grammar groups them.
    fn flattened(&self, site: Site, items: &[ExprId]) -> Vec<ExprId> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        match items {
            [one] => match &module.expr(*one).kind {
                ExprKind::Sequence(inner) => inner.to_vec(),
                _ => items.to_vec(),
            },
            _ => items.to_vec(),
        }
    }

    /// The type arguments of `Class[T]`, as values of the type at `index`.
    pub(super) fn type_argument(&mut self, site: Site, index: usize) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let ExprKind::Subscript(_, items) = &module.expr(site.expr).kind else {
            return Vec::new();
        };
        let items = self.flattened(site, items);
        items
            .get(index)
            .map(|&expr| self.type_of(Site { expr, ..site }))
            .unwrap_or_default()
    }

    /// A type named in a string inside of another type: `list["Client"]`.
    fn forward_reference(&mut self, site: Site, text: &str) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let mut parts = text.trim().split('.');
        let Some(first) = parts.next().filter(|first| !first.is_empty()) else {
            return Vec::new();
        };
        if !text
            .trim()
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '.')
        {
            return Vec::new();
        }
        let mut values = self.name(site.file, module.scope_of(site.expr), &first.into(), None);
        for part in parts {
            let name: Name = part.into();
            values = values
                .iter()
                .flat_map(|typed| self.member(&typed.value, &name, None))
                .collect();
        }
        values
            .iter()
            .flat_map(|typed| self.instance_of(&typed.value, site))
            .collect()
    }

    fn enclosing_class(&self, site: Site) -> Option<Definition> {
        let module = self.program.module(site.file)?;
        let mut scope = Some(module.scope_of(site.expr));
        while let Some(id) = scope {
            let current = module.scope(id);
            if current.kind == ScopeKind::Class {
                return Some(Definition {
                    file: site.file,
                    scope: id,
                });
            }
            scope = current.parent;
        }
        None
    }
}
