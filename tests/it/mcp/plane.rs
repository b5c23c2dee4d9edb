//! With a policy plane: its resources, and what `doctor` says.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::wire::Wire;

const BINARY: &str = env!("CARGO_BIN_EXE_governor-mcp");

struct Plane {
    child: Child,
    url: String,
}

impl Plane {
    fn start() -> Plane {
        let mut child = Command::new(BINARY)
            .args([
                "policy",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--key",
                "secret-key",
            ])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let url = lines.map_while(Result::ok).find_map(|line| {
            let at = line.find("http://127.0.0.1:")?;
            let rest = &line[at..];
            Some(
                rest.split([' ', '"', '`', ','])
                    .next()
                    .unwrap_or(rest)
                    .to_owned(),
            )
        });
        Plane {
            url: url.expect("the plane says where it listens"),
            child,
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(repo: &Path, url: &str, log: &Path) -> Wire {
    Wire::spawn(
        Command::new(BINARY)
            .args(["serve", "--repo"])
            .arg(repo)
            .env("GOVERNOR_ENFORCE_URL", url)
            .env("GOVERNOR_API_KEY", "secret-key")
            .env("GOVERNOR_AUDIT_LOG", log),
    )
}

fn read(wire: &mut Wire, uri: &str) -> Value {
    let answer = wire.request("resources/read", json!({"uri": uri}));
    let text = answer["result"]["contents"][0]["text"].as_str();
    serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).expect("JSON")
}

#[test]
fn policies_and_denials_are_resources_where_a_plane_is_configured() {
    let (plane, repo) = (Plane::start(), tempfile::tempdir().expect("a folder"));
    let log = repo.path().join("audit.jsonl");
    let lines = [
        json!({"decision": "ALLOW", "request_id": "a"}),
        json!({"decision": "DENY", "request_id": "b", "call": {"api_key": "hunter2"}}),
    ];
    std::fs::write(&log, format!("{}\nnoise\n{}\n", lines[0], lines[1])).expect("a file");
    let mut wire = serve(repo.path(), &plane.url, &log);
    let listed = wire.request("resources/list", json!({})).to_string();
    for uri in [
        "policy://summary",
        "policy://capabilities",
        "audit://recent_denials",
    ] {
        assert!(listed.contains(uri), "{uri}");
    }
    assert!(read(&mut wire, "policy://summary")["policies"].is_array());
    assert_eq!(read(&mut wire, "policy://capabilities")["answers"], true);
    let denials = read(&mut wire, "audit://recent_denials");
    assert_eq!(denials["denials"][0]["request_id"], "b");
    assert!(!denials.to_string().contains("hunter2"), "{denials}");

    let mut without = Wire::modern(repo.path());
    let answer = without.request("resources/read", json!({"uri": "policy://summary"}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let mut gone = serve(repo.path(), "http://127.0.0.1:9", &log);
    let answer = gone.request("resources/read", json!({"uri": "policy://summary"}));
    assert!(
        answer["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("does not answer")),
        "{answer}"
    );
}

fn doctor(repo: &Path, url: Option<&str>, key: &str) -> (Option<i32>, Vec<String>) {
    let mut command = Command::new(BINARY);
    command
        .args(["doctor", "--format", "json"])
        .arg(repo)
        .env_remove("GOVERNOR_ENFORCE_URL")
        .env("GOVERNOR_API_KEY", key);
    if let Some(url) = url {
        command.env("GOVERNOR_ENFORCE_URL", url);
    }
    let output = command.output().expect("the binary starts");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let checks = document["checks"].as_array().expect("checks");
    for check in checks {
        assert_eq!(
            check["fix"].is_string(),
            check["state"] == "problem",
            "{check}"
        );
    }
    let codes = checks
        .iter()
        .filter_map(|check| check["code"].as_str())
        .map(str::to_owned);
    (output.status.code(), codes.collect())
}

#[test]
fn doctor_names_what_is_missing_until_nothing_is() {
    let (plane, repo) = (Plane::start(), tempfile::tempdir().expect("a folder"));
    std::fs::write(
        repo.path().join("main.py"),
        "from fastapi import FastAPI\n\napp = FastAPI()\n",
    )
    .expect("a file");
    let (status, codes) = doctor(repo.path(), None, "");
    assert_eq!(status, Some(1));
    assert_eq!(
        codes,
        [
            "server_answers",
            "client_missing",
            "plane_not_configured",
            "process_not_enabled"
        ]
    );
    assert!(
        doctor(repo.path(), Some("http://127.0.0.1:9"), "")
            .1
            .contains(&"plane_unreachable".to_owned())
    );
    assert!(
        doctor(repo.path(), Some(&plane.url), "wrong")
            .1
            .contains(&"plane_unauthenticated".to_owned())
    );
    let integrated = Command::new(BINARY)
        .args(["integrate", "--mode", "enable", "--write"])
        .arg(repo.path())
        .output();
    assert!(integrated.is_ok_and(|output| output.status.success()));
    let (status, codes) = doctor(repo.path(), Some(&plane.url), "secret-key");
    assert_eq!(
        codes,
        [
            "server_answers",
            "client_imports",
            "plane_answers",
            "process_enabled"
        ]
    );
    assert_eq!(status, Some(0));
}
