//! Where a scope goes: the smallest run of whole statements that holds the calls, or why there is none.

use tree_sitter::Node;

use super::Form;
use crate::edit::python::{Module, enable::is_docstring};
use crate::edit::{line_end, line_start};

/// A call, by its 1-based line and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    pub line: u32,
    /// In Unicode characters.
    pub column: u32,
}

/// Where the scope goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub form: Form,
    pub lines: (u32, u32),
    pub is_async: bool,
}

/// Finds the place for a scope around `sites`, calls of one purpose in one function. `others` are calls of another
/// purpose, which must stay outside.
pub fn place(module: &Module, sites: &[Site], others: &[Site]) -> Result<Place, String> {
    let calls: Vec<Node> = sites
        .iter()
        .map(|site| node_at(module, *site).ok_or("the call was not found".to_owned()))
        .collect::<Result<_, _>>()?;
    let mut paths = Vec::new();
    for call in &calls {
        paths.push(path_to(*call)?);
    }
    let function = paths.first().and_then(|path| path.function);
    let mut depth = 0;
    let first = paths.first().ok_or("no call to put a scope around")?;
    while first.blocks.get(depth + 1).is_some_and(|(block, _)| {
        paths.iter().all(|path| {
            path.blocks
                .get(depth + 1)
                .is_some_and(|(other, _)| other.id() == block.id())
        })
    }) {
        depth += 1;
    }
    let mut run = Run::of(&paths, depth)?;
    // A statement that shares its lines cannot be indented: the one around it can.
    while !run.has_its_lines(module) {
        if depth == 0 {
            return Err("the call shares its line with other statements".to_owned());
        }
        depth -= 1;
        run = Run::of(&paths, depth)?;
    }
    check_run(module, &run, others)?;
    let is_async = function.is_some_and(|function| module.text(function).starts_with("async"));
    if let Some(function) = function
        && depth == 0
        && run.is_whole_body(module)
        && !is_decorated(module, function)
        && !has_yield(function.child_by_field_name("body").unwrap_or(function))
    {
        let line = function.start_position().row as u32 + 1;
        return Ok(Place {
            form: Form::Decorator,
            lines: (line, line),
            is_async: false,
        });
    }
    Ok(Place {
        form: Form::With,
        lines: run.lines(),
        is_async,
    })
}

fn check_run(module: &Module, run: &Run, others: &[Site]) -> Result<(), String> {
    for other in others {
        let is_inside = node_at(module, *other)
            .is_some_and(|node| run.start() <= node.start_byte() && node.start_byte() < run.end());
        if is_inside {
            return Err(format!(
                "work of another purpose lies in between, on line {}",
                other.line
            ));
        }
    }
    if run.statements.iter().any(|statement| has_yield(*statement)) {
        return Err("the scope would reach across a `yield`, where other code runs".to_owned());
    }
    if run.statements.iter().any(Node::has_error) {
        return Err("the statements do not parse".to_owned());
    }
    let mut around = run.block.parent();
    while let Some(node) = around {
        match node.kind() {
            "finally_clause" => {
                return Err("clean-up in `finally` must not be stopped by a denial".to_owned());
            }
            "function_definition" => break,
            _ => around = node.parent(),
        }
    }
    Ok(())
}

/// The blocks around a call inside its function, from the outside, each with its statement that holds the call.
struct Path<'t> {
    function: Option<Node<'t>>,
    blocks: Vec<(Node<'t>, Node<'t>)>,
}

fn path_to(call: Node) -> Result<Path, String> {
    let mut blocks = Vec::new();
    let mut node = call;
    let mut function = None;
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "lambda" => return Err("the call runs later, in a lambda".to_owned()),
            "generator_expression" => {
                return Err("the call runs later, in a generator expression".to_owned());
            }
            "block" | "module" => blocks.push((parent, node)),
            "function_definition" => {
                let is_body = parent
                    .child_by_field_name("body")
                    .is_some_and(|body| body.id() == node.id());
                if is_body {
                    function = Some(parent);
                    break;
                }
            }
            "class_definition" => return Err("the call runs in the body of a class".to_owned()),
            _ => {}
        }
        node = parent;
    }
    blocks.reverse();
    if blocks.is_empty() {
        return Err("the call stands in no block".to_owned());
    }
    Ok(Path { function, blocks })
}

/// Statements that follow each other in a block.
struct Run<'t> {
    block: Node<'t>,
    statements: Vec<Node<'t>>,
}

impl<'t> Run<'t> {
    fn of(paths: &[Path<'t>], depth: usize) -> Result<Run<'t>, String> {
        let ends: Vec<Node> = paths
            .iter()
            .filter_map(|path| path.blocks.get(depth).map(|(_, statement)| *statement))
            .collect();
        let block = paths
            .first()
            .and_then(|path| path.blocks.get(depth))
            .map(|(block, _)| *block)
            .ok_or("the call stands in no block")?;
        let start = ends.iter().map(Node::start_byte).min().unwrap_or(0);
        let end = ends.iter().map(Node::end_byte).max().unwrap_or(0);
        let mut cursor = block.walk();
        let statements = block
            .named_children(&mut cursor)
            .filter(|child| start <= child.start_byte() && child.end_byte() <= end)
            .collect();
        Ok(Run { block, statements })
    }

    fn start(&self) -> usize {
        self.statements.first().map_or(0, Node::start_byte)
    }

    fn end(&self) -> usize {
        self.statements.last().map_or(0, Node::end_byte)
    }

    fn lines(&self) -> (u32, u32) {
        let last = self
            .statements
            .last()
            .map_or(0, |node| node.end_position().row);
        // A node that ends with its line ends on the row after it.
        let ends_line = self.statements.last().is_some_and(|node| {
            node.end_position().column == 0 && node.end_position().row > node.start_position().row
        });
        let first = self
            .statements
            .first()
            .map_or(0, |node| node.start_position().row);
        (first as u32 + 1, last as u32 + 1 - u32::from(ends_line))
    }

    fn has_its_lines(&self, module: &Module) -> bool {
        let source = module.source;
        let before = &source[line_start(source, self.start())..self.start()];
        let after = source[self.end()..line_end(source, self.end())].trim_ascii();
        let goes_on = super::super::continues_line_before(source, line_start(source, self.start()));
        before
            .iter()
            .all(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
            && !goes_on
            && (after.is_empty() || after.starts_with(b"#"))
    }

    /// Whether nothing but a docstring and comments lies in the block beside the run.
    fn is_whole_body(&self, module: &Module) -> bool {
        module
            .children(self.block)
            .into_iter()
            .enumerate()
            .filter(|(_, child)| child.kind() != "comment")
            .filter(|(index, child)| *index > 0 || !is_docstring(*child))
            .all(|(_, child)| self.statements.iter().any(|own| own.id() == child.id()))
    }
}

pub(super) fn node_at<'t>(module: &'t Module, site: Site) -> Option<Node<'t>> {
    let start = module
        .source
        .split_inclusive(|byte| *byte == b'\n')
        .take(site.line as usize - 1)
        .map(<[u8]>::len)
        .sum::<usize>();
    let line = &module.source[start..line_end(module.source, start)];
    let column = site.column as usize - 1;
    let offset = match std::str::from_utf8(line) {
        Ok(text) => text.char_indices().nth(column)?.0,
        Err(_) => column,
    };
    module
        .root()
        .descendant_for_byte_range(start + offset, start + offset)
}

/// Whether another decorator makes something else of the function than a method.
fn is_decorated(module: &Module, function: Node) -> bool {
    let decorated = function
        .parent()
        .filter(|parent| parent.kind() == "decorated_definition");
    decorated.is_some_and(|decorated| {
        module
            .children(decorated)
            .into_iter()
            .filter(|child| child.kind() == "decorator")
            .any(|decorator| !["@classmethod", "@staticmethod"].contains(&module.text(decorator)))
    })
}

/// Whether a `yield` of this function lies below the node.
fn has_yield(node: Node) -> bool {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if node.kind() == "yield" {
            return true;
        }
        if matches!(
            node.kind(),
            "function_definition" | "lambda" | "class_definition"
        ) {
            continue;
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    false
}
