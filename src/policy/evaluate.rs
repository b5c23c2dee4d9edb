//! An intent as a Cedar request, and what the policies say to it.
//!
//! principal `Agent::"id"`, action `Action::"read"`, resource `Database::"orders"` (the entity type is the canonical
//! type in CamelCase); context holds `data`, `risk`, `call`, `tenant`, `layer` and whatever the caller's context adds.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Effect, Entities, Entity, EntityId,
    EntityTypeName, EntityUid, PolicySet, Request, RestrictedExpression,
};
use serde_json::{Map, Value};

use super::intent::Intent;

/// The annotation that turns a permit into a hold.
const HOLD: &str = "hold";

/// What the policies say, with the ids of those that decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Permitted {
        by: Vec<String>,
    },
    Held {
        by: Vec<String>,
        reason: String,
    },
    Forbidden {
        by: Vec<String>,
        reason: Option<String>,
    },
    /// No policy permits it; `broken` are the permits that could not be evaluated.
    NothingPermits {
        broken: Vec<String>,
    },
    /// A forbid could not be evaluated, so nothing can be permitted.
    Unevaluated {
        by: Vec<String>,
        errors: Vec<String>,
    },
}

impl Verdict {
    /// Whether it is a permit, or a hold, that this policy determined.
    pub fn permits_by(&self, policy_id: &str) -> bool {
        match self {
            Verdict::Permitted { by } | Verdict::Held { by, .. } => {
                by.iter().any(|id| id == policy_id)
            }
            _ => false,
        }
    }
}

/// Evaluates an intent whose action and resource type are canonical.
pub fn evaluate(policies: &PolicySet, intent: &Intent, tenant: &str) -> anyhow::Result<Verdict> {
    let (principal, mut attributes) = principal(intent, tenant)?;
    let action = uid("Action", &intent.action)?;
    let (resource, of_resource) = resource(intent)?;
    let mut entities = Vec::new();
    if principal == resource {
        // An actor that acts on itself is one entity.
        attributes.extend(of_resource);
    } else {
        entities.push(Entity::new(resource.clone(), of_resource, HashSet::new())?);
    }
    entities.push(Entity::new(principal.clone(), attributes, HashSet::new())?);
    let entities = Entities::from_entities(entities, None)?;
    let request = Request::new(principal, action, resource, context(intent, tenant)?, None)?;
    let response = Authorizer::new().is_authorized(&request, policies, &entities);

    let broken: Vec<(String, String, Option<Effect>)> = response
        .diagnostics()
        .errors()
        .map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            let effect = policies
                .policy(error.policy_id())
                .map(|policy| policy.effect());
            (
                error.policy_id().to_string(),
                error.inner().to_string(),
                effect,
            )
        })
        .collect();
    let mut by: Vec<String> = response
        .diagnostics()
        .reason()
        .map(ToString::to_string)
        .collect();
    by.sort();
    let annotation = |key: &str| -> Option<String> {
        by.iter().find_map(|id| {
            let id = cedar_policy::PolicyId::new(id);
            policies.annotation(&id, key).map(str::to_owned)
        })
    };
    // A forbid that failed might have applied: fail closed.
    let failed: Vec<_> = broken
        .iter()
        .filter(|(_, _, effect)| *effect != Some(Effect::Permit))
        .collect();
    Ok(match response.decision() {
        CedarDecision::Deny if !by.is_empty() => Verdict::Forbidden {
            reason: annotation("reason").or_else(|| annotation("advice")),
            by,
        },
        _ if !failed.is_empty() => Verdict::Unevaluated {
            by: failed.iter().map(|(id, _, _)| id.clone()).collect(),
            errors: failed
                .iter()
                .map(|(id, error, _)| format!("`{id}`: {error}"))
                .collect(),
        },
        CedarDecision::Deny => Verdict::NothingPermits {
            broken: broken
                .iter()
                .map(|(id, error, _)| format!("`{id}`: {error}"))
                .collect(),
        },
        CedarDecision::Allow => match annotation(HOLD) {
            Some(reason) => Verdict::Held { by, reason },
            None => Verdict::Permitted { by },
        },
    })
}

type Attributes = HashMap<String, RestrictedExpression>;

fn principal(intent: &Intent, tenant: &str) -> anyhow::Result<(EntityUid, Attributes)> {
    let uid = uid(&camel_case(&intent.actor.kind, "Actor"), &intent.actor.id)?;
    let attributes = HashMap::from([
        ("id".to_owned(), text(&intent.actor.id)),
        ("type".to_owned(), text(&intent.actor.kind)),
        ("tenant".to_owned(), text(tenant)),
    ]);
    Ok((uid, attributes))
}

fn resource(intent: &Intent) -> anyhow::Result<(EntityUid, Attributes)> {
    let uid = uid(
        &camel_case(&intent.resource.kind, "Resource"),
        &intent.resource.name,
    )?;
    let attributes = HashMap::from([
        ("type".to_owned(), text(&intent.resource.kind)),
        ("name".to_owned(), text(&intent.resource.name)),
    ]);
    Ok((uid, attributes))
}

fn context(intent: &Intent, tenant: &str) -> anyhow::Result<Context> {
    let mut fields = intent.context.clone();
    let mut data = intent.data.clone();
    data.retain(|_, value| !value.is_null());
    data.entry("pii").or_insert(Value::Bool(false));
    data.entry("sensitivity").or_insert(Value::Array(vec![]));
    let call = match intent.call() {
        Value::Object(call) => call,
        _ => Map::new(),
    };
    // What the plane knows wins over what the caller's context claims.
    fields.insert("call".into(), Value::Object(call));
    fields.insert("data".into(), Value::Object(data));
    fields.insert("risk".into(), Value::Object(intent.risk.clone()));
    fields.insert("tenant".into(), tenant.into());
    fields.insert(
        "layer".into(),
        intent.layer.clone().unwrap_or_default().into(),
    );
    let pairs = fields
        .into_iter()
        .filter_map(|(key, value)| expression(&value).map(|value| (key, value)))
        .collect::<Vec<_>>();
    Ok(Context::from_pairs(pairs)?)
}

/// JSON as a Cedar value: null is absence, a number with a fraction is a `decimal` where it fits, else text.
fn expression(value: &Value) -> Option<RestrictedExpression> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => RestrictedExpression::new_bool(*flag),
        Value::String(text) => RestrictedExpression::new_string(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(long), _) => RestrictedExpression::new_long(long),
            (None, Some(float)) if float.abs() < 9e14 => {
                RestrictedExpression::new_decimal(format!("{float:.4}"))
            }
            _ => RestrictedExpression::new_string(number.to_string()),
        },
        Value::Array(items) => {
            RestrictedExpression::new_set(items.iter().filter_map(expression).collect::<Vec<_>>())
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .filter_map(|(key, value)| expression(value).map(|value| (key.clone(), value)));
            // Keys of a JSON object are unique, which is all that can go wrong here.
            RestrictedExpression::new_record(fields.collect::<Vec<_>>()).ok()?
        }
    })
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn uid(kind: &str, id: &str) -> anyhow::Result<EntityUid> {
    let kind = EntityTypeName::from_str(kind)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// `external_api` becomes `ExternalApi`, the way Cedar spells entity types.
pub fn camel_case(word: &str, fallback: &str) -> String {
    let name: String = word
        .split(|character: char| !character.is_ascii_alphanumeric())
        .flat_map(|part| {
            let mut characters = part.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters)
        })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic())
        && EntityTypeName::from_str(&name).is_ok()
    {
        name
    } else {
        fallback.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ask(policies: &str, body: Value) -> Verdict {
        let policies = PolicySet::from_str(policies).expect("policies parse");
        let intent = Intent::from_json(&body).expect("a valid intent");
        evaluate(&policies, &intent, "acme").expect("evaluates")
    }

    fn write() -> Value {
        json!({"action": "write", "actor": {"id": "bot", "type": "agent"}, "resource": {"type": "database", "name": "orders"},
               "data": {"pii": true, "volume": 3}, "context": {"call": {"method": "execute", "amount": 12.5}}})
    }

    #[test]
    fn attributes_are_there_for_authors() {
        let policy = r#"permit (principal == Agent::"bot", action == Action::"write", resource == Database::"orders")
            when { resource.type == "database" && resource.name == "orders" && principal.tenant == "acme"
                && context.data.pii && context.data.volume < 4 && context.call.method == "execute"
                && context.call.amount.lessThan(decimal("13.0")) && context.tenant == "acme" && context.layer == "" };"#;
        assert!(matches!(ask(policy, write()), Verdict::Permitted { .. }));
    }

    #[test]
    fn a_forbid_that_cannot_be_evaluated_denies() {
        let policies = r#"permit (principal, action, resource);
            forbid (principal, action, resource) when { context.call.missing == 1 };"#;
        assert!(matches!(
            ask(policies, write()),
            Verdict::Unevaluated { .. }
        ));
    }

    #[test]
    fn nothing_permits_is_not_forbidden() {
        assert_eq!(ask("", write()), Verdict::NothingPermits { broken: vec![] });
        let forbidden = ask("forbid (principal, action, resource);", write());
        assert!(matches!(forbidden, Verdict::Forbidden { .. }));
    }

    #[test]
    fn entity_types_are_identifiers() {
        assert_eq!(camel_case("external_api", "Resource"), "ExternalApi");
        assert_eq!(camel_case("3rd", "Resource"), "Resource");
        assert_eq!(camel_case("\"; permit", "Resource"), "Permit");
        assert_eq!(camel_case("", "Resource"), "Resource");
    }
}
