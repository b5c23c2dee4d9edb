//! `setup`: every client's file, through the command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CLIENTS: [&str; 10] = [
    "claude-code",
    "cursor",
    "vscode",
    "copilot-cli",
    "codex",
    "gemini",
    "windsurf",
    "zed",
    "opencode",
    "claude-desktop",
];

fn setup(arguments: &[&str], repo: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .arg("setup")
        .args(arguments)
        .arg("--repo")
        .arg(repo)
        .env("HOME", repo.join("home"))
        .output()
        .expect("the binary starts")
}

fn path_of(output: &Output) -> std::path::PathBuf {
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON document");
    document["path"].as_str().expect("a path").into()
}

#[test]
fn each_client_is_written_once() {
    for client in CLIENTS {
        let repo = tempfile::tempdir().expect("a temporary folder");
        let printed = setup(&[client, "--format", "json"], repo.path());
        let path = path_of(&printed);
        assert!(!path.exists(), "{client}: printing writes nothing");
        let written = setup(&[client, "--write"], repo.path());
        assert_eq!(written.status.code(), Some(0), "{client}");
        let first = fs::read(&path).expect("it was written");
        assert!(
            String::from_utf8_lossy(&first).contains("governor"),
            "{client}"
        );
        setup(&[client, "--write"], repo.path());
        assert_eq!(fs::read(&path).ok(), Some(first), "{client}: twice is once");
        let skill = setup(&[client, "--skill"], repo.path());
        assert!(
            String::from_utf8_lossy(&skill.stdout).contains("propose_patch"),
            "{client}"
        );
    }
}

#[test]
fn what_cannot_be_merged_stays_as_it_was() {
    let repo = tempfile::tempdir().expect("a temporary folder");
    for (client, file, content) in [
        ("claude-code", ".mcp.json", &b"{\"mcpServers\": "[..]),
        ("cursor", ".cursor/mcp.json", b"{\"mcpServers\": []}"),
        ("vscode", ".vscode/mcp.json", b"\xff\xfe{}"),
        ("codex", ".codex/config.toml", b"a = \n"),
        ("zed", ".zed/settings.json", b"not json"),
    ] {
        let path = repo.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(&path, content).expect("it can be written");
        let output = setup(&[client, "--write"], repo.path());
        assert_eq!(output.status.code(), Some(2), "{client}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(file) && said.lines().count() == 1,
            "{client}: {said}"
        );
        assert_eq!(output.stdout, b"", "{client}");
        assert_eq!(fs::read(&path).ok().as_deref(), Some(content), "{client}");
    }
    assert_eq!(setup(&["emacs"], repo.path()).status.code(), Some(2));
    assert_eq!(
        setup(&["zed"], &repo.path().join("nowhere")).status.code(),
        Some(2)
    );
}

#[cfg(unix)]
#[test]
fn links_folders_and_read_only_files_are_refused() {
    use std::os::unix::fs::symlink;
    let (repo, outside) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    symlink("/etc/hosts", repo.path().join(".mcp.json")).expect("a link");
    symlink(outside.path(), repo.path().join(".cursor")).expect("a link");
    fs::create_dir_all(repo.path().join("opencode.json")).expect("a folder");
    fs::write(repo.path().join(".github"), "a file").expect("a file");
    fs::create_dir(repo.path().join(".zed")).expect("a folder");
    let read_only = repo.path().join(".zed/settings.json");
    fs::write(&read_only, "{}").expect("a file");
    let mut permissions = fs::metadata(&read_only).expect("it is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).expect("they can be set");
    for client in ["claude-code", "cursor", "opencode", "copilot-cli", "zed"] {
        let output = setup(&[client, "--write"], repo.path());
        assert_eq!(output.status.code(), Some(2), "{client}");
        assert!(!output.stderr.is_empty(), "{client}");
    }
    assert_eq!(fs::read_dir(outside.path()).expect("a folder").count(), 0);
}
