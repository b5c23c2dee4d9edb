//! Edits to Python modules. Each one is a set of insertions and is proven by a second parse.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};

use tree_sitter::{Node, Tree};

use super::Insertions;
use super::proof::prove;
use enable::{ClientName, Refusal};

pub mod enable;
pub mod handler;
mod imports;
pub mod post_fork;
pub mod recognise;
pub mod scope;
pub mod worker;

thread_local! {
    /// The latest parses. One edit asks for the trees of the same two texts again and again: to find its place, to
    /// prove it, and for its evidence.
    static PARSED: RefCell<VecDeque<(Vec<u8>, Tree)>> = const { RefCell::new(VecDeque::new()) };
}

/// How many parses are kept.
const KEPT: usize = 8;

/// Parses a module's bytes, whatever their encoding. Offsets in the tree are offsets into the bytes.
pub fn parse(source: &[u8]) -> Tree {
    PARSED.with_borrow_mut(|parsed| {
        if let Some((_, tree)) = parsed.iter().find(|(text, _)| text == source) {
            return tree.clone();
        }
        let tree = parse_anew(source);
        if parsed.len() == KEPT {
            parsed.pop_back();
        }
        parsed.push_front((source.to_vec(), tree.clone()));
        tree
    })
}

fn parse_anew(source: &[u8]) -> Tree {
    let text = match std::str::from_utf8(source) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        // One byte stays one byte, and a letter is what it most likely is.
        Err(_) => source
            .iter()
            .map(|byte| {
                if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    'x'
                }
            })
            .collect::<String>()
            .into(),
    };
    crate::syntax::parse(&text)
}

/// One thing to put into a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `import governor` and `governor.enable()`, first.
    Enable,
    /// The hook that enables the client in each forked worker, after the statement on this line.
    WorkerHook { line: u32 },
    /// The hook that enables the client in each gunicorn worker; it brings its own import.
    PostFork,
    /// An intent scope.
    Scope(scope::Target),
}

/// Puts `parts` into a module: one import for all of them, proven as a whole.
pub fn compose(source: &[u8], parts: &BTreeSet<Part>) -> Result<Insertions, Refusal> {
    let module = Module::new(source);
    let client = ClientName::of(&module);
    let enables = parts.contains(&Part::Enable);
    let mut insertions = Insertions::default();
    if enables {
        insertions = enable::place(&module)?;
    } else if client.import.is_some() && parts.iter().any(|part| *part != Part::PostFork) {
        insertions = enable::first_statements(&module, &client, false);
    }
    for part in parts {
        match part {
            Part::Enable => {}
            Part::WorkerHook { line } => {
                insertions.extend(worker::insert(&module, *line, &client.name)?);
            }
            Part::PostFork => insertions.extend(post_fork::insert(&module)?),
            Part::Scope(target) => {
                insertions.extend(scope::insert(&module, target, &client.name)?);
            }
        }
    }
    prove(source, &insertions)?;
    Ok(insertions)
}

/// Takes out everything that [`compose`] put in, one part after the other, each proven by going forward again. `None`
/// when nothing of it is there, or when somebody changed it since.
pub fn take_out(source: &[u8]) -> Option<Vec<u8>> {
    let mut text = source.to_vec();
    loop {
        let candidates = scope::without(&text)
            .into_iter()
            .chain(worker::without(&text))
            .chain(post_fork::without(&text));
        let previous = candidates
            .into_iter()
            .find(|(candidate, part)| gives(candidate, &BTreeSet::from([part.clone()]), &text));
        match previous {
            Some((candidate, _)) => text = candidate,
            None => break,
        }
    }
    let enabled = enable::without_first_statements(&text, true)
        .into_iter()
        .find(|candidate| gives(candidate, &BTreeSet::from([Part::Enable]), &text));
    if let Some(candidate) = enabled {
        return Some(candidate);
    }
    if text == source {
        return None;
    }
    let imported = enable::without_first_statements(&text, false)
        .into_iter()
        .find(|candidate| {
            let module = Module::new(candidate);
            let client = ClientName::of(&module);
            client.import.is_some()
                && enable::first_statements(&module, &client, false).apply(candidate) == text
        });
    Some(imported.unwrap_or(text))
}

fn gives(candidate: &[u8], parts: &BTreeSet<Part>, result: &[u8]) -> bool {
    compose(candidate, parts).is_ok_and(|edit| edit.apply(candidate) == result)
}

/// A module under edit.
pub struct Module<'s> {
    pub source: &'s [u8],
    pub tree: Tree,
}

impl<'s> Module<'s> {
    pub fn new(source: &'s [u8]) -> Module<'s> {
        Module {
            source,
            tree: parse(source),
        }
    }

    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    pub fn text(&self, node: Node) -> &'s str {
        std::str::from_utf8(&self.source[node.byte_range()]).unwrap_or("")
    }

    /// Every node below `root`, from the top, in the order of the source.
    pub fn descendants<'t>(&self, root: Node<'t>) -> impl Iterator<Item = Node<'t>> {
        let mut stack = vec![root];
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            let mut cursor = node.walk();
            let children: Vec<Node<'t>> = node.children(&mut cursor).collect();
            stack.extend(children.into_iter().rev());
            Some(node)
        })
    }

    /// The statements and comments of a block or module.
    pub fn children<'t>(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).collect()
    }

    /// The innermost function definition around a line and column of an effect.
    pub fn function_at(&self, row: usize) -> Option<Node<'_>> {
        self.descendants(self.root())
            .filter(|node| {
                node.kind() == "function_definition"
                    && node.start_position().row <= row
                    && row <= node.end_position().row
            })
            .last()
    }
}

/// Whether the newline before `at` is escaped by a backslash, so that the line before goes on.
pub fn continues_line_before(source: &[u8], at: usize) -> bool {
    let head = &source[..at];
    let head = head.strip_suffix(b"\n").unwrap_or(head);
    let head = head.strip_suffix(b"\r").unwrap_or(head);
    head.len() < at && head.ends_with(b"\\")
}
