//! Builds the moments that entries wait for, and checks that the entries they name can have them.

use super::timeline::{EntryKind, TimelineNames};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{EntryTrigger, Preset, PresetKind};
use crate::scenario::schema::after::{
    AFTER_FORMS, EntryMoment, MOMENTS, NestedTrigger, RawTrigger, TriggerTable, meant_moment,
};
use crate::scenario::schema::{KeySlot, Located};

/// How deep groups may be in groups.
const MAX_DEPTH: usize = 8;

/// The most conditions of one entry.
const MAX_CONDITIONS: usize = 1_000;

/// The kind of entry that a condition needs.
#[derive(Clone, Copy)]
enum NeedOfEntry {
    /// That it spawns something.
    Exit,
    /// That it spawns a program, which prints lines.
    Line,
    /// The same, for the time between its lines.
    Quiet,
}

impl TimelineNames<'_> {
    pub(super) fn build_trigger(
        &self,
        raw: Located<RawTrigger>,
        found: &mut Diagnostics,
    ) -> Option<EntryTrigger> {
        let place = raw.place;
        let trigger = self.build_part(raw, 0, found)?;
        let count = trigger.conditions().len();
        if count > MAX_CONDITIONS {
            let message = format!("this has {count} conditions; an entry waits for at most {MAX_CONDITIONS}");
            found.add(Diagnostic::error(place, message));
            return None;
        }
        Some(trigger)
    }

    fn build_part(
        &self,
        raw: Located<RawTrigger>,
        depth: usize,
        found: &mut Diagnostics,
    ) -> Option<EntryTrigger> {
        match raw.value {
            RawTrigger::Moment { id, moment } => {
                self.build_moment(&Located { value: id, place: raw.place }, moment, found)
            }
            RawTrigger::MomentOfGroup { ids, moment } => {
                let part = |id| self.build_moment(&Located { value: id, place: raw.place }, moment, found);
                let parts = ids.into_iter().map(part).collect::<Option<Vec<EntryTrigger>>>()?;
                // One failure makes the whole fail.
                Some(match moment {
                    EntryMoment::Failed => EntryTrigger::Any(parts),
                    _ => EntryTrigger::All(parts),
                })
            }
            RawTrigger::Table(_) if depth > MAX_DEPTH => {
                let message = format!("these moments are nested deeper than {MAX_DEPTH}");
                let help = "give a part of them to a `mark` entry with an id, and wait for that";
                found.add(Diagnostic::error(raw.place, message).with_help(help));
                None
            }
            RawTrigger::Table(table) => self.build_table(*table, depth, found),
            RawTrigger::NoMoment(text) => {
                self.report_no_moment(&Located { value: text, place: raw.place }, found);
                None
            }
        }
    }

    fn build_moment(
        &self,
        id: &Located<String>,
        moment: EntryMoment,
        found: &mut Diagnostics,
    ) -> Option<EntryTrigger> {
        let index = self.find_entry(id, found)?;
        Some(match moment {
            EntryMoment::Started => EntryTrigger::Started(index),
            EntryMoment::Finished => EntryTrigger::Finished(index),
            EntryMoment::Passed => EntryTrigger::Passed(index),
            EntryMoment::Failed => EntryTrigger::Failed(index),
            EntryMoment::Ready => {
                if matches!(self.kinds.get(index), Some(EntryKind::Fetch | EntryKind::Other)) {
                    let message = format!("{} spawns nothing that could get ready", quoted(&id.value));
                    let help = format!("write \"{0}.started\" or \"{0}.finished\"", id.value);
                    found.add(Diagnostic::error(id.place, message).with_help(help));
                    return None;
                }
                EntryTrigger::Ready(index)
            }
        })
    }

    fn build_table(
        &self,
        table: TriggerTable,
        depth: usize,
        found: &mut Diagnostics,
    ) -> Option<EntryTrigger> {
        if let KeySlot::Given(parts) = table.all {
            return self.build_parts(parts.value.0, depth, found).map(EntryTrigger::All);
        }
        if let KeySlot::Given(parts) = table.any {
            return self.build_parts(parts.value.0, depth, found).map(EntryTrigger::Any);
        }
        let of = table.of.into_given()?;
        let of = Located { value: of.value.0, place: of.place };
        let index = self.find_entry(&of, found)?;
        match (table.line, table.quiet, table.exit) {
            (KeySlot::Given(line), ..) => {
                self.check_kind(index, &of, NeedOfEntry::Line, found)?;
                Some(EntryTrigger::Line {
                    regex: line.value.0,
                    of: index,
                    timeout: table.timeout.or_default().0,
                })
            }
            (_, KeySlot::Given(quiet), _) => {
                self.check_kind(index, &of, NeedOfEntry::Quiet, found)?;
                Some(EntryTrigger::Quiet { duration: quiet.value.0, of: index })
            }
            (.., KeySlot::Given(exits)) => {
                self.check_kind(index, &of, NeedOfEntry::Exit, found)?;
                Some(EntryTrigger::Exit { exits: exits.value, of: index })
            }
            _ => None,
        }
    }

    /// The parts of a group; `None` if one of them is wrong.
    fn build_parts(
        &self,
        parts: Vec<Located<NestedTrigger>>,
        depth: usize,
        found: &mut Diagnostics,
    ) -> Option<Vec<EntryTrigger>> {
        let build = |part: Located<NestedTrigger>| {
            let Located { value: NestedTrigger(value), place } = part;
            self.build_part(Located { value, place }, depth + 1, found)
        };
        let built: Vec<_> = parts.into_iter().map(build).collect();
        built.into_iter().collect()
    }

    /// Reports an entry that starts nothing of the kind that a condition needs.
    fn check_kind(
        &self,
        index: usize,
        of: &Located<String>,
        need: NeedOfEntry,
        found: &mut Diagnostics,
    ) -> Option<()> {
        let is_players = matches!(
            self.kinds.get(index),
            Some(EntryKind::Spawn(Some(Preset { kind: PresetKind::Players(_), .. })))
        );
        let starts_no_spawn = matches!(self.kinds.get(index), Some(EntryKind::Fetch | EntryKind::Other));
        let fault = match need {
            NeedOfEntry::Line | NeedOfEntry::Quiet if is_players => "spawns players, which print no lines",
            NeedOfEntry::Line if starts_no_spawn => "spawns no program that could print a line",
            NeedOfEntry::Quiet if starts_no_spawn => "spawns no program that could be quiet",
            NeedOfEntry::Exit if starts_no_spawn => "spawns no program that could exit",
            _ => return Some(()),
        };
        let help = match need {
            NeedOfEntry::Exit => {
                format!(
                    "write \"{0}.passed\" or \"{0}.failed\", or name an entry that spawns a `command`",
                    of.value
                )
            }
            NeedOfEntry::Line | NeedOfEntry::Quiet => {
                "name the id of an entry that spawns a `command`".to_owned()
            }
        };
        found.add(Diagnostic::error(of.place, format!("{} {fault}", quoted(&of.value))).with_help(help));
        None
    }

    /// Reports an `after` that names no moment, with the moment that was probably meant.
    fn report_no_moment(&self, after: &Located<String>, found: &mut Diagnostics) {
        if found.count_if_full() {
            return;
        }
        let text = after.value.as_str();
        let (fault, help) = match (self.named_entry(text), text.rsplit_once('.')) {
            (Some(index), _) => {
                let fault = format!("{} names an entry, but none of its moments", quoted(text));
                (fault, Some(format!("write \"{text}.{}\"", self.usual_moment(index))))
            }
            (None, Some((id, name))) if !id.is_empty() && !name.is_empty() => {
                let known = MOMENTS.iter().map(|(known, _)| *known);
                let meant = meant_moment(name).or_else(|| found.closest_name(name, known));
                let help = meant.map(|meant| format!("did you mean \"{id}.{meant}\"?"));
                (format!("{} is not a moment of an entry", quoted(name)), help)
            }
            _ => {
                let ids = self.id_list().iter().map(|(_, id)| id.as_str());
                let near = found.closest_name(text, ids).map(str::to_owned);
                let of_preset = || {
                    self.presets.get(text)?;
                    Some(format!(
                        "give the entry that spawns it an id, `id = \"{text}\"`, and write \"{text}.ready\""
                    ))
                };
                let help = near.map_or_else(of_preset, |near| {
                    let moment = self.named_entry(&near).map_or("started", |index| self.usual_moment(index));
                    Some(format!("did you mean \"{near}.{moment}\"?"))
                });
                (format!("{} does not name a moment of an entry", quoted(text)), help)
            }
        };
        let fault = Diagnostic::error(after.place, fault);
        let fault = help.into_iter().fold(fault, Diagnostic::with_help);
        found.add(fault.with_help(format!("the forms are {AFTER_FORMS}")));
    }

    /// The moment of an entry that others mostly wait for.
    fn usual_moment(&self, index: usize) -> &'static str {
        match self.kinds.get(index) {
            Some(EntryKind::Spawn(Some(preset))) => match &preset.kind {
                PresetKind::Command(command) if command.ready.is_some() || command.background => "ready",
                _ => "finished",
            },
            Some(EntryKind::Spawn(None)) => "ready",
            Some(EntryKind::Fetch) => "finished",
            _ => "started",
        }
    }
}
