//! The tools. To add one: its file under `tools/`, and its line in [`ALL`].

use std::sync::LazyLock;

use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::error::ToolError;
use crate::plan::Options;

mod diagnose_denial;
mod plan_integration;
mod propose_patch;
mod read_doc;
mod scan_repo;
mod search_docs;
mod suggest_intent_mapping;
mod verify_integration;

/// A tool: what a client reads of it, and the function that answers.
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// The properties of the input, and the names of those that must be there.
    pub input: fn() -> (Value, &'static [&'static str]),
    /// The properties of the output, and the names of those that are always there.
    pub output: fn() -> (Value, &'static [&'static str]),
    pub run: fn(&Call) -> Result<Answer, ToolError>,
}

/// Every tool, sorted by name.
pub const ALL: &[Tool] = &[
    diagnose_denial::TOOL,
    plan_integration::TOOL,
    propose_patch::TOOL,
    read_doc::TOOL,
    scan_repo::TOOL,
    search_docs::TOOL,
    suggest_intent_mapping::TOOL,
    verify_integration::TOOL,
];

pub fn find(name: &str) -> Option<&'static Tool> {
    ALL.iter().find(|tool| tool.name == name)
}

impl Tool {
    pub fn input_schema(&self) -> Value {
        let (properties, required) = (self.input)();
        let mut schema =
            json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    pub fn output_schema(&self) -> Value {
        let (properties, required) = (self.output)();
        json!({"type": "object", "properties": properties, "required": required})
    }

    fn definition(&self) -> Definition {
        let annotations = ToolAnnotations::new()
            .read_only(true)
            .destructive(false)
            .idempotent(true)
            .open_world(false);
        Definition::new(self.name, self.description, object(self.input_schema()))
            .with_title(self.title)
            .with_raw_output_schema(object(self.output_schema()).into())
            .with_annotations(annotations)
    }
}

/// What `tools/list` answers; the same for every client.
pub fn definitions() -> &'static [Definition] {
    static DEFINITIONS: LazyLock<Vec<Definition>> =
        LazyLock::new(|| ALL.iter().map(Tool::definition).collect());
    &DEFINITIONS
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}

/// The `path` argument that the tools share.
fn path_property() -> Value {
    json!({"type": "string", "description": "Directory of the repo; default: the project the server is about"})
}

fn mode_property() -> Value {
    json!({"type": "string", "enum": super::prompts::MODES, "description": "Default hybrid: enable() in each process, intent scopes around high-risk effects"})
}

fn cursor_property() -> Value {
    json!({"type": "string", "description": "next_cursor of the page before"})
}

fn text_schema() -> Value {
    json!({"type": "string"})
}

/// A list of objects.
fn list_schema() -> Value {
    json!({"type": "array", "items": {"type": "object"}})
}

/// What to plan, from the arguments that the planning tools share.
fn plan_options(call: &Call) -> Options {
    let choice = |name: &str| call.arguments.text(name).map(Value::from);
    Options {
        mode: choice("mode")
            .and_then(|mode| serde_json::from_value(mode).ok())
            .unwrap_or_default(),
        client: choice("client")
            .and_then(|client| serde_json::from_value(client).ok())
            .unwrap_or_default(),
        steps: call
            .arguments
            .list("steps")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        all: false,
    }
}

/// A value's name in the JSON.
fn name_of(value: &impl serde::Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
