//! Activation without code: the `.pth` install step and the environment, in what the repo deploys with.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{folder_of, join, shown};
use super::{Change, Context, Plan, Refusal, Risk, Step, docker};
use crate::edit::environment::{self, Format};
use crate::edit::{Insertions, line_ending_at, line_start};
use crate::snippets;
use crate::workspace::launch::{self, Program};

/// What installs the `.pth` file into the environment of the Python that runs it.
const INSTALL: &str = "python -m governor install-sitecustomize";

/// Where a function's Python finds the client before the handler is loaded.
pub const FUNCTION_ACTIVATION: &str = "sitecustomize.py";

const ENABLED: &str = "ENV GOVERNOR_ENABLED=1";

pub fn add_steps(context: &Context, plan: &mut Plan) {
    if context.processes().is_empty() {
        return;
    }
    let (mut in_images, mut elsewhere) = (false, false);
    for path in dockerfiles(context) {
        let Ok(source) = context.read(&path) else {
            continue;
        };
        in_images = true;
        if let Some(insertions) = into_image(context, &path, &source) {
            plan.steps.push(
                Step::new(
                    format!("install:{path}"),
                    "Activate the client in the image's Python".to_owned(),
                    path.clone(),
                    "a .pth file enables it in each process that starts with GOVERNOR_ENABLED=1"
                        .to_owned(),
                    Change::Text { path, insertions },
                )
                .needs_review(Risk::Medium),
            );
        }
    }
    for (path, (format, lines)) in environment_files(context) {
        elsewhere = true;
        let Some(text) = context
            .read(&path)
            .ok()
            .and_then(|source| String::from_utf8(source).ok())
        else {
            continue;
        };
        if matches!(format, Format::Sam | Format::Serverless) {
            activate_functions(context, &path, plan);
        }
        let Some(insertions) = environment::insert(format, &text, &lines) else {
            if !text.contains("GOVERNOR_ENABLED") {
                plan.refused.push(Refusal {
                    place: path,
                    reason: "no place for an environment was found here: set GOVERNOR_ENABLED=1, GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY by hand where the process starts".to_owned(),
                });
            }
            continue;
        };
        let mut step = Step::new(
            format!("environment:{path}"),
            "Give the process its environment".to_owned(),
            path.clone(),
            "the address of the plane and the key are references: their values stay out of the repo".to_owned(),
            Change::Text {
                path: path.clone(),
                insertions,
            },
        )
        .needs_review(Risk::Medium);
        step.instructions = instructions(format).map(str::to_owned);
        plan.steps.push(step);
    }
    if !in_images && !elsewhere {
        by_hand(context, plan);
    }
}

/// The module that Python imports by itself, beside the handlers: a function's host reads no `.pth` files.
fn activate_functions(context: &Context, template: &str, plan: &mut Plan) {
    let roots: BTreeSet<&str> = context
        .launches
        .iter()
        .filter(|launch| launch.path == template && launch.program == Program::Lambda)
        .filter_map(|launch| launch.import_root.as_deref())
        .collect();
    for root in roots {
        let path = join(root, FUNCTION_ACTIVATION);
        if context.has_file(&path) {
            let is_ours = context
                .read(&path)
                .is_ok_and(|source| memchr::memmem::find(&source, b"governor").is_some());
            if !is_ours {
                plan.refused.push(Refusal {
                    place: path,
                    reason: "this module of yours is what Python imports first: add `from governor._activation import activate` and `activate()` to it".to_owned(),
                });
            }
            continue;
        }
        let id = format!("install:{path}");
        if plan.steps.iter().any(|step| step.id == id) {
            continue;
        }
        plan.steps.push(
            Step::new(
                id,
                "Activate the client in the functions' Python".to_owned(),
                path.clone(),
                "Python imports it before the handler's module, and it does nothing without GOVERNOR_ENABLED=1".to_owned(),
                Change::Create {
                    path,
                    content: snippets::function_activation().to_vec(),
                },
            )
            .needs_review(Risk::Medium),
        );
    }
}

/// What a file's format cannot say.
fn instructions(format: Format) -> Option<&'static str> {
    match format {
        Format::Kubernetes => Some(
            "make the references: kubectl create configmap governor --from-literal=enforce-url=URL; kubectl create secret generic governor --from-literal=api-key=KEY",
        ),
        Format::Systemd => Some(
            "on the host, once, with the service's own Python: python -m governor install-sitecustomize; write GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY into /etc/governor.env",
        ),
        Format::Procfile => Some(
            "in the build: python -m governor install-sitecustomize; set GOVERNOR_ENFORCE_URL and GOVERNOR_API_KEY as config variables",
        ),
        Format::GithubActions => Some(
            "before the step: python -m governor install-sitecustomize; set the variable GOVERNOR_ENFORCE_URL and the secret GOVERNOR_API_KEY",
        ),
        Format::Sam => Some(
            "make the references: aws ssm put-parameter --name /governor/enforce-url --type String --value URL; aws secretsmanager create-secret --name governor --secret-string '{\"api-key\": \"KEY\"}'",
        ),
        Format::Serverless => Some(
            "make the references: aws ssm put-parameter --name /governor/enforce-url --type String --value URL; aws ssm put-parameter --name /governor/api-key --type SecureString --value KEY",
        ),
        Format::Compose => None,
    }
}

fn by_hand(context: &Context, plan: &mut Plan) {
    // The steps are done once, outside of the repo: with the client in place nothing is left for a diff.
    let roots: Vec<String> = context
        .processes()
        .into_keys()
        .map(|path| context.import_root(path).0)
        .collect();
    let first = roots.first().map_or("", String::as_str);
    let text = format!(
        "1. in the environment that runs the processes: cd {} && {INSTALL}\n2. where they start: GOVERNOR_ENABLED=1, GOVERNOR_ENFORCE_URL (the plane's address), GOVERNOR_API_KEY (from your secret store)\n3. see that it works: GOVERNOR_ENABLED=1 python -m governor doctor",
        shown(first)
    );
    plan.steps.push(
        Step::new(
            "install:by-hand".to_owned(),
            "Activate the client where the processes run".to_owned(),
            ".".to_owned(),
            "the repo holds no file that it deploys with".to_owned(),
            Change::None,
        )
        .display_only(text),
    );
}

/// The Dockerfiles that start a process of this repo, or copy one.
fn dockerfiles(context: &Context) -> Vec<String> {
    context
        .files_named(launch::is_dockerfile)
        .filter(|path| {
            context.read(path).is_ok_and(|source| {
                let text = String::from_utf8_lossy(&source);
                docker::image_root(context, path, &text).is_some()
            })
        })
        .map(str::to_owned)
        .collect()
}

fn into_image(context: &Context, path: &str, source: &[u8]) -> Option<Insertions> {
    let text = std::str::from_utf8(source).ok()?;
    if text.contains("GOVERNOR_ENABLED") {
        return None;
    }
    let root = docker::image_root(context, path, text)?;
    let place = place_in_image(text)?;
    let ending = line_ending_at(source, place.at);
    Some(Insertions::one(
        place.at,
        image_lines(&root, &place, ending),
    ))
}

/// Where in the last stage of a Dockerfile the client is activated: when all is installed and copied.
struct ImagePlace<'t> {
    at: usize,
    /// Who the instructions run as there, where that is not root.
    user: Option<&'t str>,
    /// The Python that the image's command runs in.
    python: String,
}

fn place_in_image(text: &str) -> Option<ImagePlace<'_>> {
    let mut place: Option<(usize, &str)> = None;
    // The `USER` that no step of the build follows, and the one that holds before it.
    let (mut last_user, mut user, mut user_before) = (None, None, None);
    let (mut start, mut end) = (0, 0);
    for line in text.split_inclusive('\n') {
        end += line.len();
        if line.trim_end().ends_with('\\') {
            continue;
        }
        let at = std::mem::replace(&mut start, end);
        let instruction = text[at..end].trim();
        let (word, rest) = instruction
            .split_once(char::is_whitespace)
            .unwrap_or((instruction, ""));
        match word.to_ascii_uppercase().as_str() {
            "FROM" => {
                place = None;
                (last_user, user, user_before) = (None, None, None);
            }
            "USER" => {
                let name = rest.trim();
                let is_root = ["root", "0"].contains(&name.split(':').next().unwrap_or(name));
                user_before = user;
                user = (!is_root).then_some(name);
                last_user = Some(at);
            }
            "RUN" | "COPY" | "ADD" => last_user = None,
            "CMD" | "ENTRYPOINT" if place.is_none() => place = Some((at, rest)),
            _ => {}
        }
    }
    let (mut at, command) = place?;
    if let Some(last) = last_user.filter(|last| *last < at && user.is_some()) {
        (at, user) = (last, user_before);
    }
    // Not between an instruction and the comment above it.
    let source = text.as_bytes();
    while at > 0
        && source[line_start(source, at - 1)..at]
            .trim_ascii_start()
            .starts_with(b"#")
    {
        at = line_start(source, at - 1);
    }
    Some(ImagePlace {
        at,
        user,
        python: python_of(command),
    })
}

/// How the image's command finds its Python: by the path, by a tool's `run`, or in a virtual environment.
fn python_of(command: &str) -> String {
    const RUNNERS: [&str; 5] = ["pdm", "pipenv", "poetry", "rye", "uv"];
    let mut words = command
        .split([' ', '\t', ',', '[', ']', '"', '\''])
        .filter(|word| !word.is_empty() && *word != "exec");
    match (words.next(), words.next()) {
        (Some(tool), Some("run")) if RUNNERS.contains(&tool) => format!("{tool} run python"),
        (Some(program), _) => match program.rsplit_once("/bin/") {
            Some((folder, _)) if folder.contains("venv") => format!("{folder}/bin/python"),
            _ => "python".to_owned(),
        },
        _ => "python".to_owned(),
    }
}

fn image_lines(root: &str, place: &ImagePlace, ending: &str) -> String {
    let root = if root.is_empty() { "/" } else { root };
    let install = INSTALL.replacen("python", &place.python, 1);
    let run = format!("RUN cd {root} && {install}{ending}");
    let run = match place.user {
        Some(user) => format!("USER root{ending}{run}USER {user}{ending}"),
        None => run,
    };
    format!("{run}{ENABLED}{ending}{ending}")
}

/// The files that start a process and can hold its environment, with the lines to put it at.
fn environment_files(context: &Context) -> BTreeMap<String, (Format, Vec<u32>)> {
    let mut found: BTreeMap<String, (Format, Vec<u32>)> = BTreeMap::new();
    for launch in &context.launches {
        if let Some(format) = format_of(context, &launch.path) {
            if format == Format::Procfile {
                let source = context.read(&launch.path).unwrap_or_default();
                let lines = String::from_utf8_lossy(&source);
                let commands = lines
                    .lines()
                    .zip(1u32..)
                    .filter(|(line, _)| !line.trim_start().starts_with('#') && line.contains(':'));
                let numbers = commands.map(|(_, number)| number).collect();
                found.insert(launch.path.clone(), (format, numbers));
                continue;
            }
            found
                .entry(launch.path.clone())
                .or_insert((format, Vec::new()))
                .1
                .push(launch.line);
        }
    }
    // A service that is built from a Dockerfile of this repo starts what that says.
    let built: Vec<String> = dockerfiles(context);
    for path in context.files_named(is_compose) {
        let Ok(source) = context.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&source).into_owned();
        for (line, number) in text.lines().zip(1u32..) {
            let is_ours =
                line.trim_start().starts_with("build:") && builds(path, &text, number, &built);
            if is_ours {
                let lines = &mut found
                    .entry(path.to_owned())
                    .or_insert((Format::Compose, Vec::new()))
                    .1;
                if !lines.contains(&number) {
                    lines.push(number);
                }
            }
        }
    }
    found
}

/// Whether the `build` on this line builds one of our images: by its context and Dockerfile.
fn builds(path: &str, text: &str, number: u32, dockerfiles: &[String]) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let index = number as usize - 1;
    let head = lines[index];
    let depth = head.len() - head.trim_start().len();
    let (mut folder, mut file) = (
        head.split_once(':').map_or("", |(_, value)| value.trim()),
        "Dockerfile",
    );
    for line in &lines[index + 1..] {
        let own = line.len() - line.trim_start().len();
        if own <= depth && !line.trim().is_empty() {
            break;
        }
        match line.trim().split_once(':') {
            Some(("context", value)) => folder = value.trim(),
            Some(("dockerfile", value)) => file = value.trim(),
            _ => {}
        }
    }
    let clean = |text: &str| text.trim_matches(['"', '\'']).to_owned();
    let context = launch::join(folder_of(path), &clean(folder));
    dockerfiles.contains(&launch::join(&context, &clean(file)))
}

fn is_compose(name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml && (name.starts_with("docker-compose") || name.starts_with("compose"))
}

fn format_of(context: &Context, path: &str) -> Option<Format> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if is_compose(name) {
        return Some(Format::Compose);
    }
    if path.contains(".github/workflows/") {
        // A workflow for pull requests tests the code, it does not run the service.
        let source = context.read(path).ok()?;
        let is_for_tests = memchr::memmem::find(&source, b"pull_request").is_some();
        return (!is_for_tests).then_some(Format::GithubActions);
    }
    if name.ends_with(".service") {
        return Some(Format::Systemd);
    }
    if name == "Procfile" {
        return Some(Format::Procfile);
    }
    if matches!(name, "serverless.yml" | "serverless.yaml") {
        return Some(Format::Serverless);
    }
    let source = context.read(path).ok()?;
    let has = |word: &[u8]| memchr::memmem::find(&source, word).is_some();
    if has(b"AWS::Serverless::Function") || has(b"AWS::Lambda::Function") {
        return Some(Format::Sam);
    }
    let is_manifest =
        (name.ends_with(".yml") || name.ends_with(".yaml")) && has(b"kind:") && has(b"containers:");
    is_manifest.then_some(Format::Kubernetes)
}

/// The file without what these steps put in.
pub fn take_out(context: &Context, path: &str, source: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(source).ok()?;
    if launch::is_dockerfile(path) {
        let at = text.find(ENABLED)?;
        let ending = line_ending_at(source, at);
        let end = at + ENABLED.len() + 2 * ending.len();
        // The lines above it that may be ours.
        let mut start = at;
        for _ in 0..3 {
            start = line_start(source, start.saturating_sub(1));
            let without = [&text[..start], text.get(end..)?].concat();
            let again = into_image(context, path, without.as_bytes());
            if again.is_some_and(|again| again.apply(without.as_bytes()) == source) {
                return Some(without.into_bytes());
            }
        }
        return None;
    }
    let (format, lines) = environment_files(context).remove(path)?;
    environment::without(format, text)
        .into_iter()
        .find_map(|candidate| {
            // The lines of the commands moved up by what was taken out above them.
            let lines = moved(text, &candidate, &lines);
            let again = environment::insert(format, &candidate, &lines)?;
            (again.apply(candidate.as_bytes()) == source).then(|| candidate.into_bytes())
        })
}

fn moved(text: &str, candidate: &str, numbers: &[u32]) -> Vec<u32> {
    let kept: Vec<&str> = candidate.lines().collect();
    let mut moved = Vec::new();
    let mut at = 0;
    for (line, number) in text.lines().zip(1u32..) {
        let plain = line.replace("export GOVERNOR_ENABLED=1 && ", "");
        let is_kept = kept
            .get(at)
            .is_some_and(|other| *other == line || *other == plain);
        if is_kept {
            at += 1;
            if numbers.contains(&number) {
                moved.push(at as u32);
            }
        }
    }
    moved
}
