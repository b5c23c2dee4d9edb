//! The starting `governor.toml`.

use std::collections::BTreeMap;

use super::{Change, Context, Plan, Refusal, Step};
use crate::edit::config::{self, Destination, Named};
use crate::facts::{Effect, Origin, Scan};

/// Where the client and the analysis look for it.
pub const PATH: &str = "governor.toml";

pub fn add_steps(context: &Context, plan: &mut Plan) {
    // A repo in which nothing is enabled and nothing will be needs no names yet.
    let has_client = plan
        .steps
        .iter()
        .any(|step| !matches!(step.change, Change::None))
        || context.has_file(PATH)
        || context
            .processes()
            .values()
            .flatten()
            .any(|process| process.enabled == Some(true));
    if !has_client {
        return;
    }
    let (destinations, named) = names(context.scan);
    let count = destinations.len() + named.len();
    if !context.has_file(PATH) {
        if count > 0 {
            plan.steps.push(Step::new(
                format!("config:{PATH}"),
                format!("Name {count} destinations of the code in governor.toml"),
                PATH.to_owned(),
                "policies speak of these names, and the client and the analysis read them from here".to_owned(),
                Change::Create {
                    path: PATH.to_owned(),
                    content: config::starting(&destinations, &named).into_bytes(),
                },
            ));
        }
        return;
    }
    let merged = context
        .read(PATH)
        .and_then(|source| config::missing(&source, &destinations));
    match merged {
        Ok(None) => {}
        Ok(Some(insertions)) => plan.steps.push(Step::new(
            format!("config:{PATH}"),
            "Name the destinations that governor.toml does not name yet".to_owned(),
            PATH.to_owned(),
            "what stands in the file stays as it is".to_owned(),
            Change::Text {
                path: PATH.to_owned(),
                insertions,
            },
        )),
        Err(reason) => plan.refused.push(Refusal {
            place: PATH.to_owned(),
            reason,
        }),
    }
}

/// The hosts that the app's code names, and the resources that its calls name themselves.
pub fn names(scan: &Scan) -> (Vec<Destination>, Vec<Named>) {
    let mut hosts: BTreeMap<String, Destination> = BTreeMap::new();
    let mut named: BTreeMap<(String, String), Named> = BTreeMap::new();
    for effect in scan
        .effects
        .iter()
        .filter(|effect| effect.origin == Origin::App)
    {
        let user = format!("{} ({})", effect.symbol, effect.action.word());
        let used_by = match host(effect) {
            Some(host) => {
                let entry = hosts.entry(host.clone()).or_insert_with(|| Destination {
                    resource_type: effect.resource.kind.clone(),
                    resource_name: effect.resource.name.clone(),
                    used_by: Vec::new(),
                    host,
                });
                &mut entry.used_by
            }
            None if effect.resource.is_named
                && is_a_name(&effect.resource.kind, &effect.resource.name) =>
            {
                let key = (effect.resource.kind.clone(), effect.resource.name.clone());
                let entry = named.entry(key).or_insert_with(|| Named {
                    kind: effect.resource.kind.clone(),
                    name: effect.resource.name.clone(),
                    used_by: Vec::new(),
                });
                &mut entry.used_by
            }
            None => continue,
        };
        if !used_by.contains(&user) {
            used_by.push(user);
        }
    }
    (hosts.into_values().collect(), named.into_values().collect())
}

/// The host that a URL names, as far as it is constant.
pub fn host(effect: &Effect) -> Option<String> {
    let (scheme, rest) = effect.destination.as_deref()?.split_once("://")?;
    if !matches!(
        scheme,
        "http" | "https" | "ws" | "wss" | "grpc" | "smtp" | "smtps"
    ) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?.to_lowercase();
    let is_constant = !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    is_constant.then_some(host)
}

/// Kinds of resource whose name a policy would use.
fn is_a_name(kind: &str, name: &str) -> bool {
    let kinds = [
        "database",
        "table",
        "bucket",
        "queue",
        "topic",
        "collection",
        "stream",
        "secret",
        "index",
    ];
    kinds
        .iter()
        .any(|known| kind == *known || kind.ends_with(&format!("_{known}")))
        && !name.is_empty()
        && name != kind
        && !name.contains(['*', '{', '?', '<'])
}
