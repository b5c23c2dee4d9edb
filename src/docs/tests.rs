//! What every page must hold to, and what the search must find.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::*;

const FOLDERS: [&str; 3] = ["concepts/", "guides/", "reference/"];

#[test]
fn only_markdown_ships() {
    fn check_folder(folder: &Dir) {
        for file in folder.files() {
            let path = file.path().display().to_string();
            assert!(path.ends_with(".md"), "`docs/{path}` is not Markdown");
            assert!(file.contents_utf8().is_some(), "`docs/{path}` is not UTF-8");
        }
        folder.dirs().for_each(check_folder);
    }
    check_folder(&FILES);
}

#[test]
fn every_page_has_its_front_matter() {
    for page in pages() {
        let name = &page.name;
        assert!(
            FOLDERS.iter().any(|folder| name.starts_with(folder)),
            "`{name}` is in no folder of {FOLDERS:?}"
        );
        assert!(!page.title.is_empty(), "`{name}` has no title");
        assert!(!page.keywords.is_empty(), "`{name}` has no keywords");
        assert!(
            page.summary.ends_with('.') && page.summary.len() < 160,
            "the summary of `{name}` is not one short sentence: {}",
            page.summary
        );
        let first = page.sections.first().expect("a page has a heading");
        assert_eq!(first.level, 1, "`{name}` does not start with its title");
        assert_eq!(
            first.heading,
            page.title.replace('`', ""),
            "the title of `{name}`"
        );
        let titles = page.sections.iter().filter(|s| s.level == 1).count();
        assert_eq!(titles, 1, "`{name}` has {titles} headings of level 1");
    }
}

#[test]
fn titles_are_distinct() {
    let mut seen = BTreeSet::new();
    for page in pages() {
        assert!(
            seen.insert(&page.title),
            "two pages are called `{}`",
            page.title
        );
    }
}

#[test]
fn slugs_are_those_of_github() {
    let page = page("concepts/fail-closed", None).expect("the page is there");
    let slugs: Vec<&str> = page.sections.iter().map(|s| s.section.as_str()).collect();
    assert_eq!(
        slugs,
        [
            "fail-closed",
            "when-the-policy-plane-is-down-or-wrong",
            "the-one-exception"
        ]
    );
}

#[test]
fn a_page_answers_to_its_name_its_uri_its_file_and_its_stem() {
    for name in [
        "concepts/fail-closed",
        "governor://docs/concepts/fail-closed",
        "docs/concepts/fail-closed.md",
        "fail-closed",
        "concepts/fail-closed#the-one-exception",
    ] {
        let found = page(name, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.page, "concepts/fail-closed");
    }
    let section = page("fail-closed", Some("the-one-exception")).expect("the section is there");
    assert!(section.text.starts_with("## The one exception"));
    assert_eq!(
        section.uri,
        "governor://docs/concepts/fail-closed#the-one-exception"
    );
}

#[test]
fn an_unknown_page_or_section_names_the_near_ones() {
    let error = page("fail-close", None).expect_err("there is no such page");
    assert!(
        error.to_string().contains("`concepts/fail-closed`"),
        "{error}"
    );
    let error = page("fail-closed", Some("one-exception")).expect_err("there is no such section");
    assert!(error.to_string().contains("`the-one-exception`"), "{error}");
}

#[test]
fn identifiers_are_found_whole_and_in_parts_and_with_a_slip() {
    for query in [
        "GOVERNOR_FAIL_MODE",
        "governor_fail_mode",
        "fail mode",
        "GOVERNOR_FIAL_MODE",
        "PolicyUnavailable",
    ] {
        let found = search(query, 3);
        assert!(
            found
                .iter()
                .any(|p| p.text.contains("GOVERNOR_FAIL_MODE")
                    || p.text.contains("PolicyUnavailable")),
            "`{query}` finds {found:#?}"
        );
    }
}

#[test]
fn nothing_is_found_for_words_that_nobody_wrote() {
    assert_eq!(search("xylophone zeppelin", 5), Vec::new());
    assert_eq!(search("", 5), Vec::new());
    assert_eq!(search("??? !!", 5), Vec::new());
}

#[test]
fn a_pasted_log_is_a_query_too() {
    let log = "Traceback plane_unreachable connection refused line 9 in charge ".repeat(2_000);
    let found = search(&log, 3);
    assert!(
        found.iter().any(|p| p.page == "reference/denials"),
        "{found:#?}"
    );
}

#[test]
fn the_index_is_built_in_milliseconds() {
    let pages = pages();
    let start = Instant::now();
    let _ = DocsIndex::new(pages);
    let took = start.elapsed();
    eprintln!("{} pages indexed in {took:?}", pages.len());
    // Without optimization and on a busy machine; a release build needs a tenth.
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_passage_is_short_and_splits_no_fenced_block() {
    for page in pages() {
        for passage in search(&page.title, 10) {
            let fences = passage.text.matches("```").count();
            assert_eq!(fences % 2, 0, "{}: {}", passage.uri, passage.text);
            assert!(passage.text.chars().count() < 4_000, "{}", passage.uri);
        }
    }
}

/// Links between pages, `[text](../reference/denials.md#no_intent)`, to a page and a section that are there.
#[test]
fn every_link_between_pages_resolves_and_every_page_is_linked() {
    let mut wrong = Vec::new();
    let mut linked: BTreeSet<String> = BTreeSet::new();
    let readme = include_str!("../../README.md");
    for (_, target) in links(readme) {
        if let Some(rest) = target.strip_prefix("docs/") {
            linked.extend(page(rest, None).ok().map(|found| found.page));
        }
    }
    for from in pages() {
        for (line, target) in links(&from.body) {
            if target.contains("://") {
                continue;
            }
            let Some(name) = target_page(&from.name, &target) else {
                wrong.push(format!("{}: `{line}` leads out of docs/", from.name));
                continue;
            };
            match page(&name, None) {
                Ok(found) if found.page != from.name => {
                    linked.insert(found.page);
                }
                Ok(_) => {}
                Err(error) => wrong.push(format!("{}: {error}", from.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let alone: Vec<&str> = pages()
        .iter()
        .map(|page| page.name.as_str())
        .filter(|name| !linked.contains(*name))
        .collect();
    assert!(alone.is_empty(), "no link leads to {alone:?}");
}

/// The targets of Markdown links outside of fenced blocks, with their text.
fn links(source: &str) -> Vec<(String, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in source.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let rest = &line[at + 2..];
            if let Some(end) = rest.find(')') {
                found.push((line.to_string(), rest[..end].to_string()));
            }
        }
    }
    found
}

/// The page that a relative link leads to, with its section.
fn target_page(from: &str, target: &str) -> Option<String> {
    let (path, section) = target.split_once('#').unwrap_or((target, ""));
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." => {}
            part => parts.push(part),
        }
    }
    let page = if path.is_empty() {
        from.to_string()
    } else {
        parts.join("/").strip_suffix(".md")?.to_string()
    };
    Some(format!("{page}#{section}"))
}

mod questions;
