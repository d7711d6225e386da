//! A set of byte strings that grows, and the places where one of them stands in a text, as it is or in
//! base64. A search costs about the same for one string as for a million.

use std::collections::BTreeSet;
use std::ops::{Bound, Range};

use super::MIN_SECRET_LEN;
use super::base64_text::{self, Base64Window, OFFSETS};
use super::bit_filter::BitFilter;

/// A set of needles of at least [`MIN_SECRET_LEN`] bytes.
#[derive(Clone, Default)]
pub(super) struct NeedleSet {
    needles: BTreeSet<Box<[u8]>>,
    /// The first [`MIN_SECRET_LEN`] bytes of all needles.
    filter: BitFilter,
    /// The first whole characters of all needles in base64.
    base64_filter: BitFilter,
    /// The first bytes of all needles, one bit for each byte.
    first_bytes: [u64; 4],
    longest: usize,
}

/// The bits of a window of [`MIN_SECRET_LEN`] bytes.
const WINDOW_MASK: u64 = (1 << (8 * MIN_SECRET_LEN)) - 1;

impl NeedleSet {
    pub(super) fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.needles.len()
    }

    /// Adds a needle, if it is long enough.
    pub(super) fn insert(&mut self, needle: &[u8]) {
        if needle.len() < MIN_SECRET_LEN || !self.needles.insert(needle.into()) {
            return;
        }
        self.longest = self.longest.max(needle.len());
        self.first_bytes[usize::from(needle[0] >> 6)] |= 1 << (needle[0] & 63);
        let all = || self.needles.iter().map(|needle| &**needle);
        self.filter.add(window_of(needle), || all().map(window_of));
        for offset in OFFSETS {
            let window = |needle: &[u8]| base64_text::first_window(needle, offset);
            let every = || all().flat_map(|needle| OFFSETS.map(|o| base64_text::first_window(needle, o)));
            self.base64_filter.add(window(needle), every);
        }
    }

    /// Calls `found` for the places where a needle stands. Of all needles that begin at a place, the longest
    /// one counts.
    pub(super) fn find_all(&self, text: &[u8], mut found: impl FnMut(Range<usize>)) {
        if self.needles.is_empty() {
            return;
        }
        let mut window = 0_u64;
        let mut base64_window = Base64Window::default();
        for (at, byte) in text.iter().enumerate() {
            window = (window << 8 | u64::from(*byte)) & WINDOW_MASK;
            if self.filter.may_have(window) && at + 1 >= MIN_SECRET_LEN {
                let start = at + 1 - MIN_SECRET_LEN;
                if let Some(len) = self.longest_at(&text[start..]) {
                    found(start..start + len);
                }
            }
            if let Some(chars) = base64_window.push(*byte)
                && self.base64_filter.may_have(chars)
            {
                self.find_base64(text, at + 1 - base64_text::WINDOW_CHARS, &mut found);
            }
        }
    }

    /// Calls `found` for needles in base64 whose first whole character is at this place.
    fn find_base64(&self, text: &[u8], at: usize, found: &mut impl FnMut(Range<usize>)) {
        for offset in OFFSETS {
            // Most candidates fail with their first bytes.
            let Some(decoded) = base64_text::decode_from(text, at, offset, MIN_SECRET_LEN) else { continue };
            if decoded.len() < MIN_SECRET_LEN || !self.filter.may_have(window_of(&decoded)) {
                continue;
            }
            let decoded = base64_text::decode_from(text, at, offset, self.longest).unwrap_or_default();
            if let Some(len) = self.longest_at(&decoded) {
                found(base64_text::place_of(at, offset, len));
            }
        }
    }

    /// The length of the longest needle that a text begins with.
    fn longest_at(&self, text: &[u8]) -> Option<usize> {
        let mut reach = &text[..text.len().min(self.longest)];
        loop {
            let before = (Bound::Unbounded, Bound::Included(reach));
            let needle = self.needles.range::<[u8], _>(before).next_back()?;
            // Each needle that the text begins with is a beginning of the last needle that does not come
            // after the text, too.
            let same = needle.iter().zip(reach).take_while(|(one, other)| one == other).count();
            if same == needle.len() {
                return Some(same);
            }
            reach = &reach[..same];
        }
    }

    /// The first place from which the text to its end is the beginning of a longer needle, as it is or in
    /// base64; the length of the text if there is none.
    pub(super) fn open_from(&self, text: &[u8]) -> usize {
        let plain = text.len() - text.len().min(self.longest.saturating_sub(1));
        let open = (plain..text.len()).find(|start| self.is_open(&text[*start..])).unwrap_or(text.len());
        let encoded = text.len() - text.len().min(self.longest.div_ceil(3) * 4 + 1);
        let encoded = encoded.max(base64_text::last_run_start(text));
        let open_base64 = (encoded..open).find(|start| self.is_open_base64(text, *start));
        open_base64.unwrap_or(open)
    }

    /// Whether a text is the beginning of a longer needle.
    fn is_open(&self, text: &[u8]) -> bool {
        let Some(first) = text.first() else { return false };
        if !self.has_first_byte(*first)
            || text.len() >= MIN_SECRET_LEN && !self.filter.may_have(window_of(text))
        {
            return false;
        }
        let behind = (Bound::Excluded(text), Bound::Unbounded);
        self.needles.range::<[u8], _>(behind).next().is_some_and(|needle| needle.starts_with(text))
    }

    /// Whether the text from a character on is the beginning of a needle in base64. All characters from
    /// there on must be those of base64.
    fn is_open_base64(&self, text: &[u8], start: usize) -> bool {
        OFFSETS.iter().any(|offset| {
            let at = start + usize::from(*offset > 0);
            let decode = |max| base64_text::decode_from(text, at, *offset, max).unwrap_or_default();
            let first = decode(MIN_SECRET_LEN);
            match first.len() {
                // Some bits of the first byte.
                0 => base64_text::first_bytes(text[start], *offset).any(|byte| self.has_first_byte(byte)),
                MIN_SECRET_LEN => self.is_open(&first) && self.is_open(&decode(self.longest)),
                _ => self.is_open(&first),
            }
        })
    }

    /// Whether a needle begins with this byte.
    fn has_first_byte(&self, byte: u8) -> bool {
        self.first_bytes[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }
}

/// The first [`MIN_SECRET_LEN`] bytes.
fn window_of(bytes: &[u8]) -> u64 {
    bytes[..MIN_SECRET_LEN].iter().fold(0, |window, byte| window << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn found(set: &NeedleSet, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        set.find_all(text, |one| found.push(one));
        found
    }

    fn set_of(needles: &[Vec<u8>]) -> NeedleSet {
        let mut set = NeedleSet::default();
        needles.iter().for_each(|needle| set.insert(needle));
        set
    }

    #[test]
    fn a_great_many_needles_are_all_found() {
        let needles: Vec<Vec<u8>> = (0..20_000).map(|n| format!("needle-{n}").into_bytes()).collect();
        let set = set_of(&needles);
        for needle in needles.iter().step_by(97) {
            assert_eq!(found(&set, needle).first(), Some(&(0..needle.len())));
            let encoded = STANDARD.encode([b"user:", &needle[..]].concat());
            assert_eq!(found(&set, encoded.as_bytes()).len(), 1, "{encoded}");
        }
    }

    proptest! {
        /// The same as by the definition.
        #[test]
        fn all_longest_needles_are_found(
            needles in prop::collection::vec(prop::collection::vec(97_u8..99, 6..9), 0..40),
            text in prop::collection::vec(97_u8..99, 0..60),
        ) {
            let set = set_of(&needles);
            let at = |start: usize| {
                needles.iter().filter(|one| text[start..].starts_with(one)).map(Vec::len).max()
            };
            let defined: Vec<_> =
                (0..text.len()).filter_map(|start| at(start).map(|len| start..start + len)).collect();
            prop_assert_eq!(found(&set, &text), defined);
            let open = (0..text.len()).find(|start| {
                needles.iter().any(|one| one.len() > text.len() - start && one.starts_with(&text[*start..]))
            });
            prop_assert!(set.open_from(&text) <= open.unwrap_or(text.len()));
        }

        /// The place in base64 has all bits of the needle, and at most some bits of the bytes beside it.
        #[test]
        fn needles_are_found_in_base64(
            before: Vec<u8>,
            needle in prop::collection::vec(any::<u8>(), 6..40),
            after: Vec<u8>,
            cut in any::<prop::sample::Index>(),
        ) {
            let set = set_of(std::slice::from_ref(&needle));
            let (start, end) = (before.len() * 8, (before.len() + needle.len()) * 8);
            let whole = [&before[..], &needle, &after].concat();
            for text in [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                prop_assert!(found(&set, text.as_bytes()).contains(&(start / 6..end.div_ceil(6))), "{}", text);
                let cut = cut.index(text.len());
                if (start / 6 + 1..end.div_ceil(6)).contains(&cut) {
                    prop_assert!(set.open_from(&text.as_bytes()[..cut]) <= start / 6);
                }
            }
        }
    }
}
