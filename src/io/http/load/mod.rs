//! Loads: many requests of one job over kept connections.

pub(crate) mod deadlines;
pub(crate) mod fast_path;
pub(crate) mod workers;
