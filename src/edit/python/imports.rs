//! Where the import of the client goes in a module that another one enables: among the imports of libraries, as the
//! tools that sort imports have it.

use tree_sitter::Node;

use super::Module;
use crate::edit::{Insertions, line_end, line_ending_at, line_start};

/// Puts `import` among the imports that the module begins with. `None` where it begins with none.
pub fn insert(module: &Module, import: &str) -> Option<Insertions> {
    let source = module.source;
    let groups = groups(module);
    let last = groups.last()?.last()?;
    let ending = line_ending_at(source, line_end(source, last.start_byte()));
    let section = |group: &&Vec<Node>| Section::of(module, group[0]);
    if let Some(group) = groups
        .iter()
        .find(|group| section(group) == Section::Library)
    {
        let at = place(module, group, import);
        return Some(Insertions::one(at, format!("{import}{ending}")));
    }
    // A section of its own, between the standard library's and the module's neighbours.
    let standard = groups
        .iter()
        .rfind(|group| section(group) == Section::Standard);
    Some(match standard.and_then(|group| group.last()) {
        Some(last) => Insertions::one(
            line_end(source, last.start_byte().max(last.end_byte() - 1)),
            format!("{ending}{import}{ending}"),
        ),
        None => {
            let at = above_comments(source, line_start(source, groups[0][0].start_byte()));
            Insertions::one(at, format!("{import}{ending}{ending}"))
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Standard,
    Library,
    Relative,
}

impl Section {
    fn of(module: &Module, statement: Node) -> Section {
        match root_of(module, statement) {
            "" => Section::Relative,
            root if STANDARD.binary_search(&root).is_ok() || root.starts_with("__") => {
                Section::Standard
            }
            _ => Section::Library,
        }
    }
}

/// The first part of what a statement imports; empty for a relative import.
fn root_of<'m>(module: &'m Module, statement: Node) -> &'m str {
    let name = statement
        .child_by_field_name("module_name")
        .or_else(|| statement.named_child(0));
    let text = name.map_or("", |name| module.text(name));
    text.split(['.', ' ']).next().unwrap_or_default()
}

/// The imports that the module begins with, a line or more each, as blank lines part them.
fn groups<'t>(module: &'t Module) -> Vec<Vec<Node<'t>>> {
    let source = module.source;
    let mut groups: Vec<Vec<Node>> = Vec::new();
    let is_import =
        |node: &Node| matches!(node.kind(), "import_statement" | "import_from_statement");
    let statements = module
        .children(module.root())
        .into_iter()
        .filter(|node| node.kind() != "comment")
        .skip_while(|node| !is_import(node))
        .take_while(is_import);
    for node in statements {
        let start = line_start(source, node.start_byte());
        let end = line_end(source, node.end_byte());
        let rest = source[node.end_byte()..end].trim_ascii();
        let is_alone = source[start..node.start_byte()].is_empty()
            && (rest.is_empty() || rest.starts_with(b"#"))
            && source[..end].ends_with(b"\n");
        if !is_alone {
            break;
        }
        let follows = groups
            .last()
            .and_then(|group| group.last())
            .is_some_and(|last| {
                let between = &source[line_end(source, last.end_byte())..start];
                between
                    .split(|byte| *byte == b'\n')
                    .rev()
                    .skip(1)
                    .all(|line| !line.trim_ascii().is_empty())
            });
        match groups.last_mut().filter(|_| follows) {
            Some(group) => group.push(node),
            None => groups.push(vec![node]),
        }
    }
    groups
}

/// Before the first plain import that comes after it in the alphabet, or the first `from`.
fn place(module: &Module, group: &[Node], import: &str) -> usize {
    let source = module.source;
    let after = group
        .iter()
        .find(|node| node.kind() == "import_from_statement" || module.text(**node) > import);
    match (after, group.last()) {
        (Some(node), _) => above_comments(source, line_start(source, node.start_byte())),
        (None, Some(last)) => line_end(source, last.end_byte()),
        (None, None) => 0,
    }
}

/// The start of the comments that stand right above a line.
fn above_comments(source: &[u8], mut at: usize) -> usize {
    while at > 0 {
        let above = line_start(source, at - 1);
        if !source[above..at].trim_ascii_start().starts_with(b"#") {
            break;
        }
        at = above;
    }
    at
}

/// The modules of the standard library, of every version that the client runs on.
const STANDARD: &[&str] = &[
    "abc",
    "aifc",
    "annotationlib",
    "antigravity",
    "argparse",
    "array",
    "ast",
    "asynchat",
    "asyncio",
    "asyncore",
    "atexit",
    "audioop",
    "base64",
    "bdb",
    "binascii",
    "bisect",
    "builtins",
    "bz2",
    "cProfile",
    "calendar",
    "cgi",
    "cgitb",
    "chunk",
    "cmath",
    "cmd",
    "code",
    "codecs",
    "codeop",
    "collections",
    "colorsys",
    "compileall",
    "compression",
    "concurrent",
    "configparser",
    "contextlib",
    "contextvars",
    "copy",
    "copyreg",
    "crypt",
    "csv",
    "ctypes",
    "curses",
    "dataclasses",
    "datetime",
    "dbm",
    "decimal",
    "difflib",
    "dis",
    "distutils",
    "doctest",
    "email",
    "encodings",
    "ensurepip",
    "enum",
    "errno",
    "faulthandler",
    "fcntl",
    "filecmp",
    "fileinput",
    "fnmatch",
    "fractions",
    "ftplib",
    "functools",
    "gc",
    "genericpath",
    "getopt",
    "getpass",
    "gettext",
    "glob",
    "graphlib",
    "grp",
    "gzip",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "http",
    "idlelib",
    "imaplib",
    "imghdr",
    "imp",
    "importlib",
    "inspect",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "keyword",
    "lib2to3",
    "linecache",
    "locale",
    "logging",
    "lzma",
    "mailbox",
    "mailcap",
    "marshal",
    "math",
    "mimetypes",
    "mmap",
    "modulefinder",
    "msilib",
    "msvcrt",
    "multiprocessing",
    "netrc",
    "nis",
    "nntplib",
    "nt",
    "ntpath",
    "nturl2path",
    "numbers",
    "opcode",
    "operator",
    "optparse",
    "os",
    "ossaudiodev",
    "pathlib",
    "pdb",
    "pickle",
    "pickletools",
    "pipes",
    "pkgutil",
    "platform",
    "plistlib",
    "poplib",
    "posix",
    "posixpath",
    "pprint",
    "profile",
    "pstats",
    "pty",
    "pwd",
    "py_compile",
    "pyclbr",
    "pydoc",
    "pydoc_data",
    "pyexpat",
    "queue",
    "quopri",
    "random",
    "re",
    "readline",
    "reprlib",
    "resource",
    "rlcompleter",
    "runpy",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "signal",
    "site",
    "smtpd",
    "smtplib",
    "sndhdr",
    "socket",
    "socketserver",
    "spwd",
    "sqlite3",
    "sre_compile",
    "sre_constants",
    "sre_parse",
    "ssl",
    "stat",
    "statistics",
    "string",
    "stringprep",
    "struct",
    "subprocess",
    "sunau",
    "symtable",
    "sys",
    "sysconfig",
    "syslog",
    "tabnanny",
    "tarfile",
    "telnetlib",
    "tempfile",
    "termios",
    "textwrap",
    "this",
    "threading",
    "time",
    "timeit",
    "tkinter",
    "token",
    "tokenize",
    "tomllib",
    "trace",
    "traceback",
    "tracemalloc",
    "tty",
    "turtle",
    "turtledemo",
    "types",
    "typing",
    "unicodedata",
    "unittest",
    "urllib",
    "uu",
    "uuid",
    "venv",
    "warnings",
    "wave",
    "weakref",
    "webbrowser",
    "winreg",
    "winsound",
    "wsgiref",
    "xdrlib",
    "xml",
    "xmlrpc",
    "zipapp",
    "zipfile",
    "zipimport",
    "zlib",
    "zoneinfo",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: Option<&str>) {
        let module = Module::new(before.as_bytes());
        let edit = insert(&module, "import governor");
        let result =
            edit.map(|edit| String::from_utf8(edit.apply(before.as_bytes())).expect("text"));
        assert_eq!(result.as_deref(), after);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(STANDARD.is_sorted());
    }

    #[test]
    fn goes_among_the_libraries() {
        check(
            "\"\"\"Doc.\"\"\"\n\nfrom __future__ import annotations\n\nimport os\nfrom typing import Any\n\nimport boto3\nimport requests\nfrom flask import Flask\n\nfrom . import x\n",
            Some(
                "\"\"\"Doc.\"\"\"\n\nfrom __future__ import annotations\n\nimport os\nfrom typing import Any\n\nimport boto3\nimport governor\nimport requests\nfrom flask import Flask\n\nfrom . import x\n",
            ),
        );
        check(
            "import os\r\n\r\n# the client\r\nfrom flask import (\r\n    Flask,\r\n)\r\n",
            Some(
                "import os\r\n\r\nimport governor\r\n# the client\r\nfrom flask import (\r\n    Flask,\r\n)\r\n",
            ),
        );
        check(
            "import boto3  # noqa\n\n\ndef f(): pass\n",
            Some("import boto3  # noqa\nimport governor\n\n\ndef f(): pass\n"),
        );
    }

    #[test]
    fn makes_a_section_where_there_is_none() {
        check(
            "import os\nimport sys\n\nfrom .a import b\n",
            Some("import os\nimport sys\n\nimport governor\n\nfrom .a import b\n"),
        );
        check(
            "from .a import b\n",
            Some("import governor\n\nfrom .a import b\n"),
        );
    }

    #[test]
    fn leaves_other_beginnings_alone() {
        check("x = 1\n", None);
        check("import os; x = 1\n", None);
        check("import os", None);
    }
}
