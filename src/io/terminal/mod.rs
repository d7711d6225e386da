//! The terminal that the runner itself has: its foreground group, its modes, its keys.

pub mod foreground;
pub mod keys;
pub(crate) mod restore;
