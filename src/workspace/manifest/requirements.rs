//! Requirement files: in their order, pinned and hashed as their neighbours are.

use super::{Addition, Dependency, newline, styled, whole_line};

pub fn addition(name: &str, text: &str, dependency: &Dependency) -> Addition {
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
