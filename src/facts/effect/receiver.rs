//! Effects of objects that nothing says the class of: by what the object is called, and by how rows are kept.

use super::FoundEffect;
use super::unknown::likely_on;
use crate::names::{Resolver, Site, Typed, Value};
use crate::syntax::module::{CallSite, ExprId, ExprKind, ImportedName, Module};

/// A method of what is called a session, or of what is saved as only a model is: `db_session.commit()`, `row.save()`.
pub(super) fn by_receiver(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    call: &CallSite,
) -> Option<FoundEffect> {
    let (object, method) = module.method_call(site.expr)?;
    let class = called(resolver, module, object, method)
        .or_else(|| saved(resolver, module, site, object, method))
        .or_else(|| related(resolver, module, site, object, method))?;
    let at = |expr| Site { expr, ..site };
    let is_known = !resolver.values(at(module.callee(site.expr))).is_empty()
        || !resolver.values(at(object)).is_empty()
        || module.imports_any(&["mock", "pytest", "unittest"]);
    if is_known {
        return None;
    }
    likely_on(resolver, module, site, call, class)
}

/// The class of what a receiver is called, where the repo imports its library.
fn called(
    resolver: &Resolver,
    module: &Module,
    object: ExprId,
    method: &str,
) -> Option<&'static str> {
    let (ExprKind::Name(name) | ExprKind::Attribute(_, name)) = &module.expr(object).kind else {
        return None;
    };
    let program = resolver.program;
    let rule = RECEIVERS.iter().find(|rule| {
        let is_called = rule.names.iter().any(|end| {
            name.strip_suffix(end)
                .is_some_and(|start| start.is_empty() || start.ends_with('_'))
        });
        is_called
            && (rule.methods.is_empty() || rule.methods.contains(&method))
            && rule
                .roots
                .iter()
                .any(|root| program.imported.contains(*root))
            && !module.imports_any(rule.unless)
    })?;
    let is_own = !rule.methods.is_empty()
        && !["session", "storage"].iter().any(|end| name.ends_with(end))
        && program.defines_method(&method.into());
    let owner = module.owner(module.scope_of(object));
    (!is_own).then_some(if module.scope(owner).is_async {
        rule.when_async
    } else {
        rule.class
    })
}

/// What objects of a class are called.
struct Receiver {
    /// Endings of the name, each a whole word.
    names: &'static [&'static str],
    /// The repo imports one of these.
    roots: &'static [&'static str],
    /// The file imports none of these.
    unless: &'static [&'static str],
    /// None for all that the class has.
    methods: &'static [&'static str],
    class: &'static str,
    when_async: &'static str,
}

const RECEIVERS: &[Receiver] = &[
    Receiver {
        names: &["session", "db"],
        roots: &["sqlalchemy", "sqlmodel", "flask_sqlalchemy"],
        unless: &["cassandra", "neo4j", "snowflake", "sqlite3"],
        methods: &[
            "add", "add_all", "commit", "execute", "flush", "merge", "refresh", "scalar", "scalars",
        ],
        class: "sqlalchemy.orm.Session",
        when_async: "sqlalchemy.ext.asyncio.AsyncSession",
    },
    Receiver {
        names: &[
            "redis",
            "redis_client",
            "redis_conn",
            "redis_connection",
            "redis_db",
        ],
        roots: &["aioredis", "django_redis", "redis"],
        unless: &[],
        methods: &[],
        class: "redis.Redis",
        when_async: "redis.asyncio.Redis",
    },
    Receiver {
        names: &["conn", "connection"],
        roots: &["sqlalchemy"],
        unless: &[
            "duckdb", "mysql", "psycopg", "psycopg2", "pymysql", "sqlite3",
        ],
        methods: &["exec_driver_sql", "scalar", "scalars"],
        class: "sqlalchemy.engine.Connection",
        when_async: "sqlalchemy.ext.asyncio.AsyncConnection",
    },
    Receiver {
        names: &["storage"],
        roots: &["django"],
        unless: &["boto3", "google", "limits"],
        methods: &["delete", "save"],
        class: "django.core.files.storage.Storage",
        when_async: "django.core.files.storage.Storage",
    },
    Receiver {
        names: &["elasticsearch", "es", "es_client"],
        roots: &["elasticsearch"],
        unless: &[],
        methods: &[],
        class: "elasticsearch.Elasticsearch",
        when_async: "elasticsearch.AsyncElasticsearch",
    },
];

/// Nothing but a model, its form or its serializer is saved without a word of where to, in a file about Django.
fn saved(
    resolver: &Resolver,
    module: &Module,
    site: Site,
    object: ExprId,
    method: &str,
) -> Option<&'static str> {
    // A file of a model is told whether to save the model too.
    let of_file = resolver
        .arguments(site)
        .iter()
        .any(|argument| argument.keyword.as_deref() == Some("save"));
    if of_file && module.imports_any(&["django"]) && ["delete", "save"].contains(&method) {
        return Some("django.db.models.FileField");
    }
    let words: &[&str] = match method {
        "asave" | "save" => &["force_insert", "force_update", "update_fields", "using"],
        "adelete" | "delete" => &["keep_parents", "using"],
        _ => return None,
    };
    let says = |keyword: Option<&str>| keyword.is_some_and(|keyword| words.contains(&keyword));
    let mut arguments = resolver.arguments(site).iter();
    let is_saved = arguments.all(|argument| says(argument.keyword.as_deref()));
    let imports_models = || {
        let of_models = |module: &str| module.rsplit('.').next() == Some("models");
        module.imports.iter().any(|import| {
            let names_models =
                matches!(&import.name, ImportedName::Member(name) if &**name == "models");
            names_models || of_models(&import.module)
        })
    };
    let about_django = (module.imports_any(&["django", "rest_framework"])
        || resolver.program.imported.contains("django") && imports_models())
        && !module.imports_any(&[
            "boto3",
            "discord",
            "docker",
            "google",
            "kubernetes",
            "telegram",
        ]);
    // A class of the repo that is no model may be what the object is called after.
    let is_own = match &module.expr(object).kind {
        ExprKind::Name(name) | ExprKind::Attribute(_, name) => {
            let class = resolver
                .program
                .class_named(&name.replace('_', ""), site.file);
            class.is_some()
        }
        _ => false,
    };
    (is_saved && about_django && !is_own).then_some("django.db.models.Model")
}

/// Rows behind a relation that a model of the repo declares: `step.ingredients.add(ingredient)`.
fn related(
    resolver: &mut Resolver,
    module: &Module,
    site: Site,
    object: ExprId,
    method: &str,
) -> Option<&'static str> {
    let ExprKind::Attribute(owner, name) = &module.expr(object).kind else {
        return None;
    };
    let arguments = resolver.arguments(site).len();
    let is_asked = match method {
        "count" => arguments == 0,
        "add" | "set" => arguments > 0,
        _ => false,
    };
    let is_many = is_asked
        && module.imports_any(&["django", "rest_framework"])
        && resolver.many_named(name).is_some();
    // What a class of the repo keeps under the name is what it is.
    let owner = Site {
        expr: *owner,
        ..site
    };
    let is_kept = |typed: &Typed| matches!(typed.value, Value::Object(..));
    let is_many = is_many && !resolver.values(owner).iter().any(is_kept);
    is_many.then_some("django.db.models.Manager")
}
