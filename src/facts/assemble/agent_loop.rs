//! Loops around a model call: an agent's loop.

use crate::facts::Category;
use crate::facts::effect::FoundEffect;
use crate::facts::entrypoint::FoundEntrypoint;
use crate::facts::file::FileFacts;
use crate::facts::graph::Node;
use crate::names::{Definition, FileId, Program};
use crate::syntax::module::{
    BindingValue, BlockKind, ExprKind, MODULE_SCOPE, Module, ScopeId, ScopeKind, Span,
};

/// Loops around a model call: an agent's loop.
pub(super) fn agent_loops(
    program: &Program,
    file: FileId,
    facts: &[FileFacts],
) -> Vec<FoundEntrypoint> {
    let Some(module) = program.module(file) else {
        return Vec::new();
    };
    let own = &facts[file.0 as usize];
    let mut found = Vec::new();
    for rule in program.catalog.entrypoints_of_shape("loop") {
        let counts = |category: Category| {
            let name = serde_json::to_value(category).ok();
            rule.categories
                .iter()
                .any(|wanted| name.as_ref().and_then(|name| name.as_str()) == Some(wanted))
        };
        let calls_model = |definition: &Definition| {
            facts[definition.file.0 as usize]
                .effects
                .iter()
                .any(|effect| {
                    let module = program.module(definition.file);
                    counts(effect.category)
                        && module.is_some_and(|module| {
                            module.owner(effect.call_site.scope) == definition.scope
                        })
                })
        };
        for block in &module.blocks {
            let is_while = matches!(block.kind, BlockKind::While);
            if !is_while && !matches!(block.kind, BlockKind::For) {
                continue;
            }
            let inside = |span: &Span| span.start >= block.span.start && span.end <= block.span.end;
            let in_loop: Vec<&FoundEffect> = own
                .effects
                .iter()
                .filter(|effect| inside(&effect.span))
                .collect();
            let direct = in_loop.iter().any(|effect| counts(effect.category));
            let through = own
                .loops
                .iter()
                .any(|(span, _, called)| inside(span) && called.iter().any(calls_model));
            // A `for` over data is a batch; one over a count of turns is an agent's loop.
            let turns = is_while || counts_turns(program, file, block.span);
            let nested = module.blocks.iter().any(|outer| {
                matches!(outer.kind, BlockKind::While)
                    && outer.span != block.span
                    && outer.span.start <= block.span.start
                    && outer.span.end >= block.span.end
            });
            if !turns || nested || !(direct || through) || repeats_a_failure(module, block.span) {
                continue;
            }
            let scope = module
                .scopes
                .iter()
                .enumerate()
                .filter(|(_, scope)| {
                    scope.kind == ScopeKind::Function
                        && scope.span.start <= block.span.start
                        && scope.span.end >= block.span.end
                })
                .max_by_key(|(_, scope)| scope.span.start)
                .map_or(MODULE_SCOPE, |(index, _)| ScopeId(index as u32));
            let definition = Definition { file, scope };
            let name = module.scope(scope).name.to_string();
            let in_main = scope == MODULE_SCOPE
                && module.blocks.iter().any(|main| {
                    matches!(main.kind, BlockKind::Main)
                        && main.span.start <= block.span.start
                        && main.span.end >= block.span.end
                });
            found.push(FoundEntrypoint {
                role: rule.role(),
                kind: rule.kind.clone(),
                name: if name.is_empty() {
                    "loop".to_owned()
                } else {
                    name
                },
                definition: (scope != MODULE_SCOPE).then_some(definition),
                line: block.span.line,
                column: block.span.column,
                end_line: block.span.end_line,
                node: if in_main {
                    Node::Main(file)
                } else {
                    Node::Code(definition)
                },
            });
        }
    }
    found
}

/// Whether a loop's head says that it tries one thing again: `for attempt in range(3)`, `while tries < limit`.
fn repeats_a_failure(module: &Module, block: Span) -> bool {
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["attempt", "n_try", "retries", "retry", "tries"]
            .iter()
            .any(|word| name.contains(word))
    };
    let in_head = |span: Span| span.line == block.line && span.start >= block.start;
    let read = module.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => in_head(expr.span) && says(name),
        _ => false,
    });
    let counted = module
        .scopes
        .iter()
        .flat_map(|scope| &scope.bindings)
        .any(|(name, bindings)| {
            says(name)
                && bindings.iter().any(|binding| match &binding.value {
                    BindingValue::Element(expr, _) => in_head(module.expr(*expr).span),
                    _ => false,
                })
        });
    read || counted
}

/// Whether the statement at `span` is `for … in range(…)` or `itertools.count()`.
fn counts_turns(program: &Program, file: FileId, span: Span) -> bool {
    let Some(module) = program.module(file) else {
        return false;
    };
    module.calls.iter().any(|call| {
        let expr = module.expr(call.expr);
        let ExprKind::Call(function, _) = expr.kind else {
            return false;
        };
        let Some(name) = module.called(function) else {
            return false;
        };
        expr.span.line == span.line
            && expr.span.start >= span.start
            && ["range", "count"].contains(&&**name)
    })
}
