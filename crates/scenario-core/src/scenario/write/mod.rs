//! Writes a checked scenario again: as the resolved scenario of a log, and as a file.

pub mod draft;
pub(crate) mod json;
pub mod resolved;
pub(crate) mod toml_writer;
