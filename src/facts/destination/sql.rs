//! What SQL text and its constructs do, and to which tables.

use sqlparser::ast::{Statement, visit_relations};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::model::table_of;
use crate::facts::Action;
use crate::names::{Resolver, Site, Value};

pub(super) struct SqlStatement {
    pub action: Action,
    pub tables: Vec<String>,
}

pub(super) fn statement(
    resolver: &mut Resolver,
    argument: Option<Site>,
    text: Option<&str>,
) -> SqlStatement {
    if let Some(text) = text {
        return read_sql(resolver, text);
    }
    // `select(User)`, `insert(User).values(…)`: the construct says the verb, the model the table.
    if let Some(argument) = argument {
        for typed in resolver.values(argument).iter() {
            if let Value::Instance(class, made) = &typed.value {
                let action = match class.rsplit('.').next() {
                    Some("Select") => Action::Read,
                    Some("Insert" | "Update") => Action::Write,
                    Some("Delete") => Action::Delete,
                    _ => continue,
                };
                let model = made.and_then(|made| resolver.argument(made, Some(0), None));
                let tables = model
                    .and_then(|model| table_of(resolver, model))
                    .into_iter()
                    .collect();
                return SqlStatement { action, tables };
            }
        }
    }
    SqlStatement {
        action: Action::Execute,
        tables: Vec::new(),
    }
}

/// Stands for what is not constant in SQL text, as a letter of a name.
const HOLE: &str = "\u{a66e}";

/// The verb and tables of SQL text: by the parser where it parses, else by its words.
fn read_sql(resolver: &Resolver, text: &str) -> SqlStatement {
    let mut tables: Vec<String> = Vec::new();
    let plain = text.replace(['{', '}'], HOLE).replace("%s", "NULL");
    if let Ok(statements) = Parser::parse_sql(&GenericDialect {}, &plain) {
        let own_names: Vec<String> = statements
            .iter()
            .filter_map(|statement| match statement {
                Statement::Query(query) => query.with.as_ref(),
                _ => None,
            })
            .flat_map(|with| {
                with.cte_tables
                    .iter()
                    .map(|table| table.alias.name.value.clone())
            })
            .collect();
        let _: std::ops::ControlFlow<()> = visit_relations(&statements, |relation| {
            let name = relation.to_string().replace(['"', '`', '[', ']'], "");
            if !tables.contains(&name) && !own_names.contains(&name) {
                tables.push(name);
            }
            std::ops::ControlFlow::Continue(())
        });
    }
    if tables.is_empty() {
        tables = tables_by_words(text);
    }
    // Where a part of a name is not constant, what the statement touches is not known.
    if tables.iter().any(|table| table.contains(HOLE)) {
        tables.clear();
    }
    SqlStatement {
        action: verb(resolver, text),
        tables,
    }
}

pub(super) fn verb(resolver: &Resolver, text: &str) -> Action {
    let language = &resolver.program.catalog.language;
    let is_in =
        |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut strictest: Option<Action> = None;
    for statement in text.split(';') {
        let words = statement
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty());
        let mut words = words.peekable();
        let Some(first) = words.peek().copied() else {
            continue;
        };
        // A `WITH` says nothing; a data-modifying statement anywhere behind it does.
        let action = if first.eq_ignore_ascii_case("with") {
            let known = words.filter_map(|word| {
                ["INSERT", "UPDATE", "DELETE", "MERGE"]
                    .iter()
                    .find(|verb| verb.eq_ignore_ascii_case(word))
                    .copied()
            });
            known
                .map(|verb| {
                    if verb == "DELETE" {
                        Action::Delete
                    } else {
                        Action::Write
                    }
                })
                .max_by_key(strictness)
                .unwrap_or(Action::Read)
        } else if is_in(&language.sql_read, first) {
            Action::Read
        } else if is_in(&language.sql_delete, first) {
            Action::Delete
        } else if is_in(&language.sql_execute, first) || is_in(&language.sql_neutral, first) {
            Action::Execute
        } else if first.chars().all(|c| c.is_ascii_alphabetic())
            && KNOWN_WRITES.iter().any(|w| w.eq_ignore_ascii_case(first))
        {
            Action::Write
        } else {
            Action::Execute
        };
        strictest = strictest.into_iter().chain([action]).max_by_key(strictness);
    }
    strictest.unwrap_or(Action::Execute)
}

pub(super) fn cypher_action(text: &str) -> Action {
    let words: Vec<String> = text
        .split_whitespace()
        .map(str::to_ascii_uppercase)
        .collect();
    let has = |verbs: &[&str]| words.iter().any(|word| verbs.contains(&word.as_str()));
    match () {
        () if has(&["DELETE", "DETACH", "REMOVE", "DROP"]) => Action::Delete,
        () if has(&["CREATE", "MERGE", "SET"]) => Action::Write,
        () if has(&["CALL", "LOAD"]) => Action::Execute,
        () => Action::Read,
    }
}

fn strictness(action: &Action) -> u32 {
    match action {
        Action::Read => 0,
        Action::Export | Action::Send | Action::Write => 2,
        Action::Execute => 1,
        Action::Delete => 3,
    }
}

const KNOWN_WRITES: &[&str] = &[
    "ALTER", "ANALYZE", "ATTACH", "COMMENT", "COPY", "CREATE", "DETACH", "GRANT", "INSERT", "LOAD",
    "MERGE", "REINDEX", "RENAME", "REPLACE", "REVOKE", "UPDATE", "UPSERT", "VACUUM",
];

fn tables_by_words(text: &str) -> Vec<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || ",();".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let mut tables: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if !["from", "into", "update", "join", "table"]
            .contains(&word.to_ascii_lowercase().as_str())
        {
            continue;
        }
        let next = words[index + 1..].iter().find(|word| {
            !["if", "not", "exists", "only", "or", "ignore"]
                .contains(&word.to_ascii_lowercase().as_str())
        });
        let Some(next) = next else { continue };
        let name = next.trim_matches(|c| "\"`[]'".contains(c));
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || "_.{}-".contains(c));
        if is_name
            && !["select", "set", "values"].contains(&name.to_ascii_lowercase().as_str())
            && !tables.iter().any(|known| known == name)
        {
            tables.push(name.to_owned());
        }
    }
    tables
}
