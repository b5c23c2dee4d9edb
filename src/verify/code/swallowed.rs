//! Handlers that catch a denial and go on as if the effect had happened.

use std::collections::BTreeSet;

use tree_sitter::Node;

use crate::edit::python::Module;
use crate::facts::{Coverage, Effect};
use crate::verify::Finding;

/// What a handler may catch a denial as.
const CATCHES_DENIALS: &[&str] = &["BaseException", "Exception", "RuntimeError"];

pub fn swallowed(module: &Module, path: &str, effects: &[&Effect], found: &mut Vec<Finding>) {
    let rows: BTreeSet<usize> = effects
        .iter()
        .filter(|effect| effect.coverage != Coverage::None)
        .map(|effect| effect.line as usize - 1)
        .collect();
    if rows.is_empty() {
        return;
    }
    suppressed(module, path, &rows, found);
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "try_statement")
    {
        let Some(body) = node.child_by_field_name("body") else {
            continue;
        };
        let span = body.start_position().row..=body.end_position().row;
        if rows.range(span).next().is_none() {
            continue;
        }
        let mut cursor = node.walk();
        for handler in node
            .children(&mut cursor)
            .filter(|child| child.kind() == "except_clause")
        {
            let caught = caught_by(module, handler);
            let is_denial = caught.iter().any(|name| is_denial(name));
            if is_denial && goes_on_knowingly(module, handler) {
                break;
            }
            let is_broad = caught.is_empty()
                || is_denial
                || caught
                    .iter()
                    .any(|name| CATCHES_DENIALS.contains(&name.as_str()));
            if is_broad && !raises(handler) && !module.text(handler).contains("to_dict") {
                let line = handler.start_position().row as u32 + 1;
                let message = match caught.first() {
                    Some(name) => format!(
                        "`except {name}` catches a denial and goes on as if the effect had happened"
                    ),
                    None => {
                        "a bare `except` catches a denial and goes on as if the effect had happened"
                            .to_owned()
                    }
                };
                found.push(Finding::new("swallowed_denial", message, path, line));
                break;
            }
        }
    }
}

/// `with contextlib.suppress(Exception)` around a governed effect.
fn suppressed(module: &Module, path: &str, rows: &BTreeSet<usize>, found: &mut Vec<Finding>) {
    for node in module
        .descendants(module.root())
        .filter(|node| node.kind() == "with_statement")
    {
        let (Some(clause), Some(body)) = (node.named_child(0), node.child_by_field_name("body"))
        else {
            continue;
        };
        let span = body.start_position().row..=body.end_position().row;
        let caught = module
            .descendants(clause)
            .filter(|call| call.kind() == "call")
            .filter(|call| {
                let function = call.child_by_field_name("function");
                function.is_some_and(|function| {
                    matches!(module.text(function), "suppress" | "contextlib.suppress")
                })
            })
            .filter_map(|call| call.child_by_field_name("arguments"))
            .flat_map(|arguments| module.children(arguments))
            .map(|argument| module.text(argument))
            .find(|name| CATCHES_DENIALS.contains(name) || is_denial(name));
        if let Some(name) = caught
            && rows.range(span).next().is_some()
        {
            let message = format!(
                "`suppress({name})` catches a denial and goes on as if the effect had happened"
            );
            let line = node.start_position().row as u32 + 1;
            found.push(Finding::new("swallowed_denial", message, path, line));
        }
    }
}

fn is_denial(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(
        last,
        "GovernorError" | "PolicyDenied" | "PolicyHeld" | "PolicyUnavailable"
    )
}

fn goes_on_knowingly(module: &Module, handler: Node) -> bool {
    raises(handler) || module.text(handler).contains("to_dict")
}

fn caught_by(module: &Module, handler: Node) -> Vec<String> {
    let mut names = Vec::new();
    for child in module.children(handler) {
        if child.kind() == "block" {
            break;
        }
        for node in module.descendants(child) {
            let is_type = matches!(node.kind(), "identifier" | "attribute")
                && node.parent().is_none_or(|parent| {
                    parent.kind() != "attribute" && parent.kind() != "as_pattern_target"
                });
            if is_type {
                names.push(module.text(node).to_owned());
            }
        }
    }
    names
}

fn raises(node: Node) -> bool {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if node.kind() == "raise_statement" {
            return true;
        }
        if node.kind() == "function_definition" {
            continue;
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    false
}
