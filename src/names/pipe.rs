//! `prompt | model | parser`: what runs like the pieces it is made of. `int | None` is a type.

use super::*;
use crate::syntax::module::ExprKind;

impl Resolver<'_> {
    /// What `left | right` gives; `site` is the whole expression.
    pub(super) fn piped(&self, site: Site, left: &[Typed], right: &[Typed]) -> Vec<Typed> {
        let runs = |typed: &Typed| match &typed.value {
            Value::Instance(class, _) => class.starts_with(PIPED),
            _ => false,
        };
        let is_piece = |typed: &Typed| match &typed.value {
            Value::Instance(..) | Value::Object(..) => true,
            Value::Literal(literal) => right.iter().any(runs) && self.is_dict(*literal),
            Value::Function(_) | Value::Bound { .. } | Value::Method { .. } => {
                right.iter().any(runs)
            }
            _ => false,
        };
        if !left.iter().all(is_piece) {
            return vec![Typed::certain(Value::Type(site))];
        }
        let mut found: Vec<Typed> = right.iter().chain(left).cloned().collect();
        if (left.is_empty() && right.iter().any(runs))
            || (right.is_empty() && left.iter().any(runs))
        {
            found.push(Typed::likely(Value::Instance(CHAIN.into(), Some(site))));
        }
        found
    }

    fn is_dict(&self, site: Site) -> bool {
        let module = self.program.module(site.file);
        module.is_some_and(|module| matches!(module.expr(site.expr).kind, ExprKind::Dict(_)))
    }
}

/// Packages whose objects are put together with `|`.
const PIPED: &str = "langchain";

/// What a pipe makes of a piece that is not known.
const CHAIN: &str = "langchain_core.runnables.RunnableSequence";
