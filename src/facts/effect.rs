//! The side-effecting calls of one file.

use rustc_hash::FxHashSet;

use super::destination::{Target, remote, target};
use super::{Action, Category, Confidence};
use crate::catalog::schema::RunnerRule;
use crate::catalog::{ActionRule, Match, Rule};
use crate::names::{ANY, Ancestor, Definition, Given, Resolver, Site, Typed, Value};
use crate::syntax::module::{CallSite, ExprId, ExprKind, Module, Span};

mod receiver;
mod unknown;

use receiver::by_receiver;
use unknown::{by_method, by_name};

/// An effect before the whole repo is known.
#[derive(Clone, Debug)]
pub struct FoundEffect {
    pub category: Category,
    pub call: String,
    pub target: Target,
    pub confidence: Confidence,
    pub intercepted: bool,
    pub span: Span,
    pub call_site: CallSite,
    /// The call itself; where a function is passed on, the expression that names it.
    pub site: Site,
    library: String,
}

/// The effects of every call in a module, in source order.
pub fn effects(
    resolver: &mut Resolver,
    module: &Module,
    file: crate::names::FileId,
    possible: bool,
) -> Vec<FoundEffect> {
    let mut found: Vec<FoundEffect> = Vec::new();
    let awaited: FxHashSet<ExprId> = module
        .exprs
        .iter()
        .filter_map(|expr| match expr.kind {
            ExprKind::Await(inner) => Some(inner),
            _ => None,
        })
        .collect();
    for call in &module.calls {
        let site = Site {
            file,
            expr: call.expr,
        };
        let by_value = called(resolver, module, site, call);
        if by_value.is_empty() {
            let is_awaited = awaited.contains(&call.expr);
            let by_method = by_method(resolver, module, site, call, is_awaited);
            found.extend(by_method.or_else(|| by_receiver(resolver, module, site, call)));
        }
        found.extend(by_value);
        found.extend(passed_on(resolver, module, site, call));
        if possible && found.last().is_none_or(|last| last.site != site) {
            found.extend(by_name(resolver, module, site, call));
        }
    }
    drop_steps(module, &mut found);
    found
}

/// `Model.objects.filter(…).delete()` is one effect: what reads on the way to another of the same library is dropped.
fn drop_steps(module: &Module, found: &mut Vec<FoundEffect>) {
    let mut steps = Vec::new();
    for effect in found.iter() {
        let mut expr = effect.site.expr;
        loop {
            let next = match &module.expr(expr).kind {
                ExprKind::Call(function, _) => match &module.expr(*function).kind {
                    ExprKind::Attribute(object, _) => *object,
                    _ => break,
                },
                ExprKind::Attribute(object, _) | ExprKind::Await(object) => *object,
                _ => break,
            };
            steps.push((next, effect.library.clone()));
            expr = next;
        }
    }
    found.retain(|effect| {
        effect.target.action != Action::Read
            || !steps
                .iter()
                .any(|(expr, library)| *expr == effect.site.expr && *library == effect.library)
    });
}

fn called(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Vec<FoundEffect> {
    let ExprKind::Call(function, _) = &module.expr(site.expr).kind else {
        return Vec::new();
    };
    let values = resolver.values(Site {
        expr: *function,
        ..site
    });
    let receiver = match &module.expr(*function).kind {
        ExprKind::Attribute(object, _) => Some(Site {
            expr: *object,
            ..site
        }),
        _ => None,
    };
    let mut found: Vec<FoundEffect> = Vec::new();
    for typed in values.iter() {
        if builds_on(resolver, &typed.value, &values) {
            continue;
        }
        let confidence = if typed.certain {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        let Some(effect) = effect_of(
            resolver,
            &typed.value,
            Some(Given::by(site)),
            receiver,
            confidence,
            module,
            site,
            call,
        ) else {
            continue;
        };
        match found
            .iter_mut()
            .find(|known| known.category == effect.category)
        {
            Some(known) if effect.confidence > known.confidence => *known = effect,
            Some(_) => {}
            None => found.push(effect),
        }
    }
    found
}

/// Whether a call only adds to a query that was begun before: `rows = rows.annotate(…)` where the rows are a manager's
/// at first and a query's then.
fn builds_on(resolver: &Resolver, value: &Value, values: &[Typed]) -> bool {
    let catalog = resolver.program.catalog;
    let Value::Method { class, chain, .. } = value else {
        return false;
    };
    let is_query = |typed: &Typed| match &typed.value {
        Value::Method { class, chain, .. } => {
            catalog.is_fluent(class) && catalog.effect(class, chain).is_none()
        }
        _ => false,
    };
    catalog.only_builds(class, chain) && values.iter().any(is_query)
}

/// Functions handed to something that calls them: `executor.submit(session.post, …)`.
fn passed_on(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Vec<FoundEffect> {
    let mut found = Vec::new();
    let mut run = run_by(resolver, module, site);
    run.dedup_by_key(|(_, argument)| *argument);
    for (rule, argument) in run {
        let given = given_to(resolver, rule, site);
        let confidence = |certain: bool| {
            if certain {
                Confidence::Certain
            } else {
                Confidence::Likely
            }
        };
        let receiver = match &module.expr(argument.expr).kind {
            ExprKind::Attribute(object, _) => Some(Site {
                expr: *object,
                ..argument
            }),
            _ => None,
        };
        for typed in resolver.values(argument).iter() {
            let confidence = confidence(typed.certain);
            if let Some(effect) = effect_of(
                resolver,
                &typed.value,
                given,
                receiver,
                confidence,
                module,
                argument,
                call,
            ) {
                found.push(effect);
                break;
            }
        }
    }
    found
}

/// The arguments that a call gives the function which it runs by a rule.
pub fn given_to(resolver: &Resolver, rule: &RunnerRule, site: Site) -> Option<Given> {
    match &rule.args {
        Some(keyword) => resolver.argument(site, None, Some(keyword)).map(Given::by),
        None => {
            let before = rule.pos? + 1;
            Some(Given { site, before })
        }
    }
}

/// The arguments of a call that the call runs.
pub fn run_arguments(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<Site> {
    let mut found: Vec<Site> = run_by(resolver, module, site)
        .into_iter()
        .map(|(_, argument)| argument)
        .collect();
    found.dedup();
    found
}

/// The same, each with the rule that says so.
pub fn run_by<'p>(
    resolver: &mut Resolver<'p>,
    module: &Module,
    site: Site,
) -> Vec<(&'p RunnerRule, Site)> {
    let ExprKind::Call(function, _) = &module.expr(site.expr).kind else {
        return Vec::new();
    };
    let catalog = resolver.program.catalog;
    let values = resolver.values(Site {
        expr: *function,
        ..site
    });
    let mut found = Vec::new();
    for typed in values.iter() {
        let rule = match &typed.value {
            Value::External(name) => catalog.runner(name),
            Value::Method { class, chain, .. } => catalog
                .runner(&format!("{class}.{chain}"))
                .or_else(|| catalog.runner_method(chain)),
            _ => None,
        };
        if let Some(rule) = rule {
            let argument = resolver.argument(site, rule.pos, rule.kw.as_deref());
            found.extend(argument.map(|argument| (rule, argument)));
        }
    }
    if values.is_empty()
        && let ExprKind::Attribute(_, method) = &module.expr(*function).kind
        && let Some(rule) = catalog.runner_method(method)
    {
        let argument = resolver.argument(site, rule.pos, rule.kw.as_deref());
        found.extend(argument.map(|argument| (rule, argument)));
    }
    found
}

#[allow(
    clippy::too_many_arguments,
    reason = "one call, seen from its callee, its receiver and its place"
)]
fn effect_of(
    resolver: &mut Resolver,
    value: &Value,
    arguments: Option<Given>,
    receiver: Option<Site>,
    mut confidence: Confidence,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Option<FoundEffect> {
    let catalog = resolver.program.catalog;
    let (found, made, verb_rule);
    match value {
        Value::External(name) if !name.starts_with("governor.") => {
            found = catalog
                .function(name)
                .or_else(|| catalog.effect(catalog.any_attribute(name)?, "__call__"))
                .or_else(|| catalog.made(name))
                .or_else(|| catalog.any_operation(name.strip_suffix(ANY)?.strip_suffix('.')?))?;
            made = None;
        }
        Value::Class(class) => {
            found = made_by_heir(resolver, *class)?;
            made = None;
        }
        Value::Instance(class, by) => {
            found = catalog.effect(class, "__call__")?;
            made = *by;
        }
        // A task of Huey is queued by a plain call.
        Value::Wrapped { class, .. } => {
            found = catalog.effect(class, "__call__")?;
            made = None;
        }
        Value::Method {
            class,
            chain,
            made: by,
            ..
        } => {
            made = *by;
            let (class, chain) = catalog.operation(class, chain);
            let any = || {
                (chain == ANY)
                    .then(|| catalog.any_operation(&class))
                    .flatten()
            };
            match catalog.effect(&class, chain).or_else(any) {
                Some(rule) => found = rule,
                None => {
                    let (library, action) = match catalog.verb(&class, chain) {
                        Some(known) => known,
                        None => {
                            confidence = confidence.min(Confidence::Likely);
                            catalog.verb_of_client(&class, chain)?
                        }
                    };
                    verb_rule = Rule {
                        library: library.clone(),
                        action: ActionRule::Is(action),
                        decided_by: None,
                        destination: None,
                    };
                    found = Match {
                        rule: &verb_rule,
                        call: format!("{class}.{chain}"),
                    };
                }
            }
        }
        _ => return None,
    }
    let category = found.rule.library.category;
    // A form that is told not to commit only makes the object.
    let commits = arguments.and_then(|given| resolver.given_argument(given, None, Some("commit")));
    if let Some(commits) = commits
        && found.call.ends_with("Form.save")
        && matches!(resolver.program.module(commits.file).map(|module| &module.expr(commits.expr).kind), Some(ExprKind::Constant(text)) if &**text == "False")
    {
        return None;
    }
    // `import_module("json")` is an import like any other.
    let imported =
        arguments.and_then(|given| resolver.given_argument(given, Some(0), Some("name")));
    if found.call == "importlib.import_module"
        && imported.is_some_and(|name| resolver.constant(name).is_some())
    {
        return None;
    }
    if category == Category::Filesystem && goes_nowhere(resolver, &found, arguments, made) {
        return None;
    }
    let target = target(resolver, &found, arguments, receiver, made);
    let category = match category {
        Category::Filesystem => remote(resolver, &found, arguments, &target).unwrap_or(category),
        _ => category,
    };
    // Reading a file changes nothing outside; a policy about data asks where the data goes.
    if category == Category::Filesystem && target.action == Action::Read {
        return None;
    }
    Some(FoundEffect {
        category,
        intercepted: catalog.is_intercepted(&found.rule.library, &found.call),
        library: found.rule.library.name.clone(),
        call: found.call,
        target,
        confidence,
        span: module.expr(site.expr).span,
        call_site: *call,
        site,
    })
}

/// What making an object of a class of the repo does as it derives from one of which the rules say so, unless its own
/// methods do the work.
fn made_by_heir<'c>(resolver: &mut Resolver<'c>, class: Definition) -> Option<Match<'c>> {
    let catalog = resolver.program.catalog;
    let lineage = resolver.lineage(class);
    let (base, found) = lineage.iter().find_map(|ancestor| match ancestor {
        Ancestor::External(base) => Some((base, catalog.made(base)?)),
        Ancestor::Own(_) => None,
    })?;
    let rules = catalog.entrypoint("subclass", base, "").into_iter();
    let mut methods = rules.flat_map(|rule| &rule.methods);
    let works = methods.any(|method| resolver.find_method(class, method).is_some());
    (!works).then_some(found)
}

/// A file that is none: a buffer in memory, an open file that is passed on, the null device.
fn goes_nowhere(
    resolver: &mut Resolver,
    found: &Match,
    given: Option<Given>,
    made: Option<Site>,
) -> bool {
    let rule = found.rule.destination.as_ref();
    let path = match (rule, given) {
        (Some(rule), _) if !rule.from.is_empty() => {
            made.and_then(|made| resolver.argument(made, Some(0), Some("fileobj")))
        }
        (Some(rule), Some(given)) => {
            let named = resolver.given_argument(given, rule.pos, rule.kw.as_deref());
            named.or_else(|| resolver.given_argument(given, None, Some("fileobj")))
        }
        _ => None,
    };
    let Some(path) = path else { return false };
    if resolver.constant(path).as_deref() == Some("/dev/null") {
        return true;
    }
    let values = resolver.values(path);
    !values.is_empty()
        && values.iter().all(|typed| match &typed.value {
            Value::External(name) => &**name == "os.devnull",
            Value::Instance(class, _) => matches!(&**class, "io.BytesIO" | "io.StringIO"),
            _ => false,
        })
}
