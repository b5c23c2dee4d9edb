//! What names mean: which calls are side effects, which definitions are entrypoints, what a call makes.
//!
//! Built-in rules lie in `catalog/effects` and `catalog/entrypoints`, one file a library or framework; the build script
//! packs them. A repo's `governor.toml` adds rules in the same schema.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::sync::OnceLock;

use rustc_hash::{FxHashMap, FxHashSet};

mod build;
mod like;
mod lineage;
mod operation;
pub mod schema;
mod verb;
mod vocabulary;

use schema::*;
pub use vocabulary::{Action, Category, Role};

/// All rules, indexed by qualified name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub language: LanguageRules,
    /// Module or class → name or attribute chain → rule.
    effects: FxHashMap<String, FxHashMap<String, Rule>>,
    factories: FxHashMap<String, String>,
    aliases: FxHashMap<String, String>,
    bases: FxHashMap<String, Vec<String>>,
    /// For each class that derives from others: itself and all of these, nearest first.
    lineages: FxHashMap<String, Vec<String>>,
    likes: like::Likes,
    fluent: FxHashSet<String>,
    fields: FxHashMap<String, String>,
    /// Class → method that is called → methods that it runs.
    hooks: FxHashMap<String, FxHashMap<String, Vec<String>>>,
    /// The methods of `hooks`.
    hooked: FxHashSet<String>,
    /// Import roots of the classes of which making an object is an effect.
    made: FxHashSet<String>,
    injectors: FxHashSet<String>,
    transparent: FxHashSet<String>,
    containers: FxHashSet<String>,
    runners: FxHashMap<String, RunnerRule>,
    runner_methods: FxHashMap<String, RunnerRule>,
    verbs: Vec<(Library, VerbRule)>,
    /// `X()` for every rule about the result of a call.
    results: FxHashSet<String>,
    /// Entrypoint rules in file order.
    pub entrypoints: Vec<EntrypointRule>,
    /// Shape, a space and name → indexes into `entrypoints`.
    entrypoints_by_name: FxHashMap<String, Vec<usize>>,
    /// Import roots that make a file worth a parse.
    pub imports: FxHashSet<String>,
    not_intercepted: FxHashSet<String>,
    /// Library → its import roots.
    roots: FxHashMap<String, Vec<String>>,
    /// Method → the classes that have rules for it; made on first use.
    classes_by_method: OnceLock<FxHashMap<String, Vec<String>>>,
    /// Last part of a class's name → the classes of that name; made on first use.
    classes_by_name: OnceLock<FxHashMap<String, Vec<String>>>,
}

/// What a rule file says about all of its effects.
#[derive(Clone, Debug)]
pub struct Library {
    pub name: String,
    pub category: Category,
    pub resource_type: String,
    pub service: String,
    /// The client has a seam for it.
    pub intercepted: bool,
    /// It comes with Python: its paths are paths, never addresses.
    pub is_standard: bool,
}

/// How an effect's action is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionRule {
    Is(Action),
    ByMethod,
    ByMode,
    BySql,
    ByPresence,
    ByStep,
}

/// A call that is an effect.
#[derive(Clone, Debug)]
pub struct Rule {
    pub library: Library,
    pub action: ActionRule,
    pub decided_by: Option<ArgumentRule>,
    pub destination: Option<DestinationRule>,
}

/// A rule and the name under which it matched.
#[derive(Clone, Debug)]
pub struct Match<'c> {
    pub rule: &'c Rule,
    /// `on` + `.` + name, as the catalog spells it.
    pub call: String,
}

impl Catalog {
    /// The name that rules use for `name`.
    pub fn canonical<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, String::as_str)
    }

    /// The rule for `chain` (a name or a chain of attributes) on a module, a class or one of its bases.
    pub fn effect(&self, on: &str, chain: &str) -> Option<Match<'_>> {
        self.lineage(on).find_map(|class| {
            let rule = self.effects.get(class)?.get(chain)?;
            Some(Match {
                rule,
                call: format!("{class}.{chain}"),
            })
        })
    }

    /// The rule for a qualified name: `requests.get`, or `requests.Session.get` called on the class.
    pub fn function(&self, name: &str) -> Option<Match<'_>> {
        let mut at = name.len();
        for _ in 0..4 {
            at = name[..at].rfind('.')?;
            if let Some(found) = self.effect(&name[..at], &name[at + 1..]) {
                return Some(found);
            }
        }
        None
    }

    /// Whether a method's name alone tells what it is called on: `reply_text`, `fetchrow`. `beside` an import of its
    /// library more names do.
    pub fn is_distinctive(&self, method: &str, beside: bool) -> bool {
        let language = &self.language;
        let is_common = || {
            language
                .common
                .iter()
                .any(|start| method.starts_with(start.as_str()))
        };
        // What makes an object of a file or a text is a method of many classes.
        let has_words =
            method.contains('_') && !method.starts_with('_') && !method.starts_with("from_");
        has_words && (beside || !is_common())
            || language.distinctive.iter().any(|name| name == method)
    }

    /// The class that a method by this name belongs to, where the libraries that are `imported` have one only.
    pub fn class_with(&self, method: &str, imports: impl Fn(&str) -> bool) -> Option<&str> {
        self.class_among(false, method, imports)
    }

    /// The same among the clients of AWS.
    pub fn cloud_client_with(&self, method: &str, imports: impl Fn(&str) -> bool) -> Option<&str> {
        self.class_among(true, method, imports)
    }

    fn class_among(
        &self,
        of_cloud: bool,
        method: &str,
        imports: impl Fn(&str) -> bool,
    ) -> Option<&str> {
        let classes = self.classes_by_method.get_or_init(|| {
            let mut found: FxHashMap<String, Vec<String>> = FxHashMap::default();
            let is_client = |class: &str| is_class(class) || class.starts_with(CLOUD_CLIENT);
            for (class, rules) in self.effects.iter().filter(|(class, _)| is_client(class)) {
                for method in rules.keys().filter(|method| !method.contains('.')) {
                    found.entry(method.clone()).or_default().push(class.clone());
                }
            }
            // The class with the most rules is the one that such a method is called on.
            for classes in found.values_mut() {
                classes.sort_by_key(|class| (Reverse(self.effects[class].len()), class.clone()));
            }
            found
        });
        let has_library = |class: &&String| {
            let rule = &self.effects[*class][method];
            let roots = self.roots.get(&rule.library.name);
            roots.is_some_and(|roots| roots.iter().any(|root| imports(root)))
        };
        let is_wanted =
            |class: &&String| class.starts_with(CLOUD_CLIENT) == of_cloud && has_library(class);
        let found: Vec<&String> = classes.get(method)?.iter().filter(is_wanted).collect();
        let library = |class: &String| &self.effects[class][method].library.name;
        let first = found.first()?;
        found
            .iter()
            .all(|class| library(class) == library(first))
            .then_some(first.as_str())
    }

    /// Whether a method of a query only gives another query, which reads when it is looped over.
    pub fn only_builds(&self, class: &str, method: &str) -> bool {
        let made = self.method_makes(class, method);
        made.is_some_and(|made| self.method_makes(made, "__iter__") == Some("<model>"))
    }

    /// The class of an imported library that a class from elsewhere is named like: `telethonpatch.TelegramClient`.
    pub fn class_like(&self, name: &str, imports: impl Fn(&str) -> bool) -> Option<&str> {
        let words = name.chars().filter(char::is_ascii_uppercase).count();
        if words < 2 || !name.chars().any(|c| c.is_ascii_lowercase()) {
            return None;
        }
        let classes = self.classes_by_name.get_or_init(|| {
            let mut found: FxHashMap<String, Vec<String>> = FxHashMap::default();
            for class in self.effects.keys().filter(|class| is_class(class)) {
                let last = class.rsplit('.').next().unwrap_or_default();
                found
                    .entry(last.to_owned())
                    .or_default()
                    .push(class.clone());
            }
            found
        });
        match classes.get(name)?.as_slice() {
            [class] => imports(class.split('.').next()?).then_some(class.as_str()),
            _ => None,
        }
    }

    /// Whether some rule is about what calling `name` gives: `X()()`, or a class that derives from `X()`.
    pub fn knows_result(&self, result: &str) -> bool {
        self.results.contains(result)
    }

    /// The class and method that a call comes down to: `paginate` of a paginator calls the operation that it was made for.
    pub fn operation<'a>(&self, class: &'a str, method: &'a str) -> (Cow<'a, str>, &'a str) {
        let paginator = class
            .strip_prefix("boto3.paginator:")
            .filter(|_| method == "paginate");
        match paginator.and_then(|made_for| made_for.split_once('.')) {
            Some((service, operation)) => (format!("boto3.client:{service}").into(), operation),
            None => (class.into(), method),
        }
    }

    /// What a factory key (see [`FactoryRule`]) makes; keys of a class's bases count.
    pub fn makes(&self, key: &str) -> Option<&str> {
        self.factories.get(key).map(String::as_str)
    }

    /// What a module's rule for any of its attributes (`sh.<attr>`) makes of this one.
    pub fn any_attribute(&self, name: &str) -> Option<&str> {
        let (module, _) = name.rsplit_once('.')?;
        self.makes(&format!("{module}.<attr>"))
    }

    /// What a method of a class or one of its bases makes.
    pub fn method_makes(&self, class: &str, method: &str) -> Option<&str> {
        self.member_makes(class, ".", method)
    }

    /// What an attribute of a class or one of its bases gives.
    pub fn attribute_makes(&self, class: &str, attribute: &str) -> Option<&str> {
        self.member_makes(class, "::", attribute)
    }

    /// What an item of a class or one of its bases is.
    pub fn item_makes(&self, class: &str) -> Option<&str> {
        self.member_makes(class, "[]", "")
    }

    fn member_makes(&self, class: &str, mark: &str, name: &str) -> Option<&str> {
        let mut lineage = self.lineage(class);
        let made = lineage.find_map(|class| joined(&self.factories, &[class, mark, name]));
        made.map(String::as_str)
    }

    /// What a method of every service's class makes: `boto3.client:*.get_paginator`.
    pub fn method_of_any_makes(&self, class: &str, method: &str) -> Option<String> {
        self.member_of_any_makes(class, ".", method)
    }

    /// What an attribute of every service's class gives: `boto3.resource:*::meta.client`.
    pub fn attribute_of_any_makes(&self, class: &str, attribute: &str) -> Option<String> {
        self.member_of_any_makes(class, "::", attribute)
    }

    fn member_of_any_makes(&self, class: &str, mark: &str, name: &str) -> Option<String> {
        let (family, class) = class.split_once(':')?;
        let made = joined(&self.factories, &[family, ":*", mark, name])?;
        let service = class.split_once('.').map_or(class, |(service, _)| service);
        Some(made.replace("<service>", service))
    }

    /// What an attribute of a class gives without a call; `*.models.*` stands for the models of any Django app.
    pub fn property(&self, class: &str, name: &str) -> Option<&str> {
        let is_model = || {
            let last = class.rsplit('.').next().unwrap_or_default();
            class.contains(".models.") && last.starts_with(|c: char| c.is_uppercase())
        };
        self.attribute_makes(class, name).or_else(|| {
            self.makes(&format!("*.models.*::{name}"))
                .filter(|_| is_model())
        })
    }

    /// Whether any rule is about this method of the class.
    pub fn has_member(&self, class: &str, name: &str) -> bool {
        self.effect(class, name).is_some()
            || !self.entrypoint("call", class, name).is_empty()
            || !self.entrypoint("decorator", class, name).is_empty()
            || self.method_makes(class, name).is_some()
    }

    /// What an attribute gives whose name only ends as a rule says: `::*_set`.
    pub fn property_like(&self, class: &str, name: &str) -> Option<&str> {
        let (_, end) = name.rsplit_once('_')?;
        self.member_makes(class, "::*_", end)
    }

    /// The class whose subclasses declare fields of this class: `django.db.models.CharField` shows a model.
    pub fn field_of(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }

    /// Whether any rule is about the class or one of its bases.
    pub fn is_known(&self, class: &str) -> bool {
        let root = class.split('.').next().unwrap_or_default();
        self.bases.contains_key(class)
            || self.effects.contains_key(class)
            || self.imports.contains(root)
    }

    /// What a function makes that no rule names but one like it: `create_retrieval_chain(…)`.
    pub fn makes_alike(&self, name: &str) -> Option<&str> {
        let found = self.likes.find(name).filter(|_| !is_class(name));
        found.map(String::as_str)
    }

    /// Whether a class, or one that it derives from, is in the rules.
    pub fn is_fluent(&self, class: &str) -> bool {
        self.lineage(class).any(|class| self.fluent.contains(class))
    }

    pub fn is_injector(&self, name: &str) -> bool {
        self.injectors.contains(name)
    }

    pub fn is_transparent(&self, name: &str) -> bool {
        self.transparent.contains(name)
    }

    pub fn is_container(&self, name: &str) -> bool {
        self.containers.contains(name)
    }

    /// Which argument of this call is called by it.
    pub fn runner(&self, name: &str) -> Option<&RunnerRule> {
        self.runners.get(name)
    }

    pub fn runner_method(&self, method: &str) -> Option<&RunnerRule> {
        self.runner_methods.get(method)
    }

    /// Whether the client, once enabled with its default families, stops the call before it happens.
    pub fn is_intercepted(&self, library: &Library, call: &str) -> bool {
        library.intercepted
            && library.category != Category::Filesystem
            && !self.not_intercepted.contains(call)
    }

    /// The entrypoint rules of a shape that name `on` + `.` + `member` (or a base of `on`), or `on` alone.
    pub fn entrypoint(&self, shape: &str, on: &str, member: &str) -> Vec<&EntrypointRule> {
        for class in self.lineage(on) {
            let dot = if member.is_empty() { "" } else { "." };
            let name = [shape, " ", class, dot, member];
            if let Some(found) = joined(&self.entrypoints_by_name, &name) {
                return found
                    .iter()
                    .map(|&index| &self.entrypoints[index])
                    .collect();
            }
        }
        Vec::new()
    }

    /// The entrypoint rules of a shape that is not about names: `function`, `file`, `loop`.
    pub fn entrypoints_of_shape(&self, shape: &str) -> impl Iterator<Item = &EntrypointRule> {
        self.entrypoints
            .iter()
            .filter(move |rule| rule.shape == shape)
    }

    /// The type and the service of a host, by the first rule that matches.
    pub fn host(&self, host: &str) -> Option<(&str, &str)> {
        let rule = self
            .language
            .hosts
            .iter()
            .find(|(pattern, _, _)| host_matches(pattern, host))?;
        Some((&rule.1, &rule.2))
    }
}

impl EntrypointRule {
    pub fn role(&self) -> Role {
        if self.role == "process" {
            Role::Process
        } else {
            Role::Boundary
        }
    }
}

/// How the rules call the clients of AWS services.
const CLOUD_CLIENT: &str = "boto3.client:";

/// The entry under a key that is put together of `parts`, without memory for it each time.
fn joined<'m, T>(map: &'m FxHashMap<String, T>, parts: &[&str]) -> Option<&'m T> {
    thread_local! {
        static KEY: RefCell<String> = const { RefCell::new(String::new()) };
    }
    KEY.with_borrow_mut(|key| {
        key.clear();
        key.extend(parts.iter().copied());
        map.get(key)
    })
}

fn is_class(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.contains(':')
        && !last.ends_with(')')
}

fn host_matches(pattern: &str, host: &str) -> bool {
    if let Some(suffix) = pattern.strip_prefix('.') {
        return host == suffix || host.ends_with(pattern);
    }
    if !pattern.contains('*') {
        return pattern == host;
    }
    let (left, right): (Vec<&str>, Vec<&str>) =
        (pattern.split('.').collect(), host.split('.').collect());
    left.len() == right.len()
        && left
            .iter()
            .zip(&right)
            .all(|(label, found)| *label == "*" || label == found)
}

/// Whether a class is a model of an app that comes with Django or says that it is for it: `django_otp.models.Device`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rule_compiles() {
        let catalog = Catalog::builtin();
        assert!(catalog.effects.len() > 300 && catalog.transparent.len() > 5);
    }

    #[test]
    fn a_name_is_found_on_its_class_and_on_a_subclass() {
        let catalog = Catalog::builtin();
        assert_eq!(
            catalog
                .function("requests.get")
                .map(|found| found.call)
                .as_deref(),
            Some("requests.get")
        );
        assert!(catalog.effect("smtplib.SMTP_SSL", "login").is_some());
        assert!(catalog.function("requests.codes").is_none());
    }

    #[test]
    fn a_users_table_is_checked() {
        let error = Catalog::with_user_rules(
            "[[effect]]\non = \"acme\"\nnames = [\"pay\"]\naction = \"purchase\"\n",
        )
        .expect_err("`purchase` is no action");
        assert!(format!("{error:#}").contains("purchase"), "{error:#}");
    }
}
