//! Results for people (text), for programs (JSON) and for code scanning (SARIF).

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::facts::{Coverage, Effect, Entrypoint, Origin, Role, Scan};

mod junit;

pub use junit::{Case, junit};

/// One JSON document, and a line feed.
pub fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// The word that a unit variant serialises to.
pub fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Text from a repo on one line, without control characters.
pub fn quoted(text: &str, limit: usize) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.chars().count() <= limit {
        clean
    } else {
        clean
            .chars()
            .take(limit.saturating_sub(1))
            .collect::<String>()
            + "…"
    }
}

/// Where a finding stands: `path:line`, with the cell of a notebook.
pub fn place(path: &str, cell: Option<u32>, line: u32) -> String {
    match cell {
        Some(cell) => format!("{path}:cell {cell}:{line}"),
        None => format!("{path}:{line}"),
    }
}

/// A scan as a person reads it: counts, entrypoints, then effects by file.
pub fn scan_text(out: &mut dyn Write, scan: &Scan, all: bool) -> anyhow::Result<()> {
    let shown = |origin: Origin| all || origin == Origin::App;
    let summary = &scan.summary;
    let entrypoints: Vec<&Entrypoint> = scan
        .entrypoints
        .iter()
        .filter(|found| shown(found.origin))
        .collect();
    let effects: Vec<&Effect> = scan
        .effects
        .iter()
        .filter(|found| shown(found.origin))
        .collect();
    writeln!(
        out,
        "{} Python files, {} entrypoints, {} side-effecting calls",
        scan.files.python, summary.entrypoints, summary.effects
    )?;
    let hidden = scan.effects.len() - effects.len();
    if hidden > 0 {
        writeln!(
            out,
            "{hidden} more in tests, examples, docs, migrations, vendored or generated code (--all shows them)"
        )?;
    }
    for (title, role) in [("Processes", Role::Process), ("Boundaries", Role::Boundary)] {
        let found: Vec<&&Entrypoint> = entrypoints
            .iter()
            .filter(|found| found.role == role)
            .collect();
        if found.is_empty() {
            continue;
        }
        writeln!(out, "\n{title}")?;
        for entrypoint in found {
            let state = match (entrypoint.enabled, entrypoint.scoped) {
                (Some(true), _) => "  enabled",
                (_, Some(true)) => "  scoped",
                _ => "",
            };
            writeln!(
                out,
                "  {:<5} {}  {}  {}{state}",
                entrypoint.id,
                place(&entrypoint.path, entrypoint.cell, entrypoint.line),
                entrypoint.kind,
                quoted(&entrypoint.name, 60)
            )?;
        }
    }
    let mut by_path: BTreeMap<&str, Vec<&Effect>> = BTreeMap::new();
    for effect in &effects {
        by_path.entry(&effect.path).or_default().push(effect);
    }
    for (path, effects) in by_path {
        writeln!(out, "\n{path}")?;
        for effect in effects {
            let destination = effect
                .destination
                .as_deref()
                .map(|text| format!("  {}", quoted(text, 70)));
            let reached = if effect.reached_from.is_empty() {
                String::new()
            } else {
                format!("  ← {}", effect.reached_from.join(" "))
            };
            let seam = if effect.intercepted {
                ""
            } else {
                "  not intercepted"
            };
            let covered = if effect.coverage == Coverage::None {
                String::new()
            } else {
                format!("  {}", word(&effect.coverage))
            };
            writeln!(
                out,
                "  {:<5} {}{}:{}  {} {}  {}{}{}{}{}",
                effect.id,
                effect
                    .cell
                    .map_or(String::new(), |cell| format!("cell {cell}:")),
                effect.line,
                effect.column,
                word(&effect.category),
                word(&effect.action),
                effect.call,
                destination.unwrap_or_default(),
                covered,
                seam,
                reached
            )?;
        }
    }
    for skipped in &scan.files.skipped {
        writeln!(
            out,
            "\nnot read: {}: {}",
            quoted(&skipped.path, 200),
            skipped.reason
        )?;
    }
    for unparsed in &scan.files.unparsed {
        writeln!(
            out,
            "not parsed: {}:{}-{}",
            quoted(&unparsed.path, 200),
            unparsed.line,
            unparsed.end_line
        )?;
    }
    Ok(())
}

/// A finding for code scanning.
#[derive(Clone, Debug)]
pub struct SarifResult {
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub level: &'static str,
    pub message: String,
    pub path: String,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
}

/// A rule of code scanning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SarifRule {
    pub id: String,
    /// One sentence.
    pub description: String,
    /// What it means and what to do.
    pub help: String,
}

/// A SARIF 2.1.0 log. `prefix` stands before each path: what lies between the git root and the scanned directory.
pub fn sarif(rules: &[SarifRule], results: &[SarifResult], prefix: &str) -> Value {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = results
        .iter()
        .map(|result| {
            // The same finding twice in a file is two results.
            let print = format!("{}:{}:{}", result.rule, result.path, result.message);
            let count = seen.entry(print.clone()).or_default();
            *count += 1;
            json!({
                "ruleId": result.rule,
                "ruleIndex": rules.iter().position(|rule| rule.id == result.rule),
                "level": result.level,
                "message": {"text": result.message},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": uri(&format!("{prefix}{}", result.path)), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": result.line, "startColumn": result.column, "endLine": result.end_line},
                }}],
                "partialFingerprints": {"governorFinding/v1": format!("{print}:{count}")},
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.description},
                "help": {"text": rule.help, "markdown": rule.help},
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "governor-mcp",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a relative URI.
pub fn uri(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A scan as notes for code scanning, one an effect.
pub fn sarif_of_scan(scan: &Scan, all: bool, prefix: &str) -> Value {
    let results: Vec<SarifResult> = scan
        .effects
        .iter()
        .filter(|effect| all || effect.origin == Origin::App)
        .map(|effect| SarifResult {
            rule: word(&effect.category),
            level: "note",
            message: format!(
                "{} {}: {}",
                word(&effect.category),
                word(&effect.action),
                effect.call
            ),
            path: effect.path.clone(),
            line: effect.line,
            column: effect.column,
            end_line: effect.end_line,
        })
        .collect();
    let mut rules: Vec<SarifRule> = results
        .iter()
        .map(|result| SarifRule {
            id: result.rule.clone(),
            description: format!("A side effect of category {}", result.rule),
            help: "`governor-mcp integrate` gives the diff that puts a policy decision before it."
                .to_owned(),
        })
        .collect();
    rules.sort();
    rules.dedup();
    sarif(&rules, &results, prefix)
}
