//! Fixes by policy: a forbid to narrow, and the permit that exactly this question needs.

use serde_json::Value;

use super::super::cause::asked;
use super::super::{Fix, FixKind, shown};
use super::{Case, curl, diffs};
use crate::docs::SCHEME;
use crate::policy::canonical;

impl Case<'_> {
    pub(super) fn forbidden(&self) -> Vec<Fix> {
        let mut fixes = vec![self.fix(
            FixKind::Code,
            format!("Do not make this call {}: the denial may be what was wanted, and a retry gets the same answer", self.at()),
        )];
        for id in self.evidence.policy_ids.iter().flatten().take(5) {
            let id = shown(id, 120);
            let fix = match self.local.named(&id) {
                Some(policy) => self.fix(
                    FixKind::Policy,
                    format!(
                        "Narrow `{id}` with an `unless`, if it forbids more than was meant: {} line {}",
                        self.relative(&policy.file),
                        policy.line
                    ),
                ),
                None => self.fix(
                    FixKind::Policy,
                    format!("Ask the owner of the policy `{id}` to narrow it, if it forbids more than was meant"),
                ),
            };
            fixes.push(Fix {
                command: Some(curl("GET", "/api/v2/policies", None)),
                docs: format!("{SCHEME}guides/policies"),
                ..fix
            });
        }
        fixes
    }

    fn relative(&self, file: &str) -> String {
        let root = self
            .workspace
            .map(|workspace| format!("{}/", workspace.root().display()));
        root.and_then(|root| file.strip_prefix(&root))
            .unwrap_or(file)
            .to_owned()
    }

    pub(super) fn unpermitted(&self) -> Vec<Fix> {
        let asked = shown(&asked(self.evidence), 300);
        let mut permit = self.fix(
            FixKind::Policy,
            match self.text("/actor/id") {
                Some(actor) => format!("Permit {asked} for `{}`, if the call is wanted", shown(actor, 120)),
                None => format!("Permit {asked}, if the call is wanted; name the actor, which the text does not tell"),
            },
        );
        permit.docs = format!("{SCHEME}guides/policies");
        if let Some(cedar) = self.permit() {
            permit.diff = diffs::new_policy(
                self.workspace,
                self.local.folder.as_deref(),
                &self.permit_id(),
                &cedar,
            );
            permit.command = Some(curl(
                "POST",
                "/api/v2/policies/install",
                Some(&self.boundary()),
            ));
        }
        vec![
            permit,
            self.fix(
                FixKind::Code,
                format!(
                    "Correct the intent {}, if its action or resource is not what the call does",
                    self.at()
                ),
            ),
        ]
    }

    fn permit_id(&self) -> String {
        let words = [
            self.text("/actor/id").unwrap_or_default(),
            self.text("/action").unwrap_or_default(),
            self.text("/resource/name").unwrap_or_default(),
        ];
        let slug: String = words
            .join("-")
            .chars()
            .take(80)
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        format!("permit-{}", slug.trim_matches('-'))
    }

    fn permit(&self) -> Option<String> {
        let (action, kind, name) = (
            self.text("/action")?,
            self.text("/resource/type")?,
            self.text("/resource/name")?,
        );
        Some(diffs::permit(
            &self.permit_id(),
            self.text("/actor/type").zip(self.text("/actor/id")),
            &canonical::action(action).prediction.canonical,
            &canonical::resource_type(kind).prediction.canonical,
            name,
        ))
    }

    fn boundary(&self) -> Value {
        let mut boundary = serde_json::json!({
            "id": self.permit_id(),
            "effect": "allow",
            "actions": [self.text("/action").unwrap_or_default()],
            "resources": [{"type": self.text("/resource/type").unwrap_or_default(), "name": self.text("/resource/name").unwrap_or_default()}],
        });
        if let Some((kind, id)) = self.text("/actor/type").zip(self.text("/actor/id")) {
            boundary["actors"] = serde_json::json!([{"type": kind, "id": id}]);
        }
        boundary
    }
}
