//! The local policy plane, started as a process and asked over real HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A `policy serve` that ends with the test.
pub struct Plane {
    process: Child,
    address: String,
}

impl Plane {
    pub fn start(arguments: &[&str]) -> Plane {
        Plane::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Plane {
        let mut process = command(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .envs(environment.iter().copied())
            .spawn()
            .expect("the binary starts");
        let mut errors = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            let read = errors.read_line(&mut line).expect("stderr is text");
            assert!(read > 0, "the plane ended: {said}");
            if let Some(url) = line.trim().strip_prefix("listening on http://") {
                break url.to_owned();
            }
            said += &line;
        };
        Plane { process, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn send(&self, raw: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).expect("the plane listens");
        stream.write_all(raw).expect("the plane reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head[9..12].parse().expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn ask(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        let authorization = key
            .map(|key| format!("Authorization: Bearer {key}\r\n"))
            .unwrap_or_default();
        self.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: plane\r\nConnection: close\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )
    }

    fn enforce(&self, body: &Value) -> Value {
        let (status, answer) = self.ask("POST", "/api/v2/enforce", None, &body.to_string());
        assert_eq!(status, 200, "{answer}");
        answer
    }

    #[track_caller]
    fn check(&self, body: &Value, decision: &str, reason: &str) -> Value {
        let answer = self.enforce(body);
        assert_eq!(answer["decision"], decision, "{answer}");
        let said = answer["metadata"]["reason"].as_str().unwrap_or_default();
        assert!(said.contains(reason), "`{said}` lacks `{reason}`");
        answer
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governor-mcp"));
    command
        .args(["policy", "serve"])
        .args(arguments)
        .env_remove("GOVERNOR_API_KEY")
        .env_remove("GOVERNOR_DECISION_KEY")
        .env_remove("GOVERNOR_DECISION_PRIVATE_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn intent(action: &str, kind: &str, name: &str) -> Value {
    json!({
        "action": action, "actor": {"id": "bot", "type": "agent"}, "resource": {"type": kind, "name": name},
        "data": {"sensitivity": [], "pii": false, "volume": "single"}, "risk": {"authn": "required"},
    })
}

fn write(folder: &Path, name: &str, cedar: &str) {
    std::fs::write(folder.join(name), cedar).expect("the policy is written");
}

/// Runs until it ends by itself, and gives its exit status and stderr.
fn refused(arguments: &[&str]) -> (i32, String) {
    let output = command(arguments).output().expect("the binary starts");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_bundled_policies_allow_deny_and_hold() {
    let plane = Plane::start(&[]);
    let allowed = plane.check(
        &intent("query", "postgres", "orders"),
        "ALLOW",
        "permit-reads",
    );
    assert_eq!(
        allowed["metadata"]["canonicalization_trace"],
        json!([
            {"field": "action", "raw_input": "query", "prediction": {"canonical": "read", "confidence": 0.95, "source": "synonym"}},
            {"field": "resource_type", "raw_input": "postgres", "prediction": {"canonical": "database", "confidence": 0.95, "source": "synonym"}},
        ])
    );
    let expires = allowed["metadata"]["expires_at"].as_str().expect("a time");
    assert!(expires.ends_with('Z'), "{expires}");
    assert!(allowed["enforcement_latency_ms"].is_number());

    let denied = plane.check(
        &intent("write", "external_api", "stripe"),
        "DENY",
        "no policy permits",
    );
    assert_eq!(denied["metadata"]["policy_ids"], json!([]));
    let held = plane.check(
        &intent("delete", "database", "orders"),
        "HOLD",
        "hold-deletes",
    );
    assert!(held["metadata"]["hold_id"].is_string());
}

#[test]
fn a_held_call_passes_once_a_person_approved_it() {
    let plane = Plane::start(&["--key", "agent-key", "--admin-key", "person-key"]);
    let body = intent("delete", "database", "orders").to_string();
    let ask = |path: &str, key: &str| plane.ask("POST", path, Some(key), &body);
    let (_, held) = ask("/api/v2/enforce", "agent-key");
    let hold_id = held["metadata"]["hold_id"].as_str().expect("a hold");
    let approve = format!("/api/v2/holds/{hold_id}/approve");
    assert_eq!(ask(&approve, "agent-key").0, 403);
    assert_eq!(ask(&approve, "person-key").0, 200);
    assert_eq!(ask(&approve, "person-key").0, 409);
    assert_eq!(ask("/api/v2/enforce", "agent-key").1["decision"], "ALLOW");
    let (_, holds) = plane.ask("GET", "/api/v2/holds", Some("agent-key"), "");
    assert_eq!(holds["holds"][0]["state"], "approved");
    assert_eq!(ask("/api/v2/holds/none/approve", "person-key").0, 404);
}

#[test]
fn the_key_says_which_tenant_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "a.cedar",
        "@id(\"acme-only\") permit (principal, action, resource) when { context.tenant == \"acme\" };",
    );
    let policies = folder.path().to_str().expect("a path");
    let plane = Plane::start(&["--policies", policies, "--key", "acme=k1", "--key", "k2"]);
    let mut body = intent("read", "database", "orders");
    body["tenant_id"] = json!("acme");
    let ask = |key| plane.ask("POST", "/api/v2/enforce", key, &body.to_string());
    assert_eq!(ask(Some("k1")).1["decision"], "ALLOW");
    assert_eq!(ask(Some("k2")).1["decision"], "DENY");
    assert_eq!(ask(None), (401, json!({"detail": "Not authenticated"})));
    assert_eq!(ask(Some("k3")), (401, json!({"detail": "Invalid API key"})));

    let request_id = ask(Some("k1")).1["metadata"]["request_id"].clone();
    let path = format!(
        "/api/v2/decisions/{}",
        request_id.as_str().expect("a string")
    );
    assert_eq!(plane.ask("GET", &path, Some("k1"), "").0, 200);
    assert_eq!(plane.ask("GET", &path, Some("k2"), "").0, 404);
}

#[test]
fn a_malformed_body_says_what_is_wrong() {
    let plane = Plane::start(&[]);
    for (body, kind, loc) in [
        ("", "missing", "body"),
        ("{", "json_invalid", "body"),
        ("[]", "dict_type", "body"),
        ("{\"action\": \"\"}", "string_too_short", "body.action"),
        (
            "{\"action\": \"read\", \"actor\": {\"id\": 1}, \"resource\": {\"type\": \"x\"}}",
            "string_type",
            "body.actor.id",
        ),
    ] {
        let (status, answer) = plane.ask("POST", "/api/v2/enforce", None, body);
        assert_eq!(status, 422, "{body}");
        let first = &answer["detail"][0];
        let found: Vec<&str> = first["loc"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(
            (first["type"].as_str(), found.join(".").as_str()),
            (Some(kind), loc)
        );
    }
    let deep = "[".repeat(200_000);
    assert_eq!(plane.ask("POST", "/api/v2/enforce", None, &deep).0, 422);
    assert_eq!(plane.ask("GET", "/api/v2/enforce", None, "").0, 405);
    assert_eq!(plane.ask("GET", "/nowhere", None, "").0, 404);
    let head = "POST /api/v2/enforce HTTP/1.1\r\nHost: plane\r\nConnection: close\r\nContent-Length: 9000000\r\n\r\n";
    assert_eq!(plane.send(head.as_bytes()).0, 413);
}

#[test]
fn an_installed_boundary_decides_and_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let policies = folder.path().to_str().expect("a path");
    let stripe = intent("refund", "http api", "stripe");
    let boundary = json!({
        "id": "refunds", "effect": "allow", "actions": ["refund"], "actors": [{"type": "agent", "id": "bot"}],
        "resources": [{"type": "external_api", "name": "stripe"}],
    });
    {
        let plane = Plane::start(&["--policies", policies]);
        plane.check(&stripe, "DENY", "no policy permits");
        let install =
            |body: &Value| plane.ask("POST", "/api/v2/policies/install", None, &body.to_string());
        let (status, answer) = install(&boundary);
        assert_eq!((status, &answer["status"]), (201, &json!("installed")));
        assert_eq!(answer["boundary_id"], "refunds");
        assert_eq!(answer["installation_stats"]["policies_replaced"], 0);
        assert_eq!(
            install(&boundary).1["installation_stats"]["policies_replaced"],
            1
        );
        assert_eq!(install(&json!({"id": "x", "effect": "perhaps"})).0, 422);
        plane.check(&stripe, "ALLOW", "`refunds`");
    }
    let plane = Plane::start(&["--policies", policies]);
    plane.check(&stripe, "ALLOW", "`refunds`");
    let (_, listed) = plane.ask("GET", "/api/v2/policies", None, "");
    assert_eq!(listed["policies"][0]["id"], "refunds");
}

#[test]
fn a_changed_folder_is_read_again_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a.cedar", "");
    let plane = Plane::start(&["--policies", folder.path().to_str().expect("a path")]);
    let read = intent("read", "database", "orders");
    plane.check(&read, "DENY", "no policy permits");
    write(
        folder.path(),
        "a.cedar",
        "@id(\"all\") permit (principal, action, resource);",
    );
    plane.check(&read, "ALLOW", "`all`");
    write(folder.path(), "b.cedar", "forbid (principal,\n action\n");
    plane.check(&read, "ALLOW", "`all`");
    let (_, health) = plane.ask("GET", "/health", None, "");
    assert_eq!(health["status"], "degraded");
    let problem = health["policies"]["problem"].as_str().expect("a problem");
    assert!(problem.contains("b.cedar` line 2"), "{problem}");
    write(
        folder.path(),
        "b.cedar",
        "@id(\"no\") @reason(\"closed\") forbid (principal, action, resource);",
    );
    plane.check(&read, "DENY", "forbidden by `no`: closed");
    assert_eq!(plane.ask("GET", "/health", None, "").1["status"], "ok");
}

#[test]
fn decisions_are_logged_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = folder.path().join("audit.jsonl");
    let plane = Plane::start(&["--audit", audit.to_str().expect("a path")]);
    let mut body = intent("write", "external_api", "stripe");
    body["context"] =
        json!({"call": {"destination": "https://user:hunter2@api.stripe.com/v1?api_key=abc"}});
    let answer = plane.enforce(&body);
    let text = std::fs::read_to_string(&audit).expect("a log");
    let line: Value = serde_json::from_str(text.trim()).expect("one JSON line");
    assert_eq!(line["request_id"], answer["metadata"]["request_id"]);
    assert_eq!(line["decision"], "DENY");
    assert!(
        !text.contains("hunter2") && !text.contains("api_key=abc"),
        "{text}"
    );
}

#[test]
fn a_start_that_would_be_wrong_is_refused_in_a_sentence() {
    let (status, said) = refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(status, 2);
    assert!(said.contains("without a key"), "{said}");

    let (status, said) = refused(&["--policies", "/no/such/folder"]);
    assert_eq!(status, 2);
    assert!(said.contains("/no/such/folder"), "{said}");

    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "bad.cedar",
        "permit (principal, action, resource);\npermit (principal)",
    );
    let (status, said) = refused(&["--policies", folder.path().to_str().expect("a path")]);
    assert_eq!(status, 2);
    assert!(said.contains("bad.cedar` line 2"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[cfg(unix)]
#[test]
fn sigterm_stops_it_with_status_zero() {
    let mut plane = Plane::start(&[]);
    // A connection that says nothing must not keep it up.
    let _idle = TcpStream::connect(&plane.address).expect("the plane listens");
    let killed = Command::new("kill")
        .arg(plane.process.id().to_string())
        .status()
        .expect("kill runs");
    assert!(killed.success());
    assert!(plane.process.wait().expect("it ends").success());
}

/// Runs a script with the bundled client; gives its output.
fn python(script: &str, environment: &[(&str, &str)]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pay.py"), script).expect("written");
    let output = Command::new("python3")
        .arg("pay.py")
        .current_dir(folder.path())
        .env(
            "PYTHONPATH",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("snippets"),
        )
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment.iter().copied())
        .output()
        .expect("these tests need `python3` on the PATH");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_python_client_accepts_its_tokens_and_no_others() {
    let script = "import governor\ngovernor.enable(actor_id='bot', actor_type='agent')\nprint(governor.enforce(governor.intent_from(action='query', resource_type='database', resource_name='caf\u{e9} \\U0001F600', context={'call': {'a': ['\\x7f', None]}})).decision)\n";
    let plane = Plane::start_with(
        &["--key", "k1"],
        &[("GOVERNOR_DECISION_KEY", "shared secret")],
    );
    let url = plane.url();
    let ask = |key: &str, decision_key: &str| {
        python(
            script,
            &[
                ("GOVERNOR_ENFORCE_URL", &url),
                ("GOVERNOR_API_KEY", key),
                ("GOVERNOR_DECISION_KEY", decision_key),
            ],
        )
    };
    let (out, err) = ask("k1", "shared secret");
    assert_eq!(out, "ALLOW\n", "{err}");
    assert!(ask("k1", "another").1.contains("does not fit"));
    assert!(ask("k2", "shared secret").1.contains("answered 401"));
}

#[test]
fn what_the_python_client_raises_is_understood() {
    let script = "import subprocess\nimport governor\ngovernor.enable(actor_id='bot', actor_type='agent')\n\n\ndef export():\n    subprocess.run(['ls'])\n\n\nexport()\n";
    let plane = Plane::start(&[]);
    let (_, denied) = python(script, &[("GOVERNOR_ENFORCE_URL", &plane.url())]);
    let (_, unreachable) = python(script, &[("GOVERNOR_ENFORCE_URL", "http://127.0.0.1:9")]);
    let (_, elsewhere) = python(
        script,
        &[("GOVERNOR_ENFORCE_URL", &format!("{}/nowhere", plane.url()))],
    );
    for (text, cause) in [
        (denied, "no_matching_policy"),
        (unreachable, "plane_unreachable"),
        (elsewhere, "bad_response"),
    ] {
        let diagnosis = governor_mcp::denial::diagnose(&governor_mcp::denial::Question {
            text: text.clone(),
            ..Default::default()
        });
        assert_eq!(diagnosis.cause.name(), cause, "{text}");
        let site = diagnosis.call_site.expect("a call site");
        assert_eq!((site.path.as_str(), site.line), ("pay.py", 7), "{text}");
    }
}
