//! From the facts of single files to the facts of the repo: who reaches what, and what already stands in the way.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::effect::FoundEffect;
use super::entrypoint::FoundEntrypoint;
use super::file::FileFacts;
use super::graph::{Graph, Node, Ways};
use super::load::Loaded;
use super::*;
use crate::names::{Definition, Program};
use crate::syntax::module::{BlockKind, MODULE_SCOPE, Module, ScopeKind};
use crate::workspace::launch::Launch;
use crate::workspace::notebook::Notebook;
use crate::workspace::scripts::Script;

mod agent_loop;
mod entered;
mod process;
mod script;

use agent_loop::agent_loops;
use entered::{entered, led_to};
use process::{Processes, demote_parts, processes};
use script::{console_scripts, whole_script};

/// An entrypoint with its file.
struct Placed {
    file: FileId,
    found: FoundEntrypoint,
}

/// Puts the files' facts together.
pub fn assemble(
    loaded: &Loaded,
    facts: Vec<FileFacts>,
    scripts: &[Script],
    launches: &[Launch],
    options: &Options,
) -> Scan {
    let program = &loaded.program;
    let graph = build_graph(&facts);
    let launches = Launches::new(launches);
    let mut placed = placed(program, &facts, &graph, scripts, &launches);
    demote_parts(program, &graph, &launches, &mut placed);
    let boundaries: FxHashSet<Definition> = placed
        .iter()
        .filter(|placed| placed.found.role == Role::Boundary)
        .flat_map(|placed| entered(program, placed))
        .filter_map(|node| match node {
            Node::Code(definition) if definition.scope != MODULE_SCOPE => Some(definition),
            _ => None,
        })
        .collect();
    let whole = Whole {
        loaded,
        processes: processes(program, &facts, &graph, &placed, &boundaries),
        governed: facts
            .iter()
            .flat_map(|file| file.guards.governed.iter().copied())
            .collect(),
        facts: &facts,
        graph,
        placed,
    };
    let mut entrypoints: Vec<Entrypoint> = (0..whole.placed.len())
        .map(|at| whole.entrypoint(at, &launches))
        .collect();
    let mut effects = whole.effects();
    add_workflows(loaded, &mut entrypoints, &mut effects);
    effects.sort_by(|a, b| {
        (&a.path, a.line, a.column, &a.call, a.category)
            .cmp(&(&b.path, b.line, b.column, &b.call, b.category))
    });
    for (index, effect) in effects.iter_mut().enumerate() {
        effect.id = format!("S{}", index + 1);
    }
    let mut unparsed = loaded.unparsed.clone();
    place_in_cells(loaded, &mut entrypoints, &mut effects, &mut unparsed);
    let paths = effects.iter().map(|effect| effect.path.as_str());
    let with_findings: FxHashSet<&str> = paths
        .chain(entrypoints.iter().map(|found| found.path.as_str()))
        .collect();
    let files = FileCounts {
        python: program.files.len(),
        with_findings: with_findings.len(),
        skipped: loaded.skipped.clone(),
        unparsed,
    };
    let summary = summary(&entrypoints, &effects, options);
    Scan {
        schema: "governor.scan/1".to_owned(),
        files,
        entrypoints,
        effects,
        summary,
    }
}

/// The commands that start processes, by the path of the file that they start.
struct Launches<'a>(FxHashMap<&'a str, Vec<&'a Launch>>);

impl<'a> Launches<'a> {
    fn new(launches: &'a [Launch]) -> Launches<'a> {
        let mut by_path: FxHashMap<&str, Vec<&Launch>> = FxHashMap::default();
        for launch in launches {
            if let Some(path) = &launch.module_path {
                by_path.entry(path).or_default().push(launch);
            }
        }
        Launches(by_path)
    }

    fn of(&self, path: &str) -> &[&'a Launch] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }
}

/// The entrypoints of the repo, sorted by their place, each once.
fn placed(
    program: &Program,
    facts: &[FileFacts],
    graph: &Graph,
    scripts: &[Script],
    launches: &Launches,
) -> Vec<Placed> {
    let imported = graph.imported();
    let mut placed: Vec<Placed> = Vec::new();
    for (index, own) in facts.iter().enumerate() {
        let file = FileId(index as u32);
        let found = own.entrypoints.iter().cloned();
        let found = found
            .chain(agent_loops(program, file, facts))
            .chain(whole_script(program, file, own, &imported, launches));
        placed.extend(found.map(|found| Placed { file, found }));
    }
    drop_registered(program, &mut placed);
    placed.extend(console_scripts(program, scripts));
    placed.sort_by(|a, b| {
        let key = |placed: &'_ Placed| {
            let found = &placed.found;
            (
                found.line,
                found.column,
                found.kind.clone(),
                found.name.clone(),
            )
        };
        let path = |placed: &Placed| &program.file(placed.file).path;
        path(a).cmp(path(b)).then_with(|| key(a).cmp(&key(b)))
    });
    placed.dedup_by(|a, b| {
        (a.file, a.found.line, &a.found.kind, &a.found.name)
            == (b.file, b.found.line, &b.found.kind, &b.found.name)
    });
    placed
}

/// A class that is an entrypoint by what it derives from is reported where it is registered, if it is, and in its heirs'
/// place if it is but their base.
fn drop_registered(program: &Program, placed: &mut Vec<Placed>) {
    let here = |at: &Placed| {
        let own = at.found.definition?;
        let module = program.module(own.file)?;
        let scope = module.scope(own.scope);
        let is_here = own.file == at.file && scope.span.line == at.found.line;
        (scope.kind == ScopeKind::Class).then_some((own, is_here))
    };
    let classes = placed.iter().filter_map(here);
    let (by_base, registered): (Vec<_>, Vec<_>) = classes.partition(|(_, is_here)| *is_here);
    let registered: FxHashSet<Definition> = registered.into_iter().map(|(own, _)| own).collect();
    let by_base: FxHashSet<Definition> = by_base.into_iter().map(|(own, _)| own).collect();
    placed.retain(|at| {
        let Some((own, true)) = here(at) else {
            return true;
        };
        let is_entered = |heir: &Definition| registered.contains(heir) || by_base.contains(heir);
        let mut heirs = program.subclasses.get(&own).into_iter().flatten();
        !registered.contains(&own) && !heirs.any(is_entered)
    });
}

/// The whole repo: what is needed to say of one entrypoint or effect how it stands to the others.
struct Whole<'a> {
    loaded: &'a Loaded<'a>,
    facts: &'a [FileFacts],
    graph: Graph,
    placed: Vec<Placed>,
    processes: Processes,
    /// Functions under `@governor.governed`.
    governed: FxHashSet<Definition>,
}

impl Whole<'_> {
    /// Whether a scope covers the whole unit of work.
    fn is_scoped(&self, at: &Placed) -> bool {
        let definition = at.found.definition;
        definition.is_some_and(|definition| self.governed.contains(&definition))
            || whole_body_scoped(&self.loaded.program, self.facts, at)
    }

    /// The code among `acting` that an entrypoint reaches, and whether only inside of scopes.
    fn reached(&self, index: usize, acting: &Ways, unscoped: &Ways) -> Vec<(Node, bool)> {
        let at = &self.placed[index];
        if at.found.role == Role::Process {
            let direct = self.processes.started_by(index).into_iter();
            let direct = direct.flat_map(|process| &process.direct);
            return direct
                .filter(|(node, _)| acting.end_at(node))
                .map(|(node, scoped)| (*node, *scoped))
                .collect();
        }
        let program = &self.loaded.program;
        // One boundary that calls another still reaches what lies behind it.
        let mut roots = entered(program, at);
        roots.extend(led_to(program, at));
        let without: FxHashSet<Node> = match self.is_scoped(at) {
            true => FxHashSet::default(),
            false => unscoped.from(&roots).into_iter().collect(),
        };
        let reached = acting.from(&roots).into_iter();
        reached
            .map(|node| (node, !without.contains(&node)))
            .collect()
    }

    /// The entrypoints that reach the code of an effect, by that code; in their order, each with whether it does so only
    /// inside of scopes.
    fn reaching(&self) -> FxHashMap<Node, Vec<(usize, bool)>> {
        let program = &self.loaded.program;
        let nodes = self.facts.iter().enumerate().flat_map(|(index, file)| {
            let id = FileId(index as u32);
            let effects = program.module(id).map(|module| (module, &file.effects));
            effects.into_iter().flat_map(move |(module, effects)| {
                let effects = effects.iter();
                effects.map(move |found| graph::node_of(module, id, &found.call_site))
            })
        });
        let acting: FxHashSet<Node> = nodes.collect();
        let ways = Ways::new(&self.graph, &acting, |_| true);
        let unscoped = Ways::new(&self.graph, &acting, |edge| !edge.scoped);
        let reached: Vec<Vec<(Node, bool)>> = (0..self.placed.len())
            .into_par_iter()
            .map(|index| self.reached(index, &ways, &unscoped))
            .collect();
        let mut reaching: FxHashMap<Node, Vec<(usize, bool)>> = FxHashMap::default();
        for (index, nodes) in reached.into_iter().enumerate() {
            for (node, scoped) in nodes {
                reaching.entry(node).or_default().push((index, scoped));
            }
        }
        reaching
    }

    fn entrypoint(&self, index: usize, launches: &Launches) -> Entrypoint {
        let program = &self.loaded.program;
        let at = &self.placed[index];
        let path = &program.file(at.file).path;
        let is_process = at.found.role == Role::Process;
        let starting = if is_process { launches.of(path) } else { &[] };
        let running = (!is_process).then(|| self.processes.that_load(at.file));
        Entrypoint {
            id: format!("E{}", index + 1),
            role: at.found.role,
            kind: at.found.kind.clone(),
            name: at.found.name.clone(),
            symbol: at
                .found
                .definition
                .map(|definition| program.symbol(definition)),
            origin: self.loaded.origins[at.file.0 as usize],
            path: path.clone(),
            cell: None,
            line: at.found.line,
            end_line: at.found.end_line.max(at.found.line),
            enabled: is_process.then(|| {
                self.processes
                    .started_by(index)
                    .is_some_and(|process| process.enable.is_some())
            }),
            scoped: (!is_process).then(|| self.is_scoped(at)),
            processes: running
                .into_iter()
                .flatten()
                .map(|process| format!("E{}", process.index + 1))
                .collect(),
            commands: starting
                .iter()
                .map(|launch| LaunchCommand {
                    path: launch.path.clone(),
                    line: launch.line,
                    command: launch.command.clone(),
                    prefork: launch.prefork,
                })
                .collect(),
        }
    }

    /// The effects of all files.
    fn effects(&self) -> Vec<Effect> {
        let program = &self.loaded.program;
        let reaching = self.reaching();
        let mut effects = Vec::new();
        for (index, file) in self.facts.iter().enumerate() {
            let file_id = FileId(index as u32);
            let Some(module) = program.module(file_id) else {
                continue;
            };
            for found in &file.effects {
                let node = graph::node_of(module, file_id, &found.call_site);
                let reaching = reaching.get(&node).map_or(&[][..], Vec::as_slice);
                effects.push(Effect {
                    id: String::new(),
                    category: found.category,
                    action: found.target.action,
                    call: found.call.clone(),
                    path: program.file(file_id).path.clone(),
                    cell: None,
                    line: found.span.line,
                    column: found.span.column,
                    end_line: found.span.end_line,
                    symbol: program.symbol(Definition {
                        file: file_id,
                        scope: module.owner(found.call_site.scope),
                    }),
                    origin: self.loaded.origins[index],
                    destination: found
                        .target
                        .destination
                        .as_deref()
                        .map(crate::redact::destination),
                    resource: found.target.resource.clone(),
                    confidence: found.confidence,
                    intercepted: found.intercepted,
                    coverage: self.coverage(module, file, found, node, reaching),
                    reached_from: reaching
                        .iter()
                        .map(|(index, _)| format!("E{}", index + 1))
                        .collect(),
                });
            }
        }
        effects
    }

    /// What already stands in the code for an effect that the entrypoints `reaching` reach, each with whether only
    /// inside of scopes.
    fn coverage(
        &self,
        module: &Module,
        file: &FileFacts,
        found: &FoundEffect,
        node: Node,
        reaching: &[(usize, bool)],
    ) -> Coverage {
        let at = found.span.start;
        let guarded = file.guards.around(module, node, &found.call_site, at);
        let is_governed = matches!(node, Node::Code(function) if self.governed.contains(&function));
        if guarded.enforce || (is_governed && !found.intercepted) {
            return Coverage::Enforce;
        }
        let is_enabled = |(entry, _): &(usize, bool)| {
            let entrypoint = &self.placed[*entry];
            if entrypoint.found.role == Role::Boundary {
                return self.processes.is_enabled(entrypoint.file);
            }
            let process = self.processes.started_by(*entry);
            let enable = process.and_then(|process| process.enable.as_ref());
            enable.is_some_and(|enable| enable.is_before(node, at))
        };
        if !found.intercepted || !reaching.iter().any(is_enabled) {
            return Coverage::None;
        }
        let scoped = guarded.scope || reaching.iter().all(|(_, scoped)| *scoped);
        if scoped {
            Coverage::Scope
        } else {
            Coverage::Enable
        }
    }
}

/// Adds what the repo's workflow documents do.
fn add_workflows(loaded: &Loaded, entrypoints: &mut Vec<Entrypoint>, effects: &mut Vec<Effect>) {
    if loaded.workflows.is_empty() {
        return;
    }
    for workflow in &loaded.workflows {
        let first = entrypoints.len();
        entrypoints.extend(workflow.entrypoints.iter().cloned());
        effects.extend(workflow.effects.iter().cloned().map(|mut effect| {
            let numbered = |index: &String| index.parse::<usize>().ok().map(|index| first + index);
            let reached: Vec<usize> = effect.reached_from.iter().filter_map(numbered).collect();
            effect.reached_from = reached
                .iter()
                .map(|index| format!("E{}", index + 1))
                .collect();
            effect
        }));
    }
    renumber(entrypoints, effects);
}

/// Turns the lines of a notebook's code into cells and lines within them.
fn place_in_cells(
    loaded: &Loaded,
    entrypoints: &mut [Entrypoint],
    effects: &mut [Effect],
    unparsed: &mut [Unparsed],
) {
    let notebooks = loaded.notebooks.iter();
    let notebooks: FxHashMap<&str, &Notebook> = notebooks
        .map(|(file, notebook)| (loaded.program.file(*file).path.as_str(), notebook))
        .collect();
    let within = |path: &str, line: &mut u32, end_line: &mut u32| {
        let notebook = notebooks.get(path)?;
        let (start, end) = (notebook.place(*line), notebook.place(*end_line));
        *line = start.line;
        *end_line = if end.cell == start.cell {
            end.line
        } else {
            start.line
        };
        Some(start.cell)
    };
    for found in effects {
        found.cell = within(&found.path, &mut found.line, &mut found.end_line).or(found.cell);
    }
    for found in entrypoints {
        found.cell = within(&found.path, &mut found.line, &mut found.end_line).or(found.cell);
    }
    for found in unparsed {
        found.cell = within(&found.path, &mut found.line, &mut found.end_line).or(found.cell);
    }
}

/// Sorts the entrypoints by their place and numbers them in that order.
fn renumber(entrypoints: &mut [Entrypoint], effects: &mut [Effect]) {
    for (index, entrypoint) in entrypoints.iter_mut().enumerate() {
        entrypoint.id = format!("E{}", index + 1);
    }
    entrypoints.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let new: FxHashMap<String, String> = entrypoints
        .iter()
        .enumerate()
        .map(|(index, entrypoint)| (entrypoint.id.clone(), format!("E{}", index + 1)))
        .collect();
    let known = |id: &mut String| {
        if let Some(new) = new.get(id) {
            id.clone_from(new);
        }
    };
    for entrypoint in entrypoints {
        known(&mut entrypoint.id);
        entrypoint.processes.iter_mut().for_each(known);
    }
    for effect in effects {
        effect.reached_from.iter_mut().for_each(known);
        effect
            .reached_from
            .sort_by_key(|id| id[1..].parse::<usize>().unwrap_or_default());
    }
}

fn build_graph(facts: &[FileFacts]) -> Graph {
    let mut graph = Graph::default();
    for (index, file) in facts.iter().enumerate() {
        graph
            .imports
            .insert(FileId(index as u32), file.imports.clone());
        for (node, edge) in &file.edges {
            graph.edges.entry(*node).or_default().push(*edge);
        }
    }
    graph
}

/// Whether one scope holds the whole body of a boundary.
fn whole_body_scoped(program: &Program, facts: &[FileFacts], at: &Placed) -> bool {
    let (Some(definition), Some(module)) = (at.found.definition, program.module(at.file)) else {
        return false;
    };
    if definition.file != at.file {
        return false;
    }
    let body = module.blocks.iter().position(|block| {
        matches!(block.kind, BlockKind::Body) && block.span == module.scope(definition.scope).span
    });
    facts[at.file.0 as usize].guards.scopes.iter().any(|scope| {
        let block = module.block(*scope);
        block.parent.map(|parent| parent.0 as usize) == body && body.is_some()
    })
}

fn summary(entrypoints: &[Entrypoint], effects: &[Effect], options: &Options) -> Summary {
    let counts = |origin: Origin| options.all || origin == Origin::App;
    let mut by_category: BTreeMap<Category, usize> = BTreeMap::new();
    let mut coverage: BTreeMap<Coverage, usize> = [
        Coverage::None,
        Coverage::Enable,
        Coverage::Scope,
        Coverage::Enforce,
    ]
    .map(|state| (state, 0))
    .into();
    let counted: Vec<&Effect> = effects
        .iter()
        .filter(|effect| counts(effect.origin))
        .collect();
    for effect in &counted {
        *by_category.entry(effect.category).or_default() += 1;
        *coverage.entry(effect.coverage).or_default() += 1;
    }
    let entrypoints = entrypoints
        .iter()
        .filter(|entrypoint| counts(entrypoint.origin))
        .count();
    Summary {
        entrypoints,
        effects: counted.len(),
        by_category,
        coverage,
    }
}
