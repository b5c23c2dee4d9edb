//! What a tool sees of the call that runs it: the repo, progress, cancellation, and the server's shelf of patches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::arguments::Arguments;
use super::error::ToolError;
use super::root::Roots;
use super::shelf::Shelf;
use crate::facts::Scan;
use crate::facts::session::Session;
use crate::plan::Question;
use crate::workspace::Workspace;

/// One call of a tool, on its own thread.
pub struct Call {
    pub arguments: Arguments,
    pub roots: Roots,
    pub shelf: Arc<Shelf>,
    pub cancelled: Arc<AtomicBool>,
    /// What the user answered to the questions of an earlier try of this call.
    pub answers: BTreeMap<String, String>,
    pub progress: UnboundedSender<Progress>,
}

/// How far a call is.
#[derive(Clone, Debug)]
pub struct Progress {
    pub done: f64,
    pub total: f64,
    pub message: String,
}

/// A tool's answer: the same facts for programs and for reading.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub structured: Value,
    pub text: String,
    /// Resources that hold what is too long for an answer: URI and what it is.
    pub links: Vec<(String, String)>,
    /// What a client with elicitation is asked on the spot.
    pub questions: Vec<Question>,
}

impl Call {
    /// The repo that the call is about.
    pub fn workspace(&self) -> Result<Workspace, ToolError> {
        self.roots.open(self.arguments.text("path"))
    }

    /// The repo's facts; those of an earlier call where no file has changed since.
    pub fn scan(&self, workspace: &Workspace) -> Result<Arc<Scan>, ToolError> {
        self.check_cancelled()?;
        let fix = "mend what is named, or name another directory with `path`";
        let updates = self.progress.clone();
        let session = Session::new(self.cancelled.clone(), move |done, total| {
            // Nobody listens where the client did not ask for progress.
            let _ = updates.send(Progress {
                done: done as f64,
                total: total as f64,
                message: "files read and resolved".to_owned(),
            });
        });
        let scan = self.shelf.scan(workspace, session);
        let scan = scan.map_err(|error| ToolError::from_chain("scan_failed", &error, fix))?;
        self.check_cancelled()?;
        Ok(scan)
    }

    /// An error once the client has cancelled the call; nobody reads it, the work ends.
    pub fn check_cancelled(&self) -> Result<(), ToolError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(ToolError::new(
                "cancelled",
                "the client cancelled the call",
                "call again",
            ));
        }
        Ok(())
    }
}

/// The root that an answer names.
pub fn root_of(workspace: &Workspace) -> Value {
    json!(workspace.root().to_string_lossy())
}
