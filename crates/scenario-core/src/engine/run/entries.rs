//! Carries out the entries of the timeline, and reports their progress to the timeline.

use std::rc::Rc;

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::lifecycle::RunFailure;
use crate::engine::names::entry_name;
use crate::engine::output::EngineOutput;
use crate::scenario::model::expect_parts::EntryPhase;
use crate::scenario::model::{EntryAction, ScenarioText};
use scenario_log::event::Event;
use scenario_log::time::Moment;

impl RunState {
    /// Carries out one occurrence of an entry.
    pub(super) fn run_entry(&mut self, entry: usize, due: Moment, out: &mut EngineOutput<'_>) {
        let scenario = Rc::clone(&self.scenario);
        let row = &scenario.timeline[entry];
        if self.timeline.record_no_arrival(entry) {
            return self.check_entry_over(entry, out);
        }
        self.timeline.record_occurrence(entry, due, &mut self.timers);
        for _ in 0..row.count {
            if !out.wants_more() {
                return;
            }
            match &row.action {
                EntryAction::Spawn(preset) => self.start_spawn(*preset, Some(entry), due, out),
                EntryAction::Fetch(job) => self.start_fetch(*job, Some(entry), due, out),
                EntryAction::Stop(target) => self.stop_target(*target, Some(entry), due, out),
                EntryAction::Send { to, text } => self.run_send_entry(entry, *to, text, due, out),
                EntryAction::Mark(text) => self.run_mark_entry(entry, text, due, out),
            }
        }
        if !matches!(row.action, EntryAction::Spawn(_) | EntryAction::Fetch(_)) {
            out.reach_phase(entry, EntryPhase::Started);
            let recorded = self.timeline.record_instant_action(entry, due, &mut self.timers);
            self.apply_waits(recorded, out);
        }
        self.check_entry_over(entry, out);
    }

    /// A spawn or job of an entry has started.
    pub(super) fn entry_started(&mut self, entry: Option<usize>, moment: Moment, out: &mut EngineOutput<'_>) {
        if let Some(entry) = entry {
            out.reach_phase(entry, EntryPhase::Started);
            let recorded = self.timeline.record_started(entry, moment, &mut self.timers);
            self.apply_waits(recorded, out);
        }
    }

    /// A spawn of an entry is ready.
    pub(super) fn entry_ready(&mut self, entry: Option<usize>, moment: Moment, out: &mut EngineOutput<'_>) {
        if let Some(entry) = entry {
            out.reach_phase(entry, EntryPhase::Ready);
            self.timeline.record_ready(entry, moment, &mut self.timers);
        }
    }

    /// A spawn or job of an entry is over.
    pub(super) fn entry_source_removed(
        &mut self,
        entry: Option<usize>,
        moment: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        if let Some(entry) = entry {
            self.timeline.remove_source(entry, moment);
            self.check_entry_over(entry, out);
        }
    }

    pub(super) fn check_entry_over(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        let may_become_ready = || self.spawns.may_become_ready(entry);
        let checked = self.timeline.check_over(entry, may_become_ready, &mut self.timers);
        if self.timeline.has_finished(entry) {
            out.reach_phase(entry, EntryPhase::Finished);
        }
        self.apply_waits(checked, out);
    }

    /// Fails the run if an entry waits for `ready` of this one, and it can no longer come.
    pub(super) fn check_entry_ready(&mut self, entry: usize, out: &mut EngineOutput<'_>) {
        let checked = self.timeline.check_ready(entry, || self.spawns.may_become_ready(entry));
        self.apply_waits(checked, out);
    }

    /// Notes that something of an entry was not as expected.
    pub(super) fn entry_failed(&mut self, entry: Option<usize>) {
        if let Some(entry) = entry {
            self.timeline.record_failure(entry);
        }
    }

    /// Reports the entries that are skipped, and ends the run as failed if an entry waits for something that
    /// should have come and no longer can.
    pub(super) fn apply_waits(&mut self, result: Result<(), RunFailure>, out: &mut EngineOutput<'_>) {
        for (entry, reason) in self.timeline.take_skipped() {
            let entry = self.scenario.timeline[entry].event_name(entry);
            out.event(&Event::EntrySkipped { entry, reason: &reason });
        }
        self.fail_on_error(result, out);
    }

    /// Ends the run as failed, if a part of it returned a failure.
    pub(super) fn fail_on_error(&mut self, result: Result<(), RunFailure>, out: &mut EngineOutput<'_>) {
        if let Err(RunFailure(reason)) = result {
            self.fail_now(reason, out);
        }
    }

    fn run_mark_entry(&mut self, entry: usize, text: &ScenarioText, due: Moment, out: &mut EngineOutput<'_>) {
        let (text, missing) = self.captures.fill_text(text);
        out.event(&Event::Mark {
            due,
            entry: Some(self.scenario.timeline[entry].event_name(entry)),
            text: &text.display_with_gaps(),
        });
        if let Some(missing) = missing {
            self.timeline.record_failure(entry);
            let name = || entry_name(&self.scenario, entry);
            self.lifecycle.record_failure(|| format!("{} has no text: {missing}", name()));
        }
    }

    /// Stops every spawn and request of the target, for an entry or for the step of a player.
    pub(super) fn stop_target(
        &mut self,
        target: usize,
        by_entry: Option<usize>,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let entry = by_entry.map(|entry| scenario.timeline[entry].event_name(entry));
        let sources = self.sources_of(target);
        let loads: Vec<(u32, usize)> = self.jobs.loads_of_entry(target).collect();
        let has_load = self.stop_loads(&loads, Some((due, target)), out);
        let stopping = |source, error| Event::Stopping {
            due: Some(due),
            source,
            entry,
            signal: None,
            reason: None,
            error,
        };
        for source in &sources {
            out.event(&stopping(Some(*source), None));
            self.stop_source(*source, out);
        }
        if sources.is_empty() && !has_load {
            let error = format!("{} does not run", entry_name(&scenario, target));
            out.event(&stopping(None, Some(&*error)));
            self.entry_failed(by_entry);
            self.lifecycle.record_failure(|| match by_entry {
                Some(entry) => format!("{} could not stop anything: {error}", entry_name(&scenario, entry)),
                None => format!("a step could not stop anything: {error}"),
            });
        }
    }

    /// Sends a text to every spawn of the target, unless a captured value is missing in it.
    fn run_send_entry(
        &mut self,
        entry: usize,
        to: usize,
        text: &ScenarioText,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let scenario = Rc::clone(&self.scenario);
        let name = Some(scenario.timeline[entry].event_name(entry));
        let (text, missing) = self.captures.fill_text(text);
        let sources = if missing.is_some() { Vec::new() } else { self.sources_of(to) };
        let (shown, sent) = (&*text.display_with_gaps(), text.reveal());
        let due = Some(due);
        for source in &sources {
            let source = *source;
            out.event(&Event::Sent {
                due,
                source: Some(source),
                entry: name,
                text: Some(shown),
                error: None,
            });
            out.effect(Effect::SendLine { source, bytes: format!("{sent}\n").into_bytes() });
        }
        if sources.is_empty() {
            let error = missing.unwrap_or_else(|| format!("{} does not run", entry_name(&scenario, to)));
            let shown_error = Some(error.as_str());
            out.event(&Event::Sent { due, source: None, entry: name, text: Some(shown), error: shown_error });
            self.timeline.record_failure(entry);
            self.lifecycle
                .record_failure(|| format!("{} could not send: {error}", entry_name(&scenario, entry)));
        }
    }
}
