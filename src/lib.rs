//! `scenario`: a declarative scenario runner.
//!
//! # Code map
//!
//! Imports go downward only, in this order from the bottom; `tests/layers.rs` holds it.
//!
//! | module | its one job |
//! | --- | --- |
//! | [`words`] | what all share: time, names, events, what is observed and ordered, diagnostics, exit codes |
//! | [`scenario`] | the scenario as data: read, checked, resolved |
//! | [`hands`] | the only place that waits |
//! | [`paper`] | what is written and read |

pub mod door;
pub mod drive;
pub mod engine;
pub mod hands;
pub mod paper;
pub mod scenario;
pub mod words;
