//! `governor-mcp rehearse`: each call site's decision before anything runs.

use std::path::PathBuf;

use super::{Format, Io, Status};
use crate::facts::{self, Options};
use crate::policy::{self, Plane};
use crate::rehearsal::{self, Decider, Rehearsal, Remote, Settings};
use crate::report::{self, quoted};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo, or a folder of it
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Ask a running plane, http://host:port; GOVERNOR_API_KEY is its key
    #[arg(long, value_name = "URL", conflicts_with = "policies")]
    plane: Option<String>,
    /// Folder of .cedar files; without it and without --plane the bundled starting policies
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Who acts; else GOVERNOR_ACTOR_ID, else governor.toml
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// What kind of actor that is, such as agent or service
    #[arg(long, value_name = "TYPE")]
    actor_type: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Ask about tests, examples, docs, migrations, vendored and generated code, too
    #[arg(long)]
    all: bool,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = Workspace::open(&args.dir)?;
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut settings = Settings::read(&workspace, environment)?;
    settings.actor_id = args.actor.or(settings.actor_id);
    settings.actor_type = args.actor_type.or(settings.actor_type);
    let decider = match &args.plane {
        Some(url) => Decider::Remote(Remote::new(url, environment("GOVERNOR_API_KEY"))?),
        None => Decider::Local(Box::new(Plane::open(&policy::Settings {
            policies: args.policies.clone(),
            ..policy::Settings::default()
        })?)),
    };
    let scan = facts::analyze(
        &workspace,
        &Options {
            possible: false,
            all: args.all,
        },
    )?;
    let rehearsal = rehearsal::rehearse(&scan, &settings, &decider, args.all)?;
    match args.format {
        Format::Json => report::json(io.out, &rehearsal)?,
        Format::Text => write_text(&rehearsal, io)?,
    }
    Ok(if rehearsal.summary.deny == 0 {
        Status::Done
    } else {
        Status::No
    })
}

fn write_text(rehearsal: &Rehearsal, io: &mut Io) -> anyhow::Result<()> {
    let summary = &rehearsal.summary;
    writeln!(
        io.out,
        "{} allowed, {} denied, {} held, {} not asked (policies: {})",
        summary.allow, summary.deny, summary.hold, summary.not_asked, rehearsal.policies
    )?;
    for decision in ["DENY", "HOLD", "ALLOW"] {
        for call in rehearsal
            .calls
            .iter()
            .filter(|call| call.decision == decision)
        {
            let text = |pointer: &str| {
                let found = call
                    .intent
                    .pointer(pointer)
                    .and_then(|value| value.as_str());
                quoted(found.unwrap_or_default(), 80)
            };
            writeln!(
                io.out,
                "\n{decision}  {}:{}  {}  [{}]",
                call.path, call.line, call.call, call.id
            )?;
            writeln!(
                io.out,
                "       {} {} `{}` by {} `{}`",
                text("/action"),
                text("/resource/type"),
                text("/resource/name"),
                text("/actor/type"),
                text("/actor/id")
            )?;
            writeln!(io.out, "       {}", quoted(&call.reason, 300))?;
            if !call.assumed.is_empty() {
                writeln!(
                    io.out,
                    "       known only at run time: {}",
                    call.assumed.join(", ")
                )?;
            }
        }
    }
    if !rehearsal.not_asked.is_empty() {
        writeln!(io.out, "\nNot asked")?;
        for call in &rehearsal.not_asked {
            writeln!(
                io.out,
                "       {}:{}  {}: {}",
                call.path, call.line, call.call, call.reason
            )?;
        }
    }
    Ok(())
}
