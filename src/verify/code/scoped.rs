//! Work that leaves the scope that starts it, and intents that name everything.

use std::collections::BTreeMap;

use tree_sitter::Node;

use super::{NOT_FOLLOWED, imported_names};
use crate::edit::python::Module;
use crate::verify::Finding;

pub fn in_scopes(module: &Module, path: &str, found: &mut Vec<Finding>) {
    let imported = imported_names(module);
    let qualified = |node: Node| {
        let text = module.text(node);
        let (first, rest) = text.split_once('.').unwrap_or((text, ""));
        let first = imported.get(first).map_or(first, String::as_str);
        match rest {
            "" => first.to_owned(),
            rest => format!("{first}.{rest}"),
        }
    };
    let not_followed = |call: Node| {
        let name = qualified(call.child_by_field_name("function")?);
        NOT_FOLLOWED.iter().find(|known| **known == name)
    };
    // Pools by the name that they were given, wherever in the module.
    let mut pools: BTreeMap<&str, &str> = BTreeMap::new();
    for node in module.descendants(module.root()) {
        let (name, value) = match node.kind() {
            "assignment" => (
                node.child_by_field_name("left"),
                node.child_by_field_name("right"),
            ),
            "as_pattern" => (
                node.child_by_field_name("alias"),
                module.children(node).into_iter().next(),
            ),
            _ => continue,
        };
        let Some((name, value)) = name.zip(value).filter(|(_, value)| value.kind() == "call")
        else {
            continue;
        };
        if let Some(known) = not_followed(value) {
            pools.insert(module.text(name), known);
        }
    }
    for body in module
        .descendants(module.root())
        .filter_map(|node| scope_body(module, node, &qualified))
    {
        for call in module
            .descendants(body)
            .filter(|node| node.kind() == "call")
        {
            let of_pool = call
                .child_by_field_name("function")
                .and_then(|function| function.child_by_field_name("object"))
                .and_then(|object| pools.get(module.text(object)))
                .copied();
            if let Some(name) = not_followed(call).copied().or(of_pool) {
                let message = format!("`{name}` runs work outside the scope that starts it");
                let line = call.start_position().row as u32 + 1;
                let finding = Finding::new("scope_lost_in_thread", message, path, line);
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
    }
}

/// What runs inside the scope that this node opens.
fn scope_body<'t>(
    module: &Module,
    node: Node<'t>,
    qualified: &dyn Fn(Node) -> String,
) -> Option<Node<'t>> {
    let (head, body, name) = match node.kind() {
        "with_statement" => (
            node.named_child(0)?,
            node.child_by_field_name("body")?,
            "governor.intent",
        ),
        "decorator" => {
            let definition = node.parent()?.child_by_field_name("definition")?;
            (
                node,
                definition.child_by_field_name("body")?,
                "governor.governed",
            )
        }
        _ => return None,
    };
    module
        .descendants(head)
        .filter(|call| call.kind() == "call")
        .filter_map(|call| call.child_by_field_name("function"))
        .any(|function| qualified(function) == name)
        .then_some(body)
}

/// What takes an intent's names as arguments.
const TAKES_INTENT: &[&str] = &["IntentEvent", "governed", "intent_from"];

/// An intent that names everything.
pub fn wildcards(module: &Module, path: &str, found: &mut Vec<Finding>) {
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "keyword_argument")
    {
        let field = |name| {
            node.child_by_field_name(name)
                .map(|child| module.text(child))
        };
        let callee = node
            .parent()
            .and_then(|arguments| arguments.parent())
            .and_then(|call| call.child_by_field_name("function"))
            .map_or("", |function| module.text(function));
        let names_all = TAKES_INTENT.contains(&callee.rsplit('.').next().unwrap_or(callee))
            && matches!(
                field("name"),
                Some("resource_name" | "resource_type" | "action")
            )
            && matches!(field("value"), Some("\"*\"" | "'*'"));
        if names_all {
            let line = node.start_position().row as u32 + 1;
            let message = "an intent names `*`: name the host, the table or the bucket".to_owned();
            found.push(Finding::new("wildcard_mapping", message, path, line));
        }
    }
}
