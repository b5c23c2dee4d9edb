//! From a concrete tree to a [`Module`]: one walk, in source order.

use std::num::NonZeroU16;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tree_sitter::{Node, Tree};

use super::module::*;
use super::recover::blank_errors;
use super::{FIELDS, GrammarKind, parse, text};

mod binding;
mod definition;
mod expression;
mod statement;

/// Expressions nested deeper than this are not read; their lines are reported as unparsed.
const MAX_DEPTH: u32 = 1500;

/// Parses and lowers a module.
pub fn module(source: &str) -> Module {
    let tree = parse(source);
    if tree.root_node().has_error() {
        let (clean, blanked) = blank_errors(source);
        let mut module = lowered(&clean, &parse(&clean));
        module.unparsed.extend(blanked);
        module.unparsed.sort_unstable();
        module.unparsed.dedup();
        return module;
    }
    lowered(source, &tree)
}

fn lowered(source: &str, tree: &Tree) -> Module {
    let mut lower = Lower::new(source);
    let root = tree.root_node();
    let block = lower.block(None, BlockKind::Body, root);
    lower.module.scopes.push(scope(
        ScopeKind::Module,
        None,
        "".into(),
        String::new(),
        block,
        lower.span(root),
    ));
    lower.body(
        root,
        Place {
            scope: MODULE_SCOPE,
            block,
        },
    );
    if root.has_error() {
        lower.collect_errors(root);
    }
    lower.module.unparsed.sort_unstable();
    lower.module.unparsed.dedup();
    lower.module.shrink();
    lower.module
}

#[derive(Clone, Copy)]
struct Place {
    scope: ScopeId,
    block: BlockId,
}

struct Lower<'s> {
    source: &'s str,
    /// Byte offset of the first character of each line, only for sources that are not ASCII.
    line_starts: Option<Vec<usize>>,
    names: FxHashSet<Name>,
    module: Module,
    statement: Span,
    depth: u32,
    /// Set while a string annotation is read: its expressions take the string's span.
    fixed_span: Option<Span>,
    /// Set while the targets of an assignment are bound: where it ends.
    holds_from: Option<u32>,
}

fn scope(
    kind: ScopeKind,
    parent: Option<ScopeId>,
    name: Name,
    qualified_name: String,
    block: BlockId,
    span: Span,
) -> Scope {
    Scope {
        kind,
        parent,
        name,
        qualified_name,
        block,
        span,
        parameters: Vec::new(),
        returns: None,
        return_values: Vec::new(),
        yields: Vec::new(),
        decorators: Vec::new(),
        bases: Vec::new(),
        is_async: false,
        bindings: FxHashMap::default(),
        attributes: FxHashMap::default(),
        stars: Vec::new(),
        globals: Vec::new(),
        nonlocals: Vec::new(),
        body: Body::default(),
    }
}

impl<'s> Lower<'s> {
    fn new(source: &'s str) -> Self {
        let line_starts = (!source.is_ascii()).then(|| {
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
                .collect()
        });
        Lower {
            source,
            line_starts,
            names: FxHashSet::default(),
            module: Module {
                exprs: Vec::new(),
                scopes: Vec::new(),
                blocks: Vec::new(),
                imports: Vec::new(),
                calls: Vec::new(),
                scope_of: Vec::new(),
                block_of: Vec::new(),
                unparsed: Vec::new(),
                stored: Vec::new(),
                items: Vec::new(),
            },
            statement: Span::default(),
            depth: 0,
            fixed_span: None,
            holds_from: None,
        }
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name: Name = Arc::from(text);
        self.names.insert(name.clone());
        name
    }

    fn text(&self, node: Node) -> &'s str {
        text(node, self.source)
    }

    fn node_name(&mut self, node: Node) -> Name {
        let text = self.text(node);
        self.name(text)
    }

    fn span(&self, node: Node) -> Span {
        if let Some(span) = self.fixed_span {
            return span;
        }
        let (start, end) = (node.start_position(), node.end_position());
        let column = match &self.line_starts {
            None => start.column,
            Some(starts) => {
                let line = starts.get(start.row).copied().unwrap_or(0);
                self.source
                    .get(line..node.start_byte())
                    .map_or(start.column, |before| before.chars().count())
            }
        };
        // A block's node ends at the start of the line after it.
        let end_row = if end.column == 0 && end.row > start.row {
            end.row - 1
        } else {
            end.row
        };
        Span {
            start: node.start_byte() as u32,
            end: node.end_byte() as u32,
            line: start.row as u32 + 1,
            column: column as u32 + 1,
            end_line: end_row as u32 + 1,
        }
    }

    fn block(&mut self, parent: Option<BlockId>, kind: BlockKind, node: Node) -> BlockId {
        let span = self.span(node);
        self.module.blocks.push(Block { parent, kind, span });
        BlockId(self.module.blocks.len() as u32 - 1)
    }

    fn push(&mut self, kind: ExprKind, node: Node, at: Place) -> ExprId {
        let span = self.span(node);
        self.module.exprs.push(Expr { kind, span });
        self.module.scope_of.push(at.scope);
        self.module.block_of.push(at.block);
        ExprId(self.module.exprs.len() as u32 - 1)
    }

    fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.module.scopes[id.0 as usize]
    }

    fn collect_errors(&mut self, root: Node) {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if node.is_error() || node.is_missing() {
                let span = self.span(node);
                self.module
                    .unparsed
                    .push((span.line, span.end_line.max(span.line)));
            } else if node.has_error() {
                let mut cursor = node.walk();
                stack.extend(node.children(&mut cursor));
            }
        }
    }
}

fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

fn children_by_field<'t>(node: Node<'t>, field: u16) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    let Some(field) = NonZeroU16::new(field) else {
        return Vec::new();
    };
    node.children_by_field_id(field, &mut cursor)
        .filter(|child| child.is_named())
        .collect()
}

/// `__name__ == "__main__"`, in either order and however it is quoted.
fn is_main_condition(written: &str) -> bool {
    let plain: String = written
        .chars()
        .filter(|c| !c.is_whitespace() && !"()'\"".contains(*c))
        .collect();
    plain == "__name__==__main__" || plain == "__main__==__name__"
}

/// `a . b` as `a.b`.
fn dotted(written: &str) -> String {
    written
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\\')
        .collect()
}

/// Room for one: most names are bound once.
fn one<T>() -> Vec<T> {
    Vec::with_capacity(1)
}

fn unpacked(value: ExprId, path: &[u16]) -> BindingValue {
    if path.is_empty() {
        BindingValue::Value(value)
    } else {
        BindingValue::Item(value, path.into())
    }
}

fn entered(value: ExprId, path: &[u16]) -> BindingValue {
    if path.is_empty() {
        BindingValue::Entered(value)
    } else {
        BindingValue::Unknown
    }
}
