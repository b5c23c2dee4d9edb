//! Qualified names: what an expression denotes, through imports, aliases, instances, factories, annotations and
//! re-exports, across the files of a repo.
//!
//! Nothing is run and nothing is guessed: an expression that could denote several things denotes all of them, one that
//! cannot be known denotes nothing.

use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Catalog;
use crate::syntax::module::{ExprId, MODULE_SCOPE, Module, Name, ScopeId, ScopeKind};

mod annotation;
mod argument;
mod call;
mod class;
pub mod constant;
mod django;
mod heir;
mod import;
mod item;
mod kept;
mod lookup;
mod member;
mod modules;
mod named;
mod narrow;
mod parameter;
mod pipe;
mod query;
mod related;
mod relation;
mod result;

pub use class::Ancestor;
pub use modules::{FileTable, Located};
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

pub type Values = Rc<[Typed]>;

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

    /// The top-level class that a framework names by a string or a part of a name, by its lower-case name: the one in
    /// the same file, else the first.
    pub fn class_named(&self, name: &str, file: FileId) -> Option<Definition> {
        let found = self.classes_named(name);
        let same_file = found.iter().find(|class| class.file == file);
        same_file.or(found.first()).copied()
    }

    /// Every top-level class of this name, whatever its case.
    fn classes_named(&self, name: &str) -> &[Definition] {
        let classes = self.classes.get_or_init(|| {
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
        });
        classes
            .get(&name.to_lowercase())
            .map_or(&[], |found| found.as_slice())
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

/// Values nest no deeper than this; real code stays far below.
const MAX_DEPTH: u32 = 400;
/// An expression that may denote more things than this says nothing useful about any of them.
const MAX_VALUES: usize = 24;
/// Steps that one expression may take.
const MAX_STEPS: u32 = 100_000;
/// Rounds in which what is assumed of a cycle may still grow.
const MAX_ROUNDS: u32 = 4;

/// Resolves the expressions of one file after another. Results are kept for the resolver's life; which files share one,
/// and in what order, is fixed, so that the answers are the same on every machine.
pub struct Resolver<'p> {
    pub program: &'p Program<'p>,
    memo: FxHashMap<Key, Values>,
    bases: FxHashMap<Definition, Rc<[Ancestor]>>,
    lineages: FxHashMap<Definition, Rc<[Ancestor]>>,
    orders: FxHashMap<Definition, Option<(u16, Name)>>,
    /// For functions that run a function which they are passed with the arguments after it: its parameter, and that of
    /// the arguments.
    pub forwards: FxHashMap<Definition, Option<(u32, u32)>>,
    active: FxHashMap<Key, u32>,
    depth: u32,
    steps: u32,
    /// What was found of a cycle's parts while the cycle is not done: as good as it gets until then.
    unfinished: FxHashMap<Key, (Values, Cut)>,
    /// By depth, what of [`Resolver::unfinished`] holds until the look at that depth ends.
    until: Vec<Vec<Key>>,
    /// What the look under way did without so far.
    cut: Cut,
    /// What is taken for the value of a key that is needed while it is looked for: what the round before found.
    assumed: FxHashMap<Key, Values>,
    /// Something assumed turned out to be more than was assumed.
    is_outdated: bool,
}

/// Something whose value is being found; to need it again is a cycle.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A package that imports a name from itself needs that name to know it.
    Exported(FileId, Name),
    /// What an import binds, by its index.
    Imported(FileId, u32),
    Expr(Site),
    Returned(Definition),
    Parameter(Definition, u16),
    Lineage(Definition),
    /// The values that a type expression admits.
    Type(Site),
    /// The model that a query made there is about.
    Model(Site),
    /// The model that a view is about.
    Subject(Definition),
    /// What a function makes to the order of its caller.
    Order(Definition),
    /// An attribute of an object that a framework lends for such: `g.db`.
    Stored(Name),
}

/// The depths of the looks that a result needed while they were not done: it was found without them. Zero stands for the
/// limits of depth and of steps.
#[derive(Clone, Copy)]
struct Cut {
    outermost: u32,
    innermost: u32,
}

impl Cut {
    const NONE: Cut = Cut {
        outermost: u32::MAX,
        innermost: 0,
    };

    fn at(depth: u32) -> Cut {
        Cut {
            outermost: depth,
            innermost: depth,
        }
    }

    fn is_none(self) -> bool {
        self.outermost == u32::MAX
    }

    fn and(self, other: Cut) -> Cut {
        Cut {
            outermost: self.outermost.min(other.outermost),
            innermost: self.innermost.max(other.innermost),
        }
    }

    /// What is left when the look at `depth` is done.
    fn outside(self, depth: u32) -> Cut {
        if self.outermost >= depth || depth == 1 {
            return Cut::NONE;
        }
        Cut {
            outermost: self.outermost,
            innermost: self.innermost.min(depth - 1),
        }
    }
}

impl<'p> Resolver<'p> {
    pub fn new(program: &'p Program<'p>) -> Self {
        Resolver {
            program,
            memo: FxHashMap::default(),
            bases: FxHashMap::default(),
            lineages: FxHashMap::default(),
            orders: FxHashMap::default(),
            forwards: FxHashMap::default(),
            active: FxHashMap::default(),
            depth: 0,
            steps: 0,
            unfinished: FxHashMap::default(),
            until: Vec::new(),
            cut: Cut::NONE,
            assumed: FxHashMap::default(),
            is_outdated: false,
        }
    }

    /// What an expression may denote.
    pub fn values(&mut self, site: Site) -> Values {
        self.find(Key::Expr(site), |resolver| resolver.evaluate(site))
    }

    /// The values of `key`: known from before, or found by `look`.
    ///
    /// Where the value depends on itself, the whole cycle is looked at again with what the last round found, until a round
    /// finds nothing new; then all of its parts are known.
    fn find(&mut self, key: Key, mut look: impl FnMut(&mut Self) -> Vec<Typed>) -> Values {
        if let Some(known) = self.memo.get(&key) {
            return known.clone();
        }
        if let Some((known, cut)) = self.unfinished.get(&key) {
            self.cut = self.cut.and(*cut);
            return known.clone();
        }
        let Some(depth) = self.begin(&key) else {
            let nothing = || Rc::from([]);
            let is_cycle = self.active.contains_key(&key);
            return match is_cycle {
                true => self.assumed.entry(key).or_insert_with(nothing).clone(),
                false => nothing(),
            };
        };
        let cut_before = std::mem::replace(&mut self.cut, Cut::NONE);
        let outdated_before = std::mem::replace(&mut self.is_outdated, false);
        let mut rounds = 0;
        let (values, cut) = loop {
            let mut found = look(self);
            tidy(&mut found);
            let values: Values = found.into();
            if let Some(assumed) = self.assumed.get_mut(&key)
                && *assumed != values
            {
                *assumed = values.clone();
                self.is_outdated = true;
            }
            let cut = self.cut.outside(depth);
            rounds += 1;
            if !cut.is_none() || !self.is_outdated || rounds > MAX_ROUNDS {
                break (values, cut);
            }
            for part in self.parts(depth) {
                self.unfinished.remove(&part);
            }
            self.cut = Cut::NONE;
            self.is_outdated = false;
        };
        for part in self.parts(depth) {
            let Some((found, without)) = self.unfinished.remove(&part) else {
                continue;
            };
            if cut.is_none() {
                self.memo.insert(part, found);
            } else if cut.outermost > 0 {
                let innermost = cut.innermost;
                let without = Cut {
                    innermost,
                    ..without.and(cut)
                };
                self.keep_until(part, found, without);
            }
        }
        self.is_outdated = outdated_before || (self.is_outdated && !cut.is_none());
        self.cut = cut.and(cut_before);
        self.end(&key);
        if cut.is_none() {
            self.memo.insert(key, values.clone());
        } else if cut.outermost > 0 {
            self.keep_until(key, values.clone(), cut);
        }
        values
    }

    fn keep_until(&mut self, key: Key, values: Values, cut: Cut) {
        let depth = cut.innermost as usize;
        if self.until.len() <= depth {
            self.until.resize_with(depth + 1, Vec::new);
        }
        self.until[depth].push(key.clone());
        self.unfinished.insert(key, (values, cut));
    }

    /// The keys of what is unfinished until the look at `depth` ends.
    fn parts(&mut self, depth: u32) -> Vec<Key> {
        self.until
            .get_mut(depth as usize)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Begins to look for `key` and gives the depth of the look, unless `key` is looked for already or all goes too deep:
    /// then there is no result, and what depends on it may not be kept.
    fn begin(&mut self, key: &Key) -> Option<u32> {
        if self.depth == 0 {
            self.steps = 0;
        }
        self.steps += 1;
        if let Some(&depth) = self.active.get(key) {
            self.cut = self.cut.and(Cut::at(depth));
            return None;
        }
        if self.depth > MAX_DEPTH || self.steps > MAX_STEPS {
            self.cut = self.cut.and(Cut::at(0));
            return None;
        }
        self.depth += 1;
        self.active.insert(key.clone(), self.depth);
        Some(self.depth)
    }

    fn end(&mut self, key: &Key) {
        self.active.remove(key);
        self.depth -= 1;
        if self.depth == 0 {
            self.assumed.clear();
        }
    }

    /// Runs `look` for `key`, unless it is running for it already or has gone too deep. With the result, what it was found
    /// without.
    fn enter<T>(&mut self, key: &Key, look: impl FnOnce(&mut Self) -> T) -> Option<(T, Cut)> {
        let depth = self.begin(key)?;
        let entered = self.watched(|resolver| {
            let found = look(resolver);
            resolver.cut = resolver.cut.outside(depth);
            found
        });
        for part in self.parts(depth) {
            self.unfinished.remove(&part);
        }
        self.end(key);
        Some(entered)
    }

    /// Runs `look`; with its result, what it was found without: nothing, if it may be kept.
    fn watched<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> (T, Cut) {
        let before = std::mem::replace(&mut self.cut, Cut::NONE);
        let found = look(self);
        let cut = self.cut;
        self.cut = cut.and(before);
        (found, cut)
    }

    fn catalog(&self) -> &'p Catalog {
        self.program.catalog
    }
}

/// Drops repeats (the certain one stays) and anything over the limit.
fn tidy(values: &mut Vec<Typed>) {
    let mut kept: Vec<Typed> = Vec::with_capacity(values.len());
    for typed in values.drain(..) {
        if let Some(known) = kept.iter_mut().find(|known| known.value == typed.value) {
            known.certain |= typed.certain;
        } else if kept.len() < MAX_VALUES {
            kept.push(typed);
        }
    }
    *values = kept;
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
