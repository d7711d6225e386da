//! The lanes of the live page: one for each spawn and each request from its start to its end, and one for
//! each load, whose requests are too many to be shown one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use crate::report::feed::LogEvent;
use crate::report::metrics::source_metrics::UNNAMED;
use crate::report::origins::{OriginGroup, OriginKind, SourceOrigin, is_ok_or_tried_again};
use crate::web::page::lane_usage::LaneUsage;
use crate::web::page::moment_to_seconds;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::{Event, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::Moment;

/// How many lanes there are at most; of those that have ended, the first make room.
const MAX_LANES: usize = 300;

#[derive(Clone, Debug, Serialize)]
pub(super) struct LiveLane {
    kind: LiveLaneKind,
    label: String,
    entry: Option<String>,
    from: f64,
    ready: Option<f64>,
    to: Option<f64>,
    is_ok: Option<bool>,
    end: Option<String>,
    /// Only of a load: how many of its requests have ended, and how many of these with a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<u64>,
    /// Only of a program that says it: what it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<LaneUsage>,
    #[serde(skip)]
    in_flight: u64,
    #[serde(skip)]
    is_changed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LiveLaneKind {
    Spawn,
    Request,
    Load,
}

/// Some of the lanes, by their keys; null for a lane that has made room.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct LaneChanges<'a>(BTreeMap<&'a str, Option<&'a LiveLane>>);

/// All lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveLanes {
    lanes: BTreeMap<String, LiveLane>,
    /// The lanes that have ended, in that order: they make room.
    ended: VecDeque<String>,
    /// The lanes that have been removed since the last change.
    removed: Vec<String>,
    /// The sources that run without a lane, since there were too many at once.
    laneless: BTreeSet<Source>,
    /// The fetches that are loads.
    loads: Vec<String>,
    running_counts: [u64; 2],
    without_lane: u64,
}

impl LiveLanes {
    /// The lanes of a run of this scenario: none yet.
    pub(super) fn from_scenario(scenario: &Scenario) -> LiveLanes {
        let loads = scenario.fetches.iter().filter(|job| job.load.is_some());
        LiveLanes { loads: loads.map(|job| job.name.clone()).collect(), ..LiveLanes::default() }
    }

    pub(super) fn on_event(&mut self, logged: &LogEvent<'_, '_>, event: &Event<'_>) {
        let LogEvent { t, origin, .. } = *logged;
        let is_ok = |ok: bool| is_ok_or_tried_again(ok, origin);
        match *event {
            Event::SpawnStarted { source, .. } | Event::FetchStarted { source, .. } => {
                if let Some(origin) = origin {
                    self.start(t, source, &origin.group);
                }
            }
            Event::SpawnReady { source } | Event::FetchResponded { source, .. } => {
                self.change(source, origin, |lane| lane.ready = Some(moment_to_seconds(t)));
            }
            Event::SpawnSampled { source, memory, cpu, .. } => self.change(source, origin, |lane| {
                lane.used = Some(LaneUsage::by_sample(lane.used.as_ref(), t, (memory, cpu)));
            }),
            Event::SpawnExited { source, exit, ok, reason, restarts_in, usage, .. } => {
                if let Some(used) = LaneUsage::by_end(usage) {
                    self.change(source, origin, |lane| lane.used = Some(used));
                }
                // A crash is seen as one, also if the program comes back.
                let is_ok = if restarts_in.is_some() { ok } else { is_ok(ok) };
                self.end(t, source, origin, is_ok, || match reason {
                    Some(reason) => format!("{exit}: {}", sanitize(reason)),
                    None => exit.to_string(),
                });
            }
            Event::SpawnFailed { source, error, .. } if origin.is_some_and(|origin| origin.has_started) => {
                // It runs until it has stopped.
                self.change(source, origin, |lane| lane.end = Some(sanitize(error)));
            }
            Event::SpawnFailed { source, error, .. } => self.add_unstarted(t, source, origin, error),
            Event::FetchFinished { source, fetched, ok, .. } => {
                self.end(t, source, origin, is_ok(ok), || match &fetched.check {
                    Some(check) => format!("{}: {}", fetched.status, sanitize(check)),
                    None => fetched.status.to_string(),
                });
            }
            Event::FetchFailed { source, kind, error, .. } => {
                self.end(t, source, origin, is_ok(false), || format!("{}: {}", kind.name(), sanitize(error)));
            }
            Event::RunStarted { .. }
            | Event::ClockTick { .. }
            | Event::SpawnUnhealthy { .. }
            | Event::StopFailed { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::StepEnded { .. }
            | Event::PlayerEnded { .. }
            | Event::Move { .. }
            | Event::Step { .. }
            | Event::Lines { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            | Event::FetchLine { .. }
            | Event::TypedInput { .. }
            | Event::Mark { .. }
            | Event::EntrySkipped { .. }
            | Event::EntryRetried { .. }
            | Event::Sent { .. }
            | Event::Signalled { .. }
            | Event::Stopping { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::WorldState { .. }
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::LinkChanged { .. }
            | Event::Deadlock { .. }
            | Event::Expect(_)
            | Event::RunFinished(_) => {}
        }
    }

    /// Whether a fetch is a load.
    pub(super) fn is_load(&self, fetch: &str) -> bool {
        self.loads.iter().any(|load| load == fetch)
    }

    /// Whether a source is a request of a load.
    pub(super) fn is_of_load(&self, origin: Option<&SourceOrigin>) -> bool {
        origin.is_some_and(|origin| lane_kind(&origin.group, self) == LiveLaneKind::Load)
    }

    /// How many spawns and how many requests run.
    pub(super) fn running_counts(&self) -> (u64, u64) {
        (self.running_counts[0], self.running_counts[1])
    }

    fn start(&mut self, t: Moment, source: Source, group: &OriginGroup) {
        let kind = lane_kind(group, self);
        self.running_counts[usize::from(kind != LiveLaneKind::Spawn)] += 1;
        let key = self.key(source, group);
        if let Some(load) = self.lanes.get_mut(&key) {
            load.in_flight += 1;
            load.is_changed |= load.to.take().is_some();
        } else if self.make_room() {
            self.lanes.insert(key, LiveLane::new(kind, group, t));
        } else {
            self.without_lane += 1;
            self.laneless.insert(source);
        }
    }

    /// The key of a source's lane. All requests of a load that one entry starts share a lane.
    fn key(&self, source: Source, group: &OriginGroup) -> String {
        match (lane_kind(group, self), &group.entry) {
            (LiveLaneKind::Load, Some(entry)) => format!("load {} of {entry}", group.name),
            (LiveLaneKind::Load, None) => format!("load {}", group.name),
            (LiveLaneKind::Spawn | LiveLaneKind::Request, _) => source.to_string(),
        }
    }

    /// The lane of a source that runs, with its key, if it has one.
    fn lane_mut(&mut self, source: Source, origin: Option<&SourceOrigin>) -> Option<(String, &mut LiveLane)> {
        let group = &origin?.group;
        if self.laneless.contains(&source) {
            return None;
        }
        let key = self.key(source, group);
        self.lanes.get_mut(&key).map(|lane| (key, lane))
    }

    /// Makes room for one more lane: if there are too many, the first one that has ended is removed. False
    /// if there is no room.
    fn make_room(&mut self) -> bool {
        if self.lanes.len() < MAX_LANES {
            return true;
        }
        while let Some(key) = self.ended.pop_front() {
            if self.lanes.get(&key).is_some_and(|lane| lane.in_flight == 0) {
                self.lanes.remove(&key);
                self.removed.push(key);
                return true;
            }
        }
        false
    }

    fn change(&mut self, source: Source, origin: Option<&SourceOrigin>, change: impl FnOnce(&mut LiveLane)) {
        if let Some((_, lane)) = self.lane_mut(source, origin) {
            change(lane);
            lane.is_changed = true;
        }
    }

    fn end(
        &mut self,
        t: Moment,
        source: Source,
        origin: Option<&SourceOrigin>,
        ok: bool,
        how: impl FnOnce() -> String,
    ) {
        if origin.is_none() {
            return;
        }
        let running = &mut self.running_counts[usize::from(matches!(source, Source::Request(_)))];
        *running = running.saturating_sub(1);
        if let Some((key, lane)) = self.lane_mut(source, origin) {
            lane.end(t, ok, how);
            if lane.in_flight == 0 && lane.kind != LiveLaneKind::Load {
                self.ended.push_back(key);
            }
        }
        self.laneless.remove(&source);
    }

    /// Adds the lane of a spawn that could not start.
    fn add_unstarted(&mut self, t: Moment, source: Source, origin: Option<&SourceOrigin>, error: &str) {
        if !self.make_room() {
            self.without_lane += 1;
            return;
        }
        let unnamed = || OriginGroup { kind: OriginKind::Preset, name: UNNAMED.to_owned(), entry: None };
        let group = origin.map_or_else(unnamed, |origin| (*origin.group).clone());
        let mut lane = LiveLane::new(LiveLaneKind::Spawn, &group, t);
        lane.end(t, false, || sanitize(error));
        let key = source.to_string();
        self.lanes.insert(key.clone(), lane);
        self.ended.push_back(key);
    }

    pub(super) fn all(&self) -> LaneChanges<'_> {
        LaneChanges(self.lanes.iter().map(|(key, lane)| (&**key, Some(lane))).collect())
    }

    pub(super) fn changed(&self) -> LaneChanges<'_> {
        let gone = self.removed.iter().map(|key| (&**key, None));
        let changed = self.lanes.iter().filter(|(_, lane)| lane.is_changed);
        LaneChanges(gone.chain(changed.map(|(key, lane)| (&**key, Some(lane)))).collect())
    }

    /// How many sources have had no lane, since there were too many at once.
    pub(super) fn without_lane(&self) -> u64 {
        self.without_lane
    }

    pub(super) fn forget_changes(&mut self) {
        self.removed.clear();
        self.lanes.values_mut().for_each(|lane| lane.is_changed = false);
    }
}

impl LiveLane {
    /// The lane of something that has just started.
    fn new(kind: LiveLaneKind, group: &OriginGroup, t: Moment) -> LiveLane {
        let counted = (kind == LiveLaneKind::Load).then_some(0);
        LiveLane {
            kind,
            label: sanitize(&group.name),
            entry: group.entry.clone(),
            from: moment_to_seconds(t),
            ready: None,
            to: None,
            is_ok: None,
            end: None,
            done: counted,
            wrong: counted,
            used: None,
            in_flight: 1,
            is_changed: true,
        }
    }

    /// Ends one of the sources of the lane.
    fn end(&mut self, t: Moment, ok: bool, how: impl FnOnce() -> String) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.is_changed = true;
        if let (Some(done), Some(wrong)) = (&mut self.done, &mut self.wrong) {
            *done += 1;
            *wrong += u64::from(!ok);
            self.is_ok = Some(*wrong == 0);
        } else {
            self.is_ok = Some(ok && self.end.is_none());
            self.end.get_or_insert_with(how);
        }
        if self.in_flight == 0 {
            self.to = Some(moment_to_seconds(t));
        }
    }
}

fn lane_kind(group: &OriginGroup, lanes: &LiveLanes) -> LiveLaneKind {
    match group.kind {
        OriginKind::Preset => LiveLaneKind::Spawn,
        OriginKind::Job if lanes.is_load(&group.name) => LiveLaneKind::Load,
        OriginKind::Job => LiveLaneKind::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::feed::with_origin;
    use crate::report::logged_scenario::scenario_of;
    use crate::report::origins::SourceTracker;
    use scenario_log::event::EntryName;
    use scenario_log::event::SpawnExit;

    #[derive(Default)]
    struct Run {
        lanes: LiveLanes,
        sources: SourceTracker,
    }

    impl Run {
        fn event(&mut self, t: u64, event: &Event<'_>) {
            with_origin(&mut self.sources, (1, Moment(t)), Some(event), |logged| {
                self.lanes.on_event(logged, event)
            });
        }

        fn start(&mut self, number: u32) {
            let (due, source) = (Moment(0), Source::Spawn(number));
            let entry = Some(EntryName::Number(1));
            self.event(1, &Event::SpawnStarted { due, source, preset: "p", entry, pid: None });
        }

        fn end(&mut self, number: u32) {
            let (source, exit) = (Source::Spawn(number), SpawnExit::Code(3));
            let exited = Event::SpawnExited {
                source,
                exit,
                ok: false,
                running: 0,
                held: false,
                killed: false,
                skipped: 0,
                again: false,
                reason: None,
                restarts_in: None,
                usage: Default::default(),
            };
            self.event(2, &exited);
        }
    }

    #[test]
    fn those_that_ended_first_make_room_and_those_that_run_do_not() {
        let mut run = Run::default();
        let most = u32::try_from(MAX_LANES).unwrap();
        (1..=most).for_each(|number| run.start(number));
        run.end(7);
        run.lanes.forget_changes();
        run.start(most + 1);
        run.start(most + 2);
        let lanes = &run.lanes;
        let changed = lanes.changed().0;
        assert!(changed["ps#7"].is_none() && changed[&*format!("ps#{}", most + 1)].is_some());
        assert_eq!((changed.len(), lanes.all().0.len(), lanes.without_lane()), (2, MAX_LANES, 1));
        assert_eq!(lanes.running_counts(), (u64::from(most) + 1, 0), "one without a lane runs as well");
        run.end(most + 2);
        assert!(run.lanes.laneless.is_empty());
    }

    #[test]
    fn a_load_has_one_lane_however_many_its_requests() {
        let file = "[fetches]\nload = { urls = [\"http://localhost/\"], rate = \"9/s\", for = \"1s\" }\n\
                    one = { urls = [\"http://localhost/\"] }";
        let lanes = LiveLanes::from_scenario(&scenario_of(file));
        assert!(lanes.is_load("load") && !lanes.is_load("one") && !lanes.is_load("none"));
        let mut run = Run { lanes, ..Run::default() };
        for n in 1..=9 {
            let (due, source, entry) = (Moment(0), Source::Request(n), None);
            let (method, url) = ("GET", "http://localhost/");
            run.event(
                0,
                &Event::FetchStarted {
                    due,
                    source,
                    job: "load",
                    entry,
                    player: None,
                    step: None,
                    method,
                    url,
                    row: None,
                    values: None,
                },
            );
            let (kind, error, took) =
                (scenario_log::event::FetchErrorKind::Dns, "no", scenario_log::time::Span(1));
            if n > 1 {
                run.event(
                    5,
                    &Event::FetchFailed { source, kind, error, took, sent: Default::default(), again: false },
                );
            }
        }
        let lanes = &run.lanes;
        let all = lanes.all().0;
        let lane = all["load load"].unwrap();
        assert_eq!((all.len(), lane.done, lane.wrong, lane.to), (1, Some(8), Some(8), None));
        assert_eq!(lanes.running_counts(), (0, 1));
    }
}
