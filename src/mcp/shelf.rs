//! What the server keeps between calls, none of which changes an answer: patches that an answer linked instead of
//! holding them (a patch's id comes from its bytes, so a link says which one it means whatever came after it), and the
//! scans of the last repos, which hold as long as no file changes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use crate::facts::session::{Memory, Session};
use crate::facts::{self, Scan};
use crate::workspace::Workspace;

/// The oldest patch goes when another comes.
const PATCHES: usize = 32;

/// Scans of so many repos are kept.
const SCANS: usize = 4;

/// Tells one state of a repo's files from another.
type Fingerprint = [u8; 32];

#[derive(Debug, Default)]
pub struct Shelf {
    patches: Mutex<VecDeque<(String, Vec<u8>)>>,
    scans: Mutex<VecDeque<(PathBuf, Fingerprint, Arc<Scan>)>>,
    /// The parsed modules of the last repo.
    modules: Mutex<Option<(PathBuf, Arc<Memory>)>>,
}

impl Shelf {
    /// Keeps a patch and returns its URI.
    pub fn put(&self, id: &str, diff: &[u8]) -> String {
        let mut patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        patches.retain(|(known, _)| known != id);
        if patches.len() == PATCHES {
            patches.pop_front();
        }
        patches.push_back((id.to_owned(), diff.to_vec()));
        format!("governor://patch/{id}")
    }

    pub fn get(&self, id: &str) -> Option<Vec<u8>> {
        let patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        let found = patches.iter().find(|(known, _)| known == id);
        found.map(|(_, diff)| diff.clone())
    }

    /// Ids and sizes, oldest first.
    pub fn list(&self) -> Vec<(String, usize)> {
        let patches = self.patches.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = patches.iter().map(|(id, diff)| (id.clone(), diff.len()));
        listed.collect()
    }

    /// The repo's facts; those of an earlier call where no file has changed since.
    pub fn scan(&self, workspace: &Workspace, mut session: Session) -> anyhow::Result<Arc<Scan>> {
        // Taken before the scan: a file that changes meanwhile makes the next one new.
        let print = fingerprint(workspace);
        let root = workspace.root();
        let locked = || self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = locked()
            .iter()
            .find(|(of, at, _)| of == root && *at == print)
            .map(|(_, _, scan)| scan.clone());
        if let Some(scan) = known {
            session.is_known();
            return Ok(scan);
        }
        session.memory = Some(self.memory(root));
        let options = facts::Options::default();
        let scan = Arc::new(facts::analyze_for(&session, workspace, &options)?);
        let mut scans = locked();
        scans.retain(|(of, ..)| of != root);
        if scans.len() == SCANS {
            scans.pop_front();
        }
        scans.push_back((root.to_owned(), print, scan.clone()));
        Ok(scan)
    }

    fn memory(&self, root: &Path) -> Arc<Memory> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        match &*modules {
            Some((of, memory)) if of == root => memory.clone(),
            _ => modules.insert((root.to_owned(), Arc::default())).1.clone(),
        }
    }
}

/// Changes when a file comes, goes, or is written.
fn fingerprint(workspace: &Workspace) -> Fingerprint {
    let mut hash = Sha256::new();
    for path in workspace.list(|_| true).files {
        hash.update(path.as_bytes());
        let metadata = workspace.root().join(&path).metadata();
        let modified = metadata
            .as_ref()
            .ok()
            .and_then(|metadata| metadata.modified().ok());
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        hash.update(since.map_or(0, |since| since.as_nanos()).to_be_bytes());
        hash.update(
            metadata
                .map_or(u64::MAX, |metadata| metadata.len())
                .to_be_bytes(),
        );
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_holds_until_a_file_changes() {
        let repo = tempfile::tempdir().expect("a temporary folder");
        let file = repo.path().join("a.py");
        std::fs::write(&file, "x = 1\n").expect("a file");
        let workspace = Workspace::open(repo.path()).expect("a repo");
        let shelf = Shelf::default();
        let scan = || shelf.scan(&workspace, Session::default()).expect("a scan");
        let first = scan();
        assert!(Arc::ptr_eq(&first, &scan()));
        std::fs::write(&file, "import os\n\nos.remove('x')\n").expect("a file");
        assert_eq!(scan().effects.len(), 1);
        std::fs::write(repo.path().join("b.py"), "import os\n\nos.remove('y')\n").expect("a file");
        assert_eq!(scan().effects.len(), 2);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(scan().effects.len(), 1);
        let cancelled = Session::new(Arc::new(true.into()), |_, _| {});
        std::fs::write(&file, "x = 1\n").expect("a file");
        assert!(shelf.scan(&workspace, cancelled).is_err());
        assert_eq!(scan().effects.len(), 1);
    }

    #[test]
    fn the_oldest_patch_goes() {
        let shelf = Shelf::default();
        for number in 0..=PATCHES {
            shelf.put(&number.to_string(), b"diff");
        }
        assert_eq!(shelf.get("0"), None);
        assert_eq!(shelf.list().len(), PATCHES);
    }
}
