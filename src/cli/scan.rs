//! `governor-mcp scan`: entrypoints and side-effecting calls.

use std::path::PathBuf;

use super::{Io, Status};
use crate::diff;
use crate::facts::{self, Options};
use crate::report;
use crate::workspace::Workspace;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    /// For code scanning
    Sarif,
}

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo, or a folder of it
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Report calls that are known by method name and context alone, too
    #[arg(long)]
    possible: bool,
    /// Show and count tests, examples, docs, migrations, vendored and generated code, too
    #[arg(long)]
    all: bool,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = Workspace::open(&args.dir)?;
    let scan = facts::analyze(
        &workspace,
        &Options {
            possible: args.possible,
            all: args.all,
        },
    )?;
    match args.format {
        Format::Json => report::json(io.out, &scan)?,
        Format::Text => report::scan_text(io.out, &scan, args.all)?,
        Format::Sarif => {
            let (_, prefix) = diff::apply_root(workspace.root());
            report::json(io.out, &report::sarif_of_scan(&scan, args.all, &prefix))?;
        }
    }
    Ok(Status::Done)
}
