//! What a parameter may hold: the receiver, what is injected, what its annotation or default says, and, where nothing
//! else tells, what the repo's own calls pass.

use super::based::is_based;
use super::*;
use crate::catalog::schema::EntrypointRule;
use crate::syntax::module::{ExprKind, ParameterKind, ScopeKind};

/// No more call sites than this are asked what they pass.
const MAX_CALL_SITES: usize = 12;

/// What the repo's own calls pass for a parameter.
#[derive(Default)]
pub(super) struct Passed {
    pub(super) values: Vec<Typed>,
    /// Each of them passes something.
    by_all: bool,
}

impl<'p> Resolver<'p> {
    pub(super) fn parameter(&mut self, function: Definition, index: u16) -> Values {
        self.find(Key::Parameter(function, index), |resolver| {
            resolver.find_parameter(function, index)
        })
    }

    fn find_parameter(&mut self, function: Definition, index: u16) -> Vec<Typed> {
        let program = self.program;
        let Some(module) = program.module(function.file) else {
            return Vec::new();
        };
        let scope = module.scope(function.scope);
        let Some(parameter) = scope.parameters.get(usize::from(index)) else {
            return Vec::new();
        };
        if index == 0
            && parameter.annotation.is_none()
            && scope.kind == ScopeKind::Function
            && let Some(class) = self.class_of(function)
            && let Some(receiver) = self.receiver(class, function)
        {
            return vec![receiver];
        }
        let at = |expr| Site {
            file: function.file,
            expr,
        };
        if index == 0 && parameter.annotation.is_none() {
            let bound = self.bound_to(function);
            if !bound.is_empty() {
                return bound;
            }
        }
        let mut found = Vec::new();
        if let Some(default) = parameter.default {
            found.extend(self.injected_by(at(default)));
        }
        if let Some(annotation) = parameter.annotation {
            found.extend(self.type_of(at(annotation)));
        }
        if let (true, Some(default)) = (found.is_empty(), parameter.default) {
            found.extend(self.values(at(default)).iter().cloned());
        }
        if found.iter().any(is_based) {
            self.tell_made(function, index, &mut found);
        }
        if matches!(parameter.kind, ParameterKind::Args | ParameterKind::Kwargs) {
            return vec![Typed::likely(Value::Container(found.into()))];
        }
        // A type that stands for any object of its kind: what the calls pass says more.
        if !found.is_empty() && found.iter().all(|typed| self.is_vague(&typed.value)) {
            let passed = self.passed(function, index, &parameter.name);
            if !passed.values.is_empty() {
                found = passed.values;
            }
        } else if found
            .iter()
            .all(|typed| matches!(typed.value, Value::Literal(_) | Value::Returns(_)))
        {
            let mut passed = self.passed(function, index, &parameter.name);
            if parameter
                .annotation
                .is_some_and(|expr| is_plain(module, expr))
            {
                passed
                    .values
                    .retain(|typed| matches!(typed.value, Value::Literal(_)));
            }
            if passed.by_all {
                // The default is nobody's.
                found.retain(|typed| !matches!(typed.value, Value::Literal(_)));
            }
            found.extend(passed.values);
            let says_nothing = |typed: &Typed| matches!(typed.value, Value::Literal(_));
            if parameter.annotation.is_none() && found.iter().all(says_nothing) {
                found.extend(self.shown_by_use(function, &parameter.name));
            }
        }
        if found.is_empty() && parameter.annotation.is_none() {
            found.extend(self.put_by_decorator(function, &parameter.name));
        }
        if found.is_empty() && parameter.annotation.is_none() {
            found.extend(self.given(function, index));
        }
        if found.is_empty() && parameter.annotation.is_none() {
            found.extend(self.passed_by_role(function, &parameter.name));
        }
        if found.is_empty() && parameter.annotation.is_none() {
            found.extend(self.named_like_class(function, &parameter.name));
        }
        if found.is_empty() && index == 0 && &*scope.name == "setup" && scope.parameters.len() == 1
        {
            found.extend(set_up_by(module));
        }
        if found.is_empty()
            && parameter.annotation.is_none()
            && &*parameter.name == "request"
            && module.imports.iter().any(|import| {
                let root = import.module.split('.').next();
                import.level == 0 && matches!(root, Some("django" | "rest_framework"))
            })
        {
            found.push(Typed::likely(Value::Instance(
                "django.http.HttpRequest".into(),
                None,
            )));
        }
        found
            .into_iter()
            .map(|typed| typed.at_most(false))
            .collect()
    }

    /// What a framework calls a handler with: `async def start(client, message)` under `@app.on_message()`.
    fn given(&mut self, function: Definition, index: u16) -> Option<Typed> {
        let program = self.program;
        let scope = program.module(function.file)?.scope(function.scope);
        let parameter = &scope.parameters[usize::from(index)].name;
        let before = usize::from(self.class_of(function).is_some());
        let position = usize::from(index).checked_sub(before)?;
        let by_decorator = self.given_by(function).and_then(|rule| {
            let by_name = rule.gives_by_name.get(&**parameter);
            by_name.or_else(|| rule.gives.get(position))
        });
        self.ask(Input::Given(function));
        let by_call = || {
            program
                .given
                .get(&function)?
                .get(position)
                .map(|class| &**class)
        };
        let class = match by_decorator.map(String::as_str).or_else(by_call) {
            Some(class) => class,
            None => self
                .given_by_base(function, &scope.name)?
                .gives
                .get(position)?,
        };
        (!class.is_empty()).then(|| Typed::likely(Value::Instance(class.into(), None)))
    }

    /// The rule that says what a framework calls a method of its subclass with: `on_message(self, message)`.
    fn given_by_base(&mut self, method: Definition, name: &Name) -> Option<&'p EntrypointRule> {
        let class = self.class_of(method)?;
        let catalog = self.catalog();
        self.lineage(class).iter().find_map(|ancestor| {
            let Ancestor::External(base) = ancestor else {
                return None;
            };
            let rules = catalog.entrypoint("subclass", base, "").into_iter();
            rules
                .filter(|rule| !rule.gives.is_empty())
                .find(|rule| rule.methods.iter().any(|method| **method == **name))
        })
    }

    /// The rule of a decorator that says what the function is called with.
    pub fn given_by(&mut self, function: Definition) -> Option<&'p EntrypointRule> {
        let scope = self.program.module(function.file)?.scope(function.scope);
        self.decorator_names(function).into_iter().find_map(|name| {
            let (on, member) = name.rsplit_once('.')?;
            let rules = self.catalog().entrypoint("decorator", on, member);
            rules.into_iter().find(|rule| {
                let counts =
                    rule.names.is_empty() || rule.names.iter().any(|name| **name == *scope.name);
                counts && !(rule.gives.is_empty() && rule.gives_by_name.is_empty())
            })
        })
    }

    /// What a decorator binds the function to: `@shared_task(bind=True)` gives the task itself as the first argument.
    fn bound_to(&mut self, function: Definition) -> Vec<Typed> {
        let Some(module) = self.program.module(function.file) else {
            return Vec::new();
        };
        let binds = module.scope(function.scope).decorators.iter().any(|&expr| {
            let ExprKind::Call(_, arguments) = &module.expr(expr).kind else {
                return false;
            };
            arguments.iter().any(|argument| {
                argument.keyword.as_deref() == Some("bind")
                    && matches!(&module.expr(argument.value).kind, ExprKind::Constant(text) if &**text == "True")
            })
        });
        if !binds {
            return Vec::new();
        }
        let made = self.definition(function);
        let class = made.iter().find_map(|typed| match &typed.value {
            Value::Wrapped { class, .. } => Some(class.clone()),
            _ => None,
        });
        class
            .map(|class| Typed::likely(Value::Instance(class, None)))
            .into_iter()
            .collect()
    }

    fn is_vague(&self, value: &Value) -> bool {
        matches!(value, Value::Instance(class, _) if VAGUE.contains(&class.rsplit('.').next().unwrap_or_default()))
    }

    /// What a method gets as its first argument; a static method gets nothing of its own.
    fn receiver(&mut self, class: Definition, method: Definition) -> Option<Typed> {
        let decorators = self.decorator_names(method);
        if decorators
            .iter()
            .any(|name| &**name == "builtins.staticmethod")
        {
            return None;
        }
        let name = self
            .program
            .module(method.file)
            .map(|module| module.scope(method.scope).name.clone());
        let on_class = decorators
            .iter()
            .any(|name| &**name == "builtins.classmethod")
            || name
                .as_deref()
                .is_some_and(|name| name == "__new__" || name == "__init_subclass__");
        Some(Typed::certain(if on_class {
            Value::Class(class)
        } else {
            Value::Object(class, None)
        }))
    }

    pub(super) fn passed(&mut self, function: Definition, index: u16, name: &str) -> Passed {
        let program = self.program;
        self.ask(Input::Calls(function));
        let Some(sites) = program.called_from.get(&function) else {
            return Passed::default();
        };
        let mut found = Vec::new();
        let mut all_known = sites.len() <= MAX_CALL_SITES;
        let mut by_all = all_known && !sites.is_empty();
        for called in sites.iter().take(MAX_CALL_SITES) {
            let position = u32::try_from(i32::from(index) - called.bound).ok();
            if let Some(argument) = self.argument(called.site, position, Some(name)) {
                let values = self.values(argument);
                all_known &= !values.is_empty();
                // What a test passes is made up for the test; its class is not.
                let is_made_up =
                    program.file(called.site.file).is_test && !program.file(function.file).is_test;
                let kept = values
                    .iter()
                    .filter(|typed| !is_made_up || !is_stand_in(&typed.value));
                found.extend(kept.cloned());
            } else {
                by_all = false;
            }
        }
        // A text that one call passes is not the text if another passes who knows what.
        if !all_known {
            found.retain(|typed| !matches!(typed.value, Value::Literal(_)));
        }
        Passed {
            values: found,
            by_all,
        }
    }

    /// A parameter that is given a mapped class or a statement is a session, whatever its name:
    /// `session.query(User)`, `session.add(User(…))`, `session.execute(select(User))`.
    fn shown_by_use(&mut self, function: Definition, name: &Name) -> Vec<Typed> {
        let Some(module) = self.program.module(function.file) else {
            return Vec::new();
        };
        let is_async = module.scope(function.scope).is_async;
        for call in module.calls_in(function.scope) {
            if call.scope != function.scope {
                continue;
            }
            let ExprKind::Call(callee, _) = &module.expr(call.expr).kind else {
                continue;
            };
            let ExprKind::Attribute(object, method) = &module.expr(*callee).kind else {
                continue;
            };
            if !matches!(&module.expr(*object).kind, ExprKind::Name(found) if found == name)
                || !SESSION_METHODS.contains(&&**method)
            {
                continue;
            }
            let site = Site {
                file: function.file,
                expr: call.expr,
            };
            if self.shows_session(site) {
                let class = session_class(is_async && &**method != "query");
                return vec![Typed::likely(Value::Instance(class, None))];
            }
        }
        Vec::new()
    }

    /// Whether the first argument of a call is what only a session takes.
    fn shows_session(&mut self, site: Site) -> bool {
        let (Some(module), Some(argument)) = (
            self.program.module(site.file),
            self.argument(site, Some(0), None),
        ) else {
            return false;
        };
        self.is_mapped(argument)
            || match &module.expr(argument.expr).kind {
                // `session.query(User.id)`
                ExprKind::Attribute(class, _) => self.is_mapped(Site {
                    expr: *class,
                    ..argument
                }),
                _ => false,
            }
    }

    /// The attribute that a call uses as a session, and the class of such: `db` in `request.db.query(User)`.
    pub fn session_attribute(&mut self, site: Site) -> Option<(Name, Name)> {
        let module = self.program.module(site.file)?;
        let ExprKind::Call(callee, _) = &module.expr(site.expr).kind else {
            return None;
        };
        let ExprKind::Attribute(object, method) = &module.expr(*callee).kind else {
            return None;
        };
        let ExprKind::Attribute(_, name) = &module.expr(*object).kind else {
            return None;
        };
        if !["execute", "query", "scalar", "scalars"].contains(&&**method)
            || !self.shows_session(site)
        {
            return None;
        }
        let owner = module.owner(module.scope_of(site.expr));
        let is_async = module.scope(owner).is_async && &**method != "query";
        Some((name.clone(), session_class(is_async)))
    }

    /// A class of the SQLAlchemy mapping, an object of one, or one of its statements.
    fn is_mapped(&mut self, site: Site) -> bool {
        let values = self.values(site);
        values.iter().any(|typed| match &typed.value {
            Value::Class(class) | Value::Object(class, _) => {
                self.lineage(*class).iter().any(|ancestor| match ancestor {
                    Ancestor::External(name) => {
                        name.starts_with("sqlalchemy.")
                            || name.starts_with("flask_sqlalchemy.")
                            || name.starts_with("sqlmodel.")
                    }
                    Ancestor::Own(own) => self.program.module(own.file).is_some_and(|module| {
                        let bindings = &module.scope(own.scope).bindings;
                        bindings.contains_key("__tablename__")
                    }),
                })
            }
            Value::Instance(class, _) => [
                "sqlalchemy.Select",
                "sqlalchemy.Insert",
                "sqlalchemy.Update",
                "sqlalchemy.Delete",
            ]
            .contains(&&**class),
            _ => false,
        })
    }

    /// What `Depends(f)` in a default or in `Annotated` metadata injects.
    pub(super) fn injected_by(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let ExprKind::Call(function, _) = &module.expr(site.expr).kind else {
            return Vec::new();
        };
        let functions = self.values(Site {
            expr: *function,
            ..site
        });
        let injects = functions
            .iter()
            .any(|typed| matches!(&typed.value, Value::External(name) if self.catalog().is_injector(name)));
        if injects {
            self.injected(site)
        } else {
            Vec::new()
        }
    }

    /// The result of the callable that an injecting call names: what a generator yields, what a function returns.
    pub(super) fn injected(&mut self, site: Site) -> Vec<Typed> {
        let Some(first) = self.argument(site, Some(0), Some("dependency")) else {
            return Vec::new();
        };
        let callables = self.values(first);
        let mut found = Vec::new();
        for typed in callables.iter() {
            for result in self.called(&typed.value, first) {
                match result.value {
                    Value::Container(held) if self.is_generator(&typed.value) => {
                        found.extend(held.iter().cloned())
                    }
                    _ => found.push(result),
                }
            }
        }
        found
            .into_iter()
            .map(|typed| typed.at_most(false))
            .collect()
    }

    fn is_generator(&self, value: &Value) -> bool {
        let (Value::Function(function)
        | Value::Bound {
            method: function, ..
        }) = value
        else {
            return false;
        };
        self.program
            .module(function.file)
            .is_some_and(|module| !module.scope(function.scope).yields.is_empty())
    }
}

fn session_class(is_async: bool) -> Name {
    if is_async {
        "sqlalchemy.ext.asyncio.AsyncSession".into()
    } else {
        "sqlalchemy.orm.Session".into()
    }
}

/// A literal or a mock: what a test passes for the real thing.
fn is_stand_in(value: &Value) -> bool {
    match value {
        Value::Literal(_) => true,
        Value::Instance(class, _) | Value::Method { class, .. } => {
            class.starts_with("unittest.mock.") || class.starts_with("mock.")
        }
        _ => false,
    }
}

/// Types that say less about a parameter than its call sites do, by the last part of their name.
pub const VAGUE: &[&str] = &["Any", "object", "BaseClient", "client:*"];

/// Methods of a session whose first argument shows what the object is.
const SESSION_METHODS: &[&str] = &[
    "add", "delete", "execute", "get", "merge", "query", "refresh", "scalar", "scalars",
];

/// Whether an annotation says that there is text or a number, whatever the calls pass.
fn is_plain(module: &Module, annotation: ExprId) -> bool {
    matches!(
        &module.expr(annotation).kind,
        ExprKind::Name(name) if ["bool", "bytes", "float", "int", "str"].contains(&&**name)
    )
}

/// The bot that loads an extension calls its `setup`.
fn set_up_by(module: &Module) -> Option<Typed> {
    let root = ["discord", "disnake", "nextcord"]
        .into_iter()
        .find(|root| module.imports_any(&[root]))?;
    let class = format!("{root}.ext.commands.Bot");
    Some(Typed::likely(Value::Instance(class.into(), None)))
}
