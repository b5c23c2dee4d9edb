//! A Python module reduced to what name resolution needs: scopes, bindings and expressions, without the source.
//!
//! Expressions live in one arena and refer to each other by index. Nothing here is resolved: a `Name` is a name.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

/// Text that occurs in a module; equal names of one module share their memory.
pub type Name = Arc<str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScopeId(pub u32);

/// The scope of a module's top level.
pub const MODULE_SCOPE: ScopeId = ScopeId(0);

/// A suite of statements. Blocks form a tree that tells which binding certainly ran before which use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A place in the source. Lines and columns are 1-based; columns count Unicode characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Name(Name),
    Attribute(ExprId, Name),
    Call(ExprId, Box<[Argument]>),
    Subscript(ExprId, Box<[ExprId]>),
    /// A constant string; bytes count as strings.
    Str(Name),
    FString(Box<[FStringPart]>),
    /// A number, `True`, `False`, `None` or `...`.
    Constant(Name),
    /// A tuple, list or set.
    Sequence(Box<[ExprId]>),
    Dict(Box<[(Option<ExprId>, ExprId)]>),
    Await(ExprId),
    /// `a if c else b`, `a or b`, `a and b`: one of them.
    Either(Box<[ExprId]>),
    Binary(Operator, ExprId, ExprId),
    Lambda(ScopeId),
    /// The element of a comprehension.
    Comprehension(ExprId),
    /// `name := value`
    Walrus(Name, ExprId),
    Starred(ExprId),
    Yield(Option<ExprId>),
    /// `a:b` between brackets.
    Slice,
    /// Anything else; calls inside are still listed in [`Module::calls`].
    Other,
}

/// The binary operators that say something of what they give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    BitOr,
    Divide,
    Modulo,
    Other,
}

impl Operator {
    /// The operator that is written so.
    pub fn of(written: &str) -> Operator {
        match written {
            "+" => Operator::Add,
            "|" => Operator::BitOr,
            "/" => Operator::Divide,
            "%" => Operator::Modulo,
            _ => Operator::Other,
        }
    }
}

#[derive(Clone, Debug)]
pub enum FStringPart {
    Text(Name),
    Value(ExprId),
}

#[derive(Clone, Debug)]
pub struct Argument {
    pub keyword: Option<Name>,
    pub value: ExprId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    Module,
    Class,
    Function,
    Lambda,
    Comprehension,
}

#[derive(Clone, Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub parent: Option<ScopeId>,
    pub name: Name,
    /// Dotted name inside the module: `Client.send`; empty for the module.
    pub qualified_name: String,
    /// The block that the definition stands in.
    pub block: BlockId,
    /// The `def` or `class` line to the last line of the body.
    pub span: Span,
    pub parameters: Vec<Parameter>,
    pub returns: Option<ExprId>,
    pub return_values: Vec<ExprId>,
    pub yields: Vec<ExprId>,
    pub decorators: Vec<ExprId>,
    pub bases: Vec<Argument>,
    pub is_async: bool,
    pub bindings: FxHashMap<Name, Vec<Binding>>,
    /// Classes: what any of their methods assigns to `self.name`.
    pub attributes: FxHashMap<Name, Vec<AttributeBinding>>,
    /// Indexes into [`Module::imports`] of `from x import *`.
    pub stars: Vec<usize>,
    pub globals: Vec<Name>,
    pub nonlocals: Vec<Name>,
    /// Functions, classes and modules: what stands in the body, inner scopes included.
    pub body: Body,
}

/// A part of a module, by the places in the module's lists.
#[derive(Clone, Debug, Default)]
pub struct Body {
    pub exprs: Range<u32>,
    pub calls: Range<u32>,
    pub scopes: Range<u32>,
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Name,
    pub kind: ParameterKind,
    pub annotation: Option<ExprId>,
    pub default: Option<ExprId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    Positional,
    KeywordOnly,
    Args,
    Kwargs,
}

#[derive(Clone, Debug)]
pub struct Binding {
    pub value: BindingValue,
    pub block: BlockId,
    /// Byte offset from which the binding holds.
    pub from: u32,
}

#[derive(Clone, Debug)]
pub struct AttributeBinding {
    pub value: BindingValue,
    /// The method that assigns.
    pub scope: ScopeId,
}

#[derive(Clone, Debug)]
pub enum BindingValue {
    /// An index into [`Module::imports`].
    Import(usize),
    Value(ExprId),
    /// `name += value`: adds to what was there.
    Added(ExprId),
    /// A declared type, with the value if one stands beside it.
    Annotated(ExprId, Option<ExprId>),
    /// An item of an unpacked value, by its path of indexes.
    Item(ExprId, Box<[u16]>),
    /// The target of a `with` item.
    Entered(ExprId),
    /// The target of a loop over the value, possibly unpacked.
    Element(ExprId, Box<[u16]>),
    Definition(ScopeId),
    Parameter(u16),
    Unknown,
}

/// One imported name or module.
#[derive(Clone, Debug)]
pub struct Import {
    /// Leading dots of a relative import.
    pub level: u32,
    /// The module as written after the dots.
    pub module: String,
    pub name: ImportedName,
    pub block: BlockId,
    pub scope: ScopeId,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportedName {
    /// `import a.b` binds `a`.
    Root,
    /// `import a.b as c` binds `a.b`.
    Module,
    /// `from a import b`.
    Member(Name),
    /// `from a import *`.
    Star,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub parent: Option<BlockId>,
    pub kind: BlockKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum BlockKind {
    /// The body of a module, class or function.
    Body,
    /// The suite under an `if`, with its condition.
    If(ExprId),
    /// The suite under `if __name__ == "__main__"`.
    Main,
    Else,
    /// The suite of a `while`; its span is the whole statement.
    While,
    /// The suite of a `for`; its span is the whole statement.
    For,
    Try,
    Except,
    Finally,
    With(Box<[ExprId]>),
}

/// A call and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct CallSite {
    pub expr: ExprId,
    /// The scope whose names it sees.
    pub scope: ScopeId,
    pub block: BlockId,
    /// The statement that holds it.
    pub statement: Span,
}

/// The whole module.
#[derive(Clone, Debug)]
pub struct Module {
    pub exprs: Vec<Expr>,
    pub scopes: Vec<Scope>,
    pub blocks: Vec<Block>,
    pub imports: Vec<Import>,
    /// In source order.
    pub calls: Vec<CallSite>,
    /// The scope of each expression, for the expressions that are not in the scope of the statement around them.
    pub scope_of: Vec<ScopeId>,
    pub block_of: Vec<BlockId>,
    /// `ERROR` nodes: first and last line.
    pub unparsed: Vec<(u32, u32)>,
    /// What is assigned to attributes of anything but a method's `self`, and to items: `g.db = …`,
    /// `app.state.client = …`, `app["db"] = …`.
    pub stored: Vec<StoredAttribute>,
    /// What is assigned to items, whatever the key: `handlers[name] = …`.
    pub items: Vec<StoredItem>,
}

#[derive(Clone, Debug)]
pub struct StoredAttribute {
    pub object: ExprId,
    pub name: Name,
    pub value: BindingValue,
    pub scope: ScopeId,
}

#[derive(Clone, Debug)]
pub struct StoredItem {
    pub object: ExprId,
    pub key: ExprId,
    pub value: BindingValue,
    pub scope: ScopeId,
}

impl Module {
    /// Gives back the memory that growing left over.
    pub fn shrink(&mut self) {
        self.exprs.shrink_to_fit();
        self.scope_of.shrink_to_fit();
        self.block_of.shrink_to_fit();
        self.scopes.shrink_to_fit();
        self.blocks.shrink_to_fit();
        self.calls.shrink_to_fit();
    }

    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }

    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }

    /// The scope that an expression's names are looked up in.
    pub fn scope_of(&self, id: ExprId) -> ScopeId {
        self.scope_of[id.0 as usize]
    }

    /// The innermost function that holds `scope`, or the module: comprehensions, lambdas and class bodies run inside it.
    pub fn owner(&self, mut scope: ScopeId) -> ScopeId {
        loop {
            let at = self.scope(scope);
            match (at.kind, at.parent) {
                (ScopeKind::Function | ScopeKind::Module, _) | (_, None) => return scope,
                (_, Some(parent)) => scope = parent,
            }
        }
    }

    /// What a constant key is called: `[db]` for `app["db"]`, `[DB]` for `app[keys.DB]`.
    pub fn key_name(&self, key: ExprId) -> Option<Name> {
        match &self.expr(key).kind {
            ExprKind::Str(text) => Some(format!("[{text}]").into()),
            ExprKind::Name(name) | ExprKind::Attribute(_, name)
                if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') =>
            {
                Some(format!("[{name}]").into())
            }
            _ => None,
        }
    }

    /// What an expression calls, or the expression itself if it is no call: of a decorator, what decorates.
    pub fn callee(&self, expr: ExprId) -> ExprId {
        match self.expr(expr).kind {
            ExprKind::Call(function, _) => function,
            _ => expr,
        }
    }

    /// The object and the method of a call such as `object.method(…)`.
    pub fn method_call(&self, call: ExprId) -> Option<(ExprId, &Name)> {
        let ExprKind::Call(function, _) = self.expr(call).kind else {
            return None;
        };
        match &self.expr(function).kind {
            ExprKind::Attribute(object, method) => Some((*object, method)),
            _ => None,
        }
    }

    /// What an object is called: a variable, or an attribute of whatever object.
    pub fn called(&self, object: ExprId) -> Option<&Name> {
        match &self.expr(object).kind {
            ExprKind::Name(name) | ExprKind::Attribute(_, name) => Some(name),
            _ => None,
        }
    }

    /// Whether any import is of one of these roots.
    pub fn imports_any(&self, roots: &[impl AsRef<str>]) -> bool {
        self.imports.iter().any(|import| {
            let root = import.module.split('.').next().unwrap_or_default();
            import.level == 0 && roots.iter().any(|wanted| wanted.as_ref() == root)
        })
    }

    /// Whether `scope` is `outer` or stands in it.
    pub fn is_inside(&self, scope: ScopeId, outer: ScopeId) -> bool {
        let mut at = Some(scope);
        while let Some(id) = at {
            if id == outer {
                return true;
            }
            at = self.scope(id).parent;
        }
        false
    }

    /// The calls in the body of a function, class or module, inner scopes included.
    pub fn calls_in(&self, scope: ScopeId) -> &[CallSite] {
        let calls = &self.scope(scope).body.calls;
        &self.calls[calls.start as usize..calls.end as usize]
    }

    /// The expressions in the body of a function, class or module, inner scopes included.
    pub fn exprs_in(&self, scope: ScopeId) -> &[Expr] {
        let exprs = &self.scope(scope).body.exprs;
        &self.exprs[exprs.start as usize..exprs.end as usize]
    }

    /// The scopes in the body of a function, class or module, inner ones included.
    pub fn scopes_in(&self, scope: ScopeId) -> impl DoubleEndedIterator<Item = (ScopeId, &Scope)> {
        let scopes = self.scope(scope).body.scopes.clone();
        scopes.map(|index| (ScopeId(index), &self.scopes[index as usize]))
    }

    /// The blocks that hold `block`, itself first.
    pub fn enclosing_blocks(&self, block: BlockId) -> impl Iterator<Item = (BlockId, &Block)> {
        let mut next = Some(block);
        std::iter::from_fn(move || {
            let id = next?;
            let block = self.block(id);
            next = block.parent;
            Some((id, block))
        })
    }
}
