//! The proof that an edit only inserted: the module is parsed again, and its tree without the inserted nodes equals the
//! tree it had.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::Insertions;
use super::python::parse;

/// Why an edit is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disproof {
    #[error("line {0} does not parse, and the edit would lie inside of it")]
    InsideError(u32),
    #[error("the file would no longer parse the same way")]
    TreeChanged,
    #[error("the file would no longer parse")]
    NewError,
}

/// Checks `insertions` into `source`, and gives the result.
pub fn prove(source: &[u8], insertions: &Insertions) -> Result<Vec<u8>, Disproof> {
    let before = parse(source);
    for item in insertions.iter() {
        if let Some(line) = error_line_around(before.root_node(), item.at) {
            return Err(Disproof::InsideError(line));
        }
    }
    let result = insertions.apply(source);
    let after = parse(&result);
    let inserted = insertions.ranges_after();
    if errors(&after) > errors(&before) {
        return Err(Disproof::NewError);
    }
    let old = Outline::of(&before, source, &[]);
    let new = Outline::of(&after, &result, &inserted);
    if old == new {
        Ok(result)
    } else {
        Err(Disproof::TreeChanged)
    }
}

/// How many nodes of the tree stand for text that does not parse.
pub fn errors(tree: &Tree) -> usize {
    let mut count = 0;
    walk(tree.root_node(), &mut |node| {
        if node.is_error() || node.is_missing() {
            count += 1;
        }
        node.has_error()
    });
    count
}

fn error_line_around(root: Node, at: usize) -> Option<u32> {
    let mut line = None;
    walk(root, &mut |node| {
        if node.is_error() && node.start_byte() < at && at < node.end_byte() {
            line = Some(node.start_position().row as u32 + 1);
        }
        node.has_error()
    });
    line
}

/// Visits nodes from the top; `visit` says whether to go on below.
fn walk(root: Node, visit: &mut dyn FnMut(Node) -> bool) {
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        if visit(node) {
            let mut cursor = node.walk();
            stack.extend(node.children(&mut cursor));
        }
    }
}

/// A tree as a sequence that two parses can be compared by: the nodes in order with where each opens and closes, and
/// the comments apart, since which block a comment belongs to is not part of the program.
#[derive(Debug, PartialEq, Eq)]
struct Outline<'a> {
    events: Vec<Event<'a>>,
    comments: Vec<&'a [u8]>,
}

#[derive(Debug, PartialEq, Eq)]
enum Event<'a> {
    Open(u16),
    Leaf(u16, &'a [u8]),
    Close,
}

impl<'a> Outline<'a> {
    fn of(tree: &Tree, source: &'a [u8], inserted: &[Range<usize>]) -> Outline<'a> {
        let mut outline = Outline {
            events: Vec::new(),
            comments: Vec::new(),
        };
        enum Task<'t> {
            Visit { node: Node<'t>, in_wrapper: bool },
            Close,
        }
        let mut tasks = vec![Task::Visit {
            node: tree.root_node(),
            in_wrapper: false,
        }];
        let mut is_root = true;
        while let Some(task) = tasks.pop() {
            let (node, in_wrapper) = match task {
                Task::Close => {
                    outline.events.push(Event::Close);
                    continue;
                }
                Task::Visit { node, in_wrapper } => (node, in_wrapper),
            };
            let is_root = std::mem::take(&mut is_root);
            let range = node.byte_range();
            let home = inserted
                .iter()
                .find(|part| !is_root && part.start <= range.start && range.start < part.end);
            if home.is_some_and(|part| range.end <= part.end) {
                continue;
            }
            if node.kind() == "comment" {
                outline.comments.push(trim_line_end(&source[range]));
                continue;
            }
            let mut cursor = node.walk();
            let children: Vec<Node> = node.children(&mut cursor).collect();
            let is_inserted = |node: &Node| {
                inserted
                    .iter()
                    .any(|part| part.start <= node.start_byte() && node.end_byte() <= part.end)
            };
            // The two nodes that may start in inserted text and hold the user's code.
            let is_wrapper = home.is_some()
                && match node.kind() {
                    "with_statement" => true,
                    "decorated_definition" => children
                        .iter()
                        .filter(|child| child.kind() == "decorator")
                        .all(is_inserted),
                    _ => false,
                };
            let skipped = is_wrapper || (in_wrapper && node.kind() == "block");
            if children.is_empty() && !is_root {
                if !skipped {
                    let text = &source[range];
                    outline.events.push(Event::Leaf(node.kind_id(), text));
                }
                continue;
            }
            if !skipped {
                outline.events.push(Event::Open(node.kind_id()));
                tasks.push(Task::Close);
            }
            tasks.extend(children.into_iter().rev().map(|node| Task::Visit {
                node,
                in_wrapper: is_wrapper,
            }));
        }
        outline
    }
}

fn trim_line_end(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inserted_statement_leaves_the_tree() {
        let edit = Insertions::one(9, "import governor\n");
        assert!(prove(b"import a\nimport b\n", &edit).is_ok());
    }

    #[test]
    fn a_swallowed_statement_is_noticed() {
        let edit = Insertions::one(9, "if x:\n    pass\nelse:\n    ");
        assert_eq!(
            prove(b"import a\nimport b\n", &edit),
            Err(Disproof::TreeChanged)
        );
    }

    #[test]
    fn a_with_block_around_statements_leaves_the_tree() {
        let source = b"def f():\n    a()\n    b()\n";
        let mut edit = Insertions::one(9, "    with scope():\n    ");
        edit.add(17, "    ");
        assert!(prove(source, &edit).is_ok());
    }

    #[test]
    fn a_decorator_leaves_the_tree() {
        let edit = Insertions::one(0, "@governed\n");
        assert!(prove(b"def f():\n    a()\n", &edit).is_ok());
    }
}
