//! `governor-mcp policy serve`.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::{Io, Status};
use crate::policy::http::{self, Keys};
use crate::policy::{Plane, Settings, TokenSigner};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Decide over HTTP, by the Cedar policies of a folder
    Serve(ServeArgs),
}

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8181", value_name = "ADDR")]
    listen: String,
    /// Folder of .cedar files, read again when it changes; without it the bundled starting policies
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Append every decision to this file as a JSON line
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// API key, plain or as TENANT=KEY; repeatable. GOVERNOR_API_KEY adds one
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Key without which no policy is installed and no hold decided
    #[arg(long, value_name = "KEY")]
    admin_key: Option<String>,
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    let Command::Serve(args) = args.command;
    let mut keys = Keys::default();
    for key in args.key.iter().chain(&environment("GOVERNOR_API_KEY")) {
        keys.add(key)?;
    }
    if let Some(admin) = args.admin_key {
        anyhow::ensure!(
            !keys.is_empty(),
            "`--admin-key` protects nothing without `--key`: give both"
        );
        keys.set_admin(admin);
    }
    let address = resolve(&args.listen)?;
    anyhow::ensure!(
        address.ip().is_loopback() || !keys.is_empty(),
        "refusing to listen on `{}` without a key: give `--key KEY`, or listen on 127.0.0.1",
        args.listen
    );
    let signer = TokenSigner::from_keys(
        environment("GOVERNOR_DECISION_KEY").as_deref(),
        environment("GOVERNOR_DECISION_PRIVATE_KEY").as_deref(),
    )?;
    let public_key = signer.as_ref().and_then(TokenSigner::public_key);
    let plane = Arc::new(Plane::open(&Settings {
        policies: args.policies,
        audit: args.audit,
        signer,
    })?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the server")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| {
                format!(
                    "cannot listen on `{}`: name another address with `--listen`",
                    args.listen
                )
            })?;
        let bound = listener.local_addr()?;
        // Before anyone is told that it listens: a signal that comes early must not kill it.
        let stop = stop_signal()?;
        if keys.is_empty() {
            writeln!(
                io.err,
                "no key was given: every process on this machine may ask"
            )?;
        }
        if let Some(key) = public_key {
            writeln!(io.err, "clients verify with GOVERNOR_DECISION_KEY={key}")?;
        }
        writeln!(io.err, "{} policies in force", plane.policies().len())?;
        writeln!(io.err, "listening on {}", http::base_url(bound))?;
        io.err.flush()?;
        http::serve(listener, plane, keys, stop).await
    })?;
    Ok(Status::Done)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn resolve(listen: &str) -> anyhow::Result<SocketAddr> {
    listen
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .with_context(|| {
            format!("`--listen {listen}` is not an address: give HOST:PORT, such as 127.0.0.1:8181")
        })
}

/// Resolves at ctrl-c or SIGTERM.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at ctrl-c.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
