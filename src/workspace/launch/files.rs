//! The files that hold commands, and where in them the commands stand.

use super::RawCommand;
use super::command::split_words;

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
        Format::Dockerfile => dockerfile(path, text),
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
        Format::Yaml => yaml(text),
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

fn dockerfile(path: &str, text: &str) -> Vec<RawCommand> {
    let own_folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut working = String::from("/");
    let mut copies: Vec<(String, String)> = Vec::new();
    let mut entrypoint: Option<(u32, Vec<String>)> = None;
    let mut command: Option<(u32, Vec<String>)> = None;
    let mut out = Vec::new();
    let mut python_path = Vec::new();
    for (number, line) in logical_lines(text) {
        let Some((word, rest)) = line.trim().split_once(char::is_whitespace) else {
            continue;
        };
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "FROM" => {
                flush(
                    &mut entrypoint,
                    &mut command,
                    &working,
                    &copies,
                    &python_path,
                    own_folder,
                    &mut out,
                );
                copies.clear();
                working = "/".to_owned();
            }
            "WORKDIR" => working = absolute(&working, rest),
            "COPY" | "ADD" => copies.extend(copied(rest, &working)),
            "ENV" => {
                if let Some(value) = rest.strip_prefix("PYTHONPATH") {
                    let value = value.trim_start_matches(['=', ' ']).trim_matches('"');
                    python_path = value.split(':').map(str::to_owned).collect();
                }
            }
            "ENTRYPOINT" => entrypoint = Some((number, exec_form(rest))),
            "CMD" => command = Some((number, exec_form(rest))),
            _ => {}
        }
    }
    flush(
        &mut entrypoint,
        &mut command,
        &working,
        &copies,
        &python_path,
        own_folder,
        &mut out,
    );
    out
}

#[allow(clippy::too_many_arguments, reason = "the state of one build stage")]
fn flush(
    entrypoint: &mut Option<(u32, Vec<String>)>,
    command: &mut Option<(u32, Vec<String>)>,
    working: &str,
    copies: &[(String, String)],
    python_path: &[String],
    own_folder: &str,
    out: &mut Vec<RawCommand>,
) {
    let (line, mut words) = match (entrypoint.take(), command.take()) {
        (Some((line, mut words)), Some((_, rest))) => {
            words.extend(rest);
            (line, words)
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return,
    };
    // The repo's folders that lie where the command runs or imports from.
    let mut folders = Vec::new();
    let image_folders = std::iter::once(working).chain(python_path.iter().map(String::as_str));
    for image in image_folders {
        for (from, to) in copies {
            let (image, to) = (image.trim_end_matches('/'), to.trim_end_matches('/'));
            // The copied folder lies below the working one and keeps its name: so does its parent.
            if let Some(inside) = to.strip_prefix(image).map(|rest| rest.trim_matches('/'))
                && !inside.is_empty()
                && let Some(parent) = from.strip_suffix(inside)
            {
                for base in [own_folder, ""] {
                    folders.push(super::join(base, parent));
                }
            }
            if let Some(inside) = image.strip_prefix(to)
                && (inside.is_empty() || inside.starts_with('/'))
            {
                for base in [own_folder, ""] {
                    folders.push(super::join(
                        &super::join(base, from),
                        inside.trim_start_matches('/'),
                    ));
                }
            }
        }
    }
    for word in &mut words {
        // A path inside the image, as a path inside the repo.
        if word.starts_with('/') && word.ends_with(".py") {
            for (from, to) in copies {
                if let Some(inside) = word.strip_prefix(&format!("{}/", to.trim_end_matches('/'))) {
                    *word = super::join(from, inside);
                    break;
                }
            }
        }
    }
    out.push(RawCommand {
        line,
        words,
        folders,
    });
}

fn absolute(working: &str, path: &str) -> String {
    let path = path.trim_matches('"');
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{}", super::join(working.trim_start_matches('/'), path))
    }
}

/// What a `COPY` puts where: folders of the build context, and their folder in the image.
pub fn copied(arguments: &str, working: &str) -> Vec<(String, String)> {
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
        .map(|from| (super::join("", from), to.clone()))
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

/// Keys whose value is a command, or the words of one.
const COMMAND_KEYS: &[&str] = &[
    "args",
    "cmd",
    "command",
    "entrypoint",
    "run",
    "script",
    "startCommand",
];

fn yaml(text: &str) -> Vec<RawCommand> {
    let lines: Vec<&str> = text.lines().collect();
    let mut out: Vec<RawCommand> = Vec::new();
    let mut folder: Option<(usize, String)> = None;
    // The last list of words, which `args` goes on from, or `command` from `entrypoint`.
    let mut open: Option<(usize, usize, &str)> = None;
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index];
        let number = index as u32 + 1;
        let body = line.trim_start();
        let item = body
            .strip_prefix("- ")
            .map_or(0, |rest| body.len() - rest.trim_start().len());
        let indent = line.len() - body.len() + item;
        index += 1;
        // Another item of the list, or another service, begins: its words are its own.
        let ends = |at| indent < at || item > 0 && indent == at;
        if !body.is_empty() && open.is_some_and(|(at, ..)| ends(at)) {
            open = None;
        }
        let Some((key, value)) = body[item..].split_once(':') else {
            continue;
        };
        let (key, value) = (key.trim().trim_matches(['"', '\'']), value.trim());
        if body.starts_with('#') {
            continue;
        }
        match key {
            "working_dir" | "workingDir" | "working-directory" | "CodeUri" | "context" => {
                folder = Some((indent, value.trim_matches(['"', '\'']).to_owned()));
                continue;
            }
            "Handler" | "handler" if !value.is_empty() => {
                out.push(RawCommand {
                    line: number,
                    words: vec![
                        "aws-lambda".to_owned(),
                        value.trim_matches(['"', '\'']).to_owned(),
                    ],
                    folders: match key {
                        "Handler" => folder_of(&code_uri(&lines, index - 1, indent), indent),
                        _ => folder_of(&folder, indent),
                    },
                });
                continue;
            }
            key if COMMAND_KEYS.contains(&key) => {}
            _ => {
                if folder.as_ref().is_some_and(|(at, _)| indent < *at) {
                    folder = None;
                }
                continue;
            }
        }
        let found = value_of(&lines, &mut index, indent, value, number);
        let folders = folder_of(&folder, indent);
        match found {
            Value::Words(line, words) => {
                let beside = open.filter(|(at, ..)| *at == indent);
                match beside {
                    Some((_, position, _)) if key == "args" => out[position].words.extend(words),
                    Some((_, position, "entrypoint")) if key == "command" => {
                        out[position].words.extend(words)
                    }
                    Some((_, position, "command")) if key == "entrypoint" => {
                        out[position].words.splice(..0, words);
                    }
                    _ => {
                        open = Some((indent, out.len(), key));
                        out.push(RawCommand {
                            line,
                            words,
                            folders,
                        });
                    }
                }
            }
            Value::Scripts(scripts) => {
                out.extend(scripts.into_iter().map(|(line, script)| RawCommand {
                    line,
                    words: split_words(&script),
                    folders: folders.clone(),
                }))
            }
        }
    }
    out
}

/// The `CodeUri` beside a handler, before it or after it; else the one that holds for all functions.
fn code_uri(lines: &[&str], handler: usize, indent: usize) -> Option<(usize, String)> {
    let value = |line: &str| {
        let (key, value) = line.trim().split_once(':')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (key == "CodeUri" && !value.is_empty()).then(|| value.to_owned())
    };
    let depth = |line: &str| line.len() - line.trim_start().len();
    let is_inside = |line: &&&str| line.trim().is_empty() || depth(line) >= indent;
    let before = lines[..handler].iter().rev().take_while(is_inside);
    let after = lines[handler + 1..].iter().take_while(is_inside);
    let own = before
        .chain(after)
        .filter(|line| depth(line) == indent)
        .find_map(|line| value(line));
    let shared = || {
        let start = lines.iter().position(|line| line.starts_with("Globals:"))?;
        let globals = lines[start + 1..].iter();
        globals
            .take_while(|line| line.trim().is_empty() || depth(line) > 0)
            .find_map(|line| value(line))
    };
    own.or_else(shared).map(|folder| (indent, folder))
}

fn folder_of(folder: &Option<(usize, String)>, indent: usize) -> Vec<String> {
    match folder {
        Some((at, folder)) if *at <= indent => {
            let folder = folder.trim_start_matches('/');
            let mut out = vec![super::join("", folder)];
            // A folder inside an image: its last parts may be the repo's.
            out.extend(folder.split_once('/').map(|(_, rest)| rest.to_owned()));
            out
        }
        _ => Vec::new(),
    }
}

enum Value {
    /// The words of one command.
    Words(u32, Vec<String>),
    /// A script: a command a line.
    Scripts(Vec<(u32, String)>),
}

fn value_of(lines: &[&str], index: &mut usize, indent: usize, value: &str, number: u32) -> Value {
    let is_block = value.starts_with(['|', '>']);
    if !value.is_empty() && !is_block {
        if value.starts_with('[') {
            return Value::Words(number, json_words(value));
        }
        return Value::Words(number, split_words(unquoted(value)));
    }
    let start = *index;
    while *index < lines.len() {
        let line = lines[*index];
        let body = line.trim_start();
        let depth = line.len() - body.len();
        let is_item = !is_block && body.starts_with("- ");
        if !body.is_empty() && depth <= indent && !(is_item && depth == indent) {
            break;
        }
        if !is_block && !is_item && !body.is_empty() && !body.starts_with('#') {
            // A mapping or a folded scalar of several lines: not a command's words.
            if body.contains(": ") {
                break;
            }
        }
        *index += 1;
    }
    let body = || (start..*index).map(|at| (at as u32 + 1, lines[at].trim()));
    if value.starts_with('>') {
        let first = body().find(|(_, line)| !line.is_empty());
        let joined = body().map(|(_, line)| line).collect::<Vec<_>>().join(" ");
        return Value::Words(first.map_or(number, |(line, _)| line), split_words(&joined));
    }
    if value.starts_with('|') {
        let text = body().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let first = start as u32;
        return Value::Scripts(
            logical_lines(&text)
                .into_iter()
                .map(|(line, text)| (first + line, text))
                .collect(),
        );
    }
    let items: Vec<(u32, String)> = body()
        .filter_map(|(line, text)| {
            Some((line, unquoted(text.strip_prefix("- ")?.trim()).to_owned()))
        })
        .collect();
    // A list is either the words of one command or, in CI files, a command each.
    if items
        .iter()
        .skip(1)
        .any(|(_, item)| item.contains(' ') && !item.contains(['\n', '&']))
        && items.first().is_some_and(|(_, item)| item.contains(' '))
    {
        return Value::Scripts(items);
    }
    let line = items.first().map_or(number, |(line, _)| *line);
    Value::Words(line, items.into_iter().map(|(_, item)| item).collect())
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() >= 2 && text.starts_with(quote) && text.ends_with(quote) {
            return &text[1..text.len() - 1];
        }
    }
    text
}
