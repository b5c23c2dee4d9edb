//! Scopes that a module has already: whether one stands around a call, and the module without one.

use tree_sitter::Node;

use super::place::node_at;
use super::{Form, Intent, Site, Target, indentation, is_inside_string, line_starts};
use crate::edit::python::{Module, Part};
use crate::edit::{line_end, line_number, line_start};

/// Whether a scope or an explicit question already stands around or right before the call.
pub fn is_scoped(module: &Module, site: Site) -> bool {
    let mut node = node_at(module, site);
    while let Some(inner) = node {
        let Some(parent) = inner.parent() else { break };
        let is_guarded = match parent.kind() {
            "with_statement" => {
                let clause = parent
                    .named_child(0)
                    .filter(|clause| clause.id() != inner.id());
                clause.is_some_and(|clause| call_ending(module, clause, &["intent"]).is_some())
            }
            "decorated_definition" => {
                let mut cursor = parent.walk();
                parent
                    .children(&mut cursor)
                    .filter(|child| child.kind() == "decorator")
                    .any(|child| call_ending(module, child, &["governed"]).is_some())
            }
            "block" | "module" => inner
                .prev_named_sibling()
                .filter(|before| before.kind() == "expression_statement")
                .is_some_and(|before| {
                    call_ending(module, before, &["enforce", "aenforce"]).is_some()
                }),
            _ => false,
        };
        if is_guarded {
            return true;
        }
        node = Some(parent);
    }
    false
}

/// The sources that [`insert`] could have turned into `source`.
pub fn without(source: &[u8]) -> Vec<(Vec<u8>, Part)> {
    let module = Module::new(source);
    let mut candidates = Vec::new();
    for node in module.descendants(module.root()) {
        let form = match node.kind() {
            "with_statement" => Form::With,
            "decorator" => Form::Decorator,
            "expression_statement" => Form::Enforce,
            _ => continue,
        };
        candidates.extend(taken_out(&module, node, form));
    }
    candidates
}

fn taken_out(module: &Module, node: Node, form: Form) -> Option<(Vec<u8>, Part)> {
    let source = module.source;
    let (is_async, event, body) = match form {
        Form::With => {
            let body = node.child_by_field_name("body")?;
            let clause = node.named_child(0)?;
            let is_async = node.child(0)?.kind() == "async";
            (
                is_async,
                call_ending(module, clause, &["intent"])?,
                Some(body),
            )
        }
        Form::Decorator => (false, call_ending(module, node, &["governed"])?, None),
        Form::Enforce => {
            let is_async = node.named_child(0)?.kind() == "await";
            (
                is_async,
                call_ending(module, node, &["enforce", "aenforce"])?,
                None,
            )
        }
    };
    let field = |name: &str| keyword(module, event, name);
    let intent = Intent {
        action: field("action")?,
        resource_type: field("resource_type")?,
        resource_name: field("resource_name").unwrap_or_default(),
    };
    let start = line_start(source, node.start_byte());
    let head_end = match body {
        Some(body) => line_start(source, body.start_byte()),
        None => line_end(source, node.end_byte()),
    };
    let first = line_number(source, start);
    let mut text = source[..start].to_vec();
    let last = match body {
        Some(body) => {
            let outer = indentation(&source[start..]).len();
            let inner = body.start_byte() - head_end;
            let rows = line_number(source, head_end) as usize - 1..=body.end_position().row;
            let starts = line_starts(source);
            let mut end = head_end;
            for row in rows.clone() {
                let at = *starts.get(row)?;
                end = line_end(source, at);
                let line = &source[at..end];
                let is_in_string = is_inside_string(module, at);
                let is_indented = indentation(line).len() >= inner && !line.trim_ascii().is_empty();
                if is_indented && !is_in_string && inner > outer {
                    text.extend(&line[..outer]);
                    text.extend(&line[inner..]);
                } else {
                    text.extend(line);
                }
            }
            text.extend(&source[end..]);
            first + rows.count() as u32 - 1
        }
        None => {
            text.extend(&source[head_end..]);
            first
        }
    };
    let target = Target {
        form,
        lines: (first, last),
        is_async,
        intent,
    };
    Some((text, Part::Scope(target)))
}

/// The call below `node` of an attribute with one of these names: for a scope, the event that it is made from.
fn call_ending<'t>(module: &Module, node: Node<'t>, names: &[&str]) -> Option<Node<'t>> {
    let is_call_of = |call: &Node, names: &[&str]| {
        call.kind() == "call"
            && call
                .child_by_field_name("function")
                .and_then(|function| function.child_by_field_name("attribute"))
                .is_some_and(|name| names.contains(&module.text(name)))
    };
    let call = module
        .descendants(node)
        .take(12)
        .find(|call| is_call_of(call, names))?;
    let event = module
        .descendants(call)
        .find(|call| is_call_of(call, &["intent_from"]));
    Some(event.unwrap_or(call))
}

fn keyword(module: &Module, call: Node, name: &str) -> Option<String> {
    let arguments = call.child_by_field_name("arguments")?;
    let value = module
        .children(arguments)
        .into_iter()
        .filter(|argument| argument.kind() == "keyword_argument")
        .find(|argument| {
            argument
                .child_by_field_name("name")
                .is_some_and(|key| module.text(key) == name)
        })?
        .child_by_field_name("value")?;
    let text = module.text(value).strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let digits = match chars.next()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            escaped => {
                out.push(escaped);
                continue;
            }
        };
        let code: String = chars.by_ref().take(digits).collect();
        out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
    }
    Some(out)
}
