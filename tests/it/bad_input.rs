//! What the command line says to a question that is wrong, and to a repo that is odd: a sentence and a status, and
//! nothing written by halves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn governor(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(arguments)
        .arg(dir)
        .output()
        .expect("starts")
}

fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    let path = dir.path().canonicalize().expect("exists");
    (dir, path)
}

/// One sentence on stderr that names what is wrong, nothing on stdout.
#[track_caller]
fn check_refused(output: &Output, named: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(named), "`{said}` does not name `{named}`");
    assert!(said.lines().count() <= 3, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty());
}

fn scan(dir: &Path) -> Value {
    let output = governor(&["scan", "--format", "json"], dir);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

const COMMANDS: [&str; 4] = ["scan", "integrate", "check", "rehearse"];

#[test]
fn a_path_that_is_no_folder_is_named() {
    let (_dir, path) = folder(&[("file.py", b"x = 1\n")]);
    for command in COMMANDS {
        check_refused(&governor(&[command], &path.join("nowhere")), "nowhere");
        check_refused(&governor(&[command], &path.join("file.py")), "file.py");
    }
}

#[test]
fn a_wrong_flag_says_which_there_are() {
    let (_dir, path) = folder(&[]);
    for (arguments, named) in [
        (&["integrate", "--mode", "everything"][..], "hybrid"),
        (&["scan", "--format", "yaml"], "json"),
        (&["integrate", "--client", "docker"], "vendored"),
        (&["integrate", "--step", "no-such-step"], "no-such-step"),
        (
            &["check", "--since", "no-such-revision"],
            "no-such-revision",
        ),
        (
            &["check", "--audit", "/no/such/audit.jsonl"],
            "/no/such/audit.jsonl",
        ),
        (
            &["check", "--baseline", "/no/such/baseline.json"],
            "/no/such/baseline.json",
        ),
    ] {
        let output = governor(arguments, &path);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_repo_without_python_has_nothing_to_do() {
    for files in [
        &[][..],
        &[
            ("README.md", b"# Hello\n" as &[u8]),
            ("main.go", b"package main\n"),
        ],
    ] {
        let (_dir, path) = folder(files);
        assert_eq!(scan(&path)["summary"]["effects"], 0);
        for arguments in [
            &["integrate"][..],
            &["integrate", "--write"],
            &["integrate", "--undo"],
            &["check"],
        ] {
            let output = governor(arguments, &path);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
            if arguments[0] == "integrate" {
                assert!(output.stdout.is_empty(), "{arguments:?}");
            }
        }
        assert_eq!(fs::read_dir(&path).expect("a folder").count(), files.len());
    }
}

/// Every file is either read or named with the reason, and what can be read is found.
#[cfg(unix)]
#[test]
fn files_that_cannot_be_read_are_named_and_the_others_found() {
    use std::os::unix::fs::symlink;
    let (_outside, elsewhere) = folder(&[("secret.py", b"import os\nos.system('outside')\n")]);
    let mut huge = b"import os\n".to_vec();
    while huge.len() < 20 << 20 {
        huge.extend_from_slice(b"TABLE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n");
    }
    let effect = b"import os\nos.system('ls')\n";
    let (_dir, path) = folder(&[
        ("plain.py", effect),
        (
            "latin.py",
            b"# -*- coding: latin-1 -*-\nimport os\nNAME = 'caf\xe9'\nos.system('ls')\n",
        ),
        (
            "bytes.py",
            b"import os\nNAME = 'caf\xe9'\nos.system('ls')\n",
        ),
        ("nul.py", b"import os\n\0\0\nos.system('ls')\n"),
        (
            "broken.py",
            b"import os\ndef f(:\n    pass\nos.system('ls')\n",
        ),
        ("huge.py", &huge),
        ("mark.py", b"\xef\xbb\xbfimport os\nos.system('ls')\n"),
    ]);
    symlink(elsewhere.join("secret.py"), path.join("link.py")).expect("a link");
    symlink(&elsewhere, path.join("package")).expect("a link");
    symlink(&path, path.join("again")).expect("a link");
    symlink("gone.py", path.join("dangling.py")).expect("a link");
    assert!(
        Command::new("mkfifo")
            .arg(path.join("pipe.py"))
            .status()
            .expect("mkfifo")
            .success()
    );

    let found = scan(&path);
    let text = found.to_string();
    assert!(
        !text.contains("outside"),
        "a link leads out of the repo: {text}"
    );
    let named = |list: &Value, path: &str| {
        let items = list.as_array().expect("a list");
        items.iter().any(|item| item["path"] == path)
    };
    for file in ["plain.py", "latin.py", "broken.py", "mark.py"] {
        assert!(
            named(&found["effects"], file),
            "{file} is not found: {text}"
        );
    }
    for file in ["bytes.py", "huge.py", "pipe.py", "link.py"] {
        assert!(
            named(&found["files"]["skipped"], file) || named(&found["effects"], file),
            "{file} is not named: {}",
            found["files"]
        );
    }
    // The diff of the rest still applies.
    let output = governor(&["integrate"], &path);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs as somebody whom permissions bind.
#[cfg(unix)]
fn bound(arguments: &[&str], dir: &Path) -> Output {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let binary = place.path().join("governor-mcp");
    fs::copy(env!("CARGO_BIN_EXE_governor-mcp"), &binary).expect("copied");
    let mut command = Command::new(binary);
    command.args(arguments).arg(dir);
    if is_root {
        command.uid(65534).gid(65534);
    }
    command.output().expect("starts")
}

#[cfg(unix)]
#[test]
fn permissions_are_a_sentence_and_nothing_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, path) = folder(&[
        (
            "main.py",
            b"import os\nif __name__ == '__main__':\n    os.system('ls')\n",
        ),
        ("private.py", b"import os\nos.system('ls')\n"),
    ]);
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set")
    };
    mode(&path.join("private.py"), 0o000);
    mode(&path, 0o555);

    let output = bound(&["scan", "--format", "json"], &path);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(found["files"]["skipped"][0]["path"], json!("private.py"));
    assert_eq!(found["summary"]["effects"], 1);

    let output = bound(&["integrate", "--write"], &path);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("ermission"), "{said}");
    mode(&path, 0o755);
    let left: Vec<_> = fs::read_dir(&path)
        .expect("a folder")
        .map(|entry| entry.expect("read").file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(
        fs::read(path.join("main.py")).expect("read"),
        b"import os\nif __name__ == '__main__':\n    os.system('ls')\n"
    );
}
