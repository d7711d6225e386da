//! Virtual time: `now` is whatever is due next, over and over. No runtime, no waiting; the same
//! scenario and seed give the same bytes.

use crate::drive::Run;
use crate::engine::{Engine, Sink};
use crate::words::observed::Observed;
use crate::words::order::{Order, Verdict};
use crate::words::signal::Signal;
use crate::words::time::Moment;

/// Drives a run to its end. What is typed (`input`) is typed at its start; `signalled` is asked now
/// and then for a signal that came. The verdict comes back.
///
/// # Errors
/// When the log cannot be written; with why.
pub fn drive(
    run: &mut Run,
    input: &[String],
    signalled: impl Fn() -> Option<Signal>,
) -> Result<Verdict, String> {
    for text in input {
        run.engine.observe(Moment::ZERO, Observed::Typed { text }, &mut run.journal);
    }
    let mut orders = Vec::new();
    let verdict = loop {
        let verdict = turn(&mut run.engine, &mut run.journal);
        run.journal.take_orders(&mut orders);
        for order in orders.drain(..) {
            if order == Order::ShowStatus {
                let status = run.engine.status();
                run.journal.show_status(run.journal.reached(), &status);
            }
        }
        if let Some(fault) = run.journal.fault() {
            return Err(fault);
        }
        if let Some(verdict) = verdict {
            break verdict;
        }
        if let Some(signal) = signalled() {
            let now = run.journal.reached();
            run.engine.observe(now, Observed::Signalled(signal), &mut run.journal);
        }
    };
    match run.journal.finish() {
        Some(fault) => Err(fault),
        None => Ok(verdict),
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
