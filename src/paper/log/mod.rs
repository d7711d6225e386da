//! The event log: JSON Lines, one event a line (`docs/format.md`).

pub mod encoder;
pub mod fields;
pub mod reader;
pub mod record;
pub mod schema;
mod seconds;
pub mod source;
mod text;
pub mod writer;
