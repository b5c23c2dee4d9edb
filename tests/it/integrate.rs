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

#[test]
fn one_line_in_each_process() {
    let repo = Repo::new()
        .file("app/__init__.py", "")
        .file("app/main.py", "\"\"\"The service.\"\"\"\n\nfrom __future__ import annotations\n\nimport os\n\nfrom app.jobs import celery\n")
        .file("app/jobs.py", "from celery import Celery\n\ncelery = Celery('x')\n")
        .git()
        .process("app/main.py", 5, "fastapi_app")
        .process("app/jobs.py", 3, "celery_app");
    let patch = check_round_trip(&repo, Mode::Enable);
    assert_eq!(
        patch.steps,
        [
            "enable:app/jobs.py",
            "worker-hook:app/jobs.py",
            "enable:app/main.py",
            "client:vendored:.",
            "actor:app/main.py"
        ]
    );
}

/// What the binary proposes for these files.
fn proposed(files: &[(&str, &str)], mode: &str) -> String {
    let mut repo = Repo::new();
    for (path, text) in files {
        repo = repo.file(path, text);
    }
    let out = run(Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(["integrate", "--mode", mode])
        .arg(repo.path()));
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).expect("text")
}

#[test]
fn a_package_that_is_enabled_enables_its_modules() {
    let diff = proposed(
        &[
            (
                "app/__init__.py",
                "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n",
            ),
            (
                "app/worker.py",
                "from app import create_app\n\napp = create_app()\n",
            ),
            (
                "web.py",
                "from app import create_app\n\napp = create_app()\n",
            ),
        ],
        "enable",
    );
    let changed: Vec<&str> = diff
        .lines()
        .filter_map(|line| line.strip_prefix("+++ b/"))
        .collect();
    assert_eq!(changed, ["app/__init__.py", "web.py"], "{diff}");
}

#[test]
fn a_scope_holds_no_row_of_unknown_kind() {
    let diff = proposed(
        &[
            (
                "main.py",
                "from sqlalchemy import delete\nfrom sqlalchemy.orm import Session\n\nfrom models import Item\n\n\ndef forget(session: Session, user):\n    session.execute(delete(Item))\n    session.delete(user)\n    session.commit()\n\n\nif __name__ == \"__main__\":\n    forget(Session(), 1)\n",
            ),
            (
                "models.py",
                "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n\n\nclass Item(Base):\n    __tablename__ = \"items\"\n",
            ),
        ],
        "hybrid",
    );
    assert!(
        diff.contains("+        session.execute(delete(Item))\n     session.delete(user)\n"),
        "{diff}"
    );
}

#[test]
fn unusual_bytes_come_back() {
    let repo = Repo::new()
        .file("crlf.py", "import os\r\nimport sys\r\n")
        .file("mixed.py", "\"\"\"a\"\"\"\r\nimport os\nimport sys\r\n")
        .file("bom.py", "\u{feff}import os\n")
        .file("latin.py", b"# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n")
        .file("open.py", "import os")
        .file("feed.py", "\x0cimport os\n\x0c\ndef f():\n\treturn 1\n")
        .file("dir with space/na\u{ef}ve \"q\".py", "import os\n")
        .file("empty.py", "")
        .git()
        .process("crlf.py", 1, "main_block")
        .process("mixed.py", 1, "main_block")
        .process("bom.py", 1, "main_block")
        .process("latin.py", 1, "main_block")
        .process("open.py", 1, "main_block")
        .process("feed.py", 1, "main_block")
        .process("empty.py", 1, "main_block")
        .process("dir with space/na\u{ef}ve \"q\".py", 1, "main_block");
    check_round_trip(&repo, Mode::Enable);
}

#[test]
fn works_in_a_folder_of_a_repo_and_without_git() {
    let inner = Repo::new()
        .file("services/pay/main.py", "import os\n")
        .git();
    let mut repo = Repo::new().process("main.py", 1, "main_block");
    repo.dir = inner.dir;
    let dir = repo.path().join("services/pay");
    let (_, patch) = repo.propose(&dir, Mode::Enable);
    assert_eq!(Path::new(&patch.root), repo.path());
    assert!(
        patch.diff.contains("+++ b/services/pay/main.py\n"),
        "{}",
        patch.diff
    );
    git_apply(&repo.path(), &patch.diff_bytes);

    let plain = Repo::new()
        .file("main.py", "import os\n")
        .process("main.py", 1, "main_block");
    check_round_trip(&plain, Mode::Enable);
}

#[test]
fn worktrees_submodules_and_plain_patch_take_the_diff() {
    let outer = Repo::new().file("main.py", "import os\n").git();
    let root = outer.path();
    let git = |dir: &Path, arguments: &[&str]| {
        let out = run(Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(dir));
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    };
    let other = Repo::new()
        .file("sub dir/caf\u{e9}.py", "import os\r\n")
        .git();
    for repo in [&root, &other.path()] {
        git(repo, &["add", "-A"]);
        git(repo, &["commit", "-qm", "first"]);
    }
    let place = tempfile::tempdir().expect("a temporary folder");
    let worktree = place.path().join("tree");
    git(
        &root,
        &["worktree", "add", "-q", worktree.to_str().expect("text")],
    );
    let address = other.path();
    git(
        &root,
        &[
            "submodule",
            "--quiet",
            "add",
            address.to_str().expect("text"),
            "sub",
        ],
    );
    for (dir, path) in [
        (worktree, "main.py"),
        (root.join("sub"), "sub dir/caf\u{e9}.py"),
    ] {
        let before = files(&dir);
        let repo = Repo::new().process(path, 1, "main_block");
        let (_, patch) = repo.propose(&dir, Mode::Enable);
        assert_eq!(
            Path::new(&patch.root),
            fs::canonicalize(&dir).expect("is there")
        );
        git_apply(&dir, &patch.diff_bytes);
        git_apply(&dir, &patch.inverse_bytes);
        let diff = place.path().join("x.diff");
        for bytes in [&patch.diff_bytes, &patch.inverse_bytes] {
            fs::write(&diff, bytes).expect("written");
            let out = run(Command::new("patch")
                .args(["-p1", "-s", "--binary", "-i"])
                .arg(&diff)
                .current_dir(&dir));
            assert!(
                out.status.success(),
                "{}",
                String::from_utf8_lossy(&out.stdout)
            );
        }
        assert_eq!(files(&dir), before);
    }
}

#[test]
fn a_single_step_brings_the_client_that_it_imports() {
    let repo = Repo::new()
        .file("main.py", "import os\n")
        .file("jobs/nightly.py", "import os\n")
        .process("main.py", 1, "main_block")
        .process("jobs/nightly.py", 1, "main_block");
    let dir = repo.path();
    let workspace = Workspace::open(&dir).expect("opens");
    let options = Options {
        mode: Mode::Enable,
        steps: vec!["enable:jobs/nightly.py".to_owned()],
        ..Options::default()
    };
    let plan = plan::plan(&workspace, &repo.scan, &options);
    let patch = patch::propose(&workspace, &repo.scan, &plan, &options).expect("proposes");
    assert_eq!(
        patch.steps,
        ["enable:jobs/nightly.py", "client:vendored:jobs"]
    );
    patch::write(&workspace, &patch).expect("writes");
    let out = run(Command::new("python3").arg(dir.join("jobs/nightly.py")));
    assert!(out.status.success(), "{out:?}");
}

#[test]
fn writes_all_or_nothing() {
    let repo = Repo::new()
        .file("a.py", "import os\n")
        .file("b.py", "import os\n")
        .process("a.py", 1, "main_block")
        .process("b.py", 1, "main_block");
    let dir = repo.path();
    let before = files(&dir);
    let workspace = Workspace::open(&dir).expect("opens");
    let (_, patch) = repo.propose(&dir, Mode::Enable);
    fs::write(dir.join("b.py"), "import sys\n").expect("written");
    let error = patch::write(&workspace, &patch).expect_err("stale");
    assert!(
        error.to_string().starts_with("stale_content: `b.py`"),
        "{error}"
    );
    assert_eq!(
        fs::read(dir.join("a.py")).expect("readable"),
        b"import os\n"
    );
    fs::write(dir.join("b.py"), "import os\n").expect("written");

    patch::write(&workspace, &patch).expect("writes");
    assert!(dir.join("governor/__init__.py").exists());
    let undo = repo.undo(&dir);
    patch::write(&workspace, &undo).expect("writes");
    assert_eq!(files(&dir), before);
}

#[test]
fn leaves_a_module_of_yours_named_governor_alone() {
    let repo = Repo::new()
        .file("governor.py", "LIMIT = 3\n")
        .file("main.py", "import governor\nprint(governor.LIMIT)\n")
        .process("main.py", 1, "main_block");
    let (plan, patch) = repo.propose(&repo.path(), Mode::Enable);
    assert_eq!(patch.diff, "");
    assert_eq!(plan.refused.len(), 1);
}

#[test]
fn the_client_imports_where_each_process_starts() {
    let cases: &[(&[(&str, &str)], &str, &[&str])] = &[
        (
            &[
                ("src/app/__init__.py", ""),
                ("src/app/main.py", "import app\nprint(1)\n"),
            ],
            "src/app/main.py",
            &["-m", "app.main"],
        ),
        (
            &[("scripts/tool.py", "print(1)\n")],
            "scripts/tool.py",
            &["scripts/tool.py"],
        ),
        (
            &[
                ("app/__init__.py", ""),
                ("app/a.py", ""),
                ("app/main.py", "from . import a\nprint(1)\n"),
            ],
            "app/main.py",
            &["-m", "app.main"],
        ),
        (
            &[
                ("svc/main.py", "import helper\nprint(1)\n"),
                ("svc/helper.py", ""),
            ],
            "svc/main.py",
            &["svc/main.py"],
        ),
        (
            &[
                ("pkg/jobs/run.py", "from pkg import x\nprint(1)\n"),
                ("pkg/x.py", ""),
            ],
            "pkg/jobs/run.py",
            &["-m", "pkg.jobs.run"],
        ),
        // The script makes the package importable itself, below the line that imports the client.
        (
            &[
                (
                    "tools/load.py",
                    "import os\nimport sys\n\nsys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))\n\nfrom app import x\n",
                ),
                ("app/x.py", ""),
            ],
            "tools/load.py",
            &["tools/load.py"],
        ),
        // What the script imports comes from the environment that the project is installed in.
        (
            &[
                ("pyproject.toml", "[build-system]\nrequires = []\n"),
                (
                    "scripts/load.py",
                    "try:\n    import app\nexcept ImportError:\n    pass\n",
                ),
                ("app/__init__.py", ""),
            ],
            "scripts/load.py",
            &["scripts/load.py"],
        ),
    ];
    for (files, path, command) in cases {
        let mut repo = Repo::new();
        for (path, text) in *files {
            repo = repo.file(path, text);
        }
        let repo = repo.process(path, 1, "main_block");
        let dir = repo.path();
        let workspace = Workspace::open(&dir).expect("opens");
        let (_, patch) = repo.propose(&dir, Mode::Enable);
        patch::write(&workspace, &patch).expect("writes");
        let cwd = if path.starts_with("src/") {
            dir.join("src")
        } else {
            dir
        };
        let out = run(Command::new("python3")
            .args(*command)
            .env("GOVERNOR_ENABLED", "0")
            .current_dir(cwd));
        assert!(
            out.status.success(),
            "{path}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
}

#[test]
fn a_configuration_names_the_hosts_and_keeps_what_is_there() {
    let new = Repo::new()
        .file("main.py", "import requests\n")
        .process("main.py", 1, "main_block")
        .effect(
            "main.py",
            3,
            "main.pay",
            "https://api.stripe.com/v1/charges",
        );
    let patch = check_round_trip(&new, Mode::Enable);
    assert!(
        patch.diff.contains("+pattern = \"api.stripe.com\"\n"),
        "{}",
        patch.diff
    );
    assert_eq!(
        patch.evidence.coverage.after.get(&Coverage::Enable),
        Some(&1)
    );

    let existing = Repo::new()
        .file("governor.toml", "# mine\n[defaults]\nactor_id = 'me'")
        .file("main.py", "import requests\n")
        .process("main.py", 1, "main_block")
        .effect(
            "main.py",
            3,
            "main.pay",
            "https://api.stripe.com/v1/charges",
        );
    check_round_trip(&existing, Mode::Enable);
}

#[test]
fn the_package_goes_where_dependencies_are_declared() {
    for (name, text) in [
        (
            "pyproject.toml",
            "[project]\nname = \"x\"\ndependencies = [\n  \"httpx\",\n]\n",
        ),
        ("requirements.txt", "flask==3.0\nrequests==2.0\n"),
        ("Pipfile", "[packages]\nflask = \"*\"\n"),
        ("environment.yml", "name: x\ndependencies:\n- python=3.12\n"),
    ] {
        let repo = Repo::new()
            .file(name, text)
            .file("main.py", "import os\n")
            .process("main.py", 1, "main_block")
            .package();
        let patch = check_round_trip(&repo, Mode::Enable);
        assert!(patch.diff.contains("governor-sdk"), "{}", patch.diff);
        assert!(patch.client_files.is_empty());
    }
}

#[test]
fn an_image_that_copies_single_folders_gets_the_client() {
    let repo = Repo::new()
        .file(
            "Dockerfile",
            "FROM python:3.12\nWORKDIR /code\nCOPY --chown=app:app ./app /code/app\nCMD [\"uvicorn\", \"app.main:app\"]\n",
        )
        .file("app/__init__.py", "")
        .file("app/main.py", "import os\n")
        .process("app/main.py", 1, "fastapi_app");
    let patch = check_round_trip(&repo, Mode::Enable);
    let line = "+COPY --chown=app:app governor/ /code/governor/\n";
    assert!(patch.diff.contains(line), "{}", patch.diff);

    let whole = Repo::new()
        .file(
            "Dockerfile",
            "FROM python:3.12\nWORKDIR /code\nCOPY . .\nCMD [\"uvicorn\", \"app.main:app\"]\n",
        )
        .file("app/main.py", "import os\n")
        .process("app/main.py", 1, "fastapi_app");
    let patch = check_round_trip(&whole, Mode::Enable);
    assert!(!patch.diff.contains("Dockerfile"), "{}", patch.diff);
}

#[test]
fn an_image_is_activated_by_who_may_and_in_its_own_python() {
    let cases = [
        (
            "COPY app/ app/\nUSER nobody\nEXPOSE 80\nCMD [\"python\", \"-m\", \"app.main\"]\n",
            "+COPY governor/ /srv/governor/\n+RUN cd /srv && python -m governor install-sitecustomize\n+ENV GOVERNOR_ENABLED=1\n+\n USER nobody\n",
        ),
        (
            "USER app:app\nCOPY . .\nRUN true\n# start\nCMD [\"uv\", \"run\", \"-m\", \"app.main\"]",
            "+USER root\n+RUN cd /srv && uv run python -m governor install-sitecustomize\n+USER app:app\n+ENV GOVERNOR_ENABLED=1\n+\n # start\n",
        ),
        (
            "COPY . .\r\nUSER root\r\nENTRYPOINT [\"/srv/.venv/bin/python\", \"-m\", \"app.main\"]\r\n",
            "+RUN cd /srv && /srv/.venv/bin/python -m governor install-sitecustomize\r\n+ENV GOVERNOR_ENABLED=1\r\n+\r\n ENTRYPOINT",
        ),
    ];
    for (stage, expected) in cases {
        let ending = if stage.contains('\r') { "\r\n" } else { "\n" };
        let head = format!("FROM python:3.12{ending}WORKDIR /srv{ending}");
        let repo = Repo::new()
            .file("Dockerfile", format!("{head}{stage}"))
            .file("app/__init__.py", "")
            .file("app/main.py", "import os\n")
            .process("app/main.py", 1, "main_block");
        let patch = check_round_trip(&repo, Mode::Sitecustomize);
        assert!(patch.diff.contains(expected), "{}", patch.diff);
    }
}

#[test]
fn no_code_is_touched_by_zero_code_activation() {
    let repo = Repo::new()
        .file(
            "Dockerfile",
            "FROM python:3.12\nWORKDIR /code\nCOPY . .\n# start\nCMD [\"python\", \"main.py\"]\n",
        )
        .file(
            "compose.yaml",
            "services:\n  web:\n    build: .\n    ports: []\n",
        )
        .file("Procfile", "web: python main.py\nworker: rq worker\n")
        .file("main.py", "import os\n")
        .process("main.py", 1, "main_block");
    let patch = check_round_trip(&repo, Mode::Sitecustomize);
    assert!(
        patch
            .changes
            .iter()
            .all(|change| !change.path.ends_with(".py"))
    );
    for line in [
        "+RUN cd /code && python -m governor install-sitecustomize\n+ENV GOVERNOR_ENABLED=1\n",
        "+    environment:\n+      GOVERNOR_ENABLED: \"1\"\n",
        "+web: export GOVERNOR_ENABLED=1 && python main.py\n",
    ] {
        assert!(patch.diff.contains(line), "{line}{}", patch.diff);
    }
}

#[test]
fn a_workflow_asks_before_each_node_with_an_effect() {
    const FLOW: &str = "{\r\n\t\"name\": \"Refunds\",\r\n\t\"nodes\": [\r\n\t\t{\"id\": \"1\", \"name\": \"Hook\", \"type\": \"n8n-nodes-base.webhook\", \"parameters\": {}, \"position\": [0, 0]},\r\n\t\t{\"id\": \"2\", \"name\": \"Refund\", \"type\": \"n8n-nodes-base.httpRequest\", \"parameters\": {\"url\": \"https://api.stripe.com/v1/refunds\", \"method\": \"POST\"}, \"position\": [200, 0]},\r\n\t\t{\"id\": \"3\", \"name\": \"Big?\", \"type\": \"n8n-nodes-base.if\", \"parameters\": {}, \"position\": [400, 0]},\r\n\t\t{\"id\": \"4\", \"name\": \"Mail\", \"type\": \"n8n-nodes-base.emailSend\", \"parameters\": {}, \"position\": [600, 0]}\r\n\t],\r\n\t\"connections\": {\r\n\t\t\"Hook\": {\"main\": [[{\"node\": \"Refund\", \"type\": \"main\", \"index\": 0}]]},\r\n\t\t\"Refund\": {\"main\": [[{\"node\": \"Big?\", \"type\": \"main\", \"index\": 0}]]},\r\n\t\t\"Big?\": {\"main\": [[{\"node\": \"Mail\", \"type\": \"main\", \"index\": 0}], [{\"node\": \"Mail\", \"type\": \"main\", \"index\": 0}]]}\r\n\t},\r\n\t\"settings\": {\"executionOrder\": \"v1\"}\r\n}\r\n";
    let mut repo = Repo::new().file("flow.json", FLOW).git();
    let dir = repo.path();
    let analyze = || {
        let workspace = Workspace::open(&dir).expect("opens");
        governor_mcp::facts::analyze(&workspace, &governor_mcp::facts::Options::default())
            .expect("analysed")
    };
    repo.scan = analyze();
    let (_, patch) = repo.propose(&dir, Mode::Hybrid);
    assert_eq!(
        patch.evidence.coverage.after.get(&Coverage::Enforce),
        Some(&2)
    );
    git_apply(&dir, &patch.diff_bytes);
    repo.scan = analyze();
    assert!(
        repo.scan
            .effects
            .iter()
            .all(|effect| effect.coverage == Coverage::Enforce)
    );
    let (_, again) = repo.propose(&dir, Mode::Hybrid);
    assert_eq!(again.diff, "");
    git_apply(&dir, &repo.undo(&dir).diff_bytes);
    assert_eq!(
        fs::read(dir.join("flow.json")).expect("readable"),
        FLOW.as_bytes()
    );
}

#[test]
fn who_acts_in_a_request_is_asked_until_it_is_said() {
    let app = "from fastapi import FastAPI\n\napp = FastAPI()\n";
    for (text, is_asked) in [
        (app.to_owned(), true),
        (
            format!("{app}app.add_middleware(GovernorMiddleware, identify=who)\n"),
            false,
        ),
    ] {
        let repo = Repo::new()
            .file("main.py", &text)
            .process("main.py", 3, "fastapi_app");
        let (plan, _) = repo.propose(&repo.path(), Mode::Hybrid);
        assert_eq!(
            plan.needs_input
                .iter()
                .any(|question| question.id == "actor"),
            is_asked
        );
        let step = plan.steps.iter().find(|step| step.id == "actor:main.py");
        assert_eq!(
            step.map(|step| step.applicability),
            is_asked.then_some(Applicability::DisplayOnly)
        );
    }
}

#[test]
fn functions_are_activated_by_their_templates() {
    let repo = Repo::new()
        .file(
            "template.yaml",
            "Resources:\n  Pay:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: app.handler\n      CodeUri: pay/\n      Environment:\n        Variables:\n          TABLE: x\n  Mail:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: mail/\n      Handler: app.handler\n",
        )
        .file(
            "serverless.yml",
            "functions:\n  hello:\n    handler: web/hello.run\n  bye:\n    handler: web/hello.run\n    environment:\n      A: b\n",
        )
        .file("pay/app.py", "import os\n")
        .file("mail/app.py", "import os\n")
        .file("web/hello.py", "import os\n")
        .process("pay/app.py", 1, "aws_lambda_function")
        .process("mail/app.py", 1, "aws_lambda_function")
        .process("web/hello.py", 1, "aws_lambda_function");
    let patch = check_round_trip(&repo, Mode::Sitecustomize);
    let count = |text: &str| patch.diff.matches(text).count();
    assert_eq!(
        count("+          PYTHONPATH: /var/task\n"),
        2,
        "{}",
        patch.diff
    );
    assert_eq!(count("+      PYTHONPATH: /var/task\n"), 2, "{}", patch.diff);
    for path in ["pay", "mail"] {
        assert!(
            patch
                .diff
                .contains(&format!("+++ b/{path}/sitecustomize.py\n")),
            "{}",
            patch.diff
        );
    }
}

/// A function's host: the task's folder is on the path when Python starts, and `.pth` files are not read there.
#[test]
fn a_function_is_governed_before_its_handler_is_loaded() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for file in governor_mcp::snippets::client_files() {
        let path = dir.path().join(file.path);
        fs::create_dir_all(path.parent().expect("has one")).expect("made");
        fs::write(path, file.bytes).expect("written");
    }
    let activation = governor_mcp::snippets::function_activation();
    fs::write(dir.path().join("sitecustomize.py"), activation).expect("written");
    for (enabled, said) in [("1", "PolicyUnavailable\n"), ("0", "happened\n")] {
        let out = run(Command::new("python3")
            .args(["-c", "import sqlite3\ntry:\n    sqlite3.connect(':memory:').execute('CREATE TABLE a (b)')\n    print('happened')\nexcept RuntimeError as refused:\n    print(type(refused).__name__)"])
            .env("PYTHONPATH", dir.path())
            .env("GOVERNOR_ENABLED", enabled)
            .env("GOVERNOR_ENFORCE_URL", "http://127.0.0.1:9"));
        assert_eq!(
            String::from_utf8_lossy(&out.stdout),
            said,
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
}

#[test]
fn scopes_go_around_high_risk_work() {
    let repo = Repo::new()
        .file(
            "main.py",
            "import requests\n\n\ndef pay(x):\n    total = x\n    requests.post(\n        \"https://api.stripe.com/v1/charges\",\n    )\n    return total\n",
        )
        .process("main.py", 1, "main_block")
        .effect("main.py", 6, "main.pay", "https://api.stripe.com/v1/charges");
    let mut repo = repo;
    repo.scan.effects[0].column = 5;
    let patch = check_round_trip(&repo, Mode::Hybrid);
    assert!(
        patch.diff.contains("+    with governor.intent(\n"),
        "{}",
        patch.diff
    );
    assert_eq!(
        patch.evidence.coverage.after.get(&Coverage::Scope),
        Some(&1)
    );
}
