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
        Target::Module { module, .. } => {
            // `celery -A proj` looks for `proj/celery.py` too.
            let inner = format!("{module}.celery");
            let names = match parsed.program {
                Program::Celery => vec![inner.as_str(), module],
                _ => vec![module.as_str()],
            };
            let mut places = names
                .iter()
                .flat_map(|name| roots.iter().map(move |root| (name, root)));
            places.find_map(|(name, root)| Some((module_file(python, root, name)?, root.clone())))
        }
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
mod tests;
