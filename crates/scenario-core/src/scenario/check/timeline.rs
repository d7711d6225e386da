//! Builds the timeline of the model: checks ids, and resolves the names that entries refer to. Cycles of
//! entries that wait for each other are found in `cycles`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slots;

use super::load::{ENTRY_WORDS, check_rate_bounds};
use super::{DefinitionsByName, duplicate_name_error, report_unknown_name};
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::check::always::check_always;
use crate::scenario::check::cycles::{EntryPlaces, check_cycles};
use crate::scenario::check::until::build_until;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{MAX_ENTRY_REPEATS, RawLinkAction, RawSend, RawSignal, RawTimelineEntry};
use crate::scenario::interval::Interval;
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryPace, EntryRepeat, FetchJob, Link, Preset, TimelineEntry,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::spawn::RawSpawn;
use crate::scenario::schema::strings::{DeferredText, PublicString};
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::time::Span;

/// The facts about an entry that are known before the other entries are checked.
#[derive(Clone, Copy)]
pub(super) enum EntryKind<'a> {
    /// It spawns this preset; `None` if the preset is wrong.
    Spawn(Option<&'a Preset>),
    Fetch,
    /// It starts nothing.
    Other,
    /// Its action is wrong, which has been reported.
    Invalid,
}

/// The entries that start a preset or a fetch of one name.
#[derive(Clone, Debug, Default)]
struct StartedName {
    /// The first entry without an id.
    first_unnamed: Option<usize>,
    unnamed_count: usize,
    first_id: Option<String>,
    count: usize,
}

impl StartedName {
    /// The entry whose name this is: the only one without an id.
    fn sole_entry(&self) -> Option<usize> {
        self.first_unnamed.filter(|_| self.unnamed_count == 1)
    }
}

/// The names that entries may refer to.
pub(super) struct TimelineNames<'a> {
    pub(super) presets: &'a DefinitionsByName<Preset>,
    pub(super) fetches: &'a DefinitionsByName<FetchJob>,
    pub(super) preset_indices: HashMap<&'a str, usize>,
    pub(super) fetch_indices: HashMap<&'a str, usize>,
    pub(super) links: &'a DefinitionsByName<Link>,
    pub(super) link_indices: HashMap<&'a str, usize>,
    ids: HashMap<String, usize>,
    /// The entries that start each preset or fetch: the first, whether it has an id, and how many there are.
    started: HashMap<String, StartedName>,
    /// The ids in file order, for suggestions; built on first use.
    id_list: OnceCell<Vec<(usize, String)>>,
    pub(super) kinds: Vec<EntryKind<'a>>,
}

/// The actions of an entry, of which it has one.
struct RawActions {
    spawn: KeySlot<RawSpawn>,
    fetch: KeySlot<PublicString>,
    stop: KeySlot<PublicString>,
    send: KeySlot<RawSend>,
    signal: KeySlot<RawSignal>,
    kill: KeySlot<PublicString>,
    restart: KeySlot<PublicString>,
    mark: KeySlot<DeferredText>,
    link: KeySlot<RawLinkAction>,
}

/// Whether an entry has an action that starts nothing.
fn acts_on_others(raw: &RawTimelineEntry) -> bool {
    raw.stop.is_present()
        || raw.send.is_present()
        || raw.signal.is_present()
        || raw.kill.is_present()
        || raw.restart.is_present()
        || raw.mark.is_present()
        || raw.link.is_present()
}

/// Notes the preset or fetch that an entry starts.
fn record_started(started: &mut HashMap<String, StartedName>, index: usize, raw: &RawTimelineEntry) {
    let spawned = raw.spawn.as_given().map(|spawn| &spawn.value.name);
    let Some(name) = spawned.or(raw.fetch.as_given().map(|fetch| &fetch.value.0)) else { return };
    let started = started.entry(name.clone()).or_default();
    started.count += 1;
    match raw.id.as_given() {
        Some(id) => drop(started.first_id.get_or_insert_with(|| id.value.0.clone())),
        None => {
            started.unnamed_count += 1;
            started.first_unnamed.get_or_insert(index);
        }
    }
}

/// The names by which steps refer to entries: ids, and the names of presets and fetches that one entry starts.
pub(super) fn entry_names(entries: &[Located<RawTimelineEntry>]) -> HashMap<String, usize> {
    let mut ids = HashMap::new();
    let mut started: HashMap<String, StartedName> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let raw = &entry.value;
        if let Some(id) = raw.id.as_given() {
            ids.entry(id.value.0.clone()).or_insert(index);
        }
        record_started(&mut started, index, raw);
    }
    for (name, started) in started {
        if let Some(entry) = started.sole_entry() {
            ids.entry(name).or_insert(entry);
        }
    }
    ids
}

/// Builds the entries of the model; `None` if one of them is wrong.
pub(super) fn build_timeline(
    raw: Vec<Located<RawTimelineEntry>>,
    (presets, fetches, links): (
        &DefinitionsByName<Preset>,
        &DefinitionsByName<FetchJob>,
        &DefinitionsByName<Link>,
    ),
    found: &mut Diagnostics,
) -> Option<Vec<TimelineEntry>> {
    let mut names = TimelineNames {
        presets,
        fetches,
        preset_indices: presets.indices(),
        fetch_indices: fetches.indices(),
        links,
        link_indices: links.indices(),
        ids: HashMap::new(),
        started: HashMap::new(),
        id_list: OnceCell::new(),
        kinds: Vec::with_capacity(raw.len()),
    };
    names.collect_ids(&raw, found);
    let wanted = raw.len();
    let mut entries = Vec::with_capacity(wanted);
    let mut places = Vec::with_capacity(wanted);
    for entry in raw {
        let place = |given: Option<FilePlace>| given.unwrap_or(entry.place);
        places.push(EntryPlaces {
            at: place(entry.value.at.as_given().map(|at| at.place)),
            every: place(entry.value.every.as_given().map(|every| every.place)),
            after: place(entry.value.after.as_given().map(|after| after.place)),
        });
        entries.push(names.build_entry(entry, found));
    }
    check_cycles(&entries, &places, presets, found);
    let bodies: Vec<Option<&Preset>> = presets.names().map(|name| presets.get(name).flatten()).collect();
    check_always(&entries, &bodies, found);
    entries.into_iter().collect()
}

impl<'a> TimelineNames<'a> {
    fn collect_ids(&mut self, entries: &[Located<RawTimelineEntry>], found: &mut Diagnostics) {
        for (index, entry) in entries.iter().enumerate() {
            let raw = &entry.value;
            self.kinds.push(match (&raw.spawn, &raw.fetch) {
                (KeySlot::Given(preset), _) => {
                    EntryKind::Spawn(self.presets.get(&preset.value.key).flatten())
                }
                (_, KeySlot::Given(_)) => EntryKind::Fetch,
                _ if acts_on_others(raw) => EntryKind::Other,
                _ => EntryKind::Invalid,
            });
            record_started(&mut self.started, index, raw);
            let Some(id) = raw.id.as_given() else { continue };
            match self.ids.entry(id.value.0.clone()) {
                Slots::Vacant(slot) => {
                    slot.insert(index);
                }
                Slots::Occupied(slot) => {
                    let first = entries.get(*slot.get()).and_then(|entry| entry.value.id.as_given());
                    let first = first.map_or(id.place, |first| first.place);
                    found.add(duplicate_name_error("id", &id.value.0, id.place, first));
                }
            }
        }
    }

    fn build_entry(&self, raw: Located<RawTimelineEntry>, found: &mut Diagnostics) -> Option<TimelineEntry> {
        let place = raw.place;
        let raw = raw.value;
        let repeat_wanted = raw.every.is_present() || raw.rate.is_present();
        let after_wanted = raw.after.is_present();
        let times = raw.times.into_given().map(|Located { value, place }| (value.0.unsigned_abs(), place));
        let within = raw.within.into_given().map(|Located { value, place }| (value.0, place));
        let repeat = match (raw.rate, raw.every) {
            (KeySlot::Given(rate), KeySlot::Absent) => {
                let arrivals = raw.arrivals.or_default();
                build_arrivals(rate.value, arrivals, times, within, found)
            }
            (_, every) => build_repeat(
                every.into_given(),
                times.map(|(times, _)| times),
                within.map(|(within, _)| within),
                found,
            ),
        };
        let action = RawActions {
            spawn: raw.spawn,
            fetch: raw.fetch,
            stop: raw.stop,
            send: raw.send,
            signal: raw.signal,
            kill: raw.kill,
            restart: raw.restart,
            mark: raw.mark,
            link: raw.link,
        };
        let action = self.build_action(action, found);
        let after = raw.after.into_given().and_then(|after| self.build_trigger(after, found));
        let until_wanted = raw.until.is_present();
        let count = u32::try_from(raw.count.or_default().0).unwrap_or(1);
        let until = match (raw.until, &action) {
            (KeySlot::Given(until), Some(action)) => {
                build_until(until, (action, count), self.started_by(action), found)
            }
            _ => None,
        };
        if (repeat_wanted && repeat.is_none())
            || (after_wanted && after.is_none())
            || (until_wanted && until.is_none())
        {
            return None;
        }
        Some(TimelineEntry {
            id: raw.id.into_value().map(|id| id.0),
            at: raw.at.or_default().0,
            trigger: after,
            action: action?,
            count,
            repeat,
            until,
            always: raw.always.or_default(),
            place,
        })
    }

    /// The preset or the fetch that an action starts, if it is right.
    fn started_by(&self, action: &EntryAction) -> (Option<&'a Preset>, Option<&'a FetchJob>) {
        match action {
            EntryAction::Spawn(preset) => (self.presets.bodies_by_index(*preset), None),
            EntryAction::Fetch(fetch) => (None, self.fetches.bodies_by_index(*fetch)),
            _ => (None, None),
        }
    }

    fn build_action(&self, raw: RawActions, found: &mut Diagnostics) -> Option<EntryAction> {
        let RawActions { spawn, fetch, stop, send, signal, kill, restart, mark, link } = raw;
        if let KeySlot::Given(name) = spawn {
            let name = Located { value: name.value.key, place: name.place };
            let index = self.preset_indices.get(name.value.as_str()).copied();
            if index.is_none() {
                report_unknown_name(found, "preset", "presets", &name, self.presets.names());
            }
            return index.map(EntryAction::Spawn);
        }
        if let KeySlot::Given(name) = fetch {
            let name = Located { value: name.value.0, place: name.place };
            let index = self.fetch_indices.get(name.value.as_str()).copied();
            if index.is_none() {
                report_unknown_name(found, "fetch", "fetches", &name, self.fetches.names());
            }
            return index.map(EntryAction::Fetch);
        }
        match (stop, send, signal, kill, restart) {
            (KeySlot::Given(name), ..) => return self.build_stop(name, found),
            (_, KeySlot::Given(send), ..) => return self.build_send(send.value, found),
            (_, _, KeySlot::Given(signal), ..) => return self.build_signal(signal.value, found),
            (_, _, _, KeySlot::Given(name), _) => return self.build_kill(name, found),
            (.., KeySlot::Given(name)) => return self.build_restart(name, found),
            _ => {}
        }
        if let KeySlot::Given(link) = link {
            return self.build_link_action(link, found);
        }
        mark.into_value().map(|mark| EntryAction::Mark(mark.0))
    }

    /// The index of the entry of this id, or else of the only entry that starts a preset or a fetch of this
    /// name; reports it if there is no such entry.
    pub(super) fn find_entry(&self, id: &Located<String>, found: &mut Diagnostics) -> Option<usize> {
        let started = self.started.get(&id.value);
        let index = self.named_entry(&id.value);
        if let (None, Some(started)) = (index, started) {
            let name = quoted(&id.value);
            let help = match &started.first_id {
                Some(id) if started.count == 1 => {
                    format!("the entry that starts {name} has the id {}", quoted(id))
                }
                _ => format!("{} entries start {name}: give each an id, and name that", started.count),
            };
            let fault = Diagnostic::error(id.place, format!("there is no entry with the id {name}"));
            found.add(fault.with_help(help));
        } else if index.is_none() {
            let list = self.id_list();
            report_unknown_name(
                found,
                "entry with the id",
                "ids",
                id,
                list.iter().map(|(_, id)| id.as_str()),
            );
        }
        index
    }

    /// The index of the entry of this id, or else of the only entry without an id that starts a preset or a
    /// fetch of this name.
    pub(super) fn named_entry(&self, name: &str) -> Option<usize> {
        let sole = || self.started.get(name).and_then(StartedName::sole_entry);
        self.ids.get(name).copied().or_else(sole)
    }

    /// The ids, and the names that stand for one, in file order.
    pub(super) fn id_list(&self) -> &[(usize, String)] {
        self.id_list.get_or_init(|| {
            let ids = self.ids.iter().map(|(id, at)| (*at, id.clone()));
            let named =
                self.started.iter().filter_map(|(name, started)| Some((started.sole_entry()?, name.clone())));
            let mut list: Vec<(usize, String)> = ids.chain(named).collect();
            list.sort_unstable();
            list
        })
    }
}

/// Builds a repetition by a rate, and checks that it fits the other keys.
fn build_arrivals(
    rate: Ramp,
    arrivals: ArrivalProcess,
    times: Option<(u64, FilePlace)>,
    within: Option<(Span, FilePlace)>,
    found: &mut Diagnostics,
) -> Option<EntryRepeat> {
    check_rate_bounds(&ENTRY_WORDS, &rate, arrivals, times, within, found);
    let (times, duration) = (times.map(|(times, _)| times), within.map(|(within, _)| within));
    Some(EntryRepeat { pace: EntryPace::Arrivals { rate, arrivals }, times, duration })
}

/// Builds a repetition, and checks that it ends.
fn build_repeat(
    every: Option<Located<Interval>>,
    times: Option<u64>,
    within: Option<Span>,
    found: &mut Diagnostics,
) -> Option<EntryRepeat> {
    let every = every?;
    if times.is_none() {
        let within = within?;
        let least = match every.value.longest() {
            Some(Span::ZERO) => {
                let message = "without any time between them these repetitions never end";
                found.add(
                    Diagnostic::error(every.place, message)
                        .with_help("add `times`, or wait longer than \"0s\""),
                );
                return None;
            }
            Some(longest) => within.0 / longest.0,
            None => 0,
        };
        if i64::try_from(least).is_ok_and(|least| least > MAX_ENTRY_REPEATS) {
            let message = format!(
                "this happens at least {least} times; an entry happens at most {MAX_ENTRY_REPEATS} times"
            );
            found.add(Diagnostic::error(every.place, message));
            return None;
        }
    }
    Some(EntryRepeat { pace: EntryPace::Every(every.value), times, duration: within })
}
