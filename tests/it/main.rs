//! The integration tests: the real binary, real files, real servers on loopback.
//!
//! New tests go into the file of the command or the part that they are about; a new part gets a file here. What needs
//! no process and no disk is a unit test beside its code.

// A test reports to the reader of its output, and fails by a panic.
#![allow(clippy::print_stdout, clippy::type_complexity, clippy::unwrap_used)]

mod bad_input;
mod check;
mod client;
mod client_files;
mod corpus;
mod demo;
mod denial;
mod docs;
mod edits;
mod integrate;
mod mcp;
mod mutations;
mod policy;
mod python;
mod rehearse;
mod scan;
mod service;
