//! Paper: what is written and shown. Reads and writes files; decides nothing of a run.

pub mod log;
