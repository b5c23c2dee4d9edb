//! The documentation that ships inside the binary, and its index.
//!
//! Pages are the Markdown files under `docs/`. A page is named by its path without the extension
//! (`guides/celery`), a section by the slug of its heading (`guides/celery#after-the-fork`).

use std::sync::OnceLock;

use include_dir::{Dir, include_dir};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod index;
mod page;

pub use page::{Page, Section};

use index::DocsIndex;

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/docs");

/// What a page's URI starts with.
pub const SCHEME: &str = "governor://docs/";

/// A passage that answers a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    pub page: String,
    pub section: String,
    pub uri: String,
    /// The page's title and the section's heading.
    pub title: String,
    /// Higher is better; comparable within one answer only.
    pub score: f64,
    /// The section, or the part of a long section that fits the query best, as Markdown.
    pub text: String,
}

/// A page, or one section of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    pub page: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    pub uri: String,
    pub title: String,
    pub text: String,
    /// The page's sections, in order.
    pub sections: Vec<Heading>,
}

/// A section's name and heading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heading {
    pub section: String,
    pub heading: String,
}

/// One line of the table of contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    pub page: String,
    pub uri: String,
    pub title: String,
    pub summary: String,
}

/// There is no such page or section. The message names those that are near.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error("no page `{page}` in the documentation: {}", near_or(.near, "`docs list` names every page"))]
    Page { page: String, near: Vec<String> },
    #[error("no section `{section}` in `{page}`: {}", near_or(.near, "leave the section out to read the whole page"))]
    Section {
        page: String,
        section: String,
        near: Vec<String>,
    },
}

fn near_or(near: &[String], otherwise: &str) -> String {
    if near.is_empty() {
        return otherwise.to_string();
    }
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("did you mean {}?", names.join(", "))
}

/// The passages that answer `query`, best first.
pub fn search(query: &str, limit: usize) -> Vec<Passage> {
    index().search(pages(), query, limit)
}

/// A page by its name (`guides/celery`), its URI, or the last part of its name where that is unique. The section may
/// be part of the name (`guides/celery#after-the-fork`).
pub fn page(name: &str, section: Option<&str>) -> Result<Document, NotFound> {
    let (wanted, fragment) = name.split_once('#').unwrap_or((name, ""));
    let section = section
        .map(|section| section.trim_start_matches('#'))
        .or(Some(fragment))
        .filter(|section| !section.is_empty());
    let page = find(wanted).ok_or_else(|| NotFound::Page {
        page: wanted.to_string(),
        near: suggestions(wanted),
    })?;
    let mut document = Document {
        page: page.name.clone(),
        section: None,
        uri: page.uri(),
        title: page.title.clone(),
        text: page.body.clone(),
        sections: page
            .sections
            .iter()
            .map(|section| Heading {
                section: section.slug.clone(),
                heading: section.heading.clone(),
            })
            .collect(),
    };
    if let Some(wanted) = section {
        let found = page.section(wanted).ok_or_else(|| NotFound::Section {
            page: page.name.clone(),
            section: wanted.to_string(),
            near: nearest(wanted, page.sections.iter().map(|s| s.slug.as_str())),
        })?;
        document.section = Some(found.slug.clone());
        document.uri = page.section_uri(found);
        document.title = page.full_title(found);
        document.text = page.text_with_subsections(found).to_string();
    }
    Ok(document)
}

/// Every page, in the order of its name.
pub fn list() -> Vec<Listed> {
    pages()
        .iter()
        .map(|page| Listed {
            page: page.name.clone(),
            uri: page.uri(),
            title: page.title.clone(),
            summary: page.summary.clone(),
        })
        .collect()
}

/// The pages whose names are near to `name`, nearest first; at most three.
pub fn suggestions(name: &str) -> Vec<String> {
    let names = pages().iter().map(|page| page.name.as_str());
    let near = nearest(name, names);
    if !near.is_empty() {
        return near;
    }
    let mut found: Vec<String> = search(name, 6).into_iter().map(|p| p.page).collect();
    found.dedup();
    found.truncate(3);
    found
}

/// Every page with its sections, in the order of its name.
pub fn pages() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| page::parse_all(&FILES))
}

fn index() -> &'static DocsIndex {
    static INDEX: OnceLock<DocsIndex> = OnceLock::new();
    INDEX.get_or_init(|| DocsIndex::new(pages()))
}

fn find(name: &str) -> Option<&'static Page> {
    let name = name.trim().trim_start_matches(SCHEME);
    let name = name.trim_matches('/').trim_end_matches(".md");
    let name = name.strip_prefix("docs/").unwrap_or(name);
    if let Some(page) = pages().iter().find(|page| page.name == name) {
        return Some(page);
    }
    let mut by_stem = pages().iter().filter(|page| page.stem() == name);
    by_stem.next().filter(|_| by_stem.next().is_none())
}

fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let stem = |name: &str| name.rsplit('/').next().unwrap_or(name).to_string();
    let mut scored: Vec<(f64, &str)> = names
        .map(|name| {
            let whole = strsim::jaro_winkler(&wanted, name);
            let last = strsim::jaro_winkler(&stem(&wanted), &stem(name));
            (whole.max(last), name)
        })
        .filter(|(score, _)| *score >= 0.82)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_string())
        .collect()
}

#[cfg(test)]
mod tests;
