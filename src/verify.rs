//! What is governed now and what is not: findings over the facts, and the audit log set beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::{Category, Coverage, Effect, Entrypoint, Origin, Role, Scan};
use crate::workspace::Workspace;

pub mod baseline;
mod code;
mod fix;
mod settings;
pub mod since;
pub mod waiver;

pub use fix::{Fix, Fixer};

/// A log above this size is not read at once.
const MAX_LOG_BYTES: u64 = 256 << 20;

/// Places in the ledger are named up to this many; the counts are whole.
const NAMED: usize = 50;

/// The state of an integration.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    pub summary: Summary,
    pub processes: Vec<Process>,
    /// Sorted by path, line and code.
    pub findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Ledger>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub processes: usize,
    pub enabled_processes: usize,
    pub effects: usize,
    pub coverage: BTreeMap<Coverage, usize>,
    pub findings: usize,
    pub by_code: BTreeMap<&'static str, usize>,
}

/// A process of the app's.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub path: String,
    pub line: u32,
    pub enabled: bool,
}

/// Something that is not as it should be. The code is a section of the page `reference/findings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub code: &'static str,
    pub level: Level,
    pub message: String,
    pub path: String,
    pub line: u32,
    pub docs: String,
    /// The change that settles it, as a unified diff from the git root; absent where a person has to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// How much a finding weighs: an error fails the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Note,
    Warning,
    Error,
}

/// What an audit log shows, beside what the analysis found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    pub lines: usize,
    pub unreadable: usize,
    pub decisions: BTreeMap<String, usize>,
    /// Each line names the hash of the line before.
    pub chain_intact: bool,
    pub ran_not_found_count: usize,
    /// Places with a decision and no effect in the scan.
    pub ran_not_found: Vec<String>,
    pub never_ran_count: usize,
    /// Ids of effects of the app's without a decision in the log.
    pub never_ran: Vec<String>,
    pub ran_unscoped_count: usize,
    /// Places with a decision outside every intent scope.
    pub ran_unscoped: Vec<String>,
}

/// A line of the client's audit log, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Record {
    decision: String,
    #[serde(default)]
    site: Option<Site>,
    /// Absent in what an older client wrote, and for an explicit question.
    #[serde(default)]
    scoped: Option<bool>,
    #[serde(default)]
    prev: Option<String>,
    #[serde(default)]
    hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Site {
    path: String,
    line: u32,
}

/// Verifies the app's own code; `log` is the text of an audit log.
pub fn verify(workspace: &Workspace, scan: &Scan, log: Option<&str>) -> Verification {
    let mut findings = code::findings(workspace, scan);
    findings.extend(settings::findings(workspace));
    with_findings(scan, log, findings)
}

fn with_findings(scan: &Scan, log: Option<&str>, mut findings: Vec<Finding>) -> Verification {
    let processes: Vec<&Entrypoint> = app_processes(scan).collect();
    let late: BTreeSet<String> = findings
        .iter()
        .filter(|finding| finding.code == "late_enable")
        .map(|finding| finding.path.clone())
        .collect();
    let ungoverned_processes: Vec<Finding> = processes
        .iter()
        .filter(|process| process.enabled != Some(true) && !late.contains(&process.path))
        .map(|process| {
            let message = format!(
                "the process {} starts without governor.enable()",
                process.name
            );
            Finding::new(
                "ungoverned_entrypoint",
                message,
                &process.path,
                process.line,
            )
        })
        .collect();
    findings.extend(ungoverned_processes);
    let enabled: BTreeSet<&str> = processes
        .iter()
        .filter(|process| process.enabled == Some(true))
        .map(|process| process.id.as_str())
        .collect();
    findings.extend(app_effects(scan).filter_map(|effect| ungoverned(scan, effect, &enabled)));
    findings.extend(scan.files.unparsed.iter().map(|part| {
        let message = format!(
            "lines {} to {} do not parse, so nothing in them was analysed",
            part.line, part.end_line
        );
        Finding::new("unparsed", message, &part.path, part.line)
    }));
    findings.sort_by(|a, b| (&a.path, a.line, a.code).cmp(&(&b.path, b.line, b.code)));
    let mut by_code = BTreeMap::new();
    for finding in &findings {
        *by_code.entry(finding.code).or_default() += 1;
    }
    let mut coverage = BTreeMap::new();
    for effect in app_effects(scan) {
        *coverage.entry(effect.coverage).or_default() += 1;
    }
    Verification {
        summary: Summary {
            processes: processes.len(),
            enabled_processes: enabled.len(),
            effects: app_effects(scan).count(),
            coverage,
            findings: findings.len(),
            by_code,
        },
        processes: processes.into_iter().map(Process::of).collect(),
        findings,
        log: log.map(|log| ledger(scan, log)),
    }
}

/// The text of an audit log.
pub fn read_log(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let metadata = path
        .metadata()
        .with_context(|| format!("cannot read `{shown}`"))?;
    ensure!(metadata.is_file(), "`{shown}` is not a regular file");
    ensure!(
        metadata.len() <= MAX_LOG_BYTES,
        "`{shown}` is larger than {} MiB: cut off the newest part",
        MAX_LOG_BYTES >> 20
    );
    let bytes = fs::read(path).with_context(|| format!("cannot read `{shown}`"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Finding {
    fn new(code: &'static str, message: String, path: &str, line: u32) -> Finding {
        Finding {
            code,
            level: level_of(code),
            message,
            path: path.to_owned(),
            line,
            docs: format!("governor://docs/reference/findings#{code}"),
            diff: None,
        }
    }
}

impl Process {
    fn of(entrypoint: &Entrypoint) -> Process {
        Process {
            id: entrypoint.id.clone(),
            kind: entrypoint.kind.clone(),
            name: entrypoint.name.clone(),
            path: entrypoint.path.clone(),
            line: entrypoint.line,
            enabled: entrypoint.enabled == Some(true),
        }
    }
}

fn app_processes(scan: &Scan) -> impl Iterator<Item = &Entrypoint> {
    let all = scan.entrypoints.iter();
    all.filter(|entrypoint| entrypoint.role == Role::Process && entrypoint.origin == Origin::App)
}

fn app_effects(scan: &Scan) -> impl Iterator<Item = &Effect> {
    scan.effects
        .iter()
        .filter(|effect| effect.origin == Origin::App)
}

fn ungoverned(scan: &Scan, effect: &Effect, enabled: &BTreeSet<&str>) -> Option<Finding> {
    if effect.coverage != Coverage::None {
        return None;
    }
    let runs_in_enabled = effect.reached_from.iter().any(|id| {
        let boundary = scan
            .entrypoints
            .iter()
            .find(|entrypoint| entrypoint.id == *id);
        enabled.contains(id.as_str())
            || boundary.is_some_and(|boundary| {
                boundary
                    .processes
                    .iter()
                    .any(|id| enabled.contains(id.as_str()))
            })
    });
    let call = &effect.call;
    let (code, message) = if !effect.intercepted && runs_in_enabled {
        (
            "unintercepted_effect",
            format!(
                "the client has no seam for {call}: the process is enabled, and the call is not stopped"
            ),
        )
    } else if effect.reached_from.is_empty() {
        (
            "ungoverned_effect",
            format!(
                "no decision stands before {call}; no process of this repo was found to reach it"
            ),
        )
    } else {
        (
            "ungoverned_effect",
            format!("no decision stands before {call}"),
        )
    };
    let mut finding = Finding::new(code, message, &effect.path, effect.line);
    if effect.category == Category::Filesystem && !effect.intercepted {
        // The client leaves files alone unless the settings name them.
        finding.level = Level::Note;
    }
    Some(finding)
}

fn level_of(code: &str) -> Level {
    match code {
        "double_enable" | "missing_worker_hook" | "unparsed" => Level::Note,
        "scope_lost_in_thread" | "swallowed_denial" | "wildcard_mapping" => Level::Warning,
        _ => Level::Error,
    }
}

fn ledger(scan: &Scan, log: &str) -> Ledger {
    let mut ledger = Ledger {
        chain_intact: true,
        ..Ledger::default()
    };
    let mut ran: BTreeSet<&str> = BTreeSet::new();
    let mut not_found: BTreeSet<String> = BTreeSet::new();
    let mut unscoped: BTreeSet<String> = BTreeSet::new();
    let mut last_hash: Option<String> = None;
    for line in log.lines().filter(|line| !line.trim().is_empty()) {
        ledger.lines += 1;
        let Ok(record) = serde_json::from_str::<Record>(line) else {
            ledger.unreadable += usize::from(!is_note(line));
            continue;
        };
        *ledger.decisions.entry(record.decision).or_default() += 1;
        if last_hash.is_some() && record.prev.is_some() && record.prev != last_hash {
            ledger.chain_intact = false;
        }
        last_hash = record.hash;
        let Some(site) = record.site else { continue };
        if record.scoped == Some(false) {
            unscoped.insert(format!("{}:{}", site.path, site.line));
        }
        let mut known = false;
        for effect in scan.effects.iter().filter(|effect| is_at(effect, &site)) {
            known = true;
            ran.insert(&effect.id);
        }
        if !known {
            not_found.insert(format!("{}:{}", site.path, site.line));
        }
    }
    ledger.ran_not_found_count = not_found.len();
    ledger.ran_not_found = not_found.into_iter().take(NAMED).collect();
    ledger.ran_unscoped_count = unscoped.len();
    ledger.ran_unscoped = unscoped.into_iter().take(NAMED).collect();
    let never: Vec<&Effect> = app_effects(scan)
        .filter(|effect| !ran.contains(effect.id.as_str()))
        .collect();
    ledger.never_ran_count = never.len();
    ledger.never_ran = never
        .iter()
        .take(NAMED)
        .map(|effect| effect.id.clone())
        .collect();
    ledger
}

/// A JSON line that records something other than a decision.
fn is_note(line: &str) -> bool {
    serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object())
}

/// The log names a file from the working directory of the process or absolutely, the scan from the repo's root.
fn is_at(effect: &Effect, site: &Site) -> bool {
    let path = site.path.replace('\\', "/");
    let ends = |long: &str, short: &str| {
        long == short
            || long
                .strip_suffix(short)
                .is_some_and(|rest| rest.ends_with('/'))
    };
    (effect.line..=effect.end_line).contains(&site.line)
        && (ends(&path, &effect.path) || ends(&effect.path, &path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scan() -> Scan {
        let effect = |id: &str, line: u32, coverage: &str, intercepted: bool| {
            json!({"id": id, "category": "http", "action": "write", "call": "requests.post", "path": "app/pay.py", "line": line,
                "column": 1, "end_line": line, "symbol": "app.pay.f", "origin": "app", "resource": {"type": "external_api", "name": "x"},
                "confidence": "certain", "intercepted": intercepted, "coverage": coverage, "reached_from": ["E1"]})
        };
        serde_json::from_value(json!({"schema": "governor.scan/1", "files": {"python": 1, "with_findings": 1, "skipped": []},
            "entrypoints": [{"id": "E1", "role": "process", "kind": "fastapi_app", "name": "app", "origin": "app", "path": "app/main.py", "line": 3, "end_line": 3, "enabled": true}],
            "effects": [effect("S1", 9, "enable", true), effect("S2", 12, "none", false)],
            "summary": {"entrypoints": 1, "effects": 2, "by_category": {}, "coverage": {}}}))
        .expect("a scan")
    }

    #[test]
    fn an_enabled_process_and_a_library_without_a_seam() {
        let verified = with_findings(&scan(), None, Vec::new());
        assert_eq!(verified.summary.enabled_processes, 1);
        let codes: Vec<&str> = verified
            .findings
            .iter()
            .map(|finding| finding.code)
            .collect();
        assert_eq!(codes, ["unintercepted_effect"]);
    }

    #[test]
    fn the_log_is_set_beside_the_code() {
        let log = "{\"decision\":\"ALLOW\",\"site\":{\"path\":\"/srv/app/pay.py\",\"line\":9},\"prev\":\"0\",\"hash\":\"a\"}\n\
            {\"decision\":\"DENY\",\"site\":{\"path\":\"app/other.py\",\"line\":1},\"scoped\":false,\"prev\":\"x\",\"hash\":\"b\"}\nnoise\n";
        let ledger = with_findings(&scan(), Some(log), Vec::new())
            .log
            .expect("a ledger");
        assert_eq!(
            (ledger.lines, ledger.unreadable, ledger.chain_intact),
            (3, 1, false)
        );
        assert_eq!(ledger.ran_not_found, ["app/other.py:1"]);
        assert_eq!(ledger.never_ran, ["S2"]);
        assert_eq!(ledger.ran_unscoped, ["app/other.py:1"]);
    }
}
