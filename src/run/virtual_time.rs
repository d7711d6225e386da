//! Virtual time: the clock jumps to the next moment that is due, until the run ends. No runtime, no
//! waiting; the same scenario and seed give the same bytes.

use crate::io::guard::lifeline::Lifeline;
use crate::io::panics;
use crate::io::signals::SignalPoller;
use crate::run::recorder::RecordError;
use crate::run::{DrivenRun, RunStartError, redact_typed_input};
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_core::engine::{Engine, EngineSink};
use scenario_log::secrets::Secrets;
use scenario_log::time::Moment;

/// Drives a run to its end. `begin` starts the run once signals are received, so that no signal leaves a
/// log without an end. `typed_lines` are typed at the start of the run, without the `secrets` in them. `lifeline` leads to the guard, if
/// there is one. If the engine or the recorder panics, the run is still ended in order.
///
/// Returns the run with its verdict, or with the error that stopped its log.
///
/// # Errors
/// When signals cannot be received, or the run cannot begin.
pub fn drive(
    begin: impl FnOnce() -> Result<DrivenRun, RunStartError>,
    (typed_lines, secrets): (&[String], &Secrets),
    lifeline: Option<Lifeline>,
) -> Result<(DrivenRun, Result<RunVerdict, RecordError>), RunStartError> {
    let mut signals = SignalPoller::new(lifeline)
        .map_err(|error| RunStartError(format!("cannot receive signals: {error}")))?;
    let mut run = begin()?;
    let mut verdict = panics::catch_call(|| {
        for text in typed_lines {
            let mut input = Input::CommandTyped { text: text.clone(), unredacted: None };
            redact_typed_input(&mut input, secrets);
            run.engine.handle_input(Moment::ZERO, &input, &mut run.recorder);
        }
        drive_to_end(&mut run, &mut signals)
    });
    if verdict.is_none() {
        verdict = panics::catch_call(|| {
            let (now, error) = (run.recorder.last_moment(), panics::first_panic().unwrap_or("a panic"));
            run.engine.handle_input(
                now,
                &Input::InternalError { error: secrets.redact(error) },
                &mut run.recorder,
            );
            drive_to_end(&mut run, &mut signals)
        });
    }
    // If it panics again, the log ends with the last event that was decided.
    let verdict = verdict.unwrap_or_else(|| run.recorder.finish().map(|()| RunVerdict::InternalError));
    Ok((run, verdict))
}

fn drive_to_end(run: &mut DrivenRun, signals: &mut SignalPoller) -> Result<RunVerdict, RecordError> {
    let mut effects = Vec::new();
    loop {
        if run.engine.has_occurred(0) {
            panics::panic_once_if_requested("virtual");
        }
        let verdict = advance_batch(&mut run.engine, &mut run.recorder);
        apply_effects(run, &mut effects);
        run.recorder.check()?;
        if let Some(verdict) = verdict {
            return run.recorder.finish().map(|()| verdict);
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

/// Applies the only effect of virtual time. A scenario that starts something real was refused before the
/// run.
fn apply_effects(run: &mut DrivenRun, effects: &mut Vec<Effect>) {
    run.recorder.take_effects(effects);
    for effect in effects.drain(..) {
        if effect == Effect::ShowStatus {
            let status = run.engine.status();
            run.recorder.show_status(run.recorder.last_moment(), &status);
        }
    }
}

/// How many moments pass before effects and signals are handled again.
const MOMENTS_PER_BATCH: usize = 1_000;

/// Lets [`MOMENTS_PER_BATCH`] moments pass, or all that are left.
fn advance_batch(engine: &mut Engine, sink: &mut dyn EngineSink) -> Option<RunVerdict> {
    for _ in 0..MOMENTS_PER_BATCH {
        match engine.next_due() {
            Some(now) => engine.advance(now, sink),
            None => break,
        }
    }
    engine.verdict()
}
