//! What governor.toml and the environment say about who acts, which calls are asked about, and under which names.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::facts::{Category, Coverage, Effect};
use crate::report::word;
use crate::workspace::Workspace;

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub actor_id: Option<String>,
    pub actor_type: Option<String>,
    pub layer: Option<String>,
    rules: Vec<DestinationRule>,
    /// Categories switched on or off.
    families: Vec<(String, bool)>,
    deny_hosts: Vec<String>,
    allow_hosts: Vec<String>,
}

/// One `[[destination]]`.
#[derive(Clone, Debug)]
pub struct DestinationRule {
    pattern: String,
    pub resource_type: Option<String>,
    pub resource_name: Option<String>,
    pub data: Map<String, Value>,
}

impl DestinationRule {
    /// Whether it speaks of a whole destination rather than of a host.
    pub fn has_scheme(&self) -> bool {
        self.pattern.contains("://")
    }
}

impl Settings {
    /// The environment wins over the file, as it does for the client.
    pub fn read(
        workspace: &Workspace,
        environment: impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        let path = Path::new("governor.toml");
        if workspace.root().join(path).is_file() {
            let bytes = workspace
                .read("governor.toml")
                .map_err(|reason| anyhow::anyhow!("cannot read `governor.toml`: {reason}"))?;
            let document: toml::Table = String::from_utf8_lossy(&bytes)
                .parse()
                .context("`governor.toml` does not parse")?;
            settings.take(&document);
        }
        let text = |name: &str, mine: &mut Option<String>| {
            if let Some(value) = environment(name).filter(|value| !value.is_empty()) {
                *mine = Some(value);
            }
        };
        text("GOVERNOR_ACTOR_ID", &mut settings.actor_id);
        text("GOVERNOR_ACTOR_TYPE", &mut settings.actor_type);
        text("GOVERNOR_LAYER", &mut settings.layer);
        let list = |value: String| {
            value
                .split(',')
                .map(|host| host.trim().to_owned())
                .collect()
        };
        if let Some(hosts) = environment("GOVERNOR_DENY_HOSTS") {
            settings.deny_hosts = list(hosts);
        }
        if let Some(hosts) = environment("GOVERNOR_ALLOW_HOSTS") {
            settings.allow_hosts = list(hosts);
        }
        Ok(settings)
    }

    fn take(&mut self, document: &toml::Table) {
        for section in ["governor", "defaults"] {
            let Some(table) = document.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            let text = |key: &str| {
                table
                    .get(key)
                    .and_then(toml::Value::as_str)
                    .map(str::to_owned)
            };
            self.actor_id = text("actor_id").or(self.actor_id.take());
            self.actor_type = text("actor_type").or(self.actor_type.take());
            self.layer = text("layer").or(self.layer.take());
            for (key, hosts) in [
                ("deny_hosts", &mut self.deny_hosts),
                ("allow_hosts", &mut self.allow_hosts),
            ] {
                if let Some(found) = table.get(key).and_then(toml::Value::as_array) {
                    *hosts = found
                        .iter()
                        .filter_map(toml::Value::as_str)
                        .map(str::to_owned)
                        .collect();
                }
            }
        }
        if let Some(families) = document.get("families").and_then(toml::Value::as_table) {
            self.families = families
                .iter()
                .filter_map(|(name, on)| Some((name.clone(), on.as_bool()?)))
                .collect();
        }
        let rules = document.get("destination").and_then(toml::Value::as_array);
        self.rules = rules
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_table)
            .filter_map(rule)
            .collect();
    }

    /// Why the client would not ask about a call.
    pub fn why_not_asked(&self, effect: &Effect) -> Option<String> {
        let family = word(&effect.category);
        let is_on = self
            .families
            .iter()
            .find(|(name, _)| *name == family)
            .map_or(effect.category != Category::Filesystem, |(_, on)| *on);
        if effect.coverage != Coverage::Enforce {
            if !is_on {
                return Some(format!("the family `{family}` is off"));
            }
            // The scan counts files as not intercepted because their family is off by default.
            if !effect.intercepted && effect.category != Category::Filesystem {
                return Some("the client does not intercept this call".to_owned());
            }
        }
        let host = host_of(effect)?;
        self.allow_hosts
            .iter()
            .any(|pattern| host_listed(&host, pattern))
            .then(|| format!("the host `{host}` is in allow_hosts"))
    }

    pub fn denies_host(&self, effect: &Effect) -> Option<String> {
        let host = host_of(effect)?;
        let listed = self
            .deny_hosts
            .iter()
            .any(|pattern| host_listed(&host, pattern));
        listed.then_some(host)
    }

    /// The first rule whose pattern is the host or the destination, or a glob over them.
    pub fn rule_of(&self, effect: &Effect) -> Option<&DestinationRule> {
        let destination = effect.destination.as_deref()?.to_lowercase();
        let host = host_of(effect).unwrap_or_default();
        let without_scheme = destination
            .split_once("://")
            .map_or(destination.as_str(), |(_, rest)| rest);
        self.rules.iter().find(|rule| {
            [host.as_str(), &destination, without_scheme]
                .iter()
                .any(|text| !text.is_empty() && glob(&rule.pattern, text))
        })
    }
}

fn rule(table: &toml::Table) -> Option<DestinationRule> {
    let text = |key: &str| {
        table
            .get(key)
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
    };
    let data = ["pii", "sensitivity", "volume"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), json!(table.get(*key)?))))
        .collect();
    Some(DestinationRule {
        pattern: text("pattern")?.to_lowercase(),
        resource_type: text("resource_type"),
        resource_name: text("resource_name"),
        data,
    })
}

fn host_of(effect: &Effect) -> Option<String> {
    let (_, rest) = effect.destination.as_deref()?.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(inside) => inside.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(host.to_lowercase())
}

/// `example.com`, `.example.com` and `*.example.com` (below it), `*`.
fn host_listed(host: &str, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let pattern = pattern
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(&pattern);
    pattern == "*" || host == pattern || pattern.starts_with('.') && host.ends_with(pattern)
}

/// `*` is any text and `?` any character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        assert!(glob(
            "*.eu.example.com/customers/*",
            "a.eu.example.com/customers/1"
        ));
        assert!(glob("payments.internal", "payments.internal"));
        assert!(!glob("payments.?", "payments.internal"));
        assert!(glob("a*b*c", "aXbXbc"));
    }

    #[test]
    fn hosts() {
        assert!(host_listed("a.example.com", "*.example.com"));
        assert!(host_listed("example.com", "example.com"));
        assert!(!host_listed("badexample.com", ".example.com"));
    }
}
