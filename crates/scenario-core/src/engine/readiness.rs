//! When a spawn counts as ready, and what follows if it never does.
//!
//! A spawn whose preset says nothing about it is ready with its start, and nobody tells it. One with
//! `ready` has until its timeout: what it says is seen here, a port or a URL is probed by the hands,
//! which tell when it answers.

use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::shutdown::emit_stopping;
use crate::engine::spawns::spawn_name;
use crate::engine::timer_queue::Timer;
use crate::engine::{EngineOutput, RunState};
use crate::scenario::model::{ReadinessRule, ReadinessTest};
use scenario_log::event::{Event, Source};
use scenario_log::time::Moment;

/// What would show that a spawn is ready.
#[derive(Clone, Debug)]
pub(crate) enum ReadinessWait {
    /// A line like this.
    Line(Rc<Regex>),
    /// A probe of the hands.
    Probe,
}

impl RunState {
    /// A spawn has started, at `moment`: it is ready, or has from now on to show that it is.
    pub(crate) fn await_ready(&mut self, number: u32, moment: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get(&number) else { return };
        let (preset, entry, is_stopping) = (spawn.preset, spawn.entry, spawn.is_stop_requested());
        let Some(ready) = scenario.presets[preset].ready() else {
            if let Some(entry) = entry {
                self.entry_ready(entry, moment);
            }
            return;
        };
        if is_stopping {
            return;
        }
        let awaits = match &ready.test {
            ReadinessTest::Line(regex) => match self.ready_regex(preset, regex) {
                Ok(regex) => ReadinessWait::Line(regex),
                Err(error) => {
                    return self.fail_now(format!("the regex /{regex}/ is not one: {error}"), out);
                }
            },
            ReadinessTest::Tcp(_) | ReadinessTest::Http(_) => ReadinessWait::Probe,
        };
        if let Some(spawn) = self.spawns.get_mut(&number) {
            spawn.readiness = Some(awaits);
        }
        self.timers.push(moment.saturating_add(ready.timeout), Timer::ReadyTimeout(number));
    }

    /// The regular expression of a preset: one for all its spawns, of which there may be thousands.
    fn ready_regex(&mut self, preset: usize, regex: &str) -> Result<Rc<Regex>, regex::Error> {
        if let Some(regex) = self.ready_regexes.get(&preset) {
            return Ok(Rc::clone(regex));
        }
        let regex = Rc::new(Regex::new(regex)?);
        self.ready_regexes.insert(preset, Rc::clone(&regex));
        Ok(regex)
    }

    /// Whether a line can show that this spawn is ready.
    pub(crate) fn awaits_line(&self, number: u32) -> bool {
        self.spawns.get(&number).is_some_and(|spawn| matches!(spawn.readiness, Some(ReadinessWait::Line(_))))
    }

    /// A line of a spawn that awaits one.
    pub(crate) fn match_ready_line(&mut self, number: u32, line: &[u8], out: &mut EngineOutput<'_>) {
        let awaits = self.spawns.get(&number).and_then(|spawn| spawn.readiness.as_ref());
        if matches!(awaits, Some(ReadinessWait::Line(regex)) if regex.is_match(line)) {
            self.record_ready(number, out);
        }
    }

    /// A probe of the hands found a spawn ready.
    pub(crate) fn probe_answered(&mut self, source: Source, out: &mut EngineOutput<'_>) {
        let Source::Spawn(number) = source else { return };
        let awaits = self.spawns.get(&number).and_then(|spawn| spawn.readiness.as_ref());
        if matches!(awaits, Some(ReadinessWait::Probe)) {
            self.record_ready(number, out);
        }
    }

    /// A spawn is ready: tells it, and triggers what waited for it.
    fn record_ready(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let Some(spawn) = self.spawns.get_mut(&number) else { return };
        spawn.readiness = None;
        let entry = spawn.entry;
        out.event(&Event::SpawnReady { source: Source::Spawn(number) });
        if let Some(entry) = entry {
            self.entry_ready(entry, out.now);
        }
    }

    /// A spawn has had its time to get ready. If it is not, that fails the run, and it is stopped; it
    /// runs until it has ended.
    pub(crate) fn ready_timed_out(&mut self, number: u32, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let Some(spawn) = self.spawns.get_mut(&number).filter(|spawn| spawn.readiness.is_some()) else {
            return;
        };
        let (preset, entry) = (spawn.preset, spawn.entry);
        let Some(ready) = scenario.presets[preset].ready() else { return };
        let (source, running) = (Source::Spawn(number), self.running_spawns);
        let error = format_never_ready(ready);
        out.event(&Event::SpawnFailed { source, error: &error, running });
        self.record_failure(|| format!("{} {error}", spawn_name(&scenario, source, preset)));
        emit_stopping(Some(source), "it never became ready", out);
        self.stop_spawn(number, out);
        if let Some(entry) = entry {
            self.fail_if_never_ready(entry, out);
        }
    }
}

/// What did not happen in time.
fn format_never_ready(ready: &ReadinessRule) -> String {
    let within = ready.timeout.format_human();
    match &ready.test {
        ReadinessTest::Line(regex) => {
            format!("never became ready: no line like /{regex}/ came within {within}")
        }
        ReadinessTest::Tcp(address) => {
            format!("never became ready: {} took no connection within {within}", address.display_text())
        }
        ReadinessTest::Http(url) => {
            format!("never became ready: {} gave no answer 2xx or 3xx within {within}", url.display_text())
        }
    }
}
