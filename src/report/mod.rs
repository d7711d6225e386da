//! Reports of runs and of logs: HTML page, trace, test cases, table, summary and annotations. Everything
//! here makes text or files; nothing here decides what happens.

pub mod csv;
mod dependencies;
pub mod error;
pub mod feed;
pub(crate) mod format;
pub mod github_annotations;
pub mod html;
pub mod junit_cases;
pub mod junit_xml;
mod kept_budgets;
pub(crate) mod link_words;
pub(crate) mod logged_scenario;
pub mod metrics;
pub mod origins;
pub mod output_file;
pub mod output_tail;
pub mod run_annotations;
pub mod summary;
pub mod trace;
pub(crate) mod units;
