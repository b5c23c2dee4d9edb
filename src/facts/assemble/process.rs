//! What each process runs, and from where on it is enabled.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Launches, Placed};
use crate::facts::Role;
use crate::facts::file::FileFacts;
use crate::facts::graph::{Graph, Node};
use crate::names::{Definition, FileId, Program};
use crate::syntax::module::{MODULE_SCOPE, ScopeId, ScopeKind};

/// What one process runs.
pub(super) struct Process {
    pub index: usize,
    /// Code that it runs outside of any boundary, and whether only inside a scope.
    pub direct: FxHashMap<Node, bool>,
    pub enable: Option<Enable>,
}

/// The processes of the repo.
#[derive(Default)]
pub(super) struct Processes {
    /// By the index of the entrypoint that starts them.
    all: Vec<Process>,
    /// By a file that has a boundary: where in `all` those stand that load it.
    by_file: FxHashMap<FileId, Vec<usize>>,
    /// Files with a boundary that a process loads that is enabled.
    enabled: FxHashSet<FileId>,
}

impl Processes {
    /// The process that the entrypoint of this index starts.
    pub(super) fn started_by(&self, index: usize) -> Option<&Process> {
        let at = self
            .all
            .binary_search_by_key(&index, |process| process.index);
        at.ok().map(|at| &self.all[at])
    }

    /// Those that load a file with a boundary, in their order.
    pub(super) fn that_load(&self, file: FileId) -> impl Iterator<Item = &Process> {
        let loading = self.by_file.get(&file).into_iter().flatten();
        loading.map(|at| &self.all[*at])
    }

    /// Whether one of those is enabled.
    pub(super) fn is_enabled(&self, file: FileId) -> bool {
        self.enabled.contains(&file)
    }
}

/// Where a process is enabled.
pub(super) struct Enable {
    node: Node,
    at: u32,
    /// Files whose top level ran before.
    early: FxHashSet<FileId>,
}

impl Enable {
    /// Whether code of `node` at `position` runs after this.
    pub(super) fn is_before(&self, node: Node, position: u32) -> bool {
        if node == self.node {
            return position > self.at;
        }
        match node {
            Node::Code(definition) if definition.scope == MODULE_SCOPE => {
                !self.early.contains(&definition.file)
            }
            _ => true,
        }
    }
}

/// A command-line app that another process loads, and that nothing starts by itself, is a part of that process.
pub(super) fn demote_parts(
    program: &Program,
    graph: &Graph,
    launches: &Launches,
    placed: &mut [Placed],
) {
    const COMMAND_LINE_APPS: [&str; 2] = ["click_group", "typer_app"];
    let is_app = |at: &Placed| COMMAND_LINE_APPS.contains(&at.found.kind.as_str());
    let started: FxHashSet<FileId> = placed
        .iter()
        .filter(|at| at.found.role == Role::Process)
        .filter(|at| {
            let path = &program.file(at.file).path;
            !is_app(at) || !launches.of(path).is_empty()
        })
        .map(|at| at.file)
        .collect();
    if started.is_empty() || !placed.iter().any(is_app) {
        return;
    }
    let loaded: FxHashSet<FileId> = graph.closure(started.iter().copied()).into_iter().collect();
    for at in placed.iter_mut().filter(|at| is_app(at)) {
        if loaded.contains(&at.file) && !started.contains(&at.file) {
            at.found.role = Role::Boundary;
        }
    }
}

pub(super) fn processes(
    program: &Program,
    facts: &[FileFacts],
    graph: &Graph,
    placed: &[Placed],
    boundaries: &FxHashSet<Definition>,
) -> Processes {
    let with_boundary = placed.iter().filter(|at| at.found.role == Role::Boundary);
    let with_boundary: FxHashSet<FileId> = with_boundary.map(|at| at.file).collect();
    let started = placed.par_iter().enumerate();
    let started: Vec<(Process, Vec<FileId>)> = started
        .filter(|(_, at)| at.found.role == Role::Process)
        .map(|(index, at)| {
            let parents = program.table.parents(&program.file(at.file).path);
            let files = graph.closure(parents.into_iter().chain([at.file]));
            let scope = MODULE_SCOPE;
            let mut roots: Vec<(Node, bool)> = files
                .iter()
                .map(|&file| (Node::Code(Definition { file, scope }), false))
                .collect();
            let is_own_boundary = match at.found.node {
                Node::Code(definition) => boundaries.contains(&definition),
                Node::Main(_) => false,
            };
            if !is_own_boundary || at.found.definition.is_none() {
                roots.push((at.found.node, false));
            }
            roots.extend(factory(program, at).map(|node| (node, false)));
            let direct = graph.reach(&roots, boundaries);
            let files: FxHashSet<FileId> = files.into_iter().collect();
            let enable = enable_of(facts, graph, at, &files, &direct);
            let process = Process {
                index,
                direct,
                enable,
            };
            let files = files.intersection(&with_boundary).copied().collect();
            (process, files)
        })
        .collect();
    let mut found = Processes::default();
    for (at, (process, files)) in started.into_iter().enumerate() {
        if process.enable.is_some() {
            found.enabled.extend(&files);
        }
        for file in files {
            found.by_file.entry(file).or_default().push(at);
        }
        found.all.push(process);
    }
    found
}

/// The function that makes an app: it runs as the process starts.
fn factory(program: &Program, at: &Placed) -> Option<Node> {
    let module = program.module(at.file)?;
    let is_instance = at.found.definition.is_none() && matches!(at.found.node, Node::Code(_));
    let mut functions = module.scopes.iter().enumerate().filter(|(_, scope)| {
        let lines = scope.span.line..=scope.span.end_line;
        scope.kind == ScopeKind::Function && lines.contains(&at.found.line)
    });
    // The innermost stands last.
    let (index, _) = functions.next_back().filter(|_| is_instance)?;
    Some(Node::Code(Definition {
        file: at.file,
        scope: ScopeId(index as u32),
    }))
}

/// The first call of `enable()` that the process runs: at the top level of a file that it loads, or on its direct way.
fn enable_of(
    facts: &[FileFacts],
    graph: &Graph,
    at: &Placed,
    files: &FxHashSet<FileId>,
    direct: &FxHashMap<Node, bool>,
) -> Option<Enable> {
    let mut best: Option<Enable> = None;
    for (index, file) in facts.iter().enumerate() {
        let id = FileId(index as u32);
        for &(node, position) in &file.guards.enables {
            let top = Node::Code(Definition {
                file: id,
                scope: MODULE_SCOPE,
            });
            let runs = (node == top && files.contains(&id))
                || direct.contains_key(&node)
                || node == at.found.node;
            if !runs {
                continue;
            }
            let early: FxHashSet<FileId> = if node == top {
                let before =
                    graph
                        .imports
                        .get(&id)
                        .into_iter()
                        .flatten()
                        .filter(|(_, import_at)| {
                            import_at.is_some_and(|import_at| import_at < position)
                        });
                let before = graph.closure(before.map(|(file, _)| *file));
                before.into_iter().filter(|file| *file != id).collect()
            } else {
                files.clone()
            };
            let better = best
                .as_ref()
                .is_none_or(|known| early.len() < known.early.len());
            if better {
                best = Some(Enable {
                    node,
                    at: position,
                    early,
                });
            }
        }
    }
    best
}
