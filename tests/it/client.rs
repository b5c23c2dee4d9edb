//! The Python client's own tests, in a virtual environment under `target/`: real libraries, real servers on loopback.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::python;

#[test]
fn the_clients_tests_pass() {
    pytest(&["tests/client", "--ignore=tests/client/matrix"]);
}

/// No side effect without an ALLOW: every way into every patched library, with every fault of the plane. Servers that
/// do not answer are skipped by name; `GOVERNOR_REQUIRE_SERVERS=1` makes them required.
#[test]
fn nothing_passes_without_an_allow() {
    pytest(&["tests/client/matrix"]);
}

#[track_caller]
fn pytest(arguments: &[&str]) {
    let interpreter = python::environment("client-venv", REQUIREMENTS)
        .unwrap_or_else(|missing| panic!("{missing}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(interpreter)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"])
        .args(arguments)
        .current_dir(root)
        .env("PYTHONPATH", root.join("snippets"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the interpreter starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let last: Vec<&str> = said.lines().rev().take(400).collect();
    let said: Vec<&str> = last.into_iter().rev().collect();
    println!("{}", said.join("\n"));
    assert!(
        output.status.success(),
        "pytest {}:\n{}\n{}",
        arguments.join(" "),
        said.join("\n"),
        String::from_utf8_lossy(&output.stderr)
    );
}

const REQUIREMENTS: &[&str] = &[
    "tests/client/requirements.txt",
    "tests/client/matrix/requirements.txt",
];
