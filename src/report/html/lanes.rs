//! Everything that ran, in lanes: a group for the spawns of a preset or the requests of a job that one
//! entry started (a wave), a lane for each of its first sources and for the first that failed, and one lane
//! that all others share.
//!
//! Its size is bounded whatever the log contains: groups and lanes beyond a limit are merged, and single
//! moves and lines are [sampled](super::sample). The counts over time are always complete.

use std::collections::BTreeMap;

use crate::report::html::sample::{PointSample, SamplePoint, thin_samples};
use crate::report::html::text::escaped_size;
use crate::report::metrics::time_series::TimeSeries;
use scenario_log::event::Source;
use scenario_log::time::Moment;

/// How many groups there are at most; further ones share one group.
const MAX_GROUPS: usize = 200;
/// How many sources of a group have a lane of their own, and how many more that failed.
const MAX_OWN_LANES: usize = 100;
const MAX_OWN_FAILED_LANES: usize = 50;
/// How many bytes lanes, single moves and single lines may each take on the page in all.
const MAX_LANES_BYTES: usize = 700_000;
const MAX_MOVES_BYTES: usize = 700_000;
const MAX_LINES_BYTES: usize = 1_300_000;
/// About how many bytes a lane takes beside its text.
const LANE_BYTES: usize = 170;
/// Into how many parts of the run's time events are counted.
const MAX_BUCKETS: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LaneKind {
    Spawn,
    Fetch,
}

/// The state of a source's bar. `Open` means that the log has no end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BarState {
    Ok,
    Failed,
    Open,
}

impl BarState {
    /// The state of a source that has ended, as expected or not.
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
    /// The lane that all sources without a lane of their own share.
    pub(super) shared_lane: Option<usize>,
}

/// One source from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct LaneBar {
    pub(super) source: Source,
    pub(super) start: Moment,
    /// When it was ready, or its answer began.
    pub(super) mid: Option<Moment>,
    pub(super) end: Option<Moment>,
    pub(super) state: BarState,
    /// Its request, and how it ended.
    pub(super) text: Box<str>,
    /// The line of the log with its start, counted from 1.
    pub(super) line: u64,
}

#[derive(Debug)]
pub(super) struct TimelineLane {
    pub(super) group: usize,
    /// None for the lane that several sources share.
    pub(super) bar: Option<LaneBar>,
    pub(super) moves: PointSample,
    pub(super) lines: PointSample,
    /// Moves and lines over time.
    pub(super) events: TimeSeries,
}

/// The groups and lanes of a run.
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
    /// The group of what an entry started of a preset or job. A new group begins at `t`.
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
        let series = || TimeSeries::with_max_buckets(MAX_BUCKETS);
        self.groups.push(LaneGroup {
            kind,
            name: key.1.clone(),
            entry: key.2.clone(),
            count: 0,
            failed: 0,
            first: t,
            last: t,
            starts: series(),
            ends: series(),
            failures: series(),
            own_lanes: 0,
            own_failed_lanes: 0,
            shared_lane: None,
        });
        self.by_key.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// Starts a source, and returns its lane: its own, or the one that several share.
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

    /// Notes that a source is ready, or that its answer has begun.
    pub(super) fn set_mid(&mut self, lane: usize, t: Moment) {
        if let Some(bar) = &mut self.lanes[lane].bar {
            bar.mid = Some(t);
        }
    }

    /// Ends a source. One that failed may get a lane of its own only now.
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

    /// Adds a move or step of a player.
    pub(super) fn add_move(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> SamplePoint) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.moves_size += lane.moves.offer(point);
        if self.moves_size > MAX_MOVES_BYTES {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.moves).collect();
            self.moves_size = thin_samples(&mut all, self.moves_size, MAX_MOVES_BYTES);
        }
    }

    /// Adds a line that a source wrote, or another event of it.
    pub(super) fn add_line(&mut self, lane: usize, t: Moment, point: impl FnOnce() -> SamplePoint) {
        let lane = &mut self.lanes[lane];
        lane.events.add(t);
        self.lines_size += lane.lines.offer(point);
        if self.lines_size > MAX_LINES_BYTES {
            let mut all: Vec<_> = self.lanes.iter_mut().map(|lane| &mut lane.lines).collect();
            self.lines_size = thin_samples(&mut all, self.lines_size, MAX_LINES_BYTES);
        }
    }

    /// For moves and for lines: how many there were, and how many of them are kept one by one.
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
