//! `check`: findings, exit status, baseline, waivers and what a change weakened, by the real binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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

/// Each finding with a diff: the code is there, the diff applies with `git apply`, and then it is not.
#[track_caller]
fn check_fixed(files: &[(&str, &str)], code: &str, path: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    git(dir.path(), &["init", "-q"]);
    let of_code = || {
        let out = governor(dir.path(), &["check", ".", "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
        let findings = answer["findings"].as_array().expect("a list").clone();
        let found = findings.into_iter().find(|finding| finding["code"] == code);
        (found, answer["findings"].to_string())
    };
    let (finding, all) = of_code();
    let finding = finding.unwrap_or_else(|| panic!("no {code} in {all}"));
    assert_eq!(finding["path"], path);
    assert!(finding["line"].as_u64() > Some(0));
    let page = finding["docs"].as_str().expect("a link");
    let page = page.strip_prefix("governor://docs/").expect("a page");
    let shown = governor(dir.path(), &["docs", "show", page]);
    assert_eq!(shown.status.code(), Some(0), "{page}");
    let diff = finding["diff"].as_str().expect("a diff");
    let patch = dir.path().join("fix.diff");
    fs::write(&patch, diff).expect("written");
    git(dir.path(), &["apply", "fix.diff"]);
    let (left, all) = of_code();
    assert!(left.is_none(), "{code} is still in {all} after\n{diff}");
}

#[test]
fn a_finding_brings_the_diff_that_settles_it() {
    let late = format!("import requests\n\nrequests.get(\"https://a.example\")\n{ENABLED}{APP}");
    check_fixed(&[("app.py", &late)], "late_enable", "app.py");
    check_fixed(&[("app.py", APP)], "ungoverned_entrypoint", "app.py");
    let twice = format!("{ENABLED}governor.enable()\n{APP}");
    check_fixed(&[("app.py", &twice)], "double_enable", "app.py");
    let celery = format!("{ENABLED}from celery import Celery\n\napp = Celery(\"x\")\n");
    check_fixed(&[("jobs.py", &celery)], "missing_worker_hook", "jobs.py");
    let flask = format!("{ENABLED}from flask import Flask\n\napp = Flask(__name__)\n");
    check_fixed(
        &[("app.py", &flask), ("gunicorn.conf.py", "workers = 4\n")],
        "missing_worker_hook",
        "gunicorn.conf.py",
    );
    for handler in [
        "except Exception:",
        "except (ValueError, RuntimeError) as error:",
        "except:",
    ] {
        let swallows = APP.replace(
            "    requests.post(\"https://api.stripe.com/v1/charges\")\n",
            &format!("    try:\n        requests.post(\"https://api.stripe.com/v1/charges\")\n    {handler}\n        pass\n"),
        );
        let swallows = format!("{ENABLED}{swallows}");
        check_fixed(&[("app.py", &swallows)], "swallowed_denial", "app.py");
    }
    let app = format!("{ENABLED}{APP}");
    for (path, text) in [
        ("Dockerfile", "FROM x\nENV GOVERNOR_FAIL_MODE=open\n"),
        (".env", "GOVERNOR_FAIL_MODE=open\n"),
        ("governor.toml", "[governor]\nfail_mode = \"open\"\n"),
        (
            "task.json",
            "{\"environment\": [{\"name\": \"GOVERNOR_FAIL_MODE\", \"value\": \"open\"}]}\n",
        ),
        (
            "start.py",
            "import governor\n\ngovernor.enable(fail_mode=\"open\")\n",
        ),
    ] {
        check_fixed(&[("app.py", &app), (path, text)], "fail_open", path);
    }
    for (path, text) in [
        (
            "compose.yaml",
            "services:\n  web:\n    environment:\n      GOVERNOR_DEV_BYPASS: \"1\"\n",
        ),
        (
            "k8s.yaml",
            "env:\n  - name: GOVERNOR_DEV_BYPASS\n    value: \"true\"\n",
        ),
    ] {
        check_fixed(
            &[("app.py", &app), (path, text)],
            "bypass_in_production",
            path,
        );
    }
}

#[test]
fn a_call_without_a_seam_is_asked_about() {
    let app = format!(
        "{ENABLED}from ldap3 import Connection\n\n\ndef forget(name: str) -> None:\n    connection = Connection(\"ldap.example.com\")\n    connection.delete(name)\n\n\nif __name__ == \"__main__\":\n    forget(\"x\")\n"
    );
    check_fixed(&[("app.py", &app)], "unintercepted_effect", "app.py");
}

/// What only a person can settle: the code is there, and it goes away with the text.
#[track_caller]
fn check_until(before: &str, after: &str, code: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let codes = |text: &str| {
        write(dir.path(), "app.py", text);
        let out = governor(dir.path(), &["check", ".", "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one document");
        answer["summary"].to_string() + &answer["findings"].to_string()
    };
    let found = codes(before);
    assert!(found.contains(code), "{found}");
    let found = codes(after);
    assert!(!found.contains(code), "{found}");
}

#[test]
fn work_that_leaves_its_scope_is_named() {
    let head = format!(
        "{ENABLED}import multiprocessing as mp\nfrom concurrent import futures\n\nEVENT = governor.intent_from(action=\"delete\", resource_type=\"table\", resource_name=\"t\")\n"
    );
    for body in [
        "with governor.intent(EVENT):\n    mp.Process(target=print).start()\n",
        "pool = futures.ProcessPoolExecutor()\nwith governor.intent(EVENT):\n    pool.submit(print)\n",
        "@governor.governed(action=\"delete\", resource_type=\"table\", resource_name=\"t\")\ndef f():\n    with mp.Pool() as pool:\n        pool.map(print, [1])\n",
    ] {
        let inside = format!("{head}\n\n{body}");
        let followed = inside
            .replace("mp.Process(target=print)", "threading.Thread(target=print)")
            .replace("ProcessPoolExecutor", "ThreadPoolExecutor")
            .replace(
                "with mp.Pool() as pool",
                "with futures.ThreadPoolExecutor() as pool",
            );
        check_until(&inside, &followed, "scope_lost_in_thread");
    }
}

#[test]
fn workers_that_do_not_run_the_main_block_are_named() {
    let guarded = "import multiprocessing\n\nimport governor\n\nif __name__ == \"__main__\":\n    governor.enable()\n    multiprocessing.Pool(2).map(print, [1])\n";
    let at_top = "import governor\n\ngovernor.enable()\n\nimport multiprocessing\n\nif __name__ == \"__main__\":\n    multiprocessing.Pool(2).map(print, [1])\n";
    check_until(guarded, at_top, "missing_worker_hook");
}

#[test]
fn an_intent_that_names_everything_is_named() {
    let all = format!(
        "{ENABLED}EVENT = governor.intent_from(action=\"read\", resource_type=\"table\", resource_name=\"*\")\n"
    );
    check_until(
        &all,
        &all.replace("\"*\"", "\"orders\""),
        "wildcard_mapping",
    );
    let other = format!("{ENABLED}import logging\n\nlogging.info(action=\"*\")\n");
    check_until(&all, &other, "wildcard_mapping");
}

#[test]
fn a_suppressed_denial_is_swallowed() {
    let text = format!("{ENABLED}import contextlib\n{}", APP.replace(
        "    requests.post(\"https://api.stripe.com/v1/charges\")\n",
        "    with contextlib.suppress(Exception):\n        requests.post(\"https://api.stripe.com/v1/charges\")\n",
    ));
    check_until(
        &text,
        &text.replace("suppress(Exception)", "suppress(KeyError)"),
        "swallowed_denial",
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
fn late_calls_and_forked_workers_are_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(
        dir.path(),
        "app.py",
        &format!("import requests\n\nrequests.get(\"https://a.example\")\n{ENABLED}"),
    );
    let found = check(dir.path(), &[], 1);
    assert!(
        found.contains(&"late_enable app.py:6".to_owned()),
        "{found:?}"
    );
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(
        dir.path(),
        "jobs.py",
        &format!("{ENABLED}from celery import Celery\n\napp = Celery(\"x\")\n"),
    );
    assert_eq!(check(dir.path(), &[], 0), ["missing_worker_hook jobs.py:7"]);
    governor(
        dir.path(),
        &["integrate", ".", "--mode", "enable", "--write"],
    );
    assert!(check(dir.path(), &[], 0).is_empty());
}

#[test]
fn a_waiver_holds_until_its_day() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (until, status) in [("2999-01-01", 0), ("2020-01-01", 1)] {
        let text = format!(
            "FROM x\n# governor: waive fail_open until={until} reason=\"a drill\"\nENV GOVERNOR_FAIL_MODE=open\n"
        );
        write(dir.path(), "Dockerfile", &text);
        check(dir.path(), &[], status);
    }
}

#[test]
fn a_baseline_accepts_today_and_only_shrinks() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", APP);
    let baseline = ["--baseline", "accepted.json"];
    check(dir.path(), &baseline, 0);
    check(dir.path(), &baseline, 0);
    write(dir.path(), "app.py", &format!("{ENABLED}{APP}"));
    check(dir.path(), &baseline, 0);
    write(dir.path(), "app.py", APP);
    assert_eq!(check(dir.path(), &baseline, 1).len(), 2);
}

#[test]
fn since_a_revision_only_what_got_worse() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    write(dir.path(), "app.py", &format!("{ENABLED}{APP}"));
    write(dir.path(), "old.py", APP);
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-qm", "first"]);
    assert!(check(dir.path(), &["--since", "HEAD"], 0).is_empty());
    write(dir.path(), "app.py", APP);
    let found = check(dir.path(), &["--since", "HEAD"], 1);
    assert!(
        found.contains(&"removed_enable app.py:8".to_owned()),
        "{found:?}"
    );
    assert!(
        found.iter().all(|finding| !finding.contains("old.py")),
        "{found:?}"
    );
    let out = governor(dir.path(), &["check", ".", "--since", "nowhere"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn a_call_that_left_its_scope_since_a_revision() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let app = |call: &str| {
        format!(
            "{ENABLED}import requests\n\nEVENT = governor.intent_from(action=\"delete\", resource_type=\"external_api\", resource_name=\"x\")\n\n\ndef forget():\n{call}\n\n\nif __name__ == \"__main__\":\n    forget()\n"
        )
    };
    let inside =
        app("    with governor.intent(EVENT):\n        requests.delete(\"https://x.example.com\")");
    write(dir.path(), "app.py", &inside);
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-qm", "first"]);
    // Moved down by a line, it is still inside.
    write(dir.path(), "app.py", &format!("# The app.\n{inside}"));
    assert!(check(dir.path(), &["--since", "HEAD"], 0).is_empty());
    let outside = app(
        "    with governor.intent(EVENT):\n        pass\n    requests.delete(\"https://x.example.com\")",
    );
    write(dir.path(), "app.py", &outside);
    let found = check(dir.path(), &["--since", "HEAD"], 1);
    assert_eq!(found, ["moved_out_of_scope app.py:13"]);
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
