//! What a caller asks to do, read from a request body with errors that name the field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An intent as the caller sent it: raw words, not yet canonical.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    pub action: String,
    pub actor: Actor,
    pub resource: Resource,
    #[serde(default)]
    pub data: Map<String, Value>,
    #[serde(default)]
    pub risk: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Whatever else policies may ask about; `call` is the call that waits for the decision.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// The question as it stood in the body, which may say more than the fields above; a token is bound to it.
    #[serde(skip)]
    #[schemars(skip)]
    asked: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    pub id: String,
    #[serde(rename = "type", default = "agent")]
    pub kind: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub name: String,
}

fn agent() -> String {
    "agent".to_owned()
}

/// One thing wrong with a body, shaped as FastAPI shapes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub loc: Vec<String>,
    pub msg: String,
}

impl FieldError {
    pub fn new(kind: &'static str, loc: &[&str], msg: impl Into<String>) -> FieldError {
        let loc = std::iter::once("body")
            .chain(loc.iter().copied())
            .map(str::to_owned)
            .collect();
        FieldError {
            kind,
            loc,
            msg: msg.into(),
        }
    }
}

impl Intent {
    /// Reads a request body. Unknown fields are left alone: a tenant in the body means nothing.
    pub fn from_json(body: &Value) -> Result<Intent, Vec<FieldError>> {
        let mut reader = Reader::default();
        let Some(object) = body.as_object() else {
            return Err(vec![FieldError::new(
                "dict_type",
                &[],
                format!("Input should be an object, got {}", kind_of(body)),
            )]);
        };
        let action = reader.text(object, &["action"], None);
        let actor = reader.object(object, "actor", true);
        let resource = reader.object(object, "resource", true);
        let intent = Intent {
            action,
            actor: match &actor {
                Some(actor) => Actor {
                    id: reader.text(actor, &["actor", "id"], None),
                    kind: reader.text(actor, &["actor", "type"], Some("agent")),
                },
                None => Actor::default(),
            },
            resource: match &resource {
                Some(resource) => Resource {
                    kind: reader.text(resource, &["resource", "type"], None),
                    name: reader.text(resource, &["resource", "name"], Some("")),
                },
                None => Resource::default(),
            },
            data: reader.object(object, "data", false).unwrap_or_default(),
            risk: reader.object(object, "risk", false).unwrap_or_default(),
            layer: object
                .get("layer")
                .filter(|layer| !layer.is_null())
                .map(|_| reader.text(object, &["layer"], None)),
            context: reader.object(object, "context", false).unwrap_or_default(),
            asked: Some(json!({
                "action": object.get("action"),
                "actor": object.get("actor"),
                "call": object.get("context").and_then(|context| context.get("call")),
                "resource": object.get("resource"),
            })),
        };
        reader.data(&intent.data);
        if reader.errors.is_empty() {
            Ok(intent)
        } else {
            Err(reader.errors)
        }
    }

    /// The call that waits for the decision, as the client describes it.
    pub fn call(&self) -> Value {
        self.context.get("call").cloned().unwrap_or(Value::Null)
    }

    /// What a decision is bound to: the action, the actor, the resource and the call, as sent.
    pub fn question(&self) -> Value {
        self.asked.clone().unwrap_or_else(|| {
            json!({"action": self.action, "actor": self.actor, "call": self.call(), "resource": self.resource})
        })
    }

    /// The same question in canonical words.
    pub fn with_canonical(&self, action: &str, resource_type: &str) -> Intent {
        let mut canonical = self.clone();
        canonical.action = action.to_owned();
        canonical.resource.kind = resource_type.to_owned();
        canonical
    }
}

#[derive(Default)]
struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    /// The text at the end of `loc` in `object`; required unless there is a default.
    fn text(&mut self, object: &Map<String, Value>, loc: &[&str], default: Option<&str>) -> String {
        let key = loc.last().copied().unwrap_or_default();
        match (object.get(key), default) {
            (Some(Value::String(text)), _) if text.trim().is_empty() && default.is_none() => {
                let msg = "String should have at least 1 character";
                self.errors
                    .push(FieldError::new("string_too_short", loc, msg));
            }
            (Some(Value::String(text)), _) if text.chars().count() > 4096 => {
                let msg = "String should have at most 4096 characters";
                self.errors
                    .push(FieldError::new("string_too_long", loc, msg));
            }
            (Some(Value::String(text)), _) => return text.clone(),
            (Some(Value::Null) | None, Some(default)) => return default.to_owned(),
            (None, None) => self
                .errors
                .push(FieldError::new("missing", loc, "Field required")),
            (Some(other), _) => {
                let msg = format!("Input should be a valid string, got {}", kind_of(other));
                self.errors.push(FieldError::new("string_type", loc, msg));
            }
        }
        String::new()
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        key: &str,
        required: bool,
    ) -> Option<Map<String, Value>> {
        match object.get(key) {
            Some(Value::Object(found)) => return Some(found.clone()),
            Some(Value::Null) if !required => {}
            None if !required => {}
            None => self
                .errors
                .push(FieldError::new("missing", &[key], "Field required")),
            Some(other) => {
                let msg = format!("Input should be an object, got {}", kind_of(other));
                self.errors.push(FieldError::new("dict_type", &[key], msg));
            }
        }
        None
    }

    fn data(&mut self, data: &Map<String, Value>) {
        match data.get("pii") {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(other) => {
                let msg = format!("Input should be a valid boolean, got {}", kind_of(other));
                self.errors
                    .push(FieldError::new("bool_type", &["data", "pii"], msg));
            }
        }
        match data.get("sensitivity") {
            None | Some(Value::Null) => {}
            Some(Value::Array(labels)) if labels.iter().all(Value::is_string) => {}
            Some(other) => {
                let msg = format!(
                    "Input should be a list of strings, got {}",
                    match other {
                        Value::Array(_) => "a list with other things in it",
                        other => kind_of(other),
                    }
                );
                self.errors
                    .push(FieldError::new("list_type", &["data", "sensitivity"], msg));
            }
        }
    }
}

pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_intent() {
        let intent = Intent::from_json(&json!({
            "action": "read", "actor": {"id": "a"}, "resource": {"type": "database"}, "tenant_id": "other"
        }))
        .expect("valid");
        assert_eq!(intent.actor.kind, "agent");
        assert_eq!(intent.resource.name, "");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let errors = Intent::from_json(&json!({
            "action": 3, "actor": [], "resource": {"name": "x"}, "data": {"pii": "yes", "sensitivity": [1]}
        }))
        .expect_err("invalid");
        let locs: Vec<String> = errors.iter().map(|error| error.loc.join(".")).collect();
        assert_eq!(
            locs,
            [
                "body.action",
                "body.actor",
                "body.resource.type",
                "body.data.pii",
                "body.data.sensitivity"
            ]
        );
    }
}
