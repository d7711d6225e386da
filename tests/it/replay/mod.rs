//! Replay, held to the logs of real runs in `tests/logs/`: they replay for ever; whatever was changed
//! in them is found; and a log is all that it takes. The tests are named after the rows of the faults.

mod damaged;
mod edited;
mod elsewhere;
mod golden;
mod hostile;
mod outcomes;

use scenario::replay::outcome::ReplayFinding;
use scenario::replay::replay;
use scenario_log::reader::LogReadError;

/// The finding of a replay in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Same,
    CutShort,
    /// The first difference is in this line.
    Different(u64),
    /// It cannot be used from this line on, for this reason.
    Damaged(u64, String),
}

fn find(log: &[u8]) -> Found {
    match replay(log, None).finding {
        ReplayFinding::Same => Found::Same,
        ReplayFinding::CutShort(_) => Found::CutShort,
        ReplayFinding::Different(difference) => Found::Different(difference.logged.line),
        ReplayFinding::Unreadable(LogReadError::Damaged { line, what, .. }) => Found::Damaged(line, what),
        ReplayFinding::Unreadable(other) => {
            Found::Damaged(other.line().unwrap_or_default(), other.to_string())
        }
    }
}
