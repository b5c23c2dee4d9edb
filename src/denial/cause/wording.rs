//! Which words of the client and of a plane stand for which cause.

use super::super::evidence::{Evidence, Raised, own_words, status_of_text};
use super::{Cause, Confidence, Verdict, sentence, status};

/// Words, lower case, all of which must be there; the first row that fits counts, and `true` is beyond doubt.
const WORDS: &[(&[&str], Cause, bool)] = &[
    (&["token", "expired"], Cause::TokenExpired, true),
    (&["the answer expired"], Cause::TokenExpired, true),
    (&["allow", "expired"], Cause::TokenExpired, true),
    (&["token", "used before"], Cause::TokenReplayed, true),
    (&["token", "replay"], Cause::TokenReplayed, true),
    (&["token came twice"], Cause::TokenReplayed, true),
    (&["token", "already used"], Cause::TokenReplayed, true),
    (&["token", "reused"], Cause::TokenReplayed, true),
    (&["decision token"], Cause::TokenInvalid, true),
    (&["governor_decision_key"], Cause::TokenInvalid, true),
    (&["token", "signature"], Cause::TokenInvalid, true),
    (&["token", "invalid"], Cause::TokenInvalid, false),
    (&["governor_deny_hosts"], Cause::HostDenied, true),
    (&["host", "is denied here"], Cause::HostDenied, true),
    (&["host", "deny list"], Cause::HostDenied, false),
    (&["backstop"], Cause::BackstopBlocked, true),
    (&["no gate saw"], Cause::BackstopBlocked, true),
    (&["passed no gate"], Cause::BackstopBlocked, true),
    (
        &["does not match the surrounding intent"],
        Cause::ScopeMismatch,
        true,
    ),
    (&["scope_mismatch"], Cause::ScopeMismatch, true),
    (&["does not match", "scope"], Cause::ScopeMismatch, false),
    (&["outside", "declared scope"], Cause::ScopeMismatch, true),
    (&["outside", "intent scope"], Cause::NoIntent, true),
    (&["outside of any", "intent"], Cause::NoIntent, true),
    (&["outside any intent"], Cause::NoIntent, true),
    (&["no intent"], Cause::NoIntent, true),
    (&["no active intent"], Cause::NoIntent, true),
    (&["outside of a scope"], Cause::NoIntent, false),
    (&["without an intent"], Cause::NoIntent, true),
    (&["intent is required"], Cause::NoIntent, false),
    (&["outside of the", "scope"], Cause::ScopeMismatch, false),
    (
        &["canonicaliz", "confidence"],
        Cause::CanonicalizationSuspect,
        false,
    ),
    (
        &["canonicaliz", "ambiguous"],
        Cause::CanonicalizationSuspect,
        false,
    ),
    (&["misread as"], Cause::CanonicalizationSuspect, false),
    (&["failed repeatedly"], Cause::CircuitOpen, true),
    (&["circuit", "open"], Cause::CircuitOpen, true),
    (&["no complete answer within"], Cause::PlaneTimeout, true),
    (&["time-out"], Cause::PlaneTimeout, false),
    (&["timed out"], Cause::PlaneTimeout, false),
    (&["timeout"], Cause::PlaneTimeout, false),
    (
        &["governor_enforce_url is not set"],
        Cause::PlaneUnreachable,
        true,
    ),
    (
        &["no policy plane is configured"],
        Cause::PlaneUnreachable,
        true,
    ),
    (&["connection refused"], Cause::PlaneUnreachable, true),
    (&["connection reset"], Cause::PlaneUnreachable, true),
    (
        &["name or service not known"],
        Cause::PlaneUnreachable,
        true,
    ),
    (&["nodename nor servname"], Cause::PlaneUnreachable, true),
    (
        &["temporary failure in name resolution"],
        Cause::PlaneUnreachable,
        true,
    ),
    (&["getaddrinfo failed"], Cause::PlaneUnreachable, true),
    (&["no route to host"], Cause::PlaneUnreachable, true),
    (&["network is unreachable"], Cause::PlaneUnreachable, true),
    (&["could not connect"], Cause::PlaneUnreachable, false),
    (&["cannot connect"], Cause::PlaneUnreachable, false),
    (&["failed to connect"], Cause::PlaneUnreachable, false),
    (&["could not reach"], Cause::PlaneUnreachable, false),
    (&["cannot reach"], Cause::PlaneUnreachable, false),
    (&["failed to reach"], Cause::PlaneUnreachable, false),
    (&["connection error"], Cause::PlaneUnreachable, false),
    (&["connection aborted"], Cause::PlaneUnreachable, false),
    (&["no such host"], Cause::PlaneUnreachable, false),
    (&["broken pipe"], Cause::PlaneUnreachable, false),
    (&["actively refused"], Cause::PlaneUnreachable, true),
    (
        &["certificate verify failed"],
        Cause::PlaneUnreachable,
        true,
    ),
    (
        &["connection was closed without an answer"],
        Cause::PlaneUnreachable,
        true,
    ),
    (&["deadline"], Cause::PlaneTimeout, false),
    (&["unreachable"], Cause::PlaneUnreachable, false),
    (&["answer is not valid"], Cause::BadResponse, true),
    (&["does not speak http"], Cause::BadResponse, true),
    (&["answer was cut short"], Cause::BadResponse, true),
    (&["answer is too large"], Cause::BadResponse, true),
    (&["answer is compressed"], Cause::BadResponse, true),
    (&["answer is longer than"], Cause::BadResponse, true),
    (&["answer's", "malformed"], Cause::BadResponse, true),
    (&["answer's framing"], Cause::BadResponse, true),
    (&["answer's head"], Cause::BadResponse, true),
    (&["chunk's"], Cause::BadResponse, true),
    (&["not json"], Cause::BadResponse, false),
    (&["not valid json"], Cause::BadResponse, true),
    (&["unknown decision"], Cause::BadResponse, true),
    (&["missing metadata"], Cause::BadResponse, true),
    (&["malformed response"], Cause::BadResponse, true),
    (&["invalid response"], Cause::BadResponse, true),
    (&["unexpected response"], Cause::BadResponse, true),
    (&["response is not valid"], Cause::BadResponse, true),
    (&["rate limit"], Cause::RateLimited, false),
    (&["too many requests"], Cause::RateLimited, true),
    (
        &["does not have the attribute"],
        Cause::MissingDataFields,
        true,
    ),
    (&["attribute", "not found"], Cause::MissingDataFields, false),
    (&["could not be evaluated"], Cause::MissingDataFields, false),
    (&["missing", "data."], Cause::MissingDataFields, false),
    (&["missing data"], Cause::MissingDataFields, true),
    (&["requires data"], Cause::MissingDataFields, false),
    (
        &["data.", "does not carry"],
        Cause::MissingDataFields,
        false,
    ),
    (&["missing field"], Cause::MissingDataFields, false),
    (&["required field"], Cause::MissingDataFields, false),
    (&["tenant", "belongs to"], Cause::WrongTenantOrActor, true),
    (&["tenant", "mismatch"], Cause::WrongTenantOrActor, true),
    (&["wrong tenant"], Cause::WrongTenantOrActor, true),
    (&["unknown tenant"], Cause::WrongTenantOrActor, true),
    (&["unknown actor"], Cause::WrongTenantOrActor, true),
    (&["actor", "mismatch"], Cause::WrongTenantOrActor, true),
    (&["actor", "not allowed"], Cause::WrongTenantOrActor, false),
    (
        &["no destination mapping"],
        Cause::UnmappedDestination,
        true,
    ),
    (&["unmapped destination"], Cause::UnmappedDestination, true),
    (
        &["destination", "not mapped"],
        Cause::UnmappedDestination,
        true,
    ),
    (&["canonicalization failed"], Cause::PlaneError, true),
    (&["enforcement failed"], Cause::PlaneError, true),
    (&["intent encoding failed"], Cause::PlaneError, true),
    (&["service initialization failed"], Cause::PlaneError, true),
    (&["data plane error"], Cause::PlaneError, true),
    (&["internal server error"], Cause::PlaneError, true),
    (&["bad gateway"], Cause::PlaneError, true),
    (&["service unavailable"], Cause::PlaneError, true),
    (&["invalid api key"], Cause::Unauthenticated, true),
    (&["not authenticated"], Cause::Unauthenticated, true),
    (&["unauthorized"], Cause::Unauthenticated, true),
    (&["api key"], Cause::Unauthenticated, false),
    (&["forbidden by"], Cause::PolicyForbids, true),
    (&["a policy forbids"], Cause::PolicyForbids, true),
    (&["denied by policy"], Cause::PolicyForbids, true),
    (&["blocked by policy"], Cause::PolicyForbids, true),
    (&["explicit deny"], Cause::PolicyForbids, true),
    (&["by policy"], Cause::PolicyForbids, true),
    (&["held by", "rejected"], Cause::PolicyForbids, true),
    (&["no policy permits"], Cause::NoMatchingPolicy, true),
    (&["nothing permits"], Cause::NoMatchingPolicy, true),
    (&["no matching policy"], Cause::NoMatchingPolicy, true),
    (&["no policy allows"], Cause::NoMatchingPolicy, true),
    (&["no applicable policy"], Cause::NoMatchingPolicy, true),
    (&["no policy matched"], Cause::NoMatchingPolicy, true),
    (&["implicit deny"], Cause::NoMatchingPolicy, true),
    (&["default deny"], Cause::NoMatchingPolicy, false),
    (&["deny by default"], Cause::NoMatchingPolicy, false),
    (&["denied by default"], Cause::NoMatchingPolicy, false),
    (&["no permit"], Cause::NoMatchingPolicy, false),
    (&["waits for approval"], Cause::HeldForReview, true),
    (&["has to approve"], Cause::HeldForReview, true),
];

/// Causes that only a missing answer can have, and causes that only an answer can have.
fn fits(cause: Cause, raised: Option<Raised>) -> bool {
    let of_transport = matches!(
        cause,
        Cause::PlaneTimeout
            | Cause::PlaneUnreachable
            | Cause::PlaneError
            | Cause::BadResponse
            | Cause::CircuitOpen
    );
    match raised {
        Some(Raised::Denied) => !of_transport,
        Some(Raised::Unavailable) => !matches!(
            cause,
            Cause::PolicyForbids
                | Cause::NoMatchingPolicy
                | Cause::HostDenied
                | Cause::ScopeMismatch
                | Cause::NoIntent
                | Cause::MissingDataFields
        ),
        _ => true,
    }
}

/// The cause that the words name: the message first, then what it advises.
pub fn read(evidence: &Evidence) -> Option<Verdict> {
    let said = format!(
        "{} {}",
        own_words(&evidence.message),
        own_words(&evidence.reason)
    )
    .to_lowercase();
    let by_status = evidence.status.or_else(|| status_of_text(&said));
    if let Some(status) = by_status
        && evidence.raised == Some(Raised::Unavailable)
    {
        return Some(status::of(status, evidence));
    }
    let advised = evidence.next_steps.join(" ").to_lowercase();
    find(&said, evidence).or_else(|| {
        let mut verdict = find(&advised, evidence)?;
        verdict
            .because
            .push(format!("the advice: {}", evidence.next_steps.join("; ")));
        Some(verdict)
    })
}

fn find(said: &str, evidence: &Evidence) -> Option<Verdict> {
    let (words, cause, certain) = WORDS.iter().find(|(words, cause, _)| {
        fits(*cause, evidence.raised) && words.iter().all(|word| said.contains(word))
    })?;
    let verdict = Verdict::certain(*cause, sentence(*cause, evidence))
        .because(format!("it says `{}`", words.join("` and `")));
    if *certain {
        return Some(verdict);
    }
    Some(Verdict {
        confidence: Confidence::Likely,
        settle: Some("the plane's or the client's log for this request".to_owned()),
        ..verdict
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_lower_case() {
        for (words, cause, _) in WORDS {
            assert!(
                words.iter().all(|word| *word == word.to_lowercase()),
                "{cause:?}"
            );
        }
    }
}
