//! Checks and packs the built-in rules, so that starting the binary parses no rule file; names the folders that are
//! embedded, so that a new file in one of them causes a rebuild.

use std::fs;
use std::path::{Path, PathBuf};

use schema::{RuleFile, RuleSet};

#[path = "src/catalog/schema.rs"]
#[allow(
    dead_code,
    reason = "the crate uses the whole schema, this script reads and writes it"
)]
mod schema;

fn main() {
    for folder in ["docs", "snippets", "src/catalog"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let mut files: Vec<RuleFile> = Vec::new();
    for folder in ["src/catalog/effects", "src/catalog/entrypoints"] {
        files.extend(
            files_in(Path::new(folder), "toml")
                .iter()
                .map(|path| read(path)),
        );
    }
    let patch_files = files_in(Path::new("snippets/governor/patches"), "py");
    let rules = RuleSet {
        language: read(Path::new("src/catalog/language.toml")),
        files,
        patches: patch_files
            .iter()
            .filter_map(|path| stem(path))
            .filter(|stem| !stem.starts_with('_'))
            .collect(),
        not_intercepted: patch_files
            .iter()
            .flat_map(|path| not_intercepted(path))
            .collect(),
    };
    let packed = postcard::to_stdvec(&rules).expect("rules are plain data");
    let out =
        PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("catalog.bin");
    fs::write(&out, packed)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", out.display()));
}

fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn stem(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_str()?.to_owned())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The string literals of a patch's `NOT_INTERCEPTED = (...)`.
fn not_intercepted(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let Some(at) = text.find("\nNOT_INTERCEPTED") else {
        return Vec::new();
    };
    let Some((_, rest)) = text[at..].split_once('(') else {
        return Vec::new();
    };
    let body = rest.split(')').next().unwrap_or_default();
    body.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
