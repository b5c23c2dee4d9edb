//! Why a call was denied, and what to change: from whatever was pasted to the cause, the call site and the fixes.
//!
//! It never guesses silently: below certainty the answer says what would settle it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::canonical::{self, Canonicalized, SUSPECT_BELOW};
use crate::redact;
use crate::workspace::Workspace;

mod cause;
mod evidence;
mod policies;
mod remedy;
mod site;

pub use cause::Cause;

use cause::Verdict;
use evidence::Evidence;

/// What is known about a denial.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// A traceback, an exception's JSON, the plane's answer, an audit line, with any noise around it.
    pub text: String,
    /// The plane's id of the denied request; looked up in the audit log.
    pub request_id: Option<String>,
    /// The text of an audit log: the client's or the plane's.
    pub audit: Option<String>,
    /// The repo that made the call.
    pub workspace: Option<Workspace>,
}

/// How sure the cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The denial says so itself.
    Certain,
    /// Everything points to it; the summary says what would settle it.
    Likely,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnosis {
    /// `governor.diagnosis/1`.
    pub schema: String,
    pub cause: Cause,
    pub confidence: Confidence,
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_site: Option<CallSite>,
    /// What was asked, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How each word of the intent was understood.
    pub canonicalization: Vec<Understood>,
    pub evidence: Vec<String>,
    pub fixes: Vec<Fix>,
    /// How to see that it is fixed.
    pub verify: String,
}

/// The line of the user's own code that led to the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallSite {
    pub path: String,
    pub line: u32,
    /// The dotted name of the function, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Understood {
    pub field: String,
    pub raw_input: String,
    pub canonical: String,
    pub confidence: f64,
    pub source: String,
    /// It may not be what was meant.
    pub suspect: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    pub title: String,
    pub kind: FixKind,
    /// A unified diff for `git apply` at the root of the repo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `governor://docs/...`.
    pub docs: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixKind {
    Code,
    Config,
    Policy,
    Operations,
}

/// Finds out why the call was denied.
pub fn diagnose(question: &Question) -> Diagnosis {
    let evidence = evidence::gather(
        &question.text,
        question.request_id.as_deref(),
        question.audit.as_deref(),
    );
    let workspace = question.workspace.as_ref();
    let local = policies::Local::read(workspace);
    let canonicalization = understood(&evidence);
    let mut verdict = cause::determine(&evidence, &canonicalization, &local, question);
    if verdict.cause == Cause::CircuitOpen
        && let Some(audit) = &question.audit
        && let Some((cause, reason)) = evidence::last_failure_in_log(audit)
    {
        let failure = format!("the failure before it in the log is `{cause}`: {reason}");
        verdict.because.push(failure);
    }
    let call_site = site::find(&evidence, workspace);
    let fixes = remedy::fixes(&verdict, &evidence, call_site.as_ref(), workspace, &local);
    let verify = remedy::verify(verdict.cause, &evidence);
    let shows_intent = evidence.intent.is_object();
    Diagnosis {
        schema: "governor.diagnosis/1".to_owned(),
        cause: verdict.cause,
        confidence: verdict.confidence,
        summary: shown(&summary(&verdict, &evidence, call_site.as_ref()), 1200),
        call_site,
        intent: shows_intent.then(|| redact::value(&evidence.intent)),
        request_id: evidence.request_id.as_deref().map(|id| shown(id, 200)),
        canonicalization,
        evidence: lines(&verdict, &evidence),
        fixes,
        verify,
    }
}

fn understood(evidence: &Evidence) -> Vec<Understood> {
    let computed;
    let trace: &[Canonicalized] = if evidence.trace.is_empty() {
        let text = |pointer: &str| evidence.intent.pointer(pointer).and_then(Value::as_str);
        computed = [
            text("/action").map(canonical::action),
            text("/resource/type").map(canonical::resource_type),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        &computed
    } else {
        &evidence.trace
    };
    trace
        .iter()
        .map(|line| Understood {
            field: shown(&line.field, 60),
            raw_input: shown(&line.raw_input, 200),
            canonical: shown(&line.prediction.canonical, 200),
            confidence: line.prediction.confidence,
            source: shown(&line.prediction.source, 60),
            suspect: line.prediction.confidence < SUSPECT_BELOW || changes_meaning(line),
        })
        .collect()
}

/// Whether a word that means one thing beyond doubt was read as another.
fn changes_meaning(line: &Canonicalized) -> bool {
    let own = match line.field.rsplit('.').next().unwrap_or_default() {
        "action" => canonical::action(&line.raw_input),
        "resource_type" | "type" | "resource" => canonical::resource_type(&line.raw_input),
        _ => return false,
    };
    own.prediction.confidence >= 0.95 && own.prediction.canonical != line.prediction.canonical
}

fn summary(verdict: &Verdict, evidence: &Evidence, site: Option<&CallSite>) -> String {
    let mut summary = verdict.summary.clone();
    if let Some(site) = site {
        match &site.symbol {
            Some(symbol) => {
                summary += &format!(" The call is at {}:{} in `{symbol}`.", site.path, site.line);
            }
            None => summary += &format!(" The call is at {}:{}.", site.path, site.line),
        }
    }
    if evidence.would_block {
        summary += " In observe mode the call was let through; enforcing would have stopped it.";
    }
    if evidence.failed_open {
        summary += " GOVERNOR_FAIL_MODE=open let the call through without an ALLOW.";
    }
    if let Some(settle) = &verdict.settle {
        summary += &format!(" What would settle it: {settle}.");
    }
    summary
}

fn lines(verdict: &Verdict, evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<String> = verdict.because.clone();
    for (name, value) in [("message", &evidence.message), ("reason", &evidence.reason)] {
        if !value.is_empty() {
            lines.push(format!("{name}: {value}"));
        }
    }
    if let Some(ids) = evidence.policy_ids.as_ref().filter(|ids| !ids.is_empty()) {
        lines.push(format!("policies: {}", ids.join(", ")));
    }
    if let Some(call) = evidence.call.get("qualified_name").and_then(Value::as_str) {
        let destination = evidence.call.get("destination").and_then(Value::as_str);
        lines.push(format!("call: {call} {}", destination.unwrap_or_default()));
    }
    if !evidence.sources.is_empty() {
        lines.push(format!("read from {}", evidence.sources.join(", ")));
    }
    let mut seen = std::collections::HashSet::new();
    lines
        .into_iter()
        .map(|line| shown(&line, 600))
        .filter(|line| seen.insert(line.clone()))
        .collect()
}

/// Pasted text as it may be answered: without secrets and control characters, cut to length.
fn shown(text: &str, limit: usize) -> String {
    let masked = redact::text(text);
    let mut clean: String = masked
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(limit)
        .collect();
    if masked.chars().count() > limit {
        clean.push('…');
    }
    clean.trim().to_owned()
}
