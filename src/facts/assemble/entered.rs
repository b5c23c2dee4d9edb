//! The code that an entrypoint starts.

use super::Placed;
use crate::facts::graph::Node;
use crate::names::{Ancestor, Definition, Program, Resolver, Typed, Value};
use crate::syntax::module::{Module, Name, Scope, ScopeKind};

/// A class that is an entrypoint starts all of its methods, its own and inherited ones.
pub(super) fn entered(program: &Program, placed: &Placed) -> Vec<Node> {
    let Node::Code(definition) = placed.found.node else {
        return vec![placed.found.node];
    };
    let Some(module) = program.module(definition.file) else {
        return Vec::new();
    };
    // A class or a module that is registered as a whole is entered through its functions.
    let is_registered = placed.found.definition == Some(definition);
    match module.scope(definition.scope).kind {
        ScopeKind::Class => {
            let own = Resolver::new(program).lineage(definition);
            let own = own.iter().filter_map(|ancestor| match ancestor {
                Ancestor::Own(own) => Some(*own),
                Ancestor::External(_) => None,
            });
            own.flat_map(|class| functions_in(program, class)).collect()
        }
        // Of a module, Falcon calls what is named like a responder.
        ScopeKind::Module if is_registered => functions(module, definition)
            .filter(|(_, scope)| scope.name.starts_with("on_"))
            .map(|(function, _)| Node::Code(function))
            .collect(),
        _ => vec![placed.found.node],
    }
}

/// What the framework that calls a class, or a method of one, runs with it: the methods that it asks around any other,
/// and classes that attributes of the class name: `serializer_class = OrderSerializer`.
pub(super) fn led_to(program: &Program, placed: &Placed) -> Vec<Node> {
    let Node::Code(definition) = placed.found.node else {
        return Vec::new();
    };
    let mut resolver = Resolver::new(program);
    let kind = program
        .module(definition.file)
        .map(|module| module.scope(definition.scope).kind);
    let class = match kind {
        Some(ScopeKind::Class) => Some(definition),
        _ => resolver.class_of(definition),
    };
    let Some(class) = class else {
        return Vec::new();
    };
    let lineage = resolver.lineage(class);
    let is_framework = |ancestor: &Ancestor| matches!(ancestor, Ancestor::External(name) if !name.starts_with("builtins."));
    if !lineage.iter().any(is_framework) {
        return Vec::new();
    }
    let mut found: Vec<Definition> = HOOKS
        .iter()
        .filter_map(|hook| resolver.find_method(class, hook))
        .collect();
    let mut named = Vec::new();
    for ancestor in lineage.iter() {
        let Ancestor::Own(own) = ancestor else {
            continue;
        };
        let Some(module) = program.module(own.file) else {
            continue;
        };
        let names = module.scope(own.scope).bindings.keys();
        named.extend(names.filter(|name| names_classes(name)).cloned());
    }
    named.sort_unstable();
    named.dedup();
    let mut nodes = Vec::new();
    for name in named {
        for typed in resolver.object_member(class, &name, None, None) {
            for helper in classes_of(&mut resolver, typed) {
                let lineage = resolver.lineage(helper);
                let own = lineage.iter().filter_map(|ancestor| match ancestor {
                    Ancestor::Own(own) => Some(*own),
                    Ancestor::External(_) => None,
                });
                nodes.extend(own.flat_map(|class| functions_in(program, class)));
            }
        }
    }
    found.sort_unstable();
    nodes.extend(found.into_iter().map(Node::Code));
    nodes
}

fn classes_of(resolver: &mut Resolver, typed: Typed) -> Vec<Definition> {
    match typed.value {
        Value::Class(class) => vec![class],
        Value::Literal(_) | Value::Container(_) => {
            let held = resolver.elements(&typed.value).into_iter();
            let classes = held.filter_map(|typed| match typed.value {
                Value::Class(class) => Some(class),
                _ => None,
            });
            classes.collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an attribute of a class is called like one that names classes for a framework to make objects of.
fn names_classes(name: &Name) -> bool {
    ["_class", "_classes", "_backends"]
        .iter()
        .any(|end| name.ends_with(end))
        || ["form", "inlines", "list_filter"].contains(&&**name)
}

fn functions_in(program: &Program, class: Definition) -> Vec<Node> {
    let module = program.module(class.file);
    let functions = module
        .into_iter()
        .flat_map(|module| functions(module, class));
    functions
        .map(|(function, _)| Node::Code(function))
        .collect()
}

/// The functions that stand at once in a class or module.
fn functions(module: &Module, outer: Definition) -> impl Iterator<Item = (Definition, &Scope)> {
    let within = module.scopes_in(outer.scope).filter(move |(_, scope)| {
        scope.parent == Some(outer.scope) && scope.kind == ScopeKind::Function
    });
    within.map(move |(id, scope)| {
        let function = Definition { scope: id, ..outer };
        (function, scope)
    })
}

/// Methods of a view that its framework calls around whichever other answers.
const HOOKS: &[&str] = &[
    "check_object_permissions",
    "check_permissions",
    "dispatch",
    "filter_queryset",
    "finalize_response",
    "get_authenticators",
    "get_context_data",
    "get_current_user",
    "get_form_class",
    "get_form_kwargs",
    "get_initial",
    "get_object",
    "get_permissions",
    "get_queryset",
    "get_serializer_class",
    "get_serializer_context",
    "initial",
    "initialize",
    "on_finish",
    "paginate_queryset",
    "prepare",
    "setup",
    "test_func",
];
