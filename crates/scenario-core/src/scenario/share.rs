//! Shares of a whole, exact to a billionth.

use std::cmp::Ordering;
use std::fmt;

use crate::diagnostic::quoted;

/// The parts of a whole.
const WHOLE: u32 = 1_000_000_000;

/// The parts of one per cent.
const PERCENT: u32 = WHOLE / 100;

/// The most decimals of a share in per cent.
const MAX_DECIMALS: usize = 7;

/// A share from nothing to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// Nothing.
    pub const NOTHING: Share = Share(0);
    /// Everything.
    pub const WHOLE: Share = Share(WHOLE);

    /// The share of these billionths; none if they are more than the whole.
    #[must_use]
    pub fn from_billionths(parts: u32) -> Option<Share> {
        (parts <= WHOLE).then_some(Share(parts))
    }

    /// The share nearest to a number from 0 to 1; none for other numbers.
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Option<Share> {
        let parts = (fraction * f64::from(WHOLE)).round();
        ((0.0..=1.0).contains(&fraction)).then_some(Share(parts as u32))
    }

    /// Reads a share in per cent, such as `1%` or `0.25 %`; the error is a message.
    pub fn parse(text: &str) -> Result<Share, String> {
        let wrong = || format!("{} is not a share", quoted(text));
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let number = number.strip_suffix(' ').unwrap_or(number);
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(part) || part.len() > MAX_DECIMALS {
            return Err(wrong());
        }
        let parts = format!("{whole}{part:0<MAX_DECIMALS$}").parse().ok().and_then(Share::from_billionths);
        parts.filter(|_| whole.len() <= 3).ok_or_else(|| format!("{} is more than 100%", quoted(text)))
    }

    /// The share as a number from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// How `part` of `whole` compares with this share.
    #[must_use]
    pub fn compare(self, part: u64, whole: u64) -> Ordering {
        (u128::from(part) * u128::from(WHOLE)).cmp(&(u128::from(whole) * u128::from(self.0)))
    }
}

/// As a file has it: `0.25%`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / PERCENT, format!("{:0MAX_DECIMALS$}", self.0 % PERCENT));
        let part = part.trim_end_matches('0');
        write!(f, "{whole}{}{part}%", if part.is_empty() { "" } else { "." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_back_as_they_are_written() {
        for text in ["0%", "1%", "100%", "0.25%", "99.9999999%", "0.0000001%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Share::parse("1.50 %").unwrap().to_string(), "1.5%");
        assert_eq!(Share::from_fraction(0.015).unwrap().to_string(), "1.5%");
        assert_eq!(Share::from_fraction(1.5), None);
        assert_eq!(Share::from_fraction(f64::NAN), None);
        for wrong in ["", "1", "%", "1 ", "-1%", "1.%", ".5%", "1e1%", "0.00000001%", "100.0000001%", "0001%"]
        {
            assert!(Share::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_are_compared_exactly() {
        let share = Share::parse("1%").unwrap();
        assert_eq!(share.compare(10, 1_000), Ordering::Equal);
        assert_eq!(share.compare(u64::MAX / 100 + 1, u64::MAX), Ordering::Greater);
        assert_eq!(share.compare(9, 1_000), Ordering::Less);
    }
}
