//! Everything that one file contributes: effects, entrypoints, edges, imports, and what stands in it of the client.

use rustc_hash::FxHashMap;

use super::edges::edges;
use super::effect::{FoundEffect, effects};
use super::entrypoint::{FoundEntrypoint, entrypoints};
use super::graph::{Edge, Node, node_of};
use crate::names::{Definition, FileId, Located, Program, Resolver, Site, Value};
use crate::syntax::module::{
    BlockId, BlockKind, CallSite, ExprKind, ImportedName, MODULE_SCOPE, Module, ScopeId, ScopeKind,
};

/// What a file says.
#[derive(Debug, Default)]
pub struct FileFacts {
    pub effects: Vec<FoundEffect>,
    pub entrypoints: Vec<FoundEntrypoint>,
    pub edges: Vec<(Node, Edge)>,
    /// Files that importing this one may import; the offset of the import if it stands at the top level.
    pub imports: Vec<(FileId, Option<u32>)>,
    pub guards: Guards,
    /// The functions called inside loops, by the innermost loop.
    pub loops: FxHashMap<BlockId, Vec<Definition>>,
}

/// Where the client already stands.
#[derive(Debug, Default)]
pub struct Guards {
    /// Calls of `governor.enable()`.
    pub enables: Vec<(Node, u32)>,
    /// Functions under `@governor.governed`.
    pub governed: Vec<Definition>,
    /// `with governor.intent(…)` blocks.
    pub scopes: Vec<BlockId>,
    /// `governor.enforce(…)` and `aenforce`.
    pub enforces: Vec<(Node, BlockId, u32)>,
}

/// What guards one call from where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    pub scope: bool,
    pub enforce: bool,
}

impl Guards {
    /// What guards a call in this file.
    pub fn around(&self, module: &Module, node: Node, call: &CallSite, at: u32) -> Guarded {
        let blocks: Vec<BlockId> = module
            .enclosing_blocks(call.block)
            .map(|(id, _)| id)
            .collect();
        let governed = matches!(node, Node::Code(function) if self.governed.contains(&function));
        Guarded {
            scope: governed || self.scopes.iter().any(|scope| blocks.contains(scope)),
            enforce: self.enforces.iter().any(|(other, block, position)| {
                *other == node && *position < at && blocks.contains(block)
            }),
        }
    }
}

/// Analyses one file of the program.
pub fn file_facts(resolver: &mut Resolver, file: FileId, possible: bool) -> FileFacts {
    let program = resolver.program;
    let Some(module) = program.module(file) else {
        return FileFacts::default();
    };
    let guards = guards(resolver, module, file);
    let effects = effects(resolver, module, file, possible);
    let entrypoints = entrypoints(resolver, module, file);
    let mut facts = FileFacts {
        effects,
        entrypoints,
        imports: imports(program, module, file),
        guards,
        ..FileFacts::default()
    };
    edges(resolver, module, file, &mut facts);
    facts
}

/// Whether what stands in a block may also not run when its function or module does.
fn is_conditional(module: &Module, block: BlockId) -> bool {
    module
        .enclosing_blocks(block)
        .take_while(|(_, block)| !matches!(block.kind, BlockKind::Body | BlockKind::Main))
        .any(|(_, block)| {
            !matches!(
                block.kind,
                BlockKind::Try | BlockKind::Finally | BlockKind::With(_)
            )
        })
}

fn guards(resolver: &mut Resolver, module: &Module, file: FileId) -> Guards {
    let mut guards = Guards::default();
    if !module
        .imports
        .iter()
        .any(|import| mentions_client(&import.module, &import.name))
    {
        return guards;
    }
    let client_name = |resolver: &mut Resolver, expr| {
        let values = resolver.values(Site { file, expr });
        values.iter().find_map(|typed| match &typed.value {
            Value::External(name) => name.strip_prefix("governor.").map(str::to_owned),
            _ => None,
        })
    };
    for call in &module.calls {
        let ExprKind::Call(function, _) = module.expr(call.expr).kind else {
            continue;
        };
        let position = module.expr(call.expr).span.start;
        match client_name(resolver, function).as_deref() {
            Some("enable") if !is_conditional(module, call.block) => {
                guards.enables.push((node_of(module, file, call), position));
            }
            Some("enforce" | "aenforce") => {
                guards.enforces.push((
                    node_of(module, file, call),
                    call.block,
                    module.expr(call.expr).span.end,
                ));
            }
            _ => {}
        }
    }
    for (index, block) in module.blocks.iter().enumerate() {
        let BlockKind::With(items) = &block.kind else {
            continue;
        };
        let opens = items.iter().any(|&item| match module.expr(item).kind {
            ExprKind::Call(function, _) => {
                client_name(resolver, function).as_deref() == Some("intent")
            }
            _ => false,
        });
        if opens {
            guards.scopes.push(BlockId(index as u32));
        }
    }
    for (index, scope) in module.scopes.iter().enumerate() {
        let definition = Definition {
            file,
            scope: ScopeId(index as u32),
        };
        if scope.kind == ScopeKind::Function
            && !scope.decorators.is_empty()
            && resolver
                .decorator_names(definition)
                .iter()
                .any(|name| &**name == "governor.governed")
        {
            guards.governed.push(definition);
        }
    }
    guards
}

fn mentions_client(module: &str, name: &ImportedName) -> bool {
    module.split('.').any(|part| part == "governor")
        || matches!(name, ImportedName::Member(name) if name.contains("governor") || &**name == "enable")
        || !matches!(name, ImportedName::Root | ImportedName::Module)
}

fn imports(program: &Program, module: &Module, file: FileId) -> Vec<(FileId, Option<u32>)> {
    let path = &program.file(file).path;
    let mut found: Vec<(FileId, Option<u32>)> = Vec::new();
    let mut add = |id: FileId, at: Option<u32>| {
        for parent in program
            .table
            .parents(&program.file(id).path)
            .into_iter()
            .chain([id])
        {
            if parent != file {
                found.push((parent, at));
            }
        }
    };
    for parent in program.table.parents(path) {
        add(parent, Some(0));
    }
    for import in &module.imports {
        let at = (import.scope == MODULE_SCOPE).then_some(import.span.start);
        let located = program.table.locate(path, import.level, &import.module);
        if let Some(Located::File(id)) = &located {
            add(*id, at);
        }
        if let (ImportedName::Member(name), Some(located)) = (&import.name, &located) {
            let submodule =
                program
                    .table
                    .submodule(located, |id| program.file(id).path.clone(), name);
            if let Some(Located::File(id)) = submodule {
                add(id, at);
            }
        }
    }
    // Modules that are named in text: `uvicorn.run("app.main:app")`, settings, URL configurations.
    for expr in &module.exprs {
        let ExprKind::Str(text) = &expr.kind else {
            continue;
        };
        for id in named_modules(program, text) {
            add(id, Some(expr.span.start));
        }
    }
    for id in installed_apps(program, module) {
        add(id, None);
    }
    for call in &module.calls {
        let ExprKind::Call(function, _) = module.expr(call.expr).kind else {
            continue;
        };
        if matches!(&module.expr(function).kind, ExprKind::Attribute(_, name) if &**name == "autodiscover_tasks")
        {
            for (index, other) in program.files.iter().enumerate() {
                if other.path == "tasks.py" || other.path.ends_with("/tasks.py") {
                    add(FileId(index as u32), None);
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn named_modules(program: &Program, text: &str) -> Vec<FileId> {
    let text = text.split(':').next().unwrap_or_default();
    let is_dotted = text.contains('.')
        && text.len() < 120
        && text.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
    if !is_dotted {
        // `app:app`, the usual word for a module at the root.
        return Vec::new();
    }
    let outer = text.rsplit_once('.').map(|(outer, _)| outer);
    program
        .table
        .by_name(text)
        .or_else(|| program.table.by_name(outer?))
        .into_iter()
        .collect()
}

/// The modules that Django loads of each app in `INSTALLED_APPS`.
fn installed_apps(program: &Program, module: &Module) -> Vec<FileId> {
    let mut names = module.scope(MODULE_SCOPE).bindings.keys();
    if !names.any(|name| name.ends_with("_APPS")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for expr in &module.exprs {
        let ExprKind::Str(text) = &expr.kind else {
            continue;
        };
        if !text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
            || text.is_empty()
        {
            continue;
        }
        let app = text.split(".apps.").next().unwrap_or(text);
        for part in [
            "models", "admin", "apps", "signals", "tasks", "views", "urls",
        ] {
            found.extend(program.table.by_name(&format!("{app}.{part}")));
        }
        if let Some(commands) = program.table.by_name(&format!("{app}.management.commands")) {
            let folder = program
                .file(commands)
                .path
                .trim_end_matches("__init__.py")
                .to_owned();
            for (index, other) in program.files.iter().enumerate() {
                if other.path.starts_with(&folder) {
                    found.push(FileId(index as u32));
                }
            }
        }
    }
    found
}
