//! Virtual time: the clock jumps to the next moment that is due, until the run ends. No runtime, no
//! waiting; the same scenario and seed give the same bytes.

use crate::io::guard::lifeline::Lifeline;
use crate::io::panics;
use crate::io::signals::SignalPoller;
use crate::run::log_progress;
use crate::run::log_progress::FINISH_INTERVAL;
use crate::run::recorder::{RecordError, RunRecorder};
use crate::run::{DrivenRun, RunStartError};
use scenario_core::engine::Engine;
use scenario_core::engine::effect::{Effect, RunVerdict};
use scenario_core::engine::input::Input;
use scenario_log::time::Moment;

/// Drives a run to its end. `begin` starts the run once signals are received, so that no signal leaves a
/// log without an end. `typed_lines` are typed at the start of the run. `lifeline` leads to the guard, if
/// there is one. If the engine or the recorder panics, the run is still ended in order.
///
/// Returns the run with its verdict, or with the error that stopped its log.
///
/// # Errors
/// When signals cannot be received, or the run cannot begin.
pub fn drive(
    begin: impl FnOnce() -> Result<DrivenRun, RunStartError>,
    typed_lines: &[String],
    lifeline: Option<Lifeline>,
) -> Result<(DrivenRun, Result<RunVerdict, RecordError>), RunStartError> {
    let mut signals = SignalPoller::new(lifeline)
        .map_err(|error| RunStartError(format!("cannot receive signals: {error}")))?;
    let mut run = begin()?;
    let mut verdict = panics::catch_call(|| {
        for text in typed_lines {
            let input = Input::CommandTyped { text: text.clone() };
            run.engine.handle_input(Moment::ZERO, &input, &mut run.recorder);
            // The answer to a line is shown before anything else happens.
            apply_effects(&mut run, &mut Vec::new());
        }
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
    // If it panics again, the log ends with the last event that was decided.
    let verdict = verdict.unwrap_or_else(|| {
        log_progress::finish_log(&mut run.recorder, || true).map(|()| RunVerdict::InternalError)
    });
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
            let mut must_end = run.recorder.is_hurried();
            let finished = log_progress::finish_log(&mut run.recorder, || {
                must_end |= signals.poll().is_some();
                must_end
            });
            return finished.map(|()| verdict);
        }
        let mut signal = signals.poll();
        while signal.is_none() && run.recorder.is_stalled() && run.recorder.flush().is_ok() {
            // Virtual time waits for its log, but it hears signals.
            std::thread::sleep(FINISH_INTERVAL);
            signal = signals.poll();
        }
        if let Some(signal) = signal {
            run.recorder.hurry();
            run.engine.handle_input(
                run.recorder.last_moment(),
                &Input::SignalReceived(signal),
                &mut run.recorder,
            );
        }
    }
}

/// Applies the effects of virtual time, which only show something. A scenario that starts something real was refused before the
/// run.
fn apply_effects(run: &mut DrivenRun, effects: &mut Vec<Effect>) {
    run.recorder.take_effects(effects);
    for effect in effects.drain(..) {
        let now = run.recorder.last_moment();
        if effect == Effect::ShowStatus {
            let status = run.engine.status();
            run.recorder.show_status(now, &status);
        } else if let Effect::ShowLines { lines } = effect {
            run.recorder.show_lines(now, &lines);
        }
    }
}

/// How many moments pass before effects and signals are handled again.
const MOMENTS_PER_BATCH: usize = 1_000;

/// Lets [`MOMENTS_PER_BATCH`] moments pass, or all that are left; fewer if the log
/// is not taken as fast.
fn advance_batch(engine: &mut Engine, recorder: &mut RunRecorder) -> Option<RunVerdict> {
    for _ in 0..MOMENTS_PER_BATCH {
        match engine.next_due().filter(|_| !recorder.is_stalled()) {
            Some(now) => engine.advance(now, recorder),
            None => break,
        }
    }
    engine.verdict()
}
