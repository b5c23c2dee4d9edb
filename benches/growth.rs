//! Time against size: what a scan takes of code of one shape, of twice and of four times as much of it. Where the time
//! grows by more than the size, something goes through the same thing again and again.
//!
//! ```sh
//! cargo bench --bench growth
//! ```
//!
//! `GOVERNOR_BENCH_SIZE` is the smallest size, instead of 1,000 pieces.

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use governor_mcp::facts::{self, Options};
use governor_mcp::workspace::Workspace;
use tempfile::TempDir;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A path and the text of that file.
type File = (String, String);

/// What is measured: a name and the files that so many pieces of it make.
type Shape = (&'static str, fn(usize) -> Vec<File>);

const SHAPES: &[Shape] = &[
    ("functions, each called by the next", |n| {
        one(n, "import requests\n", |i| {
            format!(
                "def f{i}(url):\n    requests.get(url)\n    f{}(url)\n\n",
                i.saturating_sub(1)
            )
        })
    }),
    ("methods of one class", |n| {
        one(
            n,
            "import requests\nclass C:\n    def __init__(self):\n        self.s = requests.Session()\n",
            |i| {
                format!(
                    "    def f{i}(self, url):\n        self.a{i} = self.s.get(url)\n        self.f{}(url)\n",
                    i / 2
                )
            },
        )
    }),
    ("loops in one file", |n| {
        one(n, "import openai\nclient = openai.OpenAI()\n", |i| {
            format!(
                "def f{i}():\n    while True:\n        client.chat.completions.create(model='m', messages=[])\n\n"
            )
        })
    }),
    ("loops in one function", |n| {
        one(
            n,
            "import openai\nclient = openai.OpenAI()\ndef f():\n",
            |_| {
                "    while True:\n        client.chat.completions.create(model='m', messages=[])\n"
                    .to_owned()
            },
        )
    }),
    ("calls on one name", |n| {
        one(n, "import httpx\nclient = httpx.Client()\n", |i| {
            format!("client.get('https://a.example/{i}')\n")
        })
    }),
    ("one name bound again and again", |n| {
        one(n, "import httpx\n", |i| {
            format!("client = httpx.Client()\nclient.get('https://a.example/{i}')\n")
        })
    }),
    ("names bound to the name before", |n| {
        one(n, "import httpx\na0 = httpx.Client()\n", |i| {
            format!("a{} = a{i}\na{i}.get('https://a.example')\n", i + 1)
        })
    }),
    ("branches", |n| {
        one(
            n,
            "import os\ndef f(x):\n    if x == 0:\n        pass\n",
            |i| format!("    elif x == {i}:\n        os.remove('f{i}')\n"),
        )
    }),
    ("classes, each derived from the one before", |n| {
        one(
            n,
            "import httpx\nclass C0(httpx.Client):\n    pass\n",
            |i| {
                format!(
                    "class C{}(C{i}):\n    def m{i}(self):\n        self.get('https://a.example')\n",
                    i + 1
                )
            },
        )
    }),
    ("classes derived from one", |n| {
        one(
            n,
            "import os\nclass B:\n    def run(self): ...\ndef go(b: B):\n    b.run()\n",
            |i| format!("class C{i}(B):\n    def run(self):\n        os.remove('f{i}')\n"),
        )
    }),
    ("calls of a method with many overrides", |n| {
        one(n, "import os\nclass B:\n    def run(self): ...\n", |i| {
            format!(
                "class C{i}(B):\n    def run(self):\n        os.remove('f{i}')\n{}",
                if i % 32 == 0 {
                    format!("def go{i}(b: B):\n    b.run()\n")
                } else {
                    String::new()
                }
            )
        })
    }),
    ("routes", |n| {
        one(
            n,
            "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n",
            |i| format!("@app.get('/{i}')\ndef f{i}():\n    os.remove('f{i}')\n"),
        )
    }),
    ("calls of one function", |n| {
        one(
            n,
            "def f(client):\n    client.get('https://a.example')\n",
            |i| format!("def g{i}():\n    import httpx\n    f(httpx.Client())\n"),
        )
    }),
    ("a chain of arguments", |n| {
        one(
            n,
            "import httpx\ndef f0(client):\n    client.get('https://a.example')\n",
            |i| {
                format!(
                    "def f{}(client):\n    f{i}(client)\nf{}(httpx.Client())\n",
                    i + 1,
                    i + 1
                )
            },
        )
    }),
    ("handlers in a dict", |n| {
        one(
            n,
            "import os\nHANDLERS = {}\ndef go(name):\n    HANDLERS[name]()\n",
            |i| format!("def f{i}():\n    os.remove('f{i}')\nHANDLERS['{i}'] = f{i}\n"),
        )
    }),
    ("one call behind another", |n| {
        vec![(
            "a.py".into(),
            format!("import requests\nrequests.get('u'){}\n", ".a()".repeat(n)),
        )]
    }),
    ("a sum of strings", |n| {
        vec![(
            "a.py".into(),
            format!("import requests\nrequests.get('u'{})\n", " + 'v'".repeat(n)),
        )]
    }),
    ("brackets in brackets", |n| {
        vec![(
            "a.py".into(),
            format!("x = {}{}\n", "[".repeat(n), "]".repeat(n)),
        )]
    }),
    ("imports of names", |n| {
        let mut files = one(n, "import os\n", |i| {
            format!("def f{i}():\n    os.remove('f{i}')\n")
        });
        files.push((
            "b.py".into(),
            pieces(n, "", |i| format!("from a import f{i}\nf{i}()\n")),
        ));
        files
    }),
    ("files, each importing the next", |n| {
        many(n, |i| {
            format!(
                "import os\nfrom m{} import *\ndef f{i}():\n    os.remove('f{i}')\n",
                i + 1
            )
        })
    }),
    ("files that import one another", |n| {
        many(n, move |i| {
            format!(
                "import os\nfrom m{} import f{}\nfrom m{} import *\ndef f{i}():\n    os.remove('f{i}')\n",
                (i + 1) % n,
                (i + 1) % n,
                (i + 7) % n
            )
        })
    }),
    ("scripts", |n| {
        many(n, |i| {
            format!("import os\nif __name__ == '__main__':\n    os.remove('f{i}')\n")
        })
    }),
    ("scripts without a main block", |n| {
        many(n, |i| format!("import os\nos.remove('f{i}')\n"))
    }),
    ("apps side by side", |n| {
        many(n, |i| {
            format!(
                "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n@app.get('/{i}')\ndef f{i}():\n    os.remove('f{i}')\nif __name__ == '__main__':\n    import uvicorn\n    uvicorn.run(app)\n"
            )
        })
    }),
    ("objects of unknown classes", |n| {
        many(n, |i| {
            format!(
                "import httpx\nclass Sender{i}:\n    def send(self, to):\n        httpx.post('https://a.example', json=to)\ndef f{i}(sender, session, orders_client):\n    sender.send(1)\n    session.get(2)\n    orders_client.put(3)\n"
            )
        })
    }),
    ("classes by the end of their name", |n| {
        many(n, |i| {
            format!(
                "import httpx\nclass Orders{i}Client(httpx.Client):\n    pass\ndef f{i}(client, orders{i}_client):\n    client.get('a')\n    orders{i}_client.get('a')\n"
            )
        })
    }),
    ("models of Django", |n| {
        let mut files: Vec<File> = (0..n).map(|i| (format!("app{i}/models.py"), format!("from django.db import models\nclass M{i}(models.Model):\n    other = models.ForeignKey('app{}.M{}', related_name='m{i}s', on_delete=models.CASCADE)\n    def go(self):\n        self.other.delete()\n        M{i}.objects.filter(a=1).delete()\n", i / 2, i / 2))).collect();
        files.extend((0..n).map(|i| (format!("app{i}/__init__.py"), String::new())));
        let apps: String = (0..n).map(|i| format!("    'app{i}',\n")).collect();
        files.push((
            "site/settings.py".into(),
            format!("INSTALLED_APPS = [\n{apps}]\n"),
        ));
        files.push(("manage.py".into(), "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line()\n".into()));
        files
    }),
    ("notebooks", |n| {
        (0..n).map(|i| (format!("n{i}.ipynb"), format!(r#"{{"cells":[{{"cell_type":"code","metadata":{{}},"outputs":[],"execution_count":1,"source":["import os\n","os.remove('f{i}')\n"]}}],"metadata":{{"language_info":{{"name":"python"}}}},"nbformat":4,"nbformat_minor":5}}"#))).collect()
    }),
    ("services of a compose file", |n| {
        let mut files = many(n, |i| format!("import os\nos.remove('f{i}')\n"));
        files.push((
            "compose.yaml".into(),
            pieces(n, "services:\n", |i| {
                format!("  s{i}:\n    image: python\n    command: python m{i}.py\n")
            }),
        ));
        files
    }),
    ("empty files", |n| many(n, |_| String::new())),
];

fn pieces(n: usize, head: &str, piece: impl Fn(usize) -> String) -> String {
    (0..n).fold(head.to_owned(), |mut text, i| {
        let _ = write!(text, "{}", piece(i));
        text
    })
}

fn one(n: usize, head: &str, piece: impl Fn(usize) -> String) -> Vec<File> {
    vec![("a.py".to_owned(), pieces(n, head, piece))]
}

fn many(n: usize, text: impl Fn(usize) -> String) -> Vec<File> {
    (0..n).map(|i| (format!("m{i}.py"), text(i))).collect()
}

/// Seconds that a scan of these files takes, the better of two.
fn seconds(files: &[File]) -> f64 {
    let folder = TempDir::new().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("inside")).expect("made");
        fs::write(path, text).expect("written");
    }
    let workspace = Workspace::open(folder.path()).expect("a folder");
    let scan = || {
        let began = Instant::now();
        facts::analyze(&workspace, &Options::default()).expect("analysed");
        began.elapsed().as_secs_f64()
    };
    scan().min(scan())
}

#[expect(clippy::print_stdout, reason = "a table is what it is for")]
fn main() {
    let size = std::env::var("GOVERNOR_BENCH_SIZE").ok();
    let size: usize = size.and_then(|size| size.parse().ok()).unwrap_or(1_000);
    let wanted = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    println!(
        "{:44} {:>9} {:>9} {:>9}  doubled  again",
        "",
        size,
        2 * size,
        4 * size
    );
    for (name, files) in SHAPES {
        if wanted
            .as_ref()
            .is_some_and(|wanted| !name.contains(wanted.as_str()))
        {
            continue;
        }
        let [one, two, four] = [size, 2 * size, 4 * size].map(|n| seconds(&files(n)));
        println!(
            "{name:44} {one:8.3}s {two:8.3}s {four:8.3}s  {:6.1}x {:5.1}x",
            two / one,
            four / two
        );
    }
}
