//! `governor-mcp diagnose`.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::{Format, Io, Status};
use crate::denial::{self, Diagnosis, FixKind, Question};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// File with the denial (a traceback, JSON, a log); `-` or nothing reads it from stdin
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The plane's id of the denied request
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Audit log to look the request up in: the client's or the plane's
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// The repo that made the call; else the project that holds the working directory
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = match &args.repo {
        Some(repo) => Some(Workspace::open(repo)?),
        None => surrounding_repo(),
    };
    let audit = args
        .audit
        .as_ref()
        .map(|path| {
            let bytes = std::fs::read(path).with_context(|| {
                format!(
                    "cannot read the audit log `{}`: name a file that exists",
                    path.display()
                )
            })?;
            anyhow::Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
        .transpose()?;
    let question = Question {
        text: text(&args)?,
        request_id: args.request_id,
        audit,
        workspace,
    };
    let diagnosis = denial::diagnose(&question);
    match args.format {
        Format::Json => writeln!(io.out, "{}", serde_json::to_string_pretty(&diagnosis)?)?,
        Format::Text => write_text(&diagnosis, io)?,
    }
    Ok(if diagnosis.cause.is_understood() {
        Status::Done
    } else {
        Status::No
    })
}

/// The project that the command runs in, if it is one: a home directory is not searched.
fn surrounding_repo() -> Option<Workspace> {
    let here = std::env::current_dir().ok()?;
    let marks = [
        ".git",
        "governor.toml",
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "manage.py",
        "requirements.txt",
    ];
    let root = here
        .ancestors()
        .find(|folder| marks.iter().any(|mark| folder.join(mark).exists()))?;
    Workspace::open(root).ok()
}

/// What was pasted. With a request id or a log alone, stdin is not waited for.
fn text(args: &Args) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    match &args.file {
        Some(path) if path.as_os_str() != "-" => {
            bytes = std::fs::read(path).with_context(|| {
                format!(
                    "cannot read `{}`: name a file with the denial, or `-` for stdin",
                    path.display()
                )
            })?;
        }
        None if args.request_id.is_some() || args.audit.is_some() => {}
        _ => {
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .context("cannot read stdin")?;
            anyhow::ensure!(
                !bytes.iter().all(u8::is_ascii_whitespace) || args.request_id.is_some(),
                "there is nothing to diagnose: give a file, paste the denial on stdin, or name `--request-id ID --audit FILE`"
            );
        }
    }
    Ok(decoded(bytes))
}

/// PowerShell's `>` writes UTF-16.
fn decoded(bytes: Vec<u8>) -> String {
    let units = |pair: fn([u8; 2]) -> u16| -> String {
        let units: Vec<u16> = bytes[2..]
            .chunks_exact(2)
            .map(|chunk| pair([chunk[0], chunk[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => units(u16::from_le_bytes),
        Some([0xfe, 0xff]) => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn write_text(diagnosis: &Diagnosis, io: &mut Io) -> anyhow::Result<()> {
    let confidence = match diagnosis.confidence {
        denial::Confidence::Certain => "certain",
        denial::Confidence::Likely => "likely",
        denial::Confidence::Unknown => "unknown",
    };
    writeln!(io.out, "{} ({confidence})", diagnosis.cause.name())?;
    writeln!(io.out, "{}", diagnosis.summary)?;
    if let Some(intent) = &diagnosis.intent {
        writeln!(io.out, "\nIntent: {intent}")?;
    }
    for word in diagnosis
        .canonicalization
        .iter()
        .filter(|word| word.suspect)
    {
        writeln!(
            io.out,
            "Suspect: {} `{}` was read as `{}` ({}, {})",
            word.field, word.raw_input, word.canonical, word.source, word.confidence
        )?;
    }
    if !diagnosis.evidence.is_empty() {
        writeln!(io.out, "\nEvidence")?;
        for line in &diagnosis.evidence {
            writeln!(io.out, "  {line}")?;
        }
    }
    for (number, fix) in diagnosis.fixes.iter().enumerate() {
        let kind = match fix.kind {
            FixKind::Code => "code",
            FixKind::Config => "config",
            FixKind::Policy => "policy",
            FixKind::Operations => "operations",
        };
        writeln!(io.out, "\nFix {} ({kind}): {}", number + 1, fix.title)?;
        if let Some(command) = &fix.command {
            writeln!(io.out, "  $ {command}")?;
        }
        if let Some(diff) = &fix.diff {
            writeln!(io.out)?;
            for line in diff.lines() {
                writeln!(io.out, "    {line}")?;
            }
            writeln!(io.out)?;
        }
        let page = fix.docs.trim_start_matches(crate::docs::SCHEME);
        writeln!(io.out, "  governor-mcp docs show {page}")?;
    }
    writeln!(io.out, "\nVerify: {}", diagnosis.verify)?;
    Ok(())
}
