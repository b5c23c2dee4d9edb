//! Intent scopes around the work of one purpose, and an explicit question where the client cannot intercept a call.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Context, Plan, Refusal, Risk, Step};
use crate::edit::python::scope::{Form, Intent, Place, Site, Target, is_scoped, place};
use crate::edit::python::{self, Module, Part};
use crate::facts::{Action, Category, Coverage, Effect, Origin};

/// Which effects get a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    All,
    /// Deletes, money, mail, shell, raw SQL writes, secrets, production hosts.
    HighRisk,
}

/// Services that move money.
const PAYMENT_SERVICES: &[&str] = &[
    "adyen",
    "braintree",
    "coinbase",
    "mollie",
    "paddle",
    "paypal",
    "plaid",
    "razorpay",
    "square",
    "stripe",
    "wise",
];

/// Why an effect is high-risk; `None` when it is not.
fn risk_of(effect: &Effect) -> Option<&'static str> {
    let destination = effect.destination.as_deref().unwrap_or("").to_lowercase();
    let name = effect.resource.name.to_lowercase();
    let is_write = effect.action != Action::Read;
    let is_production = [
        "://prod",
        "-prod.",
        ".prod.",
        ".production.",
        "-production.",
        "://live",
    ]
    .iter()
    .any(|part| destination.contains(part));
    match effect.category {
        Category::Filesystem => None,
        _ if effect.action == Action::Delete && !forgets(effect) => Some("it deletes"),
        _ if is_write
            && PAYMENT_SERVICES
                .iter()
                .any(|service| name.contains(service) || effect.call.starts_with(service)) =>
        {
            Some("it moves money")
        }
        Category::Email if is_write => Some("it sends mail"),
        Category::Process => Some("it runs another program"),
        Category::Secrets => Some("it touches secrets"),
        Category::Database if is_write && is_sql(&destination) => Some("it writes by raw SQL"),
        _ if is_write && is_production => Some("it acts on a production host"),
        _ => None,
    }
}

/// What takes away no data: an entry of a cache, or the link between two rows that stay.
fn forgets(effect: &Effect) -> bool {
    const CACHES: [&str; 6] = [
        "aiocache.",
        "cachelib.",
        "cachetools.",
        "diskcache.",
        "django.core.cache.",
        "flask_caching.",
    ];
    unlinks(effect) || CACHES.iter().any(|prefix| effect.call.starts_with(prefix))
}

/// Whether the call parts rows of two tables: what it deletes or changes is the link, which the code does not name.
fn unlinks(effect: &Effect) -> bool {
    ["clear", "remove", "set"]
        .iter()
        .any(|name| effect.call == format!("django.db.models.Manager.{name}"))
}

/// What runs more code in this very process: the client asks about what that code does.
fn runs_in_process(effect: &Effect) -> bool {
    const CALLS: [&str; 5] = [
        "builtins.",
        "code.",
        "django.core.management.",
        "importlib.",
        "runpy.",
    ];
    effect.category == Category::Process
        && !effect.intercepted
        && CALLS.iter().any(|prefix| effect.call.starts_with(prefix))
}

fn is_sql(destination: &str) -> bool {
    let verbs = [
        "insert", "update", "delete", "drop", "alter", "create", "truncate", "merge", "replace",
        "grant",
    ];
    let first = destination.split_whitespace().next().unwrap_or("");
    verbs.contains(&first)
}

pub fn add_steps(context: &Context, which: Which, plan: &mut Plan) {
    let has_process = !context.processes().is_empty();
    let mut by_file: BTreeMap<&str, Vec<&Effect>> = BTreeMap::new();
    for effect in context.scan.effects.iter().filter(|effect| {
        // Generated code is named, and left alone.
        let is_planned = context.is_planned(effect.origin) || effect.origin == Origin::Generated;
        is_planned && effect.path.ends_with(".py")
    }) {
        by_file.entry(&effect.path).or_default().push(effect);
    }
    for (path, effects) in by_file {
        let is_wanted = |effect: &Effect| {
            effect.coverage < Coverage::Scope
                && !runs_in_process(effect)
                && !(has_process && effect.reached_from.is_empty())
                && match which {
                    // The client leaves files alone unless told otherwise.
                    Which::All => {
                        effect.action != Action::Read && effect.category != Category::Filesystem
                    }
                    Which::HighRisk => risk_of(effect).is_some(),
                }
        };
        let Some(wanted) = effects.iter().find(|effect| is_wanted(effect)) else {
            continue;
        };
        if wanted.origin == Origin::Generated {
            let reason = "the file is generated, and the next run of its generator would write over a scope: put it where this is called";
            refuse(plan, path, wanted.line, reason);
            continue;
        }
        let Ok(source) = context.read(path) else {
            continue;
        };
        let module = Module::new(&source);
        let mut groups: BTreeMap<(&str, Intent, bool), Vec<&Effect>> = BTreeMap::new();
        for effect in effects.iter().filter(|effect| is_wanted(effect)) {
            if is_scoped(&module, site(effect)) {
                continue;
            }
            groups
                .entry((&effect.symbol, intent_of(effect), effect.intercepted))
                .or_default()
                .push(effect);
        }
        let mut taken: Vec<Target> = Vec::new();
        let mut found = Vec::new();
        let tables: Vec<&str> = groups
            .iter()
            .filter(|((_, intent, _), group)| {
                group[0].category == Category::Database && !intent.resource_name.is_empty()
            })
            .map(|((symbol, _, _), _)| *symbol)
            .collect();
        for ((symbol, intent, is_intercepted), mut group) in groups.clone() {
            if is_intercepted && intent.resource_name.is_empty() {
                // A scope without a name would hide from the policy what the client reads off the call.
                refuse(
                    plan,
                    path,
                    group[0].line,
                    "what the call acts on is known at run time only, and the client names it then",
                );
                continue;
            }
            // Where a function works on one table, the commit that sends its statements belongs to it.
            if group[0].category == Category::Database
                && tables.iter().filter(|other| **other == symbol).count() == 1
            {
                let commits = effects.iter().filter(|other| {
                    other.symbol == symbol
                        && is_connection(other)
                        && other.call.ends_with(".commit")
                        && other.line >= group[0].line
                        && !is_scoped(&module, site(other))
                });
                let together: Vec<&Effect> = group.iter().chain(commits).copied().collect();
                let sites: Vec<Site> = together.iter().map(|effect| site(effect)).collect();
                let outside: Vec<Site> = effects
                    .iter()
                    .filter(|other| other.symbol == symbol && conflicts(&intent, other))
                    .map(|other| site(other))
                    .collect();
                // What else waits in the session for the commit would be sent as part of this work.
                let sends_other = effects.iter().any(|other| {
                    other.symbol == symbol
                        && other.category == Category::Database
                        && conflicts(&intent, other)
                });
                if !sends_other && place(&module, &sites, &outside).is_ok() {
                    group = together;
                }
            }
            let others: Vec<&Effect> = effects
                .iter()
                .filter(|other| other.symbol == symbol && conflicts(&intent, other))
                .copied()
                .collect();
            for target in targets(&module, &intent, &group, &others, path, plan) {
                // Two scopes around the same lines would both be right for one of two purposes.
                let overlaps = taken.iter().any(|other| {
                    target.0.lines.0 <= other.lines.1 && other.lines.0 <= target.0.lines.1
                });
                if overlaps && target.0.form == Form::With {
                    refuse(
                        plan,
                        path,
                        target.0.lines.0,
                        "another scope holds these lines",
                    );
                    continue;
                }
                taken.push(target.0.clone());
                found.push((symbol, target));
            }
        }
        // All of a file's scopes at once; one by one only where that fails.
        let all: BTreeSet<Part> = found
            .iter()
            .map(|(_, (target, _))| Part::Scope(target.clone()))
            .collect();
        let are_proven = found.is_empty() || python::compose(&source, &all).is_ok();
        for (symbol, (target, effect)) in found {
            let alone = || python::compose(&source, &BTreeSet::from([Part::Scope(target.clone())]));
            let refusal = if are_proven { None } else { alone().err() };
            match refusal {
                None => add_step(path, symbol, target, effect, plan),
                Some(refusal) => refuse(plan, path, target.lines.0, &refusal.to_string()),
            }
        }
    }
}

/// The places of a group of effects: one scope around all, or one for each where other work lies in between.
fn targets<'e>(
    module: &Module,
    intent: &Intent,
    group: &[&'e Effect],
    others: &[&Effect],
    path: &str,
    plan: &mut Plan,
) -> Vec<(Target, &'e Effect)> {
    let outside: Vec<Site> = others.iter().map(|effect| site(effect)).collect();
    let as_target = |place: Place, effect: &'e Effect| {
        let form = match (place.form, effect.intercepted) {
            // A scope stops nothing by itself: a call that is not intercepted is asked about.
            (Form::With, false) => Form::Enforce,
            (form, _) => form,
        };
        let target = Target {
            form,
            lines: place.lines,
            is_async: place.is_async,
            intent: intent.clone(),
        };
        (target, effect)
    };
    let sites: Vec<Site> = group.iter().map(|effect| site(effect)).collect();
    let whole = place(module, &sites, &outside);
    let first = group[0];
    match whole {
        Ok(found) if first.intercepted || found.form == Form::Decorator || group.len() == 1 => {
            let apart = apart(module, &sites, &outside, found);
            return match apart {
                Some(places) => places
                    .into_iter()
                    .map(|place| as_target(place, first))
                    .collect(),
                None => vec![as_target(found, first)],
            };
        }
        Err(reason) if group.len() == 1 => {
            refuse(plan, path, first.line, &reason);
            return Vec::new();
        }
        _ => {}
    }
    let mut found: Vec<(Target, &Effect)> = Vec::new();
    for effect in group {
        match place(module, &[site(effect)], &outside) {
            Ok(one) => {
                let target = as_target(one, effect);
                if !found.iter().any(|(other, _)| other.lines == target.0.lines) {
                    found.push(target);
                }
            }
            Err(reason) => refuse(plan, path, effect.line, &reason),
        }
    }
    found
}

/// A scope for each call, where that changes fewer lines than one around them all.
fn apart(module: &Module, sites: &[Site], outside: &[Site], whole: Place) -> Option<Vec<Place>> {
    if whole.form != Form::With || sites.len() < 2 {
        return None;
    }
    // Each line that is indented shows twice in a diff, and the scope's own lines once.
    let lines = |place: &Place| 2 * (place.lines.1 - place.lines.0 + 1) + 5;
    let mut places: Vec<Place> = Vec::new();
    for site in sites {
        let one = place(module, &[*site], outside).ok()?;
        if !places.contains(&one) {
            places.push(one);
        }
    }
    places.sort_by_key(|place| place.lines);
    let are_disjoint = places
        .windows(2)
        .all(|pair| pair[0].lines.1 < pair[1].lines.0);
    let fewer = places.iter().map(lines).sum::<u32>() < lines(&whole);
    (are_disjoint && fewer).then_some(places)
}

fn add_step(path: &str, symbol: &str, target: Target, effect: &Effect, plan: &mut Plan) {
    let part = Part::Scope(target.clone());
    let intent = &target.intent;
    let what = match intent.resource_name.as_str() {
        "" => format!("{} {}", intent.action, intent.resource_type),
        name => format!("{} {} `{name}`", intent.action, intent.resource_type),
    };
    let title = match target.form {
        Form::Decorator => format!("Say what `{symbol}` is for: {what}"),
        Form::With => format!("Put the work in a scope: {what}"),
        Form::Enforce => format!("Ask before a call that the client cannot intercept: {what}"),
    };
    let reason = match risk_of(effect) {
        Some(risk) => format!("`{}`: {risk}", effect.call),
        None => format!("`{}`", effect.call),
    };
    let id = format!(
        "scope:{path}:{symbol}:{}:{}:{}",
        intent.action,
        match intent.resource_name.as_str() {
            "" => intent.resource_type.clone(),
            name => name.replace(char::is_whitespace, "_"),
        },
        plan.steps
            .iter()
            .filter(|step| step.id.starts_with(&format!("scope:{path}:{symbol}:")))
            .count()
            + 1
    );
    let step = Step::new(
        id,
        title,
        format!("{path}:{}", target.lines.0),
        reason,
        Change::Python {
            path: path.to_owned(),
            part,
        },
    );
    plan.steps.push(match target.form {
        Form::With => step,
        // The question comes before the function or the call: a denial is raised where none was before.
        Form::Decorator | Form::Enforce => step.needs_review(Risk::Medium),
    });
}

/// What an effect is for, as far as the code says it.
pub fn intent_of(effect: &Effect) -> Intent {
    let action = effect.action.word();
    let (kind, name) = (&effect.resource.kind, &effect.resource.name);
    // A library's own name says nothing of what the call acts on: the client takes that from the call.
    let is_named = effect.resource.is_named
        && !unlinks(effect)
        && !name.contains(['*', '{', '<', '\n'])
        && name != kind;
    Intent {
        action: action.to_owned(),
        resource_type: if kind.is_empty() {
            category_word(effect)
        } else {
            kind.clone()
        },
        resource_name: if is_named {
            name.clone()
        } else {
            String::new()
        },
    }
}

fn category_word(effect: &Effect) -> String {
    serde_json::to_value(effect.category)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn site(effect: &Effect) -> Site {
    Site {
        line: effect.line,
        column: effect.column,
    }
}

/// Whether an effect is of another purpose than the intent. Reads are part of any work, and so is the connection
/// that a statement on a table goes through.
fn conflicts(intent: &Intent, other: &Effect) -> bool {
    other.action != Action::Read && !is_connection(other) && intent_of(other) != *intent
}

fn is_connection(effect: &Effect) -> bool {
    const OBJECT: [&str; 3] = ["add", "add_all", "delete"];
    let called = effect.call.rsplit('.').next().unwrap_or_default();
    effect.category == Category::Database
        && !effect.resource.is_named
        && !(OBJECT.contains(&called) && effect.call.contains("Session."))
}

fn refuse(plan: &mut Plan, path: &str, line: u32, reason: &str) {
    let refusal = Refusal {
        place: format!("{path}:{line}"),
        reason: format!("no scope: {reason}"),
    };
    if !plan.refused.contains(&refusal) {
        plan.refused.push(refusal);
    }
}
