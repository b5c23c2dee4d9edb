//! `scan` on what is not plain Python, and on files that nobody would write.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn scan(dir: &Path) -> Value {
    let out = governor(dir);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).expect("one JSON document")
}

fn governor(dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_governor-mcp"))
        .args(["scan", "--format", "json"])
        .arg(dir)
        .output()
        .expect("starts")
}

fn repo(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, bytes) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }
    dir
}

/// `call@place` of every effect.
fn calls(scan: &Value) -> Vec<String> {
    let effects = scan["effects"].as_array().expect("effects");
    effects
        .iter()
        .map(|effect| {
            format!(
                "{}@{}",
                effect["call"].as_str().unwrap_or(""),
                effect["line"]
            )
        })
        .collect()
}

#[test]
fn a_notebook_is_a_process_and_its_findings_name_cell_and_line() {
    let notebook = json!({"cells": [
        {"cell_type": "markdown", "source": ["# Refunds"]},
        {"cell_type": "code", "source": ["import governor\n", "governor.enable()"]},
        {"cell_type": "code", "source": ["import requests\n", "requests.post('https://api.stripe.com/v1/refunds')\n", "!rm -rf out"]},
    ], "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4, "nbformat_minor": 5});
    let dir = repo(&[
        ("work/refunds.ipynb", notebook.to_string().as_bytes()),
        (
            "work/.ipynb_checkpoints/refunds.ipynb",
            notebook.to_string().as_bytes(),
        ),
        ("work/broken.ipynb", b"{"),
    ]);
    let scan = scan(dir.path());
    let entry = &scan["entrypoints"][0];
    assert_eq!(
        (&entry["kind"], &entry["role"], &entry["enabled"]),
        (&json!("notebook"), &json!("process"), &json!(true))
    );
    let places: Vec<(u64, u64, &str)> = scan["effects"]
        .as_array()
        .expect("effects")
        .iter()
        .map(|effect| {
            (
                effect["cell"].as_u64().unwrap_or(0),
                effect["line"].as_u64().unwrap_or(0),
                effect["coverage"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(places, [(3, 2, "enable"), (3, 3, "enable")]);
    assert_eq!(scan["files"]["skipped"][0]["path"], "work/broken.ipynb");
}

#[test]
fn a_workflow_of_n8n_is_read_beside_python() {
    let workflow = br#"{"nodes": [
  {"name": "Hook", "type": "n8n-nodes-base.webhook", "parameters": {}},
  {"name": "Refund", "type": "n8n-nodes-base.httpRequest", "parameters": {"url": "https://api.stripe.com/v1/refunds", "method": "POST"}}
], "connections": {"Hook": {"main": [[{"node": "Refund", "type": "main", "index": 0}]]}}}"#;
    let dir = repo(&[
        ("flows/refund.json", workflow),
        ("package.json", b"{\"name\": \"x\"}"),
        (
            "zz.py",
            b"import os\nif __name__ == '__main__':\n    os.system('ls')\n",
        ),
        (
            "aa.py",
            b"import os\nif __name__ == '__main__':\n    os.system('ls')\n",
        ),
    ]);
    let scan = scan(dir.path());
    let entries: Vec<String> = scan["entrypoints"]
        .as_array()
        .expect("entrypoints")
        .iter()
        .map(|entry| format!("{} {}", entry["id"], entry["path"]))
        .collect();
    assert_eq!(
        entries,
        [
            "\"E1\" \"aa.py\"",
            "\"E2\" \"flows/refund.json\"",
            "\"E3\" \"zz.py\""
        ]
    );
    assert_eq!(
        calls(&scan),
        ["os.system@3", "n8n-nodes-base.httpRequest@3", "os.system@3"]
    );
    assert_eq!(scan["effects"][1]["reached_from"], json!(["E2"]));
    assert_eq!(scan["effects"][2]["reached_from"], json!(["E3"]));
}

/// Python 2, Python 3.14, one side each of what the grammar knows: what lies outside of the odd statement is found.
#[test]
fn old_and_new_syntax_hide_nothing_around_them() {
    let files: &[(&str, &[u8])] = &[
        ("two.py", b"import os\nprint 'x'\nexec 'y'\ntry:\n    pass\nexcept OSError, e:\n    raise ValueError, 'x'\nos.system('ls')\n"),
        ("three.py", b"import os\ntry:\n    pass\nexcept A, B:\n    pass\nname = 1\nx = t'{name}'\nos.system('ls')\ntype X[T] = list[T]\nmatch x:\n    case {'a': 1, **rest} if rest:\n        os.system('rm')\n"),
        ("tabs.py", b"import os\r\nif True:\r\n\tos.system('ls')\r\n\x0c\r\nos.system('rm')\r\n"),
    ];
    let found = scan(repo(files).path());
    assert_eq!(
        calls(&found),
        [
            "os.system@3",
            "os.system@5",
            "os.system@8",
            "os.system@12",
            "os.system@8"
        ]
    );
}

/// Inputs that make a careless reader recurse, loop or allocate.
#[test]
fn hostile_files_end_in_an_answer() {
    let nest = |open: &str, close: &str, times: usize| {
        format!(
            "import os\nos.system('a')\nx = {}1{}\nos.system('b')\n",
            open.repeat(times),
            close.repeat(times)
        )
    };
    let long = format!(
        "import os\nx = '{}'\nos.system('b')\n",
        "y".repeat(1_000_000)
    );
    let chain = format!(
        "import os\nx = a{}\nos.system('b')\n",
        ".b()".repeat(20_000)
    );
    let sum = format!(
        "import os\nx = 1{}\nos.system('b')\n",
        " + 1".repeat(20_000)
    );
    let elifs = format!(
        "import os\nif a: pass\n{}os.system('b')\n",
        "elif b: pass\n".repeat(5_000)
    );
    let strings = format!(
        "import os\nx = f\"{}1{}\"\nos.system('b')\n",
        "{f'".repeat(200),
        "'}".repeat(200)
    );
    let files: Vec<(&str, String)> = vec![
        ("round.py", nest("(", ")", 10_000)),
        ("square.py", nest("[", "]", 10_000)),
        ("calls.py", nest("f(", ")", 10_000)),
        ("lambdas.py", nest("(lambda: ", ")", 2_000)),
        ("long.py", long),
        ("chain.py", chain),
        ("sum.py", sum),
        ("elifs.py", elifs),
        ("strings.py", strings),
        ("open.py", format!("import os\nos.system('a')\n{}", "(".repeat(10_000))),
        ("loop_a.py", "from loop_b import *\nimport loop_b\nx = loop_b.y\nx.post('u')\n".to_owned()),
        ("loop_b.py", "from loop_a import *\nimport loop_a\ny = loop_a.x\ny.post('u')\n".to_owned()),
        ("self_base.py", "class A(A): pass\nclass B(C): pass\nclass C(B): pass\nB().post('u')\nx = x\nx.post('u')\n".to_owned()),
    ];
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, text)| (*path, text.as_bytes()))
        .collect();
    let found = scan(repo(&files).path());
    let systems = |path: &str| {
        let effects = found["effects"].as_array().expect("effects");
        effects
            .iter()
            .filter(|effect| effect["path"] == path)
            .count()
    };
    for path in ["long.py", "chain.py", "sum.py", "elifs.py"] {
        assert_eq!(systems(path), 1, "{path}");
    }
    for path in ["round.py", "square.py", "calls.py", "lambdas.py"] {
        assert_eq!(systems(path), 2, "{path}");
    }
    assert_eq!(systems("open.py"), 1);
}

#[test]
fn a_module_named_like_a_library_is_not_the_library() {
    let dir = repo(&[
        ("requests.py", b"def get(url):\n    return url\n"),
        ("app.py", b"import requests\nrequests.get('https://a')\n"),
    ]);
    assert_eq!(calls(&scan(dir.path())), [""; 0]);
}
