//! `import governor` and `governor.enable()` as the first statements of a module, and how to take them out again.

use tree_sitter::Node;

use super::recognise::{client, enable_calls, is_taken};
use super::{Module, continues_line_before, imports};
use crate::edit::proof::{Disproof, prove};
use crate::edit::{Insertions, line_end, line_ending_at, line_start};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a module gets no `enable()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is there, before anything runs.
    #[error("already enabled")]
    AlreadyEnabled,
    #[error(
        "line {0} enables the client after other code of the module has run: move the call to the top"
    )]
    EnabledLate(u32),
    #[error("no statement of the module's own starts on line {0} and ends its line")]
    NoStatement(u32),
    #[error("{0}")]
    Disproved(#[from] Disproof),
}

/// Puts the client first in the module.
pub fn insert(source: &[u8]) -> Result<Insertions, Refusal> {
    let insertions = place(&Module::new(source))?;
    prove(source, &insertions)?;
    Ok(insertions)
}

/// The same, not yet proven.
pub fn place(module: &Module) -> Result<Insertions, Refusal> {
    let calls = enable_calls(module);
    if let Some(call) = calls.iter().find(|call| call.at_top) {
        return Err(if call.first {
            Refusal::AlreadyEnabled
        } else {
            Refusal::EnabledLate(call.line)
        });
    }
    Ok(first_statements(module, &ClientName::of(module), true))
}

/// The name by which a module has, or gets, the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientName {
    pub name: String,
    /// The import that is still missing.
    pub import: Option<&'static str>,
}

impl ClientName {
    pub fn of(module: &Module) -> ClientName {
        if let Some(name) = client(module).module_name {
            return ClientName { name, import: None };
        }
        let (name, import) = if is_taken(module, "governor") {
            ("_governor", "import governor as _governor")
        } else {
            ("governor", "import governor")
        };
        ClientName {
            name: name.to_owned(),
            import: Some(import),
        }
    }
}

/// The import and the call, as the first statements of the module; without `enables` the import alone, among the others.
pub fn first_statements(module: &Module, client: &ClientName, enables: bool) -> Insertions {
    let source = module.source;
    // Where the client is imported further down, `enable()` needs an import of its own up here.
    let import = client.import.unwrap_or(match client.name.as_str() {
        "governor" => "import governor",
        _ => "import governor as _governor",
    });
    let name = import.rsplit(' ').next().unwrap_or("governor");
    if !enables && let Some(insertions) = imports::insert(module, import) {
        return insertions;
    }
    let point = Point::of(module);
    if point.inside_line {
        let call = if enables {
            format!("{name}.enable(); ")
        } else {
            String::new()
        };
        return Insertions::one(point.at, format!("{import}; {call}"));
    }
    let ending = line_ending_at(source, point.at);
    let before = &source[..point.at];
    let ends_open = !before.is_empty() && before != BOM && !before.ends_with(b"\n");
    let mut text = if ends_open {
        ending.to_owned()
    } else {
        String::new()
    };
    text.push_str(import);
    if enables {
        text.push_str(&format!("{ending}{ending}{name}.enable()"));
    }
    // The same lines whatever stands around them, so that taking them out gives the very bytes. A file without a last
    // newline keeps it that way.
    let breaks = match point.at == source.len() {
        true if ends_open => 0,
        true => 1,
        false if point.before_definition => 3,
        false => 2,
    };
    text.push_str(&ending.repeat(breaks));
    Insertions::one(point.at, text)
}

/// Where the first statement goes.
struct Point {
    at: usize,
    /// Another statement of the same line stands before it.
    inside_line: bool,
    /// A function or class follows, which style guides part by two lines.
    before_definition: bool,
}

impl Point {
    fn of(module: &Module) -> Point {
        let source = module.source;
        let mut head = None;
        let mut first = None;
        for child in module.children(module.root()) {
            match child.kind() {
                "comment" => {}
                "future_import_statement" => head = Some(child),
                "expression_statement" if head.is_none() && is_docstring(child) => {
                    head = Some(child);
                }
                _ => {
                    first = Some(child);
                    break;
                }
            }
        }
        if let (Some(head), Some(first)) = (head, first)
            && same_line(source, head, first)
        {
            return Point {
                at: first.start_byte(),
                inside_line: true,
                before_definition: false,
            };
        }
        let limit = first.map_or(source.len(), |first| {
            let mut at = line_start(source, first.start_byte());
            while continues_line_before(source, at) {
                at = line_start(source, at - 1);
            }
            at
        });
        let start = match head {
            Some(head) => line_end(source, head.end_byte() - 1),
            None => after_file_comments(source, limit.max(bom(source))),
        };
        let mut at = start;
        while at < limit && source[at..line_end(source, at)].trim_ascii().is_empty() {
            at = line_end(source, at);
        }
        let at = at.min(limit).max(start);
        Point {
            at,
            inside_line: false,
            before_definition: first.is_some_and(|first| {
                first.start_byte() == at
                    && matches!(
                        first.kind(),
                        "function_definition" | "class_definition" | "decorated_definition"
                    )
            }),
        }
    }
}

fn bom(source: &[u8]) -> usize {
    if source.starts_with(BOM) {
        BOM.len()
    } else {
        0
    }
}

/// After the comments that belong to the file and not to what follows them: the shebang, the coding line, a block that
/// a blank line ends, a licence.
fn after_file_comments(source: &[u8], limit: usize) -> usize {
    let start = bom(source);
    let mut at = start;
    let mut own = start;
    let mut block = Vec::new();
    while at < limit {
        let end = line_end(source, at);
        let line = source[at..end].trim_ascii();
        if !line.starts_with(b"#") {
            break;
        }
        let text = String::from_utf8_lossy(line).to_lowercase();
        at = end;
        if line.starts_with(b"#!") || (own + 1 >= at || block.is_empty()) && text.contains("coding")
        {
            own = at;
        }
        block.push(text);
    }
    let is_ended = at < limit && source[at..line_end(source, at)].trim_ascii().is_empty();
    let is_about_the_file = block
        .iter()
        .any(|line| FILE_WORDS.iter().any(|word| line.contains(word)));
    if at >= limit && limit == source.len() || is_ended || is_about_the_file {
        at
    } else {
        own
    }
}

/// Words of comments that are about the whole file.
const FILE_WORDS: &[&str] = &[
    "///",
    "copyright",
    "flake8:",
    "fmt:",
    "isort:",
    "licen",
    "mypy:",
    "noqa",
    "pylint:",
    "pyright:",
    "ruff:",
    "spdx",
    "type: ignore",
    "vim:",
];

/// Whether a `;` and not a line end parts the two.
fn same_line(source: &[u8], before: Node, after: Node) -> bool {
    !source[before.end_byte()..after.start_byte()].contains(&b'\n')
}

/// Whether an expression statement is a string and nothing else.
pub fn is_docstring(statement: Node) -> bool {
    statement.named_child_count() == 1
        && statement
            .named_child(0)
            .is_some_and(|child| matches!(child.kind(), "string" | "concatenated_string"))
}

/// The sources that [`first_statements`] could have turned into `source`, the likeliest first. Which one it was, the
/// caller finds by going forward again.
pub fn without_first_statements(source: &[u8], enables: bool) -> Vec<Vec<u8>> {
    let module = Module::new(source);
    let call = enable_calls(&module).into_iter().find(|call| call.at_top);
    let limit = call.map_or(source.len(), |call| call.start);
    let import = module
        .children(module.root())
        .into_iter()
        .filter(|node| node.kind() == "import_statement" && node.start_byte() < limit)
        .find(|node| module.text(*node).starts_with("import governor"));
    let Some(import) = import else {
        return Vec::new();
    };
    let end = match (enables, call) {
        (false, _) => import.end_byte(),
        (true, Some(call)) => {
            let Some(length) = source[call.start..].iter().position(|byte| *byte == b')') else {
                return Vec::new();
            };
            call.start + length + 1
        }
        (true, None) => return Vec::new(),
    };
    let mut starts = vec![import.start_byte()];
    let head = &source[..import.start_byte()];
    if let Some(stripped) = head.strip_suffix(b"\n") {
        starts.push(stripped.strip_suffix(b"\r").unwrap_or(stripped).len());
    }
    // The line breaks after it that may be ours.
    let mut ends = vec![end];
    let mut rest = &source[end..];
    if let Some(after) = rest.strip_prefix(b"; ") {
        ends.insert(0, source.len() - after.len());
    }
    for _ in 0..3 {
        rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        ends.insert(0, source.len() - rest.len());
    }
    starts
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)))
        .map(|(start, end)| [&source[..start], &source[end..]].concat())
        .collect()
}

/// Takes out what [`insert`] put in. `None` when the module was enabled by hand, or changed since.
#[cfg(test)]
fn remove(source: &[u8]) -> Option<Vec<u8>> {
    without_first_statements(source, true)
        .into_iter()
        .find(|candidate| {
            insert(candidate).is_ok_and(|insertions| insertions.apply(candidate) == source)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) {
        let result = insert(before.as_bytes())
            .expect("applies")
            .apply(before.as_bytes());
        assert_eq!(String::from_utf8_lossy(&result), after);
        assert_eq!(insert(&result), Err(Refusal::AlreadyEnabled));
        let back = remove(&result).expect("can be taken back");
        assert_eq!(String::from_utf8_lossy(&back), before);
    }

    #[test]
    fn goes_first_in_a_plain_module() {
        check(
            "import os\n",
            "import governor\n\ngovernor.enable()\n\nimport os\n",
        );
        check("", "import governor\n\ngovernor.enable()\n");
        check(
            "\n\nimport os\n",
            "\n\nimport governor\n\ngovernor.enable()\n\nimport os\n",
        );
    }

    #[test]
    fn follows_docstring_comments_and_future() {
        check(
            "#!/usr/bin/env python\n# coding: utf-8\n\"\"\"Doc.\"\"\"\n# why\nfrom __future__ import annotations\n\n# Standard library\nimport os\n",
            "#!/usr/bin/env python\n# coding: utf-8\n\"\"\"Doc.\"\"\"\n# why\nfrom __future__ import annotations\n\nimport governor\n\ngovernor.enable()\n\n# Standard library\nimport os\n",
        );
        check(
            "#!/usr/bin/env python\n# Copyright\n\nimport os\n",
            "#!/usr/bin/env python\n# Copyright\n\nimport governor\n\ngovernor.enable()\n\nimport os\n",
        );
        check(
            "# Copyright\nimport os\n",
            "# Copyright\nimport governor\n\ngovernor.enable()\n\nimport os\n",
        );
        check(
            "#!/bin/env python\n# gevent goes first\nimport gevent\n",
            "#!/bin/env python\nimport governor\n\ngovernor.enable()\n\n# gevent goes first\nimport gevent\n",
        );
        check(
            "\"\"\"Doc.\n\nMore.\n\"\"\"  # noqa\nimport os\n",
            "\"\"\"Doc.\n\nMore.\n\"\"\"  # noqa\nimport governor\n\ngovernor.enable()\n\nimport os\n",
        );
    }

    #[test]
    fn keeps_a_shared_line() {
        check(
            "\"\"\"Doc.\"\"\"; import os\n",
            "\"\"\"Doc.\"\"\"; import governor; governor.enable(); import os\n",
        );
    }

    #[test]
    fn keeps_line_endings_marks_and_a_missing_newline() {
        check(
            "\u{feff}import os\r\nx = 1\r\n",
            "\u{feff}import governor\r\n\r\ngovernor.enable()\r\n\r\nimport os\r\nx = 1\r\n",
        );
        check(
            "\"\"\"Doc.\"\"\"",
            "\"\"\"Doc.\"\"\"\nimport governor\n\ngovernor.enable()",
        );
        check(
            "import os",
            "import governor\n\ngovernor.enable()\n\nimport os",
        );
        check(
            "# only\r\nimport os\n",
            "import governor\r\n\r\ngovernor.enable()\r\n\r\n# only\r\nimport os\n",
        );
        check(
            "\u{c}import os\n",
            "import governor\n\ngovernor.enable()\n\n\u{c}import os\n",
        );
    }

    #[test]
    fn keeps_clear_of_a_name_that_is_taken() {
        check(
            "def governor():\n    return 1\n",
            "import governor as _governor\n\n_governor.enable()\n\n\ndef governor():\n    return 1\n",
        );
    }

    #[test]
    fn an_escaped_newline_is_not_split() {
        check(
            "\\\nimport os\n",
            "import governor\n\ngovernor.enable()\n\n\\\nimport os\n",
        );
    }

    #[test]
    fn stays_out_of_what_does_not_parse() {
        assert!(matches!(
            insert(b"def (:\n    x\n"),
            Ok(_) | Err(Refusal::Disproved(_))
        ));
    }

    #[test]
    fn a_late_call_is_named() {
        assert_eq!(
            insert(b"import governor\nrun()\ngovernor.enable()\n"),
            Err(Refusal::EnabledLate(3))
        );
    }
}
