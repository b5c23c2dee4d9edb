//! The client's words, taken apart: what was refused, where, by which policy, because of what, under which id.

use serde_json::{Value, json};

use super::{Evidence, Raised};

/// What the client says where no exception class stands beside it.
const OWN_WORDS: &[(&str, Raised)] = &[
    ("the policy plane denied the call", Raised::Denied),
    ("the host `", Raised::Denied),
    ("the ALLOW does not hold", Raised::Denied),
    ("does not match the surrounding intent", Raised::Denied),
    ("the call waits for approval", Raised::Held),
    ("the policy plane at ", Raised::Unavailable),
    ("the policy plane answered ", Raised::Unavailable),
    (
        "the policy plane's answer is not valid",
        Raised::Unavailable,
    ),
    ("no policy plane is configured", Raised::Unavailable),
];

/// Whether a message is the client's own.
pub fn is_own(message: &str) -> bool {
    OWN_WORDS.iter().any(|(words, _)| message.contains(words))
}

/// Text without an exception and without JSON that still is the client's.
pub fn bare(text: &str) -> Option<Evidence> {
    text.lines().find_map(|line| {
        let (at, raised) = OWN_WORDS
            .iter()
            .find_map(|(words, raised)| Some((line.find(words)?, *raised)))?;
        let is_host_rule = line[at..].starts_with("the host `") && !line.contains("is denied here");
        (!is_host_rule).then(|| Evidence {
            raised: Some(raised),
            message: line[at..].trim().to_owned(),
            sources: vec!["a message of the client"],
            ..Evidence::default()
        })
    })
}

impl Evidence {
    /// Fills in what the message tells and nothing else told.
    pub fn read_message(&mut self) {
        let message = self.message.clone();
        for part in parts(&message) {
            if let Some(place) = part.strip_prefix("at ") {
                if self.call_site.is_none() {
                    self.call_site = place_of(place);
                }
            } else if let Some(ids) = part
                .strip_prefix("by policy ")
                .or_else(|| part.strip_prefix("by policies "))
            {
                if self.policy_ids.is_none() {
                    self.policy_ids = Some(ids.split(", ").map(unquoted).collect());
                }
            } else if let Some(reason) = part.strip_prefix("because ") {
                if self.reason.is_empty() {
                    self.reason = reason.to_owned();
                }
            } else if let Some(id) = part.strip_prefix("request id ")
                && self.request_id.is_none()
            {
                self.request_id = id.split_whitespace().next().map(unquoted);
            }
        }
        if !self.intent.is_object()
            && let Some((intent, call)) = asked(&message)
        {
            self.intent = intent;
            if self.call.is_null() {
                self.call = call;
            }
        }
        if let Some(fields) = self.intent.as_object_mut()
            && !fields.contains_key("actor")
            && let Some((kind, id)) = principal(&self.reason)
        {
            fields.insert("actor".into(), json!({"id": id, "type": kind}));
        }
        if self.status.is_none() {
            self.status = status_in(&message).or_else(|| status_in(&self.reason));
        }
        if self.policy_ids.is_none() {
            self.policy_ids = forbidden_by(&self.reason).or_else(|| forbidden_by(&message));
        }
    }
}

/// What the client said of its own accord: without the place, the ids, the advice, and what stands in backticks,
/// which are the user's names.
pub fn own_words(message: &str) -> String {
    let kept: Vec<&str> = parts(message)
        .into_iter()
        .filter(|part| {
            !["at ", "by policy ", "request id ", "next: "]
                .iter()
                .any(|lead| part.starts_with(lead))
        })
        .collect();
    kept.join("; ").split('`').step_by(2).collect()
}

/// The message's parts; a `;` inside of backticks parts nothing.
fn parts(message: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut inside = false;
    for (index, byte) in message.bytes().enumerate() {
        match byte {
            b'`' => inside = !inside,
            b';' if !inside => {
                parts.push(message[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(message[start..].trim());
    parts
}

/// ``[write external_api `stripe` through requests.Session.send]``.
fn asked(message: &str) -> Option<(Value, Value)> {
    let open = message.find('[')?;
    let inside = &message[open + 1..];
    let first_tick = inside.find('`')?;
    let second_tick = first_tick + 1 + inside[first_tick + 1..].find('`')?;
    let mut words = inside[..first_tick].split_whitespace();
    let (action, kind) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let intent = json!({
        "action": action,
        "resource": {"type": kind, "name": &inside[first_tick + 1..second_tick]},
    });
    let call = inside[second_tick + 1..]
        .split_once(']')
        .and_then(|(rest, _)| rest.trim().strip_prefix("through "))
        .map_or(Value::Null, |name| json!({"qualified_name": name}));
    Some((intent, call))
}

/// The local plane's words for who asked: ``… for Agent::"billing-bot"``.
fn principal(reason: &str) -> Option<(String, String)> {
    let (kind, rest) = reason.rsplit_once(" for ")?.1.split_once("::\"")?;
    let id = rest.strip_suffix('"').or(rest.split('"').next())?;
    let is_kind = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
    is_kind.then(|| (uncapitalised(kind), id.to_owned()))
}

/// `Agent` is the entity type of an actor of type `agent`.
pub fn uncapitalised(kind: &str) -> String {
    let mut characters = kind.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// `app/pay.py:9`, also `C:\app\pay.py:9`.
pub fn place_of(place: &str) -> Option<(String, u32)> {
    let (path, line) = place.trim().rsplit_once(':')?;
    let digits: String = line.chars().take_while(char::is_ascii_digit).collect();
    let line = digits.parse().ok()?;
    (!path.is_empty()).then(|| (path.to_owned(), line))
}

fn status_in(text: &str) -> Option<u16> {
    ["plane answered ", "status "].iter().find_map(|words| {
        let rest = &text[text.find(words)? + words.len()..];
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (digits.len() == 3).then(|| digits.parse().ok())?
    })
}

/// The names in ``forbidden by `x`, `y`: why``.
fn forbidden_by(text: &str) -> Option<Vec<String>> {
    let rest = &text[text.find("forbidden by ")? + "forbidden by ".len()..];
    let mut ids = Vec::new();
    let mut rest = rest.strip_prefix("policy ").unwrap_or(rest);
    while let Some((id, after)) = rest
        .strip_prefix('`')
        .and_then(|inside| inside.split_once('`'))
    {
        ids.push(id.to_owned());
        rest = after.trim_start_matches(", ");
    }
    if ids.is_empty() {
        let id = rest
            .split(|c: char| c.is_whitespace() || matches!(c, ':' | ';' | ','))
            .next()?;
        ids.push(id.to_owned());
    }
    ids.retain(|id| !id.is_empty());
    (!ids.is_empty()).then_some(ids)
}

fn unquoted(text: &str) -> String {
    text.trim()
        .trim_matches(|c: char| matches!(c, '`' | '\'' | '"' | ')' | '.'))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart() {
        let mut evidence = Evidence {
            message: "the policy plane denied the call [write external_api `a;b` through requests.Session.send]; at app/pay.py:9; by policy x, y; because forbidden by `x`: no; request id req_1; next: do not retry".into(),
            ..Evidence::default()
        };
        evidence.read_message();
        assert_eq!(evidence.call_site, Some(("app/pay.py".into(), 9)));
        assert_eq!(evidence.policy_ids, Some(vec!["x".into(), "y".into()]));
        assert_eq!(evidence.request_id.as_deref(), Some("req_1"));
        assert_eq!(evidence.intent["resource"]["name"], "a;b");
        assert_eq!(evidence.call["qualified_name"], "requests.Session.send");
        assert_eq!(evidence.reason, "forbidden by `x`: no");
    }

    #[test]
    fn a_place_may_be_on_windows() {
        assert_eq!(place_of("C:\\a\\b.py:12"), Some(("C:\\a\\b.py".into(), 12)));
        assert_eq!(place_of("nowhere"), None);
    }
}
