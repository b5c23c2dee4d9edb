//! A boundary, as `/api/v2/policies/install` takes it, becomes a Cedar policy.
//!
//! ```json
//! {"id": "refunds", "effect": "allow", "actions": ["refund"], "actors": [{"type": "agent", "id": "billing-bot"}],
//!  "resources": [{"type": "external_api", "name": "stripe"}], "data": {"pii": false}, "reason": "..."}
//! ```
//!
//! `constraints` may hold the four lists, in the management plane's spelling (`action.actions`, `resource.types`, …).

use serde_json::{Map, Value};

use super::canonical::{self, Canonicalized};
use super::intent::{FieldError, kind_of};

/// What an install request asks for.
#[derive(Clone, Debug)]
pub struct Boundary {
    pub id: String,
    /// Under which it is kept: one tenant's boundary never replaces another's.
    pub name: String,
    pub cedar: String,
    pub trace: Vec<Canonicalized>,
}

impl Boundary {
    /// Reads the body and writes the policy for one tenant.
    pub fn from_json(body: &Value, tenant: &str) -> Result<Boundary, Vec<FieldError>> {
        let body = body.get("boundary").unwrap_or(body);
        let Some(object) = body.as_object() else {
            let msg = format!("Input should be an object, got {}", kind_of(body));
            return Err(vec![FieldError::new("dict_type", &[], msg)]);
        };
        let mut reader = Reader {
            object,
            constraints: object.get("constraints").and_then(Value::as_object),
            errors: Vec::new(),
            trace: Vec::new(),
        };
        let id = reader.id();
        let cedar = reader.cedar(&id, tenant);
        if reader.errors.is_empty() {
            Ok(Boundary {
                name: match tenant {
                    super::DEFAULT_TENANT => id.clone(),
                    tenant => format!("{tenant}.{id}"),
                },
                id,
                cedar,
                trace: reader.trace,
            })
        } else {
            Err(reader.errors)
        }
    }
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    constraints: Option<&'a Map<String, Value>>,
    errors: Vec<FieldError>,
    trace: Vec<Canonicalized>,
}

impl Reader<'_> {
    /// The id, which is a file's name too: letters, digits, `-`, `_`, `.`.
    fn id(&mut self) -> String {
        let id = ["id", "boundary_id", "name"]
            .iter()
            .find_map(|key| self.object.get(*key).and_then(Value::as_str));
        let Some(id) = id.map(str::trim).filter(|id| !id.is_empty()) else {
            self.errors
                .push(FieldError::new("missing", &["id"], "Field required"));
            return String::new();
        };
        let safe: String = id
            .chars()
            .take(100)
            .map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => character,
                _ => '-',
            })
            .collect();
        safe
    }

    fn cedar(&mut self, id: &str, tenant: &str) -> String {
        let (keyword, hold) = self.effect();
        let actions = self.actions();
        let mut conditions = vec![format!("context.tenant == {}", quoted(tenant))];
        conditions.extend(self.alternatives("actors", "actor", "principal"));
        conditions.extend(self.alternatives("resources", "resource", "resource"));
        conditions.extend(self.data());
        let reason = self.object.get("reason").and_then(Value::as_str);
        let mut cedar = format!("@id({})\n", quoted(id));
        if let Some(reason) = reason.filter(|_| !hold) {
            cedar += &format!("@reason({})\n", quoted(reason));
        }
        if hold {
            let reason = reason.unwrap_or("the boundary asks for a review");
            cedar += &format!("@hold({})\n", quoted(reason));
        }
        let action = match actions.as_slice() {
            [] => "action".to_owned(),
            names => {
                let names: Vec<String> = names
                    .iter()
                    .map(|name| format!("Action::{}", quoted(name)))
                    .collect();
                format!("action in [{}]", names.join(", "))
            }
        };
        cedar += &format!(
            "{keyword} (principal, {action}, resource)\nwhen {{ {} }};\n",
            conditions.join(" && ")
        );
        cedar
    }

    fn effect(&mut self) -> (&'static str, bool) {
        let rules = self.object.get("rules").and_then(Value::as_object);
        let effect = [
            self.object.get("effect"),
            self.object.get("decision"),
            rules.and_then(|rules| rules.get("effect")),
            rules.and_then(|rules| rules.get("decision")),
        ]
        .into_iter()
        .flatten()
        .find_map(Value::as_str);
        match effect.map(str::to_lowercase).as_deref() {
            Some("allow" | "permit") => ("permit", false),
            Some("deny" | "forbid" | "block") => ("forbid", false),
            Some("hold" | "review") => ("permit", true),
            Some(_) => {
                let msg = "Input should be 'allow', 'deny' or 'hold'";
                self.errors.push(FieldError::new("enum", &["effect"], msg));
                ("forbid", false)
            }
            None => {
                self.errors
                    .push(FieldError::new("missing", &["effect"], "Field required"));
                ("forbid", false)
            }
        }
    }

    fn actions(&mut self) -> Vec<String> {
        let constraint = self.constraints.and_then(|found| found.get("action"));
        let words = self
            .object
            .get("actions")
            .or_else(|| self.object.get("action"))
            .or_else(|| constraint.and_then(|found| found.get("actions")))
            .or(constraint.filter(|found| !found.is_object()));
        let words = words.map(|words| self.words(words, &["actions"]));
        let mut canonical_words = Vec::new();
        for word in words.unwrap_or_default() {
            let canonicalized = canonical::action(&word);
            let canonical = canonicalized.prediction.canonical.clone();
            self.trace.push(canonicalized);
            if !canonical_words.contains(&canonical) {
                canonical_words.push(canonical);
            }
        }
        canonical_words
    }

    /// One condition for a list of actors or resources: any of them, each by its type and its id or name.
    fn alternatives(&mut self, plural: &str, singular: &str, variable: &str) -> Option<String> {
        let value = self
            .object
            .get(plural)
            .or_else(|| self.object.get(singular))
            .or_else(|| self.constraints.and_then(|found| found.get(singular)))
            .or_else(|| self.constraints.and_then(|found| found.get(plural)))?
            .clone();
        let items = match value {
            Value::Array(items) => items,
            item => vec![item],
        };
        let alternatives: Vec<String> = items
            .iter()
            .filter_map(|item| self.one_of(item, plural, variable))
            .collect();
        (!alternatives.is_empty()).then(|| format!("({})", alternatives.join(" || ")))
    }

    fn one_of(&mut self, item: &Value, plural: &str, variable: &str) -> Option<String> {
        let name_key = if variable == "principal" {
            "id"
        } else {
            "name"
        };
        let Some(item) = item.as_object() else {
            let msg = format!("Input should be an object, got {}", kind_of(item));
            self.errors
                .push(FieldError::new("dict_type", &[plural], msg));
            return None;
        };
        let mut parts = Vec::new();
        for (keys, attribute) in [
            (["type", "types"], "type"),
            ([name_key, &format!("{name_key}s")], name_key),
        ] {
            let Some(words) = keys.iter().find_map(|key| item.get(*key)) else {
                continue;
            };
            let words: Vec<String> = self
                .words(words, &[plural, attribute])
                .into_iter()
                .filter(|word| word != "*")
                .map(|word| {
                    if variable == "resource" && attribute == "type" {
                        let canonicalized = canonical::resource_type(&word);
                        let canonical = canonicalized.prediction.canonical.clone();
                        self.trace.push(canonicalized);
                        quoted(&canonical)
                    } else {
                        quoted(&word)
                    }
                })
                .collect();
            match words.as_slice() {
                [] => {}
                [word] => parts.push(format!("{variable}.{attribute} == {word}")),
                words => parts.push(format!(
                    "[{}].contains({variable}.{attribute})",
                    words.join(", ")
                )),
            }
        }
        Some(if parts.is_empty() {
            "true".to_owned()
        } else {
            format!("({})", parts.join(" && "))
        })
    }

    fn data(&mut self) -> Vec<String> {
        let data = self
            .object
            .get("data")
            .or_else(|| self.constraints.and_then(|found| found.get("data")))
            .and_then(Value::as_object);
        let Some(data) = data else {
            return Vec::new();
        };
        let mut conditions = Vec::new();
        if let Some(pii) = data.get("pii").and_then(Value::as_bool) {
            conditions.push(format!("context.data.pii == {pii}"));
        }
        let labels = data.get("sensitivity").cloned().unwrap_or_default();
        let labels = match labels {
            Value::Null => Vec::new(),
            labels => self.words(&labels, &["data", "sensitivity"]),
        };
        if !labels.is_empty() {
            let labels: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
            let labels = labels.join(", ");
            conditions.push(format!("context.data.sensitivity.containsAny([{labels}])"));
        }
        conditions
    }

    fn words(&mut self, value: &Value, loc: &[&str]) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            item => std::slice::from_ref(item),
        };
        let mut words = Vec::new();
        for item in items {
            match item {
                Value::String(word) => words.push(word.clone()),
                other => {
                    let msg = format!("Input should be a valid string, got {}", kind_of(other));
                    self.errors.push(FieldError::new("string_type", loc, msg));
                }
            }
        }
        words
    }
}

/// A Cedar string literal.
pub fn quoted(text: &str) -> String {
    let mut literal = String::from('"');
    for character in text.chars() {
        match character {
            '"' => literal += "\\\"",
            '\\' => literal += "\\\\",
            '\n' => literal += "\\n",
            '\r' => literal += "\\r",
            '\t' => literal += "\\t",
            control if control.is_control() => {
                literal += &format!("\\u{{{:x}}}", u32::from(control));
            }
            plain => literal.push(plain),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::store::Store;
    use serde_json::json;

    #[track_caller]
    fn check_cedar(body: Value, expected: &str) {
        let boundary = Boundary::from_json(&body, "acme").expect("a valid boundary");
        assert_eq!(boundary.cedar, expected);
        Store::from_cedar("boundary", &boundary.cedar).expect("parses");
    }

    #[test]
    fn a_boundary_becomes_a_policy() {
        check_cedar(
            json!({"id": "refunds", "effect": "allow", "actions": ["refund"], "actors": [{"type": "agent", "id": "bot"}],
                   "resources": [{"type": "external_api", "name": "stripe"}], "data": {"pii": false}}),
            "@id(\"refunds\")\npermit (principal, action in [Action::\"write\"], resource)\nwhen { context.tenant == \"acme\" && ((principal.type == \"agent\" && principal.id == \"bot\")) && ((resource.type == \"external_api\" && resource.name == \"stripe\")) && context.data.pii == false };\n",
        );
    }

    #[test]
    fn text_cannot_leave_its_literal() {
        check_cedar(
            json!({"id": "../x\"", "effect": "deny", "reason": "a\"); permit(principal, action, resource);\n", "resources": {"names": ["*"]}}),
            "@id(\"---x-\")\n@reason(\"a\\\"); permit(principal, action, resource);\\n\")\nforbid (principal, action, resource)\nwhen { context.tenant == \"acme\" && (true) };\n",
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let errors = Boundary::from_json(&json!({"effect": "maybe"}), "acme").expect_err("invalid");
        let locs: Vec<String> = errors.iter().map(|error| error.loc.join(".")).collect();
        assert_eq!(locs, ["body.id", "body.effect"]);
    }
}
