//! `governor-mcp doctor`: what is in place, and what to do about what is not.

use std::path::PathBuf;

use serde_json::json;

use super::{Format, Io, Status};
use crate::doctor::{State, examine};
use crate::workspace::Workspace;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repo
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let workspace = Workspace::open(&args.dir)?;
    let checks = examine(&workspace);
    let problems = checks
        .iter()
        .filter(|check| check.state == State::Problem)
        .count();
    if args.format == Format::Json {
        let document = json!({
            "schema": "governor.doctor/1",
            "root": workspace.root().to_string_lossy(),
            "summary": {"checks": checks.len(), "problems": problems},
            "checks": checks,
        });
        writeln!(io.out, "{}", serde_json::to_string_pretty(&document)?)?;
    } else {
        for check in &checks {
            let mark = if check.state == State::Ok {
                "ok     "
            } else {
                "problem"
            };
            writeln!(io.out, "{mark}  {}: {}", check.code, check.message)?;
            if let Some(fix) = &check.fix {
                writeln!(io.out, "         fix: {fix}")?;
            }
        }
    }
    Ok(if problems == 0 {
        Status::Done
    } else {
        Status::No
    })
}
