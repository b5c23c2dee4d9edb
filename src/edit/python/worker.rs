//! The hook that enables the client in each Celery worker process after its fork.

use super::enable::Refusal;
use super::{Module, Part};
use crate::edit::{Insertions, line_end, line_ending_at, line_number, line_start};

/// The statements of the hook, a line each.
fn text(name: &str, ending: &str) -> String {
    [
        "from celery.signals import worker_process_init",
        "",
        "",
        "@worker_process_init.connect(weak=False)",
        "def _enable_governor_in_worker(**_signal):",
        &format!("    {name}.enable()"),
        "",
    ]
    .join(ending)
}

/// Whether the module enables the client, or anything else of its own, when a worker process starts.
pub fn is_hooked(module: &Module) -> bool {
    module
        .descendants(module.root())
        .filter(|node| matches!(node.kind(), "decorated_definition" | "call"))
        .map(|node| module.text(node))
        .any(|text| text.contains("worker_process_init") && text.contains("enable"))
}

/// Puts the hook after the top-level statement that starts on `line`.
pub fn insert(module: &Module, line: u32, name: &str) -> Result<Insertions, Refusal> {
    let source = module.source;
    let statement = module
        .children(module.root())
        .into_iter()
        .find(|node| {
            let rows = node.start_position().row..=node.end_position().row;
            node.kind() == "expression_statement" && rows.contains(&(line as usize - 1))
        })
        .ok_or(Refusal::NoStatement(line))?;
    let at = line_end(source, statement.end_byte());
    let rest = &source[statement.end_byte()..at];
    if !rest.trim_ascii().is_empty() && !rest.trim_ascii_start().starts_with(b"#") {
        return Err(Refusal::NoStatement(line));
    }
    let ending = line_ending_at(source, at);
    let open = if source[..at].ends_with(b"\n") {
        ""
    } else {
        ending
    };
    // Blank lines stay before the hook, so that each result has one source; style guides want two after it.
    let rest = &source[at..];
    let code = rest.trim_ascii_start();
    if code.is_empty() {
        let hook = text(name, ending);
        return Ok(Insertions::one(at, format!("{open}{ending}{hook}")));
    }
    let next = line_start(source, source.len() - code.len());
    let hook = text(name, ending);
    Ok(Insertions::one(next, format!("{hook}{ending}{ending}")))
}

/// The sources that [`insert`] could have turned into `source`.
pub fn without(source: &[u8]) -> Vec<(Vec<u8>, Part)> {
    let mut candidates = Vec::new();
    for name in ["governor", "_governor"] {
        for ending in ["\n", "\r\n"] {
            let hook = text(name, ending);
            let Some(at) = memchr::memmem::find(source, hook.as_bytes()) else {
                continue;
            };
            let before = source[..at].trim_ascii_end();
            let part = Part::WorkerHook {
                line: line_number(source, before.len()),
            };
            let (head, tail) = (&source[..at], &source[at + hook.len()..]);
            let gap = ending.repeat(2);
            match tail.strip_prefix(gap.as_bytes()) {
                Some(code) if !tail.trim_ascii().is_empty() => {
                    candidates.push(([head, code].concat(), part));
                }
                _ => {
                    // At the end of the file; its last line may not have been ended.
                    let Some(head) = head.strip_suffix(ending.as_bytes()) else {
                        continue;
                    };
                    candidates.push(([head, tail].concat(), part.clone()));
                    if let Some(head) = head.strip_suffix(ending.as_bytes()) {
                        candidates.push(([head, tail].concat(), part));
                    }
                }
            }
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::edit::python::{compose, take_out};

    #[track_caller]
    fn check(before: &str, line: u32, after: &str) {
        let parts = BTreeSet::from([Part::Enable, Part::WorkerHook { line }]);
        let edit = compose(before.as_bytes(), &parts).expect("applies");
        let result = edit.apply(before.as_bytes());
        assert_eq!(String::from_utf8_lossy(&result), after);
        let back = take_out(&result).expect("can be taken back");
        assert_eq!(String::from_utf8_lossy(&back), before);
    }

    #[test]
    fn follows_the_app() {
        check(
            "from celery import Celery\n\napp = Celery(\n    'x',\n)\napp.conf.a = 1\n",
            3,
            "import governor\n\ngovernor.enable()\n\nfrom celery import Celery\n\napp = Celery(\n    'x',\n)\nfrom celery.signals import worker_process_init\n\n\n@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n\n\napp.conf.a = 1\n",
        );
    }

    #[test]
    fn two_blank_lines_follow_and_those_before_stay() {
        let hook = "from celery.signals import worker_process_init\n\n\n@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n";
        for (rest, after) in [
            ("", format!("\n{hook}")),
            ("\n\n", format!("\n{hook}\n\n")),
            (
                "\n\n\ndef f(): pass\n",
                format!("\n\n\n{hook}\n\ndef f(): pass\n"),
            ),
            ("\n# Tasks\n", format!("\n{hook}\n\n# Tasks\n")),
        ] {
            check(
                &format!("app = Celery('x')\n{rest}"),
                1,
                &format!("import governor\n\ngovernor.enable()\n\napp = Celery('x')\n{after}"),
            );
        }
    }

    #[test]
    fn an_app_in_a_factory_gets_none() {
        let source = b"def make():\n    app = Celery()\n    return app\n";
        assert_eq!(
            compose(source, &BTreeSet::from([Part::WorkerHook { line: 2 }])),
            Err(Refusal::NoStatement(2))
        );
    }
}
