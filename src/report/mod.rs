//! Reports: what people see of a run, while it runs and from its log.

pub mod annotations;
pub mod csv;
mod dependencies;
pub mod feed;
pub mod fetched;
pub mod github;
pub mod html;
pub mod junit;
pub mod junit_cases;
pub mod metrics;
pub mod output_file;
pub mod summary;
pub mod trace;
pub(crate) mod units;
