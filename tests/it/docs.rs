//! The documentation as a user meets it: the commands, the links in the code base, the snippets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use governor_mcp::docs;

const BINARY: &str = env!("CARGO_BIN_EXE_governor-mcp");

fn governor(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn search_answers_in_text_and_json() {
    let output = governor(&["docs", "search", "GOVERNOR_FAIL_MODE", "--limit", "2"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stdout).contains("fail"),
        "{}",
        text(&output.stdout)
    );
    let output = governor(&["docs", "search", "fail closed", "--format", "json"]);
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON document");
    let first = &answer["results"][0];
    for field in ["page", "section", "uri", "text"] {
        assert!(first[field].is_string(), "`{field}` in {first}");
    }
    assert!(first["score"].is_number());
}

#[test]
fn nothing_found_is_a_no_and_a_wrong_question_is_an_error() {
    for (arguments, status, said) in [
        (&["docs", "search", "xylophone"][..], 1, "nothing matches"),
        (&["docs", "search", " "], 2, "empty"),
        (&["docs", "search", "x", "--limit", "0"], 2, "--limit"),
        (
            &["docs", "search", "x", "--format", "sarif"],
            2,
            "text, json",
        ),
        (&["docs", "show", "guides/celerry"], 2, "`guides/celery`"),
        (
            &["docs", "show", "fail-closed#one-exception"],
            2,
            "`the-one-exception`",
        ),
        (&["docs", "show"], 2, "PAGE"),
    ] {
        let output = governor(arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(
            text(&output.stderr).contains(said),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn every_listed_page_can_be_shown() {
    let output = governor(&["docs", "list", "--format", "json"]);
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("one JSON document");
    let pages = answer["pages"].as_array().expect("a list of pages");
    assert!(pages.len() >= 35, "{} pages", pages.len());
    let page = pages[0]["page"].as_str().expect("a name");
    let shown = governor(&["docs", "show", page]);
    assert!(text(&shown.stdout).starts_with("# "));
}

/// How sources, snippets and pages name a page.
const MARKERS: [&str; 3] = [docs::SCHEME, "{SCHEME}", "governor-mcp docs show "];

#[test]
fn every_link_into_the_documentation_resolves() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for folder in ["src", "snippets", "docs"] {
        for file in files(&root.join(folder)) {
            let Ok(source) = fs::read_to_string(&file) else {
                continue;
            };
            let mentions = MARKERS.iter().flat_map(|marker| {
                source
                    .match_indices(marker)
                    .map(|(at, marker)| at + marker.len())
                    .collect::<Vec<_>>()
            });
            for after in mentions {
                let rest = &source[after..];
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "/_#.-".contains(c)))
                    .unwrap_or(rest.len());
                let link = rest[..end].trim_end_matches('.');
                // `{page}` and `...` stand for any page.
                let built = rest[end..].starts_with('{') || link.is_empty();
                if !built && docs::page(link, None).is_err() {
                    wrong.push(format!("{}: {link}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "links to no page:\n{}", wrong.join("\n"));
}

/// Runs every `python` and `sh` block of the pages and of the README, against the real binary and client. Pages about
/// a library that cannot be installed are skipped by name.
#[test]
fn every_snippet_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let interpreter = crate::python::environment("docs-snippets", &["tests/docs/requirements.txt"]);
    let output = Command::new(interpreter.unwrap_or_else(|missing| panic!("{missing}")))
        .arg(root.join("tests/docs/run_snippets.py"))
        .arg("--binary")
        .arg(BINARY)
        .output()
        .expect("the interpreter starts");
    eprintln!("{}", text(&output.stdout));
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// One stem ties a library's three faces. A patch below several libraries is named by their seam instead (`via:files`);
/// patches that only carry scopes to other threads have no effects.
#[test]
fn every_patch_has_its_effects_and_its_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("snippets/governor/patches");
    let catalog: String = files(&root.join("src/catalog/effects"))
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let mut missing = Vec::new();
    for patch in files(&folder) {
        let stem = patch
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        if patch.extension().is_none_or(|extension| extension != "py") {
            continue;
        }
        let source = fs::read_to_string(&patch).expect("a patch is text");
        if stem.starts_with('_') || source.contains("FAMILY = \"scope\"") {
            continue;
        }
        let effects = format!("src/catalog/effects/{stem}.toml");
        let below = format!("seam = \"via:{stem}\"");
        if !root.join(&effects).exists() && !catalog.contains(&below) {
            missing.push(effects);
        }
        let page = format!("docs/reference/libraries/{stem}.md");
        if !root.join(&page).exists() {
            missing.push(page);
        }
    }
    for page in files(&root.join("docs/reference/libraries")) {
        let patch = folder
            .join(page.file_stem().unwrap_or_default())
            .with_extension("py");
        if !patch.exists() {
            missing.push(format!("{} for `{}`", patch.display(), page.display()));
        }
    }
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

/// What a program branches on is explained: tool errors, findings, doctor's codes, the causes of the contract.
#[test]
fn every_stable_code_has_its_section() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    let doctor = docs::page("reference/doctor", None)
        .expect("the page is there")
        .text;
    for file in files(&root.join("src")) {
        let source = fs::read_to_string(&file).unwrap_or_default();
        for code in first_arguments(&source, &["ToolError::new(", "ToolError::from_chain("]) {
            if docs::page("reference/errors", Some(code)).is_err() {
                missing.push(format!("{code} of {}", file.display()));
            }
        }
        for code in first_arguments(&source, &["Finding::new("]) {
            if docs::page("reference/findings", Some(code)).is_err() {
                missing.push(format!("{code} of {}", file.display()));
            }
        }
        for code in first_arguments(&source, &["Check::ok(", "Check::problem("]) {
            if !doctor.contains(&format!("| `{code}` |")) {
                missing.push(format!("{code} of {}", file.display()));
            }
        }
    }
    for cause in [
        "policy_forbids",
        "no_matching_policy",
        "no_intent",
        "scope_mismatch",
        "canonicalization_suspect",
        "missing_data_fields",
        "unmapped_destination",
        "wrong_tenant_or_actor",
        "unauthenticated",
        "plane_unreachable",
        "plane_timeout",
        "plane_error",
        "circuit_open",
        "bad_response",
        "token_invalid",
        "token_expired",
        "token_replayed",
        "held_for_review",
        "rate_limited",
        "host_denied",
        "backstop_blocked",
        "not_a_denial",
        "unknown",
    ] {
        if docs::page("reference/denials", Some(cause)).is_err() {
            missing.push(cause.to_owned());
        }
    }
    assert!(
        missing.is_empty(),
        "no section for:\n{}",
        missing.join("\n")
    );
}

/// The first argument of each call of a constructor, where it is a literal.
fn first_arguments<'a>(source: &'a str, constructors: &[&'static str]) -> Vec<&'a str> {
    constructors
        .iter()
        .flat_map(|constructor| source.split(constructor).skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
        .map(|(code, _)| code)
        .collect()
}

#[test]
fn every_setting_of_the_client_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("snippets/governor/_config.py"))
        .expect("the client's settings");
    let (_, table) = source
        .split_once("_KINDS: ")
        .expect("the table of settings");
    let (table, _) = table.split_once("\n}").expect("its end");
    let page = docs::page("reference/environment", None)
        .expect("the page is there")
        .text;
    let missing: Vec<String> = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "))
        .map(|(name, _)| format!("GOVERNOR_{}", name.to_uppercase()))
        .filter(|variable| !page.contains(&format!("`{variable}`")))
        .collect();
    assert!(missing.is_empty(), "not described: {missing:?}");
}

/// The README's configurations are those that `setup` writes, but for the path of the binary.
#[test]
fn the_readme_configures_clients_as_setup_does() {
    let readme = include_str!("../../README.md");
    for (title, client) in [
        ("Claude Code", "claude-code"),
        ("Cursor", "cursor"),
        ("VS Code", "vscode"),
    ] {
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| {title} |")))
            .expect("a row for the client");
        let entry = row.split('`').nth(3).expect("the entry in backticks");
        let shown: serde_json::Value = serde_json::from_str(entry).expect("the entry is JSON");
        let output = text(&governor(&["setup", client]).stdout).replace(BINARY, "governor-mcp");
        let at = output.find('{').expect("`setup` prints the content");
        let written: serde_json::Value =
            serde_json::from_str(&output[at..]).expect("the content is JSON");
        assert_eq!(shown, written, "{client}");
    }
}
