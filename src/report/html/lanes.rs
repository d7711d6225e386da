//! What ran, in lanes: a group for each entry's spawns of a preset or requests of a job (a wave), a
//! lane for each of its first sources and for the first that went wrong, and one lane in which all
//! others are gathered.
//!
//! Its size is known whatever the log has: groups and lanes beyond a number are gathered, single moves
//! and lines are [sampled](super::sample), and how many there were when is always counted.

use std::collections::BTreeMap;

use crate::report::html::sample::{PointSample, SamplePoint, thin_samples};
use crate::report::html::text::escaped_size;
use crate::report::metrics::time_series::TimeSeries;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// How many groups there are; what is of further ones is in one of them.
const MAX_GROUPS: usize = 200;
/// How many sources of a group have a lane of their own, and how many more that went wrong.
const MAX_OWN_LANES: usize = 100;
const MAX_OWN_FAILED_LANES: usize = 50;
/// What lanes may take on the page in all, and single moves, and single lines; in bytes.
const MAX_LANES_BYTES: usize = 700_000;
const MAX_MOVES_BYTES: usize = 700_000;
const MAX_LINES_BYTES: usize = 1_300_000;
/// What a lane takes beside its words, about.
const LANE_BYTES: usize = 170;
/// Into how many parts of the run things are counted.
const MAX_BUCKETS: usize = 512;

/// Whether something is a spawn or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LaneKind {
    Spawn,
    Fetch,
}

/// How something ended, or that it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BarState {
    Ok,
    Failed,
    Open,
}

impl BarState {
    /// The state of something that ended, as expected or not.
    pub(super) fn from_ok(ok: bool) -> BarState {
        if ok { BarState::Ok } else { BarState::Failed }
    }
}

/// The sources that one entry started of one preset or job.
#[derive(Debug)]
pub(super) struct LaneGroup {
    pub(super) kind: LaneKind,
    /// The preset or job.
    pub(super) name: String,
    /// The entry; none for what was typed.
    pub(super) entry: Option<String>,
    pub(super) count: u64,
    pub(super) failed: u64,
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) starts: TimeSeries,
    pub(super) ends: TimeSeries,
    pub(super) failures: TimeSeries,
    own_lanes: usize,
    own_failed_lanes: usize,
    /// The lane of all that have none of their own.
    pub(super) shared_lane: Option<usize>,
}

/// One source from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct LaneBar {
    pub(super) source: Source,
    pub(super) start: Moment,
    /// When it was ready, or answered.
    pub(super) mid: Option<Moment>,
    pub(super) end: Option<Moment>,
    pub(super) state: BarState,
    /// What is said of it: its request, how it ended.
    pub(super) text: Box<str>,
    /// The line of the log with its start, from 1.
    pub(super) line: u64,
}

/// A lane.
#[derive(Debug)]
pub(super) struct TimelineLane {
    pub(super) group: usize,
    /// None for the lane in which others are gathered.
    pub(super) bar: Option<LaneBar>,
    pub(super) moves: PointSample,
    pub(super) lines: PointSample,
    /// How many moves and lines there were when.
    pub(super) events: TimeSeries,
}

/// Groups and lanes of a run.
#[derive(Debug, Default)]
pub(super) struct TimelineLanes {
    pub(super) groups: Vec<LaneGroup>,
    pub(super) lanes: Vec<TimelineLane>,
    by_key: BTreeMap<(LaneKind, String, Option<String>), usize>,
    lanes_size: usize,
    moves_size: usize,
    lines_size: usize,
    /// How many sources have no lane of their own.
    pub(super) without_lane: u64,
}

impl TimelineLanes {
    /// The group of what an entry asked for of a preset or job.
    pub(super) fn group(&mut self, kind: LaneKind, of: &str, entry: Option<String>, t: Moment) -> usize {
        let mut key = (kind, of.to_owned(), entry);
        if let Some(group) = self.by_key.get(&key) {
            return *group;
        }
        if self.groups.len() >= MAX_GROUPS {
            key = (kind, "(all others)".to_owned(), None);
            if let Some(group) = self.by_key.get(&key) {
                return *group;
            }
        }
        let course = || TimeSeries::with_max_buckets(MAX_BUCKETS);
        self.groups.push(LaneGroup {
            kind,
            name: key.1.clone(),
            entry: key.2.clone(),
            count: 0,
            failed: 0,
            first: t,
            last: t,
            starts: course(),
            ends: course(),
            failures: course(),
            own_lanes: 0,
            own_failed_lanes: 0,
            shared_lane: None,
        });
        self.by_key.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Starts a source, and gives its lane: its own, or the one in which others are gathered.
    pub(super) fn start(&mut self, group: usize, bar: &LaneBar) -> usize {
        let of = &mut self.groups[group];
        of.count += 1;
        of.starts.add(bar.start);
        if of.own_lanes < MAX_OWN_LANES && self.lanes_size < MAX_LANES_BYTES {
            of.own_lanes += 1;
            return self.push_own(group, bar.clone());
        }
        self.without_lane += 1;
        if let Some(lane) = of.shared_lane {
            return lane;
        }
        of.shared_lane = Some(self.lanes.len());
        self.push(group, None)
    }

    fn push_own(&mut self, group: usize, bar: LaneBar) -> usize {
        self.lanes_size += LANE_BYTES + escaped_size(&bar.text);
        self.push(group, Some(bar))
    }

    fn push(&mut self, group: usize, bar: Option<LaneBar>) -> usize {
        let (moves, lines) = (PointSample::default(), PointSample::default());
        self.lanes.push(TimelineLane {
            group,
            bar,
            moves,
            lines,
            events: TimeSeries::with_max_buckets(MAX_BUCKETS),
        });
        self.lanes.len() - 1
    }

    /// Something has become ready, or was answered.
    pub(super) fn set_mid(&mut self, lane: usize, t: Moment) {
        if let Some(bar) = &mut self.lanes[lane].bar {
            bar.mid = Some(t);
        }
    }

    /// Ends a source with all that is known of it; one that went wrong may get a lane of its own now.
    pub(super) fn end(&mut self, lane: usize, ended: LaneBar, t: Moment) {
        let group = self.lanes[lane].group;
        let of = &mut self.groups[group];
        of.ends.add(t);
        of.last = of.last.max(t);
        let is_wrong = ended.state == BarState::Failed;
        if is_wrong {
            of.failed += 1;
            of.failures.add(t);
        }
        if let Some(bar) = &mut self.lanes[lane].bar {
            self.lanes_size += escaped_size(&ended.text);
            *bar = LaneBar { mid: bar.mid.or(ended.mid), ..ended };
        } else if is_wrong && of.own_failed_lanes < MAX_OWN_FAILED_LANES && self.lanes_size < MAX_LANES_BYTES
        {
            of.own_failed_lanes += 1;
            self.without_lane -= 1;
            self.push_own(group, ended);
        }
    }

    /// A player has moved.
    pub(super) fn add_move(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> SamplePoint) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.moves_size += lane.moves.offer(point);
        if self.moves_size > MAX_MOVES_BYTES {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.moves).collect();
            self.moves_size = thin_samples(&mut all, self.moves_size, MAX_MOVES_BYTES);
        }
    }

    /// A source has written a line, or something else was seen of it.
    pub(super) fn add_line(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> SamplePoint) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.lines_size += lane.lines.offer(point);
        if self.lines_size > MAX_LINES_BYTES {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.lines).collect();
            self.lines_size = thin_samples(&mut all, self.lines_size, MAX_LINES_BYTES);
        }
    }

    /// How many moves, and how many lines, there were, and how many of them are kept one by one.
    pub(super) fn kept_counts(&self) -> [(u64, u64); 2] {
        let of = |sample: fn(&TimelineLane) -> &PointSample| {
            let samples = self.lanes.iter().map(sample);
            samples.fold((0, 0), |(seen, kept), sample| {
                (seen + sample.total(), kept + sample.kept().len() as u64)
            })
        };
        [of(|lane| &lane.moves), of(|lane| &lane.lines)]
    }
}
