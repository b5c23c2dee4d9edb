//! `governor-mcp integrate`: the diff on stdout, everything a person needs to know about it on stderr.

use std::path::PathBuf;

use super::{Format, Io, Status};
use crate::facts::{self, Scan};
use crate::patch::{self, Patch};
use crate::plan::{self, Applicability, ClientSource, Mode, Options, Plan};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// How the repo is put under enforcement
    #[arg(long, value_enum, default_value_t = Mode::Hybrid)]
    mode: Mode,
    /// Take this step of the plan only (repeatable)
    #[arg(long = "step", value_name = "ID")]
    steps: Vec<String>,
    /// Where the Python client comes from
    #[arg(long, value_enum, default_value_t = ClientSource::Vendored)]
    client: ClientSource,
    /// Apply the diff, and the client's files with it: all or nothing
    #[arg(long)]
    write: bool,
    /// The inverse of what was applied
    #[arg(long)]
    undo: bool,
    /// Plan for tests, examples, docs, migrations and vendored code too
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = Workspace::open(&args.dir)?;
    let options = Options {
        mode: args.mode,
        client: args.client,
        steps: args.steps.clone(),
        all: args.all,
    };
    let scan = facts::analyze(
        &workspace,
        &facts::Options {
            all: args.all,
            ..facts::Options::default()
        },
    )?;
    let plan = plan::plan(&workspace, &scan, &options);
    let patch = if args.undo {
        patch::undo(&workspace, &scan, &options)?
    } else {
        patch::propose(&workspace, &scan, &plan, &options)?
    };
    let written = if args.write {
        Some(patch::write(&workspace, &patch)?)
    } else {
        None
    };
    match args.format {
        Format::Json => json(&plan, &patch, written.as_deref(), args.undo, io)?,
        _ if args.write => {}
        _ => io.out.write_all(&patch.diff_bytes)?,
    }
    explain(&args, &scan, &plan, &patch, written.as_deref(), io)?;
    Ok(Status::Done)
}

fn json(
    plan: &Plan,
    patch: &Patch,
    written: Option<&[String]>,
    undo: bool,
    io: &mut Io,
) -> anyhow::Result<()> {
    let mut document = serde_json::json!({ "schema": "governor.patch/1" });
    let mut add = |value: serde_json::Value| {
        if let (Some(document), serde_json::Value::Object(fields)) =
            (document.as_object_mut(), value)
        {
            document.extend(fields);
        }
    };
    add(serde_json::to_value(patch)?);
    if !undo {
        let mut fields = serde_json::to_value(plan)?;
        if let Some(fields) = fields.as_object_mut()
            && let Some(steps) = fields.remove("steps")
        {
            fields.insert("plan".to_owned(), steps);
        }
        add(fields);
    }
    if let Some(written) = written {
        add(serde_json::json!({ "written": written }));
    }
    serde_json::to_writer_pretty(&mut *io.out, &document)?;
    writeln!(io.out)?;
    Ok(())
}

fn explain(
    args: &Args,
    scan: &Scan,
    plan: &Plan,
    patch: &Patch,
    written: Option<&[String]>,
    io: &mut Io,
) -> anyhow::Result<()> {
    let err = &mut *io.err;
    if !args.undo {
        for step in plan
            .steps
            .iter()
            .filter(|step| patch.steps.contains(&step.id))
        {
            let safety = match step.applicability {
                Applicability::Safe => "",
                Applicability::NeedsReview => " (needs review)",
                Applicability::DisplayOnly => " (by hand)",
            };
            writeln!(
                err,
                "{}: {}{safety}: {}",
                step.place, step.title, step.reason
            )?;
            if let Some(instructions) = &step.instructions {
                writeln!(err, "  {}", instructions.replace('\n', "\n  "))?;
            }
        }
        for question in &plan.needs_input {
            writeln!(err, "question: {}", question.question)?;
            for choice in &question.choices {
                writeln!(err, "  {}: {}", choice.value, choice.consequence)?;
            }
        }
        for refusal in &plan.refused {
            writeln!(err, "left alone: {}: {}", refusal.place, refusal.reason)?;
        }
    }
    let is_empty = patch.diff_bytes.is_empty() && patch.client_files.is_empty();
    if is_empty {
        let processes = scan
            .entrypoints
            .iter()
            .filter(|entrypoint| entrypoint.role == facts::Role::Process)
            .count();
        match (args.undo, processes) {
            (true, _) => writeln!(err, "nothing to take back")?,
            (false, 0) => writeln!(
                err,
                "nothing to do: no Python process starts in this repo (`governor-mcp scan` lists what was found)"
            )?,
            (false, _) => writeln!(err, "nothing is left to do")?,
        }
        return Ok(());
    }
    match written {
        Some(paths) => writeln!(err, "{} files written", paths.len())?,
        None => {
            let verb = if args.undo {
                "take it back"
            } else {
                "apply it"
            };
            writeln!(err, "{verb} (or add `--write`):")?;
            for command in &patch.apply {
                writeln!(err, "  {command}")?;
            }
        }
    }
    Ok(())
}
