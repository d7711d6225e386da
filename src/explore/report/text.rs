//! The report for people: one line for each outcome.

use std::fmt::Write;

use num_bigint::BigUint;

use super::{
    ExplorationMode, ExplorationReport, format_outcome, format_run_count, format_witness, group_digits,
    share_of,
};
use crate::explore::outcome::{ExplorationResult, ExploredExpectation, ExploredVerdict, OutcomeCount};
use scenario_log::sanitize::sanitize;

/// The most outcomes that are shown, and that logs are written of.
pub const MAX_OUTCOMES_SHOWN: usize = 20;

/// The report as text.
#[must_use]
pub fn render_text(exploration: &ExplorationReport<'_>) -> String {
    let ExplorationReport { name, mode: how, result: explored, .. } = *exploration;
    let mut out = render_head(name, how, explored);
    if explored.runs == BigUint::ZERO {
        return out;
    }
    out.push('\n');
    let shown = &explored.outcomes[..explored.outcomes.len().min(MAX_OUTCOMES_SHOWN)];
    let count = |found: &OutcomeCount| match explored.is_uncounted {
        true => "-".to_owned(),
        false => group_digits(&found.count),
    };
    let counts: Vec<String> = shown.iter().map(count).collect();
    let width = counts.iter().map(String::len).max().unwrap_or_default().max("count".len());
    let _ = writeln!(out, "  #  {:>width$}     part  outcome", "count");
    for (n, (found, count)) in shown.iter().zip(&counts).enumerate() {
        push_outcome(&mut out, (n + 1, how, &explored.runs), found, &format!("{count:>width$}"));
    }
    if explored.outcomes.len() > shown.len() {
        let _ = writeln!(out, "     and {} more outcomes", explored.outcomes.len() - shown.len());
    }
    push_expectations(&mut out, how, explored);
    out
}

fn render_head(name: &str, how: ExplorationMode, explored: &ExplorationResult) -> String {
    let mut out = match explored.is_uncounted {
        true => format!("{}: interleavings without number", sanitize(name)),
        false => format!("{}: {}", sanitize(name), format_run_count(&explored.runs, how)),
    };
    if let Some(states) = explored.states {
        let s = if states == 1 { "" } else { "s" };
        let _ = write!(out, ", {} state{s}", group_digits(&BigUint::from(states)));
    }
    let outcomes = explored.outcomes.len();
    let _ = write!(out, ", {outcomes} outcome{}", if outcomes == 1 { "" } else { "s" });
    if let ExplorationMode::Exhaustive(seed) | ExplorationMode::ExhaustiveUncounted(seed) = how {
        let _ = write!(out, " · draws of seed {seed}");
    }
    out.push('\n');
    out
}

fn push_outcome(
    out: &mut String,
    (n, how, all): (usize, ExplorationMode, &BigUint),
    found: &OutcomeCount,
    count: &str,
) {
    // Rounded, so that two thirds and a third are 100 %; but a part is never all.
    let part = share_of(&found.count, all);
    let hundredths = if part == 100_000 { 10_000 } else { ((part + 5) / 10).min(9_999) };
    let failed = found.outcome.verdict == ExploredVerdict::Failed && found.outcome.waiting.is_empty();
    let reason = found.reason.as_deref().filter(|_| failed);
    let part = match how {
        ExplorationMode::ExhaustiveUncounted(_) => format!("{:>8}", "-"),
        _ => format!("{:>3}.{:02} %", hundredths / 100, hundredths % 100),
    };
    let _ = writeln!(
        out,
        "{n:>3}  {count}  {part}  {}   ({})",
        sanitize(&format_outcome(&found.outcome)),
        format_witness(&found.witness, how),
    );
    if let Some(reason) = reason {
        let _ =
            writeln!(out, "     {:>width$}           failed: {}", "", sanitize(reason), width = count.len());
    }
}

fn push_expectations(out: &mut String, how: ExplorationMode, explored: &ExplorationResult) {
    if explored.expectations.is_empty() && explored.unjudged.is_empty() {
        return;
    }
    out.push_str("\nexpected\n");
    for ExploredExpectation { name, wanted, missed, first } in &explored.expectations {
        let (name, wanted) = (sanitize(name), sanitize(wanted));
        match first {
            None => {
                let _ = writeln!(out, "held    {name}: wanted {wanted}");
            }
            Some((at, got)) => {
                let got = got
                    .as_deref()
                    .map_or_else(|| "nothing to measure".to_owned(), |got| format!("got {}", sanitize(got)));
                let (missed, at) = (format_run_count(missed, how), format_witness(at, how));
                let _ =
                    writeln!(out, "missed  {name}: wanted {wanted}; not in {missed}, first in {at}: {got}");
            }
        }
    }
    for name in &explored.unjudged {
        let _ = writeln!(out, "open    {}: only what is expected of `shared` is judged here", sanitize(name));
    }
}
