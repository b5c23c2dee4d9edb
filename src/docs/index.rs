//! The index over the documentation's sections: in memory, built on first use.

use std::collections::BTreeMap;

use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BoostQuery, DisjunctionMaxQuery, FuzzyTermQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    Language, LowerCaser, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager,
};
use tantivy::{
    Index, IndexReader, ReloadPolicy, Searcher, SingleSegmentIndexWriter, TantivyDocument, Term,
};

use super::{Page, Passage, Section};

/// A passage longer than this is cut at a paragraph.
const PASSAGE_CHARS: usize = 1_200;
/// At most so many sections of one page in an answer, so that a long page does not crowd out the others.
const SECTIONS_OF_A_PAGE: usize = 2;
/// What the writer may hold before it would flush; the documentation is far smaller.
const WRITER_BYTES: usize = 32_000_000;
/// Words of a query beyond these are left out: a pasted log must not cost a search for each of its words.
const QUERY_WORDS: usize = 40;
/// How much the page's own score counts for each of its sections.
const PAGE_WEIGHT: f32 = 0.8;
/// How much more a page counts that holds every word of the query.
const ALL_WORDS: f32 = 1.0;
/// How much a part of an identifier counts where the index knows the whole.
const PART_WEIGHT: f32 = 0.25;
/// How much less a term counts that is only near to what was asked.
const NEAR_BOOST: f32 = 0.4;
/// How much a term counts in the fields that it is not best in.
const TIE_BREAKER: f32 = 0.25;

/// Words that tell nothing about what is asked. A query of nothing else is searched as it is.
const STOP_WORDS: [&str; 59] = [
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can",
    "do", "does", "for", "from", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its",
    "me", "my", "of", "on", "or", "our", "should", "so", "that", "the", "their", "them", "then",
    "there", "this", "to", "use", "used", "using", "want", "was", "we", "what", "when", "where",
    "which", "why", "will", "with", "you", "happens",
];

/// The fields of a section and how much a match in each counts.
struct Fields {
    heading: Field,
    title: Field,
    keywords: Field,
    summary: Field,
    body: Field,
}

impl Fields {
    fn boosts(&self) -> [(Field, f32); 5] {
        [
            (self.heading, 2.6),
            (self.title, 2.2),
            (self.keywords, 1.8),
            (self.summary, 1.2),
            (self.body, 1.0),
        ]
    }
}

/// How a page stands to a query: its score, and how many of the query's words it holds.
#[derive(Clone, Copy, Default)]
struct Standing {
    score: f32,
    words: usize,
}

/// What a document of the index stands for, by position in the pages that the index was made from.
#[derive(Clone, Copy)]
enum Entry {
    Page(usize),
    Section(usize, usize),
}

/// Finds sections by words. Document `n` of the index is `entries[n]`.
pub struct DocsIndex {
    reader: IndexReader,
    fields: Fields,
    entries: Vec<Entry>,
}

impl DocsIndex {
    pub fn new(pages: &[Page]) -> DocsIndex {
        Self::build(pages).expect("an index in memory meets no I/O error")
    }

    fn build(pages: &[Page]) -> tantivy::Result<DocsIndex> {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer("words")
                .set_index_option(IndexRecordOption::WithFreqs),
        );
        let fields = Fields {
            heading: schema.add_text_field("heading", text.clone()),
            title: schema.add_text_field("title", text.clone()),
            keywords: schema.add_text_field("keywords", text.clone()),
            summary: schema.add_text_field("summary", text.clone()),
            body: schema.add_text_field("body", text),
        };
        let tokenizers = TokenizerManager::default();
        tokenizers.register("words", analyzer());
        let mut writer: SingleSegmentIndexWriter = Index::builder()
            .schema(schema.build())
            .tokenizers(tokenizers)
            .single_segment_index_writer(RamDirectory::create(), WRITER_BYTES)?;
        let mut entries = Vec::new();
        for (page_at, page) in pages.iter().enumerate() {
            let mut whole = TantivyDocument::new();
            whole.add_text(fields.title, format!("{} {}", page.title, page.name));
            whole.add_text(fields.keywords, &page.keywords);
            whole.add_text(fields.summary, &page.summary);
            whole.add_text(fields.body, &page.body);
            writer.add_document(whole)?;
            entries.push(Entry::Page(page_at));
            for (section_at, section) in page.sections.iter().enumerate() {
                let mut document = TantivyDocument::new();
                document.add_text(fields.heading, &section.heading);
                document.add_text(fields.body, page.text(section));
                writer.add_document(document)?;
                entries.push(Entry::Section(page_at, section_at));
            }
        }
        let index = writer.finalize()?;
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(DocsIndex {
            reader,
            fields,
            entries,
        })
    }

    /// The passages that fit `query`, best first.
    pub fn search(&self, pages: &[Page], query: &str, limit: usize) -> Vec<Passage> {
        let words = query_words(query);
        let mut of_pages = vec![Standing::default(); pages.len()];
        let mut of_sections: BTreeMap<(usize, usize), f32> = BTreeMap::new();
        let searcher = self.reader.searcher();
        for word in &words {
            for (score, entry) in self.matches(&searcher, word) {
                match entry {
                    Entry::Page(page_at) => {
                        of_pages[page_at].score += score;
                        of_pages[page_at].words += 1;
                    }
                    Entry::Section(page_at, section_at) => {
                        *of_sections.entry((page_at, section_at)).or_default() += score;
                    }
                }
            }
        }
        // A page may answer by its title or keywords alone: then its introduction stands for it.
        for (page_at, page) in of_pages.iter().enumerate() {
            if page.words > 0 {
                of_sections.entry((page_at, 0)).or_default();
            }
        }
        let mut ranked: Vec<(f32, usize, usize)> = of_sections
            .into_iter()
            .map(|((page_at, section_at), score)| {
                let page = of_pages[page_at];
                let share = page.words as f32 / words.len() as f32;
                let score = (score + PAGE_WEIGHT * page.score) * (1.0 + ALL_WORDS * share);
                (score, page_at, section_at)
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let mut passages: Vec<Passage> = Vec::new();
        for (score, page_at, section_at) in ranked {
            if passages.len() == limit {
                break;
            }
            let page = &pages[page_at];
            let of_page = passages.iter().filter(|p| p.page == page.name).count();
            if of_page < SECTIONS_OF_A_PAGE {
                passages.push(passage(page, &page.sections[section_at], score, &words));
            }
        }
        passages
    }

    /// What a word finds. A part of an identifier counts less where the whole is known.
    fn matches(&self, searcher: &Searcher, word: &Word) -> Vec<(f32, Entry)> {
        let whole = word.part_of.as_ref();
        let beside = whole.is_some_and(|whole| self.knows(searcher, whole));
        let weight = if beside { PART_WEIGHT } else { 1.0 };
        let collector = TopDocs::with_limit(self.entries.len().max(1)).order_by_score();
        searcher
            .search(&self.word_query(searcher, &word.text), &collector)
            .expect("an index in memory meets no I/O error")
            .into_iter()
            .map(|(score, address)| (weight * score, self.entries[address.doc_id as usize]))
            .collect()
    }

    fn knows(&self, searcher: &Searcher, word: &str) -> bool {
        self.fields.boosts().iter().any(|(field, _)| {
            let term = Term::from_field_text(*field, word);
            searcher.doc_freq(&term).is_ok_and(|count| count > 0)
        })
    }

    /// The sections that hold the word; those that hold a near one where no section has it.
    fn word_query(&self, searcher: &Searcher, word: &str) -> Box<dyn Query> {
        let terms = self
            .fields
            .boosts()
            .map(|(field, boost)| (Term::from_field_text(field, word), boost));
        let known = self.knows(searcher, word);
        let near_boost = if known { 1.0 } else { NEAR_BOOST };
        let disjuncts = terms
            .into_iter()
            .flat_map(|(term, boost)| {
                let queries: Vec<Box<dyn Query>> = if known {
                    let freqs = IndexRecordOption::WithFreqs;
                    vec![Box::new(TermQuery::new(term, freqs))]
                } else {
                    near_queries(term, word)
                };
                queries
                    .into_iter()
                    .map(move |query| boosted(query, boost * near_boost))
            })
            .collect();
        Box::new(DisjunctionMaxQuery::with_tie_breaker(
            disjuncts,
            TIE_BREAKER,
        ))
    }
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

/// One slip of the finger in a word, two in a long one; and words that begin with it.
fn near_queries(term: Term, word: &str) -> Vec<Box<dyn Query>> {
    let length = word.chars().count();
    let slips = match length {
        0..=3 => return Vec::new(),
        4..=7 => 1,
        _ => 2,
    };
    vec![
        Box::new(FuzzyTermQuery::new(term.clone(), slips, true)),
        Box::new(FuzzyTermQuery::new_prefix(term, 0, true)),
    ]
}

/// A word of a query, as the index spells it.
struct Word {
    text: String,
    /// The identifier that it is a part of.
    part_of: Option<String>,
}

/// The distinct words of a query that tell something; all of them where none does.
fn query_words(query: &str) -> Vec<Word> {
    let mut words = words_of(query, |word| !STOP_WORDS.contains(&word));
    if words.is_empty() {
        words = words_of(query, |_| true);
    }
    words.truncate(QUERY_WORDS);
    words
}

fn words_of(text: &str, keep: impl Fn(&str) -> bool) -> Vec<Word> {
    let mut analyzer = analyzer();
    let mut found: Vec<Word> = Vec::new();
    let mut whole: Option<(usize, String)> = None;
    let mut stream = analyzer.token_stream(text);
    while stream.advance() {
        let token = stream.token();
        let part_of = match &whole {
            Some((position, whole)) if *position == token.position => Some(whole.clone()),
            _ => None,
        };
        if part_of.is_none() {
            whole = Some((token.position, token.text.clone()));
        }
        let raw = text[token.offset_from..token.offset_to].to_lowercase();
        if keep(&raw) && !found.iter().any(|word| word.text == token.text) {
            found.push(Word {
                text: token.text.clone(),
                part_of,
            });
        }
    }
    found
}

fn passage(page: &Page, section: &Section, score: f32, words: &[&str]) -> Passage {
    Passage {
        page: page.name.clone(),
        section: section.slug.clone(),
        uri: page.section_uri(section),
        title: page.full_title(section),
        score: (f64::from(score) * 1000.0).round() / 1000.0,
        text: excerpt(page.text(section), words),
    }
}

/// The whole text where it is short; else its paragraphs from the one that fits best.
fn excerpt(text: &str, wanted: &[&str]) -> String {
    if text.chars().count() <= PASSAGE_CHARS {
        return text.to_string();
    }
    let paragraphs = paragraphs(text);
    let fit = |paragraph: &str| {
        let held = words_of(paragraph, |_| true);
        let holds = |wanted: &&&str| held.iter().any(|word| word.text == **wanted);
        wanted.iter().filter(holds).count()
    };
    let best = (0..paragraphs.len())
        .rev()
        .max_by_key(|at| fit(&paragraphs[*at]))
        .unwrap_or(0);
    let mut start = best;
    let mut length = paragraphs[best].chars().count();
    while start > 0 && length + paragraphs[start - 1].chars().count() <= PASSAGE_CHARS {
        start -= 1;
        length += paragraphs[start].chars().count();
    }
    let mut end = best + 1;
    while end < paragraphs.len() && length + paragraphs[end].chars().count() <= PASSAGE_CHARS {
        length += paragraphs[end].chars().count();
        end += 1;
    }
    paragraphs[start..end].join("\n\n")
}

/// Blocks between blank lines; a fenced block is never split.
fn paragraphs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let last = found.last_mut().expect("it starts with one");
        if line.trim().is_empty() && !fenced {
            if !last.is_empty() {
                found.push(String::new());
            }
            continue;
        }
        if !last.is_empty() {
            last.push('\n');
        }
        last.push_str(line);
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default())
        .filter(LowerCaser)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// Words, and identifiers both whole and in parts: `GOVERNOR_FAIL_MODE` is also `governor`, `fail`, `mode`.
#[derive(Clone, Default)]
struct Words {
    tokens: Vec<Token>,
}

struct WordStream<'a> {
    tokens: &'a mut Vec<Token>,
    /// The next token's position, plus one once the stream has advanced.
    next: usize,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.tokens.clear();
        for (position, (start, end)) in runs(text).into_iter().enumerate() {
            let mut add = |start: usize, end: usize| {
                self.tokens.push(Token {
                    offset_from: start,
                    offset_to: end,
                    position,
                    text: text[start..end].to_string(),
                    position_length: 1,
                });
            };
            let parts = parts(text, start, end);
            add(start, end);
            if parts.len() > 1 {
                parts.into_iter().for_each(|(from, to)| add(from, to));
            }
        }
        WordStream {
            tokens: &mut self.tokens,
            next: 0,
        }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

/// Byte ranges of words; `_`, `.`, `-` and `/` join when a letter or digit stands on both sides.
fn runs(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut characters = text.char_indices().peekable();
    let mut start: Option<usize> = None;
    while let Some((at, c)) = characters.next() {
        let next_joins = characters
            .peek()
            .is_some_and(|(_, next)| next.is_alphanumeric() || *next == '_');
        let inside = c.is_alphanumeric()
            || c == '_' && (start.is_some() || next_joins)
            || matches!(c, '.' | '-' | '/') && start.is_some() && next_joins;
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    if let Some(from) = start {
        found.push((from, text.len()));
    }
    found
}

/// The parts of a word: split at anything but letters and digits, and where a capital follows a small letter.
fn parts(text: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut from: Option<usize> = None;
    let mut previous_small = false;
    for (offset, c) in text[start..end].char_indices() {
        let at = start + offset;
        let breaks = !c.is_alphanumeric() || c.is_uppercase() && previous_small;
        if breaks && let Some(begun) = from.take() {
            found.push((begun, at));
        }
        if c.is_alphanumeric() && from.is_none() {
            from = Some(at);
        }
        previous_small = c.is_lowercase();
    }
    if let Some(begun) = from {
        found.push((begun, end));
    }
    found
}
