//! A plan as one patch that carries its own evidence: the diff, the same as edits, the inverse, the base hashes, the
//! coverage before and after, and the commands that apply it, undo it and check it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Coverage, Scan};
use crate::plan::{Mode, Options, Plan};
use crate::workspace::Workspace;

mod evidence;
mod propose;
mod undo;
mod write;

pub use write::{WriteError, write};

/// A change to the repo, not yet made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Patch {
    /// From the diff's bytes: the same patch has the same id. `governor://patch/{id}` holds it.
    pub id: String,
    /// The directory that the diff's paths start from: the git root that holds the repo, or the repo itself.
    pub root: String,
    pub mode: Mode,
    /// Ids of the steps that the diff takes.
    pub steps: Vec<String>,
    /// A unified diff for `git -C ROOT apply` or `patch -p1`. Empty when nothing is left to do.
    /// Where a file is not UTF-8 this text is lossy, and [`Patch::diff_bytes`] is the diff.
    pub diff: String,
    /// The diff that takes it back.
    pub inverse: String,
    /// The same as edits, for agents that edit with their own tool.
    pub edits: Vec<Edit>,
    /// The client's own files, kept out of the diff so that it stays readable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_files: Vec<ClientFiles>,
    pub evidence: Evidence,
    /// Commands, in order.
    pub apply: Vec<String>,
    pub undo: Vec<String>,
    pub checks: Vec<Check>,
    /// The diff, byte for byte.
    #[serde(skip)]
    pub diff_bytes: Vec<u8>,
    /// The inverse, byte for byte.
    #[serde(skip)]
    pub inverse_bytes: Vec<u8>,
    /// The files of the diff.
    #[serde(skip)]
    pub changes: Vec<crate::diff::FileChange>,
    /// The client's own files.
    #[serde(skip)]
    pub client_changes: Vec<crate::diff::FileChange>,
}

/// `old` occurs exactly once in the file whose bytes hash to `base_sha256`; put `new` in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Relative to the scanned directory, with `/`.
    pub path: String,
    /// Absent for a new file, whose `old` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha256: Option<String>,
    pub old: String,
    pub new: String,
}

/// A copy of the client that the patch's processes import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientFiles {
    /// The folder that will hold `governor/`, relative to the scanned directory; `.` is the directory itself.
    pub dir: String,
    pub files: usize,
    /// Why there: the processes that import it.
    pub reason: String,
    pub command: String,
}

/// What proves the patch.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub files: Vec<FileEvidence>,
    /// Statements of the user's that run earlier or later than before. Always empty: edits only insert.
    pub moved: Vec<String>,
    pub coverage: CoverageChange,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileEvidence {
    pub path: String,
    /// Absent for a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha256: Option<String>,
    pub result_sha256: String,
    /// The result parses wherever the base did.
    pub parses: bool,
    /// The tree without the inserted nodes equals the old one.
    pub tree_unchanged: bool,
    pub lines_added: usize,
    pub lines_reindented: usize,
}

/// How many effects are in each state, by count of effects.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CoverageChange {
    pub before: BTreeMap<Coverage, usize>,
    pub after: BTreeMap<Coverage, usize>,
    /// Effects that no step of this mode governs: ids in the scan, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<String, String>,
}

/// Something to run, and what it should say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    pub number: usize,
    pub title: String,
    pub command: String,
    pub expect: String,
}

/// Makes the patch for the steps of `plan` that `options` selects. Errors when a step's id is unknown.
pub fn propose(
    workspace: &Workspace,
    scan: &Scan,
    plan: &Plan,
    options: &Options,
) -> anyhow::Result<Patch> {
    propose::propose(workspace, scan, plan, options)
}

/// The patch that takes an integration back, from the code as it stands now.
pub fn undo(workspace: &Workspace, scan: &Scan, options: &Options) -> anyhow::Result<Patch> {
    undo::undo(workspace, scan, options)
}

/// The client's files as their own diff, which `governor://patch/{id}` links: it is long and nobody's code.
pub fn client_diff(workspace: &Workspace, patch: &Patch) -> Vec<u8> {
    let (_, prefix) = crate::diff::apply_root(workspace.root());
    crate::diff::unified(&patch.client_changes, &prefix)
}

/// Quoted for a shell where it needs to be.
pub(crate) fn shell_word(text: &str) -> String {
    let is_plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+=:@%,".contains(&byte));
    if is_plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
