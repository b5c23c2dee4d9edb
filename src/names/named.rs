//! Methods and classes by their names alone, for objects of which nothing says what they are.

use super::*;
use crate::syntax::module::{ExprKind, Parameter, ParameterKind};

impl<'p> Resolver<'p> {
    /// The methods that a call may run, where one class alone, and what derives from it, has a method by this name that
    /// takes such arguments, or one class in each of several files: `output.dispatch(alert)` of whatever a registry gives.
    pub fn methods_named(&self, name: &Name, call: Site) -> Vec<Definition> {
        let is_telling = name.trim_start_matches('_').contains('_') || name.len() > 5;
        if !is_telling || COMMON.contains(&&**name) || name.starts_with("__") {
            return Vec::new();
        }
        let program = self.program;
        let named = program.methods_called(name);
        if named.len() > MAX_METHODS {
            return Vec::new();
        }
        let fitting: Vec<_> = named
            .iter()
            .filter(|(_, method)| self.takes(*method, call))
            .collect();
        let is_root = |root: &Definition| {
            let heirs = program.subclasses.get(root).map_or(&[][..], Vec::as_slice);
            let derives = |class: &Definition| class == root || heirs.contains(class);
            fitting.iter().all(|(class, _)| derives(class))
        };
        // Plugins: classes that have nothing in common but the method, few in one file.
        let are_plugins = || {
            let mut files: Vec<FileId> = fitting.iter().map(|(class, _)| class.file).collect();
            files.sort_unstable();
            files.dedup();
            files.len() >= MIN_PLUGINS && fitting.len() <= 2 * files.len()
        };
        if fitting.iter().any(|(class, _)| is_root(class)) || are_plugins() {
            fitting.iter().map(|(_, method)| *method).collect()
        } else {
            Vec::new()
        }
    }

    /// What a parameter is called, where one class of the repo is called so and has all that the function asks of it:
    /// `def on_start(task)` for objects of `Task`.
    pub(super) fn named_like_class(&mut self, function: Definition, name: &Name) -> Option<Typed> {
        let program = self.program;
        let module = program.module(function.file)?;
        let plain = name.replace('_', "").to_lowercase();
        if plain.len() < MIN_CLASS_NAME || program.file(function.file).is_test {
            return None;
        }
        let classes = program.classes_named(&plain).iter();
        let mut classes = classes.filter(|class| !program.file(class.file).is_test);
        let (Some(&class), None) = (classes.next(), classes.next()) else {
            return None;
        };
        let exprs = module.exprs_in(function.scope).iter();
        let used = exprs.filter_map(|expr| match &expr.kind {
            ExprKind::Attribute(object, attribute)
                if matches!(&module.expr(*object).kind, ExprKind::Name(found) if found == name) =>
            {
                Some(attribute)
            }
            _ => None,
        });
        let used: Vec<&Name> = used.collect();
        if used.is_empty() || !self.has_all(class, &used) {
            return None;
        }
        // Another kind of it may be meant: `OtherPlugin` beside `Plugin`.
        let heirs = program
            .subclasses
            .get(&class)
            .map_or(&[][..], Vec::as_slice);
        let others = program.classes_ending(&plain);
        let others = others.filter(|other| *other != class && !heirs.contains(other));
        let is_other = others
            .collect::<Vec<_>>()
            .into_iter()
            .any(|other| self.has_all(other, &used));
        (!is_other).then(|| Typed::likely(Value::Object(class, None)))
    }

    /// Whether a class or what it derives from in the repo has all of these attributes.
    fn has_all(&mut self, class: Definition, attributes: &[&Name]) -> bool {
        let program = self.program;
        let lineage = self.lineage(class);
        let has = |attribute: &&Name| {
            lineage.iter().any(|ancestor| match ancestor {
                Ancestor::Own(own) => program.module(own.file).is_some_and(|module| {
                    let scope = module.scope(own.scope);
                    scope.bindings.contains_key(*attribute)
                        || scope.attributes.contains_key(*attribute)
                }),
                Ancestor::External(_) => false,
            })
        };
        attributes.iter().all(has)
    }

    /// Whether a method can be called with the arguments of a call.
    fn takes(&self, method: Definition, call: Site) -> bool {
        let Some(module) = self.program.module(method.file) else {
            return false;
        };
        let arguments = self.arguments(call);
        let starred = self.hides_arguments(call);
        let parameters = &module.scope(method.scope).parameters;
        let has = |kind| parameters.iter().any(|parameter| parameter.kind == kind);
        let positional = |parameter: &&Parameter| parameter.kind == ParameterKind::Positional;
        let room = parameters.iter().filter(positional).skip(1);
        let needed = room.clone().filter(|parameter| parameter.default.is_none());
        let passed = arguments
            .iter()
            .filter(|argument| argument.keyword.is_none());
        let known = |keyword: &Name| {
            parameters
                .iter()
                .any(|parameter| parameter.name == *keyword)
        };
        let mut keywords = arguments
            .iter()
            .filter_map(|argument| argument.keyword.as_ref());
        starred
            || (arguments.len() >= needed.count()
                && (passed.count() <= room.count() || has(ParameterKind::Args))
                && (has(ParameterKind::Kwargs) || keywords.all(known)))
    }
}

impl Program<'_> {
    /// The repo's methods of this name, tests aside, each behind its class.
    pub fn methods_called(&self, name: &Name) -> &[(Definition, Definition)] {
        let methods = self.methods_by_name.get_or_init(|| methods(self));
        methods.get(name).map_or(&[][..], Vec::as_slice)
    }

    /// The repo's properties that call something, tests aside, by their name.
    pub fn properties(&self) -> &FxHashMap<Name, Vec<Definition>> {
        self.properties.get_or_init(|| {
            let methods = self.methods_by_name.get_or_init(|| methods(self)).iter();
            let found = methods.map(|(name, methods)| {
                let methods = methods.iter().map(|(_, method)| *method);
                let properties = methods.filter(|method| is_property(self, *method));
                (name.clone(), properties.collect::<Vec<_>>())
            });
            found
                .filter(|(_, found)| (1..=MAX_PROPERTIES).contains(&found.len()))
                .collect()
        })
    }
}

fn is_property(program: &Program, method: Definition) -> bool {
    program.module(method.file).is_some_and(|module| {
        let mut decorators = module.scope(method.scope).decorators.iter();
        let mut calls = module.calls_in(method.scope).iter();
        decorators.any(|&expr| match &module.expr(module.callee(expr)).kind {
            ExprKind::Name(name) | ExprKind::Attribute(_, name) => name.ends_with("property"),
            _ => false,
        }) && calls.any(|call| module.owner(call.scope) == method.scope)
    })
}

fn methods(program: &Program) -> FxHashMap<Name, Vec<(Definition, Definition)>> {
    let mut found: FxHashMap<Name, Vec<(Definition, Definition)>> = FxHashMap::default();
    let files = program.files.iter().enumerate();
    for (index, file) in files.filter(|(_, file)| !file.is_test) {
        let scopes = file
            .module
            .as_deref()
            .map_or(&[][..], |module| &module.scopes);
        let at = |scope| Definition {
            file: FileId(index as u32),
            scope,
        };
        for (scope, method) in scopes.iter().enumerate() {
            let Some(class) = method.parent else { continue };
            let is_method = method.kind == ScopeKind::Function
                && scopes[class.0 as usize].kind == ScopeKind::Class;
            if is_method {
                let methods = found.entry(method.name.clone()).or_default();
                methods.push((at(class), at(ScopeId(scope as u32))));
            }
        }
    }
    found
}

/// A method that more classes than this have says nothing about a call.
const MAX_METHODS: usize = 48;

/// A property that more classes than this have says nothing where it is read.
const MAX_PROPERTIES: usize = 8;

/// So many classes by themselves show that a method is what plugins have.
const MIN_PLUGINS: usize = 3;

/// Methods of Python's own objects, and words that many others have.
const COMMON: &[&str] = &[
    "acquire",
    "add_done_callback",
    "append",
    "as_posix",
    "astimezone",
    "cancel",
    "capitalize",
    "casefold",
    "center",
    "connect",
    "create",
    "cursor",
    "decode",
    "delete",
    "difference",
    "difference_update",
    "discard",
    "encode",
    "endswith",
    "exception",
    "expandtabs",
    "expanduser",
    "extend",
    "filter",
    "finditer",
    "format",
    "format_map",
    "fromkeys",
    "fullmatch",
    "get_nowait",
    "groupdict",
    "insert",
    "intersection",
    "isdigit",
    "isdisjoint",
    "isidentifier",
    "isoformat",
    "issubset",
    "issuperset",
    "locked",
    "most_common",
    "notify",
    "partition",
    "put_nowait",
    "read_bytes",
    "read_text",
    "readline",
    "readlines",
    "relative_to",
    "release",
    "remove",
    "removeprefix",
    "removesuffix",
    "render",
    "replace",
    "result",
    "reverse",
    "rindex",
    "rpartition",
    "search",
    "select",
    "set_exception",
    "set_result",
    "setdefault",
    "splitlines",
    "startswith",
    "strftime",
    "submit",
    "swapcase",
    "symmetric_difference",
    "task_done",
    "terminate",
    "timestamp",
    "total_seconds",
    "translate",
    "update",
    "values",
    "with_name",
    "with_suffix",
    "write_bytes",
    "write_text",
    "writelines",
];

/// Classes with shorter names are called like too many other things.
const MIN_CLASS_NAME: usize = 4;
