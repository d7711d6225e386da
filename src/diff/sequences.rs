//! The sequences of two runs, compared event by event while both logs are read.
//!
//! # How it works
//!
//! Each sequence has a queue of what one log has told and the other has not yet. An event that comes
//! in from the other log must be the one that has waited longest. A sequence that has differed is not
//! looked at again, and what belongs to a source is forgotten when both logs have told its end.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::diff::comparable_fields::Counting;
use crate::diff::line_ref::Here;
use crate::diff::source_identity::{Identity, Origin, Part, SequenceName, Sources};
use crate::diff::{Difference, Pair, Place, Side};
use scenario_log::event::{Event, Source, Stream};

/// All sequences that are open.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    sources: Sources,
    timeline: Sequence,
    rows: BTreeMap<Rc<Identity>, Row>,
    /// The side that goes on, once the other log is at its end, and whether that one was cut short.
    alone: Option<(Side, bool)>,
    found: Found,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The difference that comes first in the left log.
    pub(super) first: Option<Difference>,
    /// How many sequences there are.
    pub(super) sequences: u64,
    /// How many of them differ.
    pub(super) differing: u64,
}

impl Found {
    fn differs(&mut self, name: impl FnOnce() -> SequenceName, places: Pair<Option<Place>>) {
        self.differing += 1;
        let mut difference = Difference { of: None, places };
        if self.first.as_ref().is_none_or(|first| difference.rank() < first.rank()) {
            difference.of = Some(name());
            self.first = Some(difference);
        }
    }
}

/// The sequences of one source.
#[derive(Debug, Default)]
struct Row {
    numbers: Pair<Option<Source>>,
    has_ended: Pair<bool>,
    itself: Sequence,
    stdout: Sequence,
    stderr: Sequence,
    players: BTreeMap<String, Sequence>,
}

impl Row {
    /// The sequence that an event is of.
    fn sequence(&mut self, event: &Event<'_>) -> &mut Sequence {
        match event {
            Event::Lines { stream: Stream::Stdout, .. } => &mut self.stdout,
            Event::Lines { stream: Stream::Stderr, .. } => &mut self.stderr,
            Event::Move { player, .. } | Event::Step { player, .. } => {
                self.players.entry(player.to_string()).or_default()
            }
            _ => &mut self.itself,
        }
    }

    /// All sequences, with which they are.
    fn into_sequences(self) -> impl Iterator<Item = (Part, Sequence)> {
        let own = [(Part::Itself, self.itself), (Part::Stdout, self.stdout), (Part::Stderr, self.stderr)];
        own.into_iter().chain(self.players.into_iter().map(|(name, moves)| (Part::Player(name), moves)))
    }
}

/// What one log has told and the other has not yet.
#[derive(Debug, Default)]
enum Sequence {
    /// No event is of it so far.
    #[default]
    Unused,
    /// The same so far; what waits is of this side.
    Open(Side, VecDeque<(u64, Place)>),
    /// It has differed.
    Differs,
}

impl Sequence {
    /// Takes the next event of a side; the two places if it is another than that of the other side.
    fn take(&mut self, side: Side, hash: u64, here: &Here<'_>) -> Option<Pair<Option<Place>>> {
        match self {
            Sequence::Differs => return None,
            Sequence::Unused => *self = Sequence::Open(side, VecDeque::from([(hash, here.remembered())])),
            Sequence::Open(waiting, queue) if *waiting == side || queue.is_empty() => {
                *waiting = side;
                queue.push_back((hash, here.remembered()));
            }
            Sequence::Open(_, queue) => {
                let (other_hash, other) = queue.pop_front()?;
                if other_hash != hash {
                    *self = Sequence::Differs;
                    return Some(in_order(side, Some(here.shown()), Some(other)));
                }
                if queue.is_empty() {
                    // There may be a million sequences: one with nothing in it holds nothing.
                    *queue = VecDeque::new();
                }
            }
        }
        None
    }

    /// Whether an event of this side waits for the other already.
    fn waits(&self, side: Side) -> bool {
        matches!(self, Sequence::Open(waiting, queue) if *waiting == side && !queue.is_empty())
    }

    /// The first event that only one side has.
    fn left_over(&mut self) -> Option<(Side, Place)> {
        let Sequence::Open(side, queue) = self else { return None };
        let (_, place) = queue.pop_front()?;
        Some((*side, place))
    }
}

/// What is of this side and what is of the other, the left one's first.
fn in_order<T>(side: Side, own: T, other: T) -> Pair<T> {
    match side {
        Side::Left => [own, other],
        Side::Right => [other, own],
    }
}

impl Sequences {
    /// The other log is at its end: of what this one still tells, the first event of each sequence is
    /// all that can matter.
    pub(super) fn go_on_alone(&mut self, side: Side, is_other_cut: bool) {
        self.alone = Some((side, is_other_cut));
    }

    /// Takes the next event of a log.
    pub(super) fn take(&mut self, side: Side, event: &Event<'_>, here: &Here<'_>) {
        let found = &mut self.found;
        let is_alone = self.alone.is_some();
        let hash = || Counting::of(event).hash();
        match source_of(event) {
            Of::Nothing => {}
            Of::Timeline => {
                if !(is_alone && self.timeline.waits(side)) {
                    found.take(|| SequenceName::Timeline, &mut self.timeline, (side, hash(), here));
                }
            }
            Of::Source(source) => {
                let identity = self.sources.of(side, source, event);
                let row = self.rows.entry(Rc::clone(&identity)).or_default();
                row.numbers[side as usize] = Some(source);
                let numbers = row.numbers;
                let name = || SequenceName::Of((*identity).clone(), numbers, part_of(event));
                let sequence = row.sequence(event);
                if !(is_alone && sequence.waits(side)) {
                    found.take(name, sequence, (side, hash(), here));
                }
                if ends(event, &identity) {
                    self.sources.forget(side, source);
                    self.end(side, &identity);
                }
            }
        }
    }

    /// A log has told the end of a source.
    fn end(&mut self, side: Side, identity: &Rc<Identity>) {
        let Some(row) = self.rows.get_mut(identity) else { return };
        row.has_ended[side as usize] = true;
        if (row.has_ended == [true; 2] || self.alone.is_some())
            && let Some(row) = self.rows.remove(identity)
        {
            let mut is_cut = [false; 2];
            if let Some((side, is_other_cut)) = self.alone {
                is_cut[side.other() as usize] = is_other_cut;
            }
            self.found.close(identity, row, is_cut);
        }
    }

    /// Both logs are at their end, or where they were cut: there is nothing to wait for.
    pub(super) fn finish(mut self, is_cut: Pair<bool>) -> Found {
        self.found.left_over(|| SequenceName::Timeline, &mut self.timeline, is_cut);
        for (identity, row) in self.rows {
            self.found.close(&identity, row, is_cut);
        }
        self.found
    }
}

impl Found {
    /// The next event of a sequence.
    fn take(
        &mut self,
        name: impl FnOnce() -> SequenceName,
        sequence: &mut Sequence,
        (side, hash, here): (Side, u64, &Here<'_>),
    ) {
        self.sequences += u64::from(matches!(sequence, Sequence::Unused));
        if let Some(places) = sequence.take(side, hash, here) {
            self.differs(name, places);
        }
    }

    /// Nothing more comes of a source.
    fn close(&mut self, identity: &Identity, row: Row, is_cut: Pair<bool>) {
        let numbers = row.numbers;
        for (part, mut sequence) in row.into_sequences() {
            let name = || SequenceName::Of(identity.clone(), numbers, part);
            self.left_over(name, &mut sequence, is_cut);
        }
    }

    /// What waits for the other log is missing there, unless that one was cut short.
    fn left_over(
        &mut self,
        name: impl FnOnce() -> SequenceName,
        sequence: &mut Sequence,
        is_cut: Pair<bool>,
    ) {
        if let Some((side, place)) = sequence.left_over()
            && !is_cut[side.other() as usize]
        {
            self.differs(name, in_order(side, Some(place), None));
        }
    }
}

/// Whose an event is.
enum Of {
    /// It does not count.
    Nothing,
    Timeline,
    Source(Source),
}

/// Which sequence of its source an event is of.
fn part_of(event: &Event<'_>) -> Part {
    match event {
        Event::Lines { stream: Stream::Stdout, .. } => Part::Stdout,
        Event::Lines { stream: Stream::Stderr, .. } => Part::Stderr,
        Event::Move { player, .. } | Event::Step { player, .. } => Part::Player(player.to_string()),
        _ => Part::Itself,
    }
}

fn source_of(event: &Event<'_>) -> Of {
    match *event {
        // A pause is a matter of time alone.
        Event::RunStarted { .. }
        | Event::ClockTick { .. }
        // Where players are follows from their moves, and when that is told is a matter of time.
        | Event::WorldState { .. }
        | Event::RunPaused
        | Event::RunResumed { .. }
        | Event::SpawnSuspended { .. }
        | Event::SpawnResumed { .. } => Of::Nothing,
        Event::Input { .. }
        | Event::Mark { .. }
        | Event::Deadlock { .. }
        | Event::Expect(_)
        | Event::RunFinished(_) => Of::Timeline,
        Event::Sent { source, .. } | Event::Stopping { source, .. } => {
            source.map_or(Of::Timeline, Of::Source)
        }
        Event::SpawnStarted { source, .. }
        | Event::SpawnReady { source }
        | Event::Move { source, .. }
        | Event::PlayerJoined { source, .. }
        | Event::PlayerLeft { source }
        | Event::Step { source, .. }
        | Event::Lines { source, .. }
        | Event::SpawnExited { source, .. }
        | Event::SpawnFailed { source, .. }
        | Event::FetchStarted { source, .. }
        | Event::FetchResponded { source, .. }
        | Event::FetchLine { source, .. }
        | Event::FetchFinished { source, .. }
        | Event::FetchFailed { source, .. } => Of::Source(source),
    }
}

/// Whether nothing of its source comes behind this event.
fn ends(event: &Event<'_>, identity: &Identity) -> bool {
    match event {
        Event::SpawnExited { .. }
        | Event::FetchFinished { .. }
        | Event::FetchFailed { .. }
        | Event::PlayerLeft { .. } => true,
        Event::SpawnFailed { .. } => identity.origin == Origin::NotStarted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::Exit;
    use scenario_log::reader::Reader;
    use scenario_log::time::Moment;

    #[test]
    fn what_has_ended_in_both_logs_is_forgotten() {
        let first = br#"{"seq":0,"t":0.000000000,"event":"run.started","format":1}"#;
        let log = [&first[..], b"\n"].concat();
        let mut reader = Reader::new(&log[..]);
        let line = reader.peek().unwrap().unwrap();
        let here = Here { line: &line, offset: 0, is_gone_once_read: false };
        let mut sequences = Sequences::default();
        for number in 1..=100 {
            let (source, due) = (Source::Spawn(number), Moment::ZERO);
            let start = Event::SpawnStarted { due, source, preset: "p", entry: None, pid: None };
            let exit = Event::SpawnExited {
                source,
                exit: Exit::Code(0),
                ok: true,
                running: 0,
                held: false,
                skipped: 0,
            };
            for event in [start, exit] {
                for side in Side::BOTH {
                    sequences.take(side, &event, &here);
                }
            }
            assert!(sequences.rows.is_empty());
        }
        let found = sequences.finish([false; 2]);
        assert_eq!((found.sequences, found.differing), (100, 0));
    }
}
