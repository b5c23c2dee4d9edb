//! `governor-mcp` reads a Python repo and returns the diff that puts a policy decision in front of every side effect.
//!
//! One direction, two ways out:
//!
//! ```text
//! the user's repo ─► workspace ─► syntax ─► facts ─► plan ─► edit ─► diff ─► cli, mcp
//!                                   ▲          ▲                ▲
//!                                 (names)   catalog          snippets ──► governor (Python client) ──► policy plane
//! a denial ────────► denial ───────────────────┘
//! docs/ ──► docs (tantivy) ─► cli, mcp
//! ```
//!
//! Each outside thing has one owner: only `workspace` reads the user's files, only `syntax` knows tree-sitter, only
//! `docs` tantivy, only `diff` similar, only `mcp` rmcp, only `policy` axum and Cedar.

pub mod workspace;

pub mod syntax;

pub mod names;

pub mod catalog;
pub mod facts;

pub mod plan;

pub mod snippets;

pub mod diff;
pub mod edit;
pub mod patch;
pub mod verify;

pub mod denial;
pub mod policy;
pub mod redact;
pub mod rehearsal;

pub mod plane;

pub mod docs;

pub mod mcp;
pub mod setup;

pub mod doctor;

pub mod report;

pub mod cli;
