//! Images that copy only some folders of the repo get the client's folder too.

use super::context::{folder_of, join};
use super::{Change, Context, Plan, Risk, Step};
use crate::edit::{Insertions, line_ending_at};
use crate::workspace::launch;

/// Adds a `COPY` for the client in `root` to each Dockerfile that copies a process's module from there without it.
pub fn add_steps(context: &Context, plan: &mut Plan, root: &str) {
    let dockerfiles: Vec<String> = context
        .files_named(launch::is_dockerfile)
        .map(str::to_owned)
        .collect();
    for path in &dockerfiles {
        let Some(insertions) = context
            .read(path)
            .ok()
            .and_then(|source| missing_copy(context, path, &source, root))
        else {
            continue;
        };
        plan.steps.push(
            Step::new(
                format!("image:{path}"),
                "Copy the client into the image".to_owned(),
                path.to_owned(),
                format!(
                    "the image copies single folders, so the client in `{}` would be left out",
                    join(root, "governor")
                ),
                Change::Text {
                    path: path.to_owned(),
                    insertions,
                },
            )
            .needs_review(Risk::Low),
        );
    }
}

fn missing_copy(context: &Context, path: &str, source: &[u8], root: &str) -> Option<Insertions> {
    let text = std::str::from_utf8(source).ok()?;
    let copies = launch::dockerfile_copies(text);
    let modules: Vec<&str> = context.processes().into_keys().collect();
    // The build context is the Dockerfile's folder or the root: the one in which what is copied exists.
    let base = [folder_of(path), ""].into_iter().find(|base| {
        copies.iter().any(|copy| {
            let from = launch::join(base, &copy.from);
            !copy.from.is_empty() && (context.has_folder(&from) || context.has_file(&from))
        })
    })?;
    let client = join(root, "governor");
    let is_covered = copies.iter().any(|copy| {
        let from = launch::join(base, &copy.from);
        from.is_empty() || from == root || from == client || root.starts_with(&format!("{from}/"))
    });
    if is_covered {
        return None;
    }
    let (copy, target) = copies.iter().rev().find_map(|copy| {
        let from = launch::join(base, &copy.from);
        let holds_process = modules
            .iter()
            .any(|module| *module == from || module.starts_with(&format!("{from}/")));
        if !holds_process {
            return None;
        }
        let inside = match root {
            "" => from.as_str(),
            root => from.strip_prefix(&format!("{root}/"))?,
        };
        let to = copy.to.trim_end_matches('/');
        // A folder that keeps its name below the root's place in the image, or a file that is copied into it.
        let image_root = match to.strip_suffix(inside) {
            Some(parent) => parent.trim_end_matches('/').to_owned(),
            None if context.has_file(&from) && !inside.contains('/') => to.to_owned(),
            None => return None,
        };
        Some((copy, format!("{image_root}/governor/")))
    })?;
    let from = match base {
        "" => client.clone(),
        base => client.strip_prefix(&format!("{base}/"))?.to_owned(),
    };
    let ending = line_ending_at(source, copy.end);
    let flags: String = copy.flags.iter().map(|flag| format!("{flag} ")).collect();
    let line = format!("COPY {flags}{from}/ {target}");
    let line = match text[..copy.end].ends_with('\n') {
        true => format!("{line}{ending}"),
        false => format!("{ending}{line}"),
    };
    Some(Insertions::one(copy.end, line))
}

/// Where the folder that a process of this repo imports from lies in the image; `None` when it copies no process.
pub fn image_root(context: &Context, path: &str, text: &str) -> Option<String> {
    let copies = launch::dockerfile_copies(text);
    for module in context.processes().into_keys() {
        let root = context.import_root(module).0;
        for base in [folder_of(path), ""] {
            for copy in copies.iter().rev() {
                let from = launch::join(base, &copy.from);
                let holds =
                    from.is_empty() || module == from || module.starts_with(&format!("{from}/"));
                let exists =
                    copy.from.is_empty() || context.has_folder(&from) || context.has_file(&from);
                if !holds
                    || !exists
                    || copy.from.is_empty()
                        && !(base.is_empty() || module.starts_with(&format!("{base}/")))
                {
                    continue;
                }
                let to = copy.to.trim_end_matches('/');
                let from = if copy.from.is_empty() {
                    base
                } else {
                    from.as_str()
                };
                if root == from || root.starts_with(&format!("{from}/")) || from.is_empty() {
                    let inside = root.strip_prefix(from).unwrap_or("").trim_matches('/');
                    return Some(join_image(to, inside));
                }
                let inside = if root.is_empty() {
                    from
                } else {
                    from.strip_prefix(&format!("{root}/"))?
                };
                if let Some(parent) = to.strip_suffix(inside) {
                    return Some(parent.trim_end_matches('/').to_owned());
                }
                if context.has_file(from) && !inside.contains('/') {
                    return Some(to.to_owned());
                }
            }
        }
    }
    None
}

fn join_image(to: &str, inside: &str) -> String {
    match inside {
        "" => to.to_owned(),
        inside => format!("{to}/{inside}"),
    }
}

/// The Dockerfile without our line: it is the only one that copies the client's folder by its name.
pub fn take_out(context: &Context, path: &str, source: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(source).ok()?;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_ours = line.starts_with("COPY ") && line.trim_end().ends_with("/governor/");
        if is_ours {
            let without = [&text[..at], &text[at + line.len()..]].concat();
            let roots: std::collections::BTreeSet<String> = context
                .processes()
                .into_keys()
                .map(|module| context.import_root(module).0)
                .collect();
            for candidate in [without.clone(), without.trim_end_matches('\n').to_owned()] {
                let is_it = roots.iter().any(|root| {
                    missing_copy(context, path, candidate.as_bytes(), root)
                        .is_some_and(|edit| edit.apply(candidate.as_bytes()) == source)
                });
                if is_it {
                    return Some(candidate.into_bytes());
                }
            }
        }
        at += line.len();
    }
    None
}
