//! The command of each build stage of a Dockerfile, and what the image copies from the repo.

use super::{RawCommand, logical_lines};
use crate::workspace::launch::command::split_words;
use crate::workspace::launch::join;

pub fn raw_commands(path: &str, text: &str) -> Vec<RawCommand> {
    let own_folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut stage = Stage::default();
    let mut out = Vec::new();
    for (number, line) in logical_lines(text) {
        let Some((word, rest)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "FROM" => {
                out.extend(stage.command(own_folder));
                stage = Stage {
                    python_path: stage.python_path,
                    ..Stage::default()
                };
            }
            "WORKDIR" => stage.working = absolute(&stage.working, rest),
            "COPY" | "ADD" => stage.copies.extend(copied(rest, &stage.working)),
            "ENV" => {
                if let Some(value) = rest.strip_prefix("PYTHONPATH") {
                    let value = value.trim_start_matches(['=', ' ']).trim_matches('"');
                    stage.python_path = value.split(':').map(str::to_owned).collect();
                }
            }
            "ENTRYPOINT" => stage.entrypoint = Some((number, exec_form(rest))),
            "CMD" => stage.cmd = Some((number, exec_form(rest))),
            _ => {}
        }
    }
    out.extend(stage.command(own_folder));
    out
}

/// What the instructions of a build stage say so far.
#[derive(Default)]
struct Stage {
    /// Empty stands for `/`.
    working: String,
    copies: Vec<(String, String)>,
    python_path: Vec<String>,
    entrypoint: Option<(u32, Vec<String>)>,
    cmd: Option<(u32, Vec<String>)>,
}

impl Stage {
    /// What the image runs.
    fn command(&self, own_folder: &str) -> Option<RawCommand> {
        let (line, mut words) = match (self.entrypoint.clone(), self.cmd.clone()) {
            (Some((line, mut words)), Some((_, rest))) => {
                words.extend(rest);
                (line, words)
            }
            (one, other) => one.or(other)?,
        };
        // The repo's folders that lie where the command runs or imports from.
        let mut folders = Vec::new();
        let image_folders = std::iter::once(self.working.as_str())
            .chain(self.python_path.iter().map(String::as_str));
        for image in image_folders {
            for (from, to) in &self.copies {
                let (image, to) = (image.trim_end_matches('/'), to.trim_end_matches('/'));
                // The copied folder lies below the working one and keeps its name: so does its parent.
                if let Some(inside) = to.strip_prefix(image).map(|rest| rest.trim_matches('/'))
                    && !inside.is_empty()
                    && let Some(parent) = from.strip_suffix(inside)
                {
                    for base in [own_folder, ""] {
                        folders.push(join(base, parent));
                    }
                }
                if let Some(inside) = image.strip_prefix(to)
                    && (inside.is_empty() || inside.starts_with('/'))
                {
                    for base in [own_folder, ""] {
                        folders.push(join(&join(base, from), inside.trim_start_matches('/')));
                    }
                }
            }
        }
        for word in &mut words {
            // A path inside the image, as a path inside the repo.
            if word.starts_with('/') && word.ends_with(".py") {
                for (from, to) in &self.copies {
                    if let Some(inside) =
                        word.strip_prefix(&format!("{}/", to.trim_end_matches('/')))
                    {
                        *word = join(from, inside);
                        break;
                    }
                }
            }
        }
        Some(RawCommand {
            line,
            words,
            folders,
        })
    }
}

fn absolute(working: &str, path: &str) -> String {
    let path = path.trim_matches('"');
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{}", join(working.trim_start_matches('/'), path))
    }
}

/// What a `COPY` puts where: folders of the build context, and their folder in the image.
fn copied(arguments: &str, working: &str) -> Vec<(String, String)> {
    let words: Vec<String> = if arguments.starts_with('[') {
        json_words(arguments)
    } else {
        split_words(arguments)
    };
    if words.iter().any(|word| word.starts_with("--from")) {
        return Vec::new();
    }
    let mut paths: Vec<&String> = words
        .iter()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let Some(to) = paths.pop() else {
        return Vec::new();
    };
    let to = absolute(working, to);
    paths
        .into_iter()
        .map(|from| (join("", from), to.clone()))
        .collect()
}

/// Something that an image copies from the build context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// A path of the build context; empty for all of it.
    pub from: String,
    /// The absolute path in the image.
    pub to: String,
    /// `--chown=…` and the like.
    pub flags: Vec<String>,
    /// The offset after the instruction's last line.
    pub end: usize,
}

pub fn copies(text: &str) -> Vec<Copy> {
    let mut working = String::from("/");
    let mut found = Vec::new();
    let (mut start, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        end += line.len();
        if line.trim_end().ends_with('\\') {
            continue;
        }
        let instruction = text[start..end].replace("\\\r\n", " ").replace("\\\n", " ");
        start = end;
        let Some((word, rest)) = instruction.trim().split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "FROM" => working = "/".to_owned(),
            "WORKDIR" => working = absolute(&working, rest),
            "COPY" | "ADD" => {
                let flags: Vec<String> = rest
                    .split_whitespace()
                    .take_while(|word| word.starts_with("--"))
                    .map(str::to_owned)
                    .collect();
                found.extend(copied(rest, &working).into_iter().map(|(from, to)| Copy {
                    from,
                    to,
                    flags: flags.clone(),
                    end,
                }));
            }
            _ => {}
        }
    }
    found
}

fn exec_form(text: &str) -> Vec<String> {
    if text.starts_with('[') {
        json_words(text)
    } else {
        split_words(text)
    }
}

fn json_words(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| {
        text.trim_matches(['[', ']'])
            .split(',')
            .map(|word| word.trim().trim_matches(['"', '\'']).to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    })
}
