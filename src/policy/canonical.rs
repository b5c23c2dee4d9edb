//! Raw words to canonical ones: `query` is a `read`, `postgres` is a `database`.
//!
//! An exact word is certain, a synonym nearly so, a word that is only spelled like one is suspect. A word that nothing
//! resembles stays as it was sent, with no confidence: no policy that names a canonical action permits it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod words;

pub use words::{ACTIONS, RESOURCE_TYPES};

/// Below this, a canonical word may not be what the caller meant.
pub const SUSPECT_BELOW: f64 = 0.8;

/// One line of the canonicalization trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Canonicalized {
    /// `action` or `resource_type`.
    pub field: String,
    pub raw_input: String,
    pub prediction: Prediction,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    pub canonical: String,
    pub confidence: f64,
    /// `exact`, `synonym`, `fuzzy` or `unknown`.
    pub source: String,
}

/// The canonical action of a raw word.
pub fn action(raw: &str) -> Canonicalized {
    canonicalize("action", raw, ACTIONS)
}

/// The canonical resource type of a raw word.
pub fn resource_type(raw: &str) -> Canonicalized {
    canonicalize("resource_type", raw, RESOURCE_TYPES)
}

type Vocabulary = [(&'static str, &'static [&'static str])];

fn canonicalize(field: &str, raw: &str, vocabulary: &Vocabulary) -> Canonicalized {
    let (canonical, confidence, source) = predict(raw, vocabulary);
    Canonicalized {
        field: field.to_owned(),
        raw_input: raw.to_owned(),
        prediction: Prediction {
            canonical,
            confidence,
            source: source.to_owned(),
        },
    }
}

fn predict(raw: &str, vocabulary: &Vocabulary) -> (String, f64, &'static str) {
    let tokens = tokens(raw);
    let whole = tokens.join("_");
    if vocabulary.iter().any(|(canonical, _)| *canonical == whole) {
        let confidence = if raw == whole { 1.0 } else { 0.98 };
        return (whole, confidence, "exact");
    }
    if let Some(canonical) = synonym(&whole, vocabulary) {
        return (canonical.to_owned(), 0.95, "synonym");
    }
    // `send_email`, `orders.delete`: the words that mean something, if they agree.
    let meanings: Vec<&str> = tokens
        .iter()
        .filter_map(|token| synonym(token, vocabulary))
        .collect();
    if let Some(first) = meanings.first() {
        let agreed = meanings.iter().all(|meaning| meaning == first);
        return (
            (*first).to_owned(),
            if agreed { 0.85 } else { 0.6 },
            "synonym",
        );
    }
    match nearest(&whole, vocabulary) {
        Some((canonical, similarity)) => (canonical.to_owned(), similarity, "fuzzy"),
        None => (raw.trim().to_lowercase(), 0.0, "unknown"),
    }
}

fn synonym(word: &str, vocabulary: &Vocabulary) -> Option<&'static str> {
    vocabulary
        .iter()
        .find(|(canonical, synonyms)| *canonical == word || synonyms.contains(&word))
        .map(|(canonical, _)| *canonical)
}

/// Lower-case words: `sendEmail`, `HTTP-Post` and `send email` fall apart the same way.
fn tokens(raw: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut previous_is_lower = false;
    for character in raw.trim().chars().take(200) {
        if !character.is_alphanumeric() {
            tokens.push(String::new());
            previous_is_lower = false;
            continue;
        }
        if character.is_uppercase() && previous_is_lower {
            tokens.push(String::new());
        }
        previous_is_lower = character.is_lowercase() || character.is_numeric();
        if let Some(token) = tokens.last_mut() {
            token.extend(character.to_lowercase());
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// The word closest in spelling, when it is close: one slip in four letters, and never under four letters.
fn nearest(word: &str, vocabulary: &Vocabulary) -> Option<(&'static str, f64)> {
    let length = word.chars().count();
    if !(4..=40).contains(&length) {
        return None;
    }
    let candidates = vocabulary.iter().flat_map(|(canonical, synonyms)| {
        std::iter::once(canonical)
            .chain(synonyms.iter())
            .map(move |candidate| (*canonical, *candidate))
    });
    candidates
        .filter_map(|(canonical, candidate)| {
            let slips = edit_distance(word, candidate);
            let longest = length.max(candidate.chars().count());
            (slips * 4 <= longest).then(|| {
                (
                    canonical,
                    0.9 * (1.0 - slips as f64 / longest as f64),
                    slips,
                )
            })
        })
        .min_by_key(|(_, _, slips)| *slips)
        .map(|(canonical, similarity, _)| (canonical, (similarity * 100.0).round() / 100.0))
}

fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_action(raw: &str, canonical: &str, source: &str) {
        let prediction = action(raw).prediction;
        assert_eq!(
            (prediction.canonical.as_str(), prediction.source.as_str()),
            (canonical, source),
            "{raw}: {prediction:?}"
        );
    }

    #[test]
    fn words_become_actions() {
        check_action("read", "read", "exact");
        check_action("READ", "read", "exact");
        check_action("query", "read", "synonym");
        check_action("POST", "write", "synonym");
        check_action("sendEmail", "send", "synonym");
        check_action("orders.delete", "delete", "synonym");
        check_action("delte", "delete", "fuzzy");
        check_action("frobnicate", "frobnicate", "unknown");
        check_action("", "", "unknown");
    }

    #[test]
    fn a_guess_is_suspect() {
        assert!(action("delte").prediction.confidence < SUSPECT_BELOW);
        assert!(action("delete_or_read").prediction.confidence < SUSPECT_BELOW);
        assert!(action("query").prediction.confidence >= SUSPECT_BELOW);
    }

    #[test]
    fn words_become_resource_types() {
        assert_eq!(resource_type("postgres").prediction.canonical, "database");
        assert_eq!(
            resource_type("s3 bucket").prediction.canonical,
            "object_store"
        );
        assert_eq!(
            resource_type("external_api").prediction.canonical,
            "external_api"
        );
    }

    #[test]
    fn a_word_has_one_meaning_and_lists_are_sorted() {
        for vocabulary in [ACTIONS, RESOURCE_TYPES] {
            let mut seen = std::collections::BTreeMap::new();
            for (canonical, synonyms) in vocabulary {
                assert!(synonyms.is_sorted(), "{canonical}");
                for word in synonyms.iter().chain(std::iter::once(canonical)) {
                    let other = seen.insert(*word, *canonical);
                    assert_eq!(other, None, "`{word}` means two things");
                }
            }
        }
    }
}
