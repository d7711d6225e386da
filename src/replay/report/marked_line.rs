//! A line of a log for a message: its fields, long values cut around the difference, and the ranges of the
//! fields that differ.

use std::ops::Range;

use scenario_log::raw_fields;
use scenario_log::sanitize::sanitize;

/// A value up to this many characters is shown whole.
const MAX_VALUE_CHARS: usize = 72;

/// Of a longer value, this many characters before the difference are shown.
const CONTEXT_CHARS: usize = 24;

/// A line that can be shown.
pub(super) struct MarkedLogLine {
    /// Without characters that act on a terminal.
    pub(super) text: String,
    /// The ranges of the marked fields, in characters.
    pub(super) marks: Vec<Range<usize>>,
}

/// A line that can be shown, with the fields of these `keys` marked. `other` is the line that it differs
/// from.
pub(super) fn mark_line(line: &str, keys: &[String], other: &str) -> MarkedLogLine {
    let Some(fields) = raw_fields::parse_fields(line.as_bytes()) else {
        return MarkedLogLine { text: shorten_around(&sanitize(line), 0), marks: Vec::new() };
    };
    let others = raw_fields::parse_fields(other.as_bytes()).unwrap_or_default();
    let mut shown = MarkedLogLine { text: "{".to_owned(), marks: Vec::new() };
    let mut length = 1;
    for (n, field) in fields.iter().enumerate() {
        let same = others.iter().find(|other| other.key == field.key);
        let differs = same.filter(|same| same.value != field.value);
        let common = differs.map_or(0, |same| common_start(field.value, same.value));
        let value = shorten_around(&sanitize(field.value), common);
        let text = format!("{}\"{}\":{value}", if n > 0 { "," } else { "" }, sanitize(&field.key));
        let start = length + usize::from(n > 0);
        length += text.chars().count();
        if keys.iter().any(|key| *key == field.key) {
            shown.marks.push(start..length);
        }
        shown.text.push_str(&text);
    }
    shown.text.push('}');
    shown
}

/// How many characters the common beginning of two texts has.
fn common_start(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

/// A text, or its part around this character.
fn shorten_around(text: &str, around: usize) -> String {
    let count = text.chars().count();
    if count <= MAX_VALUE_CHARS {
        return text.to_owned();
    }
    let from = if around + CONTEXT_CHARS < MAX_VALUE_CHARS { 0 } else { around.min(count) - CONTEXT_CHARS };
    let part: String = text.chars().skip(from).take(MAX_VALUE_CHARS).collect();
    let (start, end) =
        (if from > 0 { "…" } else { "" }, if from + MAX_VALUE_CHARS < count { "…" } else { "" });
    format!("{start}{part}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_differ_are_marked() {
        let shown = mark_line(r#"{"a":1,"b":"x"}"#, &["b".to_owned()], r#"{"a":1,"b":"y"}"#);
        assert_eq!(shown.text, r#"{"a":1,"b":"x"}"#);
        assert_eq!(shown.marks.as_slice(), std::slice::from_ref(&(7..14)));
        assert_eq!(&shown.text[7..14], r#""b":"x""#);
    }

    #[test]
    fn long_values_are_cut_around_what_differs() {
        let long = |end: &str| format!(r#"{{"a":"{}{end}{}"}}"#, "x".repeat(500), "z".repeat(500));
        let shown = mark_line(&long("1"), &["a".to_owned()], &long("2"));
        assert!(shown.text.chars().count() < 90, "{}", shown.text);
        assert!(shown.text.contains("xx1zz") && shown.text.contains("…"), "{}", shown.text);
        assert_eq!(shown.marks.as_slice(), std::slice::from_ref(&(1..shown.text.chars().count() - 1)));
    }

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(mark_line("no \u{1b}[31m json", &[], "").text, "no \\x1b[31m json");
        assert!(mark_line("{\"a\":\"\u{202e}\"}", &[], "").text.contains("\\u{202e}"));
    }
}
