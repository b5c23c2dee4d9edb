//! Takes secrets out of text and JSON before it is written or answered.

use serde_json::{Map, Value};

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// How a key's name ends when its value is a secret.
const SECRET_NAMES: &[&str] = &[
    "access_key",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "decision_key",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "secret",
    "secret_key",
    "signature",
    "token",
];

/// How well-known tokens begin.
const TOKEN_PREFIXES: &[&str] = &[
    "AIza",
    "AKIA",
    "ASIA",
    "SG.",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pk_live_",
    "pypi-",
    "rk_live_",
    "rk_test_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "whsec_",
    "xoxa-",
    "xoxb-",
    "xoxp-",
    "eyJ",
    "v1.eyJ",
];

/// JSON with every secret masked: by key, and by pattern inside of strings.
pub fn value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(self::text(text)),
        Value::Array(items) => items.iter().map(self::value).collect(),
        Value::Object(fields) => {
            let masked: Map<String, Value> = fields
                .iter()
                .map(|(key, field)| {
                    let secret = is_secret_name(key) && (field.is_string() || field.is_number());
                    let field = if secret {
                        Value::from(MASK)
                    } else {
                        self::value(field)
                    };
                    (key.clone(), field)
                })
                .collect();
            Value::Object(masked)
        }
        other => other.clone(),
    }
}

/// Text with secrets masked: passwords in URLs, `key=value` and `key: value` of secret names, known tokens.
pub fn text(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word_length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if word_length == 0 {
            let first = rest.chars().next().map_or(1, char::len_utf8);
            masked += &rest[..first];
            rest = &rest[first..];
            continue;
        }
        let (word, after) = rest.split_at(word_length);
        if is_token(word) {
            masked += MASK;
            rest = after;
        } else if let Some(userinfo) = password_of_url(after) {
            masked += word;
            masked += "://";
            masked += MASK;
            rest = &after[3 + userinfo..];
        } else if let Some((separator, secret)) =
            named_secret(word, after, masked.ends_with(['?', '&']))
        {
            masked += word;
            masked += &after[..separator];
            masked += MASK;
            rest = &after[separator + secret..];
        } else {
            masked += word;
            rest = after;
        }
    }
    masked
}

/// A destination without user, password or key.
pub fn destination(destination: &str) -> String {
    let Some((scheme, rest)) = destination.split_once("://") else {
        return destination.to_owned();
    };
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) => {
            let fields: Vec<String> = query
                .split('&')
                .map(|field| match field.split_once('=') {
                    Some((name, value)) if hints_at_secret(name) && !value.starts_with('{') => {
                        format!("{name}={MASK}")
                    }
                    _ => field.to_owned(),
                })
                .collect();
            format!("{path}?{}", fields.join("&"))
        }
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

fn hints_at_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "secret", "password", "sig", "auth"]
        .iter()
        .any(|word| name.contains(word))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '+')
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret))
}

/// Names that carry a secret in a URL's query, and say nothing anywhere else.
fn is_secret_parameter(name: &str) -> bool {
    matches!(name, "key" | "sig" | "auth" | "code")
}

fn is_token(word: &str) -> bool {
    TOKEN_PREFIXES
        .iter()
        .any(|prefix| word.starts_with(prefix) && word.len() >= prefix.len() + 12)
}

/// The length of `user:password` in `://user:password@host`, where there is a password.
fn password_of_url(after: &str) -> Option<usize> {
    let authority = after.strip_prefix("://")?;
    let end = authority
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>'))
        .unwrap_or(authority.len());
    let at = authority[..end].rfind('@')?;
    authority[..at].contains(':').then_some(at)
}

/// For `password="x"`, `Authorization: Bearer x`, `?api_key=x`: the lengths of separator and secret.
fn named_secret(word: &str, after: &str, in_query: bool) -> Option<(usize, usize)> {
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic") {
        let secret = after.strip_prefix(' ')?;
        let length = secret_length(secret, |c| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ',')
        });
        return (length >= 8).then_some((1, length));
    }
    if !(is_secret_name(word) || in_query && is_secret_parameter(word)) {
        return None;
    }
    let separator = after
        .find(|c: char| !matches!(c, '=' | ':' | ' ' | '"' | '\''))
        .unwrap_or(after.len());
    let marks = &after[..separator];
    if !marks.contains('=') && !marks.contains(':') || marks.contains("  ") {
        return None;
    }
    let mut separator = separator;
    let mut secret = &after[separator..];
    for scheme in ["Bearer ", "bearer ", "Basic ", "Token "] {
        if let Some(stripped) = secret.strip_prefix(scheme) {
            separator += scheme.len();
            secret = stripped;
        }
    }
    let quote = marks.chars().rev().find(|c| matches!(c, '"' | '\''));
    let length = match quote.filter(|quote| marks.ends_with(*quote)) {
        Some(quote) => secret_length(secret, |c| c == quote || c == '\n'),
        None => secret_length(secret, |c| {
            c.is_whitespace() || matches!(c, '&' | '"' | '\'' | ',' | ';' | ')' | '}' | '#')
        }),
    };
    let found = &secret[..length];
    let says_nothing =
        found.is_empty() || matches!(found, "None" | "null" | "***" | "True" | "False");
    (!says_nothing).then_some((separator, length))
}

fn secret_length(text: &str, ends: impl Fn(char) -> bool) -> usize {
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(raw: &str, masked: &str) {
        assert_eq!(text(raw), masked);
    }

    #[test]
    fn secrets_are_masked() {
        check(
            "postgres://app:hunter2@db/orders",
            "postgres://***@db/orders",
        );
        check(
            "GET /x?api_key=abcd1234&page=2",
            "GET /x?api_key=***&page=2",
        );
        check(
            "Authorization: Bearer abcdefgh.ijk",
            "Authorization: Bearer ***",
        );
        check("\"password\": \"a b\", 1", "\"password\": \"***\", 1");
        check("key sk_live_51H8abcdefghijk used", "key *** used");
    }

    #[test]
    fn what_is_no_secret_stays() {
        check(
            "max_tokens=100 at https://api.stripe.com/v1",
            "max_tokens=100 at https://api.stripe.com/v1",
        );
        check(
            "token_expired: the token expired",
            "token_expired: the token expired",
        );
        check("the secret is out", "the secret is out");
        check("a@b.c", "a@b.c");
    }

    #[test]
    fn json_is_masked_by_key() {
        let masked =
            value(&json!({"headers": {"Authorization": "x"}, "url": "http://u:p@h", "n": 1}));
        assert_eq!(
            masked,
            json!({"headers": {"Authorization": "***"}, "url": "http://***@h", "n": 1})
        );
    }
}
