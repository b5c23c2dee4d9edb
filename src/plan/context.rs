//! What every kind of step asks the repo: its files, its processes, how they start and where they import from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::edit::python::Module;
use crate::facts::{Effect, Entrypoint, Origin, Role, Scan};
use crate::plan::Options;
use crate::snippets;
use crate::workspace::Workspace;
use crate::workspace::launch::{self, Launch};

/// The repo as a planner sees it.
pub struct Context<'a> {
    pub workspace: &'a Workspace,
    pub scan: &'a Scan,
    pub options: &'a Options,
    pub launches: Vec<Launch>,
    files: BTreeSet<String>,
    /// What [`Context::import_root`] has found.
    roots: RefCell<BTreeMap<String, (String, String)>>,
}

impl<'a> Context<'a> {
    pub fn new(workspace: &'a Workspace, scan: &'a Scan, options: &'a Options) -> Context<'a> {
        Context {
            workspace,
            scan,
            options,
            launches: launch::commands(workspace),
            files: workspace.list(|_| true).files.into_iter().collect(),
            roots: RefCell::default(),
        }
    }

    /// Whether code of this origin is planned for.
    pub fn is_planned(&self, origin: Origin) -> bool {
        self.options.all || origin == Origin::App
    }

    /// The processes to plan for, by the file that they start in.
    pub fn processes(&self) -> BTreeMap<&'a str, Vec<&'a Entrypoint>> {
        let mut by_path: BTreeMap<&str, Vec<&Entrypoint>> = BTreeMap::new();
        for entrypoint in &self.scan.entrypoints {
            if entrypoint.role == Role::Process
                && self.is_planned(entrypoint.origin)
                && !self.is_only_imported(entrypoint)
            {
                by_path
                    .entry(&entrypoint.path)
                    .or_default()
                    .push(entrypoint);
            }
        }
        by_path
    }

    /// A module of a package whose statements do something when it is imported, and which nothing starts.
    fn is_only_imported(&self, entrypoint: &Entrypoint) -> bool {
        entrypoint.kind == "script"
            && entrypoint.commands.is_empty()
            && self.has_file(&join(folder_of(&entrypoint.path), "__init__.py"))
    }

    /// The effects to plan for.
    pub fn effects(&self) -> impl Iterator<Item = &'a Effect> {
        self.scan
            .effects
            .iter()
            .filter(|effect| self.is_planned(effect.origin))
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.workspace.read(path)
    }

    pub fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Whether the folder holds files; `""` is the root.
    pub fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|path| path.starts_with(&prefix))
    }

    /// The files whose name the predicate holds for.
    pub fn files_named(&self, keep: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(move |path| keep(path.rsplit('/').next().unwrap_or(path)))
    }

    /// The files that gunicorn takes its settings and hooks from.
    pub fn gunicorn_configs(&self) -> BTreeSet<String> {
        launch::gunicorn_configs(&self.files, &self.launches)
    }

    /// The folder that the process of a module has on `sys.path`, and how that is known.
    pub fn import_root(&self, path: &str) -> (String, String) {
        if let Some(found) = self.roots.borrow().get(path) {
            return found.clone();
        }
        let found = self.find_import_root(path);
        self.roots
            .borrow_mut()
            .insert(path.to_owned(), found.clone());
        found
    }

    fn find_import_root(&self, path: &str) -> (String, String) {
        let launched = self.launches.iter().find_map(|launch| {
            let is_this = launch.module_path.as_deref() == Some(path);
            let root = launch.import_root.as_ref().filter(|_| is_this)?;
            Some((
                root.clone(),
                format!("`{}` in {}", launch.command, launch.path),
            ))
        });
        if let Some(found) = launched {
            return found;
        }
        let own = folder_of(path);
        if path.ends_with(".ipynb") {
            return (own.to_owned(), "the notebook's own folder".to_owned());
        }
        if let Some(reason) = self.reason_for_own_folder(path) {
            return (own.to_owned(), reason.to_owned());
        }
        if let Some(root) = self.root_of_imports(path) {
            return (
                root,
                "the module's own imports resolve from there".to_owned(),
            );
        }
        let mut root = own;
        while !root.is_empty() && self.has_file(&format!("{root}/__init__.py")) {
            root = folder_of(root);
        }
        let reason = if root == own {
            "the script's own folder"
        } else {
            "the folder that holds its package"
        };
        (root.to_owned(), reason.to_owned())
    }

    /// Why a script that is run by its path finds the client beside itself alone, although it imports from elsewhere.
    fn reason_for_own_folder(&self, path: &str) -> Option<&'static str> {
        let is_script = self.scan.entrypoints.iter().any(|entrypoint| {
            entrypoint.path == path && matches!(entrypoint.kind.as_str(), "main_block" | "script")
        });
        if !is_script {
            return None;
        }
        let own = folder_of(path);
        let source = self.read(path).ok()?;
        if changes_search_path(&Module::new(&source)) {
            return Some(
                "the script's own folder: it changes `sys.path` after the client is imported",
            );
        }
        let root = self.root_of_imports(path)?;
        let is_in_package = self.has_file(&join(own, "__init__.py"));
        let is_elsewhere = root != own && !is_in_package && self.is_installed(&root);
        is_elsewhere.then_some("the script's own folder: what it imports is installed")
    }

    /// Whether the folder holds a project that its environment installs.
    fn is_installed(&self, folder: &str) -> bool {
        let declares = |text: String| {
            ["[build-system]", "[tool.poetry.dependencies]"]
                .iter()
                .any(|table| text.lines().any(|line| line.trim() == *table))
        };
        self.has_file(&join(folder, "setup.py"))
            || self
                .read(&join(folder, "pyproject.toml"))
                .is_ok_and(|source| declares(String::from_utf8_lossy(&source).into_owned()))
    }

    /// The nearest folder from which the module's absolute imports of the repo's own code resolve.
    fn root_of_imports(&self, path: &str) -> Option<String> {
        let source = self.read(path).ok().filter(|_| path.ends_with(".py"))?;
        let module = Module::new(&source);
        let mut names = BTreeSet::new();
        for node in module.descendants(module.root()) {
            match node.kind() {
                "import_statement" => names.extend(
                    module
                        .children(node)
                        .into_iter()
                        .map(|item| module.text(item)),
                ),
                "import_from_statement" => {
                    names.extend(
                        node.child_by_field_name("module_name")
                            .map(|from| module.text(from)),
                    );
                }
                _ => {}
            }
        }
        let mut folder = folder_of(path);
        loop {
            let resolves = names
                .iter()
                .filter_map(|name| {
                    name.split([' ', '.'])
                        .next()
                        .filter(|first| !first.is_empty())
                })
                .filter(|first| *first != "governor")
                .any(|first| {
                    let base = join(folder, first);
                    self.has_file(&format!("{base}.py")) && format!("{base}.py") != path
                        || self.has_file(&format!("{base}/__init__.py"))
                        || self.has_folder(&base) && self.holds_python(&base)
                });
            if resolves {
                return Some(folder.to_owned());
            }
            if folder.is_empty() {
                return None;
            }
            folder = folder_of(folder);
        }
    }

    fn holds_python(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.files
            .range(prefix.clone()..)
            .take_while(|path| path.starts_with(&prefix))
            .any(|path| path.ends_with(".py"))
    }

    /// Whether our client lies in the folder.
    pub fn has_client(&self, folder: &str) -> bool {
        self.has_file(&join(folder, snippets::MARKER))
    }

    /// A module of the user's own that `import governor` would find in the folder.
    pub fn foreign_governor(&self, folder: &str) -> Option<String> {
        let module = join(folder, "governor.py");
        if self.has_file(&module) {
            return Some(module);
        }
        let package = join(folder, "governor");
        (self.holds_python(&package) && !self.has_client(folder)).then_some(package)
    }
}

/// Whether a statement of the module's own puts a folder on `sys.path`.
fn changes_search_path(module: &Module) -> bool {
    module
        .descendants(module.root())
        .filter(|node| node.kind() == "call")
        .filter_map(|call| call.child_by_field_name("function"))
        .any(|function| {
            let name = module.text(function);
            [
                "sys.path.insert",
                "sys.path.append",
                "sys.path.extend",
                "site.addsitedir",
            ]
            .contains(&name)
        })
}

/// The folder that holds a path; `""` is the root.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

/// A folder as a person writes it.
pub fn shown(folder: &str) -> &str {
    if folder.is_empty() { "." } else { folder }
}
