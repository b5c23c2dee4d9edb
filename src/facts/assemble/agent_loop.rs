//! Loops around a model call: an agent's loop.

use rustc_hash::FxHashSet;

use crate::facts::Category;
use crate::facts::effect::FoundEffect;
use crate::facts::entrypoint::FoundEntrypoint;
use crate::facts::file::FileFacts;
use crate::facts::graph::Node;
use crate::names::{Definition, FileId, Program};
use crate::syntax::module::{
    BindingValue, BlockId, BlockKind, CallSite, ExprKind, MODULE_SCOPE, Module, ScopeId, ScopeKind,
    Span,
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
        let categories: Vec<Category> = rule
            .categories
            .iter()
            .filter_map(|name| serde_json::from_value(name.as_str().into()).ok())
            .collect();
        let counts = |effect: &&FoundEffect| categories.contains(&effect.category);
        let calls_model = |definition: &Definition| {
            let module = program.module(definition.file);
            let mut effects = facts[definition.file.0 as usize].effects.iter();
            effects.any(|effect| {
                counts(&effect)
                    && module.is_some_and(|module| {
                        module.owner(effect.call_site.scope) == definition.scope
                    })
            })
        };
        let direct = own.effects.iter().filter(counts).map(|effect| effect.span);
        let through = own.loops.iter();
        let through = through.filter(|(_, called)| called.iter().any(calls_model));
        let through = through.map(|(block, _)| module.block(*block).span);
        let mut models: Vec<Span> = direct.chain(through).collect();
        if models.is_empty() {
            continue;
        }
        models.sort_unstable_by_key(|span| span.start);
        let (counts, retries) = (lines_of_counts(module), lines_of_retries(module));
        for (index, block) in module.blocks.iter().enumerate() {
            let is_while = matches!(block.kind, BlockKind::While);
            if !is_while && !matches!(block.kind, BlockKind::For) {
                continue;
            }
            let first = models.partition_point(|span| span.start < block.span.start);
            let mut inside = models[first..].iter();
            if inside.next().is_none_or(|span| span.end > block.span.end) {
                continue;
            }
            // A `for` over data is a batch; one over a count of turns is an agent's loop.
            let turns = is_while || counts.contains(&block.span.line);
            let mut outer = module.enclosing_blocks(BlockId(index as u32)).skip(1);
            let nested = outer.any(|(_, outer)| matches!(outer.kind, BlockKind::While));
            if !turns || nested || retries.contains(&block.span.line) {
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

/// The lines on which something says that one thing is tried again: `for attempt in range(3)`, `while tries < limit`.
fn lines_of_retries(module: &Module) -> FxHashSet<u32> {
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["attempt", "n_try", "retries", "retry", "tries"]
            .iter()
            .any(|word| name.contains(word))
    };
    let read = module.exprs.iter().filter_map(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => says(name).then_some(expr.span),
        _ => None,
    });
    let bindings = module.scopes.iter().flat_map(|scope| &scope.bindings);
    let counted = bindings
        .filter(|(name, _)| says(name))
        .flat_map(|(_, bindings)| bindings)
        .filter_map(|binding| match &binding.value {
            BindingValue::Element(expr, _) => Some(module.expr(*expr).span),
            _ => None,
        });
    read.chain(counted).map(|span| span.line).collect()
}

/// The lines of `for … in range(…)` or `itertools.count()`.
fn lines_of_counts(module: &Module) -> FxHashSet<u32> {
    let counts = |call: &&CallSite| match module.expr(call.expr).kind {
        ExprKind::Call(function, _) => module
            .called(function)
            .is_some_and(|name| ["range", "count"].contains(&&**name)),
        _ => false,
    };
    let counts = module.calls.iter().filter(counts);
    counts
        .map(|call| module.expr(call.expr).span.line)
        .collect()
}
