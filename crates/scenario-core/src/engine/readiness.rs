//! When a spawn counts as ready, and what follows if it never does.
//!
//! A spawn whose preset says nothing about it is ready with its start, and nobody tells it. One with
//! `ready` has until its timeout: what it says is seen here, a port or a URL is probed by the hands,
//! which tell when it answers.

use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::event_queue::Item;
use crate::engine::processes::spawn_name;
use crate::engine::shutdown::tell_stop;
use crate::engine::{Out, Run};
use crate::scenario::model::{Ready, ReadyBy};
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// What would show that a spawn is ready.
#[derive(Clone, Debug)]
pub(crate) enum Awaits {
    /// A line like this.
    Line(Rc<Regex>),
    /// A probe of the hands.
    Probe,
}

impl Run {
    /// A spawn has started, at `moment`: it is ready, or has from now on to show that it is.
    pub(crate) fn await_ready(&mut self, number: u32, moment: Moment, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get(&number) else { return };
        let (preset, entry, is_stopping) = (spawn.preset, spawn.entry, spawn.is_asked_to_stop());
        let Some(ready) = scenario.presets[preset].ready() else {
            if let Some(entry) = entry {
                self.entry_ready(entry, moment);
            }
            return;
        };
        if is_stopping {
            return;
        }
        let awaits = match &ready.by {
            ReadyBy::Line(regex) => match self.ready_line(preset, regex) {
                Ok(regex) => Awaits::Line(regex),
                Err(error) => {
                    return self.fail_now(format!("the regex /{regex}/ is not one: {error}"), out);
                }
            },
            ReadyBy::Tcp(_) | ReadyBy::Http(_) => Awaits::Probe,
        };
        if let Some(spawn) = self.spawns.get_mut(&number) {
            spawn.awaits = Some(awaits);
        }
        self.agenda.push(moment.saturating_add(ready.timeout), Item::ReadyTimeout(number));
    }

    /// The regular expression of a preset: one for all its spawns, of which there may be thousands.
    fn ready_line(&mut self, preset: usize, regex: &str) -> Result<Rc<Regex>, regex::Error> {
        if let Some(regex) = self.ready_lines.get(&preset) {
            return Ok(Rc::clone(regex));
        }
        let regex = Rc::new(Regex::new(regex)?);
        self.ready_lines.insert(preset, Rc::clone(&regex));
        Ok(regex)
    }

    /// Whether a line can show that this spawn is ready.
    pub(crate) fn awaits_line(&self, number: u32) -> bool {
        self.spawns.get(&number).is_some_and(|spawn| matches!(spawn.awaits, Some(Awaits::Line(_))))
    }

    /// A line of a spawn that awaits one.
    pub(crate) fn ready_line_came(&mut self, number: u32, line: &[u8], out: &mut Out<'_>) {
        let awaits = self.spawns.get(&number).and_then(|spawn| spawn.awaits.as_ref());
        if matches!(awaits, Some(Awaits::Line(regex)) if regex.is_match(line)) {
            self.note_ready(number, out);
        }
    }

    /// A probe of the hands found a spawn ready.
    pub(crate) fn probe_answered(&mut self, source: Source, out: &mut Out<'_>) {
        let Source::Spawn(number) = source else { return };
        let awaits = self.spawns.get(&number).and_then(|spawn| spawn.awaits.as_ref());
        if matches!(awaits, Some(Awaits::Probe)) {
            self.note_ready(number, out);
        }
    }

    /// A spawn is ready: tells it, and triggers what waited for it.
    fn note_ready(&mut self, number: u32, out: &mut Out<'_>) {
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        spawn.awaits = None;
        let entry = spawn.entry;
        out.event(&Event::SpawnReady { source: Source::Spawn(number) });
        if let Some(entry) = entry {
            self.entry_ready(entry, out.now);
        }
    }

    /// A spawn has had its time to get ready. If it is not, that fails the run, and it is stopped; it
    /// runs until it has ended.
    pub(crate) fn ready_timeout(&mut self, number: u32, out: &mut Out<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get_mut(&number).filter(|spawn| spawn.awaits.is_some()) else { return };
        let (preset, entry) = (spawn.preset, spawn.entry);
        let Some(ready) = scenario.presets[preset].ready() else { return };
        let (source, running) = (Source::Spawn(number), self.running);
        let error = never_ready(ready);
        out.event(&Event::SpawnFailed { source, error: &error, running });
        self.note_fault(|| format!("{} {error}", spawn_name(&scenario, source, preset)));
        tell_stop(Some(source), "it never became ready", out);
        self.stop_spawn(number, out);
        if let Some(entry) = entry {
            self.look_whether_ever_ready(entry, out);
        }
    }
}

/// What did not happen in time.
fn never_ready(ready: &Ready) -> String {
    let within = ready.timeout.human();
    match &ready.by {
        ReadyBy::Line(regex) => format!("never became ready: no line like /{regex}/ came within {within}"),
        ReadyBy::Tcp(address) => {
            format!("never became ready: {} took no connection within {within}", address.shown())
        }
        ReadyBy::Http(url) => {
            format!("never became ready: {} gave no answer 2xx or 3xx within {within}", url.shown())
        }
    }
}
