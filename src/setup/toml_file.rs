//! Merges a server into TOML: a new table goes to the end as text, an existing one is changed key by key.

use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, TomlError};

/// `text` with the table `[section.name]` holding every member of `entry`. `text` itself where nothing is missing.
pub fn merge(text: &str, section: &str, name: &str, entry: &Value) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        anyhow!("line {line}: {}", error.message())
    })?;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let servers = match document.get(section) {
        None => None,
        Some(item) => Some(
            item.as_table_like()
                .with_context(|| format!("`{section}` is no table"))?,
        ),
    };
    let known = servers.and_then(|servers| servers.get(name));
    if known.is_none() && document.get(section).is_none_or(Item::is_table) {
        let mut added = text.to_owned();
        if !text.is_empty() {
            if !text.ends_with('\n') {
                added += newline;
            }
            added += newline;
        }
        added += &table_text(section, name, entry)?.replace('\n', newline);
        if added.parse::<DocumentMut>().is_ok() {
            return Ok(added);
        }
    }
    let servers = document[section].or_insert(Item::Table(Table::new()));
    let servers = servers
        .as_table_like_mut()
        .with_context(|| format!("`{section}` is no table"))?;
    if servers.get(name).is_none() {
        servers.insert(name, Item::Table(Table::new()));
    }
    let server = servers.get_mut(name).and_then(Item::as_table_like_mut);
    let server = server.with_context(|| format!("`{section}.{name}` is no table"))?;
    if !set(server, entry)? {
        return Ok(text.to_owned());
    }
    let merged = document.to_string();
    Ok(if newline == "\r\n" {
        merged.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        merged
    })
}

/// Sets each member; says whether one was not so already.
fn set(table: &mut dyn TableLike, entry: &Value) -> anyhow::Result<bool> {
    let mut changed = false;
    for (key, value) in entry.as_object().into_iter().flatten() {
        let wanted = item(value)?;
        let same = table
            .get(key)
            .and_then(Item::as_value)
            .zip(wanted.as_value());
        if same.is_some_and(|(a, b)| a.clone().decorated("", "").to_string() == b.to_string()) {
            continue;
        }
        match table.get_mut(key) {
            Some(known) => *known = wanted,
            None => {
                table.insert(key, wanted);
            }
        }
        changed = true;
    }
    Ok(changed)
}

fn item(value: &Value) -> anyhow::Result<Item> {
    Ok(match value {
        Value::String(text) => toml_edit::value(text.as_str()),
        Value::Bool(flag) => toml_edit::value(*flag),
        Value::Array(items) => {
            let items = items.iter().filter_map(Value::as_str);
            toml_edit::value(items.collect::<Array>())
        }
        other => bail!("{other} has no place in a server's table"),
    })
}

fn table_text(section: &str, name: &str, entry: &Value) -> anyhow::Result<String> {
    let mut text = format!("[{section}.{name}]\n");
    for (key, value) in entry.as_object().into_iter().flatten() {
        let item = item(value)?;
        let value = item.as_value().map(ToString::to_string).unwrap_or_default();
        text += &format!("{key} = {}\n", value.trim());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let entry = json!({"command": "g", "args": ["serve"]});
        let merged = merge(before, "mcp_servers", "governor", &entry).expect("it parses");
        assert_eq!(merged, after);
        assert_eq!(
            merge(&merged, "mcp_servers", "governor", &entry).expect("it parses"),
            merged
        );
    }

    #[test]
    fn a_table_is_added_at_the_end() {
        let added = "[mcp_servers.governor]\ncommand = \"g\"\nargs = [\"serve\"]\n";
        check("", added);
        check(
            "a = 1 # one\n\n[mcp_servers.x]\ncommand = 'y'",
            &format!("a = 1 # one\n\n[mcp_servers.x]\ncommand = 'y'\n\n{added}"),
        );
        check(
            "a = 1\r\n",
            &format!("a = 1\n\n{added}").replace('\n', "\r\n"),
        );
    }

    #[test]
    fn a_known_table_keeps_what_the_user_added() {
        check(
            "[mcp_servers.governor] # mine\ncommand = \"old\"\nargs = ['serve']\nstartup_timeout_sec = 5\n\n[z]\n",
            "[mcp_servers.governor] # mine\ncommand = \"g\"\nargs = [\"serve\"]\nstartup_timeout_sec = 5\n\n[z]\n",
        );
    }

    #[test]
    fn what_does_not_parse_is_refused() {
        for text in ["a = ", "mcp_servers = 1\n", "[mcp_servers]\ngovernor = 1\n"] {
            assert!(
                merge(text, "mcp_servers", "governor", &json!({"command": "g"})).is_err(),
                "{text}"
            );
        }
    }
}
