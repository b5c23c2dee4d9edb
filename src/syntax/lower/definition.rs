//! Functions and classes: their scopes, parameters, decorators and annotations.

use super::*;

impl Lower<'_> {
    pub(super) fn decorated(&mut self, node: Node, at: Place) {
        let mut decorators = Vec::new();
        for child in named(node) {
            match child.grammar_kind() {
                "decorator" => {
                    decorators.extend(named(child).into_iter().map(|inner| self.expr(inner, at)))
                }
                "function_definition" => self.function(child, std::mem::take(&mut decorators), at),
                "class_definition" => self.class(child, std::mem::take(&mut decorators), at),
                _ => {}
            }
        }
    }

    pub(super) fn qualified(&self, at: Place, name: &str) -> String {
        let parent = &self.module.scope(at.scope).qualified_name;
        if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        }
    }

    pub(super) fn open_scope(
        &mut self,
        kind: ScopeKind,
        name: Name,
        node: Node,
        at: Place,
    ) -> Place {
        let qualified_name = match kind {
            ScopeKind::Comprehension | ScopeKind::Lambda => {
                self.module.scope(at.scope).qualified_name.clone()
            }
            _ => self.qualified(at, &name),
        };
        let block = self.block(Some(at.block), BlockKind::Body, node);
        let span = self.span(node);
        self.module.scopes.push(scope(
            kind,
            Some(at.scope),
            name,
            qualified_name,
            at.block,
            span,
        ));
        Place {
            scope: ScopeId(self.module.scopes.len() as u32 - 1),
            block,
        }
    }

    pub(super) fn function(&mut self, node: Node, decorators: Vec<ExprId>, at: Place) {
        let Some(name) = node.child_by_field_id(FIELDS.name) else {
            return;
        };
        let name = self.node_name(name);
        let inner = self.open_scope(ScopeKind::Function, name.clone(), node, at);
        let returns = node
            .child_by_field_id(FIELDS.return_type)
            .map(|node| self.annotation(node, at));
        let scope = self.scope_mut(inner.scope);
        scope.decorators = decorators;
        scope.returns = returns;
        scope.is_async = node
            .child(0)
            .is_some_and(|first| first.grammar_kind() == "async");
        if let Some(parameters) = node.child_by_field_id(FIELDS.parameters) {
            self.parameters(parameters, at, inner);
        }
        self.bind(name, BindingValue::Definition(inner.scope), node, at);
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            self.body(body, inner);
        }
    }

    pub(super) fn class(&mut self, node: Node, decorators: Vec<ExprId>, at: Place) {
        let Some(name) = node.child_by_field_id(FIELDS.name) else {
            return;
        };
        let name = self.node_name(name);
        let bases = node
            .child_by_field_id(FIELDS.superclasses)
            .map(|node| self.arguments(node, at))
            .unwrap_or_default();
        let inner = self.open_scope(ScopeKind::Class, name.clone(), node, at);
        let scope = self.scope_mut(inner.scope);
        scope.decorators = decorators;
        scope.bases = bases;
        self.bind(name, BindingValue::Definition(inner.scope), node, at);
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            self.body(body, inner);
        }
    }

    /// The statements in the body of a scope, which they fill.
    pub(super) fn body(&mut self, node: Node, at: Place) {
        let counts = |module: &Module| {
            let (exprs, calls) = (module.exprs.len(), module.calls.len());
            [exprs, calls, module.scopes.len()].map(|count| count as u32)
        };
        let before = counts(&self.module);
        self.suite(node, at);
        let after = counts(&self.module);
        let [exprs, calls, scopes] = [0, 1, 2].map(|list| before[list]..after[list]);
        self.scope_mut(at.scope).body = Body {
            exprs,
            calls,
            scopes,
        };
    }

    pub(super) fn parameters(&mut self, node: Node, outer: Place, inner: Place) {
        let mut keyword_only = false;
        for child in named(node) {
            let (pattern, annotation, default) = match child.grammar_kind() {
                "identifier" | "list_splat_pattern" | "dictionary_splat_pattern" => {
                    (Some(child), None, None)
                }
                "typed_parameter" => (
                    child.named_child(0),
                    child.child_by_field_id(FIELDS.r#type),
                    None,
                ),
                "default_parameter" => (
                    child.child_by_field_id(FIELDS.name),
                    None,
                    child.child_by_field_id(FIELDS.value),
                ),
                "typed_default_parameter" => (
                    child.child_by_field_id(FIELDS.name),
                    child.child_by_field_id(FIELDS.r#type),
                    child.child_by_field_id(FIELDS.value),
                ),
                "keyword_separator" => {
                    keyword_only = true;
                    continue;
                }
                _ => continue,
            };
            let Some(pattern) = pattern else { continue };
            let kind = match pattern.grammar_kind() {
                "list_splat_pattern" => ParameterKind::Args,
                "dictionary_splat_pattern" => ParameterKind::Kwargs,
                _ if keyword_only => ParameterKind::KeywordOnly,
                _ => ParameterKind::Positional,
            };
            keyword_only |= kind == ParameterKind::Args;
            let written = self.text(pattern).trim_start_matches('*').trim();
            let name = self.name(written);
            let annotation = annotation.map(|node| self.annotation(node, outer));
            let default = default.map(|node| self.expr(node, outer));
            let index = self.module.scope(inner.scope).parameters.len() as u16;
            self.scope_mut(inner.scope).parameters.push(Parameter {
                name: name.clone(),
                kind,
                annotation,
                default,
            });
            let binding = Binding {
                value: BindingValue::Parameter(index),
                block: inner.block,
                from: 0,
            };
            self.scope_mut(inner.scope)
                .bindings
                .entry(name)
                .or_insert_with(one)
                .push(binding);
        }
    }

    /// A type: names in a string are names all the same.
    pub(super) fn annotation(&mut self, node: Node, at: Place) -> ExprId {
        let node = if node.grammar_kind() == "type" {
            node.named_child(0).unwrap_or(node)
        } else {
            node
        };
        if node.grammar_kind() == "string" && self.fixed_span.is_none() {
            let written = self
                .text(node)
                .trim_matches(|c| c == '"' || c == '\'')
                .to_owned();
            let span = self.span(node);
            return self.parse_string(&written, span, node, at);
        }
        self.expr(node, at)
    }

    pub(super) fn parse_string(
        &mut self,
        written: &str,
        span: Span,
        node: Node,
        at: Place,
    ) -> ExprId {
        let tree = parse(written);
        let inner = tree
            .root_node()
            .named_child(0)
            .and_then(|statement| statement.named_child(0));
        let (Some(inner), false) = (inner, tree.root_node().has_error()) else {
            return self.push(ExprKind::Other, node, at);
        };
        let mut nested = Lower {
            source: written,
            line_starts: None,
            names: std::mem::take(&mut self.names),
            module: std::mem::replace(&mut self.module, Lower::new("").module),
            statement: self.statement,
            depth: self.depth,
            fixed_span: Some(span),
            holds_from: None,
        };
        let id = nested.expr(inner, at);
        self.module = nested.module;
        self.names = nested.names;
        id
    }
}
