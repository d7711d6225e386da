//! For people: a line for each outcome.

use std::fmt::Write;

use num_bigint::BigUint;

use super::{Exploration, How, grouped, in_words, part, runs, witness};
use crate::explore::outcome::{Ended, Explored, Found, Judged};
use scenario_log::sanitize::visible;

/// The most outcomes that people are shown, and of which logs are written.
pub const MOST_SHOWN: usize = 20;

/// What came of it, as text.
#[must_use]
pub fn human(exploration: &Exploration<'_>) -> String {
    let Exploration { name, how, explored } = *exploration;
    let mut out = head(name, how, explored);
    if explored.runs == BigUint::ZERO {
        return out;
    }
    out.push('\n');
    let shown = &explored.found[..explored.found.len().min(MOST_SHOWN)];
    let counts: Vec<String> = shown.iter().map(|found| grouped(&found.count)).collect();
    let width = counts.iter().map(String::len).max().unwrap_or_default().max("count".len());
    let _ = writeln!(out, "  #  {:>width$}     part  outcome", "count");
    for (n, (found, count)) in shown.iter().zip(&counts).enumerate() {
        outcome(&mut out, (n + 1, how, &explored.runs), found, &format!("{count:>width$}"));
    }
    if explored.found.len() > shown.len() {
        let _ = writeln!(out, "     and {} more outcomes", explored.found.len() - shown.len());
    }
    expected(&mut out, how, explored);
    out
}

fn head(name: &str, how: How, explored: &Explored) -> String {
    let mut out = format!("{}: {}", visible(name), runs(&explored.runs, how));
    if let Some(states) = explored.states {
        let s = if states == 1 { "" } else { "s" };
        let _ = write!(out, ", {} state{s}", grouped(&BigUint::from(states)));
    }
    let outcomes = explored.found.len();
    let _ = write!(out, ", {outcomes} outcome{}", if outcomes == 1 { "" } else { "s" });
    if let How::Exhaustive(seed) = how {
        let _ = write!(out, " · draws of seed {seed}");
    }
    out.push('\n');
    out
}

fn outcome(out: &mut String, (n, how, all): (usize, How, &BigUint), found: &Found, count: &str) {
    let part = part(&found.count, all);
    let failed = found.came.outcome == Ended::Failed && found.came.waiting.is_empty();
    let reason = found.reason.as_deref().filter(|_| failed);
    let _ = writeln!(
        out,
        "{n:>3}  {count}  {:>3}.{:02} %  {}   ({})",
        part / 1_000,
        part % 1_000 / 10,
        visible(&in_words(&found.came)),
        witness(&found.witness, how),
    );
    if let Some(reason) = reason {
        let _ =
            writeln!(out, "     {:>width$}           failed: {}", "", visible(reason), width = count.len());
    }
}

fn expected(out: &mut String, how: How, explored: &Explored) {
    if explored.judged.is_empty() && explored.not_judged.is_empty() {
        return;
    }
    out.push_str("\nexpected\n");
    for Judged { name, wanted, missed, first } in &explored.judged {
        let (name, wanted) = (visible(name), visible(wanted));
        match first {
            None => {
                let _ = writeln!(out, "held    {name}: wanted {wanted}");
            }
            Some((at, got)) => {
                let got = got
                    .as_deref()
                    .map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {}", visible(got)));
                let (missed, at) = (runs(missed, how), witness(at, how));
                let _ =
                    writeln!(out, "missed  {name}: wanted {wanted}; not in {missed}, first in {at}: {got}");
            }
        }
    }
    for name in &explored.not_judged {
        let _ = writeln!(out, "open    {}: only what is expected of `shared` is judged here", visible(name));
    }
}
