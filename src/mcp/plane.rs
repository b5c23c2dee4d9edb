//! What the policy plane says, as resources. They are there when the user configured a plane; only then does the
//! server connect anywhere, and only to it.

use rmcp::ErrorData;
use rmcp::model::Resource;
use serde_json::{Value, json};

use super::text::as_data;
use crate::plane::{PlaneAddress, PlaneError};
use crate::{redact, verify};

pub const SUMMARY: &str = "policy://summary";
pub const CAPABILITIES: &str = "policy://capabilities";
pub const RECENT_DENIALS: &str = "audit://recent_denials";

/// The newest denials, so many.
const RECENT: usize = 50;

/// What a plane of the contract answers.
const ENDPOINTS: [&str; 3] = [
    "POST /api/v2/enforce",
    "POST /api/v2/canonicalize",
    "POST /api/v2/policies/install",
];

/// The resources, where a plane is configured.
pub fn list() -> Vec<Resource> {
    if PlaneAddress::from_environment().is_none() {
        return Vec::new();
    }
    [
        (SUMMARY, "The policies in force"),
        (
            CAPABILITIES,
            "What the plane can do, and whether it answers",
        ),
        (RECENT_DENIALS, "The newest denials in the audit log"),
    ]
    .map(|(uri, description)| {
        Resource::new(uri, uri.rsplit('/').next().unwrap_or(uri))
            .with_description(description)
            .with_mime_type("application/json")
    })
    .into()
}

/// The resource as JSON; `None` where the URI is none of these.
pub fn read(uri: &str) -> Option<Result<String, ErrorData>> {
    let read: fn(&PlaneAddress) -> Result<Value, PlaneError> = match uri {
        SUMMARY => summary,
        CAPABILITIES => capabilities,
        RECENT_DENIALS => |_| Ok(recent_denials()),
        _ => return None,
    };
    let address = PlaneAddress::from_environment()?;
    let value = address.and_then(|address| read(&address));
    Some(match value {
        Ok(mut value) => {
            as_data(&mut value);
            Ok(serde_json::to_string_pretty(&value).unwrap_or_default())
        }
        Err(error) => Err(ErrorData::internal_error(error.to_string(), None)),
    })
}

fn summary(address: &PlaneAddress) -> Result<Value, PlaneError> {
    let answer = address.get("/api/v2/policies")?;
    let policies = answer.get("policies").cloned().unwrap_or(answer);
    let count = policies.as_array().map_or(0, Vec::len);
    Ok(json!({"summary": {"policies": count}, "policies": policies}))
}

fn capabilities(address: &PlaneAddress) -> Result<Value, PlaneError> {
    match address.get("/health") {
        Ok(health) => Ok(json!({"answers": true, "health": health, "endpoints": ENDPOINTS})),
        // A management plane has no such page; that it answers is what is asked here.
        Err(PlaneError::Refused { status: 404, .. }) => {
            Ok(json!({"answers": true, "endpoints": ENDPOINTS}))
        }
        Err(error) => Err(error),
    }
}

fn recent_denials() -> Value {
    let Some(log) = std::env::var_os("GOVERNOR_AUDIT_LOG").filter(|path| !path.is_empty()) else {
        return json!({"summary": {"denials": 0}, "denials": [], "next_action": "set GOVERNOR_AUDIT_LOG in the server's environment to the client's audit log"});
    };
    let text = match verify::read_log(log.as_ref()) {
        Ok(text) => text,
        Err(error) => {
            return json!({"summary": {"denials": 0}, "denials": [], "problem": format!("{error:#}")});
        }
    };
    let records = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let denied = records.filter(
        |record| matches!(record["decision"].as_str(), Some(decision) if decision != "ALLOW"),
    );
    let denials: Vec<Value> = denied
        .take(RECENT)
        .map(|record| redact::value(&record))
        .collect();
    json!({"summary": {"denials": denials.len()}, "denials": denials})
}
