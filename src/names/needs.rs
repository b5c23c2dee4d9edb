//! What a result would change with: of the program, resolution itself adds to some parts round after round.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashSet, FxHasher};

use super::{Definition, Name, Site};

/// A part of the program that may yet grow.
#[derive(Clone, Copy, Hash)]
pub enum Input<'n> {
    /// The calls of a function, in `Program::called_from`.
    Calls(Definition),
    /// What a framework calls a function with, in `Program::given`.
    Given(Definition),
    /// The class of what is kept under a name, in `Program::kept`.
    Kept(&'n Name),
    /// What a collection holds that an expression makes, in `Program::contents`.
    Contents(Site),
}

impl Input<'_> {
    /// Two inputs may share it: then one of them looks changed when the other is.
    pub fn id(self) -> u32 {
        let mut hasher = FxHasher::default();
        self.hash(&mut hasher);
        (hasher.finish() >> 32) as u32
    }
}

/// The inputs that a result was found with, sorted.
#[derive(Clone, Debug, Default)]
pub enum Needs {
    #[default]
    Nothing,
    These(Arc<[u32]>),
    /// Too many to tell them apart.
    Anything,
}

/// More inputs than these are not told apart.
const MAX_NEEDS: usize = 64;

impl Needs {
    pub fn of(input: Input) -> Needs {
        Needs::These(Arc::from([input.id()]))
    }

    /// Adds what another result was found with.
    pub fn add(&mut self, other: &Needs) {
        let all = match (&*self, other) {
            (_, Needs::Nothing) | (Needs::Anything, _) => return,
            (Needs::Nothing, _) | (_, Needs::Anything) => {
                *self = other.clone();
                return;
            }
            (Needs::These(own), Needs::These(others)) => {
                if Arc::ptr_eq(own, others) {
                    return;
                }
                let all = merged(own, others);
                match all.len() {
                    length if length == own.len() => return,
                    length if length == others.len() => Needs::These(others.clone()),
                    length if length > MAX_NEEDS => Needs::Anything,
                    _ => Needs::These(all.into()),
                }
            }
        };
        *self = all;
    }

    /// Whether any of these inputs is one of `changed`.
    pub fn meet(&self, changed: &FxHashSet<u32>) -> bool {
        match self {
            Needs::Nothing => false,
            Needs::These(inputs) => inputs.iter().any(|input| changed.contains(input)),
            Needs::Anything => !changed.is_empty(),
        }
    }
}

/// Both of two sorted lists, without repeats.
fn merged(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut all = [left, right].concat();
    all.sort_unstable();
    all.dedup();
    all
}
