//! Parses the log's times exactly: seconds with nine decimals.

use crate::time::{Moment, NANOS_PER_SECOND};

/// The number of decimals of a time.
const DECIMALS: usize = 9;

/// The nanoseconds of a text that is a time; `None` if it has another form, or does not fit 64 bits.
pub(super) fn parse_seconds(text: &str) -> Option<u64> {
    let (moment, length) = parse_seconds_prefix(text.as_bytes())?;
    (length == text.len()).then_some(moment.0)
}

/// The time at the start of `text`, and its length in bytes.
#[inline]
pub(super) fn parse_seconds_prefix(text: &[u8]) -> Option<(Moment, usize)> {
    let mut whole = 0u64;
    let mut at = 0;
    loop {
        let byte = *text.get(at)?;
        if byte == b'.' {
            break;
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        whole = whole.checked_mul(10)?.checked_add(u64::from(digit))?;
        at += 1;
    }
    let is_canonical = at == 1 || (at > 1 && text[0] != b'0');
    let decimals = text.get(at + 1..at + 1 + DECIMALS)?;
    let mut fraction = 0u64;
    for byte in decimals {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        fraction = fraction * 10 + u64::from(digit);
    }
    let end = at + 1 + DECIMALS;
    let nanoseconds = whole.checked_mul(NANOS_PER_SECOND)?.checked_add(fraction)?;
    (is_canonical && !text.get(end).is_some_and(u8::is_ascii_digit)).then_some((Moment(nanoseconds), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_decimals_and_nothing_else() {
        for text in ["0.5", "0.0000000001", "00.000000000", ".000000000", "1", "-1.000000000", "1e3", ""] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
        assert_eq!(parse_seconds("0.000000000"), Some(0));
        assert_eq!(parse_seconds("18446744073.709551615"), Some(u64::MAX));
        assert_eq!(parse_seconds("18446744073.709551616"), None);
        assert_eq!(parse_seconds("99999999999999999999999999.000000000"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_moment_comes_back(nanoseconds: u64) {
            proptest::prop_assert_eq!(parse_seconds(&Moment(nanoseconds).to_string()), Some(nanoseconds));
        }
    }
}
