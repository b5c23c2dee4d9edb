//! What the code does to the outside world: its entrypoints and its side-effecting calls.
//!
//! Facts are a pure function of the repo's bytes and the catalog: same repo, same facts, in the same order.

use anyhow::{Context, ensure};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::load::Loaded;
use self::session::Session;
use crate::catalog::Catalog;
pub use crate::catalog::{Action, Category, Role};
use crate::names::{FileId, Known, Program, Resolver};
use crate::workspace::{SkippedFile, Workspace, launch, scripts};

mod assemble;
mod connect;
mod destination;
mod edges;
mod effect;
mod entrypoint;
mod file;
mod graph;
mod load;
pub mod session;
mod workflow;

/// Everything that a scan found, in the shape of `scan --format json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    pub schema: String,
    pub files: FileCounts,
    /// Sorted by path, line and column.
    pub entrypoints: Vec<Entrypoint>,
    /// Sorted by path, line and column.
    pub effects: Vec<Effect>,
    pub summary: Summary,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct FileCounts {
    pub python: usize,
    pub with_findings: usize,
    /// Files that could not be read or decoded.
    pub skipped: Vec<SkippedFile>,
    /// Parts of files that do not parse; what lies outside of them is analysed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unparsed: Vec<Unparsed>,
}

/// Lines that did not parse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unparsed {
    pub path: String,
    /// As in [`Effect::cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<u32>,
    pub line: u32,
    pub end_line: u32,
}

/// What kind of code a file is. Gates and plans are about `App` unless asked otherwise.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    App,
    Test,
    Example,
    Docs,
    Migration,
    Vendored,
    Generated,
}

/// Where outside control enters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entrypoint {
    /// `E1`, `E2`, … in the order of the list.
    pub id: String,
    pub role: Role,
    /// `<framework>_<thing>`.
    pub kind: String,
    pub name: String,
    /// The dotted name of the function or class, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    pub origin: Origin,
    pub path: String,
    /// As in [`Effect::cell`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<u32>,
    /// 1-based. For a decorated function, the line of its `def`.
    pub line: u32,
    pub end_line: u32,
    /// Processes only: `enable()` stands here, before the first effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Boundaries only: an intent scope covers the whole unit of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoped: Option<bool>,
    /// Boundaries only: ids of the processes in this repo that can run it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// Processes only: the commands in the repo's own files (Dockerfile, Procfile, …) that start it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<LaunchCommand>,
}

/// A command in one of the repo's deployment files that starts a Python process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaunchCommand {
    pub path: String,
    pub line: u32,
    pub command: String,
    /// Workers are forked after the module is loaded (gunicorn, Celery, uvicorn with workers).
    pub prefork: bool,
}

/// How a callee was known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// By method name and context alone.
    Possible,
    /// Through an annotation, a return type or a parameter's default.
    Likely,
    /// Through imports and assignments.
    Certain,
}

/// What already stands in the code for an effect; exactly one state.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    None,
    /// An enabled entrypoint reaches it and the client intercepts it.
    Enable,
    /// An intent scope lies on the path too.
    Scope,
    /// An explicit enforcement call guards it.
    Enforce,
}

/// What the intent of an effect would name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resource {
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
    /// The name is of what is acted on; else it is the library's, for want of a better one.
    #[serde(skip)]
    pub is_named: bool,
}

/// A side-effecting call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Effect {
    /// `S1`, `S2`, … in the order of the list.
    pub id: String,
    pub category: Category,
    pub action: Action,
    /// The callee's qualified name, as the catalog spells it.
    pub call: String,
    pub path: String,
    /// Notebooks only: the cell, 1-based among the cells of every kind; lines count within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<u32>,
    pub line: u32,
    /// 1-based, in Unicode characters.
    pub column: u32,
    /// Inclusive.
    pub end_line: u32,
    /// The dotted name of the function that makes the call; the module's name for top-level code.
    pub symbol: String,
    pub origin: Origin,
    /// URL, path, statement, recipient, …, as far as it is constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    pub resource: Resource,
    pub confidence: Confidence,
    /// The bundled client, once enabled, stops this call before it happens.
    pub intercepted: bool,
    pub coverage: Coverage,
    /// Ids of the entrypoints that reach it: boundaries, and processes that run it outside of any boundary.
    pub reached_from: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub entrypoints: usize,
    pub effects: usize,
    pub by_category: std::collections::BTreeMap<Category, usize>,
    pub coverage: std::collections::BTreeMap<Coverage, usize>,
}

/// What to analyse.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Report effects known by method name and context alone.
    pub possible: bool,
    /// Count code of every origin in the summary, not only `app`.
    pub all: bool,
}

const CANCELLED: &str = "the analysis was cancelled";

/// Analyses the repo.
///
/// # Errors
/// When the repo's `governor.toml` has rules that are wrong; a file that cannot be read is listed, not an error.
pub fn analyze(workspace: &Workspace, options: &Options) -> anyhow::Result<Scan> {
    analyze_for(&Session::default(), workspace, options)
}

/// [`analyze`] for one who watches it, may cancel it, or asks again.
///
/// # Errors
/// As [`analyze`], and when `session` was cancelled.
pub fn analyze_for(
    session: &Session,
    workspace: &Workspace,
    options: &Options,
) -> anyhow::Result<Scan> {
    let user_rules = match workspace.read("governor.toml") {
        Ok(bytes) => Some(Catalog::with_user_rules(&String::from_utf8_lossy(&bytes))?),
        Err(_) => None,
    };
    let catalog = user_rules.as_ref().unwrap_or_else(|| Catalog::builtin());
    // Deeply nested code recurses deeply; the threads that read it have the stack for it.
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(256 << 20)
        .build()
        .context("cannot start threads")?;
    pool.install(|| {
        let mut loaded = load::load(workspace, catalog, session);
        let scan = facts_of(&mut loaded, session, workspace, options);
        // Nobody need wait until the memory of all modules is given back, least of all one who cancelled.
        let modules = std::mem::take(&mut loaded.program.files);
        std::thread::spawn(move || drop(modules));
        scan
    })
}

fn facts_of(
    loaded: &mut Loaded,
    session: &Session,
    workspace: &Workspace,
    options: &Options,
) -> anyhow::Result<Scan> {
    ensure!(!session.is_cancelled(), CANCELLED);
    let (subclasses, derived) = graph::subclasses(&loaded.program);
    loaded.program.subclasses = subclasses;
    loaded.program.derived = derived;
    connect::connect(&mut loaded.program, &session.cancelled);
    let facts: Vec<file::FileFacts> = each_file(&loaded.program, |resolver, file| {
        if session.is_cancelled() {
            return file::FileFacts::default();
        }
        let found = file::file_facts(resolver, file, options.possible);
        session.advance();
        found
    });
    ensure!(!session.is_cancelled(), CANCELLED);
    let scripts = scripts::scripts(workspace);
    let launches = launch::commands(workspace);
    Ok(assemble::assemble(
        loaded, facts, &scripts, &launches, options,
    ))
}

/// Looks at every file, several at once; the results are in the order of the files.
fn each_file<'p, T: Send>(
    program: &'p Program<'p>,
    look: impl Fn(&mut Resolver<'p>, FileId) -> T + Sync,
) -> Vec<T> {
    let groups = groups(program).flat_map_iter(|(_, files)| {
        let mut resolver = Resolver::new(program);
        let look = &look;
        files.map(move |file| look(&mut resolver, file))
    });
    groups.collect()
}

/// The same, by groups of neighbours, each with what resolution found of them.
fn each_group<'p, T: Send>(
    program: &'p Program<'p>,
    look: impl Fn(&mut Resolver<'p>, FileId) -> T + Sync,
) -> Vec<(Vec<T>, Known)> {
    let groups = groups(program).map(|(group, files)| {
        let mut resolver = Resolver::new(program);
        let found = files.map(|file| look(&mut resolver, file)).collect();
        (found, resolver.into_known(group))
    });
    groups.collect()
}

/// Neighbouring files that share a resolver.
fn groups(
    program: &Program,
) -> impl IndexedParallelIterator<Item = (usize, impl Iterator<Item = FileId> + use<>)> + use<> {
    let (files, size) = (program.files.len(), program.group_size());
    let groups = (0..files.div_ceil(size)).into_par_iter();
    groups.map(move |group| {
        let files = group * size..files.min((group + 1) * size);
        (group, files.map(|index| FileId(index as u32)))
    })
}
