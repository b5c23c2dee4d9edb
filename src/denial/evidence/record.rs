//! Denials as JSON: an exception's `to_dict()`, the plane's answer, a line of an audit log, an HTTP error.

use serde_json::{Map, Value};

use super::message::place_of;
use super::{Evidence, Frame, Raised, message, traceback};
use crate::policy::Canonicalized;
use crate::policy::canonical::Prediction;

/// How deep a denial may lie inside of other JSON.
const DEPTH: usize = 12;

/// Reads one object, and the denials inside of it.
pub fn read(value: &Value, depth: usize, found: &mut Vec<Evidence>) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Object(fields) => match own(fields) {
            Some(evidence) => found.push(evidence),
            None => fields
                .values()
                .for_each(|field| read(field, depth + 1, found)),
        },
        Value::Array(items) => items.iter().for_each(|item| read(item, depth + 1, found)),
        Value::String(text) if text.contains('{') || text.contains("Policy") => {
            let (objects, rest) = super::literal::objects(text);
            for object in &objects {
                read(object, depth + 1, found);
            }
            found.extend(
                traceback::read(&rest)
                    .into_iter()
                    .filter(Evidence::is_denial),
            );
        }
        _ => {}
    }
}

fn own(fields: &Map<String, Value>) -> Option<Evidence> {
    exception(fields)
        .or_else(|| structured(fields))
        .or_else(|| answer(fields))
        .or_else(|| audit_line(fields))
        .or_else(|| http_error(fields))
        .or_else(|| intent(fields))
}

fn exception(fields: &Map<String, Value>) -> Option<Evidence> {
    let raised = Raised::of_type(fields.get("type")?.as_str()?)?;
    Some(Evidence {
        raised: Some(raised),
        named_cause: text(fields, "cause"),
        message: text(fields, "message").unwrap_or_default(),
        reason: text(fields, "reason").unwrap_or_default(),
        next_steps: strings(fields.get("next_steps")).unwrap_or_default(),
        call_site: text(fields, "call_site").as_deref().and_then(place_of),
        sources: vec!["an exception's JSON"],
        ..shared(fields)
    })
}

/// An exception as Sentry and structlog write it: its class, its words, its frames.
fn structured(fields: &Map<String, Value>) -> Option<Evidence> {
    let class = text(fields, "exc_type").or_else(|| text(fields, "type"))?;
    let raised = Raised::of_class(class.rsplit('.').next()?)?;
    let frames = fields
        .get("frames")
        .or_else(|| fields.get("stacktrace")?.get("frames"))
        .and_then(Value::as_array);
    let frames = frames.into_iter().flatten().filter_map(|frame| {
        let word = |key: &str| frame.get(key).and_then(Value::as_str);
        Some(Frame {
            path: word("abs_path").or(word("filename"))?.to_owned(),
            line: u32::try_from(frame.get("lineno")?.as_u64()?).ok()?,
            function: word("function")
                .or(word("name"))
                .unwrap_or_default()
                .to_owned(),
        })
    });
    let message = ["exc_value", "value", "message"]
        .iter()
        .find_map(|key| text(fields, key));
    Some(Evidence {
        raised: Some(raised),
        message: message.unwrap_or_default(),
        frames: frames.collect(),
        sources: vec!["a structured log"],
        ..Evidence::default()
    })
}

fn answer(fields: &Map<String, Value>) -> Option<Evidence> {
    let decision = decision(fields)?;
    let metadata = fields.get("metadata")?.as_object()?;
    Some(Evidence {
        decision: Some(decision),
        reason: text(metadata, "reason").unwrap_or_default(),
        sources: vec!["the plane's answer"],
        ..shared(metadata)
    })
}

fn audit_line(fields: &Map<String, Value>) -> Option<Evidence> {
    let decision = decision(fields)?;
    let known = ["intent", "site", "call", "request_id", "policy_ids"];
    known.iter().find(|key| fields.contains_key(**key))?;
    let site = fields.get("site").and_then(Value::as_object);
    let call_site = site.and_then(|site| {
        let path = text(site, "path").filter(|path| !path.is_empty())?;
        let line = site.get("line")?.as_u64()?;
        Some((path, u32::try_from(line).ok()?))
    });
    let flag = |key: &str| fields.get(key).and_then(Value::as_bool).unwrap_or(false);
    let cause = text(fields, "cause");
    Some(Evidence {
        raised: match decision.as_str() {
            "UNAVAILABLE" => Some(Raised::Unavailable),
            _ => None,
        },
        decision: Some(decision),
        named_cause: cause,
        reason: text(fields, "reason").unwrap_or_default(),
        call_site,
        would_block: flag("would_block"),
        failed_open: flag("failed_open"),
        sources: vec!["an audit line"],
        ..shared(fields)
    })
}

fn http_error(fields: &Map<String, Value>) -> Option<Evidence> {
    let detail = fields.get("detail")?.clone();
    let status = fields
        .get("status")
        .or_else(|| fields.get("status_code"))
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    // An application that passes the client's words on.
    if let Some(own) = detail.as_str().and_then(message::bare) {
        return Some(own);
    }
    let known = ["detail", "status", "status_code", "title", "type"];
    let is_error = detail.is_string() || detail.is_array();
    (is_error && fields.keys().all(|key| known.contains(&key.as_str()))).then(|| Evidence {
        status,
        detail: Some(detail),
        sources: vec!["an HTTP error"],
        ..Evidence::default()
    })
}

/// The body of a question, beside whatever was answered.
fn intent(fields: &Map<String, Value>) -> Option<Evidence> {
    let asks = fields.get("action")?.is_string()
        && fields.get("resource")?.is_object()
        && fields.contains_key("actor");
    asks.then(|| {
        let mut evidence = Evidence {
            intent: Value::Object(fields.clone()),
            sources: vec!["an intent"],
            ..Evidence::default()
        };
        if let Some(call) = fields
            .get("context")
            .and_then(|context| context.get("call"))
        {
            evidence.call = call.clone();
        }
        evidence
    })
}

/// What all kinds carry under the same names.
fn shared(fields: &Map<String, Value>) -> Evidence {
    let object = |key: &str| {
        fields
            .get(key)
            .filter(|value| value.as_object().is_some_and(|found| !found.is_empty()))
            .cloned()
            .unwrap_or_default()
    };
    Evidence {
        request_id: text(fields, "request_id").filter(|id| !id.is_empty()),
        intent: object("intent"),
        call: object("call"),
        policy_ids: strings(fields.get("policy_ids")),
        hold_id: text(fields, "hold_id"),
        trace: trace(fields.get("canonicalization_trace")),
        ..Evidence::default()
    }
}

fn decision(fields: &Map<String, Value>) -> Option<String> {
    let decision = fields.get("decision")?.as_str()?;
    matches!(
        decision,
        "ALLOW" | "DENY" | "HOLD" | "UNAVAILABLE" | "UNGOVERNED"
    )
    .then(|| decision.to_owned())
}

fn text(fields: &Map<String, Value>, key: &str) -> Option<String> {
    fields.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let items = value?.as_array()?;
    Some(
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}

fn trace(value: Option<&Value>) -> Vec<Canonicalized> {
    let lines = value.and_then(Value::as_array).into_iter().flatten();
    lines
        .filter_map(|line| {
            let prediction = line.get("prediction").unwrap_or(line);
            let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            Some(Canonicalized {
                field: word(line.get("field"))?,
                raw_input: word(line.get("raw_input")).unwrap_or_default(),
                prediction: Prediction {
                    canonical: word(prediction.get("canonical"))?,
                    confidence: prediction
                        .get("confidence")
                        .and_then(Value::as_f64)
                        .unwrap_or(1.0),
                    source: word(prediction.get("source")).unwrap_or_default(),
                },
            })
        })
        .collect()
}

/// The lines of a log that carry this request id.
pub fn in_log(log: &str, request_id: &str) -> Vec<Evidence> {
    log.lines()
        .filter(|line| line.contains(request_id))
        .filter_map(logged)
        .filter(|evidence| evidence.request_id.as_deref() == Some(request_id))
        .collect()
}

pub fn last_denial_in_log(log: &str) -> Option<Evidence> {
    log.lines()
        .rev()
        .filter_map(logged)
        .find(|evidence| evidence.is_denial() && !evidence.is_ungoverned())
}

/// The last time in the log at which the plane failed and was really asked: its cause and reason.
pub fn last_failure_in_log(log: &str) -> Option<(String, String)> {
    log.lines()
        .rev()
        .filter(|line| line.contains("\"UNAVAILABLE\""))
        .filter_map(logged)
        .filter_map(|evidence| Some((evidence.named_cause?, evidence.reason)))
        .find(|(cause, _)| cause != "circuit_open")
}

fn logged(line: &str) -> Option<Evidence> {
    let (objects, _) = super::literal::objects(line);
    let mut found = Vec::new();
    objects
        .iter()
        .for_each(|object| read(object, 0, &mut found));
    found.into_iter().next()
}

/// The status of an HTTP answer in plain text: `HTTP/1.1 401 Unauthorized`, `status: 401`, `403 Forbidden`.
pub fn http_status(text: &str) -> Option<u16> {
    text.lines().find_map(|line| {
        let lower = line.to_ascii_lowercase();
        let mut words = lower
            .split(|c: char| {
                c.is_whitespace() || matches!(c, ':' | '=' | '(' | ')' | ',' | '"' | '<')
            })
            .filter(|word| !word.is_empty());
        let mut previous = "";
        words.find_map(|word| {
            let marks = previous.starts_with("http")
                || previous.contains("status")
                || matches!(previous, "code" | "error" | "answered" | "returned");
            previous = word;
            (marks && word.len() == 3)
                .then(|| word.parse().ok())
                .flatten()
                .filter(|status| (300..600).contains(status))
        })
    })
}
