//! Paper: what is written and shown. Reads and writes files; decides nothing of a run.

pub mod diagnostics;
pub mod diff;
pub mod explored;
pub mod extract;
pub mod files;
pub mod journal;
pub mod log;
pub mod replayed;
pub mod report;
