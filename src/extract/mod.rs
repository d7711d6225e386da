//! Extracts from a log a scenario that does by itself what was done in that run, including typed lines.
//!
//! # How it works
//!
//! A [typed line](scenario_core::engine::console_command) becomes an entry at the moment at which it was
//! typed, after all others of the timeline: a typed line comes after everything that was due by then. Lines
//! that were typed before the timeline began come before the others, and not later than the first of them.
//! Each of these entries has an id, since an entry without one would change the draws of others.
//!
//! `quit` and a signal to the runner become a time limit one nanosecond later, so that everything that was
//! due by then still happens.
//!
//! So the players move as they did, except for ties: within the same nanosecond, an entry comes before the
//! moves, whereas the typed line came after them. Programs and servers act again at their own pace.

mod additions;
mod extracted_run;
mod header;

use std::error::Error;
use std::fmt;
use std::io::Read;

use crate::extract::additions::ScenarioAdditions;
use crate::extract::extracted_run::ExtractedRun;
use scenario_core::scenario::MAX_FILE_LEN;
use scenario_core::scenario::write::draft::ScenarioDraft;
use scenario_log::reader::{LogReadError, LogReader};

/// Why no scenario can be extracted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtractError {
    /// The log cannot be read.
    Unreadable(LogReadError),
    /// More commands were typed in the run than a scenario may keep; this is the limit.
    TooManyCommands(usize),
    /// The scenario's file would have this many bytes, more than a file may have.
    TooLarge(usize),
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExtractError::Unreadable(unreadable) => unreadable.fmt(f),
            ExtractError::TooManyCommands(most) => {
                write!(f, "more than {most} commands were typed in this run, too many for a scenario to keep")
            }
            ExtractError::TooLarge(bytes) => write!(
                f,
                "the scenario of this run has {bytes} bytes; a scenario's file has at most {MAX_FILE_LEN}"
            ),
        }
    }
}

impl Error for ExtractError {}

impl From<LogReadError> for ExtractError {
    fn from(unreadable: LogReadError) -> ExtractError {
        ExtractError::Unreadable(unreadable)
    }
}

/// The scenario of a logged run, as the text of a file. A log that was cut short gives what is known up to
/// there; `None` if not even its first line is whole.
///
/// # Errors
/// If the log cannot be read, or gives more than a scenario can hold.
pub fn extract<R: Read>(reader: &mut LogReader<R>) -> Result<Option<String>, ExtractError> {
    let Some(run) = ExtractedRun::read(reader)? else { return Ok(None) };
    let mut draft = ScenarioDraft::from_json(&run.scenario)
        .map_err(|fault| LogReadError::damaged(1, format!("has a scenario that cannot be run: {fault}")))?;
    let seed = i64::try_from(run.seed)
        .map_err(|_| LogReadError::damaged(1, "has a seed that is larger than a seed can be"))?;
    let parts = ScenarioAdditions::from_run(&run, draft.scenario())?;
    draft.set_seed(seed);
    if let Some(end) = &parts.end {
        end.apply_to(&mut draft);
    }
    let header = header::header_lines(&run, &draft, &parts, reader.truncated_end());
    let text = draft.to_toml(&header, &parts.before_timeline, &parts.after_timeline);
    if text.len() > MAX_FILE_LEN {
        return Err(ExtractError::TooLarge(text.len()));
    }
    Ok(Some(text))
}
