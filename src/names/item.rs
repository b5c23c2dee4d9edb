//! What containers hold: items, elements, entries.

use super::contents::{LISTS, is_collection};
use super::*;
use crate::syntax::module::ExprKind;

impl<'p> Resolver<'p> {
    /// The items of unpacked values, along a path of indexes.
    pub(super) fn items(&mut self, values: Vec<Typed>, path: &[u16]) -> Vec<Typed> {
        let mut values = values;
        for &index in path {
            let mut next = Vec::new();
            for typed in values {
                let found: Vec<Typed> = match &typed.value {
                    Value::Tuple(items) => {
                        items.get(usize::from(index)).cloned().unwrap_or_default()
                    }
                    Value::Literal(site) => self.literal_item(*site, usize::from(index)),
                    // A call that gives several things of which one matters: `reader, writer = …`.
                    Value::Instance(class, _)
                        if self.catalog().method_makes(class, "__iter__").is_none() =>
                    {
                        vec![typed.clone()]
                    }
                    _ => self.elements(&typed.value),
                };
                next.extend(found.into_iter().map(|found| found.at_most(typed.certain)));
            }
            values = next;
        }
        values
    }

    /// What a loop over the value gives.
    pub fn elements(&mut self, value: &Value) -> Vec<Typed> {
        match value {
            Value::Container(held) => held.to_vec(),
            Value::Tuple(items) => items.iter().flatten().cloned().collect(),
            Value::Literal(site) => {
                let Some(module) = self.program.module(site.file) else {
                    return Vec::new();
                };
                match &module.expr(site.expr).kind {
                    ExprKind::Sequence(items) => {
                        let own = items.iter();
                        let mut found: Vec<Typed> = own
                            .flat_map(|&expr| self.values(Site { expr, ..*site }).to_vec())
                            .collect();
                        found.extend(self.contents(*site, None));
                        found
                    }
                    _ => Vec::new(),
                }
            }
            Value::Instance(class, made) if LISTS.contains(&&**class) => {
                self.contents_of_made(*made, None)
            }
            Value::Instance(class, made) => match self.catalog().method_makes(class, "__iter__") {
                Some("<model>") => made.map_or(Vec::new(), |made| self.receiver_model(made)),
                Some(item) => vec![Typed::certain(Value::Instance(item.into(), *made))],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn literal_item(&mut self, site: Site, index: usize) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        match &module.expr(site.expr).kind {
            ExprKind::Sequence(items) => items.get(index).map_or(Vec::new(), |&expr| {
                self.values(Site { expr, ..site }).to_vec()
            }),
            _ => Vec::new(),
        }
    }

    pub(super) fn subscript(&mut self, value: &Value, site: Site, items: &[ExprId]) -> Vec<Typed> {
        if self.is_slice(site, items) {
            return self.sliced(value);
        }
        match value {
            Value::Container(held) => held.to_vec(),
            Value::Tuple(parts) => {
                let index = items
                    .first()
                    .and_then(|&item| self.integer(Site { expr: item, ..site }));
                match index.and_then(|index| parts.get(index)) {
                    Some(part) => part.clone(),
                    None => parts.iter().flatten().cloned().collect(),
                }
            }
            Value::Literal(literal) => self.literal_subscript(*literal, site, items),
            Value::Class(class) => vec![Typed::certain(Value::Class(*class))],
            Value::Object(class, made) => self.typed_dict_entry(*class, *made, site, items),
            Value::Instance(class, made) if is_collection(class) => {
                let item = items.first().map(|&expr| Site { expr, ..site });
                let key = item.and_then(|item| self.constant(item));
                self.contents_of_made(*made, key.as_deref())
            }
            Value::Instance(class, made) => match self.catalog().item_makes(class) {
                Some("<model>") => made.map_or_else(Vec::new, |made| self.receiver_model(made)),
                Some(item) => vec![Typed::certain(Value::Instance(item.into(), Some(site)))],
                None => Vec::new(),
            },
            Value::External(name) => match self.catalog().makes(&format!("{name}[]")) {
                Some(made) if made != "<model>" => {
                    vec![Typed::certain(Value::Instance(made.into(), Some(site)))]
                }
                // `os.environ["X"]` and the like denote nothing; a subscripted class is a type.
                _ => vec![Typed::certain(Value::Type(site))],
            },
            _ => Vec::new(),
        }
    }

    fn is_slice(&self, site: Site, items: &[ExprId]) -> bool {
        let module = self.program.module(site.file);
        items.iter().any(|&item| {
            module.is_some_and(|module| matches!(module.expr(item).kind, ExprKind::Slice))
        })
    }

    /// A part of a list or of a query is one itself.
    fn sliced(&self, value: &Value) -> Vec<Typed> {
        let stays = match value {
            Value::Container(_) => true,
            Value::Literal(literal) => self.program.module(literal.file).is_some_and(|module| {
                matches!(module.expr(literal.expr).kind, ExprKind::Sequence(_))
            }),
            Value::Instance(class, _) => self.catalog().method_makes(class, "__iter__").is_some(),
            _ => false,
        };
        stays
            .then(|| Typed::certain(value.clone()))
            .into_iter()
            .collect()
    }

    /// `context["session"]` of a `TypedDict` is the field of that name.
    fn typed_dict_entry(
        &mut self,
        class: Definition,
        made: Option<Site>,
        site: Site,
        items: &[ExprId],
    ) -> Vec<Typed> {
        let is_typed_dict = self.lineage(class).iter().any(
            |ancestor| matches!(ancestor, Ancestor::External(name) if name.ends_with(".TypedDict")),
        );
        let key = items
            .first()
            .and_then(|&item| self.constant(Site { expr: item, ..site }));
        match key {
            Some(key) if is_typed_dict => self.object_member(class, &key.into(), made, Some(site)),
            _ => Vec::new(),
        }
    }

    fn literal_subscript(&mut self, literal: Site, site: Site, items: &[ExprId]) -> Vec<Typed> {
        let Some(module) = self.program.module(literal.file) else {
            return Vec::new();
        };
        let item = items.first().map(|&expr| Site { expr, ..site });
        match &module.expr(literal.expr).kind {
            ExprKind::Sequence(_) => match item.and_then(|item| self.integer(item)) {
                Some(index) => self.literal_item(literal, index),
                None => self.elements(&Value::Literal(literal)),
            },
            ExprKind::Dict(entries) => {
                let wanted = item.and_then(|item| self.constant(item));
                let mut found = Vec::new();
                for (key, value) in entries {
                    let key = key.and_then(|expr| self.constant(Site { expr, ..literal }));
                    if wanted.is_none() || key.is_none() || key == wanted {
                        found.extend(
                            self.values(Site {
                                expr: *value,
                                ..literal
                            })
                            .to_vec(),
                        );
                    }
                }
                found.extend(self.contents(literal, wanted.as_deref()));
                found
            }
            _ => Vec::new(),
        }
    }

    /// What a dict literal or container gives for any key.
    pub(super) fn any_entry(&mut self, value: &Value) -> Vec<Typed> {
        match value {
            Value::Literal(site) => {
                let Some(module) = self.program.module(site.file) else {
                    return Vec::new();
                };
                match &module.expr(site.expr).kind {
                    ExprKind::Dict(entries) => {
                        let at = |expr| Site { expr, ..*site };
                        let own = entries.iter();
                        let mut found: Vec<Typed> = own
                            .flat_map(|(_, expr)| self.values(at(*expr)).to_vec())
                            .collect();
                        found.extend(self.contents(*site, None));
                        found
                    }
                    _ => self.elements(value),
                }
            }
            Value::Instance(class, made) if is_collection(class) => {
                self.contents_of_made(*made, None)
            }
            _ => self.elements(value),
        }
    }

    pub(super) fn integer(&self, site: Site) -> Option<usize> {
        match &self.program.module(site.file)?.expr(site.expr).kind {
            ExprKind::Constant(text) => text.parse().ok(),
            _ => None,
        }
    }
}
