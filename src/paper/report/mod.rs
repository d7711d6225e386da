//! Reports: what people see of a run.

mod bar;
pub mod fetched;
pub mod replay;
pub mod screen;
pub mod terminal;
