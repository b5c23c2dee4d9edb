//! Attributes and modules whose names are put together at run time: `getattr(self, f"do_{word}")`,
//! `import_module(f"plugins.{name}")`.

use super::import::module_value;
use super::*;
use crate::syntax::module::{Binding, BindingValue};

impl<'p> Resolver<'p> {
    /// The attributes of a value that a name with `{…}` for what is not constant may be of. `is_asked` where there is no
    /// default: the attribute is there for sure.
    pub(super) fn some_member(
        &mut self,
        value: &Value,
        name: Option<&str>,
        is_asked: bool,
        site: Site,
    ) -> Vec<Typed> {
        let program = self.program;
        let bodies: Vec<(FileId, ScopeId)> = match value {
            Value::Object(class, _) | Value::Class(class) => {
                let lineage = self.lineage(*class);
                let own = lineage.iter().filter_map(|ancestor| match ancestor {
                    Ancestor::Own(own) => Some((own.file, own.scope)),
                    Ancestor::External(_) => None,
                });
                own.collect()
            }
            Value::Module(file) => vec![(*file, MODULE_SCOPE)],
            _ => return self.some_operation(value, is_asked),
        };
        let (start, end, any) = match (name.and_then(ends), value) {
            (Some((start, end)), _) => (start, end, true),
            // A module of plugins gives a class; which one, its caller knows.
            (None, Value::Module(_)) => ("", "", false),
            _ => return Vec::new(),
        };
        let mut names: Vec<Name> = Vec::new();
        for (file, scope) in bodies {
            let Some(module) = program.module(file) else {
                continue;
            };
            for (name, bindings) in &module.scope(scope).bindings {
                let is_defined = |binding: &Binding| match binding.value {
                    BindingValue::Definition(inner) => {
                        any || module.scope(inner).kind == ScopeKind::Class
                    }
                    _ => false,
                };
                let fits = name.len() >= start.len() + end.len()
                    && name.starts_with(start)
                    && name.ends_with(end);
                if fits && bindings.iter().any(is_defined) && !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names.sort_unstable();
        let members = names.iter();
        members
            .flat_map(|name| self.member(value, name, Some(site)))
            .map(|typed| typed.at_most(false))
            .collect()
    }

    /// Which operation of a client or a library of clients it is, only the run tells.
    fn some_operation(&self, value: &Value, is_asked: bool) -> Vec<Typed> {
        let found = match value {
            Value::Instance(class, made)
                if class.starts_with("boto3.client:")
                    || self.catalog().any_operation(class).is_some() =>
            {
                Value::Method {
                    class: class.clone(),
                    chain: ANY.into(),
                    made: *made,
                    function: None,
                }
            }
            Value::External(name) if self.catalog().any_operation(name).is_some() => {
                Value::External(format!("{name}.{ANY}").into())
            }
            _ => return Vec::new(),
        };
        is_asked.then(|| Typed::likely(found)).into_iter().collect()
    }

    /// The modules of the repo that a dotted name with one part that is not constant may be of.
    pub(super) fn modules_like(&self, name: &str) -> Vec<Typed> {
        let Some((start, end)) = ends(name).filter(|(start, _)| start.contains('.')) else {
            return Vec::new();
        };
        let files = self.program.files.iter().enumerate();
        let fitting = files.filter_map(|(index, file)| {
            let part = file.name.strip_prefix(start)?.strip_suffix(end)?;
            let is_one = !part.is_empty() && !part.contains('.') && file.module.is_some();
            is_one.then_some(Located::File(FileId(index as u32)))
        });
        fitting
            .map(|located| Typed::likely(module_value(located)))
            .collect()
    }
}

/// What stands before and behind the parts of a name that are not constant, if that says anything.
fn ends(name: &str) -> Option<(&str, &str)> {
    let start = &name[..name.find('{')?];
    let end = &name[name.rfind('}')? + 1..];
    (start.len() + end.len() >= MIN_CONSTANT).then_some((start, end))
}

/// Fewer letters than these say nothing about a name.
const MIN_CONSTANT: usize = 3;

/// What an operation is called of which only the run tells which it is.
pub const ANY: &str = "*";
