//! `governor-mcp docs`: search and read the documentation, offline.

use anyhow::ensure;
use clap::Subcommand;
use serde_json::json;

use super::{Format, Io, Status};
use crate::docs;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: DocsCommand,
}

#[derive(Debug, Subcommand)]
enum DocsCommand {
    /// Find the passages that answer a question
    Search {
        /// The question, or words from it
        #[arg(required = true)]
        query: Vec<String>,
        /// How many passages
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=50))]
        limit: u8,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print a page, or one section of it
    Show {
        /// The page's name, with `#SECTION` for one section
        #[arg(value_name = "PAGE[#SECTION]")]
        page: String,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List every page
    List {
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

pub fn run(args: Args, io: &mut Io) -> anyhow::Result<Status> {
    match args.command {
        DocsCommand::Search {
            query,
            limit,
            format,
        } => search(&query.join(" "), limit.into(), format, io),
        DocsCommand::Show { page, format } => show(&page, format, io),
        DocsCommand::List { format } => list(format, io),
    }
}

fn search(query: &str, limit: usize, format: Format, io: &mut Io) -> anyhow::Result<Status> {
    ensure!(
        !query.trim().is_empty(),
        "the query is empty: give a few words, for example `docs search fail closed`"
    );
    let results = docs::search(query, limit);
    match format {
        Format::Json => print_json(&json!({ "query": query, "results": results }), io)?,
        Format::Text => {
            for (at, passage) in results.iter().enumerate() {
                let gap = if at == 0 { "" } else { "\n" };
                writeln!(
                    io.out,
                    "{gap}{}  [{}#{}]\n",
                    passage.title, passage.page, passage.section
                )?;
                writeln!(io.out, "{}", indented(&passage.text))?;
            }
        }
    }
    if !results.is_empty() {
        return Ok(Status::Done);
    }
    let near = docs::suggestions(query);
    if near.is_empty() {
        writeln!(
            io.err,
            "nothing matches `{query}`: `governor-mcp docs list` names every page"
        )?;
    } else {
        writeln!(
            io.err,
            "nothing matches `{query}`; the nearest pages: {}",
            near.join(", ")
        )?;
    }
    Ok(Status::No)
}

fn show(page: &str, format: Format, io: &mut Io) -> anyhow::Result<Status> {
    let document = docs::page(page, None)?;
    match format {
        Format::Json => print_json(&serde_json::to_value(&document)?, io)?,
        Format::Text => writeln!(io.out, "{}", document.text.trim_end())?,
    }
    Ok(Status::Done)
}

fn list(format: Format, io: &mut Io) -> anyhow::Result<Status> {
    let pages = docs::list();
    match format {
        Format::Json => print_json(&json!({ "pages": pages }), io)?,
        Format::Text => {
            let width = pages.iter().map(|page| page.page.len()).max().unwrap_or(0);
            for page in &pages {
                writeln!(io.out, "{:width$}  {}", page.page, page.summary)?;
            }
        }
    }
    Ok(Status::Done)
}

fn print_json(value: &serde_json::Value, io: &mut Io) -> anyhow::Result<()> {
    writeln!(io.out, "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("    {line}")
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}
