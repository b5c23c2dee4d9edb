//! What bad input gets: a stable answer, and the server lives.

use std::fs;

use serde_json::json;

use super::wire::Wire;

#[test]
fn the_protocol_is_refused_where_it_is_broken() {
    let repo = tempfile::tempdir().expect("a temporary folder");
    let mut wire = Wire::legacy(repo.path(), "2025-11-25");
    for line in [
        "",
        "nonsense",
        "{",
        "[]",
        "{\"jsonrpc\":\"2.0\"}",
        "\u{0}\u{1}",
        &"[".repeat(50_000),
    ] {
        wire.send_line(line);
    }
    let listed = loop {
        // What has no id cannot be answered by one.
        let id = wire.ask("tools/list", json!({}));
        let message = wire.answer(id);
        if message["result"].is_object() {
            break message;
        }
    };
    assert!(listed["result"]["tools"].is_array());
    for (method, params, code) in [
        (
            "tools/call",
            json!({"name": "no_such_tool", "arguments": {}}),
            -32602,
        ),
        (
            "tools/call",
            json!({"name": "scan_repo", "arguments": [1]}),
            -32602,
        ),
        ("tools/call", json!({"arguments": {}}), -32602),
        ("tools/list", json!({"cursor": "x"}), -32602),
        ("prompts/get", json!({"name": "nope"}), -32602),
        ("prompts/get", json!({"name": "diagnose_denial"}), -32602),
        ("no/such/method", json!({}), -32601),
        (
            "resources/read",
            json!({"uri": "file:///etc/passwd"}),
            -32002,
        ),
    ] {
        let answer = wire.request(method, params);
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
        assert!(
            answer["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    assert_eq!(wire.close().0, Some(0));
}

#[test]
fn arguments_are_refused_with_a_code_and_a_fix() {
    let repo = tempfile::tempdir().expect("a temporary folder");
    fs::write(repo.path().join("a.py"), "x = 1\n").expect("it can be written");
    let mut wire = Wire::modern(repo.path());
    for (tool, arguments, code) in [
        ("scan_repo", json!({"path": "nowhere"}), "path_not_found"),
        (
            "scan_repo",
            json!({"path": "/no/such/place"}),
            "path_not_found",
        ),
        ("scan_repo", json!({"path": "../.."}), "path_outside_root"),
        ("scan_repo", json!({"path": "a.py"}), "not_a_directory"),
        ("scan_repo", json!({"path": 7}), "invalid_argument"),
        (
            "scan_repo",
            json!({"categories": ["htp"]}),
            "unknown_category",
        ),
        (
            "scan_repo",
            json!({"categories": "http"}),
            "invalid_argument",
        ),
        ("scan_repo", json!({"cursor": "AAAA"}), "bad_cursor"),
        ("scan_repo", json!({"pth": "."}), "unknown_argument"),
        (
            "scan_repo",
            json!({"x".repeat(5000): "y".repeat(5000)}),
            "unknown_argument",
        ),
        ("read_doc", json!({}), "missing_argument"),
        (
            "read_doc",
            json!({"page": "guides/celerry"}),
            "unknown_page",
        ),
        (
            "read_doc",
            json!({"page": "guides/celery", "section": "nope"}),
            "unknown_section",
        ),
        ("search_docs", json!({"query": " "}), "empty_query"),
        (
            "search_docs",
            json!({"query": "x", "limit": 0}),
            "invalid_argument",
        ),
        (
            "search_docs",
            json!({"query": "x", "limit": 2.5}),
            "invalid_argument",
        ),
    ] {
        assert_eq!(
            wire.refusal(tool, arguments.clone()),
            code,
            "{tool} {arguments}"
        );
    }
    assert_eq!(wire.close().0, Some(0));
}

#[test]
fn without_a_project_the_answer_says_how_to_name_one() {
    let binary = env!("CARGO_BIN_EXE_governor-mcp");
    let mut wire = Wire::spawn(
        std::process::Command::new(binary)
            .arg("serve")
            .env_remove("CLAUDE_PROJECT_DIR")
            .current_dir("/"),
    );
    assert_eq!(wire.refusal("scan_repo", json!({})), "no_root");
}

#[test]
fn a_package_that_imports_from_itself_is_analysed() {
    let repo = tempfile::tempdir().expect("a temporary folder");
    let package = repo.path().join("pkg");
    fs::create_dir(&package).expect("a folder");
    fs::write(
        package.join("__init__.py"),
        "from pkg import x\n\nx.open('f')\n",
    )
    .expect("a file");
    let mut wire = Wire::modern(repo.path());
    let scan = wire.call("scan_repo", json!({}));
    assert_eq!(scan["structuredContent"]["files"]["python"], 1, "{scan}");
}
