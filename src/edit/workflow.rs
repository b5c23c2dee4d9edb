//! n8n workflows: a question to the policy plane before each node with an effect.
//!
//! Four nodes guard one: the request to the plane, the `If` on its answer, the stop where it is no ALLOW, and a `Merge`
//! that hands the guarded node the data that it always got, once both the data and the ALLOW are there. Every edge into
//! the guarded node leads to the request and to the merge instead. Ids, positions and the layout of the JSON stay.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Insertions;
use super::json::Scanner;
use super::python::scope::Intent;

const ENFORCE: &str = "Enforce: ";
const ALLOWED: &str = "Allowed: ";
const DENIED: &str = "Denied: ";
const GO: &str = "Go: ";

/// Puts the guard before the node called `name`. The error says why there is none.
pub fn insert(source: &[u8], name: &str, intent: &Intent) -> Result<Insertions, String> {
    let text = std::str::from_utf8(source).map_err(|_| "not valid UTF-8".to_owned())?;
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))?;
    let nodes = document["nodes"].as_array().ok_or("no list of nodes")?;
    let named: BTreeMap<&str, &Value> = nodes
        .iter()
        .filter_map(|node| Some((node["name"].as_str()?, node)))
        .collect();
    let node = named.get(name).ok_or("no node of this name")?;
    if [ENFORCE, ALLOWED, DENIED, GO]
        .iter()
        .any(|role| named.contains_key(format!("{role}{name}").as_str()))
    {
        return Err("a node with the name of its guard is there".to_owned());
    }
    if document["settings"]["executionOrder"] != "v1" {
        return Err("the workflow runs in n8n's old execution order, which does not wait for both inputs of a merge: set executionOrder to v1 in its settings".to_owned());
    }
    let edges = edges_to(&document, name)?;
    let mut insertions = Insertions::default();
    let index = nodes
        .iter()
        .position(|other| other["name"] == name)
        .ok_or("no node of this name")?;
    let at = start_of_node(text, index).ok_or("the node's text was not found")?;
    let gap = gap_before(text, at);
    let own: String = guard(&document, node, name, intent)
        .iter()
        .map(|node| format!("{node},{gap}"))
        .collect();
    insertions.add(at, own);
    let mut scanner = Scanner { text, at: 0 };
    let connections = scanner
        .value_of_key("connections")
        .ok_or("no connections")?;
    let first = connections
        + 1
        + text[connections + 1..]
            .find(|c: char| !c.is_whitespace())
            .ok_or("no connections")?;
    let gap = gap_before(text, first);
    let own: String = connections_of_guard(name)
        .into_iter()
        .map(|(from, to)| format!("{}: {to},{gap}", json!(from)))
        .collect();
    insertions.add(first, own);
    for (from, kind, output, position) in edges {
        let (start, end) = edge_place(text, connections, &from, &kind, output, position)
            .ok_or("an edge to the node was not found in the text")?;
        let mut scanner = Scanner { text, at: start };
        let value = scanner
            .value_of_key("node")
            .ok_or("an edge without a node")?;
        insertions.add(value + 1, ENFORCE);
        insertions.add(end, format!(", {}", edge(&format!("{GO}{name}"))));
    }
    let result = insertions.apply(source);
    serde_json::from_slice::<Value>(&result).map_err(|error| format!("not valid JSON: {error}"))?;
    Ok(insertions)
}

/// The workflow without the guards that [`insert`] put before these nodes; `None` where it has none of them, or where
/// somebody changed it since.
pub fn take_out(source: &[u8], effects: &[(String, Intent)]) -> Option<Vec<u8>> {
    let mut text = source.to_vec();
    let mut is_changed = false;
    loop {
        // Guards come out in the opposite order, whatever it was.
        let previous = effects.iter().find_map(|(name, intent)| {
            let candidate = without(std::str::from_utf8(&text).ok()?, name)?;
            let again = insert(candidate.as_bytes(), name, intent).ok()?;
            (again.apply(candidate.as_bytes()) == text).then(|| candidate.into_bytes())
        });
        match previous {
            Some(candidate) => {
                text = candidate;
                is_changed = true;
            }
            None => return is_changed.then_some(text),
        }
    }
}

fn without(text: &str, name: &str) -> Option<String> {
    let document: Value = serde_json::from_str(text).ok()?;
    let nodes = document["nodes"].as_array()?;
    let position = |name: &str| nodes.iter().position(|node| node["name"] == name);
    let first = start_of_node(text, position(&format!("{ENFORCE}{name}"))?)?;
    let own = start_of_node(text, position(name)?)?;
    let mut scanner = Scanner { text, at: 0 };
    let connections = scanner.value_of_key("connections")?;
    // The guard's entries stand together: from the key of the first to the key after the last.
    let key = json!(format!("{ENFORCE}{name}")).to_string();
    let start = connections + text[connections..].find(&format!("{key}: "))?;
    let last = connections_of_guard(name)
        .into_iter()
        .last()
        .map(|(from, to)| format!("{}: {to},", json!(from)))?;
    let end = start + text[start..].find(&last)? + last.len();
    let end = end + text[end..].find(|c: char| !c.is_whitespace())?;
    let mut cuts = vec![(first, own), (start, end)];
    let target = json!(format!("{ENFORCE}{name}")).to_string();
    let go = format!(", {}", edge(&format!("{GO}{name}")));
    let mut at = end;
    while let Some(found) = text[at..].find(&target) {
        let quote = at + found;
        cuts.push((quote + 1, quote + 1 + ENFORCE.len()));
        at = quote + target.len();
        if let Some(found) = text[at..].find(&go) {
            cuts.push((at + found, at + found + go.len()));
            at += found + go.len();
        }
    }
    cuts.sort_unstable();
    let mut out = String::new();
    let mut kept = 0;
    for (start, end) in cuts {
        if start < kept || end < start {
            return None;
        }
        out.push_str(&text[kept..start]);
        kept = end;
    }
    out.push_str(&text[kept..]);
    Some(out)
}

/// Where an edge stands: its node, the kind of connection, the output, and its place among that output's edges.
type Edge = (String, String, usize, usize);

fn edges_to(document: &Value, name: &str) -> Result<Vec<Edge>, String> {
    let mut found = Vec::new();
    let connections = document["connections"]
        .as_object()
        .ok_or("no connections")?;
    for (from, kinds) in connections {
        for (kind, outputs) in kinds.as_object().into_iter().flatten() {
            let outputs = outputs.as_array().into_iter().flatten().enumerate();
            for (output, targets) in outputs {
                let targets = targets.as_array().into_iter().flatten().enumerate();
                for (position, _) in targets.filter(|(_, target)| target["node"] == name) {
                    let target = &kinds[kind][output][position];
                    if kind != "main" || target["index"].as_u64().unwrap_or(0) != 0 {
                        return Err(
                            "it takes more than one input: ask for a decision by hand".to_owned()
                        );
                    }
                    found.push((from.clone(), kind.clone(), output, position));
                }
            }
        }
    }
    if found.is_empty() {
        return Err(
            "no node leads into it: it starts the workflow or hangs on an agent, which decides when it runs"
                .to_owned(),
        );
    }
    Ok(found)
}

/// Where the object of an edge starts and ends.
fn edge_place(
    text: &str,
    connections: usize,
    from: &str,
    kind: &str,
    output: usize,
    position: usize,
) -> Option<(usize, usize)> {
    let mut scanner = Scanner {
        text,
        at: connections,
    };
    // Keys are compared as they are written: a name with an escape is written in one way by n8n.
    let key = |name: &str| json!(name).to_string();
    scanner.at = scanner.value_of_key(key(from).trim_matches('"'))?;
    scanner.at = scanner.value_of_key(key(kind).trim_matches('"'))?;
    scanner.enter_item(output)?;
    scanner.enter_item(position)?;
    let start = scanner.at;
    scanner.skip_value()?;
    Some((start, scanner.at))
}

fn start_of_node(text: &str, index: usize) -> Option<usize> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.at = scanner.value_of_key("nodes")?;
    scanner.enter_item(index)?;
    Some(scanner.at)
}

/// The white space that stands before an item, which the inserted items repeat.
fn gap_before(text: &str, at: usize) -> &str {
    let start = text[..at].trim_end().len();
    &text[start..at]
}

fn edge(to: &str) -> Value {
    json!({"node": to, "type": "main", "index": 0})
}

fn connections_of_guard(name: &str) -> Vec<(String, Value)> {
    let to = |role: &str| edge(&format!("{role}{name}"));
    vec![
        (format!("{ENFORCE}{name}"), json!({"main": [[to(ALLOWED)]]})),
        (
            format!("{ALLOWED}{name}"),
            json!({"main": [
                [{"node": format!("{GO}{name}"), "type": "main", "index": 1}],
                [to(DENIED)],
            ]}),
        ),
        (format!("{GO}{name}"), json!({"main": [[to("")]]})),
    ]
}

fn guard(document: &Value, node: &Value, name: &str, intent: &Intent) -> [Value; 4] {
    let workflow = document["name"].as_str().unwrap_or("workflow");
    let body = json!({
        "action": intent.action,
        "actor": {"id": format!("n8n:{workflow}"), "type": "service"},
        "resource": {"type": intent.resource_type, "name": intent.resource_name},
        "data": {"sensitivity": [], "pii": false, "volume": "single"},
        "risk": {"authn": "required"},
        "context": {"node": name},
    });
    let coordinate = |axis: usize| node["position"][axis].as_f64().unwrap_or(0.0) as i64;
    let (x, y) = (coordinate(0), coordinate(1));
    let own = node["id"].as_str().unwrap_or(name);
    let id = |role: &str| identifier(&format!("{workflow}\0{own}\0{role}"));
    [
        json!({
            "parameters": {
                "method": "POST",
                "url": "={{ $env.GOVERNOR_ENFORCE_URL }}/api/v2/enforce",
                "sendHeaders": true,
                "headerParameters": {"parameters": [
                    {"name": "Authorization", "value": "=Bearer {{ $env.GOVERNOR_API_KEY }}"},
                ]},
                "sendBody": true,
                "specifyBody": "json",
                "jsonBody": body.to_string(),
                "options": {"timeout": 5000},
            },
            "id": id(ENFORCE),
            "name": format!("{ENFORCE}{name}"),
            "type": "n8n-nodes-base.httpRequest",
            "typeVersion": 4.2,
            "position": [x - 180, y + 180],
            "executeOnce": true,
        }),
        json!({
            "parameters": {
                "conditions": {
                    "options": {"caseSensitive": true, "leftValue": "", "typeValidation": "strict"},
                    "conditions": [{
                        "id": id("condition"),
                        "leftValue": "={{ $json.decision }}",
                        "rightValue": "ALLOW",
                        "operator": {"type": "string", "operation": "equals"},
                    }],
                    "combinator": "and",
                },
                "options": {},
            },
            "id": id(ALLOWED),
            "name": format!("{ALLOWED}{name}"),
            "type": "n8n-nodes-base.if",
            "typeVersion": 2,
            "position": [x - 20, y + 180],
        }),
        json!({
            "parameters": {"errorMessage": format!("a policy does not allow {name}: see the node {ENFORCE}{name} for the request id")},
            "id": id(DENIED),
            "name": format!("{DENIED}{name}"),
            "type": "n8n-nodes-base.stopAndError",
            "typeVersion": 1,
            "position": [x + 140, y + 260],
        }),
        json!({
            "parameters": {"mode": "chooseBranch"},
            "id": id(GO),
            "name": format!("{GO}{name}"),
            "type": "n8n-nodes-base.merge",
            "typeVersion": 3,
            "position": [x - 20, y + 40],
        }),
    ]
}

/// An id in the form of a UUID, the same each time.
fn identifier(seed: &str) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    let mut hex = String::new();
    for byte in digest.iter().take(16) {
        hex.push_str(&format!("{byte:02x}"));
    }
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = "{\n  \"name\": \"Sync\",\n  \"nodes\": [\n    {\n      \"parameters\": {},\n      \"id\": \"1\",\n      \"name\": \"Start\",\n      \"type\": \"n8n-nodes-base.manualTrigger\",\n      \"typeVersion\": 1,\n      \"position\": [240, 300]\n    },\n    {\n      \"parameters\": {\"url\": \"https://a.example\"},\n      \"id\": \"2\",\n      \"name\": \"Pay \\\"it\\\"\",\n      \"type\": \"n8n-nodes-base.httpRequest\",\n      \"typeVersion\": 4.2,\n      \"position\": [460, 300]\n    },\n    {\"parameters\": {}, \"id\": \"3\", \"name\": \"Model\", \"type\": \"x.lm\", \"position\": [1, 2]}\n  ],\n  \"connections\": {\n    \"Start\": {\"main\": [[{\"node\": \"Pay \\\"it\\\"\", \"type\": \"main\", \"index\": 0}]]}\n  },\n  \"settings\": {\"executionOrder\": \"v1\"}\n}";

    fn intent() -> Intent {
        Intent {
            action: "write".to_owned(),
            resource_type: "external_api".to_owned(),
            resource_name: "a.example".to_owned(),
        }
    }

    #[test]
    fn every_way_into_a_node_leads_through_its_guard() {
        let name = "Pay \"it\"";
        let edit = insert(FLOW.as_bytes(), name, &intent()).expect("applies");
        let result = edit.apply(FLOW.as_bytes());
        let flow: Value = serde_json::from_slice(&result).expect("valid");
        let nodes = flow["nodes"].as_array().expect("a list");
        assert_eq!(nodes.len(), 7);
        let ids: std::collections::BTreeSet<&str> = nodes
            .iter()
            .filter_map(|node| node["id"].as_str())
            .collect();
        assert_eq!(ids.len(), 7);
        let to: Vec<&str> = flow["connections"]["Start"]["main"][0]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|edge| edge["node"].as_str())
            .collect();
        assert_eq!(to, ["Enforce: Pay \"it\"", "Go: Pay \"it\""]);
        for kinds in flow["connections"].as_object().expect("a map").values() {
            for edge in kinds["main"]
                .as_array()
                .expect("a list")
                .iter()
                .flat_map(|output| output.as_array().expect("a list"))
            {
                assert!(
                    nodes.iter().any(|node| node["name"] == edge["node"]),
                    "{edge}"
                );
            }
        }
        let effects = [(name.to_owned(), intent())];
        assert_eq!(
            take_out(&result, &effects).as_deref(),
            Some(FLOW.as_bytes())
        );
        assert_eq!(take_out(FLOW.as_bytes(), &effects), None);
    }

    #[test]
    fn what_no_edge_leads_to_is_left_alone() {
        assert!(insert(FLOW.as_bytes(), "Model", &intent()).is_err());
        let old = FLOW.replace("\"v1\"", "\"v0\"");
        assert!(insert(old.as_bytes(), "Pay \"it\"", &intent()).is_err());
    }
}
