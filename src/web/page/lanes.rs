//! What runs, from its start to its end: a lane for each spawn and each request, and one for each load,
//! whose requests are too many to be shown one by one.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use crate::web::page::moment_to_seconds;
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::sanitize::sanitize;
use scenario_log::time::Moment;

/// How many lanes there are at most; those that ended first make room.
const MAX_LANES: usize = 300;

/// A lane.
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
    /// Of a load: how many of its requests have ended, and how many of these badly.
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<u64>,
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

/// Some of them, by their keys; none where one has made room.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct LaneChanges<'a>(BTreeMap<&'a str, Option<&'a LiveLane>>);

/// What runs.
#[derive(Clone, Debug)]
struct RunningLaneSource {
    label: String,
    entry: Option<String>,
    /// Its lane, if it has one.
    lane: Option<String>,
}

/// That something of an entry has ended, and whether as expected.
#[derive(Clone, Debug)]
pub(super) struct EndedSource {
    pub(super) entry: Option<String>,
    pub(super) is_ok: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveLanes {
    lanes: BTreeMap<String, LiveLane>,
    /// Those that have ended, in that order: they make room.
    ended: VecDeque<String>,
    /// Those that have made room since the last change.
    removed: Vec<String>,
    running_sources: HashMap<Source, RunningLaneSource>,
    /// The fetches that are loads.
    loads: Vec<String>,
    running_counts: [u64; 2],
    without_lane: u64,
}

impl LiveLanes {
    /// Those of a resolved scenario: none yet.
    pub(super) fn from_scenario(scenario: &Value) -> LiveLanes {
        let is_load = |fetch: &Value| fetch.get("rate").is_some() || fetch.get("connections").is_some();
        let fetches = scenario["fetches"].as_object().into_iter().flatten();
        let loads = fetches.filter(|(_, fetch)| is_load(fetch)).map(|(name, _)| name.clone()).collect();
        LiveLanes { loads, ..LiveLanes::default() }
    }

    /// Takes an event; what has ended by it comes back.
    pub(super) fn on_event(&mut self, t: Moment, event: &Event<'_>) -> Option<EndedSource> {
        match *event {
            Event::SpawnStarted { source, preset, entry, .. } => {
                self.start(t, source, (LiveLaneKind::Spawn, preset), entry);
                None
            }
            Event::FetchStarted { source, job, entry, .. } => {
                let kind = if self.is_load(job) { LiveLaneKind::Load } else { LiveLaneKind::Request };
                self.start(t, source, (kind, job), entry);
                None
            }
            Event::SpawnReady { source } | Event::FetchResponded { source, .. } => {
                self.change(source, |lane| lane.ready = Some(moment_to_seconds(t)));
                None
            }
            Event::SpawnExited { source, exit, ok, .. } => self.end(t, source, ok, || exit.to_string()),
            Event::SpawnFailed { source, error, .. } => {
                if self.running_sources.contains_key(&source) {
                    // It runs on, until it has stopped.
                    self.change(source, |lane| lane.end = Some(sanitize(error)));
                    return None;
                }
                self.start(t, source, (LiveLaneKind::Spawn, "(not started)"), None);
                self.end(t, source, false, || sanitize(error))
            }
            Event::FetchFinished { source, fetched, ok } => {
                self.end(t, source, ok, || match &fetched.check {
                    Some(check) => format!("{}: {}", fetched.status, sanitize(check)),
                    None => fetched.status.to_string(),
                })
            }
            Event::FetchFailed { source, kind, error, .. } => {
                self.end(t, source, false, || format!("{}: {}", kind.name(), sanitize(error)))
            }
            _ => None,
        }
    }

    /// What a source that runs is of: a preset or a fetch.
    pub(super) fn label(&self, source: Source) -> Option<&str> {
        self.running_sources.get(&source).map(|open| &*open.label)
    }

    /// Whether a fetch is a load.
    pub(super) fn is_load(&self, fetch: &str) -> bool {
        self.loads.iter().any(|load| load == fetch)
    }

    /// Whether a source is a request of a load.
    pub(super) fn is_of_load(&self, source: Source) -> bool {
        matches!(source, Source::Request(_)) && self.label(source).is_some_and(|label| self.is_load(label))
    }

    /// How many spawns run, and how many requests.
    pub(super) fn running_counts(&self) -> (u64, u64) {
        (self.running_counts[0], self.running_counts[1])
    }

    fn start(
        &mut self,
        t: Moment,
        source: Source,
        (kind, of): (LiveLaneKind, &str),
        entry: Option<EntryName<'_>>,
    ) {
        self.running_counts[usize::from(kind != LiveLaneKind::Spawn)] += 1;
        let (label, entry) = (sanitize(of), entry.map(|entry| entry.to_string()));
        let key = match (kind, &entry) {
            (LiveLaneKind::Load, Some(entry)) => format!("load {of} of {entry}"),
            (LiveLaneKind::Load, None) => format!("load {of}"),
            _ => source.to_string(),
        };
        let mut lane = None;
        if let Some(load) = self.lanes.get_mut(&key) {
            load.in_flight += 1;
            load.is_changed |= load.to.take().is_some();
            lane = Some(key);
        } else if self.make_room() {
            let counted = (kind == LiveLaneKind::Load).then_some(0);
            let new = LiveLane {
                kind,
                label: label.clone(),
                entry: entry.clone(),
                from: moment_to_seconds(t),
                ready: None,
                to: None,
                is_ok: None,
                end: None,
                done: counted,
                wrong: counted,
                in_flight: 1,
                is_changed: true,
            };
            self.lanes.insert(key.clone(), new);
            lane = Some(key);
        } else {
            self.without_lane += 1;
        }
        self.running_sources.insert(source, RunningLaneSource { label, entry, lane });
    }

    /// Whether there is room for one more, once one that has ended has gone, if it must.
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

    fn change(&mut self, source: Source, change: impl FnOnce(&mut LiveLane)) {
        let key = self.running_sources.get(&source).and_then(|open| open.lane.as_ref());
        if let Some(lane) = key.and_then(|key| self.lanes.get_mut(key)) {
            change(lane);
            lane.is_changed = true;
        }
    }

    fn end(
        &mut self,
        t: Moment,
        source: Source,
        ok: bool,
        how: impl FnOnce() -> String,
    ) -> Option<EndedSource> {
        let open = self.running_sources.remove(&source)?;
        let running = &mut self.running_counts[usize::from(matches!(source, Source::Request(_)))];
        *running = running.saturating_sub(1);
        if let Some(key) = open.lane
            && let Some(lane) = self.lanes.get_mut(&key)
        {
            lane.in_flight = lane.in_flight.saturating_sub(1);
            lane.is_changed = true;
            if let (Some(done), Some(wrong)) = (&mut lane.done, &mut lane.wrong) {
                *done += 1;
                *wrong += u64::from(!ok);
                lane.is_ok = Some(*wrong == 0);
            } else {
                lane.is_ok = Some(ok && lane.end.is_none());
                lane.end.get_or_insert_with(how);
            }
            if lane.in_flight == 0 {
                lane.to = Some(moment_to_seconds(t));
                if lane.kind != LiveLaneKind::Load {
                    self.ended.push_back(key);
                }
            }
        }
        Some(EndedSource { entry: open.entry, is_ok: ok })
    }

    pub(super) fn all(&self) -> LaneChanges<'_> {
        LaneChanges(self.lanes.iter().map(|(key, lane)| (&**key, Some(lane))).collect())
    }

    pub(super) fn changed(&self) -> LaneChanges<'_> {
        let gone = self.removed.iter().map(|key| (&**key, None));
        let changed = self.lanes.iter().filter(|(_, lane)| lane.is_changed);
        LaneChanges(gone.chain(changed.map(|(key, lane)| (&**key, Some(lane)))).collect())
    }

    /// How many have no lane, since there were too many at once.
    pub(super) fn without_lane(&self) -> u64 {
        self.without_lane
    }

    pub(super) fn forget_changes(&mut self) {
        self.removed.clear();
        self.lanes.values_mut().for_each(|lane| lane.is_changed = false);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use scenario_log::event::SpawnExit;

    fn start(lanes: &mut LiveLanes, number: u32) {
        let (due, source) = (Moment(0), Source::Spawn(number));
        let entry = Some(EntryName::Number(1));
        lanes.on_event(Moment(1), &Event::SpawnStarted { due, source, preset: "p", entry, pid: None });
    }

    fn end(lanes: &mut LiveLanes, number: u32) -> Option<EndedSource> {
        let (source, exit) = (Source::Spawn(number), SpawnExit::Code(3));
        let exited = Event::SpawnExited { source, exit, ok: false, running: 0, held: false, skipped: 0 };
        lanes.on_event(Moment(2), &exited)
    }

    #[test]
    fn those_that_ended_first_make_room_and_those_that_run_do_not() {
        let mut lanes = LiveLanes::from_scenario(&json!({}));
        let most = u32::try_from(MAX_LANES).unwrap();
        (1..=most).for_each(|number| start(&mut lanes, number));
        let ended = end(&mut lanes, 7).unwrap();
        assert_eq!((ended.entry.as_deref(), ended.is_ok), (Some("#1"), false));
        lanes.forget_changes();
        start(&mut lanes, most + 1);
        start(&mut lanes, most + 2);
        let changed = lanes.changed().0;
        assert!(changed["ps#7"].is_none() && changed[&*format!("ps#{}", most + 1)].is_some());
        assert_eq!((changed.len(), lanes.all().0.len(), lanes.without_lane()), (2, MAX_LANES, 1));
        assert_eq!(lanes.running_counts(), (u64::from(most) + 1, 0), "who has no lane runs as well");
        assert_eq!(lanes.label(Source::Spawn(most + 2)), Some("p"));
    }

    #[test]
    fn a_load_has_one_lane_however_many_its_requests() {
        let mut lanes = LiveLanes::from_scenario(&json!({"fetches": {"load": {"rate": "9/s"}, "one": {}}}));
        assert!(lanes.is_load("load") && !lanes.is_load("one") && !lanes.is_load("none"));
        for n in 1..=9 {
            let (due, source, entry) = (Moment(0), Source::Request(n), None);
            let (method, url) = ("GET", "http://localhost/");
            lanes.on_event(Moment(0), &Event::FetchStarted { due, source, job: "load", entry, method, url });
            let (kind, error, took) =
                (scenario_log::event::FetchErrorKind::Dns, "no", scenario_log::time::Span(1));
            if n > 1 {
                lanes.on_event(Moment(5), &Event::FetchFailed { source, kind, error, took });
            }
        }
        let all = lanes.all().0;
        let lane = all["load load"].unwrap();
        assert_eq!((all.len(), lane.done, lane.wrong, lane.to), (1, Some(8), Some(8), None));
        assert_eq!(lanes.running_counts(), (0, 1));
    }
}
