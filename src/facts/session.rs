//! What an analysis shares with the one who asked for it: how far it is, whether it is still wanted, and the parsed
//! modules of an earlier analysis of the same repo.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustc_hash::FxHashMap;

use super::load::Parsed;

/// One asker. The default one never cancels, hears nothing and remembers nothing.
#[derive(Default)]
pub struct Session {
    /// Set it, and the analysis ends with an error at its next file.
    pub(super) cancelled: Arc<AtomicBool>,
    /// Called with the files done and their number; each file is read once and resolved once, so it counts twice.
    progress: Option<Box<dyn Fn(usize, usize) + Send + Sync>>,
    pub memory: Option<Arc<Memory>>,
    done: AtomicUsize,
    total: AtomicUsize,
    /// What was told last: progress never goes back.
    told: Mutex<usize>,
}

/// Parsed modules by path, as long as their files are not written.
#[derive(Debug, Default)]
pub struct Memory {
    modules: Mutex<FxHashMap<String, (Stamp, Parsed)>>,
}

/// Tells one state of a file from another: when it was written, and its size.
pub type Stamp = (SystemTime, u64);

/// Progress is told at every so many files.
const STEP: usize = 32;

impl Session {
    /// An asker who may set `cancelled`, and who is told the files done and their number.
    pub fn new(
        cancelled: Arc<AtomicBool>,
        progress: impl Fn(usize, usize) + Send + Sync + 'static,
    ) -> Session {
        Session {
            cancelled,
            progress: Some(Box::new(progress)),
            ..Session::default()
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn expect(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn advance(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let total = self.total.load(Ordering::Relaxed);
        if done.is_multiple_of(STEP) || done == total {
            self.tell(done, total);
        }
    }

    /// The answer was known: all is done.
    pub fn is_known(&self) {
        self.tell(1, 1);
    }

    fn tell(&self, done: usize, total: usize) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = &self.progress
            && done > *told
        {
            *told = done;
            progress(done, total);
        }
    }
}

impl Memory {
    pub(super) fn get(&self, path: &str, stamp: Stamp) -> Option<Parsed> {
        let modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, parsed) = modules.get(path)?;
        (*at == stamp).then(|| parsed.clone())
    }

    /// Replaces what is known: files that are gone are forgotten.
    pub(super) fn keep(&self, modules: FxHashMap<String, (Stamp, Parsed)>) {
        *self.modules.lock().unwrap_or_else(PoisonError::into_inner) = modules;
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("done", &self.done)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
