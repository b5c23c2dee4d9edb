//! What an effect acts on: its destination, as far as it is constant, and the resource that its intent names.

use super::{Action, Category, Resource};
use crate::catalog::{ActionRule, Match, Rule};
use crate::names::{Given, Resolver, Site, Value};
use crate::syntax::module::{BindingValue, ExprKind};

mod model;
mod sql;

use model::model_table;
use sql::{cypher_action, statement};

/// What the call at a site does and to what.
#[derive(Clone, Debug)]
pub struct Target {
    pub action: Action,
    pub destination: Option<String>,
    pub resource: Resource,
}

/// Reads the arguments that the function is given; `made` is the expression that made the receiver.
pub fn target(
    resolver: &mut Resolver,
    found: &Match,
    given: Option<Given>,
    receiver: Option<Site>,
    made: Option<Site>,
) -> Target {
    let rule = found.rule;
    let destination_rule = rule.destination.clone().unwrap_or_default();
    let argument = given.and_then(|given| {
        (destination_rule.from.is_empty())
            .then(|| {
                let rule = &destination_rule;
                resolver.given_argument(given, rule.pos, rule.kw.as_deref())
            })
            .flatten()
    });
    let mut destination = match destination_rule.from.as_str() {
        "" => argument.and_then(|argument| address(resolver, argument)),
        "constructor" => made.and_then(|made| {
            let argument =
                resolver.argument(made, destination_rule.pos, destination_rule.kw.as_deref())?;
            resolver.text(argument)
        }),
        _ => receiver_text(resolver, &found.call, receiver, made),
    };
    if destination_rule.kind == "url" {
        destination = with_base(resolver, destination, &found.call, made);
    }
    destination = destination.filter(|text| !text.trim().is_empty());
    let statement = (destination_rule.kind == "sql")
        .then(|| statement(resolver, argument, destination.as_deref()));
    let action = match rule.action {
        _ if destination_rule.kind == "cypher" && destination.is_some() => {
            cypher_action(destination.as_deref().unwrap_or_default())
        }
        ActionRule::Is(action) => action,
        ActionRule::ByMethod => by_method(resolver, deciding(resolver, rule, given), given),
        ActionRule::ByMode => by_mode(resolver, deciding(resolver, rule, given)),
        ActionRule::BySql => statement
            .as_ref()
            .map_or(Action::Execute, |statement| statement.action),
        ActionRule::ByStep => {
            let step = receiver.and_then(|receiver| step_before(resolver, receiver));
            let class = found.call.rsplit_once('.').map_or("", |(class, _)| class);
            step.and_then(|step| resolver.program.catalog.verb(class, &step))
                .map_or(Action::Execute, |(_, action)| action)
        }
        ActionRule::ByPresence => {
            let body = deciding(resolver, rule, given);
            if body.is_some() || given.is_some_and(|given| carries_body(resolver, given)) {
                Action::Write
            } else {
                Action::Read
            }
        }
    };
    let tables = statement
        .map(|statement| statement.tables)
        .unwrap_or_default();
    let table = if tables.is_empty() {
        model_table(resolver, argument, receiver, made, found)
    } else {
        Some(tables.join(","))
    };
    let resource = resource(
        resolver,
        found,
        &destination_rule.kind,
        destination.as_deref(),
        table,
    );
    Target {
        action,
        destination,
        resource,
    }
}

/// The method whose result a call is made on: `delete` of `files().delete(…).execute()`, also through a name.
fn step_before(resolver: &Resolver, receiver: Site) -> Option<String> {
    let module = resolver.program.module(receiver.file)?;
    match &module.expr(receiver.expr).kind {
        ExprKind::Call(function, _) => match &module.expr(*function).kind {
            ExprKind::Attribute(_, method) => Some(method.to_string()),
            _ => None,
        },
        ExprKind::Name(name) => {
            let scope = module.scope(module.scope_of(receiver.expr));
            let steps =
                scope
                    .bindings
                    .get(name)?
                    .iter()
                    .filter_map(|binding| match binding.value {
                        BindingValue::Value(expr) if expr != receiver.expr => {
                            Some(Site { expr, ..receiver })
                        }
                        _ => None,
                    });
            steps
                .into_iter()
                .find_map(|step| match module.expr(step.expr).kind {
                    ExprKind::Call(..) => step_before(resolver, step),
                    _ => None,
                })
        }
        _ => None,
    }
}

/// A text, or `host:port` of an address tuple.
fn address(resolver: &mut Resolver, argument: Site) -> Option<String> {
    let module = resolver.program.module(argument.file)?;
    if let ExprKind::Sequence(items) = &module.expr(argument.expr).kind
        && let [host, port] = items.as_ref()
        && let ExprKind::Constant(port) = &module.expr(*port).kind
    {
        let host = Site {
            expr: *host,
            ..argument
        };
        let host = resolver.text(host).unwrap_or_else(|| resolver.hole(host));
        return Some(format!("{host}:{port}"));
    }
    resolver.text(argument)
}

fn receiver_text(
    resolver: &mut Resolver,
    call: &str,
    receiver: Option<Site>,
    made: Option<Site>,
) -> Option<String> {
    if let Some(receiver) = receiver
        && let Some(text) = resolver.text(receiver)
    {
        return Some(text);
    }
    let made = made?;
    if let Some(first) = resolver.argument(made, Some(0), None) {
        return resolver.text(first);
    }
    // `client["shop"]["orders"]`, `client.shop.orders`
    let module = resolver.program.module(made.file)?;
    match &module.expr(made.expr).kind {
        ExprKind::Subscript(_, items) => {
            let expr = *items.first()?;
            resolver.constant(Site { expr, ..made })
        }
        ExprKind::Attribute(_, name) if call.contains("Collection.") => Some(name.to_string()),
        _ => None,
    }
}

/// A relative URL behind the `base_url` that the client was made with.
fn with_base(
    resolver: &mut Resolver,
    destination: Option<String>,
    call: &str,
    made: Option<Site>,
) -> Option<String> {
    let text = destination.clone().unwrap_or_default();
    if text.contains("://") {
        return destination;
    }
    let first = call.starts_with(FIRST_IS_BASE).then_some(0);
    let base = made.and_then(|made| {
        let keyword = resolver.argument(made, first, Some("base_url"));
        keyword.and_then(|argument| resolver.text(argument))
    });
    match base {
        Some(base) => Some(
            format!(
                "{}/{}",
                base.trim_end_matches('/'),
                text.trim_start_matches('/')
            )
            .trim_end_matches('/')
            .to_owned(),
        ),
        None => destination,
    }
}

/// The client whose first argument is its base URL; others take it by keyword alone.
const FIRST_IS_BASE: &str = "aiohttp.ClientSession.";

/// The argument that says what a call does.
fn deciding(resolver: &Resolver, rule: &Rule, given: Option<Given>) -> Option<Site> {
    let by = rule.decided_by.as_ref()?;
    resolver.given_argument(given?, by.pos, by.kw.as_deref())
}

fn by_method(resolver: &mut Resolver, argument: Option<Site>, given: Option<Given>) -> Action {
    let argument = argument.or_else(|| method_of_request(resolver, given?));
    if argument.is_none() && given.is_some_and(|given| !resolver.hides_arguments(given.site)) {
        return Action::Read;
    }
    let method = argument.and_then(|argument| resolver.constant(argument));
    let language = &resolver.program.catalog.language;
    let is_in =
        |words: &[String], method: &str| words.iter().any(|word| word.eq_ignore_ascii_case(method));
    match method {
        Some(method) if is_in(&language.http_read, &method) => Action::Read,
        Some(method) if is_in(&language.http_delete, &method) => Action::Delete,
        // `urlopen(url)` without data and `request(method)` with an unknown one: the second may do anything.
        _ => Action::Write,
    }
}

/// `fetch(HTTPRequest(url, method="PUT"))`: the method that a request object is made with.
fn method_of_request(resolver: &mut Resolver, given: Given) -> Option<Site> {
    let first = resolver.given_argument(given, Some(0), None)?;
    let values = resolver.values(first);
    values.iter().find_map(|typed| match typed.value {
        Value::Instance(_, Some(made)) => resolver.argument(made, None, Some("method")),
        _ => None,
    })
}

/// `urlopen(Request(url, data=…))`: the request object says what the call does.
fn carries_body(resolver: &mut Resolver, given: Given) -> bool {
    let Some(first) = resolver.given_argument(given, Some(0), None) else {
        return false;
    };
    resolver
        .values(first)
        .to_vec()
        .into_iter()
        .any(|typed| match typed.value {
            Value::Instance(_, Some(made)) => match resolver.argument(made, None, Some("method")) {
                Some(method) => {
                    let method = resolver.constant(method);
                    !method.is_some_and(|word| word == "GET" || word == "HEAD")
                }
                None => resolver.argument(made, Some(1), Some("data")).is_some(),
            },
            _ => false,
        })
}

fn by_mode(resolver: &mut Resolver, argument: Option<Site>) -> Action {
    let Some(argument) = argument else {
        return Action::Read;
    };
    if let Some(mode) = resolver.constant(argument) {
        return if mode.contains(['w', 'a', 'x', '+']) {
            Action::Write
        } else {
            Action::Read
        };
    }
    // `mode = "rb" if binary else "r"`
    let values = resolver.values(argument);
    let reads = |resolver: &mut Resolver, typed: &crate::names::Typed| match typed.value {
        Value::Literal(literal) => resolver
            .constant(literal)
            .is_some_and(|mode| !mode.contains(['w', 'a', 'x', '+'])),
        _ => false,
    };
    if !values.is_empty() && values.iter().all(|typed| reads(resolver, typed)) {
        return Action::Read;
    }
    let flags = flag_names(resolver, argument, 0);
    if !flags.is_empty()
        && flags
            .iter()
            .all(|flag| !FLAGS_THAT_WRITE.contains(&flag.as_str()))
    {
        return Action::Read;
    }
    Action::Write
}

const FLAGS_THAT_WRITE: &[&str] = &["O_APPEND", "O_CREAT", "O_RDWR", "O_TRUNC", "O_WRONLY"];

fn flag_names(resolver: &Resolver, site: Site, depth: u32) -> Vec<String> {
    let Some(module) = resolver.program.module(site.file) else {
        return Vec::new();
    };
    match &module.expr(site.expr).kind {
        ExprKind::Attribute(_, name) | ExprKind::Name(name) if name.starts_with("O_") => {
            vec![name.to_string()]
        }
        ExprKind::Binary(_, left, right) if depth < 8 => {
            let mut names = flag_names(
                resolver,
                Site {
                    expr: *left,
                    ..site
                },
                depth + 1,
            );
            names.extend(flag_names(
                resolver,
                Site {
                    expr: *right,
                    ..site
                },
                depth + 1,
            ));
            names
        }
        _ => Vec::new(),
    }
}

/// What makes one line of a shell more than one command.
const JOINS: &[&str] = &[";", "&", "|", "\n", "`", "$(", "<(", ">("];

fn resource(
    resolver: &Resolver,
    found: &Match,
    kind: &str,
    destination: Option<&str>,
    table: Option<String>,
) -> Resource {
    let library = &found.rule.library;
    let catalog = resolver.program.catalog;
    let named = |kind: &str, name: &str| Resource {
        kind: kind.to_owned(),
        name: name.to_owned(),
        is_named: true,
    };
    let unnamed = || Resource {
        kind: library.resource_type.clone(),
        name: match library.service.as_str() {
            // A rule file over several modules is named after none of them.
            "" if library.name.ends_with("-misc") => {
                found.call.split('.').next().unwrap_or_default().to_owned()
            }
            // `boto3.client:sqs.send_message`
            "" => match found.call.split_once(':') {
                Some((_, operation)) => operation.split('.').next().unwrap_or(operation).to_owned(),
                None => library.name.clone(),
            },
            service => service.to_owned(),
        },
        // A driver or a shell may reach anything; a service's own SDK reaches that service.
        is_named: !library.service.is_empty()
            && !matches!(
                library.category,
                Category::Database
                    | Category::Email
                    | Category::Filesystem
                    | Category::Messaging
                    | Category::Process
            ),
    };
    // The tables that a statement names, as the client reads them off it.
    if let Some(table) = table {
        return named(
            match library.resource_type.as_str() {
                "" => "database",
                kind => kind,
            },
            &table,
        );
    }
    // `{TABLE_NAME}` alone names nothing.
    let is_hole = |text: &&str| text.starts_with('{') && text.find('}') == Some(text.len() - 1);
    let Some(destination) = destination.filter(|text| !is_hole(text)) else {
        return unnamed();
    };
    let remote = address_category(destination)
        .filter(|_| library.category == Category::Filesystem && !library.is_standard);
    match (kind, remote) {
        (_, Some(Category::Cloud)) => match host_of(destination) {
            bucket if bucket.starts_with('{') => unnamed(),
            bucket => named("bucket", &bucket),
        },
        ("url" | "host", _) | (_, Some(_)) => {
            let host = host_of(destination);
            if let Some((kind, service)) = catalog.host(&host) {
                return named(kind, service);
            }
            if host.is_empty() || host.starts_with('{') {
                unnamed()
            } else if remote.is_some() {
                named("external_api", &host)
            } else {
                named(&library.resource_type, &host)
            }
        }
        ("model" | "sql" | "code" | "recipient" | "", _) => unnamed(),
        ("command", _) => {
            // A line of several commands is the shell's, as for the client.
            let is_joined = JOINS.iter().any(|mark| destination.contains(mark));
            let first = destination.split_whitespace().next().unwrap_or(destination);
            let program = if is_joined { "sh" } else { first };
            named(
                &library.resource_type,
                program.rsplit('/').next().unwrap_or(program),
            )
        }
        (
            "bucket" | "queue" | "topic" | "table" | "collection" | "secret" | "channel" | "index"
            | "stream" | "dataset" | "tool" | "function",
            _,
        ) => named(kind, destination),
        _ => named(&library.resource_type, destination),
    }
}

/// What a path that is none names, where a function takes both: `read_csv("https://…")`, `to_parquet("s3://…")`.
fn address_category(destination: &str) -> Option<Category> {
    let (scheme, _) = destination.split_once("://")?;
    match scheme.split("::").last()? {
        "ftp" | "ftps" | "http" | "https" => Some(Category::Http),
        "abfs" | "abfss" | "adl" | "az" | "gcs" | "gs" | "hdfs" | "s3" | "s3a" | "s3n" => {
            Some(Category::Cloud)
        }
        _ => None,
    }
}

/// The category of a call that takes paths and addresses, if what it is passed is an address, or is called one:
/// `read_csv(url)`.
pub fn remote(
    resolver: &Resolver,
    found: &Match,
    given: Option<Given>,
    target: &Target,
) -> Option<Category> {
    if found.rule.library.is_standard {
        return None;
    }
    if let Some(destination) = &target.destination {
        return address_category(destination);
    }
    let rule = found.rule.destination.as_ref()?;
    let argument = resolver.given_argument(given?, rule.pos, rule.kw.as_deref())?;
    let is_url = match &resolver
        .program
        .module(argument.file)?
        .expr(argument.expr)
        .kind
    {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => {
            name.to_ascii_lowercase().ends_with("url")
        }
        _ => false,
    };
    is_url.then_some(Category::Http)
}

/// The host of a URL or of `host:port`, in lower case, without user and port.
pub fn host_of(destination: &str) -> String {
    let rest = destination
        .split_once("://")
        .map_or(destination, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = if authority.starts_with('{') && authority.ends_with('}') {
        authority
    } else {
        authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host)
    };
    host.to_ascii_lowercase()
}
