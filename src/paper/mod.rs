//! Paper: what is written and read. Nothing here decides anything about a run.

pub mod diagnostics;
pub mod files;
