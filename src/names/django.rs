//! What Django's settings say of a project.

use super::*;
use crate::syntax::module::MODULE_SCOPE;

impl<'p> Resolver<'p> {
    /// `django.conf.settings.NAME`: what the repo's settings modules assign to the name.
    pub(super) fn setting(&mut self, name: &Name) -> Vec<Typed> {
        let program = self.program;
        let modules = program.settings.get_or_init(|| {
            let is_settings = |file: &FileId| {
                program.module(*file).is_some_and(|module| {
                    let bindings = &module.scope(MODULE_SCOPE).bindings;
                    bindings.contains_key("INSTALLED_APPS") || bindings.contains_key("ROOT_URLCONF")
                })
            };
            (0..program.files.len() as u32)
                .map(FileId)
                .filter(is_settings)
                .collect()
        });
        let found: Vec<Typed> = modules
            .iter()
            .flat_map(|&file| self.exported(file, name))
            .collect();
        found
            .into_iter()
            .map(|typed| typed.at_most(false))
            .collect()
    }

    /// An object of the class that a Django project has for its users.
    pub(super) fn django_user(&mut self) -> Vec<Typed> {
        let named = self.setting(&"AUTH_USER_MODEL".into());
        let class = named.iter().find_map(|typed| match typed.value {
            Value::Literal(site) => {
                let text = self.constant(site)?;
                let name = text.rsplit('.').next()?;
                self.program.class_named(name, site.file)
            }
            _ => None,
        });
        vec![Typed::likely(match class {
            Some(class) => Value::Object(class, None),
            None => Value::Instance("django.contrib.auth.models.User".into(), None),
        })]
    }
}
