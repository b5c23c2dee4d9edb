//! Edits to generated modules: whatever a module looks like, an edit only inserts, is there once, and comes out again;
//! and Python's own parser agrees.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use governor_mcp::edit::python::scope::{Form, Intent, Site, Target, place};
use governor_mcp::edit::python::{self, Module, Part, enable};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const MODULES: usize = 200;

fn head() -> impl Strategy<Value = String> {
    let shebang = prop_oneof![
        Just(""),
        Just("#!/usr/bin/env python\n"),
        Just("# -*- coding: utf-8 -*-\n")
    ];
    let comment = prop_oneof![
        Just(""),
        Just("# Copyright\n\n"),
        Just("# isort: skip_file\n"),
        Just("\n\n"),
        Just("# about x\n")
    ];
    let doc = prop_oneof![
        Just(""),
        Just("\"\"\"Doc.\"\"\"\n"),
        Just("'''Doc.\n\n  More.\n'''  # noqa\n"),
        Just("r\"Doc\" \"more\"\n\n"),
        Just("\"Doc\"; import os\n"),
    ];
    let future = prop_oneof![
        Just(""),
        Just("from __future__ import annotations\n"),
        Just("\n# later\nfrom __future__ import (\n    annotations,\n)\n\n"),
        Just("from __future__ import annotations; import sys\n"),
    ];
    (shebang, comment, doc, future).prop_map(|(a, b, c, d)| {
        // A docstring that shares its line ends the head: no `__future__` may follow.
        let d = if c.contains(';') { "" } else { d };
        format!("{a}{b}{c}{d}")
    })
}

fn import() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("import os\n"),
        Just("import os, \\\n    sys\n"),
        Just("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from x import y\n"),
        Just("try:\n    import fast\nexcept ImportError:\n    fast = None\n"),
        Just("# why\nimport json  # noqa\n\n"),
        Just("\u{c}\nimport re\n"),
    ]
}

/// Statements of a function's body, without indentation.
fn statement() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("x = 1"),
        Just("effect(x)"),
        Just("y = effect(\n  x,\n# odd comment\n      1)"),
        Just("effect(\"\"\"one\n two\n\"\"\")  # trailing"),
        Just("effect(f'''{\n  x!r:>{1}} and {'in' + f\"{x}\"}\n''')"),
        Just("x = \\\n  effect(x)"),
        Just("a = 1; effect(a); b = 2"),
        Just("if x: effect(x)"),
        Just("if x:\n\teffect(x)\nelse:\n\tpass"),
        Just("for i in effect(x):\n    # inside\n\n    print(i)"),
        Just("with open(x) as f:\n    effect(f)"),
        Just("try:\n    effect(x)\nexcept Exception:\n    raise\nfinally:\n    effect(2)"),
        Just("z = [effect(i) for i in x]"),
        Just("z = (effect(i) for i in x)"),
        Just("z = lambda: effect(x)"),
        Just("# only a comment\npass"),
        Just("def inner():\n    return effect(x)"),
        Just("yield effect(x)"),
        Just("return effect(x)"),
    ]
}

fn function() -> impl Strategy<Value = String> {
    let decorator = prop_oneof![
        Just(""),
        Just("@wraps\n"),
        Just("@app.post(\n    '/x',\n)\n# between\n")
    ];
    let def = prop_oneof![
        Just("def f(x):"),
        Just("async def f(x, *, y=1):"),
        Just("def f(\n    x,\n) -> None:  # why")
    ];
    let doc = prop_oneof![Just(""), Just("\"\"\"Doc.\"\"\"")];
    let indent = prop_oneof![Just("    "), Just("  "), Just("\t")];
    let body = prop::collection::vec(statement(), 1..5);
    (decorator, def, doc, indent, body, any::<bool>()).prop_map(
        |(decorator, def, doc, indent, body, blank)| {
            let mut text = format!("\n{decorator}{def}\n");
            if !doc.is_empty() {
                text.push_str(&format!("{indent}{doc}\n"));
            }
            for statement in body {
                let mut in_string = false;
                for line in statement.split('\n') {
                    // Lines of a multi-line string stay where they are; an inner block takes the file's own unit.
                    let line = if in_string {
                        line.to_owned()
                    } else {
                        format!("{indent}{}", line.replace('\t', indent))
                    };
                    text.push_str(&line);
                    text.push('\n');
                    in_string ^= line.matches("\"\"\"").count() % 2 == 1
                        || line.matches("'''").count() % 2 == 1;
                }
                if blank {
                    text.push('\n');
                }
            }
            text
        },
    )
}

fn module() -> impl Strategy<Value = Vec<u8>> {
    let parts = (
        head(),
        prop::collection::vec(import(), 0..3),
        prop::collection::vec(function(), 0..3),
    );
    (parts, 0..4u8, any::<bool>(), any::<bool>()).prop_map(
        |((head, imports, functions), ending, bom, open)| {
            let mut text = format!("{head}{}{}", imports.concat(), functions.concat());
            if open {
                text = text.trim_end_matches('\n').to_owned();
            }
            if ending == 1 {
                text = text.replace('\n', "\r\n");
            }
            if bom && !text.starts_with("#!") {
                text.insert(0, '\u{feff}');
            }
            text.into_bytes()
        },
    )
}

fn calls(source: &[u8]) -> Vec<Site> {
    let text = String::from_utf8_lossy(source).into_owned();
    let mut found = Vec::new();
    for (line, number) in text.split('\n').zip(1u32..) {
        if let Some(at) = line.find("effect(") {
            found.push(Site {
                line: number,
                column: line[..at].chars().count() as u32 + 1,
            });
        }
    }
    found
}

#[track_caller]
fn check_edit(source: &[u8], parts: &BTreeSet<Part>) -> Option<Vec<u8>> {
    let shown = String::from_utf8_lossy(source).into_owned();
    let edit = python::compose(source, parts).ok()?;
    let result = edit.apply(source);
    let mut rest = result.clone();
    for range in edit.ranges_after().into_iter().rev() {
        rest.drain(range);
    }
    assert_eq!(rest, source, "more than an insertion: {shown}");
    let back = python::take_out(&result);
    assert_eq!(
        back.as_deref(),
        Some(source),
        "does not come out of:\n{}",
        String::from_utf8_lossy(&result)
    );
    Some(result)
}

#[test]
fn generated_modules_keep_their_tree() {
    let mut runner = TestRunner::deterministic();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (mut enabled, mut scoped) = (0, 0);
    for index in 0..MODULES {
        let source = module().new_tree(&mut runner).expect("generates").current();
        fs::write(dir.path().join(format!("{index}.old.py")), &source).expect("written");
        let save = |name: &str, text: &[u8]| {
            fs::write(dir.path().join(format!("{index}.{name}.py")), text).expect("written");
        };
        if let Some(result) = check_edit(&source, &BTreeSet::from([Part::Enable])) {
            assert_eq!(
                enable::insert(&result),
                Err(enable::Refusal::AlreadyEnabled)
            );
            save("enable", &result);
            enabled += 1;
        }
        let module = Module::new(&source);
        for (number, site) in calls(&source).into_iter().enumerate() {
            let Ok(place) = place(&module, &[site], &[]) else {
                continue;
            };
            let target = |form| {
                Part::Scope(Target {
                    form,
                    lines: place.lines,
                    is_async: place.is_async,
                    intent: Intent {
                        action: "delete".to_owned(),
                        resource_type: "table".to_owned(),
                        resource_name: "orders \"old\" \u{e9}".to_owned(),
                    },
                })
            };
            for form in [place.form, Form::Enforce] {
                let parts = BTreeSet::from([target(form)]);
                if form == Form::Enforce && place.form == Form::Decorator {
                    continue;
                }
                if let Some(result) = check_edit(&source, &parts) {
                    save(&format!("scope{number}{form:?}"), &result);
                    scoped += 1;
                }
            }
        }
    }
    assert!(
        enabled > MODULES * 9 / 10,
        "only {enabled} of {MODULES} could be enabled"
    );
    assert!(scoped > MODULES / 2, "only {scoped} scopes were placed");
    fs::write(dir.path().join("compare.py"), super::integrate::COMPARE).expect("written");
    let out = Command::new("python3")
        .args(["compare.py"])
        .current_dir(dir.path())
        .output()
        .expect("python3 is on PATH");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}
