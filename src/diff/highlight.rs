//! A line of a log with a marked part: cut around that part if it is long, and sanitized.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::diff::PerSide;
use crate::diff::comparable_fields::FieldKey;
use scenario_log::sanitize::push_sanitized_bytes;

/// A line up to this many bytes is shown whole.
const SHORT_LINE_BYTES: usize = 160;
/// Of a longer one, this many bytes before and after the marked part are shown.
const CONTEXT_BYTES: usize = 60;
/// How many bytes of the marked part are shown.
const MAX_HIGHLIGHT_BYTES: usize = 60;

/// A line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HighlightedLine {
    pub(super) before: String,
    pub(super) highlight: String,
    pub(super) after: String,
}

impl HighlightedLine {
    /// The line with this part marked.
    pub(super) fn new(line: &[u8], part: Range<usize>) -> HighlightedLine {
        let start = part.start.min(line.len());
        let end = part.end.clamp(start, line.len());
        // If nothing is marked, the beginning of the line is shown.
        let is_roomy = line.len() <= SHORT_LINE_BYTES || part.is_empty();
        let longest_mark = if is_roomy { SHORT_LINE_BYTES } else { MAX_HIGHLIGHT_BYTES };
        let around = if is_roomy { SHORT_LINE_BYTES } else { CONTEXT_BYTES };
        let from = floor_char_boundary(line, start.saturating_sub(around));
        let marked_to = floor_char_boundary(line, end.min(start + longest_mark)).max(start);
        let to = floor_char_boundary(line, (marked_to + around).min(line.len())).max(marked_to);
        let mut marked =
            HighlightedLine { before: String::new(), highlight: String::new(), after: String::new() };
        if from > 0 {
            marked.before.push('…');
        }
        push_sanitized_bytes(&mut marked.before, &line[from..start]);
        push_sanitized_bytes(&mut marked.highlight, &line[start..marked_to]);
        if marked_to < end {
            marked.highlight.push('…');
        }
        push_sanitized_bytes(&mut marked.after, &line[marked_to..to]);
        if to < line.len() {
            marked.after.push('…');
        }
        marked
    }
}

/// The parts of two texts between their common beginning and their common end.
pub(super) fn differing_ranges(left: &[u8], right: &[u8]) -> PerSide<Range<usize>> {
    let start = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let start = floor_char_boundary(left, start).min(floor_char_boundary(right, start));
    let (rest_left, rest_right) = (&left[start..], &right[start..]);
    let ends = rest_left.iter().rev().zip(rest_right.iter().rev());
    let alike = ends.take_while(|(left, right)| left == right).count();
    [left, right].map(|text| start..ceil_char_boundary(text, text.len() - alike))
}

/// Where the value of a key is in a line.
pub(super) fn find_value(line: &[u8], key: &FieldKey<'_>) -> Option<Range<usize>> {
    let at = |within: &[u8], name: &str| -> Option<Range<usize>> {
        let values: BTreeMap<String, &RawValue> = serde_json::from_slice(within).ok()?;
        let value = values.get(name)?.get();
        // The value is borrowed from the line, so the distance of their addresses is its offset.
        let start = (value.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        Some(start..start + value.len())
    };
    let name = key.name;
    let value = at(line, name).or_else(|| (name == "text").then(|| at(line, "base64")).flatten())?;
    match key.header {
        Some(header) => at(line.get(value)?, header),
        None => Some(value),
    }
}

/// The last offset up to `at` that does not cut a character.
fn floor_char_boundary(bytes: &[u8], at: usize) -> usize {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (0..=at).rev().find(|at| !is_inside(*at)).unwrap_or(0)
}

/// The first offset from `at` on that does not cut a character.
fn ceil_char_boundary(bytes: &[u8], at: usize) -> usize {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at..bytes.len()).find(|at| !is_inside(*at)).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_between_what_is_alike() {
        let of = |left: &str, right: &str| {
            let [one, other] = differing_ranges(left.as_bytes(), right.as_bytes());
            (left[one].to_owned(), right[other].to_owned())
        };
        assert_eq!(of("a north b", "a nth b"), ("or".to_owned(), String::new()));
        assert_eq!(of("xéx", "xèx"), ("é".to_owned(), "è".to_owned()));
        assert_eq!(of("aa", "aaa"), (String::new(), "a".to_owned()));
        assert_eq!(of("", "b"), (String::new(), "b".to_owned()));
    }

    #[test]
    fn a_long_line_is_cut_around_what_differs() {
        let line = [&[b'a'; 300][..], &[b'\x1b'; 100], &[b'z'; 300]].concat();
        let marked = HighlightedLine::new(&line, 300..400);
        assert_eq!(marked.before, format!("…{}", "a".repeat(CONTEXT_BYTES)));
        assert_eq!(marked.highlight, format!("{}…", "\\x1b".repeat(MAX_HIGHLIGHT_BYTES)));
        assert!(marked.after.starts_with("\\x1b") && marked.after.ends_with("z…"));
    }

    #[test]
    fn a_value_is_found_in_its_line() {
        let line = br#"{"a":"text","headers":{"age":"1","server":"x"},"base64":"/w=="}"#;
        let of = |name, header| find_value(line, &FieldKey { name, header }).map(|at| &line[at]);
        assert_eq!(of("a", None), Some(&br#""text""#[..]));
        assert_eq!(of("headers", Some("server")), Some(&br#""x""#[..]));
        assert_eq!(of("text", None), Some(&br#""/w==""#[..]));
        assert_eq!(of("b", None), None);
        assert_eq!(find_value(b"no json", &FieldKey { name: "a", header: None }), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_marked(left: Vec<u8>, right: Vec<u8>) {
            let [one, other] = differing_ranges(&left, &right);
            HighlightedLine::new(&left, one);
            HighlightedLine::new(&right, other);
            HighlightedLine::new(&left, 1..2);
        }
    }
}
