//! Where the project declares its dependencies, and the line that adds one, in the project's own style.

use std::ops::Range;

mod conda;
mod requirements;
mod setup;
mod toml;

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
        "pyproject.toml" => toml::pyproject(text, dependency),
        "Pipfile" => toml::pipfile(text, dependency),
        "setup.cfg" => setup::setup_cfg(text, dependency),
        "setup.py" => setup::setup_py(text, dependency),
        "environment.yml" | "environment.yaml" => conda::addition(text, dependency),
        name if name.ends_with(".txt") || name.ends_with(".in") => {
            Some(requirements::addition(name, text, dependency))
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
