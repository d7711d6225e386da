//! Why a report could not be made or written.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a report could not be made or written.
#[derive(Debug)]
pub enum ReportError {
    /// Its data has no JSON form.
    Json(serde_json::Error),
    /// The template of the page refuses its data.
    Template(minijinja::Error),
    /// The system refuses to write it.
    Write(io::Error),
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReportError::Json(error) => error.fmt(f),
            ReportError::Template(error) => write!(f, "the page's template: {error}"),
            ReportError::Write(error) => error.fmt(f),
        }
    }
}

impl Error for ReportError {}

impl From<serde_json::Error> for ReportError {
    fn from(error: serde_json::Error) -> ReportError {
        ReportError::Json(error)
    }
}

impl From<minijinja::Error> for ReportError {
    fn from(error: minijinja::Error) -> ReportError {
        ReportError::Template(error)
    }
}

impl From<io::Error> for ReportError {
    fn from(error: io::Error) -> ReportError {
        ReportError::Write(error)
    }
}
