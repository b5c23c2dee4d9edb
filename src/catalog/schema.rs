//! The shape of a rule file. The built-in rules and the user's `governor.toml` share it, and the build script reads it
//! too: built-in rules are checked and packed when the project is built.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The rules of one library or framework, or of one `governor.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleFile {
    /// The library's name; the stem of its file, with `-` and `.` as `_`.
    pub library: String,
    /// The framework's name, in a file about entrypoints.
    pub framework: String,
    /// The distribution on PyPI; `stdlib` for the standard library.
    pub dist: String,
    /// The version that every name was resolved against.
    pub checked: String,
    /// Import roots that make a file worth a parse.
    pub imports: Vec<String>,
    /// Category of the effects, unless an effect names its own.
    pub category: Option<String>,
    /// Type of the resource in the intent.
    pub resource_type: String,
    /// Name of the resource in the intent, where the destination gives none.
    pub service: String,
    /// How the client stops these calls: `patch` (its own patch file), `via:LIBRARY`, `audit` (the audit hook) or `none`.
    pub seam: String,
    /// A fact worth knowing.
    pub note: String,
    pub effect: Vec<EffectRule>,
    pub entrypoint: Vec<EntrypointRule>,
    pub factory: Vec<FactoryRule>,
    pub hook: Vec<HookRule>,
    pub inject: Vec<InjectRule>,
    /// Verb table for methods that no rule names: `aws` or `google`.
    pub verbs: Option<VerbRule>,
    /// Another module path of the same thing → the name that rules use.
    pub alias: BTreeMap<String, String>,
    /// Class → the classes it derives from.
    pub bases: BTreeMap<String, Vec<String>>,
    /// Names like these → the class whose objects they are or make, where no other rule says: `langchain*.llms:*` is any
    /// class in a `llms` module of such a package, `langchain*:create_*_chain` any such function.
    pub like: BTreeMap<String, String>,
    /// Class → what its subclasses declare in their bodies; shows such a subclass behind a base that no rule knows.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Classes whose unlisted methods return the object itself, as query builders do.
    pub fluent: Vec<String>,
}

/// Calls that act on the world outside the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EffectRule {
    /// A module (for functions) or a class (for methods).
    pub on: String,
    /// Functions, methods or attribute chains (`chat.completions.create`) of `on`; `()` for making one, where that alone
    /// says what will be done: an operator of Airflow.
    pub names: Vec<String>,
    /// `read`, `write`, `delete`, `execute`, `send`, `export`, or decided at the call: `by_method`, `by_mode`, `by_sql`,
    /// `by_presence`, or by the step before it in a chain (`by_step`: `files().delete(…).execute()`).
    pub action: String,
    pub category: Option<String>,
    /// The argument that decides a `by_…` action.
    pub decided_by: Option<ArgumentRule>,
    pub destination: Option<DestinationRule>,
}

/// An argument by position (0-based, without the receiver) and by keyword at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArgumentRule {
    pub pos: Option<u32>,
    pub kw: Option<String>,
}

/// Where a call says what it acts on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DestinationRule {
    /// What the argument is: `url`, `host`, `path`, `sql`, `table`, `bucket`, `queue`, …
    pub kind: String,
    pub pos: Option<u32>,
    pub kw: Option<String>,
    /// `receiver`: the object itself names it. `constructor`: an argument of the call that made the receiver.
    pub from: String,
}

/// Where outside control enters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EntrypointRule {
    /// `<framework>_<thing>`.
    pub kind: String,
    /// `process` or `boundary`.
    pub role: String,
    /// `instance`, `decorator`, `subclass`, `attribute`, `call`, `function`, `file`, `loop` or `setting`.
    pub shape: String,
    pub of: Vec<String>,
    /// `decorator`: a template over `{METHOD}`, `{METHODS}`, `{method}`, `{arg:POS:KW}`, `{function}`, `{class}`,
    /// `{file}`.
    pub name: String,
    /// `subclass`: methods that are each a boundary of their own; `*` for every public one, `on_*` for those named so,
    /// `{attribute}` for those that an attribute of the class lists.
    pub methods: Vec<String>,
    /// `call`: the argument that is the handler.
    pub handler: Option<ArgumentRule>,
    /// `decorator`, `call`, `subclass`: classes of what the handler, or each of the `methods`, is called with, by
    /// position.
    pub gives: Vec<String>,
    /// The same where the framework goes by the parameters' names.
    pub gives_by_name: BTreeMap<String, String>,
    /// `function`: names of module-level functions. `decorator`: names of the functions that count. `attribute`: names of
    /// classes, in files that do not import `imports_any`; `of` names their attributes that list functions. `setting`:
    /// names of a project's settings that name classes and functions by their path.
    pub names: Vec<String>,
    /// `function`: its first parameters.
    pub params: Vec<String>,
    /// `file`: file names. `function`: names of the files that count.
    pub files: Vec<String>,
    /// `file`: import roots, one of which the file must import.
    pub imports_any: Vec<String>,
    /// `loop`: categories of the calls inside.
    pub categories: Vec<String>,
}

/// What a call makes: `X` a call, `@X` a decorator, `X[]` a subscript, `X.<attr>` any attribute, `X()()` the result
/// called; `<arg0>` in the result is the literal first argument.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FactoryRule {
    pub call: String,
    pub returns: String,
}

/// Methods of a class that run what its subclasses put in the place of others: `start` of a thread runs `run`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HookRule {
    pub on: String,
    /// The methods that are called; `__call__` for calling the object.
    pub names: Vec<String>,
    /// The methods that they run.
    pub runs: Vec<String>,
}

/// A call in a parameter's default or annotation that injects what a function makes: `Depends(f)`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InjectRule {
    pub call: String,
}

/// Actions of a generated client's methods, by prefix.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerbRule {
    /// Prefix of the classes that it holds for: `boto3.client:`; with a `*`, what their whole names are like:
    /// `kubernetes*.client.*Api`.
    pub on: String,
    pub category: Option<String>,
    pub read: Vec<String>,
    pub delete: Vec<String>,
    pub send: Vec<String>,
    pub execute: Vec<String>,
    pub write: Vec<String>,
    /// Methods that do nothing outside the process.
    pub none: Vec<String>,
    /// The operations stand in groups: `client.virtual_machines.list_all`.
    pub grouped: bool,
    /// A method that begins with none of the verbs does nothing outside the process.
    pub strict: bool,
}

/// What is true of Python and the wire whatever the library: `src/catalog/language.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageRules {
    /// Host, type and service; a leading `.` is a suffix, `*` one label.
    pub hosts: Vec<(String, String, String)>,
    pub http_read: Vec<String>,
    pub http_delete: Vec<String>,
    pub sql_read: Vec<String>,
    pub sql_delete: Vec<String>,
    pub sql_execute: Vec<String>,
    /// Statements that change nothing.
    pub sql_neutral: Vec<String>,
    /// Calls that call one of their arguments, at once or later.
    pub runners: Vec<RunnerRule>,
    /// Method names that do so whatever the object.
    pub runner_methods: Vec<RunnerRule>,
    /// Calls whose result is their first argument: wrappers and casts.
    pub transparent: Vec<String>,
    /// Methods of one word that no object has but the clients of such libraries.
    pub distinctive: Vec<String>,
    /// The same for methods that are awaited: what one does with a chat's messages.
    pub awaited: Vec<String>,
    /// How methods begin that any object might have, whatever follows: `get_user`, `create_task`.
    pub common: Vec<String>,
    /// Types whose subscript names an element: `list`, `Iterable`, …
    pub containers: Vec<String>,
    pub unknown: UnknownRules,
}

/// What an object is taken for that nothing says the class of: by its name, its methods and what they are passed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnknownRules {
    pub receivers: Vec<ReceiverRule>,
    /// Libraries that stand in for others: in a file that imports one, a name says nothing.
    pub stand_ins: Vec<String>,
    /// What a cursor of a database is called.
    pub cursors: Vec<String>,
    /// What a search is called, where one of the libraries is imported.
    pub searches: Vec<String>,
    pub search_libraries: Vec<String>,
    /// Methods whose result is at hand, and how the names of such results end.
    pub results: Vec<String>,
    pub result_names: Vec<String>,
    /// Methods of an HTTP client, and the keywords that only those take.
    pub http_verbs: Vec<String>,
    pub http_keywords: Vec<String>,
    /// How the name of an HTTP client ends, and that of a URL.
    pub http_names: Vec<String>,
    pub url_names: Vec<String>,
    /// The class by the library that the file imports, the likeliest first.
    pub http_clients: Vec<(String, String)>,
    pub async_http_clients: Vec<(String, String)>,
    /// Methods of what LangChain runs, the last word of what it is called, and what nothing is called that it runs.
    pub chain_methods: Vec<String>,
    pub chain_names: Vec<String>,
    pub not_chains: Vec<String>,
    /// Keywords of Django's `save()` and `delete()`, and libraries whose objects are saved and deleted too.
    pub save_keywords: Vec<String>,
    pub delete_keywords: Vec<String>,
    pub also_saved: Vec<String>,
}

/// What objects of a class are called.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverRule {
    /// Endings of the name, each a whole word.
    pub names: Vec<String>,
    /// The repo imports one of these.
    pub roots: Vec<String>,
    /// The file imports none of these.
    pub unless: Vec<String>,
    /// None for all that the class has.
    pub methods: Vec<String>,
    /// It is meant even where a class of the repo has a method of this name.
    pub always: bool,
    pub class: String,
    /// The same in an async function, where it differs.
    pub when_async: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunnerRule {
    pub call: String,
    pub pos: Option<u32>,
    pub kw: Option<String>,
    /// The keyword of the tuple of arguments; without it they follow the function, with `""` they are not known.
    pub args: Option<String>,
}

/// Everything that is built in, as the build script packs it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RuleSet {
    pub language: LanguageRules,
    pub files: Vec<RuleFile>,
    /// Stems of the client's patches.
    pub patches: Vec<String>,
    /// Qualified names that a patched library does not let the client intercept.
    pub not_intercepted: Vec<String>,
}
