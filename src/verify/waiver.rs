//! Waivers beside the code: `# governor: waive CODE until=2027-03-31 reason="…"`.

use std::collections::BTreeMap;

use super::Finding;
use crate::workspace::Workspace;

/// A waiver on a finding's line or on the one above it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiver {
    code: String,
    until: Option<jiff::civil::Date>,
    has_reason: bool,
}

/// What became of the findings.
pub struct Waived {
    pub findings: Vec<Finding>,
    /// How many a valid waiver took away.
    pub waived: usize,
}

/// Takes away the findings with a waiver that has a reason and still holds on `today`; says of others what they lack.
pub fn apply(workspace: &Workspace, findings: Vec<Finding>, today: jiff::civil::Date) -> Waived {
    let mut sources: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kept = Vec::new();
    let mut waived = 0;
    for mut finding in findings {
        let lines = sources.entry(finding.path.clone()).or_insert_with(|| {
            let bytes = workspace.read(&finding.path).unwrap_or_default();
            String::from_utf8_lossy(&bytes)
                .lines()
                .map(str::to_owned)
                .collect()
        });
        let row = finding.line as usize - 1;
        let own = lines.get(row);
        let above = row
            .checked_sub(1)
            .and_then(|row| lines.get(row))
            .filter(|line| line.trim_start().starts_with('#'));
        let waiver = own
            .into_iter()
            .chain(above)
            .filter_map(|line| parse(line))
            .find(|waiver| waiver.code == finding.code);
        match waiver {
            Some(Waiver {
                has_reason: true,
                until: Some(until),
                ..
            }) if today <= until => {
                waived += 1;
                continue;
            }
            Some(Waiver {
                until: Some(until), ..
            }) if today > until => {
                finding
                    .message
                    .push_str(&format!(" (its waiver ended on {until})"));
            }
            Some(_) => {
                finding
                    .message
                    .push_str(" (its waiver needs `until=YYYY-MM-DD` and `reason=\"…\"`)");
            }
            None => {}
        }
        kept.push(finding);
    }
    Waived {
        findings: kept,
        waived,
    }
}

fn parse(line: &str) -> Option<Waiver> {
    let (_, rest) = line.split_once("governor: waive ")?;
    let mut words = rest.split_whitespace();
    let code = words.next()?.to_owned();
    let value = |key: &str| rest.split_once(&format!("{key}=")).map(|(_, value)| value);
    let until = value("until")
        .and_then(|value| value.split_whitespace().next())
        .and_then(|date| date.trim_matches('"').parse().ok());
    let has_reason = value("reason").is_some_and(|reason| {
        let reason = match reason.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or(""),
            None => reason.split_whitespace().next().unwrap_or(""),
        };
        !reason.trim().is_empty()
    });
    Some(Waiver {
        code,
        until,
        has_reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_needs_a_reason_and_an_end() {
        let waiver = parse("x()  # governor: waive fail_open until=2027-03-31 reason=\"a test\"")
            .expect("is one");
        assert_eq!(waiver.code, "fail_open");
        assert_eq!(waiver.until, "2027-03-31".parse().ok());
        assert!(waiver.has_reason);
        let waiver = parse("# governor: waive fail_open until=soon").expect("is one");
        assert_eq!((waiver.until, waiver.has_reason), (None, false));
        assert_eq!(parse("# a comment"), None);
    }
}
