//! The bundled demo: the whole loop by the real binary, against servers that log what reached them.

use std::process::Command;
use std::time::{Duration, Instant};

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governor-mcp"));
    command.arg("demo");
    command
}

#[test]
fn the_whole_loop_runs_in_under_a_minute_and_cleans_up() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let started = Instant::now();
    let output = demo()
        .env("TMPDIR", temporary.path())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "took {:?}",
        started.elapsed()
    );
    for expected in [
        "urllib.request.urlopen",
        "+governor.enable()",
        "A second run has nothing left to do.",
        "POST /v1/refunds",
        "policy_denied",
        "The mail server has seen nothing",
        "no_matching_policy",
        "tools.py",
        "Written to agent/policies/",
        "mail to [\"ada@example.com\"]",
        "This time the mail arrived.",
    ] {
        assert!(
            said.contains(expected),
            "the demo does not say `{expected}`:\n{said}\n{errors}"
        );
    }
    let left: Vec<_> = temporary
        .path()
        .read_dir()
        .expect("the folder is there")
        .collect();
    assert!(left.is_empty(), "the demo leaves {left:?} behind");
}

#[test]
fn without_python_it_says_what_to_install() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let output = demo()
        .env("PATH", empty.path())
        .output()
        .expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.trim().lines().count(), 1, "{errors}");
    assert!(errors.contains("install Python 3.9"), "{errors}");
    assert!(output.stdout.is_empty());
}
