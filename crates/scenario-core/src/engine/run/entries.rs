//! Carries out the entries of the timeline, and reports their progress to the timeline.

use std::rc::Rc;

use super::RunState;
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
        if self.timeline.has_ended_tries(entry) {
            return;
        }
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
                EntryAction::Link(action) => self.run_link_entry(entry, action, due, out),
                EntryAction::Mark(text) => self.run_mark_entry(entry, text, due, out),
                action => self.run_target_entry(entry, action, due, out),
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
            let has_failed = self.timeline.has_failed(entry);
            out.reach_phase(entry, if has_failed { EntryPhase::Failed } else { EntryPhase::Passed });
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
}
