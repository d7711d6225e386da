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
mod header;
mod run_summary;

use std::io::Read;

use crate::extract::additions::Parts;
use crate::extract::run_summary::Told;
use scenario_core::scenario::LONGEST_FILE;
use scenario_core::scenario::write::draft::Draft;
use scenario_log::reader::{Reader, Unreadable};
use scenario_log::time::{Moment, SECOND};

/// Why no scenario can be extracted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unextractable {
    /// The log cannot be read.
    Unreadable(Unreadable),
    /// It would be larger than a scenario can be, in words.
    TooLarge(String),
}

impl From<Unreadable> for Unextractable {
    fn from(unreadable: Unreadable) -> Unextractable {
        Unextractable::Unreadable(unreadable)
    }
}

/// The scenario of the run that a log tells of, as the text of a file. A log that was cut short gives
/// what is known up to there; `None` if not even its first line is whole.
///
/// # Errors
/// If it cannot be read, or gives more than a scenario can hold.
pub fn extract<R: Read>(reader: &mut Reader<R>) -> Result<Option<String>, Unextractable> {
    let Some(told) = Told::read(reader)? else { return Ok(None) };
    let mut draft = Draft::read(&told.scenario)
        .map_err(|fault| Unreadable::damaged(1, format!("has a scenario that cannot be run: {fault}")))?;
    let seed = i64::try_from(told.seed)
        .map_err(|_| Unreadable::damaged(1, "has a seed that is larger than a seed can be"))?;
    let parts = Parts::of(&told, draft.scenario())?;
    draft.set_seed(seed);
    if let Some(end) = &parts.end {
        end.put_into(&mut draft);
    }
    let header = header::lines(&told, &draft, &parts, reader.cut());
    let text = draft.to_toml(&header, &parts.before, &parts.behind);
    if text.len() > LONGEST_FILE {
        return Err(Unextractable::TooLarge(format!(
            "the scenario of this run has {} bytes; a scenario's file has at most {LONGEST_FILE}",
            text.len()
        )));
    }
    Ok(Some(text))
}

/// A moment as people read it.
fn seconds(t: Moment) -> String {
    format!("{}.{:03} s", t.0 / SECOND, t.0 / 1_000_000 % 1_000)
}
