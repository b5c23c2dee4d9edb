//! Code that runs although nothing calls it by name: properties, and what a framework's own methods call in a class that
//! derives from it.

use crate::facts::file::FileFacts;
use crate::facts::graph::{Edge, node_of, overrides};
use crate::names::{Ancestor, Definition, FileId, Resolver, Site, Value};
use crate::syntax::module::{CallSite, ExprId, ExprKind, Module, Name};

/// Reading a property of the repo's own runs it.
pub(super) fn properties(
    resolver: &mut Resolver,
    module: &Module,
    file: FileId,
    facts: &mut FileFacts,
) {
    let program = resolver.program;
    if program.file(file).is_test {
        return;
    }
    for (index, expr) in module.exprs.iter().enumerate() {
        let ExprKind::Attribute(object, name) = &expr.kind else {
            continue;
        };
        let Some(named) = program.properties().get(name) else {
            continue;
        };
        let object = Site {
            file,
            expr: *object,
        };
        let mut read = Vec::new();
        let values = resolver.values(object);
        for typed in values.iter() {
            if let Value::Object(class, _) = typed.value
                && let Some(method) = resolver.find_method(class, name)
                && named.contains(&method)
            {
                read.push(method);
                read.extend(overrides(program, method, class));
            }
        }
        // Of an object of nobody knows what class, the only property of that name.
        if let ([only], true) = (&**named, values.is_empty() && is_telling(name)) {
            read.push(*only);
        }
        let id = ExprId(index as u32);
        let read_at = CallSite {
            expr: id,
            scope: module.scope_of(id),
            block: module.block_of[index],
            statement: expr.span,
        };
        let node = node_of(module, file, &read_at);
        facts.edges.extend(read.into_iter().map(|to| {
            let at = expr.span.start;
            let scoped = facts.guards.around(module, node, &read_at, at).scope;
            (node, Edge { to, scoped, at })
        }));
    }
}

fn is_telling(name: &Name) -> bool {
    name.contains('_') || name.len() > 7
}

/// The methods of a class of the repo that the method of its framework calls which stands there: `form.is_valid()` calls
/// `clean_email`.
pub(super) fn answered(resolver: &mut Resolver, module: &Module, site: Site) -> Vec<Definition> {
    let Some((object, method)) = module.method_call(site.expr) else {
        return Vec::new();
    };
    let mut rules = ANSWERS.iter().filter(|answer| answer.to == &**method);
    let Some(first) = rules.next() else {
        return Vec::new();
    };
    let rules: Vec<&Answer> = std::iter::once(first).chain(rules).collect();
    let object = Site {
        expr: object,
        ..site
    };
    let mut found = Vec::new();
    for typed in resolver.values(object).to_vec() {
        let Value::Object(class, _) = typed.value else {
            continue;
        };
        let lineage = resolver.lineage(class);
        let derives = |root: &str| {
            lineage.iter().any(
                |ancestor| matches!(ancestor, Ancestor::External(name) if name.starts_with(root)),
            )
        };
        let patterns = rules
            .iter()
            .filter(|answer| derives(answer.root))
            .flat_map(|answer| answer.by);
        for pattern in patterns {
            let start = pattern.strip_suffix('*');
            for ancestor in lineage.iter() {
                let Ancestor::Own(own) = ancestor else {
                    continue;
                };
                let Some(module) = resolver.program.module(own.file) else {
                    continue;
                };
                let names = module.scope(own.scope).bindings.keys();
                let mut names: Vec<&Name> = names
                    .filter(|name| match start {
                        Some(start) => name.starts_with(start),
                        None => &***name == *pattern,
                    })
                    .collect();
                names.sort_unstable();
                found.extend(
                    names
                        .into_iter()
                        .filter_map(|name| resolver.find_method(class, name)),
                );
            }
        }
    }
    found
}

/// What a framework's method calls in a class that derives from it.
struct Answer {
    /// How the names of the framework's classes begin.
    root: &'static str,
    to: &'static str,
    /// Methods; with a `*`, all that begin so.
    by: &'static [&'static str],
}

const ANSWERS: &[Answer] = &[
    Answer {
        root: "django.forms.",
        to: "is_valid",
        by: &["clean", "clean_*", "full_clean"],
    },
    Answer {
        root: "django.forms.",
        to: "full_clean",
        by: &["clean", "clean_*"],
    },
    Answer {
        root: "django.db.models.",
        to: "full_clean",
        by: &["clean", "clean_fields", "validate_unique"],
    },
    Answer {
        root: "rest_framework.",
        to: "is_valid",
        by: &[
            "run_validation",
            "to_internal_value",
            "validate",
            "validate_*",
        ],
    },
    Answer {
        root: "rest_framework.",
        to: "save",
        by: &["create", "update"],
    },
    Answer {
        root: "wtforms.",
        to: "validate",
        by: &["validate_*"],
    },
    Answer {
        root: "flask_wtf.",
        to: "validate_on_submit",
        by: &["validate", "validate_*"],
    },
];
