//! The user's repo as bytes: root confinement, the ignore-aware walk, encodings.
//!
//! Nothing else in the crate reads the user's files, and nothing here writes them.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use ignore::{DirEntry, WalkBuilder};

pub mod launch;
pub mod manifest;
pub mod notebook;
pub mod scripts;
mod yaml;

/// Files above this size are named as skipped instead of parsed; people do not write them.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Folders that hold other people's code or build output, whatever `.gitignore` says.
const SKIPPED_FOLDERS: &[&str] = &[
    ".eggs",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "node_modules",
    "site-packages",
];

/// A directory that is being analysed. Every path that leaves this type lies inside [`Workspace::root`].
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

/// A file that was found but could not be analysed. It is named in every answer, never counted as clean.
#[derive(
    Clone,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct SkippedFile {
    pub path: String,
    pub reason: String,
}

/// What a walk found: paths relative to the root, with `/`, sorted.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    pub files: Vec<String>,
    pub skipped: Vec<SkippedFile>,
}

impl Workspace {
    /// Opens `dir`. Errors when it does not exist, is not a directory or cannot be read.
    pub fn open(dir: &Path) -> anyhow::Result<Workspace> {
        let root = dir.canonicalize().with_context(|| {
            format!(
                "cannot open `{}`: name a directory that exists",
                dir.display()
            )
        })?;
        ensure!(
            root.is_dir(),
            "`{}` is not a directory: name the directory that holds it",
            dir.display()
        );
        fs::read_dir(&root).with_context(|| format!("cannot read `{}`", dir.display()))?;
        Ok(Workspace { root })
    }

    /// The absolute, canonical root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lists the regular files for which `keep` holds, given the file's name. Follows `.gitignore`; never leaves the
    /// root. Links are not followed: one that leaves the repo is named as skipped, one inside it is seen at its target.
    pub fn list(&self, keep: impl Fn(&str) -> bool) -> Listing {
        let mut listing = Listing::default();
        let walk = WalkBuilder::new(&self.root)
            .hidden(false)
            .require_git(false)
            .git_global(false)
            .follow_links(false)
            .filter_entry(enters)
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    listing.skipped.push(self.unreadable(&error));
                    continue;
                }
            };
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy());
            let Some(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() || !keep(&name) {
                continue;
            }
            let relative = self.relative(path);
            let skip = |reason: &str| SkippedFile {
                path: relative.clone(),
                reason: reason.to_owned(),
            };
            if kind.is_symlink() {
                match path.canonicalize() {
                    Ok(target) if target.starts_with(&self.root) => {}
                    Ok(_) => listing.skipped.push(skip("a link that leaves the repo")),
                    Err(_) => listing.skipped.push(skip("a broken link")),
                }
            } else if !kind.is_file() {
                listing.skipped.push(skip("not a regular file"));
            } else if path.to_str().is_none() {
                listing
                    .skipped
                    .push(skip("a file name that is not valid UTF-8"));
            } else {
                listing.files.push(relative);
            }
        }
        listing.files.sort_unstable();
        listing.skipped.sort_unstable();
        listing
    }

    /// Reads a file by its path relative to the root. The error is the reason why it is skipped.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let full = self.root.join(path);
        let describe = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        let metadata = full.metadata().map_err(describe)?;
        if !metadata.is_file() {
            return Err("not a regular file".to_owned());
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err(format!("larger than {} MiB", MAX_FILE_BYTES >> 20));
        }
        fs::read(&full).map_err(describe)
    }

    /// When a file was last written, and its size in bytes.
    pub fn stamp(&self, path: &str) -> Option<(std::time::SystemTime, u64)> {
        let metadata = self.root.join(path).metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// The path of `file` relative to the root, after links are resolved. Errors when it lies outside of the root.
    pub fn confine(&self, file: &Path) -> anyhow::Result<String> {
        let full = if file.is_absolute() {
            file.to_path_buf()
        } else {
            self.root.join(file)
        };
        let full = full
            .canonicalize()
            .with_context(|| format!("cannot open `{}`", file.display()))?;
        if !full.starts_with(&self.root) {
            bail!(
                "`{}` lies outside of `{}`: name a path inside it",
                file.display(),
                self.root.display()
            );
        }
        Ok(self.relative(&full))
    }

    fn relative(&self, path: &Path) -> String {
        let relative = path
            .strip_prefix(&self.root)
            .unwrap_or(path)
            .to_string_lossy();
        if cfg!(windows) {
            relative.replace('\\', "/")
        } else {
            relative.into_owned()
        }
    }

    fn unreadable(&self, error: &ignore::Error) -> SkippedFile {
        let mut inner = error;
        let mut path = String::new();
        while let ignore::Error::WithPath { path: at, err } = inner {
            path = self.relative(at);
            inner = err;
        }
        while let ignore::Error::WithDepth { err, .. } = inner {
            inner = err;
            if let ignore::Error::WithPath { path: at, err } = inner {
                path = self.relative(at);
                inner = err;
            }
        }
        SkippedFile {
            path,
            reason: format!("cannot be listed: {inner}"),
        }
    }
}

fn enters(entry: &DirEntry) -> bool {
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) || entry.depth() == 0 {
        return true;
    }
    let name = entry.file_name().to_string_lossy();
    !SKIPPED_FOLDERS.contains(&name.as_ref()) && !entry.path().join("pyvenv.cfg").exists()
}

/// The text of a Python source file: UTF-8 unless its coding line says otherwise (PEP 263). A byte order mark is
/// dropped. The error is the reason why the file is skipped.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(body) {
        Ok(text) if body.contains(&0) => Err(format!(
            "a null byte at offset {}",
            text.find('\0').unwrap_or(0)
        )),
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => match coding_line(body).as_deref() {
            Some(
                "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp1252"
                | "windows-1252" | "iso-8859-15" | "latin-9",
            ) => Ok(Cow::Owned(
                body.iter().map(|&byte| char::from(byte)).collect(),
            )),
            Some("utf-8" | "utf8") | None => Err("not valid UTF-8".to_owned()),
            Some(other) => Err(format!(
                "not valid UTF-8, and its encoding `{}` is not supported",
                other.escape_debug()
            )),
        },
    }
}

/// The encoding that a comment in the first two lines declares, in lower case with `-` for `_`.
pub fn coding_line(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&byte| byte == b'\n').take(2) {
        let line = String::from_utf8_lossy(&line[..line.len().min(400)]);
        let comment = line.trim_start();
        if !comment.starts_with('#') {
            continue;
        }
        let Some(at) = comment.find("coding") else {
            continue;
        };
        let rest = comment[at + "coding".len()..]
            .strip_prefix([':', '='])
            .unwrap_or_default()
            .trim_start();
        let name: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
            .collect();
        if !name.is_empty() {
            return Some(name.to_ascii_lowercase().replace('_', "-"));
        }
    }
    None
}
