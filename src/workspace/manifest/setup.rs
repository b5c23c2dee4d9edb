//! `install_requires` of `setup.cfg` and `setup.py`.

use super::{Addition, Dependency, into_list, styled, whole_line};

pub fn setup_cfg(text: &str, dependency: &Dependency) -> Option<Addition> {
    let start = text.find("\ninstall_requires")? + 1;
    let (mut at, mut items, mut indent) = (None, Vec::new(), "    ");
    let mut offset = start;
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        let is_item = index > 0 && line.starts_with([' ', '\t']) && !line.trim().is_empty();
        if index > 0 && !is_item {
            break;
        }
        offset += line.len();
        if is_item {
            indent = &line[..line.len() - line.trim_start().len()];
            items.push(line.trim().to_lowercase());
        }
        at = Some(offset);
    }
    let at = at?;
    Some(Addition {
        at,
        text: whole_line(text, at, &format!("{indent}{}", styled(dependency, &items))),
        then: None,
        is_first: false,
    })
}

/// The list of strings that `setup()` is given; a computed one is left to a person.
pub fn setup_py(text: &str, dependency: &Dependency) -> Option<Addition> {
    let argument = text.find("install_requires")? + "install_requires".len();
    let is_gap = |c: char| c.is_whitespace() || c == '=';
    let start = text.len() - text[argument..].trim_start_matches(is_gap).len();
    let list = text[start..].strip_prefix('[')?;
    let mut items = Vec::new();
    let mut rest = list;
    let end = loop {
        let at = text.len() - rest.len();
        let c = rest.chars().next()?;
        rest = match c {
            ']' => break at + 1,
            '#' => rest.split_once('\n')?.1,
            '"' | '\'' => {
                let length = rest[1..].find(c)? + 2;
                items.push(at..at + length);
                &rest[length..]
            }
            ',' => &rest[1..],
            c if c.is_whitespace() => &rest[c.len_utf8()..],
            _ => return None,
        };
    };
    let (at, added) = into_list(text, start..end, &items, dependency);
    Some(Addition {
        at,
        text: added,
        then: None,
        is_first: false,
    })
}
