//! The entrypoints of one file, by the shapes that a rule can have.

use super::Role;
use super::graph::Node;
use crate::catalog::schema::EntrypointRule;
use crate::names::{Ancestor, Definition, FileId, Resolver, Site, Value};
use crate::syntax::module::{BlockKind, ExprKind, MODULE_SCOPE, Module, ScopeId, ScopeKind, Span};

mod call;
mod class;
mod decorator;
mod setting;

use call::by_call;
pub use call::handlers;
use class::{by_attribute, by_subclass};
pub use decorator::registers;
use decorator::{by_decorator, by_own_decorator};
use setting::by_setting;

/// An entrypoint before the whole repo is known.
#[derive(Clone, Debug)]
pub struct FoundEntrypoint {
    pub role: Role,
    pub kind: String,
    pub name: String,
    /// The function or class that is the entrypoint, or that is registered as one.
    pub definition: Option<Definition>,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    /// The code that starts to run.
    pub node: Node,
}

impl FoundEntrypoint {
    /// A function or class that a rule says is one, and where it is reported.
    fn of_code(rule: &EntrypointRule, name: String, definition: Definition, span: Span) -> Self {
        FoundEntrypoint {
            role: rule.role(),
            kind: rule.kind.clone(),
            name,
            definition: Some(definition),
            line: span.line,
            column: span.column,
            end_line: span.end_line,
            node: Node::Code(definition),
        }
    }
}

/// Everything that a rule or a `__main__` block makes an entrypoint of, in source order.
pub fn entrypoints(resolver: &mut Resolver, module: &Module, file: FileId) -> Vec<FoundEntrypoint> {
    let mut found = Vec::new();
    let path = resolver.program.file(file).path.clone();
    let file_process = by_file(resolver, module, file, &path);
    let is_file_process = file_process.is_some();
    found.extend(file_process);
    for (index, scope) in module.scopes.iter().enumerate() {
        let definition = Definition {
            file,
            scope: ScopeId(index as u32),
        };
        match scope.kind {
            ScopeKind::Function => {
                found.extend(by_decorator(resolver, module, definition));
                found.extend(by_own_decorator(resolver, module, definition));
                found.extend(by_function(resolver, module, definition));
            }
            ScopeKind::Class => {
                found.extend(by_decorator(resolver, module, definition));
                found.extend(by_subclass(resolver, module, definition));
                found.extend(by_attribute(resolver, module, definition));
            }
            _ => {}
        }
    }
    for call in &module.calls {
        found.extend(by_call(resolver, module, file, call));
    }
    found.extend(by_setting(resolver, module, file));
    if !is_file_process {
        for block in module
            .blocks
            .iter()
            .filter(|block| matches!(block.kind, BlockKind::Main))
        {
            found.push(FoundEntrypoint {
                role: Role::Process,
                kind: "main_block".to_owned(),
                name: resolver.program.file(file).name.clone(),
                definition: None,
                line: block.span.line,
                column: 1,
                end_line: block.span.end_line,
                node: Node::Main(file),
            });
        }
    }
    found.sort_by(|a, b| {
        (a.line, a.column, &a.kind, &a.name).cmp(&(b.line, b.column, &b.kind, &b.name))
    });
    found.dedup_by(|a, b| (a.line, &a.kind, &a.name, a.role) == (b.line, &b.kind, &b.name, b.role));
    found
}

/// Names under which a rule may know a value: class and member.
fn rule_names(resolver: &mut Resolver, site: Site) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for typed in resolver.values(site).to_vec() {
        match &typed.value {
            Value::External(name) => {
                names.push((name.to_string(), String::new()));
                if let Some((class, member)) = name.rsplit_once('.') {
                    names.push((class.to_owned(), member.to_owned()));
                }
            }
            Value::Method { class, chain, .. } => {
                names.push((class.to_string(), chain.to_string()));
                // `schedule.every().day.at("9:00").do`: what a chain ends in.
                if let Some((_, last)) = chain.rsplit_once('.') {
                    names.push((class.to_string(), last.to_owned()));
                }
            }
            Value::Instance(class, _) => names.push((class.to_string(), String::new())),
            // A method that overrides a framework's still is one: `tool` of the repo's own `FastMCP`.
            Value::Bound { method, class } => {
                let module = resolver.program.module(method.file);
                let name = module.map(|module| module.scope(method.scope).name.to_string());
                for ancestor in resolver.lineage(*class).iter() {
                    if let (Ancestor::External(on), Some(name)) = (ancestor, &name) {
                        names.push((on.to_string(), name.clone()));
                    }
                }
            }
            Value::Class(class) => {
                for ancestor in resolver.lineage(*class).iter() {
                    if let Ancestor::External(name) = ancestor {
                        names.push((name.to_string(), String::new()));
                    }
                }
            }
            _ => {}
        }
    }
    names
}

pub fn rules<'c>(
    resolver: &mut Resolver<'c>,
    shape: &str,
    site: Site,
) -> Vec<(&'c EntrypointRule, String)> {
    let catalog = resolver.program.catalog;
    // Calling an instance makes no new one: `app()` starts what `app = Typer()` made.
    let calls_instance = shape == "instance"
        && resolver
            .values(site)
            .iter()
            .any(|typed| matches!(typed.value, Value::Instance(..)));
    if calls_instance {
        return Vec::new();
    }
    for (on, member) in rule_names(resolver, site) {
        let rules = catalog.entrypoint(shape, &on, &member);
        if !rules.is_empty() {
            let called = if member.is_empty() { on } else { member };
            return rules
                .into_iter()
                .map(|rule| (rule, called.clone()))
                .collect();
        }
    }
    Vec::new()
}

fn by_function(
    resolver: &Resolver,
    module: &Module,
    definition: Definition,
) -> Vec<FoundEntrypoint> {
    let scope = module.scope(definition.scope);
    if scope.parent != Some(MODULE_SCOPE) {
        return Vec::new();
    }
    let path = &resolver.program.file(definition.file).path;
    let file_name = path.rsplit('/').next().unwrap_or(path);
    let catalog = resolver.program.catalog;
    catalog
        .entrypoints_of_shape("function")
        .filter(|rule| {
            rule.names
                .iter()
                .any(|name| matches_name(name, &scope.name))
        })
        .filter(|rule| {
            rule.files.is_empty() || rule.files.iter().any(|file| matches_name(file, file_name))
        })
        .filter(|rule| {
            rule.params.len() <= scope.parameters.len()
                && rule.params.iter().zip(&scope.parameters).enumerate().all(
                    |(index, (wanted, found))| {
                        let found = found.name.trim_start_matches('_');
                        // `def handler(event, _)`
                        **wanted == *found || index > 0 && ["", "ctx"].contains(&found)
                    },
                )
        })
        .map(|rule| FoundEntrypoint::of_code(rule, scope.name.to_string(), definition, scope.span))
        .collect()
}

/// A name, or one with a `*` for any part of it.
fn matches_name(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

fn by_file(
    resolver: &Resolver,
    module: &Module,
    file: FileId,
    path: &str,
) -> Option<FoundEntrypoint> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let imports = |root: &String| {
        module
            .imports
            .iter()
            .any(|import| import.level == 0 && import.module.split('.').next() == Some(root))
    };
    let rule = resolver
        .program
        .catalog
        .entrypoints_of_shape("file")
        .find(|rule| {
            rule.files.iter().any(|file| file == name)
                && (rule.imports_any.is_empty() || rule.imports_any.iter().any(imports))
        })?;
    let main = module
        .blocks
        .iter()
        .find(|block| matches!(block.kind, BlockKind::Main));
    let span = main.map_or(module.scope(MODULE_SCOPE).span, |block| block.span);
    Some(FoundEntrypoint {
        role: rule.role(),
        kind: rule.kind.clone(),
        name: name.to_owned(),
        definition: None,
        line: main.map_or(1, |block| block.span.line),
        column: 1,
        end_line: span.end_line,
        node: if main.is_some() {
            Node::Main(file)
        } else {
            Node::Code(Definition {
                file,
                scope: MODULE_SCOPE,
            })
        },
    })
}

/// The constant texts of a list or tuple.
fn constants(resolver: &mut Resolver, list: Site) -> Vec<String> {
    let Some(module) = resolver.program.module(list.file) else {
        return Vec::new();
    };
    match &module.expr(list.expr).kind {
        ExprKind::Sequence(items) => items
            .iter()
            .filter_map(|&expr| resolver.constant(Site { expr, ..list }))
            .collect(),
        _ => Vec::new(),
    }
}

/// Fills in a rule's name template.
fn name_of(
    resolver: &mut Resolver,
    rule: &EntrypointRule,
    called: &str,
    call: Option<Site>,
    module: &Module,
    scope: Option<ScopeId>,
    file: FileId,
) -> String {
    let path = &resolver.program.file(file).path;
    let file = path.rsplit('/').next().unwrap_or(path);
    let file = file.strip_suffix(".py").unwrap_or(file);
    let function = scope.map(|scope| module.scope(scope).name.to_string());
    let template = if rule.name.is_empty() {
        "{function}"
    } else {
        &rule.name
    };
    let method = called.rsplit('.').next().unwrap_or_default();
    let class = scope.and_then(|scope| {
        let at = module.scope(scope);
        let class = if at.kind == ScopeKind::Class {
            scope
        } else {
            at.parent?
        };
        (module.scope(class).kind == ScopeKind::Class).then(|| module.scope(class).name.to_string())
    });
    let mut name = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        name.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        let field = &rest[start + 1..start + end];
        rest = &rest[start + end + 1..];
        match field {
            "METHOD" => name.push_str(&method.to_uppercase()),
            "method" => name.push_str(method),
            "function" => match &function {
                Some(function) => name.push_str(function),
                None => name.push_str("{function}"),
            },
            "class" => name.push_str(class.as_deref().unwrap_or_default()),
            "file" => name.push_str(file),
            "METHODS" => {
                let methods = call.and_then(|call| resolver.argument(call, None, Some("methods")));
                let texts = methods.map_or(Vec::new(), |methods| constants(resolver, methods));
                name.push_str(&texts.join(",").to_uppercase());
            }
            _ => {
                let mut parts = field.split(':').skip(1);
                let position = parts.next().and_then(|position| position.parse().ok());
                let keyword = parts.next();
                let argument = call.and_then(|call| resolver.argument(call, position, keyword));
                name.push_str(
                    &argument
                        .and_then(|argument| resolver.text(argument))
                        .unwrap_or_default(),
                );
            }
        }
    }
    name.push_str(rest);
    let name = name.trim().to_owned();
    if name.is_empty() {
        function.unwrap_or_else(|| method.to_owned())
    } else {
        name
    }
}
