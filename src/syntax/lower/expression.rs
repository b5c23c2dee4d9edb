//! Expressions.

use super::*;

impl Lower<'_> {
    pub(super) fn exprs(&mut self, nodes: Vec<Node>, at: Place) -> Box<[ExprId]> {
        nodes
            .into_iter()
            .filter(|node| !node.is_extra())
            .map(|node| self.expr(node, at))
            .collect()
    }

    pub(super) fn expr(&mut self, node: Node, at: Place) -> ExprId {
        if self.depth > MAX_DEPTH {
            self.too_deep(node);
            return self.push(ExprKind::Other, node, at);
        }
        self.depth += 1;
        let id = self.expr_inner(node, at);
        self.depth -= 1;
        id
    }

    pub(super) fn expr_inner(&mut self, node: Node, at: Place) -> ExprId {
        let field = |id| node.child_by_field_id(id);
        let kind = match node.grammar_kind() {
            "identifier" => ExprKind::Name(self.node_name(node)),
            "attribute" => match (field(FIELDS.object), field(FIELDS.attribute)) {
                (Some(object), Some(attribute)) => {
                    let object = self.expr(object, at);
                    ExprKind::Attribute(object, self.node_name(attribute))
                }
                _ => ExprKind::Other,
            },
            "call" => return self.call(node, at),
            "subscript" | "generic_type" => {
                let mut parts = named(node).into_iter().filter(|node| !node.is_extra());
                let Some(value) = parts.next() else {
                    return self.push(ExprKind::Other, node, at);
                };
                let value = self.expr(value, at);
                let rest = parts.flat_map(|part| {
                    if part.grammar_kind() == "type_parameter" {
                        named(part)
                    } else {
                        vec![part]
                    }
                });
                let items = rest
                    .collect::<Vec<_>>()
                    .into_iter()
                    .map(|item| self.subscript_item(item, at))
                    .collect();
                ExprKind::Subscript(value, items)
            }
            "type" | "parenthesized_expression" | "expression_statement" => {
                let inner = named(node).into_iter().find(|node| !node.is_extra());
                return match inner {
                    Some(inner) => self.expr(inner, at),
                    None => self.push(ExprKind::Other, node, at),
                };
            }
            "string" | "concatenated_string" => self.string(node, at),
            "integer" | "float" | "true" | "false" | "none" | "ellipsis" => {
                ExprKind::Constant(self.node_name(node))
            }
            "tuple" | "list" | "set" | "expression_list" | "pattern_list" => {
                ExprKind::Sequence(self.exprs(named(node), at))
            }
            "dictionary" => self.dictionary(node, at),
            "await" => match node.named_child(0) {
                Some(inner) => ExprKind::Await(self.expr(inner, at)),
                None => ExprKind::Other,
            },
            "conditional_expression" => {
                let parts = named(node);
                match parts.as_slice() {
                    [body, condition, otherwise] => {
                        self.expr(*condition, at);
                        ExprKind::Either([self.expr(*body, at), self.expr(*otherwise, at)].into())
                    }
                    _ => ExprKind::Other,
                }
            }
            "boolean_operator" => {
                let parts = [field(FIELDS.left), field(FIELDS.right)]
                    .into_iter()
                    .flatten()
                    .collect();
                ExprKind::Either(self.exprs(parts, at))
            }
            "binary_operator" | "union_type" => {
                let parts = named(node);
                let (left, right) = (parts.first().copied(), parts.last().copied());
                let operator = field(FIELDS.operator).map_or("|", |operator| self.text(operator));
                let operator = Operator::of(operator);
                match (left, right) {
                    (Some(left), Some(right)) => {
                        ExprKind::Binary(operator, self.expr(left, at), self.expr(right, at))
                    }
                    _ => ExprKind::Other,
                }
            }
            "lambda" => self.lambda(node, at),
            "list_comprehension"
            | "set_comprehension"
            | "generator_expression"
            | "dictionary_comprehension" => self.comprehension(node, at),
            "named_expression" => match (field(FIELDS.name), field(FIELDS.value)) {
                (Some(name), Some(value)) => {
                    let name = self.node_name(name);
                    let value = self.expr(value, at);
                    self.bind(name.clone(), BindingValue::Value(value), node, at);
                    ExprKind::Walrus(name, value)
                }
                _ => ExprKind::Other,
            },
            "list_splat" | "dictionary_splat" => match node.named_child(0) {
                Some(inner) => ExprKind::Starred(self.expr(inner, at)),
                None => ExprKind::Other,
            },
            "yield" => {
                let value = named(node).first().map(|&inner| self.expr(inner, at));
                let owner = self.function_of(at.scope);
                let id = self.push(ExprKind::Yield(value), node, at);
                self.scope_mut(owner).yields.push(value.unwrap_or(id));
                return id;
            }
            "assignment" => {
                self.assignment(node, at);
                ExprKind::Other
            }
            "block" | "function_definition" | "class_definition" | "decorated_definition" => {
                self.statement(node, at);
                ExprKind::Other
            }
            kind => {
                for child in named(node) {
                    self.expr(child, at);
                }
                if kind == "slice" {
                    ExprKind::Slice
                } else {
                    ExprKind::Other
                }
            }
        };
        self.push(kind, node, at)
    }

    /// In a subscript, a string may be a forward reference (`list["Client"]`); it stays a string for `d["key"]`.
    pub(super) fn subscript_item(&mut self, node: Node, at: Place) -> ExprId {
        self.expr(
            if node.grammar_kind() == "type" {
                node.named_child(0).unwrap_or(node)
            } else {
                node
            },
            at,
        )
    }

    pub(super) fn call(&mut self, node: Node, at: Place) -> ExprId {
        let Some(function) = node.child_by_field_id(FIELDS.function) else {
            return self.push(ExprKind::Other, node, at);
        };
        let statement = self.statement;
        let function = self.expr(function, at);
        let arguments = match node.child_by_field_id(FIELDS.arguments) {
            Some(arguments) if arguments.grammar_kind() == "generator_expression" => {
                let value = self.expr(arguments, at);
                vec![Argument {
                    keyword: None,
                    value,
                }]
            }
            Some(arguments) => self.arguments(arguments, at),
            None => Vec::new(),
        };
        self.statement = statement;
        let id = self.push(ExprKind::Call(function, arguments.into()), node, at);
        if self.fixed_span.is_none() {
            self.module.calls.push(CallSite {
                expr: id,
                scope: at.scope,
                block: at.block,
                statement,
            });
        }
        id
    }

    pub(super) fn arguments(&mut self, node: Node, at: Place) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for child in named(node).into_iter().filter(|child| !child.is_extra()) {
            if child.grammar_kind() == "keyword_argument" {
                if let (Some(name), Some(value)) = (
                    child.child_by_field_id(FIELDS.name),
                    child.child_by_field_id(FIELDS.value),
                ) {
                    let keyword = Some(self.node_name(name));
                    arguments.push(Argument {
                        keyword,
                        value: self.expr(value, at),
                    });
                }
            } else {
                arguments.push(Argument {
                    keyword: None,
                    value: self.expr(child, at),
                });
            }
        }
        arguments
    }

    pub(super) fn dictionary(&mut self, node: Node, at: Place) -> ExprKind {
        let mut items = Vec::new();
        for child in named(node).into_iter().filter(|child| !child.is_extra()) {
            match (
                child.child_by_field_id(FIELDS.key),
                child.child_by_field_id(FIELDS.value),
            ) {
                (Some(key), Some(value)) => {
                    items.push((Some(self.expr(key, at)), self.expr(value, at)))
                }
                _ => items.push((None, self.expr(child, at))),
            }
        }
        ExprKind::Dict(items.into())
    }

    pub(super) fn lambda(&mut self, node: Node, at: Place) -> ExprKind {
        let name = self.name("<lambda>");
        let inner = self.open_scope(ScopeKind::Lambda, name, node, at);
        if let Some(parameters) = node.child_by_field_id(FIELDS.parameters) {
            self.parameters(parameters, at, inner);
        }
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            let value = self.expr(body, inner);
            self.scope_mut(inner.scope).return_values.push(value);
        }
        ExprKind::Lambda(inner.scope)
    }

    pub(super) fn comprehension(&mut self, node: Node, at: Place) -> ExprKind {
        let name = self.name("<comprehension>");
        let inner = self.open_scope(ScopeKind::Comprehension, name, node, at);
        let mut first = true;
        for clause in named(node) {
            match clause.grammar_kind() {
                "for_in_clause" => {
                    // The first iterable is evaluated outside.
                    let place = if first { at } else { inner };
                    first = false;
                    let value = clause
                        .child_by_field_id(FIELDS.right)
                        .map(|right| self.expr(right, place));
                    if let (Some(left), Some(value)) =
                        (clause.child_by_field_id(FIELDS.left), value)
                    {
                        self.target(
                            left,
                            &mut Vec::new(),
                            &|path| BindingValue::Element(value, path.into()),
                            inner,
                        );
                    }
                }
                "if_clause" => {
                    self.expr(clause, inner);
                }
                _ => {}
            }
        }
        match node.child_by_field_id(FIELDS.body) {
            Some(body) if body.grammar_kind() == "pair" => {
                let value = body
                    .child_by_field_id(FIELDS.value)
                    .map(|value| self.expr(value, inner));
                if let Some(key) = body.child_by_field_id(FIELDS.key) {
                    self.expr(key, inner);
                }
                value.map_or(ExprKind::Other, ExprKind::Comprehension)
            }
            Some(body) => ExprKind::Comprehension(self.expr(body, inner)),
            None => ExprKind::Other,
        }
    }

    pub(super) fn string(&mut self, node: Node, at: Place) -> ExprKind {
        let mut parts: Vec<FStringPart> = Vec::new();
        let mut literal = String::new();
        let strings = if node.grammar_kind() == "concatenated_string" {
            named(node)
        } else {
            vec![node]
        };
        for string in strings {
            let raw = string
                .child(0)
                .is_some_and(|start| self.text(start).contains(['r', 'R']));
            for part in named(string) {
                match part.grammar_kind() {
                    "string_content" => self.string_content(part, raw, &mut literal),
                    "interpolation" => {
                        if !literal.is_empty() {
                            parts.push(FStringPart::Text(self.name(&literal)));
                            literal.clear();
                        }
                        let mut values = named(part).into_iter();
                        if let Some(value) = values.next() {
                            parts.push(FStringPart::Value(self.expr(value, at)));
                        }
                        for rest in values {
                            self.expr(rest, at);
                        }
                    }
                    _ => {}
                }
            }
        }
        if parts.is_empty() {
            return ExprKind::Str(self.name(&literal));
        }
        if !literal.is_empty() {
            parts.push(FStringPart::Text(self.name(&literal)));
        }
        ExprKind::FString(parts.into())
    }

    pub(super) fn string_content(&self, node: Node, raw: bool, into: &mut String) {
        let mut at = node.start_byte();
        for escape in named(node) {
            into.push_str(self.source.get(at..escape.start_byte()).unwrap_or_default());
            at = escape.end_byte();
            match (escape.grammar_kind(), self.text(escape)) {
                ("escape_sequence", written) if !raw => match written.as_bytes().get(1) {
                    Some(b'n') => into.push('\n'),
                    Some(b't') => into.push('\t'),
                    Some(b'r') => into.push('\r'),
                    Some(b'\n' | b'\r') => {}
                    Some(b'\\' | b'\'' | b'"') => into.push_str(&written[1..]),
                    _ => into.push_str(written),
                },
                ("escape_interpolation", written) => into.push_str(&written[..1]),
                (_, written) => into.push_str(written),
            }
        }
        into.push_str(self.source.get(at..node.end_byte()).unwrap_or_default());
    }
}
