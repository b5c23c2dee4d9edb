//! Services with their real libraries, integrated and run under the local policy plane.

use std::path::Path;
use std::process::Command;

use crate::python;

/// Runs a script of `tests/service` with the binary and a folder of samples.
#[track_caller]
fn check(script: &str, samples: &str) {
    let environment = python::environment("service-venv", &["tests/service/requirements.txt"]);
    let python = environment.unwrap_or_else(|missing| panic!("{missing}"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(python)
        .arg(root.join("tests/service").join(script))
        .arg(env!("CARGO_BIN_EXE_governor-mcp"))
        .arg(root.join(samples))
        .output()
        .expect("Python starts");
    assert!(
        done.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// FastAPI, Celery, Typer, SQLAlchemy, httpx, openai in one service.
#[test]
fn a_service_is_integrated_denied_diagnosed_and_allowed() {
    check("loop.py", "tests/fixtures/service");
}

/// Flask, Django, aiohttp, Litestar, an agent, an MCP server, a Celery worker, a command-line tool.
#[test]
fn nothing_leaves_a_service_whose_plane_denies_all() {
    check("deny_all.py", "tests/service/samples");
}
