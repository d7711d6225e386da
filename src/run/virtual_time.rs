//! Virtual time: `now` is whatever is due next, over and over. No runtime, no waiting; the same
//! scenario and seed give the same bytes.

use crate::io::guard::lifeline::Lifeline;
use crate::io::panics;
use crate::io::signals::SignalPoller;
use crate::run::DrivenRun;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink};
use scenario_log::time::Moment;

/// Starts a run (`begin`) once signals are heard, so that none leaves a log without an end, and drives
/// it to its end, an orderly one should the engine or the journal panic. What is typed (`input`) is
/// typed at its start; `lifeline` goes to the guard, if there is one. The run comes back with its verdict, or with why its log could not be written.
///
/// # Errors
/// When signals cannot be heard, or the run cannot begin.
pub fn drive(
    begin: impl FnOnce() -> Result<DrivenRun, String>,
    input: &[String],
    lifeline: Option<Lifeline>,
) -> Result<(DrivenRun, Result<RunVerdict, String>), String> {
    let mut signals = SignalPoller::new(lifeline).map_err(|error| format!("cannot hear signals: {error}"))?;
    let mut run = begin()?;
    let typed = |run: &mut DrivenRun| {
        for text in input {
            run.engine.handle_input(
                Moment::ZERO,
                &Input::CommandTyped { text: text.clone() },
                &mut run.recorder,
            );
        }
    };
    let mut verdict = panics::catch_call(|| {
        typed(&mut run);
        drive_to_end(&mut run, &mut signals)
    });
    if verdict.is_none() {
        verdict = panics::catch_call(|| {
            let (now, error) = (run.recorder.last_moment(), panics::first_panic().unwrap_or("a panic"));
            run.engine.handle_input(
                now,
                &Input::InternalError { error: error.to_owned() },
                &mut run.recorder,
            );
            drive_to_end(&mut run, &mut signals)
        });
    }
    // Where it cannot even do that, the log ends with the last thing that was decided.
    let verdict = verdict.unwrap_or_else(|| run.recorder.finish().map_or(Ok(RunVerdict::InternalError), Err));
    Ok((run, verdict))
}

fn drive_to_end(run: &mut DrivenRun, signals: &mut SignalPoller) -> Result<RunVerdict, String> {
    let mut orders = Vec::new();
    loop {
        if run.engine.has_occurred(0) {
            panics::panic_once_if_requested("virtual");
        }
        let verdict = advance_batch(&mut run.engine, &mut run.recorder);
        apply_effects(run, &mut orders);
        if let Some(fault) = run.recorder.error() {
            return Err(fault);
        }
        if let Some(verdict) = verdict {
            return run.recorder.finish().map_or(Ok(verdict), Err);
        }
        if let Some(signal) = signals.poll() {
            run.engine.handle_input(
                run.recorder.last_moment(),
                &Input::SignalReceived(signal),
                &mut run.recorder,
            );
        }
    }
}

/// Carries out the only order that virtual time knows: whatever starts something real was refused
/// before the run.
fn apply_effects(run: &mut DrivenRun, orders: &mut Vec<Effect>) {
    run.recorder.take_effects(orders);
    for order in orders.drain(..) {
        if order == Effect::ShowStatus {
            let status = run.engine.status();
            run.recorder.show_status(run.recorder.last_moment(), &status);
        }
    }
}

/// How many moments are driven between two looks at the orders.
const MOMENTS_PER_BATCH: usize = 1_000;

/// Lets some moments pass.
fn advance_batch(engine: &mut Engine, sink: &mut dyn EngineSink) -> Option<RunVerdict> {
    for _ in 0..MOMENTS_PER_BATCH {
        match engine.next_due() {
            Some(now) => engine.advance(now, sink),
            None => break,
        }
    }
    engine.verdict()
}
