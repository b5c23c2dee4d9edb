//! From a concrete tree to a [`Module`]: one walk, in source order.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use tree_sitter::{Node, Tree};

use super::module::*;
use super::recover::blank_errors;
use super::{parse, text};

/// Expressions nested deeper than this are not read; their lines are reported as unparsed.
const MAX_DEPTH: u32 = 1500;

/// Parses and lowers a module.
pub fn module(source: &str) -> Module {
    let tree = parse(source);
    if tree.root_node().has_error() {
        let (clean, blanked) = blank_errors(source);
        let mut module = lowered(&clean, &parse(&clean));
        module.unparsed.extend(blanked);
        module.unparsed.sort_unstable();
        module.unparsed.dedup();
        return module;
    }
    lowered(source, &tree)
}

fn lowered(source: &str, tree: &Tree) -> Module {
    let mut lower = Lower::new(source);
    let root = tree.root_node();
    let block = lower.block(None, BlockKind::Body, root);
    lower.module.scopes.push(scope(
        ScopeKind::Module,
        None,
        "".into(),
        String::new(),
        block,
        lower.span(root),
    ));
    lower.suite(
        root,
        Place {
            scope: MODULE_SCOPE,
            block,
        },
    );
    if root.has_error() {
        lower.collect_errors(root);
    }
    lower.module.unparsed.sort_unstable();
    lower.module.unparsed.dedup();
    lower.module
}

#[derive(Clone, Copy)]
struct Place {
    scope: ScopeId,
    block: BlockId,
}

struct Lower<'s> {
    source: &'s str,
    /// Byte offset of the first character of each line, only for sources that are not ASCII.
    line_starts: Option<Vec<usize>>,
    names: FxHashSet<Name>,
    module: Module,
    statement: Span,
    depth: u32,
    /// Set while a string annotation is read: its expressions take the string's span.
    fixed_span: Option<Span>,
}

fn scope(
    kind: ScopeKind,
    parent: Option<ScopeId>,
    name: Name,
    qualified_name: String,
    block: BlockId,
    span: Span,
) -> Scope {
    Scope {
        kind,
        parent,
        name,
        qualified_name,
        block,
        span,
        parameters: Vec::new(),
        returns: None,
        return_values: Vec::new(),
        yields: Vec::new(),
        decorators: Vec::new(),
        bases: Vec::new(),
        is_async: false,
        bindings: FxHashMap::default(),
        attributes: FxHashMap::default(),
        stars: Vec::new(),
        globals: Vec::new(),
        nonlocals: Vec::new(),
    }
}

impl<'s> Lower<'s> {
    fn new(source: &'s str) -> Self {
        let line_starts = (!source.is_ascii()).then(|| {
            std::iter::once(0)
                .chain(memchr::memchr_iter(b'\n', source.as_bytes()).map(|at| at + 1))
                .collect()
        });
        Lower {
            source,
            line_starts,
            names: FxHashSet::default(),
            module: Module {
                exprs: Vec::new(),
                scopes: Vec::new(),
                blocks: Vec::new(),
                imports: Vec::new(),
                calls: Vec::new(),
                scope_of: Vec::new(),
                block_of: Vec::new(),
                unparsed: Vec::new(),
                stored: Vec::new(),
            },
            statement: Span::default(),
            depth: 0,
            fixed_span: None,
        }
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name: Name = Arc::from(text);
        self.names.insert(name.clone());
        name
    }

    fn text(&self, node: Node) -> &'s str {
        text(node, self.source)
    }

    fn node_name(&mut self, node: Node) -> Name {
        let text = self.text(node);
        self.name(text)
    }

    fn span(&self, node: Node) -> Span {
        if let Some(span) = self.fixed_span {
            return span;
        }
        let (start, end) = (node.start_position(), node.end_position());
        let column = match &self.line_starts {
            None => start.column,
            Some(starts) => {
                let line = starts.get(start.row).copied().unwrap_or(0);
                self.source
                    .get(line..node.start_byte())
                    .map_or(start.column, |before| before.chars().count())
            }
        };
        // A block's node ends at the start of the line after it.
        let end_row = if end.column == 0 && end.row > start.row {
            end.row - 1
        } else {
            end.row
        };
        Span {
            start: node.start_byte() as u32,
            end: node.end_byte() as u32,
            line: start.row as u32 + 1,
            column: column as u32 + 1,
            end_line: end_row as u32 + 1,
        }
    }

    fn block(&mut self, parent: Option<BlockId>, kind: BlockKind, node: Node) -> BlockId {
        let span = self.span(node);
        self.module.blocks.push(Block { parent, kind, span });
        BlockId(self.module.blocks.len() as u32 - 1)
    }

    fn push(&mut self, kind: ExprKind, node: Node, at: Place) -> ExprId {
        let span = self.span(node);
        self.module.exprs.push(Expr { kind, span });
        self.module.scope_of.push(at.scope);
        self.module.block_of.push(at.block);
        ExprId(self.module.exprs.len() as u32 - 1)
    }

    fn scope_mut(&mut self, id: ScopeId) -> &mut Scope {
        &mut self.module.scopes[id.0 as usize]
    }

    fn collect_errors(&mut self, root: Node) {
        let mut stack = vec![root];
        while let Some(node) = stack.pop() {
            if node.is_error() || node.is_missing() {
                let span = self.span(node);
                self.module
                    .unparsed
                    .push((span.line, span.end_line.max(span.line)));
            } else if node.has_error() {
                let mut cursor = node.walk();
                stack.extend(node.children(&mut cursor));
            }
        }
    }

    // Statements

    fn suite(&mut self, node: Node, at: Place) {
        let mut cursor = node.walk();
        let children: Vec<Node> = node.named_children(&mut cursor).collect();
        for child in children {
            self.statement(child, at);
        }
    }

    fn nested(&mut self, node: Node, kind: BlockKind, at: Place) {
        let block = self.block(Some(at.block), kind, node);
        self.suite(node, Place { block, ..at });
    }

    fn statement(&mut self, node: Node, at: Place) {
        if self.depth > MAX_DEPTH {
            return self.too_deep(node);
        }
        self.depth += 1;
        self.statement = self.span(node);
        match node.kind() {
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
                if let Some(condition) = node.child_by_field_name("condition") {
                    self.expr(condition, at);
                }
                self.loop_suite(node, at);
                self.clauses(node, at);
            }
            "try_statement" => {
                self.field_suite(node, "body", BlockKind::Try, at);
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
                if node.kind() == "global_statement" {
                    scope.globals.extend(names)
                } else {
                    scope.nonlocals.extend(names)
                }
            }
            "delete_statement" | "type_alias_statement" => {
                for child in named(node) {
                    self.expr(child, at);
                }
                if node.kind() == "type_alias_statement" {
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

    fn recovered(&mut self, node: Node, at: Place) {
        for child in named(node) {
            if child.kind().ends_with("_statement") || child.kind().ends_with("_definition") {
                self.statement(child, at);
            }
        }
    }

    fn too_deep(&mut self, node: Node) {
        let span = self.span(node);
        self.module
            .unparsed
            .push((span.line, span.end_line.max(span.line)));
    }

    fn type_alias(&mut self, node: Node, at: Place) {
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

    fn loop_suite(&mut self, node: Node, at: Place) {
        if let Some(body) = node.child_by_field_name("body") {
            let block = self.block(Some(at.block), BlockKind::While, node);
            self.suite(body, Place { block, ..at });
        }
    }

    fn field_suite(&mut self, node: Node, field: &str, kind: BlockKind, at: Place) {
        if let Some(body) = node.child_by_field_name(field) {
            self.nested(body, kind, at);
        }
    }

    /// `elif`, `else`, `except` and `finally` of a compound statement.
    fn clauses(&mut self, node: Node, at: Place) {
        for clause in named(node) {
            let kind = match clause.kind() {
                "elif_clause" => {
                    let condition = clause
                        .child_by_field_name("condition")
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
                match child.kind() {
                    "block" => self.suite(child, inner),
                    "as_pattern" => self.except_as(child, inner),
                    "comment" => {}
                    _ if clause.kind() == "elif_clause" => {}
                    _ => {
                        self.expr(child, inner);
                    }
                }
            }
        }
    }

    fn except_as(&mut self, node: Node, at: Place) {
        for child in named(node) {
            if child.kind() == "as_pattern_target" {
                let name = self.node_name(child);
                self.bind(name, BindingValue::Unknown, node, at);
            } else {
                self.expr(child, at);
            }
        }
    }

    fn if_statement(&mut self, node: Node, at: Place) {
        let condition = node.child_by_field_name("condition");
        let is_main = condition.is_some_and(|condition| is_main_condition(self.text(condition)));
        let condition = condition.map(|condition| self.expr(condition, at));
        let kind = match condition {
            _ if is_main => BlockKind::Main,
            Some(condition) => BlockKind::If(condition),
            None => BlockKind::Else,
        };
        let block = self.module.blocks.len();
        self.field_suite(node, "consequence", kind, at);
        if is_main && let Some(block) = self.module.blocks.get_mut(block) {
            // The block is known by the line of its `if`.
            block.span.line = node.start_position().row as u32 + 1;
        }
        self.clauses(node, at);
    }

    fn for_statement(&mut self, node: Node, at: Place) {
        let value = node
            .child_by_field_name("right")
            .map(|right| self.expr(right, at));
        if let Some(body) = node.child_by_field_name("body") {
            let block = self.block(Some(at.block), BlockKind::For, node);
            let inner = Place { block, ..at };
            if let (Some(left), Some(value)) = (node.child_by_field_name("left"), value) {
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

    fn with_statement(&mut self, node: Node, at: Place) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let mut items = Vec::new();
        let mut targets = Vec::new();
        for clause in named(node)
            .into_iter()
            .filter(|child| child.kind() == "with_clause")
        {
            for item in named(clause) {
                let Some(value) = item.child_by_field_name("value") else {
                    continue;
                };
                if value.kind() == "as_pattern" {
                    let parts = named(value);
                    let Some(&first) = parts.first() else {
                        continue;
                    };
                    let id = self.expr(first, at);
                    items.push(id);
                    if let Some(target) = value
                        .child_by_field_name("alias")
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

    fn match_statement(&mut self, node: Node, at: Place) {
        for subject in children_by_field(node, "subject") {
            self.expr(subject, at);
        }
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        for case in named(body)
            .into_iter()
            .filter(|child| child.kind() == "case_clause")
        {
            if let Some(consequence) = case.child_by_field_name("consequence") {
                let block = self.block(Some(at.block), BlockKind::Else, consequence);
                let inner = Place { block, ..at };
                for part in named(case) {
                    match part.kind() {
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
    fn captures(&mut self, pattern: Node, at: Place) {
        let mut stack = vec![pattern];
        while let Some(node) = stack.pop() {
            let parts = named(node);
            match (node.kind(), parts.as_slice()) {
                ("identifier", _) => {
                    let name = self.node_name(node);
                    self.bind(name, BindingValue::Unknown, pattern, at);
                }
                // `Kind.DELETE` and the class of a class pattern are looked up, not bound.
                ("dotted_name", parts) => {
                    let is_class = node
                        .parent()
                        .is_some_and(|parent| parent.kind() == "class_pattern");
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

    fn pattern_class(&mut self, pattern: Node, at: Place) -> Option<ExprId> {
        let class = named(pattern)
            .into_iter()
            .find(|part| part.kind() == "class_pattern")?;
        let dotted = named(class)
            .into_iter()
            .find(|part| part.kind() == "dotted_name")?;
        named(dotted).into_iter().fold(None, |outer, part| {
            let name = self.node_name(part);
            Some(match outer {
                None => self.push(ExprKind::Name(name), part, at),
                Some(outer) => self.push(ExprKind::Attribute(outer, name), dotted, at),
            })
        })
    }

    fn simple(&mut self, node: Node, at: Place) {
        match node.kind() {
            "assignment" => {
                self.assignment(node, at);
            }
            "augmented_assignment" => {
                let right = node
                    .child_by_field_name("right")
                    .map(|right| self.expr(right, at));
                if let Some(left) = node.child_by_field_name("left") {
                    self.expr(left, at);
                    // `__all__ += [...]` and `urls += [...]` add to what was there.
                    if let (Some(right), "identifier") = (right, left.kind()) {
                        let name = self.node_name(left);
                        let binding = Binding {
                            value: BindingValue::Added(right),
                            block: at.block,
                            from: node.end_byte() as u32,
                        };
                        if let Some(bindings) = self.scope_mut(at.scope).bindings.get_mut(&name) {
                            bindings.push(binding);
                        }
                    }
                }
            }
            _ => {
                self.expr(node, at);
            }
        }
    }

    fn assignment(&mut self, node: Node, at: Place) -> Option<ExprId> {
        let annotation = node
            .child_by_field_name("type")
            .map(|annotation| self.annotation(annotation, at));
        let right = node.child_by_field_name("right");
        let value = match right {
            Some(right) if right.kind() == "assignment" => self.assignment(right, at),
            Some(right) => Some(self.expr(right, at)),
            None => None,
        };
        if let Some(left) = node.child_by_field_name("left") {
            match (annotation, value) {
                (Some(annotation), value) => {
                    self.target(
                        left,
                        &mut Vec::new(),
                        &|_| BindingValue::Annotated(annotation, value),
                        at,
                    );
                }
                (None, Some(value)) => {
                    self.target(left, &mut Vec::new(), &|path| unpacked(value, path), at);
                }
                (None, None) => {}
            }
        }
        value
    }

    /// Binds an assignment target: a name, `self.x`, or a pattern of them.
    fn target(
        &mut self,
        node: Node,
        path: &mut Vec<u16>,
        value: &dyn Fn(&[u16]) -> BindingValue,
        at: Place,
    ) {
        match node.kind() {
            "identifier" | "as_pattern_target" => {
                let name = self.node_name(node);
                self.bind(name, value(path), node, at);
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" | "tuple" | "list" => {
                for (index, child) in named(node).into_iter().enumerate() {
                    path.push(index as u16);
                    self.target(child, path, value, at);
                    path.pop();
                }
            }
            "attribute" => {
                if let (Some(object), Some(attribute)) = (
                    node.child_by_field_name("object"),
                    node.child_by_field_name("attribute"),
                ) {
                    let is_own = object.kind() == "identifier"
                        && self.attribute_target(object, attribute, value(path), at);
                    if !is_own {
                        let stored = StoredAttribute {
                            object: self.expr(object, at),
                            name: self.node_name(attribute),
                            value: value(path),
                            scope: at.scope,
                        };
                        self.module.stored.push(stored);
                    }
                }
            }
            "parenthesized_expression" | "list_splat_pattern" => {
                for child in named(node) {
                    self.target(child, path, value, at);
                }
            }
            _ => {
                self.expr(node, at);
            }
        }
    }

    /// `self.x = value` in a method, or `cls.x = value` in a class method; false for any other object.
    fn attribute_target(
        &mut self,
        object: Node,
        attribute: Node,
        value: BindingValue,
        at: Place,
    ) -> bool {
        let method = self.function_of(at.scope);
        let scope = self.module.scope(method);
        let Some(class) = scope
            .parent
            .filter(|&parent| self.module.scope(parent).kind == ScopeKind::Class)
        else {
            return false;
        };
        let receiver = self.text(object);
        let is_self = scope.kind == ScopeKind::Function
            && scope
                .parameters
                .first()
                .is_some_and(|first| &*first.name == receiver);
        if is_self {
            let name = self.node_name(attribute);
            let binding = AttributeBinding {
                value,
                scope: method,
            };
            self.scope_mut(class)
                .attributes
                .entry(name)
                .or_default()
                .push(binding);
        }
        is_self
    }

    fn bind(&mut self, name: Name, value: BindingValue, node: Node, at: Place) {
        let from = if self.fixed_span.is_some() {
            0
        } else {
            node.end_byte() as u32
        };
        let mut target = at.scope;
        // A walrus in a comprehension binds in the function around it.
        if matches!(value, BindingValue::Value(_)) {
            while self.module.scope(target).kind == ScopeKind::Comprehension
                && let Some(parent) = self.module.scope(target).parent
            {
                target = parent;
            }
        }
        if self.module.scope(target).globals.contains(&name) {
            target = MODULE_SCOPE;
        } else if self.module.scope(target).nonlocals.contains(&name) {
            let mut outer = self.module.scope(target).parent;
            while let Some(id) = outer {
                let scope = self.module.scope(id);
                if scope.kind == ScopeKind::Function && scope.bindings.contains_key(&name) {
                    target = id;
                    break;
                }
                outer = scope.parent;
            }
        }
        self.scope_mut(target)
            .bindings
            .entry(name)
            .or_default()
            .push(Binding {
                value,
                block: at.block,
                from,
            });
    }

    fn function_of(&self, scope: ScopeId) -> ScopeId {
        let mut id = scope;
        loop {
            let scope = self.module.scope(id);
            match (scope.kind, scope.parent) {
                (ScopeKind::Comprehension, Some(parent)) => id = parent,
                _ => return id,
            }
        }
    }

    fn import(&mut self, node: Node, at: Place) {
        let span = self.span(node);
        for child in children_by_field(node, "name") {
            let (module, alias) = match child.kind() {
                "aliased_import" => (
                    child.child_by_field_name("name"),
                    child.child_by_field_name("alias"),
                ),
                _ => (Some(child), None),
            };
            let Some(module) = module else { continue };
            let dotted = dotted(self.text(module));
            let (name, bound) = match alias {
                Some(alias) => (ImportedName::Module, self.node_name(alias)),
                None => (
                    ImportedName::Root,
                    self.name(dotted.split('.').next().unwrap_or_default()),
                ),
            };
            self.add_import(
                Import {
                    level: 0,
                    module: dotted,
                    name,
                    block: at.block,
                    scope: at.scope,
                    span,
                },
                bound,
                at,
            );
        }
    }

    fn import_from(&mut self, node: Node, at: Place) {
        let span = self.span(node);
        let Some(from) = node.child_by_field_name("module_name") else {
            return;
        };
        let written = self.text(from);
        let level = written.chars().take_while(|&c| c == '.').count() as u32;
        let module = dotted(written.trim_start_matches('.'));
        let import = |name| Import {
            level,
            module: module.clone(),
            name,
            block: at.block,
            scope: at.scope,
            span,
        };
        if named(node)
            .iter()
            .any(|child| child.kind() == "wildcard_import")
        {
            self.module.imports.push(import(ImportedName::Star));
            let index = self.module.imports.len() - 1;
            self.scope_mut(at.scope).stars.push(index);
        }
        for child in children_by_field(node, "name") {
            let (name, alias) = match child.kind() {
                "aliased_import" => (
                    child.child_by_field_name("name"),
                    child.child_by_field_name("alias"),
                ),
                _ => (Some(child), None),
            };
            let Some(name) = name else { continue };
            let member = self.node_name(name);
            let bound = alias.map_or_else(|| member.clone(), |alias| self.node_name(alias));
            self.add_import(import(ImportedName::Member(member)), bound, at);
        }
    }

    fn add_import(&mut self, import: Import, bound: Name, at: Place) {
        let from = import.span.end;
        self.module.imports.push(import);
        let value = BindingValue::Import(self.module.imports.len() - 1);
        self.scope_mut(at.scope)
            .bindings
            .entry(bound)
            .or_default()
            .push(Binding {
                value,
                block: at.block,
                from,
            });
    }

    // Definitions

    fn decorated(&mut self, node: Node, at: Place) {
        let mut decorators = Vec::new();
        for child in named(node) {
            match child.kind() {
                "decorator" => {
                    decorators.extend(named(child).into_iter().map(|inner| self.expr(inner, at)))
                }
                "function_definition" => self.function(child, std::mem::take(&mut decorators), at),
                "class_definition" => self.class(child, std::mem::take(&mut decorators), at),
                _ => {}
            }
        }
    }

    fn qualified(&self, at: Place, name: &str) -> String {
        let parent = &self.module.scope(at.scope).qualified_name;
        if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        }
    }

    fn open_scope(&mut self, kind: ScopeKind, name: Name, node: Node, at: Place) -> Place {
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

    fn function(&mut self, node: Node, decorators: Vec<ExprId>, at: Place) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let name = self.node_name(name);
        let inner = self.open_scope(ScopeKind::Function, name.clone(), node, at);
        let returns = node
            .child_by_field_name("return_type")
            .map(|node| self.annotation(node, at));
        let scope = self.scope_mut(inner.scope);
        scope.decorators = decorators;
        scope.returns = returns;
        scope.is_async = node.child(0).is_some_and(|first| first.kind() == "async");
        if let Some(parameters) = node.child_by_field_name("parameters") {
            self.parameters(parameters, at, inner);
        }
        self.bind(name, BindingValue::Definition(inner.scope), node, at);
        if let Some(body) = node.child_by_field_name("body") {
            self.suite(body, inner);
        }
    }

    fn class(&mut self, node: Node, decorators: Vec<ExprId>, at: Place) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let name = self.node_name(name);
        let bases = node
            .child_by_field_name("superclasses")
            .map(|node| self.arguments(node, at))
            .unwrap_or_default();
        let inner = self.open_scope(ScopeKind::Class, name.clone(), node, at);
        let scope = self.scope_mut(inner.scope);
        scope.decorators = decorators;
        scope.bases = bases;
        self.bind(name, BindingValue::Definition(inner.scope), node, at);
        if let Some(body) = node.child_by_field_name("body") {
            self.suite(body, inner);
        }
    }

    fn parameters(&mut self, node: Node, outer: Place, inner: Place) {
        let mut keyword_only = false;
        for child in named(node) {
            let (pattern, annotation, default) = match child.kind() {
                "identifier" | "list_splat_pattern" | "dictionary_splat_pattern" => {
                    (Some(child), None, None)
                }
                "typed_parameter" => (
                    child.named_child(0),
                    child.child_by_field_name("type"),
                    None,
                ),
                "default_parameter" => (
                    child.child_by_field_name("name"),
                    None,
                    child.child_by_field_name("value"),
                ),
                "typed_default_parameter" => (
                    child.child_by_field_name("name"),
                    child.child_by_field_name("type"),
                    child.child_by_field_name("value"),
                ),
                "keyword_separator" => {
                    keyword_only = true;
                    continue;
                }
                _ => continue,
            };
            let Some(pattern) = pattern else { continue };
            let kind = match pattern.kind() {
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
                .or_default()
                .push(binding);
        }
    }

    /// A type: names in a string are names all the same.
    fn annotation(&mut self, node: Node, at: Place) -> ExprId {
        let node = if node.kind() == "type" {
            node.named_child(0).unwrap_or(node)
        } else {
            node
        };
        if node.kind() == "string" && self.fixed_span.is_none() {
            let written = self
                .text(node)
                .trim_matches(|c| c == '"' || c == '\'')
                .to_owned();
            let span = self.span(node);
            return self.parse_string(&written, span, node, at);
        }
        self.expr(node, at)
    }

    fn parse_string(&mut self, written: &str, span: Span, node: Node, at: Place) -> ExprId {
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
        };
        let id = nested.expr(inner, at);
        self.module = nested.module;
        self.names = nested.names;
        id
    }

    // Expressions

    fn exprs(&mut self, nodes: Vec<Node>, at: Place) -> Box<[ExprId]> {
        nodes
            .into_iter()
            .filter(|node| !node.is_extra())
            .map(|node| self.expr(node, at))
            .collect()
    }

    fn expr(&mut self, node: Node, at: Place) -> ExprId {
        if self.depth > MAX_DEPTH {
            self.too_deep(node);
            return self.push(ExprKind::Other, node, at);
        }
        self.depth += 1;
        let id = self.expr_inner(node, at);
        self.depth -= 1;
        id
    }

    fn expr_inner(&mut self, node: Node, at: Place) -> ExprId {
        let field = |name: &str| node.child_by_field_name(name);
        let kind = match node.kind() {
            "identifier" => ExprKind::Name(self.node_name(node)),
            "attribute" => match (field("object"), field("attribute")) {
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
                    if part.kind() == "type_parameter" {
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
                let parts = [field("left"), field("right")]
                    .into_iter()
                    .flatten()
                    .collect();
                ExprKind::Either(self.exprs(parts, at))
            }
            "binary_operator" | "union_type" => {
                let parts = named(node);
                let (left, right) = (parts.first().copied(), parts.last().copied());
                let operator = field("operator").map_or("|", |operator| self.text(operator));
                let operator = self.name(operator);
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
            "named_expression" => match (field("name"), field("value")) {
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
            _ => {
                for child in named(node) {
                    self.expr(child, at);
                }
                ExprKind::Other
            }
        };
        self.push(kind, node, at)
    }

    /// In a subscript, a string may be a forward reference (`list["Client"]`); it stays a string for `d["key"]`.
    fn subscript_item(&mut self, node: Node, at: Place) -> ExprId {
        self.expr(
            if node.kind() == "type" {
                node.named_child(0).unwrap_or(node)
            } else {
                node
            },
            at,
        )
    }

    fn call(&mut self, node: Node, at: Place) -> ExprId {
        let Some(function) = node.child_by_field_name("function") else {
            return self.push(ExprKind::Other, node, at);
        };
        let statement = self.statement;
        let function = self.expr(function, at);
        let arguments = match node.child_by_field_name("arguments") {
            Some(arguments) if arguments.kind() == "generator_expression" => {
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

    fn arguments(&mut self, node: Node, at: Place) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for child in named(node).into_iter().filter(|child| !child.is_extra()) {
            if child.kind() == "keyword_argument" {
                if let (Some(name), Some(value)) = (
                    child.child_by_field_name("name"),
                    child.child_by_field_name("value"),
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

    fn dictionary(&mut self, node: Node, at: Place) -> ExprKind {
        let mut items = Vec::new();
        for child in named(node).into_iter().filter(|child| !child.is_extra()) {
            match (
                child.child_by_field_name("key"),
                child.child_by_field_name("value"),
            ) {
                (Some(key), Some(value)) => {
                    items.push((Some(self.expr(key, at)), self.expr(value, at)))
                }
                _ => items.push((None, self.expr(child, at))),
            }
        }
        ExprKind::Dict(items.into())
    }

    fn lambda(&mut self, node: Node, at: Place) -> ExprKind {
        let name = self.name("<lambda>");
        let inner = self.open_scope(ScopeKind::Lambda, name, node, at);
        if let Some(parameters) = node.child_by_field_name("parameters") {
            self.parameters(parameters, at, inner);
        }
        if let Some(body) = node.child_by_field_name("body") {
            let value = self.expr(body, inner);
            self.scope_mut(inner.scope).return_values.push(value);
        }
        ExprKind::Lambda(inner.scope)
    }

    fn comprehension(&mut self, node: Node, at: Place) -> ExprKind {
        let name = self.name("<comprehension>");
        let inner = self.open_scope(ScopeKind::Comprehension, name, node, at);
        let mut first = true;
        for clause in named(node) {
            match clause.kind() {
                "for_in_clause" => {
                    // The first iterable is evaluated outside.
                    let place = if first { at } else { inner };
                    first = false;
                    let value = clause
                        .child_by_field_name("right")
                        .map(|right| self.expr(right, place));
                    if let (Some(left), Some(value)) = (clause.child_by_field_name("left"), value) {
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
        match node.child_by_field_name("body") {
            Some(body) if body.kind() == "pair" => {
                let value = body
                    .child_by_field_name("value")
                    .map(|value| self.expr(value, inner));
                if let Some(key) = body.child_by_field_name("key") {
                    self.expr(key, inner);
                }
                value.map_or(ExprKind::Other, ExprKind::Comprehension)
            }
            Some(body) => ExprKind::Comprehension(self.expr(body, inner)),
            None => ExprKind::Other,
        }
    }

    fn string(&mut self, node: Node, at: Place) -> ExprKind {
        let mut parts: Vec<FStringPart> = Vec::new();
        let mut literal = String::new();
        let strings = if node.kind() == "concatenated_string" {
            named(node)
        } else {
            vec![node]
        };
        for string in strings {
            let raw = string
                .child(0)
                .is_some_and(|start| self.text(start).contains(['r', 'R']));
            for part in named(string) {
                match part.kind() {
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

    fn string_content(&self, node: Node, raw: bool, into: &mut String) {
        let mut at = node.start_byte();
        for escape in named(node) {
            into.push_str(self.source.get(at..escape.start_byte()).unwrap_or_default());
            at = escape.end_byte();
            match (escape.kind(), self.text(escape)) {
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

fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

fn children_by_field<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor)
        .filter(|child| child.is_named())
        .collect()
}

/// `__name__ == "__main__"`, in either order and however it is quoted.
fn is_main_condition(written: &str) -> bool {
    let plain: String = written
        .chars()
        .filter(|c| !c.is_whitespace() && !"()'\"".contains(*c))
        .collect();
    plain == "__name__==__main__" || plain == "__main__==__name__"
}

/// `a . b` as `a.b`.
fn dotted(written: &str) -> String {
    written
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\\')
        .collect()
}

fn unpacked(value: ExprId, path: &[u16]) -> BindingValue {
    if path.is_empty() {
        BindingValue::Value(value)
    } else {
        BindingValue::Item(value, path.into())
    }
}

fn entered(value: ExprId, path: &[u16]) -> BindingValue {
    if path.is_empty() {
        BindingValue::Entered(value)
    } else {
        BindingValue::Unknown
    }
}
