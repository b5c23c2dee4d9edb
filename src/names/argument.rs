//! The arguments of calls.

use super::*;
use crate::syntax::module::{Argument, ExprKind, ParameterKind, ScopeKind};

/// The arguments that a function gets from a call: after those before them, `submit(f, a, b)`, or in a tuple,
/// `Thread(target=f, args=(a, b))`.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub site: Site,
    pub before: u32,
}

impl Given {
    /// All of a call's own.
    pub fn by(site: Site) -> Given {
        Given { site, before: 0 }
    }
}

impl<'p> Resolver<'p> {
    /// One of the arguments that a function gets.
    pub fn given_argument(
        &self,
        given: Given,
        position: Option<u32>,
        keyword: Option<&str>,
    ) -> Option<Site> {
        let position = position.map(|position| position + given.before);
        self.argument(given.site, position, keyword)
    }

    /// The arguments of the call at `site`.
    pub fn arguments(&self, site: Site) -> &'p [Argument] {
        match self
            .program
            .module(site.file)
            .map(|module| &module.expr(site.expr).kind)
        {
            Some(ExprKind::Call(_, arguments)) => arguments,
            _ => &[],
        }
    }

    /// The argument of a call at a position or by keyword, unless a `*` before it hides which it is.
    pub fn argument(
        &self,
        site: Site,
        position: Option<u32>,
        keyword: Option<&str>,
    ) -> Option<Site> {
        if let Some(found) = self.handed_on(site, position) {
            return Some(found);
        }
        let arguments = self.arguments(site);
        let at = |argument: &Argument| Site {
            expr: argument.value,
            ..site
        };
        if let Some(keyword) = keyword {
            let by_name = arguments
                .iter()
                .find(|argument| argument.keyword.as_deref() == Some(keyword));
            if let Some(found) = by_name {
                return Some(at(found));
            }
        }
        let module = self.program.module(site.file)?;
        let positional = arguments
            .iter()
            .filter(|argument| argument.keyword.is_none());
        let found = positional.clone().nth(position? as usize)?;
        let starred =
            |argument: &&Argument| matches!(module.expr(argument.value).kind, ExprKind::Starred(_));
        if positional
            .take(position? as usize + 1)
            .any(|argument| starred(&argument))
        {
            None
        } else {
            Some(at(found))
        }
    }

    /// Whether a call hands on arguments that stand elsewhere: `f(*args)`.
    pub fn hides_arguments(&self, site: Site) -> bool {
        let module = self.program.module(site.file);
        self.arguments(site).iter().any(|argument| {
            module.is_some_and(|module| {
                matches!(module.expr(argument.value).kind, ExprKind::Starred(_))
            })
        })
    }

    /// The item of a tuple of arguments, as `Thread(target=f, args=(a, b))` hands them on.
    pub(super) fn handed_on(&self, site: Site, position: Option<u32>) -> Option<Site> {
        match &self.program.module(site.file)?.expr(site.expr).kind {
            ExprKind::Sequence(items) => items
                .get(position? as usize)
                .map(|&expr| Site { expr, ..site }),
            _ => None,
        }
    }

    /// What the repo's own decorators of a function put among the keywords that they call it with:
    /// `kwargs["client"] = boto3.client(service)`.
    pub(super) fn put_by_decorator(&mut self, function: Definition, name: &Name) -> Vec<Typed> {
        let Some(module) = self.program.module(function.file) else {
            return Vec::new();
        };
        let key = format!("[{name}]");
        let mut found = Vec::new();
        for &expr in &module.scope(function.scope).decorators {
            let callee = Site {
                file: function.file,
                expr: module.callee(expr),
            };
            for typed in self.values(callee).to_vec() {
                let (Value::Function(decorator)
                | Value::Bound {
                    method: decorator, ..
                }) = typed.value
                else {
                    continue;
                };
                let Some(module) = self.program.module(decorator.file) else {
                    continue;
                };
                for stored in module.stored.iter().filter(|stored| *stored.name == *key) {
                    if is_keywords(module, stored.object)
                        && module.is_inside(stored.scope, decorator.scope)
                    {
                        found.extend(self.binding(decorator.file, stored.scope, &stored.value));
                    }
                }
            }
        }
        found
    }
}

/// Whether an expression names the `**kwargs` of the function around it.
fn is_keywords(module: &Module, object: ExprId) -> bool {
    let ExprKind::Name(name) = &module.expr(object).kind else {
        return false;
    };
    let function = module.scope(module.owner(module.scope_of(object)));
    let mut parameters = function.parameters.iter();
    function.kind == ScopeKind::Function
        && parameters
            .any(|parameter| parameter.kind == ParameterKind::Kwargs && parameter.name == *name)
}
