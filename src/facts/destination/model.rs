//! The table of a model.

use crate::catalog::Match;
use crate::facts::Category;
use crate::names::{Definition, FileId, Resolver, Site, Value};
use crate::syntax::module::{BindingValue, ExprKind, ScopeId};

/// The table of an ORM call: of the model class it is called on, or of the object it is given.
pub(super) fn model_table(
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
    // `execute(select(users.c.id).where(…))`: what the innermost step of the statement is given.
    if let Some(argument) = argument {
        sites.extend(first_step(resolver, argument));
    }
    sites.into_iter().find_map(|site| table_of(resolver, site))
}

/// What the first call of a chain is given, and what that is an attribute of.
fn first_step(resolver: &Resolver, chain: Site) -> Vec<Site> {
    let Some(module) = resolver.program.module(chain.file) else {
        return Vec::new();
    };
    let (mut expr, mut first) = (chain.expr, None);
    for _ in 0..12 {
        match &module.expr(expr).kind {
            ExprKind::Attribute(object, _) => expr = *object,
            ExprKind::Call(function, arguments) => {
                first = arguments.first().map(|argument| argument.value);
                expr = *function;
            }
            _ => break,
        }
    }
    let mut found = vec![Site { expr, ..chain }];
    while let Some(expr) = first {
        found.push(Site { expr, ..chain });
        first = match module.expr(expr).kind {
            ExprKind::Attribute(object, _) => Some(object),
            _ => None,
        };
    }
    found
}

/// The table of a model class or of an object of one.
pub(super) fn table_of(resolver: &mut Resolver, site: Site) -> Option<String> {
    for typed in resolver.values(site).to_vec() {
        // `users = Table("users", metadata)`
        if let Value::Instance(class, Some(made)) = &typed.value
            && &**class == "sqlalchemy.Table"
            && let Some(name) = resolver.argument(*made, Some(0), Some("name"))
            && let Some(name) = resolver.constant(name)
        {
            return Some(name);
        }
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
                        "Table",
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
    for (inner, name) in TABLE_IN_CLASS {
        let inner = scope.bindings.get(*inner).and_then(|found| found.first());
        if let Some(BindingValue::Definition(scope)) = inner.map(|binding| &binding.value)
            && let Some(declared) = constant_of(
                resolver,
                Definition {
                    scope: *scope,
                    ..class
                },
                name,
            )
        {
            return declared;
        }
    }
    if let Some(declared) = collection_in_meta(resolver, class) {
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

/// Where the models of Beanie, Peewee and Tortoise say what their table is called: in a class inside, under a name.
const TABLE_IN_CLASS: &[(&str, &str)] = &[
    ("Meta", "table_name"),
    ("Meta", "table"),
    ("Settings", "name"),
];

/// `meta = {"collection": "people"}` of MongoEngine, `model_config = {"collection": "people"}` of ODMantic.
fn collection_in_meta(resolver: &mut Resolver, class: Definition) -> Option<String> {
    let module = resolver.program.module(class.file)?;
    let bindings = &module.scope(class.scope).bindings;
    let declared = ["meta", "model_config"]
        .iter()
        .find_map(|name| bindings.get(*name)?.first())?;
    let BindingValue::Value(expr) = declared.value else {
        return None;
    };
    let ExprKind::Dict(entries) = &module.expr(expr).kind else {
        return None;
    };
    let named = entries.iter().find_map(|(key, value)| {
        let is_it =
            matches!(&module.expr((*key)?).kind, ExprKind::Str(key) if &**key == "collection");
        is_it.then_some(*value)
    })?;
    resolver.constant(Site {
        file: class.file,
        expr: named,
    })
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
pub(super) fn app_label(resolver: &mut Resolver, file: FileId) -> Option<String> {
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
