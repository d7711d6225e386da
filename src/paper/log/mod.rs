//! The event log: JSON Lines, one event a line (`docs/format.md`).

pub mod encoder;
pub mod schema;
mod text;
pub mod writer;
