//! What a log tells of a run that a scenario can do again: its scenario and seed, what was typed and
//! when, and how it ended. Keeps nothing else, so that a log of any size takes little.

use std::io::Read;

use crate::extract::Unextractable;
use scenario_log::decode::Record;
use scenario_log::event::{ClockKind, EntryName, Event, Outcome};
use scenario_log::reader::{Line, Reader, Unreadable};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The most commands that are kept.
const MOST_COMMANDS: usize = 10_000;

/// The most refused lines that are kept; the others are counted.
const MOST_REFUSED: usize = 100;

/// What a log tells.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) clock: ClockKind,
    pub(super) started_at: Option<String>,
    /// How many players joined over the network.
    pub(super) guests: u64,
    /// A schedule said who went first.
    pub(super) is_scheduled: bool,
    /// The resolved scenario, as JSON.
    pub(super) scenario: String,
    pub(super) inputs: Vec<Input>,
    /// Accepted lines, and refused ones.
    pub(super) accepted: usize,
    pub(super) refused: usize,
    /// The first signal that the runner was sent.
    pub(super) signal: Option<Signalled>,
    pub(super) finished: Option<Finished>,
    /// When the first thing of the timeline was due, once it has happened.
    pub(super) opened: Option<Moment>,
}

/// A line that was typed.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) t: Moment,
    /// Its line in the log.
    pub(super) number: u64,
    pub(super) text: String,
    /// Why it was refused, if it was.
    pub(super) refused: Option<String>,
    /// Nothing of the timeline had happened.
    pub(super) in_opening: bool,
}

/// A signal to the runner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signalled {
    pub(super) t: Moment,
    pub(super) signal: Signal,
    /// Nothing of the timeline had happened.
    pub(super) in_opening: bool,
}

/// The end of a run.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    pub(super) took: Span,
}

impl Told {
    /// Reads a log to its end; `None` if not even its first line is whole.
    pub(super) fn read<R: Read>(reader: &mut Reader<R>) -> Result<Option<Told>, Unextractable> {
        let mut told = match reader.peek()? {
            Some(line) => Told::begin(line)?,
            None => return Ok(None),
        };
        reader.pass();
        while let Some(line) = reader.peek()? {
            told.hear(line)?;
            reader.pass();
        }
        Ok(Some(told))
    }

    fn begin(line: Line<'_>) -> Result<Told, Unextractable> {
        let record = read(line)?;
        match event(line, &record)? {
            Some(Event::RunStarted { name, seed, clock, started_at, schedule, scenario }) => Ok(Told {
                name: name.to_owned(),
                seed,
                clock,
                started_at: started_at.map(str::to_owned),
                guests: 0,
                is_scheduled: !schedule.is_empty(),
                scenario: scenario.to_owned(),
                inputs: Vec::new(),
                accepted: 0,
                refused: 0,
                signal: None,
                finished: None,
                opened: None,
            }),
            _ => Err(Unreadable::damaged(line.number, "is no `run.started`").into()),
        }
    }

    fn hear(&mut self, line: Line<'_>) -> Result<(), Unextractable> {
        let is_wanted = matches!(line.event(), "input" | "stopping" | "player.joined" | "run.finished");
        // Once the timeline has begun, nothing else is of interest, and need not be read.
        if !is_wanted && self.opened.is_some() {
            return Ok(());
        }
        let record = read(line)?;
        let Some(event) = event(line, &record)? else { return Ok(()) };
        match event {
            Event::Input { text, accepted, error } => {
                let refused = (!accepted).then(|| error.unwrap_or_default());
                return self.typed(line, text, refused);
            }
            Event::PlayerJoined { .. } => self.guests += 1,
            Event::Stopping { signal: Some(signal), .. } => {
                let in_opening = self.opened.is_none();
                self.signal.get_or_insert(Signalled { t: line.t, signal, in_opening });
            }
            Event::RunFinished(summary) => {
                let reason = summary.reason.clone();
                self.finished = Some(Finished { outcome: summary.outcome, reason, took: summary.took });
            }
            event if is_of_timeline(&event) => {
                self.opened.get_or_insert(event.due().unwrap_or(line.t));
            }
            _ => {}
        }
        Ok(())
    }

    fn typed(&mut self, line: Line<'_>, text: &str, refused: Option<&str>) -> Result<(), Unextractable> {
        match refused {
            Some(_) => self.refused += 1,
            None => self.accepted += 1,
        }
        if self.accepted > MOST_COMMANDS {
            return Err(Unextractable::TooLarge(format!(
                "more than {MOST_COMMANDS} commands were typed in this run, too many for a scenario to keep"
            )));
        }
        if refused.is_none() || self.refused <= MOST_REFUSED {
            self.inputs.push(Input {
                t: line.t,
                number: line.number,
                text: text.to_owned(),
                refused: refused.map(str::to_owned),
                in_opening: self.opened.is_none(),
            });
        }
        Ok(())
    }

    /// How many lines were refused that are not kept.
    pub(super) fn refused_more(&self) -> usize {
        self.refused.saturating_sub(MOST_REFUSED)
    }
}

/// Whether an event is of the timeline or the clock, and not what a typed line leads to.
fn is_of_timeline(event: &Event<'_>) -> bool {
    let of_entry = |entry: &Option<EntryName<'_>>| entry.is_some();
    match event {
        Event::ClockTick { .. } => true,
        Event::SpawnStarted { entry, .. }
        | Event::FetchStarted { entry, .. }
        | Event::Mark { entry, .. }
        | Event::Sent { entry, .. }
        | Event::Stopping { entry, .. } => of_entry(entry),
        _ => false,
    }
}

fn read<'a>(line: Line<'a>) -> Result<Record<'a>, Unreadable> {
    Record::read(line.bytes).map_err(|fault| Unreadable::damaged(line.number, fault))
}

fn event<'r>(line: Line<'_>, record: &'r Record<'_>) -> Result<Option<Event<'r>>, Unreadable> {
    record.event().map_err(|fault| Unreadable::damaged(line.number, fault))
}
