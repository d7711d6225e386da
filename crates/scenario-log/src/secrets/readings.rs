//! The readings of a text: what it says once its escapes are taken away. A secret that another program
//! writes as JSON, in a URL or in HTML is found in one of them.
//!
//! Three kinds of escapes are known: a backslash (`\"`, `\/`, `\n`, `\x41`, `\u0041`, `\u{41}`), a percent
//! sign (`%41`, and `+` for a space) and an ampersand (`&quot;`, `&#65;`, `&#x41;`). They are taken away up
//! to [`MAX_DEPTH`] times, since JSON may stand in a string of JSON.

use std::ops::Range;

/// How often escapes are taken away.
const MAX_DEPTH: usize = 3;

/// The longest escape, in bytes: `\ud83d\ude00`.
const MAX_ESCAPE_LEN: usize = 12;

/// Kinds of escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct EscapeKinds {
    backslash: bool,
    percent: bool,
    entity: bool,
}

impl EscapeKinds {
    /// The kinds of which a text seems to have some.
    fn in_text(text: &[u8]) -> EscapeKinds {
        EscapeKinds {
            backslash: memchr::memchr(b'\\', text).is_some(),
            percent: memchr::memchr2(b'%', b'+', text).is_some(),
            entity: memchr::memchr(b'&', text).is_some(),
        }
    }

    /// These kinds together and, if there are several, each one alone.
    fn selections(self) -> Vec<EscapeKinds> {
        let none = EscapeKinds::default();
        let alone = [
            EscapeKinds { backslash: self.backslash, ..none },
            EscapeKinds { percent: self.percent, ..none },
            EscapeKinds { entity: self.entity, ..none },
        ];
        let mut selections: Vec<EscapeKinds> = alone.into_iter().filter(|one| *one != none).collect();
        if selections.len() > 1 {
            selections.push(self);
        }
        selections
    }
}

/// A text with some of its escapes taken away.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// The place of each byte in the text: its first byte, and one past its last.
    places: Vec<(u32, u32)>,
    /// The place in the text where an escape begins that the text's end cuts; its length if there is none.
    pub(super) cut_at: usize,
}

impl Reading {
    /// The place in the text of some bytes of the reading.
    pub(super) fn place(&self, of: Range<usize>) -> Range<usize> {
        match self.places.get(of) {
            Some([first, .., last]) => first.0 as usize..last.1 as usize,
            Some([only]) => only.0 as usize..only.1 as usize,
            _ => 0..0,
        }
    }

    /// The place in the text where a byte of the reading begins.
    pub(super) fn start_of(&self, byte: usize) -> usize {
        self.places.get(byte).map_or(self.cut_at, |place| place.0 as usize)
    }

    /// The start of the escape that holds this place of the text, or the place itself.
    pub(super) fn floor_escape(&self, at: usize) -> usize {
        let before = self.places.partition_point(|place| (place.0 as usize) < at);
        match before.checked_sub(1).and_then(|last| self.places.get(last)) {
            Some((start, end)) if (*end as usize) > at => *start as usize,
            _ => at,
        }
    }
}

/// Calls `take` for each reading of a text but the text itself.
pub(super) fn for_each_reading(text: &[u8], mut take: impl FnMut(&Reading)) {
    for kinds in EscapeKinds::in_text(text).selections() {
        let mut last: Option<Reading> = None;
        for _ in 0..MAX_DEPTH {
            let next = match &last {
                None => take_escapes_away(text, None, kinds),
                Some(last) => take_escapes_away(&last.bytes, Some(last), kinds),
            };
            let Some(next) = next else { break };
            take(&next);
            last = Some(next);
        }
    }
}

/// The next reading; `None` if there are no such escapes.
fn take_escapes_away(text: &[u8], of: Option<&Reading>, kinds: EscapeKinds) -> Option<Reading> {
    let place = |at: usize, len: usize| match of {
        None => (u32::try_from(at).unwrap_or(u32::MAX), u32::try_from(at + len).unwrap_or(u32::MAX)),
        Some(of) => (of.places[at].0, of.places[at + len - 1].1),
    };
    let whole = text.len() - cut_escape_len(text, kinds);
    let mut reading = Reading {
        bytes: Vec::with_capacity(text.len()),
        places: Vec::with_capacity(text.len()),
        cut_at: of.map_or(whole, |of| of.start_of(whole)),
    };
    let mut has_escapes = whole < text.len();
    let mut at = 0;
    while at < whole {
        match escape_at(&text[at..], kinds) {
            Some((len, unescaped, count)) => {
                has_escapes = true;
                reading.bytes.extend_from_slice(&unescaped[..count]);
                reading.places.extend(std::iter::repeat_n(place(at, len), count));
                at += len;
            }
            None => {
                reading.bytes.push(text[at]);
                reading.places.push(place(at, 1));
                at += 1;
            }
        }
    }
    has_escapes.then_some(reading)
}

/// How many bytes at the end of a text may be the beginning of an escape.
fn cut_escape_len(text: &[u8], kinds: EscapeKinds) -> usize {
    let tail = &text[text.len() - text.len().min(MAX_ESCAPE_LEN - 1)..];
    let sign = |byte: &u8| match byte {
        b'\\' => kinds.backslash,
        b'%' => kinds.percent,
        b'&' => kinds.entity,
        _ => false,
    };
    // Escapes are whole or cut from the left: `\\` is no beginning of another one.
    let mut at = 0;
    while at < tail.len() {
        if !sign(&tail[at]) {
            at += 1;
        } else if is_cut_escape(&tail[at..]) {
            return tail.len() - at;
        } else {
            at += escape_at(&tail[at..], kinds).map_or(1, |(len, ..)| len);
        }
    }
    0
}

/// Whether a text is the beginning of an escape and nothing more.
fn is_cut_escape(text: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match text {
        [b'\\'] | [b'%'] | [b'\\', b'x' | b'u'] | [b'\\', b'u', b'{'] => true,
        [b'\\', b'x', digit] | [b'%', digit] => digit.is_ascii_hexdigit(),
        [b'\\', b'u', b'{', digits @ ..] => digits.len() <= 6 && hex(digits),
        [b'\\', b'u', digits @ ..] if digits.len() < 4 => hex(digits),
        // The first half of a pair.
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', one, other, rest @ ..] => {
            hex(&[*one, *other])
                && match rest {
                    [] | [b'\\'] => true,
                    [b'\\', b'u', digits @ ..] => digits.len() < 4 && hex(digits),
                    _ => false,
                }
        }
        [b'&', name @ ..] => name.len() <= 8 && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'#'),
        _ => false,
    }
}

/// The escape that a text begins with: its length, and the bytes that it stands for.
fn escape_at(text: &[u8], kinds: EscapeKinds) -> Option<(usize, [u8; 4], usize)> {
    match text.first()? {
        b'\\' if kinds.backslash => backslash_escape(text),
        b'%' if kinds.percent => {
            let byte = u8::try_from(hex_number(text.get(1..3)?)?).ok()?;
            Some((3, [byte, 0, 0, 0], 1))
        }
        b'+' if kinds.percent => Some((1, [b' ', 0, 0, 0], 1)),
        b'&' if kinds.entity => {
            let end = memchr::memchr(b';', &text[..text.len().min(MAX_ESCAPE_LEN)])?;
            let (len, bytes) = utf8(match &text[1..end] {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"apos" => '\'',
                [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex_number(digits)?)?,
                [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?)?,
                _ => return None,
            });
            Some((end + 1, bytes, len))
        }
        _ => None,
    }
}

fn backslash_escape(text: &[u8]) -> Option<(usize, [u8; 4], usize)> {
    let simple = |c: u8| Some((2, [c, 0, 0, 0], 1));
    let coded = |len: usize, code: u32| {
        let (count, bytes) = utf8(char::from_u32(code)?);
        Some((len, bytes, count))
    };
    match text.get(1)? {
        c @ (b'"' | b'\'' | b'\\' | b'/') => simple(*c),
        b'b' => simple(8),
        b't' => simple(b'\t'),
        b'n' => simple(b'\n'),
        b'f' => simple(12),
        b'r' => simple(b'\r'),
        b'x' => coded(4, hex_number(text.get(2..4)?)?),
        b'u' if text.get(2) == Some(&b'{') => {
            let end = memchr::memchr(b'}', &text[..text.len().min(MAX_ESCAPE_LEN)])?;
            coded(end + 1, hex_number(&text[3..end])?)
        }
        b'u' => {
            let first = hex_number(text.get(2..6)?)?;
            if !(0xd800..0xdc00).contains(&first) {
                return coded(6, first);
            }
            let second = text.get(6..8).filter(|sign| *sign == b"\\u").and(text.get(8..12))?;
            let second = hex_number(second).filter(|second| (0xdc00..0xe000).contains(second))?;
            coded(12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => None,
    }
}

fn hex_number(digits: &[u8]) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    is_hex.then(|| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

fn utf8(c: char) -> (usize, [u8; 4]) {
    let mut bytes = [0; 4];
    (c.encode_utf8(&mut bytes).len(), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        for_each_reading(text.as_bytes(), |reading| {
            readings.push(String::from_utf8_lossy(&reading.bytes).into_owned());
        });
        readings
    }

    #[test]
    fn escapes_are_taken_away() {
        assert_eq!(readings("plain"), [""; 0]);
        assert_eq!(readings(r#"\"\/\u0041\u{42}\x43\ud83d\ude00\q"#), ["\"/ABC😀\\q"]);
        assert_eq!(readings("a%41+%zz"), ["aA %zz"]);
        assert_eq!(readings("&lt;&#65;&#x42;&no;"), ["<AB&no;"]);
        assert_eq!(readings(r"\\u0041"), [r"\u0041", "A"]);
        assert_eq!(readings(r"%41\x42"), [r"%41B", r"A\x42", "AB"]);
    }

    #[test]
    fn a_cut_escape_is_left_out() {
        for cut in ["\\", "\\u", "\\u00", "\\ud83d", "\\ud83d\\ude0", "%", "%4", "&", "&#x4", "\\u{4"] {
            let mut seen = None;
            for_each_reading(format!("ab{cut}").as_bytes(), |reading| {
                seen.get_or_insert((reading.bytes.clone(), reading.cut_at));
            });
            assert_eq!(seen, Some((b"ab".to_vec(), 2)), "{cut}");
        }
        for whole in ["%41", "&lt;", r"\u0041", r"\ud83dx"] {
            for_each_reading(whole.as_bytes(), |reading| assert_eq!(reading.cut_at, whole.len(), "{whole}"));
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let mut places = Vec::new();
        for_each_reading(br"a\\u0042c", |reading| {
            places.push((reading.place(1..2), reading.floor_escape(2), reading.floor_escape(8)));
        });
        assert_eq!(places, [(1..3, 1, 8), (1..8, 1, 8)]);
    }
}
