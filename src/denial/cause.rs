//! From evidence to the cause, and how sure it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evidence::{Evidence, Raised};
use super::policies::Local;
use super::{Confidence, Question, Understood};

mod sentence;
mod status;
mod wording;

pub use sentence::asked;
use sentence::{actor, sentence};

/// Why a call did not happen.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    PolicyForbids,
    NoMatchingPolicy,
    NoIntent,
    ScopeMismatch,
    CanonicalizationSuspect,
    MissingDataFields,
    UnmappedDestination,
    WrongTenantOrActor,
    Unauthenticated,
    PlaneUnreachable,
    PlaneTimeout,
    PlaneError,
    CircuitOpen,
    BadResponse,
    TokenInvalid,
    TokenExpired,
    TokenReplayed,
    HeldForReview,
    RateLimited,
    HostDenied,
    BackstopBlocked,
    NotADenial,
    Unknown,
}

impl Cause {
    /// As the contract spells it.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => "unknown".to_owned(),
        }
    }

    fn named(name: &str) -> Option<Cause> {
        serde_json::from_value(Value::from(name)).ok()
    }

    /// Whether there is an answer.
    pub fn is_understood(self) -> bool {
        !matches!(self, Cause::Unknown | Cause::NotADenial)
    }
}

/// The cause with its reasons.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub cause: Cause,
    pub confidence: Confidence,
    pub summary: String,
    pub because: Vec<String>,
    pub settle: Option<String>,
}

impl Verdict {
    fn certain(cause: Cause, summary: impl Into<String>) -> Verdict {
        Verdict {
            cause,
            confidence: Confidence::Certain,
            summary: summary.into(),
            because: Vec::new(),
            settle: None,
        }
    }

    fn likely(cause: Cause, summary: impl Into<String>, settle: impl Into<String>) -> Verdict {
        Verdict {
            confidence: Confidence::Likely,
            settle: Some(settle.into()),
            ..Verdict::certain(cause, summary)
        }
    }

    fn unknown(summary: impl Into<String>, settle: impl Into<String>) -> Verdict {
        Verdict {
            confidence: Confidence::Unknown,
            settle: Some(settle.into()),
            ..Verdict::certain(Cause::Unknown, summary)
        }
    }

    fn because(mut self, reason: impl Into<String>) -> Verdict {
        self.because.push(reason.into());
        self
    }
}

/// The cause that the evidence shows.
pub fn determine(
    evidence: &Evidence,
    understood: &[Understood],
    local: &Local,
    question: &Question,
) -> Verdict {
    if !evidence.is_denial() {
        return no_denial(evidence, question);
    }
    if evidence.not_in_log && evidence.sources.is_empty() {
        return absent(evidence, question);
    }
    let base = base(evidence);
    match base.cause {
        Cause::NoMatchingPolicy | Cause::PolicyForbids | Cause::Unknown => {
            refine(base, evidence, understood, local)
        }
        _ => base,
    }
}

/// What the denial says of itself.
fn base(evidence: &Evidence) -> Verdict {
    if let Some(name) = &evidence.named_cause {
        if let Some(cause) = Cause::named(name) {
            return Verdict::certain(cause, sentence(cause, evidence))
                .because(format!("the client named the cause `{name}`"));
        }
        if name == "bad_request" {
            return status::of(422, evidence);
        }
    }
    if evidence.raised == Some(Raised::Held) || evidence.decision.as_deref() == Some("HOLD") {
        return Verdict::certain(
            Cause::HeldForReview,
            sentence(Cause::HeldForReview, evidence),
        );
    }
    // What came as a decision was decided: its words tell how. Without one, the status tells first.
    if evidence.decision.is_none()
        && (evidence.detail.is_some() || evidence.status.is_some())
        && evidence.raised != Some(Raised::Denied)
    {
        return status::of(evidence.status.unwrap_or(0), evidence);
    }
    let has_policies = evidence
        .policy_ids
        .as_ref()
        .is_some_and(|ids| !ids.is_empty());
    let by_wording = wording::read(evidence);
    if has_policies
        && by_wording
            .as_ref()
            .is_none_or(|verdict| verdict.cause != Cause::MissingDataFields)
    {
        // A policy's own name may say anything: that it decided is what counts.
        return Verdict::certain(
            Cause::PolicyForbids,
            sentence(Cause::PolicyForbids, evidence),
        )
        .because("the answer names its determining policies");
    }
    if let Some(verdict) = by_wording {
        return verdict;
    }
    match &evidence.policy_ids {
        Some(_) if evidence.decision.as_deref() == Some("DENY") => Verdict::certain(
            Cause::NoMatchingPolicy,
            sentence(Cause::NoMatchingPolicy, evidence),
        )
        .because("the answer's policy_ids are empty"),
        _ => unexplained(evidence),
    }
}

fn unexplained(evidence: &Evidence) -> Verdict {
    let settle = match &evidence.request_id {
        Some(id) => format!(
            "`governor-mcp diagnose --request-id {id} --audit FILE` with the client's or the plane's log, or GET /api/v2/decisions/{id} at the plane"
        ),
        None => {
            "the whole exception with its message, its `to_dict()`, or the audit log's line".into()
        }
    };
    let summary = match evidence.raised {
        Some(Raised::Unavailable) => {
            "The client had no valid answer from the policy plane, but the text does not say what went wrong."
        }
        _ => {
            "The call was denied, but nothing here says whether a policy forbids it or nothing permits it."
        }
    };
    Verdict::unknown(summary, settle)
}

/// A denial by policy may have another reason behind it: a word misread, a name that no rule gave, a wrong principal.
fn refine(base: Verdict, evidence: &Evidence, understood: &[Understood], local: &Local) -> Verdict {
    let suspect = understood.iter().find(|line| {
        line.suspect && (!evidence.trace.is_empty() || base.cause != Cause::PolicyForbids)
    });
    if let Some(line) = suspect {
        let how = format!(
            "the {} `{}` was read as `{}` ({}, confidence {})",
            line.field, line.raw_input, line.canonical, line.source, line.confidence
        );
        let summary =
            format!("The plane may have decided about something else than was meant: {how}.");
        let settle = "whether the same intent with the canonical word is decided differently";
        return Verdict::likely(Cause::CanonicalizationSuspect, summary, settle).because(how);
    }
    if base.cause != Cause::NoMatchingPolicy {
        return base;
    }
    let others = local.permits_others(&evidence.intent);
    if let Some((principal, policy)) = others.first() {
        let how = format!("`{policy}` permits the same call for {principal}");
        return Verdict::likely(
            Cause::WrongTenantOrActor,
            format!("The call was made as {}, and {how}.", actor(evidence)),
            "whether the plane runs the policies of this repo",
        )
        .because(how);
    }
    let text = |pointer: &str| evidence.intent.pointer(pointer).and_then(Value::as_str);
    if let Some(id @ ("unknown" | "anonymous" | "")) = text("/actor/id") {
        return Verdict::likely(
            Cause::WrongTenantOrActor,
            format!("Nobody said who makes the call (the actor is `{id}`), so no permit for an actor covers it."),
            "whether a permit names an actor for this action and resource",
        )
        .because(format!("actor.id is `{id}`"));
    }
    if let Some(name) = unmapped(evidence) {
        return Verdict::likely(
            Cause::UnmappedDestination,
            format!("No rule says what `{name}` is, so the intent names a bare address that no policy speaks of."),
            format!("whether a permit names `{name}` itself; then it is `no_matching_policy`"),
        )
        .because(format!("resource.name is `{name}`"));
    }
    base
}

/// The resource's name, where it is an address and not a name.
fn unmapped(evidence: &Evidence) -> Option<String> {
    let text = |pointer: &str| evidence.intent.pointer(pointer).and_then(Value::as_str);
    let kind = text("/resource/type").unwrap_or_default();
    let name = text("/resource/name")?;
    if matches!(kind, "file" | "process" | "email" | "code" | "browser") {
        return None;
    }
    let is_address = name.contains("://")
        || name.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.rsplit_once(':').is_some_and(|(_, port)| {
            !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
        })
        || looks_like_host(name)
            && !matches!(
                kind,
                "database" | "cache" | "object_store" | "queue" | "topic"
            );
    let is_nothing = name == "unknown" || kind == "unknown";
    (is_address || is_nothing).then(|| name.to_owned())
}

fn looks_like_host(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
        && labels
            .last()
            .is_some_and(|last| last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()))
}

fn absent(evidence: &Evidence, question: &Question) -> Verdict {
    let id = question
        .request_id
        .as_deref()
        .or(evidence.request_id.as_deref())
        .unwrap_or_default();
    Verdict::unknown(
        format!("The log holds no decision with the request id `{id}`."),
        "the log of the process that made the call (GOVERNOR_AUDIT_LOG), rotated files included",
    )
}

fn no_denial(evidence: &Evidence, question: &Question) -> Verdict {
    if let Some(id) = &question.request_id
        && evidence.sources.is_empty()
    {
        return match question.audit {
            Some(_) => absent(evidence, question),
            None => Verdict::unknown(
                format!("A request id alone (`{id}`) says nothing."),
                "the audit log: `--audit FILE` with the client's or the plane's",
            ),
        };
    }
    if evidence.decision.as_deref() == Some("ALLOW") {
        let summary = if evidence.failed_open {
            "The plane gave no valid answer; the call happened without an ALLOW."
        } else {
            "The plane allowed this call; what went wrong, if anything did, came after."
        };
        return Verdict::certain(Cause::NotADenial, summary).because("the decision is ALLOW");
    }
    if evidence.raised == Some(Raised::Configuration) {
        let message = evidence.others.first().unwrap_or(&evidence.message);
        return Verdict::certain(
            Cause::NotADenial,
            format!("The client refuses a setting, no call was denied: {message}."),
        );
    }
    if let Some(other) = evidence.others.last() {
        return Verdict::certain(
            Cause::NotADenial,
            format!("This is another error, which governor did not raise: {other}."),
        )
        .because("no exception of governor is in the text");
    }
    if let Some(status) = super::evidence::status_of_text(&question.text) {
        return Verdict::likely(
            Cause::NotADenial,
            format!(
                "An HTTP answer with status {status}, without anything that a policy plane says."
            ),
            "which address gave it: the plane's (GOVERNOR_ENFORCE_URL) or the destination's own",
        );
    }
    if question.text.trim().is_empty() {
        return Verdict::unknown(
            "There is nothing to read.",
            "the traceback, the exception's JSON, or a request id with its audit log",
        );
    }
    Verdict::unknown(
        "Nothing in the text is an exception, a decision or an audit line of governor.",
        "the traceback from its first line to its last, or the request id with the audit log",
    )
}
