//! Effects that are no call of a named function: to make an object, to call whatever a name put together at run time
//! says, to run what a subclass puts in the place of a method.

use super::*;

impl Catalog {
    /// The rule about making an object of a class, by the class's own name.
    pub fn made(&self, class: &str) -> Option<Match<'_>> {
        if !self.made.contains(class.split('.').next()?) {
            return None;
        }
        let found = self.effect(class, MADE)?;
        let call = class.to_owned();
        Some(Match { call, ..found })
    }

    /// The rule that stands for all methods of a class or functions of a module, where all of them reach the same kind of
    /// thing: which one is called, only the run tells.
    pub fn any_operation(&self, on: &str) -> Option<Match<'_>> {
        let found = self.lineage(on).find_map(|class| {
            let rules = self.effects.get(class)?;
            let mut named: Vec<(&String, &Rule)> = rules.iter().collect();
            named.sort_unstable_by_key(|(name, _)| *name);
            let writes =
                |(_, rule): &&(&String, &Rule)| rule.action == ActionRule::Is(Action::Write);
            let (_, first) = named.iter().find(writes).or(named.first())?;
            let agree = named
                .iter()
                .all(|(_, rule)| rule.library.category == first.library.category);
            (agree && named.len() > 1).then_some((class, *first))
        });
        let (class, rule) =
            found.filter(|(_, rule)| rule.library.category != Category::Filesystem)?;
        Some(Match {
            rule,
            call: format!("{class}.*"),
        })
    }

    /// The methods of a class's heirs that calling `method` of it runs.
    pub fn run_by(&self, class: &str, method: &str) -> &[String] {
        if !self.hooked.contains(method) {
            return &[];
        }
        self.lineage(class)
            .find_map(|class| self.hooks.get(class)?.get(method))
            .map_or(&[], Vec::as_slice)
    }
}

/// How the rules call what making an object does.
pub(super) const MADE: &str = "()";
