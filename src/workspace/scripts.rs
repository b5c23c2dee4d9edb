//! The commands that installing the project puts on the path: `[project.scripts]`, `[tool.poetry.scripts]`,
//! `entry_points` of setuptools.

use super::Workspace;

/// A console script: `name = module:function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub name: String,
    pub module: String,
    pub function: String,
}

/// Every console script that a project file of the repo declares.
pub fn scripts(workspace: &Workspace) -> Vec<Script> {
    let listing =
        workspace.list(|name| ["pyproject.toml", "setup.cfg", "setup.py"].contains(&name));
    let mut found: Vec<Script> = Vec::new();
    for path in &listing.files {
        let Ok(bytes) = workspace.read(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let declared = match path.rsplit('/').next() {
            Some("pyproject.toml") => from_pyproject(&text),
            Some("setup.cfg") => from_lines(
                text.lines()
                    .skip_while(|line| !line.trim_start().starts_with("console_scripts"))
                    .skip(1),
            ),
            _ => from_setup_py(&text),
        };
        for script in declared {
            if !found.contains(&script) {
                found.push(script);
            }
        }
    }
    found
}

fn from_pyproject(text: &str) -> Vec<Script> {
    let Ok(table) = text.parse::<toml::Table>() else {
        return Vec::new();
    };
    let at = |path: &[&str]| {
        let mut value = toml::Value::Table(table.clone());
        for key in path {
            value = value.get(key)?.clone();
        }
        value.as_table().cloned()
    };
    let tables: [&[&str]; 4] = [
        &["project", "scripts"],
        &["project", "gui-scripts"],
        &["tool", "poetry", "scripts"],
        &["project", "entry-points", "console_scripts"],
    ];
    let mut found = Vec::new();
    for path in tables {
        for (name, value) in at(path).unwrap_or_default() {
            let target = value
                .as_str()
                .or_else(|| value.get("callable").and_then(|value| value.as_str()));
            found.extend(target.and_then(|target| script(&name, target)));
        }
    }
    found
}

/// `name = module:function` lines up to the next section or key.
fn from_lines<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Script> {
    lines
        .take_while(|line| line.trim().is_empty() || line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once('='))
        .filter_map(|(name, target)| script(name.trim(), target.trim()))
        .collect()
}

/// The strings `"name = module:function"` behind `console_scripts`, or the lines below `[console_scripts]` in one string.
fn from_setup_py(text: &str) -> Vec<Script> {
    let Some(at) = text.find("console_scripts") else {
        return Vec::new();
    };
    let rest = &text[at + "console_scripts".len()..];
    if let Some(lines) = rest.strip_prefix(']') {
        let end = lines.find(['[', '"', '\'']).unwrap_or(lines.len());
        return lines[..end]
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter_map(|(name, target)| script(name.trim(), target.trim()))
            .collect();
    }
    let end = rest.find(']').unwrap_or(rest.len());
    rest[..end]
        .split(['"', '\''])
        .filter(|piece| piece.contains(':') && piece.contains('='))
        .filter_map(|piece| piece.split_once('='))
        .filter_map(|(name, target)| script(name.trim(), target.trim()))
        .collect()
}

fn script(name: &str, target: &str) -> Option<Script> {
    let target = target.split([' ', '[']).next()?;
    let (module, function) = target.split_once(':')?;
    Some(Script {
        name: name.to_owned(),
        module: module.to_owned(),
        function: function.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_style() {
        let expected = vec![Script {
            name: "run".into(),
            module: "app.cli".into(),
            function: "main".into(),
        }];
        assert_eq!(
            from_pyproject("[project.scripts]\nrun = \"app.cli:main\"\n"),
            expected
        );
        assert_eq!(
            from_pyproject("[tool.poetry.scripts]\nrun = \"app.cli:main\"\n"),
            expected
        );
        assert_eq!(
            from_lines("    run = app.cli:main\n\n[x]\n".lines()),
            expected
        );
        assert_eq!(
            from_setup_py("setup(entry_points={'console_scripts': ['run=app.cli:main']})"),
            expected
        );
        assert_eq!(
            from_setup_py(
                "setup(entry_points=\"\"\"\n    [console_scripts]\n    run=app.cli:main\n    [x]\n    a=b:c\n\"\"\")"
            ),
            expected
        );
    }
}
