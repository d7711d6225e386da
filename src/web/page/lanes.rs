//! What runs, from its start to its end: a lane for each spawn and each request, and one for each load,
//! whose requests are too many to be shown one by one.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use crate::web::page::at;
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::sanitize::visible;
use scenario_log::time::Moment;

/// How many lanes there are at most; those that ended first make room.
const MOST: usize = 300;

/// A lane.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lane {
    kind: Kind,
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
enum Kind {
    Spawn,
    Request,
    Load,
}

/// Some of them, by their keys; none where one has made room.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Shown<'a>(BTreeMap<&'a str, Option<&'a Lane>>);

/// What runs.
#[derive(Clone, Debug)]
struct Open {
    label: String,
    entry: Option<String>,
    /// Its lane, if it has one.
    lane: Option<String>,
}

/// That something of an entry has ended, and whether as expected.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) entry: Option<String>,
    pub(super) is_ok: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<String, Lane>,
    /// Those that have ended, in that order: they make room.
    ended: VecDeque<String>,
    /// Those that have made room since the last change.
    gone: Vec<String>,
    open: HashMap<Source, Open>,
    /// The fetches that are loads.
    loads: Vec<String>,
    running: [u64; 2],
    more: u64,
}

impl Lanes {
    /// Those of a resolved scenario: none yet.
    pub(super) fn of(scenario: &Value) -> Lanes {
        let is_load = |fetch: &Value| fetch.get("rate").is_some() || fetch.get("connections").is_some();
        let fetches = scenario["fetches"].as_object().into_iter().flatten();
        let loads = fetches.filter(|(_, fetch)| is_load(fetch)).map(|(name, _)| name.clone()).collect();
        Lanes { loads, ..Lanes::default() }
    }

    /// Takes an event; what has ended by it comes back.
    pub(super) fn take(&mut self, t: Moment, event: &Event<'_>) -> Option<Ended> {
        match *event {
            Event::SpawnStarted { source, preset, entry, .. } => {
                self.start(t, source, (Kind::Spawn, preset), entry);
                None
            }
            Event::FetchStarted { source, job, entry, .. } => {
                let kind = if self.is_load(job) { Kind::Load } else { Kind::Request };
                self.start(t, source, (kind, job), entry);
                None
            }
            Event::SpawnReady { source } | Event::FetchResponded { source, .. } => {
                self.change(source, |lane| lane.ready = Some(at(t)));
                None
            }
            Event::SpawnExited { source, exit, ok, .. } => self.end(t, source, ok, || exit.to_string()),
            Event::SpawnFailed { source, error, .. } => {
                if self.open.contains_key(&source) {
                    // It runs on, until it has stopped.
                    self.change(source, |lane| lane.end = Some(visible(error)));
                    return None;
                }
                self.start(t, source, (Kind::Spawn, "(not started)"), None);
                self.end(t, source, false, || visible(error))
            }
            Event::FetchFinished { source, fetched, ok } => {
                self.end(t, source, ok, || match &fetched.check {
                    Some(check) => format!("{}: {}", fetched.status, visible(check)),
                    None => fetched.status.to_string(),
                })
            }
            Event::FetchFailed { source, kind, error, .. } => {
                self.end(t, source, false, || format!("{}: {}", kind.name(), visible(error)))
            }
            _ => None,
        }
    }

    /// What a source that runs is of: a preset or a fetch.
    pub(super) fn label(&self, source: Source) -> Option<&str> {
        self.open.get(&source).map(|open| &*open.label)
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
    pub(super) fn running(&self) -> (u64, u64) {
        (self.running[0], self.running[1])
    }

    fn start(&mut self, t: Moment, source: Source, (kind, of): (Kind, &str), entry: Option<EntryName<'_>>) {
        self.running[usize::from(kind != Kind::Spawn)] += 1;
        let (label, entry) = (visible(of), entry.map(|entry| entry.to_string()));
        let key = match (kind, &entry) {
            (Kind::Load, Some(entry)) => format!("load {of} of {entry}"),
            (Kind::Load, None) => format!("load {of}"),
            _ => source.to_string(),
        };
        let mut lane = None;
        if let Some(load) = self.lanes.get_mut(&key) {
            load.in_flight += 1;
            load.is_changed |= load.to.take().is_some();
            lane = Some(key);
        } else if self.makes_room() {
            let counted = (kind == Kind::Load).then_some(0);
            let new = Lane {
                kind,
                label: label.clone(),
                entry: entry.clone(),
                from: at(t),
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
            self.more += 1;
        }
        self.open.insert(source, Open { label, entry, lane });
    }

    /// Whether there is room for one more, once one that has ended has gone, if it must.
    fn makes_room(&mut self) -> bool {
        if self.lanes.len() < MOST {
            return true;
        }
        while let Some(key) = self.ended.pop_front() {
            if self.lanes.get(&key).is_some_and(|lane| lane.in_flight == 0) {
                self.lanes.remove(&key);
                self.gone.push(key);
                return true;
            }
        }
        false
    }

    fn change(&mut self, source: Source, change: impl FnOnce(&mut Lane)) {
        let key = self.open.get(&source).and_then(|open| open.lane.as_ref());
        if let Some(lane) = key.and_then(|key| self.lanes.get_mut(key)) {
            change(lane);
            lane.is_changed = true;
        }
    }

    fn end(&mut self, t: Moment, source: Source, ok: bool, how: impl FnOnce() -> String) -> Option<Ended> {
        let open = self.open.remove(&source)?;
        let running = &mut self.running[usize::from(matches!(source, Source::Request(_)))];
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
                lane.to = Some(at(t));
                if lane.kind != Kind::Load {
                    self.ended.push_back(key);
                }
            }
        }
        Some(Ended { entry: open.entry, is_ok: ok })
    }

    pub(super) fn all(&self) -> Shown<'_> {
        Shown(self.lanes.iter().map(|(key, lane)| (&**key, Some(lane))).collect())
    }

    pub(super) fn changed(&self) -> Shown<'_> {
        let gone = self.gone.iter().map(|key| (&**key, None));
        let changed = self.lanes.iter().filter(|(_, lane)| lane.is_changed);
        Shown(gone.chain(changed.map(|(key, lane)| (&**key, Some(lane)))).collect())
    }

    /// How many have no lane, since there were too many at once.
    pub(super) fn more(&self) -> u64 {
        self.more
    }

    pub(super) fn forget_changes(&mut self) {
        self.gone.clear();
        self.lanes.values_mut().for_each(|lane| lane.is_changed = false);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use scenario_log::event::Exit;

    fn start(lanes: &mut Lanes, number: u32) {
        let (due, source) = (Moment(0), Source::Spawn(number));
        let entry = Some(EntryName::Number(1));
        lanes.take(Moment(1), &Event::SpawnStarted { due, source, preset: "p", entry, pid: None });
    }

    fn end(lanes: &mut Lanes, number: u32) -> Option<Ended> {
        let (source, exit) = (Source::Spawn(number), Exit::Code(3));
        let exited = Event::SpawnExited { source, exit, ok: false, running: 0, held: false, skipped: 0 };
        lanes.take(Moment(2), &exited)
    }

    #[test]
    fn those_that_ended_first_make_room_and_those_that_run_do_not() {
        let mut lanes = Lanes::of(&json!({}));
        let most = u32::try_from(MOST).unwrap();
        (1..=most).for_each(|number| start(&mut lanes, number));
        let ended = end(&mut lanes, 7).unwrap();
        assert_eq!((ended.entry.as_deref(), ended.is_ok), (Some("#1"), false));
        lanes.forget_changes();
        start(&mut lanes, most + 1);
        start(&mut lanes, most + 2);
        let changed = lanes.changed().0;
        assert!(changed["ps#7"].is_none() && changed[&*format!("ps#{}", most + 1)].is_some());
        assert_eq!((changed.len(), lanes.all().0.len(), lanes.more()), (2, MOST, 1));
        assert_eq!(lanes.running(), (u64::from(most) + 1, 0), "who has no lane runs as well");
        assert_eq!(lanes.label(Source::Spawn(most + 2)), Some("p"));
    }

    #[test]
    fn a_load_has_one_lane_however_many_its_requests() {
        let mut lanes = Lanes::of(&json!({"fetches": {"load": {"rate": "9/s"}, "one": {}}}));
        assert!(lanes.is_load("load") && !lanes.is_load("one") && !lanes.is_load("none"));
        for n in 1..=9 {
            let (due, source, entry) = (Moment(0), Source::Request(n), None);
            let (method, url) = ("GET", "http://localhost/");
            lanes.take(Moment(0), &Event::FetchStarted { due, source, job: "load", entry, method, url });
            let (kind, error, took) =
                (scenario_log::event::FetchFault::Dns, "no", scenario_log::time::Span(1));
            if n > 1 {
                lanes.take(Moment(5), &Event::FetchFailed { source, kind, error, took });
            }
        }
        let all = lanes.all().0;
        let lane = all["load load"].unwrap();
        assert_eq!((all.len(), lane.done, lane.wrong, lane.to), (1, Some(8), Some(8), None));
        assert_eq!(lanes.running(), (0, 1));
    }
}
