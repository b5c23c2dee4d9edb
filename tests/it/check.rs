//! `check`: findings, exit status, baseline, waivers and what a change weakened, by the real binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

mod accepted;
mod ci;
mod fixed;

const APP: &str = "import requests\n\n\ndef pay():\n    requests.post(\"https://api.stripe.com/v1/charges\")\n\n\nif __name__ == \"__main__\":\n    pay()\n";
const ENABLED: &str = "import governor\n\ngovernor.enable()\n\n";

fn governor(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("the binary starts")
}

fn git(dir: &Path, arguments: &[&str]) {
    let out = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("git is installed");
    assert!(out.status.success(), "{out:?}");
}

fn write(dir: &Path, path: &str, text: &str) {
    let full = dir.join(path);
    fs::create_dir_all(full.parent().expect("has a parent")).expect("made");
    fs::write(full, text).expect("written");
}

/// Runs `check` and gives the codes with their lines.
#[track_caller]
fn check(dir: &Path, arguments: &[&str], status: i32) -> Vec<String> {
    let out = governor(
        dir,
        &[&["check", ".", "--format", "json"], arguments].concat(),
    );
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(status), "{said}");
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
    answer["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| {
            format!(
                "{} {}:{}",
                finding["code"].as_str().expect("text"),
                finding["path"].as_str().expect("text"),
                finding["line"]
            )
        })
        .collect()
}

#[test]
fn the_gate_fails_until_the_process_is_enabled() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    let found = check(dir.path(), &[], 1);
    assert_eq!(
        found,
        [
            "ungoverned_effect app.py:5",
            "ungoverned_entrypoint app.py:8"
        ]
    );
    write(dir.path(), "app.py", &format!("{ENABLED}{APP}"));
    assert!(check(dir.path(), &[], 0).is_empty());
}

#[test]
fn settings_and_handlers_that_open_the_gate_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let swallows = APP.replace(
        "    requests.post(\"https://api.stripe.com/v1/charges\")\n",
        "    try:\n        requests.post(\"https://api.stripe.com/v1/charges\")\n    except Exception:\n        pass\n",
    );
    write(
        dir.path(),
        "app.py",
        &format!("{ENABLED}governor.enable()\n{swallows}"),
    );
    write(
        dir.path(),
        "Dockerfile",
        "FROM x\n# GOVERNOR_FAIL_MODE=open\nENV GOVERNOR_FAIL_MODE=open\n",
    );
    write(
        dir.path(),
        "k8s.yaml",
        "env:\n  - name: GOVERNOR_DEV_BYPASS\n    value: \"1\"\n",
    );
    write(
        dir.path(),
        "governor.toml",
        "[[destination]]\npattern = \"*\"\n",
    );
    let found = check(dir.path(), &[], 1);
    assert_eq!(
        found,
        [
            "fail_open Dockerfile:3",
            "double_enable app.py:5",
            "swallowed_denial app.py:12",
            "wildcard_mapping governor.toml:2",
            "bypass_in_production k8s.yaml:2"
        ]
    );
}

#[test]
fn a_bypass_for_a_developers_machine_is_none_in_production() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", &format!("{ENABLED}{APP}"));
    for path in [
        "compose.override.yaml",
        ".env.local",
        "docker-compose.dev.yml",
    ] {
        write(dir.path(), path, "GOVERNOR_DEV_BYPASS=1\n");
    }
    assert!(check(dir.path(), &[], 0).is_empty());
}

#[test]
fn lines_that_do_not_parse_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(
        dir.path(),
        "app.py",
        &format!("{ENABLED}{APP}\n\ndef broken(:\n    pass\n"),
    );
    let out = governor(dir.path(), &["check", ".", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
    let found = answer["findings"].as_array().expect("a list");
    let unparsed: Vec<_> = found
        .iter()
        .filter(|finding| finding["code"] == "unparsed")
        .collect();
    assert_eq!(unparsed.len(), 1, "{answer}");
    assert_eq!(unparsed[0]["path"], "app.py");
    assert!(unparsed[0]["line"].as_u64() > Some(10), "{answer}");
}

#[test]
fn text_names_the_place_first() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    let out = governor(dir.path(), &["check", "."]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("app.py:8: ungoverned_entrypoint: "), "{text}");
}

#[test]
fn a_wrong_question_is_no_pass() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    for arguments in [
        &["check", "nowhere"][..],
        &["check", ".", "--audit", "nowhere.jsonl"],
    ] {
        let out = governor(dir.path(), arguments);
        assert_eq!(out.status.code(), Some(2), "{arguments:?}");
        assert!(out.stdout.is_empty());
        assert!(!out.stderr.is_empty());
    }
}
