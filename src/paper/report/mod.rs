//! Reports: what people see of a run.

pub mod fetched;
pub mod screen;
pub mod terminal;
