//! Virtual time: `now` is whatever is due next, over and over. No runtime, no waiting; the same
//! scenario and seed give the same bytes.

use crate::io::guard::lifeline::Lifeline;
use crate::io::panics;
use crate::io::signals::Signals;
use crate::run::Run;
use scenario_core::engine::effect::{Order, Verdict};
use scenario_core::engine::input::Observed;
use scenario_core::engine::{Engine, Sink};
use scenario_log::time::Moment;

/// Starts a run (`begin`) once signals are heard, so that none leaves a log without an end, and drives
/// it to its end, an orderly one should the engine or the journal panic. What is typed (`input`) is
/// typed at its start; `lifeline` goes to the guard, if there is one. The run comes back with its verdict, or with why its log could not be written.
///
/// # Errors
/// When signals cannot be heard, or the run cannot begin.
pub fn drive(
    begin: impl FnOnce() -> Result<Run, String>,
    input: &[String],
    lifeline: Option<Lifeline>,
) -> Result<(Run, Result<Verdict, String>), String> {
    let mut signals = Signals::new(lifeline).map_err(|error| format!("cannot hear signals: {error}"))?;
    let mut run = begin()?;
    let typed = |run: &mut Run| {
        for text in input {
            run.engine.observe(Moment::ZERO, Observed::Typed { text }, &mut run.journal);
        }
    };
    let mut verdict = panics::caught_at_once(|| {
        typed(&mut run);
        drive_to_the_end(&mut run, &mut signals)
    });
    if verdict.is_none() {
        verdict = panics::caught_at_once(|| {
            let (now, error) = (run.journal.reached(), panics::first().unwrap_or("a panic"));
            run.engine.observe(now, Observed::Broken { error }, &mut run.journal);
            drive_to_the_end(&mut run, &mut signals)
        });
    }
    // Where it cannot even do that, the log ends with the last thing that was decided.
    let verdict = verdict.unwrap_or_else(|| run.journal.finish().map_or(Ok(Verdict::Broken), Err));
    Ok((run, verdict))
}

fn drive_to_the_end(run: &mut Run, signals: &mut Signals) -> Result<Verdict, String> {
    let mut orders = Vec::new();
    loop {
        if run.engine.has_occurred(0) {
            panics::wanted_at_first("virtual");
        }
        let verdict = turn(&mut run.engine, &mut run.journal);
        show_status(run, &mut orders);
        if let Some(fault) = run.journal.fault() {
            return Err(fault);
        }
        if let Some(verdict) = verdict {
            return run.journal.finish().map_or(Ok(verdict), Err);
        }
        if let Some(signal) = signals.take() {
            run.engine.observe(run.journal.reached(), Observed::Signalled(signal), &mut run.journal);
        }
    }
}

/// Carries out the only order that virtual time knows: whatever starts something real was refused
/// before the run.
fn show_status(run: &mut Run, orders: &mut Vec<Order>) {
    run.journal.take_orders(orders);
    for order in orders.drain(..) {
        if order == Order::ShowStatus {
            let status = run.engine.status();
            run.journal.show_status(run.journal.reached(), &status);
        }
    }
}

/// How many moments are driven between two looks at the orders.
const MOMENTS: usize = 1_000;

/// Lets some moments pass.
fn turn(engine: &mut Engine, sink: &mut dyn Sink) -> Option<Verdict> {
    for _ in 0..MOMENTS {
        match engine.next_due() {
            Some(now) => engine.advance(now, sink),
            None => break,
        }
    }
    engine.verdict()
}
