//! Statements: the blocks that they open, and what runs in them.

use super::*;

impl Lower<'_> {
    pub(super) fn suite(&mut self, node: Node, at: Place) {
        let mut cursor = node.walk();
        let children: Vec<Node> = node.named_children(&mut cursor).collect();
        for child in children {
            self.statement(child, at);
        }
    }

    pub(super) fn nested(&mut self, node: Node, kind: BlockKind, at: Place) {
        let block = self.block(Some(at.block), kind, node);
        self.suite(node, Place { block, ..at });
    }

    pub(super) fn statement(&mut self, node: Node, at: Place) {
        if self.depth > MAX_DEPTH {
            return self.too_deep(node);
        }
        self.depth += 1;
        self.statement = self.span(node);
        match node.grammar_kind() {
            "function_definition" => self.function(node, Vec::new(), at),
            "class_definition" => self.class(node, Vec::new(), at),
            "decorated_definition" => self.decorated(node, at),
            "import_statement" => self.import(node, at),
            "import_from_statement" => self.import_from(node, at),
            "expression_statement" => {
                for child in named(node) {
                    self.simple(child, at);
                }
            }
            "return_statement" => {
                for child in named(node) {
                    let value = self.expr(child, at);
                    let owner = self.function_of(at.scope);
                    self.scope_mut(owner).return_values.push(value);
                }
            }
            "if_statement" => self.if_statement(node, at),
            "for_statement" => self.for_statement(node, at),
            "while_statement" => {
                if let Some(condition) = node.child_by_field_id(FIELDS.condition) {
                    self.expr(condition, at);
                }
                self.loop_suite(node, at);
                self.clauses(node, at);
            }
            "try_statement" => {
                self.field_suite(node, FIELDS.body, BlockKind::Try, at);
                self.clauses(node, at);
            }
            "with_statement" => self.with_statement(node, at),
            "match_statement" => self.match_statement(node, at),
            "global_statement" | "nonlocal_statement" => {
                let names: Vec<Name> = named(node)
                    .into_iter()
                    .map(|child| self.node_name(child))
                    .collect();
                let scope = self.scope_mut(at.scope);
                if node.grammar_kind() == "global_statement" {
                    scope.globals.extend(names)
                } else {
                    scope.nonlocals.extend(names)
                }
            }
            "delete_statement" | "type_alias_statement" => {
                for child in named(node) {
                    self.expr(child, at);
                }
                if node.grammar_kind() == "type_alias_statement" {
                    self.type_alias(node, at);
                }
            }
            "comment"
            | "pass_statement"
            | "break_statement"
            | "continue_statement"
            | "future_import_statement" => {}
            "block" => self.suite(node, at),
            // An error node keeps the statements that the parser could recover.
            "ERROR" => self.recovered(node, at),
            _ => {
                for child in named(node) {
                    self.expr(child, at);
                }
            }
        }
        self.depth -= 1;
    }

    pub(super) fn recovered(&mut self, node: Node, at: Place) {
        for child in named(node) {
            if child.grammar_kind().ends_with("_statement")
                || child.grammar_kind().ends_with("_definition")
            {
                self.statement(child, at);
            }
        }
    }

    pub(super) fn too_deep(&mut self, node: Node) {
        let span = self.span(node);
        self.module
            .unparsed
            .push((span.line, span.end_line.max(span.line)));
    }

    pub(super) fn type_alias(&mut self, node: Node, at: Place) {
        let parts = named(node);
        if let [left, right] = parts.as_slice() {
            let value = self.annotation(*right, at);
            let name = self
                .text(*left)
                .split('[')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            let name = self.name(&name);
            self.bind(name, BindingValue::Value(value), node, at);
        }
    }

    pub(super) fn loop_suite(&mut self, node: Node, at: Place) {
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            let block = self.block(Some(at.block), BlockKind::While, node);
            self.suite(body, Place { block, ..at });
        }
    }

    pub(super) fn field_suite(&mut self, node: Node, field: u16, kind: BlockKind, at: Place) {
        if let Some(body) = node.child_by_field_id(field) {
            self.nested(body, kind, at);
        }
    }

    /// `elif`, `else`, `except` and `finally` of a compound statement.
    pub(super) fn clauses(&mut self, node: Node, at: Place) {
        for clause in named(node) {
            let kind = match clause.grammar_kind() {
                "elif_clause" => {
                    let condition = clause
                        .child_by_field_id(FIELDS.condition)
                        .map(|node| self.expr(node, at));
                    condition.map_or(BlockKind::Else, BlockKind::If)
                }
                "else_clause" => BlockKind::Else,
                "except_clause" | "except_group_clause" => BlockKind::Except,
                "finally_clause" => BlockKind::Finally,
                _ => continue,
            };
            let block = self.block(Some(at.block), kind, clause);
            let inner = Place { block, ..at };
            for child in named(clause) {
                match child.grammar_kind() {
                    "block" => self.suite(child, inner),
                    "as_pattern" => self.except_as(child, inner),
                    "comment" => {}
                    _ if clause.grammar_kind() == "elif_clause" => {}
                    _ => {
                        self.expr(child, inner);
                    }
                }
            }
        }
    }

    pub(super) fn except_as(&mut self, node: Node, at: Place) {
        for child in named(node) {
            if child.grammar_kind() == "as_pattern_target" {
                let name = self.node_name(child);
                self.bind(name, BindingValue::Unknown, node, at);
            } else {
                self.expr(child, at);
            }
        }
    }

    pub(super) fn if_statement(&mut self, node: Node, at: Place) {
        let condition = node.child_by_field_id(FIELDS.condition);
        let is_main = condition.is_some_and(|condition| is_main_condition(self.text(condition)));
        let condition = condition.map(|condition| self.expr(condition, at));
        let kind = match condition {
            _ if is_main => BlockKind::Main,
            Some(condition) => BlockKind::If(condition),
            None => BlockKind::Else,
        };
        let block = self.module.blocks.len();
        self.field_suite(node, FIELDS.consequence, kind, at);
        if is_main && let Some(block) = self.module.blocks.get_mut(block) {
            // The block is known by the line of its `if`.
            block.span.line = node.start_position().row as u32 + 1;
        }
        self.clauses(node, at);
    }

    pub(super) fn for_statement(&mut self, node: Node, at: Place) {
        let value = node
            .child_by_field_id(FIELDS.right)
            .map(|right| self.expr(right, at));
        if let Some(body) = node.child_by_field_id(FIELDS.body) {
            let block = self.block(Some(at.block), BlockKind::For, node);
            let inner = Place { block, ..at };
            if let (Some(left), Some(value)) = (node.child_by_field_id(FIELDS.left), value) {
                self.target(
                    left,
                    &mut Vec::new(),
                    &|path| BindingValue::Element(value, path.into()),
                    inner,
                );
            }
            self.suite(body, inner);
        }
        self.clauses(node, at);
    }

    pub(super) fn with_statement(&mut self, node: Node, at: Place) {
        let Some(body) = node.child_by_field_id(FIELDS.body) else {
            return;
        };
        let mut items = Vec::new();
        let mut targets = Vec::new();
        for clause in named(node)
            .into_iter()
            .filter(|child| child.grammar_kind() == "with_clause")
        {
            for item in named(clause) {
                let Some(value) = item.child_by_field_id(FIELDS.value) else {
                    continue;
                };
                if value.grammar_kind() == "as_pattern" {
                    let parts = named(value);
                    let Some(&first) = parts.first() else {
                        continue;
                    };
                    let id = self.expr(first, at);
                    items.push(id);
                    if let Some(target) = value
                        .child_by_field_id(FIELDS.alias)
                        .or_else(|| parts.get(1).copied())
                    {
                        let target = target.named_child(0).unwrap_or(target);
                        targets.push((target, id));
                    }
                } else {
                    items.push(self.expr(value, at));
                }
            }
        }
        let block = self.block(Some(at.block), BlockKind::With(items.into()), body);
        // The names stay bound after the block, so they belong to the block around it.
        for (target, id) in targets {
            self.target(target, &mut Vec::new(), &|path| entered(id, path), at);
        }
        self.suite(body, Place { block, ..at });
    }

    pub(super) fn match_statement(&mut self, node: Node, at: Place) {
        for subject in children_by_field(node, FIELDS.subject) {
            self.expr(subject, at);
        }
        let Some(body) = node.child_by_field_id(FIELDS.body) else {
            return;
        };
        for case in named(body)
            .into_iter()
            .filter(|child| child.grammar_kind() == "case_clause")
        {
            if let Some(consequence) = case.child_by_field_id(FIELDS.consequence) {
                let block = self.block(Some(at.block), BlockKind::Else, consequence);
                let inner = Place { block, ..at };
                for part in named(case) {
                    match part.grammar_kind() {
                        "case_pattern" => self.captures(part, inner),
                        "if_clause" => {
                            self.expr(part, inner);
                        }
                        _ => {}
                    }
                }
                self.suite(consequence, inner);
            }
        }
    }

    /// Binds the names that a pattern captures. What stands behind a class pattern is an object of that class.
    pub(super) fn captures(&mut self, pattern: Node, at: Place) {
        let mut stack = vec![pattern];
        while let Some(node) = stack.pop() {
            let parts = named(node);
            match (node.grammar_kind(), parts.as_slice()) {
                ("identifier", _) => {
                    let name = self.node_name(node);
                    self.bind(name, BindingValue::Unknown, pattern, at);
                }
                // `Kind.DELETE` and the class of a class pattern are looked up, not bound.
                ("dotted_name", parts) => {
                    let is_class = node
                        .parent()
                        .is_some_and(|parent| parent.grammar_kind() == "class_pattern");
                    if parts.len() == 1 && !is_class {
                        stack.extend(parts);
                    }
                }
                ("as_pattern", [inner, name]) => {
                    let class = self.pattern_class(*inner, at);
                    let value = class.map_or(BindingValue::Unknown, |class| {
                        BindingValue::Annotated(class, None)
                    });
                    let name = self.node_name(*name);
                    self.bind(name, value, pattern, at);
                    stack.push(*inner);
                }
                ("keyword_pattern", [_, values @ ..]) => stack.extend(values),
                (_, parts) => stack.extend(parts),
            }
        }
    }

    pub(super) fn pattern_class(&mut self, pattern: Node, at: Place) -> Option<ExprId> {
        let class = named(pattern)
            .into_iter()
            .find(|part| part.grammar_kind() == "class_pattern")?;
        let dotted = named(class)
            .into_iter()
            .find(|part| part.grammar_kind() == "dotted_name")?;
        named(dotted).into_iter().fold(None, |outer, part| {
            let name = self.node_name(part);
            Some(match outer {
                None => self.push(ExprKind::Name(name), part, at),
                Some(outer) => self.push(ExprKind::Attribute(outer, name), dotted, at),
            })
        })
    }
}
