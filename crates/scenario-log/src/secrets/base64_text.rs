//! Bytes in the middle of base64, in both alphabets: `+/` and `-_`.
//!
//! A character has six bits, so that some bytes begin inside a character. Whatever is encoded before them,
//! they begin with 0, 4 or 2 bits in one character (their *offset*), and go on in whole characters.

use std::ops::Range;

/// How many bits of the first byte the character before the first whole one may have.
pub(super) const OFFSETS: [u32; 3] = [0, 4, 2];

/// How many whole characters a window has: 36 bits of a needle of at least 48.
pub(super) const WINDOW_CHARS: usize = 6;

const WINDOW_MASK: u64 = (1 << (6 * WINDOW_CHARS)) - 1;

/// The value of a character of either alphabet.
fn value(c: u8) -> Option<u8> {
    match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Where the characters of base64 begin that reach to the end of a text.
pub(super) fn last_run_start(text: &[u8]) -> usize {
    text.iter().rposition(|c| value(*c).is_none()).map_or(0, |before| before + 1)
}

/// The last characters of a text that is read one byte after the other.
#[derive(Default)]
pub(super) struct Base64Window {
    bits: u64,
    chars: usize,
}

impl Base64Window {
    /// Takes the next byte, and gives the window if it is full of characters of base64.
    pub(super) fn push(&mut self, byte: u8) -> Option<u64> {
        let Some(value) = value(byte) else {
            self.chars = 0;
            return None;
        };
        self.bits = (self.bits << 6 | u64::from(value)) & WINDOW_MASK;
        self.chars += 1;
        (self.chars >= WINDOW_CHARS).then_some(self.bits)
    }
}

/// The first window of some bytes: the bits from `offset` on. There must be at least six bytes.
pub(super) fn first_window(bytes: &[u8], offset: u32) -> u64 {
    let first = bytes[..6].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    first >> (48 - offset - 36) & WINDOW_MASK
}

/// The whole bytes, up to `max`, whose first whole character is at `at`; `None` if the character before it
/// is missing.
pub(super) fn decode_from(text: &[u8], at: usize, offset: u32, max: usize) -> Option<Vec<u8>> {
    let before = match offset {
        0 => 0,
        _ => value(*text.get(at.checked_sub(1)?)?)?,
    };
    let (mut bits, mut count) = (u64::from(before) & ((1 << offset) - 1), offset);
    let mut decoded = Vec::with_capacity(max.min(text.len()));
    for value in text.get(at..).unwrap_or_default().iter().map_while(|c| value(*c)) {
        if decoded.len() == max {
            break;
        }
        bits = bits << 6 | u64::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count & 0xff) as u8);
        }
    }
    Some(decoded)
}

/// The characters that have bits of `len` bytes whose first whole character is at `at`.
pub(super) fn place_of(at: usize, offset: u32, len: usize) -> Range<usize> {
    let bits = 8 * len - offset as usize;
    at - usize::from(offset > 0)..at + bits.div_ceil(6)
}

/// The bytes whose first bits are the last ones of a character: six of them at offset 0.
pub(super) fn first_bytes(c: u8, offset: u32) -> impl Iterator<Item = u8> {
    let known = if offset == 0 { 6 } else { offset };
    let bits = value(c).unwrap_or_default() & ((1_u8 << known) - 1);
    let rest = 8 - known;
    (0..=(u8::MAX >> known)).map(move |low| bits << rest | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_from_the_middle() {
        // "user:secret!" in base64: the secret has four bits in the seventh character.
        let text = b"dXNlcjpzZWNyZXQh";
        assert_eq!(decode_from(text, 0, 0, 99).unwrap(), b"user:secret!");
        assert_eq!(decode_from(text, 7, 2, 6).unwrap(), b"secret");
        assert_eq!(place_of(7, 2, 6), 6..15);
        assert_eq!(decode_from(text, 0, 2, 6), None);
        assert!(first_bytes(b'p', 2).any(|byte| byte == b's'));
    }
}
