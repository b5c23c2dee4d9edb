//! What a class has by the classes that derive from it: a mixin, and a class from elsewhere with one heir.

use super::*;

impl<'p> Resolver<'p> {
    /// An attribute of an object that is said to be of a class from elsewhere, which only the repo's own class that
    /// derives from it has: `bot.db` of a `bot: commands.Bot`.
    pub(super) fn of_sole_heir(
        &mut self,
        class: &Name,
        name: &Name,
        site: Option<Site>,
    ) -> Vec<Typed> {
        let program = self.program;
        let Some([heir]) = program.derived.get(class).map(Vec::as_slice) else {
            return Vec::new();
        };
        let module = program.module(heir.file);
        let defines = module.is_some_and(|module| {
            let scope = module.scope(heir.scope);
            scope.bindings.contains_key(name) || scope.attributes.contains_key(name)
        });
        if !defines {
            return Vec::new();
        }
        let found = self.object_member(*heir, name, None, site).into_iter();
        found.map(|typed| typed.at_most(false)).collect()
    }

    /// `super().name` in a mixin is what stands behind the mixin in the classes that use it.
    pub(super) fn super_of_mixin(
        &mut self,
        mixin: Definition,
        name: &Name,
        site: Option<Site>,
    ) -> Vec<Typed> {
        self.in_users(mixin, |resolver, class, lineage| {
            let mut behind = lineage.iter();
            behind.find(|ancestor| **ancestor == Ancestor::Own(mixin));
            resolver.search(class, behind.as_slice(), name, true, None, site)
        })
    }

    /// `self.name` in a mixin is what the classes that use the mixin have under the name.
    pub(super) fn member_in_heirs(
        &mut self,
        mixin: Definition,
        name: &Name,
        on_object: bool,
        site: Option<Site>,
    ) -> Vec<Typed> {
        self.in_users(mixin, |resolver, class, lineage| {
            let derives = |ancestor: &Ancestor| matches!(ancestor, Ancestor::External(name) if !name.starts_with("builtins."));
            if !lineage.iter().any(derives) {
                return Vec::new();
            }
            resolver.search(class, lineage, name, on_object, None, site)
        })
    }

    /// What `look` finds in the first class using a mixin in which it finds anything.
    fn in_users(
        &mut self,
        mixin: Definition,
        look: impl Fn(&mut Self, Definition, &[Ancestor]) -> Vec<Typed>,
    ) -> Vec<Typed> {
        let users = self.program.subclasses.get(&mixin);
        for &class in users.into_iter().flatten().take(MAX_USERS_OF_MIXIN) {
            let lineage = self.lineage(class);
            let found = look(self, class, &lineage);
            if !found.is_empty() {
                let found = found.into_iter();
                return found.map(|typed| typed.at_most(false)).collect();
            }
        }
        Vec::new()
    }
}

/// Classes that use a mixin are alike; more than these are not asked.
const MAX_USERS_OF_MIXIN: usize = 8;
