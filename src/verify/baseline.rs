//! A baseline: the findings that are accepted today. It can only shrink.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{Finding, Level};

/// How many findings of one kind are accepted in one file. Lines are left out: they move.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    pub schema: String,
    pub accepted: BTreeMap<String, usize>,
}

const SCHEMA: &str = "governor.baseline/1";

impl Baseline {
    pub fn of(findings: &[Finding]) -> Baseline {
        let mut accepted = BTreeMap::new();
        for finding in findings
            .iter()
            .filter(|finding| finding.level != Level::Note)
        {
            *accepted.entry(key(finding)).or_default() += 1;
        }
        Baseline {
            schema: SCHEMA.to_owned(),
            accepted,
        }
    }

    pub fn parse(text: &str) -> anyhow::Result<Baseline> {
        let baseline: Baseline = serde_json::from_str(text)
            .context("it is not a baseline: remove it, and the next run writes a new one")?;
        anyhow::ensure!(
            baseline.schema == SCHEMA,
            "its schema is `{}`, not `{SCHEMA}`: remove it, and the next run writes a new one",
            baseline.schema
        );
        Ok(baseline)
    }

    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The findings that go beyond what is accepted, and the baseline without what is gone.
    pub fn compare(&self, findings: Vec<Finding>) -> (Vec<Finding>, Baseline) {
        let now = Baseline::of(&findings);
        let mut left = self.accepted.clone();
        let fresh = findings
            .into_iter()
            .filter(|finding| match left.get_mut(&key(finding)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            })
            .collect();
        let accepted = self
            .accepted
            .iter()
            .filter_map(|(key, count)| {
                let count = *now.accepted.get(key)?.min(count);
                Some((key.clone(), count))
            })
            .collect();
        let smaller = Baseline {
            schema: SCHEMA.to_owned(),
            accepted,
        };
        (fresh, smaller)
    }
}

fn key(finding: &Finding) -> String {
    format!("{} {} {}", finding.code, finding.path, finding.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_shrinks() {
        let finding = |line| Finding::new("fail_open", "m".to_owned(), "a.py", line);
        let baseline = Baseline::of(&[finding(1), finding(2)]);
        let (fresh, smaller) = baseline.compare(vec![finding(7)]);
        assert!(fresh.is_empty());
        assert_eq!(smaller.accepted.values().sum::<usize>(), 1);
        let (fresh, same) = smaller.compare(vec![finding(1), finding(2), finding(3)]);
        assert_eq!(fresh.len(), 2);
        assert_eq!(same, smaller);
    }
}
