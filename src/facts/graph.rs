//! The call graph inside the repo: which function each call may run.

use std::sync::Arc;

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxHashMap, FxHashSet};

use super::each_file;
use super::entrypoint::rules;
use crate::catalog::schema::EntrypointRule;
use crate::names::{Ancestor, Definition, FileId, Program, Resolver, Site, Value};
use crate::syntax::module::{
    BindingValue, BlockKind, CallSite, ExprKind, MODULE_SCOPE, Module, Name, ScopeId, ScopeKind,
};

/// A piece of code that runs as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// A function, or the top level of a module.
    Code(Definition),
    /// The `if __name__ == "__main__"` block of a module.
    Main(FileId),
}

/// Code that runs other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub to: Definition,
    /// The call stands inside an intent scope.
    pub scoped: bool,
    /// Byte offset of the call.
    pub at: u32,
}

/// The node whose code a call is part of.
pub fn node_of(module: &Module, file: FileId, call: &CallSite) -> Node {
    let scope = module.owner(call.scope);
    let in_main = scope == MODULE_SCOPE
        && module
            .enclosing_blocks(call.block)
            .any(|(_, block)| matches!(block.kind, BlockKind::Main));
    if in_main {
        Node::Main(file)
    } else {
        Node::Code(Definition { file, scope })
    }
}

/// Classes by what they derive from.
type Heirs<Base> = FxHashMap<Base, Vec<Definition>>;

/// The repo's classes by each class that they derive from: of the repo, and from elsewhere.
pub fn subclasses(program: &Program) -> (Heirs<Definition>, Heirs<Name>) {
    let pairs = each_file(program, |resolver, file| {
        let mut pairs: Vec<(Ancestor, Definition)> = Vec::new();
        let scopes = program
            .module(file)
            .map_or(&[][..], |module| &module.scopes);
        for (index, scope) in scopes.iter().enumerate() {
            if scope.kind != ScopeKind::Class || scope.bases.is_empty() {
                continue;
            }
            let class = Definition {
                file,
                scope: ScopeId(index as u32),
            };
            let ancestors = resolver.lineage(class);
            pairs.extend(ancestors.iter().skip(1).map(|base| (base.clone(), class)));
        }
        pairs
    });
    let mut found: Heirs<Definition> = Heirs::default();
    let mut derived: Heirs<Name> = Heirs::default();
    let pairs: Vec<_> = pairs.into_iter().flatten().collect();
    let protocols = pairs.iter().filter_map(|(base, class)| match base {
        Ancestor::External(base) if PROTOCOLS.contains(&&**base) => {
            is_protocol(program, *class).then_some(*class)
        }
        _ => None,
    });
    for protocol in protocols {
        let classes = conforming(program, protocol);
        found.entry(protocol).or_default().extend(classes);
    }
    for (base, class) in pairs {
        match base {
            Ancestor::Own(base) => found.entry(base).or_default().push(class),
            Ancestor::External(base) => derived.entry(base).or_default().push(class),
        }
    }
    for classes in found.values_mut().chain(derived.values_mut()) {
        classes.sort_unstable();
        classes.dedup();
    }
    (found, derived)
}

const PROTOCOLS: &[&str] = &["typing.Protocol", "typing_extensions.Protocol"];

/// Whether a class is a protocol itself: what derives from one need not be.
fn is_protocol(program: &Program, class: Definition) -> bool {
    program.module(class.file).is_some_and(|module| {
        let mut bases = module.scope(class.scope).bases.iter();
        bases.any(|base| {
            let named = match module.expr(base.value).kind {
                ExprKind::Subscript(of, _) => of,
                _ => base.value,
            };
            matches!(&module.expr(named).kind, ExprKind::Name(name) | ExprKind::Attribute(_, name) if &**name == "Protocol")
        })
    })
}

/// The repo's classes that have every method of a protocol, each with the same parameters.
fn conforming(program: &Program, protocol: Definition) -> Vec<Definition> {
    let methods = own_methods(program, protocol);
    let Some((first, wanted)) = methods.first() else {
        return Vec::new();
    };
    let has = |class: Definition, name: &Name, wanted: &[Name]| {
        let found = own_methods(program, class);
        found
            .iter()
            .any(|(own, parameters)| own == name && parameters == wanted)
    };
    let named = program.methods_called(first).iter();
    let classes = named.map(|(class, _)| *class).filter(|class| {
        *class != protocol
            && has(*class, first, wanted)
            && methods[1..]
                .iter()
                .all(|(name, wanted)| has(*class, name, wanted))
    });
    classes.collect()
}

/// The methods that stand in a class, private ones aside, each with the names of its parameters.
fn own_methods(program: &Program, class: Definition) -> Vec<(Name, Vec<Name>)> {
    let Some(module) = program.module(class.file) else {
        return Vec::new();
    };
    let bindings = module.scope(class.scope).bindings.iter();
    let methods = bindings.filter(|(name, _)| !name.starts_with('_') || &***name == "__call__");
    let mut found: Vec<_> = methods
        .filter_map(|(name, bindings)| {
            let scope = bindings.iter().find_map(|binding| match binding.value {
                BindingValue::Definition(scope) => Some(module.scope(scope)),
                _ => None,
            })?;
            let is_function = scope.kind == ScopeKind::Function;
            let parameters = scope
                .parameters
                .iter()
                .map(|parameter| parameter.name.clone());
            is_function.then(|| (name.clone(), parameters.collect()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Where the repo's own decorators of a function call it: `await handler(event)` in the wrapper that they put around it.
pub fn calls_of_decorated(resolver: &mut Resolver, function: Definition) -> Vec<Site> {
    let mut found = Vec::new();
    for (decorator, decorated) in own_decorators(resolver, function) {
        let Some(module) = resolver.program.module(decorator.file) else {
            continue;
        };
        let Some(parameter) = module.scope(decorator.scope).parameters.get(decorated) else {
            continue;
        };
        let is_call = |call: &&CallSite| match &module.expr(call.expr).kind {
            ExprKind::Call(callee, _) => {
                matches!(&module.expr(*callee).kind, ExprKind::Name(name) if *name == parameter.name)
            }
            _ => false,
        };
        let calls = module.calls_in(decorator.scope).iter();
        found.extend(calls.filter(is_call).map(|call| Site {
            file: decorator.file,
            expr: call.expr,
        }));
    }
    found
}

/// The repo's own decorators of a function, each with the index of the parameter that the function is passed for.
pub fn own_decorators(resolver: &mut Resolver, function: Definition) -> Vec<(Definition, usize)> {
    let program = resolver.program;
    let Some(module) = program.module(function.file) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for &expr in &module.scope(function.scope).decorators {
        let site = Site {
            file: function.file,
            expr,
        };
        for typed in resolver.values(site).iter() {
            found.extend(match typed.value {
                Value::Function(decorator) => Some((decorator, 0)),
                Value::Bound { method, .. } => Some((method, 1)),
                Value::Object(class, _) => {
                    let call = resolver.find_method(class, "__call__");
                    call.map(|method| (method, 1))
                }
                _ => None,
            });
        }
    }
    found
}

/// The handlers that a call registers with a framework, each with the rule that says so.
pub fn registered<'p>(resolver: &mut Resolver<'p>, site: Site) -> Vec<(&'p EntrypointRule, Site)> {
    let Some(module) = resolver.program.module(site.file) else {
        return Vec::new();
    };
    let ExprKind::Call(callee, _) = module.expr(site.expr).kind else {
        return Vec::new();
    };
    let callee = Site {
        expr: callee,
        ..site
    };
    let rules = rules(resolver, "call", callee).into_iter();
    rules
        .filter_map(|(rule, _)| {
            let handler = rule.handler.as_ref()?;
            let argument = resolver.argument(site, handler.pos, handler.kw.as_deref())?;
            Some((rule, argument))
        })
        .collect()
}

/// The functions of the repo that a call may run, each with the number of leading parameters that it does not pass.
pub fn targets(resolver: &mut Resolver, site: Site) -> Vec<(Definition, u16)> {
    let Some(module) = resolver.program.module(site.file) else {
        return Vec::new();
    };
    let ExprKind::Call(function, _) = &module.expr(site.expr).kind else {
        return Vec::new();
    };
    let values = resolver.values(Site {
        expr: *function,
        ..site
    });
    let mut found = Vec::new();
    for typed in values.iter() {
        found.extend(runs(resolver, &typed.value));
    }
    found
}

/// The functions that calling a value runs.
pub fn runs(resolver: &mut Resolver, value: &Value) -> Vec<(Definition, u16)> {
    match value {
        Value::Function(function) | Value::Wrapped { function, .. } => vec![(*function, 0)],
        Value::Method {
            function: Some(function),
            ..
        } => vec![(*function, 0)],
        Value::Bound { method, class } => {
            let mut found = vec![(*method, 1)];
            found.extend(overrides(resolver.program, *method, *class).map(|method| (method, 1)));
            found
        }
        Value::Class(class) => ["__init__", "__post_init__", "__new__"]
            .iter()
            .filter_map(|name| resolver.find_method(*class, name))
            .map(|method| (method, 1))
            .collect(),
        Value::Object(class, _) => {
            let run = resolver.run_by_call(*class).into_iter();
            run.map(|method| (method, 1)).collect()
        }
        _ => Vec::new(),
    }
}

/// The methods that stand in a method's place in the classes that derive from `class`.
pub fn overrides<'a>(
    program: &'a Program,
    method: Definition,
    class: Definition,
) -> impl Iterator<Item = Definition> + 'a {
    let name: Option<Arc<str>> = program
        .module(method.file)
        .map(|module| module.scope(method.scope).name.clone());
    program
        .subclasses
        .get(&class)
        .into_iter()
        .flatten()
        .filter_map(move |subclass| {
            let scope = program.module(subclass.file)?.scope(subclass.scope);
            scope
                .bindings
                .get(name.as_ref()?)?
                .iter()
                .find_map(|binding| match binding.value {
                    BindingValue::Definition(scope) => Some(Definition {
                        file: subclass.file,
                        scope,
                    }),
                    _ => None,
                })
        })
}

/// Edges between all pieces of code.
#[derive(Debug, Default)]
pub struct Graph {
    pub edges: FxHashMap<Node, Vec<Edge>>,
    /// File → files that it imports, with the byte offset of the import if it stands at the top level.
    pub imports: FxHashMap<FileId, Vec<(FileId, Option<u32>)>>,
}

impl Graph {
    /// Files that another one imports.
    pub fn imported(&self) -> FxHashSet<FileId> {
        let imports = self.imports.iter();
        let imported = imports.flat_map(|(file, imports)| {
            let others = imports.iter().filter(move |(other, _)| other != file);
            others.map(|(other, _)| *other)
        });
        imported.collect()
    }

    /// Files that run when `files` are loaded, these first.
    pub fn closure(&self, files: impl IntoIterator<Item = FileId>) -> Vec<FileId> {
        let mut seen: FxHashSet<FileId> = FxHashSet::default();
        let mut found: Vec<FileId> = files
            .into_iter()
            .filter(|file| seen.insert(*file))
            .collect();
        let mut at = 0;
        while let Some(&next) = found.get(at) {
            at += 1;
            for (imported, _) in self.imports.get(&next).into_iter().flatten() {
                if seen.insert(*imported) {
                    found.push(*imported);
                }
            }
        }
        found
    }

    /// Everything that runs from `roots`, without entering `stops`; whether every way to it lies inside a scope.
    pub fn reach(
        &self,
        roots: &[(Node, bool)],
        stops: &FxHashSet<Definition>,
    ) -> FxHashMap<Node, bool> {
        let mut reached: FxHashMap<Node, bool> = FxHashMap::default();
        let mut queue: Vec<(Node, bool)> = roots.to_vec();
        while let Some((node, scoped)) = queue.pop() {
            match reached.get(&node) {
                // Reached without a scope before, or with one again: nothing new.
                Some(false) => continue,
                Some(true) if scoped => continue,
                _ => {}
            }
            reached.insert(node, scoped);
            for edge in self.edges.get(&node).into_iter().flatten() {
                if !stops.contains(&edge.to) {
                    queue.push((Node::Code(edge.to), scoped || edge.scoped));
                }
            }
        }
        reached
    }
}

/// The ways that lead to some of the code: what calls one another in a circle is one station of them.
pub struct Ways {
    stations: FxHashMap<Node, usize>,
    /// By station, the stations that follow at once.
    next: Vec<Vec<usize>>,
    /// By station, the code in it to which the ways lead.
    ends: Vec<Vec<Node>>,
}

impl Ways {
    /// The ways to `ends` along the edges that `follows` allows.
    pub fn new(graph: &Graph, ends: &FxHashSet<Node>, follows: impl Fn(&Edge) -> bool) -> Ways {
        let mut calls: DiGraph<Node, ()> = DiGraph::new();
        let mut known: FxHashMap<Node, NodeIndex> = FxHashMap::default();
        let mut index = |calls: &mut DiGraph<Node, ()>, node: Node| {
            *known.entry(node).or_insert_with(|| calls.add_node(node))
        };
        for end in ends {
            index(&mut calls, *end);
        }
        for (from, edges) in &graph.edges {
            let from = index(&mut calls, *from);
            for edge in edges.iter().filter(|edge| follows(edge)) {
                let to = index(&mut calls, Node::Code(edge.to));
                calls.add_edge(from, to, ());
            }
        }
        let leading = leading_to(&calls, ends.len());
        let is_leading = |at: NodeIndex, node: &Node| leading[at.index()].then_some(*node);
        let calls = calls.filter_map(is_leading, |_, ()| Some(()));
        let circles = kosaraju_scc(&calls);
        let numbered = circles.iter().enumerate();
        let stations: FxHashMap<NodeIndex, usize> = numbered
            .flat_map(|(station, circle)| circle.iter().map(move |node| (*node, station)))
            .collect();
        let next = circles.iter().enumerate().map(|(station, circle)| {
            let called = circle.iter().flat_map(|node| calls.neighbors(*node));
            let mut next: Vec<usize> = called.map(|node| stations[&node]).collect();
            next.sort_unstable();
            next.dedup();
            next.retain(|next| *next != station);
            next
        });
        let next = next.collect();
        let ends = circles.into_iter().map(|circle| {
            let circle = circle.into_iter().map(|node| calls[node]);
            circle.filter(|node| ends.contains(node)).collect()
        });
        let stations = stations.into_iter();
        Ways {
            ends: ends.collect(),
            stations: stations
                .map(|(node, station)| (calls[node], station))
                .collect(),
            next,
        }
    }

    /// Whether the ways lead to this code.
    pub fn end_at(&self, node: &Node) -> bool {
        let station = self.stations.get(node);
        station.is_some_and(|station| self.ends[*station].contains(node))
    }

    /// The ends that are reached from `roots`.
    pub fn from(&self, roots: &[Node]) -> Vec<Node> {
        let mut open: Vec<usize> = roots
            .iter()
            .filter_map(|root| self.stations.get(root).copied())
            .collect();
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut found = Vec::new();
        while let Some(station) = open.pop() {
            if seen.insert(station) {
                found.extend(&self.ends[station]);
                open.extend(&self.next[station]);
            }
        }
        found
    }
}

/// Which of the code leads to one of the first `ends` nodes, these too.
fn leading_to(calls: &DiGraph<Node, ()>, ends: usize) -> Vec<bool> {
    let mut leading = vec![false; calls.node_count()];
    let mut open: Vec<NodeIndex> = (0..ends).map(NodeIndex::new).collect();
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut leading[node.index()], true) {
            open.extend(calls.neighbors_directed(node, Direction::Incoming));
        }
    }
    leading
}
