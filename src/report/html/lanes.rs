//! What ran, in lanes: a group for each entry's spawns of a preset or requests of a job (a wave), a
//! lane for each of its first sources and for the first that went wrong, and one lane in which all
//! others are gathered.
//!
//! Its size is known whatever the log has: groups and lanes beyond a number are gathered, single moves
//! and lines are [sampled](super::sample), and how many there were when is always counted.

use std::collections::BTreeMap;

use crate::report::html::sample::{Point, Sample, thin};
use crate::report::html::text::size;
use crate::report::metrics::course::Course;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// How many groups there are; what is of further ones is in one of them.
const GROUPS: usize = 200;
/// How many sources of a group have a lane of their own, and how many more that went wrong.
const OWN: usize = 100;
const OWN_WRONG: usize = 50;
/// What lanes may take on the page in all, and single moves, and single lines; in bytes.
const LANES_SIZE: usize = 700_000;
const MOVES_SIZE: usize = 700_000;
const LINES_SIZE: usize = 1_300_000;
/// What a lane takes beside its words, about.
const LANE: usize = 170;
/// Into how many parts of the run things are counted.
const PARTS: usize = 512;

/// Whether something is a spawn or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Spawn,
    Fetch,
}

/// How something ended, or that it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Wrong,
    Open,
}

/// The sources that one entry started of one preset or job.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: Kind,
    /// The preset or job.
    pub(super) of: String,
    /// The entry; none for what was typed.
    pub(super) entry: Option<String>,
    pub(super) count: u64,
    pub(super) wrong: u64,
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) starts: Course,
    pub(super) ends: Course,
    pub(super) wrongs: Course,
    own: usize,
    own_wrong: usize,
    /// The lane of all that have none of their own.
    pub(super) gathered: Option<usize>,
}

/// One source from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) source: Source,
    pub(super) start: Moment,
    /// When it was ready, or answered.
    pub(super) mid: Option<Moment>,
    pub(super) end: Option<Moment>,
    pub(super) state: State,
    /// What is said of it: its request, how it ended.
    pub(super) words: Box<str>,
    /// The line of the log with its start, from 1.
    pub(super) line: u64,
}

/// A lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) group: usize,
    /// None for the lane in which others are gathered.
    pub(super) bar: Option<Bar>,
    pub(super) moves: Sample,
    pub(super) lines: Sample,
    /// How many moves and lines there were when.
    pub(super) events: Course,
}

/// Groups and lanes of a run.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub(super) groups: Vec<Group>,
    pub(super) lanes: Vec<Lane>,
    by_key: BTreeMap<(Kind, String, Option<String>), usize>,
    lanes_size: usize,
    moves_size: usize,
    lines_size: usize,
    /// How many sources have no lane of their own.
    pub(super) gathered: u64,
}

impl Lanes {
    /// The group of what an entry asked for of a preset or job.
    pub(super) fn group(&mut self, kind: Kind, of: &str, entry: Option<String>, t: Moment) -> usize {
        let mut key = (kind, of.to_owned(), entry);
        if let Some(group) = self.by_key.get(&key) {
            return *group;
        }
        if self.groups.len() >= GROUPS {
            key = (kind, "(all others)".to_owned(), None);
            if let Some(group) = self.by_key.get(&key) {
                return *group;
            }
        }
        let course = || Course::of(PARTS);
        self.groups.push(Group {
            kind,
            of: key.1.clone(),
            entry: key.2.clone(),
            count: 0,
            wrong: 0,
            first: t,
            last: t,
            starts: course(),
            ends: course(),
            wrongs: course(),
            own: 0,
            own_wrong: 0,
            gathered: None,
        });
        self.by_key.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Starts a source, and gives its lane: its own, or the one in which others are gathered.
    pub(super) fn start(&mut self, group: usize, bar: &Bar) -> usize {
        let of = &mut self.groups[group];
        of.count += 1;
        of.starts.add(bar.start);
        if of.own < OWN && self.lanes_size < LANES_SIZE {
            of.own += 1;
            return self.own(group, bar.clone());
        }
        self.gathered += 1;
        if let Some(lane) = of.gathered {
            return lane;
        }
        of.gathered = Some(self.lanes.len());
        self.push(group, None)
    }

    fn own(&mut self, group: usize, bar: Bar) -> usize {
        self.lanes_size += LANE + size(&bar.words);
        self.push(group, Some(bar))
    }

    fn push(&mut self, group: usize, bar: Option<Bar>) -> usize {
        let (moves, lines) = (Sample::default(), Sample::default());
        self.lanes.push(Lane { group, bar, moves, lines, events: Course::of(PARTS) });
        self.lanes.len() - 1
    }

    /// Something has become ready, or was answered.
    pub(super) fn mid(&mut self, lane: usize, t: Moment) {
        if let Some(bar) = &mut self.lanes[lane].bar {
            bar.mid = Some(t);
        }
    }

    /// Ends a source with all that is known of it; one that went wrong may get a lane of its own now.
    pub(super) fn end(&mut self, lane: usize, ended: Bar, t: Moment) {
        let group = self.lanes[lane].group;
        let of = &mut self.groups[group];
        of.ends.add(t);
        of.last = of.last.max(t);
        let is_wrong = ended.state == State::Wrong;
        if is_wrong {
            of.wrong += 1;
            of.wrongs.add(t);
        }
        if let Some(bar) = &mut self.lanes[lane].bar {
            self.lanes_size += size(&ended.words);
            *bar = Bar { mid: bar.mid.or(ended.mid), ..ended };
        } else if is_wrong && of.own_wrong < OWN_WRONG && self.lanes_size < LANES_SIZE {
            of.own_wrong += 1;
            self.gathered -= 1;
            self.own(group, ended);
        }
    }

    /// A player has moved.
    pub(super) fn moved(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> Point) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.moves_size += lane.moves.take(point);
        if self.moves_size > MOVES_SIZE {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.moves).collect();
            self.moves_size = thin(&mut all, self.moves_size, MOVES_SIZE);
        }
    }

    /// A source has written a line, or something else was seen of it.
    pub(super) fn said(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> Point) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.lines_size += lane.lines.take(point);
        if self.lines_size > LINES_SIZE {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.lines).collect();
            self.lines_size = thin(&mut all, self.lines_size, LINES_SIZE);
        }
    }

    /// How many moves, and how many lines, there were, and how many of them are kept one by one.
    pub(super) fn kept(&self) -> [(u64, u64); 2] {
        let of = |sample: fn(&Lane) -> &Sample| {
            let samples = self.lanes.iter().map(sample);
            samples.fold((0, 0), |(seen, kept), sample| {
                (seen + sample.seen(), kept + sample.kept().len() as u64)
            })
        };
        [of(|lane| &lane.moves), of(|lane| &lane.lines)]
    }
}
