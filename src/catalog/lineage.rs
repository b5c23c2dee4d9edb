//! What classes derive from: by the rules' bases, or by the looks of their names.

use std::{iter, slice};

use super::*;

impl Catalog {
    /// A class and the classes it derives from, nearest first.
    pub fn lineage<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let behind: &[String] = match self.lineages.get(class) {
            Some(lineage) => &lineage[1..],
            None => self.shown_base(class).map_or(&[], |base| {
                self.lineages
                    .get(base)
                    .map_or(slice::from_ref(base), Vec::as_slice)
            }),
        };
        iter::once(class).chain(behind.iter().map(String::as_str))
    }

    /// Whether a class is the other one or derives from it.
    pub fn derives(&self, class: &str, from: &str) -> bool {
        self.lineage(class).any(|class| class == from)
    }

    /// What a class whose bases no rule lists derives from by the looks of its name.
    fn shown_base<'a>(&'a self, class: &str) -> Option<&'a String> {
        if is_model_of_app(class) {
            return self
                .lineages
                .get_key_value(DJANGO_MODEL)
                .map(|(name, _)| name);
        }
        self.likes.find(class).filter(|_| is_class(class))
    }

    /// Follows the bases of every class that has any.
    pub(super) fn settle_lineages(&mut self) {
        let classes = self.bases.keys().map(String::as_str);
        let classes = classes.chain(self.likes.classes()).chain([DJANGO_MODEL]);
        let lineages = classes.map(|class| (class.to_owned(), self.lineage_of(class)));
        self.lineages = lineages.collect();
    }

    fn lineage_of(&self, class: &str) -> Vec<String> {
        let mut found = vec![class];
        let mut at = 0;
        while at < found.len() && found.len() < MAX_LINEAGE {
            let alike = || self.likes.find(found[at]).map_or(&[][..], slice::from_ref);
            let bases = match self.bases.get(found[at]) {
                Some(listed) => listed.as_slice(),
                None if is_class(found[at]) => alike(),
                None => &[],
            };
            for base in bases {
                let base = self.canonical(base);
                if !found.contains(&base) {
                    found.push(base);
                }
            }
            at += 1;
        }
        found.into_iter().map(str::to_owned).collect()
    }
}

/// A class that derives from more than this is not followed on.
const MAX_LINEAGE: usize = 64;

fn is_model_of_app(class: &str) -> bool {
    let (module, name) = class.rsplit_once('.').unwrap_or(("", class));
    let root = module.split('.').next().unwrap_or_default();
    (root.starts_with("django_") || module.starts_with("django.contrib."))
        && module.contains(".models")
        && name.starts_with(|first: char| first.is_uppercase())
}

const DJANGO_MODEL: &str = "django.db.models.Model";
