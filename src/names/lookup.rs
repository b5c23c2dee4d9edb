//! From a name or an expression to its values.

use super::related::QUERY;
use super::*;
use crate::syntax::module::{
    Binding, BindingValue, BlockId, ExprKind, MODULE_SCOPE, Operator, ScopeKind,
};

impl<'p> Resolver<'p> {
    /// What an expression denotes that it takes no look for: a literal, or nothing.
    pub(super) fn plain(&self, site: Site) -> Option<Values> {
        match self.program.module(site.file)?.expr(site.expr).kind {
            ExprKind::Str(_) | ExprKind::FString(_) | ExprKind::Sequence(_) | ExprKind::Dict(_) => {
                Some(Values::from([Typed::certain(Value::Literal(site))]))
            }
            ExprKind::Constant(_) | ExprKind::Yield(_) | ExprKind::Slice | ExprKind::Other => {
                Some(Values::default())
            }
            _ => None,
        }
    }

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
                let found = self.narrowed(site, name, found);
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
                    let kept = self.kept_as(name, site);
                    return kept
                        .or_else(|| self.method_of_rows(at(*object), name))
                        .into_iter()
                        .collect();
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
                if functions.is_empty() && self.asks_for_rows(site) {
                    found.push(Typed::likely(Value::Instance(QUERY.into(), Some(site))));
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
            ExprKind::Await(inner) | ExprKind::Walrus(_, inner) | ExprKind::Starred(inner) => {
                self.values(at(*inner)).to_vec()
            }
            ExprKind::Either(options) => options
                .iter()
                .flat_map(|&option| self.values(at(option)).to_vec())
                .collect(),
            ExprKind::Binary(operator, left, right) => {
                let left = self.values(at(*left));
                match *operator {
                    // `Path / "x"` is a path; `prompt | model` runs like the pieces it is made of.
                    Operator::Divide => left
                        .iter()
                        .filter(|typed| matches!(typed.value, Value::Instance(..)))
                        .cloned()
                        .collect(),
                    Operator::BitOr => {
                        let right = self.values(at(*right));
                        self.piped(site, &left, &right)
                    }
                    Operator::Add | Operator::Modulo => {
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
            // What is plain.
            _ => Vec::new(),
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
                    Value::Instance(class, _) => !FIELDS.contains(&&**class),
                    _ => true,
                });
                if let (true, Some(value)) = (found.is_empty(), value) {
                    found.extend(self.field_default(at(*value)));
                }
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
}

impl<'p> Resolver<'p> {
    /// What a field holds that is declared with a default: `url: str = Field(default="…")`, `client: Client =
    /// field(default_factory=lambda: Client(timeout=5))`.
    fn field_default(&mut self, site: Site) -> Vec<Typed> {
        let Some(module) = self.program.module(site.file) else {
            return Vec::new();
        };
        let ExprKind::Call(callee, _) = module.expr(site.expr).kind else {
            return Vec::new();
        };
        let callee = self.values(Site {
            expr: callee,
            ..site
        });
        let is_field = |typed: &Typed| matches!(&typed.value, Value::External(name) if FIELDS.contains(&&**name));
        if !callee.iter().any(is_field) {
            return Vec::new();
        }
        let made = ["default_factory", "factory"];
        let made = made
            .iter()
            .find_map(|name| self.argument(site, None, Some(name)));
        if let Some(factory) = made {
            let found = self.each(factory, |resolver, typed| {
                resolver.called(&typed.value, factory)
            });
            // An empty dict says less than the annotation, as does an object of one class of the repo's.
            let tells = |typed: &Typed| matches!(&typed.value, Value::Instance(_, Some(_)));
            let found = found.into_iter().filter(tells);
            return found.map(|typed| typed.at_most(false)).collect();
        }
        let default = self.argument(site, Some(0), Some("default"));
        default.map_or_else(Vec::new, |default| {
            let values = self.values(default);
            let values = values
                .iter()
                .filter(|typed| matches!(typed.value, Value::Literal(_)));
            values.cloned().collect()
        })
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

/// Say how a field is made.
const FIELDS: &[&str] = &[
    "attr.field",
    "attr.ib",
    "attrs.field",
    "dataclasses.field",
    "msgspec.field",
    "pydantic.Field",
    "pydantic.PrivateAttr",
    "sqlmodel.Field",
];

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
