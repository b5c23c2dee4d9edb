//! What Django's settings say of a project, and models by what only models and their rows have.

use super::member::{MANAGER, MODEL, ROWS, last_part};
use super::*;
use crate::syntax::module::{ExprKind, MODULE_SCOPE};

/// Whether a module holds the settings of a Django project.
pub fn is_settings(module: &Module) -> bool {
    let bindings = &module.scope(MODULE_SCOPE).bindings;
    bindings.contains_key("INSTALLED_APPS") || bindings.contains_key("ROOT_URLCONF")
}

impl<'p> Resolver<'p> {
    /// `django.conf.settings.NAME`: what the repo's settings modules assign to the name.
    pub(super) fn setting(&mut self, name: &Name) -> Vec<Typed> {
        let program = self.program;
        let modules = program.settings.get_or_init(|| {
            let is_settings = |file: &FileId| program.module(*file).is_some_and(is_settings);
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
                self.model_named(name, site.file)
            }
            _ => None,
        });
        vec![Typed::likely(match class {
            Some(class) => Value::Object(class, None),
            None => Value::Instance("django.contrib.auth.models.User".into(), None),
        })]
    }

    /// The class that `apps.get_model("blog.Post")` or `get_user_model()` names.
    pub(super) fn model_named_by(&mut self, function: &Name, site: Site) -> Vec<Typed> {
        if &**function == "django.contrib.auth.get_user_model" {
            let user = self.django_user().into_iter();
            let classes = user.filter_map(|typed| match typed.value {
                Value::Object(class, _) => Some(Typed::likely(Value::Class(class))),
                _ => None,
            });
            return classes.collect();
        }
        let first = self.argument(site, Some(0), Some("app_label"));
        let second = self.argument(site, Some(1), Some("model_name"));
        let name = second
            .or(first)
            .and_then(|argument| self.constant(argument));
        let class = name.and_then(|name| {
            let name = name.rsplit('.').next()?;
            self.model_named(name, site.file)
        });
        class
            .filter(|class| self.is_model(*class))
            .map(|class| Typed::likely(Value::Class(class)))
            .into_iter()
            .collect()
    }

    /// An object of a model that a Django app from elsewhere defines.
    pub(super) fn model_from_elsewhere(&self, class: &Name) -> Option<Value> {
        if self.is_stored(class) {
            return Some(Value::Instance(class.clone(), None));
        }
        self.catalog().property(class, "objects")?;
        let is_known = self.catalog().is_known(class);
        let class = if is_known {
            class.clone()
        } else {
            MODEL.into()
        };
        Some(Value::Instance(class, None))
    }

    /// What a manager has from the repo's own class of rows: `objects = OrderRows.as_manager()`,
    /// `objects = Manager.from_queryset(OrderRows)()`.
    pub(super) fn of_own_rows(
        &mut self,
        manager: &Name,
        made: Option<Site>,
        name: &Name,
        site: Option<Site>,
    ) -> Vec<Typed> {
        let Some(class) = made.and_then(|made| self.own_rows(made)) else {
            return Vec::new();
        };
        if !self.catalog().derives(manager, MANAGER) {
            return Vec::new();
        }
        match self.find_method(class, name) {
            Some(_) => self.object_member(class, name, made, site),
            None => Vec::new(),
        }
    }

    /// The repo's class of rows that a manager was made of.
    pub(super) fn own_rows(&mut self, made: Site) -> Option<Definition> {
        let module = self.program.module(made.file)?;
        let ExprKind::Call(callee, _) = module.expr(made.expr).kind else {
            return None;
        };
        let ExprKind::Attribute(object, method) = &module.expr(callee).kind else {
            return match module.expr(callee).kind {
                // `from_queryset(Rows)()`
                ExprKind::Call(..) => self.own_rows(Site {
                    expr: callee,
                    ..made
                }),
                _ => None,
            };
        };
        let class = match &**method {
            "as_manager" => Site {
                expr: *object,
                ..made
            },
            "from_queryset" => self.argument(made, Some(0), Some("queryset_class"))?,
            _ => return None,
        };
        self.values(class)
            .iter()
            .find_map(|typed| match typed.value {
                Value::Class(class) => Some(class),
                _ => None,
            })
    }

    /// What a name has by which rows of a table are reached, where nobody knows whose it is: `model.objects`,
    /// `book.author_set`, and `book.authors` if a model of the repo declares such a relation.
    pub(super) fn rows_behind(&mut self, object: Site) -> Option<Value> {
        let module = self.program.module(object.file)?;
        let ExprKind::Attribute(_, name) = &module.expr(object.expr).kind else {
            return None;
        };
        if !self.program.imported.contains("django") {
            return None;
        }
        let is_manager =
            MANAGERS.contains(&&**name) || name.ends_with("_set") && name.len() > "_set".len();
        if is_manager {
            return Some(Value::Instance(MANAGER.into(), Some(object)));
        }
        let field = self.many_named(name)?;
        Some(Value::Instance(MANAGER.into(), Some(field)))
    }

    /// Whether a call asks for rows as only Django's queries do, whatever it is called on: `rows.filter(user__in=…)`.
    pub fn asks_for_rows(&self, site: Site) -> bool {
        let Some(module) = self.program.module(site.file) else {
            return false;
        };
        let ExprKind::Call(callee, arguments) = &module.expr(site.expr).kind else {
            return false;
        };
        let ExprKind::Attribute(_, method) = &module.expr(*callee).kind else {
            return false;
        };
        let looks_up = || {
            arguments.iter().any(|argument| {
                let keyword = argument.keyword.as_deref().unwrap_or_default();
                keyword.trim_matches('_').contains("__")
            })
        };
        LOOKUPS.contains(&&**method) && looks_up() && self.program.imported.contains("django")
    }

    /// Whether `chain` of a model's object, whatever it goes over, gives rows that `name` is a method of.
    pub(super) fn leads_to_rows(&self, class: &Name, chain: &str, name: &Name) -> bool {
        let catalog = self.catalog();
        let is_model = catalog.derives(class, MODEL);
        let of_django = || is_model || class.starts_with("django.db.models.");
        let last = last_part(chain);
        let is_manager = MANAGERS.contains(&last) || last.ends_with("_set");
        if ROWS.contains(&&**name) {
            let is_relation = || is_manager || self.many_named(&last.into()).is_some();
            let is_rows = is_model && !chain.contains('.') || of_django() && is_relation();
            if is_rows || !is_manager {
                return is_rows;
            }
        }
        let of_app = || !catalog.is_known(class) && self.program.imported.contains("django");
        is_manager && (of_django() || of_app()) && catalog.has_member(MANAGER, name)
    }

    /// The relation or file field of Django that a class of the repo is a kind of.
    pub(super) fn django_field(&mut self, class: Definition) -> Option<Name> {
        let lineage = self.lineage(class);
        lineage.iter().find_map(|ancestor| match ancestor {
            Ancestor::External(name) => {
                let last = name.rsplit('.').next().unwrap_or_default();
                FIELDS.contains(&last).then(|| name.clone())
            }
            Ancestor::Own(_) => None,
        })
    }

    /// `object.name` where the object is nobody's, or an attribute of a model that no rule tells more about.
    pub(super) fn method_of_rows(&mut self, object: Site, name: &Name) -> Option<Typed> {
        let module = self.program.module(object.file)?;
        let ExprKind::Attribute(owner, behind) = &module.expr(object.expr).kind else {
            return None;
        };
        let is_manager = MANAGERS.contains(&&**behind) || behind.ends_with("_set");
        let has = ROWS.contains(&&**name) || is_manager && self.catalog().has_member(MANAGER, name);
        // `path.parent.exists()`
        let is_of_path = &**behind == "parent" && &**name == "exists";
        if !has || is_of_path || !self.values(object).is_empty() {
            return None;
        }
        let owner = Site {
            expr: *owner,
            ..object
        };
        // What a class of the repo keeps under the name is what it is.
        let is_known = |typed: &Typed| matches!(typed.value, Value::Object(..));
        if self.values(owner).iter().any(is_known) {
            return None;
        }
        let Value::Instance(class, made) = self.rows_behind(object)? else {
            return None;
        };
        Some(Typed::likely(Value::Method {
            class,
            chain: name.clone(),
            made,
            function: None,
        }))
    }
}

/// Methods of a query that take lookups over relations: `user__name="…"`.
const LOOKUPS: &[&str] = &[
    "exclude",
    "filter",
    "get",
    "get_or_create",
    "update_or_create",
];

/// What Django calls the attribute of a model that gives its rows.
const MANAGERS: &[&str] = &["_base_manager", "_default_manager", "objects"];

/// Fields of Django whose objects have methods that act.
const FIELDS: &[&str] = &[
    "FileField",
    "ForeignKey",
    "ImageField",
    "ManyToManyField",
    "OneToOneField",
];
