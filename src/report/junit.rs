//! Findings as a JUnit report, which every CI system shows: an error is a failed test case, the rest are passed ones
//! that say something.

use std::fmt::Write as _;

/// One finding, or what passed.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file.
    pub class: String,
    pub name: String,
    pub line: u32,
    /// The type and the message of a failure.
    pub failure: Option<(String, String)>,
    pub text: String,
}

/// The document.
pub fn junit(suite: &str, cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let counts = format!(
        "name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\" time=\"0\"",
        escaped(suite),
        cases.len()
    );
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite {counts}>\n"
    );
    for case in cases {
        let _ = write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"0\">",
            escaped(&case.class),
            escaped(&case.name),
            escaped(&case.class),
            case.line
        );
        match &case.failure {
            Some((kind, message)) => {
                let _ = write!(
                    out,
                    "<failure type=\"{}\" message=\"{}\">{}</failure>",
                    escaped(kind),
                    escaped(message),
                    escaped(&case.text)
                );
            }
            None if case.text.is_empty() => {}
            None => {
                let _ = write!(out, "<system-out>{}</system-out>", escaped(&case.text));
            }
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text as XML holds it, without the characters that XML 1.0 has no way to write.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_not_break_it() {
        let case = Case {
            class: "a<b>.py".to_owned(),
            name: "x \u{1b}\"&\"".to_owned(),
            line: 3,
            failure: Some(("code".to_owned(), "m".to_owned())),
            text: "]]>\u{0}".to_owned(),
        };
        let text = junit("s", &[case]);
        assert!(
            text.contains("classname=\"a&lt;b&gt;.py\" name=\"x &quot;&amp;&quot;\""),
            "{text}"
        );
        assert!(
            text.contains("<failure type=\"code\" message=\"m\">]]&gt;</failure>"),
            "{text}"
        );
        assert!(text.contains("tests=\"1\" failures=\"1\""), "{text}");
    }
}
