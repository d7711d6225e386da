//! The terminal: a line for each event of a run, the live area below, and diagnostics.

pub mod diagnostics;
pub mod event_lines;
pub mod fetch_lines;
pub(crate) mod footer;
pub mod latest_progress;
pub(crate) mod load_lines;
pub(crate) mod needed_programs;
pub(crate) mod progress_bar;
pub(crate) mod status_panel;
pub(crate) mod world_line;
pub mod writer;
