//! The hook that enables the client in each gunicorn worker after its fork: `post_fork` of a `gunicorn.conf.py`.

use tree_sitter::Node;

use super::enable::Refusal;
use super::recognise::enable_calls;
use super::{Module, Part};
use crate::edit::{Insertions, line_end, line_ending_at, line_start};

const HOOK: &str = "post_fork";

/// Whether a worker that starts with this configuration enables the client, by us or by hand.
pub fn is_hooked(module: &Module) -> bool {
    enable_calls(module).iter().any(|call| call.at_top)
        || definition(module).is_some_and(|hook| {
            let text = module.text(hook);
            text.contains("governor") && text.contains("enable(")
        })
}

/// Puts the hook in: a function of its own at the end, or first in the one that is there. The import stands inside,
/// because gunicorn reads its configuration before it knows where the app's modules are.
pub fn insert(module: &Module) -> Result<Insertions, Refusal> {
    let source = module.source;
    if is_hooked(module) {
        return Err(Refusal::AlreadyEnabled);
    }
    let Some(hook) = definition(module) else {
        // Set in another way, such as by an import or an assignment: what runs then is not known.
        if let Some(node) = module
            .descendants(module.root())
            .find(|node| node.kind() == "identifier" && module.text(*node) == HOOK)
        {
            return Err(Refusal::NoStatement(node.start_position().row as u32 + 1));
        }
        return Ok(Insertions::one(source.len(), at_end(source)));
    };
    let line = hook.start_position().row as u32 + 1;
    let first = hook
        .child_by_field_name("body")
        .and_then(|body| {
            let children = module.children(body);
            let mut statements = children
                .into_iter()
                .filter(|child| child.kind() != "comment");
            let first = statements.next()?;
            // A docstring stays first.
            match super::enable::is_docstring(first) {
                true => statements.next(),
                false => Some(first),
            }
        })
        .ok_or(Refusal::NoStatement(line))?;
    let start = line_start(source, first.start_byte());
    let indent = &source[start..first.start_byte()];
    if !indent.iter().all(|byte| matches!(byte, b' ' | b'\t')) || indent.is_empty() {
        return Err(Refusal::NoStatement(line));
    }
    let ending = line_ending_at(source, line_end(source, start));
    let indent = String::from_utf8_lossy(indent).into_owned();
    Ok(Insertions::one(start, statements(&indent, ending)))
}

fn statements(indent: &str, ending: &str) -> String {
    format!("{indent}import governor{ending}{ending}{indent}governor.enable(){ending}{ending}")
}

/// The hook as a function of its own. A file whose last line is not ended stays so: that way each result has one source.
fn at_end(source: &[u8]) -> String {
    let ending = line_ending_at(source, source.len());
    let (gap, close) = match source {
        [] => ("", "\n"),
        [.., b'\n'] => ("\n\n", "\n"),
        _ => ("\n\n\n", ""),
    };
    format!("{gap}{}{close}", own_function()).replace('\n', ending)
}

fn own_function() -> String {
    format!("def {HOOK}(server, worker):\n    import governor\n\n    governor.enable()")
}

fn definition<'t>(module: &'t Module) -> Option<Node<'t>> {
    module
        .children(module.root())
        .into_iter()
        .filter(|node| node.kind() == "function_definition")
        .find(|node| {
            node.child_by_field_name("name")
                .is_some_and(|name| module.text(name) == HOOK)
        })
}

/// The sources that [`insert`] could have turned into `source`.
pub fn without(source: &[u8]) -> Vec<(Vec<u8>, Part)> {
    let module = Module::new(source);
    let Some(hook) = definition(&module) else {
        return Vec::new();
    };
    let mut candidates = Vec::new();
    for ending in ["\n", "\r\n"] {
        let own = own_function().replace('\n', ending);
        let (text, is_ended) = match source.strip_suffix(ending.as_bytes()) {
            Some(text) => (text, true),
            None => (source, false),
        };
        if let Some(mut head) = text.strip_suffix(own.as_bytes()) {
            candidates.push(head.to_vec());
            for _ in 0..if is_ended { 2 } else { 3 } {
                match head.strip_suffix(ending.as_bytes()) {
                    Some(shorter) => head = shorter,
                    None => break,
                }
                candidates.push(head.to_vec());
            }
        }
        let range = hook.byte_range();
        let body = &source[range.clone()];
        if let Some(at) = memchr::memmem::find(body, b"import governor") {
            let start = line_start(source, range.start + at);
            let indent = String::from_utf8_lossy(&source[start..range.start + at]).into_owned();
            let text = statements(&indent, ending);
            if source[start..].starts_with(text.as_bytes()) {
                candidates.push([&source[..start], &source[start + text.len()..]].concat());
            }
        }
    }
    candidates
        .into_iter()
        .map(|candidate| (candidate, Part::PostFork))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::edit::python::{compose, take_out};

    #[track_caller]
    fn check(before: &str, after: &str) {
        let edit = compose(before.as_bytes(), &BTreeSet::from([Part::PostFork])).expect("applies");
        let result = edit.apply(before.as_bytes());
        assert_eq!(String::from_utf8_lossy(&result), after);
        assert!(is_hooked(&Module::new(&result)));
        let back = take_out(&result).expect("can be taken back");
        assert_eq!(String::from_utf8_lossy(&back), before);
    }

    #[test]
    fn a_configuration_without_the_hook_gets_one() {
        check(
            "workers = 4\n",
            "workers = 4\n\n\ndef post_fork(server, worker):\n    import governor\n\n    governor.enable()\n",
        );
        check(
            "workers = 4",
            "workers = 4\n\n\ndef post_fork(server, worker):\n    import governor\n\n    governor.enable()",
        );
        check(
            "workers = 4\r\n",
            "workers = 4\r\n\r\n\r\ndef post_fork(server, worker):\r\n    import governor\r\n\r\n    governor.enable()\r\n",
        );
    }

    #[test]
    fn a_hook_that_is_there_begins_with_it() {
        check(
            "def post_fork(server, worker):\n    \"\"\"Doc.\"\"\"\n    server.log.info('x')\n",
            "def post_fork(server, worker):\n    \"\"\"Doc.\"\"\"\n    import governor\n\n    governor.enable()\n\n    server.log.info('x')\n",
        );
    }

    #[test]
    fn a_hook_from_elsewhere_is_left_alone() {
        let source = b"from hooks import post_fork\n";
        assert_eq!(insert(&Module::new(source)), Err(Refusal::NoStatement(1)));
    }
}
