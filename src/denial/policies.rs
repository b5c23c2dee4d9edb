//! The Cedar policies that lie in the repo: where a named one stands, and what they would say to another principal.

use std::path::PathBuf;

use serde_json::Value;

use crate::policy::{self, Intent, Listed, Store, canonicalize};
use crate::workspace::Workspace;

use super::evidence::uncapitalised;

/// Policies that a test or a dependency brings along say nothing of this plane.
const FOLDERS_LEFT_OUT: &[&str] = &["tests/", "test/", "node_modules/", "target/"];

#[derive(Default)]
pub struct Local {
    store: Option<Store>,
    /// The folder of the policies, relative to the root.
    pub folder: Option<String>,
}

impl Local {
    pub fn read(workspace: Option<&Workspace>) -> Local {
        let Some(workspace) = workspace else {
            return Local::default();
        };
        let listing = workspace.list(|name| name.ends_with(".cedar"));
        let first = listing
            .files
            .iter()
            .find(|path| !FOLDERS_LEFT_OUT.iter().any(|folder| path.contains(folder)));
        let Some(first) = first else {
            return Local::default();
        };
        let folder = PathBuf::from(first)
            .parent()
            .map(|folder| folder.to_string_lossy().into_owned())
            .unwrap_or_default();
        Local {
            // A folder that does not parse is the plane's business: it says so at start.
            store: Store::open(Some(&workspace.root().join(&folder))).ok(),
            folder: Some(folder),
        }
    }

    /// A policy by its id, with its file relative to the folder's parent.
    pub fn named(&self, id: &str) -> Option<&Listed> {
        self.store
            .as_ref()?
            .listed()
            .iter()
            .find(|policy| policy.id == id)
    }

    /// The permits of this very intent for another principal: who, and which policy.
    pub fn permits_others(&self, intent: &Value) -> Vec<(String, String)> {
        let Some(store) = &self.store else {
            return Vec::new();
        };
        let Some(intent) = complete(intent) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for policy in store
            .listed()
            .iter()
            .filter(|policy| policy.effect == "permit")
        {
            let Some((kind, id)) = principal(&policy.cedar) else {
                continue;
            };
            let mut other = intent.clone();
            if (other.actor.kind.as_str(), other.actor.id.as_str()) == (kind.as_str(), id.as_str())
            {
                continue;
            }
            other.actor.kind = uncapitalised(&kind);
            other.actor.id.clone_from(&id);
            let (canonical, _) = canonicalize(&other);
            let verdict = policy::evaluate(store.policies(), &canonical, policy::DEFAULT_TENANT);
            if verdict.is_ok_and(|verdict| verdict.permits_by(&policy.id)) {
                found.push((format!("{kind}::\"{id}\""), policy.id.clone()));
            }
        }
        found
    }
}

/// The intent of a denial as one that can be asked again; what a message leaves out is filled in.
fn complete(intent: &Value) -> Option<Intent> {
    let mut body = intent.clone();
    let fields = body.as_object_mut()?;
    let has_actor = fields
        .get("actor")
        .and_then(|actor| actor.get("id"))
        .and_then(Value::as_str)
        .is_some_and(|id| !id.is_empty());
    if !has_actor {
        fields.insert(
            "actor".into(),
            serde_json::json!({"id": "unknown", "type": "service"}),
        );
    }
    Intent::from_json(&body).ok()
}

/// The principal that a policy names: `principal == Agent::"billing-bot"`.
fn principal(cedar: &str) -> Option<(String, String)> {
    let rest = &cedar[cedar.find("principal ==")? + "principal ==".len()..];
    let (kind, rest) = rest.trim_start().split_once("::\"")?;
    let (id, _) = rest.split_once('"')?;
    (!kind.contains(char::is_whitespace)).then(|| (kind.to_owned(), id.to_owned()))
}
