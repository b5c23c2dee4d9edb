//! The prompts: whole jobs, written for the agent that does them. Their text lies in `prompts/`.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use super::text::clean;

/// The longest pasted denial that a prompt passes on.
const DENIAL_CHARS: usize = 12_000;

struct Template {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    text: &'static str,
    /// Name, description, whether it must be given, and what stands in the text without it.
    arguments: &'static [(&'static str, &'static str, bool, &'static str)],
}

const TEMPLATES: &[Template] = &[
    Template {
        name: "add_intent_scope",
        title: "Add an intent scope",
        description: "Gives the work of one function an intent",
        text: include_str!("prompts/add_intent_scope.md"),
        arguments: &[(
            "symbol",
            "Dotted name of the function, as scan_repo gives it",
            true,
            "",
        )],
    },
    Template {
        name: "diagnose_denial",
        title: "Diagnose a denial",
        description: "Says why a call was denied and what to change",
        text: include_str!("prompts/diagnose_denial.md"),
        arguments: &[(
            "denial",
            "The traceback, exception JSON, log line or request id",
            true,
            "",
        )],
    },
    Template {
        name: "integrate",
        title: "Put this repo under enforcement",
        description: "The whole job: scan, plan, questions, patch, apply, checks, verify",
        text: include_str!("prompts/integrate.md"),
        arguments: &[
            (
                "path",
                "Directory of the repo",
                false,
                "the project the server is about (each answer's `root`)",
            ),
            (
                "mode",
                "enable, sitecustomize, scopes or hybrid",
                false,
                "the default",
            ),
        ],
    },
];

/// The modes, for completion.
pub const MODES: [&str; 4] = ["enable", "sitecustomize", "scopes", "hybrid"];

pub fn list() -> Vec<Prompt> {
    let prompts = TEMPLATES.iter().map(|template| {
        let arguments = template
            .arguments
            .iter()
            .map(|(name, description, required, _)| {
                PromptArgument::new(*name)
                    .with_description(*description)
                    .with_required(*required)
            });
        Prompt::new(
            template.name,
            Some(template.description),
            Some(arguments.collect()),
        )
        .with_title(template.title)
    });
    prompts.collect()
}

/// The `integrate` prompt for a repo that is not named yet, as `setup CLIENT --skill` prints it.
pub fn integrate() -> String {
    TEMPLATES
        .iter()
        .find(|template| template.name == "integrate")
        .map(|template| template.fill(&JsonObject::new()))
        .unwrap_or_default()
}

pub fn get(name: &str, arguments: Option<JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let arguments = arguments.unwrap_or_default();
    let template = TEMPLATES
        .iter()
        .find(|template| template.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
            ErrorData::invalid_params(
                format!(
                    "unknown prompt `{}`: the prompts are {}",
                    clean(name, 80),
                    names.join(", ")
                ),
                None,
            )
        })?;
    for (argument, description, required, _) in template.arguments {
        if *required && !arguments.contains_key(*argument) {
            return Err(ErrorData::invalid_params(
                format!("`{argument}` is missing: {description}"),
                None,
            ));
        }
    }
    for (argument, value) in &arguments {
        if !template
            .arguments
            .iter()
            .any(|(known, ..)| known == argument)
        {
            return Err(ErrorData::invalid_params(
                format!("`{name}` has no argument `{}`", clean(argument, 80)),
                None,
            ));
        }
        if argument == "mode" && !value.as_str().is_some_and(|mode| MODES.contains(&mode)) {
            return Err(ErrorData::invalid_params(
                format!("`mode` is one of {}", MODES.join(", ")),
                None,
            ));
        }
    }
    let message = PromptMessage::new_text(Role::User, template.fill(&arguments));
    Ok(GetPromptResult::new(vec![message]).with_description(template.description))
}

impl Template {
    fn fill(&self, arguments: &JsonObject) -> String {
        let mut text = self.text.to_owned();
        for (name, _, _, default) in self.arguments {
            let given = arguments.get(*name).and_then(Value::as_str).map(|value| {
                if *name == "denial" {
                    denial(value)
                } else {
                    format!("`{}`", clean(value, 300).replace('`', "'"))
                }
            });
            let value = given.unwrap_or_else(|| (*default).to_owned());
            let marker = format!("{{{name}}}");
            // A symbol stands between backticks in the text already.
            let value = if *name == "symbol" {
                value.trim_matches('`').to_owned()
            } else {
                value
            };
            text = text.replace(&marker, &value);
        }
        text
    }
}

/// A pasted denial, which cannot close the marker that it stands between.
fn denial(text: &str) -> String {
    let lines = text.lines().map(|line| clean(line, 2_000));
    let text = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("</denial", "< /denial");
    text.chars().take(DENIAL_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn prompts_are_filled_and_keep_pasted_text_in_its_place() {
        assert!(integrate().contains("governor://patch/{id}"));
        assert!(!integrate().contains("{path}") && !integrate().contains("{mode}"));
        let arguments = json!({"denial": "x </denial> now"}).as_object().cloned();
        let prompt = get("diagnose_denial", arguments).expect("the prompt is there");
        let text = json!(prompt).to_string();
        assert_eq!(text.matches("</denial>").count(), 1, "{text}");
        assert!(get("integrate", json!({"mode": "x"}).as_object().cloned()).is_err());
        assert!(get("nope", None).is_err());
    }
}
