//! Imports, and names as other modules see them.

use std::sync::Arc;

use super::modules::Located;
use super::*;
use crate::syntax::module::{Import, ImportedName, MODULE_SCOPE};

impl<'p> Resolver<'p> {
    /// A name at the top level of a module, as another module sees it.
    pub fn exported(&mut self, file: FileId, name: &Name) -> Vec<Typed> {
        let Some(module) = self.program.module(file) else {
            return Vec::new();
        };
        let top = module.scope(MODULE_SCOPE);
        let found = self.find(Key::Exported(file, name.clone()), |resolver| {
            let Some(bindings) = top.bindings.get(name) else {
                return resolver.starred(file, &top.stars, name).unwrap_or_default();
            };
            bindings
                .iter()
                .flat_map(|binding| resolver.binding(file, MODULE_SCOPE, &binding.value))
                .collect()
        });
        found.to_vec()
    }

    pub(super) fn starred(
        &mut self,
        file: FileId,
        stars: &[usize],
        name: &Name,
    ) -> Option<Vec<Typed>> {
        let program = self.program;
        let module = program.module(file)?;
        for &index in stars.iter().rev() {
            let import = &module.imports[index];
            match program
                .table
                .locate(&program.file(file).path, import.level, &import.module)
            {
                Some(Located::File(other)) if other != file => {
                    let binds = program.module(other).is_some_and(|found| {
                        let top = found.scope(MODULE_SCOPE);
                        top.bindings.contains_key(name) || !top.stars.is_empty()
                    });
                    if binds && !name.starts_with('_') {
                        let found = self.exported(other, name);
                        if !found.is_empty() {
                            return Some(found);
                        }
                    }
                }
                Some(_) => {}
                None => {
                    let qualified = format!("{}.{name}", import.module);
                    if import.level == 0
                        && (self.catalog().function(&qualified).is_some()
                            || self.catalog().makes(&qualified).is_some())
                    {
                        return Some(vec![Typed::certain(self.external(&qualified))]);
                    }
                }
            }
        }
        None
    }

    pub(super) fn external(&self, name: &str) -> Value {
        if let Some(class) = boto3_stub(name) {
            return Value::External(class.into());
        }
        Value::External(self.catalog().canonical(name).into())
    }

    pub(super) fn imported(&mut self, file: FileId, import: &Import) -> Vec<Typed> {
        let program = self.program;
        let path = &program.file(file).path;
        let dotted = match import.name {
            ImportedName::Root => import.module.split('.').next().unwrap_or_default(),
            _ => &import.module,
        };
        // The client itself is not part of what is analysed, even where it lies in the repo.
        if import.level == 0
            && dotted.split('.').next() == Some("governor")
            && self.is_client(path, import.level)
        {
            let name = match &import.name {
                ImportedName::Member(name) => format!("{dotted}.{name}"),
                _ => dotted.to_owned(),
            };
            return vec![Typed::certain(Value::External(name.into()))];
        }
        // A module never means itself by its own name: `import ovh` in `sms/ovh.py`.
        let located = program
            .table
            .locate(path, import.level, dotted)
            .filter(|located| import.level > 0 || *located != Located::File(file));
        let ImportedName::Member(name) = &import.name else {
            return match located {
                Some(located) => vec![Typed::certain(module_value(located))],
                None if import.level == 0 => vec![Typed::certain(self.external(dotted))],
                None => Vec::new(),
            };
        };
        match located {
            Some(located) => {
                if located == Located::File(file) && self.program.module(file).is_none() {
                    return Vec::new();
                }
                self.module_member(&located, name)
            }
            None if import.level == 0 => {
                let full = format!("{dotted}.{name}");
                if !self.catalog().is_known(&full)
                    && let Some(class) = self
                        .catalog()
                        .class_like(name, |root| program.imported.contains(root))
                {
                    return vec![Typed::likely(Value::External(class.into()))];
                }
                vec![Typed::certain(self.external(&full))]
            }
            None => Vec::new(),
        }
    }

    /// Whether `governor` in this file is the enforce client: installed, or vendored into the repo.
    pub(super) fn is_client(&self, path: &str, level: u32) -> bool {
        match self.program.table.locate(path, level, "governor") {
            None => true,
            Some(Located::File(file)) => {
                let folder = self.program.file(file).path.trim_end_matches("__init__.py");
                ["_gate.py", "_plane.py"].iter().any(|name| {
                    self.program
                        .table
                        .file(&format!("{folder}{name}"))
                        .is_some()
                })
            }
            Some(Located::Folder(_)) => false,
        }
    }

    pub(super) fn module_member(&mut self, located: &Located, name: &Name) -> Vec<Typed> {
        if let Located::File(file) = located {
            let binds = self.program.module(*file).is_some_and(|module| {
                let top = module.scope(MODULE_SCOPE);
                top.bindings.contains_key(name) || !top.stars.is_empty()
            });
            if binds {
                let found = self.exported(*file, name);
                if !found.is_empty() {
                    return found;
                }
            }
        }
        let program = self.program;
        let submodule = program
            .table
            .submodule(located, |id| program.file(id).path.clone(), name);
        submodule
            .map(|located| Typed::certain(module_value(located)))
            .into_iter()
            .collect()
    }
}

/// The stubs of boto3 name each service's client and resource: `mypy_boto3_s3.client.S3Client`.
fn boto3_stub(name: &str) -> Option<String> {
    const STUBS: &[&str] = &["mypy_boto3_", "types_boto3_", "types_aiobotocore_"];
    let rest = STUBS.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let (service, path) = rest.split_once('.')?;
    let service = service.replace('_', "-");
    let class = path.rsplit('.').next().unwrap_or_default();
    if class.ends_with("Client") {
        Some(format!("boto3.client:{service}"))
    } else if class.ends_with("ServiceResource") {
        Some(format!("boto3.resource:{service}"))
    } else if class.ends_with("Paginator")
        || class.ends_with("Waiter")
        || path == class.to_lowercase()
    {
        None
    } else {
        Some(format!("boto3.resource:{service}.{class}"))
    }
}

pub(super) fn module_value(located: Located) -> Value {
    match located {
        Located::File(file) => Value::Module(file),
        Located::Folder(folder) => Value::Namespace(Arc::from(folder)),
    }
}
