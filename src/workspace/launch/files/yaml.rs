//! Commands in YAML: compose, Kubernetes, GitHub Actions and other CI, SAM and serverless.

use memchr::memmem;

use super::{RawCommand, logical_lines};
use crate::workspace::launch::command::split_words;
use crate::workspace::launch::join;
use crate::workspace::yaml::{Node, Value, documents};

/// Keys that hold parts of one command, in the order in which they run.
const PART_KEYS: &[&str] = &["entrypoint", "command", "args"];

/// Keys that hold a command, or several.
const COMMAND_KEYS: &[&str] = &["cmd", "run", "script", "startCommand"];

/// Keys that name a function of AWS Lambda: in SAM, in serverless.
const HANDLER_KEYS: &[&str] = &["Handler", "handler"];

/// Keys that name the folder of what stands beside them.
const FOLDER_KEYS: &[&str] = &["CodeUri", "working-directory", "workingDir", "working_dir"];

pub fn raw_commands(path: &str, text: &str) -> Vec<RawCommand> {
    let mut keys = [PART_KEYS, COMMAND_KEYS, HANDLER_KEYS].concat().into_iter();
    if !keys.any(|key| holds_key(text, key)) {
        return Vec::new();
    }
    let mut reader = Reader {
        own_folder: path.rsplit_once('/').map_or("", |(folder, _)| folder),
        found: Vec::new(),
    };
    for document in documents(text) {
        let globals = document.get("Globals");
        let shared = globals.and_then(|globals| folder(globals.get("Function")?));
        reader.read(&document, shared);
    }
    reader.found.sort_by_key(|command| command.line);
    reader.found
}

/// Whether a key may stand in a text, cheaply: most files are of no interest.
fn holds_key(text: &str, key: &str) -> bool {
    memmem::find_iter(text.as_bytes(), key).any(|at| {
        let rest = text[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
        rest.starts_with(':')
    })
}

struct Reader<'p> {
    /// The folder that the file lies in.
    own_folder: &'p str,
    found: Vec<RawCommand>,
}

impl Reader<'_> {
    /// Reads the commands of a node and of all that it holds, which run in `outer` where nothing nearer says otherwise.
    fn read(&mut self, node: &Node, outer: Option<&str>) {
        let entries = match &node.value {
            Value::List(items) => {
                for item in items {
                    self.read(item, outer);
                }
                return;
            }
            Value::Map(entries) => entries,
            _ => return,
        };
        let folders = self.folders(folder(node).or(outer));
        let command = |line, words| RawCommand {
            line,
            words,
            folders: folders.clone(),
        };
        for (key, value) in entries {
            match commands(value) {
                _ if HANDLER_KEYS.contains(&key.as_str()) => {
                    let handler = value.text().filter(|handler| !handler.is_empty());
                    let words = |handler: &str| vec!["aws-lambda".to_owned(), handler.to_owned()];
                    let words = handler.map(words);
                    self.found
                        .extend(words.map(|words| command(value.line, words)));
                }
                Commands::Each(each) if is_command(key) => {
                    let each = each.into_iter();
                    self.found
                        .extend(each.map(|(line, text)| command(line, split_words(&text))));
                }
                Commands::Words(line, words) if COMMAND_KEYS.contains(&key.as_str()) => {
                    self.found.push(command(line, words));
                }
                _ => {}
            }
        }
        let mut whole: Option<RawCommand> = None;
        for key in PART_KEYS {
            if let Some(Commands::Words(line, words)) = node.get(key).map(commands) {
                let whole = whole.get_or_insert_with(|| command(line, Vec::new()));
                whole.line = whole.line.min(line);
                whole.words.extend(words);
            }
        }
        self.found.extend(whole);
        // What holds for the steps of a job, and for the jobs of a workflow.
        let defaults = node
            .get("defaults")
            .and_then(|defaults| defaults.get("run"));
        let inner = defaults.and_then(folder).or(outer);
        for (_, value) in entries {
            self.read(value, inner);
        }
    }

    /// Where in the repo a folder may lie that the file names.
    fn folders(&self, folder: Option<&str>) -> Vec<String> {
        let Some(folder) = folder else {
            return Vec::new();
        };
        let inside = folder.trim_start_matches('/');
        let mut out = vec![join(self.own_folder, folder), join("", inside)];
        // A folder inside an image: its last parts may be the repo's.
        out.extend(inside.split_once('/').map(|(_, rest)| rest.to_owned()));
        out.dedup();
        out
    }
}

fn is_command(key: &str) -> bool {
    PART_KEYS.contains(&key) || COMMAND_KEYS.contains(&key)
}

/// The folder that a map names for itself.
fn folder(node: &Node) -> Option<&str> {
    let named = FOLDER_KEYS.iter().find_map(|key| node.get(key)?.text());
    let built = || {
        let build = node.get("build")?;
        build.get("context").unwrap_or(build).text()
    };
    named.or_else(built).filter(|folder| !folder.is_empty())
}

enum Commands {
    /// The words of one command.
    Words(u32, Vec<String>),
    /// A command each.
    Each(Vec<(u32, String)>),
}

fn commands(node: &Node) -> Commands {
    match &node.value {
        Value::Text(text) => Commands::Words(node.line, split_words(text)),
        Value::Lines(text) => {
            let lines = logical_lines(text).into_iter();
            Commands::Each(
                lines
                    .map(|(line, text)| (node.line + line - 1, text))
                    .collect(),
            )
        }
        Value::List(items) => {
            let items: Vec<(u32, &str)> = items
                .iter()
                .filter_map(|item| Some((item.line, item.text()?)))
                .collect();
            let is_script = |text: &str| text.contains(' ') && !text.contains(['\n', '&']);
            // A list is either the words of one command or, in CI files, a command each.
            if items.iter().skip(1).any(|(_, item)| is_script(item))
                && items.first().is_some_and(|(_, item)| item.contains(' '))
            {
                let scripts = items.into_iter();
                return Commands::Each(
                    scripts
                        .map(|(line, item)| (line, item.to_owned()))
                        .collect(),
                );
            }
            let line = items.first().map_or(node.line, |(line, _)| *line);
            let words = items.into_iter().map(|(_, item)| item.to_owned());
            Commands::Words(line, words.collect())
        }
        Value::Map(_) => Commands::Each(Vec::new()),
    }
}
