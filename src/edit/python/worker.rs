//! The hook that enables the client in each Celery worker process after its fork.

use tree_sitter::Node;

use super::enable::Refusal;
use super::{Module, Part};
use crate::edit::{Insertions, line_end, line_ending_at, line_number, line_start};

const IMPORT: &str = "from celery.signals import worker_process_init";

/// The statements of the hook, a line each.
fn text(name: &str, ending: &str) -> String {
    [
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

/// Puts the hook after the statements that make the app of `line` and set it up, and its import beside Celery's own.
pub fn insert(module: &Module, line: u32, name: &str) -> Result<Insertions, Refusal> {
    let source = module.source;
    let statements = module.children(module.root());
    let position = statements
        .iter()
        .position(|node| {
            let rows = node.start_position().row..=node.end_position().row;
            node.kind() == "expression_statement" && rows.contains(&(line as usize - 1))
        })
        .ok_or(Refusal::NoStatement(line))?;
    let last = statements[position..]
        .iter()
        .take_while(|node| matches!(node.kind(), "expression_statement" | "comment"))
        .take_while(|node| !runs_the_app(module, **node))
        .filter(|node| node.kind() == "expression_statement" && ends_its_line(source, **node))
        .last()
        .ok_or(Refusal::NoStatement(line))?;
    let at = line_end(source, last.end_byte());
    let ending = line_ending_at(source, at);
    let open = |at: usize| {
        if source[..at].ends_with(b"\n") {
            ""
        } else {
            ending
        }
    };
    let hook = text(name, ending);
    let code = source[at..].trim_ascii_start();
    let next = line_start(source, source.len() - code.len());
    let blank_lines = memchr::memchr_iter(b'\n', &source[at..next.max(at)]).count();
    let (hook_at, hook) = match open(at) {
        // The file's last line stays as it is: ended or not.
        "" if code.is_empty() => (at, format!("{ending}{ending}{hook}")),
        // The blank lines that are there part the hook from what follows.
        "" if blank_lines >= 2 => (at, format!("{ending}{ending}{hook}")),
        // They stay before the hook, so that each result has one source.
        "" => (next, format!("{hook}{ending}{ending}")),
        _ => (
            at,
            format!("{}{}", ending.repeat(3), hook.trim_end_matches(ending)),
        ),
    };
    let mut insertions = Insertions::default();
    if !imports_signal(module, &statements[..position]) {
        let celery = statements[..position]
            .iter()
            .rposition(|node| imports_celery(module, *node) && ends_its_line(source, *node));
        // The client's import beside it comes first, so that each can be taken out again.
        let celery = celery.map(|at| match statements.get(at + 1) {
            Some(next) if module.text(*next).starts_with("import governor") => *next,
            _ => statements[at],
        });
        let (place, import) = match celery {
            Some(node) => (
                line_end(source, node.end_byte()),
                format!("{IMPORT}{ending}"),
            ),
            None => {
                let start = line_start(source, statements[position].start_byte());
                (start, format!("{IMPORT}{ending}{ending}"))
            }
        };
        insertions.add(place, import);
    }
    insertions.add(hook_at, hook);
    Ok(insertions)
}

/// Whether the statement hands the process over to the app: nothing after it is reached.
fn runs_the_app(module: &Module, statement: Node) -> bool {
    statement
        .named_child(0)
        .filter(|call| call.kind() == "call")
        .and_then(|call| call.child_by_field_name("function"))
        .and_then(|function| function.child_by_field_name("attribute"))
        .is_some_and(|name| ["start", "worker_main"].contains(&module.text(name)))
}

/// Whether nothing but a comment follows the statement on its line.
fn ends_its_line(source: &[u8], statement: Node) -> bool {
    let rest = source[statement.end_byte()..line_end(source, statement.end_byte())].trim_ascii();
    rest.is_empty() || rest.starts_with(b"#")
}

fn imports_celery(module: &Module, statement: Node) -> bool {
    let name = match statement.kind() {
        "import_from_statement" => statement.child_by_field_name("module_name"),
        "import_statement" => statement.named_child(0),
        _ => None,
    };
    name.is_some_and(|name| module.text(name).split(['.', ' ']).next() == Some("celery"))
}

/// Whether one of the statements brings the signal in under its own name.
fn imports_signal(module: &Module, statements: &[Node]) -> bool {
    statements.iter().any(|node| {
        node.kind() == "import_from_statement"
            && imports_celery(module, *node)
            && module
                .children(*node)
                .iter()
                .any(|name| module.text(*name) == "worker_process_init")
    })
}

/// The sources that [`insert`] could have turned into `source`.
pub fn without(source: &[u8]) -> Vec<(Vec<u8>, Part)> {
    let mut candidates = Vec::new();
    for (name, ending) in [
        ("governor", "\n"),
        ("governor", "\r\n"),
        ("_governor", "\n"),
        ("_governor", "\r\n"),
    ] {
        let hook = text(name, ending);
        let body = hook.trim_end_matches(ending);
        let Some(start) = memchr::memmem::find(source, body.as_bytes()) else {
            continue;
        };
        let end = start + body.len();
        // The line breaks before and after it that may be ours.
        let breaks_before =
            |count: usize| source[..start].ends_with(ending.repeat(count).as_bytes());
        let breaks_after =
            |count: usize| source[end..].starts_with(ending.repeat(count).as_bytes());
        let gaps: Vec<(usize, usize)> = [(2, 1), (0, 3), (3, 0)]
            .into_iter()
            .filter(|(before, after)| breaks_before(*before) && breaks_after(*after))
            .map(|(before, after)| (start - before * ending.len(), end + after * ending.len()))
            .collect();
        let mut imports = vec![(0, 0)];
        for import in [
            format!("{IMPORT}{ending}"),
            format!("{IMPORT}{ending}{ending}"),
        ] {
            if let Some(at) = memchr::memmem::find(&source[..start], import.as_bytes()) {
                imports.insert(0, (at, at + import.len()));
            }
        }
        let pairs = imports
            .iter()
            .flat_map(|import| gaps.iter().map(move |gap| (*import, *gap)));
        for ((from, to), (start, end)) in pairs {
            let candidate = [&source[..from], &source[to..start], &source[end..]].concat();
            let removed = to - from;
            let above = candidate[..start - removed].trim_ascii_end().len();
            let line = line_number(&candidate, above.saturating_sub(1));
            candidates.push((candidate, Part::WorkerHook { line }));
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
    fn follows_what_sets_the_app_up() {
        check(
            "from celery import Celery\n\napp = Celery(\n    'x',\n)\n# later\napp.conf.a = 1\n\n\n@app.task\ndef f():\n    pass\n",
            3,
            "import governor\n\ngovernor.enable()\n\nfrom celery import Celery\nfrom celery.signals import worker_process_init\n\napp = Celery(\n    'x',\n)\n# later\napp.conf.a = 1\n\n\n@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n\n\n@app.task\ndef f():\n    pass\n",
        );
        check(
            "from shop import make\r\napp = make()",
            2,
            "import governor\r\n\r\ngovernor.enable()\r\n\r\nfrom shop import make\r\nfrom celery.signals import worker_process_init\r\n\r\napp = make()\r\n\r\n\r\n@worker_process_init.connect(weak=False)\r\ndef _enable_governor_in_worker(**_signal):\r\n    governor.enable()",
        );
        check(
            "import celery\n\napp = celery.Celery()\napp.start()\n",
            3,
            "import governor\n\ngovernor.enable()\n\nimport celery\nfrom celery.signals import worker_process_init\n\napp = celery.Celery()\n@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n\n\napp.start()\n",
        );
        check(
            "from celery.signals import setup_logging, worker_process_init\nfrom celery import Celery; app = Celery()\n",
            2,
            "import governor\n\ngovernor.enable()\n\nfrom celery.signals import setup_logging, worker_process_init\nfrom celery import Celery; app = Celery()\n\n\n@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n",
        );
    }

    #[test]
    fn the_client_s_import_comes_first() {
        let parts = BTreeSet::from([Part::WorkerHook { line: 3 }]);
        let before = b"import celery\n\napp = celery.Celery()\n";
        let edit = compose(before, &parts).expect("applies");
        let result = edit.apply(before);
        assert!(result.starts_with(b"import celery\nimport governor\nfrom celery.signals import"));
        assert_eq!(take_out(&result).as_deref(), Some(&before[..]));
    }

    #[test]
    fn blank_lines_part_it_from_what_follows() {
        let hook = "@worker_process_init.connect(weak=False)\ndef _enable_governor_in_worker(**_signal):\n    governor.enable()\n";
        let head = "from celery import Celery\napp = Celery('x')\n";
        for (rest, after) in [
            ("", format!("\n\n{hook}")),
            ("\n\n", format!("\n\n{hook}\n\n")),
            (
                "\n\ndef f(): pass\n",
                format!("\n\n{hook}\n\ndef f(): pass\n"),
            ),
            ("\n# Tasks\n", format!("\n{hook}\n\n# Tasks\n")),
            ("def f(): pass\n", format!("{hook}\n\ndef f(): pass\n")),
        ] {
            check(
                &format!("{head}{rest}"),
                2,
                &format!(
                    "import governor\n\ngovernor.enable()\n\nfrom celery import Celery\nfrom celery.signals import worker_process_init\napp = Celery('x')\n{after}"
                ),
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
