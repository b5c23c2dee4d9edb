//! Changed files become a unified diff that `git apply` and `patch -p1` take as it is.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use similar::{Algorithm, DiffOp};

/// How many unchanged lines stand around a change.
const CONTEXT_LINES: usize = 3;

/// A file before and after, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Relative to the scanned directory, with `/`.
    pub path: String,
    /// `None` for a new file.
    pub old: Option<Vec<u8>>,
    /// `None` for a file that goes away.
    pub new: Option<Vec<u8>>,
}

impl FileChange {
    /// The change that takes this one back.
    pub fn inverse(&self) -> FileChange {
        FileChange {
            path: self.path.clone(),
            old: self.new.clone(),
            new: self.old.clone(),
        }
    }
}

/// A change of lines: this range of the old file becomes `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    pub old: Vec<u8>,
    pub new: Vec<u8>,
}

/// The directory that a diff's paths start from, and what stands before a path of `dir` there (`""` or `sub/dir/`).
pub fn apply_root(dir: &Path) -> (PathBuf, String) {
    let root = dir.ancestors().find(|parent| parent.join(".git").exists());
    let Some(root) = root else {
        return (dir.to_owned(), String::new());
    };
    let inside = dir.strip_prefix(root).unwrap_or(Path::new(""));
    let mut prefix = inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join("/");
    if !prefix.is_empty() {
        prefix.push('/');
    }
    (root.to_owned(), prefix)
}

/// The unified diff of `changes`, each path after `prefix`.
pub fn unified(changes: &[FileChange], prefix: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for change in changes {
        if change.old != change.new {
            file_diff(change, prefix, &mut out);
        }
    }
    out
}

fn file_diff(change: &FileChange, prefix: &str, out: &mut Vec<u8>) {
    let path = format!("{prefix}{}", change.path);
    let (old_name, new_name) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
    let mut head = format!("diff --git {old_name} {new_name}\n");
    if change.old.is_none() {
        head.push_str("new file mode 100644\n");
    }
    if change.new.is_none() {
        head.push_str("deleted file mode 100644\n");
    }
    let (old, new) = (
        change.old.as_deref().unwrap_or_default(),
        change.new.as_deref().unwrap_or_default(),
    );
    if !old.is_empty() || !new.is_empty() {
        // After a name with a space git writes a tab, so that no reader takes the rest for a time stamp.
        let end = if path.contains(' ') && !old_name.starts_with('"') {
            "\t\n"
        } else {
            "\n"
        };
        let side = |present: bool, name: &str| match present {
            true => format!("{name}{end}"),
            false => "/dev/null\n".to_owned(),
        };
        let _ = write!(
            head,
            "--- {}+++ {}",
            side(change.old.is_some(), &old_name),
            side(change.new.is_some(), &new_name)
        );
    }
    out.extend_from_slice(head.as_bytes());
    hunks(old, new, out);
}

fn hunks(old: &[u8], new: &[u8], out: &mut Vec<u8>) {
    let (old_lines, new_lines) = (lines(old), lines(new));
    for group in groups(&old_lines, &new_lines) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        out.extend_from_slice(
            format!("@@ -{} +{} @@\n", span(&old_range), span(&new_range)).as_bytes(),
        );
        for op in group {
            let (before, after) = (op.old_range(), op.new_range());
            match op {
                DiffOp::Equal { .. } => write_lines(b' ', &old_lines[before], out),
                _ => {
                    write_lines(b'-', &old_lines[before], out);
                    write_lines(b'+', &new_lines[after], out);
                }
            }
        }
    }
}

fn groups(old: &[&[u8]], new: &[&[u8]]) -> Vec<Vec<DiffOp>> {
    let ops = similar::capture_diff_slices(Algorithm::Myers, old, new);
    similar::group_diff_ops(ops, CONTEXT_LINES)
}

/// A range of lines as a hunk's header has it: 1-based, the line before for an empty one.
fn span(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        count => format!("{},{count}", range.start + 1),
    }
}

fn write_lines(mark: u8, lines: &[&[u8]], out: &mut Vec<u8>) {
    for line in lines {
        out.push(mark);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A path as git writes it in a diff: as it is, or quoted like a C string where it holds anything unusual.
fn quoted(path: &str) -> String {
    let is_plain = path
        .bytes()
        .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    if is_plain {
        return path.to_owned();
    }
    let mut out = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            0x20..0x7f => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

/// The lines of the old file (0-based) that become other text.
pub fn line_changes(old: &[u8], new: &[u8]) -> Vec<(Range<usize>, Vec<u8>)> {
    let (old_lines, new_lines) = (lines(old), lines(new));
    similar::capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| (op.old_range(), new_lines[op.new_range()].concat()))
        .collect()
}

/// The change as replacements whose `old` occurs exactly once in the file, apart from each other.
pub fn replacements(old: &[u8], new: &[u8]) -> Vec<Replacement> {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let mut parts: Vec<(Range<usize>, Range<usize>)> =
        similar::capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines)
            .into_iter()
            .filter(|op| !matches!(op, DiffOp::Equal { .. }))
            .map(|op| (op.old_range(), op.new_range()))
            .collect();
    let mut index = 0;
    while index < parts.len() {
        let (before, after) = parts[index].clone();
        let text = old_lines[before.clone()].concat();
        if occurs_once(old, &text) || before == (0..old_lines.len()) {
            index += 1;
            continue;
        }
        // One more line on each side, which is the same in both files unless it belongs to a neighbour.
        let grown = (
            before.start.saturating_sub(1)..(before.end + 1).min(old_lines.len()),
            after.start - usize::from(before.start > 0)
                ..after.end + usize::from(before.end < old_lines.len()),
        );
        parts[index] = grown;
        if index + 1 < parts.len() && parts[index].0.end > parts[index + 1].0.start {
            let next = parts.remove(index + 1);
            parts[index] = join(&parts[index], &next);
        }
        if index > 0 && parts[index - 1].0.end > parts[index].0.start {
            let this = parts.remove(index);
            index -= 1;
            parts[index] = join(&parts[index], &this);
        }
    }
    parts
        .into_iter()
        .map(|(before, after)| Replacement {
            old: old_lines[before].concat(),
            new: new_lines[after].concat(),
        })
        .collect()
}

type Part = (Range<usize>, Range<usize>);

fn join(one: &Part, other: &Part) -> Part {
    (
        one.0.start.min(other.0.start)..one.0.end.max(other.0.end),
        one.1.start.min(other.1.start)..one.1.end.max(other.1.end),
    )
}

fn occurs_once(text: &[u8], part: &[u8]) -> bool {
    if part.is_empty() {
        return text.is_empty();
    }
    let mut found = memchr::memmem::find_iter(text, part);
    let Some(first) = found.next() else {
        return false;
    };
    // Occurrences may overlap.
    memchr::memmem::find(&text[first + 1..], part).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, old: Option<&str>, new: Option<&str>) -> FileChange {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        FileChange {
            path: path.to_owned(),
            old: bytes(old),
            new: bytes(new),
        }
    }

    #[track_caller]
    fn check(change: FileChange, expected: &str) {
        let diff = unified(&[change], "");
        assert_eq!(String::from_utf8_lossy(&diff), expected);
    }

    #[test]
    fn a_change_at_the_top() {
        check(
            change("a.py", Some("x\ny\n"), Some("i\nx\ny\n")),
            "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n+i\n x\n y\n",
        );
    }

    #[test]
    fn new_files_and_missing_newlines() {
        check(
            change("a b.py", None, Some("x")),
            "diff --git a/a b.py b/a b.py\nnew file mode 100644\n--- /dev/null\n+++ b/a b.py\t\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
        );
        check(
            change("e", None, Some("")),
            "diff --git a/e b/e\nnew file mode 100644\n",
        );
    }

    #[test]
    fn unusual_names_are_quoted_as_git_does() {
        assert_eq!(quoted("a/é\"b"), "\"a/\\303\\251\\\"b\"");
        assert_eq!(quoted("a/b c"), "a/b c");
    }

    #[test]
    fn replacements_are_found_once() {
        let old = b"a\nb\na\nb\nc\n";
        let new = b"i\na\nb\na\nb\nj\nc\n";
        let mut text = old.to_vec();
        for part in replacements(old, new) {
            assert!(occurs_once(&text, &part.old), "{part:?}");
            let at = memchr::memmem::find(&text, &part.old).expect("occurs");
            text.splice(at..at + part.old.len(), part.new);
        }
        assert_eq!(text, new);
    }
}
