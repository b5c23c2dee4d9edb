//! One command line: which module or file it starts, and by what.

/// What runs the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    Python,
    /// An ASGI or WSGI server.
    Server,
    Celery,
    /// A function's host calls a handler of the module.
    Lambda,
    /// Another runner that loads the module: streamlit, dramatiq, …
    Runner,
}

/// What is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A dotted module, and the attribute named after the colon.
    Module {
        module: String,
        attribute: Option<String>,
    },
    /// A file, relative to the folder that the command runs in.
    File(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub program: Program,
    pub target: Target,
    pub prefork: bool,
    /// The command changes to this folder first.
    pub folder: Option<String>,
    pub python_path: Vec<String>,
}

/// Commands that run the command after them.
const WRAPPERS: &[&str] = &[
    "chainctl",
    "ddtrace-run",
    "doas",
    "dumb-init",
    "env",
    "exec",
    "ionice",
    "nice",
    "nohup",
    "opentelemetry-instrument",
    "setsid",
    "stdbuf",
    "sudo",
    "then",
    "do",
    "time",
    "tini",
    "if",
    "!",
];

/// Tools whose `run` runs the command after it.
const RUNNERS: &[&str] = &[
    "conda",
    "coverage",
    "doppler",
    "dotenv",
    "hatch",
    "mamba",
    "micromamba",
    "op",
    "pdm",
    "pipenv",
    "poetry",
    "rye",
    "uv",
];

/// Servers whose first argument that is no option names the application.
const SERVERS: &[&str] = &[
    "daphne",
    "granian",
    "gunicorn",
    "hypercorn",
    "sanic",
    "uvicorn",
    "waitress-serve",
];

/// Options of servers and runners that take no value.
const FLAGS: &[&str] = &[
    "--access-log",
    "--debug",
    "--factory",
    "--no-access-log",
    "--preload",
    "--proxy-headers",
    "--reload",
    "--reuse-port",
    "--sendfile",
    "--server-header",
    "--use-colors",
    "-R",
    "-v",
];

/// The processes that a command line starts: one for each simple command that does.
pub fn parse(words: &[String]) -> Vec<Parsed> {
    let mut found = Vec::new();
    let mut folder: Option<String> = None;
    for simple in words.split(|word| matches!(word.as_str(), "&&" | "||" | ";" | "|" | "&")) {
        if let [cd, to, ..] = simple
            && cd == "cd"
        {
            folder = Some(to.clone());
            continue;
        }
        found.extend(parse_simple(simple, &folder));
    }
    found
}

fn parse_simple(words: &[String], folder: &Option<String>) -> Vec<Parsed> {
    let mut python_path = Vec::new();
    let mut rest = words;
    loop {
        let Some((word, tail)) = rest.split_first() else {
            return Vec::new();
        };
        let name = base_name(word);
        if let Some((key, value)) = word.split_once('=')
            && !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            if key == "PYTHONPATH" {
                python_path.extend(
                    value
                        .split(':')
                        .filter(|part| !part.is_empty())
                        .map(str::to_owned),
                );
            }
            rest = tail;
        } else if WRAPPERS.contains(&name) {
            rest = skip_options(tail);
        } else if RUNNERS.contains(&name) {
            let Some(run) = tail.iter().position(|word| word == "run") else {
                return Vec::new();
            };
            rest = skip_options(&tail[run + 1..]);
            if name == "coverage" {
                let whole: Vec<String> = ["python".to_owned()]
                    .into_iter()
                    .chain(tail[run + 1..].iter().cloned())
                    .collect();
                return parse_simple(&whole, folder);
            }
        } else if matches!(name, "gosu" | "su-exec" | "chpst" | "setpriv") {
            rest = tail.get(1..).unwrap_or_default();
        } else if matches!(name, "sh" | "bash" | "ash" | "zsh") {
            let Some(at) = tail
                .iter()
                .position(|word| word.starts_with('-') && word.ends_with('c'))
            else {
                return Vec::new();
            };
            let script = tail.get(at + 1).map(String::as_str).unwrap_or_default();
            return parse(&split_words(script));
        } else if let Some(at) = rest.iter().position(|word| word == "--")
            && !name.starts_with("python")
            && !SERVERS.contains(&name)
        {
            rest = &rest[at + 1..];
        } else {
            break;
        }
    }
    let parsed = program(rest);
    parsed
        .map(|(program, target, prefork, inner)| Parsed {
            program,
            target,
            prefork,
            folder: match (folder, inner) {
                (Some(outer), Some(inner)) => Some(format!("{outer}/{inner}")),
                (outer, inner) => inner.or_else(|| outer.clone()),
            },
            python_path,
        })
        .into_iter()
        .collect()
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn skip_options(words: &[String]) -> &[String] {
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        if !word.starts_with('-') {
            break;
        }
        let takes_value = matches!(
            word.as_str(),
            "-n" | "-p"
                | "-u"
                | "--with"
                | "--name"
                | "--project"
                | "--python"
                | "--directory"
                | "--extra"
                | "--group"
                | "--package"
        );
        rest = if takes_value && !tail.is_empty() {
            &tail[1..]
        } else {
            tail
        };
        if word == "--" {
            break;
        }
    }
    rest
}

type Found = (Program, Target, bool, Option<String>);

fn program(words: &[String]) -> Option<Found> {
    let (word, rest) = words.split_first()?;
    let name = base_name(word);
    if name.starts_with("python") || name.starts_with("pypy") || name == "py" {
        return python(rest);
    }
    if name.ends_with(".py") {
        return Some((Program::Python, Target::File(word.clone()), false, None));
    }
    tool(name, rest)
}

fn python(words: &[String]) -> Option<Found> {
    let mut rest = words;
    while let Some((word, tail)) = rest.split_first() {
        match word.as_str() {
            "-m" => {
                let (module, rest) = tail.split_first()?;
                return tool(module, rest).or_else(|| {
                    let is_module = is_dotted(module);
                    is_module.then(|| (Program::Python, dotted(module), false, None))
                });
            }
            "-c" => return None,
            "-W" | "-X" => rest = tail.get(1..).unwrap_or_default(),
            option if option.starts_with('-') => rest = tail,
            file if file.ends_with(".py") => {
                return Some((Program::Python, Target::File(file.to_owned()), false, None));
            }
            _ => return None,
        }
    }
    None
}

fn tool(name: &str, words: &[String]) -> Option<Found> {
    let first = || positional(words).first().copied();
    match name {
        name if SERVERS.contains(&name) => {
            let target = positional(words)
                .into_iter()
                .find(|word| is_application(word))?;
            let workers = option(words, &["-w", "--workers"]);
            let several = workers.is_some_and(|count| count != "1") || name == "gunicorn";
            let folder = option(words, &["--chdir", "--app-dir"]).map(str::to_owned);
            Some((Program::Server, dotted(target), several, folder))
        }
        "celery" | "faust" => {
            let app = option(words, &["-A", "--app"])?;
            let is_worker = words.iter().any(|word| word == "worker");
            let pool = option(words, &["-P", "--pool"]).unwrap_or("prefork");
            let forks = name == "celery" && is_worker && matches!(pool, "prefork" | "processes");
            let folder = option(words, &["--workdir"]).map(str::to_owned);
            Some((Program::Celery, dotted(app), forks, folder))
        }
        "flask" | "quart" | "litestar" => {
            let app = option(words, &["--app", "-A"])?;
            Some((Program::Server, file_or_dotted(app), false, None))
        }
        "uwsgi" => {
            let module = option(words, &["-w", "--module", "--wsgi"]);
            let file = option(words, &["--wsgi-file"]);
            let target = match (module, file) {
                (Some(module), _) => dotted(module),
                (None, file) => Target::File(file?.to_owned()),
            };
            let folder = option(words, &["--chdir"]).map(str::to_owned);
            Some((Program::Server, target, true, folder))
        }
        "streamlit" | "chainlit" | "mcp" | "fastmcp" | "marimo" | "fastapi" | "bokeh" | "panel" => {
            let at = words
                .iter()
                .position(|word| matches!(word.as_str(), "run" | "dev" | "serve"))?;
            let file = positional(&words[at + 1..]).into_iter().next()?;
            let file = file.split(':').next().unwrap_or(file);
            let several = option(words, &["--workers"]).is_some_and(|count| count != "1");
            file.ends_with(".py").then(|| {
                (
                    Program::Runner,
                    Target::File(file.to_owned()),
                    several,
                    None,
                )
            })
        }
        "dramatiq" | "huey_consumer" | "huey_consumer.py" | "arq" | "taskiq" => {
            let target = positional(words)
                .into_iter()
                .find(|word| is_application(word) && *word != "worker")?;
            let module = target.split(':').next().unwrap_or(target);
            let module = match name {
                "huey_consumer" | "huey_consumer.py" | "arq" => {
                    module.rsplit_once('.').map_or(module, |(module, _)| module)
                }
                _ => module,
            };
            Some((Program::Runner, dotted(module), name == "dramatiq", None))
        }
        "functions-framework" => {
            let file = option(words, &["--source"]).unwrap_or("main.py");
            Some((Program::Lambda, Target::File(file.to_owned()), false, None))
        }
        // An entry of `langgraph.json`, as the reader of that file spells it: `./agent/graph.py:graph`.
        "langgraph" => {
            let (file, attribute) = first()?.rsplit_once(':')?;
            let module = file.trim_start_matches("./").strip_suffix(".py");
            let target = Target::Module {
                module: module.unwrap_or(file).replace('/', "."),
                attribute: Some(attribute.to_owned()),
            };
            Some((Program::Runner, target, false, None))
        }
        // A SAM or serverless template, as the reader of those files spells it.
        "aws-lambda" => {
            let (module, attribute) = first()?.rsplit_once('.')?;
            let target = Target::Module {
                module: module.replace('/', "."),
                attribute: Some(attribute.to_owned()),
            };
            Some((Program::Lambda, target, false, None))
        }
        _ => None,
    }
}

/// The arguments that are neither options nor their values.
fn positional(words: &[String]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            found.push(word.as_str());
        } else if !word.contains('=')
            && !FLAGS.contains(&word.as_str())
            && rest.peek().is_some_and(|next| {
                !next.starts_with('-') && !next.contains(':') || next.starts_with(':')
            })
        {
            // An option's value may be what we look for only where it has a colon: `--reload app:app`.
            rest.next();
        }
    }
    found
}

fn option<'w>(words: &'w [String], names: &[&str]) -> Option<&'w str> {
    for (index, word) in words.iter().enumerate() {
        for name in names {
            if word == name {
                return words.get(index + 1).map(String::as_str);
            }
            let value = word.strip_prefix(name);
            if let Some(value) = value.and_then(|value| value.strip_prefix('=')) {
                return Some(value);
            }
            if name.len() == 2
                && let Some(value) = value
                && !value.is_empty()
            {
                return Some(value);
            }
        }
    }
    None
}

fn is_application(word: &str) -> bool {
    let module = word.split(':').next().unwrap_or(word);
    is_dotted(module) && (word.contains(':') || module.contains('.') || word.len() > 1)
}

fn is_dotted(module: &str) -> bool {
    !module.is_empty()
        && module.split('.').all(|part| {
            !part.is_empty()
                && !part.starts_with(|first: char| first.is_ascii_digit())
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
}

fn file_or_dotted(app: &str) -> Target {
    if app.ends_with(".py") {
        Target::File(app.to_owned())
    } else {
        dotted(app)
    }
}

fn dotted(app: &str) -> Target {
    let (module, attribute) = match app.split_once(':') {
        Some((module, attribute)) => (module, Some(attribute.to_owned())),
        None => (app, None),
    };
    Target::Module {
        module: module.to_owned(),
        attribute,
    }
}

/// Splits a command line into words as a shell would, without expanding anything.
pub fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut started = false;
    let mut chars = line.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.push(c),
            (_, '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(c) => {
                    word.push(c);
                    started = true;
                }
            },
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                started = true;
            }
            (None, '#') if !started => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            (None, '\n' | ';' | '|' | '&') => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
                let mut operator = if c == '\n' {
                    ";".to_owned()
                } else {
                    c.to_string()
                };
                if c != '\n' && chars.peek() == Some(&c) {
                    chars.next();
                    operator.push(c);
                }
                words.push(operator);
            }
            (None, c) if c.is_whitespace() => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            (None, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}
