//! What programs use, and the limits of it.

use super::RunState;
use crate::engine::output::EngineOutput;
use crate::engine::spawns::{SpawnExitReport, command_preset};
use crate::scenario::model::resources::ProgramLimits;
use scenario_log::event::{Event, LimitKind, Source, SpawnExit, SpawnSample};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// The code of a shell whose program a signal has ended: this and the number of the signal.
const SHELL_SIGNAL_BASE: i32 = 128;

/// The time between the signal that ends a program for its processor time and the KILL that does, in nanoseconds.
const CPU_GRACE: Span = Span::from_secs(1);

impl RunState {
    /// Reports what the processes of a spawn use. Nothing follows from it but what expectations make of it.
    pub(super) fn spawn_sampled(&mut self, source: Source, sample: SpawnSample, out: &mut EngineOutput<'_>) {
        if self.spawns.find_process(source).is_none() {
            return;
        }
        let SpawnSample { memory, cpu, processes, threads, descriptors } = sample;
        out.event(&Event::SpawnSampled { source, memory, cpu, processes, threads, descriptors });
    }

    fn limits_of(&self, preset: usize) -> Option<&ProgramLimits> {
        command_preset(&self.scenario, preset).map(|command| &command.resources.limits)
    }

    /// The same end with the limit that it exceeded, if its signal tells that.
    pub(super) fn with_exceeded_limit(&self, preset: usize, mut end: SpawnExitReport) -> SpawnExitReport {
        if let Some(limits) = self.limits_of(preset) {
            end.usage.exceeded = end.usage.exceeded.or_else(|| exceeded_limit(limits, &end));
        }
        end
    }

    /// What a limit has to do with an end that is not as expected, to be said after it.
    pub(super) fn limit_words(&self, preset: usize, end: SpawnExitReport) -> String {
        let Some(limits) = self.limits_of(preset) else { return String::new() };
        if let Some(kind) = end.usage.exceeded {
            let of = limits.describe(kind).map(|limit| format!(" of {limit}")).unwrap_or_default();
            return format!(": it {}{of}", kind.excess());
        }
        // Without a control group nobody tells why a program got no more memory.
        match limits.describe(LimitKind::Memory) {
            Some(limit) => format!(" (its memory is limited to {limit})"),
            None => String::new(),
        }
    }
}

/// The limit that ended a program with the signal that the kernel has for it. A shell gives the signal of
/// its last program as a code.
fn exceeded_limit(limits: &ProgramLimits, end: &SpawnExitReport) -> Option<LimitKind> {
    let is_by = |signal: Signal| match end.exit {
        SpawnExit::Signal(by) => by == signal,
        SpawnExit::Code(code) => code == SHELL_SIGNAL_BASE + i32::from(signal.number()),
    };
    let cpu = limits.cpu.filter(|limit| {
        let is_past_grace = end.usage.cpu.is_some_and(|used| used.0 >= limit.0.saturating_add(CPU_GRACE.0));
        is_by(Signal::XCPU) || end.exit == SpawnExit::Signal(Signal::KILL) && is_past_grace
    });
    let file_size = limits.file_size.filter(|_| is_by(Signal::XFSZ));
    cpu.map(|_| LimitKind::Cpu).or(file_size.map(|_| LimitKind::FileSize))
}
