//! Reads and parses the repo: one [`Program`] and the origin of each file.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::session::{Session, Stamp};
use super::workflow::{self, Workflow};
use super::{Origin, Unparsed};
use crate::catalog::Catalog;
use crate::names::{FileId, FileTable, Program, SourceModule};
use crate::syntax;
use crate::workspace::notebook::{self, Notebook};
use crate::workspace::{self, SkippedFile, Workspace};

/// The repo, ready for resolution.
pub struct Loaded<'c> {
    pub program: Program<'c>,
    /// By file id.
    pub origins: Vec<Origin>,
    pub skipped: Vec<SkippedFile>,
    pub unparsed: Vec<Unparsed>,
    pub notebooks: FxHashMap<FileId, Notebook>,
    pub workflows: Vec<Workflow>,
}

/// Files that mark a folder as a project of its own, from which its imports start.
const PROJECT_FILES: &[&str] = &["manage.py", "pyproject.toml", "setup.cfg", "setup.py"];

/// Reads every Python file under the root. A file that cannot be read is listed as skipped.
/// Modules that `session` remembers are read again only where their files were written.
pub fn load<'c>(workspace: &Workspace, catalog: &'c Catalog, session: &Session) -> Loaded<'c> {
    let listing = workspace
        .list(|name| is_code(name) || name.ends_with(".json") || PROJECT_FILES.contains(&name));
    let projects: Vec<String> = listing
        .files
        .iter()
        .filter_map(|path| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            PROJECT_FILES.contains(&name).then(|| folder.to_owned())
        })
        .collect();
    let documents: Vec<String> = listing
        .files
        .iter()
        .filter(|path| path.ends_with(".json"))
        .cloned()
        .collect();
    // Modules first: the table knows them by their place in this list, and nothing imports a notebook.
    let (mut paths, notebooks): (Vec<String>, Vec<String>) = listing
        .files
        .into_iter()
        .filter(|path| is_code(path))
        .partition(|path| path.ends_with(".py"));
    let mut installed: FxHashSet<String> = catalog.imports.iter().cloned().collect();
    installed.extend(STANDARD.iter().map(|name| name.to_string()));
    let table = FileTable::new(&paths, &projects, installed);
    paths.extend(notebooks);

    session.expect(2 * paths.len());
    let stamped: Vec<(Option<Stamp>, Parsed)> = paths
        .par_iter()
        .map(|path| {
            if session.is_cancelled() {
                return (
                    None,
                    Parsed::Skipped("the analysis was cancelled".to_owned()),
                );
            }
            let memory = session.memory.as_deref();
            let stamp = memory.and_then(|_| workspace.stamp(path));
            let known = memory
                .zip(stamp)
                .and_then(|(memory, stamp)| memory.get(path, stamp));
            let parsed = known.unwrap_or_else(|| parse(workspace, path));
            session.advance();
            (stamp, parsed)
        })
        .collect();
    if let Some(memory) = &session.memory
        && !session.is_cancelled()
    {
        let kept = paths
            .iter()
            .zip(&stamped)
            .filter_map(|(path, (stamp, parsed))| {
                Some((path.clone(), ((*stamp)?, parsed.clone())))
            });
        memory.keep(kept.collect());
    }

    let (mut files, mut origins, mut skipped, mut unparsed) =
        (Vec::new(), Vec::new(), listing.skipped, Vec::new());
    skipped.retain(|file| is_code(&file.path) || !file.path.contains('.'));
    let mut notebooks = FxHashMap::default();
    for (path, (_, parsed)) in paths.into_iter().zip(stamped) {
        let (module, generated) = match parsed {
            Parsed::Module(module, generated) => (Some(module), generated),
            Parsed::Notebook(module, notebook) => {
                notebooks.insert(FileId(files.len() as u32), notebook);
                (Some(module), false)
            }
            Parsed::OtherLanguage => (None, false),
            Parsed::Skipped(reason) => {
                skipped.push(SkippedFile {
                    path: path.clone(),
                    reason,
                });
                (None, false)
            }
        };
        for &(line, end_line) in module.iter().flat_map(|module| &module.unparsed) {
            unparsed.push(Unparsed {
                path: path.clone(),
                cell: None,
                line,
                end_line,
            });
        }
        let origin = origin(&path, generated, &table);
        origins.push(origin);
        files.push(SourceModule {
            is_test: origin == Origin::Test,
            name: table.module_name(&path),
            path,
            module,
        });
    }
    skipped.sort_unstable();
    let workflows = documents
        .par_iter()
        .filter_map(|path| {
            let bytes = workspace.read(path).ok()?;
            let read = || workflow::read(catalog, path, origin(path, false, &table), &bytes);
            workflow::may_be(&bytes).then(read).flatten()
        })
        .collect();
    let imports = files
        .iter()
        .filter(|file| !file.is_test)
        .filter_map(|file| file.module.as_ref());
    let imported = imports
        .flat_map(|module| &module.imports)
        .filter(|import| import.level == 0)
        .filter_map(|import| import.module.split('.').next())
        .map(str::to_owned)
        .collect();
    let program = Program {
        catalog,
        imported,
        methods: Default::default(),
        relations: Default::default(),
        files,
        table,
        called_from: Default::default(),
        classes: Default::default(),
        kept: Default::default(),
        contents: Default::default(),
        given: Default::default(),
        subclasses: Default::default(),
        derived: Default::default(),
        methods_by_name: Default::default(),
        known: Vec::new(),
        properties: Default::default(),
        settings: Default::default(),
    };
    Loaded {
        program,
        origins,
        skipped,
        unparsed,
        notebooks,
        workflows,
    }
}

fn is_code(path: &str) -> bool {
    path.ends_with(".py") || path.ends_with(".ipynb")
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub enum Parsed {
    Module(Arc<syntax::module::Module>, bool),
    Notebook(Arc<syntax::module::Module>, Notebook),
    /// A notebook that is not in Python.
    OtherLanguage,
    Skipped(String),
}

fn parse(workspace: &Workspace, path: &str) -> Parsed {
    let bytes = match workspace.read(path) {
        Ok(bytes) => bytes,
        Err(reason) => return Parsed::Skipped(reason),
    };
    if path.ends_with(".ipynb") {
        return match notebook::read(&bytes) {
            Ok(Some(notebook)) => {
                Parsed::Notebook(Arc::new(syntax::lower(&notebook.code)), notebook)
            }
            Ok(None) => Parsed::OtherLanguage,
            Err(reason) => Parsed::Skipped(reason),
        };
    }
    match workspace::decode(&bytes) {
        Ok(text) => Parsed::Module(Arc::new(syntax::lower(&text)), is_generated(&text)),
        Err(reason) => Parsed::Skipped(reason),
    }
}

fn is_generated(text: &str) -> bool {
    text.lines()
        .take(8)
        .filter(|line| line.trim_start().starts_with('#') || line.contains("\"\"\""))
        .any(|line| {
            let line = line.to_ascii_lowercase();
            line.contains("do not edit")
                || line.contains("@generated")
                || line.contains("generated by the protocol buffer")
        })
}

/// What kind of code a file is, by its path and header.
fn origin(path: &str, generated: bool, table: &FileTable) -> Origin {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let folders: Vec<&str> = folders.split('/').collect();
    let within = |names: &[&str]| folders.iter().any(|folder| names.contains(folder));
    let is_tests = folders.iter().any(|folder| folder.starts_with("tests_"));
    let is_client = folders
        .iter()
        .rposition(|folder| *folder == "governor")
        .is_some_and(|at| {
            let folder: Vec<&str> = path.split('/').take(at + 1).collect();
            table
                .file(&format!("{}/_gate.py", folder.join("/")))
                .is_some()
        });
    if is_client
        || within(&[
            "vendor",
            "vendored",
            "_vendor",
            "third_party",
            "thirdparty",
            "extern",
            "_vendored",
        ])
    {
        Origin::Vendored
    } else if generated
        || name.ends_with("_pb2.py")
        || name.ends_with("_pb2_grpc.py")
        || within(&["generated"])
    {
        Origin::Generated
    } else if within(&[
        "tests",
        "test",
        "testing",
        "__tests__",
        "e2e",
        "integration_tests",
        "unit_tests",
        // What a forge or a build service runs.
        ".circleci",
        ".github",
        ".gitlab",
    ]) || is_tests
        || name.starts_with("test_")
        || name.ends_with("_test.py")
        || ["conftest.py", "tests.py", "test.py", "noxfile.py"].contains(&name)
        || is_behave(path, table)
    {
        Origin::Test
    } else if within(&["migrations", "alembic"]) || is_alembic_version(path, table) {
        Origin::Migration
    } else if within(&[
        "examples",
        "example",
        "samples",
        "sample",
        "demos",
        "demo",
        "tutorial",
        "tutorials",
    ]) || within(&["cookbook"]) && !is_app(path, table)
    {
        Origin::Example
    } else if within(&["docs", "doc", "docs_src"]) {
        Origin::Docs
    } else {
        Origin::App
    }
}

/// Whether the file's outermost folder is an app of Django, however it is called.
fn is_app(path: &str, table: &FileTable) -> bool {
    let folder = path.split('/').next().unwrap_or_default();
    table.file(&format!("{folder}/apps.py")).is_some()
}

/// Behave runs the steps beside its `environment.py`, in `features`.
fn is_behave(path: &str, table: &FileTable) -> bool {
    let start = if path.starts_with("features/") {
        Some("")
    } else {
        path.split_once("/features/").map(|(start, _)| start)
    };
    start.is_some_and(|start| {
        let folder = if start.is_empty() {
            "features".to_owned()
        } else {
            format!("{start}/features")
        };
        path.starts_with(&format!("{folder}/steps/"))
            || table.file(&format!("{folder}/environment.py")).is_some()
    })
}

/// Alembic keeps its migrations in `versions` beside its `env.py`, whatever the folder around them is called.
fn is_alembic_version(path: &str, table: &FileTable) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder
        .strip_suffix("versions")
        .is_some_and(|parent| table.file(&format!("{parent}env.py")).is_some())
}

/// Modules of the standard library that a folder without `__init__.py` must not shadow.
const STANDARD: &[&str] = &[
    "abc",
    "argparse",
    "ast",
    "asyncio",
    "base64",
    "collections",
    "concurrent",
    "contextlib",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "email",
    "enum",
    "functools",
    "glob",
    "hashlib",
    "html",
    "http",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "logging",
    "math",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "platform",
    "queue",
    "random",
    "re",
    "select",
    "shutil",
    "signal",
    "site",
    "socket",
    "sqlite3",
    "ssl",
    "string",
    "struct",
    "subprocess",
    "sys",
    "tempfile",
    "test",
    "threading",
    "time",
    "token",
    "traceback",
    "types",
    "typing",
    "unittest",
    "urllib",
    "uuid",
    "venv",
    "warnings",
    "xml",
    "zipfile",
];
