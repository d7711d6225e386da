//! The beginning that every line of a log has: `seq`, `t` and `event`. A line of the form that the encoder
//! writes is read by its bytes, any other line as JSON. The other keys are not looked at.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decode_error::DecodeError;
use crate::parse_seconds;
use crate::time::Moment;

/// The beginning of a line.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    pub(super) seq: u64,
    pub(super) t: Moment,
    /// The event's name in the line.
    pub(super) event_range: Range<usize>,
    /// The start of `,"t":`, in a line of the form that the encoder writes.
    pub(super) t_offset: Option<usize>,
    /// The log's format, in a line that has one.
    pub(super) format: Option<u64>,
}

/// The beginning of a line as serde reads it.
#[derive(Deserialize)]
struct EnvelopeFields<'a> {
    seq: u64,
    #[serde(borrow)]
    t: &'a RawValue,
    event: &'a str,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
}

impl Envelope {
    /// Reads the beginning of a line.
    #[inline]
    pub(super) fn parse(line: &[u8]) -> Result<Envelope, DecodeError> {
        match parse_canonical(line) {
            Some(frame) if frame.seq > 0 => Ok(frame),
            // The first line has its format as well.
            _ => parse_any_json(line),
        }
    }
}

/// `{"seq":12,"t":0.500000000,"event":"move"` and a comma or the end.
#[inline]
fn parse_canonical(line: &[u8]) -> Option<Envelope> {
    let (seq, at_t) = parse_digits(line, super::LINE_START.len())?;
    let rest = line.get(at_t..)?.strip_prefix(b",\"t\":")?;
    let (t, length) = parse_seconds::parse_seconds_prefix(rest)?;
    let at_name = at_t + 5 + length + 10;
    let rest = rest[length..].strip_prefix(b",\"event\":\"")?;
    // Names are short.
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let behind = *rest.get(end + 1)?;
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'.';
    let has_form = line.starts_with(super::LINE_START)
        && matches!(behind, b',' | b'}')
        && line.ends_with(b"}")
        && rest[..end].iter().all(is_name);
    has_form.then(|| Envelope {
        seq,
        t,
        event_range: at_name..at_name + end,
        t_offset: Some(at_t),
        format: None,
    })
}

/// The JSON number at `at`, and its end.
#[inline]
fn parse_digits(line: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut end = at;
    let mut number = 0u64;
    while let Some(digit) = line.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        end += 1;
    }
    let is_canonical = end == at + 1 || (end > at && line[at] != b'0');
    is_canonical.then_some((number, end))
}

#[cold]
fn parse_any_json(line: &[u8]) -> Result<Envelope, DecodeError> {
    let text = std::str::from_utf8(line).map_err(|_| DecodeError::new("is not UTF-8"))?;
    let EnvelopeFields { seq, t, event, format } =
        serde_json::from_str(text).map_err(|error| DecodeError::json(&error))?;
    let t = parse_seconds::parse_seconds(t.get())
        .ok_or_else(|| DecodeError::new(format!("has a `t` that is not a time: {}", t.get())))?;
    // The name is borrowed from the line.
    let at = event.as_ptr() as usize - text.as_ptr() as usize;
    let at_t = parse_canonical(line).and_then(|frame| frame.t_offset);
    let format = format.map(|format| parse_format(format.get())).transpose()?;
    Ok(Envelope { seq, t: Moment(t), event_range: at..at + event.len(), t_offset: at_t, format })
}

/// The format's number. A number that does not fit 64 bits becomes the largest.
fn parse_format(text: &str) -> Result<u64, DecodeError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecodeError::new("does not state its format"));
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// The `crc32c` at the end of a last line.
pub(super) fn checksum_of(line: &[u8]) -> Option<u32> {
    let rest = line.strip_suffix(b"\"}")?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if !rest.ends_with(b",\"crc32c\":\"") || !digits.iter().all(is_digit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a line, and whether it was read by its bytes.
    fn read(line: &str) -> Result<(u64, u64, &str, bool), DecodeError> {
        let frame = Envelope::parse(line.as_bytes())?;
        Ok((frame.seq, frame.t.0, &line[frame.event_range.clone()], frame.t_offset.is_some()))
    }

    #[test]
    fn lines_of_our_own_form_and_of_others() {
        let own = r#"{"seq":12,"t":0.500000000,"event":"move","due":1}"#;
        assert_eq!(read(own), Ok((12, 500_000_000, "move", true)));
        assert_eq!(read(r#"{"seq":1,"t":0.500000000,"event":"x"}"#), Ok((1, 500_000_000, "x", true)));
        for other in [
            r#"{"seq":12,"event":"move","t":0.500000000}"#,
            r#"{"seq":12, "t" : 0.500000000, "event" : "move" } "#,
            r#"{"seq":12,"t":0.500000000,"later":[{}],"event":"move"}"#,
        ] {
            assert_eq!(read(other), Ok((12, 500_000_000, "move", false)), "{other}");
        }
        assert_eq!(
            Envelope::parse(br#"{"seq":0,"t":0.000000000,"event":"a","format":3}"#).unwrap().format,
            Some(3)
        );
    }

    #[test]
    fn what_is_no_beginning_of_a_line() {
        for line in [
            "",
            "{",
            r#"{"seq":1}"#,
            r#"{"seq":1,"t":0.500000000}"#,
            r#"{"seq":1,"t":0.5,"event":"x"}"#,
            r#"{"seq":1,"t":0.500000000,"event":"x""#,
            r#"{"seq":1,"t":0.500000000,"event":x}"#,
            r#"{"seq":01,"t":0.500000000,"event":"x"}"#,
            r#"{"seq":,"t":0.500000000,"event":"x"}"#,
            r#"{"seq":18446744073709551616,"t":0.500000000,"event":"x"}"#,
            r#"{"seq":1,"t":99999999999999999999.500000000,"event":"x"}"#,
            r#"{"seq":1,"seq":1,"t":0.500000000,"event":"x" }"#,
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_sum_is_eight_digits_at_the_end() {
        assert_eq!(checksum_of(br#"{"a":1,"crc32c":"00ff00ff"}"#), Some(0x00ff_00ff));
        for line in [
            r#"{"a":1,"crc32c":"00FF00FF"}"#,
            r#"{"a":1,"crc32c":"0ff00ff"}"#,
            r#"{"a":1,"crc32c":"+0ff00ff"}"#,
            r#"{"a":1,"crc32c":"00ff00ff","b":1}"#,
            r#"{"crc32c":"00ff00ff"}"#,
            r#"00ff00ff"}"#,
            r#""}"#,
            "",
        ] {
            assert_eq!(checksum_of(line.as_bytes()), None, "{line}");
        }
    }

    proptest::proptest! {
        /// A line that JSON accepts is read the same by its bytes and as JSON.
        #[test]
        fn both_ways_read_the_same(seq in 1u64.., t: u64, name in "[a-z.]{0,12}", rest in "[,\"a:1{}]{0,4}") {
            let line = format!("{{\"seq\":{seq},\"t\":{},\"event\":\"{name}\"{rest}}}", Moment(t));
            if let Ok(json) = parse_any_json(line.as_bytes()) {
                let own = parse_canonical(line.as_bytes()).unwrap();
                proptest::prop_assert_eq!((own.seq, own.t, own.event_range), (json.seq, json.t, json.event_range));
            }
        }
    }
}
