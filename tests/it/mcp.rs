//! The MCP server: on the wire, and with the official SDKs.
//!
//! `wire` speaks newline-delimited JSON-RPC to the real binary. The SDK clients lie in `tests/mcp/`; they are installed
//! under `target/`. Where one cannot be had the test says so and passes, unless `GOVERNOR_REQUIRE_CLIENTS` is set.

mod bad_input;
mod clients;
mod eras;
mod plane;
mod setup;
mod tools;
mod wire;
