//! Compares the sequences of two runs, event by event, while both logs are read.
//!
//! # How it works
//!
//! Each sequence has a queue of the events that one log has and the other does not have yet. The next event
//! of the other log must equal the first one in the queue. A sequence that has differed is not compared any
//! more, and the sequences of a source are forgotten when it has ended in both logs.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::diff::comparable_fields::ComparableFields;
use crate::diff::line_ref::CurrentLine;
use crate::diff::source_identity::{SequenceName, SequencePart, SourceIdentities, SourceIdentity};
use crate::diff::{DiffSide, LogDifference, LogLineRef, PerSide};
use scenario_log::event::{Event, OutputStream, Source};

/// All open sequences.
#[derive(Debug, Default)]
pub(super) struct SequenceComparer {
    sources: SourceIdentities,
    timeline: EventSequence,
    by_identity: BTreeMap<Rc<SourceIdentity>, SourceSequences>,
    /// The side that has more lines, once the other log is at its end, and whether the other log was cut
    /// short.
    remaining_side: Option<(DiffSide, bool)>,
    findings: SequenceFindings,
}

/// The result of the comparison.
#[derive(Debug, Default)]
pub(super) struct SequenceFindings {
    /// The difference that comes first in the left log.
    pub(super) first_difference: Option<LogDifference>,
    /// How many sequences there are.
    pub(super) sequences: u64,
    /// How many of them differ.
    pub(super) differing: u64,
}

impl SequenceFindings {
    fn record_difference(
        &mut self,
        name: impl FnOnce() -> SequenceName,
        places: PerSide<Option<LogLineRef>>,
    ) {
        self.differing += 1;
        let mut difference = LogDifference { sequence: None, lines: places };
        if self.first_difference.as_ref().is_none_or(|first| difference.rank() < first.rank()) {
            difference.sequence = Some(name());
            self.first_difference = Some(difference);
        }
    }
}

/// The sequences of one source.
#[derive(Debug, Default)]
struct SourceSequences {
    numbers: PerSide<Option<Source>>,
    has_ended: PerSide<bool>,
    own_events: EventSequence,
    stdout: EventSequence,
    stderr: EventSequence,
    players: BTreeMap<String, EventSequence>,
}

impl SourceSequences {
    /// The sequence that an event belongs to.
    fn sequence(&mut self, event: &Event<'_>) -> &mut EventSequence {
        match part_of(event) {
            SequencePart::Stdout => &mut self.stdout,
            SequencePart::Stderr => &mut self.stderr,
            SequencePart::Player(name) => self.players.entry(name).or_default(),
            SequencePart::Lifecycle => &mut self.own_events,
        }
    }

    /// All sequences, each with its part.
    fn into_sequences(self) -> impl Iterator<Item = (SequencePart, EventSequence)> {
        let own = [
            (SequencePart::Lifecycle, self.own_events),
            (SequencePart::Stdout, self.stdout),
            (SequencePart::Stderr, self.stderr),
        ];
        own.into_iter()
            .chain(self.players.into_iter().map(|(name, moves)| (SequencePart::Player(name), moves)))
    }
}

/// A sequence, as far as both logs have been compared.
#[derive(Debug, Default)]
enum EventSequence {
    /// It has no events so far.
    #[default]
    Unused,
    /// Equal so far; the queue has the events of this side that the other log does not have yet.
    Open(DiffSide, VecDeque<(u64, LogLineRef)>),
    /// It has differed.
    Differs,
}

impl EventSequence {
    /// Takes the next event of a side; returns both lines if it differs from that of the other side.
    fn compare_next(
        &mut self,
        side: DiffSide,
        hash: u64,
        here: &CurrentLine<'_>,
    ) -> Option<PerSide<Option<LogLineRef>>> {
        match self {
            EventSequence::Differs => return None,
            EventSequence::Unused => {
                *self = EventSequence::Open(side, VecDeque::from([(hash, here.to_pending_ref())]))
            }
            EventSequence::Open(waiting, queue) if *waiting == side || queue.is_empty() => {
                *waiting = side;
                queue.push_back((hash, here.to_pending_ref()));
            }
            EventSequence::Open(_, queue) => {
                let (other_hash, other) = queue.pop_front()?;
                if other_hash != hash {
                    *self = EventSequence::Differs;
                    return Some(left_first(side, Some(here.to_shown_ref()), Some(other)));
                }
                if queue.is_empty() {
                    // There may be a million sequences: an empty queue must hold no memory.
                    *queue = VecDeque::new();
                }
            }
        }
        None
    }

    /// Whether an event of this side is already in the queue.
    fn is_waiting(&self, side: DiffSide) -> bool {
        matches!(self, EventSequence::Open(waiting, queue) if *waiting == side && !queue.is_empty())
    }

    /// The first event that only one side has.
    fn take_left_over(&mut self) -> Option<(DiffSide, LogLineRef)> {
        let EventSequence::Open(side, queue) = self else { return None };
        let (_, place) = queue.pop_front()?;
        Some((*side, place))
    }
}

/// The values of this side and of the other, the left one's first.
fn left_first<T>(side: DiffSide, own: T, other: T) -> PerSide<T> {
    match side {
        DiffSide::Left => [own, other],
        DiffSide::Right => [other, own],
    }
}

impl SequenceComparer {
    /// Notes that the other log is at its end: of the rest of this log, only the first event of each
    /// sequence can matter.
    pub(super) fn set_other_ended(&mut self, side: DiffSide, is_other_cut: bool) {
        self.remaining_side = Some((side, is_other_cut));
    }

    /// Takes the next event of a log.
    pub(super) fn add_event(&mut self, side: DiffSide, event: &Event<'_>, here: &CurrentLine<'_>) {
        let found = &mut self.findings;
        let is_alone = self.remaining_side.is_some();
        let hash = || ComparableFields::from_event(event).hash();
        match event_owner(event) {
            EventOwner::Ignored => {}
            EventOwner::Timeline => {
                if !(is_alone && self.timeline.is_waiting(side)) {
                    found.compare_next(|| SequenceName::Timeline, &mut self.timeline, (side, hash(), here));
                }
            }
            EventOwner::Source(source) => {
                let ends = ends_source(&self.sources, side, source, event);
                let identity = self.sources.identify(side, source, event);
                let row = self.by_identity.entry(Rc::clone(&identity)).or_default();
                row.numbers[side as usize] = Some(source);
                let numbers = row.numbers;
                let name = || SequenceName::Source((*identity).clone(), numbers, part_of(event));
                let sequence = row.sequence(event);
                if !(is_alone && sequence.is_waiting(side)) {
                    found.compare_next(name, sequence, (side, hash(), here));
                }
                if ends {
                    self.sources.forget(side, source);
                    self.end_source(side, &identity);
                }
            }
        }
    }

    /// Notes that a source has ended in a log.
    fn end_source(&mut self, side: DiffSide, identity: &Rc<SourceIdentity>) {
        let Some(row) = self.by_identity.get_mut(identity) else { return };
        row.has_ended[side as usize] = true;
        if (row.has_ended == [true; 2] || self.remaining_side.is_some())
            && let Some(row) = self.by_identity.remove(identity)
        {
            let mut is_cut = [false; 2];
            if let Some((side, is_other_cut)) = self.remaining_side {
                is_cut[side.other() as usize] = is_other_cut;
            }
            self.findings.close_source(identity, row, is_cut);
        }
    }

    /// Ends the comparison: both logs are at their ends, or where they were cut.
    pub(super) fn finish(mut self, is_cut: PerSide<bool>) -> SequenceFindings {
        self.findings.record_left_over(|| SequenceName::Timeline, &mut self.timeline, is_cut);
        for (identity, row) in self.by_identity {
            self.findings.close_source(&identity, row, is_cut);
        }
        self.findings
    }
}

impl SequenceFindings {
    /// Takes the next event of a sequence.
    fn compare_next(
        &mut self,
        name: impl FnOnce() -> SequenceName,
        sequence: &mut EventSequence,
        (side, hash, here): (DiffSide, u64, &CurrentLine<'_>),
    ) {
        self.sequences += u64::from(matches!(sequence, EventSequence::Unused));
        if let Some(places) = sequence.compare_next(side, hash, here) {
            self.record_difference(name, places);
        }
    }

    /// Ends the sequences of a source.
    fn close_source(&mut self, identity: &SourceIdentity, row: SourceSequences, is_cut: PerSide<bool>) {
        let numbers = row.numbers;
        for (part, mut sequence) in row.into_sequences() {
            let name = || SequenceName::Source(identity.clone(), numbers, part);
            self.record_left_over(name, &mut sequence, is_cut);
        }
    }

    /// Events that the other log does not have are a difference, unless the other log was cut short.
    fn record_left_over(
        &mut self,
        name: impl FnOnce() -> SequenceName,
        sequence: &mut EventSequence,
        is_cut: PerSide<bool>,
    ) {
        if let Some((side, place)) = sequence.take_left_over()
            && !is_cut[side.other() as usize]
        {
            self.record_difference(name, left_first(side, Some(place), None));
        }
    }
}

/// The source, player or timeline to which an event belongs.
enum EventOwner {
    /// It does not count.
    Ignored,
    Timeline,
    Source(Source),
}

/// The part of its source that an event belongs to.
fn part_of(event: &Event<'_>) -> SequencePart {
    if let Event::Lines { stream, .. } = event {
        match stream {
            OutputStream::Stdout => SequencePart::Stdout,
            OutputStream::Stderr => SequencePart::Stderr,
        }
    } else if let Event::Move { player, .. }
    | Event::Step { player, .. }
    | Event::StepEnded { player, .. }
    | Event::PlayerEnded { player, .. } = event
    {
        SequencePart::Player(player.to_string())
    } else {
        SequencePart::Lifecycle
    }
}

fn event_owner(event: &Event<'_>) -> EventOwner {
    match *event {
        // A pause is only a matter of time.
        Event::RunStarted { .. }
        | Event::ClockTick { .. }
        // Positions follow from the moves, and the moments of states are only a matter of time.
        | Event::WorldState { .. }
        // When a line has not ended yet is a matter of time too, and the line follows.
        | Event::UnfinishedText { .. }
        | Event::LineMatched { .. }
        // How often an entry tries is a matter of time too.
        | Event::EntryRetried { .. }
        // So is what passes on a link.
        | Event::LinkOpened { .. }
        | Event::LinkClosed { .. }
        | Event::RunPaused
        | Event::RunResumed { .. }
        | Event::SpawnSuspended { .. }
        | Event::SpawnResumed { .. }
        | Event::SpawnSampled { .. } => EventOwner::Ignored,
        Event::TypedInput { .. }
        | Event::Mark { .. }
        | Event::EntrySkipped { .. }
        | Event::LinkChanged { .. }
        | Event::Deadlock { .. }
        | Event::Expect(_)
        | Event::RunFinished(_) => EventOwner::Timeline,
        Event::Sent { source, .. } | Event::Signalled { source, .. } | Event::Stopping { source, .. } => {
            source.map_or(EventOwner::Timeline, EventOwner::Source)
        }
        Event::SpawnStarted { source, .. }
        | Event::SpawnReady { source }
        | Event::SpawnUnhealthy { source, .. }
        | Event::StopFailed { source, .. }
        | Event::SpawnRestarted { source, .. }
        | Event::Move { source, .. }
        | Event::PlayerJoined { source, .. }
        | Event::PlayerLeft { source }
        | Event::Step { source, .. }
        | Event::StepEnded { source, .. }
        | Event::PlayerEnded { source, .. }
        | Event::Lines { source, .. }
        | Event::SpawnExited { source, .. }
        | Event::SpawnFailed { source, .. }
        | Event::FetchStarted { source, .. }
        | Event::FetchResponded { source, .. }
        | Event::FetchLine { source, .. }
        | Event::FetchFinished { source, .. }
        | Event::FetchFailed { source, .. } => EventOwner::Source(source),
    }
}

/// Whether this event is the last one of its source: its end, or that it could not start.
fn ends_source(sources: &SourceIdentities, side: DiffSide, source: Source, event: &Event<'_>) -> bool {
    let is_end = matches!(
        event,
        Event::SpawnExited { .. }
            | Event::FetchFinished { .. }
            | Event::FetchFailed { .. }
            | Event::PlayerLeft { .. }
    );
    is_end || matches!(event, Event::SpawnFailed { .. }) && !sources.is_running(side, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::SpawnExit;
    use scenario_log::reader::LogReader;
    use scenario_log::time::Moment;

    #[test]
    fn what_has_ended_in_both_logs_is_forgotten() {
        let first = br#"{"seq":0,"t":0.000000000,"event":"run.started","format":1}"#;
        let log = [&first[..], b"\n"].concat();
        let mut reader = LogReader::new(&log[..]);
        let line = reader.peek().unwrap().unwrap();
        let here = CurrentLine { line: &line, offset: 0, is_gone_once_read: false };
        let mut sequences = SequenceComparer::default();
        for number in 1..=100 {
            let (source, due) = (Source::Spawn(number), Moment::ZERO);
            let start = Event::SpawnStarted { due, source, preset: "p", entry: None, pid: None };
            let exit = Event::SpawnExited {
                source,
                exit: SpawnExit::Code(0),
                ok: true,
                running: 0,
                held: false,
                killed: false,
                skipped: 0,
                again: false,
                reason: None,
                restarts_in: None,
                usage: Default::default(),
            };
            for event in [start, exit] {
                for side in DiffSide::BOTH {
                    sequences.add_event(side, &event, &here);
                }
            }
            assert!(sequences.by_identity.is_empty());
        }
        let found = sequences.finish([false; 2]);
        assert_eq!((found.sequences, found.differing), (100, 0));
    }
}
