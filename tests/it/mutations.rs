//! Damaged files of the corpus and modules that a generator made: whatever a repo holds, the analysis ends, gives the
//! same answer twice, and takes its time in proportion.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use governor_mcp::facts::{self, Options, Scan};
use governor_mcp::workspace::Workspace;
use proptest::prelude::*;

/// One way to damage a text; the numbers are places in thousandths of it.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize, usize),
    Repeat(usize, usize, usize),
    Insert(usize, &'static str),
    SwapLines(usize, usize),
    Indent(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = 0usize..1000;
    let token = prop::sample::select(vec![
        "(",
        ")",
        "[",
        "{",
        "}",
        "\"",
        "'''",
        "\\\n",
        "\t",
        "\u{0}",
        "\u{feff}",
        "é",
        "🙂",
        "\r",
        "lambda: ",
        "async ",
        "await ",
        "yield ",
        "*",
        "**",
        ":=",
        "@",
        "f\"{",
        "import x as\n",
        "from . import *\n",
        "global x\n",
        "class A(A):\n",
        "def f(self, *a, b=f()):\n    return f\n",
        "except A, B:\n",
        "print >>x, y\n",
        "match x:\n    case {'a': [b, *c]}:\n",
        "t'{x}'",
        "x = x\n",
        "self.a = self.a.b().c\n",
        "with a as b, c as d:\n",
    ]);
    prop_oneof![
        (place.clone(), 1usize..200).prop_map(|(at, length)| Damage::Cut(at, length)),
        (place.clone(), 1usize..200, 2usize..6)
            .prop_map(|(at, length, times)| Damage::Repeat(at, length, times)),
        (place.clone(), token).prop_map(|(at, token)| Damage::Insert(at, token)),
        (place.clone(), place.clone()).prop_map(|(one, other)| Damage::SwapLines(one, other)),
        place.prop_map(Damage::Indent),
    ]
}

fn apply(text: &str, damage: &Damage) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize| place * chars.len() / 1000;
    let joined = |parts: &[&[char]]| parts.concat().into_iter().collect::<String>();
    match *damage {
        Damage::Cut(place, length) => {
            let from = at(place);
            let to = (from + length).min(chars.len());
            joined(&[&chars[..from], &chars[to..]])
        }
        Damage::Repeat(place, length, times) => {
            let from = at(place);
            let to = (from + length).min(chars.len());
            joined(&[&chars[..from], &chars[from..to].repeat(times), &chars[to..]])
        }
        Damage::Insert(place, token) => {
            let token: Vec<char> = token.chars().collect();
            joined(&[&chars[..at(place)], &token, &chars[at(place)..]])
        }
        Damage::SwapLines(one, other) => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            if lines.is_empty() {
                return text.to_owned();
            }
            let (one, other) = (one * lines.len() / 1000, other * lines.len() / 1000);
            lines.swap(one, other);
            lines.concat()
        }
        Damage::Indent(place) => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = place * lines.len() / 1000;
            lines
                .iter()
                .enumerate()
                .map(|(index, text)| format!("{}{text}", if index == line { "    " } else { "" }))
                .collect()
        }
    }
}

/// A line of a module that a machine wrote: names that refer to one another in every way.
fn line() -> impl Strategy<Value = String> {
    let number = 0usize..12;
    let form = prop::sample::select(vec![
        "v{a} = v{b}",
        "v{a} = v{b}.get(v{c}, url='http://h/{a}')",
        "v{a} = m{b}.f{c}",
        "import m{a} as v{b}",
        "from m{a} import *",
        "from m{a} import v{b} as v{c}",
        "def f{a}(v{b}, v{c}=v{a}):\n    global v{c}\n    v{c} = f{b}(v{a})\n    return v{b}.post(v{c}) or f{c}",
        "class C{a}(C{b}):\n    def f{c}(self):\n        self.v{a} = self.v{b} = C{c}()\n        return super().f{a}().v{b}",
        "with v{a}.open() as v{b}:\n    v{b}.write(v{c})",
        "v{a} = [v{b} for v{b} in v{c}][{a}:]",
        "v{a}: 'C{b} | C{c}' = lambda v{b}: v{c}(v{b})",
        "@f{a}\ndef f{b}(self):\n    yield v{c}, v{a}",
        "import requests, boto3, threading\nv{a} = requests.Session()\nv{b} = boto3.client(v{c})",
        "v{a} = threading.Thread(target=f{b}, args=(v{c},)).start()",
        "v{a}, (v{b}, *v{c}) = v{b}, v{a}",
        "v{a} = v{b} if v{c} else (v{a} := v{b} | v{c} / v{a})",
    ]);
    (form, number.clone(), number.clone(), number).prop_map(|(form, a, b, c)| {
        form.replace("{a}", &a.to_string())
            .replace("{b}", &b.to_string())
            .replace("{c}", &c.to_string())
    })
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn analyzed(root: &Path) -> Scan {
    let workspace = Workspace::open(root).expect("a directory");
    let options = Options {
        possible: true,
        all: true,
    };
    facts::analyze(&workspace, &options).expect("an analysis ends in an answer")
}

/// Everything that a scan tells, as text.
fn told(scan: &Scan) -> String {
    format!("{:?}\n{:?}", scan.entrypoints, scan.effects)
}

fn repo(files: &[(String, String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a writable folder");
    }
    dir
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_repo_has_one_answer(
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        damages in prop::collection::vec(damage(), 1..12),
    ) {
        let sources = sources();
        let files: Vec<(String, String)> = picked
            .iter()
            .enumerate()
            .map(|(number, index)| {
                let bytes = fs::read(index.get(&sources)).expect("a readable file");
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let text = damages.iter().fold(text, |text, damage| apply(&text, damage));
                (format!("m{number}.py"), text)
            })
            .collect();
        let dir = repo(&files);
        let scan = analyzed(dir.path());
        for effect in &scan.effects {
            prop_assert!(effect.line >= 1 && effect.line <= effect.end_line, "{effect:?}");
        }
        prop_assert_eq!(told(&scan), told(&analyzed(dir.path())));
    }

    #[test]
    fn a_generated_repo_has_one_answer(
        modules in prop::collection::vec(prop::collection::vec(line(), 1..40), 1..6),
    ) {
        let files: Vec<(String, String)> = modules
            .iter()
            .enumerate()
            .map(|(number, lines)| (format!("m{number}.py"), lines.join("\n") + "\n"))
            .collect();
        let dir = repo(&files);
        let told_once = told(&analyzed(dir.path()));
        prop_assert_eq!(told_once, told(&analyzed(dir.path())));
    }
}

#[test]
fn time_is_in_proportion_to_size() {
    let block = |number: usize| {
        format!(
            "class C{number}(C{before}):\n    def f(self, v):\n        self.s = v or requests.Session()\n        \
             return self.s.post(URL + str({number}))\n\n\ndef g{number}(v=C{number}()):\n    return v.f(g{before}())\n\n\n",
            before = number.saturating_sub(1)
        )
    };
    let timed = |blocks: usize| {
        let text = (1..=blocks).fold(
            "import requests\nURL = 'http://h/'\n".to_owned(),
            |text, number| text + &block(number),
        );
        let dir = repo(&[("m.py".to_owned(), text)]);
        let start = Instant::now();
        let scan = analyzed(dir.path());
        (start.elapsed(), scan.effects.len())
    };
    let (small, _) = timed(500);
    let (large, found) = timed(4_000);
    assert!(found >= 1, "the module posts");
    // Eight times the text; a quadratic step would show as sixty-four times the time.
    let bound = small * 32 + Duration::from_secs(2);
    assert!(large < bound, "{small:?} became {large:?}");
}
