//! The files that hold commands, and where in them the commands stand.

use super::RawCommand;
use super::command::split_words;

mod dockerfile;
mod yaml;

pub use dockerfile::{Copy, copies};

/// How a file holds its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Dockerfile,
    /// `name: command`, a line each.
    Procfile,
    /// A command a line, perhaps continued.
    Shell,
    /// Recipes behind tabs.
    Makefile,
    /// systemd and supervisor: `Key=command`.
    Unit,
    /// compose, Kubernetes, GitHub Actions, SAM, serverless: keys that hold commands.
    Yaml,
    /// `langgraph.json`: the graphs that its server loads.
    LangGraph,
}

impl Format {
    pub fn of(name: &str) -> Option<Format> {
        let lower = name.to_ascii_lowercase();
        let extension = lower
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension);
        match lower.as_str() {
            "procfile" | "procfile.dev" => return Some(Format::Procfile),
            "makefile" | "gnumakefile" | "justfile" => return Some(Format::Makefile),
            "supervisord.conf" | "supervisor.conf" => return Some(Format::Unit),
            "langgraph.json" => return Some(Format::LangGraph),
            "docker-entrypoint" | "entrypoint" | "start" => return Some(Format::Shell),
            _ => {}
        }
        if lower == "dockerfile" || lower.starts_with("dockerfile.") || extension == "dockerfile" {
            return Some(Format::Dockerfile);
        }
        if lower == "containerfile" {
            return Some(Format::Dockerfile);
        }
        match extension {
            "sh" | "bash" => Some(Format::Shell),
            "mk" => Some(Format::Makefile),
            "service" => Some(Format::Unit),
            "yml" | "yaml" => Some(Format::Yaml),
            _ => None,
        }
    }
}

pub fn raw_commands(format: Format, path: &str, text: &str) -> Vec<RawCommand> {
    match format {
        Format::Dockerfile => dockerfile::raw_commands(path, text),
        Format::Procfile => text
            .lines()
            .zip(1..)
            .filter(|(line, _)| !line.trim_start().starts_with('#'))
            .filter_map(|(line, number)| Some(simple(number, line.split_once(':')?.1)))
            .collect(),
        Format::Shell => logical_lines(text)
            .into_iter()
            .map(|(number, line)| simple(number, &line))
            .collect(),
        Format::Makefile => logical_lines(text)
            .into_iter()
            .filter(|(_, line)| line.starts_with(['\t', ' ']))
            .map(|(number, line)| simple(number, line.trim_start().trim_start_matches(['@', '-'])))
            .collect(),
        Format::Unit => unit(text),
        Format::Yaml => yaml::raw_commands(path, text),
        Format::LangGraph => langgraph(text),
    }
}

/// The modules that a LangGraph server loads, in one process: graphs, and what authenticates or serves beside them.
fn langgraph(text: &str) -> Vec<RawCommand> {
    let Ok(config) = serde_json::from_str::<serde_json::Value>(text) else {
        return Vec::new();
    };
    let graphs = config.get("graphs").and_then(|graphs| graphs.as_object());
    let graphs = graphs.into_iter().flat_map(|graphs| graphs.values());
    let beside = [config.pointer("/auth/path"), config.pointer("/http/app")];
    graphs
        .map(|graph| graph.get("path").unwrap_or(graph))
        .chain(beside.into_iter().flatten())
        .filter_map(|target| target.as_str())
        .map(|target| {
            let line = text.lines().position(|line| line.contains(target));
            RawCommand {
                line: line.map_or(1, |index| index as u32 + 1),
                words: vec!["langgraph".to_owned(), target.to_owned()],
                folders: Vec::new(),
            }
        })
        .collect()
}

fn simple(line: u32, text: &str) -> RawCommand {
    RawCommand {
        line,
        words: split_words(text),
        folders: Vec::new(),
    }
}

/// Lines with the ones that a backslash continues joined to them, by the number of the first.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut out: Vec<(u32, String)> = Vec::new();
    let mut continues = false;
    for (line, number) in text.lines().zip(1..) {
        let (body, more) = match line.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        match out.last_mut() {
            Some((_, joined)) if continues => {
                joined.push(' ');
                joined.push_str(body.trim_start());
            }
            _ => out.push((number, body.to_owned())),
        }
        continues = more;
    }
    out
}

fn unit(text: &str) -> Vec<RawCommand> {
    let mut out: Vec<RawCommand> = Vec::new();
    let mut folder: Option<String> = None;
    for (number, line) in logical_lines(text) {
        let line = line.trim();
        if line.starts_with('[') {
            folder = None;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        match key.trim() {
            "WorkingDirectory" | "directory" => {
                // Where the repo lies on the machine is not known: its last folders may be folders of the repo.
                let parts: Vec<&str> = value.trim().trim_matches('/').split('/').collect();
                let found: Vec<String> = (1..parts.len())
                    .map(|start| parts[start..].join("/"))
                    .collect();
                if let Some(last) = out.last_mut()
                    && folder.is_none()
                    && last.folders.is_empty()
                {
                    last.folders = found.clone();
                }
                folder = Some(found.join(":"));
            }
            "ExecStart" | "command" => out.push(RawCommand {
                line: number,
                words: split_words(value.trim().trim_start_matches(['-', '@', '+', '!'])),
                folders: folder
                    .as_deref()
                    .map(|folders| folders.split(':').map(str::to_owned).collect())
                    .unwrap_or_default(),
            }),
            _ => {}
        }
    }
    out
}
