//! The resources: documentation pages, the client's files, whole patches, and what the policy plane says.

use rmcp::ErrorData;
use rmcp::model::{CacheScope, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::shelf::Shelf;
use super::text::clean;
use crate::{docs, snippets};

/// Documentation and client files change with the binary only.
pub const STATIC_TTL_MS: u64 = 3_600_000;

const PATCH: &str = "governor://patch/";
const CLIENT: &str = "governor://client/";

/// The folder that the client's files lie in.
const PACKAGE: &str = "governor/";

pub fn list(shelf: &Shelf) -> Vec<Resource> {
    let pages = docs::list().into_iter().map(|page| {
        Resource::new(page.uri, page.page)
            .with_title(page.title)
            .with_description(page.summary)
            .with_mime_type("text/markdown")
    });
    let patches = shelf.list().into_iter().map(|(id, size)| {
        Resource::new(format!("{PATCH}{id}"), format!("{id}.diff"))
            .with_description("A patch that an answer linked")
            .with_mime_type("text/x-diff")
            .with_size(size as u64)
    });
    let client = snippets::client_files().into_iter().filter_map(|file| {
        let name = file.path.strip_prefix(PACKAGE)?;
        let resource = Resource::new(format!("{CLIENT}{name}"), file.path)
            .with_description("A file of the Python client")
            .with_mime_type(mime_type(name))
            .with_size(file.bytes.len() as u64);
        Some(resource)
    });
    let plane = super::plane::list();
    pages.chain(client).chain(patches).chain(plane).collect()
}

pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new("governor://docs/{page}", "docs")
            .with_title("Documentation page")
            .with_description("A page by its name, like guides/celery")
            .with_mime_type("text/markdown"),
        ResourceTemplate::new("governor://client/{file}", "client")
            .with_title("Client file")
            .with_description("A file of the Python client, like patches/requests.py"),
        ResourceTemplate::new("governor://patch/{id}", "patch")
            .with_title("Patch")
            .with_description("A whole patch that an answer linked, ready for git apply")
            .with_mime_type("text/x-diff"),
    ]
}

pub fn read(uri: &str, shelf: &Shelf) -> Result<ReadResourceResult, ErrorData> {
    if uri.starts_with(docs::SCHEME) {
        let document =
            docs::page(&decoded(uri), None).map_err(|error| not_found(uri, &error.to_string()))?;
        return Ok(text(uri, document.text, "text/markdown"));
    }
    if let Some(read) = super::plane::read(uri) {
        let contents = ResourceContents::text(read?, uri).with_mime_type("application/json");
        let now = ReadResourceResult::new(vec![contents]);
        return Ok(now.with_ttl_ms(0).with_cache_scope(CacheScope::Private));
    }
    if uri.starts_with(CLIENT) {
        let decoded = decoded(uri);
        let name = decoded
            .trim_start_matches(CLIENT)
            .trim_start_matches(PACKAGE);
        let files = snippets::client_files();
        let found = files
            .iter()
            .find(|file| file.path.strip_prefix(PACKAGE) == Some(name));
        let file =
            found.ok_or_else(|| not_found(uri, "resources/list names every file of the client"))?;
        let content = String::from_utf8_lossy(file.bytes);
        return Ok(text(uri, content.into_owned(), mime_type(name)));
    }
    if let Some(id) = uri.strip_prefix(PATCH) {
        let diff = shelf.get(id).ok_or_else(|| {
            not_found(
                uri,
                "this server holds no such patch: call propose_patch again for a new link",
            )
        })?;
        return Ok(match String::from_utf8(diff) {
            Ok(diff) => text(uri, diff, "text/x-diff"),
            Err(error) => {
                use base64::Engine as _;
                let blob = base64::engine::general_purpose::STANDARD.encode(error.into_bytes());
                cached(ResourceContents::blob(blob, uri).with_mime_type("text/x-diff"))
            }
        });
    }
    Err(not_found(
        uri,
        "the resources are governor://docs/{page}, governor://client/{file} and governor://patch/{id}",
    ))
}

fn text(uri: &str, text: String, mime_type: &str) -> ReadResourceResult {
    cached(ResourceContents::text(text, uri).with_mime_type(mime_type))
}

fn cached(contents: ResourceContents) -> ReadResourceResult {
    ReadResourceResult::new(vec![contents])
        .with_ttl_ms(STATIC_TTL_MS)
        .with_cache_scope(CacheScope::Private)
}

fn not_found(uri: &str, fix: &str) -> ErrorData {
    ErrorData::resource_not_found(format!("no resource `{}`: {fix}", clean(uri, 200)), None)
}

fn mime_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("py") => "text/x-python",
        Some("json") => "application/json",
        Some("md") => "text/markdown",
        _ => "text/plain",
    }
}

/// The names of the client's files.
pub fn client_files() -> Vec<String> {
    let files = snippets::client_files().into_iter();
    let names = files.filter_map(|file| file.path.strip_prefix(PACKAGE));
    names.map(str::to_owned).collect()
}

/// Clients that expand `{page}` by the book write its slashes as `%2F`.
fn decoded(uri: &str) -> String {
    uri.replace("%2F", "/")
        .replace("%2f", "/")
        .replace("%23", "#")
}
