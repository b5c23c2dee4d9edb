//! Is it all in place: the server answers, the client imports, the plane answers, the processes are enabled.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::facts::{self, Origin, Role};
use crate::plane::{PlaneAddress, PlaneError};
use crate::snippets;
use crate::workspace::Workspace;

/// How long a child may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Stable; names the problem where there is one.
    pub code: &'static str,
    pub state: State,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Check {
    fn ok(code: &'static str, message: impl Into<String>) -> Check {
        Check {
            code,
            state: State::Ok,
            message: message.into(),
            fix: None,
        }
    }

    fn problem(code: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Check {
        Check {
            code,
            state: State::Problem,
            message: message.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Looks at everything, in the order in which one sets it up.
pub fn examine(workspace: &Workspace) -> Vec<Check> {
    let mut checks = vec![server(workspace.root())];
    checks.extend(client(workspace));
    checks.extend(plane());
    checks.extend(processes(workspace));
    checks
}

/// Starts this binary as a client does and asks for its tools.
fn server(root: &Path) -> Check {
    let fix = "run `governor-mcp serve` in a terminal to see what it says, and report it";
    match ask_server(root) {
        Ok(tools) => Check::ok(
            "server_answers",
            format!("the MCP server answers with {tools} tools"),
        ),
        Err(reason) => Check::problem(
            "server_silent",
            format!("the MCP server does not answer: {reason}"),
            fix,
        ),
    }
}

fn ask_server(root: &Path) -> Result<usize, String> {
    let binary = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(binary)
        .args(["serve", "--repo"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let (sender, answers) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = output
            .into_iter()
            .flat_map(|output| BufReader::new(output).lines());
        for line in lines.map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "doctor", "version": env!("CARGO_PKG_VERSION")}}}});
    let asked = input.map(|mut input| writeln!(input, "{request}").map(|()| input));
    let answer = match asked {
        Some(Ok(_open)) => answers
            .recv_timeout(PATIENCE)
            .map_err(|_| "no answer in time".to_owned()),
        _ => Err("its input is closed".to_owned()),
    };
    // It ends by itself now that its input is closed; one that does not is ours to end.
    let _ = wait(&mut child, PATIENCE).or_else(|| child.kill().ok().map(|()| false));
    let answer: Value = serde_json::from_str(&answer?).map_err(|error| error.to_string())?;
    let tools = answer["result"]["tools"].as_array();
    tools
        .map(Vec::len)
        .ok_or_else(|| "its answer has no tools".to_owned())
}

/// Whether the client imports: from each folder that it was vendored into, else from the environment.
fn client(workspace: &Workspace) -> Vec<Check> {
    let Some(python) = interpreter(workspace.root()) else {
        return vec![Check::problem(
            "python_missing",
            "no Python 3 was found",
            "install Python 3, or activate the project's virtual environment",
        )];
    };
    let listing = workspace.list(|name| snippets::MARKER.ends_with(&format!("/{name}")));
    let folders: Vec<&str> = listing
        .files
        .iter()
        .filter_map(|path| path.strip_suffix(snippets::MARKER))
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .collect();
    if folders.is_empty() {
        return vec![match import(&python, None) {
            Ok(version) => Check::ok(
                "client_imports",
                format!(
                    "the client {version} imports from the environment of {}",
                    python.display()
                ),
            ),
            Err(_) => Check::problem(
                "client_missing",
                format!(
                    "the client is in no folder of the repo, and {} has no package of it",
                    python.display()
                ),
                format!("governor-mcp client vendor {}", workspace.root().display()),
            ),
        }];
    }
    let checks = folders.into_iter().map(|folder| {
        let shown = if folder.is_empty() { "." } else { folder };
        match import(&python, Some(&workspace.root().join(folder))) {
            Ok(version) => Check::ok(
                "client_imports",
                format!("the client {version} in `{shown}` imports"),
            ),
            Err(reason) => Check::problem(
                "client_broken",
                format!("the client in `{shown}` does not import: {reason}"),
                format!(
                    "governor-mcp client vendor {}",
                    workspace.root().join(folder).display()
                ),
            ),
        }
    });
    checks.collect()
}

/// The project's own interpreter, else the one on the path.
fn interpreter(root: &Path) -> Option<PathBuf> {
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let environments = active
        .into_iter()
        .chain([root.join(".venv"), root.join("venv")]);
    let own = environments.map(|environment| environment.join("bin/python"));
    let named = ["python3", "python"].map(PathBuf::from);
    own.filter(|python| python.is_file())
        .chain(named)
        .find(|python| {
            let version = Command::new(python).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        })
}

/// Imports the client alone: isolated, and with the folder last, so that no module of the user's runs.
fn import(python: &Path, folder: Option<&Path>) -> Result<String, String> {
    const SCRIPT: &str = "import sys; sys.dont_write_bytecode = True; sys.path.extend(sys.argv[1:]); import governor; print(governor.__version__)";
    let mut command = Command::new(python);
    command
        .args(["-I", "-c", SCRIPT])
        .args(folder)
        .env_remove("GOVERNOR_ENABLED");
    let output = command.output().map_err(|error| error.to_string())?;
    let last_line = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    if output.status.success() {
        Ok(last_line(&output.stdout))
    } else {
        Err(last_line(&output.stderr))
    }
}

/// Whether the plane answers, and knows the key. The question that is put decides nothing.
fn plane() -> Vec<Check> {
    let address = match PlaneAddress::from_environment() {
        None => {
            return vec![Check::problem(
                "plane_not_configured",
                "GOVERNOR_ENFORCE_URL is not set, so every governed call is stopped (fail closed)",
                "start `governor-mcp policy serve` and set GOVERNOR_ENFORCE_URL=http://127.0.0.1:8181",
            )];
        }
        Some(Err(PlaneError::Https)) => {
            return vec![Check::ok(
                "plane_not_checked",
                "the plane is at an https address, which `doctor` does not speak: `python -m governor doctor` asks it",
            )];
        }
        Some(Err(error)) => {
            return vec![Check::problem(
                "plane_bad_url",
                error.to_string(),
                "set GOVERNOR_ENFORCE_URL to the plane's base, like http://127.0.0.1:8181",
            )];
        }
        Some(Ok(address)) => address,
    };
    let intent = json!({"action": "read", "actor": {"id": "doctor", "type": "service"},
        "resource": {"type": "health", "name": "doctor"}, "data": {"sensitivity": [], "pii": false, "volume": "single"},
        "risk": {"authn": "none"}});
    vec![match address.post("/api/v2/canonicalize", &intent) {
        Ok(_) => Check::ok(
            "plane_answers",
            "the policy plane answers and knows the key",
        ),
        Err(
            error @ PlaneError::Refused {
                status: 401 | 403, ..
            },
        ) => Check::problem(
            "plane_unauthenticated",
            error.to_string(),
            "set GOVERNOR_API_KEY to a key that the plane knows",
        ),
        Err(error @ PlaneError::Unreachable { .. }) => Check::problem(
            "plane_unreachable",
            error.to_string(),
            "start the plane (`governor-mcp policy serve`), or mend GOVERNOR_ENFORCE_URL",
        ),
        Err(error) => Check::problem("plane_error", error.to_string(), "read the plane's own log"),
    }]
}

/// Which of the app's processes are enabled.
fn processes(workspace: &Workspace) -> Vec<Check> {
    let scan = match facts::analyze(workspace, &facts::Options::default()) {
        Ok(scan) => scan,
        Err(error) => {
            return vec![Check::problem(
                "scan_failed",
                format!("{error:#}"),
                "mend what is named, then run `governor-mcp scan`",
            )];
        }
    };
    let app = scan
        .entrypoints
        .iter()
        .filter(|entrypoint| entrypoint.role == Role::Process && entrypoint.origin == Origin::App);
    let checks: Vec<Check> = app
        .map(|process| {
            let name = format!(
                "{} `{}` at {}:{}",
                process.kind, process.name, process.path, process.line
            );
            if process.enabled == Some(true) {
                Check::ok("process_enabled", format!("{name} is enabled"))
            } else {
                Check::problem(
                    "process_not_enabled",
                    format!("{name} is not enabled"),
                    format!(
                        "governor-mcp integrate {} --mode enable --write",
                        workspace.root().display()
                    ),
                )
            }
        })
        .collect();
    if checks.is_empty() {
        return vec![Check::ok(
            "no_process",
            "no Python process of the app's own starts in this repo",
        )];
    }
    checks
}

/// Waits for the end of a child; `None` when it takes too long.
fn wait(child: &mut std::process::Child, patience: Duration) -> Option<bool> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status.success());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}
