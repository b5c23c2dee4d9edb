//! `client vendor` and `client wheel`: the client as files that Python imports and as a wheel that pip installs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn governor(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("the binary starts")
}

fn python(arguments: &[&str], dir: &Path) -> Output {
    Command::new("python3")
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(dir)
        .output()
        .expect("python3 is on PATH")
}

#[test]
fn a_vendored_client_imports_and_is_not_put_over_yours() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for _ in 0..2 {
        let out = governor(&["client", "vendor", "."], dir.path());
        assert_eq!(out.status.code(), Some(0), "{out:?}");
    }
    let out = python(
        &["-c", "import governor; print(governor.__version__)"],
        dir.path(),
    );
    assert_eq!(String::from_utf8_lossy(&out.stdout), "0.1.0\n", "{out:?}");
    for (path, text) in [("governor.py", "x = 1\n"), ("governor/mine.py", "x = 1\n")] {
        let other = tempfile::tempdir().expect("a temporary folder");
        let full = other.path().join(path);
        fs::create_dir_all(full.parent().expect("has a parent")).expect("made");
        fs::write(&full, text).expect("written");
        let out = governor(&["client", "vendor"], other.path());
        assert_eq!(out.status.code(), Some(2), "{out:?}");
        assert!(!other.path().join("governor/__init__.py").exists());
    }
}

#[test]
fn pip_installs_the_wheel() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = governor(&["client", "wheel", "dist"], dir.path());
    let path = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    assert!(
        path.ends_with("governor_sdk-0.1.0-py3-none-any.whl"),
        "{out:?}"
    );
    let first = fs::read(dir.path().join(&path)).expect("readable");
    governor(&["client", "wheel", "dist"], dir.path());
    assert_eq!(fs::read(dir.path().join(&path)).expect("readable"), first);

    let check = python(&["-c", CHECK_RECORD, &path], dir.path());
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    if !python(&["-m", "pip", "--version"], dir.path())
        .status
        .success()
    {
        return;
    }
    let out = python(
        &[
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-deps",
            "--target",
            "installed",
            &path,
        ],
        dir.path(),
    );
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let out = python(
        &[
            "-c",
            "import governor, importlib.metadata as m; print(m.version('governor-sdk'))",
        ],
        &dir.path().join("installed"),
    );
    assert_eq!(String::from_utf8_lossy(&out.stdout), "0.1.0\n", "{out:?}");
}

const CHECK_RECORD: &str = r#"
import base64, csv, hashlib, io, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
rows = list(csv.reader(io.StringIO(wheel.read("governor_sdk-0.1.0.dist-info/RECORD").decode())))
assert sorted(row[0] for row in rows) == sorted(wheel.namelist())
for name, digest, size in rows:
    if name.endswith("RECORD"):
        continue
    data = wheel.read(name)
    assert len(data) == int(size), name
    expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert digest == "sha256=" + expected, name
"#;
