//! Type variables: what a function gives whose annotation says that it is of an argument's type.

use super::*;
use crate::syntax::module::ExprKind;

impl<'p> Resolver<'p> {
    /// What a function gives whose return type is a variable that one of its parameters is declared with:
    /// `def resolve(kind: type[T]) -> T` called as `resolve(Client)`.
    pub(super) fn of_argument_type(
        &mut self,
        function: Definition,
        site: Site,
        bound: u16,
    ) -> Option<Vec<Typed>> {
        let module = self.program.module(function.file)?;
        let scope = module.scope(function.scope);
        if !scope.yields.is_empty() {
            return None;
        }
        let returns = scope.returns?;
        let ExprKind::Name(variable) = &module.expr(returns).kind else {
            return None;
        };
        let uses = scope.parameters.iter().enumerate().skip(usize::from(bound));
        let uses: Vec<(usize, Use)> = uses
            .filter_map(|(index, parameter)| {
                let found = usage(module, parameter.annotation?, variable)?;
                Some((index, found))
            })
            .collect();
        if uses.is_empty() || !self.is_variable(function.file, returns) {
            return None;
        }
        for (index, how) in uses {
            let name = &scope.parameters[index].name;
            let position = index.checked_sub(usize::from(bound))? as u32;
            let Some(argument) = self.argument(site, Some(position), Some(name)) else {
                continue;
            };
            let found = self.each(argument, |resolver, typed| match how {
                Use::Itself => vec![typed.clone()],
                Use::Element => resolver.elements(&typed.value),
                Use::Class => match &typed.value {
                    Value::Class(class) => vec![Typed::likely(Value::Object(*class, None))],
                    Value::External(_) => resolver.instance_of(&typed.value, argument),
                    _ => Vec::new(),
                },
                Use::Result => resolver.called(&typed.value, argument),
            });
            if !found.is_empty() {
                let found = found.into_iter();
                return Some(found.map(|typed| typed.at_most(false)).collect());
            }
        }
        None
    }

    /// Whether a name in an annotation is a type variable: made by `TypeVar`, or known to nobody, as in `def f[T]()`.
    fn is_variable(&mut self, file: FileId, annotation: ExprId) -> bool {
        let values = self.values(Site {
            file,
            expr: annotation,
        });
        values.iter().all(|typed| {
            matches!(&typed.value, Value::Instance(class, _) if class.ends_with(".TypeVar"))
        })
    }
}

/// How a parameter is declared with a type variable.
#[derive(Clone, Copy)]
enum Use {
    /// `T`
    Itself,
    /// `list[T]`
    Element,
    /// `type[T]`
    Class,
    /// `Callable[..., T]`
    Result,
}

fn usage(module: &Module, annotation: ExprId, variable: &Name) -> Option<Use> {
    let is_it =
        |expr: ExprId| matches!(&module.expr(expr).kind, ExprKind::Name(name) if name == variable);
    match &module.expr(annotation).kind {
        ExprKind::Name(name) if name == variable => Some(Use::Itself),
        ExprKind::Binary(_, left, _) => usage(module, *left, variable),
        ExprKind::Subscript(base, items) => {
            let (ExprKind::Name(base) | ExprKind::Attribute(_, base)) = &module.expr(*base).kind
            else {
                return None;
            };
            let items: &[ExprId] = match items.as_ref() {
                [one] => match &module.expr(*one).kind {
                    ExprKind::Sequence(inner) => inner,
                    _ => items,
                },
                _ => items,
            };
            let last = *items.last()?;
            match &**base {
                "type" | "Type" => is_it(last).then_some(Use::Class),
                "Callable" => match &module.expr(last).kind {
                    // `Callable[[], Awaitable[T]]`
                    ExprKind::Subscript(_, inner) => inner
                        .last()
                        .is_some_and(|&item| is_it(item))
                        .then_some(Use::Result),
                    _ => is_it(last).then_some(Use::Result),
                },
                "Awaitable" | "Coroutine" | "Optional" => is_it(last).then_some(Use::Itself),
                _ => is_it(last).then_some(Use::Element),
            }
        }
        _ => None,
    }
}
