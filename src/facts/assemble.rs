//! From the facts of single files to the facts of the repo: who reaches what, and what already stands in the way.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::entrypoint::FoundEntrypoint;
use super::file::FileFacts;
use super::graph::{Graph, Node};
use super::load::Loaded;
use super::*;
use crate::names::{Definition, Program};
use crate::syntax::module::{
    BindingValue, BlockKind, ExprKind, MODULE_SCOPE, Module, ScopeKind, Span,
};
use crate::workspace::launch::Launch;
use crate::workspace::scripts::Script;

/// An entrypoint with its file.
struct Placed {
    file: FileId,
    found: FoundEntrypoint,
}

/// What one process runs.
struct Process {
    index: usize,
    /// Files that it loads.
    files: FxHashSet<FileId>,
    /// Code that it runs outside of any boundary, and whether only inside a scope.
    direct: FxHashMap<Node, bool>,
    enable: Option<Enable>,
}

/// Where a process is enabled.
struct Enable {
    node: Node,
    at: u32,
    /// Files whose top level ran before.
    early: FxHashSet<FileId>,
}

/// Puts the files' facts together.
pub fn assemble(
    loaded: Loaded,
    facts: Vec<FileFacts>,
    scripts: &[Script],
    launches: &[Launch],
    options: &Options,
) -> Scan {
    let program = &loaded.program;
    let graph = build_graph(&facts);
    let mut placed: Vec<Placed> = Vec::new();
    for (index, file) in facts.iter().enumerate() {
        let file_id = FileId(index as u32);
        placed.extend(file.entrypoints.iter().map(|found| Placed {
            file: file_id,
            found: found.clone(),
        }));
        placed.extend(
            agent_loops(program, file_id, &facts)
                .into_iter()
                .map(|found| Placed {
                    file: file_id,
                    found,
                }),
        );
        placed.extend(
            whole_scripts(program, file_id, file, &facts, launches).map(|found| Placed {
                file: file_id,
                found,
            }),
        );
    }
    placed.extend(console_scripts(program, scripts));
    placed.sort_by(|a, b| {
        let key = |placed: &Placed| {
            let found = &placed.found;
            (
                program.file(placed.file).path.clone(),
                found.line,
                found.column,
                found.kind.clone(),
                found.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    placed.dedup_by(|a, b| {
        (a.file, a.found.line, &a.found.kind, &a.found.name)
            == (b.file, b.found.line, &b.found.kind, &b.found.name)
    });

    demote_parts(program, &graph, launches, &mut placed);
    let boundaries: FxHashSet<Definition> = placed
        .iter()
        .filter(|placed| placed.found.role == Role::Boundary)
        .flat_map(|placed| entered(program, placed))
        .filter_map(|node| match node {
            Node::Code(definition) if definition.scope != MODULE_SCOPE => Some(definition),
            _ => None,
        })
        .collect();
    let processes = processes(program, &facts, &graph, &placed, &boundaries);
    let governed: FxHashSet<Definition> = facts
        .iter()
        .flat_map(|file| file.guards.governed.iter().copied())
        .collect();

    let mut entrypoints: Vec<Entrypoint> = Vec::new();
    let mut reached_by: Vec<(usize, FxHashMap<Node, bool>)> = Vec::new();
    for (index, at) in placed.iter().enumerate() {
        let symbol = at
            .found
            .definition
            .map(|definition| program.symbol(definition));
        let is_process = at.found.role == Role::Process;
        let process = processes.iter().find(|process| process.index == index);
        let run_by: Vec<usize> = processes
            .iter()
            .filter(|process| process.files.contains(&at.file))
            .map(|process| process.index)
            .collect();
        let scoped = at
            .found
            .definition
            .is_some_and(|definition| governed.contains(&definition))
            || whole_body_scoped(program, &facts, at);
        entrypoints.push(Entrypoint {
            id: format!("E{}", index + 1),
            role: at.found.role,
            kind: at.found.kind.clone(),
            name: at.found.name.clone(),
            symbol,
            origin: loaded.origins[at.file.0 as usize],
            path: program.file(at.file).path.clone(),
            cell: None,
            line: at.found.line,
            end_line: at.found.end_line.max(at.found.line),
            enabled: is_process.then(|| process.is_some_and(|process| process.enable.is_some())),
            scoped: (!is_process).then_some(scoped),
            processes: if is_process {
                Vec::new()
            } else {
                run_by
                    .iter()
                    .map(|index| format!("E{}", index + 1))
                    .collect()
            },
            commands: if is_process {
                let starts = |launch: &&Launch| {
                    launch.module_path.as_deref() == Some(&program.file(at.file).path)
                };
                launches
                    .iter()
                    .filter(starts)
                    .map(|launch| LaunchCommand {
                        path: launch.path.clone(),
                        line: launch.line,
                        command: launch.command.clone(),
                        prefork: launch.prefork,
                    })
                    .collect()
            } else {
                Vec::new()
            },
        });
        let reached = match (is_process, process) {
            (true, Some(process)) => process.direct.clone(),
            (true, None) => FxHashMap::default(),
            (false, _) => {
                let roots: Vec<(Node, bool)> = entered(program, at)
                    .into_iter()
                    .map(|node| (node, scoped))
                    .collect();
                // One boundary that calls another still reaches what lies behind it.
                graph.reach(&roots, &FxHashSet::default())
            }
        };
        reached_by.push((index, reached));
    }

    let mut effects = Vec::new();
    for (index, file) in facts.iter().enumerate() {
        let file_id = FileId(index as u32);
        let Some(module) = program.module(file_id) else {
            continue;
        };
        for found in &file.effects {
            let node = graph::node_of(module, file_id, &found.call_site);
            let guarded = file
                .guards
                .around(module, node, &found.call_site, found.span.start);
            let reaching: Vec<(usize, bool)> = reached_by
                .iter()
                .filter_map(|(index, reached)| reached.get(&node).map(|scoped| (*index, *scoped)))
                .collect();
            let origin = loaded.origins[index];
            let enabled = found.intercepted
                && reaching.iter().any(|(entry, _)| {
                    let at = &placed[*entry];
                    processes.iter().any(|process| {
                        let Some(enable) = &process.enable else {
                            return false;
                        };
                        if at.found.role == Role::Boundary {
                            process.files.contains(&at.file)
                        } else {
                            process.index == *entry && enable.is_before(node, found.span.start)
                        }
                    })
                });
            let scoped = guarded.scope
                || (!reaching.is_empty() && reaching.iter().all(|(_, scoped)| *scoped));
            let is_governed = matches!(node, Node::Code(function) if governed.contains(&function));
            let coverage = match (
                enabled,
                scoped,
                guarded.enforce || (is_governed && !found.intercepted),
            ) {
                (_, _, true) => Coverage::Enforce,
                (true, true, _) => Coverage::Scope,
                (true, false, _) => Coverage::Enable,
                _ => Coverage::None,
            };
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
                origin,
                destination: found.target.destination.as_deref().map(masked),
                resource: found.target.resource.clone(),
                confidence: found.confidence,
                intercepted: found.intercepted,
                coverage,
                reached_from: reaching
                    .iter()
                    .map(|(index, _)| format!("E{}", index + 1))
                    .collect(),
            });
        }
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
    if !loaded.workflows.is_empty() {
        renumber(&mut entrypoints, &mut effects);
    }
    effects.sort_by(|a, b| {
        (&a.path, a.line, a.column, &a.call, a.category)
            .cmp(&(&b.path, b.line, b.column, &b.call, b.category))
    });
    for (index, effect) in effects.iter_mut().enumerate() {
        effect.id = format!("S{}", index + 1);
    }
    let mut unparsed = loaded.unparsed.clone();
    for (file, notebook) in &loaded.notebooks {
        let path = &program.file(*file).path;
        let within = |line: &mut u32, end_line: &mut u32| {
            let (start, end) = (notebook.place(*line), notebook.place(*end_line));
            *line = start.line;
            *end_line = if end.cell == start.cell {
                end.line
            } else {
                start.line
            };
            Some(start.cell)
        };
        for found in effects.iter_mut().filter(|found| found.path == *path) {
            found.cell = within(&mut found.line, &mut found.end_line);
        }
        for found in entrypoints.iter_mut().filter(|found| found.path == *path) {
            found.cell = within(&mut found.line, &mut found.end_line);
        }
        for found in unparsed.iter_mut().filter(|found| found.path == *path) {
            found.cell = within(&mut found.line, &mut found.end_line);
        }
    }
    let with_findings: FxHashSet<&str> = effects
        .iter()
        .map(|effect| effect.path.as_str())
        .chain(
            entrypoints
                .iter()
                .map(|entrypoint| entrypoint.path.as_str()),
        )
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

impl Enable {
    /// Whether code of `node` at `position` runs after this.
    fn is_before(&self, node: Node, position: u32) -> bool {
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

/// The code that an entrypoint starts: a class that is one starts all of its methods.
fn entered(program: &Program, placed: &Placed) -> Vec<Node> {
    let Node::Code(definition) = placed.found.node else {
        return vec![placed.found.node];
    };
    let Some(module) = program.module(definition.file) else {
        return Vec::new();
    };
    // A class or a module that is registered as a whole is entered through its functions.
    let is_registered = placed.found.definition == Some(definition);
    let kind = module.scope(definition.scope).kind;
    if !is_registered && kind == ScopeKind::Module || kind == ScopeKind::Function {
        return vec![placed.found.node];
    }
    let mut nodes = Vec::new();
    for (index, scope) in module.scopes.iter().enumerate() {
        // Of a module, Falcon calls what is named like a responder.
        let is_method = scope.parent == Some(definition.scope)
            && scope.kind == ScopeKind::Function
            && (kind == ScopeKind::Class || scope.name.starts_with("on_"));
        if is_method {
            let scope = crate::syntax::module::ScopeId(index as u32);
            nodes.push(Node::Code(Definition {
                scope,
                ..definition
            }));
        }
    }
    nodes
}

/// A command-line app that another process loads, and that nothing starts by itself, is a part of that process.
fn demote_parts(program: &Program, graph: &Graph, launches: &[Launch], placed: &mut [Placed]) {
    const COMMAND_LINE_APPS: [&str; 2] = ["click_group", "typer_app"];
    let is_app = |at: &Placed| COMMAND_LINE_APPS.contains(&at.found.kind.as_str());
    let started: FxHashSet<FileId> = placed
        .iter()
        .filter(|at| at.found.role == Role::Process)
        .filter(|at| {
            let path = &program.file(at.file).path;
            !is_app(at)
                || launches
                    .iter()
                    .any(|launch| launch.module_path.as_ref() == Some(path))
        })
        .map(|at| at.file)
        .collect();
    if started.is_empty() || !placed.iter().any(is_app) {
        return;
    }
    let loaded: FxHashSet<FileId> = started
        .iter()
        .flat_map(|file| graph.closure(*file))
        .collect();
    for at in placed.iter_mut().filter(|at| is_app(at)) {
        if loaded.contains(&at.file) && !started.contains(&at.file) {
            at.found.role = Role::Boundary;
        }
    }
}

fn processes(
    program: &Program,
    facts: &[FileFacts],
    graph: &Graph,
    placed: &[Placed],
    boundaries: &FxHashSet<Definition>,
) -> Vec<Process> {
    let mut found = Vec::new();
    for (index, at) in placed
        .iter()
        .enumerate()
        .filter(|(_, at)| at.found.role == Role::Process)
    {
        let mut files: Vec<FileId> = Vec::new();
        for parent in program
            .table
            .parents(&program.file(at.file).path)
            .into_iter()
            .chain([at.file])
        {
            for file in graph.closure(parent) {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        let mut roots: Vec<(Node, bool)> = files
            .iter()
            .map(|&file| {
                (
                    Node::Code(Definition {
                        file,
                        scope: MODULE_SCOPE,
                    }),
                    false,
                )
            })
            .collect();
        roots.push((at.found.node, false));
        let own_boundary = match at.found.node {
            Node::Code(definition) => boundaries.contains(&definition),
            Node::Main(_) => false,
        };
        let direct = if own_boundary && at.found.definition.is_some() {
            graph.reach(&roots[..roots.len() - 1], boundaries)
        } else {
            graph.reach(&roots, boundaries)
        };
        let files: FxHashSet<FileId> = files.into_iter().collect();
        let enable = enable_of(facts, graph, at, &files, &direct);
        found.push(Process {
            index,
            files,
            direct,
            enable,
        });
    }
    found
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
                before
                    .flat_map(|(file, _)| graph.closure(*file))
                    .filter(|file| *file != id)
                    .collect()
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

/// Whether a loop's head says that it tries one thing again: `for attempt in range(3)`, `while tries < limit`.
fn repeats_a_failure(module: &Module, block: Span) -> bool {
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["attempt", "n_try", "retries", "retry", "tries"]
            .iter()
            .any(|word| name.contains(word))
    };
    let in_head = |span: Span| span.line == block.line && span.start >= block.start;
    let read = module.exprs.iter().any(|expr| match &expr.kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => in_head(expr.span) && says(name),
        _ => false,
    });
    let counted = module
        .scopes
        .iter()
        .flat_map(|scope| &scope.bindings)
        .any(|(name, bindings)| {
            says(name)
                && bindings.iter().any(|binding| match &binding.value {
                    BindingValue::Element(expr, _) => in_head(module.expr(*expr).span),
                    _ => false,
                })
        });
    read || counted
}

/// Loops around a model call: an agent's loop.
fn agent_loops(program: &Program, file: FileId, facts: &[FileFacts]) -> Vec<FoundEntrypoint> {
    let Some(module) = program.module(file) else {
        return Vec::new();
    };
    let own = &facts[file.0 as usize];
    let mut found = Vec::new();
    for rule in program.catalog.entrypoints_of_shape("loop") {
        let counts = |category: Category| {
            let name = serde_json::to_value(category).ok();
            rule.categories
                .iter()
                .any(|wanted| name.as_ref().and_then(|name| name.as_str()) == Some(wanted))
        };
        let calls_model = |definition: &Definition| {
            facts[definition.file.0 as usize]
                .effects
                .iter()
                .any(|effect| {
                    let module = program.module(definition.file);
                    counts(effect.category)
                        && module.is_some_and(|module| {
                            module.owner(effect.call_site.scope) == definition.scope
                        })
                })
        };
        for block in &module.blocks {
            let is_while = matches!(block.kind, BlockKind::While);
            if !is_while && !matches!(block.kind, BlockKind::For) {
                continue;
            }
            let inside = |span: &Span| span.start >= block.span.start && span.end <= block.span.end;
            let in_loop: Vec<&super::effect::FoundEffect> = own
                .effects
                .iter()
                .filter(|effect| inside(&effect.span))
                .collect();
            let direct = in_loop.iter().any(|effect| counts(effect.category));
            let through = own
                .loops
                .iter()
                .any(|(span, _, called)| inside(span) && called.iter().any(calls_model));
            // A `for` over data is a batch; one over a count of turns is an agent's loop.
            let turns = is_while || counts_turns(program, file, block.span);
            let nested = module.blocks.iter().any(|outer| {
                matches!(outer.kind, BlockKind::While)
                    && outer.span != block.span
                    && outer.span.start <= block.span.start
                    && outer.span.end >= block.span.end
            });
            if !turns || nested || !(direct || through) || repeats_a_failure(module, block.span) {
                continue;
            }
            let scope = module
                .scopes
                .iter()
                .enumerate()
                .filter(|(_, scope)| {
                    scope.kind == ScopeKind::Function
                        && scope.span.start <= block.span.start
                        && scope.span.end >= block.span.end
                })
                .max_by_key(|(_, scope)| scope.span.start)
                .map_or(MODULE_SCOPE, |(index, _)| {
                    crate::syntax::module::ScopeId(index as u32)
                });
            let definition = Definition { file, scope };
            let name = module.scope(scope).name.to_string();
            let in_main = scope == MODULE_SCOPE
                && module.blocks.iter().any(|main| {
                    matches!(main.kind, BlockKind::Main)
                        && main.span.start <= block.span.start
                        && main.span.end >= block.span.end
                });
            found.push(FoundEntrypoint {
                role: rule.role(),
                kind: rule.kind.clone(),
                name: if name.is_empty() {
                    "loop".to_owned()
                } else {
                    name
                },
                definition: (scope != MODULE_SCOPE).then_some(definition),
                line: block.span.line,
                column: block.span.column,
                end_line: block.span.end_line,
                node: if in_main {
                    Node::Main(file)
                } else {
                    Node::Code(definition)
                },
            });
        }
    }
    found
}

/// Whether the statement at `span` is `for … in range(…)` or `itertools.count()`.
fn counts_turns(program: &Program, file: FileId, span: Span) -> bool {
    let Some(module) = program.module(file) else {
        return false;
    };
    module.calls.iter().any(|call| {
        let expr = module.expr(call.expr);
        let crate::syntax::module::ExprKind::Call(function, _) = expr.kind else {
            return false;
        };
        let name = match &module.expr(function).kind {
            crate::syntax::module::ExprKind::Name(name)
            | crate::syntax::module::ExprKind::Attribute(_, name) => name,
            _ => return false,
        };
        expr.span.line == span.line
            && expr.span.start >= span.start
            && ["range", "count"].contains(&&**name)
    })
}

/// A file that acts when it is loaded, that nothing imports and that has no `__main__` block, is started itself.
fn whole_scripts(
    program: &Program,
    file: FileId,
    own: &FileFacts,
    facts: &[FileFacts],
    launches: &[Launch],
) -> Option<FoundEntrypoint> {
    let module = program.module(file)?;
    let path = &program.file(file).path;
    let is_main_file = path == "__main__.py" || path.ends_with("/__main__.py");
    let has_process = own
        .entrypoints
        .iter()
        .any(|found| found.role == Role::Process);
    let acts = own.effects.iter().any(|effect| {
        effect.target.action != Action::Read && module.owner(effect.call_site.scope) == MODULE_SCOPE
    });
    let imported = || {
        facts.iter().enumerate().any(|(index, other)| {
            FileId(index as u32) != file
                && other.imports.iter().any(|(imported, _)| *imported == file)
        })
    };
    let is_notebook = path.ends_with(".ipynb");
    // A module of a package is loaded by something, even where nothing here says by what.
    let is_package = !program.table.parents(path).is_empty() || path.ends_with("conftest.py");
    let launched = launches
        .iter()
        .find(|launch| launch.module_path.as_ref() == Some(path));
    if has_process
        || !(is_notebook
            || is_main_file
            || launched.is_some()
            || (acts && !is_package && !imported()))
    {
        return None;
    }
    let acting = own
        .effects
        .iter()
        .filter(|effect| module.owner(effect.call_site.scope) == MODULE_SCOPE);
    let kind = if is_notebook {
        "notebook"
    } else if is_main_file {
        "main_module"
    } else if launched.is_some_and(|launch| launch.path.ends_with("langgraph.json")) {
        "langgraph_server"
    } else {
        "script"
    };
    Some(FoundEntrypoint {
        role: Role::Process,
        kind: kind.to_owned(),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        definition: None,
        line: match is_notebook {
            true => 1,
            false => acting
                .map(|effect| effect.call_site.statement.line)
                .min()
                .unwrap_or(1),
        },
        column: 1,
        end_line: module.scope(MODULE_SCOPE).span.end_line,
        node: Node::Code(Definition {
            file,
            scope: MODULE_SCOPE,
        }),
    })
}

fn console_scripts(program: &Program, scripts: &[Script]) -> Vec<Placed> {
    let mut found = Vec::new();
    for script in scripts {
        let Some(file) = program.table.by_name(&script.module) else {
            continue;
        };
        let Some(module) = program.module(file) else {
            continue;
        };
        let mut resolver = crate::names::Resolver::new(program);
        let name = script.function.split('.').next().unwrap_or_default();
        let mut values = resolver.exported(file, &name.into());
        // `__init__.py` that imports a main function, or says what to install when it cannot: the import counts.
        let elsewhere = |typed: &crate::names::Typed| matches!(typed.value, crate::names::Value::Function(found) | crate::names::Value::Wrapped { function: found, .. } if found.file != file);
        if values.iter().any(elsewhere) {
            values.retain(elsewhere);
        }
        for typed in values {
            let definition = match typed.value {
                crate::names::Value::Function(definition)
                | crate::names::Value::Wrapped {
                    function: definition,
                    ..
                } => definition,
                crate::names::Value::Instance(_, Some(site)) if site.file == file => {
                    let span = module.expr(site.expr).span;
                    found.push(Placed {
                        file,
                        found: script_entry(
                            script,
                            None,
                            span,
                            Node::Code(Definition {
                                file,
                                scope: MODULE_SCOPE,
                            }),
                        ),
                    });
                    continue;
                }
                _ => continue,
            };
            let Some(module) = program.module(definition.file) else {
                continue;
            };
            let span = module.scope(definition.scope).span;
            let found_entry = script_entry(script, Some(definition), span, Node::Code(definition));
            found.push(Placed {
                file: definition.file,
                found: found_entry,
            });
        }
    }
    found
}

fn script_entry(
    script: &Script,
    definition: Option<Definition>,
    span: Span,
    node: Node,
) -> FoundEntrypoint {
    FoundEntrypoint {
        role: Role::Process,
        kind: "console_script".to_owned(),
        name: script.name.clone(),
        definition,
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        node,
    }
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

/// A destination without user, password or key.
pub(super) fn masked(destination: &str) -> String {
    let Some((scheme, rest)) = destination.split_once("://") else {
        return destination.to_owned();
    };
    let (authority, path) = match rest.find(['/', '?', '#']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("***@{host}"),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, query)) => {
            let fields: Vec<String> = query
                .split('&')
                .map(|field| match field.split_once('=') {
                    Some((name, value)) if is_secret(name) && !value.starts_with('{') => {
                        format!("{name}=***")
                    }
                    _ => field.to_owned(),
                })
                .collect();
            format!("{path}?{}", fields.join("&"))
        }
        None => path.to_owned(),
    };
    format!("{scheme}://{authority}{path}")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "secret", "password", "sig", "auth"]
        .iter()
        .any(|word| name.contains(word))
}
