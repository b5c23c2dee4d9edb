//! Pasted denials: every file in `tests/fixtures/denials` with the cause that its first line expects.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use governor_mcp::denial::{Confidence, Diagnosis, Question, diagnose};
use governor_mcp::policy::{Intent, Outcome, Plane, Settings};
use governor_mcp::workspace::Workspace;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/denials")
}

fn repo() -> Workspace {
    Workspace::open(&folder().join("repo")).expect("the fixture's repo")
}

fn ask(text: &str) -> Diagnosis {
    diagnose(&Question {
        text: text.to_owned(),
        workspace: Some(repo()),
        ..Question::default()
    })
}

struct Expected<'t> {
    cause: &'t str,
    confidence: &'t str,
    site: Option<&'t str>,
    masks: Option<&'t str>,
}

fn expected(line: &str) -> Expected<'_> {
    let field = |name: &str| {
        line.split(' ')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    Expected {
        cause: field("cause").expect("a cause"),
        confidence: field("confidence").expect("a confidence"),
        site: field("site"),
        masks: field("masks"),
    }
}

#[test]
fn pasted_denials_are_understood() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut causes = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder()).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).expect("a fixture");
        let (head, paste) = text.split_once('\n').expect("a first line");
        let expected = expected(head);
        let diagnosis = ask(paste);
        let confidence = serde_json::to_value(diagnosis.confidence).expect("JSON");
        let site = diagnosis
            .call_site
            .as_ref()
            .map(|site| format!("{}:{}", site.path, site.line));
        let json = serde_json::to_string(&diagnosis).expect("JSON");
        let leaks = expected.masks.is_some_and(|secret| json.contains(secret));
        causes.insert(diagnosis.cause);
        if (diagnosis.cause.name().as_str(), confidence.as_str())
            != (expected.cause, Some(expected.confidence))
            || site.as_deref() != expected.site
            || leaks
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            wrong.push(format!("{name}: {head}\n  but {site:?} {json}\n"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 60, "{count} fixtures");
    assert_eq!(causes.len(), 23, "every cause has a fixture: {causes:?}");
}

#[test]
fn other_words_for_the_same_causes_are_understood() {
    let table = std::fs::read_to_string(folder().join("worded.jsonl")).expect("a table");
    let mut wrong = Vec::new();
    for line in table.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let diagnosis = ask(row["text"].as_str().expect("a text"));
        if row["cause"] != diagnosis.cause.name() {
            wrong.push(format!(
                "{} but {}: {line}",
                row["cause"],
                diagnosis.cause.name()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_policies_of_the_repo_tell_who_may() {
    let copy = copied();
    std::fs::create_dir(copy.path().join("policies")).expect("a folder");
    std::fs::write(
        copy.path().join("policies/a.cedar"),
        "// Refunds.\n@id(\"permit-refunds\")\npermit (principal == Agent::\"billing-bot\", action == Action::\"write\", resource == ExternalApi::\"stripe\");\n@id(\"forbid-shell\")\nforbid (principal, action == Action::\"execute\", resource);\n",
    )
    .expect("written");
    let ask = |text: &str| {
        diagnose(&Question {
            text: text.to_owned(),
            workspace: Some(Workspace::open(copy.path()).expect("the copy")),
            ..Question::default()
        })
    };
    let other = ask(
        r#"{"type": "policy_denied", "cause": "no_matching_policy", "message": "x", "request_id": "r", "call_site": "app/pay.py:16",
            "intent": {"action": "write", "actor": {"id": "web", "type": "service"}, "resource": {"type": "external_api", "name": "stripe"}}}"#,
    );
    assert_eq!(other.cause.name(), "wrong_tenant_or_actor");
    assert!(
        other.summary.contains("permit-refunds"),
        "{}",
        other.summary
    );
    let forbidden = ask(
        r#"{"type": "policy_denied", "cause": "policy_forbids", "message": "x", "request_id": "r", "policy_ids": ["forbid-shell"]}"#,
    );
    let titles: Vec<&str> = forbidden
        .fixes
        .iter()
        .map(|fix| fix.title.as_str())
        .collect();
    assert!(
        titles
            .iter()
            .any(|title| title.contains("policies/a.cedar line 4")),
        "{titles:?}"
    );
}

#[test]
fn the_call_site_names_its_function() {
    let text =
        std::fs::read_to_string(folder().join("traceback-311-no-policy.txt")).expect("a fixture");
    let site = ask(&text).call_site.expect("a call site");
    assert_eq!(site.symbol.as_deref(), Some("app.pay.refund"));
    let method = ask("governor.PolicyDenied: x; at app/pay.py:9; request id r").call_site;
    assert_eq!(
        method.and_then(|site| site.symbol).as_deref(),
        Some("app.pay.Payments.charge")
    );
}

/// A copy of the fixture's repo in which a diff can be applied.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(copy.path().join("app")).expect("a folder");
    for file in ["app/__init__.py", "app/pay.py", "app/jobs.py"] {
        std::fs::copy(folder().join("repo").join(file), copy.path().join(file)).expect("copied");
    }
    copy
}

fn git(folder: &Path, arguments: &[&str]) -> bool {
    Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .expect("git runs")
        .status
        .success()
}

#[test]
fn every_diff_applies() {
    let mut kinds = std::collections::BTreeSet::new();
    for name in [
        "traceback-311-no-policy",
        "no-intent-traceback",
        "unmapped-address",
        "answer-unevaluated",
        "backstop",
    ] {
        let text =
            std::fs::read_to_string(folder().join(format!("{name}.txt"))).expect("a fixture");
        let copy = copied();
        let diagnosis = diagnose(&Question {
            text,
            workspace: Some(Workspace::open(copy.path()).expect("the copy")),
            ..Question::default()
        });
        assert!(git(copy.path(), &["init", "-q"]));
        for fix in &diagnosis.fixes {
            let Some(diff) = &fix.diff else { continue };
            kinds.insert(diff.lines().next().unwrap_or_default().to_owned());
            let patch = copy.path().join("fix.diff");
            std::fs::write(&patch, diff).expect("written");
            assert!(
                git(copy.path(), &["apply", "--check", "fix.diff"]),
                "{name}: {diff}"
            );
        }
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
}

#[test]
fn a_request_id_is_looked_up() {
    let line = |id: &str, decision: &str| {
        format!(
            "{{\"ts\":\"2026-11-21T10:15:00Z\",\"request_id\":\"{id}\",\"decision\":\"{decision}\",\"reason\":\"\",\"cause\":\"no_matching_policy\",\"policy_ids\":[],\"intent\":{{\"action\":\"write\"}},\"site\":{{\"path\":\"app/pay.py\",\"line\":16}}}}\n"
        )
    };
    let audit = line("req_1", "DENY") + &line("req_12", "HOLD");
    let ask = |id: &str, audit: Option<&str>| {
        diagnose(&Question {
            request_id: Some(id.to_owned()),
            audit: audit.map(str::to_owned),
            ..Question::default()
        })
    };
    assert_eq!(
        ask("req_1", Some(&audit)).cause.name(),
        "no_matching_policy"
    );
    let absent = ask("req_2", Some(&audit));
    assert_eq!(
        (absent.cause.name().as_str(), absent.confidence),
        ("unknown", Confidence::Unknown)
    );
    assert!(absent.summary.contains("req_2"), "{}", absent.summary);
    assert!(ask("req_1", None).summary.contains("--audit"));
}

#[test]
fn an_open_circuit_names_the_failure_before_it() {
    let audit = concat!(
        r#"{"request_id":"","decision":"UNAVAILABLE","cause":"plane_timeout","reason":"no complete answer within 2000 ms","intent":{}}"#,
        "\n",
        r#"{"request_id":"","decision":"UNAVAILABLE","cause":"circuit_open","reason":"circuit breaker open","intent":{}}"#,
        "\n",
    );
    let diagnosis = diagnose(&Question {
        audit: Some(audit.to_owned()),
        ..Question::default()
    });
    assert_eq!(diagnosis.cause.name(), "circuit_open");
    let named = diagnosis
        .evidence
        .iter()
        .any(|line| line.contains("plane_timeout"));
    assert!(named, "{:?}", diagnosis.evidence);
}

#[test]
fn the_command_answers_with_an_exit_status() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
            .arg("diagnose")
            .args(arguments)
            .current_dir(folder())
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the binary starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (status, out, _) = run(&[
        "traceback-311-forbidden.txt",
        "--repo",
        "repo",
        "--format",
        "json",
    ]);
    assert_eq!(status, Some(0));
    let diagnosis: Diagnosis = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(diagnosis.schema, "governor.diagnosis/1");
    assert_eq!(run(&["prose.txt"]).0, Some(1));
    assert_eq!(run(&["destination-403.txt"]).0, Some(1));
    let (status, out, err) = run(&["missing.txt"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.contains("missing.txt"), "{err}");
    assert_eq!(run(&[]).0, Some(2));
}

#[test]
fn hostile_text_is_survived() {
    for text in [
        "{".repeat(100_000),
        "File \"".repeat(50_000),
        "\u{1b}[".repeat(1000),
        "PolicyDenied(".repeat(1000),
        "[`".repeat(9),
        "{\"a\":".repeat(10_000),
    ] {
        let started = std::time::Instant::now();
        ask(&text);
        assert!(started.elapsed().as_secs() < 10, "{}", &text[..10]);
    }
}

#[test]
fn the_proposed_permit_allows_the_very_call() {
    let copy = copied();
    std::fs::create_dir(copy.path().join("policies")).expect("a folder");
    std::fs::write(copy.path().join("policies/a.cedar"), "// none yet\n").expect("written");
    let plane = Plane::open(&Settings {
        policies: Some(copy.path().join("policies")),
        ..Settings::default()
    })
    .expect("a plane");
    let body = json!({
        "action": "query", "actor": {"id": "o'neil \"x\"", "type": "data-agent"}, "resource": {"type": "table", "name": "orders,users"},
    });
    let intent = Intent::from_json(&body).expect("an intent");
    let denied = plane.decide(&intent);
    assert_eq!(denied.outcome, Outcome::Deny);
    let diagnosis = diagnose(&Question {
        text: format!("asked {body}\nanswer {}", denied.to_json()),
        workspace: Some(Workspace::open(copy.path()).expect("the copy")),
        ..Question::default()
    });
    assert_eq!(diagnosis.cause.name(), "no_matching_policy");
    let diff = diagnosis.fixes.iter().find_map(|fix| fix.diff.as_ref());
    std::fs::write(copy.path().join("fix.diff"), diff.expect("a diff")).expect("written");
    assert!(git(copy.path(), &["init", "-q"]));
    assert!(git(copy.path(), &["apply", "fix.diff"]));
    let allowed = plane.decide(&intent);
    assert_eq!(allowed.outcome, Outcome::Allow, "{}", allowed.reason);
}
