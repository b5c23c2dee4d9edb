//! The command line: one thin file a command, each turning arguments into a call and the result into text or JSON.

use std::io::Write;

use clap::{Parser, Subcommand, ValueEnum};

mod check;
mod client;
mod demo;
mod diagnose;
mod docs;
mod doctor;
mod integrate;
mod policy;
mod rehearse;
mod scan;
mod serve;
mod setup;

/// Where a command writes: results to `out`, everything else to `err`.
pub struct Io<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
}

/// The exit status of a command that ran. A question that could not be asked is an error instead (exit status 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// The answer is there.
    Done = 0,
    /// The answer is "no": a gate failed, nothing matched, a denial was not understood.
    No = 1,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// Finds every side effect in a Python repo and returns the diff that puts a policy decision in front of it.
#[derive(Debug, Parser)]
#[command(name = "governor-mcp", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the MCP server on stdio
    Serve(serve::Args),
    /// List the entrypoints and the side-effecting calls of a repo
    Scan(scan::Args),
    /// Print the diff that puts a repo under enforcement
    Integrate(integrate::Args),
    /// Ask the policies about every call site before anything runs
    Rehearse(rehearse::Args),
    /// Fail when an entrypoint or a side effect is ungoverned (the CI gate)
    Check(check::Args),
    /// Say why a call was denied and what to change
    Diagnose(diagnose::Args),
    /// Search and read the documentation, offline
    Docs(docs::Args),
    /// Write the MCP configuration of a coding agent
    Setup(setup::Args),
    /// Check that everything is in place
    Doctor(doctor::Args),
    /// Copy the Python client into a repo, or build its wheel
    Client(client::Args),
    /// Run the local policy plane
    Policy(policy::Args),
    /// Show the whole loop on a bundled sample
    Demo(demo::Args),
}

impl Cli {
    /// Runs the command. An error means that the question was wrong: a bad path, unreadable input.
    pub fn run(self, io: &mut Io) -> anyhow::Result<Status> {
        match self.command {
            Command::Serve(args) => serve::run(args, io),
            Command::Scan(args) => scan::run(args, io),
            Command::Integrate(args) => integrate::run(args, io),
            Command::Rehearse(args) => rehearse::run(args, io),
            Command::Check(args) => check::run(args, io),
            Command::Diagnose(args) => diagnose::run(args, io),
            Command::Docs(args) => docs::run(args, io),
            Command::Setup(args) => setup::run(args, io),
            Command::Doctor(args) => doctor::run(args, io),
            Command::Client(args) => client::run(args, io),
            Command::Policy(args) => policy::run(args, io),
            Command::Demo(args) => demo::run(args, io),
        }
    }
}
