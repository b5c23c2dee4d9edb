//! The intents that the code would send, and what the policies say to them before anything runs.
//!
//! The intent is made as the client makes it: `[[destination]]` rules first, then what the call says of itself. What
//! only the running process knows is named as assumed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::facts::{Category, Coverage, Effect, Origin, Scan};
use crate::policy::{Intent, Plane};
use crate::report::word;

mod remote;
mod settings;

pub use remote::Remote;
pub use settings::Settings;

/// Who answers.
pub enum Decider {
    Local(Box<Plane>),
    Remote(Remote),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsal {
    /// `governor.rehearsal/1`.
    pub schema: String,
    /// The policies that decided: `bundled`, a folder, or a plane's address.
    pub policies: String,
    /// Sorted by path, line and column, as the scan is.
    pub calls: Vec<Rehearsed>,
    /// Calls that send no intent.
    pub not_asked: Vec<NotAsked>,
    pub summary: Summary,
}

/// A call site with the decision that its intent gets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rehearsed {
    /// The effect's id in the scan.
    pub id: String,
    pub path: String,
    pub line: u32,
    pub symbol: String,
    pub call: String,
    /// The body that the client would send.
    pub intent: Value,
    /// `ALLOW`, `DENY` or `HOLD`.
    pub decision: String,
    pub reason: String,
    pub policy_ids: Vec<String>,
    /// Fields that only the running process knows for sure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NotAsked {
    pub id: String,
    pub path: String,
    pub line: u32,
    pub call: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub allow: usize,
    pub deny: usize,
    pub hold: usize,
    pub not_asked: usize,
}

/// Asks about every call of the scan; about `app` code alone unless `all`.
pub fn rehearse(
    scan: &Scan,
    settings: &Settings,
    decider: &Decider,
    all: bool,
) -> anyhow::Result<Rehearsal> {
    let mut rehearsal = Rehearsal {
        schema: "governor.rehearsal/1".to_owned(),
        policies: decider.name(),
        calls: Vec::new(),
        not_asked: Vec::new(),
        summary: Summary::default(),
    };
    let effects = scan
        .effects
        .iter()
        .filter(|effect| all || effect.origin == Origin::App);
    for effect in effects {
        if let Some(reason) = settings.why_not_asked(effect) {
            rehearsal.summary.not_asked += 1;
            rehearsal.not_asked.push(NotAsked {
                id: effect.id.clone(),
                path: effect.path.clone(),
                line: effect.line,
                call: effect.call.clone(),
                reason,
            });
            continue;
        }
        let (intent, assumed) = intent_of(effect, settings);
        let answer = match settings.denies_host(effect) {
            Some(host) => Answer {
                decision: "DENY".to_owned(),
                reason: format!("the host `{host}` is in deny_hosts; the client asks nobody"),
                policy_ids: Vec::new(),
            },
            None => decider.ask(&intent)?,
        };
        match answer.decision.as_str() {
            "ALLOW" => rehearsal.summary.allow += 1,
            "HOLD" => rehearsal.summary.hold += 1,
            _ => rehearsal.summary.deny += 1,
        }
        rehearsal.calls.push(Rehearsed {
            id: effect.id.clone(),
            path: effect.path.clone(),
            line: effect.line,
            symbol: effect.symbol.clone(),
            call: effect.call.clone(),
            intent,
            decision: answer.decision,
            reason: answer.reason,
            policy_ids: answer.policy_ids,
            assumed,
        });
    }
    Ok(rehearsal)
}

struct Answer {
    decision: String,
    reason: String,
    policy_ids: Vec<String>,
}

impl Decider {
    fn name(&self) -> String {
        match self {
            Decider::Local(plane) => plane.origin(),
            Decider::Remote(remote) => remote.url().to_owned(),
        }
    }

    fn ask(&self, body: &Value) -> anyhow::Result<Answer> {
        match self {
            Decider::Local(plane) => {
                let intent = Intent::from_json(body).map_err(|errors| {
                    anyhow::anyhow!("the intent {body} is not valid: {}", json!(errors))
                })?;
                let decision = plane.decide(&intent);
                Ok(Answer {
                    decision: word(&decision.outcome),
                    reason: decision.reason,
                    policy_ids: decision.policy_ids,
                })
            }
            Decider::Remote(remote) => {
                let answer = remote.enforce(body)?;
                let text = |pointer: &str| {
                    let found = answer.pointer(pointer).and_then(Value::as_str);
                    found.unwrap_or_default().to_owned()
                };
                let ids = answer
                    .pointer("/metadata/policy_ids")
                    .and_then(Value::as_array);
                Ok(Answer {
                    decision: text("/decision"),
                    reason: text("/metadata/reason"),
                    policy_ids: ids
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect(),
                })
            }
        }
    }
}

/// The body that the client would send for the call, and what in it is assumed.
fn intent_of(effect: &Effect, settings: &Settings) -> (Value, Vec<String>) {
    let mut assumed = Vec::new();
    let (mut kind, mut name) = (effect.resource.kind.clone(), effect.resource.name.clone());
    let mut data = json!({"sensitivity": [], "pii": false, "volume": "single"});
    if let Some(rule) = settings.rule_of(effect) {
        // A host's rule names its web service: mail to that host stays mail.
        if effect.category != Category::Email || rule.has_scheme() {
            kind = rule.resource_type.clone().unwrap_or(kind);
        }
        name = rule.resource_name.clone().unwrap_or(name);
        for (key, value) in &rule.data {
            data[key] = value.clone();
        }
    } else if !is_constant(effect) {
        assumed.push("resource.name".to_owned());
        // The scan names the library where the code names nothing; the client will name where the call goes.
        if effect.call.split('.').next() == Some(name.as_str()) {
            name = "unknown".to_owned();
        }
    }
    if effect.coverage == Coverage::Scope {
        // The scope around the call says what is asked, if the call fits it.
        assumed.push("intent of the scope".to_owned());
    }
    if settings.actor_id.is_none() {
        assumed.push("actor.id".to_owned());
    }
    let mut body = json!({
        "action": word(&effect.action),
        "actor": {
            "id": settings.actor_id.as_deref().unwrap_or("unknown"),
            "type": settings.actor_type.as_deref().unwrap_or("service"),
        },
        "resource": {"type": kind, "name": if name.is_empty() { "unknown" } else { &name }},
        "data": data,
        "risk": {"authn": "required"},
        "context": {"call": {
            "qualified_name": effect.call,
            "category": word(&effect.category),
            "action": word(&effect.action),
            "destination": crate::redact::text(effect.destination.as_deref().unwrap_or_default()),
        }},
    });
    if let Some(layer) = &settings.layer {
        body["layer"] = json!(layer);
    }
    (body, assumed)
}

/// Whether the resource's name is that of the running call.
fn is_constant(effect: &Effect) -> bool {
    let Some(destination) = &effect.destination else {
        // A model names its table, a client its service, without any address.
        return matches!(effect.category, Category::Llm | Category::Cloud);
    };
    let host = destination
        .split_once("://")
        .map_or(destination.as_str(), |(_, rest)| {
            rest.split('/').next().unwrap_or(rest)
        });
    !effect.resource.name.contains('{')
        && (effect.category != Category::Http || !host.contains('{'))
}
