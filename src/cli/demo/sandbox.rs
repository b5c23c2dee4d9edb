//! The temporary folder of the demo, and the processes that run in it. All of it is gone when the demo ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::snippets;

/// How long a process may take to say that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// Ports of the stand-ins for the outside world.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub struct Ports {
    pub payments: u16,
    pub smtp: u16,
}

#[derive(Debug)]
pub struct Sandbox {
    root: PathBuf,
    python: PathBuf,
    children: Vec<Child>,
}

impl Sandbox {
    /// A fresh folder with the sample in it. Errors when there is no Python 3.
    pub fn new() -> anyhow::Result<Sandbox> {
        let python = find_python()?;
        let root = std::env::temp_dir().join(format!("governor-demo-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        let sandbox = Sandbox {
            root,
            python,
            children: Vec::new(),
        };
        for (sample, folder) in [("samples/agent", "agent"), ("samples/standin", ".")] {
            for file in snippets::files_below(sample) {
                let name = file.path.strip_prefix(sample).unwrap_or(file.path);
                sandbox.write(
                    &format!("{folder}/{}", name.trim_start_matches('/')),
                    file.bytes,
                )?;
            }
        }
        for file in snippets::files_below("policies") {
            let name = file.path.rsplit('/').next().unwrap_or(file.path);
            sandbox.write(&format!("agent/policies/{name}"), file.bytes)?;
        }
        Ok(sandbox)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn write(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.root.join(path);
        let written = match path.parent() {
            Some(folder) => {
                std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes))
            }
            None => std::fs::write(&path, bytes),
        };
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// The lines of a log; none where nothing has been logged yet.
    pub fn lines(&self, path: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.root.join(path)).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Runs this very program.
    pub fn governor(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        self.command(&program)
            .args(arguments)
            .output()
            .with_context(|| format!("cannot run `governor-mcp {}`", arguments.join(" ")))
    }

    /// Runs Python in the agent's folder.
    pub fn agent(
        &self,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> anyhow::Result<Output> {
        self.command(&self.python)
            .args(arguments)
            .current_dir(self.root.join("agent"))
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .output()
            .context("cannot run the agent")
    }

    /// Starts the payment provider and the mail server that only log what reaches them.
    pub fn start_standins(&mut self, log: &str) -> anyhow::Result<Ports> {
        let mut command = self.command(&self.python);
        command
            .args(["standin.py", log])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .context("cannot start the stand-in servers")?;
        let said = first_line(child.stdout.take(), "{");
        self.children.push(child);
        serde_json::from_str(&said.context("the stand-in servers do not start")?)
            .context("the stand-in servers' ports")
    }

    /// Starts the local policy plane and returns its address.
    pub fn start_plane(&mut self, policies: &str, audit: &str) -> anyhow::Result<String> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = self.command(&program);
        command
            .args([
                "policy",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--policies",
                policies,
                "--audit",
                audit,
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start the policy plane")?;
        let said = first_line(child.stderr.take(), "listening on ");
        self.children.push(child);
        let said = said.context("the policy plane does not start")?;
        Ok(said.trim_start_matches("listening on ").trim().to_owned())
    }

    /// A command in the sandbox that sees no setting of the user's own.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("NO_COLOR", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("GOVERNOR_") || name == "PYTHONPATH" || name == "LEDGER" {
                command.env_remove(&name);
            }
        }
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn find_python() -> anyhow::Result<PathBuf> {
    for name in ["python3", "python"] {
        let version = Command::new(name)
            .args(["-c", "import sys; print(sys.version_info >= (3, 9))"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        if version.is_ok_and(|output| output.stdout.starts_with(b"True")) {
            return Ok(PathBuf::from(name));
        }
    }
    bail!(
        "the demo runs a small Python program: install Python 3.9 or later, so that `python3` is on the PATH"
    )
}

/// The first line that starts with `start`, waited for no longer than [`READY_TIMEOUT`].
fn first_line(
    output: Option<impl std::io::Read + Send + 'static>,
    start: &'static str,
) -> Option<String> {
    let mut reader = BufReader::new(output?);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
            if line.starts_with(start) {
                let _ = sender.send(std::mem::take(&mut line));
            }
            line.clear();
        }
        // Reads on, so that the process never waits for somebody to listen.
        let _ = reader.read_to_end(&mut Vec::new());
    });
    receiver.recv_timeout(READY_TIMEOUT).ok()
}
