//! Methods that no rule names, by their verb.

use super::*;

impl Catalog {
    /// The action that a generated client's method has by its verb.
    pub fn verb(&self, class: &str, method: &str) -> Option<(&Library, Action)> {
        let (library, verbs) =
            self.verbs
                .iter()
                .find(|(_, verbs)| match verbs.on.contains('*') {
                    true => like::matches(&verbs.on, class),
                    false => class.starts_with(&verbs.on),
                })?;
        let (group, method) = method.rsplit_once('.').unwrap_or(("", method));
        let is_operation = !method.starts_with('_') && verbs.grouped != group.is_empty();
        if verbs.none.iter().any(|name| name == method) || !is_operation {
            return None;
        }
        let longest = tables(verbs)
            .into_iter()
            .flat_map(|(prefixes, action)| prefixes.iter().map(move |prefix| (prefix, action)))
            .filter(|(prefix, _)| method.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len());
        if longest.is_none() && verbs.strict {
            return None;
        }
        Some((
            library,
            longest.map_or(Action::Execute, |(_, action)| action),
        ))
    }

    /// Whether a method begins with one of the verbs that clients like `class` have.
    pub fn has_verb(&self, class: &str, method: &str) -> bool {
        let mut tables = self.verbs.iter();
        let verbs = tables.find(|(_, verbs)| class.starts_with(&verbs.on));
        verbs.is_some_and(|(_, verbs)| {
            let mut words = tables_of(verbs);
            words.any(|verb| method.starts_with(verb.as_str()))
        })
    }

    /// The action of a method of a client that no rule knows, by its verb: `ovh.Client.post`.
    pub fn verb_of_client(&self, class: &str, method: &str) -> Option<(&Library, Action)> {
        let (module, name) = class.rsplit_once('.')?;
        let root = module.split('.').next().unwrap_or_default();
        // `acme.client.ClientV2`
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let plain = plain.strip_suffix('V').unwrap_or(plain);
        let is_client = ["API", "Api", "Client"]
            .iter()
            .any(|end| plain.ends_with(end))
            || ["_api", "_client", "_sdk"]
                .iter()
                .any(|end| root.ends_with(end));
        let is_stub = name.ends_with("Stub") && module.ends_with("_pb2_grpc");
        if !(is_client || is_stub) || self.imports.contains(root) || method.contains('.') {
            return None;
        }
        let path = class.to_lowercase();
        let is_other = ["fake", "mock", "oauth", "test"]
            .iter()
            .any(|word| path.contains(word));
        if is_other {
            return None;
        }
        let (library, verbs) = self.verbs.iter().find(|(_, verbs)| verbs.on == UNLISTED)?;
        // What a remote procedure is called is its author's choice.
        if is_stub {
            return Some((library, Action::Execute));
        }
        let is_word = |verb: &str| {
            let verb = verb.trim_end_matches('_');
            let follows = method.strip_prefix(verb);
            // A remote procedure: `SendSms`.
            let (first, others) = verb.split_at(1);
            let capital = method.strip_prefix(first.to_ascii_uppercase().as_str());
            let capital = capital.and_then(|rest| rest.strip_prefix(others));
            follows.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
                || capital.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        };
        let (_, action) = tables(verbs)
            .into_iter()
            .find(|(words, _)| words.iter().any(|verb| is_word(verb)))?;
        Some((library, action))
    }
}

/// The verbs of every action.
fn tables_of(verbs: &VerbRule) -> impl Iterator<Item = &String> {
    tables(verbs).into_iter().flat_map(|(verbs, _)| verbs)
}

/// The verbs of each action.
fn tables(verbs: &VerbRule) -> [(&[String], Action); 5] {
    [
        (&verbs.read, Action::Read),
        (&verbs.delete, Action::Delete),
        (&verbs.send, Action::Send),
        (&verbs.execute, Action::Execute),
        (&verbs.write, Action::Write),
    ]
}

/// What the table of verbs is called that holds for clients that no rule knows.
const UNLISTED: &str = "unlisted.Client";
