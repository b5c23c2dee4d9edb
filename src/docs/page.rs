//! A page of the documentation: front matter, body, sections.

use include_dir::{Dir, File};

use super::SCHEME;

/// A Markdown file under `docs/`.
#[derive(Clone, Debug)]
pub struct Page {
    /// The path under `docs/` without the extension: `guides/celery`.
    pub name: String,
    pub title: String,
    /// One sentence, for the table of contents.
    pub summary: String,
    /// Other words that a reader might search for.
    pub keywords: String,
    /// The folder of sample files that the page's snippets run in.
    pub sample: Option<String>,
    /// The Markdown after the front matter.
    pub body: String,
    /// In order; the first is the introduction under the title.
    pub sections: Vec<Section>,
}

/// A heading and what stands under it, up to the next heading.
#[derive(Clone, Debug)]
pub struct Section {
    pub slug: String,
    pub heading: String,
    /// 1 for the page's title.
    pub level: usize,
    /// Byte range in the page's body, heading included, subsections not.
    start: usize,
    end: usize,
}

impl Page {
    fn parse(name: &str, source: &str) -> Page {
        let (front, body) = split_front_matter(source);
        let field = |key: &str| {
            front
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(found, _)| found.trim() == key)
                .map(|(_, value)| value.trim().trim_matches('"').to_string())
        };
        Page {
            name: name.to_string(),
            title: field("title").unwrap_or_default(),
            summary: field("summary").unwrap_or_default(),
            keywords: field("keywords").unwrap_or_default(),
            sample: field("sample"),
            body: body.to_string(),
            sections: sections(body),
        }
    }

    pub fn uri(&self) -> String {
        format!("{SCHEME}{}", self.name)
    }

    pub fn section_uri(&self, section: &Section) -> String {
        if section.level == 1 {
            return self.uri();
        }
        format!("{SCHEME}{}#{}", self.name, section.slug)
    }

    /// The last part of the name.
    pub fn stem(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    pub fn section(&self, slug: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.slug == slug)
    }

    /// The page's title and the section's heading.
    pub fn full_title(&self, section: &Section) -> String {
        if section.level == 1 {
            return self.title.clone();
        }
        format!("{}: {}", self.title, section.heading)
    }

    /// What stands under the heading, without the heading.
    pub fn text(&self, section: &Section) -> &str {
        let text = &self.body[section.start..section.end];
        text.split_once('\n').map_or("", |(_, rest)| rest).trim()
    }

    /// The section with its heading and its subsections.
    pub fn text_with_subsections(&self, section: &Section) -> &str {
        let end = self
            .sections
            .iter()
            .find(|next| next.start > section.start && next.level <= section.level)
            .map_or(self.body.len(), |next| next.start);
        self.body[section.start..end].trim()
    }
}

/// Every page of the folder, sorted by name.
pub fn parse_all(folder: &Dir) -> Vec<Page> {
    let mut pages: Vec<Page> = files(folder)
        .into_iter()
        .filter_map(|file| {
            let path = file.path().to_str()?.replace('\\', "/");
            let name = path.strip_suffix(".md")?;
            Some(Page::parse(name, file.contents_utf8()?))
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

fn files<'a>(folder: &'a Dir) -> Vec<&'a File<'a>> {
    let mut found: Vec<&File> = folder.files().collect();
    found.extend(folder.dirs().flat_map(files));
    found
}

fn split_front_matter(source: &str) -> (&str, &str) {
    source
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(("", source), |(front, body)| {
            (front, body.trim_start_matches('\n'))
        })
}

fn sections(body: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let (mut offset, mut fenced) = (0, false);
    for line in body.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if !fenced && level > 0 && line[level..].starts_with(' ') {
            if let Some(last) = found.last_mut() {
                last.end = offset;
            }
            let heading = line[level..].trim().replace('`', "");
            let slug = unique(slug(&heading), &found);
            found.push(Section {
                slug,
                heading,
                level,
                start: offset,
                end: body.len(),
            });
        }
        offset += line.len();
    }
    found
}

/// The slug that GitHub gives a heading, so that links work there too.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn unique(slug: String, taken: &[Section]) -> String {
    let same = taken
        .iter()
        .filter(|section| section.slug == slug || section.slug.starts_with(&format!("{slug}-")))
        .filter(|section| {
            section.slug[slug.len()..]
                .trim_start_matches('-')
                .chars()
                .all(|c| c.is_ascii_digit())
        })
        .count();
    if same == 0 {
        return slug;
    }
    format!("{slug}-{same}")
}
