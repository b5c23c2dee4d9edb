//! Wherever a diff is applied, and whatever applies it.

use super::*;

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
