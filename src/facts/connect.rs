//! Which calls run which functions of the repo, as far as it says what parameters are.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::each_group;
use super::effect::{given_to, run_by};
use super::entrypoint::{handlers, registers};
use super::graph::{calls_of_decorated, own_decorators, registered, runs};
use crate::catalog::schema::EntrypointRule;
use crate::names::{
    BASED_NAMES, CalledFrom, Definition, FileId, Held, Input, Known, Program, Put, Puts, Resolver,
    Site, VAGUE, Value,
};
use crate::syntax::module::{ExprId, ExprKind, Module, Name, ParameterKind, ScopeId, ScopeKind};

/// Fills in [`Program::called_from`] and [`Program::contents`]: first with what is known without them, then, of the calls
/// that were not understood, with what they add, until nothing new is found. What a round finds, the next ones know,
/// unless it rests on what the round added to.
pub fn connect(program: &mut Program, cancelled: &AtomicBool) {
    let mut open: Vec<Option<Open>> = Vec::new();
    open.resize_with(program.files.len(), || None);
    let mut registered = Registered::default();
    for _ in 0..MAX_ROUNDS {
        let groups = each_group(program, |resolver, file| {
            if cancelled.load(Ordering::Relaxed) {
                return Round::default();
            }
            called_in(resolver, file, open[file.0 as usize].as_ref())
        });
        let (rounds, known): (Vec<Vec<Round>>, Vec<Known>) = groups.into_iter().unzip();
        let rounds: Vec<Round> = rounds.into_iter().flatten().collect();
        let changed = add(program, &rounds, &mut registered);
        program.known.resize_with(known.len(), Known::default);
        let all = program.known.par_iter_mut().zip(known);
        all.for_each(|(all, known)| {
            all.extend(known);
            all.retain(|_, (_, needs)| !needs.meet(&changed));
        });
        if changed.is_empty() {
            break;
        }
        open = rounds
            .into_iter()
            .map(|mut round| {
                round.open.puts = std::mem::take(&mut round.puts.open);
                Some(round.open)
            })
            .collect();
    }
}

/// Adds what a round found to the program, and tells what that changes.
fn add(program: &mut Program, rounds: &[Round], registered: &mut Registered) -> FxHashSet<u32> {
    let mut changed = FxHashSet::default();
    for round in rounds {
        registered.add(program, &round.puts, &round.decorated, &mut changed);
    }
    registered.settle(program, &mut changed);
    let sessions = rounds.iter().flat_map(|round| round.sessions.clone());
    for (name, class) in kept(rounds).into_iter().chain(sessions) {
        let before = program.kept.insert(name.clone(), class.clone());
        if before != Some(class) {
            changed.insert(Input::Kept(&name).id());
        }
    }
    for (handler, classes) in rounds.iter().flat_map(|round| &round.given) {
        let before = program.given.insert(*handler, classes.clone());
        if before.as_ref() != Some(classes) {
            changed.insert(Input::Given(*handler).id());
        }
    }
    let mut called: FxHashMap<Definition, Vec<CalledFrom>> = FxHashMap::default();
    for (definition, from) in rounds.iter().flat_map(|round| &round.found) {
        called.entry(*definition).or_default().push(*from);
    }
    for (definition, found) in called {
        let sites = program.called_from.entry(definition).or_default();
        let before = sites.len();
        sites.extend(found);
        sites.sort_unstable();
        sites.dedup();
        if sites.len() > before {
            changed.insert(Input::Calls(definition).id());
        }
    }
    changed
}

/// Decorators that put into a collection what they stand on, and what they stand on.
#[derive(Default)]
struct Registered {
    registrars: FxHashMap<(Definition, usize), Vec<Site>>,
    decorated: Vec<((Definition, usize), Value)>,
}

impl Registered {
    fn add(
        &mut self,
        program: &mut Program,
        puts: &Puts,
        decorated: &[((Definition, usize), Value)],
        changed: &mut FxHashSet<u32>,
    ) {
        for (made, held) in &puts.held {
            hold(program, *made, held.clone(), changed);
        }
        for (function, index, made) in &puts.registrars {
            let into = self.registrars.entry((*function, *index)).or_default();
            into.push(*made);
        }
        self.decorated.extend(decorated.iter().cloned());
    }

    /// Puts what is decorated where its decorators put it.
    fn settle(&self, program: &mut Program, changed: &mut FxHashSet<u32>) {
        for (decorator, value) in &self.decorated {
            for &made in self.registrars.get(decorator).into_iter().flatten() {
                hold(program, made, Held::registered(value.clone()), changed);
            }
        }
    }
}

/// Adds to what a collection holds, where it is new.
fn hold(program: &mut Program, made: Site, held: Held, changed: &mut FxHashSet<u32>) {
    let known = program.contents.entry(made).or_default();
    if known.len() < MAX_HELD && !known.contains(&held) {
        known.push(held);
        changed.insert(Input::Contents(made).id());
    }
}

/// No more of what a collection holds is looked at.
const MAX_HELD: usize = 64;

/// Names under which every file that keeps something keeps objects of the same class.
fn kept(rounds: &[Round]) -> Vec<(Name, Name)> {
    let mut found: FxHashMap<&Name, Option<&Name>> = FxHashMap::default();
    for (name, class) in rounds.iter().flat_map(|round| &round.kept) {
        let class = class.as_ref();
        let known = found.entry(name).or_insert(class);
        if *known != class {
            *known = None;
        }
    }
    let agreed = found
        .into_iter()
        .filter_map(|(name, class)| Some((name.clone(), class?.clone())));
    agreed.collect()
}

/// How many calls deep an argument may be handed on before its type is lost.
const MAX_ROUNDS: usize = 4;

/// What nothing is known about, but may be once a parameter or a collection is.
#[derive(Default)]
struct Open {
    calls: Vec<Site>,
    puts: Vec<Put>,
}

/// What one look at a file gave.
#[derive(Default)]
struct Round {
    /// Calls whose target has a parameter that only its calls can type.
    found: Vec<(Definition, CalledFrom)>,
    open: Open,
    /// What is put into collections.
    puts: Puts,
    /// What the repo's own decorators stand on, each with the parameter that it is passed for.
    decorated: Vec<((Definition, usize), Value)>,
    /// Attributes that are used as sessions, and the class of such.
    sessions: Vec<(Name, Name)>,
    /// Names under which objects are kept, and their class where it is known.
    kept: Vec<(Name, Option<Name>)>,
    /// Handlers that are registered, and the classes of what they will be called with.
    given: Vec<(Definition, Vec<Name>)>,
}

/// Looks at `open`, or at every call.
fn called_in(resolver: &mut Resolver, file: FileId, open: Option<&Open>) -> Round {
    let program = resolver.program;
    let mut round = Round::default();
    let Some(module) = program.module(file) else {
        return round;
    };
    let every = || {
        let calls = module.calls.iter();
        calls
            .map(|call| Site {
                file,
                expr: call.expr,
            })
            .collect()
    };
    if open.is_none() && !program.file(file).is_test {
        round.kept = resolver.keeps(file);
    }
    if open.is_none() {
        for index in 0..module.scopes.len() as u32 {
            let scope = ScopeId(index);
            decorated_in(resolver, Definition { file, scope }, &mut round);
        }
    }
    let sites: Vec<Site> = open.map_or_else(every, |open| open.calls.clone());
    for site in sites {
        let ExprKind::Call(function, _) = &module.expr(site.expr).kind else {
            continue;
        };
        let values = resolver.values(Site {
            expr: *function,
            ..site
        });
        if values.is_empty()
            && matches!(
                module.expr(*function).kind,
                ExprKind::Attribute(..)
                    | ExprKind::Call(..)
                    | ExprKind::Name(_)
                    | ExprKind::Subscript(..)
            )
        {
            round.open.calls.push(site);
            round.sessions.extend(resolver.session_attribute(site));
        }
        for typed in values.iter() {
            for (target, bound) in runs(resolver, &typed.value) {
                if wants_call_sites(program, target) {
                    let bound = i32::from(bound);
                    round.found.push((target, CalledFrom { site, bound }));
                }
            }
        }
        for (rule, handler) in registered(resolver, site) {
            if !rule.gives.is_empty() {
                let classes: Vec<Name> = rule
                    .gives
                    .iter()
                    .map(|class| class.as_str().into())
                    .collect();
                let handlers = handlers(resolver, handler).into_iter();
                round
                    .given
                    .extend(handlers.map(|handler| (handler, classes.clone())));
            }
        }
        let mut handed = handed_on(resolver, module, site);
        for typed in values.iter() {
            for (target, bound) in runs(resolver, &typed.value) {
                handed.extend(forwarded(resolver, target, bound, site));
            }
        }
        for (argument, site, before) in handed {
            for typed in resolver.values(argument).iter() {
                for (target, bound) in runs(resolver, &typed.value) {
                    if wants_call_sites(program, target) {
                        let bound = i32::from(bound) - before;
                        round.found.push((target, CalledFrom { site, bound }));
                    }
                }
            }
        }
    }
    if !program.file(file).is_test {
        round.puts = resolver.puts(file, open.map(|open| open.puts.as_slice()));
    }
    round
}

/// What is known of the arguments of a function from its decorators: the calls in the wrappers that they put around it,
/// and, for these, what the framework passes.
fn decorated_in(resolver: &mut Resolver, function: Definition, round: &mut Round) {
    let decorators = own_decorators(resolver, function);
    if decorators.is_empty() {
        return;
    }
    let classes = |rule: &EntrypointRule| -> Vec<Name> {
        rule.gives
            .iter()
            .map(|class| class.as_str().into())
            .collect()
    };
    let given: Vec<Name> = resolver.given_by(function).map(classes).unwrap_or_default();
    for site in calls_of_decorated(resolver, function) {
        round.found.push((function, CalledFrom { site, bound: 0 }));
        if let (Some(module), false) = (resolver.program.module(site.file), given.is_empty()) {
            let scope = module.owner(module.scope_of(site.expr));
            let wrapper = Definition {
                file: site.file,
                scope,
            };
            round.given.push((wrapper, given.clone()));
        }
    }
    let is_test = resolver.program.file(function.file).is_test;
    let module = resolver.program.module(function.file);
    let kind = module.map(|module| module.scope(function.scope).kind);
    for &decorator in decorators.iter().filter(|_| !is_test) {
        let value = match kind {
            Some(ScopeKind::Class) => Value::Class(function),
            _ => Value::Function(function),
        };
        round.decorated.push((decorator, value));
    }
    for (decorator, decorated) in decorators {
        let rules = registers(resolver, decorator, decorated);
        if let Some(rule) = rules.into_iter().find(|rule| !rule.gives.is_empty()) {
            round.given.push((function, classes(rule)));
        }
    }
}

/// Functions that a call runs with arguments that it is given for them: each with what holds those arguments, and how
/// many others stand before them. `submit(f, a)`, `Thread(target=f, args=(a,))`.
fn handed_on(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<(Site, Site, i32)> {
    run_by(resolver, module, site)
        .into_iter()
        .filter_map(|(rule, argument)| {
            let given = given_to(resolver, rule, site)?;
            Some((argument, given.site, given.before as i32))
        })
        .collect()
}

/// A function that a function of the repo is passed, and runs with the arguments after it: `retry(f, a, b)` of
/// `def retry(func, *args): … func(*args)`.
fn forwarded(
    resolver: &mut Resolver,
    target: Definition,
    bound: u16,
    site: Site,
) -> Option<(Site, Site, i32)> {
    let module = resolver.program.module(target.file)?;
    let found = match resolver.forwards.get(&target) {
        Some(known) => *known,
        None => {
            let found = forwards(module, target.scope);
            resolver.forwards.insert(target, found);
            found
        }
    };
    let (run, rest) = found?;
    let name = &module.scope(target.scope).parameters[run as usize].name;
    let position = run.checked_sub(u32::from(bound))?;
    let argument = resolver.argument(site, Some(position), Some(name))?;
    Some((argument, site, rest as i32 - i32::from(bound)))
}

fn forwards(module: &Module, scope: ScopeId) -> Option<(u32, u32)> {
    let parameters = &module.scope(scope).parameters;
    let rest = parameters
        .iter()
        .position(|parameter| parameter.kind == ParameterKind::Args)?;
    let name = |expr: ExprId| match &module.expr(expr).kind {
        ExprKind::Name(name) => Some(name),
        _ => None,
    };
    let runs = module.calls_in(scope).iter().filter_map(|call| {
        let ExprKind::Call(callee, arguments) = &module.expr(call.expr).kind else {
            return None;
        };
        let ExprKind::Starred(inner) = module.expr(arguments.first()?.value).kind else {
            return None;
        };
        let hands_on = name(inner) == Some(&parameters[rest].name);
        hands_on.then_some(name(*callee)?)
    });
    let run = runs.filter_map(|run| parameters[..rest].iter().position(|p| p.name == *run));
    Some((run.min()? as u32, rest as u32))
}

fn wants_call_sites(program: &Program, function: Definition) -> bool {
    program.module(function.file).is_some_and(|module| {
        let scope = module.scope(function.scope);
        scope.parameters.iter().any(|parameter| {
            let positional = matches!(
                parameter.kind,
                ParameterKind::Positional | ParameterKind::KeywordOnly
            );
            // Text may be a destination: which, only its calls tell.
            let is_vague = |expr| {
                module.called(expr).is_some_and(|name| {
                    let tables = [&["Callable", "str"][..], VAGUE, BASED_NAMES];
                    tables.iter().any(|table| table.contains(&&**name))
                })
            };
            let says_little = parameter.annotation.is_none_or(|annotation| {
                // `Callable[..., Any]`
                match &module.expr(annotation).kind {
                    ExprKind::Subscript(of, _) => is_vague(*of),
                    // `Client | None`
                    ExprKind::Binary(_, left, _) => is_vague(*left),
                    _ => is_vague(annotation),
                }
            });
            positional && says_little
        })
    })
}
