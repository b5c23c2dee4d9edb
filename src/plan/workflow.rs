//! n8n workflows: a question to the policy plane before each node with an effect.

use super::scopes::intent_of;
use super::{Change, Context, Plan, Refusal, Risk, Step};
use crate::edit::python::scope::Intent;
use crate::edit::workflow;
use crate::facts::{Coverage, Effect};

pub fn add_steps(context: &Context, plan: &mut Plan) {
    for effect in context.effects().filter(|effect| is_node(effect)) {
        if effect.coverage == Coverage::Enforce {
            continue;
        }
        let (path, name) = (&effect.path, &effect.symbol);
        let place = format!("{path}:{}", effect.line);
        let intent = intent(effect);
        let edit = context
            .read(path)
            .and_then(|source| workflow::insert(&source, name, &intent));
        let insertions = match edit {
            Ok(insertions) => insertions,
            Err(reason) => {
                plan.refused.push(Refusal {
                    place,
                    reason: format!("no question before `{name}`: {reason}"),
                });
                continue;
            }
        };
        let mut step = Step::new(
            format!("enforce:{path}:{}", name.replace(char::is_whitespace, "_")),
            format!(
                "Ask before the node `{name}`: {} {} `{}`",
                intent.action, intent.resource_type, intent.resource_name
            ),
            place,
            "n8n runs the node by itself, where no Python client is: the plane is asked, and the node runs after an ALLOW".to_owned(),
            Change::Text {
                path: path.clone(),
                insertions,
            },
        )
        .needs_review(Risk::Medium);
        step.instructions = Some("set GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY in n8n's environment, and let expressions read them (N8N_BLOCK_ENV_ACCESS_IN_NODE=false)".to_owned());
        plan.steps.push(step);
    }
}

/// The workflow's nodes with effects, and what a question before each asks.
pub fn nodes(context: &Context, path: &str) -> Vec<(String, Intent)> {
    context
        .scan
        .effects
        .iter()
        .filter(|effect| effect.path == path && is_node(effect))
        .map(|effect| (effect.symbol.clone(), intent(effect)))
        .collect()
}

fn is_node(effect: &Effect) -> bool {
    effect.path.ends_with(".json")
}

fn intent(effect: &Effect) -> Intent {
    Intent {
        // The node says what it acts on, and no client is there to say more.
        resource_name: effect.resource.name.clone(),
        ..intent_of(effect)
    }
}
