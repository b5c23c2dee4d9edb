//! `governor-mcp client`: the bundled Python client as a folder or a wheel.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use super::{Io, Status};
use crate::snippets;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the client as the folder `governor` into DIR
    Vendor {
        /// The folder that the process imports from
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// Write the client as a wheel into OUTDIR
    Wheel {
        #[arg(value_name = "OUTDIR", default_value = ".")]
        out_dir: PathBuf,
    },
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    match args.command {
        Command::Vendor { dir } => vendor(&dir, io),
        Command::Wheel { out_dir } => wheel(&out_dir, io),
    }
}

fn vendor(dir: &std::path::Path, io: &mut Io) -> anyhow::Result<Status> {
    anyhow::ensure!(
        dir.is_dir(),
        "`{}` is not a directory: name the folder that the process imports from",
        dir.display()
    );
    let target = dir.join("governor");
    anyhow::ensure!(
        !target.exists() || dir.join(snippets::MARKER).exists(),
        "`{}` is there and is not this client: vendor into another folder, or rename yours",
        target.display()
    );
    anyhow::ensure!(
        !dir.join("governor.py").exists(),
        "`{}` is there and would be hidden by the client: vendor into another folder, or rename yours",
        dir.join("governor.py").display()
    );
    let files = snippets::client_files();
    for file in &files {
        let path = dir.join(file.path);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).with_context(|| cannot_write(parent))?;
        fs::write(&path, file.bytes).with_context(|| cannot_write(&path))?;
    }
    writeln!(io.out, "{}", target.display())?;
    writeln!(io.err, "wrote {} files", files.len())?;
    Ok(Status::Done)
}

fn wheel(out_dir: &std::path::Path, io: &mut Io) -> anyhow::Result<Status> {
    fs::create_dir_all(out_dir).with_context(|| cannot_write(out_dir))?;
    let path = out_dir.join(snippets::WHEEL_NAME);
    fs::write(&path, snippets::wheel()?).with_context(|| cannot_write(&path))?;
    writeln!(io.out, "{}", path.display())?;
    Ok(Status::Done)
}

fn cannot_write(path: &std::path::Path) -> String {
    format!(
        "cannot write `{}`: name a folder that you may write to",
        path.display()
    )
}
