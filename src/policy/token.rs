//! Decision tokens: a signature under one ALLOW, bound to what was asked.
//!
//! `v1.<base64url(payload)>.<base64url(signature)>`; the client's `_token.py` documents and checks the format.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Signs decisions with one key.
#[derive(Clone)]
pub enum TokenSigner {
    Hmac(Vec<u8>),
    Ed25519(Box<SigningKey>),
}

impl TokenSigner {
    /// From `GOVERNOR_DECISION_KEY` (a shared secret) and `GOVERNOR_DECISION_PRIVATE_KEY` (`ed25519:<base64 seed>`).
    pub fn from_keys(
        shared: Option<&str>,
        private: Option<&str>,
    ) -> anyhow::Result<Option<TokenSigner>> {
        if let Some(private) = private {
            let encoded = private.strip_prefix("ed25519:").unwrap_or(private);
            let seed: [u8; 32] = decode(encoded)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .context(
                    "GOVERNOR_DECISION_PRIVATE_KEY is not `ed25519:` and 32 bytes of base64",
                )?;
            return Ok(Some(TokenSigner::Ed25519(Box::new(
                SigningKey::from_bytes(&seed),
            ))));
        }
        let Some(shared) = shared.filter(|key| !key.is_empty()) else {
            return Ok(None);
        };
        anyhow::ensure!(
            !shared.starts_with("ed25519:"),
            "GOVERNOR_DECISION_KEY is a public key, which cannot sign: give the plane GOVERNOR_DECISION_PRIVATE_KEY too"
        );
        let secret = match shared.strip_prefix("hmac:") {
            Some(encoded) => {
                decode(encoded).context("GOVERNOR_DECISION_KEY after `hmac:` is not base64")?
            }
            None => shared.as_bytes().to_vec(),
        };
        Ok(Some(TokenSigner::Hmac(secret)))
    }

    /// What clients set as `GOVERNOR_DECISION_KEY`; none for a shared secret.
    pub fn public_key(&self) -> Option<String> {
        match self {
            TokenSigner::Hmac(_) => None,
            TokenSigner::Ed25519(key) => Some(format!(
                "ed25519:{}",
                STANDARD.encode(key.verifying_key().as_bytes())
            )),
        }
    }

    /// The token of an ALLOW that is good before `expires_unix_s`.
    pub fn sign(
        &self,
        request_id: &str,
        question: &Value,
        expires_unix_s: i64,
        token_id: &str,
    ) -> String {
        let payload = json!({
            "request_id": request_id,
            "decision": "ALLOW",
            "exp": expires_unix_s,
            "args": digest(question),
            "jti": token_id,
        });
        let message = format!("v1.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
        let signature = match self {
            TokenSigner::Hmac(secret) => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret)
                    .expect("HMAC takes keys of every length");
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            TokenSigner::Ed25519(key) => key.sign(message.as_bytes()).to_bytes().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn decode(encoded: &str) -> anyhow::Result<Vec<u8>> {
    let standard: String = encoded
        .trim_end_matches('=')
        .chars()
        .map(|character| match character {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    Ok(URL_SAFE_NO_PAD.decode(standard)?)
}

/// SHA-256 of the canonical JSON, in lower-case hex.
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// JSON as Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))` writes it.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_canonical(&fields[key.as_str()], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        Value::Number(number) => *out += &number.to_string(),
        Value::Bool(flag) => *out += if *flag { "true" } else { "false" },
        Value::Null => *out += "null",
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => *out += "\\\"",
            '\\' => *out += "\\\\",
            '\n' => *out += "\\n",
            '\r' => *out += "\\r",
            '\t' => *out += "\\t",
            '\u{8}' => *out += "\\b",
            '\u{c}' => *out += "\\f",
            ' '..='~' => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    *out += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_that_of_the_client() {
        let value =
            json!({"b": [null, true], "a": "é\u{1F600}\n\"\\/\u{7f}\u{1}", "A": {"z": "", "y": 2}});
        let mut text = String::new();
        write_canonical(&value, &mut text);
        assert_eq!(
            text,
            "{\"A\":{\"y\":2,\"z\":\"\"},\"a\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\/\\u007f\\u0001\",\"b\":[null,true]}"
        );
    }

    #[test]
    fn a_public_key_cannot_sign() {
        let error = TokenSigner::from_keys(Some("ed25519:AAAA"), None)
            .err()
            .expect("an error");
        assert!(
            error.to_string().contains("GOVERNOR_DECISION_PRIVATE_KEY"),
            "{error}"
        );
    }

    #[test]
    fn keys_choose_the_algorithm() {
        let seed = format!("ed25519:{}", STANDARD.encode([7; 32]));
        let signer = TokenSigner::from_keys(None, Some(&seed))
            .expect("a key")
            .expect("a signer");
        assert!(
            signer
                .public_key()
                .is_some_and(|key| key.starts_with("ed25519:"))
        );
        assert_eq!(
            signer.sign("r", &Value::Null, 1, "j").matches('.').count(),
            2
        );
    }
}
