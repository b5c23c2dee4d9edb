//! Intent scopes: a decorator where a whole function is the unit, `with` around the smallest run of statements where it
//! is not, and an explicit question before a call that the client cannot intercept.

use super::Module;
use super::enable::Refusal;
use crate::edit::{Insertions, line_end, line_ending_at, line_start};

mod existing;
mod place;

pub use existing::{is_scoped, without};
pub use place::{Place, Site, place};

/// What a scope goes around, and the intent that it names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub form: Form,
    /// The first and last line of the statements; for a decorator, of the function from its `def` on.
    pub lines: (u32, u32),
    pub is_async: bool,
    pub intent: Intent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `@governor.governed(…)`.
    Decorator,
    /// `with governor.intent(…):`.
    With,
    /// `governor.enforce(…)` before the first of the lines.
    Enforce,
}

/// The purpose of the work in a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Intent {
    pub action: String,
    pub resource_type: String,
    /// Empty where only the call itself knows it, at run time.
    pub resource_name: String,
}

/// Style guides break lines that are longer.
const LINE_LENGTH: usize = 88;

/// Puts the scope in.
pub fn insert(module: &Module, target: &Target, name: &str) -> Result<Insertions, Refusal> {
    let source = module.source;
    let (first, last) = (target.lines.0 as usize, target.lines.1 as usize);
    let starts = line_starts(source);
    let (Some(&start), true) = (starts.get(first.wrapping_sub(1)), last >= first) else {
        return Err(Refusal::NoStatement(target.lines.0));
    };
    let ending = line_ending_at(source, line_end(source, start));
    let indent = indentation(&source[start..line_end(source, start)]);
    let unit = unit_of(module, indent, first);
    let (indent, unit) = (
        String::from_utf8_lossy(indent).into_owned(),
        String::from_utf8_lossy(&unit).into_owned(),
    );
    let lines = header(target, name, &indent, &unit);
    let text: String = lines
        .iter()
        .map(|line| format!("{indent}{line}{ending}"))
        .collect();
    let mut insertions = Insertions::one(start, text);
    if target.form != Form::With {
        return Ok(insertions);
    }
    for row in first - 1..last {
        let Some(&at) = starts.get(row) else { break };
        let line = &source[at..line_end(source, at)];
        // What lies inside a string is the user's text; a blank line stays one.
        let is_in_string = at > 0 && is_inside_string(module, at);
        if line.trim_ascii().is_empty() || is_in_string || !line.starts_with(indent.as_bytes()) {
            continue;
        }
        insertions.add(at + indent.len(), unit.clone());
    }
    Ok(insertions)
}

fn header(target: &Target, name: &str, indent: &str, unit: &str) -> Vec<String> {
    let intent = &target.intent;
    let mut arguments = vec![
        format!("action={}", literal(&intent.action)),
        format!("resource_type={}", literal(&intent.resource_type)),
    ];
    if !intent.resource_name.is_empty() {
        arguments.push(format!("resource_name={}", literal(&intent.resource_name)));
    }
    let (open, close) = match (target.form, target.is_async) {
        (Form::Decorator, _) => (format!("@{name}.governed("), ")"),
        (Form::With, false) => (format!("with {name}.intent("), "):"),
        (Form::With, true) => (format!("async with {name}.intent("), "):"),
        (Form::Enforce, false) => (format!("{name}.enforce("), ")"),
        (Form::Enforce, true) => (format!("await {name}.aenforce("), ")"),
    };
    let has_event = target.form != Form::Decorator;
    let event = format!("{name}.intent_from(");
    let joined = arguments.join(", ");
    let inner = match has_event {
        true => format!("{event}{joined})"),
        false => joined.clone(),
    };
    // Broken where it is too long, from the outside in, as the formatters do.
    let fits = |line: &str| indent.chars().count() + line.chars().count() <= LINE_LENGTH;
    let one = format!("{open}{inner}{close}");
    if fits(&one) {
        return vec![one];
    }
    let inner = format!("{unit}{inner}");
    if fits(&inner) {
        return vec![open, inner, close.to_owned()];
    }
    let depth = if has_event {
        unit.repeat(2)
    } else {
        unit.to_owned()
    };
    let mut lines = vec![open];
    lines.extend(has_event.then(|| format!("{unit}{event}")));
    let all = format!("{depth}{joined}");
    if has_event && fits(&all) {
        lines.push(all);
    } else {
        lines.extend(
            arguments
                .iter()
                .map(|argument| format!("{depth}{argument},")),
        );
    }
    lines.extend(has_event.then(|| format!("{unit})")));
    lines.push(close.to_owned());
    lines
}

/// A Python string literal in ASCII.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

fn line_starts(source: &[u8]) -> Vec<usize> {
    std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', source).map(|index| index + 1))
        .collect()
}

fn indentation(line: &[u8]) -> &[u8] {
    let end = line
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'))
        .unwrap_or(line.len());
    &line[..end]
}

/// One level of indentation: what the block has more than the block around it, else what the module uses first.
fn unit_of(module: &Module, indent: &[u8], line: usize) -> Vec<u8> {
    let source = module.source;
    let starts = line_starts(source);
    let above = starts[..line - 1]
        .iter()
        .rev()
        .map(|at| &source[*at..line_end(source, *at)])
        .filter(|line| !line.trim_ascii().is_empty())
        .map(indentation)
        .find(|outer| outer.len() < indent.len() && indent.starts_with(outer));
    if let Some(outer) = above {
        return indent[outer.len()..].to_vec();
    }
    let first_block = module
        .descendants(module.root())
        .find(|node| node.kind() == "block" && node.start_position().column > 0)
        .map(|block| {
            let start = line_start(source, block.start_byte());
            indentation(&source[start..block.start_byte()]).to_vec()
        });
    match first_block {
        Some(unit) if !unit.is_empty() && !indent.contains(&b'\t') => unit,
        _ if indent.contains(&b'\t') => b"\t".to_vec(),
        _ => b"    ".to_vec(),
    }
}

/// Whether the line that starts at `at` goes on with a string from the line before.
fn is_inside_string(module: &Module, at: usize) -> bool {
    let mut node = module.root().descendant_for_byte_range(at, at);
    while let Some(inner) = node {
        if inner.kind() == "string" && inner.start_byte() < at && at < inner.end_byte() {
            return true;
        }
        node = inner.parent();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::edit::python::{Part, compose, take_out};

    /// Places a scope for the calls of `effect(…)` and checks it, and that it can be taken out again.
    #[track_caller]
    fn check(before: &str, after: &str) {
        let module = Module::new(before.as_bytes());
        let sites: Vec<Site> = before
            .lines()
            .zip(1u32..)
            .filter(|(line, _)| line.contains("effect("))
            .map(|(line, number)| Site {
                line: number,
                column: line.find("effect(").expect("found") as u32 + 1,
            })
            .collect();
        let place = place(&module, &sites, &[]).expect("can be placed");
        let target = Target {
            form: place.form,
            lines: place.lines,
            is_async: place.is_async,
            intent: Intent {
                action: "delete".to_owned(),
                resource_type: "table".to_owned(),
                resource_name: "caf\u{e9}".to_owned(),
            },
        };
        let edit = compose(before.as_bytes(), &BTreeSet::from([Part::Scope(target)]));
        let result = edit.expect("is proven").apply(before.as_bytes());
        assert_eq!(String::from_utf8_lossy(&result), after);
        let back = take_out(&result).expect("can be taken back");
        assert_eq!(String::from_utf8_lossy(&back), before);
    }

    #[track_caller]
    fn check_refused(source: &str, reason: &str) {
        let module = Module::new(source.as_bytes());
        let line = source
            .lines()
            .position(|line| line.contains("effect("))
            .expect("found");
        let column = source
            .lines()
            .nth(line)
            .and_then(|line| line.find("effect("))
            .expect("found");
        let site = Site {
            line: line as u32 + 1,
            column: column as u32 + 1,
        };
        let refused = place(&module, &[site], &[]).expect_err("is refused");
        assert!(refused.contains(reason), "{refused}");
    }

    const EVENT: &str = "governor.intent_from(action=\"delete\", resource_type=\"table\", resource_name=\"caf\\xe9\")";
    const ARGUMENTS: &str =
        "action=\"delete\", resource_type=\"table\", resource_name=\"caf\\xe9\"";

    #[test]
    fn a_whole_function_gets_a_decorator() {
        check(
            "import os\n\n\ndef f(x):\n    \"\"\"Doc.\"\"\"\n    return effect(x)\n",
            "import os\n\nimport governor\n\n\n@governor.governed(action=\"delete\", resource_type=\"table\", resource_name=\"caf\\xe9\")\ndef f(x):\n    \"\"\"Doc.\"\"\"\n    return effect(x)\n",
        );
    }

    #[test]
    fn a_run_of_statements_gets_a_with() {
        check(
            "def f(x):\n    a = 1\n    effect(\"\"\"one\n  two\n\"\"\")\n    # why\n\n    y = effect(\n      a,\n    )\n    return y\n",
            &format!(
                "import governor\n\n\ndef f(x):\n    a = 1\n    with governor.intent(\n        governor.intent_from(\n            {ARGUMENTS}\n        )\n    ):\n        effect(\"\"\"one\n  two\n\"\"\")\n        # why\n\n        y = effect(\n          a,\n        )\n    return y\n"
            ),
        );
    }

    #[test]
    fn tabs_line_endings_and_async_stay() {
        check(
            "async def f(x):\r\n\tif x:\r\n\t\tawait effect(x)\r\n\treturn 1\r\n",
            &format!(
                "import governor\r\n\r\n\r\nasync def f(x):\r\n\tif x:\r\n\t\tasync with governor.intent(\r\n\t\t\t{EVENT}\r\n\t\t):\r\n\t\t\tawait effect(x)\r\n\treturn 1\r\n"
            ),
        );
    }

    #[test]
    fn an_inline_block_is_wrapped_as_a_whole() {
        check(
            "def f(x):\n  y = 1\n  if x: effect(x)\n  return y\n",
            &format!(
                "import governor\n\n\ndef f(x):\n  y = 1\n  with governor.intent(\n    governor.intent_from(\n      {ARGUMENTS}\n    )\n  ):\n    if x: effect(x)\n  return y\n"
            ),
        );
    }

    #[test]
    fn refuses_with_a_reason() {
        check_refused("def f():\n    a = 1\n    yield effect(1)\n", "`yield`");
        check_refused(
            "def f():\n    try:\n        pass\n    finally:\n        effect(1)\n",
            "`finally`",
        );
        check_refused("def f():\n    return lambda: effect(1)\n", "lambda");
        check_refused("def f():\n    a = 1; effect(1)\n", "line");
        check_refused(
            "def f():\n    a = (effect(x) for x in y)\n    return a\n",
            "generator",
        );
    }
}
