//! The binary: parse the command line, dispatch, print the answer, choose the exit status.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use governor_mcp::cli::{Cli, Io};

/// A scan allocates many small values on every thread: it takes a fifth longer with the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // Not locked: the server writes from threads of its own.
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let result = cli.run(&mut Io {
        out: &mut out,
        err: &mut err,
    });
    // A reader that went away (`| head`) is not an error of ours.
    let _ = out.flush();
    match result {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(err, "governor-mcp: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
