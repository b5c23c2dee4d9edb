//! Asks the person at the client on the spot, where the client can: one form with all questions. Whoever does not
//! answer gets them in `needs_input`, as everybody else does.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolResponse, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, EnumSchema, InputRequest, InputRequests, InputRequiredResult,
    InputResponses, ProtocolVersion,
};
use rmcp::service::RequestContext;

use super::text::clean;
use crate::plan::Question;

/// The name of the form in a 2026-07-28 exchange.
const FORM: &str = "questions";

/// How long a person may think before the answer goes out without them.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where an exchange stands.
pub enum Asked {
    /// The client is asked, and calls again with the answers.
    CallAgain(Box<CallToolResponse>),
    Answered(BTreeMap<String, String>),
    /// The client cannot ask, or the person did not answer.
    No,
}

pub async fn ask(questions: &[Question], context: &RequestContext<RoleServer>) -> Asked {
    let can_ask = context
        .client_capabilities()
        .is_some_and(|capabilities| capabilities.elicitation.is_some());
    let Some(form) = form(questions).filter(|_| can_ask) else {
        return Asked::No;
    };
    if context.protocol_version() >= Some(ProtocolVersion::V_2026_07_28) {
        let request = InputRequest::Elicitation(ElicitRequest::new(form));
        let requests = InputRequests::from([(FORM.to_owned(), request)]);
        let required = InputRequiredResult::new(Some(requests), Some(FORM.to_owned()));
        return Asked::CallAgain(Box::new(required.into()));
    }
    let asked = tokio::time::timeout(PATIENCE, context.peer.create_elicitation(form)).await;
    match asked {
        Ok(Ok(result)) => answered(&result).map_or(Asked::No, Asked::Answered),
        _ => Asked::No,
    }
}

/// The answers in a call that comes again; none where the person declined.
pub fn answers(responses: Option<&InputResponses>) -> Option<BTreeMap<String, String>> {
    let response = responses?.get(FORM)?.clone();
    let result: Option<ElicitResult> = serde_json::from_value(response).ok();
    Some(result.as_ref().and_then(answered).unwrap_or_default())
}

fn answered(result: &ElicitResult) -> Option<BTreeMap<String, String>> {
    if result.action != ElicitationAction::Accept {
        return None;
    }
    let fields = result.content.as_ref()?.as_object()?;
    let chosen = fields
        .iter()
        .filter_map(|(id, value)| Some((id.clone(), value.as_str()?.to_owned())));
    Some(chosen.collect())
}

fn form(questions: &[Question]) -> Option<ElicitRequestParams> {
    if questions.is_empty() {
        return None;
    }
    let mut message = String::from("governor needs to know:");
    let mut schema = ElicitationSchema::builder();
    for question in questions {
        message += &format!("\n{}: {}", question.id, clean(&question.question, 300));
        for choice in &question.choices {
            message += &format!("\n  {}: {}", choice.value, clean(&choice.consequence, 200));
        }
        let values = question
            .choices
            .iter()
            .map(|choice| choice.value.clone())
            .collect();
        schema =
            schema.required_enum_schema(question.id.clone(), EnumSchema::builder(values).build());
    }
    Some(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema.build().ok()?,
    })
}
