//! Everything in a log that a scenario can do again: the scenario and seed, the typed lines with their
//! moments, and how the run ended. It keeps nothing else, so that a log of any size takes little memory.

use std::io::Read;

use crate::extract::ExtractError;
use scenario_log::decode::LogRecord;
use scenario_log::event::{ClockKind, Event, RunOutcome, Source};
use scenario_log::reader::{LogLine, LogReadError, LogReader};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The most commands that are kept.
const MAX_COMMANDS: usize = 10_000;

/// The most refused lines that are kept; the others are counted.
const MAX_REFUSED: usize = 100;

/// The parts of a log that are needed.
#[derive(Debug)]
pub(super) struct ExtractedRun {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) clock: ClockKind,
    pub(super) started_at: Option<String>,
    /// How many players joined over the network.
    pub(super) guests: u64,
    /// Whether a schedule decided the first ties.
    pub(super) is_scheduled: bool,
    /// The resolved scenario, as JSON.
    pub(super) scenario: String,
    pub(super) inputs: Vec<TypedLine>,
    /// How many lines were accepted, and how many were refused.
    pub(super) accepted: usize,
    pub(super) refused: usize,
    /// The first signal that the runner received.
    pub(super) signal: Option<RunnerSignal>,
    pub(super) end: Option<ExtractedEnd>,
    /// When the first event of the timeline was due, once there has been one.
    pub(super) timeline_began: Option<Moment>,
}

#[derive(Debug)]
pub(super) struct TypedLine {
    pub(super) t: Moment,
    /// Its line in the log.
    pub(super) line: u64,
    pub(super) text: String,
    /// For keys that were typed for a program which had the terminal.
    pub(super) keys: Option<TypedKeys>,
    /// Why it was refused, if it was.
    pub(super) refused: Option<String>,
    /// Whether the timeline had not begun.
    pub(super) is_before_timeline: bool,
}

/// The program that keys were typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TypedKeys {
    pub(super) source: Source,
    /// Whether its input ends with them.
    pub(super) close: bool,
}

/// A signal to the runner.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunnerSignal {
    pub(super) t: Moment,
    pub(super) signal: Signal,
    /// Whether the timeline had not begun.
    pub(super) is_before_timeline: bool,
}

#[derive(Debug)]
pub(super) struct ExtractedEnd {
    pub(super) outcome: RunOutcome,
    pub(super) reason: Option<String>,
    pub(super) took: Span,
}

impl ExtractedRun {
    /// Reads a log to its end; `None` if not even its first line is whole.
    pub(super) fn read<R: Read>(reader: &mut LogReader<R>) -> Result<Option<ExtractedRun>, ExtractError> {
        let mut run = match reader.peek()? {
            Some(line) => ExtractedRun::from_first_line(line)?,
            None => return Ok(None),
        };
        reader.advance();
        while let Some(line) = reader.peek()? {
            run.add_line(line)?;
            reader.advance();
        }
        Ok(Some(run))
    }

    fn from_first_line(line: LogLine<'_>) -> Result<ExtractedRun, ExtractError> {
        let record = read_record(line)?;
        let Some(Event::RunStarted { name, seed, clock, started_at, schedule, scenario }) =
            read_event(line, &record)?
        else {
            return Err(LogReadError::damaged(line.number, "is not a `run.started`").into());
        };
        Ok(ExtractedRun {
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
            end: None,
            timeline_began: None,
        })
    }

    fn add_line(&mut self, line: LogLine<'_>) -> Result<(), ExtractError> {
        let is_wanted =
            matches!(line.event_name(), "input" | "sent" | "stopping" | "player.joined" | "run.finished");
        // Once the timeline has begun, no other event is needed, and none is decoded.
        if !is_wanted && self.timeline_began.is_some() {
            return Ok(());
        }
        let record = read_record(line)?;
        let Some(event) = read_event(line, &record)? else { return Ok(()) };
        match event {
            Event::TypedInput { text, accepted, error } => {
                let refused = (!accepted).then(|| error.unwrap_or_default());
                return self.add_typed_line(line, text, refused);
            }
            Event::Sent { source: Some(source), entry: None, text, enter: Some(false), close, .. } => {
                let keys = TypedKeys { source, close: close == Some(true) };
                return self.add_keys(line, text.unwrap_or_default(), keys);
            }
            Event::PlayerJoined { .. } => self.guests += 1,
            Event::Stopping { signal: Some(signal), .. } => {
                let in_opening = self.timeline_began.is_none();
                self.signal.get_or_insert(RunnerSignal { t: line.t, signal, is_before_timeline: in_opening });
            }
            Event::RunFinished(summary) => {
                let reason = summary.reason.clone();
                self.end = Some(ExtractedEnd { outcome: summary.outcome, reason, took: summary.took });
            }
            Event::ClockTick { .. } => self.begin_timeline(line.t, &event),
            Event::SpawnStarted { entry, .. }
            | Event::FetchStarted { entry, .. }
            | Event::Mark { entry, .. }
            | Event::Sent { entry, .. }
            | Event::Signalled { entry, .. }
            | Event::LinkChanged { entry, .. }
            | Event::Stopping { entry, .. } => {
                // The effects of a typed line have no entry.
                if entry.is_some() {
                    self.begin_timeline(line.t, &event);
                }
            }
            Event::RunStarted { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::SpawnExited { .. }
            | Event::SpawnFailed { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::FetchResponded { .. }
            | Event::FetchLine { .. }
            | Event::FetchFinished { .. }
            | Event::FetchFailed { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::Deadlock { .. }
            | Event::Expect(_) => {}
        }
        Ok(())
    }

    /// Notes an event of the timeline or the clock: the first one begins the timeline.
    fn begin_timeline(&mut self, t: Moment, event: &Event<'_>) {
        self.timeline_began.get_or_insert(event.due().unwrap_or(t));
    }

    fn add_typed_line(
        &mut self,
        line: LogLine<'_>,
        text: &str,
        refused: Option<&str>,
    ) -> Result<(), ExtractError> {
        match refused {
            Some(_) => self.refused += 1,
            None => self.accepted += 1,
        }
        if self.accepted > MAX_COMMANDS {
            return Err(ExtractError::TooManyCommands(MAX_COMMANDS));
        }
        if refused.is_none() || self.refused <= MAX_REFUSED {
            self.inputs.push(TypedLine {
                t: line.t,
                line: line.number,
                text: text.to_owned(),
                keys: None,
                refused: refused.map(str::to_owned),
                is_before_timeline: self.timeline_began.is_none(),
            });
        }
        Ok(())
    }

    /// Adds keys. The keys of one line are one entry, which happens with the last of them.
    fn add_keys(&mut self, line: LogLine<'_>, text: &str, keys: TypedKeys) -> Result<(), ExtractError> {
        if let Some(last) = self.inputs.last_mut()
            && last.keys.is_some_and(|last| last.source == keys.source && !last.close)
            && !last.text.ends_with(['\r', '\n'])
        {
            last.text.push_str(text);
            (last.t, last.keys) = (line.t, Some(keys));
            return Ok(());
        }
        self.add_typed_line(line, text, None)?;
        if let Some(last) = self.inputs.last_mut() {
            last.keys = Some(keys);
        }
        Ok(())
    }

    /// How many refused lines are not kept.
    pub(super) fn dropped_refused(&self) -> usize {
        self.refused.saturating_sub(MAX_REFUSED)
    }
}

fn read_record<'a>(line: LogLine<'a>) -> Result<LogRecord<'a>, LogReadError> {
    LogRecord::decode(line.bytes).map_err(|fault| LogReadError::damaged(line.number, fault))
}

fn read_event<'r>(line: LogLine<'_>, record: &'r LogRecord<'_>) -> Result<Option<Event<'r>>, LogReadError> {
    record.event().map_err(|fault| LogReadError::damaged(line.number, fault))
}
