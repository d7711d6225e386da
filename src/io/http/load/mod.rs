//! The requests of a load: prepared once, sent by workers that keep their connections. A fetch that needs
//! more than that goes through `retry` like any other. [`super::player`] sends its requests with the same parts.

pub(super) mod answer_judge;
pub(super) mod deadlines;
pub(super) mod exchange;
pub(super) mod fast_path;
pub(super) mod fast_request;
mod handoff;
mod target;
pub(super) mod worker;
pub(super) mod workers;
