//! The labelled corpus: small repos under `tests/fixtures` whose expectations stand on their own lines.
//!
//! ```text
//! r = s.post(url)  # effect: http write requests.Session.post dest=https://… resource=TYPE/NAME conf=likely from=NAME cov=enable
//! def charge():    # entry: boundary fastapi_route POST /charge
//! ```
//!
//! Several in a line are separated by `; `. A line without a label has no finding. `MISSING effect:` records one that
//! the analysis does not find yet, `SPURIOUS effect:` one that it should not find; both count against the bars.
//! `cargo test --test it corpus -- --nocapture` prints recall and precision by category.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use governor_mcp::facts::{self, Options, Scan};
use governor_mcp::workspace::Workspace;

const RECALL_BAR: f64 = 0.97;
const PRECISION_BAR: f64 = 0.98;

#[test]
fn every_labelled_line_is_found_and_no_other() {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut report = String::new();
    for fixture in fixtures() {
        let labels = labels(&fixture);
        let workspace = Workspace::open(&fixture).expect("a fixture is a directory");
        let scan = facts::analyze(
            &workspace,
            &Options {
                possible: false,
                all: true,
            },
        )
        .expect("a fixture can be analysed");
        compare(&fixture, labels, &scan, &mut scores, &mut report);
    }
    let total = scores
        .values()
        .fold(Score::default(), |sum, score| sum.plus(score));
    let effects = scores
        .iter()
        .filter(|(name, _)| !name.starts_with("entry:"))
        .fold(Score::default(), |sum, (_, score)| sum.plus(score));
    let mut table = format!(
        "{:<22} {:>6} {:>7} {:>9}\n",
        "", "lines", "recall", "precision"
    );
    for (name, score) in &scores {
        let _ = writeln!(table, "{name:<22} {}", score.row());
    }
    let _ = writeln!(table, "{:<22} {}", "effects", effects.row());
    let _ = writeln!(table, "{:<22} {}", "all", total.row());
    print_table(&table);
    assert!(
        effects.expected() >= 400,
        "the corpus has {} effect lines, not 400",
        effects.expected()
    );
    assert!(
        total.expected() - effects.expected() >= 150,
        "the corpus has fewer than 150 entrypoints"
    );
    for (what, score) in [("effects", &effects), ("effects and entrypoints", &total)] {
        assert!(
            score.recall() >= RECALL_BAR,
            "recall of {what} is {:.3}\n{report}",
            score.recall()
        );
        assert!(
            score.precision() >= PRECISION_BAR,
            "precision of {what} is {:.3}\n{report}",
            score.precision()
        );
    }
    assert!(
        report.is_empty(),
        "lines that differ from their label:\n{report}"
    );
}

#[allow(
    clippy::print_stdout,
    reason = "the figures are what this test is run for"
)]
fn print_table(table: &str) {
    print!("{table}");
}

/// Hits, misses and inventions of one category.
#[derive(Clone, Default)]
struct Score {
    found: usize,
    missed: usize,
    invented: usize,
}

impl Score {
    fn expected(&self) -> usize {
        self.found + self.missed
    }

    fn recall(&self) -> f64 {
        if self.expected() == 0 {
            1.0
        } else {
            self.found as f64 / self.expected() as f64
        }
    }

    fn precision(&self) -> f64 {
        let reported = self.found + self.invented;
        if reported == 0 {
            1.0
        } else {
            self.found as f64 / reported as f64
        }
    }

    fn plus(&self, other: &Score) -> Score {
        Score {
            found: self.found + other.found,
            missed: self.missed + other.missed,
            invented: self.invented + other.invented,
        }
    }

    fn row(&self) -> String {
        format!(
            "{:>6} {:>6.1}% {:>8.1}%",
            self.expected(),
            100.0 * self.recall(),
            100.0 * self.precision()
        )
    }
}

/// What a line says of itself.
struct Label {
    path: String,
    line: u32,
    known: Known,
    what: What,
}

#[derive(Clone, Copy, PartialEq)]
enum Known {
    Expected,
    Missing,
    Spurious,
}

enum What {
    Effect {
        category: String,
        action: String,
        call: String,
        attributes: BTreeMap<String, String>,
    },
    Entry {
        role: String,
        kind: String,
        name: String,
    },
}

/// The fixtures that hold at least one label.
fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut found: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("tests/fixtures is there")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.is_dir() && !labels(path).is_empty())
        .collect();
    found.sort();
    found
}

fn labels(fixture: &Path) -> Vec<Label> {
    let mut found = Vec::new();
    let mut folders = vec![fixture.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "py") {
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a readable file"))
                .into_owned();
            let relative = path.strip_prefix(fixture).expect("a file of the fixture");
            let relative = relative.to_string_lossy().replace('\\', "/");
            for (index, line) in text.lines().enumerate() {
                found.extend(parse(line).into_iter().map(|(known, what)| Label {
                    path: relative.clone(),
                    line: index as u32 + 1,
                    known,
                    what,
                }));
            }
        }
    }
    found
}

/// The labels in a line's comment. A part without a heading of its own has that of the part before it.
fn parse(line: &str) -> Vec<(Known, What)> {
    let headings = [
        ("MISSING effect: ", Known::Missing, true),
        ("MISSING entry: ", Known::Missing, false),
        ("SPURIOUS effect: ", Known::Spurious, true),
        ("SPURIOUS entry: ", Known::Spurious, false),
        ("effect: ", Known::Expected, true),
        ("entry: ", Known::Expected, false),
    ];
    let Some(start) = headings
        .iter()
        .filter_map(|(heading, ..)| line.find(&format!("# {heading}")))
        .min()
    else {
        return Vec::new();
    };
    let mut heading = (Known::Expected, true);
    let mut found = Vec::new();
    for part in line[start + 2..].trim_end().split("; ") {
        let own = headings
            .iter()
            .find_map(|(text, known, effect)| Some((part.strip_prefix(text)?, *known, *effect)));
        let body = own.map_or(part, |(body, known, effect)| {
            heading = (known, effect);
            body
        });
        found.push((
            heading.0,
            if heading.1 {
                effect(body, line)
            } else {
                entry(body)
            },
        ));
    }
    found
}

fn effect(body: &str, line: &str) -> What {
    let mut words = body.split(' ');
    let mut next = || {
        words
            .next()
            .unwrap_or_else(|| panic!("category, action and call are missing: {line}"))
            .to_owned()
    };
    let (category, action, call) = (next(), next(), next());
    let mut attributes: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for word in words {
        match word.split_once('=') {
            Some((key, value)) if ["dest", "resource", "conf", "from", "cov"].contains(&key) => {
                last = key.to_owned();
                attributes.insert(last.clone(), value.to_owned());
            }
            _ => {
                let value = attributes
                    .get_mut(&last)
                    .unwrap_or_else(|| panic!("`{word}` belongs to nothing: {line}"));
                value.push(' ');
                value.push_str(word);
            }
        }
    }
    What::Effect {
        category,
        action,
        call,
        attributes,
    }
}

fn entry(body: &str) -> What {
    let mut words = body.splitn(3, ' ').map(str::to_owned);
    let mut next = || words.next().unwrap_or_default();
    What::Entry {
        role: next(),
        kind: next(),
        name: next(),
    }
}

/// A serde name of a fact's field.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn compare(
    fixture: &Path,
    labels: Vec<Label>,
    scan: &Scan,
    scores: &mut BTreeMap<String, Score>,
    report: &mut String,
) {
    let name = fixture
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut effects: Vec<_> = scan.effects.iter().map(Some).collect();
    let mut entrypoints: Vec<_> = scan.entrypoints.iter().map(Some).collect();
    for label in &labels {
        let place = format!("{name}/{}:{}", label.path, label.line);
        let (key, hit, shown) = match &label.what {
            What::Effect {
                category,
                action,
                call,
                attributes,
            } => {
                let hit = effects.iter_mut().find(|effect| {
                    effect.is_some_and(|effect| {
                        effect.path == label.path
                            && effect.line == label.line
                            && word(effect.category) == *category
                            && word(effect.action) == *action
                            && effect.call == *call
                    })
                });
                let effect = hit.and_then(Option::take);
                if let Some(effect) = effect {
                    for (key, expected) in attributes {
                        let actual = match key.as_str() {
                            "dest" => effect.destination.clone().unwrap_or_default(),
                            "resource" => {
                                format!("{}/{}", effect.resource.kind, effect.resource.name)
                            }
                            "conf" => word(effect.confidence),
                            "cov" => word(effect.coverage),
                            _ => {
                                let names: Vec<&str> = scan
                                    .entrypoints
                                    .iter()
                                    .filter(|entrypoint| {
                                        effect.reached_from.contains(&entrypoint.id)
                                    })
                                    .map(|entrypoint| entrypoint.name.as_str())
                                    .collect();
                                if names.contains(&expected.as_str()) {
                                    continue;
                                } else {
                                    names.join(", ")
                                }
                            }
                        };
                        if actual != *expected {
                            let _ = writeln!(
                                report,
                                "{place}: {key} of {call} is `{actual}`, not `{expected}`"
                            );
                        }
                    }
                }
                (
                    category.clone(),
                    effect.is_some(),
                    format!("effect: {category} {action} {call}"),
                )
            }
            What::Entry { role, kind, name } => {
                let hit = entrypoints.iter_mut().find(|entrypoint| {
                    entrypoint.is_some_and(|entrypoint| {
                        entrypoint.path == label.path
                            && entrypoint.line == label.line
                            && word(entrypoint.role) == *role
                            && entrypoint.kind == *kind
                    })
                });
                let entrypoint = hit.and_then(Option::take);
                if let Some(entrypoint) =
                    entrypoint.filter(|found| !name.is_empty() && found.name != *name)
                {
                    let _ = writeln!(
                        report,
                        "{place}: name of {kind} is `{}`, not `{name}`",
                        entrypoint.name
                    );
                }
                (
                    format!("entry:{role}"),
                    entrypoint.is_some(),
                    format!("entry: {role} {kind} {name}"),
                )
            }
        };
        let score = scores.entry(key).or_default();
        match (label.known, hit) {
            (Known::Expected, true) => score.found += 1,
            (Known::Expected, false) => {
                score.missed += 1;
                let _ = writeln!(report, "{place}: not found: {shown}");
            }
            (Known::Missing, false) => score.missed += 1,
            (Known::Spurious, true) => score.invented += 1,
            (Known::Missing, true) => {
                score.found += 1;
                let _ = writeln!(report, "{place}: no longer MISSING: {shown}");
            }
            (Known::Spurious, false) => {
                let _ = writeln!(report, "{place}: no longer SPURIOUS: {shown}");
            }
        }
    }
    for effect in effects.into_iter().flatten() {
        scores.entry(word(effect.category)).or_default().invented += 1;
        let _ = writeln!(
            report,
            "{name}/{}:{}: no label for effect: {} {} {} ({})",
            effect.path,
            effect.line,
            word(effect.category),
            word(effect.action),
            effect.call,
            word(effect.confidence)
        );
    }
    for entrypoint in entrypoints.into_iter().flatten() {
        scores
            .entry(format!("entry:{}", word(entrypoint.role)))
            .or_default()
            .invented += 1;
        let _ = writeln!(
            report,
            "{name}/{}:{}: no label for entry: {} {} {}",
            entrypoint.path,
            entrypoint.line,
            word(entrypoint.role),
            entrypoint.kind,
            entrypoint.name
        );
    }
}
