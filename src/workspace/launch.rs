//! How each Python process of the repo is started, from the files that it deploys and is worked on with: Dockerfile,
//! compose, Procfile, Kubernetes, systemd, supervisor, GitHub Actions, Makefile, shell scripts, SAM, serverless, LangGraph.
//!
//! Nothing is run and no format is parsed in full: the commands are read off the keys that hold commands, and a command
//! that is not understood is left out.

use std::collections::BTreeSet;

use super::Workspace;

mod command;
mod files;

pub use command::{Program, Target};
pub use files::Copy;

/// A command that starts a Python process of this repo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The file that holds the command, relative to the root.
    pub path: String,
    pub line: u32,
    pub command: String,
    pub program: Program,
    pub target: Target,
    /// Workers are forked after the module is loaded.
    pub prefork: bool,
    /// The repo's file that holds the module, where it is found.
    pub module_path: Option<String>,
    /// The folder of the repo from which the process imports (`sys.path[0]`), `""` for the root.
    pub import_root: Option<String>,
}

/// A command as it stands in a file, with what the file says about where it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RawCommand {
    line: u32,
    words: Vec<String>,
    /// Folders of the repo that the command may run in, the likeliest first.
    folders: Vec<String>,
}

/// Every command of the repo's files that starts a Python process from the repo's own code, in the order of the files.
pub fn commands(workspace: &Workspace) -> Vec<Launch> {
    let listing = workspace.list(|name| name.ends_with(".py") || files::Format::of(name).is_some());
    let python: BTreeSet<&str> = listing
        .files
        .iter()
        .map(String::as_str)
        .filter(|path| path.ends_with(".py"))
        .collect();
    let mut launches = Vec::new();
    for path in &listing.files {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(format) = files::Format::of(name) else {
            continue;
        };
        let Ok(bytes) = workspace.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        for raw in files::raw_commands(format, path, &text) {
            launches.extend(
                command::parse(&raw.words)
                    .into_iter()
                    .filter_map(|parsed| locate(&python, path, &raw, parsed)),
            );
        }
    }
    launches
}

fn locate(
    python: &BTreeSet<&str>,
    path: &str,
    raw: &RawCommand,
    parsed: command::Parsed,
) -> Option<Launch> {
    let own_folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut bases: Vec<String> = Vec::new();
    for folder in raw
        .folders
        .iter()
        .map(String::as_str)
        .chain([own_folder, "", "src"])
    {
        for sub in parsed.folder.iter().flat_map(|sub| places(sub)) {
            bases.push(join(folder, sub));
        }
        // `cd /app`, which the repo was copied to.
        if parsed
            .folder
            .as_deref()
            .is_some_and(|sub| sub.starts_with('/'))
        {
            bases.push(folder.to_owned());
        }
        if parsed.folder.is_none() {
            bases.push(folder.to_owned());
        }
    }
    let mut roots: Vec<String> = Vec::new();
    for base in &bases {
        for extra in &parsed.python_path {
            roots.push(join(base, extra));
        }
        roots.push(base.clone());
    }
    let found = match &parsed.target {
        Target::Module { module, .. } => roots
            .iter()
            .find_map(|root| Some((module_file(python, root, module)?, root.clone()))),
        Target::File(file) => places(file).into_iter().find_map(|file| {
            let mut files = bases.iter().map(|base| join(base, file));
            let file = files.find(|file| python.contains(file.as_str()))?;
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            Some((file.clone(), folder.to_owned()))
        }),
    };
    // What does not lie in this repo is somebody else's process.
    let (module_path, import_root) = found?;
    Some(Launch {
        path: path.to_owned(),
        line: raw.line,
        command: raw.words.join(" "),
        program: parsed.program,
        target: parsed.target,
        prefork: parsed.prefork,
        module_path: Some(module_path),
        import_root: Some(import_root),
    })
}

/// Where in the repo a path may lie: a path of the machine or image that the repo is copied to ends like one of the
/// repo's own.
fn places(path: &str) -> Vec<&str> {
    let Some(absolute) = path.strip_prefix('/') else {
        return vec![path];
    };
    let tails = absolute
        .match_indices('/')
        .map(|(at, _)| &absolute[at + 1..]);
    [absolute].into_iter().chain(tails).collect()
}

/// The file of a dotted module below `root`; `None` when the repo has none.
pub fn module_file(python: &BTreeSet<&str>, root: &str, module: &str) -> Option<String> {
    let base = join(root, &module.replace('.', "/"));
    [
        format!("{base}.py"),
        format!("{base}/__main__.py"),
        format!("{base}/__init__.py"),
    ]
    .into_iter()
    .find(|path| python.contains(path.as_str()))
}

/// The Python files that gunicorn takes its settings and hooks from: the one that it looks for by itself, and those that
/// a command names.
pub fn gunicorn_configs(files: &BTreeSet<String>, launches: &[Launch]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = files
        .iter()
        .filter(|path| path.rsplit('/').next() == Some("gunicorn.conf.py"))
        .cloned()
        .collect();
    for launch in launches {
        let words: Vec<&str> = launch.command.split(' ').collect();
        if !words
            .iter()
            .any(|word| word.rsplit('/').next() == Some("gunicorn"))
        {
            continue;
        }
        let named = words
            .iter()
            .enumerate()
            .find_map(|(index, word)| match *word {
                "-c" | "--config" => words.get(index + 1).copied(),
                word => word.strip_prefix("--config="),
            });
        let Some(named) = named.map(|named| named.strip_prefix("file:").unwrap_or(named)) else {
            continue;
        };
        let root = launch.import_root.as_deref().unwrap_or("");
        // A path inside an image ends like the one in the repo.
        let name = named.rsplit('/').next().unwrap_or(named);
        let mut places = vec![join(root, named), join("", named), join(root, name)];
        places.retain(|place| place.ends_with(".py") && files.contains(place));
        found.extend(places.into_iter().next());
    }
    found
}

/// Whether the file's name is that of a Dockerfile.
pub fn is_dockerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    files::Format::of(name) == Some(files::Format::Dockerfile)
}

/// The `COPY` and `ADD` lines of a Dockerfile that take from the build context.
pub fn dockerfile_copies(text: &str) -> Vec<Copy> {
    files::copies(text)
}

/// Joins two relative paths, resolving `.` and `..`.
pub fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from_base = if path.starts_with('/') { "" } else { base };
    for part in from_base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
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
}
