//! Makes a catalog of rule files: the built-in ones, packed when the project is built, and the user's.

use anyhow::Context;

use super::operation::MADE;
use super::schema::*;
use super::*;

impl Catalog {
    /// The built-in rules.
    pub fn builtin() -> &'static Catalog {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            let rules: RuleSet =
                postcard::from_bytes(PACKED).expect("the build script packed these very types");
            Catalog::new(rules).expect("a test compiles every built-in rule")
        })
    }

    fn new(rules: RuleSet) -> anyhow::Result<Catalog> {
        let mut catalog = Catalog {
            transparent: rules.language.transparent.iter().cloned().collect(),
            containers: rules.language.containers.iter().cloned().collect(),
            runners: rules
                .language
                .runners
                .iter()
                .map(|rule| (rule.call.clone(), rule.clone()))
                .collect(),
            runner_methods: rules
                .language
                .runner_methods
                .iter()
                .map(|rule| (rule.call.clone(), rule.clone()))
                .collect(),
            not_intercepted: rules.not_intercepted.into_iter().collect(),
            language: rules.language,
            ..Catalog::default()
        };
        let seams: FxHashMap<String, String> = rules
            .files
            .iter()
            .map(|file| (stem(&file.library), file.seam.clone()))
            .collect();
        for file in rules.files {
            let intercepted = is_intercepted(&file, &seams, &rules.patches);
            let name = if file.library.is_empty() {
                &file.framework
            } else {
                &file.library
            }
            .clone();
            catalog
                .add(file, intercepted)
                .with_context(|| format!("rules of `{name}`"))?;
        }
        catalog.settle();
        Ok(catalog)
    }

    /// Where two files spell one thing differently, the spelling of its effects wins.
    fn settle(&mut self) {
        let turned: Vec<(String, String)> = self
            .aliases
            .iter()
            .filter(|(path, name)| {
                self.effects.contains_key(*path) && !self.effects.contains_key(*name)
            })
            .map(|(path, name)| (path.clone(), name.clone()))
            .collect();
        for (path, name) in turned {
            self.aliases.remove(&path);
            self.aliases.insert(name, path);
        }
        let aliases = std::mem::take(&mut self.aliases);
        let settled = |name: &str| -> String {
            let mut name = name;
            for _ in 0..3 {
                match aliases.get(name) {
                    Some(next) if next != name => name = next,
                    _ => break,
                }
            }
            name.to_owned()
        };
        let spelled: FxHashSet<&String> = aliases.values().collect();
        let settled_member = |name: &str| -> String {
            if aliases.contains_key(name) || spelled.contains(&name.to_owned()) {
                return settled(name);
            }
            match name.rsplit_once('.') {
                Some((class, member)) if aliases.contains_key(class) => {
                    format!("{}.{member}", settled(class))
                }
                _ => settled(name),
            }
        };
        for rule in &mut self.entrypoints {
            for name in &mut rule.of {
                *name = settled_member(name);
            }
        }
        let factories = std::mem::take(&mut self.factories);
        for (key, made) in factories {
            let made = settled(&made);
            let bare = key.trim_start_matches('@');
            let renamed = settled_member(bare);
            if renamed != bare {
                let mark = if key.starts_with('@') { "@" } else { "" };
                self.factories
                    .insert(format!("{mark}{renamed}"), made.clone());
            }
            self.factories.insert(key, made);
        }
        self.aliases = aliases
            .keys()
            .map(|path| (path.clone(), settled(path)))
            .collect();
        self.results = self
            .factories
            .keys()
            .filter_map(|key| Some(key[..key.find("()")?].to_owned() + "()"))
            .collect();
        self.settle_lineages();
        self.entrypoints_by_name.clear();
        for (index, rule) in self.entrypoints.iter().enumerate() {
            for name in &rule.of {
                self.entrypoints_by_name
                    .entry(format!("{} {name}", rule.shape))
                    .or_default()
                    .push(index);
            }
        }
    }

    /// The built-in rules and those of a `governor.toml`: its `[[effect]]`, `[[entrypoint]]`, `[[factory]]`,
    /// `[[inject]]`, `[alias]` and `[bases]`. The error names the table that is wrong.
    pub fn with_user_rules(text: &str) -> anyhow::Result<Catalog> {
        let table: toml::Table =
            toml::from_str(text).context("`governor.toml` is not valid TOML")?;
        let keys = [
            "effect",
            "entrypoint",
            "factory",
            "inject",
            "alias",
            "bases",
            "fields",
            "fluent",
            "like",
        ];
        let rules: toml::Table = table
            .into_iter()
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .collect();
        let mut catalog = Catalog::builtin().clone();
        if rules.is_empty() {
            return Ok(catalog);
        }
        let mut file: RuleFile = rules.try_into().context("`governor.toml`")?;
        file.library = "governor.toml".to_owned();
        file.resource_type = "external_api".to_owned();
        file.imports = file
            .effect
            .iter()
            .map(|effect| effect.on.as_str())
            .chain(
                file.entrypoint
                    .iter()
                    .flat_map(|rule| rule.of.iter().map(String::as_str)),
            )
            .filter_map(|name| name.split('.').next())
            .map(str::to_owned)
            .collect();
        catalog.add(file, false).context("`governor.toml`")?;
        catalog.settle();
        Ok(catalog)
    }

    fn add(&mut self, file: RuleFile, intercepted: bool) -> anyhow::Result<()> {
        let category = file.category.as_deref().map(parse_category).transpose()?;
        for effect in file.effect {
            let own = effect.category.as_deref().map(parse_category).transpose()?;
            let resource_type = match own {
                Some(Category::Email) => "email",
                Some(Category::Filesystem) => "file",
                Some(Category::Process) => "process",
                _ => &file.resource_type,
            };
            let category = own.or(category).unwrap_or(Category::Saas);
            let library = Library {
                name: file.library.clone(),
                category,
                resource_type: resource_type.to_owned(),
                service: file.service.clone(),
                intercepted,
                is_standard: file.dist == "stdlib",
            };
            let action = parse_action(&effect.action)
                .with_context(|| format!("effect on `{}`", effect.on))?;
            let rule = Rule {
                library,
                action,
                decided_by: effect.decided_by,
                destination: effect.destination,
            };
            if effect.names.iter().any(|name| name == MADE) {
                let root = effect.on.split('.').next().unwrap_or_default();
                self.made.insert(root.to_owned());
            }
            let on = self.effects.entry(effect.on).or_default();
            on.extend(effect.names.into_iter().map(|name| (name, rule.clone())));
        }
        if let Some(verbs) = file.verbs {
            let own = verbs.category.as_deref().map(parse_category).transpose()?;
            let library = Library {
                name: file.library.clone(),
                category: own.or(category).unwrap_or(Category::Cloud),
                resource_type: file.resource_type.clone(),
                service: file.service.clone(),
                intercepted,
                is_standard: file.dist == "stdlib",
            };
            self.verbs.push((library, verbs));
        }
        for rule in &file.entrypoint {
            anyhow::ensure!(
                ["process", "boundary"].contains(&rule.role.as_str()),
                "entrypoint `{}`: role `{}` is neither `process` nor `boundary`",
                rule.kind,
                rule.role
            );
            let shapes = [
                "instance",
                "decorator",
                "subclass",
                "attribute",
                "call",
                "function",
                "file",
                "loop",
                "setting",
            ];
            anyhow::ensure!(
                shapes.contains(&rule.shape.as_str()),
                "entrypoint `{}`: shape `{}` is none of {}",
                rule.kind,
                rule.shape,
                shapes.join(", ")
            );
        }
        self.entrypoints.extend(file.entrypoint);
        self.factories.extend(
            file.factory
                .into_iter()
                .map(|factory| (factory.call, factory.returns)),
        );
        for hook in file.hook {
            self.hooked.extend(hook.names.iter().cloned());
            let methods = self.hooks.entry(hook.on).or_default();
            methods.extend(hook.names.into_iter().map(|name| (name, hook.runs.clone())));
        }
        self.injectors
            .extend(file.inject.into_iter().map(|inject| inject.call));
        self.aliases.extend(file.alias);
        for (class, bases) in file.bases {
            self.bases.entry(class).or_default().extend(bases);
        }
        for (owner, fields) in file.fields {
            self.fields
                .extend(fields.into_iter().map(|field| (field, owner.clone())));
        }
        for (pattern, class) in file.like {
            self.likes.add(&pattern, class);
        }
        self.fluent.extend(file.fluent);
        self.roots.insert(file.library, file.imports.clone());
        self.imports.extend(
            file.imports
                .iter()
                .filter_map(|root| root.split('.').next())
                .map(str::to_owned),
        );
        Ok(())
    }
}

fn stem(library: &str) -> String {
    library.replace(['-', '.'], "_")
}

/// Follows `via:` to a library that has a patch.
fn is_intercepted(file: &RuleFile, seams: &FxHashMap<String, String>, patches: &[String]) -> bool {
    let has_patch = |library: &str| patches.iter().any(|patch| *patch == stem(library));
    if has_patch(&file.library) {
        return true;
    }
    let mut seam = file.seam.as_str();
    for _ in 0..4 {
        let Some(below) = seam.strip_prefix("via:") else {
            return false;
        };
        if has_patch(below) {
            return true;
        }
        seam = seams.get(&stem(below)).map_or("none", String::as_str);
    }
    false
}

fn parse_category(word: &str) -> anyhow::Result<Category> {
    serde_json::from_value(serde_json::Value::from(word))
        .with_context(|| format!("category `{word}`"))
}

fn parse_action(word: &str) -> anyhow::Result<ActionRule> {
    Ok(match word {
        "by_method" => ActionRule::ByMethod,
        "by_mode" => ActionRule::ByMode,
        "by_sql" => ActionRule::BySql,
        "by_presence" => ActionRule::ByPresence,
        "by_step" => ActionRule::ByStep,
        _ => ActionRule::Is(
            serde_json::from_value(serde_json::Value::from(word))
                .with_context(|| format!("action `{word}`"))?,
        ),
    })
}

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.bin"));
