//! Effects of objects that nothing says the class of: by their methods, and by what they are passed.

use super::{FoundEffect, effect_of};
use crate::facts::Confidence;
use crate::facts::destination::target;
use crate::names::{Resolver, Site, Typed, Value};
use crate::syntax::module::{Argument, CallSite, ExprId, ExprKind, Module, Name};

/// A method whose name tells what it is called on, where nothing else does: `message.reply_text(…)`.
pub(super) fn by_method(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
    is_awaited: bool,
) -> Option<FoundEffect> {
    let (object, method) = module.method_call(site.expr)?;
    let program = resolver.program;
    let catalog = program.catalog;
    let beside = |root: &str| module.imports_any(&[root]);
    let in_repo = |root: &str| program.imported.contains(root);
    let near = || {
        let is_distinctive = catalog.is_distinctive(method, true);
        is_distinctive
            .then(|| catalog.class_with(method, beside))
            .flatten()
    };
    let far = || {
        let is_distinctive = catalog.is_distinctive(method, false);
        is_distinctive
            .then(|| catalog.class_with(method, in_repo))
            .flatten()
    };
    let at = |expr| Site { expr, ..site };
    let is_unknown = |typed: &Typed| match &typed.value {
        Value::Method { class, .. } => !catalog.is_known(class),
        _ => false,
    };
    let is_cursor = matches!(
        &module.expr(object).kind,
        ExprKind::Name(name) | ExprKind::Attribute(_, name) if CURSORS.contains(&&**name)
    );
    // An operation of AWS takes nothing but keywords, which begin with a capital.
    let is_operation = || {
        let arguments = resolver.arguments(site);
        let capital = |keyword: &Name| keyword.starts_with(|c: char| c.is_ascii_uppercase());
        let says = |argument: &Argument| argument.keyword.as_ref().is_some_and(capital);
        method.contains('_') && !arguments.is_empty() && arguments.iter().all(says)
    };
    let is_told = is_cursor || is_model(module, object) || is_operation();
    let is_defined = program.defines_method(method) && !is_told;
    let asks = resolver.asks_for_rows(site);
    if is_defined && !asks && !HTTP_VERBS.contains(&&**method)
        || !resolver
            .values(at(module.callee(site.expr)))
            .iter()
            .all(is_unknown)
    {
        return None;
    }
    let class = if asks {
        Some("django.db.models.QuerySet")
    } else if is_defined {
        None
    } else if ["execute", "executemany"].contains(&&**method) {
        let first = resolver.argument(site, Some(0), None);
        let text = first.and_then(|first| resolver.text(first));
        // A search of the DSL takes nothing: `search.execute()`.
        let is_search = resolver.arguments(site).is_empty()
            && module.imports_any(SEARCH_LIBRARIES)
            && matches!(
                &module.expr(object).kind,
                ExprKind::Name(name) | ExprKind::Attribute(_, name) if SEARCHES.contains(&&**name)
            );
        if is_search {
            Some("elasticsearch_dsl.Search")
        } else {
            (is_cursor || text.is_some_and(|text| looks_like_sql(&text))).then_some("dbapi.Cursor")
        }
    } else {
        let in_chat = || {
            let says = is_awaited
                && catalog
                    .language
                    .awaited
                    .iter()
                    .any(|name| **name == **method);
            says.then(|| catalog.class_with(method, in_repo)).flatten()
        };
        let in_cloud = || {
            let arguments = resolver.arguments(site);
            let by_keyword = arguments.iter().all(|argument| argument.keyword.is_some());
            let may_be = by_keyword && !arguments.is_empty() && method.contains('_');
            may_be
                .then(|| catalog.cloud_client_with(method, in_repo))
                .flatten()
        };
        near()
            .or_else(far)
            .or_else(in_chat)
            .or_else(in_cloud)
            .or_else(|| chain(resolver, module, site, method, object))
            .or_else(|| http_client(resolver, module, site, method))
            .filter(|class| !catalog.only_builds(class, method))
            .filter(|class| *class != "sqlalchemy.orm.Query" || !is_result(module, object))
    };
    let class = match class {
        Some(class) => class,
        None => http_session(resolver, module, site, object, method)?,
    };
    if resolver.constant(at(object)).is_some() {
        return None;
    }
    likely_on(resolver, module, site, call, class)
}

/// The effect of a method called on what is taken for an object of `class`.
pub(super) fn likely_on(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
    class: &str,
) -> Option<FoundEffect> {
    let (object, method) = module.method_call(site.expr)?;
    let value = Value::Method {
        class: class.into(),
        chain: method.clone(),
        made: None,
        function: None,
    };
    let receiver = Some(Site {
        expr: object,
        ..site
    });
    effect_of(
        resolver,
        &value,
        Some(site),
        receiver,
        Confidence::Likely,
        module,
        site,
        call,
    )
}

/// Whether an object is what a statement gave, which is at hand: `result.scalars().one_or_none()`.
fn is_result(module: &Module, object: ExprId) -> bool {
    match &module.expr(object).kind {
        ExprKind::Call(function, _) => matches!(
            &module.expr(*function).kind,
            ExprKind::Attribute(_, method) if RESULTS.contains(&&**method)
        ),
        ExprKind::Name(name) => ["res", "result", "results", "rows"]
            .iter()
            .any(|end| name.ends_with(end)),
        ExprKind::Await(_) => true,
        _ => false,
    }
}

/// What LangChain runs, if the file imports it: `chain.ainvoke(…)`. A prompt that is invoked only makes text.
fn chain(
    resolver: &Resolver,
    module: &Module,
    site: Site,
    method: &str,
    object: ExprId,
) -> Option<&'static str> {
    let is_run = RUNS.contains(&method)
        || (method == "invoke"
            && resolver
                .arguments(site)
                .first()
                .is_some_and(|first| first.keyword.is_none()));
    let called = match &module.expr(object).kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => name.to_lowercase(),
        _ => String::new(),
    };
    let is_other = [
        "click", "ctx", "context", "parser", "prompt", "runner", "template",
    ]
    .iter()
    .any(|word| called.contains(word));
    let is_theirs = |name: &str| name.starts_with("langchain") || name.starts_with("langgraph");
    let beside = || {
        let mut imports = module.imports.iter();
        imports.any(|import| import.level == 0 && is_theirs(&import.module))
    };
    // In a file that imports nothing of it, what is called so.
    let by_name =
        || is_model(module, object) && resolver.program.imported.iter().any(|root| is_theirs(root));
    (is_run && !is_other && (beside() || by_name())).then_some("langchain_core.runnables.Runnable")
}

/// Whether a name says that it is of what LangChain runs: `llm`, `self.rag_chain`.
fn is_model(module: &Module, object: ExprId) -> bool {
    match &module.expr(object).kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => {
            let last = name.rsplit('_').next().unwrap_or_default();
            ["chain", "llm", "retriever"].contains(&last)
        }
        _ => false,
    }
}

const RESULTS: &[&str] = &["execute", "mappings", "scalars", "tuples", "unique"];

const RUNS: &[&str] = &[
    "abatch",
    "ainvoke",
    "astream",
    "astream_events",
    "astream_log",
];

/// The class of HTTP clients that the file imports, if a call passes what only such take: `session.post(url, headers=…)`.
fn http_client(
    resolver: &Resolver,
    module: &Module,
    site: Site,
    method: &str,
) -> Option<&'static str> {
    let is_verb = ["delete", "get", "patch", "post", "put", "request"].contains(&method);
    let arguments = resolver.arguments(site);
    let says = arguments
        .iter()
        .filter_map(|argument| argument.keyword.as_deref())
        .any(|keyword| HTTP_ARGUMENTS.contains(&keyword));
    let has_place = arguments
        .first()
        .is_some_and(|first| first.keyword.is_none() || first.keyword.as_deref() == Some("url"));
    let (_, class) = HTTP_CLIENTS
        .iter()
        .find(|(root, _)| module.imports_any(&[root]))?;
    (is_verb && says && has_place).then_some(class)
}

/// The same where the receiver is called a session and the first argument a URL: `session.get(url)`.
fn http_session(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    receiver: ExprId,
    method: &str,
) -> Option<&'static str> {
    let (ExprKind::Name(name) | ExprKind::Attribute(_, name)) = &module.expr(receiver).kind else {
        return None;
    };
    let is_session = name.ends_with("session") || name.ends_with("http_client");
    if !is_session
        || !HTTP_VERBS.contains(&method)
        || module.imports_any(&["mock", "pytest", "unittest"])
    {
        return None;
    }
    let first = resolver
        .argument(site, Some(0), Some("url"))
        .filter(|first| first.file == site.file)?;
    let is_url = match &module.expr(first.expr).kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => {
            let name = name.to_lowercase();
            ["endpoint", "uri", "url"]
                .iter()
                .any(|end| name.ends_with(end))
        }
        _ => resolver
            .text(first)
            .is_some_and(|text| text.starts_with("http") || text.contains("://")),
    };
    let owner = module.owner(module.scope_of(site.expr));
    let clients = if module.scope(owner).is_async {
        ASYNC_HTTP_CLIENTS
    } else {
        HTTP_CLIENTS
    };
    let (_, class) = clients
        .iter()
        .find(|(root, _)| module.imports_any(&[root]))?;
    is_url.then_some(class)
}

const HTTP_VERBS: &[&str] = &["delete", "get", "head", "patch", "post", "put"];

const ASYNC_HTTP_CLIENTS: &[(&str, &str)] = &[
    ("aiohttp", "aiohttp.ClientSession"),
    ("httpx", "httpx.AsyncClient"),
];

const HTTP_ARGUMENTS: &[&str] = &[
    "allow_redirects",
    "follow_redirects",
    "headers",
    "proxies",
    "verify",
];

const HTTP_CLIENTS: &[(&str, &str)] = &[
    ("requests", "requests.Session"),
    ("httpx", "httpx.Client"),
    ("aiohttp", "aiohttp.ClientSession"),
];

/// Calls that look like an effect although nothing says what they are called on.
pub(super) fn by_name(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Option<FoundEffect> {
    let (_, method) = module.method_call(site.expr)?;
    let callee = Site {
        expr: module.callee(site.expr),
        ..site
    };
    if !resolver.values(callee).is_empty() {
        return None;
    }
    let first = resolver
        .argument(site, Some(0), None)
        .and_then(|first| resolver.text(first))?;
    let like = match &**method {
        "get" | "post" | "put" | "patch" | "delete"
            if first.starts_with("http://") || first.starts_with("https://") =>
        {
            ("requests", &**method)
        }
        _ => return None,
    };
    let catalog = resolver.program.catalog;
    let mut found = catalog.effect(like.0, like.1)?;
    let target = target(resolver, &found, Some(site), None, None);
    found.call = method.to_string();
    Some(FoundEffect {
        category: found.rule.library.category,
        intercepted: false,
        library: String::new(),
        call: found.call,
        target,
        confidence: Confidence::Possible,
        span: module.expr(site.expr).span,
        call_site: *call,
        site,
    })
}

/// What a search is called where nothing says that it is one.
const SEARCHES: &[&str] = &["s", "search", "search_query"];

const SEARCH_LIBRARIES: &[&str] = &[
    "django_elasticsearch_dsl",
    "elasticsearch_dsl",
    "opensearch_dsl",
];

/// What a cursor of a database is called where nothing says that it is one.
const CURSORS: &[&str] = &["cur", "curs", "cursor", "dbcursor", "db_cursor"];

fn looks_like_sql(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let (first, rest): (String, Vec<String>) = (words.next().unwrap_or_default(), words.collect());
    let then = |word: &str| rest.iter().any(|found| found == word);
    match first.as_str() {
        "SELECT" => {
            // `SELECT 1`, `SELECT now()`
            let is_value = |word: &String| {
                word.starts_with(|c: char| c.is_ascii_digit()) || word.contains('(')
            };
            then("FROM") || rest.first().is_some_and(is_value)
        }
        "INSERT" | "REPLACE" => then("INTO"),
        "UPDATE" => then("SET"),
        "DELETE" | "WITH" => then("FROM"),
        "PRAGMA" => rest.len() == 1 || rest.iter().any(|word| word == "="),
        "CREATE" | "DROP" | "ALTER" | "TRUNCATE" => {
            ["TABLE", "INDEX", "VIEW", "DATABASE", "SCHEMA"]
                .iter()
                .any(|kind| then(kind))
        }
        _ => false,
    }
}
