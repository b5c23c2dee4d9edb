//! `governor-mcp check`: the gate. Every finding is named; an error among them fails it.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};

use super::{Io, Status};
use crate::report::{self, SarifResult, SarifRule};
use crate::verify::baseline::Baseline;
use crate::verify::{self, Finding, Fixer, Level, since, waiver};
use crate::workspace::Workspace;
use crate::{diff, docs, facts};

/// How the findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    /// For code scanning
    Sarif,
    /// For the test report of a CI system
    Junit,
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo, or a folder of it
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Set the client's audit log beside what the analysis says
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Accept the findings in this file; it is written if it is not there, and only shrinks
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Name only what got worse since this revision
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = Workspace::open(&args.dir)?;
    let log = args.audit.as_deref().map(verify::read_log).transpose()?;
    let scan = facts::analyze(&workspace, &facts::Options::default())?;
    let mut verification = verify::verify(&workspace, &scan, log.as_deref());
    let mut findings = std::mem::take(&mut verification.findings);
    if let Some(revision) = &args.since {
        findings = since::weakened(&workspace, &scan, &findings, revision)?;
    }
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let waived = waiver::apply(&workspace, findings, today);
    let mut findings = waived.findings;
    if let Some(path) = &args.baseline {
        findings = accept(path, findings, io)?;
    }
    let fixer = Fixer::new(&workspace, &scan);
    let failed = findings.iter().any(|finding| finding.level == Level::Error);
    match args.format {
        Format::Text => text(&findings, io)?,
        Format::Json => {
            for finding in &mut findings {
                finding.diff = fixer.diff(finding);
            }
            let document = json!({
                "schema": "governor.check/1",
                "root": workspace.root().to_string_lossy(),
                "passed": !failed,
                "summary": {
                    "findings": findings.len(),
                    "errors": count(&findings, Level::Error),
                    "warnings": count(&findings, Level::Warning),
                    "notes": count(&findings, Level::Note),
                    "waived": waived.waived,
                    "processes": verification.summary.processes,
                    "enabled_processes": verification.summary.enabled_processes,
                    "effects": verification.summary.effects,
                    "coverage": verification.summary.coverage,
                },
                "processes": verification.processes,
                "findings": findings,
            });
            let mut document = document;
            if let (Some(log), Some(fields)) = (&verification.log, document.as_object_mut()) {
                fields.insert("log".to_owned(), serde_json::to_value(log)?);
            }
            report::json(io.out, &document)?;
        }
        Format::Sarif => report::json(io.out, &sarif(&workspace, &fixer, &findings))?,
        Format::Junit => write!(io.out, "{}", junit(&fixer, &findings))?,
    }
    if args.format == Format::Text
        && let Some(log) = &verification.log
    {
        writeln!(
            io.out,
            "audit log: {} decisions; {} places ran and were not found, {} effects were found and never ran, {} places ran outside any scope",
            log.decisions.values().sum::<usize>(),
            log.ran_not_found_count,
            log.never_ran_count,
            log.ran_unscoped_count
        )?;
        for place in &log.ran_not_found {
            writeln!(io.out, "  ran, not found: {}", report::quoted(place, 200))?;
        }
        for id in &log.never_ran {
            if let Some(effect) = scan.effects.iter().find(|effect| effect.id == *id) {
                let place = format!("{}:{} {}", effect.path, effect.line, effect.call);
                writeln!(
                    io.out,
                    "  found, never ran: {}",
                    report::quoted(&place, 200)
                )?;
            }
        }
        for place in &log.ran_unscoped {
            writeln!(
                io.out,
                "  ran outside any scope: {}",
                report::quoted(place, 200)
            )?;
        }
        if !log.chain_intact {
            writeln!(
                io.out,
                "  the chain of the log is broken: python -m governor audit verify FILE names the line"
            )?;
        }
    }
    for file in &scan.files.skipped {
        writeln!(
            io.err,
            "not analysed: {}: {}",
            report::quoted(&file.path, 200),
            file.reason
        )?;
    }
    let summary = &verification.summary;
    writeln!(
        io.err,
        "{}: {} of {} processes enabled, {} effects; {} errors, {} warnings, {} notes, {} waived",
        if failed { "failed" } else { "passed" },
        summary.enabled_processes,
        summary.processes,
        summary.effects,
        count(&findings, Level::Error),
        count(&findings, Level::Warning),
        count(&findings, Level::Note),
        waived.waived,
    )?;
    Ok(if failed { Status::No } else { Status::Done })
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings
        .iter()
        .filter(|finding| finding.level == level)
        .count()
}

/// The findings beyond the baseline. Writes it the first time, and again when it got smaller.
fn accept(path: &PathBuf, findings: Vec<Finding>, io: &mut Io) -> anyhow::Result<Vec<Finding>> {
    let shown = path.display();
    if !path.exists() {
        std::fs::write(path, Baseline::of(&findings).to_text())
            .with_context(|| format!("cannot write the baseline `{shown}`"))?;
        writeln!(io.err, "wrote the baseline `{shown}`: commit it")?;
        return Ok(findings
            .into_iter()
            .filter(|finding| finding.level == Level::Note)
            .collect());
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline `{shown}`"))?;
    let baseline = Baseline::parse(&text).with_context(|| format!("`{shown}`"))?;
    let (fresh, smaller) = baseline.compare(findings);
    if smaller != baseline {
        match std::fs::write(path, smaller.to_text()) {
            Ok(()) => writeln!(io.err, "the baseline `{shown}` got smaller: commit it")?,
            Err(error) => writeln!(
                io.err,
                "the baseline `{shown}` could be smaller, but cannot be written: {error}"
            )?,
        }
    }
    Ok(fresh)
}

fn text(findings: &[Finding], io: &mut Io) -> anyhow::Result<()> {
    for finding in findings {
        let level = match finding.level {
            Level::Error => "",
            Level::Warning => " (warning)",
            Level::Note => " (note)",
        };
        writeln!(
            io.out,
            "{}:{}: {}{level}: {}",
            report::quoted(&finding.path, 200),
            finding.line,
            finding.code,
            report::quoted(&finding.message, 300)
        )?;
    }
    if let Some(first) = findings.first() {
        writeln!(
            io.err,
            "what each means: governor-mcp docs show reference/findings#{}",
            first.code
        )?;
    }
    Ok(())
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

fn sarif(workspace: &Workspace, fixer: &Fixer, findings: &[Finding]) -> Value {
    let results: Vec<SarifResult> = findings
        .iter()
        .map(|finding| SarifResult {
            rule: finding.code.to_owned(),
            level: word(finding.level),
            message: finding.message.clone(),
            path: finding.path.clone(),
            line: finding.line,
            column: 1,
            end_line: finding.line,
        })
        .collect();
    let mut rules: Vec<SarifRule> = findings
        .iter()
        .map(|finding| {
            let text = finding.code.replace('_', " ");
            let section = docs::page("reference/findings", Some(finding.code));
            let command = format!("governor-mcp docs show reference/findings#{}", finding.code);
            SarifRule {
                id: finding.code.to_owned(),
                description: format!("{text}: see reference/findings#{}", finding.code),
                help: section.map_or(command, |section| section.text),
            }
        })
        .collect();
    rules.sort();
    rules.dedup();
    let (_, prefix) = diff::apply_root(workspace.root());
    let mut log = report::sarif(&rules, &results, &prefix);
    for (index, finding) in findings.iter().enumerate() {
        if let Some(fix) = fixer.fix(finding) {
            log["runs"][0]["results"][index]["fixes"] = json!([fix.sarif(&prefix)]);
        }
    }
    log
}

/// Each finding as a test case; only an error fails it. A repo without a finding passes one.
fn junit(fixer: &Fixer, findings: &[Finding]) -> String {
    let mut cases: Vec<report::Case> = findings
        .iter()
        .map(|finding| {
            let place = format!("{}:{}: {}", finding.path, finding.line, finding.message);
            let docs = format!("governor-mcp docs show reference/findings#{}", finding.code);
            let diff = fixer
                .diff(finding)
                .map_or(String::new(), |diff| format!("\n\n{diff}"));
            let is_error = finding.level == Level::Error;
            let level = match finding.level {
                Level::Error => "",
                level => word(level),
            };
            report::Case {
                class: finding.path.clone(),
                name: format!("{} on line {}", finding.code, finding.line),
                line: finding.line,
                failure: is_error.then(|| (finding.code.to_owned(), finding.message.clone())),
                text: format!(
                    "{level}{}{place}\n{docs}{diff}",
                    if level.is_empty() { "" } else { ": " }
                ),
            }
        })
        .collect();
    if cases.is_empty() {
        cases.push(report::Case {
            class: ".".to_owned(),
            name: "nothing is ungoverned".to_owned(),
            line: 1,
            failure: None,
            text: String::new(),
        });
    }
    report::junit("governor-mcp check", &cases)
}
