//! What to change, for each cause: the code, the configuration, a policy, or the operations.

use serde_json::Value;

use crate::docs::SCHEME;
use crate::policy::canonical;
use crate::workspace::Workspace;

use super::cause::{Cause, Verdict, asked};
use super::evidence::Evidence;
use super::policies::Local;
use super::{CallSite, Fix, FixKind, shown};

mod diffs;
mod operations;
mod policy;

/// Everything that a remedy may draw on.
struct Case<'a> {
    cause: Cause,
    evidence: &'a Evidence,
    site: Option<&'a CallSite>,
    workspace: Option<&'a Workspace>,
    local: &'a Local,
}

pub fn fixes(
    verdict: &Verdict,
    evidence: &Evidence,
    site: Option<&CallSite>,
    workspace: Option<&Workspace>,
    local: &Local,
) -> Vec<Fix> {
    let case = Case {
        cause: verdict.cause,
        evidence,
        site,
        workspace,
        local,
    };
    match verdict.cause {
        Cause::PolicyForbids => case.forbidden(),
        Cause::NoMatchingPolicy => case.unpermitted(),
        Cause::NoIntent => case.without_intent(),
        Cause::ScopeMismatch => case.mismatched(),
        Cause::CanonicalizationSuspect => case.misread(),
        Cause::MissingDataFields => case.without_data(),
        Cause::UnmappedDestination => case.unmapped(),
        Cause::WrongTenantOrActor => case.wrong_principal(),
        Cause::HeldForReview => case.held(),
        Cause::HostDenied => case.host_denied(),
        Cause::BackstopBlocked => case.unintercepted(),
        cause => case.operations(cause),
    }
}

/// How to see that it is fixed.
pub fn verify(cause: Cause, evidence: &Evidence) -> String {
    match cause {
        Cause::NotADenial => "nothing to verify: governor did not stop this call".into(),
        Cause::Unknown => "diagnose again with what the summary asks for".into(),
        Cause::Unauthenticated
        | Cause::PlaneUnreachable
        | Cause::PlaneTimeout
        | Cause::PlaneError
        | Cause::CircuitOpen
        | Cause::BadResponse
        | Cause::TokenInvalid
        | Cause::TokenExpired
        | Cause::TokenReplayed
        | Cause::RateLimited => {
            "`python -m governor doctor` makes one harmless governed call: it must report a decision of the plane".into()
        }
        _ => format!(
            "run the code again: the audit log's line for {} must say ALLOW; `governor-mcp rehearse` asks the policies before anything runs",
            shown(&asked(evidence), 300)
        ),
    }
}

impl Case<'_> {
    fn fix(&self, kind: FixKind, title: impl Into<String>) -> Fix {
        Fix {
            title: title.into(),
            kind,
            diff: None,
            command: None,
            docs: format!("{SCHEME}reference/denials#{}", self.cause.name()),
        }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.evidence
            .intent
            .pointer(pointer)
            .and_then(Value::as_str)
    }

    fn at(&self) -> String {
        self.site.map_or_else(
            || "where the call is made".to_owned(),
            |site| format!("at {}:{}", site.path, site.line),
        )
    }

    /// The diff that puts a scope around the call.
    fn governed(&self) -> Option<String> {
        diffs::governed(
            self.workspace?,
            self.site?,
            self.text("/action").unwrap_or("write"),
            self.text("/resource/type").unwrap_or_default(),
            self.text("/resource/name").unwrap_or_default(),
        )
    }

    fn without_intent(&self) -> Vec<Fix> {
        let mut scope = self.fix(
            FixKind::Code,
            format!("Give the work an intent {}", self.at()),
        );
        scope.docs = format!("{SCHEME}concepts/scopes");
        scope.diff = self.governed();
        vec![
            scope,
            self.fix(
                FixKind::Config,
                "Leave `strict` off, if a call without an intent may be decided on what it does",
            ),
        ]
    }

    fn mismatched(&self) -> Vec<Fix> {
        vec![
            self.fix(
                FixKind::Code,
                format!("Move the call {} out of the scope around it, or give it a scope of its own: {}", self.at(), shown(&asked(self.evidence), 300)),
            ),
            Fix {
                docs: format!("{SCHEME}concepts/scopes"),
                ..self.fix(FixKind::Code, "Widen the intent of the scope, where one purpose really does both")
            },
        ]
    }

    fn misread(&self) -> Vec<Fix> {
        let action = self.text("/action").unwrap_or_default();
        let own = canonical::action(action).prediction;
        let words = if own.confidence >= 0.8 {
            format!("`{}`", own.canonical)
        } else {
            "one of `read`, `write`, `delete`, `execute`, `send`, `export`".to_owned()
        };
        vec![
            self.fix(
                FixKind::Code,
                format!(
                    "Use the canonical word {}: the action is {words}",
                    self.at()
                ),
            ),
            Fix {
                command: Some(curl(
                    "POST",
                    "/api/v2/canonicalize",
                    Some(&self.evidence.intent),
                )),
                docs: format!("{SCHEME}concepts/intents"),
                ..self.fix(FixKind::Operations, "See how the plane reads the intent")
            },
        ]
    }

    fn without_data(&self) -> Vec<Fix> {
        let mut mapped = self.fix(
            FixKind::Config,
            "Say in governor.toml what data goes to this destination (`pii`, `sensitivity`, `volume`)",
        );
        mapped.docs = format!("{SCHEME}reference/governor-toml");
        if let Some(name) = self.destination() {
            let table = format!(
                "[[destination]]\npattern = {}\npii = false\nsensitivity = []\nvolume = \"single\"\n",
                diffs::toml_string(&name)
            );
            mapped.diff = diffs::governor_toml(self.workspace, &table);
        }
        vec![
            self.fix(
                FixKind::Code,
                format!("Fill in `data=` of the intent {}: `data={{\"pii\": ..., \"sensitivity\": [...], \"volume\": ...}}`", self.at()),
            ),
            mapped,
        ]
    }

    fn unmapped(&self) -> Vec<Fix> {
        let mut mapped = self.fix(
            FixKind::Config,
            "Name the destination in governor.toml, as the policies name it",
        );
        mapped.docs = format!("{SCHEME}reference/governor-toml");
        if let Some(name) = self.destination() {
            let kind = self
                .text("/resource/type")
                .filter(|kind| *kind != "unknown")
                .unwrap_or("external_api");
            let table = format!(
                "[[destination]]\npattern = {}\nresource_type = {}\nresource_name = {}\n",
                diffs::toml_string(&name),
                diffs::toml_string(kind),
                diffs::toml_string(&suggested_name(&name)),
            );
            mapped.diff = diffs::governor_toml(self.workspace, &table);
        }
        let mut fixes = vec![mapped];
        fixes.extend(self.unpermitted().into_iter().take(1));
        fixes
    }

    /// Where the call went: its host, else the resource's name.
    fn destination(&self) -> Option<String> {
        let called = self
            .evidence
            .call
            .get("destination")
            .and_then(Value::as_str);
        let host = called
            .and_then(|url| url.split_once("://"))
            .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest))
            .map(|authority| authority.rsplit('@').next().unwrap_or(authority));
        let name = host.map(|host| host.split(':').next().unwrap_or(host));
        name.or_else(|| self.text("/resource/name"))
            .filter(|name| !name.is_empty() && *name != "unknown")
            .map(|name| shown(name, 200))
    }

    fn wrong_principal(&self) -> Vec<Fix> {
        let wanted = self.local.permits_others(&self.evidence.intent);
        let id = wanted
            .first()
            .and_then(|(principal, _)| principal.split('"').nth(1))
            .map(str::to_owned);
        let mut config = self.fix(
            FixKind::Config,
            match &id {
                Some(id) => format!("Say that `{id}` acts in this process, if it does"),
                None => "Say who acts in this process: `actor_id`, and `actor_type` where it is not a service".to_owned(),
            },
        );
        config.docs = format!("{SCHEME}reference/environment");
        config.command = Some(format!(
            "export GOVERNOR_ACTOR_ID={}",
            id.as_deref().unwrap_or("NAME")
        ));
        let operations = self.fix(
            FixKind::Operations,
            "Use the API key of the tenant that the policies are about: the tenant comes from the key, never from the body",
        );
        vec![config, operations]
    }

    fn held(&self) -> Vec<Fix> {
        let hold = self.evidence.hold_id.as_deref().unwrap_or("HOLD_ID");
        vec![
            Fix {
                command: Some(curl(
                    "POST",
                    &format!("/api/v2/holds/{}/approve", shown(hold, 120)),
                    None,
                )),
                docs: format!("{SCHEME}concepts/decisions#hold"),
                ..self.fix(
                    FixKind::Operations,
                    "Have a person approve it at the plane, then run the work again",
                )
            },
            self.fix(
                FixKind::Config,
                "Let the client wait for the approval: `hold_wait_ms` in governor.toml",
            ),
        ]
    }

    fn host_denied(&self) -> Vec<Fix> {
        vec![
            Fix {
                command: Some("echo \"$GOVERNOR_DENY_HOSTS\"".into()),
                docs: format!("{SCHEME}reference/environment"),
                ..self.fix(
                    FixKind::Config,
                    match self.destination() {
                        Some(host) => format!("Take `{host}` off GOVERNOR_DENY_HOSTS (`deny_hosts`), if the call is wanted"),
                        None => "Take the host off GOVERNOR_DENY_HOSTS (`deny_hosts`), if the call is wanted".to_owned(),
                    },
                )
            },
            self.fix(FixKind::Code, format!("Call another host {}", self.at())),
        ]
    }

    fn unintercepted(&self) -> Vec<Fix> {
        let mut enforce = self.fix(
            FixKind::Code,
            format!("Ask before the effect {}: `governor.enforce(...)`, or `@governor.governed(...)` on its function", self.at()),
        );
        enforce.docs = format!("{SCHEME}concepts/interception");
        enforce.diff = self.governed();
        vec![
            enforce,
            self.fix(
                FixKind::Config,
                "GOVERNOR_BACKSTOP=log records such effects instead of stopping them",
            ),
        ]
    }
}

/// A name for a host that people can read: its longest label that says something.
fn suggested_name(host: &str) -> String {
    let host = host.split(':').next().unwrap_or(host);
    if host.parse::<std::net::IpAddr>().is_ok() || host == "localhost" {
        return "local-service".to_owned();
    }
    host.split('.')
        .filter(|label| {
            !matches!(
                *label,
                "api"
                    | "www"
                    | "com"
                    | "net"
                    | "org"
                    | "io"
                    | "internal"
                    | "local"
                    | "svc"
                    | "cluster"
            )
        })
        .max_by_key(|label| label.len())
        .unwrap_or(host)
        .to_owned()
}

fn curl(method: &str, path: &str, body: Option<&Value>) -> String {
    let mut command = format!(
        "curl --silent -X {method} \"$GOVERNOR_ENFORCE_URL{path}\" -H \"Authorization: Bearer $GOVERNOR_API_KEY\""
    );
    if let Some(body) = body.filter(|body| body.is_object()) {
        let body = crate::redact::value(body)
            .to_string()
            .replace('\'', "'\\''");
        command += &format!(" -H 'Content-Type: application/json' -d '{body}'");
    }
    command
}
