//! `propose_patch`: the diff, the same as edits, the inverse, and what proves them.
//!
//! A part that does not fit is not cut: it is linked whole as `governor://patch/{id}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Tool, list_schema, mode_property, name_of, path_property, plan_options, text_schema};
use crate::mcp::call::{Answer, Call, root_of};
use crate::mcp::error::ToolError;
use crate::mcp::paging::PAGE_CHARS;
use crate::mcp::text::{as_data, clean, quote};
use crate::patch::{self, Evidence, Patch};
use crate::plan::{self, Step};
use crate::setup;
use crate::workspace::Workspace;

/// Files, steps and checks are named up to so many, the most that fits; the counts are whole.
const NAMED: [usize; 4] = [12, 6, 3, 1];

/// What the frame around the diff may take of an answer.
const FRAME_CHARS: usize = 12_000;

/// Commands that are longer together give way to the one that does it all.
const COMMANDS_CHARS: usize = 2_000;

pub const TOOL: Tool = Tool {
    name: "propose_patch",
    title: "Propose the patch",
    description: "Makes the patch for the plan: unified diff, the same as edits (old occurs once in the file with that base_sha256), inverse, evidence (parses, nothing moved, coverage before and after), apply and undo commands, numbered checks. Writes nothing. A part too long for the answer is linked as governor://patch/{id}.",
    input: || {
        let properties = json!({
            "path": path_property(),
            "mode": mode_property(),
            "steps": {"type": "array", "items": {"type": "string"}, "description": "Step ids of plan_integration; default all"},
            "client": {"type": "string", "enum": ["vendored", "package"], "description": "Where the Python client comes from; default vendored"},
        });
        (properties, &[])
    },
    output,
    run,
};

pub(super) fn output() -> (Value, &'static [&'static str]) {
    let properties = json!({
        "root": text_schema(), "summary": {"type": "object"}, "diff": text_schema(), "edits": list_schema(),
        "inverse": text_schema(), "evidence": {"type": "object"}, "apply": {"type": "array", "items": text_schema()},
        "undo": {"type": "array", "items": text_schema()}, "steps": list_schema(), "checks": list_schema(), "links": {"type": "object"},
        "next_action": text_schema()});
    (
        properties,
        &[
            "root",
            "summary",
            "evidence",
            "apply",
            "undo",
            "checks",
            "links",
            "next_action",
        ],
    )
}

fn run(call: &Call) -> Result<Answer, ToolError> {
    let workspace = call.workspace()?;
    let options = plan_options(call);
    let scan = call.scan(&workspace)?;
    let plan = plan::plan(&workspace, &scan, &options);
    call.check_cancelled()?;
    for id in &options.steps {
        if !plan.steps.iter().any(|step| step.id == *id) {
            let known: Vec<String> = plan
                .steps
                .iter()
                .take(NAMED[0])
                .map(|step| quote(&step.id))
                .collect();
            let known = if known.is_empty() {
                "none: nothing is left to do in this mode".to_owned()
            } else {
                known.join(", ")
            };
            return Err(ToolError::new(
                "unknown_step",
                format!("no step {}", quote(id)),
                format!("the steps are {known}"),
            ));
        }
    }
    let patch = patch::propose(&workspace, &scan, &plan, &options).map_err(|error| {
        ToolError::from_chain(
            "patch_failed",
            &error,
            "leave the step out with `steps`, or mend the file that is named",
        )
    })?;
    call.check_cancelled()?;
    let steps: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| patch.steps.contains(&step.id))
        .collect();
    Ok(answer(call, &workspace, &patch, &steps))
}

/// The answer for a patch: everything that fits, the rest linked.
pub(super) fn answer(call: &Call, workspace: &Workspace, patch: &Patch, steps: &[&Step]) -> Answer {
    let mut answer = Answer::default();
    let mut links: BTreeMap<&str, String> = BTreeMap::new();
    let mut link = |name: &'static str, suffix: &str, content: &[u8], what: &str| {
        let uri = call.shelf.put(&format!("{}{suffix}", patch.id), content);
        answer.links.push((uri.clone(), what.to_owned()));
        links.insert(name, uri);
    };
    if !patch.diff_bytes.is_empty() {
        link("diff", "", &patch.diff_bytes, "the whole diff");
        link(
            "inverse",
            "-inverse",
            &patch.inverse_bytes,
            "the diff that takes it back",
        );
    }
    if !patch.client_files.is_empty() {
        let client = patch::client_diff(workspace, patch);
        link(
            "client",
            "-client",
            &client,
            "the Python client's files as a diff",
        );
    }

    let frames = NAMED.map(|named| Frame::new(workspace, patch, steps, &links, named));
    let [.., last] = &frames;
    let frame = frames
        .iter()
        .find(|frame| frame.chars() <= FRAME_CHARS)
        .unwrap_or(last);
    let (mut structured, mut head) = (frame.structured.clone(), frame.head.clone());
    let mut room = PAGE_CHARS.saturating_sub(frame.chars());
    // In the order of use: the diff counts twice, as it stands in the text too.
    let mut linked = Vec::new();
    let mut fit = |name: &'static str, value: Value, in_text: usize, exact: bool| -> bool {
        let size = value.to_string().chars().count() + in_text;
        let fits = exact && size <= room;
        if fits {
            room -= size;
            structured[name] = value;
        } else {
            linked.push(name);
        }
        fits
    };
    let diff_chars = patch.diff.chars().count();
    let in_text = fit(
        "diff",
        json!(patch.diff),
        diff_chars,
        is_utf8(&patch.diff_bytes),
    );
    fit("edits", json!(patch.edits), 0, true);
    fit(
        "inverse",
        json!(patch.inverse),
        0,
        is_utf8(&patch.inverse_bytes),
    );
    if in_text && !patch.diff.is_empty() {
        let _ = write!(head, "\n```diff\n{}```\n\n", patch.diff);
    }
    if !linked.is_empty() {
        let _ = writeln!(
            head,
            "not in this answer, as it would not fit or is not UTF-8: {}",
            linked.join(", ")
        );
        if linked.contains(&"edits") {
            head += "edits of fewer files come with `steps`\n";
        }
        structured["left_out"] = json!(linked);
    }
    for (name, uri) in &links {
        let _ = writeln!(head, "{name}: {uri}");
    }
    answer.text = head + &frame.tail;
    answer.structured = structured;
    answer
}

/// What stands around the diff.
struct Frame {
    structured: Value,
    head: String,
    tail: String,
}

impl Frame {
    fn new(
        workspace: &Workspace,
        patch: &Patch,
        steps: &[&Step],
        links: &BTreeMap<&str, String>,
        named: usize,
    ) -> Frame {
        let (apply, undo) = (commands(&patch.apply), commands(&patch.undo));
        let mut checks = patch.checks.clone();
        checks.truncate(named);
        for check in &mut checks {
            check.command = setup::runnable(&check.command);
        }
        let next_action = if patch.diff_bytes.is_empty() && patch.client_files.is_empty() {
            "nothing is left to do; verify_integration says what is governed"
        } else {
            "show the diff to the user; once they agree run `apply`, then `checks`, then verify_integration"
        };
        let mut structured = json!({
            "root": root_of(workspace),
            "summary": {
                "files": patch.evidence.files.len(),
                "edits": patch.edits.len(),
                "steps": patch.steps.len(),
                "diff_bytes": patch.diff_bytes.len(),
                "checks": patch.checks.len(),
                "client_files": patch.client_files.iter().map(|client| client.files).sum::<usize>(),
            },
            "id": patch.id,
            "apply_root": patch.root,
            "mode": patch.mode,
            "steps": steps.iter().take(named).collect::<Vec<_>>(),
            "client_files": patch.client_files.iter().take(named).collect::<Vec<_>>(),
            "evidence": evidence(&patch.evidence, named),
        });
        as_data(&mut structured);
        // Commands are to be run as they are, whatever their length.
        structured["apply"] = json!(apply);
        structured["undo"] = json!(undo);
        structured["checks"] = json!(checks);
        structured["links"] = json!(links);
        structured["next_action"] = json!(next_action);
        let mut tail = String::new();
        for (title, commands) in [("apply", &apply), ("undo", &undo)] {
            for command in commands {
                let _ = writeln!(tail, "{title}: {command}");
            }
        }
        for check in &checks {
            let _ = writeln!(
                tail,
                "check {} ({}): {} | expect {}",
                check.number, check.title, check.command, check.expect
            );
        }
        let _ = write!(tail, "next: {next_action}");
        Frame {
            structured,
            head: head_text(workspace, patch, steps, named),
            tail,
        }
    }

    fn chars(&self) -> usize {
        let text = self.head.chars().count() + self.tail.chars().count();
        text + self.structured.to_string().chars().count()
    }
}

/// A diff of a file in another encoding is exact as bytes only.
fn is_utf8(diff: &[u8]) -> bool {
    std::str::from_utf8(diff).is_ok()
}

/// The commands as a shell can run them here. Those of a patch with many copies of the client are many: one does it all.
fn commands(commands: &[String]) -> Vec<String> {
    let chars: usize = commands.iter().map(|command| command.chars().count()).sum();
    let whole = commands.iter().find_map(|command| {
        let (integrate, _) = command.split_once(" | git ")?;
        Some(format!("{integrate} --write"))
    });
    match whole {
        Some(whole) if chars > COMMANDS_CHARS => vec![setup::runnable(&whole)],
        _ => commands
            .iter()
            .map(|command| setup::runnable(command))
            .collect(),
    }
}

fn head_text(workspace: &Workspace, patch: &Patch, steps: &[&Step], named: usize) -> String {
    let mut text = format!(
        "root: {}\npatch {}, mode {}: {} files, {} edits, {} steps\n",
        workspace.root().display(),
        patch.id,
        name_of(&patch.mode),
        patch.evidence.files.len(),
        patch.edits.len(),
        patch.steps.len(),
    );
    for step in steps.iter().take(named) {
        let _ = writeln!(
            text,
            "step {}: {} | {} | {}, {}",
            quote(&step.id),
            clean(&step.title, 300),
            quote(&step.place),
            clean(&step.reason, 300),
            name_of(&step.applicability)
        );
        if let Some(instructions) = &step.instructions {
            let _ = writeln!(text, "  by hand: {}", clean(instructions, 300));
        }
    }
    for client in patch.client_files.iter().take(named) {
        let _ = writeln!(
            text,
            "client: {} files into {}: {}",
            client.files,
            quote(&client.dir),
            clean(&client.reason, 300)
        );
    }
    for file in patch.evidence.files.iter().take(named) {
        let _ = writeln!(
            text,
            "{}: base {}, +{} lines, {} re-indented, {}, {}",
            quote(&file.path),
            file.base_sha256.as_deref().unwrap_or("none (new file)"),
            file.lines_added,
            file.lines_reindented,
            if file.parses {
                "parses"
            } else {
                "DOES NOT PARSE"
            },
            if file.tree_unchanged {
                "nothing moved"
            } else {
                "TREE CHANGED"
            },
        );
    }
    let coverage = &patch.evidence.coverage;
    let _ = writeln!(
        text,
        "coverage: {} → {}",
        json!(coverage.before),
        json!(coverage.after)
    );
    for (reason, ids) in by_reason(&patch.evidence) {
        let _ = writeln!(
            text,
            "left: {} effects, {}: {}",
            ids.len(),
            clean(reason, 300),
            clean(&ids.join(" "), 200)
        );
    }
    text
}

fn evidence(evidence: &Evidence, named: usize) -> Value {
    let left: BTreeMap<&str, Value> = by_reason(evidence)
        .into_iter()
        .map(|(reason, ids)| {
            (
                reason,
                json!({"count": ids.len(), "effects": ids.iter().take(named).collect::<Vec<_>>()}),
            )
        })
        .collect();
    json!({
        "files": evidence.files.iter().take(named).collect::<Vec<_>>(),
        "files_count": evidence.files.len(),
        "parses": evidence.files.iter().all(|file| file.parses),
        "tree_unchanged": evidence.files.iter().all(|file| file.tree_unchanged),
        "moved": evidence.moved,
        "coverage": {"before": evidence.coverage.before, "after": evidence.coverage.after, "left": left},
    })
}

/// The effects that the patch leaves ungoverned, by the reason.
fn by_reason(evidence: &Evidence) -> BTreeMap<&str, Vec<&str>> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, reason) in &evidence.coverage.left {
        reasons.entry(reason).or_default().push(id);
    }
    reasons
}
