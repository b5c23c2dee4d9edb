//! A patch made on disk: every base is checked first, then all files are written or none.

use std::fs;
use std::path::{Path, PathBuf};

use super::Patch;
use crate::diff::FileChange;
use crate::workspace::Workspace;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file is not what the patch was made from.
    #[error("stale_content: `{0}` changed since the patch was made: run the command again")]
    Stale(String),
    #[error("cannot write `{path}`: {source}: nothing was changed")]
    Io {
        path: String,
        source: std::io::Error,
    },
}

/// Makes the change, the client's files included. Returns the paths.
pub fn write(workspace: &Workspace, patch: &Patch) -> Result<Vec<String>, WriteError> {
    let changes: Vec<&FileChange> = patch
        .client_changes
        .iter()
        .chain(&patch.changes)
        .filter(|change| change.old != change.new)
        .collect();
    let root = workspace.root();
    for change in &changes {
        let on_disk = fs::read(root.join(&change.path)).ok();
        if on_disk != change.old {
            return Err(WriteError::Stale(change.path.clone()));
        }
    }
    let mut done = Done::default();
    for change in &changes {
        let path = root.join(&change.path);
        if let Err(source) = make(change, &path, &mut done) {
            done.take_back();
            return Err(WriteError::Io {
                path: change.path.clone(),
                source,
            });
        }
    }
    remove_empty_folders(root, &changes);
    Ok(changes.iter().map(|change| change.path.clone()).collect())
}

fn make(change: &FileChange, path: &Path, done: &mut Done) -> std::io::Result<()> {
    let Some(new) = &change.new else {
        fs::remove_file(path)?;
        done.files.push((path.to_owned(), change.old.clone()));
        return Ok(());
    };
    let parent = path.parent().unwrap_or(path);
    let missing: Vec<PathBuf> = parent
        .ancestors()
        .take_while(|folder| !folder.exists())
        .map(Path::to_owned)
        .collect();
    fs::create_dir_all(parent)?;
    done.folders.extend(missing);
    // Written beside and renamed over it, so that nobody sees half a file; its permissions go along.
    let beside = parent.join(format!(
        ".{}.governor-mcp",
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    let result = fs::write(&beside, new).and_then(|()| {
        if let Ok(metadata) = fs::metadata(path) {
            fs::set_permissions(&beside, metadata.permissions())?;
            if metadata.permissions().readonly() {
                return Err(std::io::Error::from(std::io::ErrorKind::PermissionDenied));
            }
        }
        fs::rename(&beside, path)
    });
    if result.is_err() {
        let _ = fs::remove_file(&beside);
    }
    result?;
    done.files.push((path.to_owned(), change.old.clone()));
    Ok(())
}

/// What was written so far, with what was there before.
#[derive(Default)]
struct Done {
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
    folders: Vec<PathBuf>,
}

impl Done {
    fn take_back(self) {
        for (path, old) in self.files.into_iter().rev() {
            let _ = match old {
                Some(old) => fs::write(&path, old),
                None => fs::remove_file(&path),
            };
        }
        for folder in self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Folders that an undo left empty. A byte code cache that Python put there goes along.
fn remove_empty_folders(root: &Path, changes: &[&FileChange]) {
    let mut folders: Vec<PathBuf> = changes
        .iter()
        .filter(|change| change.new.is_none())
        .filter_map(|change| Some(root.join(&change.path).parent()?.to_owned()))
        .collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    folders.dedup();
    for folder in folders {
        if folder == root {
            continue;
        }
        let cache = folder.join("__pycache__");
        if cache.is_dir() {
            let others = fs::read_dir(&folder).map_or(2, |entries| entries.count());
            if others == 1 {
                let _ = fs::remove_dir_all(cache);
            }
        }
        let _ = fs::remove_dir(folder);
    }
}
