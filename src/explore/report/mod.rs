//! Reports the result of an exploration: for people, for programs, and for CI.

mod json;
mod junit;
mod text;

pub use json::render_json;
pub use junit::render_junit;
pub use text::{MAX_OUTCOMES_SHOWN, render_text};

use num_bigint::BigUint;

use crate::explore::outcome::{ExplorationResult, ExploredOutcome, Witness};

/// The kind of an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExplorationMode {
    /// One run for each seed.
    Seeds,
    /// Every order of its steps, with the draws of this seed.
    Exhaustive(u64),
    /// Every state of its steps, with the draws of this seed. Loops without an end make more orders than can be
    /// counted.
    ExhaustiveUncounted(u64),
}

/// An exploration and its result.
#[derive(Clone, Copy, Debug)]
pub struct ExplorationReport<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// The kind of the exploration.
    pub mode: ExplorationMode,
    /// Its result.
    pub result: &'a ExplorationResult,
    /// Whether what was not judged does not count.
    pub cells_only: bool,
}

/// Formats the values of the cells, and which player waits for which lock.
fn format_outcome(came: &ExploredOutcome) -> String {
    let cells = came.shared.iter().map(|(cell, value)| format!("{cell} = {value}"));
    let mut parts: Vec<String> = cells.collect();
    if !came.waiting.is_empty() {
        let waiting: Vec<String> =
            came.waiting.iter().map(|(player, lock)| format!("{player} waits for {lock}")).collect();
        parts.insert(0, format!("deadlock ({})", waiting.join(", ")));
    }
    if parts.is_empty() {
        parts.push(came.verdict.name().to_owned());
    }
    parts.join(", ")
}

/// Formats what repeats a run: its seed, or the choices at its ties.
fn format_witness(witness: &Witness, how: ExplorationMode) -> String {
    match how {
        ExplorationMode::Seeds => format!("seed {}", witness.seed),
        ExplorationMode::Exhaustive(_) | ExplorationMode::ExhaustiveUncounted(_) => {
            const MOST: usize = 24;
            let choices: Vec<String> = witness.schedule.iter().take(MOST).map(u32::to_string).collect();
            let more = if witness.schedule.len() > MOST { " …" } else { "" };
            match choices.is_empty() {
                true => "no tie".to_owned(),
                false => format!("ties {}{more}", choices.join(" ")),
            }
        }
    }
}

/// Formats a number of runs.
fn format_run_count(count: &BigUint, how: ExplorationMode) -> String {
    let what = match how {
        ExplorationMode::Seeds => "seed",
        ExplorationMode::Exhaustive(_) => "interleaving",
        ExplorationMode::ExhaustiveUncounted(_) => "outcome",
    };
    let s = if *count == BigUint::from(1_u8) { "" } else { "s" };
    format!("{} {what}{s}", group_digits(count))
}

/// Formats a number with commas between thousands.
fn group_digits(number: &BigUint) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The share of a count in thousandths of a per cent, rounded down.
fn share_of(count: &BigUint, of: &BigUint) -> u32 {
    if *of == BigUint::ZERO {
        return 0;
    }
    u32::try_from(count * BigUint::from(100_000_u32) / of).unwrap_or(100_000)
}

#[cfg(test)]
mod tests {

    #[test]
    fn large_numbers_are_grouped() {
        let grouped = |text: &str| super::group_digits(&text.parse().unwrap_or_default());
        assert_eq!(grouped("0"), "0");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("2308743493056"), "2,308,743,493,056");
    }
}
