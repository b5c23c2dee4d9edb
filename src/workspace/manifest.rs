//! Where the project declares its dependencies, and the line that adds one, in the project's own style.

use std::ops::Range;

use toml_edit::{Document, Item};

/// A place for one more dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    pub at: usize,
    pub text: String,
    /// What to run so that the project's lock file follows.
    pub then: Option<&'static str>,
    /// The file declares no dependencies yet: another one of the project's that does comes first.
    pub is_first: bool,
}

/// The dependency to add, and what a hash-checking installer needs to know of it.
#[derive(Clone, Copy, Debug)]
pub struct Dependency<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// SHA-256 of its only wheel.
    pub sha256: &'a str,
}

/// Names of files that may declare dependencies, the one that speaks for the project first.
pub const NAMES: &[&str] = &[
    "pyproject.toml",
    "Pipfile",
    "setup.cfg",
    "setup.py",
    "environment.yml",
    "environment.yaml",
    "requirements.in",
    "requirements.txt",
    "requirements/base.in",
    "requirements/base.txt",
];

/// Where the dependency goes in the file of this name; `None` when the file declares none.
pub fn addition(name: &str, text: &str, dependency: &Dependency) -> Option<Addition> {
    match name.rsplit('/').next().unwrap_or(name) {
        "pyproject.toml" => pyproject(text, dependency),
        "Pipfile" => pipfile(text, dependency),
        "setup.cfg" => setup_cfg(text, dependency),
        "setup.py" => setup_py(text, dependency),
        "environment.yml" | "environment.yaml" => conda(text, dependency),
        name if name.ends_with(".txt") || name.ends_with(".in") => {
            Some(requirements(name, text, dependency))
        }
        _ => None,
    }
}

/// The file without the dependency, if [`addition`] put it there.
pub fn take_out(name: &str, text: &str, dependency: &Dependency) -> Option<String> {
    let at = text.find(dependency.name)?;
    let line_start = text[..at].rfind('\n').map_or(0, |index| index + 1);
    let mut starts = vec![line_start, at];
    for (index, c) in text[..at].char_indices().rev().take(80) {
        if matches!(c, ',' | '"' | '\'' | '\n') {
            starts.push(index);
        }
        // The line before may be ours too: `- pip:`.
        if c == '\n' {
            starts.push(text[..index].rfind('\n').map_or(0, |index| index + 1));
        }
    }
    let mut ends = Vec::new();
    for (index, c) in text[at..].char_indices().take(160) {
        let end = at + index;
        if matches!(c, ' ' | ',' | ']' | '"' | '\'') {
            ends.push(end);
        }
        if matches!(c, '\n' | '"' | '\'' | ',') {
            ends.push(end + 1);
        }
    }
    ends.push(text.len());
    starts.sort_unstable();
    starts.dedup();
    let bytes = text.len();
    starts
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)))
        .filter(|(start, end)| start < end && *end <= bytes)
        .map(|(start, end)| [&text[..start], &text[end..]].concat())
        .find(|candidate| {
            addition(name, candidate, dependency).is_some_and(|addition| {
                let mut again = candidate.clone();
                again.insert_str(addition.at, &addition.text);
                again == text
            })
        })
}

fn pyproject(text: &str, dependency: &Dependency) -> Option<Addition> {
    let document = Document::parse(text).ok()?;
    let then = |lock: &'static str, held: bool| held.then_some(lock);
    let is_poetry_lock = document
        .get("tool")
        .and_then(|tool| tool.get("poetry"))
        .is_some();
    let is_uv = document
        .get("tool")
        .and_then(|tool| tool.get("uv"))
        .is_some();
    if let Some(list) = document
        .get("project")
        .and_then(|project| project.get("dependencies"))
    {
        let array = list.as_array()?;
        let items: Vec<Range<usize>> = array.iter().filter_map(toml_edit::Value::span).collect();
        let (at, added) = into_list(text, array.span()?, &items, dependency);
        return Some(Addition {
            at,
            text: added,
            then: then("poetry lock", is_poetry_lock).or(then("uv lock", is_uv)),
            is_first: false,
        });
    }
    let project = document.get("project").and_then(Item::as_table);
    let has_other = document
        .get("tool")
        .and_then(|tool| tool.get("poetry")?.get("dependencies"))
        .is_some();
    if let Some(project) = project.filter(|project| !has_other && !project.contains_key("dynamic"))
    {
        let last = project
            .iter()
            .filter(|(_, item)| item.is_value())
            .filter_map(|(_, item)| item.span())
            .map(|span| span.end)
            .max()?;
        let at = text[last..]
            .find('\n')
            .map_or(text.len(), |index| last + index + 1);
        let line = format!(
            "dependencies = [\"{}>={}\"]",
            dependency.name, dependency.version
        );
        return Some(Addition {
            at,
            text: whole_line(text, at, &line),
            then: then("uv lock", is_uv),
            is_first: true,
        });
    }
    let table = document.get("tool")?.get("poetry")?.get("dependencies")?;
    into_table(text, table, dependency).map(|(at, added)| Addition {
        at,
        text: added,
        then: Some("poetry lock"),
        is_first: false,
    })
}

fn pipfile(text: &str, dependency: &Dependency) -> Option<Addition> {
    let document = Document::parse(text).ok()?;
    let (at, added) = into_table(text, document.get("packages")?, dependency)?;
    Some(Addition {
        at,
        text: added,
        then: Some("pipenv lock"),
        is_first: false,
    })
}

/// A key of a TOML table, after its last one.
fn into_table(text: &str, table: &Item, dependency: &Dependency) -> Option<(usize, String)> {
    let table = table.as_table()?;
    let last = table
        .iter()
        .filter_map(|(_, item)| item.span())
        .map(|span| span.end)
        .max();
    let at = last.or_else(|| table.span().map(|span| span.end))?;
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |index| at + index + 1);
    let values: Vec<&str> = table.iter().filter_map(|(_, item)| item.as_str()).collect();
    let version = match values.iter().find(|value| **value != "*") {
        Some(value) if value.starts_with('^') => format!("^{}", dependency.version),
        Some(value) if value.starts_with('~') => format!("~={}", dependency.version),
        Some(value) if value.starts_with("==") => format!("=={}", dependency.version),
        None if !values.is_empty() => "*".to_owned(),
        _ => format!(">={}", dependency.version),
    };
    let line = format!("{} = \"{version}\"", dependency.name);
    Some((end, whole_line(text, end, &line)))
}

/// An item of a list of requirement strings: in alphabetical order if the list is, else at its end.
fn into_list(
    text: &str,
    list: Range<usize>,
    items: &[Range<usize>],
    dependency: &Dependency,
) -> (usize, String) {
    let texts: Vec<&str> = items.iter().map(|item| &text[item.clone()]).collect();
    let quote = texts
        .first()
        .and_then(|item| item.chars().next())
        .unwrap_or('"');
    let names: Vec<String> = texts
        .iter()
        .map(|item| item.trim_matches(['"', '\'']).to_lowercase())
        .collect();
    let requirement = styled(dependency, &names);
    let entry = format!("{quote}{requirement}{quote}");
    let Some(last) = items.last() else {
        return (list.start + 1, entry);
    };
    let after = items
        .iter()
        .zip(&names)
        .find(|(_, name)| names.is_sorted() && name.as_str() > dependency.name)
        .map(|(item, _)| item);
    let gap = |item: &Range<usize>| {
        let line = text[..item.start].rfind('\n').map_or(0, |index| index + 1);
        let indent = &text[line..item.start];
        (line > list.start && indent.trim().is_empty())
            .then(|| format!("{}{indent}", newline(text)))
    };
    match after {
        Some(item) => (
            item.start,
            format!("{entry},{}", gap(item).unwrap_or_else(|| " ".to_owned())),
        ),
        None => (
            last.end,
            format!(",{}{entry}", gap(last).unwrap_or_else(|| " ".to_owned())),
        ),
    }
}

/// The requirement with the kind of version that its neighbours have.
fn styled(dependency: &Dependency, neighbours: &[String]) -> String {
    let count = |mark: &str| neighbours.iter().filter(|item| item.contains(mark)).count();
    let (name, version) = (dependency.name, dependency.version);
    let operators = ["==", "~=", ">="];
    let most = operators
        .into_iter()
        .max_by_key(|mark| (count(mark), *mark == ">="))
        .filter(|mark| count(mark) > 0);
    let space = if neighbours
        .iter()
        .any(|item| item.contains(" >= ") || item.contains(" == "))
    {
        " "
    } else {
        ""
    };
    match most {
        Some(mark) => format!("{name}{space}{mark}{space}{version}"),
        None if neighbours.is_empty() => format!("{name}>={version}"),
        None => name.to_owned(),
    }
}

fn requirements(name: &str, text: &str, dependency: &Dependency) -> Addition {
    let newline = newline(text);
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        })
        .collect();
    let starts: Vec<(usize, String)> = lines
        .iter()
        .filter(|(_, line)| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
        .map(|(at, line)| (*at, line.trim_end().to_lowercase()))
        .collect();
    let names: Vec<String> = starts.iter().map(|(_, line)| line.clone()).collect();
    let mut entry = if text.contains("--hash=") {
        format!(
            "{}=={} \\{newline}    --hash=sha256:{}",
            dependency.name, dependency.version, dependency.sha256
        )
    } else {
        styled(dependency, &names)
    };
    let after = starts
        .iter()
        .find(|(_, line)| names.is_sorted() && line.as_str() > dependency.name);
    let then = name.ends_with(".in").then_some("pip-compile");
    entry.push_str(newline);
    match after {
        // Not between a requirement and the comment above it.
        Some((at, _)) => {
            let mut at = *at;
            while let Some((start, line)) =
                lines.iter().find(|(start, line)| start + line.len() == at)
                && line.trim_start().starts_with('#')
            {
                at = *start;
            }
            Addition {
                at,
                text: entry,
                then,
                is_first: false,
            }
        }
        None => Addition {
            at: text.len(),
            text: whole_line(text, text.len(), entry.trim_end()),
            then,
            is_first: false,
        },
    }
}

fn setup_cfg(text: &str, dependency: &Dependency) -> Option<Addition> {
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
fn setup_py(text: &str, dependency: &Dependency) -> Option<Addition> {
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

/// A conda environment: into its list for pip, which is made if there is none.
fn conda(text: &str, dependency: &Dependency) -> Option<Addition> {
    let newline = newline(text);
    let mut at = 0;
    let mut in_dependencies = false;
    let mut pip: Option<(usize, usize)> = None;
    let mut last: Option<(usize, usize)> = None;
    let mut items = Vec::new();
    let mut item_indent = None;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if !body.starts_with(['-', '#']) && !body.is_empty() && indent == 0 {
            in_dependencies = body.starts_with("dependencies:");
            continue;
        }
        if !in_dependencies || !body.starts_with("- ") {
            continue;
        }
        match pip {
            Some((depth, _)) if indent > depth => {
                items.push(body[2..].trim().to_lowercase());
                item_indent = Some(indent);
                pip = Some((depth, at));
                last = last.map(|(depth, _)| (depth, at));
                continue;
            }
            _ => {}
        }
        if body[2..].trim_end() == "pip:" {
            pip = Some((indent, at));
        }
        last = Some((indent, at));
    }
    let (depth, at, head) = match (pip, last) {
        (Some((depth, at)), _) => (depth, at, String::new()),
        (None, Some((depth, at))) => (depth, at, format!("{}- pip:{newline}", " ".repeat(depth))),
        (None, None) => return None,
    };
    let line = format!(
        "{head}{}- {}",
        " ".repeat(item_indent.unwrap_or(depth + 2)),
        styled(dependency, &items)
    );
    Some(Addition {
        at,
        text: whole_line(text, at, &line),
        then: None,
        is_first: false,
    })
}

/// A line that goes in at `at`. After a file's last line without a newline it takes none either.
fn whole_line(text: &str, at: usize, line: &str) -> String {
    let newline = newline(text);
    if at == 0 || text[..at].ends_with('\n') {
        format!("{line}{newline}")
    } else {
        format!("{newline}{line}")
    }
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCY: Dependency = Dependency {
        name: "governor-sdk",
        version: "0.1.0",
        sha256: "abc",
    };

    #[track_caller]
    fn check(name: &str, before: &str, after: &str) {
        let addition = addition(name, before, &DEPENDENCY).expect("declares dependencies");
        let mut text = before.to_owned();
        text.insert_str(addition.at, &addition.text);
        assert_eq!(text, after);
        let back = take_out(name, after, &DEPENDENCY);
        assert_eq!(back.as_deref(), Some(before));
    }

    #[test]
    fn pep_621() {
        check(
            "pyproject.toml",
            "[project]\ndependencies = [\n    \"fastapi>=1\",\n    \"httpx>=0.2\",  # client\n]\n",
            "[project]\ndependencies = [\n    \"fastapi>=1\",\n    \"governor-sdk>=0.1.0\",\n    \"httpx>=0.2\",  # client\n]\n",
        );
        check(
            "pyproject.toml",
            "[project]\ndependencies = ['z', 'a']\n",
            "[project]\ndependencies = ['z', 'a', 'governor-sdk']\n",
        );
        check(
            "pyproject.toml",
            "[project]\ndependencies = []\n",
            "[project]\ndependencies = [\"governor-sdk>=0.1.0\"]\n",
        );
    }

    #[test]
    fn a_project_without_dependencies_starts_its_list() {
        check(
            "pyproject.toml",
            "[project]\nname = \"x\"\nversion = \"1\"  # first\n\n[project.scripts]\nx = \"x:main\"\n",
            "[project]\nname = \"x\"\nversion = \"1\"  # first\ndependencies = [\"governor-sdk>=0.1.0\"]\n\n[project.scripts]\nx = \"x:main\"\n",
        );
        let dynamic = "[project]\nname = \"x\"\ndynamic = [\"dependencies\"]\n";
        assert_eq!(addition("pyproject.toml", dynamic, &DEPENDENCY), None);
    }

    #[test]
    fn setup_py_lists() {
        check(
            "setup.py",
            "setup(\n    name='x',\n    install_requires=[\n        'b>=1',  # first\n        'z>=1',\n    ],\n)\n",
            "setup(\n    name='x',\n    install_requires=[\n        'b>=1',  # first\n        'governor-sdk>=0.1.0',\n        'z>=1',\n    ],\n)\n",
        );
        let computed = "setup(install_requires=[*read('requirements.txt')])\n";
        assert_eq!(addition("setup.py", computed, &DEPENDENCY), None);
    }

    #[test]
    fn poetry_and_pipenv() {
        check(
            "pyproject.toml",
            "[tool.poetry.dependencies]\npython = \"^3.9\"\nhttpx = {version = \"1\"}\n\n[build-system]\n",
            "[tool.poetry.dependencies]\npython = \"^3.9\"\nhttpx = {version = \"1\"}\ngovernor-sdk = \"^0.1.0\"\n\n[build-system]\n",
        );
        check(
            "Pipfile",
            "[packages]\nflask = \"*\"\n",
            "[packages]\nflask = \"*\"\ngovernor-sdk = \"*\"\n",
        );
    }

    #[test]
    fn requirement_files() {
        check(
            "requirements.txt",
            "flask==3.0\n# via x\nrequests==2.0",
            "flask==3.0\ngovernor-sdk==0.1.0\n# via x\nrequests==2.0",
        );
        check(
            "requirements.txt",
            "b==1 \\\n    --hash=sha256:1\n",
            "b==1 \\\n    --hash=sha256:1\ngovernor-sdk==0.1.0 \\\n    --hash=sha256:abc\n",
        );
    }

    #[test]
    fn setup_cfg_and_conda() {
        check(
            "setup.cfg",
            "[options]\ninstall_requires =\n    flask\n    httpx\n\n[x]\n",
            "[options]\ninstall_requires =\n    flask\n    httpx\n    governor-sdk\n\n[x]\n",
        );
        check(
            "environment.yml",
            "name: x\ndependencies:\n  - python=3.12\n  - pip:\n      - flask==1\nvariables:\n  A: 1\n",
            "name: x\ndependencies:\n  - python=3.12\n  - pip:\n      - flask==1\n      - governor-sdk==0.1.0\nvariables:\n  A: 1\n",
        );
    }
}
