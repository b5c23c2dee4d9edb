//! The scan of a whole repo beside its floor: to read every Python file, and to parse every one once with tree-sitter,
//! on the same threads; beside a search for the imports that the rules are about, by ripgrep if it is installed; and
//! what the server does when it knows the files already, or is told to stop.
//!
//! ```sh
//! GOVERNOR_BENCH_REPO=path/to/django cargo bench --bench scan
//! ```
//!
//! Without the variable it is the bundled samples. A large tree is made of a real one by copying it into several
//! folders of one.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use divan::{Bencher, black_box};
use governor_mcp::catalog::Catalog;
use governor_mcp::facts::session::{Memory, Session};
use governor_mcp::facts::{self, Options};
use governor_mcp::syntax;
use governor_mcp::workspace::Workspace;
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn workspace() -> Workspace {
    let folder = std::env::var_os("GOVERNOR_BENCH_REPO").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"),
        PathBuf::from,
    );
    Workspace::open(&folder).expect("GOVERNOR_BENCH_REPO is a folder")
}

fn python_files(workspace: &Workspace) -> Vec<String> {
    workspace.list(|path| path.ends_with(".py")).files
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn read(bencher: Bencher) {
    let workspace = workspace();
    bencher.bench_local(|| {
        let files = python_files(&workspace);
        let read = files
            .par_iter()
            .map(|path| workspace.read(path).map(|bytes| bytes.len()));
        black_box(read.filter_map(Result::ok).sum::<usize>())
    });
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn parse(bencher: Bencher) {
    let workspace = workspace();
    bencher.bench_local(|| {
        let files = python_files(&workspace);
        let parsed = files.par_iter().map(|path| {
            let bytes = workspace.read(path).unwrap_or_default();
            let source = String::from_utf8_lossy(&bytes);
            syntax::parse(&source).root_node().descendant_count()
        });
        black_box(parsed.sum::<usize>())
    });
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn scan(bencher: Bencher) {
    let workspace = workspace();
    bencher.bench_local(|| facts::analyze(&workspace, &Options::default()).expect("analysed"));
}

/// No file was written since the last scan but one that is as good as any: what is left is to find what calls mean.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn scan_of_known_files(bencher: Bencher) {
    let workspace = workspace();
    let mut session = Session::default();
    session.memory = Some(Arc::new(Memory::default()));
    let scan = || facts::analyze_for(&session, &workspace, &Options::default()).expect("analysed");
    scan();
    bencher.bench_local(scan);
}

/// From the word to stop until a scan in its midst has stopped.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn cancel(bencher: Bencher) {
    let began = Instant::now();
    facts::analyze(&workspace(), &Options::default()).expect("analysed");
    let whole = began.elapsed();
    let mut part = 0;
    let begun = || {
        let stop = Arc::new(AtomicBool::new(false));
        let session = Session::new(stop.clone(), |_, _| {});
        let scan = move || facts::analyze_for(&session, &workspace(), &Options::default()).is_ok();
        let running = thread::spawn(scan);
        // At another moment each time.
        part = part % 18 + 1;
        thread::sleep(whole * part / 20);
        (stop, running)
    };
    bencher
        .with_inputs(begun)
        .bench_local_values(|(stop, running)| {
            stop.store(true, Ordering::Relaxed);
            running.join().expect("no panic")
        });
}

/// The same names, searched as text by another program on its own threads.
#[divan::bench(sample_count = 7, sample_size = 1)]
fn ripgrep(bencher: Bencher) {
    let root = workspace().root().to_owned();
    let mut names: Vec<&str> = Catalog::builtin()
        .imports
        .iter()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let imports = format!(
        r"^\s*(?:from|import)\s+(?:{})\b",
        names.join("|").replace('.', r"\.")
    );
    let search = || {
        Command::new("rg")
            .args(["--type", "py", "--count-matches", "--regexp", &imports])
            .current_dir(&root)
            .stdin(Stdio::null())
            .output()
    };
    match search() {
        Ok(_) => bencher.bench_local(|| search().map(|output| output.stdout.len())),
        Err(error) => eprintln!("ripgrep is not installed: {error}"),
    }
}
