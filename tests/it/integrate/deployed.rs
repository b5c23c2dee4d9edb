//! What changes in configuration, images, templates and workflows.

use super::*;

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
