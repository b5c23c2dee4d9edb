//! Qualified names: what an expression denotes, through imports, aliases, instances, factories, annotations and
//! re-exports, across the files of a repo.
//!
//! Nothing is run and nothing is guessed: an expression that could denote several things denotes all of them, one that
//! cannot be known denotes nothing.

use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Catalog;
use crate::syntax::module::{ExprId, ExprKind, MODULE_SCOPE, Module, Name, ScopeId, ScopeKind};

mod annotation;
mod argument;
mod based;
mod call;
mod class;
mod computed;
pub mod constant;
mod contents;
mod django;
mod heir;
mod import;
mod item;
mod kept;
mod lookup;
mod member;
mod memo;
mod modules;
mod named;
mod narrow;
mod needs;
mod parameter;
mod pipe;
mod query;
mod related;
mod relation;
mod result;
mod variable;

pub use argument::Given;
pub use based::BASED_NAMES;
pub use class::Ancestor;
pub use computed::ANY;
pub use contents::{Held, Put, Puts};
pub use django::is_settings;
pub use memo::{Key, Known, Resolver};
pub use modules::{FileTable, Located};
pub use needs::{Input, Needs};
pub use parameter::VAGUE;
pub use relation::Relation;

/// A Python file of the repo, by its index in [`Program::files`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A function or class of the repo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Definition {
    pub file: FileId,
    pub scope: ScopeId,
}

/// An expression of the repo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    pub file: FileId,
    pub expr: ExprId,
}

/// What an expression may denote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A module of the repo.
    Module(FileId),
    /// A folder of the repo without `__init__.py`.
    Namespace(Arc<str>),
    /// A module, class, function or object that the repo imports from elsewhere, by its catalog name.
    External(Name),
    /// An object of a class from elsewhere, and the expression that made it.
    Instance(Name, Option<Site>),
    /// An attribute, or a chain of them, of an [`Value::Instance`].
    Method {
        class: Name,
        chain: Name,
        made: Option<Site>,
        function: Option<Definition>,
    },
    Function(Definition),
    Class(Definition),
    /// An object of a class of the repo, and the expression that made it.
    Object(Definition, Option<Site>),
    /// A method of the repo bound to its class.
    Bound {
        method: Definition,
        class: Definition,
    },
    /// A function that a decorator turned into an object of `class`.
    Wrapped {
        class: Name,
        function: Definition,
    },
    /// A list, dict, generator, …: what it holds.
    Container(Arc<[Typed]>),
    Tuple(Arc<[Vec<Typed>]>),
    /// A literal in the source: string, list, tuple or dict.
    Literal(Site),
    /// A type expression that is more than a name.
    Type(Site),
    /// Something that gives these when called.
    Returns(Arc<[Typed]>),
    /// `super()` in a method of the class.
    Super(Definition),
}

/// A value and whether it is known through imports and assignments alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Typed {
    pub value: Value,
    pub certain: bool,
}

pub type Values = Arc<[Typed]>;

/// A file of the repo. `module` is empty for files that nothing needs.
#[derive(Debug)]
pub struct SourceModule {
    /// Relative to the root, with `/`.
    pub path: String,
    /// Dotted name as an import would spell it.
    pub name: String,
    pub is_test: bool,
    pub module: Option<std::sync::Arc<Module>>,
}

/// Where a function of the repo is called: the call (or the tuple of arguments that a call hands on), and how many
/// leading parameters it does not pass; less than zero where other arguments stand before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CalledFrom {
    pub site: Site,
    pub bound: i32,
}

/// Every file and every rule: what resolution looks at.
pub struct Program<'c> {
    pub catalog: &'c Catalog,
    pub files: Vec<SourceModule>,
    pub table: FileTable,
    /// Call sites of the repo's functions, as far as they are known; gives types to parameters without annotation.
    pub called_from: FxHashMap<Definition, Vec<CalledFrom>>,
    /// Top-level classes by their name in lower case, made on first use.
    pub classes: OnceLock<FxHashMap<String, Vec<Definition>>>,
    /// Attributes and items that are the same whatever object they are of, and their class: what is used as an SQLAlchemy
    /// session (`request.db`), and what the repo only ever keeps one class of objects in (`app["redis"]`).
    pub kept: FxHashMap<Name, Name>,
    /// What the repo puts into its own collections, by the expressions that make these.
    pub contents: FxHashMap<Site, Vec<Held>>,
    /// Functions that a call registers as handlers, and the classes of what they will be called with.
    pub given: FxHashMap<Definition, Vec<Name>>,
    /// Classes of the repo by each class that they derive from.
    pub subclasses: FxHashMap<Definition, Vec<Definition>>,
    /// Classes of the repo by each class from elsewhere that they derive from.
    pub derived: FxHashMap<Name, Vec<Definition>>,
    /// Relations between models by the name that the other side has for them, found on first use.
    pub relations: OnceLock<FxHashMap<Name, Vec<Relation>>>,
    /// Import roots that the repo's code names.
    pub imported: FxHashSet<String>,
    /// Names of the methods that the repo's own classes define, found on first use.
    pub methods: OnceLock<FxHashSet<Name>>,
    /// The repo's methods, tests aside, by their name, each behind its class; found on first use.
    pub methods_by_name: OnceLock<FxHashMap<Name, Vec<(Definition, Definition)>>>,
    /// What resolution found so far and what is added to the program does not change, by the groups of files.
    pub known: Vec<Known>,
    /// The repo's properties that call something, tests aside, by their name; found on first use.
    pub properties: OnceLock<FxHashMap<Name, Vec<Definition>>>,
    /// Modules that hold the settings of a Django project, found on first use.
    pub settings: OnceLock<Vec<FileId>>,
}

impl Program<'_> {
    pub fn file(&self, id: FileId) -> &SourceModule {
        &self.files[id.0 as usize]
    }

    pub fn module(&self, id: FileId) -> Option<&Module> {
        self.file(id).module.as_deref()
    }

    /// How many neighbouring files share a resolver, since they import the same things, which are then resolved once. It
    /// does not depend on the machine, so that what a resolver has seen before a file does not either.
    pub fn group_size(&self) -> usize {
        (self.files.len() / 32).clamp(32, 256)
    }

    /// The index of the group that a file is in.
    fn group(&self, file: FileId) -> usize {
        file.0 as usize / self.group_size()
    }

    fn is_name(&self, site: Site) -> bool {
        let module = self.module(site.file);
        module.is_some_and(|module| matches!(module.expr(site.expr).kind, ExprKind::Name(_)))
    }

    /// What was found for a key before.
    fn known(&self, key: &Key) -> Option<&(Values, Needs)> {
        self.known.get(self.group(key.file()?))?.get(key)
    }

    /// The top-level class that a framework names by a string or a part of a name, by its lower-case name: the one in
    /// the same file, else the first.
    pub fn class_named(&self, name: &str, file: FileId) -> Option<Definition> {
        let found = self.classes_named(name);
        let same_file = found.iter().find(|class| class.file == file);
        same_file.or(found.first()).copied()
    }

    /// Every top-level class of this name, whatever its case.
    fn classes_named(&self, name: &str) -> &[Definition] {
        self.classes_by_name()
            .get(&name.to_lowercase())
            .map_or(&[], |found| found.as_slice())
    }

    /// Every top-level class whose name, in lower case, ends so.
    fn classes_ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = Definition> + 'a {
        let classes = self.classes_by_name().iter();
        let ending = classes.filter(move |(name, _)| name.ends_with(end));
        ending.flat_map(|(_, classes)| classes.iter().copied())
    }

    fn classes_by_name(&self) -> &FxHashMap<String, Vec<Definition>> {
        self.classes.get_or_init(|| {
            let mut classes: FxHashMap<String, Vec<Definition>> = FxHashMap::default();
            for index in 0..self.files.len() as u32 {
                let scopes = self.module(FileId(index)).map_or(&[][..], |m| &m.scopes);
                for (scope, found) in scopes.iter().enumerate() {
                    if found.kind == ScopeKind::Class && found.parent == Some(MODULE_SCOPE) {
                        classes
                            .entry(found.name.to_lowercase())
                            .or_default()
                            .push(Definition {
                                file: FileId(index),
                                scope: ScopeId(scope as u32),
                            });
                    }
                }
            }
            classes
        })
    }

    /// Whether a class of the repo has a method or an attribute by this name.
    pub fn defines_method(&self, name: &Name) -> bool {
        let methods = self.methods.get_or_init(|| {
            let scopes = self
                .files
                .iter()
                .filter_map(|file| file.module.as_deref())
                .flat_map(|module| &module.scopes);
            let classes = scopes.filter(|scope| scope.kind == ScopeKind::Class);
            classes
                .flat_map(|scope| scope.bindings.keys().chain(scope.attributes.keys()))
                .cloned()
                .collect()
        });
        methods.contains(name)
    }

    /// `app.pay.charge`; the module's name for its top level.
    pub fn symbol(&self, definition: Definition) -> String {
        let file = self.file(definition.file);
        let inner = file
            .module
            .as_ref()
            .map_or("", |module| &module.scope(definition.scope).qualified_name);
        match (file.name.as_str(), inner) {
            (name, "") => name.to_owned(),
            ("", inner) => inner.to_owned(),
            (name, inner) => format!("{name}.{inner}"),
        }
    }
}

impl Typed {
    pub fn certain(value: Value) -> Typed {
        Typed {
            value,
            certain: true,
        }
    }

    pub fn likely(value: Value) -> Typed {
        Typed {
            value,
            certain: false,
        }
    }

    /// The same value, known no better than `certain`.
    pub fn at_most(mut self, certain: bool) -> Typed {
        self.certain &= certain;
        self
    }
}
