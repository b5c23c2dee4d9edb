//! A call's arguments, checked against the tool's input schema so that each mistake gets its own answer.

use rmcp::model::JsonObject;
use serde_json::Value;

use super::error::ToolError;
use super::text::quote;
use crate::policy::intent::kind_of;

/// Arguments that fit the tool's input schema.
#[derive(Clone, Debug, Default)]
pub struct Arguments(JsonObject);

impl Arguments {
    /// Checks `given` against `schema`, a flat object of strings, integers and lists of strings. A null counts as left
    /// out: clients send it for optional arguments.
    pub fn check(given: Option<JsonObject>, schema: &Value) -> Result<Arguments, ToolError> {
        let mut given = given.unwrap_or_default();
        given.retain(|_, value| !value.is_null());
        let properties = schema["properties"].as_object();
        let names = || -> String {
            let names = properties.into_iter().flat_map(|all| all.keys());
            names
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        for (name, value) in &given {
            let Some(property) = properties.and_then(|all| all.get(name)) else {
                return Err(ToolError::new(
                    "unknown_argument",
                    format!("there is no argument {}", quote(name)),
                    format!("the arguments are {}", names()),
                ));
            };
            check_value(name, value, property)?;
        }
        let required = schema["required"].as_array();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !given.contains_key(name) {
                return Err(ToolError::new(
                    "missing_argument",
                    format!("`{name}` is missing"),
                    format!(
                        "pass `{name}`: {}",
                        schema["properties"][name]["description"]
                            .as_str()
                            .unwrap_or("it is required")
                    ),
                ));
            }
        }
        Ok(Arguments(given))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn number(&self, name: &str) -> Option<usize> {
        self.0.get(name).and_then(Value::as_u64).map(|n| n as usize)
    }

    pub fn list(&self, name: &str) -> Vec<&str> {
        let items = self.0.get(name).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// What tells one question from another, the cursor aside.
    pub fn question(&self) -> String {
        let rest = self.0.iter().filter(|(name, _)| *name != "cursor");
        let mut rest: Vec<String> = rest
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        rest.sort();
        rest.join("&")
    }
}

fn check_value(name: &str, value: &Value, property: &Value) -> Result<(), ToolError> {
    let wrong = |expected: &str| {
        let shown = quote(&value.to_string());
        let cause = format!("`{name}` is {}: {shown}", kind_of(value));
        Err(ToolError::new(
            "invalid_argument",
            cause,
            format!("pass {expected}"),
        ))
    };
    match property["type"].as_str() {
        Some("string") => match value.as_str() {
            Some(text) => check_choice(name, text, property),
            None => wrong("a string"),
        },
        Some("integer") => {
            let (low, high) = (property["minimum"].as_u64(), property["maximum"].as_u64());
            let (low, high) = (low.unwrap_or(0), high.unwrap_or(u64::MAX));
            match value.as_u64() {
                Some(number) if (low..=high).contains(&number) => Ok(()),
                _ => wrong(&format!("an integer from {low} to {high}")),
            }
        }
        Some("array") => match value.as_array() {
            Some(items) => items.iter().try_for_each(|item| match item.as_str() {
                Some(text) => check_choice(name, text, &property["items"]),
                None => wrong("a list of strings"),
            }),
            None => wrong("a list of strings"),
        },
        _ => Ok(()),
    }
}

/// A value outside of the valid ones gets a code of its own: `unknown_category`, `unknown_mode`.
fn check_choice(name: &str, value: &str, property: &Value) -> Result<(), ToolError> {
    let Some(choices) = property["enum"].as_array() else {
        return Ok(());
    };
    let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    if choices.contains(&value) {
        return Ok(());
    }
    let code = match name {
        "categories" => "unknown_category",
        "mode" => "unknown_mode",
        _ => "invalid_argument",
    };
    Err(ToolError::new(
        code,
        format!("{} is not a value of `{name}`", quote(value)),
        format!("the values are {}", choices.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_mistake_has_its_code() {
        let schema = json!({"properties": {
            "path": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 9},
            "categories": {"type": "array", "items": {"type": "string", "enum": ["http"]}},
        }, "required": ["path"]});
        let code = |given: Value| {
            let given = given.as_object().cloned();
            Arguments::check(given, &schema)
                .map(|_| "")
                .unwrap_or_else(|error| error.code)
        };
        assert_eq!(
            code(json!({"path": "x", "limit": null, "categories": ["http"]})),
            ""
        );
        assert_eq!(code(json!({})), "missing_argument");
        assert_eq!(code(json!({"path": 1})), "invalid_argument");
        assert_eq!(code(json!({"path": "x", "limit": 10})), "invalid_argument");
        assert_eq!(code(json!({"path": "x", "limit": "1"})), "invalid_argument");
        assert_eq!(
            code(json!({"path": "x", "categories": "http"})),
            "invalid_argument"
        );
        assert_eq!(
            code(json!({"path": "x", "categories": ["htp"]})),
            "unknown_category"
        );
        assert_eq!(code(json!({"path": "x", "pth": "y"})), "unknown_argument");
    }
}
