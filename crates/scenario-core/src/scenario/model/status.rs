//! The statuses that a fetch expects.

use std::fmt;

/// The statuses that do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// All statuses.
    Any,
    /// The statuses of these ranges; at least one.
    OneOf(Vec<StatusRange>),
}

/// Statuses from the first to the last, both included: 100 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The first status.
    pub first: u16,
    /// The last status, not before the first.
    pub last: u16,
}

impl StatusRule {
    /// Any status of a class from 1 to 9: 2 is `2xx`.
    #[must_use]
    pub fn class(class: u8) -> StatusRule {
        StatusRule::OneOf(vec![StatusRange::class(class)])
    }

    /// Exactly these statuses.
    #[must_use]
    pub fn codes(codes: &[u16]) -> StatusRule {
        StatusRule::OneOf(codes.iter().map(|code| StatusRange::code(*code)).collect())
    }

    /// Whether this status is expected.
    #[must_use]
    pub fn allows(&self, status: u16) -> bool {
        match self {
            StatusRule::Any => true,
            StatusRule::OneOf(ranges) => {
                ranges.iter().any(|range| (range.first..=range.last).contains(&status))
            }
        }
    }
}

impl StatusRange {
    /// One status.
    #[must_use]
    pub fn code(code: u16) -> StatusRange {
        StatusRange { first: code, last: code }
    }

    /// A class of statuses.
    #[must_use]
    pub fn class(class: u8) -> StatusRange {
        let first = u16::from(class) * 100;
        StatusRange { first, last: first + 99 }
    }
}

/// As a file has it: `404`, `4xx` or `400..404`.
impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StatusRange { first, last } = *self;
        if first == last {
            write!(f, "{first}")
        } else if first.is_multiple_of(100) && last == first + 99 {
            write!(f, "{}xx", first / 100)
        } else {
            write!(f, "{first}..{last}")
        }
    }
}
