//! The values that must not be logged, and how they are removed from the output of programs and servers,
//! and from all texts of the program itself.
//!
//! A secret is found as it is, in base64 (wherever it stands in what was encoded), and in every spelling
//! with escapes of JSON, of URLs and of HTML. Places that overlap are removed together.
//!
//! [`Secrets::redact`] is the one function that words go through before anybody sees them. A text must be
//! redacted before it is cut: a part of a secret is found by nobody. So whatever cuts a text from outside
//! goes through [`Secrets::excerpt`], and whatever receives a text in parts through a
//! [`PartRedactor`](part_redactor::PartRedactor).
//!
//! Nothing here shows a secret: the type's `Debug` prints only their number.

mod base64_text;
mod bit_filter;
mod needles;
pub mod part_redactor;
mod readings;
mod url_passwords;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use crate::captured_value::REDACTED;
use needles::NeedleSet;
use readings::for_each_reading;
pub use url_passwords::{authority_range, password_range};

/// The shortest secret that is searched for in text from outside, in bytes. A shorter one (a port, a
/// flag) would match ordinary text. Where the scenario itself inserts a short secret, it is redacted
/// nevertheless.
pub const MIN_SECRET_LEN: usize = 6;

/// How much of a text is searched for secrets before an excerpt of it is cut, in bytes.
const EXCERPT_SEARCHED: usize = 64 << 10;

/// The secrets of a run: those read from the environment, and those captured during the run. None is
/// forgotten.
#[derive(Clone, Default)]
pub struct Secrets {
    needles: RefCell<NeedleSet>,
}

impl Secrets {
    /// The secrets among these values: those of at least [`MIN_SECRET_LEN`] bytes.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Secrets {
        let secrets = Secrets::default();
        values.into_iter().for_each(|value| secrets.learn(value));
        secrets
    }

    /// Whether there are no secrets, so that no text needs to be searched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.needles.borrow().is_empty()
    }

    /// Adds a secret. White space around it does not count. A value shorter than [`MIN_SECRET_LEN`] bytes is
    /// ignored. Each line of a value with several lines is a secret by itself.
    pub fn learn(&self, value: &str) {
        let value = value.trim_ascii();
        let mut needles = self.needles.borrow_mut();
        let mut add = |text: &[u8]| {
            needles.insert(text.trim_ascii());
            if memchr::memchr(b'\n', text).is_some() {
                text.split(|byte| *byte == b'\n').for_each(|line| needles.insert(line.trim_ascii()));
            }
        };
        add(value.as_bytes());
        // A value that has escapes itself may come back without them.
        for_each_reading(value.as_bytes(), |reading| add(&reading.bytes));
    }

    /// Replaces every secret in `bytes` by `[redacted]`.
    pub fn mask(&self, bytes: &mut Vec<u8>) {
        let places = merge(self.places(bytes));
        if !places.is_empty() {
            *bytes = replace(bytes, &places);
        }
    }

    /// `text` with every secret replaced by `[redacted]`.
    #[must_use]
    pub fn mask_text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Words for people: `text` with every secret and the password of every URL replaced by `[redacted]`.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut places = self.places(text.as_bytes());
        places.extend(url_passwords::all_passwords(text));
        String::from_utf8_lossy(&replace(text.as_bytes(), &merge(places))).into_owned()
    }

    /// As [`Secrets::redact`], for a text that may be one URL, in which quotes and spaces are no end.
    #[must_use]
    pub fn redact_url(&self, url: &str) -> String {
        let mut places = self.places(url.as_bytes());
        places.extend(url_passwords::all_passwords(url));
        places.extend(password_range(url));
        String::from_utf8_lossy(&replace(url.as_bytes(), &merge(places))).into_owned()
    }

    /// The first characters of a text from outside, redacted, with `…` if there are more. A secret that the
    /// cut would divide is not shown.
    #[must_use]
    pub fn excerpt(&self, text: &[u8], max_chars: usize) -> String {
        let mut searched = text;
        if text.len() > EXCERPT_SEARCHED.max(4 * max_chars) {
            searched = &text[..EXCERPT_SEARCHED.max(4 * max_chars)];
            searched = &searched[..self.open_from(searched)];
        }
        let redacted = self.redact(&String::from_utf8_lossy(searched));
        let mut shown: String = redacted.chars().take(max_chars).collect();
        if shown.len() < redacted.len() || searched.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    /// The beginning of a text, of which the rest is not known, without its secrets. What may be the
    /// beginning of a secret at its end is left out.
    #[must_use]
    pub fn mask_beginning(&self, bytes: &[u8]) -> Vec<u8> {
        let mut places = merge(self.places(bytes));
        let mut end = self.open_from(bytes);
        places.retain(|place| place.start < end);
        if let Some(last) = places.last() {
            end = end.max(last.end);
        }
        replace(&bytes[..end], &places)
    }

    /// The places of secrets in a text. They may overlap.
    fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let needles = self.needles.borrow();
        let mut places = Vec::new();
        if !needles.is_empty() {
            needles.find_all(text, |place| places.push(place));
            for_each_reading(text, |reading| {
                needles.find_all(&reading.bytes, |place| places.push(reading.place(place)));
            });
        }
        places
    }

    /// The first place from which the text to its end may be the beginning of a secret; the length of the
    /// text if there is none.
    fn open_from(&self, text: &[u8]) -> usize {
        let needles = self.needles.borrow();
        if needles.is_empty() {
            return text.len();
        }
        let mut open = needles.open_from(text);
        for_each_reading(text, |reading| {
            open = open.min(reading.cut_at).min(reading.start_of(needles.open_from(&reading.bytes)));
        });
        for_each_reading(text, |reading| open = reading.floor_escape(open));
        open
    }
}

/// The same places in order, those that overlap as one.
fn merge(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}

/// The text with `[redacted]` in these places, which are in order and do not overlap.
fn replace(text: &[u8], places: &[Range<usize>]) -> Vec<u8> {
    let mut redacted = Vec::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        redacted.extend_from_slice(&text[from..place.start]);
        redacted.extend_from_slice(REDACTED.as_bytes());
        from = place.end;
    }
    redacted.extend_from_slice(&text[from..]);
    redacted
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.needles.borrow().len())
    }
}

#[cfg(test)]
mod tests;
