//! Findings in code, and what settles each: a diff that it brings, or a person.

use super::*;

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
