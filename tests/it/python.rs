//! Python for the tests: virtual environments under `target/`, made once for each list of requirements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

const BINARY: &str = env!("CARGO_BIN_EXE_governor-mcp");

/// The folder that holds the build: `target/`.
pub fn target() -> PathBuf {
    let target = Path::new(BINARY)
        .ancestors()
        .nth(2)
        .expect("target/<profile>/<binary>");
    target.to_path_buf()
}

/// The interpreter of a virtual environment with the requirements of these files (relative to the project) installed.
/// What stands beside such a file as `…-compiled.txt` is installed where it can be built.
/// The error is one sentence that says what is missing.
pub fn environment(name: &str, requirements: &[&str]) -> Result<PathBuf, String> {
    // Tests that run side by side share environments.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _made_by_one = ONE_AT_A_TIME.lock();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wanted = String::new();
    for file in requirements {
        let text = fs::read_to_string(root.join(file))
            .map_err(|error| format!("cannot read `{file}`: {error}"))?;
        wanted.push_str(&text);
    }
    let venv = target().join(name);
    let (interpreter, mark) = (venv.join("bin/python"), venv.join("installed"));
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    if !succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv)) {
        return Err(
            "`python3 -m venv` does not work: install Python 3.9 or later with venv and run again"
                .to_owned(),
        );
    }
    let mut pip = Command::new(&interpreter);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .current_dir(root);
    for file in requirements {
        pip.args(["-r", file]);
    }
    if !succeeds(&mut pip) {
        return Err(format!(
            "{} cannot be installed from the Python package index: connect to one and run again",
            requirements.join(" and ")
        ));
    }
    for file in requirements {
        let compiled = file.replace(".txt", "-compiled.txt");
        if root.join(&compiled).is_file() {
            let mut pip = Command::new(&interpreter);
            // Tests skip by name what could not be compiled here.
            succeeds(
                pip.args(["-m", "pip", "install", "--quiet", "-r", &compiled])
                    .current_dir(root),
            );
        }
    }
    fs::write(&mark, wanted).map_err(|error| error.to_string())?;
    Ok(interpreter)
}

pub fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
