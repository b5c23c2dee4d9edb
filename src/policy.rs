//! The local policy decision point: Cedar decides, in the process or over HTTP (`policy serve`).
//!
//! A denial names the policies that determined it, and tells "forbidden by X" from "nothing permits".

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

mod boundary;
pub mod canonical;
mod evaluate;
mod hold;
pub mod http;
pub mod intent;
mod log;
mod store;
mod token;

pub use boundary::{Boundary, quoted};
pub use canonical::Canonicalized;
pub use evaluate::{camel_case, evaluate};
pub use intent::{Actor, FieldError, Intent, Resource};
pub use store::{Listed, Store};
pub use token::TokenSigner;

use crate::redact;
use evaluate::Verdict;
use hold::{Hold, Holds, State};
use log::DecisionLog;

/// The tenant of a key that names none, and of callers in the same process.
pub const DEFAULT_TENANT: &str = "default";

/// How long an ALLOW holds.
const ALLOW_LASTS: SignedDuration = SignedDuration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    Allow,
    Deny,
    Hold,
}

/// An answer, with what it stands on.
#[derive(Clone, Debug)]
pub struct Decision {
    pub outcome: Outcome,
    pub request_id: String,
    pub reason: String,
    pub policy_ids: Vec<String>,
    pub trace: Vec<Canonicalized>,
    pub hold_id: Option<String>,
    /// An ALLOW holds until then, for what it was asked for.
    pub expires_at: Option<Timestamp>,
    pub token: Option<String>,
    pub latency_ms: f64,
}

/// What a plane is made of.
#[derive(Clone, Default)]
pub struct Settings {
    /// A folder of .cedar files; the bundled policies without one.
    pub policies: Option<PathBuf>,
    /// Where decisions are logged, one JSON line each.
    pub audit: Option<PathBuf>,
    pub signer: Option<TokenSigner>,
}

/// The policy decision point.
pub struct Plane {
    store: Mutex<Store>,
    holds: Mutex<Holds>,
    log: Mutex<DecisionLog>,
    signer: Option<TokenSigner>,
}

impl Plane {
    pub fn open(settings: &Settings) -> anyhow::Result<Plane> {
        Ok(Plane {
            store: Mutex::new(Store::open(settings.policies.as_deref())?),
            holds: Mutex::default(),
            log: Mutex::new(DecisionLog::open(settings.audit.as_deref())?),
            signer: settings.signer.clone(),
        })
    }

    /// Decides for the default tenant.
    pub fn decide(&self, intent: &Intent) -> Decision {
        self.decide_for(DEFAULT_TENANT, intent)
    }

    /// Decides for a tenant, and records the decision.
    pub fn decide_for(&self, tenant: &str, intent: &Intent) -> Decision {
        let started = Instant::now();
        let (canonical, trace) = canonicalize(intent);
        let verdict = {
            let mut store = locked(&self.store);
            store.refresh();
            evaluate(store.policies(), &canonical, tenant)
        };
        let mut decision = Decision {
            outcome: Outcome::Deny,
            request_id: new_id("req"),
            reason: String::new(),
            policy_ids: Vec::new(),
            trace,
            hold_id: None,
            expires_at: None,
            token: None,
            latency_ms: 0.0,
        };
        match verdict {
            Ok(Verdict::Permitted { by }) => {
                decision.outcome = Outcome::Allow;
                decision.reason = format!("permitted by {}", names(&by));
                decision.policy_ids = by;
            }
            Ok(Verdict::Held { by, reason }) => {
                decision.policy_ids = by;
                self.hold(tenant, intent, &canonical, &reason, &mut decision);
            }
            Ok(Verdict::Forbidden { by, reason }) => {
                decision.reason = format!("forbidden by {}", names(&by));
                if let Some(reason) = reason {
                    decision.reason += &format!(": {reason}");
                }
                decision.policy_ids = by;
            }
            Ok(Verdict::NothingPermits { broken }) => {
                decision.reason = nothing_permits(&canonical);
                if !broken.is_empty() {
                    decision.reason += &format!(
                        "; these permits could not be evaluated: {}",
                        broken.join("; ")
                    );
                }
            }
            Ok(Verdict::Unevaluated { by, errors }) => {
                decision.reason = format!(
                    "a forbid could not be evaluated, so nothing is permitted: {}",
                    errors.join("; ")
                );
                decision.policy_ids = by;
            }
            Err(error) => {
                decision.reason = format!("the intent could not be evaluated: {error:#}");
            }
        }
        if decision.outcome == Outcome::Allow {
            self.grant(intent, &mut decision);
        }
        decision.latency_ms = milliseconds(started);
        let record = record(tenant, intent, &decision);
        locked(&self.log).record(&decision.request_id, tenant, record);
        decision
    }

    /// Turns the decision into that of the question's hold: pending, approved or rejected.
    fn hold(
        &self,
        tenant: &str,
        intent: &Intent,
        canonical: &Intent,
        reason: &str,
        decision: &mut Decision,
    ) {
        let question = json!([intent.question(), intent.data, intent.risk, intent.layer]);
        let mut holds = locked(&self.holds);
        let hold = holds.of(Hold::new(
            new_id("hold"),
            &decision.request_id,
            tenant,
            token::digest(&question),
            redact::value(&json!(canonical)),
            reason,
            decision.policy_ids.clone(),
        ));
        decision.hold_id = Some(hold.hold_id.clone());
        let by = names(&decision.policy_ids);
        (decision.outcome, decision.reason) = match hold.state {
            State::Pending => (Outcome::Hold, format!("held by {by}: {reason}")),
            State::Approved => (Outcome::Allow, format!("held by {by} and approved")),
            State::Rejected => (Outcome::Deny, format!("held by {by} and rejected")),
        };
    }

    fn grant(&self, intent: &Intent, decision: &mut Decision) {
        let expires = Timestamp::now() + ALLOW_LASTS;
        decision.expires_at = Some(expires);
        decision.token = self.signer.as_ref().map(|signer| {
            signer.sign(
                &decision.request_id,
                &intent.question(),
                expires.as_second(),
                &new_id("jti"),
            )
        });
    }

    /// Installs a boundary; true when it replaced one of the same id.
    pub fn install(&self, boundary: &Boundary) -> anyhow::Result<bool> {
        let mut store = locked(&self.store);
        store.refresh();
        store.install(&boundary.name, &boundary.cedar)
    }

    /// The policies' folder, or `bundled`.
    pub fn origin(&self) -> String {
        locked(&self.store).origin()
    }

    pub fn policies(&self) -> Vec<Listed> {
        let mut store = locked(&self.store);
        store.refresh();
        store.listed().to_vec()
    }

    /// What `/health` says about the policies and the log.
    pub fn health(&self) -> Value {
        let mut store = locked(&self.store);
        store.refresh();
        let log = locked(&self.log);
        let problems: Vec<&str> = [store.problem(), log.problem()]
            .into_iter()
            .flatten()
            .collect();
        let status = if problems.is_empty() {
            "ok"
        } else {
            "degraded"
        };
        let mut health = json!({
            "status": status,
            "version": env!("CARGO_PKG_VERSION"),
            "policies": {"count": store.listed().len(), "source": store.origin()},
            "signing": self.signer.is_some(),
        });
        if let Some(problem) = store.problem() {
            health["policies"]["problem"] = problem.into();
            health["policies"]["in_force"] = "the last set that was good".into();
        }
        if !problems.is_empty() {
            health["problems"] = json!(problems);
        }
        health
    }

    pub fn decision(&self, tenant: &str, request_id: &str) -> Option<Value> {
        locked(&self.log).find(tenant, request_id).cloned()
    }

    pub fn holds(&self, tenant: &str) -> Value {
        json!(locked(&self.holds).list(tenant))
    }

    /// Approves or rejects; false when it had been decided before.
    pub fn decide_hold(&self, tenant: &str, hold_id: &str, approve: bool) -> Option<(Value, bool)> {
        let state = if approve {
            State::Approved
        } else {
            State::Rejected
        };
        let (hold, decided) = locked(&self.holds).decide(tenant, hold_id, state)?;
        Some((json!(hold), decided))
    }
}

/// The intent in canonical words, and how each word was understood.
pub fn canonicalize(intent: &Intent) -> (Intent, Vec<Canonicalized>) {
    let trace = vec![
        canonical::action(&intent.action),
        canonical::resource_type(&intent.resource.kind),
    ];
    let canonical = intent.with_canonical(
        &trace[0].prediction.canonical,
        &trace[1].prediction.canonical,
    );
    (canonical, trace)
}

impl Decision {
    /// The answer of `POST /api/v2/enforce`.
    pub fn to_json(&self) -> Value {
        let mut metadata = json!({
            "request_id": self.request_id,
            "canonicalization_trace": self.trace,
            "reason": self.reason,
            "policy_ids": self.policy_ids,
        });
        if let Some(token) = &self.token {
            metadata["decision_token"] = json!(token);
        }
        if let Some(expires_at) = &self.expires_at {
            metadata["expires_at"] = json!(format!("{expires_at:.3}"));
        }
        if let Some(hold_id) = &self.hold_id {
            metadata["hold_id"] = json!(hold_id);
        }
        json!({
            "decision": self.outcome,
            "enforcement_latency_ms": self.latency_ms,
            "metadata": metadata,
        })
    }
}

fn record(tenant: &str, intent: &Intent, decision: &Decision) -> Value {
    let mut record = json!({
        "ts": format!("{:.3}", Timestamp::now()),
        "request_id": decision.request_id,
        "decision": decision.outcome,
        "reason": decision.reason,
        "policy_ids": decision.policy_ids,
        "tenant": tenant,
        "intent": redact::value(&json!(intent)),
        "canonicalization_trace": decision.trace,
        "latency_ms": decision.latency_ms,
    });
    if let Some(hold_id) = &decision.hold_id {
        record["hold_id"] = json!(hold_id);
    }
    record
}

fn nothing_permits(canonical: &Intent) -> String {
    format!(
        "no policy permits `{}` on {}::{} for {}::{}",
        canonical.action,
        camel_case(&canonical.resource.kind, "Resource"),
        quoted(&canonical.resource.name),
        camel_case(&canonical.actor.kind, "Actor"),
        quoted(&canonical.actor.id),
    )
}

fn names(ids: &[String]) -> String {
    let quoted: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    quoted.join(", ")
}

fn milliseconds(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// An id that no other decision has: the time and 64 random bits.
fn new_id(prefix: &str) -> String {
    let random = RandomState::new().build_hasher().finish();
    format!(
        "{prefix}_{:013x}{random:016x}",
        Timestamp::now().as_microsecond()
    )
}

/// A panic while the lock was held leaves complete values behind: nothing here is updated half.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(action: &str, kind: &str, name: &str, data: Value) -> Intent {
        Intent::from_json(&json!({
            "action": action, "actor": {"id": "bot", "type": "agent"}, "resource": {"type": kind, "name": name}, "data": data
        }))
        .expect("a valid intent")
    }

    #[track_caller]
    fn check(plane: &Plane, intent: &Intent, outcome: Outcome, reason: &str) -> Decision {
        let decision = plane.decide(intent);
        assert_eq!(decision.outcome, outcome, "{}", decision.reason);
        assert!(
            decision.reason.contains(reason),
            "{} lacks {reason}",
            decision.reason
        );
        decision
    }

    #[test]
    fn the_bundled_policies_decide() {
        let plane = Plane::open(&Settings::default()).expect("opens");
        let read = intent("query", "postgres", "orders", json!({}));
        check(&plane, &read, Outcome::Allow, "`permit-reads`");
        let pay = intent("write", "external_api", "stripe", json!({}));
        check(
            &plane,
            &pay,
            Outcome::Deny,
            "no policy permits `write` on ExternalApi::\"stripe\"",
        );
        let leak = intent("send", "email", "a@b.c", json!({"pii": true}));
        check(
            &plane,
            &leak,
            Outcome::Deny,
            "forbidden by `forbid-pii-leaving`: personal data",
        );
    }

    #[test]
    fn an_approved_hold_lets_that_question_pass_and_no_other() {
        let plane = Plane::open(&Settings::default()).expect("opens");
        let delete = intent("delete", "database", "orders", json!({}));
        let hold_id = check(&plane, &delete, Outcome::Hold, "held by `hold-deletes`")
            .hold_id
            .expect("a hold");
        assert!(plane.decide_hold("other", &hold_id, true).is_none());
        assert!(
            plane
                .decide_hold(DEFAULT_TENANT, &hold_id, true)
                .is_some_and(|(_, decided)| decided)
        );
        check(&plane, &delete, Outcome::Allow, "approved");
        let other = intent("delete", "database", "users", json!({}));
        check(&plane, &other, Outcome::Hold, "held");
    }
}
