//! What an effect acts on: its destination, as far as it is constant, and the resource that its intent names.

use sqlparser::ast::{Statement, visit_relations};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::{Action, Category, Resource};
use crate::catalog::{ActionRule, Match};
use crate::names::{Definition, FileId, Resolver, Site, Value};
use crate::syntax::module::{BindingValue, ExprKind, ScopeId};

/// What the call at a site does and to what.
#[derive(Clone, Debug)]
pub struct Target {
    pub action: Action,
    pub destination: Option<String>,
    pub resource: Resource,
}

/// Reads the arguments of the call at `site`; `made` is the expression that made the receiver.
pub fn target(
    resolver: &mut Resolver,
    found: &Match,
    site: Option<Site>,
    receiver: Option<Site>,
    made: Option<Site>,
) -> Target {
    let rule = found.rule;
    let destination_rule = rule.destination.clone().unwrap_or_default();
    let argument = site.and_then(|site| {
        (destination_rule.from.is_empty())
            .then(|| resolver.argument(site, destination_rule.pos, destination_rule.kw.as_deref()))
            .flatten()
    });
    let mut destination = match destination_rule.from.as_str() {
        "" => argument.and_then(|argument| address(resolver, argument)),
        "constructor" => made.and_then(|made| {
            let argument =
                resolver.argument(made, destination_rule.pos, destination_rule.kw.as_deref())?;
            resolver.text(argument)
        }),
        _ => receiver_text(resolver, receiver, made),
    };
    if destination_rule.kind == "url" {
        destination = with_base(resolver, destination, made);
    }
    destination = destination.filter(|text| !text.trim().is_empty());
    let statement = (destination_rule.kind == "sql")
        .then(|| statement(resolver, argument, destination.as_deref()));
    let action = match rule.action {
        _ if destination_rule.kind == "cypher" && destination.is_some() => {
            cypher_action(destination.as_deref().unwrap_or_default())
        }
        ActionRule::Is(action) => action,
        ActionRule::ByMethod => by_method(resolver, rule.decided_by.as_ref(), site),
        ActionRule::ByMode => by_mode(resolver, rule.decided_by.as_ref(), site),
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
            let decided = rule.decided_by.as_ref();
            let given = site.and_then(|site| {
                resolver.argument(
                    site,
                    decided.and_then(|by| by.pos),
                    decided.and_then(|by| by.kw.as_deref()),
                )
            });
            if given.is_some() || site.is_some_and(|site| carries_body(resolver, site)) {
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
    receiver: Option<Site>,
    made: Option<Site>,
) -> Option<String> {
    if let Some(receiver) = receiver
        && let Some(text) = resolver.text(receiver)
    {
        return Some(text);
    }
    let first = resolver.argument(made?, Some(0), None)?;
    resolver.text(first)
}

/// A relative URL behind the `base_url` that the client was made with.
fn with_base(
    resolver: &mut Resolver,
    destination: Option<String>,
    made: Option<Site>,
) -> Option<String> {
    let text = destination.clone().unwrap_or_default();
    if text.contains("://") {
        return destination;
    }
    let base = made.and_then(|made| {
        let keyword = resolver.argument(made, None, Some("base_url"));
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

fn by_method(
    resolver: &mut Resolver,
    decided: Option<&crate::catalog::schema::ArgumentRule>,
    site: Option<Site>,
) -> Action {
    let argument =
        site.and_then(|site| resolver.argument(site, decided?.pos, decided?.kw.as_deref()));
    if argument.is_none() && site.is_some_and(|site| !resolver.hides_arguments(site)) {
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

/// `urlopen(Request(url, data=…))`: the request object says what the call does.
fn carries_body(resolver: &mut Resolver, site: Site) -> bool {
    let Some(first) = resolver.argument(site, Some(0), None) else {
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

fn by_mode(
    resolver: &mut Resolver,
    decided: Option<&crate::catalog::schema::ArgumentRule>,
    site: Option<Site>,
) -> Action {
    let argument =
        site.and_then(|site| resolver.argument(site, decided?.pos, decided?.kw.as_deref()));
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

struct SqlStatement {
    action: Action,
    tables: Vec<String>,
}

fn statement(resolver: &mut Resolver, argument: Option<Site>, text: Option<&str>) -> SqlStatement {
    if let Some(text) = text {
        return read_sql(resolver, text);
    }
    // `select(User)`, `insert(User).values(…)`: the construct says the verb, the model the table.
    if let Some(argument) = argument {
        for typed in resolver.values(argument).iter() {
            if let Value::Instance(class, made) = &typed.value {
                let action = match class.rsplit('.').next() {
                    Some("Select") => Action::Read,
                    Some("Insert" | "Update") => Action::Write,
                    Some("Delete") => Action::Delete,
                    _ => continue,
                };
                let model = made.and_then(|made| resolver.argument(made, Some(0), None));
                let tables = model
                    .and_then(|model| table_of(resolver, model))
                    .into_iter()
                    .collect();
                return SqlStatement { action, tables };
            }
        }
    }
    SqlStatement {
        action: Action::Execute,
        tables: Vec::new(),
    }
}

/// What makes one line of a shell more than one command.
const JOINS: &[&str] = &[";", "&", "|", "\n", "`", "$(", "<(", ">("];

/// Stands for what is not constant in SQL text, as a letter of a name.
const HOLE: &str = "\u{a66e}";

/// The verb and tables of SQL text: by the parser where it parses, else by its words.
fn read_sql(resolver: &Resolver, text: &str) -> SqlStatement {
    let mut tables: Vec<String> = Vec::new();
    let plain = text.replace(['{', '}'], HOLE).replace("%s", "NULL");
    if let Ok(statements) = Parser::parse_sql(&GenericDialect {}, &plain) {
        let own_names: Vec<String> = statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::Query(query) => query.with.as_ref(),
                _ => None,
            })
            .flat_map(|with| {
                with.cte_tables
                    .iter()
                    .map(|table| table.alias.name.value.clone())
            })
            .collect();
        let _: std::ops::ControlFlow<()> = visit_relations(&statements, |relation| {
            let name = relation.to_string().replace(['"', '`', '[', ']'], "");
            if !tables.contains(&name) && !own_names.contains(&name) {
                tables.push(name);
            }
            std::ops::ControlFlow::Continue(())
        });
    }
    if tables.is_empty() {
        tables = tables_by_words(text);
    }
    // Where a part of a name is not constant, what the statement touches is not known.
    if tables.iter().any(|table| table.contains(HOLE)) {
        tables.clear();
    }
    SqlStatement {
        action: verb(resolver, text),
        tables,
    }
}

fn verb(resolver: &Resolver, text: &str) -> Action {
    let language = &resolver.program.catalog.language;
    let is_in =
        |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut strictest: Option<Action> = None;
    for statement in text.split(';') {
        let words = statement
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty());
        let mut words = words.peekable();
        let Some(first) = words.peek().copied() else {
            continue;
        };
        // A `WITH` says nothing; a data-modifying statement anywhere behind it does.
        let action = if first.eq_ignore_ascii_case("with") {
            let known = words.filter_map(|word| {
                ["INSERT", "UPDATE", "DELETE", "MERGE"]
                    .iter()
                    .find(|verb| verb.eq_ignore_ascii_case(word))
                    .copied()
            });
            known
                .map(|verb| {
                    if verb == "DELETE" {
                        Action::Delete
                    } else {
                        Action::Write
                    }
                })
                .max_by_key(strictness)
                .unwrap_or(Action::Read)
        } else if is_in(&language.sql_read, first) {
            Action::Read
        } else if is_in(&language.sql_delete, first) {
            Action::Delete
        } else if is_in(&language.sql_execute, first) || is_in(&language.sql_neutral, first) {
            Action::Execute
        } else if first.chars().all(|c| c.is_ascii_alphabetic())
            && KNOWN_WRITES.iter().any(|w| w.eq_ignore_ascii_case(first))
        {
            Action::Write
        } else {
            Action::Execute
        };
        strictest = strictest.into_iter().chain([action]).max_by_key(strictness);
    }
    strictest.unwrap_or(Action::Execute)
}

fn cypher_action(text: &str) -> Action {
    let words: Vec<String> = text
        .split_whitespace()
        .map(str::to_ascii_uppercase)
        .collect();
    let has = |verbs: &[&str]| words.iter().any(|word| verbs.contains(&word.as_str()));
    match () {
        () if has(&["DELETE", "DETACH", "REMOVE", "DROP"]) => Action::Delete,
        () if has(&["CREATE", "MERGE", "SET"]) => Action::Write,
        () if has(&["CALL", "LOAD"]) => Action::Execute,
        () => Action::Read,
    }
}

fn strictness(action: &Action) -> u32 {
    match action {
        Action::Read => 0,
        Action::Export | Action::Send | Action::Write => 2,
        Action::Execute => 1,
        Action::Delete => 3,
    }
}

const KNOWN_WRITES: &[&str] = &[
    "ALTER", "ANALYZE", "ATTACH", "COMMENT", "COPY", "CREATE", "DETACH", "GRANT", "INSERT", "LOAD",
    "MERGE", "REINDEX", "RENAME", "REPLACE", "REVOKE", "UPDATE", "UPSERT", "VACUUM",
];

fn tables_by_words(text: &str) -> Vec<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || ",();".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let mut tables: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if !["from", "into", "update", "join", "table"]
            .contains(&word.to_ascii_lowercase().as_str())
        {
            continue;
        }
        let next = words[index + 1..].iter().find(|word| {
            !["if", "not", "exists", "only", "or", "ignore"]
                .contains(&word.to_ascii_lowercase().as_str())
        });
        let Some(next) = next else { continue };
        let name = next.trim_matches(|c| "\"`[]'".contains(c));
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || "_.{}-".contains(c));
        if is_name
            && !["select", "set", "values"].contains(&name.to_ascii_lowercase().as_str())
            && !tables.iter().any(|known| known == name)
        {
            tables.push(name.to_owned());
        }
    }
    tables
}

/// The table of an ORM call: of the model class it is called on, or of the object it is given.
fn model_table(
    resolver: &mut Resolver,
    argument: Option<Site>,
    receiver: Option<Site>,
    made: Option<Site>,
    found: &Match,
) -> Option<String> {
    if found.rule.library.category != Category::Database {
        return None;
    }
    let mut sites: Vec<Site> = argument.into_iter().collect();
    // `Model.objects.create(...)`: what made the manager is `Model.objects`.
    for site in [receiver, made].into_iter().flatten() {
        if let Some(model) = resolver.related_model(site) {
            return Some(table_name(resolver, model));
        }
    }
    for site in [made, receiver].into_iter().flatten() {
        sites.push(site);
        sites.extend(resolver.argument(site, Some(0), None));
        let module = resolver.program.module(site.file)?;
        let mut expr = site.expr;
        for _ in 0..12 {
            match &module.expr(expr).kind {
                ExprKind::Attribute(object, _) => expr = *object,
                ExprKind::Call(function, _) => expr = *function,
                _ => break,
            }
            sites.push(Site { expr, ..site });
        }
    }
    sites.into_iter().find_map(|site| table_of(resolver, site))
}

/// The table of a model class or of an object of one.
fn table_of(resolver: &mut Resolver, site: Site) -> Option<String> {
    for typed in resolver.values(site).to_vec() {
        let (Value::Class(class) | Value::Object(class, _)) = typed.value else {
            continue;
        };
        let is_model = resolver
            .lineage(class)
            .iter()
            .any(|ancestor| match ancestor {
                crate::names::Ancestor::External(name) => {
                    let last = name.rsplit('.').next().unwrap_or_default();
                    [
                        "Model",
                        "DeclarativeBase",
                        "SQLModel",
                        "Document",
                        "MappedAsDataclass",
                        "declarative_base()",
                        "Entity",
                    ]
                    .contains(&last)
                }
                crate::names::Ancestor::Own(own) => {
                    let scope = resolver
                        .program
                        .module(own.file)
                        .map(|module| module.scope(own.scope));
                    scope.is_some_and(|scope| {
                        scope.bindings.contains_key("__tablename__") || &*scope.name == "Base"
                    })
                }
            });
        if is_model && !is_declarative_base(resolver, class) {
            return Some(table_name(resolver, class));
        }
    }
    None
}

/// The class that the models of a project derive from, which has no table of its own.
fn is_declarative_base(resolver: &mut Resolver, class: Definition) -> bool {
    let has_table = resolver.program.module(class.file).is_some_and(|module| {
        let bindings = &module.scope(class.scope).bindings;
        bindings.contains_key("__tablename__") || bindings.contains_key("__table__")
    });
    let lineage = resolver.lineage(class);
    !has_table
        && lineage.iter().all(|ancestor| match ancestor {
            crate::names::Ancestor::Own(own) => *own == class,
            crate::names::Ancestor::External(_) => true,
        })
        && lineage.iter().any(|ancestor| {
            matches!(ancestor, crate::names::Ancestor::External(name)
                if name.ends_with("DeclarativeBase") || name.ends_with("declarative_base()"))
        })
}

fn table_name(resolver: &mut Resolver, class: Definition) -> String {
    let Some(module) = resolver.program.module(class.file) else {
        return String::new();
    };
    let scope = module.scope(class.scope);
    if let Some(declared) = constant_of(resolver, class, "__tablename__") {
        return declared;
    }
    let plain = scope.name.to_lowercase();
    let is_django = resolver.lineage(class).iter().any(|ancestor| {
        matches!(ancestor, crate::names::Ancestor::External(name) if &**name == "django.db.models.Model")
    });
    if !is_django {
        return plain;
    }
    let meta = scope.bindings.get("Meta").and_then(|found| found.first());
    let meta = meta.and_then(|binding| match binding.value {
        BindingValue::Definition(scope) => Some(Definition { scope, ..class }),
        _ => None,
    });
    let declared =
        |resolver: &mut Resolver, name| meta.and_then(|meta| constant_of(resolver, meta, name));
    if let Some(table) = declared(resolver, "db_table") {
        return table;
    }
    match declared(resolver, "app_label").or_else(|| app_label(resolver, class.file)) {
        Some(app) => format!("{app}_{plain}"),
        None => plain,
    }
}

/// The text that a class assigns to a name.
fn constant_of(resolver: &mut Resolver, class: Definition, name: &str) -> Option<String> {
    let module = resolver.program.module(class.file)?;
    let binding = module.scope(class.scope).bindings.get(name)?.first()?;
    let BindingValue::Value(expr) = binding.value else {
        return None;
    };
    resolver.constant(Site {
        file: class.file,
        expr,
    })
}

/// Django's label of the app that a file belongs to: what its `AppConfig` says, else the name of the folder.
fn app_label(resolver: &mut Resolver, file: FileId) -> Option<String> {
    let program = resolver.program;
    let path = &program.file(file).path;
    let folder = path.rsplit_once('/')?.0;
    // `shop/models/order.py` belongs to the app `shop`.
    let parts: Vec<&str> = folder.split('/').collect();
    let end = parts.iter().rposition(|part| *part == "models");
    let app = &parts[..end.unwrap_or(parts.len())];
    let label = app.last()?;
    let config = program.table.file(&format!("{}/apps.py", app.join("/")));
    let said = config.and_then(|config| {
        let scopes = program.module(config)?.scopes.len() as u32;
        (0..scopes).find_map(|scope| {
            let class = Definition {
                file: config,
                scope: ScopeId(scope),
            };
            constant_of(resolver, class, "label")
        })
    });
    Some(said.unwrap_or_else(|| (*label).to_owned()))
}

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
    match kind {
        "url" | "host" => {
            let host = host_of(destination);
            if let Some((kind, service)) = catalog.host(&host) {
                return named(kind, service);
            }
            if host.is_empty() || host.starts_with('{') {
                unnamed()
            } else {
                named(&library.resource_type, &host)
            }
        }
        "model" | "sql" | "code" | "recipient" | "" => unnamed(),
        "command" => {
            // A line of several commands is the shell's, as for the client.
            let is_joined = JOINS.iter().any(|mark| destination.contains(mark));
            let first = destination.split_whitespace().next().unwrap_or(destination);
            let program = if is_joined { "sh" } else { first };
            named(
                &library.resource_type,
                program.rsplit('/').next().unwrap_or(program),
            )
        }
        "bucket" | "queue" | "topic" | "table" | "collection" | "secret" | "channel" | "index"
        | "stream" | "dataset" | "tool" | "function" => named(kind, destination),
        _ => named(&library.resource_type, destination),
    }
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
