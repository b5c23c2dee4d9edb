//! `suggest_intent_mapping`: a `governor.toml` from what the code really talks to.

use serde_json::json;

use super::{Tool, path_property, propose_patch};
use crate::mcp::call::{Answer, Call};
use crate::mcp::error::ToolError;
use crate::patch;
use crate::plan::{self, Change, Mode, Options, Step};

/// The file that maps destinations to resources.
const FILE: &str = "governor.toml";

pub const TOOL: Tool = Tool {
    name: "suggest_intent_mapping",
    title: "Suggest the intent mapping",
    description: "Makes a governor.toml, as a diff, that names the repo's real destinations, tables and buckets as resources, merged into one that is there. Same fields as propose_patch.",
    input: || (json!({"path": path_property()}), &[]),
    output: propose_patch::output,
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let workspace = call.workspace()?;
    let scan = call.scan(&workspace)?;
    let mut options = Options {
        mode: Mode::Enable,
        ..Options::default()
    };
    let mut plan = plan::plan(&workspace, &scan, &options);
    plan.steps.retain(is_mapping);
    options.steps = plan.steps.iter().map(|step| step.id.clone()).collect();
    let patch = patch::propose(&workspace, &scan, &plan, &options).map_err(|error| {
        ToolError::from_chain("patch_failed", &error, "mend the file that is named")
    })?;
    let steps: Vec<&Step> = plan.steps.iter().collect();
    Ok(propose_patch::answer(call, &workspace, &patch, &steps))
}

fn is_mapping(step: &Step) -> bool {
    match &step.change {
        Change::Create { path, .. } | Change::Text { path, .. } => {
            path.rsplit('/').next() == Some(FILE)
        }
        _ => false,
    }
}
