//! The policies in force: a folder of `.cedar` files that is read again when it changes, or the bundled set.
//!
//! A change that does not parse leaves the last good set in force, and [`Store::problem`] says why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use anyhow::Context as _;
use cedar_policy::{Effect, Policy, PolicyId, PolicySet};
use include_dir::{Dir, include_dir};
use miette::Diagnostic as _;
use serde::Serialize;

static BUNDLED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/snippets/policies");

/// Where installed boundaries lie in the folder.
const BOUNDARY_PREFIX: &str = "boundary-";

pub struct Store {
    folder: Option<PathBuf>,
    /// Cedar text by file name; installed boundaries among them.
    sources: BTreeMap<String, String>,
    policies: PolicySet,
    listed: Vec<Listed>,
    stamp: Vec<(PathBuf, Option<SystemTime>, u64)>,
    problem: Option<String>,
}

/// A policy as `GET /api/v2/policies` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: String,
    pub effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    pub file: String,
    pub line: usize,
    pub cedar: String,
}

impl Store {
    /// Opens a folder of policies, or the bundled ones. A file that does not parse is an error with file and line.
    pub fn open(folder: Option<&Path>) -> anyhow::Result<Store> {
        let stamp = folder.map(stamp).transpose()?.unwrap_or_default();
        let sources = match folder {
            Some(folder) => read_folder(folder)?,
            None => bundled(),
        };
        let (policies, listed) = parse(&sources)?;
        Ok(Store {
            folder: folder.map(Path::to_path_buf),
            sources,
            policies,
            listed,
            stamp,
            problem: None,
        })
    }

    /// A set made of Cedar text alone, named `name` in error messages.
    pub fn from_cedar(name: &str, cedar: &str) -> anyhow::Result<Store> {
        let sources = BTreeMap::from([(name.to_owned(), cedar.to_owned())]);
        let (policies, listed) = parse(&sources)?;
        Ok(Store {
            folder: None,
            sources,
            policies,
            listed,
            stamp: Vec::new(),
            problem: None,
        })
    }

    /// Reads the folder again when a file in it was added, removed or changed.
    pub fn refresh(&mut self) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        let now = match stamp(&folder) {
            Ok(now) if now == self.stamp => return,
            Ok(now) => now,
            Err(error) => {
                self.problem = Some(format!("{error:#}"));
                return;
            }
        };
        self.stamp = now;
        match read_folder(&folder).and_then(|sources| Ok((parse(&sources)?, sources))) {
            Ok(((policies, listed), sources)) => {
                self.policies = policies;
                self.listed = listed;
                self.sources = sources;
                self.problem = None;
            }
            Err(error) => self.problem = Some(format!("{error:#}")),
        }
    }

    /// Adds or replaces an installed boundary; true when it replaced one. Nothing changes when it does not parse.
    pub fn install(&mut self, boundary: &str, cedar: &str) -> anyhow::Result<bool> {
        let name = format!("{BOUNDARY_PREFIX}{boundary}.cedar");
        let mut sources = self.sources.clone();
        let replaced = sources.insert(name.clone(), cedar.to_owned()).is_some();
        let (policies, listed) = parse(&sources)?;
        if let Some(folder) = &self.folder {
            let path = folder.join(&name);
            let draft = folder.join(format!(".{name}.new"));
            std::fs::write(&draft, cedar)
                .and_then(|()| std::fs::rename(&draft, &path))
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            self.stamp = stamp(folder)?;
        }
        self.sources = sources;
        self.policies = policies;
        self.listed = listed;
        Ok(replaced)
    }

    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    pub fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// Why the folder's present state is not in force.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The folder, or `bundled`.
    pub fn origin(&self) -> String {
        match &self.folder {
            Some(folder) => folder.display().to_string(),
            None => "bundled".to_owned(),
        }
    }
}

fn bundled() -> BTreeMap<String, String> {
    BUNDLED
        .files()
        .filter_map(|file| {
            let name = file.path().to_str()?.to_owned();
            Some((name, file.contents_utf8()?.to_owned()))
        })
        .collect()
}

fn cedar_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| {
        format!(
            "cannot read the policies folder `{}`: name a folder of .cedar files",
            folder.display()
        )
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let hidden = path
                .file_name()
                .is_none_or(|name| name.to_string_lossy().starts_with('.'));
            !hidden
                && path
                    .extension()
                    .is_some_and(|extension| extension == "cedar")
        })
        .collect();
    files.sort();
    Ok(files)
}

fn stamp(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Option<SystemTime>, u64)>> {
    let files = cedar_files(folder)?;
    Ok(files
        .into_iter()
        .map(|path| {
            let metadata = std::fs::metadata(&path).ok();
            let modified = metadata.as_ref().and_then(|found| found.modified().ok());
            let length = metadata.map_or(0, |found| found.len());
            (path, modified, length)
        })
        .collect())
}

fn read_folder(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    for path in cedar_files(folder)? {
        let metadata = std::fs::metadata(&path)
            .with_context(|| format!("cannot read the policy file `{}`", path.display()))?;
        anyhow::ensure!(
            metadata.is_file(),
            "`{}` is not a file: policies lie in plain .cedar files",
            path.display()
        );
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the policy file `{}`", path.display()))?;
        sources.insert(path.display().to_string(), text);
    }
    Ok(sources)
}

fn parse(sources: &BTreeMap<String, String>) -> anyhow::Result<(PolicySet, Vec<Listed>)> {
    let mut policies = PolicySet::new();
    let mut listed: Vec<Listed> = Vec::new();
    for (file, text) in sources {
        let set = PolicySet::from_str(text)
            .map_err(|errors| anyhow::anyhow!("{}", parse_error(file, text, &errors)))?;
        if let Some(template) = set.templates().next() {
            let line = line_of(text, &template.to_cedar());
            anyhow::bail!(
                "`{file}` line {line}: a policy with a slot (`?principal`) needs a link: write the policy out"
            );
        }
        let mut found: Vec<(usize, Policy)> = set
            .policies()
            .map(|policy| {
                let number = policy.id().to_string();
                let number = number.trim_start_matches("policy").parse().unwrap_or(0);
                (number, policy.clone())
            })
            .collect();
        found.sort_by_key(|(number, _)| *number);
        for (number, policy) in found {
            let cedar = policy.to_cedar().unwrap_or_else(|| policy.to_string());
            let line = line_of(text, &cedar);
            let id = match policy.annotation("id") {
                Some(id) if !id.is_empty() => id.to_owned(),
                _ => format!("{}:{}", stem(file), number + 1),
            };
            if let Some(other) = listed.iter().find(|other| other.id == id) {
                anyhow::bail!(
                    "`{file}` line {line}: the policy id `{id}` is taken already by `{}` line {}: give one of them another @id",
                    other.file,
                    other.line
                );
            }
            policies.add(policy.new_id(PolicyId::new(&id)))?;
            listed.push(Listed {
                id,
                effect: match policy.effect() {
                    Effect::Permit => "permit",
                    Effect::Forbid => "forbid",
                },
                hold: policy.annotation("hold").map(str::to_owned),
                file: file.clone(),
                line,
                cedar,
            });
        }
    }
    Ok((policies, listed))
}

fn parse_error(file: &str, text: &str, errors: &cedar_policy::ParseErrors) -> String {
    let first = errors.iter().next();
    let offset = first
        .and_then(|error| error.labels())
        .and_then(|mut labels| labels.next().map(|label| label.offset()))
        .unwrap_or(0);
    let line = line_at(text, offset);
    let message = first.map_or_else(|| errors.to_string(), ToString::to_string);
    let help = first
        .and_then(|error| error.help())
        .map(|help| format!(": {help}"))
        .unwrap_or_default();
    format!("`{file}` line {line}: {message}{help}")
}

fn line_of(text: &str, part: &str) -> usize {
    line_at(text, text.find(part).unwrap_or(0))
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|byte| **byte == b'\n').count()
}

fn stem(file: &str) -> &str {
    Path::new(file)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_policies_parse_and_all_have_names() {
        let store = Store::open(None).expect("bundled policies parse");
        assert!(store.listed().len() > 4);
        assert!(store.listed().iter().all(|policy| !policy.id.contains(':')));
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(
            folder.path().join("bad.cedar"),
            "permit (principal, action, resource);\n\npermit (principal, action resource);\n",
        )
        .expect("written");
        let error = Store::open(Some(folder.path())).err().expect("an error");
        assert!(error.to_string().contains("bad.cedar` line 3"), "{error}");
    }

    #[test]
    fn two_policies_with_one_id_are_an_error() {
        let cedar = "@id(\"a\")\npermit (principal, action, resource);\n@id(\"a\")\nforbid (principal, action, resource);";
        let error = Store::from_cedar("x.cedar", cedar).err().expect("an error");
        assert!(error.to_string().contains("`x.cedar` line 3"), "{error}");
    }

    #[test]
    fn a_change_that_does_not_parse_keeps_the_last_good_set() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.cedar");
        std::fs::write(&file, "permit (principal, action, resource);").expect("written");
        let mut store = Store::open(Some(folder.path())).expect("opens");
        std::fs::write(&file, "permit (").expect("written");
        store.refresh();
        assert_eq!(store.listed().len(), 1);
        assert!(store.problem().is_some());
        std::fs::write(&file, "// none\n").expect("written");
        store.refresh();
        assert_eq!((store.listed().len(), store.problem()), (0, None));
    }
}
