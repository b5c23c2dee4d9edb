//! Effects of objects that nothing says the class of: by their methods, and by what they are passed.

use super::{FoundEffect, effect_of};
use crate::catalog::schema::UnknownRules;
use crate::facts::Confidence;
use crate::facts::destination::target;
use crate::names::{Given, Resolver, Site, Typed, Value};
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
    let unknown = &catalog.language.unknown;
    let is_called = |words: &[String]| module.called(object).is_some_and(|name| is_in(words, name));
    let is_cursor = is_called(&unknown.cursors);
    let is_operation = is_operation(resolver, module, site, method);
    let is_told = is_cursor || is_chain(unknown, module, object) || is_operation;
    let is_defined = program.defines_method(method) && !is_told;
    let asks = resolver.asks_for_rows(site);
    if is_defined && !asks && !is_in(&unknown.http_verbs, method)
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
            && module.imports_any(&unknown.search_libraries)
            && is_called(&unknown.searches);
        if is_search {
            Some("elasticsearch_dsl.Search")
        } else {
            (is_cursor || text.is_some_and(|text| looks_like_sql(&text))).then_some("dbapi.Cursor")
        }
    } else {
        let in_chat = || {
            let says = is_awaited && is_in(&catalog.language.awaited, method);
            says.then(|| catalog.class_with(method, in_repo)).flatten()
        };
        let in_cloud = || {
            let arguments = resolver.arguments(site);
            let by_keyword = arguments.iter().all(|argument| argument.keyword.is_some());
            let may_be = by_keyword && !arguments.is_empty() && method.contains('_');
            let by_rule = may_be.then(|| catalog.cloud_client_with(method, in_repo));
            let by_verb = || {
                let is_aws = is_operation && AWS.iter().any(|root| in_repo(root));
                (is_aws && catalog.has_verb(ANY_CLOUD_CLIENT, method)).then_some(ANY_CLOUD_CLIENT)
            };
            by_rule.flatten().or_else(by_verb)
        };
        near()
            .or_else(far)
            .or_else(in_chat)
            .or_else(in_cloud)
            .or_else(|| chain(resolver, module, site, method, object))
            .or_else(|| http_client(resolver, module, site, method))
            .filter(|class| !catalog.only_builds(class, method))
            .filter(|class| *class != "sqlalchemy.orm.Query" || !is_result(unknown, module, object))
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

/// Clients of AWS, of whatever service.
const ANY_CLOUD_CLIENT: &str = "boto3.client:*";

/// Libraries that make them.
const AWS: &[&str] = &["aioboto3", "aiobotocore", "boto3", "botocore"];

/// Whether a call is like one of an operation of AWS, which takes nothing but keywords that begin with a capital.
fn is_operation(resolver: &Resolver, module: &Module, site: Site, method: &str) -> bool {
    let arguments = resolver.arguments(site);
    let capital = |keyword: &Name| keyword.starts_with(|c: char| c.is_ascii_uppercase());
    let says = |argument: &Argument| argument.keyword.as_ref().is_some_and(capital);
    let hands_on =
        |argument: &Argument| matches!(module.expr(argument.value).kind, ExprKind::Starred(_));
    let mut rest = arguments.iter().filter(|argument| !says(argument));
    method.contains('_') && arguments.iter().any(says) && rest.all(hands_on)
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
        Some(Given::by(site)),
        receiver,
        Confidence::Likely,
        module,
        site,
        call,
    )
}

pub(super) fn is_in(words: &[String], word: &str) -> bool {
    words.iter().any(|known| known == word)
}

/// Whether an object is what a statement gave, which is at hand: `result.scalars().one_or_none()`.
fn is_result(unknown: &UnknownRules, module: &Module, object: ExprId) -> bool {
    match &module.expr(object).kind {
        ExprKind::Call(..) => module
            .method_call(object)
            .is_some_and(|(_, method)| is_in(&unknown.results, method)),
        ExprKind::Name(name) => unknown.result_names.iter().any(|end| name.ends_with(end)),
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
    let unknown = &resolver.program.catalog.language.unknown;
    let is_run = is_in(&unknown.chain_methods, method)
        || (method == "invoke"
            && resolver
                .arguments(site)
                .first()
                .is_some_and(|first| first.keyword.is_none()));
    let is_other = module.called(object).is_some_and(|name| {
        let name = name.to_lowercase();
        unknown.not_chains.iter().any(|word| name.contains(word))
    });
    let is_theirs = |name: &str| name.starts_with("langchain") || name.starts_with("langgraph");
    let beside = || {
        let mut imports = module.imports.iter();
        imports.any(|import| import.level == 0 && is_theirs(&import.module))
    };
    // In a file that imports nothing of it, what is called so.
    let by_name = || {
        is_chain(unknown, module, object)
            && resolver.program.imported.iter().any(|root| is_theirs(root))
    };
    (is_run && !is_other && (beside() || by_name())).then_some("langchain_core.runnables.Runnable")
}

/// Whether a name says that it is of what LangChain runs: `llm`, `self.rag_chain`.
fn is_chain(unknown: &UnknownRules, module: &Module, object: ExprId) -> bool {
    module.called(object).is_some_and(|name| {
        let last = name.rsplit('_').next().unwrap_or_default();
        is_in(&unknown.chain_names, last)
    })
}

/// The class of HTTP clients that the file imports, if a call passes what only such take: `session.post(url, headers=…)`.
fn http_client<'p>(
    resolver: &Resolver<'p>,
    module: &Module,
    site: Site,
    method: &str,
) -> Option<&'p str> {
    let unknown = &resolver.program.catalog.language.unknown;
    let is_verb = method == "request" || is_in(&unknown.http_verbs, method);
    let arguments = resolver.arguments(site);
    let says = arguments
        .iter()
        .filter_map(|argument| argument.keyword.as_deref())
        .any(|keyword| is_in(&unknown.http_keywords, keyword));
    let has_place = arguments
        .first()
        .is_some_and(|first| first.keyword.is_none() || first.keyword.as_deref() == Some("url"));
    (is_verb && says && has_place)
        .then(|| imported(&unknown.http_clients, module))
        .flatten()
}

/// The class of the first library that a file imports.
fn imported<'p>(clients: &'p [(String, String)], module: &Module) -> Option<&'p str> {
    let mut clients = clients.iter();
    let (_, class) = clients.find(|(root, _)| module.imports_any(&[root]))?;
    Some(class)
}

/// The same where the receiver is called a session and the first argument a URL: `session.get(url)`.
fn http_session<'p>(
    resolver: &mut Resolver<'p>,
    module: &Module,
    site: Site,
    receiver: ExprId,
    method: &str,
) -> Option<&'p str> {
    let unknown = &resolver.program.catalog.language.unknown;
    let name = module.called(receiver)?;
    let is_session = unknown.http_names.iter().any(|end| name.ends_with(end));
    if !is_session || !is_in(&unknown.http_verbs, method) || module.imports_any(&unknown.stand_ins)
    {
        return None;
    }
    let first = resolver
        .argument(site, Some(0), Some("url"))
        .filter(|first| first.file == site.file)?;
    let is_url = match module.called(first.expr) {
        Some(name) => {
            let name = name.to_lowercase();
            unknown.url_names.iter().any(|end| name.ends_with(end))
        }
        None => resolver
            .text(first)
            .is_some_and(|text| text.starts_with("http") || text.contains("://")),
    };
    let owner = module.owner(module.scope_of(site.expr));
    let clients = if module.scope(owner).is_async {
        &unknown.async_http_clients
    } else {
        &unknown.http_clients
    };
    is_url.then(|| imported(clients, module)).flatten()
}

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
    let catalog = resolver.program.catalog;
    let is_request = is_in(&catalog.language.unknown.http_verbs, method)
        && (first.starts_with("http://") || first.starts_with("https://"));
    if !is_request {
        return None;
    }
    let mut found = catalog.effect("requests", method)?;
    let target = target(resolver, &found, Some(Given::by(site)), None, None);
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
