//! From a name or an expression to its values.

use std::sync::Arc;

use super::modules::Located;
use super::*;
use crate::syntax::module::{
    Binding, BindingValue, BlockId, ExprKind, Import, ImportedName, MODULE_SCOPE, ScopeKind,
};

impl<'p> Resolver<'p> {
    pub(super) fn evaluate(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let at = |expr| Site {
            file: site.file,
            expr,
        };
        match &module.expr(site.expr).kind {
            ExprKind::Name(name) => {
                let use_at = Some((
                    module.expr(site.expr).span.start,
                    module.block_of[site.expr.0 as usize],
                ));
                let found = self.name(site.file, module.scope_of(site.expr), name, use_at);
                if found.is_empty() {
                    return self.named_like_model(site.file, name).into_iter().collect();
                }
                found
            }
            ExprKind::Attribute(object, name) => {
                let found = self.each(at(*object), |resolver, typed| {
                    resolver.member(&typed.value, name, Some(site))
                });
                if found.is_empty() {
                    return self.kept_as(name, site).into_iter().collect();
                }
                found
            }
            ExprKind::Call(function, _) => {
                if self.is_text_call(at(*function)) {
                    return vec![Typed::certain(Value::Literal(site))];
                }
                let functions = self.values(at(*function));
                let mut found = Vec::new();
                for typed in functions.iter() {
                    let results = self.called(&typed.value, site);
                    found.extend(
                        results
                            .into_iter()
                            .map(|result| result.at_most(typed.certain)),
                    );
                }
                found
            }
            ExprKind::Subscript(object, items) => {
                let items = items.clone();
                let found = self.each(at(*object), |resolver, typed| {
                    resolver.subscript(&typed.value, site, &items)
                });
                let key = match &*items {
                    [key] if found.is_empty() => module.key_name(*key),
                    _ => None,
                };
                if let Some(kept) = key.and_then(|key| self.kept_as(&key, site)) {
                    return vec![kept];
                }
                found
            }
            ExprKind::Str(_) | ExprKind::FString(_) | ExprKind::Sequence(_) | ExprKind::Dict(_) => {
                vec![Typed::certain(Value::Literal(site))]
            }
            ExprKind::Await(inner) | ExprKind::Walrus(_, inner) | ExprKind::Starred(inner) => {
                self.values(at(*inner)).to_vec()
            }
            ExprKind::Either(options) => options
                .iter()
                .flat_map(|&option| self.values(at(option)).to_vec())
                .collect(),
            ExprKind::Binary(operator, left, right) => {
                let left = self.values(at(*left));
                match &**operator {
                    // `Path / "x"` is a path; `prompt | model` runs like the pieces it is made of.
                    "/" => left
                        .iter()
                        .filter(|typed| matches!(typed.value, Value::Instance(..)))
                        .cloned()
                        .collect(),
                    "|" => {
                        let is_type = |typed: &Typed| {
                            !matches!(typed.value, Value::Instance(..) | Value::Object(..))
                        };
                        if left.iter().any(is_type) {
                            vec![Typed::certain(Value::Type(site))]
                        } else {
                            let right = self.values(at(*right));
                            right.iter().chain(left.iter()).cloned().collect()
                        }
                    }
                    "+" | "%" => {
                        let right = self.values(at(*right));
                        let sides = left.iter().chain(right.iter());
                        if sides.clone().any(|typed| self.is_text(&typed.value)) {
                            return vec![Typed::certain(Value::Literal(site))];
                        }
                        sides.cloned().collect()
                    }
                    _ => Vec::new(),
                }
            }
            ExprKind::Lambda(scope) => {
                vec![Typed::certain(Value::Function(Definition {
                    file: site.file,
                    scope: *scope,
                }))]
            }
            ExprKind::Comprehension(element) => {
                let held = self.values(at(*element));
                vec![Typed::certain(Value::Container(
                    held.iter().cloned().collect(),
                ))]
            }
            ExprKind::Constant(_) | ExprKind::Yield(_) | ExprKind::Slice | ExprKind::Other => {
                Vec::new()
            }
        }
    }

    fn is_text(&self, value: &Value) -> bool {
        let Value::Literal(site) = value else {
            return false;
        };
        self.program.module(site.file).is_some_and(|module| {
            let kind = &module.expr(site.expr).kind;
            matches!(
                kind,
                ExprKind::Str(_) | ExprKind::FString(_) | ExprKind::Binary(..) | ExprKind::Call(..)
            )
        })
    }

    /// Calls that give text which `constant` can read: `"…".format()`, `os.getenv("X", "…")`, `urljoin(…)`.
    fn is_text_call(&mut self, function: Site) -> bool {
        let Some(module) = self.program.module(function.file) else {
            return false;
        };
        match &module.expr(function.expr).kind {
            ExprKind::Attribute(object, method) => {
                if TEXT_METHODS.contains(&&**method) {
                    let object = self.values(Site {
                        expr: *object,
                        ..function
                    });
                    return object.iter().any(|typed| self.is_text(&typed.value));
                }
                if !TEXT_FUNCTIONS.iter().any(|name| name.ends_with(&**method)) {
                    return false;
                }
            }
            ExprKind::Name(_) => {}
            _ => return false,
        }
        let values = self.values(function);
        values.iter().any(|typed| matches!(&typed.value, Value::External(name) if TEXT_FUNCTIONS.contains(&&**name)))
    }

    /// The values of `site`, each put through `step`.
    pub(super) fn each(
        &mut self,
        site: Site,
        mut step: impl FnMut(&mut Self, &Typed) -> Vec<Typed>,
    ) -> Vec<Typed> {
        let values = self.values(site);
        let mut found = Vec::new();
        for typed in values.iter() {
            found.extend(
                step(self, typed)
                    .into_iter()
                    .map(|result| result.at_most(typed.certain)),
            );
        }
        found
    }

    /// A name as seen from `scope`. `use_at` is the place of use, if it is in that very scope.
    pub fn name(
        &mut self,
        file: FileId,
        scope: ScopeId,
        name: &Name,
        use_at: Option<(u32, BlockId)>,
    ) -> Vec<Typed> {
        let Some(module) = self.program.module(file) else {
            return Vec::new();
        };
        let mut at = Some(scope);
        let mut inner = true;
        while let Some(id) = at {
            let current = module.scope(id);
            at = current.parent;
            if current.globals.contains(name) {
                at = Some(MODULE_SCOPE);
                inner = false;
                if id != MODULE_SCOPE {
                    continue;
                }
            }
            // A class body's names are not seen from its methods.
            if current.kind == ScopeKind::Class && !inner {
                continue;
            }
            if let Some(bindings) = current.bindings.get(name) {
                let same_scope =
                    inner && !matches!(current.kind, ScopeKind::Comprehension | ScopeKind::Lambda);
                let reaching = reaching(module, bindings, use_at.filter(|_| same_scope));
                return reaching
                    .into_iter()
                    .flat_map(|binding| self.binding(file, id, &binding.value))
                    .collect();
            }
            if !current.stars.is_empty()
                && let Some(found) = self.starred(file, &current.stars, name)
            {
                return found;
            }
            // From a comprehension or lambda, the place of use still holds for the function around it.
            inner = inner && matches!(current.kind, ScopeKind::Comprehension | ScopeKind::Lambda);
        }
        let builtin = format!("builtins.{name}");
        let known = self.catalog().function(&builtin).is_some() || BUILTINS.contains(&&**name);
        if known {
            vec![Typed::certain(Value::External(builtin.into()))]
        } else {
            Vec::new()
        }
    }

    /// A name at the top level of a module, as another module sees it.
    pub fn exported(&mut self, file: FileId, name: &Name) -> Vec<Typed> {
        let Some(module) = self.program.module(file) else {
            return Vec::new();
        };
        let top = module.scope(MODULE_SCOPE);
        if let Some(bindings) = top.bindings.get(name) {
            let found = self.find(Key::Exported(file, name.clone()), |resolver| {
                bindings
                    .iter()
                    .flat_map(|binding| resolver.binding(file, MODULE_SCOPE, &binding.value))
                    .collect()
            });
            return found.to_vec();
        }
        self.starred(file, &top.stars, name).unwrap_or_default()
    }

    fn starred(&mut self, file: FileId, stars: &[usize], name: &Name) -> Option<Vec<Typed>> {
        let program = self.program;
        let module = program.module(file)?;
        for &index in stars.iter().rev() {
            let import = &module.imports[index];
            match program
                .table
                .locate(&program.file(file).path, import.level, &import.module)
            {
                Some(Located::File(other)) if other != file => {
                    let binds = program.module(other).is_some_and(|found| {
                        let top = found.scope(MODULE_SCOPE);
                        top.bindings.contains_key(name) || !top.stars.is_empty()
                    });
                    if binds && !name.starts_with('_') {
                        let key = Key::Lineage(Definition {
                            file: other,
                            scope: MODULE_SCOPE,
                        });
                        let found = self
                            .enter(&key, |resolver| resolver.exported(other, name))
                            .map_or_else(Vec::new, |(found, _)| found);
                        if !found.is_empty() {
                            return Some(found);
                        }
                    }
                }
                Some(_) => {}
                None => {
                    let qualified = format!("{}.{name}", import.module);
                    if import.level == 0
                        && (self.catalog().function(&qualified).is_some()
                            || self.catalog().makes(&qualified).is_some())
                    {
                        return Some(vec![Typed::certain(self.external(&qualified))]);
                    }
                }
            }
        }
        None
    }

    pub(super) fn external(&self, name: &str) -> Value {
        if let Some(class) = boto3_stub(name) {
            return Value::External(class.into());
        }
        Value::External(self.catalog().canonical(name).into())
    }

    pub(super) fn binding(
        &mut self,
        file: FileId,
        scope: ScopeId,
        binding: &BindingValue,
    ) -> Vec<Typed> {
        let at = |expr| Site { file, expr };
        match binding {
            BindingValue::Import(index) => {
                let program = self.program;
                let key = Key::Imported(file, *index as u32);
                let found = self.find(key, |resolver| {
                    program.module(file).map_or_else(Vec::new, |module| {
                        resolver.imported(file, &module.imports[*index])
                    })
                });
                found.to_vec()
            }
            BindingValue::Value(expr) | BindingValue::Added(expr) => {
                self.values(at(*expr)).to_vec()
            }
            BindingValue::Annotated(annotation, value) => {
                let mut found: Vec<Typed> = match value {
                    Some(value) => self.values(at(*value)).to_vec(),
                    None => Vec::new(),
                };
                found.retain(|typed| match &typed.value {
                    Value::Literal(_) => value.is_some(),
                    // `client: Client = Field(default_factory=Client)`
                    Value::Instance(class, _) => !PYDANTIC_FIELDS.contains(&&**class),
                    _ => true,
                });
                if found
                    .iter()
                    .all(|typed| matches!(typed.value, Value::Literal(_)))
                {
                    found.extend(self.type_of(at(*annotation)));
                }
                found
            }
            BindingValue::Item(expr, path) => {
                let values = self.values(at(*expr)).to_vec();
                self.items(values, path)
            }
            BindingValue::Entered(expr) => {
                self.each(at(*expr), |resolver, typed| resolver.entered(&typed.value))
            }
            BindingValue::Element(expr, path) => {
                let elements =
                    self.each(at(*expr), |resolver, typed| resolver.elements(&typed.value));
                self.items(elements, path)
            }
            BindingValue::Definition(inner) => self.definition(Definition {
                file,
                scope: *inner,
            }),
            BindingValue::Parameter(index) => {
                self.parameter(Definition { file, scope }, *index).to_vec()
            }
            BindingValue::Unknown => Vec::new(),
        }
    }

    /// The items of unpacked values, along a path of indexes.
    fn items(&mut self, values: Vec<Typed>, path: &[u16]) -> Vec<Typed> {
        let mut values = values;
        for &index in path {
            let mut next = Vec::new();
            for typed in values {
                let found: Vec<Typed> = match &typed.value {
                    Value::Tuple(items) => {
                        items.get(usize::from(index)).cloned().unwrap_or_default()
                    }
                    Value::Literal(site) => self.literal_item(*site, usize::from(index)),
                    // A call that gives several things of which one matters: `reader, writer = …`.
                    Value::Instance(class, _)
                        if self.catalog().member_makes(class, ".__iter__").is_none() =>
                    {
                        vec![typed.clone()]
                    }
                    _ => self.elements(&typed.value),
                };
                next.extend(found.into_iter().map(|found| found.at_most(typed.certain)));
            }
            values = next;
        }
        values
    }

    fn literal_item(&mut self, site: Site, index: usize) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        match &module.expr(site.expr).kind {
            ExprKind::Sequence(items) => items.get(index).map_or(Vec::new(), |&expr| {
                self.values(Site { expr, ..site }).to_vec()
            }),
            _ => Vec::new(),
        }
    }

    /// What a loop over the value gives.
    pub fn elements(&mut self, value: &Value) -> Vec<Typed> {
        match value {
            Value::Container(held) => held.to_vec(),
            Value::Tuple(items) => items.iter().flatten().cloned().collect(),
            Value::Literal(site) => {
                let Some(module) = self.program.module(site.file) else {
                    return Vec::new();
                };
                match &module.expr(site.expr).kind {
                    ExprKind::Sequence(items) => items
                        .iter()
                        .flat_map(|&expr| self.values(Site { expr, ..*site }).to_vec())
                        .collect(),
                    _ => Vec::new(),
                }
            }
            Value::Instance(class, made) => match self.catalog().member_makes(class, ".__iter__") {
                Some("<model>") => made.map_or(Vec::new(), |made| self.receiver_model(made)),
                Some(item) => vec![Typed::certain(Value::Instance(item.into(), *made))],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn subscript(&mut self, value: &Value, site: Site, items: &[ExprId]) -> Vec<Typed> {
        if self.is_slice(site, items) {
            return self.sliced(value);
        }
        match value {
            Value::Container(held) => held.to_vec(),
            Value::Tuple(parts) => {
                let index = items
                    .first()
                    .and_then(|&item| self.integer(Site { expr: item, ..site }));
                match index.and_then(|index| parts.get(index)) {
                    Some(part) => part.clone(),
                    None => parts.iter().flatten().cloned().collect(),
                }
            }
            Value::Literal(literal) => self.literal_subscript(*literal, site, items),
            Value::Class(class) => vec![Typed::certain(Value::Class(*class))],
            Value::Object(class, made) => self.typed_dict_entry(*class, *made, site, items),
            Value::Instance(class, made) => match self.catalog().member_makes(class, "[]") {
                Some("<model>") => made.map_or_else(Vec::new, |made| self.receiver_model(made)),
                Some(item) => vec![Typed::certain(Value::Instance(item.into(), Some(site)))],
                None => Vec::new(),
            },
            Value::External(name) => match self.catalog().makes(&format!("{name}[]")) {
                Some(made) if made != "<model>" => {
                    vec![Typed::certain(Value::Instance(made.into(), Some(site)))]
                }
                // `os.environ["X"]` and the like denote nothing; a subscripted class is a type.
                _ => vec![Typed::certain(Value::Type(site))],
            },
            _ => Vec::new(),
        }
    }

    fn is_slice(&self, site: Site, items: &[ExprId]) -> bool {
        let module = self.program.module(site.file);
        items.iter().any(|&item| {
            module.is_some_and(|module| matches!(module.expr(item).kind, ExprKind::Slice))
        })
    }

    /// A part of a list or of a query is one itself.
    fn sliced(&self, value: &Value) -> Vec<Typed> {
        let stays = match value {
            Value::Container(_) => true,
            Value::Literal(literal) => self.program.module(literal.file).is_some_and(|module| {
                matches!(module.expr(literal.expr).kind, ExprKind::Sequence(_))
            }),
            Value::Instance(class, _) => self.catalog().member_makes(class, ".__iter__").is_some(),
            _ => false,
        };
        stays
            .then(|| Typed::certain(value.clone()))
            .into_iter()
            .collect()
    }

    /// `context["session"]` of a `TypedDict` is the field of that name.
    fn typed_dict_entry(
        &mut self,
        class: Definition,
        made: Option<Site>,
        site: Site,
        items: &[ExprId],
    ) -> Vec<Typed> {
        let is_typed_dict = self.lineage(class).iter().any(
            |ancestor| matches!(ancestor, Ancestor::External(name) if name.ends_with(".TypedDict")),
        );
        let key = items
            .first()
            .and_then(|&item| self.constant(Site { expr: item, ..site }));
        match key {
            Some(key) if is_typed_dict => self.object_member(class, &key.into(), made, Some(site)),
            _ => Vec::new(),
        }
    }

    fn literal_subscript(&mut self, literal: Site, site: Site, items: &[ExprId]) -> Vec<Typed> {
        let Some(module) = self.program.module(literal.file) else {
            return Vec::new();
        };
        let item = items.first().map(|&expr| Site { expr, ..site });
        match &module.expr(literal.expr).kind {
            ExprKind::Sequence(_) => match item.and_then(|item| self.integer(item)) {
                Some(index) => self.literal_item(literal, index),
                None => self.elements(&Value::Literal(literal)),
            },
            ExprKind::Dict(entries) => {
                let wanted = item.and_then(|item| self.constant(item));
                let mut found = Vec::new();
                for (key, value) in entries {
                    let key = key.and_then(|expr| self.constant(Site { expr, ..literal }));
                    if wanted.is_none() || key.is_none() || key == wanted {
                        found.extend(
                            self.values(Site {
                                expr: *value,
                                ..literal
                            })
                            .to_vec(),
                        );
                    }
                }
                found
            }
            _ => Vec::new(),
        }
    }

    /// What a dict literal or container gives for any key.
    pub(super) fn any_entry(&mut self, value: &Value) -> Vec<Typed> {
        match value {
            Value::Literal(site) => {
                let Some(module) = self.program.module(site.file) else {
                    return Vec::new();
                };
                match &module.expr(site.expr).kind {
                    ExprKind::Dict(entries) => entries
                        .iter()
                        .flat_map(|(_, expr)| {
                            self.values(Site {
                                expr: *expr,
                                ..*site
                            })
                            .to_vec()
                        })
                        .collect(),
                    _ => self.elements(value),
                }
            }
            _ => self.elements(value),
        }
    }

    fn integer(&self, site: Site) -> Option<usize> {
        match &self.program.module(site.file)?.expr(site.expr).kind {
            ExprKind::Constant(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn imported(&mut self, file: FileId, import: &Import) -> Vec<Typed> {
        let program = self.program;
        let path = &program.file(file).path;
        let dotted = match import.name {
            ImportedName::Root => import.module.split('.').next().unwrap_or_default(),
            _ => &import.module,
        };
        // The client itself is not part of what is analysed, even where it lies in the repo.
        if import.level == 0
            && dotted.split('.').next() == Some("governor")
            && self.is_client(path, import.level)
        {
            let name = match &import.name {
                ImportedName::Member(name) => format!("{dotted}.{name}"),
                _ => dotted.to_owned(),
            };
            return vec![Typed::certain(Value::External(name.into()))];
        }
        let located = program.table.locate(path, import.level, dotted);
        let ImportedName::Member(name) = &import.name else {
            return match located {
                Some(located) => vec![Typed::certain(module_value(located))],
                None if import.level == 0 => vec![Typed::certain(self.external(dotted))],
                None => Vec::new(),
            };
        };
        match located {
            Some(located) => {
                if located == Located::File(file) && self.program.module(file).is_none() {
                    return Vec::new();
                }
                self.module_member(&located, name)
            }
            None if import.level == 0 => {
                let full = format!("{dotted}.{name}");
                if !self.catalog().is_known(&full)
                    && let Some(class) = self
                        .catalog()
                        .class_like(name, |root| program.imported.contains(root))
                {
                    return vec![Typed::likely(Value::External(class.into()))];
                }
                vec![Typed::certain(self.external(&full))]
            }
            None => Vec::new(),
        }
    }

    /// Whether `governor` in this file is the enforce client: installed, or vendored into the repo.
    fn is_client(&self, path: &str, level: u32) -> bool {
        match self.program.table.locate(path, level, "governor") {
            None => true,
            Some(Located::File(file)) => {
                let folder = self.program.file(file).path.trim_end_matches("__init__.py");
                ["_gate.py", "_plane.py"].iter().any(|name| {
                    self.program
                        .table
                        .file(&format!("{folder}{name}"))
                        .is_some()
                })
            }
            Some(Located::Folder(_)) => false,
        }
    }

    pub(super) fn module_member(&mut self, located: &Located, name: &Name) -> Vec<Typed> {
        if let Located::File(file) = located {
            let key = Key::Lineage(Definition {
                file: *file,
                scope: MODULE_SCOPE,
            });
            let binds = self.program.module(*file).is_some_and(|module| {
                let top = module.scope(MODULE_SCOPE);
                top.bindings.contains_key(name) || !top.stars.is_empty()
            });
            if binds {
                let found =
                    if self.program.module(*file).is_some_and(|module| {
                        module.scope(MODULE_SCOPE).bindings.contains_key(name)
                    }) {
                        self.exported(*file, name)
                    } else {
                        self.enter(&key, |resolver| resolver.exported(*file, name))
                            .map_or_else(Vec::new, |(found, _)| found)
                    };
                if !found.is_empty() {
                    return found;
                }
            }
        }
        let program = self.program;
        let submodule = program
            .table
            .submodule(located, |id| program.file(id).path.clone(), name);
        submodule
            .map(|located| Typed::certain(module_value(located)))
            .into_iter()
            .collect()
    }
}

/// The stubs of boto3 name each service's client and resource: `mypy_boto3_s3.client.S3Client`.
fn boto3_stub(name: &str) -> Option<String> {
    const STUBS: &[&str] = &["mypy_boto3_", "types_boto3_", "types_aiobotocore_"];
    let rest = STUBS.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    let (service, path) = rest.split_once('.')?;
    let service = service.replace('_', "-");
    let class = path.rsplit('.').next().unwrap_or_default();
    if class.ends_with("Client") {
        Some(format!("boto3.client:{service}"))
    } else if class.ends_with("ServiceResource") {
        Some(format!("boto3.resource:{service}"))
    } else if class.ends_with("Paginator")
        || class.ends_with("Waiter")
        || path == class.to_lowercase()
    {
        None
    } else {
        Some(format!("boto3.resource:{service}.{class}"))
    }
}

pub(super) fn module_value(located: Located) -> Value {
    match located {
        Located::File(file) => Value::Module(file),
        Located::Folder(folder) => Value::Namespace(Arc::from(folder)),
    }
}

/// The bindings of a name that may hold at a place of use in the same scope.
fn reaching<'b>(
    module: &Module,
    bindings: &'b [Binding],
    use_at: Option<(u32, BlockId)>,
) -> Vec<&'b Binding> {
    let Some((position, block)) = use_at else {
        return bindings.iter().collect();
    };
    let before: Vec<&Binding> = bindings
        .iter()
        .filter(|binding| binding.from <= position)
        .collect();
    if before.is_empty() {
        return bindings.iter().collect();
    }
    let enclosing: Vec<BlockId> = module.enclosing_blocks(block).map(|(id, _)| id).collect();
    let last_sure = before.iter().rposition(|binding| {
        enclosing.contains(&binding.block) && !matches!(binding.value, BindingValue::Added(_))
    });
    before[last_sure.unwrap_or(0)..].to_vec()
}

/// Say how a field is made; what it holds, its annotation says.
const PYDANTIC_FIELDS: &[&str] = &["pydantic.Field", "pydantic.PrivateAttr", "sqlmodel.Field"];

const TEXT_METHODS: &[&str] = &[
    "bindparams",
    "decode",
    "encode",
    "format",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "rstrip",
    "strip",
];

const TEXT_FUNCTIONS: &[&str] = &[
    "builtins.str",
    "decouple.config",
    "os.environ.get",
    "os.getenv",
    "os.path.join",
    "textwrap.dedent",
    "urllib.parse.urljoin",
];

/// Builtins that matter to resolution although no rule names them.
const BUILTINS: &[&str] = &[
    "__import__",
    "aiter",
    "anext",
    "classmethod",
    "dict",
    "enumerate",
    "filter",
    "frozenset",
    "getattr",
    "iter",
    "list",
    "map",
    "next",
    "object",
    "property",
    "reversed",
    "set",
    "setattr",
    "sorted",
    "staticmethod",
    "str",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];
