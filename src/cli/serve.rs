//! `governor-mcp serve`: the MCP server on stdio.

use std::path::PathBuf;

use anyhow::ensure;

use super::{Io, Status};
use crate::mcp;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo that calls without a `path` are about [default: CLAUDE_PROJECT_DIR, the client's root, or the project
    /// that holds the working directory]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Refuse every path outside of that repo
    #[arg(long)]
    confine: bool,
}

pub fn run(args: Args, _io: &mut Io) -> anyhow::Result<Status> {
    // A client that does not know `${workspaceFolder}` passes it on as it stands.
    let repo = args
        .repo
        .filter(|repo| !repo.to_string_lossy().starts_with("${"));
    if let Some(repo) = &repo {
        ensure!(
            repo.is_dir(),
            "`{}` is not a directory: name the repo's folder with `--repo`",
            repo.display()
        );
    }
    mcp::serve(mcp::Options {
        repo,
        confine: args.confine,
    })?;
    Ok(Status::Done)
}
