//! Each MCP client's configuration: which file, what to put there, and how to put it there without touching the rest.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

mod jsonc;
mod toml_file;

/// The server's name in every configuration.
pub const SERVER: &str = "governor";

/// Says that a file is ours to replace.
const SKILL_MARK: &str = "<!-- written by governor-mcp setup -->";

/// An MCP client, as `setup/clients.toml` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub name: String,
    pub title: String,
    format: Syntax,
    file: String,
    file_macos: Option<String>,
    file_windows: Option<String>,
    section: String,
    /// "list": `command` is a list that holds the arguments too.
    command: Option<String>,
    repo: String,
    skill: Option<String>,
    /// What the user does in the client afterwards.
    pub note: Option<String>,
    entry: Option<toml::Table>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Syntax {
    Json,
    Toml,
}

/// A file as it is and as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    /// Absent where the file is new.
    pub old: Option<String>,
    pub new: String,
}

/// Every client, sorted by name.
pub fn clients() -> &'static [Client] {
    #[derive(Deserialize)]
    struct File {
        client: Vec<Client>,
    }
    static CLIENTS: LazyLock<Vec<Client>> = LazyLock::new(|| {
        let file: File = toml::from_str(include_str!("setup/clients.toml"))
            .expect("a test reads the embedded table");
        file.client
    });
    &CLIENTS
}

impl Client {
    /// The configuration that connects the client to the server for `repo`.
    pub fn configure(&self, repo: &Path) -> anyhow::Result<Change> {
        let path = self.path(repo)?;
        let old = read(&path)?;
        let text = old.as_deref().unwrap_or_default();
        let entry = self.entry(repo);
        let merged = match self.format {
            Syntax::Json => jsonc::merge(text, &json!({&self.section: {SERVER: entry}})),
            Syntax::Toml => toml_file::merge(text, &self.section, SERVER, &entry),
        };
        let new = merged.with_context(|| {
            format!(
                "cannot merge into `{}`: mend the file first; it was not changed",
                path.display()
            )
        })?;
        Ok(Change { path, old, new })
    }

    /// The `integrate` prompt as an instruction file. Clients that read no such file get one to pass on by hand.
    pub fn skill(&self, repo: &Path) -> anyhow::Result<Change> {
        let file = self.skill.as_deref().unwrap_or("governor-integrate.md");
        let path = repo.join(file);
        let old = read(&path)?;
        if let Some(old) = &old {
            ensure!(
                old.contains(SKILL_MARK),
                "`{}` is not of our making: move it away first; it was not changed",
                path.display()
            );
        }
        let new = format!(
            "---\nname: governor\ndescription: Puts a Python repo under governor's enforcement, so that a policy decides on each side effect before it happens. Use when asked to integrate governor, to govern side effects or agent tools, or to explain a denied call.\n---\n{SKILL_MARK}\n\n{}",
            crate::mcp::prompts::integrate()
        );
        Ok(Change { path, old, new })
    }

    fn path(&self, repo: &Path) -> anyhow::Result<PathBuf> {
        let file = match std::env::consts::OS {
            "macos" => self.file_macos.as_ref(),
            "windows" => self.file_windows.as_ref(),
            _ => None,
        };
        let file = file.unwrap_or(&self.file);
        match file.strip_prefix("~/") {
            Some(rest) => {
                let home = std::env::home_dir().filter(|home| home.is_absolute());
                let home = home.with_context(|| {
                    format!(
                        "{} keeps its configuration in the home directory: set HOME",
                        self.title
                    )
                })?;
                Ok(home.join(rest))
            }
            None => Ok(repo.join(file)),
        }
    }

    fn entry(&self, repo: &Path) -> Value {
        let mut args = vec!["serve".to_owned()];
        match self.repo.as_str() {
            "project" => {}
            "absolute" => args.extend(["--repo".to_owned(), repo.to_string_lossy().into_owned()]),
            variable => args.extend(["--repo".to_owned(), variable.to_owned()]),
        }
        let mut entry = json!(self.entry.clone().unwrap_or_default());
        let binary = binary();
        if self.command.as_deref() == Some("list") {
            entry["command"] = std::iter::once(binary).chain(args).collect();
        } else {
            entry["command"] = json!(binary);
            entry["args"] = json!(args);
        }
        entry
    }
}

impl Change {
    pub fn is_needed(&self) -> bool {
        self.old.as_ref() != Some(&self.new)
    }

    /// Writes the file whole or not at all, with the permissions that it had.
    pub fn write(&self) -> anyhow::Result<()> {
        if !self.is_needed() {
            return Ok(());
        }
        let shown = self.path.display();
        let folder = self.path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| {
            format!("cannot make the folder of `{shown}`: choose another with `--repo`")
        })?;
        let failed = || {
            format!(
                "cannot write `{shown}`: it was not changed; mend its permissions, or paste what `setup` prints"
            )
        };
        if let Ok(metadata) = self.path.metadata() {
            ensure!(
                !metadata.permissions().readonly(),
                "`{shown}` is read-only: it was not changed; allow writing first"
            );
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
        let written = write_new(&temporary, self.new.as_bytes())
            .and_then(|()| match self.path.metadata() {
                Ok(metadata) => fs::set_permissions(&temporary, metadata.permissions()),
                Err(_) => Ok(()),
            })
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            // Nothing is left behind; the first error is the one to tell.
            let _ = fs::remove_file(&temporary);
        }
        written.with_context(failed)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The file's text; `None` where there is no file. A link is refused: what it leads to is not ours to choose.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    let shown = path.display();
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            bail!("cannot read `{shown}`: {error}: choose another directory with `--repo`")
        }
        Ok(metadata) if metadata.is_symlink() => bail!(
            "`{shown}` is a link: edit the file that it leads to with what `setup` prints for an empty directory"
        ),
        Ok(metadata) if !metadata.is_file() => {
            bail!("`{shown}` is not a regular file: move it away first")
        }
        Ok(_) => {}
    }
    let bytes =
        fs::read(path).with_context(|| format!("cannot read `{shown}`: mend its permissions"))?;
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| {
        anyhow::anyhow!("`{shown}` is not UTF-8: save it as UTF-8 first; it was not changed")
    })
}

/// A command of ours, or a pipe that begins with one, as a shell can run it here.
pub fn runnable(command: &str) -> String {
    let name = env!("CARGO_PKG_NAME");
    match command
        .strip_prefix(name)
        .filter(|rest| rest.starts_with(' '))
    {
        Some(rest) => format!("{}{rest}", crate::patch::shell_word(&binary())),
        None => command.to_owned(),
    }
}

/// The command that starts this binary: its name where the search path leads to it, else its place.
fn binary() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Ok(this) = std::env::current_exe() else {
        return name.to_owned();
    };
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        let found = std::env::split_paths(&path)
            .map(|dir| dir.join(name))
            .find(|file| file.is_file());
        found.and_then(|file| file.canonicalize().ok()) == this.canonicalize().ok()
    });
    if on_path {
        name.to_owned()
    } else {
        this.to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let names: Vec<&str> = clients()
            .iter()
            .map(|client| client.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "claude-code",
                "claude-desktop",
                "codex",
                "copilot-cli",
                "cursor",
                "gemini",
                "opencode",
                "vscode",
                "windsurf",
                "zed"
            ]
        );
    }

    #[test]
    fn each_client_is_configured_once() {
        let repo = tempfile::tempdir().expect("a temporary folder");
        for client in clients()
            .iter()
            .filter(|client| !client.file.starts_with('~'))
        {
            let change = client.configure(repo.path()).expect("a new file");
            assert!(change.is_needed(), "{}", client.name);
            change.write().expect("it can be written");
            let again = client.configure(repo.path()).expect("our own file");
            assert!(!again.is_needed(), "{}", client.name);
        }
    }
}
