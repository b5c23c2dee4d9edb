//! n8n workflows: JSON files of nodes and connections. Nodes with effects, the triggers that reach them, and the
//! enforce node before them.
//!
//! Shape: <https://docs.n8n.io/workflows/export-import/>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{Action, Category, Confidence, Coverage, Effect, Entrypoint, Origin, Resource, Role};
use crate::catalog::Catalog;

/// What the built-in rules say of node types.
#[derive(Deserialize)]
struct Rules {
    quiet: BTreeSet<String>,
    read: Vec<String>,
    delete: Vec<String>,
    send: Vec<String>,
    execute: Vec<String>,
    nodes: Vec<(String, Category, String)>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    toml::from_str(include_str!("../catalog/n8n.toml")).expect("a unit test reads this file")
});

/// The findings of one workflow. Ids and reached entrypoints are numbered from the workflow's first.
#[derive(Default)]
pub struct Workflow {
    pub entrypoints: Vec<Entrypoint>,
    /// `reached_from` holds indices of `entrypoints` as text.
    pub effects: Vec<Effect>,
}

/// Where a question to the policy plane goes.
const ENFORCE: &str = "/api/v2/enforce";

/// Whether a file's bytes may be an n8n workflow, cheaply.
pub fn may_be(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"\"connections\"").is_some()
        && (memchr::memmem::find(bytes, b"n8n-nodes-").is_some()
            || memchr::memmem::find(bytes, b"@n8n/").is_some())
}

/// Reads a workflow; `None` where the file is something else.
pub fn read(catalog: &Catalog, path: &str, origin: Origin, bytes: &[u8]) -> Option<Workflow> {
    let text = std::str::from_utf8(bytes).ok()?;
    let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let nodes = document["nodes"].as_array()?;
    let connections = document["connections"].as_object()?;
    let named: BTreeMap<&str, &Value> = nodes
        .iter()
        .filter_map(|node| Some((node["name"].as_str()?, node)))
        .collect();
    let (mut next, mut before) = (Edges::default(), Edges::default());
    for (from, outputs) in connections {
        let outputs = outputs.as_object().into_iter().flatten();
        for (kind, groups) in outputs {
            let targets = groups.as_array().into_iter().flatten();
            let targets = targets.flat_map(|group| group.as_array().into_iter().flatten());
            for to in targets.filter_map(|target| target["node"].as_str()) {
                let (from, to) = if kind == "main" {
                    before
                        .entry(to.to_owned())
                        .or_default()
                        .insert(from.clone());
                    (from.as_str(), to)
                } else {
                    // A model or a tool hangs on the agent that uses it.
                    (to, from.as_str())
                };
                next.entry(from.to_owned())
                    .or_default()
                    .insert(to.to_owned());
            }
        }
    }
    let lines = Lines::new(text);
    let mut workflow = Workflow::default();
    let mut reached: Vec<BTreeSet<String>> = Vec::new();
    for node in nodes.iter().filter(|node| node["disabled"] != true) {
        let (Some(name), Some(kind)) = (node["name"].as_str(), node["type"].as_str()) else {
            continue;
        };
        if is_trigger(last(kind)) {
            let (line, end_line) = lines.of(name);
            workflow.entrypoints.push(Entrypoint {
                id: String::new(),
                role: Role::Boundary,
                kind: "n8n_trigger".to_owned(),
                name: name.to_owned(),
                symbol: None,
                origin,
                path: path.to_owned(),
                cell: None,
                line,
                end_line,
                enabled: None,
                scoped: Some(false),
                processes: Vec::new(),
                commands: Vec::new(),
            });
            reached.push(reach(&next, name));
        }
    }
    for node in nodes.iter().filter(|node| node["disabled"] != true) {
        let Some((name, kind)) = node["name"].as_str().zip(node["type"].as_str()) else {
            continue;
        };
        let Some(found) = effect_of(catalog, kind, node) else {
            continue;
        };
        let (line, end_line) = lines.of(name);
        workflow.effects.push(Effect {
            id: String::new(),
            category: found.category,
            action: found.action,
            call: kind.to_owned(),
            path: path.to_owned(),
            cell: None,
            line,
            column: 1,
            end_line,
            symbol: name.to_owned(),
            origin,
            destination: found.destination,
            resource: found.resource,
            confidence: if found.is_listed {
                Confidence::Certain
            } else {
                Confidence::Likely
            },
            intercepted: false,
            coverage: if is_asked_before(&named, &before, name) {
                Coverage::Enforce
            } else {
                Coverage::None
            },
            reached_from: (0..reached.len())
                .filter(|index| reached[*index].contains(name))
                .map(|index| index.to_string())
                .collect(),
        });
    }
    Some(workflow)
}

type Edges = BTreeMap<String, BTreeSet<String>>;

fn reach(next: &Edges, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for to in next.get(&name).into_iter().flatten() {
            if found.insert(to.clone()) {
                open.push(to.clone());
            }
        }
    }
    found
}

/// Whether every way into a node comes from a question to the policy plane, from the `If` on its answer, or from a
/// merge that waits for that `If`.
fn is_asked_before(named: &BTreeMap<&str, &Value>, before: &Edges, name: &str) -> bool {
    let ways = |name: &str| before.get(name).cloned().unwrap_or_default();
    let kind = |name: &str| {
        named
            .get(name)
            .and_then(|node| node["type"].as_str())
            .map_or("", last)
    };
    let is_question = |name: &str| named.get(name).is_some_and(|node| asks(node));
    let is_answer = |name: &str| {
        let asked = ways(name);
        ["if", "switch", "filter"].contains(&kind(name))
            && !asked.is_empty()
            && asked.iter().all(|name| is_question(name))
    };
    // A merge of this mode runs only when both of its inputs are there.
    let waits = |name: &str| {
        kind(name) == "merge"
            && named
                .get(name)
                .is_some_and(|node| node["parameters"]["mode"] == "chooseBranch")
            && ways(name).iter().any(|name| is_answer(name))
    };
    let into = ways(name);
    !into.is_empty()
        && into
            .iter()
            .all(|from| is_question(from) || is_answer(from) || waits(from))
}

/// An HTTP request to the policy plane.
fn asks(node: &Value) -> bool {
    node["disabled"] != true
        && node["type"]
            .as_str()
            .is_some_and(|kind| last(kind).starts_with("httpRequest"))
        && node["parameters"]["url"]
            .as_str()
            .is_some_and(|url| url.contains(ENFORCE))
}

fn last(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

fn is_trigger(kind: &str) -> bool {
    kind.ends_with("Trigger") || ["webhook", "cron", "interval", "start"].contains(&kind)
}

struct Found {
    category: Category,
    action: Action,
    destination: Option<String>,
    resource: Resource,
    is_listed: bool,
}

fn effect_of(catalog: &Catalog, kind: &str, node: &Value) -> Option<Found> {
    let rules = &*RULES;
    let name = last(kind);
    let parameters = &node["parameters"];
    if is_trigger(name) || asks(node) {
        return None;
    }
    let word = |key: &str| {
        parameters[key]
            .as_str()
            .filter(|text| !text.starts_with('='))
    };
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    let listed = rules.nodes.iter().find(|(pattern, ..)| fits(pattern));
    if rules.quiet.contains(name) {
        // Code that calls out through n8n's own helper.
        let code = ["jsCode", "functionCode", "pythonCode"]
            .iter()
            .find_map(|key| parameters[*key].as_str())?;
        if !["httpRequest(", "fetch(", "requests."]
            .iter()
            .any(|call| code.contains(call))
        {
            return None;
        }
    }
    let (category, resource_type) = match listed {
        Some((_, category, resource_type)) => (*category, resource_type.as_str()),
        None if rules.quiet.contains(name) => (Category::Http, "external_api"),
        None => (Category::Saas, "external_api"),
    };
    let url = word("url").or(word("endpoint"));
    let command = word("command").or(word("query"));
    let operation = word("operation")
        .or(word("requestMethod"))
        .or(word("method"))
        .or(word("mode"))
        .unwrap_or_default()
        .to_lowercase();
    let starts = |words: &[String]| words.iter().any(|word| operation.starts_with(word));
    let action = match category {
        Category::Llm | Category::Mcp | Category::Process => Action::Execute,
        Category::Email if operation.is_empty() => Action::Send,
        _ if starts(&rules.delete) => Action::Delete,
        _ if starts(&rules.read) => Action::Read,
        _ if starts(&rules.send) => Action::Send,
        Category::Database if operation.starts_with("execute") => Action::Execute,
        _ if starts(&rules.execute) => Action::Execute,
        // n8n's default method is GET; a service's own node creates by default.
        Category::Http if operation.is_empty() => Action::Read,
        _ => Action::Write,
    };
    let table = [
        "table",
        "tableId",
        "collection",
        "bucketName",
        "queue",
        "topic",
        "channel",
        "index",
    ]
    .iter()
    .find_map(|key| match &parameters[*key] {
        Value::String(text) => Some(text.as_str()),
        Value::Object(picked) => picked.get("value").and_then(Value::as_str),
        _ => None,
    })
    .filter(|text| !text.is_empty() && !text.starts_with('='));
    let host = url.map(super::destination::host_of).unwrap_or_default();
    let resource = match (catalog.host(&host), table) {
        (Some((kind, service)), _) => (kind.to_owned(), service.to_owned()),
        (None, Some(table)) => (resource_type.to_owned(), table.to_owned()),
        (None, None) if !host.is_empty() && !host.contains('{') => {
            (resource_type.to_owned(), host.clone())
        }
        (None, None) => (resource_type.to_owned(), service_name(name)),
    };
    Some(Found {
        category,
        action,
        destination: url.or(command).or(table).map(crate::redact::destination),
        resource: Resource {
            kind: resource.0,
            name: resource.1,
            is_named: true,
        },
        is_listed: listed.is_some() || rules.quiet.contains(name),
    })
}

/// `googleSheetsTool` is Google Sheets as an agent's tool: `google-sheets`.
fn service_name(kind: &str) -> String {
    let kind = kind.strip_suffix("Tool").unwrap_or(kind);
    let mut name = String::new();
    for (index, c) in kind.chars().enumerate() {
        if c.is_uppercase() && index > 0 {
            name.push('-');
        }
        name.extend(c.to_lowercase());
    }
    name
}

/// The lines of a workflow's nodes.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Lines<'t> {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Lines {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    /// The line of the node's `"name"`, 1-based, twice: a node's own end is of no use to a reader.
    fn of(&self, name: &str) -> (u32, u32) {
        let literal = serde_json::to_string(name).unwrap_or_default();
        let mut from = 0;
        while let Some(at) = self.text[from..].find(&literal) {
            let at = from + at;
            let key = self.text[..at].trim_end();
            if let Some(key) = key.strip_suffix(':')
                && key.trim_end().ends_with("\"name\"")
            {
                let line = self.starts.partition_point(|start| *start <= at) as u32;
                return (line, line);
            }
            from = at + literal.len();
        }
        (1, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow(text: &str) -> Workflow {
        read(
            Catalog::builtin(),
            "flow.json",
            Origin::App,
            text.as_bytes(),
        )
        .expect("a workflow")
    }

    const REFUND: &str = r#"{"nodes": [
  {"id": "1", "name": "Hook", "type": "n8n-nodes-base.webhook", "parameters": {}},
  {"id": "2", "name": "Refund", "type": "n8n-nodes-base.httpRequest", "parameters": {"url": "https://api.stripe.com/v1/refunds", "method": "POST"}},
  {"id": "3", "name": "Rows", "type": "n8n-nodes-base.postgres", "parameters": {"operation": "deleteTable", "table": {"value": "orders"}}},
  {"id": "4", "name": "Shape", "type": "n8n-nodes-base.set", "parameters": {}},
  {"id": "5", "name": "Off", "type": "n8n-nodes-base.slack", "disabled": true, "parameters": {}},
  {"id": "6", "name": "Model", "type": "@n8n/n8n-nodes-langchain.lmChatOpenAi", "parameters": {}},
  {"id": "7", "name": "Agent", "type": "@n8n/n8n-nodes-langchain.agent", "parameters": {}},
  {"id": "8", "name": "Ask", "type": "n8n-nodes-base.httpRequest", "parameters": {"url": "={{ $env.GOVERNOR_URL }}/api/v2/enforce", "method": "POST"}}
], "connections": {
  "Hook": {"main": [[{"node": "Refund", "type": "main", "index": 0}, {"node": "Agent", "type": "main", "index": 0}]]},
  "Refund": {"main": [[{"node": "Ask", "type": "main", "index": 0}]]},
  "Ask": {"main": [[{"node": "Rows", "type": "main", "index": 0}]]},
  "Model": {"ai_languageModel": [[{"node": "Agent", "type": "ai_languageModel", "index": 0}]]}
}}"#;

    #[test]
    fn nodes_triggers_and_the_question_before_a_node_are_found() {
        let found = workflow(REFUND);
        assert_eq!(found.entrypoints.len(), 1);
        assert_eq!(found.entrypoints[0].line, 2);
        let said: Vec<(&str, Category, Action, &str, Coverage)> = found
            .effects
            .iter()
            .map(|effect| {
                assert_eq!(effect.reached_from, ["0"], "{}", effect.symbol);
                (
                    effect.symbol.as_str(),
                    effect.category,
                    effect.action,
                    effect.resource.name.as_str(),
                    effect.coverage,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (
                    "Refund",
                    Category::Http,
                    Action::Write,
                    "stripe",
                    Coverage::None
                ),
                (
                    "Rows",
                    Category::Database,
                    Action::Delete,
                    "orders",
                    Coverage::Enforce
                ),
                (
                    "Model",
                    Category::Llm,
                    Action::Execute,
                    "lm-chat-open-ai",
                    Coverage::None
                ),
            ]
        );
    }

    #[test]
    fn other_json_is_no_workflow() {
        assert!(!may_be(br#"{"nodes": []}"#));
        for text in ["{}", "[]", r#"{"nodes": 1, "connections": {}}"#, "nope"] {
            assert!(read(Catalog::builtin(), "a.json", Origin::App, text.as_bytes()).is_none());
        }
    }
}
