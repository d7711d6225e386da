//! The timeline: its ids, and what its entries refer to. The order of entries that wait for each
//! other is looked at in `sums`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slots;

use super::{Collected, given_twice, look_up};
use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::check::cycles;
use crate::scenario::file::{MOST_TIMES, RawEntry};
use crate::scenario::findings::Findings;
use crate::scenario::interval::Interval;
use crate::scenario::model::{Action, After, Entry, FetchJob, Preset, PresetKind, Repeat, Stdin};
use crate::scenario::schema::after::{EntryMoment, LineTable, RawAfter};
use crate::scenario::schema::{Slot, Sp};
use scenario_log::time::Span;

/// Where an entry's times stand, for messages about their sums.
pub(super) struct Places {
    /// The value of `at`, or the entry.
    pub(super) at: Place,
    /// The value of `every`, or the entry.
    pub(super) every: Place,
    /// The value of `after`, or the entry.
    pub(super) after: Place,
}

/// What is known of an entry before the others are looked at.
#[derive(Clone, Copy)]
enum Kind<'a> {
    /// It spawns; the preset, if it is right.
    Spawn(Option<&'a Preset>),
    /// It fetches.
    Fetch,
    /// It stops, sends or marks.
    Other,
    /// Its action is wrong, which has been told.
    Unknown,
}

/// What entries may refer to.
struct Names<'a> {
    presets: &'a Collected<Preset>,
    fetches: &'a Collected<FetchJob>,
    preset_indices: HashMap<&'a str, usize>,
    fetch_indices: HashMap<&'a str, usize>,
    ids: HashMap<String, usize>,
    /// The ids in file order, for suggestions: made when first asked for.
    id_list: OnceCell<Vec<(usize, String)>>,
    kinds: Vec<Kind<'a>>,
}

/// The entries of the model; `None` if one is wrong.
pub(super) fn timeline(
    raw: Vec<Sp<RawEntry>>,
    presets: &Collected<Preset>,
    fetches: &Collected<FetchJob>,
    found: &mut Findings,
) -> Option<Vec<Entry>> {
    let mut names = Names {
        presets,
        fetches,
        preset_indices: presets.indices(),
        fetch_indices: fetches.indices(),
        ids: HashMap::new(),
        id_list: OnceCell::new(),
        kinds: Vec::with_capacity(raw.len()),
    };
    names.collect(&raw, found);
    let wanted = raw.len();
    let mut entries = Vec::with_capacity(wanted);
    let mut places = Vec::with_capacity(wanted);
    for entry in raw {
        let place = |given: Option<Place>| given.unwrap_or(entry.place);
        places.push(Places {
            at: place(entry.value.at.as_given().map(|at| at.place)),
            every: place(entry.value.every.as_given().map(|every| every.place)),
            after: place(entry.value.after.as_given().map(|after| after.place)),
        });
        entries.push(names.entry(entry, found));
    }
    cycles::check(&entries, &places, presets, found);
    entries.into_iter().collect()
}

impl<'a> Names<'a> {
    fn collect(&mut self, entries: &[Sp<RawEntry>], found: &mut Findings) {
        for (index, entry) in entries.iter().enumerate() {
            let raw = &entry.value;
            self.kinds.push(match (&raw.spawn, &raw.fetch) {
                (Slot::Given(preset), _) => Kind::Spawn(self.presets.get(&preset.value.0).flatten()),
                (_, Slot::Given(_)) => Kind::Fetch,
                _ if raw.stop.is_present() || raw.send.is_present() || raw.mark.is_present() => Kind::Other,
                _ => Kind::Unknown,
            });
            let Some(id) = raw.id.as_given() else { continue };
            match self.ids.entry(id.value.0.clone()) {
                Slots::Vacant(slot) => {
                    slot.insert(index);
                }
                Slots::Occupied(slot) => {
                    let first = entries.get(*slot.get()).and_then(|entry| entry.value.id.as_given());
                    let first = first.map_or(id.place, |first| first.place);
                    found.add(given_twice("id", &id.value.0, id.place, first));
                }
            }
        }
    }

    fn entry(&self, raw: Sp<RawEntry>, found: &mut Findings) -> Option<Entry> {
        let place = raw.place;
        let raw = raw.value;
        let repeat_wanted = raw.every.is_present();
        let after_wanted = raw.after.is_present();
        let repeat = repeat(
            raw.every.given(),
            raw.times.value().map(|times| times.0),
            raw.within.value().map(|within| within.0),
            found,
        );
        let action = self.action(raw.spawn, raw.fetch, raw.stop, raw.send, raw.mark, found);
        let after = raw.after.given().and_then(|after| self.after(after, found));
        if (repeat_wanted && repeat.is_none()) || (after_wanted && after.is_none()) {
            return None;
        }
        Some(Entry {
            id: raw.id.value().map(|id| id.0),
            at: raw.at.value().map_or(Span::ZERO, |at| at.0),
            after,
            action: action?,
            count: raw.count.value().map_or(1, |count| u32::try_from(count.0).unwrap_or(1)),
            repeat,
            place,
        })
    }

    fn action(
        &self,
        spawn: Slot<crate::scenario::schema::text::Open>,
        fetch: Slot<crate::scenario::schema::text::Open>,
        stop: Slot<crate::scenario::schema::text::Open>,
        send: Slot<crate::scenario::file::RawSend>,
        mark: Slot<crate::scenario::schema::text::Late>,
        found: &mut Findings,
    ) -> Option<Action> {
        if let Slot::Given(name) = spawn {
            let name = Sp { value: name.value.0, place: name.place };
            let index = self.preset_indices.get(name.value.as_str()).copied();
            if index.is_none() {
                look_up(found, "preset", "presets", &name, self.presets.names());
            }
            return index.map(Action::Spawn);
        }
        if let Slot::Given(name) = fetch {
            let name = Sp { value: name.value.0, place: name.place };
            let index = self.fetch_indices.get(name.value.as_str()).copied();
            if index.is_none() {
                look_up(found, "fetch", "fetches", &name, self.fetches.names());
            }
            return index.map(Action::Fetch);
        }
        if let Slot::Given(id) = stop {
            return self.stop(Sp { value: id.value.0, place: id.place }, found);
        }
        if let Slot::Given(send) = send {
            return self.send(send.value, found);
        }
        mark.value().map(|mark| Action::Mark(mark.0))
    }

    /// The entry of an id; says if there is none.
    fn id(&self, id: &Sp<String>, found: &mut Findings) -> Option<usize> {
        let index = self.ids.get(&id.value).copied();
        if index.is_none() {
            let list = self.id_list.get_or_init(|| {
                let mut list: Vec<(usize, String)> =
                    self.ids.iter().map(|(id, at)| (*at, id.clone())).collect();
                list.sort_unstable();
                list
            });
            look_up(found, "entry with the id", "ids", id, list.iter().map(|(_, id)| id.as_str()));
        }
        index
    }

    fn stop(&self, id: Sp<String>, found: &mut Findings) -> Option<Action> {
        let index = self.id(&id, found)?;
        if matches!(self.kinds.get(index), Some(Kind::Other)) {
            let message = format!("{} starts nothing that could be stopped", quoted(&id.value));
            found.add(Diagnostic::error(id.place, message).help("name the id of a `spawn` or a `fetch`"));
            return None;
        }
        Some(Action::Stop(index))
    }

    fn send(&self, raw: crate::scenario::file::RawSend, found: &mut Findings) -> Option<Action> {
        let to = raw.to.given()?;
        let to = Sp { value: to.value.0, place: to.place };
        let index = self.id(&to, found)?;
        let (fault, place) = match self.kinds.get(index) {
            Some(Kind::Spawn(Some(preset))) => match &preset.kind {
                PresetKind::Command(command) if command.stdin == Stdin::Open => (None, None),
                PresetKind::Command(_) => (
                    Some(format!("the program of {} has no open stdin", quoted(&to.value))),
                    Some(preset.place),
                ),
                PresetKind::Players(_) => {
                    (Some(format!("{} spawns players, which read nothing", quoted(&to.value))), None)
                }
            },
            Some(Kind::Fetch | Kind::Other) => {
                (Some(format!("{} spawns no program", quoted(&to.value))), None)
            }
            _ => (None, None),
        };
        if let Some(fault) = fault {
            let fault = Diagnostic::error(to.place, fault);
            let fault = match place {
                Some(place) => fault.related(place, "this preset").help("add stdin = \"open\" to the preset"),
                None => fault.help("name the id of an entry that spawns a `command` with stdin = \"open\""),
            };
            found.add(fault);
            return None;
        }
        Some(Action::Send { to: index, text: raw.text.value()?.0 })
    }

    fn after(&self, raw: Sp<RawAfter>, found: &mut Findings) -> Option<After> {
        match raw.value {
            RawAfter::Moment { id, moment } => {
                let id = Sp { value: id, place: raw.place };
                let index = self.id(&id, found)?;
                Some(match moment {
                    EntryMoment::Started => After::Started(index),
                    EntryMoment::Finished => After::Finished(index),
                    EntryMoment::Ready => {
                        if matches!(self.kinds.get(index), Some(Kind::Fetch | Kind::Other)) {
                            let message =
                                format!("{} spawns nothing that could get ready", quoted(&id.value));
                            let help = format!("write \"{0}.started\" or \"{0}.finished\"", id.value);
                            found.add(Diagnostic::error(id.place, message).help(help));
                            return None;
                        }
                        After::Ready(index)
                    }
                })
            }
            RawAfter::Line(table) => self.after_line(*table, found),
        }
    }

    fn after_line(&self, table: LineTable, found: &mut Findings) -> Option<After> {
        let of = table.of.given()?;
        let of = Sp { value: of.value.0, place: of.place };
        let index = self.id(&of, found)?;
        let fault = match self.kinds.get(index) {
            Some(Kind::Spawn(Some(Preset { kind: PresetKind::Players(_), .. }))) => {
                Some("spawns players, which print no lines")
            }
            Some(Kind::Fetch | Kind::Other) => Some("spawns no program that could print a line"),
            _ => None,
        };
        if let Some(fault) = fault {
            let message = format!("{} {fault}", quoted(&of.value));
            found.add(
                Diagnostic::error(of.place, message).help("name the id of an entry that spawns a `command`"),
            );
            return None;
        }
        Some(After::Line {
            regex: table.line.value()?.0,
            of: index,
            timeout: table.timeout.value().map_or(Span::from_secs(10), |timeout| timeout.0),
        })
    }
}

/// A repetition that ends.
fn repeat(
    every: Option<Sp<Interval>>,
    times: Option<i64>,
    within: Option<Span>,
    found: &mut Findings,
) -> Option<Repeat> {
    let every = every?;
    let times = times.and_then(|times| u64::try_from(times).ok());
    if times.is_none() {
        let within = within?;
        let least = match every.value.longest() {
            Some(Span::ZERO) => {
                let message = "without any time between them these repetitions never end";
                found.add(
                    Diagnostic::error(every.place, message).help("add `times`, or wait longer than \"0s\""),
                );
                return None;
            }
            Some(longest) => within.0 / longest.0,
            None => 0,
        };
        if i64::try_from(least).is_ok_and(|least| least > MOST_TIMES) {
            let message =
                format!("this happens at least {least} times; an entry happens at most {MOST_TIMES} times");
            found.add(Diagnostic::error(every.place, message));
            return None;
        }
    }
    Some(Repeat { every: every.value, times, within })
}
