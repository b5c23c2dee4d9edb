//! `rehearse`: what the policies say to each call site, in the process and through a running plane.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::policy::Plane;

fn repo(policy: &str) -> tempfile::TempDir {
    let repo = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = repo.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    };
    write(
        "pay.py",
        "import requests\n\n\ndef charge():\n    requests.post(\"https://pay.internal/v1/charges\", json={})\n\n\ndef rates():\n    requests.get(\"https://api.stripe.com/v1/rates\")\n\n\ndef note():\n    open(\"note.txt\", \"w\").write(\"x\")\n",
    );
    write(
        "governor.toml",
        "[defaults]\nactor_id = \"billing-bot\"\nactor_type = \"agent\"\n\n[[destination]]\npattern = \"pay.internal\"\nresource_name = \"payments\"\n",
    );
    write("policies/a.cedar", policy);
    repo
}

fn rehearse(repo: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(["rehearse", ".", "--format", "json"])
        .args(arguments)
        .current_dir(repo)
        .env_remove("GOVERNOR_ACTOR_ID")
        .env_remove("GOVERNOR_API_KEY")
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    let answer = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), answer)
}

fn decision<'r>(rehearsal: &'r Value, symbol: &str) -> &'r Value {
    rehearsal["calls"]
        .as_array()
        .expect("calls")
        .iter()
        .find(|call| call["symbol"] == symbol)
        .expect("the call is there")
}

const READS: &str = "@id(\"reads\") permit (principal, action == Action::\"read\", resource);\n";
const PAYMENTS: &str = "@id(\"payments\") permit (principal == Agent::\"billing-bot\", action == Action::\"write\", resource == ExternalApi::\"payments\");\n";

#[test]
fn a_denied_call_is_named_and_fails() {
    let repo = repo(READS);
    let (status, rehearsal) = rehearse(repo.path(), &["--policies", "policies"]);
    assert_eq!(status, Some(1));
    let charge = decision(&rehearsal, "pay.charge");
    assert_eq!(charge["decision"], "DENY");
    assert_eq!(charge["intent"]["resource"]["name"], "payments");
    assert_eq!(charge["intent"]["actor"]["id"], "billing-bot");
    assert_eq!(
        (charge["path"].as_str(), charge["line"].as_u64()),
        (Some("pay.py"), Some(5))
    );
    let rates = decision(&rehearsal, "pay.rates");
    assert_eq!(
        (&rates["decision"], &rates["policy_ids"][0]),
        (&"ALLOW".into(), &"reads".into())
    );
    assert_eq!(
        rehearsal["not_asked"][0]["reason"],
        "the family `filesystem` is off"
    );
}

#[test]
fn a_running_plane_says_the_same() {
    let repo = repo(&format!("{READS}{PAYMENTS}"));
    let policies = repo.path().join("policies");
    let plane = Plane::start(&["--policies", policies.to_str().expect("a path")]);
    let (local_status, local) = rehearse(repo.path(), &["--policies", "policies"]);
    let (status, remote) = rehearse(repo.path(), &["--plane", &plane.url()]);
    assert_eq!((local_status, status), (Some(0), Some(0)));
    assert_eq!(local["calls"], remote["calls"]);
    assert_eq!(remote["summary"]["allow"], 2);
}

#[test]
fn a_plane_that_does_not_answer_is_an_error() {
    let repo = repo(READS);
    for plane in ["http://127.0.0.1:9", "https://127.0.0.1", "nonsense"] {
        assert_eq!(
            rehearse(repo.path(), &["--plane", plane]),
            (Some(2), Value::Null)
        );
    }
}
