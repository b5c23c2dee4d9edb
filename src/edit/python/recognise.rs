//! What already stands in a module: the client imported and enabled, by us or by hand.

use tree_sitter::Node;

use super::Module;

/// How a module refers to the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The local name of `import governor [as …]` at the top of the module.
    pub module_name: Option<String>,
    /// Local names of `from governor import enable [as …]`.
    enable_names: Vec<String>,
}

/// Where `enable()` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnableCall {
    pub start: usize,
    pub line: u32,
    /// At the top level of the module, not in a function or behind a condition.
    pub at_top: bool,
    /// Nothing but the docstring, `__future__`, and standard library imports stands before it.
    pub first: bool,
}

/// The client's names in the module.
pub fn client(module: &Module) -> Client {
    let mut client = Client::default();
    for node in module.descendants(module.root()) {
        match node.kind() {
            "import_statement" => {
                for item in module.children(node) {
                    let (name, alias) = imported(module, item);
                    if name == "governor" {
                        let local = alias.unwrap_or("governor").to_owned();
                        client.module_name.get_or_insert(local);
                    }
                }
            }
            "import_from_statement" => {
                let from = node.child_by_field_name("module_name");
                if from.is_some_and(|from| module.text(from) == "governor") {
                    let mut cursor = node.walk();
                    for item in node.children_by_field_name("name", &mut cursor) {
                        let (name, alias) = imported(module, item);
                        if name == "enable" {
                            client.enable_names.push(alias.unwrap_or(name).to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    client
}

fn imported<'s>(module: &Module<'s>, item: Node) -> (&'s str, Option<&'s str>) {
    if item.kind() == "aliased_import" {
        let field = |name| item.child_by_field_name(name).map(|node| module.text(node));
        (field("name").unwrap_or(""), field("alias"))
    } else {
        (module.text(item), None)
    }
}

/// The calls of `enable()` in the module, in the order of the source.
pub fn enable_calls(module: &Module) -> Vec<EnableCall> {
    let client = client(module);
    if client == Client::default() {
        return Vec::new();
    }
    module
        .descendants(module.root())
        .filter(|node| node.kind() == "call" && is_enable(module, &client, *node))
        .map(|call| {
            let top = top_level_statement(call);
            EnableCall {
                start: call.start_byte(),
                line: call.start_position().row as u32 + 1,
                at_top: top.is_some_and(|top| !is_definition(top.kind())),
                first: top.is_some_and(|top| nothing_runs_before(module, top)),
            }
        })
        .collect()
}

fn is_enable(module: &Module, client: &Client, call: Node) -> bool {
    let Some(function) = call.child_by_field_name("function") else {
        return false;
    };
    match function.kind() {
        "identifier" => client
            .enable_names
            .iter()
            .any(|name| name == module.text(function)),
        "attribute" => {
            let object = function.child_by_field_name("object");
            let name = function.child_by_field_name("attribute");
            name.is_some_and(|name| module.text(name) == "enable")
                && object.is_some_and(|object| {
                    client.module_name.as_deref() == Some(module.text(object))
                })
        }
        _ => false,
    }
}

fn top_level_statement(node: Node) -> Option<Node> {
    let mut node = node;
    loop {
        let parent = node.parent()?;
        parent.parent()?;
        if parent.parent()?.parent().is_none() && parent.kind() != "module" {
            return Some(parent);
        }
        node = parent;
    }
}

fn is_definition(kind: &str) -> bool {
    matches!(
        kind,
        "function_definition" | "decorated_definition" | "class_definition"
    )
}

fn nothing_runs_before(module: &Module, statement: Node) -> bool {
    module
        .children(module.root())
        .into_iter()
        .take_while(|child| child.start_byte() < statement.start_byte())
        .all(|child| match child.kind() {
            "comment"
            | "future_import_statement"
            | "import_statement"
            | "import_from_statement" => true,
            "expression_statement" => super::enable::is_docstring(child),
            _ => false,
        })
}

/// Whether `name` occurs in the module as anything but an attribute, an argument's keyword or part of an import of
/// the client: importing the client under that name could clobber it.
pub fn is_taken(module: &Module, name: &str) -> bool {
    module
        .descendants(module.root())
        .filter(|node| node.kind() == "identifier" && module.text(*node) == name)
        .any(|node| !is_harmless(node))
}

fn is_harmless(node: Node) -> bool {
    let Some(parent) = node.parent() else {
        return false;
    };
    let is_field = |field| {
        parent
            .child_by_field_name(field)
            .is_some_and(|child| child.id() == node.id())
    };
    match parent.kind() {
        "attribute" => is_field("attribute"),
        "keyword_argument" => is_field("name"),
        "dotted_name" => parent.child(0).is_some_and(|child| child.id() != node.id()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_enabled(source: &str, expected: &[(u32, bool, bool)]) {
        let found: Vec<_> = enable_calls(&Module::new(source.as_bytes()))
            .iter()
            .map(|call| (call.line, call.at_top, call.first))
            .collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn hand_written_forms_are_recognised() {
        check_enabled("import governor\ngovernor.enable()\n", &[(2, true, true)]);
        check_enabled("import governor; governor.enable()", &[(1, true, true)]);
        check_enabled("import governor as g\ng.enable(a=1)\n", &[(2, true, true)]);
        check_enabled(
            "from governor import enable\nenable()\n",
            &[(2, true, true)],
        );
        check_enabled(
            "from governor import enable as e\ne()\n",
            &[(2, true, true)],
        );
        check_enabled(
            "import os\nif x:\n    import governor\n    governor.enable()\n",
            &[(4, true, true)],
        );
    }

    #[test]
    fn calls_that_come_late_or_in_functions_are_told_apart() {
        check_enabled(
            "import governor\napp = make()\ngovernor.enable()\n",
            &[(3, true, false)],
        );
        check_enabled(
            "import governor\ndef main():\n    governor.enable()\n",
            &[(3, false, true)],
        );
    }

    #[test]
    fn other_things_named_enable_are_not() {
        check_enabled("import other\nother.enable()\n", &[]);
        check_enabled("governor.enable()\n", &[]);
    }
}
