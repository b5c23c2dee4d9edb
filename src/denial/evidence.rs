//! What the pasted text holds: exceptions, frames, JSON of four kinds, an HTTP error, in any mixture and with noise.

use serde_json::Value;

use crate::policy::Canonicalized;

mod clean;
mod literal;
mod message;
mod record;
mod traceback;

pub use message::{own_words, uncapitalised};
pub use record::last_failure_in_log;
pub use traceback::Frame;

/// Texts above this are read from both ends.
const TEXT_LIMIT: usize = 2 * 1024 * 1024;

/// The client's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    Denied,
    Held,
    Unavailable,
    /// A setting that the client refuses: no denial.
    Configuration,
}

impl Raised {
    pub fn of_class(name: &str) -> Option<Raised> {
        match name {
            "PolicyDenied" => Some(Raised::Denied),
            "PolicyHeld" => Some(Raised::Held),
            "PolicyUnavailable" => Some(Raised::Unavailable),
            _ => None,
        }
    }

    pub fn of_type(name: &str) -> Option<Raised> {
        match name {
            "policy_denied" => Some(Raised::Denied),
            "policy_held" => Some(Raised::Held),
            "policy_unavailable" => Some(Raised::Unavailable),
            "configuration_error" => Some(Raised::Configuration),
            _ => None,
        }
    }
}

/// Everything that is known about one denial.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub raised: Option<Raised>,
    /// The cause that the client named.
    pub named_cause: Option<String>,
    pub message: String,
    pub reason: String,
    pub next_steps: Vec<String>,
    pub request_id: Option<String>,
    /// `ALLOW`, `DENY`, `HOLD` or the audit log's `UNAVAILABLE` and `UNGOVERNED`.
    pub decision: Option<String>,
    /// The intent as it was sent; null when the text does not tell.
    pub intent: Value,
    pub call: Value,
    /// Path and line, as the client or the log gave them.
    pub call_site: Option<(String, u32)>,
    /// None where nothing was said about policies, which is another thing than an empty list.
    pub policy_ids: Option<Vec<String>>,
    pub trace: Vec<Canonicalized>,
    pub hold_id: Option<String>,
    pub status: Option<u16>,
    /// The `detail` of an HTTP error.
    pub detail: Option<Value>,
    pub frames: Vec<Frame>,
    /// Exceptions of other kinds: class and message.
    pub others: Vec<String>,
    pub would_block: bool,
    pub failed_open: bool,
    /// What it was read from, in a person's words.
    pub sources: Vec<&'static str>,
    /// The request id that was asked for is not in the log.
    pub not_in_log: bool,
}

impl Evidence {
    /// Whether it says anything of a decision, or of the lack of one.
    pub fn is_denial(&self) -> bool {
        self.raised
            .is_some_and(|raised| raised != Raised::Configuration)
            || self
                .decision
                .as_deref()
                .is_some_and(|decision| decision != "ALLOW")
            || self.named_cause.is_some()
            || self.detail.is_some()
    }

    /// The backstop saw an effect that passed no gate, and wrote it down.
    pub fn is_ungoverned(&self) -> bool {
        self.decision.as_deref() == Some("UNGOVERNED")
    }

    /// Takes from `other` what is not known yet.
    fn merge(&mut self, other: Evidence) {
        fn fill<T>(mine: &mut Option<T>, theirs: Option<T>) {
            if mine.is_none() {
                *mine = theirs;
            }
        }
        fn longer(mine: &mut String, theirs: String) {
            if theirs.len() > mine.len() {
                *mine = theirs;
            }
        }
        fill(&mut self.raised, other.raised);
        fill(&mut self.named_cause, other.named_cause);
        longer(&mut self.message, other.message);
        longer(&mut self.reason, other.reason);
        fill(&mut self.request_id, other.request_id);
        fill(&mut self.decision, other.decision);
        fill(&mut self.call_site, other.call_site);
        fill(&mut self.policy_ids, other.policy_ids);
        fill(&mut self.hold_id, other.hold_id);
        fill(&mut self.status, other.status);
        fill(&mut self.detail, other.detail);
        if richness(&other.intent) > richness(&self.intent) {
            self.intent = other.intent;
        }
        if self.call.is_null() {
            self.call = other.call;
        }
        if self.next_steps.is_empty() {
            self.next_steps = other.next_steps;
        }
        if self.trace.is_empty() {
            self.trace = other.trace;
        }
        if self.frames.is_empty() {
            self.frames = other.frames;
        }
        self.others.extend(other.others);
        self.would_block |= other.would_block;
        self.failed_open |= other.failed_open;
        for source in other.sources {
            if !self.sources.contains(&source) {
                self.sources.push(source);
            }
        }
    }

    fn contradicts(&self, other: &Evidence) -> bool {
        match (&self.request_id, &other.request_id) {
            (Some(mine), Some(theirs)) => !mine.is_empty() && !theirs.is_empty() && mine != theirs,
            _ => false,
        }
    }
}

fn richness(intent: &Value) -> usize {
    intent.as_object().map_or(0, |fields| fields.len())
}

/// Reads everything, and keeps what belongs to one denial: the one that was asked for, else the last one.
pub fn gather(text: &str, request_id: Option<&str>, audit: Option<&str>) -> Evidence {
    let mut found = read(text);
    let mut wanted = request_id.map(str::to_owned);
    if wanted.is_none() {
        wanted = last_denial(&found).and_then(|denial| denial.request_id.clone());
    }
    let mut not_in_log = false;
    if let Some(audit) = audit {
        let logged = match &wanted {
            Some(id) if !id.is_empty() => record::in_log(audit, id),
            _ if found.is_empty() => record::last_denial_in_log(audit).into_iter().collect(),
            _ => Vec::new(),
        };
        not_in_log = logged.is_empty() && request_id.is_some();
        found.extend(logged);
    }
    let matching = |evidence: &&Evidence| match (&wanted, &evidence.request_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => false,
    };
    let primary = found
        .iter()
        .filter(matching)
        .find(|evidence| evidence.is_denial())
        .or_else(|| found.iter().find(matching))
        .or_else(|| {
            // An id that nobody knows must not be answered with another denial's cause.
            request_id
                .is_none()
                .then(|| last_denial(&found).or(found.last()))?
        });
    let mut evidence = primary.cloned().unwrap_or_default();
    for other in found {
        if !evidence.contradicts(&other)
            && (request_id.is_none() || primary_fits(&evidence, &other))
        {
            evidence.merge(other);
        }
    }
    if evidence.request_id.is_none() {
        evidence.request_id = wanted;
    }
    evidence.not_in_log = not_in_log;
    evidence.read_message();
    evidence
}

fn primary_fits(evidence: &Evidence, other: &Evidence) -> bool {
    evidence.request_id.is_some() && evidence.request_id == other.request_id
        || other.request_id.is_none() && evidence.is_denial()
}

fn last_denial(found: &[Evidence]) -> Option<&Evidence> {
    found
        .iter()
        .rfind(|evidence| evidence.is_denial() && !evidence.is_ungoverned())
        .or_else(|| found.iter().rfind(|evidence| evidence.is_denial()))
}

/// All evidence in a text, in its order: JSON first, then exceptions.
fn read(text: &str) -> Vec<Evidence> {
    let text = clean::text(both_ends(text).as_ref());
    let (objects, rest) = literal::objects(&text);
    let mut found: Vec<Evidence> = Vec::new();
    for object in &objects {
        record::read(object, 0, &mut found);
    }
    found.extend(traceback::read(&rest));
    if let Some(http) = record::http_status(&rest)
        && let Some(last) = found.last_mut()
        && last.status.is_none()
        && last.detail.is_some()
    {
        last.status = Some(http);
    } else if found.is_empty() {
        found.extend(message::bare(&rest));
    }
    found
}

/// The status of an HTTP answer that the text holds.
pub fn status_of_text(text: &str) -> Option<u16> {
    record::http_status(&clean::text(&both_ends(text)))
}

fn both_ends(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= TEXT_LIMIT {
        return text.into();
    }
    let half = TEXT_LIMIT / 2;
    let head = text.floor_char_boundary(half);
    let tail = text.ceil_char_boundary(text.len() - half);
    format!("{}\n{}", &text[..head], &text[tail..]).into()
}
