//! The embedded Python client: as files to vendor and as a wheel that pip installs.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use base64::Engine as _;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

static SNIPPETS: Dir = include_dir!("$CARGO_MANIFEST_DIR/snippets");

/// The distribution that the wheel installs.
pub const DISTRIBUTION: &str = "governor-sdk";

pub const VERSION: &str = "0.1.0";

/// File name of the wheel.
pub const WHEEL_NAME: &str = "governor_sdk-0.1.0-py3-none-any.whl";

/// A file that only our client has: a folder `governor` without it is somebody else's.
pub const MARKER: &str = "governor/_gate.py";

/// File types that may lie in `snippets/`. A byte code cache next to the sources is not ours to ship.
const SHIPPED: &[&str] = &[
    "cedar", "json", "md", "py", "toml", "txt", "typed", "yaml", "yml",
];

/// A file of the client, with its path from the folder that is on `sys.path`: `governor/__init__.py`.
#[derive(Clone, Copy, Debug)]
pub struct ClientFile {
    pub path: &'static str,
    pub bytes: &'static [u8],
}

/// The module that enables the client in a function's host, which reads no `.pth` files.
pub fn function_activation() -> &'static [u8] {
    include_bytes!("../snippets/lambda/sitecustomize.py")
}

/// The client's files, sorted by path.
pub fn client_files() -> Vec<ClientFile> {
    files_below("governor")
}

/// The files below a folder of `snippets/`, with their paths from there, sorted.
pub fn files_below(folder: &str) -> Vec<ClientFile> {
    let mut found = Vec::new();
    let mut open: Vec<&Dir> = SNIPPETS.get_dir(folder).into_iter().collect();
    while let Some(dir) = open.pop() {
        open.extend(dir.dirs());
        found.extend(dir.files().filter_map(|file| {
            let path = file.path().to_str()?;
            let extension = file.path().extension()?.to_str()?;
            SHIPPED.contains(&extension).then(|| ClientFile {
                path,
                bytes: file.contents(),
            })
        }));
    }
    found.sort_by_key(|file| file.path);
    found
}

/// The wheel's bytes: the same each time.
pub fn wheel() -> anyhow::Result<Vec<u8>> {
    let info = "governor_sdk-0.1.0.dist-info";
    let metadata = "Metadata-Version: 2.1\nName: governor-sdk\nVersion: 0.1.0\nSummary: Puts a policy decision in front of every side effect of a Python process\nLicense: MIT\nRequires-Python: >=3.9\nClassifier: Typing :: Typed\n";
    let tag =
        "Wheel-Version: 1.0\nGenerator: governor-mcp\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let entry_points = "[pytest11]\ngovernor = governor.pytest_plugin\n";
    let mut entries: Vec<(String, &[u8])> = client_files()
        .into_iter()
        .map(|file| (file.path.to_owned(), file.bytes))
        .collect();
    for (name, text) in [
        ("METADATA", metadata),
        ("WHEEL", tag),
        ("entry_points.txt", entry_points),
        ("licenses/LICENSE", include_str!("../LICENSE")),
    ] {
        entries.push((format!("{info}/{name}"), text.as_bytes()));
    }
    let mut record = String::new();
    for (path, bytes) in &entries {
        let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let _ = writeln!(record, "{path},sha256={digest},{}", bytes.len());
    }
    let _ = writeln!(record, "{info}/RECORD,,");
    entries.push((format!("{info}/RECORD"), record.as_bytes()));

    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    for (path, bytes) in &entries {
        archive.start_file(path.as_str(), options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The wheel's SHA-256 in hexadecimal, made once.
pub fn wheel_sha256() -> &'static str {
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HASH.get_or_init(|| wheel().map_or_else(|_| String::new(), |bytes| sha256(&bytes)))
}

/// The hash by which a file is recognised, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_belong_are_shipped() {
        let mut open = vec![&SNIPPETS];
        while let Some(dir) = open.pop() {
            // Python's caches are left out by their extension.
            let is_ours = |dir: &&Dir| !dir.path().ends_with("__pycache__");
            open.extend(dir.dirs().filter(is_ours));
            for file in dir.files() {
                let extension = file.path().extension().and_then(|name| name.to_str());
                assert!(
                    extension.is_some_and(|name| SHIPPED.contains(&name)),
                    "{} does not belong in snippets/",
                    file.path().display()
                );
            }
        }
    }

    #[test]
    fn the_wheel_is_the_same_each_time() {
        assert_eq!(wheel().expect("made"), wheel().expect("made"));
    }
}
