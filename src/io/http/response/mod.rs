//! The answer: its body, what a job expects of it and captures from it, and what of it
//! may be logged. Opens no connection, and decides about no further attempt.

pub(crate) mod body;
mod capture;
pub(crate) mod charset;
pub(crate) mod check;
pub(crate) mod decode;
mod json;
mod json_number;
mod json_test;
pub(crate) mod line_search;
pub(crate) mod lines;
pub(crate) mod redact;
pub(crate) mod retry_after;
mod text;
