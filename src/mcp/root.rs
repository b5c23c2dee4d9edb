//! Which repo a call is about: its own `path`, else `--repo`, else `CLAUDE_PROJECT_DIR`, else a legacy client's first
//! root, else the project that holds the working directory.

use std::path::{Component, Path, PathBuf};

use super::error::ToolError;
use crate::workspace::Workspace;

/// A project's own files; one of them marks a directory as a project.
const MARKERS: &[&str] = &[
    ".git",
    ".hg",
    "governor.toml",
    "manage.py",
    "Pipfile",
    "pyproject.toml",
    "requirements.txt",
    "setup.cfg",
    "setup.py",
    "uv.lock",
];

/// What the server knows of the repo before a call says more.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// `--repo`.
    pub repo: Option<PathBuf>,
    /// No path outside of the default root is read.
    pub confine: bool,
    /// `CLAUDE_PROJECT_DIR`.
    pub project_dir: Option<PathBuf>,
    /// The first of a legacy client's roots.
    pub client: Option<PathBuf>,
    pub working_dir: Option<PathBuf>,
}

impl Roots {
    /// Whether asking the client for its roots could change the answer.
    pub fn wants_client(&self, path: Option<&str>) -> bool {
        self.repo.is_none()
            && self.project_dir.is_none()
            && !path.is_some_and(|path| Path::new(path).is_absolute())
    }

    /// Opens the repo that a call is about. A relative `path` starts at the default root and stays inside it.
    pub fn open(&self, path: Option<&str>) -> Result<Workspace, ToolError> {
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return open(&self.default_root()?);
        };
        let named = Path::new(path);
        if named.is_absolute() && !self.confine {
            return open(named);
        }
        // Without a project to start from, a relative path starts where the server does.
        let root = self
            .default_root()
            .or_else(|error| self.working_dir.clone().ok_or(error))?;
        let root = root.canonicalize().unwrap_or(root);
        let full = root.join(named);
        let inside = full
            .canonicalize()
            .unwrap_or_else(|_| without_dots(&full))
            .starts_with(&root);
        if !inside {
            return Err(ToolError::new(
                "path_outside_root",
                format!("`{path}` leads out of `{}`", root.display()),
                if self.confine {
                    "name a directory inside the root; the server was started with `--confine`"
                } else {
                    "name a directory inside the root, or the absolute path of another repo"
                },
            ));
        }
        open(&full)
    }

    fn default_root(&self) -> Result<PathBuf, ToolError> {
        let working_dir = || self.working_dir.as_deref().and_then(project);
        self.repo
            .clone()
            .or_else(|| self.project_dir.clone())
            .or_else(|| self.client.clone())
            .or_else(working_dir)
            .ok_or_else(|| {
                ToolError::new(
                    "no_root",
                    "no repo is named, and the working directory is in no project",
                    "pass `path` with the absolute path of the repo, or start the server with `--repo DIR`",
                )
            })
    }
}

fn open(dir: &Path) -> Result<Workspace, ToolError> {
    let fix = "pass `path` with the absolute path of a directory, or leave it out";
    let shown = dir.display();
    let metadata = dir.metadata().map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::PermissionDenied => "permission_denied",
            _ => "path_not_found",
        };
        ToolError::new(code, format!("cannot open `{shown}`: {error}"), fix)
    })?;
    if !metadata.is_dir() {
        return Err(ToolError::new(
            "not_a_directory",
            format!("`{shown}` is not a directory"),
            "name the directory that holds it",
        ));
    }
    Workspace::open(dir).map_err(|error| ToolError::from_chain("permission_denied", &error, fix))
}

/// The project that holds `dir`: the nearest directory above with a project's own file, else `dir` itself if Python
/// lies in it.
fn project(dir: &Path) -> Option<PathBuf> {
    let marked = |dir: &&Path| MARKERS.iter().any(|marker| dir.join(marker).exists());
    let git = |dir: &&Path| dir.join(".git").exists();
    let ancestors = || dir.ancestors().filter(|dir| !is_everything(dir));
    ancestors()
        .find(git)
        .or_else(|| ancestors().find(marked))
        .map(Path::to_path_buf)
        .or_else(|| (!is_everything(dir) && holds_python(dir)).then(|| dir.to_path_buf()))
}

/// The file system's root and the home directory are no projects, whatever lies in them.
fn is_everything(dir: &Path) -> bool {
    dir.parent().is_none() || std::env::home_dir().is_some_and(|home| home == dir)
}

fn holds_python(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.path().extension().is_some_and(|ext| ext == "py"))
    })
}

/// `path` with `..` resolved by name, for paths that do not exist.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The directory of a `file://` URI.
pub fn from_file_uri(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| (*byte as char).to_digit(16);
                bytes.push((digit(high)? * 16 + digit(low)?) as u8);
                after
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    let path = PathBuf::from(String::from_utf8(bytes).ok()?);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_wins_then_the_flag_then_the_environment() {
        let [a, b, c] = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
        let roots = Roots {
            repo: Some(a.path().into()),
            project_dir: Some(b.path().into()),
            ..Roots::default()
        };
        let root = |roots: &Roots, path| roots.open(path).map(|w| w.root().to_path_buf());
        let canonical = |dir: &tempfile::TempDir| dir.path().canonicalize().expect("it exists");
        assert_eq!(root(&roots, c.path().to_str()), Ok(canonical(&c)));
        assert_eq!(root(&roots, None), Ok(canonical(&a)));
        let unnamed = Roots {
            repo: None,
            ..roots.clone()
        };
        assert_eq!(root(&unnamed, None), Ok(canonical(&b)));
        let code = |roots: &Roots, path| roots.open(path).map_err(|e| e.code).err();
        assert_eq!(code(&roots, Some("../..")), Some("path_outside_root"));
        assert_eq!(code(&roots, Some("nowhere")), Some("path_not_found"));
        assert_eq!(code(&Roots::default(), None), Some("no_root"));
        let confined = Roots {
            confine: true,
            ..roots
        };
        assert_eq!(
            code(&confined, c.path().to_str()),
            Some("path_outside_root")
        );
    }

    #[test]
    fn file_uris() {
        assert_eq!(from_file_uri("file:///a%20b/c"), Some("/a b/c".into()));
        assert_eq!(from_file_uri("https://x/"), None);
    }
}
