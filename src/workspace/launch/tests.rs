use super::*;

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[(&str, u32, &str, &str, bool)]) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let full = dir.path().join(path);
        std::fs::create_dir_all(full.parent().expect("has a parent")).expect("made");
        std::fs::write(full, text).expect("written");
    }
    let workspace = Workspace::open(dir.path()).expect("opens");
    let found = commands(&workspace);
    let found: Vec<_> = found
        .iter()
        .map(|launch| {
            (
                launch.path.as_str(),
                launch.line,
                launch.module_path.as_deref().unwrap_or(""),
                launch.import_root.as_deref().unwrap_or("?"),
                launch.prefork,
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn dockerfile_with_a_copied_folder() {
    check(
        &[
            (
                "Dockerfile",
                "FROM python:3.12\nWORKDIR /code\nCOPY ./app /code/app\nENTRYPOINT [\"uvicorn\"]\nCMD [\"app.main:app\", \"--workers\", \"4\"]\n",
            ),
            ("app/main.py", ""),
        ],
        &[("Dockerfile", 4, "app/main.py", "", true)],
    );
    check(
        &[
            (
                "backend/Dockerfile",
                "FROM python:3.12\nWORKDIR /srv\nCOPY src/ .\nCMD exec gunicorn -b :$PORT -k uvicorn.workers.UvicornWorker svc.web:app\n",
            ),
            ("backend/src/svc/web.py", ""),
        ],
        &[(
            "backend/Dockerfile",
            4,
            "backend/src/svc/web.py",
            "backend/src",
            true,
        )],
    );
}

#[test]
fn an_entrypoint_and_its_command_in_either_order() {
    check(
        &[
            (
                "compose.yaml",
                "services:\n  worker:\n    entrypoint: [\"celery\"]\n    command: -A jobs.app worker -c 4\n  web:\n    command: [jobs.web:app]\n    entrypoint: uvicorn\n",
            ),
            ("jobs/app.py", ""),
            ("jobs/web.py", ""),
        ],
        &[
            ("compose.yaml", 3, "jobs/app.py", "", true),
            ("compose.yaml", 6, "jobs/web.py", "", false),
        ],
    );
}

#[test]
fn procfile_compose_and_units() {
    check(
        &[
            (
                "Procfile",
                "web: gunicorn --chdir site proj.wsgi --workers 3\nworker: celery -A proj worker -P solo\n",
            ),
            ("site/proj/wsgi.py", ""),
            ("proj/__init__.py", ""),
        ],
        &[
            ("Procfile", 1, "site/proj/wsgi.py", "site", true),
            ("Procfile", 2, "proj/__init__.py", "", false),
        ],
    );
    check(
        &[
            (
                "docker-compose.yml",
                "services:\n  web:\n    command: >\n      bash -c \"cd jobs && python -u run.py --all\"\n  beat:\n    command:\n      - python\n      - -m\n      - jobs.beat\n",
            ),
            ("jobs/run.py", ""),
            ("jobs/beat.py", ""),
            (
                "deploy/x.service",
                "[Service]\nWorkingDirectory=/opt/x/jobs\nExecStart=/opt/x/.venv/bin/python beat.py\n",
            ),
            (
                ".github/workflows/n.yml",
                "jobs:\n  a:\n    steps:\n      - run: |\n          pip install .\n          python jobs/run.py\n",
            ),
        ],
        &[
            (".github/workflows/n.yml", 6, "jobs/run.py", "jobs", false),
            ("deploy/x.service", 3, "jobs/beat.py", "jobs", false),
            ("docker-compose.yml", 4, "jobs/run.py", "jobs", false),
            ("docker-compose.yml", 7, "jobs/beat.py", "", false),
        ],
    );
}

#[test]
fn supervisor_and_make() {
    check(
        &[
            (
                "deploy/supervisord.conf",
                "[program:web]\ndirectory=/srv/app\ncommand=gunicorn app.web:app --workers 2\nautostart=true\n\n[program:jobs]\ncommand=python -m app.jobs\n",
            ),
            (
                "Makefile",
                "install:\n\tpip install .\n\nrun:\n\t@python -m app.jobs --all\n",
            ),
            ("app/web.py", ""),
            ("app/jobs.py", ""),
        ],
        &[
            ("Makefile", 5, "app/jobs.py", "", false),
            ("deploy/supervisord.conf", 3, "app/web.py", "", true),
            ("deploy/supervisord.conf", 7, "app/jobs.py", "", false),
        ],
    );
}

#[test]
fn arguments_belong_to_their_container() {
    check(
        &[
            (
                "k8s.yaml",
                "containers:\n  - name: web\n    command: [\"python\", \"-m\"]\n    args: [\"app.web\"]\n  - name: jobs\n    args: [\"python\", \"-m\", \"app.jobs\"]\n",
            ),
            (
                "bin/docker-entrypoint",
                "#!/bin/bash\nserver() {\n  exec gunicorn -b 0.0.0.0:5000 app.web:app\n}\n",
            ),
            ("app/web.py", ""),
            ("app/jobs.py", ""),
        ],
        &[
            ("bin/docker-entrypoint", 3, "app/web.py", "", true),
            ("k8s.yaml", 3, "app/web.py", "", false),
            ("k8s.yaml", 6, "app/jobs.py", "", false),
        ],
    );
}

#[test]
fn paths_of_an_image() {
    check(
        &[
            (
                "cron.yaml",
                "containers:\n  - name: n\n    command: [\"python3\"]\n    args: [\"/app/scripts/nightly.py\", \"--all\"]\n",
            ),
            (
                "deploy/x.service",
                "[Service]\nExecStart=/opt/venv/bin/python -u /opt/app/scripts/nightly.py --now\n",
            ),
            (
                "ops/Dockerfile.worker",
                "FROM python:3.12\nCMD [\"sh\", \"-c\", \"cd /app && python -m svc\"]\n",
            ),
            ("scripts/nightly.py", ""),
            ("svc/__main__.py", ""),
            ("tools/other.py", ""),
        ],
        &[
            ("cron.yaml", 3, "scripts/nightly.py", "scripts", false),
            (
                "deploy/x.service",
                2,
                "scripts/nightly.py",
                "scripts",
                false,
            ),
            ("ops/Dockerfile.worker", 2, "svc/__main__.py", "", false),
        ],
    );
}

#[test]
fn graphs_of_a_server() {
    check(
        &[
            (
                "agent/langgraph.json",
                "{\n  \"dependencies\": [\".\"],\n  \"graphs\": {\"chat\": \"./src/chat/graph.py:graph\"},\n  \"auth\": {\"path\": \"./auth.py:auth\"}\n}\n",
            ),
            ("agent/src/chat/graph.py", ""),
            ("agent/auth.py", ""),
        ],
        &[
            (
                "agent/langgraph.json",
                3,
                "agent/src/chat/graph.py",
                "agent",
                false,
            ),
            ("agent/langgraph.json", 4, "agent/auth.py", "agent", false),
        ],
    );
}

#[test]
fn lambda_templates() {
    check(
        &[
            (
                "template.yaml",
                "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: functions/pay/\n      Handler: app.handler\n      Runtime: python3.12\n  G:\n    Properties:\n      Handler: app.other\n      CodeUri: functions/mail\n",
            ),
            ("functions/pay/app.py", ""),
            ("functions/mail/app.py", ""),
        ],
        &[
            (
                "template.yaml",
                6,
                "functions/pay/app.py",
                "functions/pay",
                false,
            ),
            (
                "template.yaml",
                10,
                "functions/mail/app.py",
                "functions/mail",
                false,
            ),
        ],
    );
}

#[test]
fn folders_of_jobs_and_services() {
    check(
        &[
            (
                ".github/workflows/n.yml",
                "jobs:\n  a:\n    defaults:\n      run:\n        working-directory: svc\n    steps:\n    - run: python one.py\n    - run: python two.py\n      working-directory: jobs\n    - run: python one.py\n",
            ),
            (
                "deploy/compose.yml",
                "services:\n  web:\n    build:\n      context: ../svc\n    command: >\n      sh -c \"migrate &&\n      python one.py\"\n",
            ),
            ("svc/one.py", ""),
            ("jobs/two.py", ""),
        ],
        &[
            (".github/workflows/n.yml", 7, "svc/one.py", "svc", false),
            (".github/workflows/n.yml", 8, "jobs/two.py", "jobs", false),
            (".github/workflows/n.yml", 10, "svc/one.py", "svc", false),
            ("deploy/compose.yml", 6, "svc/one.py", "svc", false),
        ],
    );
}

#[test]
fn a_template_of_helm() {
    check(
        &[
            (
                "chart/templates/web.yaml",
                "{{- if .Values.web }}\nspec:\n  {{- with .Values.labels }}\n  labels: {{ toYaml . | nindent 4 }}\n  {{- end }}\n  containers:\n    - name: {{ .Chart.Name }}\n      args:\n        - app.web\n        - --port={{ .Values.port }}\n      command: [\n        \"python\", \"-m\"\n      ]\n{{- end }}\n",
            ),
            ("app/web.py", ""),
        ],
        &[("chart/templates/web.yaml", 9, "app/web.py", "", false)],
    );
}
