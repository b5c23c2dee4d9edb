//! `integrate`: every diff goes through `git apply` and `patch`, is compared by Python's own `ast`, is empty the second
//! time, and comes back to the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use governor_mcp::facts::{
    Action, Category, Confidence, Coverage, Effect, Entrypoint, FileCounts, Origin, Resource, Role,
    Scan, Summary,
};
use governor_mcp::patch::{self, Patch};
use governor_mcp::plan::{self, Applicability, ClientSource, Mode, Options, Plan};
use governor_mcp::workspace::Workspace;

mod applied;
mod code;
mod deployed;

/// A small repo in a temporary folder.
pub struct Repo {
    dir: tempfile::TempDir,
    scan: Scan,
    client: ClientSource,
}

impl Repo {
    pub fn new() -> Repo {
        Repo {
            dir: tempfile::tempdir().expect("a temporary folder"),
            scan: Scan {
                schema: "governor.scan/1".to_owned(),
                files: FileCounts::default(),
                entrypoints: Vec::new(),
                effects: Vec::new(),
                summary: Summary::default(),
            },
            client: ClientSource::Vendored,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().expect("exists")
    }

    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Repo {
        let full = self.dir.path().join(path);
        fs::create_dir_all(full.parent().expect("has a parent")).expect("made");
        fs::write(full, text).expect("written");
        self
    }

    pub fn process(mut self, path: &str, line: u32, kind: &str) -> Repo {
        self.scan.entrypoints.push(Entrypoint {
            id: format!("E{}", self.scan.entrypoints.len() + 1),
            role: Role::Process,
            kind: kind.to_owned(),
            name: "app".to_owned(),
            symbol: None,
            origin: Origin::App,
            path: path.to_owned(),
            cell: None,
            line,
            end_line: line,
            enabled: Some(false),
            scoped: None,
            processes: Vec::new(),
            commands: Vec::new(),
        });
        self
    }

    pub fn git(self) -> Repo {
        let out = run(Command::new("git").args(["init", "-q"]).arg(self.path()));
        assert!(out.status.success(), "{out:?}");
        self
    }

    pub fn effect(mut self, path: &str, line: u32, symbol: &str, destination: &str) -> Repo {
        self.scan.effects.push(Effect {
            id: format!("S{}", self.scan.effects.len() + 1),
            category: Category::Http,
            action: Action::Write,
            call: "requests.post".to_owned(),
            path: path.to_owned(),
            cell: None,
            line,
            column: 1,
            end_line: line,
            symbol: symbol.to_owned(),
            origin: Origin::App,
            destination: Some(destination.to_owned()),
            resource: Resource {
                kind: "external_api".to_owned(),
                name: "stripe".to_owned(),
                is_named: true,
            },
            confidence: Confidence::Certain,
            intercepted: true,
            coverage: Coverage::None,
            reached_from: vec!["E1".to_owned()],
        });
        self
    }

    pub fn package(mut self) -> Repo {
        self.client = ClientSource::Package;
        self
    }

    fn propose(&self, dir: &Path, mode: Mode) -> (Plan, Patch) {
        let workspace = Workspace::open(dir).expect("opens");
        let options = Options {
            mode,
            client: self.client,
            ..Options::default()
        };
        let plan = plan::plan(&workspace, &self.scan, &options);
        let patch = patch::propose(&workspace, &self.scan, &plan, &options).expect("proposes");
        (plan, patch)
    }

    fn undo(&self, dir: &Path) -> Patch {
        let workspace = Workspace::open(dir).expect("opens");
        patch::undo(&workspace, &self.scan, &Options::default()).expect("takes back")
    }
}

fn run(command: &mut Command) -> Output {
    command.output().expect("the program is installed")
}

fn apply(tool: &mut Command, diff: &[u8]) {
    use std::io::Write as _;
    let mut child = tool
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program is installed");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(diff)
        .expect("written");
    let out = child.wait_with_output().expect("ends");
    assert!(
        out.status.success(),
        "{}{}\n{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
        String::from_utf8_lossy(diff)
    );
}

fn git_apply(root: &Path, diff: &[u8]) {
    let check = |extra: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(root).arg("apply").args(extra);
        apply(&mut git, diff);
    };
    check(&["--check"]);
    check(&[]);
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.ends_with(".git") || path.ends_with("__pycache__") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = fs::read(&path).expect("readable");
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

/// Applies the patch of `mode` in every way, checks it from all sides, and takes it back.
#[track_caller]
fn check_round_trip(repo: &Repo, mode: Mode) -> Patch {
    let dir = repo.path();
    let before = files(&dir);
    let (_, patch) = repo.propose(&dir, mode);
    assert!(!patch.diff_bytes.is_empty(), "no diff");
    let root = PathBuf::from(&patch.root);

    // Without git: `patch -p1` on a copy, forwards and back.
    git_apply(&root, &patch.diff_bytes);
    let applied = files(&dir);
    git_apply(&root, &patch.inverse_bytes);
    assert_eq!(files(&dir), before, "the inverse does not give the bytes");
    let mut tool = Command::new("patch");
    tool.args(["-p1", "--binary", "-s", "-d"]).arg(&root);
    apply(&mut tool, &patch.diff_bytes);
    assert_eq!(files(&dir), applied, "patch and git apply differ");

    let (_, again) = repo.propose(&dir, mode);
    assert_eq!(again.diff, "", "a second run has something to do");
    let undo = repo.undo(&dir);
    git_apply(&root, &undo.diff_bytes);
    assert_eq!(files(&dir), before, "undo does not give the bytes");

    // The structured edits give the same bytes.
    for edit in &patch.edits {
        let path = dir.join(&edit.path);
        let text = fs::read(&path).unwrap_or_default();
        let Ok(text) = String::from_utf8(text) else {
            continue;
        };
        if edit.base_sha256.is_some() && !edit.old.is_empty() {
            assert_eq!(text.matches(&edit.old).count(), 1, "{edit:?}");
        }
        fs::create_dir_all(path.parent().expect("has a parent")).expect("made");
        let text = if edit.old.is_empty() {
            format!("{}{text}", edit.new)
        } else {
            text.replacen(&edit.old, &edit.new, 1)
        };
        fs::write(path, text).expect("written");
    }
    for (path, bytes) in &applied {
        if std::str::from_utf8(bytes).is_ok() {
            assert_eq!(
                fs::read(path).ok().as_ref(),
                Some(bytes),
                "edits of {path:?}"
            );
        }
    }
    for (path, old) in &before {
        if path.extension().is_some_and(|name| name == "py") {
            let new = fs::read(path).expect("readable");
            check_ast(old, &new);
        }
    }
    patch
}

/// Python's own parser sees the old module once the client's statements are left out.
#[track_caller]
fn check_ast(old: &[u8], new: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in [("old.py", old), ("new.py", new)] {
        fs::write(dir.path().join(name), bytes).expect("written");
    }
    fs::write(dir.path().join("compare.py"), COMPARE).expect("written");
    let out = run(Command::new("python3")
        .arg("compare.py")
        .current_dir(dir.path()));
    assert!(
        out.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&out.stderr),
        String::from_utf8_lossy(new)
    );
}

pub const COMPARE: &str = include_str!("../projects/tree.py");
