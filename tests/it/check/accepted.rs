//! What does not count: waivers, a baseline, what was there at an earlier revision.

use super::*;

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
