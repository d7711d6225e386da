//! Reports: what people see of a run, while it runs and from its log.

pub mod annotations;
mod bar;
pub mod board;
pub mod cases;
pub mod csv;
pub mod explored;
pub mod fetched;
pub mod figures;
pub mod github;
pub mod html;
pub mod junit;
mod last_line;
pub mod live;
mod loads;
mod numbers;
pub mod output;
mod panel;
pub mod position;
pub mod replay;
pub mod screen;
pub mod summary;
pub mod terminal;
pub mod told;
pub mod trace;
mod unready;
mod waits;
