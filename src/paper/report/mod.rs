//! Reports: what people see of a run.

mod bar;
pub mod fetched;
mod last_line;
mod loads;
pub mod position;
pub mod replay;
pub mod screen;
pub mod terminal;
mod unready;
