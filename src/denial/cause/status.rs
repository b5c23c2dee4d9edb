//! What an HTTP error of the plane says: the status, and FastAPI's `detail`.

use serde_json::Value;

use super::super::evidence::Evidence;
use super::{Cause, Confidence, Verdict, sentence};

/// The `detail` texts of a plane, lower case, with what each means.
const DETAILS: &[(&str, Cause)] = &[
    ("not authenticated", Cause::Unauthenticated),
    ("invalid api key", Cause::Unauthenticated),
    ("invalid or missing api key", Cause::Unauthenticated),
    ("missing api key", Cause::Unauthenticated),
    ("invalid token", Cause::Unauthenticated),
    ("could not validate credentials", Cause::Unauthenticated),
    ("unauthorized", Cause::Unauthenticated),
    ("service initialization failed", Cause::PlaneError),
    ("canonicalization failed", Cause::PlaneError),
    ("intent encoding failed", Cause::PlaneError),
    ("enforcement failed", Cause::PlaneError),
    ("internal server error", Cause::PlaneError),
    ("data plane error", Cause::PlaneError),
    ("rate limit", Cause::RateLimited),
    ("too many requests", Cause::RateLimited),
];

/// The cause behind a status; 0 where none was given.
pub fn of(status: u16, evidence: &Evidence) -> Verdict {
    let detail = detail(evidence);
    let lower = detail.to_lowercase();
    let known = DETAILS
        .iter()
        .find(|(words, _)| lower.contains(words))
        .map(|(_, cause)| *cause);
    let because = |verdict: Verdict| {
        let verdict = match status {
            0 => verdict,
            status => verdict.because(format!("the plane answered {status}")),
        };
        match detail.is_empty() {
            true => verdict,
            false => verdict.because(format!("detail: {detail}")),
        }
    };
    let names_principal = lower.contains("tenant") || lower.contains("actor");
    let verdict = because(match (status, known) {
        (401 | 403 | 0, _)
            if names_principal
                && known != Some(Cause::Unauthenticated)
                && !lower.contains("\"loc\"") =>
        {
            Verdict::likely(
                Cause::WrongTenantOrActor,
                format!("The plane refuses this tenant or actor: {detail}."),
                "which tenant the key belongs to",
            )
        }
        (401 | 403, _) => Verdict::certain(
            Cause::Unauthenticated,
            sentence(Cause::Unauthenticated, evidence),
        ),
        (422, _) => fields(evidence, &detail),
        (0, _) if evidence.detail.as_ref().is_some_and(Value::is_array) => {
            fields(evidence, &detail)
        }
        (429, _) => Verdict::certain(Cause::RateLimited, sentence(Cause::RateLimited, evidence)),
        (500..600, _) => Verdict::certain(Cause::PlaneError, sentence(Cause::PlaneError, evidence)),
        (0, Some(cause)) => Verdict::certain(cause, sentence(cause, evidence)),
        (0, None) => Verdict::unknown(
            "An HTTP error without a status, whose detail is not one of the plane's own.",
            "the status and the address that answered",
        ),
        _ if evidence.raised.is_none() => Verdict::unknown(
            "An HTTP error that says nothing of a policy plane.",
            "which address answered: GOVERNOR_ENFORCE_URL or the destination's own",
        ),
        _ => Verdict::certain(Cause::BadResponse, sentence(Cause::BadResponse, evidence)),
    });
    // Another service answers with the same statuses; only the plane's own words, or the client's, are beyond doubt.
    let is_planes = evidence.raised.is_some() || known.is_some() || status == 422 || status == 0;
    if is_planes || verdict.confidence != Confidence::Certain {
        return verdict;
    }
    Verdict {
        confidence: Confidence::Likely,
        settle: Some(
            "which address answered: GOVERNOR_ENFORCE_URL or the destination's own".into(),
        ),
        ..verdict
    }
}

/// A 422 names the fields of the question that are wrong.
fn fields(evidence: &Evidence, detail: &str) -> Verdict {
    let wrong: Vec<(String, bool)> = evidence
        .detail
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|error| {
            let loc: Vec<&str> = error
                .get("loc")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|part| *part != "body")
                .collect();
            let missing = error
                .get("type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.contains("missing"));
            (loc.join("."), missing)
        })
        .collect();
    let missing: Vec<&str> = wrong
        .iter()
        .filter(|(loc, missing)| *missing || loc.starts_with("data"))
        .map(|(loc, _)| loc.as_str())
        .collect();
    if !missing.is_empty() {
        let named = missing.join("`, `");
        return Verdict::certain(
            Cause::MissingDataFields,
            format!(
                "The plane refuses the intent because of `{named}`; nothing was decided about the call."
            ),
        );
    }
    if detail.to_lowercase().contains("field required") || detail.contains("missing") {
        return Verdict::certain(
            Cause::MissingDataFields,
            "The plane refuses the intent because a field is missing; nothing was decided about the call.",
        );
    }
    Verdict::likely(
        Cause::PlaneError,
        "The plane does not accept the question as the client puts it.",
        "whether client and plane are of the same version; the 422's `detail` names the field",
    )
}

fn detail(evidence: &Evidence) -> String {
    match &evidence.detail {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None if !evidence.reason.is_empty() => evidence.reason.clone(),
        None => evidence.message.clone(),
    }
}
