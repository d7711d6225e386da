//! Compares the numbers of JSON exactly, whatever their size.

use std::cmp::Ordering;

/// Whether two literals have the same value.
pub(super) fn numbers_equal(one: &str, other: &str) -> bool {
    one == other || matches!((decimal(one), decimal(other)), (Some(one), Some(other)) if one == other)
}

/// How a literal compares with another; `None` if an exponent has too many digits.
pub(super) fn compare_numbers(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (decimal(one)?, decimal(other)?);
    let sign = |number: &Decimal| match (number.digits.is_empty(), number.is_negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let signs = sign(&one).cmp(&sign(&other));
    if signs.is_ne() || one.digits.is_empty() {
        return Some(signs);
    }
    // The digits have no zero at their ends, so that they compare like the digits after a point.
    let magnitude = |number: &Decimal| number.exponent.saturating_add(number.digits.len() as i128);
    let larger = magnitude(&one).cmp(&magnitude(&other)).then_with(|| one.digits.cmp(&other.digits));
    Some(if one.is_negative { larger.reverse() } else { larger })
}

/// A number as its digits and a power of ten.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    /// Neither the first nor the last is a zero; empty for zero.
    digits: Vec<u8>,
    /// The power of ten that the last digit counts.
    exponent: i128,
}

/// The value of a literal; `None` if its exponent has too many digits.
fn decimal(literal: &str) -> Option<Decimal> {
    let (is_negative, rest) = match literal.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, literal),
    };
    let (number, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
    let len = digits.len();
    digits.truncate(digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1));
    if digits.is_empty() {
        return Some(Decimal { is_negative: false, digits, exponent: 0 });
    }
    let places = (len - digits.len()) as i128 - fraction.len() as i128;
    let exponent = exponent.parse::<i128>().ok()?.checked_add(places)?;
    Some(Decimal { is_negative, digits, exponent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_an_order() {
        let ascending =
            ["-1e400", "-10", "-9.5", "-0.1", "0", "0.30", "0.31", "0.301e1", "9", "1e1", "10.1", "1e400"];
        for (n, one) in ascending.iter().enumerate() {
            for (m, other) in ascending.iter().enumerate() {
                assert_eq!(compare_numbers(one, other), Some(n.cmp(&m)), "{one} {other}");
            }
        }
        assert_eq!(compare_numbers("-0", "0.0"), Some(Ordering::Equal));
        assert_eq!(compare_numbers("100", "1e2"), Some(Ordering::Equal));
    }

    #[test]
    fn only_the_same_value_is_equal() {
        for (one, other) in [
            ("1", "1.0"),
            ("0.10", "0.1"),
            ("1e2", "100"),
            ("-0", "0.00e7"),
            ("1E+400", "10e399"),
            ("120e-1", "12"),
            ("9223372036854775807", "9.223372036854775807e18"),
            ("1e99999999999999999999999999999999999999999", "1e99999999999999999999999999999999999999999"),
        ] {
            assert!(numbers_equal(one, other) && numbers_equal(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("9007199254740992.0", "9007199254740993"),
            ("1.0000000000000001", "1"),
            ("0.30000000000000004", "0.3"),
            ("18446744073709551617", "1.8446744073709552e19"),
            ("1", "-1"),
            ("10", "1"),
            ("1e400", "1e401"),
            ("1e99999999999999999999999999999999999999999", "1"),
        ] {
            assert!(!numbers_equal(one, other) && !numbers_equal(other, one), "{one} {other}");
        }
    }
}
