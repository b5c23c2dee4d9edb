//! What holds for every tool.

use super::*;

/// Bytes of a token, as a rule of thumb.
const BYTES_PER_TOKEN: usize = 4;

#[test]
fn all_definitions_stay_under_3000_tokens() {
    let bytes = serde_json::to_string(definitions())
        .expect("definitions are JSON")
        .len();
    assert!(
        bytes / BYTES_PER_TOKEN < 3000,
        "{} tokens",
        bytes / BYTES_PER_TOKEN
    );
}

#[test]
fn tools_are_sorted_and_described() {
    assert!(ALL.is_sorted_by_key(|tool| tool.name));
    for tool in definitions() {
        let annotations = tool
            .annotations
            .as_ref()
            .expect("every tool has annotations");
        assert_eq!(annotations.read_only_hint, Some(true), "{}", tool.name);
        assert_eq!(annotations.destructive_hint, Some(false), "{}", tool.name);
        assert_eq!(annotations.idempotent_hint, Some(true), "{}", tool.name);
        assert_eq!(annotations.open_world_hint, Some(false), "{}", tool.name);
        assert!(
            tool.description
                .as_ref()
                .is_some_and(|text| text.len() > 40),
            "{}",
            tool.name
        );
    }
}

#[test]
fn inputs_are_flat_objects_without_unions() {
    for tool in ALL {
        let schema = tool.input_schema();
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
        for (name, property) in schema["properties"].as_object().expect("an object") {
            let kind = property["type"].as_str();
            assert!(
                matches!(kind, Some("string" | "integer" | "array")),
                "{}.{name}",
                tool.name
            );
            assert!(property["description"].is_string(), "{}.{name}", tool.name);
            for union in ["anyOf", "oneOf", "allOf", "$ref"] {
                assert!(property.get(union).is_none(), "{}.{name}", tool.name);
            }
        }
    }
}
