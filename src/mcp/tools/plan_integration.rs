//! `plan_integration`: the steps that put a repo under enforcement, and what only a person can answer.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Tool, cursor_property, list_schema, mode_property, name_of, path_property, plan_options,
    text_schema,
};
use crate::mcp::call::{Answer, Call, root_of};
use crate::mcp::error::ToolError;
use crate::mcp::paging::{Budget, PAGE_CHARS, Paging};
use crate::mcp::text::{as_data, clean, quote};
use crate::plan::{self, Plan, Question, Step};

/// Places that were left alone are named up to this many; the count is whole.
const NAMED_REFUSALS: usize = 20;

pub const TOOL: Tool = Tool {
    name: "plan_integration",
    title: "Plan the integration",
    description: "Plans how to put the repo under enforcement: steps (id, what, where, why, risk, applicability) and the questions that only a person can answer. Changes nothing; propose_patch makes the diff.",
    input: || {
        let properties =
            json!({"path": path_property(), "mode": mode_property(), "cursor": cursor_property()});
        (properties, &[])
    },
    output: || {
        let properties = json!({
            "root": text_schema(), "summary": {"type": "object"}, "mode": text_schema(), "steps": list_schema(),
            "needs_input": list_schema(), "refused": list_schema(), "answers": {"type": "object"},
            "next_cursor": text_schema(), "next_action": text_schema()});
        (
            properties,
            &[
                "root",
                "summary",
                "mode",
                "steps",
                "needs_input",
                "next_action",
            ],
        )
    },
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let workspace = call.workspace()?;
    let root = workspace.root().to_string_lossy();
    let question = ["plan_integration", &root, &call.arguments.question()];
    let paging = Paging::new(&question, call.arguments.text("cursor"))?;
    let options = plan_options(call);
    let scan = call.scan(&workspace)?;
    let plan = plan::plan(&workspace, &scan, &options);
    call.check_cancelled()?;
    let content = serde_json::to_vec(&plan).unwrap_or_default();
    let start = paging.start(&content, plan.steps.len())?;

    let open: Vec<&Question> = plan
        .needs_input
        .iter()
        .filter(|question| !call.answers.contains_key(&question.id))
        .collect();
    let mut text = head(&plan, &root);
    if start == 0 {
        text += &questions_text(&open, &call.answers);
        for refusal in plan.refused.iter().take(NAMED_REFUSALS) {
            let _ = writeln!(
                text,
                "left alone: {}: {}",
                quote(&refusal.place),
                clean(&refusal.reason, 300)
            );
        }
    }
    let refused: Vec<_> = plan
        .refused
        .iter()
        .take(if start == 0 { NAMED_REFUSALS } else { 0 })
        .collect();
    let mut structured = json!({
        "root": root_of(&workspace),
        "summary": summary(&plan),
        "mode": plan.mode,
        "client": plan.client,
        "needs_input": if start == 0 { questions(&open) } else { json!([]) },
        "refused": refused,
    });
    if !call.answers.is_empty() {
        structured["answers"] = json!(call.answers);
    }
    as_data(&mut structured);

    let used = text.chars().count() + structured.to_string().chars().count();
    let mut budget = Budget::new(PAGE_CHARS.saturating_sub(used));
    let mut steps = Vec::new();
    for step in &plan.steps[start..] {
        let (mut value, line) = (json!(step), step_text(step));
        as_data(&mut value);
        if !budget.take(value.to_string().chars().count() + line.chars().count()) {
            break;
        }
        text += &line;
        steps.push(value);
    }
    let end = start + steps.len();
    structured["steps"] = Value::Array(steps);
    let left = plan.steps.len() - end;
    let next_action = if left > 0 {
        let cursor = paging.cursor(&content, end);
        let _ = writeln!(text, "cursor for the next page: {cursor}");
        structured["next_cursor"] = json!(cursor);
        format!("plan_integration with next_cursor as `cursor` lists {left} more steps")
    } else if plan.steps.is_empty() {
        "nothing is left to do; verify_integration says what is governed".to_owned()
    } else if open.is_empty() {
        "propose_patch makes the diff".to_owned()
    } else {
        "put needs_input to the user, then propose_patch makes the diff".to_owned()
    };
    structured["next_action"] = json!(next_action);
    let _ = write!(text, "next: {next_action}");
    Ok(Answer {
        structured,
        text,
        questions: if start == 0 {
            plan.needs_input
        } else {
            Vec::new()
        },
        ..Answer::default()
    })
}

/// The questions, with the first of the steps that each is about.
fn questions(open: &[&Question]) -> Value {
    let shortened = open.iter().map(|question| {
        let mut question = (*question).clone();
        question.steps.truncate(NAMED_REFUSALS);
        question
    });
    json!(shortened.collect::<Vec<_>>())
}

fn summary(plan: &Plan) -> Value {
    let mut by_applicability: BTreeMap<String, usize> = BTreeMap::new();
    for step in &plan.steps {
        *by_applicability
            .entry(name_of(&step.applicability))
            .or_default() += 1;
    }
    json!({
        "steps": plan.steps.len(),
        "by_applicability": by_applicability,
        "questions": plan.needs_input.len(),
        "refused": plan.refused.len(),
    })
}

fn head(plan: &Plan, root: &str) -> String {
    format!(
        "root: {root}\nmode {}, client {}: {} steps, {} questions, {} places left alone\n",
        name_of(&plan.mode),
        name_of(&plan.client),
        plan.steps.len(),
        plan.needs_input.len(),
        plan.refused.len()
    )
}

fn questions_text(open: &[&Question], answers: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for question in open {
        let _ = writeln!(
            text,
            "question {}: {} (default {})",
            quote(&question.id),
            clean(&question.question, 300),
            quote(&question.default)
        );
        for choice in &question.choices {
            let _ = writeln!(
                text,
                "  {}: {}",
                quote(&choice.value),
                clean(&choice.consequence, 300)
            );
        }
        if !question.steps.is_empty() {
            let _ = writeln!(text, "  about: {}", clean(&question.steps.join(" "), 300));
        }
    }
    for (id, answer) in answers {
        let _ = writeln!(text, "answered {}: {}", quote(id), quote(answer));
    }
    text
}

fn step_text(step: &Step) -> String {
    let mut text = format!(
        "{} | {} | {} | {} | risk {}, {}\n",
        quote(&step.id),
        clean(&step.title, 300),
        quote(&step.place),
        clean(&step.reason, 300),
        name_of(&step.risk),
        name_of(&step.applicability)
    );
    if let Some(instructions) = &step.instructions {
        let _ = writeln!(text, "  by hand: {}", clean(instructions, 300));
    }
    text
}
