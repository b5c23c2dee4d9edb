//! A parsed Python module. Parsing never fails: what does not parse is an `ERROR` node, the rest is analysed.

use std::cell::RefCell;
use std::sync::LazyLock;

use tree_sitter::{Language, Node, Parser, Tree};

mod lower;
pub mod module;
mod recover;

pub use lower::module as lower;

static LANGUAGE: LazyLock<Language> = LazyLock::new(|| tree_sitter_python::LANGUAGE.into());

/// Parses Python source. Always gives a tree, for any input.
pub fn parse(source: &str) -> Tree {
    thread_local! {
        /// A parser keeps the memory of what it parsed for what it parses next.
        static PARSER: RefCell<Parser> = RefCell::new({
            let mut parser = Parser::new();
            parser
                .set_language(&LANGUAGE)
                .expect("the grammar is built for this version of tree-sitter");
            parser
        });
    }
    PARSER.with_borrow_mut(|parser| {
        parser
            .parse(source, None)
            .expect("a parser with a language and without a time limit gives a tree")
    })
}

/// The text of a node.
pub fn text<'s>(node: Node, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// The grammar's fields that are read, by their ids: what a name is looked up for once, not at every node.
macro_rules! fields {
    ($($field:ident)*) => {
        struct Fields { $($field: u16),* }

        static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields {
            $($field: field_id(stringify!($field))),*
        });
    };
}

fields! {
    alias arguments attribute body condition consequence function key left module_name name object operator parameters
    return_type right subject subscript superclasses r#type value
}

fn field_id(name: &str) -> u16 {
    let id = LANGUAGE.field_id_for_name(name.trim_start_matches("r#"));
    id.expect("a field of the grammar").get()
}

/// What the grammar calls a node.
trait GrammarKind {
    /// [`Node::kind`] without measuring and checking its C string at every call.
    fn grammar_kind(&self) -> &'static str;
}

impl GrammarKind for Node<'_> {
    fn grammar_kind(&self) -> &'static str {
        static KINDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            let kinds = 0..LANGUAGE.node_kind_count() as u16;
            kinds
                .map(|id| LANGUAGE.node_kind_for_id(id).unwrap_or_default())
                .collect()
        });
        // What is no symbol of the grammar is an error.
        let kind = KINDS.get(usize::from(self.kind_id()));
        kind.copied().unwrap_or("ERROR")
    }
}
