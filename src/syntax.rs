//! A parsed Python module. Parsing never fails: what does not parse is an `ERROR` node, the rest is analysed.

use tree_sitter::{Node, Parser, Tree};

mod lower;
pub mod module;
mod recover;

pub use lower::module as lower;

/// Parses Python source. Always gives a tree, for any input.
pub fn parse(source: &str) -> Tree {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .expect("the grammar is built for this version of tree-sitter");
    parser
        .parse(source, None)
        .expect("a parser with a language and without a time limit gives a tree")
}

/// The text of a node.
pub fn text<'s>(node: Node, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}
