//! The words that rules and findings share: what kind of effect a call has, and what an entrypoint is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Where a Python process starts; `enable()` belongs here.
    Process,
    /// Where one unit of work starts; an actor or an intent belongs here.
    Boundary,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Http,
    Database,
    Filesystem,
    Process,
    Email,
    Messaging,
    Cloud,
    Llm,
    Mcp,
    Browser,
    Secrets,
    Saas,
    Network,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Read,
    Write,
    Delete,
    Execute,
    Send,
    Export,
}

impl Action {
    /// As policies and intents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write => "write",
            Action::Delete => "delete",
            Action::Execute => "execute",
            Action::Send => "send",
            Action::Export => "export",
        }
    }
}
