//! The fixture `service` (FastAPI, Celery, Typer, SQLAlchemy, httpx, openai) through the whole loop, with its real
//! libraries.

use std::path::Path;
use std::process::Command;

use crate::python;

#[test]
fn a_service_is_integrated_denied_diagnosed_and_allowed() {
    let environment = python::environment("service-venv", &["tests/service/requirements.txt"]);
    let python = environment.unwrap_or_else(|missing| panic!("{missing}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(python)
        .arg(root.join("tests/service/loop.py"))
        .arg(env!("CARGO_BIN_EXE_governor-mcp"))
        .arg(root.join("tests/fixtures/service"))
        .output()
        .expect("Python starts");
    assert!(
        done.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}
