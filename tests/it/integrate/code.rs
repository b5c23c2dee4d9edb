//! What changes in Python modules.

use super::*;

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
