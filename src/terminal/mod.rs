//! What a person sees of a run on a terminal: a line for each event, and the live area beneath.

pub mod diagnostics;
pub mod event_lines;
pub mod fetch_lines;
pub(crate) mod footer;
pub mod latest_progress;
pub(crate) mod load_lines;
pub(crate) mod progress_bar;
pub(crate) mod status_panel;
pub(crate) mod unready_output;
pub(crate) mod world_line;
pub mod writer;
