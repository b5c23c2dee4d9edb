//! What the repo's own functions give back.

use super::*;
use crate::syntax::module::{BindingValue, ExprKind, ParameterKind};

impl<'p> Resolver<'p> {
    /// What a function of the repo returns: by its `return` statements, else by its annotation. Generators give a
    /// container of what they yield.
    pub(super) fn returned(&mut self, function: Definition) -> Vec<Typed> {
        let found = self.find(Key::Returned(function), |resolver| {
            let found = resolver.find_returned(function).into_iter();
            found.map(|typed| typed.at_most(false)).collect()
        });
        found.to_vec()
    }

    fn find_returned(&mut self, function: Definition) -> Vec<Typed> {
        let Some(module) = self.program.module(function.file) else {
            return Vec::new();
        };
        let scope = module.scope(function.scope);
        let at = |expr| Site {
            file: function.file,
            expr,
        };
        if !scope.yields.is_empty() {
            let mut held: Vec<Typed> = scope
                .yields
                .iter()
                .flat_map(|&expr| self.values(at(expr)).to_vec())
                .collect();
            if held.is_empty()
                && let Some(annotation) = scope.returns
            {
                let annotated = self.type_of(at(annotation));
                held = annotated
                    .iter()
                    .flat_map(|typed| self.elements(&typed.value))
                    .map(|t| t.at_most(false))
                    .collect();
            }
            return vec![Typed::certain(Value::Container(held.into()))];
        }
        let mut found: Vec<Typed> = scope
            .return_values
            .iter()
            .flat_map(|&expr| self.values(at(expr)).to_vec())
            .collect();
        if found
            .iter()
            .all(|typed| matches!(typed.value, Value::Literal(_)))
            && let Some(annotation) = scope.returns
        {
            found.extend(self.type_of(at(annotation)));
        }
        found
    }

    /// What a function gives that only ever returns one of its parameters: this call's own argument, not any call's.
    pub(super) fn handed_back(&mut self, function: Definition, site: Site) -> Option<Vec<Typed>> {
        let module = self.program.module(function.file)?;
        let scope = module.scope(function.scope);
        if scope.return_values.is_empty() || !scope.yields.is_empty() {
            return None;
        }
        let mut arguments = Vec::new();
        for &returned in &scope.return_values {
            let ExprKind::Name(name) = &module.expr(returned).kind else {
                return None;
            };
            let [binding] = scope.bindings.get(name)?.as_slice() else {
                return None;
            };
            let BindingValue::Parameter(index) = binding.value else {
                return None;
            };
            let parameter = scope.parameters.get(usize::from(index))?;
            let is_plain = matches!(
                parameter.kind,
                ParameterKind::Positional | ParameterKind::KeywordOnly
            );
            if parameter.annotation.is_some() || !is_plain {
                return None;
            }
            arguments.extend(self.argument(site, Some(u32::from(index)), Some(name)));
        }
        let mut found = Vec::new();
        for argument in arguments {
            found.extend(self.values(argument).iter().cloned());
        }
        Some(
            found
                .into_iter()
                .map(|typed| typed.at_most(false))
                .collect(),
        )
    }

    /// What a function gives where this call's arguments decide it.
    pub(super) fn as_ordered(
        &mut self,
        function: Definition,
        site: Site,
        bound: u16,
    ) -> Option<Vec<Typed>> {
        let made = self.made_to_order(function, site, bound);
        made.or_else(|| self.of_argument_type(function, site, bound))
    }

    /// What a function gives that makes what its own parameter names: `def client(service): return
    /// boto3.client(service)` called as `client("s3")`.
    pub(super) fn made_to_order(
        &mut self,
        function: Definition,
        site: Site,
        bound: u16,
    ) -> Option<Vec<Typed>> {
        let (index, template) = self.order(function)?;
        let module = self.program.module(function.file)?;
        let parameter = module
            .scope(function.scope)
            .parameters
            .get(usize::from(index))?;
        let position = index.checked_sub(bound).map(u32::from);
        let argument = self
            .argument(site, position, Some(&parameter.name))
            .or_else(|| {
                parameter.default.map(|expr| Site {
                    file: function.file,
                    expr,
                })
            })?;
        let word = self.constant(argument)?;
        let made = template.replace("<arg0>", &word).into();
        Some(vec![Typed::likely(Value::Instance(made, Some(site)))])
    }

    /// The parameter whose text decides what a function makes, and the rule with `<arg0>` for it.
    pub(super) fn order(&mut self, function: Definition) -> Option<(u16, Name)> {
        // Kept as the function's parameters, of which the last one has the rule.
        let found = self.find(Key::Order(function), |resolver| {
            let found = resolver.find_order(function).into_iter();
            let parameters = found.map(|(index, template)| {
                let mut parameters = vec![Vec::new(); usize::from(index)];
                parameters.push(vec![Typed::certain(Value::External(template))]);
                Typed::certain(Value::Tuple(parameters.into()))
            });
            parameters.collect()
        });
        let Value::Tuple(parameters) = &found.first()?.value else {
            return None;
        };
        let (rule, before) = parameters.split_last()?;
        match &rule.first()?.value {
            Value::External(template) => Some((before.len() as u16, template.clone())),
            _ => None,
        }
    }

    fn find_order(&mut self, function: Definition) -> Option<(u16, Name)> {
        let module = self.program.module(function.file)?;
        let scope = module.scope(function.scope);
        if scope.parameters.is_empty() || !scope.yields.is_empty() {
            return None;
        }
        let at = |expr| Site {
            file: function.file,
            expr,
        };
        let only = |name: &Name| match scope.bindings.get(name)?.as_slice() {
            [binding] => Some(&binding.value),
            _ => None,
        };
        let parameter = |argument: Site| match &module.expr(argument.expr).kind {
            ExprKind::Name(name) => match only(name)? {
                BindingValue::Parameter(index) => Some(*index),
                _ => None,
            },
            _ => None,
        };
        for &returned in &scope.return_values {
            let call = match &module.expr(returned).kind {
                ExprKind::Name(name) => match only(name) {
                    Some(BindingValue::Value(expr)) => at(*expr),
                    _ => continue,
                },
                _ => at(returned),
            };
            let ExprKind::Call(callee, arguments) = &module.expr(call.expr).kind else {
                continue;
            };
            let mut handed = arguments.iter().map(|argument| at(argument.value));
            if !handed.any(|argument| parameter(argument).is_some()) {
                continue;
            }
            for typed in self.values(at(*callee)).iter() {
                let (template, argument) = match &typed.value {
                    Value::External(name) => (
                        self.catalog().makes(name).map(Name::from),
                        self.argument(call, Some(0), Some("service_name")),
                    ),
                    Value::Method { class, chain, .. } => (
                        self.catalog().method_makes(class, chain).map(Name::from),
                        self.argument(call, Some(0), Some("service_name")),
                    ),
                    Value::Function(inner) | Value::Bound { method: inner, .. } => {
                        let bound = u16::from(matches!(typed.value, Value::Bound { .. }));
                        let Some((index, template)) = self.order(*inner) else {
                            continue;
                        };
                        let name = self
                            .program
                            .module(inner.file)
                            .and_then(|m| m.scope(inner.scope).parameters.get(usize::from(index)))
                            .map(|parameter| parameter.name.clone());
                        let position = index.checked_sub(bound).map(u32::from);
                        (
                            Some(template),
                            self.argument(call, position, name.as_deref()),
                        )
                    }
                    _ => continue,
                };
                let (Some(template), Some(argument)) = (template, argument) else {
                    continue;
                };
                if template.contains("<arg0>")
                    && let Some(index) = parameter(argument)
                {
                    return Some((index, template));
                }
            }
        }
        None
    }
}
