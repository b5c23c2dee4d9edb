//! Sessions of both eras, from their first message to their last.

use std::time::{Duration, Instant};

use serde_json::json;

use super::wire::{MODERN, Wire};

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

fn empty() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_modern_client_needs_no_handshake() {
    let repo = empty();
    let mut wire = Wire::modern(repo.path());
    let answer = wire.request("tools/list", json!({}));
    let result = &answer["result"];
    assert_eq!(result["resultType"], "complete", "{answer}");
    assert!(
        result["ttlMs"].is_u64() && result["cacheScope"].is_string(),
        "{answer}"
    );
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "governor-mcp"
    );
    let discovered = wire.request("server/discover", json!({}));
    let versions = discovered["result"]["supportedVersions"]
        .as_array()
        .expect("versions");
    assert!(versions.contains(&json!(MODERN)) && versions.contains(&json!("2025-11-25")));
    assert!(discovered["result"]["capabilities"]["tools"].is_object());
    assert_eq!(wire.close().0, Some(0));
}

#[test]
fn every_earlier_version_is_spoken() {
    let repo = empty();
    for version in LEGACY {
        let mut wire = Wire::start(repo.path());
        let answer = wire.initialize(version, json!({}));
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "governor-mcp");
        let listed = wire.request("tools/list", json!({}));
        assert!(listed["result"].get("resultType").is_none(), "{version}");
        assert!(
            listed["result"]["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty())
        );
        assert_eq!(wire.close().0, Some(0));
    }
}

#[test]
fn a_client_may_probe_before_it_initializes() {
    let repo = empty();
    let mut wire = Wire::start(repo.path());
    wire.send(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}),
    );
    let discovered = wire.request("server/discover", json!({}));
    assert!(discovered["result"].is_object(), "{discovered}");
    wire.send(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
    );
    let answer = wire.initialize("2025-06-18", json!({}));
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
}

#[test]
fn an_unknown_version_is_refused_with_those_there_are() {
    let repo = empty();
    let mut wire = Wire::modern(repo.path());
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2031-01-01"});
    let answer = wire.request("tools/list", json!({"_meta": meta}));
    assert_eq!(answer["error"]["code"], -32022, "{answer}");
    assert!(answer["error"]["data"]["supported"].is_array());
}

#[test]
fn the_end_of_input_is_the_end() {
    let repo = empty();
    let (status, rest) = Wire::start(repo.path()).close();
    assert_eq!((status, rest.len()), (Some(0), 0));

    let mut wire = Wire::modern(repo.path());
    let id = wire.ask(
        "tools/call",
        json!({"name": "search_docs", "arguments": {"query": "fail closed"}}),
    );
    let start = Instant::now();
    let (status, rest) = wire.close();
    assert_eq!(status, Some(0));
    assert!(
        rest.iter()
            .any(|line| line.contains(&format!("\"id\":{id}"))),
        "a call in flight is answered: {rest:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn prompts_and_resources_are_there_in_both_eras() {
    let repo = empty();
    for mut wire in [
        Wire::modern(repo.path()),
        Wire::legacy(repo.path(), "2025-06-18"),
    ] {
        let prompts = wire.request("prompts/list", json!({}));
        let names: Vec<&str> = prompts["result"]["prompts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|p| p["name"].as_str())
            .collect();
        assert_eq!(names, ["add_intent_scope", "diagnose_denial", "integrate"]);
        let prompt = wire.request(
            "prompts/get",
            json!({"name": "integrate", "arguments": {"mode": "enable"}}),
        );
        let text = prompt["result"]["messages"][0]["content"]["text"]
            .as_str()
            .expect("a text");
        assert!(
            text.contains("needs_input") && text.contains("Mode: `enable`"),
            "{text}"
        );
        let listed = wire.request("resources/list", json!({}));
        let resources = listed["result"]["resources"].as_array().expect("resources");
        for uri in [
            "governor://docs/guides/celery",
            "governor://docs/guides%2Fcelery",
        ] {
            let read = wire.request("resources/read", json!({"uri": uri}));
            assert!(read["result"]["contents"][0]["text"].is_string(), "{read}");
        }
        assert!(
            resources
                .iter()
                .any(|r| r["uri"] == "governor://docs/guides/celery")
        );
        let missing = wire.request(
            "resources/read",
            json!({"uri": "governor://docs/nope/nope"}),
        );
        assert!(
            matches!(missing["error"]["code"].as_i64(), Some(-32602 | -32002)),
            "{missing}"
        );
        let completed = wire.request("completion/complete", json!({
            "ref": {"type": "ref/prompt", "name": "integrate"}, "argument": {"name": "mode", "value": "hy"}}));
        assert_eq!(
            completed["result"]["completion"]["values"],
            json!(["hybrid"])
        );
        let completed = wire.request("completion/complete", json!({
            "ref": {"type": "ref/resource", "uri": "governor://docs/{page}"}, "argument": {"name": "page", "value": "celery"}}));
        assert!(
            completed["result"]["completion"]["values"]
                .as_array()
                .is_some_and(|v| !v.is_empty())
        );
    }
}

#[test]
fn a_legacy_clients_root_is_used_when_nothing_else_names_one() {
    let (repo, elsewhere) = (empty(), empty());
    let binary = env!("CARGO_BIN_EXE_governor-mcp");
    let mut wire = Wire::spawn(
        std::process::Command::new(binary)
            .arg("serve")
            .env_remove("CLAUDE_PROJECT_DIR")
            .current_dir(elsewhere.path()),
    );
    wire.initialize("2025-06-18", json!({"roots": {}}));
    let id = wire.ask("tools/call", json!({"name": "scan_repo", "arguments": {}}));
    let asked = wire.receive();
    assert_eq!(asked["method"], "roots/list", "{asked}");
    let uri = format!("file://{}", repo.path().display());
    wire.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": [{"uri": uri}]}}));
    let text = wire.answer(id).to_string();
    assert!(
        text.contains(repo.path().to_str().expect("UTF-8")),
        "{text}"
    );
}

/// A repo whose processes import from several folders, so that the plan has a question.
fn with_a_question() -> tempfile::TempDir {
    let repo = empty();
    for service in ["billing", "search", "mail"] {
        let folder = repo.path().join(service);
        std::fs::create_dir(&folder).expect("a folder");
        let source = "import requests\n\nif __name__ == \"__main__\":\n    requests.get(\"https://a.example\")\n";
        std::fs::write(folder.join("main.py"), source).expect("a file");
    }
    repo
}

#[test]
fn a_question_comes_back_and_is_asked_where_the_client_can() {
    let repo = with_a_question();
    let plan = json!({"name": "plan_integration", "arguments": {"mode": "enable"}});

    let mut wire = Wire::modern(repo.path());
    let answer = wire.request("tools/call", plan.clone());
    let question = answer["result"]["structuredContent"]["needs_input"][0].clone();
    let id = question["id"].as_str().expect("a question").to_owned();
    assert!(
        question["choices"]
            .as_array()
            .is_some_and(|choices| choices.len() > 1),
        "{question}"
    );
    let choice = question["choices"][0]["value"].clone();

    let mut can_ask = plan.clone();
    can_ask["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let asked = wire.request("tools/call", can_ask.clone());
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let form = &asked["result"]["inputRequests"]["questions"];
    assert_eq!(form["method"], "elicitation/create", "{asked}");
    assert!(
        form["params"]["requestedSchema"]["properties"][&id]["enum"].is_array(),
        "{asked}"
    );
    can_ask["requestState"] = asked["result"]["requestState"].clone();
    for (response, open) in [
        (json!({"action": "accept", "content": {&id: choice}}), 0),
        (json!({"action": "decline"}), 1),
    ] {
        can_ask["inputResponses"] = json!({"questions": response});
        let answer = wire.request("tools/call", can_ask.clone());
        let structured = &answer["result"]["structuredContent"];
        assert_eq!(
            structured["needs_input"].as_array().map(Vec::len),
            Some(open),
            "{answer}"
        );
        assert_eq!(structured["answers"][&id] == choice, open == 0, "{answer}");
    }

    let mut wire = Wire::start(repo.path());
    wire.initialize("2025-06-18", json!({"elicitation": {}}));
    let call = wire.ask("tools/call", plan);
    let asked = wire.receive();
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    let response = json!({"action": "accept", "content": {&id: choice}});
    wire.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": response}));
    let answer = wire.answer(call);
    assert_eq!(
        answer["result"]["structuredContent"]["answers"][&id], choice,
        "{answer}"
    );
}
