//! A client that sends what it is told to, right or wrong.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

pub const MODERN: &str = "2026-07-28";

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Wire {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    next_id: i64,
    /// Whether requests carry the metadata of the 2026-07-28 protocol.
    modern: bool,
    /// Notifications that came while an answer was awaited.
    pub notifications: Vec<Value>,
}

impl Wire {
    /// Starts the server for `repo`; nothing is sent yet.
    pub fn start(repo: &Path) -> Wire {
        Wire::spawn(
            Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
                .args(["serve", "--repo"])
                .arg(repo),
        )
    }

    pub fn spawn(command: &mut Command) -> Wire {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Wire {
            child,
            input,
            lines,
            next_id: 0,
            modern: true,
            notifications: Vec::new(),
        }
    }

    /// A client of the 2026-07-28 protocol, which needs no handshake.
    pub fn modern(repo: &Path) -> Wire {
        Wire::start(repo)
    }

    /// A client that has done the handshake of an earlier protocol.
    pub fn legacy(repo: &Path, version: &str) -> Wire {
        let mut wire = Wire::start(repo);
        wire.initialize(version, json!({}));
        wire
    }

    pub fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        self.modern = false;
        let params = json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "wire", "version": "1"}});
        let answer = self.request("initialize", params);
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        answer
    }

    pub fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        writeln!(input, "{line}").expect("the server reads");
    }

    pub fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string());
    }

    /// Sends a request and returns its id.
    pub fn ask(&mut self, method: &str, mut params: Value) -> i64 {
        self.next_id += 1;
        if self.modern {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            });
            let given = params["_meta"].as_object().cloned().unwrap_or_default();
            params["_meta"] = meta;
            for (key, value) in given {
                params["_meta"][key] = value;
            }
        }
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The next message. Everything that the server writes must be one.
    pub fn receive(&mut self) -> Value {
        let line = self
            .lines
            .recv_timeout(PATIENCE)
            .expect("the server answers");
        let message: Value = serde_json::from_str(&line).expect("stdout carries protocol only");
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// The answer to a request: `result` or `error`.
    pub fn answer(&mut self, id: i64) -> Value {
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.notifications.push(message);
        }
    }

    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// Calls a tool and returns its result.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// Calls a tool with bad input and returns the code that it answers.
    #[track_caller]
    pub fn refusal(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert!(text.chars().count() < 1000, "{text}");
        let mut lines = text.lines();
        let code = lines.next().and_then(|line| line.strip_prefix("error: "));
        assert!(
            lines.next().is_some_and(|line| line.starts_with("cause: ")),
            "{text}"
        );
        assert!(
            lines.next().is_some_and(|line| line.starts_with("fix: ")),
            "{text}"
        );
        code.expect("a code").to_owned()
    }

    /// Closes the input and returns the exit status and what came after.
    pub fn close(mut self) -> (Option<i32>, Vec<String>) {
        self.input = None;
        let status = self.child.wait().expect("the server ends");
        let rest = self.lines.iter().collect();
        (status.code(), rest)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // It ends by itself once the input is closed; a test that failed does not wait for it.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
