//! The small texts that lines of the log are made of: JSON strings, numbers, times. Each is appended to a
//! buffer. A copy of a fixed length is preferred to a shorter copy of a varying length. Knows no events.

use std::io::Write;

use crate::time::NANOS_PER_SECOND;

/// Whether a byte of a line needs an escape in a JSON string, or may belong to bytes that are not UTF-8.
pub(super) fn needs_slow_path(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || (byte < 0x20 && byte != b'\n') || byte >= 0x80
}

/// Appends a text as a JSON string (RFC 8259).
pub(super) fn push_json_string(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b'"');
    push_escaped(buffer, text);
    buffer.push(b'"');
}

/// Appends the characters of a JSON string, without its quotes.
#[inline]
pub(super) fn push_escaped(buffer: &mut Vec<u8>, text: &str) {
    // Few texts need an escape, and one quick pass finds that out.
    if any_byte(text.as_bytes(), needs_escape) {
        push_escaped_slowly(buffer, text.as_bytes());
    } else {
        buffer.extend_from_slice(text.as_bytes());
    }
}

/// Whether a byte of a text cannot stand in a JSON string as it is.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Out of line, so that the quick pass is short enough to stand where it is called.
#[cold]
fn push_escaped_slowly(buffer: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        buffer.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => buffer.extend_from_slice(b"\\\""),
            b'\\' => buffer.extend_from_slice(b"\\\\"),
            b'\n' => buffer.extend_from_slice(b"\\n"),
            b'\r' => buffer.extend_from_slice(b"\\r"),
            b'\t' => buffer.extend_from_slice(b"\\t"),
            control => {
                let _ = write!(buffer, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    buffer.extend_from_slice(rest);
}

/// Appends bytes as lower-case hexadecimal digits.
pub(super) fn push_hex(buffer: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        buffer.push(DIGITS[usize::from(byte >> 4)]);
        buffer.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Whether any byte is such a byte. It looks at all bytes, since the processor can look at many at once.
pub(super) fn any_byte(bytes: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(false, |found, byte| found | is_such(*byte))
}

/// Appends the first `length` bytes of `piece` by copying all of them.
#[inline]
pub(super) fn push_overcopied<const N: usize>(buffer: &mut Vec<u8>, piece: &[u8; N], length: usize) {
    let end = buffer.len() + length;
    buffer.extend_from_slice(piece);
    buffer.truncate(end);
}

/// The digits of a number below 10^8, each in its own byte, the first digit in the lowest byte. All are
/// computed at once: the number is split into two halves of four digits, these into pairs, these into
/// digits, side by side in one word. The factors divide by 100 and by 10 exactly for the values that can
/// occur.
fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

/// Added to eight digits, this makes them ASCII characters.
const ASCII_ZEROS: u64 = u64::from_le_bytes(*b"00000000");

/// Appends a number in decimal digits.
pub(super) fn push_digits(buffer: &mut Vec<u8>, number: u64) {
    const EIGHT: u64 = 100_000_000;
    if number < 10 {
        return buffer.push(b'0' + number as u8);
    }
    if number >= EIGHT {
        push_digits(buffer, number / EIGHT);
        buffer.extend_from_slice(&(eight_digits(number % EIGHT) + ASCII_ZEROS).to_le_bytes());
        return;
    }
    let digits = eight_digits(number);
    let unused = digits.trailing_zeros() / 8;
    push_overcopied(buffer, &((digits + ASCII_ZEROS) >> (8 * unused)).to_le_bytes(), 8 - unused as usize);
}

/// The text of a time, in seconds with nine decimals.
#[derive(Clone, Copy, Debug)]
pub(super) struct EncodedSeconds {
    whole: u64,
    first_decimal: u8,
    /// The other eight decimals, as characters.
    decimals: u64,
}

impl EncodedSeconds {
    pub(super) fn new(nanoseconds: u64) -> EncodedSeconds {
        let (whole, fraction) = (nanoseconds / NANOS_PER_SECOND, nanoseconds % NANOS_PER_SECOND);
        let first_decimal = b'0' + (fraction / 100_000_000) as u8;
        EncodedSeconds { whole, first_decimal, decimals: eight_digits(fraction % 100_000_000) + ASCII_ZEROS }
    }

    pub(super) fn push_to(&self, buffer: &mut Vec<u8>) {
        push_digits(buffer, self.whole);
        buffer.extend_from_slice(&[b'.', self.first_decimal]);
        buffer.extend_from_slice(&self.decimals.to_le_bytes());
    }
}
