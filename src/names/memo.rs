//! Resolution that looks for each thing once: what was found is kept, and cycles are gone round until nothing is added.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::needs::{Input, Needs};
use super::*;

/// Values nest no deeper than this; real code stays far below.
const MAX_DEPTH: u32 = 400;
/// An expression that may denote more things than this says nothing useful about any of them.
const MAX_VALUES: usize = 24;
/// Steps that one expression may take; after them, what was found so far is all that is known.
const MAX_STEPS: u32 = 100_000;
/// What a limit cut short is looked for again by the next expression that needs it, unless it took more steps than this.
const MANY_STEPS: u32 = 10_000;
/// Rounds in which what is assumed of a cycle may still grow.
const MAX_ROUNDS: u32 = 4;

/// Resolves the expressions of one file after another. Results are kept for the resolver's life; which files share one,
/// and in what order, is fixed, so that the answers are the same on every machine.
pub struct Resolver<'p> {
    pub program: &'p Program<'p>,
    memo: Known,
    pub(super) lineages: FxHashMap<Definition, (Rc<[Ancestor]>, Needs)>,
    /// For functions that run a function which they are passed with the arguments after it: its parameter, and that of
    /// the arguments.
    pub forwards: FxHashMap<Definition, Option<(u32, u32)>>,
    /// By what is looked for, the number of the look.
    active: FxHashMap<Key, u32>,
    depth: u32,
    /// Looks that one expression took so far.
    steps: u32,
    /// What was found of a cycle's parts while the cycle is not done: as good as it gets until then.
    unfinished: FxHashMap<Key, Unfinished>,
    /// The keys of parts of cycles that are not done, in the order in which they were found.
    parts: Vec<Key>,
    /// The keys of what a limit cut short; they are dropped, or else kept, once nothing is looked for.
    limited: Vec<Key>,
    /// What the look under way did without so far.
    cut: Cut,
    /// What the look under way asked for that may yet grow.
    needs: Needs,
    /// What is taken for the value of a key that is needed while it is looked for: what the round before found.
    assumed: FxHashMap<Key, Values>,
    /// Something assumed turned out to be more than was assumed.
    is_outdated: bool,
}

/// Results, each with what it would change with.
pub type Known = FxHashMap<Key, (Values, Needs)>;

/// Something whose value is being found; to need it again is a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A package that imports a name from itself needs that name to know it.
    Exported(FileId, Name),
    /// What an import binds, by its index.
    Imported(FileId, u32),
    Expr(Site),
    Returned(Definition),
    Parameter(Definition, u16),
    /// What a class derives from at once.
    Bases(Definition),
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

impl Key {
    /// The file that says the value, unless it takes all of them.
    pub(super) fn file(&self) -> Option<FileId> {
        match self {
            Key::Exported(file, _) | Key::Imported(file, _) => Some(*file),
            Key::Expr(site) | Key::Type(site) | Key::Model(site) => Some(site.file),
            Key::Returned(definition)
            | Key::Parameter(definition, _)
            | Key::Bases(definition)
            | Key::Subject(definition)
            | Key::Order(definition) => Some(definition.file),
            Key::Stored(_) => None,
        }
    }
}

/// What a result was found without.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// The number of the outermost look that it needed while that was not done.
    outermost: u32,
    /// It went too deep, or took too many steps.
    is_limited: bool,
}

impl Cut {
    const NONE: Cut = Cut {
        outermost: u32::MAX,
        is_limited: false,
    };

    const LIMITED: Cut = Cut {
        is_limited: true,
        ..Cut::NONE
    };

    fn at(number: u32) -> Cut {
        Cut {
            outermost: number,
            ..Cut::NONE
        }
    }

    pub(super) fn is_none(self) -> bool {
        self.outermost == u32::MAX && !self.is_limited
    }

    /// Whether it needed no look that is not done.
    fn is_whole(self) -> bool {
        self.outermost == u32::MAX
    }

    fn and(self, other: Cut) -> Cut {
        Cut {
            outermost: self.outermost.min(other.outermost),
            is_limited: self.is_limited || other.is_limited,
        }
    }

    /// What is left when the look of this number is done.
    fn outside(self, number: u32) -> Cut {
        match self.outermost >= number {
            true => Cut {
                outermost: u32::MAX,
                ..self
            },
            false => self,
        }
    }
}

/// A result that may not be kept yet.
struct Unfinished {
    found: Values,
    cut: Cut,
    needs: Needs,
}

impl<'p> Resolver<'p> {
    pub fn new(program: &'p Program<'p>) -> Self {
        Resolver {
            program,
            memo: Known::default(),
            lineages: FxHashMap::default(),
            forwards: FxHashMap::default(),
            active: FxHashMap::default(),
            depth: 0,
            steps: 0,
            unfinished: FxHashMap::default(),
            parts: Vec::new(),
            limited: Vec::new(),
            cut: Cut::NONE,
            needs: Needs::default(),
            assumed: FxHashMap::default(),
            is_outdated: false,
        }
    }

    /// What an expression may denote.
    pub fn values(&mut self, site: Site) -> Values {
        if let Some(plain) = self.plain(site) {
            return plain;
        }
        self.find(Key::Expr(site), |resolver| resolver.evaluate(site))
    }

    /// The values of `key`: known from before, or found by `look`.
    ///
    /// Where the value depends on itself, the whole cycle is looked at again with what the last round found, until a round
    /// finds nothing new; then all of its parts are known.
    pub(super) fn find(
        &mut self,
        key: Key,
        mut look: impl FnMut(&mut Self) -> Vec<Typed>,
    ) -> Values {
        let known = self.memo.get(&key).or_else(|| self.program.known(&key));
        if let Some((known, needs)) = known {
            self.needs.add(needs);
            return known.clone();
        }
        if let Some(known) = self.unfinished.get(&key) {
            self.cut = self.cut.and(known.cut);
            if known.cut.is_whole() {
                self.needs.add(&known.needs);
            }
            return known.found.clone();
        }
        let Some(number) = self.begin(&key) else {
            let nothing = Values::default;
            let is_cycle = self.active.contains_key(&key);
            return match is_cycle {
                true => self.assumed.entry(key).or_insert_with(nothing).clone(),
                false => nothing(),
            };
        };
        let cut_before = std::mem::replace(&mut self.cut, Cut::NONE);
        let needs_before = std::mem::take(&mut self.needs);
        let outdated_before = std::mem::replace(&mut self.is_outdated, false);
        let first_part = self.parts.len();
        let mut rounds = 0;
        let (values, cut) = loop {
            let mut found = look(self);
            tidy(&mut found);
            let values = shared(found);
            if let Some(assumed) = self.assumed.get_mut(&key)
                && *assumed != values
            {
                *assumed = values.clone();
                self.is_outdated = true;
            }
            let cut = self.cut.outside(number);
            rounds += 1;
            let is_done = !self.is_outdated || rounds > MAX_ROUNDS || self.steps > MAX_STEPS;
            if !cut.is_whole() || is_done {
                break (values, cut);
            }
            for part in self.parts.drain(first_part..) {
                self.unfinished.remove(&part);
            }
            self.cut = Cut::NONE;
            self.is_outdated = false;
        };
        self.is_outdated = outdated_before || (self.is_outdated && !cut.is_whole());
        self.cut = cut.and(cut_before);
        self.end(&key);
        if cut.is_none() {
            for part in self.parts.drain(first_part..) {
                if let Some(part_of) = self.unfinished.remove(&part) {
                    self.memo.insert(part, (part_of.found, self.needs.clone()));
                }
            }
            self.memo.insert(key, (values.clone(), self.needs.clone()));
        } else {
            if cut.is_whole() {
                for part in self.parts.drain(first_part..) {
                    if let Some(part_of) = self.unfinished.get_mut(&part) {
                        part_of.cut = cut;
                        part_of.needs = self.needs.clone();
                        self.limited.push(part);
                    }
                }
                self.limited.push(key.clone());
            } else {
                self.parts.push(key.clone());
            }
            let needs = self.needs.clone();
            let found = values.clone();
            // Who needs it before it is done, needs what it needed.
            self.unfinished
                .insert(key, Unfinished { found, cut, needs });
        }
        if self.depth == 0 {
            self.settle();
        }
        self.needs.add(&needs_before);
        values
    }

    /// Nothing is looked for any more: forgets what a limit cut short, unless it took long.
    fn settle(&mut self) {
        let is_kept = self.steps > MANY_STEPS;
        for key in self.limited.drain(..) {
            let found = self.unfinished.remove(&key);
            if let Some(Unfinished { found, needs, .. }) = found.filter(|_| is_kept) {
                self.memo.insert(key, (found, needs));
            }
        }
    }

    /// Begins to look for `key` and gives the number of the look, unless `key` is looked for already or all goes too deep:
    /// then there is no result, and what depends on it may not be kept.
    fn begin(&mut self, key: &Key) -> Option<u32> {
        if self.depth == 0 {
            self.steps = 0;
        }
        if let Some(&number) = self.active.get(key) {
            self.cut = self.cut.and(Cut::at(number));
            return None;
        }
        if self.depth > MAX_DEPTH || self.steps > MAX_STEPS {
            self.cut = self.cut.and(Cut::LIMITED);
            return None;
        }
        self.steps += 1;
        self.depth += 1;
        self.active.insert(key.clone(), self.steps);
        Some(self.steps)
    }

    fn end(&mut self, key: &Key) {
        self.active.remove(key);
        self.depth -= 1;
        if self.depth == 0 {
            self.assumed.clear();
        }
    }

    /// Runs `look`; with its result, what it was found without (nothing, if it may be kept) and what it would change with.
    pub(super) fn watched<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> (T, Cut, Needs) {
        let cut_before = std::mem::replace(&mut self.cut, Cut::NONE);
        let needs_before = std::mem::take(&mut self.needs);
        let found = look(self);
        let (cut, needs) = (self.cut, self.needs.clone());
        self.cut = cut.and(cut_before);
        self.needs.add(&needs_before);
        (found, cut, needs)
    }

    /// Tells that the look under way asks for `input`.
    pub(super) fn ask(&mut self, input: Input) {
        self.needs.add(&Needs::of(input));
    }

    /// Tells that the look under way uses what was found with `needs`.
    pub(super) fn use_found(&mut self, needs: &Needs) {
        self.needs.add(needs);
    }

    /// What was found of the files of a group, for those who look later or at other files. A name is as soon looked up
    /// again as found there, and there are as many as of all the rest.
    pub fn into_known(self, group: usize) -> Known {
        let program = self.program;
        let is_kept = |key: &Key| {
            let is_own = key.file().is_some_and(|file| program.group(file) == group);
            is_own && !matches!(key, Key::Expr(site) if program.is_name(*site))
        };
        let found = self.memo.into_iter();
        let mut known: Known = found.filter(|(key, _)| is_kept(key)).collect();
        known.shrink_to_fit();
        known
    }

    pub(super) fn catalog(&self) -> &'p Catalog {
        self.program.catalog
    }
}

/// Most of what is found is nothing, which needs no memory.
fn shared(found: Vec<Typed>) -> Values {
    if found.is_empty() {
        return Values::default();
    }
    found.into()
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
