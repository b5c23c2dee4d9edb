//! `verify_integration`: what is governed now, what is not, and what the audit log shows.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Tool, cursor_property, list_schema, path_property, text_schema};
use crate::mcp::call::{Answer, Call, root_of};
use crate::mcp::error::ToolError;
use crate::mcp::paging::{Budget, PAGE_CHARS, Paging};
use crate::mcp::text::{as_data, clean, quote};
use crate::verify::{self, Finding, Fixer, Ledger, Process, Verification};
use crate::workspace::Workspace;

/// A longer fix is left to `propose_patch`.
const MAX_DIFF_CHARS: usize = 4_000;

pub const TOOL: Tool = Tool {
    name: "verify_integration",
    title: "Verify the integration",
    description: "Says which processes are enabled, which effects are governed and which are not, each with a finding (code, message, path, line, docs). With audit_log also what really ran: decisions, effects that ran but were not found, found but never ran.",
    input: || {
        let properties = json!({
            "path": path_property(),
            "audit_log": {"type": "string", "description": "The client's audit log (JSON lines), absolute or from the root"},
            "cursor": cursor_property(),
        });
        (properties, &[])
    },
    output: || {
        let properties = json!({
            "root": text_schema(), "summary": {"type": "object"}, "processes": list_schema(), "findings": list_schema(),
            "log": {"type": "object"}, "next_cursor": text_schema(), "next_action": text_schema()});
        (
            properties,
            &["root", "summary", "processes", "findings", "next_action"],
        )
    },
    run,
};

fn run(call: &Call) -> Result<Answer, ToolError> {
    let workspace = call.workspace()?;
    let root = workspace.root().to_string_lossy();
    let question = ["verify_integration", &root, &call.arguments.question()];
    let paging = Paging::new(&question, call.arguments.text("cursor"))?;
    let log = call
        .arguments
        .text("audit_log")
        .map(|log| read_log(call, &workspace, log))
        .transpose()?;
    let scan = call.scan(&workspace)?;
    let verification = verify::verify(&workspace, &scan, log.as_deref());
    let content = serde_json::to_vec(&verification).unwrap_or_default();
    let processes = verification
        .processes
        .iter()
        .map(|process| (json!(process), process_text(process)));
    let fixer = Fixer::new(&workspace, &scan);
    let findings = verification
        .findings
        .iter()
        .map(|finding| (json!(finding), finding_text(finding)));
    let items: Vec<(Value, String)> = processes.chain(findings).collect();
    let start = paging.start(&content, items.len())?;

    let mut structured = json!({"root": root_of(&workspace), "summary": verification.summary});
    let mut text = format!("root: {root}\n{}", summary_text(&verification));
    if let Some(log) = verification.log.as_ref().filter(|_| start == 0) {
        structured["log"] = json!(log);
        text += &log_text(log);
    }
    as_data(&mut structured);
    let used = text.chars().count() + structured.to_string().chars().count();
    let mut budget = Budget::new(PAGE_CHARS.saturating_sub(used));
    let (mut processes, mut findings) = (Vec::new(), Vec::new());
    for (at, (value, line)) in items.iter().enumerate().skip(start) {
        let (mut value, mut line) = (value.clone(), line.clone());
        as_data(&mut value);
        let diff = at
            .checked_sub(verification.processes.len())
            .and_then(|index| verification.findings.get(index))
            .and_then(|finding| fixer.diff(finding))
            .filter(|diff| diff.chars().count() <= MAX_DIFF_CHARS);
        if let Some(diff) = diff {
            line += &diff;
            value["diff"] = json!(diff);
        }
        if !budget.take(value.to_string().chars().count() + line.chars().count()) {
            break;
        }
        text += &line;
        if at < verification.processes.len() {
            processes.push(value);
        } else {
            findings.push(value);
        }
    }
    let end = start + processes.len() + findings.len();
    let left = items.len() - end;
    structured["processes"] = Value::Array(processes);
    structured["findings"] = Value::Array(findings);
    let next_action = if left > 0 {
        let cursor = paging.cursor(&content, end);
        let _ = writeln!(text, "cursor for the next page: {cursor}");
        structured["next_cursor"] = json!(cursor);
        format!("verify_integration with next_cursor as `cursor` lists {left} more")
    } else if verification.findings.is_empty() {
        "nothing is ungoverned".to_owned()
    } else {
        "plan_integration says how to govern what is left; read_doc of a finding's docs explains it"
            .to_owned()
    };
    structured["next_action"] = json!(next_action);
    let _ = write!(text, "next: {next_action}");
    Ok(Answer {
        structured,
        text,
        ..Answer::default()
    })
}

/// A log lies where the service writes it; a relative path starts at the root.
pub(super) fn read_log(call: &Call, workspace: &Workspace, log: &str) -> Result<String, ToolError> {
    let full = workspace.root().join(Path::new(log));
    let fix = "pass the file that GOVERNOR_AUDIT_LOG names, absolute or relative to the root";
    if call.roots.confine {
        workspace
            .confine(&full)
            .map_err(|error| ToolError::from_chain("path_outside_root", &error, fix))?;
    }
    verify::read_log(&full).map_err(|error| ToolError::from_chain("bad_audit_log", &error, fix))
}

fn summary_text(verification: &Verification) -> String {
    let summary = &verification.summary;
    format!(
        "{} of {} processes enabled; {} effects in app code, coverage {}; {} findings\n",
        summary.enabled_processes,
        summary.processes,
        summary.effects,
        json!(summary.coverage),
        summary.findings,
    )
}

fn log_text(log: &Ledger) -> String {
    let mut text = format!(
        "log: {} lines, {} unreadable, decisions {}",
        log.lines,
        log.unreadable,
        json!(log.decisions)
    );
    let _ = writeln!(
        text,
        ", chain {}",
        if log.chain_intact { "intact" } else { "BROKEN" }
    );
    for place in &log.ran_not_found {
        let _ = writeln!(text, "ran but was not found by the scan: {}", quote(place));
    }
    if !log.ran_unscoped.is_empty() {
        let _ = writeln!(
            text,
            "ran outside any scope: {}",
            clean(&log.ran_unscoped.join(" "), 300)
        );
    }
    if !log.never_ran.is_empty() {
        let _ = writeln!(
            text,
            "found but never ran: {}",
            clean(&log.never_ran.join(" "), 300)
        );
    }
    text
}

fn process_text(process: &Process) -> String {
    let state = if process.enabled {
        "enabled"
    } else {
        "NOT enabled"
    };
    format!(
        "{} process {} {} {}:{} {state}\n",
        process.id,
        process.kind,
        quote(&process.name),
        quote(&process.path),
        process.line
    )
}

fn finding_text(finding: &Finding) -> String {
    format!(
        "{} {}:{} {} | {}\n",
        finding.code,
        quote(&finding.path),
        finding.line,
        clean(&finding.message, 300),
        finding.docs
    )
}
