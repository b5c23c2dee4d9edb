//! `governor-mcp setup`: the MCP configuration of a coding agent.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::json;

use super::{Format, Io, Status};
use crate::setup::{Change, Client, clients};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// claude-code, claude-desktop, codex, copilot-cli, cursor, gemini, opencode, vscode, windsurf or zed
    client: String,
    /// The repo that the client works in
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// Merge it into the client's file instead of printing it
    #[arg(long)]
    write: bool,
    /// The `integrate` prompt as an instruction file, for clients without prompts
    #[arg(long)]
    skill: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let client = find(&args.client)?;
    let shown = args.repo.display();
    let repo = args
        .repo
        .canonicalize()
        .with_context(|| format!("cannot open `{shown}`: name the repo's folder with `--repo`"))?;
    ensure!(
        repo.is_dir(),
        "`{shown}` is not a directory: name the repo's folder with `--repo`"
    );
    let change = if args.skill {
        client.skill(&repo)?
    } else {
        client.configure(&repo)?
    };
    if args.write {
        confine(&change, &repo)?;
        change.write()?;
    }
    match args.format {
        Format::Json => print_json(client, &change, args.write, io)?,
        Format::Text => print_text(client, &change, &args, io)?,
    }
    Ok(Status::Done)
}

fn find(name: &str) -> anyhow::Result<&'static Client> {
    let names = || {
        clients()
            .iter()
            .map(|client| client.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    clients()
        .iter()
        .find(|client| client.name == name)
        .with_context(|| format!("no client `{name}`: the clients are {}", names()))
}

/// A folder of the repo that is a link may lead anywhere; nothing is written through it.
fn confine(change: &Change, repo: &Path) -> anyhow::Result<()> {
    if !change.path.starts_with(repo) {
        return Ok(());
    }
    let existing = change
        .path
        .ancestors()
        .skip(1)
        .find_map(|folder| folder.canonicalize().ok());
    ensure!(
        existing.is_some_and(|folder| folder.starts_with(repo)),
        "the folder of `{}` is a link that leaves the repo: nothing was written; put the file there by hand",
        change.path.display()
    );
    Ok(())
}

fn print_text(client: &Client, change: &Change, args: &Args, io: &mut Io) -> anyhow::Result<()> {
    let path = change.path.display();
    if !args.write {
        writeln!(io.out, "{path}\n\n{}", change.new.trim_end())?;
        if !change.is_needed() {
            writeln!(io.err, "nothing is left to do: the file says so already")?;
        } else {
            let skill = if args.skill { " --skill" } else { "" };
            writeln!(
                io.err,
                "`governor-mcp setup {}{skill} --repo {} --write` writes it, and touches nothing else in the file",
                client.name,
                args.repo.display()
            )?;
        }
        return Ok(());
    }
    match (change.is_needed(), &change.old) {
        (false, _) => writeln!(io.out, "{path} says so already")?,
        (true, Some(_)) => writeln!(io.out, "changed {path}")?,
        (true, None) => writeln!(io.out, "wrote {path}")?,
    }
    if let Some(note) = client.note.as_ref().filter(|_| !args.skill) {
        writeln!(io.err, "{note}")?;
    }
    Ok(())
}

fn print_json(client: &Client, change: &Change, written: bool, io: &mut Io) -> anyhow::Result<()> {
    let mut document = json!({
        "client": client.name,
        "path": change.path.to_string_lossy(),
        "content": change.new,
        "exists": change.old.is_some() || written,
        "changed": change.is_needed(),
        "written": written && change.is_needed(),
    });
    if let Some(note) = &client.note {
        document["note"] = json!(note);
    }
    writeln!(io.out, "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}
