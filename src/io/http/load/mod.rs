//! The requests of a load: prepared once, sent by workers that keep their connections. A fetch that needs
//! more than that goes through `retry` like any other.

mod answer_judge;
mod deadlines;
mod exchange;
pub(super) mod fast_path;
mod handoff;
mod target;
mod worker;
pub(super) mod workers;
