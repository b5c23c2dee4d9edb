//! What binds a name: assignments, targets, imports.

use super::*;

impl Lower<'_> {
    pub(super) fn simple(&mut self, node: Node, at: Place) {
        match node.grammar_kind() {
            "assignment" => {
                self.assignment(node, at);
            }
            "augmented_assignment" => {
                let right = node
                    .child_by_field_id(FIELDS.right)
                    .map(|right| self.expr(right, at));
                if let Some(left) = node.child_by_field_id(FIELDS.left) {
                    self.expr(left, at);
                    // `__all__ += [...]` and `urls += [...]` add to what was there.
                    if let (Some(right), "identifier") = (right, left.grammar_kind()) {
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

    pub(super) fn assignment(&mut self, node: Node, at: Place) -> Option<ExprId> {
        let annotation = node
            .child_by_field_id(FIELDS.r#type)
            .map(|annotation| self.annotation(annotation, at));
        let right = node.child_by_field_id(FIELDS.right);
        let value = match right {
            Some(right) if right.grammar_kind() == "assignment" => self.assignment(right, at),
            Some(right) => Some(self.expr(right, at)),
            None => None,
        };
        if let Some(left) = node.child_by_field_id(FIELDS.left) {
            // In `query = query.all()` the right side still means what the name held before.
            let before = self.holds_from.replace(node.end_byte() as u32);
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
            self.holds_from = before;
        }
        value
    }

    /// Binds an assignment target: a name, `self.x`, or a pattern of them.
    pub(super) fn target(
        &mut self,
        node: Node,
        path: &mut Vec<u16>,
        value: &dyn Fn(&[u16]) -> BindingValue,
        at: Place,
    ) {
        match node.grammar_kind() {
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
                    node.child_by_field_id(FIELDS.object),
                    node.child_by_field_id(FIELDS.attribute),
                ) {
                    let is_own = object.grammar_kind() == "identifier"
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
            "subscript" => {
                let object = node.child_by_field_id(FIELDS.value);
                let key = node.child_by_field_id(FIELDS.subscript);
                if let (Some(object), Some(key)) = (object, key) {
                    let (object, key) = (self.expr(object, at), self.expr(key, at));
                    self.module.items.push(StoredItem {
                        object,
                        key,
                        value: value(path),
                        scope: at.scope,
                    });
                    if let Some(name) = self.module.key_name(key) {
                        let stored = StoredAttribute {
                            object,
                            name,
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

    /// `self.x = value` in a method or a function inside of one, `cls.x = value` in a class method, `Class.x = value`
    /// in the class; false for any other object.
    pub(super) fn attribute_target(
        &mut self,
        object: Node,
        attribute: Node,
        value: BindingValue,
        at: Place,
    ) -> bool {
        let receiver = self.text(object);
        let Some(class) = self.class_of_receiver(receiver, at) else {
            return false;
        };
        let scope = self.function_of(at.scope);
        let name = self.node_name(attribute);
        let attributes = &mut self.scope_mut(class).attributes;
        let known = attributes.entry(name).or_insert_with(one);
        known.push(AttributeBinding { value, scope });
        true
    }

    /// The class that stands around, if `receiver` is its name or the first parameter of the method.
    fn class_of_receiver(&self, receiver: &str, at: Place) -> Option<ScopeId> {
        let mut id = self.function_of(at.scope);
        loop {
            let scope = self.module.scope(id);
            let parent = scope.parent?;
            let is_first = |first: &Parameter| &*first.name == receiver;
            let is_method = self.module.scope(parent).kind == ScopeKind::Class;
            if is_method && scope.kind == ScopeKind::Function {
                let is_self = scope.parameters.first().is_some_and(is_first);
                let is_class = &*self.module.scope(parent).name == receiver;
                return (is_self || is_class).then_some(parent);
            }
            let hides = scope.parameters.iter().any(is_first)
                || scope.bindings.keys().any(|name| &**name == receiver);
            if hides || scope.kind == ScopeKind::Class || scope.kind == ScopeKind::Module {
                return None;
            }
            id = parent;
        }
    }

    pub(super) fn bind(&mut self, name: Name, value: BindingValue, node: Node, at: Place) {
        let from = match (self.fixed_span, self.holds_from) {
            (Some(_), _) => 0,
            (None, Some(from)) => from,
            (None, None) => node.end_byte() as u32,
        };
        self.bind_from(name, value, from, at);
    }

    fn bind_from(&mut self, name: Name, value: BindingValue, from: u32, at: Place) {
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
            .or_insert_with(one)
            .push(Binding {
                value,
                block: at.block,
                from,
            });
    }

    pub(super) fn function_of(&self, scope: ScopeId) -> ScopeId {
        let mut id = scope;
        loop {
            let scope = self.module.scope(id);
            match (scope.kind, scope.parent) {
                (ScopeKind::Comprehension, Some(parent)) => id = parent,
                _ => return id,
            }
        }
    }

    pub(super) fn import(&mut self, node: Node, at: Place) {
        let span = self.span(node);
        for child in children_by_field(node, FIELDS.name) {
            let (module, alias) = match child.grammar_kind() {
                "aliased_import" => (
                    child.child_by_field_id(FIELDS.name),
                    child.child_by_field_id(FIELDS.alias),
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

    pub(super) fn import_from(&mut self, node: Node, at: Place) {
        let span = self.span(node);
        let Some(from) = node.child_by_field_id(FIELDS.module_name) else {
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
            .any(|child| child.grammar_kind() == "wildcard_import")
        {
            self.module.imports.push(import(ImportedName::Star));
            let index = self.module.imports.len() - 1;
            self.scope_mut(at.scope).stars.push(index);
        }
        for child in children_by_field(node, FIELDS.name) {
            let (name, alias) = match child.grammar_kind() {
                "aliased_import" => (
                    child.child_by_field_id(FIELDS.name),
                    child.child_by_field_id(FIELDS.alias),
                ),
                _ => (Some(child), None),
            };
            let Some(name) = name else { continue };
            let member = self.node_name(name);
            let bound = alias.map_or_else(|| member.clone(), |alias| self.node_name(alias));
            self.add_import(import(ImportedName::Member(member)), bound, at);
        }
    }

    pub(super) fn add_import(&mut self, import: Import, bound: Name, at: Place) {
        let from = import.span.end;
        self.module.imports.push(import);
        let value = BindingValue::Import(self.module.imports.len() - 1);
        self.bind_from(bound, value, from, at);
    }
}
