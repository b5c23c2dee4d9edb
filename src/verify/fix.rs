//! The change that settles a finding, where a machine can say it: the same edits that `integrate` makes, or one word of
//! a setting.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Finding;
use crate::diff::{self, FileChange};
use crate::edit::python::recognise::enable_calls;
use crate::edit::python::{self, Module, Part, enable, handler, scope::Form};
use crate::edit::{line_end, line_start, notebook};
use crate::facts::Scan;
use crate::plan::{self, Change, Mode, Options};
use crate::workspace::Workspace;

/// A change to one file that settles a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub title: &'static str,
    pub change: FileChange,
}

/// Makes fixes for the findings of one scan.
pub struct Fixer<'a> {
    workspace: &'a Workspace,
    scan: &'a Scan,
    /// Where the planner asks before a call that the client cannot intercept, made at the first question.
    questions: OnceCell<Vec<(String, Part)>>,
}

impl<'a> Fixer<'a> {
    pub fn new(workspace: &'a Workspace, scan: &'a Scan) -> Fixer<'a> {
        Fixer {
            workspace,
            scan,
            questions: OnceCell::new(),
        }
    }

    /// The change that settles `finding`; `None` where a person has to decide.
    pub fn fix(&self, finding: &Finding) -> Option<Fix> {
        let source = self.workspace.read(&finding.path).ok()?;
        let (title, new) = match finding.code {
            "ungoverned_entrypoint" if finding.path.ends_with(".ipynb") => (
                "Enable the client in the first code cell",
                notebook::insert(&source).ok()??.apply(&source),
            ),
            "ungoverned_entrypoint" | "removed_enable" => (
                "Enable the client first in this module",
                enable::insert(&source).ok()?.apply(&source),
            ),
            "late_enable" => {
                let without = without_enable(&source, finding.line)?;
                let edit = enable::insert(&without).ok()?;
                (
                    "Move `enable()` before the other code of this module",
                    edit.apply(&without),
                )
            }
            "double_enable" => (
                "Keep the call that runs first",
                without_enable(&source, finding.line)?,
            ),
            "missing_worker_hook" => (
                "Enable the client in each worker after its fork",
                self.hooked(&source, finding)?,
            ),
            "swallowed_denial" => (
                "Let a denial through",
                handler::insert(&source, finding.line).ok()?.apply(&source),
            ),
            "unintercepted_effect" => (
                "Ask for a decision before the call",
                self.asked(&source, finding)?,
            ),
            "fail_open" => (
                "Fail closed",
                with_setting(
                    &source,
                    finding.line,
                    &["GOVERNOR_FAIL_MODE", "fail_mode"],
                    &[("open", "closed")],
                )?,
            ),
            "bypass_in_production" => (
                "Take the bypass out",
                with_setting(
                    &source,
                    finding.line,
                    &["GOVERNOR_DEV_BYPASS", "dev_bypass"],
                    &[
                        ("1", "0"),
                        ("true", "false"),
                        ("True", "False"),
                        ("yes", "no"),
                        ("on", "off"),
                    ],
                )?,
            ),
            _ => return None,
        };
        (new != source).then(|| Fix {
            title,
            change: FileChange {
                path: finding.path.clone(),
                old: Some(source),
                new: Some(new),
            },
        })
    }

    /// The fix as a unified diff; `None` where there is none, or where the file is not text that a diff can show.
    pub fn diff(&self, finding: &Finding) -> Option<String> {
        let fix = self.fix(finding)?;
        let (_, prefix) = diff::apply_root(self.workspace.root());
        String::from_utf8(diff::unified(&[fix.change], &prefix)).ok()
    }

    fn hooked(&self, source: &[u8], finding: &Finding) -> Option<Vec<u8>> {
        let is_celery =
            self.scan.entrypoints.iter().any(|entrypoint| {
                entrypoint.path == finding.path && entrypoint.kind == "celery_app"
            });
        let part = match is_celery {
            true => Part::WorkerHook { line: finding.line },
            false => Part::PostFork,
        };
        let edit = python::compose(source, &BTreeSet::from([part])).ok()?;
        Some(edit.apply(source))
    }

    fn asked(&self, source: &[u8], finding: &Finding) -> Option<Vec<u8>> {
        let questions = self.questions.get_or_init(|| {
            let options = Options {
                mode: Mode::Scopes,
                ..Options::default()
            };
            let plan = plan::plan(self.workspace, self.scan, &options);
            plan.steps
                .into_iter()
                .filter_map(|step| match step.change {
                    Change::Python { path, part } => Some((path, part)),
                    _ => None,
                })
                .collect()
        });
        let part = questions.iter().find_map(|(path, part)| match part {
            Part::Scope(target)
                if *path == finding.path
                    && target.form != Form::With
                    && (target.lines.0..=target.lines.1).contains(&finding.line) =>
            {
                Some(part.clone())
            }
            _ => None,
        })?;
        let edit = python::compose(source, &BTreeSet::from([part])).ok()?;
        Some(edit.apply(source))
    }
}

impl Fix {
    /// The fix as SARIF writes it; `prefix` stands before the path.
    pub fn sarif(&self, prefix: &str) -> Value {
        let old = self.change.old.as_deref().unwrap_or_default();
        let new = self.change.new.as_deref().unwrap_or_default();
        let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
        // The start of a 0-based line; after the last one, the end of it.
        let place = |line: usize| match lines.last() {
            Some(last) if line == lines.len() && !last.ends_with(b"\n") => (
                lines.len(),
                String::from_utf8_lossy(last).chars().count() + 1,
            ),
            _ => (line + 1, 1),
        };
        let replacements: Vec<Value> = diff::line_changes(old, new)
            .into_iter()
            .map(|(range, text)| {
                let (start, end) = (place(range.start), place(range.end));
                json!({
                    "deletedRegion": {
                        "startLine": start.0, "startColumn": start.1,
                        "endLine": end.0, "endColumn": end.1,
                    },
                    "insertedContent": {"text": String::from_utf8_lossy(&text)},
                })
            })
            .collect();
        json!({
            "description": {"text": self.title},
            "artifactChanges": [{
                "artifactLocation": {
                    "uri": crate::report::uri(&format!("{prefix}{}", self.change.path)),
                    "uriBaseId": "%SRCROOT%",
                },
                "replacements": replacements,
            }],
        })
    }
}

/// The module without the call of `enable()` that stands alone on this line and names no settings.
fn without_enable(source: &[u8], line: u32) -> Option<Vec<u8>> {
    let module = Module::new(source);
    let call = enable_calls(&module)
        .into_iter()
        .find(|call| call.at_top && call.line == line)?;
    let (start, end) = (line_start(source, call.start), line_end(source, call.start));
    let text = String::from_utf8_lossy(&source[start..end]).into_owned();
    let text = text.split('#').next().unwrap_or("").trim_end();
    // With settings in it, or with other code on its line, it is a person's to move.
    let is_alone = call.start == start && text.ends_with("enable()") && !text.contains(';');
    is_alone.then(|| [&source[..start], &source[end..]].concat())
}

/// The file with another value for the setting on this line, or on the line after it (`name:` and `value:`).
fn with_setting(
    source: &[u8],
    line: u32,
    keys: &[&str],
    values: &[(&str, &str)],
) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(source).ok()?;
    let start: usize = text
        .split_inclusive('\n')
        .take(line as usize - 1)
        .map(str::len)
        .sum();
    let own = line_end(source, start);
    let key = keys.iter().find(|key| text[start..own].contains(**key))?;
    let after = start + text[start..own].find(key)? + key.len();
    for end in [own, line_end(source, own)] {
        let mut at = after;
        for word in text[after..end].split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
            let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some((_, instead)) = values.iter().find(|(value, _)| *value == bare) {
                return Some(
                    [&text[..at], instead, &text[at + bare.len()..]]
                        .concat()
                        .into_bytes(),
                );
            }
            at += word.len();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_setting(before: &str, line: u32, after: &str) {
        let values = [("open", "closed"), ("1", "0")];
        let keys = ["GOVERNOR_FAIL_MODE", "GOVERNOR_DEV_BYPASS"];
        let new = with_setting(before.as_bytes(), line, &keys, &values).expect("applies");
        assert_eq!(String::from_utf8_lossy(&new), after);
    }

    #[test]
    fn one_word_of_a_setting_changes() {
        check_setting(
            "A=1\nGOVERNOR_FAIL_MODE=open\n",
            2,
            "A=1\nGOVERNOR_FAIL_MODE=closed\n",
        );
        check_setting(
            "- name: GOVERNOR_DEV_BYPASS\n  value: \"1\"\n",
            1,
            "- name: GOVERNOR_DEV_BYPASS\n  value: \"0\"\n",
        );
        check_setting(
            "open = 1\nos.environ[\"GOVERNOR_FAIL_MODE\"] = \"open\"",
            2,
            "open = 1\nos.environ[\"GOVERNOR_FAIL_MODE\"] = \"closed\"",
        );
    }

    #[test]
    fn a_call_with_settings_is_left_to_a_person() {
        let source =
            b"import governor\nx = 1\ngovernor.enable()\ngovernor.enable(fail_mode=\"open\")\n";
        assert_eq!(
            without_enable(source, 3).as_deref(),
            Some(&b"import governor\nx = 1\ngovernor.enable(fail_mode=\"open\")\n"[..])
        );
        assert_eq!(without_enable(source, 4), None);
    }
}
