//! Acts on what runs: stops, sends, signals and kills, for entries, steps of players and typed commands.
//! Restarts are in `restarting`.

use std::rc::Rc;

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::names::entry_name;
use crate::engine::output::EngineOutput;
use crate::engine::spawns::SpawnStop;
use crate::engine::timer_queue::Timer;
use crate::scenario::model::{ActionTarget, EntryAction, SendAction, SignalAction};
use scenario_log::event::{EntryName, Event, Source};
use scenario_log::signal::Signal;
use scenario_log::time::{Moment, Span};

/// The origin of an action, and its planned moment.
#[derive(Clone, Copy)]
pub(super) struct ActionOrigin {
    /// The entry of the timeline; none for a step of a player and for a typed command.
    pub(super) entry: Option<usize>,
    pub(super) due: Moment,
    pub(super) is_typed: bool,
}

impl ActionOrigin {
    pub(super) fn of_entry(entry: usize, due: Moment) -> ActionOrigin {
        ActionOrigin { entry: Some(entry), due, is_typed: false }
    }

    pub(super) fn typed(now: Moment) -> ActionOrigin {
        ActionOrigin { entry: None, due: now, is_typed: true }
    }
}

impl RunState {
    /// Carries out an action of an entry on what runs of its target.
    pub(super) fn run_target_entry(
        &mut self,
        entry: usize,
        action: &EntryAction,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let by = ActionOrigin::of_entry(entry, due);
        match action {
            EntryAction::Stop(target) => self.stop_target(target, Some(entry), due, out),
            EntryAction::Send(send) => self.run_send_entry(entry, send, due, out),
            EntryAction::Signal(signal) => self.run_signal_entry(by, signal, out),
            EntryAction::Kill(target) => self.run_kill_entry(by, target, out),
            EntryAction::Restart(target) => self.run_restart_entry(by, target, out),
            EntryAction::Spawn(_) | EntryAction::Fetch(_) | EntryAction::Mark(_) | EntryAction::Link(_) => {}
        }
    }

    /// Stops every spawn and request of the target, for an entry or for the step of a player.
    pub(super) fn stop_target(
        &mut self,
        target: &ActionTarget,
        by_entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let by = ActionOrigin { entry: by_entry, due, is_typed: false };
        let sources = self.planned_sources(target);
        let loads = self.planned_loads(target);
        let has_load = self.stop_loads(&loads, Some(due), out);
        for source in &sources {
            self.emit_stopping_source(by, *source, out);
            self.stop_source(*source, out);
        }
        if sources.is_empty() && !has_load && !self.cancel_tries(target, Some(by), out) {
            self.report_nothing_to_stop(by, target, "could not stop anything", out);
        }
    }

    /// Reports that a spawn or a request is asked to stop.
    pub(super) fn emit_stopping_source(&self, by: ActionOrigin, source: Source, out: &mut EngineOutput<'_>) {
        if by.is_typed {
            return out.emit_stopping(Some(source), "typed");
        }
        let entry = self.origin_name(by);
        let (due, source) = (Some(by.due), Some(source));
        out.event(&Event::Stopping { due, source, entry, signal: None, reason: None, error: None });
    }

    /// Reports that nothing of a target runs that could be stopped, which fails the run.
    pub(super) fn report_nothing_to_stop(
        &mut self,
        by: ActionOrigin,
        target: &ActionTarget,
        what: &str,
        out: &mut EngineOutput<'_>,
    ) {
        let error = self.does_not_run(target);
        out.event(&Event::Stopping {
            due: Some(by.due),
            source: None,
            entry: self.origin_name(by),
            signal: None,
            reason: None,
            error: Some(&error),
        });
        self.entry_failed(by.entry);
        let scenario = &self.scenario;
        self.lifecycle.record_failure(|| match by.entry {
            Some(entry) => format!("{} {what}: {error}", entry_name(scenario, entry)),
            None => format!("a step {what}: {error}"),
        });
    }

    fn does_not_run(&self, target: &ActionTarget) -> String {
        match target.entry {
            Some(entry) => format!("{} does not run", entry_name(&self.scenario, entry)),
            None => format!("`{}` does not run", target.name),
        }
    }

    /// The name of the entry that asks for an action.
    pub(super) fn origin_name(&self, by: ActionOrigin) -> Option<EntryName<'_>> {
        by.entry.map(|entry| self.scenario.timeline[entry].event_name(entry))
    }

    /// Sends a text to every spawn of the target, unless a captured value is missing in it.
    fn run_send_entry(&mut self, entry: usize, send: &SendAction, due: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let name = Some(scenario.timeline[entry].event_name(entry));
        let (text, missing) = match &send.text {
            Some(text) => {
                let (text, missing) = self.captures.fill_text(text);
                (Some(text), missing)
            }
            None => (None, None),
        };
        let sources = if missing.is_some() { Vec::new() } else { self.planned_sources(&send.to) };
        let shown = text.as_ref().map(|text| text.display_with_gaps());
        let shown = shown.as_deref();
        let newline = if send.enter { "\n" } else { "" };
        let enter = (text.is_some() && !send.enter).then_some(false);
        let (readers, deaf): (Vec<Source>, Vec<Source>) =
            sources.into_iter().partition(|source| self.reads(*source));
        let due = Some(due);
        for source in &readers {
            let source = *source;
            out.event(&Event::Sent {
                due,
                source: Some(source),
                entry: name,
                text: shown,
                enter,
                close: send.close.then_some(true),
                error: None,
            });
            if let Some(text) = &text {
                let bytes = format!("{}{newline}", text.reveal()).into_bytes();
                out.effect(Effect::SendInput { source, bytes });
            }
            if send.close {
                out.effect(Effect::CloseInput { source });
            }
        }
        if readers.is_empty() {
            let error = missing.unwrap_or_else(|| match deaf.first() {
                Some(source) => {
                    format!("{source} reads nothing: only a program with `stdin = \"open\"` does")
                }
                None => self.does_not_run(&send.to),
            });
            out.event(&Event::Sent {
                due,
                source: None,
                entry: name,
                text: shown,
                enter,
                close: send.close.then_some(true),
                error: Some(&error),
            });
            self.entry_failed(Some(entry));
            self.lifecycle
                .record_failure(|| format!("{} could not send: {error}", entry_name(&scenario, entry)));
        }
    }

    fn run_signal_entry(&mut self, by: ActionOrigin, action: &SignalAction, out: &mut EngineOutput<'_>) {
        let sources = self.planned_sources(&action.to);
        let spawns = self.signal_sources(by, &sources, (action.signal, action.pause), out);
        if spawns == 0 {
            self.report_no_signal(by, (&action.to, &sources), action.signal, out);
        }
    }

    fn run_kill_entry(&mut self, by: ActionOrigin, target: &ActionTarget, out: &mut EngineOutput<'_>) {
        let sources = self.planned_sources(target);
        if self.kill_sources(by, &sources, out) == 0 {
            self.report_no_signal(by, (target, &sources), Signal::KILL, out);
        }
    }

    /// Reports that an entry's signal reaches nothing, which fails the run.
    fn report_no_signal(
        &mut self,
        by: ActionOrigin,
        (target, sources): (&ActionTarget, &[Source]),
        signal: Signal,
        out: &mut EngineOutput<'_>,
    ) {
        let error = match sources.first() {
            Some(source) if self.spawns.is_awaiting_restart(*source) => {
                format!("{source} has ended, and waits for its restart")
            }
            Some(source) => format!("{source} is no program that could get a signal"),
            None => self.does_not_run(target),
        };
        let entry = self.origin_name(by);
        out.event(&Event::Signalled { due: by.due, source: None, entry, signal, error: Some(&error) });
        self.entry_failed(by.entry);
        let scenario = &self.scenario;
        let what = if signal == Signal::KILL { "kill anything" } else { "send a signal" };
        self.lifecycle.record_failure(|| match by.entry {
            Some(entry) => format!("{} could not {what}: {error}", entry_name(scenario, entry)),
            None => format!("could not {what}: {error}"),
        });
    }

    /// Sends a signal to the processes among these, with CONT after the pause, if it has one. Returns how many
    /// there are.
    pub(super) fn signal_sources(
        &mut self,
        by: ActionOrigin,
        sources: &[Source],
        (signal, pause): (Signal, Option<Span>),
        out: &mut EngineOutput<'_>,
    ) -> usize {
        let is_process = |source: &&Source| self.is_process(**source);
        let sources: Vec<Source> = sources.iter().filter(is_process).copied().collect();
        if signal == Signal::KILL {
            return self.kill_sources(by, &sources, out);
        }
        for source in &sources {
            self.signal_spawn(by, *source, signal, out);
            if let (Some(pause), Source::Spawn(number)) = (pause, *source) {
                let until = by.due.saturating_add(pause);
                if let Some(acts) = self.spawns.acts_mut(number) {
                    acts.pause_until(until, by.entry);
                }
                self.timers.push_overdue(until, Timer::Continue(number));
            }
        }
        sources.len()
    }

    fn signal_spawn(&mut self, by: ActionOrigin, source: Source, signal: Signal, out: &mut EngineOutput<'_>) {
        let Source::Spawn(number) = source else { return };
        if let Some(acts) = self.spawns.acts_mut(number) {
            acts.record_signal(signal);
        }
        let entry = self.origin_name(by);
        out.event(&Event::Signalled { due: by.due, source: Some(source), entry, signal, error: None });
        out.effect(Effect::SignalSpawn { source, signal });
    }

    /// The pause of a program is over, unless a longer one has begun or somebody has continued it.
    pub(super) fn continue_paused(&mut self, number: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let over = self.spawns.acts_mut(number).and_then(|acts| acts.end_pause(due));
        if let Some(entry) = over {
            let by = ActionOrigin { entry, due, is_typed: false };
            self.signal_spawn(by, Source::Spawn(number), Signal::CONT, out);
        }
    }

    /// Kills the spawns among these at once. Returns how many there are.
    pub(super) fn kill_sources(
        &mut self,
        by: ActionOrigin,
        sources: &[Source],
        out: &mut EngineOutput<'_>,
    ) -> usize {
        let mut killed = 0;
        for source in sources {
            let Source::Spawn(number) = *source else { continue };
            killed += 1;
            let entry = self.origin_name(by);
            let signal = Signal::KILL;
            out.event(&Event::Signalled { due: by.due, source: Some(*source), entry, signal, error: None });
            match self.spawns.request_kill(number) {
                SpawnStop::Nothing => {}
                SpawnStop::Process => out.effect(Effect::KillSpawn { source: *source }),
                SpawnStop::Players(play) => self.end_players(number, play, signal, out),
            }
        }
        killed
    }

    /// Whether a source is a process, also one that is to be started, but not one that waits for its restart.
    pub(super) fn is_process(&self, source: Source) -> bool {
        let is_process = |preset: usize| self.scenario.presets[preset].kind.is_process();
        !self.spawns.is_awaiting_restart(source)
            && self.spawns.find(source).is_some_and(|(_, preset)| is_process(preset))
    }
}
