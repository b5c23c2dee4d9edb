//! Exceptions and frames, as Python 3.9 to 3.14, pytest, IPython and Rich print them.

use super::{Evidence, Raised};

/// Over so many lines may a terminal break one message.
const WRAPPED_LINES: usize = 8;

/// One line of a traceback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// As printed.
    pub path: String,
    pub line: u32,
    /// Empty where it is not told.
    pub function: String,
}

/// The denials of a text; else its exceptions of other kinds as one evidence.
pub fn read(text: &str) -> Vec<Evidence> {
    let mut denials: Vec<Evidence> = Vec::new();
    let mut others: Vec<String> = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut others_frames: Vec<Frame> = Vec::new();
    // pytest names the places after the exception.
    let mut open = false;
    let mut seen_traceback = false;
    let mut wrapped = 0;
    for line in text.lines() {
        if wrapped > 0
            && let Some(last) = denials.last_mut()
            && continues(&last.message, line)
        {
            wrapped -= 1;
            last.message = format!("{} {}", last.message, line.trim());
            continue;
        }
        wrapped = 0;
        if line.contains("Traceback (most recent call last)") || is_test_header(line) {
            frames.clear();
            open = false;
            seen_traceback = true;
            continue;
        }
        if let Some(frame) = frame(line) {
            if open && let Some(last) = denials.last_mut() {
                last.frames.push(frame.clone());
            }
            frames.push(frame);
            continue;
        }
        if let Some((raised, message)) = denial(line) {
            let evidence = Evidence {
                raised: Some(raised),
                message,
                frames: frames.clone(),
                sources: vec![if frames.is_empty() {
                    "an exception"
                } else {
                    "a traceback"
                }],
                ..Evidence::default()
            };
            push(&mut denials, evidence);
            open = true;
            wrapped = WRAPPED_LINES;
        } else if let Some(other) = other(line, seen_traceback) {
            if other.contains("ConfigurationError") && other.contains("governor") {
                others.insert(0, other);
            } else {
                others.push(other);
            }
            if !frames.is_empty() {
                others_frames = std::mem::take(&mut frames);
            }
            open = false;
        }
    }
    if denials.is_empty() && !others.is_empty() {
        let configuration =
            others[0].starts_with("governor.") && others[0].contains("ConfigurationError");
        denials.push(Evidence {
            raised: configuration.then_some(Raised::Configuration),
            others,
            frames: others_frames,
            sources: vec!["a traceback"],
            ..Evidence::default()
        });
    }
    denials
}

/// Whether a line goes on with the client's words, which Rich breaks to the width of the terminal.
fn continues(message: &str, line: &str) -> bool {
    super::message::is_own(message)
        && !message.contains("; next:")
        && !line.trim().is_empty()
        && frame(line).is_none()
        && denial(line).is_none()
        && !line.starts_with(|c: char| {
            c.is_whitespace() || c.is_ascii_digit() || matches!(c, '[' | '_' | '=' | '-' | '+')
        })
        && !line.contains("Traceback (most recent")
        && !line.starts_with("During handling")
}

/// The same exception stands several times in a log: the fullest mention counts.
fn push(denials: &mut Vec<Evidence>, evidence: Evidence) {
    let Some(last) = denials.last_mut().filter(|last| {
        last.raised == evidence.raised && same_message(&last.message, &evidence.message)
    }) else {
        denials.push(evidence);
        return;
    };
    if evidence.message.len() > last.message.len() {
        last.message = evidence.message;
    }
    if last.frames.is_empty() {
        last.frames = evidence.frames;
        last.sources = evidence.sources;
    }
}

/// Whether one is the other, or its beginning before `...`.
fn same_message(left: &str, right: &str) -> bool {
    let cut = |text: &str| {
        let end = text.find("...").unwrap_or(text.len());
        text[..end].trim().to_owned()
    };
    let (left, right) = (cut(left), cut(right));
    left.starts_with(&right) || right.starts_with(&left)
}

/// `____ test_pay ____`.
fn is_test_header(line: &str) -> bool {
    line.starts_with("____")
        && line.ends_with("____")
        && line.contains(' ')
        && !line.starts_with("_ _")
}

/// The client's exception in a line, with its message.
fn denial(line: &str) -> Option<(Raised, String)> {
    for class in ["PolicyDenied", "PolicyHeld", "PolicyUnavailable"] {
        for (at, _) in line.match_indices(class) {
            let before = &line[..at];
            let name_start = before
                .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_')))
                .map_or(0, |index| index + 1);
            let lead = before[..name_start].trim_end();
            let after = &line[at + class.len()..];
            if let Some(message) = message_after(
                lead,
                after,
                before.ends_with(['.', '(']) || before.trim().is_empty(),
            ) {
                return Some((Raised::of_class(class)?, message));
            }
        }
    }
    None
}

fn message_after(lead: &str, after: &str, qualified: bool) -> Option<String> {
    let mentions = [
        "except",
        "raise",
        "import",
        "isinstance",
        "raises",
        "class",
        "def",
        "->",
        "|",
        ",",
    ];
    if mentions
        .iter()
        .any(|word| lead.ends_with(word) || lead.ends_with(&format!("{word}(")))
        || lead.starts_with("except ")
        || lead.trim_start().starts_with('>')
        || lead.contains("import ")
    {
        return None;
    }
    if let Some(message) = after.strip_prefix(": ") {
        return Some(message.trim().to_owned());
    }
    // `PolicyDenied('…')`, as `repr` prints it.
    if let Some(inside) = after.strip_prefix('(') {
        let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let end = inside.rfind(&format!("{quote})")).or(inside.rfind(quote))?;
        return inside.get(1..end).map(|text| text.replace("\\'", "'"));
    }
    // SQLAlchemy: `(governor._errors.PolicyDenied) …`.
    if lead.ends_with('(')
        && let Some(message) = after.strip_prefix(')')
    {
        return Some(message.trim().to_owned());
    }
    let ends = after.trim().is_empty() || after.trim() == ":";
    (ends && qualified && lead.is_empty()).then(String::new)
}

/// Any other exception's line: `package.SomeError: message`.
fn other(line: &str, seen_traceback: bool) -> Option<String> {
    let name_length = line
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_')))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(name_length);
    let class = name.rsplit('.').next()?;
    let is_class = class.starts_with(|c: char| c.is_uppercase()) && class.len() > 3;
    let names_error = [
        "Error",
        "Exception",
        "Timeout",
        "Denied",
        "Exit",
        "Interrupt",
        "Forbidden",
    ]
    .iter()
    .any(|end| class.ends_with(end));
    let shaped = rest.is_empty() || rest.starts_with(": ") || rest == ":";
    (is_class
        && shaped
        && (names_error || seen_traceback || rest.starts_with(": "))
        && (names_error || name.contains('.')))
    .then(|| line.trim().to_owned())
}

/// `File "x.py", line 9, in f`, `x.py:9: in f`, `x.py:9: SomeError`, `File ~/x.py:9, in f()`, `x.py:9 in f`.
fn frame(line: &str) -> Option<Frame> {
    let trimmed = line.trim_start();
    if let Some(at) = line.find("File \"") {
        let (path, rest) = line[at + 6..].split_once('"')?;
        let rest = rest.strip_prefix(", line ")?;
        let (number, rest) = leading_number(rest)?;
        let function = rest.strip_prefix(", in ").unwrap_or_default();
        return Some(of(path, number, function));
    }
    let bare = trimmed.strip_prefix("File ").unwrap_or(trimmed);
    let colon = bare.find(".py:")? + 3;
    let path = &bare[..colon];
    let (number, rest) = leading_number(&bare[colon + 1..])?;
    if path.contains(char::is_whitespace) && !trimmed.starts_with("File ") {
        return None;
    }
    let function = [": in ", ", in ", " in "]
        .iter()
        .find_map(|mark| rest.strip_prefix(mark));
    let is_place = function.is_some()
        || rest.trim() == ":"
        || rest
            .strip_prefix(": ")
            .is_some_and(|name| !name.trim().contains(' '));
    is_place.then(|| of(path, number, function.unwrap_or_default()))
}

fn of(path: &str, line: u32, function: &str) -> Frame {
    let end = function.find('(').unwrap_or(function.len());
    Frame {
        path: path.to_owned(),
        line,
        function: function[..end].trim().to_owned(),
    }
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}
