//! The scan of a whole repo beside its floor: to read every Python file, and to parse every one once with tree-sitter,
//! on the same threads.
//!
//! ```sh
//! GOVERNOR_BENCH_REPO=path/to/django cargo bench --bench scan
//! ```
//!
//! Without the variable it is the bundled samples.

use std::path::PathBuf;

use divan::{Bencher, black_box};
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
