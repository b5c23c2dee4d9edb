//! A clause that lets a denial through, before a handler that would swallow it.

use tree_sitter::Node;

use super::Module;
use super::enable::{ClientName, Refusal, first_statements};
use crate::edit::proof::prove;
use crate::edit::{Insertions, line_end, line_ending_at, line_start};

/// Puts `except governor.GovernorError: raise` before the first handler of the `try` that has one on `line`.
pub fn insert(source: &[u8], line: u32) -> Result<Insertions, Refusal> {
    let module = Module::new(source);
    let first = first_handler(&module, line).ok_or(Refusal::NoStatement(line))?;
    let start = line_start(source, first.start_byte());
    let indent = &source[start..first.start_byte()];
    // `except*` takes groups, and a handler behind other code on its line has no place of its own.
    let is_group = module.text(first).starts_with("except*");
    if is_group || !indent.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(Refusal::NoStatement(line));
    }
    let client = ClientName::of(&module);
    let mut insertions = match client.import {
        Some(_) => first_statements(&module, &client, false),
        None => Insertions::default(),
    };
    let ending = line_ending_at(source, line_end(source, start));
    let indent = String::from_utf8_lossy(indent).into_owned();
    let unit = if indent.contains('\t') { "\t" } else { "    " };
    insertions.add(
        start,
        format!(
            "{indent}except {}.GovernorError:{ending}{indent}{unit}raise{ending}",
            client.name
        ),
    );
    prove(source, &insertions)?;
    Ok(insertions)
}

fn first_handler<'t>(module: &'t Module, line: u32) -> Option<Node<'t>> {
    let row = line as usize - 1;
    let handler = module
        .descendants(module.root())
        .find(|node| node.kind() == "except_clause" && node.start_position().row == row)?;
    let parent = handler.parent()?;
    module
        .children(parent)
        .into_iter()
        .find(|child| child.kind() == "except_clause")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, line: u32, after: &str) {
        let edit = insert(before.as_bytes(), line).expect("applies");
        assert_eq!(
            String::from_utf8_lossy(&edit.apply(before.as_bytes())),
            after
        );
    }

    #[test]
    fn stands_before_every_other_handler() {
        check(
            "import governor\ntry:\n    x()\nexcept ValueError:\n    pass\nexcept Exception:\n    pass\n",
            6,
            "import governor\ntry:\n    x()\nexcept governor.GovernorError:\n    raise\nexcept ValueError:\n    pass\nexcept Exception:\n    pass\n",
        );
        check(
            "def f():\r\n\ttry:\r\n\t\tx()\r\n\texcept:\r\n\t\tpass\r\n",
            4,
            "import governor\r\n\r\n\r\ndef f():\r\n\ttry:\r\n\t\tx()\r\n\texcept governor.GovernorError:\r\n\t\traise\r\n\texcept:\r\n\t\tpass\r\n",
        );
    }

    #[test]
    fn groups_are_left_alone() {
        assert!(insert(b"try:\n    x()\nexcept* Exception:\n    pass\n", 3).is_err());
    }
}
