//! Processes that no rule names: files that are started themselves, and console scripts.

use rustc_hash::FxHashSet;

use super::{Launches, Placed};
use crate::facts::entrypoint::FoundEntrypoint;
use crate::facts::file::FileFacts;
use crate::facts::graph::Node;
use crate::facts::{Action, Role};
use crate::names::{Definition, FileId, Program, Resolver, Typed, Value};
use crate::syntax::module::{MODULE_SCOPE, Span};
use crate::workspace::scripts::Script;

/// A file that acts when it is loaded, that nothing imports and that has no `__main__` block, is started itself.
pub(super) fn whole_script(
    program: &Program,
    file: FileId,
    own: &FileFacts,
    imported: &FxHashSet<FileId>,
    launches: &Launches,
) -> Option<FoundEntrypoint> {
    let module = program.module(file)?;
    let path = &program.file(file).path;
    let is_main_file = path == "__main__.py" || path.ends_with("/__main__.py");
    let has_process = own
        .entrypoints
        .iter()
        .any(|found| found.role == Role::Process);
    let acts = own.effects.iter().any(|effect| {
        effect.target.action != Action::Read && module.owner(effect.call_site.scope) == MODULE_SCOPE
    });
    let is_notebook = path.ends_with(".ipynb");
    // A module of a package is loaded by something, even where nothing here says by what.
    let is_package = !program.table.parents(path).is_empty() || path.ends_with("conftest.py");
    let launched = launches.of(path).first();
    if has_process
        || !(is_notebook
            || is_main_file
            || launched.is_some()
            || (acts && !is_package && !imported.contains(&file)))
    {
        return None;
    }
    let acting = own
        .effects
        .iter()
        .filter(|effect| module.owner(effect.call_site.scope) == MODULE_SCOPE);
    let kind = if is_notebook {
        "notebook"
    } else if is_main_file {
        "main_module"
    } else if launched.is_some_and(|launch| launch.path.ends_with("langgraph.json")) {
        "langgraph_server"
    } else {
        "script"
    };
    Some(FoundEntrypoint {
        role: Role::Process,
        kind: kind.to_owned(),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        definition: None,
        line: match is_notebook {
            true => 1,
            false => acting
                .map(|effect| effect.call_site.statement.line)
                .min()
                .unwrap_or(1),
        },
        column: 1,
        end_line: module.scope(MODULE_SCOPE).span.end_line,
        node: Node::Code(Definition {
            file,
            scope: MODULE_SCOPE,
        }),
    })
}

pub(super) fn console_scripts(program: &Program, scripts: &[Script]) -> Vec<Placed> {
    let mut found = Vec::new();
    for script in scripts {
        let Some(file) = program.table.by_name(&script.module) else {
            continue;
        };
        let Some(module) = program.module(file) else {
            continue;
        };
        let mut resolver = Resolver::new(program);
        let name = script.function.split('.').next().unwrap_or_default();
        let mut values = resolver.exported(file, &name.into());
        // `__init__.py` that imports a main function, or says what to install when it cannot: the import counts.
        let elsewhere = |typed: &Typed| matches!(typed.value, Value::Function(found) | Value::Wrapped { function: found, .. } if found.file != file);
        if values.iter().any(elsewhere) {
            values.retain(elsewhere);
        }
        for typed in values {
            let definition = match typed.value {
                Value::Function(definition)
                | Value::Wrapped {
                    function: definition,
                    ..
                } => definition,
                Value::Instance(_, Some(site)) if site.file == file => {
                    let span = module.expr(site.expr).span;
                    found.push(Placed {
                        file,
                        found: script_entry(
                            script,
                            None,
                            span,
                            Node::Code(Definition {
                                file,
                                scope: MODULE_SCOPE,
                            }),
                        ),
                    });
                    continue;
                }
                _ => continue,
            };
            let Some(module) = program.module(definition.file) else {
                continue;
            };
            let span = module.scope(definition.scope).span;
            let found_entry = script_entry(script, Some(definition), span, Node::Code(definition));
            found.push(Placed {
                file: definition.file,
                found: found_entry,
            });
        }
    }
    found
}

fn script_entry(
    script: &Script,
    definition: Option<Definition>,
    span: Span,
    node: Node,
) -> FoundEntrypoint {
    FoundEntrypoint {
        role: Role::Process,
        kind: "console_script".to_owned(),
        name: script.name.clone(),
        definition,
        line: span.line,
        column: span.column,
        end_line: span.end_line,
        node,
    }
}
