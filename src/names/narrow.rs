//! What a test of its class says of a name: `if isinstance(client, Session):`.

use super::*;
use crate::syntax::module::{BlockKind, ExprKind};

impl<'p> Resolver<'p> {
    /// The values of a name where it is used, of those that it has at all.
    pub(super) fn narrowed(&mut self, site: Site, name: &Name, found: Vec<Typed>) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return found;
        };
        let Some(tested) = tested_classes(module, site.expr, name) else {
            return found;
        };
        let mut types = Vec::new();
        for class in tested {
            let each = match &module.expr(class).kind {
                ExprKind::Sequence(items) => items.to_vec(),
                _ => vec![class],
            };
            for expr in each {
                let mut of_class = self.type_of(Site { expr, ..site });
                if let ExprKind::Name(plain) = &module.expr(expr).kind
                    && PLAIN.contains(&&**plain)
                {
                    let class = format!("builtins.{plain}").into();
                    of_class = vec![Typed::likely(Value::Instance(class, None))];
                }
                if of_class.is_empty() {
                    return found;
                }
                types.extend(of_class);
            }
        }
        let kept: Vec<Typed> = found
            .into_iter()
            .filter(|typed| {
                types
                    .iter()
                    .any(|other| self.is_a(&typed.value, &other.value))
            })
            .collect();
        if kept.is_empty() {
            types.retain(|typed| matches!(typed.value, Value::Object(..) | Value::Instance(..)));
            return types
                .into_iter()
                .map(|typed| typed.at_most(false))
                .collect();
        }
        kept
    }

    /// Whether a value is of the class that `other` is an object of, as far as it is known.
    fn is_a(&mut self, value: &Value, other: &Value) -> bool {
        match (value, other) {
            (Value::Object(class, _), Value::Object(other, _)) => {
                self.lineage(*class).contains(&Ancestor::Own(*other))
            }
            (Value::Object(class, _), Value::Instance(other, _)) => {
                let lineage = self.lineage(*class);
                lineage.iter().any(|ancestor| match ancestor {
                    Ancestor::External(name) => self.catalog().derives(name, other),
                    Ancestor::Own(_) => false,
                })
            }
            (Value::Instance(class, _), Value::Instance(other, _)) => {
                self.catalog().derives(class, other)
            }
            (Value::Instance(..), Value::Object(..)) => false,
            // A text or a list is not looked into.
            _ => !matches!(other, Value::Object(..)),
        }
    }
}

/// Classes whose objects do nothing outside the process.
const PLAIN: &[&str] = &[
    "bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple",
];

/// The class expressions that the `if`s around a use test the name for, nearest first, if nothing binds it in between.
fn tested_classes(module: &Module, used: ExprId, name: &Name) -> Option<Vec<ExprId>> {
    let position = module.expr(used).span.start;
    let scope = module.scope(module.scope_of(used));
    for (_, block) in module.enclosing_blocks(module.block_of[used.0 as usize]) {
        match block.kind {
            BlockKind::If(condition) => {
                let tested = tested_in(module, condition, name);
                if tested.is_empty() {
                    continue;
                }
                let bindings = scope.bindings.get(name).into_iter().flatten();
                let mut since = bindings.map(|binding| binding.from);
                let is_bound = since.any(|from| from > block.span.start && from <= position);
                return (!is_bound).then_some(tested);
            }
            BlockKind::Body => return None,
            _ => {}
        }
    }
    None
}

/// `isinstance(name, Class)`, alone or beside other conditions.
fn tested_in(module: &Module, condition: ExprId, name: &Name) -> Vec<ExprId> {
    match &module.expr(condition).kind {
        ExprKind::Either(options) => options
            .iter()
            .flat_map(|&option| tested_in(module, option, name))
            .collect(),
        ExprKind::Call(function, arguments) => match arguments.as_ref() {
            [object, class]
                if is_name(module, *function, "isinstance")
                    && is_name(module, object.value, name) =>
            {
                vec![class.value]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn is_name(module: &Module, expr: ExprId, name: &str) -> bool {
    matches!(&module.expr(expr).kind, ExprKind::Name(found) if &**found == name)
}
