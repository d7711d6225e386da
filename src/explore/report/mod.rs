//! What can come of a scenario, told: for people, for programs, and for CI.

mod human;
mod json;
mod junit;

pub use human::{MOST_SHOWN, human};
pub use json::json;
pub use junit::junit;

use num_bigint::BigUint;

use crate::explore::outcome::{Came, Explored, Witness};

/// How it was explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By seeds.
    Seeds,
    /// Every order of its steps, with the draws of this seed.
    Exhaustive(u64),
}

/// What was explored, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Exploration<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// How.
    pub how: How,
    /// What came of it.
    pub explored: &'a Explored,
}

/// What the cells hold, and who waits for what.
fn in_words(came: &Came) -> String {
    let cells = came.shared.iter().map(|(cell, value)| format!("{cell} = {value}"));
    let mut parts: Vec<String> = cells.collect();
    if !came.waiting.is_empty() {
        let waiting: Vec<String> =
            came.waiting.iter().map(|(player, lock)| format!("{player} waits for {lock}")).collect();
        parts.insert(0, format!("deadlock ({})", waiting.join(", ")));
    }
    if parts.is_empty() {
        parts.push(came.outcome.name().to_owned());
    }
    parts.join(", ")
}

/// How a run is had again: its seed, or the choices at its ties.
fn witness(witness: &Witness, how: How) -> String {
    match how {
        How::Seeds => format!("seed {}", witness.seed),
        How::Exhaustive(_) => {
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

/// How many runs, in words.
fn runs(count: &BigUint, how: How) -> String {
    let what = match how {
        How::Seeds => "seed",
        How::Exhaustive(_) => "interleaving",
    };
    let s = if *count == BigUint::from(1_u8) { "" } else { "s" };
    format!("{} {what}{s}", grouped(count))
}

/// A number with commas between thousands.
fn grouped(number: &BigUint) -> String {
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

/// Parts of a whole in thousandths of a per cent, rounded down.
fn part(count: &BigUint, of: &BigUint) -> u32 {
    if *of == BigUint::ZERO {
        return 0;
    }
    u32::try_from(count * BigUint::from(100_000_u32) / of).unwrap_or(100_000)
}

#[cfg(test)]
mod tests {

    #[test]
    fn large_numbers_are_grouped() {
        let grouped = |text: &str| super::grouped(&text.parse().unwrap_or_default());
        assert_eq!(grouped("0"), "0");
        assert_eq!(grouped("999"), "999");
        assert_eq!(grouped("2308743493056"), "2,308,743,493,056");
    }
}
