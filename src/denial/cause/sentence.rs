//! Causes in plain words.

use serde_json::Value;

use super::super::evidence::Evidence;
use super::Cause;

/// The plain words for a cause that is beyond doubt.
pub fn sentence(cause: Cause, evidence: &Evidence) -> String {
    let asked = asked(evidence);
    match cause {
        Cause::PolicyForbids => match evidence.policy_ids.as_deref() {
            Some([]) | None => format!("A policy forbids {asked}."),
            Some(ids) => format!("The policy {} forbids {asked}.", quoted(ids)),
        },
        Cause::NoMatchingPolicy => format!("No policy permits {asked}, and what nothing permits is denied."),
        Cause::NoIntent => "The call ran outside of every intent scope, where one is required.".into(),
        Cause::ScopeMismatch => format!("The call ({asked}) is not what the intent around it says."),
        Cause::CanonicalizationSuspect => "The plane read a word of the intent as something else than was meant.".into(),
        Cause::MissingDataFields => "The intent lacks fields that a policy asks about.".into(),
        Cause::UnmappedDestination => "No rule says what the destination is.".into(),
        Cause::WrongTenantOrActor => format!("The call was made as {}, whom the policies do not permit it.", actor(evidence)),
        Cause::Unauthenticated => "The plane did not accept the API key; nothing was decided about the call.".into(),
        Cause::PlaneUnreachable => "The client could not reach the policy plane, so the call did not happen.".into(),
        Cause::PlaneTimeout => "The policy plane gave no complete answer in time, so the call did not happen.".into(),
        Cause::PlaneError => "The policy plane failed at the question, so the call did not happen.".into(),
        Cause::CircuitOpen => "The policy plane failed several times in a row, so the client does not ask it for a while.".into(),
        Cause::BadResponse => "What answered at GOVERNOR_ENFORCE_URL does not keep to the plane's interface.".into(),
        Cause::TokenInvalid => "The ALLOW carries no decision token that fits GOVERNOR_DECISION_KEY and this question.".into(),
        Cause::TokenExpired => "The ALLOW's time was over when it came.".into(),
        Cause::TokenReplayed => "The same decision token came a second time.".into(),
        Cause::HeldForReview => match &evidence.hold_id {
            Some(id) => format!("A person has to approve {asked} first (hold `{id}`)."),
            None => format!("A person has to approve {asked} first."),
        },
        Cause::RateLimited => "The plane refuses because it is asked too often.".into(),
        Cause::HostDenied => "The host is in GOVERNOR_DENY_HOSTS; the client decided that by itself.".into(),
        Cause::BackstopBlocked if evidence.is_ungoverned() => {
            "The backstop saw an effect that had passed no gate; it was written down, not stopped.".into()
        }
        Cause::BackstopBlocked => "The backstop stopped an effect that had passed no gate.".into(),
        Cause::NotADenial => "This is no denial.".into(),
        Cause::Unknown => "The text does not hold enough to say.".into(),
    }
}

/// ``write on external_api `stripe` ``, as far as it is known.
pub fn asked(evidence: &Evidence) -> String {
    let text = |pointer: &str| evidence.intent.pointer(pointer).and_then(Value::as_str);
    match (
        text("/action"),
        text("/resource/type"),
        text("/resource/name"),
    ) {
        (Some(action), Some(kind), Some(name)) => format!("{action} on {kind} `{name}`"),
        (Some(action), Some(kind), None) => format!("{action} on {kind}"),
        _ => "this call".to_owned(),
    }
}

pub fn actor(evidence: &Evidence) -> String {
    let text = |pointer: &str| evidence.intent.pointer(pointer).and_then(Value::as_str);
    match (text("/actor/type"), text("/actor/id")) {
        (Some(kind), Some(id)) => format!("{kind} `{id}`"),
        (None, Some(id)) => format!("`{id}`"),
        _ => "an actor that the text does not name".to_owned(),
    }
}

fn quoted(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    ids.join(", ")
}
