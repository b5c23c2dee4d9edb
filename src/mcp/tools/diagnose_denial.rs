//! `diagnose_denial`: why a call was denied, from whatever was pasted, and what to change.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::verify_integration::read_log;
use super::{Tool, list_schema, name_of, path_property, text_schema};
use crate::denial::{self, Diagnosis, Question};
use crate::mcp::call::{Answer, Call, root_of};
use crate::mcp::error::ToolError;
use crate::mcp::paging::PAGE_CHARS;
use crate::mcp::text::{as_data, clean, quote};
use crate::setup;
use crate::workspace::Workspace;

/// Evidence is named up to so many lines.
const NAMED: usize = 20;

pub const TOOL: Tool = Tool {
    name: "diagnose_denial",
    title: "Diagnose a denial",
    description: "Explains a denied or failed governed call from a pasted traceback, exception JSON, plane response or log line, or from request_id with audit_log: cause, confidence, call site, intent, evidence, and fixes with diff, command or docs. Says unknown, and what would settle it, rather than guess.",
    input: || {
        let properties = json!({
            "denial": {"type": "string", "description": "What was pasted, with any noise around it"},
            "request_id": {"type": "string", "description": "The plane's id of the request"},
            "audit_log": {"type": "string", "description": "Audit log, absolute or from the root"},
            "path": path_property(),
        });
        (properties, &[])
    },
    output: || {
        let properties = json!({
            "root": text_schema(), "schema": text_schema(), "cause": text_schema(), "confidence": text_schema(),
            "summary": text_schema(), "call_site": {"type": "object"}, "intent": {"type": "object"},
            "canonicalization": list_schema(), "evidence": {"type": "array", "items": text_schema()},
            "fixes": list_schema(), "verify": text_schema(), "next_action": text_schema()});
        (
            properties,
            &[
                "schema",
                "cause",
                "confidence",
                "summary",
                "canonicalization",
                "evidence",
                "fixes",
                "verify",
                "next_action",
            ],
        )
    },
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let arguments = &call.arguments;
    let denial = arguments
        .text("denial")
        .filter(|text| !text.trim().is_empty());
    let request_id = arguments
        .text("request_id")
        .filter(|id| !id.trim().is_empty());
    if denial.is_none() && request_id.is_none() {
        return Err(ToolError::new(
            "missing_argument",
            "there is nothing to diagnose",
            "pass `denial` with what was pasted, or `request_id` with `audit_log`",
        ));
    }
    // Without a repo there is still an answer; a repo that was named and cannot be opened is a mistake.
    let workspace = match call.workspace() {
        Ok(workspace) => Some(workspace),
        Err(error) if arguments.text("path").is_some() => return Err(error),
        Err(_) => None,
    };
    let audit = match (arguments.text("audit_log"), &workspace) {
        (Some(log), Some(workspace)) => Some(read_log(call, workspace, log)?),
        (Some(_), None) => call.workspace().map(|_| None)?,
        (None, _) => None,
    };
    let diagnosis = denial::diagnose(&Question {
        text: denial.unwrap_or_default().to_owned(),
        request_id: request_id.map(str::to_owned),
        audit,
        workspace: workspace.clone(),
    });
    Ok(answer(call, workspace.as_ref(), &diagnosis))
}

fn answer(call: &Call, workspace: Option<&Workspace>, diagnosis: &Diagnosis) -> Answer {
    let mut structured = json!(diagnosis);
    if let Some(evidence) = structured["evidence"].as_array_mut() {
        evidence.truncate(NAMED);
    }
    let fixes = structured
        .as_object_mut()
        .and_then(|fields| fields.remove("fixes"))
        .unwrap_or_default();
    as_data(&mut structured);
    structured["summary"] = json!(clean(&diagnosis.summary, 1_000));
    structured["verify"] = json!(diagnosis.verify);
    let mut answer = Answer::default();
    let mut text = String::new();
    if let Some(workspace) = workspace {
        structured["root"] = root_of(workspace);
        let _ = writeln!(text, "root: {}", workspace.root().display());
    }
    text += &head(diagnosis);
    let mut room = PAGE_CHARS
        .saturating_sub(text.chars().count() + structured.to_string().chars().count() + 600);
    let fixes = fixes.as_array().cloned().unwrap_or_default();
    let mut kept = Vec::new();
    for (mut value, fix) in fixes.into_iter().zip(&diagnosis.fixes) {
        if let Some(command) = &fix.command {
            value["command"] = json!(setup::runnable(command));
        }
        let mut lines = format!(
            "fix {} ({}): {} | {}\n",
            kept.len() + 1,
            name_of(&fix.kind),
            clean(&fix.title, 300),
            fix.docs
        );
        if let Some(command) = value["command"].as_str() {
            let _ = writeln!(lines, "  run: {command}");
        }
        if let Some(diff) = &fix.diff {
            if 3 * diff.chars().count() > room {
                let uri = call.shelf.put(&id_of(diff), diff.as_bytes());
                let _ = writeln!(lines, "  diff: {uri}");
                answer
                    .links
                    .push((uri.clone(), "the fix as a diff".to_owned()));
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("diff");
                    fields.insert("diff_uri".to_owned(), json!(uri));
                }
            } else {
                let _ = write!(lines, "```diff\n{}\n```\n", diff.trim_end());
            }
        }
        room = room.saturating_sub(value.to_string().chars().count() + lines.chars().count());
        text += &lines;
        kept.push(value);
    }
    let next_action = if diagnosis.cause.is_understood() {
        "show cause and fixes to the user; after the fix, what `verify` says"
    } else {
        "get what the summary says would settle it, then call again with it"
    };
    structured["fixes"] = Value::Array(kept);
    structured["next_action"] = json!(next_action);
    let _ = write!(text, "verify: {}\nnext: {next_action}", diagnosis.verify);
    answer.structured = structured;
    answer.text = text;
    answer
}

/// The same diff has the same link.
fn id_of(diff: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash: [u8; 32] = Sha256::digest(diff.as_bytes()).into();
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn head(diagnosis: &Diagnosis) -> String {
    let mut text = format!(
        "cause: {} ({})\n{}\n",
        diagnosis.cause.name(),
        name_of(&diagnosis.confidence),
        clean(&diagnosis.summary, 1_000)
    );
    if let Some(site) = &diagnosis.call_site {
        let symbol = site
            .symbol
            .as_deref()
            .map(|symbol| format!(" in {}", quote(symbol)));
        let _ = writeln!(
            text,
            "call site: {}:{}{}",
            quote(&site.path),
            site.line,
            symbol.unwrap_or_default()
        );
    }
    if let Some(intent) = &diagnosis.intent {
        let _ = writeln!(text, "intent: {}", clean(&intent.to_string(), 600));
    }
    if let Some(id) = &diagnosis.request_id {
        let _ = writeln!(text, "request: {}", quote(id));
    }
    for word in &diagnosis.canonicalization {
        let suspect = if word.suspect { ", SUSPECT" } else { "" };
        let _ = writeln!(
            text,
            "{}: {} read as {} ({}, {}{suspect})",
            quote(&word.field),
            quote(&word.raw_input),
            quote(&word.canonical),
            word.confidence,
            quote(&word.source)
        );
    }
    for line in diagnosis.evidence.iter().take(NAMED) {
        let _ = writeln!(text, "evidence: {}", clean(line, 300));
    }
    text
}
