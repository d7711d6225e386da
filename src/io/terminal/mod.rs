//! The terminal that the runner itself has: its foreground group, its modes, its keys.

pub mod attachment;
pub(crate) mod controlling_terminal;
pub mod foreground;
pub mod keys;
pub mod line_editor;
