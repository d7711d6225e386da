//! Extracts from a log a scenario that does by itself what was done in that run, typed lines included.
//!
//! # How it works
//!
//! A [typed line](scenario_core::engine::console_command) becomes an entry at the moment at which it was typed, behind
//! all others of the timeline: a typed line comes after all that was due by then. Lines that were typed
//! before anything had happened come before the others, and not later than the first of them. Each of
//! these entries has an id, since one without would change the draws of its like.
//!
//! `quit` and a signal to the runner become a time limit one nanosecond later, so that all that was due
//! by then still happens.
//!
//! So the players move as they did, but for ties: of what happens in the very same nanosecond, an entry
//! comes before the moves, where the typed line came behind them. What programs and servers did is
//! theirs to do again, at their own pace.

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
    /// More commands were typed in the run than a scenario may keep; this is the most.
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

/// The scenario of the run that a log tells of, as the text of a file. A log that was cut short gives
/// what is known up to there; `None` if not even its first line is whole.
///
/// # Errors
/// If it cannot be read, or gives more than a scenario can hold.
pub fn extract<R: Read>(reader: &mut LogReader<R>) -> Result<Option<String>, ExtractError> {
    let Some(told) = ExtractedRun::read(reader)? else { return Ok(None) };
    let mut draft = ScenarioDraft::from_json(&told.scenario)
        .map_err(|fault| LogReadError::damaged(1, format!("has a scenario that cannot be run: {fault}")))?;
    let seed = i64::try_from(told.seed)
        .map_err(|_| LogReadError::damaged(1, "has a seed that is larger than a seed can be"))?;
    let parts = ScenarioAdditions::from_run(&told, draft.scenario())?;
    draft.set_seed(seed);
    if let Some(end) = &parts.end {
        end.apply_to(&mut draft);
    }
    let header = header::header_lines(&told, &draft, &parts, reader.truncated_end());
    let text = draft.to_toml(&header, &parts.before_timeline, &parts.after_timeline);
    if text.len() > MAX_FILE_LEN {
        return Err(ExtractError::TooLarge(text.len()));
    }
    Ok(Some(text))
}
