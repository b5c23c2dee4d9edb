//! Facts become steps: what to change, where, why, how risky it is and how safe it is to apply unseen.
//!
//! A plan is a pure function of the repo's facts and the options: it changes nothing and asks nothing. What only a
//! person can decide is a [`Question`] with choices, each with a default that the patch takes meanwhile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::edit::{Insertions, python};
use crate::facts::Scan;
use crate::workspace::Workspace;

mod actor;
mod client;
pub mod config;
mod context;
pub mod docker;
mod enable;
mod scopes;
pub mod workflow;
pub mod zero_code;

pub use context::{Context, join};

/// How the repo is put under enforcement.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One line in each process, before its first effect.
    Enable,
    /// No code: the environment that the repo deploys with.
    Sitecustomize,
    /// Intent scopes around the work of each purpose.
    Scopes,
    /// Enable, and scopes around the high-risk effects.
    #[default]
    Hybrid,
}

/// Where the Python client comes from.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum ClientSource {
    /// A folder in the repo; needs no package index.
    #[default]
    Vendored,
    /// A dependency line in the project's own manifest.
    Package,
}

/// What to plan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub mode: Mode,
    pub client: ClientSource,
    /// Ids of the steps to take; empty takes all.
    pub steps: Vec<String>,
    /// Plan for code of every origin, not only `app`.
    pub all: bool,
}

/// How safe a step is to apply without looking.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Applicability {
    /// Nothing that the code does changes but the policy decision before each effect.
    Safe,
    /// Applies and parses, but rests on something that a person knows better.
    NeedsReview,
    /// Text for a person; no diff applies it.
    DisplayOnly,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Low,
    Medium,
    High,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Says what and where, and stays the same from run to run: `enable:app/main.py`.
    pub id: String,
    pub title: String,
    /// `path:line`, or the path alone.
    #[serde(rename = "where")]
    pub place: String,
    pub reason: String,
    pub risk: Risk,
    pub applicability: Applicability,
    /// Text for a person, where no diff does the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    #[serde(skip)]
    pub change: Change,
}

/// What a step does to the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// Nothing: a person does it.
    #[default]
    None,
    /// Goes into a Python module, together with the other parts of the same module.
    Python { path: String, part: python::Part },
    /// Goes into a file of another kind.
    Text {
        path: String,
        insertions: Insertions,
    },
    /// A new file.
    Create { path: String, content: Vec<u8> },
    /// The client's files, in the folder `governor` of this one.
    Client { dir: String },
}

impl Step {
    /// A step that is safe and has no text for a person.
    fn new(id: String, title: String, place: String, reason: String, change: Change) -> Step {
        Step {
            id,
            title,
            place,
            reason,
            risk: Risk::Low,
            applicability: Applicability::Safe,
            instructions: None,
            change,
        }
    }

    fn needs_review(mut self, risk: Risk) -> Step {
        self.applicability = Applicability::NeedsReview;
        self.risk = risk;
        self
    }

    fn display_only(mut self, instructions: String) -> Step {
        self.applicability = Applicability::DisplayOnly;
        self.risk = Risk::Medium;
        self.instructions = Some(instructions);
        self
    }
}

/// What only a person can answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    pub id: String,
    pub question: String,
    pub choices: Vec<Choice>,
    /// The choice that the patch takes until somebody answers.
    pub default: String,
    /// Ids of the steps that the answer changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    pub value: String,
    pub consequence: String,
}

/// A place that was left alone, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    #[serde(rename = "where")]
    pub place: String,
    pub reason: String,
}

/// The steps from the repo as it is to the repo under enforcement. Empty when nothing is left to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub mode: Mode,
    pub client: ClientSource,
    pub steps: Vec<Step>,
    pub needs_input: Vec<Question>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
}

/// Plans the integration of the repo that `scan` describes.
pub fn plan(workspace: &Workspace, scan: &Scan, options: &Options) -> Plan {
    let context = Context::new(workspace, scan, options);
    let mut plan = Plan {
        mode: options.mode,
        client: options.client,
        steps: Vec::new(),
        needs_input: Vec::new(),
        refused: Vec::new(),
    };
    match options.mode {
        Mode::Enable => enable::add_steps(&context, &mut plan),
        // What needs the client in place comes after it.
        Mode::Sitecustomize => {}
        Mode::Scopes => scopes::add_steps(&context, scopes::Which::All, &mut plan),
        Mode::Hybrid => {
            enable::add_steps(&context, &mut plan);
            scopes::add_steps(&context, scopes::Which::HighRisk, &mut plan);
        }
    }
    if options.mode != Mode::Sitecustomize {
        workflow::add_steps(&context, &mut plan);
    }
    client::add_steps(&context, &mut plan);
    if options.mode == Mode::Sitecustomize {
        zero_code::add_steps(&context, &mut plan);
    }
    config::add_steps(&context, &mut plan);
    actor::add_steps(&context, &mut plan);
    plan
}

/// Whether the project depends on the client's package.
fn declares_client(context: &Context) -> bool {
    context
        .files_named(|name| {
            matches!(
                name,
                "pyproject.toml" | "Pipfile" | "setup.cfg" | "setup.py"
            ) || name.starts_with("requirements")
                || matches!(name, "environment.yml" | "environment.yaml")
        })
        .any(|path| {
            context.read(path).is_ok_and(|bytes| {
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                text.contains("governor-sdk") || text.contains("governor_sdk")
            })
        })
}
