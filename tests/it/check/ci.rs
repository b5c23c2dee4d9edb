//! Formats and hooks of CI systems, by their own readers.

use super::*;

#[test]
fn sarif_carries_the_fix() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    let out = governor(dir.path(), &["check", ".", "--format", "sarif"]);
    let log: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
    let results = log["runs"][0]["results"].as_array().expect("a list");
    let fix = results
        .iter()
        .find(|result| result["ruleId"] == "ungoverned_entrypoint")
        .expect("is there");
    let text = &fix["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"];
    assert_eq!(text.as_str(), Some(ENABLED));
}

/// The tools that CI systems read these files with.
fn ci_python() -> std::path::PathBuf {
    crate::python::environment("ci-venv", &["tests/ci/requirements.txt"])
        .unwrap_or_else(|missing| panic!("{missing}"))
}

/// A command with the built binary first on its path.
fn beside_the_binary(program: &Path, dir: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_governor-mcp"));
    let mut path = binary
        .parent()
        .expect("has a folder")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.current_dir(dir).env("PATH", path);
    command
}

#[test]
fn sarif_of_a_folder_names_files_from_the_git_root() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "services/pay/app.py", APP);
    git(dir.path(), &["init", "-q"]);
    let out = governor(dir.path(), &["check", "services/pay", "--format", "sarif"]);
    let log: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
    let result = &log["runs"][0]["results"][1];
    let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "services/pay/app.py");
    let fixed = &result["fixes"][0]["artifactChanges"][0]["artifactLocation"]["uri"];
    assert_eq!(fixed, "services/pay/app.py");
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    assert!(
        rule["help"]["text"]
            .as_str()
            .is_some_and(|text| text.len() > 40)
    );
}

#[test]
fn junit_is_read_by_its_readers() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    let read = "import sys\nfrom junitparser import JUnitXml\nreport = JUnitXml.fromfile(sys.argv[1])\ncases = [case for suite in report for case in suite]\nprint(report.tests, report.failures, sorted(result.type for case in cases for result in case.result))\n";
    for (text, status, expected) in [
        (
            APP.to_owned(),
            1,
            "2 2 ['ungoverned_effect', 'ungoverned_entrypoint']\n",
        ),
        (format!("{ENABLED}{APP}"), 0, "1 0 []\n"),
    ] {
        write(dir.path(), "app.py", &text);
        let out = governor(dir.path(), &["check", ".", "--format", "junit"]);
        assert_eq!(out.status.code(), Some(status));
        fs::write(dir.path().join("junit.xml"), &out.stdout).expect("written");
        let said = Command::new(ci_python())
            .args(["-c", read, "junit.xml"])
            .current_dir(dir.path())
            .output()
            .expect("python starts");
        assert_eq!(String::from_utf8_lossy(&said.stdout), expected, "{said:?}");
    }
}

/// The hook's definition, run by pre-commit. The binary is the built one: `language: rust` would build it once more.
#[test]
fn the_pre_commit_hook_gates_a_commit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tool = ci_python().with_file_name("pre-commit");
    let definition = root.join(".pre-commit-hooks.yaml");
    let valid = Command::new(&tool)
        .arg("validate-manifest")
        .arg(&definition)
        .output();
    assert!(valid.expect("starts").status.success());
    let text = fs::read_to_string(&definition).expect("readable");
    assert!(text.contains("  language: rust\n"));
    let hooks = tempfile::tempdir().expect("a temporary folder");
    write(
        hooks.path(),
        ".pre-commit-hooks.yaml",
        &text.replace("language: rust", "language: system"),
    );
    git(hooks.path(), &["init", "-q"]);
    git(hooks.path(), &["add", "-A"]);
    git(hooks.path(), &["commit", "-qm", "hook"]);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let home = tempfile::tempdir().expect("a temporary folder");
    write(
        dir.path(),
        ".pre-commit-config.yaml",
        &format!(
            "repos:\n  - repo: {}\n    rev: HEAD\n    hooks:\n      - id: governor-check\n",
            hooks.path().display()
        ),
    );
    git(dir.path(), &["init", "-q"]);
    for (text, passes) in [(APP.to_owned(), false), (format!("{ENABLED}{APP}"), true)] {
        write(dir.path(), "app.py", &text);
        git(dir.path(), &["add", "-A"]);
        let out = beside_the_binary(&tool, dir.path())
            .arg("run")
            .env("PRE_COMMIT_HOME", home.path())
            .output()
            .expect("pre-commit starts");
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(out.status.success(), passes, "{said}");
        assert_eq!(said.contains("ungoverned_effect"), !passes, "{said}");
    }
}

#[test]
fn the_action_gates_a_job() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = ci_python();
    let schema = Command::new(python.with_file_name("check-jsonschema"))
        .args(["--builtin-schema", "vendor.github-actions"])
        .arg(root.join("action.yml"))
        .output()
        .expect("starts");
    assert!(schema.status.success(), "{schema:?}");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let run = |inputs: &[&str]| {
        let out = beside_the_binary(&python, dir.path())
            .arg(root.join("tests/ci/run_action.py"))
            .arg(root.join("action.yml"))
            .args(inputs)
            .output()
            .expect("python starts");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        (out.status.code(), said)
    };
    write(dir.path(), "app.py", APP);
    let (status, said) = run(&["sarif=out.sarif", "junit=out.xml"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("ungoverned_effect"), "{said}");
    let log = fs::read_to_string(dir.path().join("out.sarif")).expect("written");
    assert!(
        log.contains("\"ruleId\": \"ungoverned_entrypoint\""),
        "{log}"
    );
    assert!(dir.path().join("out.xml").exists());
    let (status, said) = run(&["baseline=accepted.json"]);
    assert_eq!(status, Some(2), "{said}");
    check(dir.path(), &["--baseline", "accepted.json"], 0);
    let (status, said) = run(&["baseline=accepted.json"]);
    assert_eq!(status, Some(0), "{said}");
    write(dir.path(), "app.py", &format!("{ENABLED}{APP}"));
    let (status, said) = run(&[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("sarif=governor.sarif"), "{said}");
}
