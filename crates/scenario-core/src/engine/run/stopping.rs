//! Stops all that runs at the end: the programs that waited for others first, and players and requests at once.

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::output::EngineOutput;
use crate::engine::spawns::SpawnStop;
use crate::engine::stop_order::StopOrder;
use crate::scenario::model::{EntryAction, EntryTrigger, TimelineEntry};
use scenario_log::event::Source;

/// The reason of a stop at the end where all programs are stopped at once.
const AT_ONCE: &str = "the end of the run";

/// The reason of a stop at the end where some programs wait for others to end. The log of a run says by it that
/// the run stopped its programs so: older releases stopped all at once.
pub const END_IN_ORDER: &str = "the end of the run, in order";

impl RunState {
    /// Asks everything that runs to stop. Where programs are stopped at once, `is_told` says whether an event
    /// reports each of them.
    pub(super) fn stop_spawns(&mut self, is_told: bool, out: &mut EngineOutput<'_>) {
        self.take_restarts_back(out);
        let scenario = &self.scenario;
        let is_process = |preset: usize| scenario.presets[preset].kind.is_process();
        let programs = self.spawns.iter().filter(|(_, spawn)| is_process(spawn.preset()));
        let programs = programs.filter_map(|(source, spawn)| match source {
            Source::Spawn(number) => Some((number, self.ordering_entry(spawn.preset(), spawn.entry()))),
            Source::Request(_) | Source::Guest(_) => None,
        });
        let awaited = |entry: usize| {
            let trigger = scenario.timeline[entry].trigger.as_ref();
            trigger.map(EntryTrigger::awaited_entries).unwrap_or_default()
        };
        let order = StopOrder::new(programs, awaited);
        if !order.is_empty() && self.has_free_program(&order) && out.stops_in_order() {
            return self.stop_in_order(order, out);
        }
        for number in self.spawns.numbers() {
            if is_told {
                out.emit_stopping(Some(Source::Spawn(number)), AT_ONCE);
            }
            self.stop_spawn(number, out);
        }
    }

    /// The entry by which a program has its place in the order: its own, or else, of one that was typed, the
    /// first that spawns its preset.
    fn ordering_entry(&self, preset: usize, entry: Option<usize>) -> Option<usize> {
        let name = self.scenario.first_of_name(preset);
        let spawns = |entry: &TimelineEntry| matches!(entry.action, EntryAction::Spawn(own) if self.scenario.first_of_name(own) == name);
        entry.or_else(|| self.scenario.timeline.iter().position(spawns))
    }

    fn ordering_entry_of(&self, number: u32) -> Option<usize> {
        let spawn = self.spawns.get(number)?;
        self.ordering_entry(spawn.preset(), spawn.entry())
    }

    /// Whether a program that need not wait is to be stopped now: its event says that the stop is in order.
    fn has_free_program(&self, order: &StopOrder) -> bool {
        self.spawns.iter().any(|(source, spawn)| {
            let entry = self.ordering_entry(spawn.preset(), spawn.entry());
            self.is_process(source) && !spawn.is_stop_requested() && !order.is_blocked(entry)
        })
    }

    fn stop_in_order(&mut self, order: StopOrder, out: &mut EngineOutput<'_>) {
        let (programs, players): (Vec<u32>, Vec<u32>) =
            self.spawns.numbers().into_iter().partition(|number| self.is_process(Source::Spawn(*number)));
        for number in programs {
            self.spawns.bar_restart(number);
            // From now on each exit is one that was asked for.
            if self.spawns.request_stop(number) == SpawnStop::Process {
                match order.is_blocked(self.ordering_entry_of(number)) {
                    true => drop(self.held_stops.insert(number)),
                    false => stop_now(number, out),
                }
            }
        }
        self.stop_order = Some(order);
        for number in players {
            self.stop_spawn(number, out);
        }
    }

    /// A spawn has ended: asks the programs to stop that had to wait for it.
    pub(super) fn release_stops(
        &mut self,
        number: u32,
        (preset, entry): (usize, Option<usize>),
        out: &mut EngineOutput<'_>,
    ) {
        if self.stop_order.is_none() {
            return;
        }
        let entry = self.ordering_entry(preset, entry);
        let Some(order) = &mut self.stop_order else { return };
        self.held_stops.remove(&number);
        for free in order.record_end(number, entry) {
            if self.held_stops.remove(&free) {
                stop_now(free, out);
            }
        }
    }

    /// Holds nothing back any more: everything is killed.
    pub(super) fn forget_stop_order(&mut self) {
        self.stop_order = None;
        self.held_stops.clear();
    }
}

fn stop_now(number: u32, out: &mut EngineOutput<'_>) {
    out.emit_stopping(Some(Source::Spawn(number)), END_IN_ORDER);
    out.effect(Effect::StopSpawn { source: Source::Spawn(number) });
}
