//! The scenario as data: from the file as written to the checked model that everything runs on.

pub mod interval;
pub mod model;
