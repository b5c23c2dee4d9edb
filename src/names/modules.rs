//! Which file an `import` means.

use rustc_hash::{FxHashMap, FxHashSet};

use super::FileId;

/// The Python files of the repo by path, and the folders from which absolute imports start.
#[derive(Debug, Default)]
pub struct FileTable {
    files: FxHashMap<String, FileId>,
    /// Folders that hold Python files, at any depth.
    folders: FxHashSet<String>,
    /// Folders that hold an `__init__.py`.
    packages: FxHashSet<String>,
    /// The last parts of all folders and modules: what an import may begin with.
    names: FxHashSet<String>,
    /// Source roots: the repo's root, `src` folders, folders with a project file.
    roots: Vec<String>,
    /// Top-level names that belong to installed packages; a folder without `__init__.py` does not shadow them.
    installed: FxHashSet<String>,
}

/// What a dotted name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    File(FileId),
    Folder(String),
}

impl FileTable {
    /// `paths` are the repo's Python files in the order of their ids; `projects` the folders with a project file.
    pub fn new(paths: &[String], projects: &[String], installed: FxHashSet<String>) -> FileTable {
        let mut table = FileTable {
            installed,
            ..FileTable::default()
        };
        for (index, path) in paths.iter().enumerate() {
            table.files.insert(path.clone(), FileId(index as u32));
            let file = path.rsplit('/').next().unwrap_or_default();
            let stem = file.strip_suffix(".py").unwrap_or(file);
            table.names.insert(stem.to_owned());
            let folder = parent(path);
            if path == "__init__.py" || path.ends_with("/__init__.py") {
                table.packages.insert(folder.to_owned());
            }
            let mut folder = folder;
            while table.folders.insert(folder.to_owned()) && !folder.is_empty() {
                folder = parent(folder);
            }
        }
        let folders = table.folders.iter();
        let folders = folders.filter_map(|folder| folder.rsplit('/').next());
        table.names.extend(folders.map(str::to_owned));
        let mut roots = vec![String::new()];
        for project in projects {
            roots.push(project.clone());
        }
        for base in roots.clone() {
            for name in ["src", "lib", "python", "app", "backend"] {
                let folder = join(&base, name);
                if table.folders.contains(&folder) && !table.packages.contains(&folder) {
                    roots.push(folder);
                }
            }
        }
        roots.retain(|root| !table.packages.contains(root) || root.is_empty());
        let mut seen = FxHashSet::default();
        roots.retain(|root| seen.insert(root.clone()));
        table.roots = roots;
        table
    }

    /// The file with this path relative to the root.
    pub fn file(&self, path: &str) -> Option<FileId> {
        self.files.get(path).copied()
    }

    /// The name that an import of this file would spell.
    pub fn module_name(&self, path: &str) -> String {
        let mut root = parent(path);
        if self.packages.contains(root) {
            while self.packages.contains(root) && !root.is_empty() {
                root = parent(root);
            }
            // A package inside folders without `__init__.py` may itself be part of a namespace below a source root.
            if !self.roots.iter().any(|known| known == root) {
                root = self.nearest_root(root);
            }
        } else {
            root = self.nearest_root(root);
        }
        let inner = path
            .strip_prefix(root)
            .unwrap_or(path)
            .trim_start_matches('/');
        let inner = inner
            .strip_suffix(".py")
            .or_else(|| inner.strip_suffix(".ipynb"))
            .unwrap_or(inner);
        let dotted = inner.replace('/', ".");
        match dotted.strip_suffix("__init__") {
            Some(package) => package.trim_end_matches('.').to_owned(),
            None => dotted,
        }
    }

    fn nearest_root(&self, folder: &str) -> &str {
        self.roots
            .iter()
            .filter(|root| {
                root.is_empty()
                    || folder == root.as_str()
                    || folder.starts_with(&format!("{root}/"))
            })
            .max_by_key(|root| root.len())
            .map_or("", String::as_str)
    }

    /// Finds the module that `import dotted` (or `from dotted import …`) means in the file at `path`.
    pub fn locate(&self, path: &str, level: u32, dotted: &str) -> Option<Located> {
        if level > 0 {
            let mut folder = parent(path);
            for _ in 1..level {
                folder = parent(folder);
            }
            return self.descend(Some(folder.to_owned()), dotted);
        }
        let first = dotted.split('.').next().unwrap_or_default();
        if !self.names.contains(first) {
            return None;
        }
        let mut folder = parent(path);
        loop {
            let own = folder == parent(path);
            if (!self.packages.contains(folder) || folder.is_empty())
                && let Some(found) = self.start(folder, first, dotted, own)
            {
                return Some(found);
            }
            if folder.is_empty() {
                break;
            }
            folder = parent(folder);
        }
        let from_roots = self
            .roots
            .iter()
            .find_map(|root| self.start(root, first, dotted, false));
        // A package may be where the program is started, so that its own folder is a source root.
        from_roots.or_else(|| {
            let folders = std::iter::successors(Some(parent(path)), |folder| {
                (!folder.is_empty()).then(|| parent(folder))
            });
            folders
                .into_iter()
                .find_map(|folder| self.start(folder, first, dotted, false))
        })
    }

    /// Finds a module by the name that a string names it with: `app.main`, from any source root.
    pub fn by_name(&self, dotted: &str) -> Option<FileId> {
        let first = dotted.split('.').next().unwrap_or_default();
        self.roots
            .iter()
            .find_map(|root| match self.start(root, first, dotted, false) {
                Some(Located::File(file)) => Some(file),
                _ => None,
            })
    }

    fn start(&self, folder: &str, first: &str, dotted: &str, own: bool) -> Option<Located> {
        let base = join(folder, first);
        let is_module = self.files.contains_key(&format!("{base}.py"));
        let is_package = self.packages.contains(&base);
        // A folder without `__init__.py` loses against an installed package of its name, and so does a module that
        // is not beside the importing file or at a source root.
        let shadows = is_package || is_module;
        if !shadows && (self.installed.contains(first) || !self.folders.contains(&base)) {
            return None;
        }
        if self.installed.contains(first) && !own && !self.roots.iter().any(|root| root == folder) {
            return None;
        }
        self.descend(Some(folder.to_owned()), dotted)
    }

    fn descend(&self, folder: Option<String>, dotted: &str) -> Option<Located> {
        let mut folder = folder?;
        let mut file = self.file(&join(&folder, "__init__.py"));
        for part in dotted.split('.').filter(|part| !part.is_empty()) {
            let next = join(&folder, part);
            if let Some(id) = self.file(&join(&next, "__init__.py")) {
                file = Some(id);
            } else if let Some(id) = self.file(&format!("{next}.py")) {
                file = Some(id);
            } else if self.folders.contains(&next) {
                file = None;
            } else {
                return None;
            }
            folder = next;
        }
        Some(file.map_or(Located::Folder(folder), Located::File))
    }

    /// A submodule of the package or folder that `path` (a file, or a folder) stands for.
    pub fn submodule(
        &self,
        package: &Located,
        paths: impl Fn(FileId) -> String,
        name: &str,
    ) -> Option<Located> {
        let folder = match package {
            Located::File(id) => {
                let path = paths(*id);
                let folder = path.strip_suffix("__init__.py")?;
                folder.trim_end_matches('/').to_owned()
            }
            Located::Folder(folder) => folder.clone(),
        };
        self.descend(Some(folder), name)
    }

    /// The packages that importing this file runs first, outermost first.
    pub fn parents(&self, path: &str) -> Vec<FileId> {
        let mut folder = parent(path);
        let mut found = Vec::new();
        while self.packages.contains(folder) {
            found.extend(self.file(&join(folder, "__init__.py")));
            if folder.is_empty() {
                break;
            }
            folder = parent(folder);
        }
        found.reverse();
        found
    }
}

/// The folder of a path; empty for the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(paths: &[&str]) -> (FileTable, Vec<String>) {
        let paths: Vec<String> = paths.iter().map(|path| path.to_string()).collect();
        (
            FileTable::new(&paths, &[], ["requests".to_owned()].into_iter().collect()),
            paths,
        )
    }

    #[test]
    fn names_start_at_the_source_root() {
        let (table, _) = table(&["src/app/__init__.py", "src/app/pay.py", "tool/run.py"]);
        assert_eq!(table.module_name("src/app/pay.py"), "app.pay");
        assert_eq!(table.module_name("src/app/__init__.py"), "app");
        assert_eq!(table.module_name("tool/run.py"), "tool.run");
    }

    #[test]
    fn a_module_inside_a_package_does_not_shadow_an_installed_one() {
        let (table, _) = table(&[
            "app/__init__.py",
            "app/requests.py",
            "app/main.py",
            "requests.py",
        ]);
        assert_eq!(
            table.locate("app/main.py", 0, "requests"),
            Some(Located::File(FileId(3)))
        );
        let (table, _) = self::table(&["app/__init__.py", "app/requests.py", "app/main.py"]);
        assert_eq!(table.locate("app/main.py", 0, "requests"), None);
        assert_eq!(
            table.locate("app/main.py", 1, "requests"),
            Some(Located::File(FileId(1)))
        );
    }
}
