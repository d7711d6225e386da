//! A comparison for people.

use std::fmt::{Display, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Effects, Style};

use crate::diff::differing_fields::{differing_fields, highlighted_ranges};
use crate::diff::highlight::HighlightedLine;
use crate::diff::{DiffSide, LogComparison, LogDifference, LogLineRef, PerSide};
use crate::report::format::pluralize;
use scenario_log::sanitize::sanitize;

/// Up to so many rows of counts are shown although they do not differ.
const MAX_EQUAL_COUNT_ROWS: usize = 12;
/// So many keys that differ are shown with their values.
const MAX_KEYS_SHOWN: usize = 8;
/// A value is shown up to this many characters.
const MAX_VALUE_CHARS: usize = 40;

const DIM: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const NOTE: Style = Style::new().effects(Effects::BOLD);

/// What came of it, in words. The names are those of the logs as they were given.
#[must_use]
pub fn render_text(comparison: &LogComparison, names: PerSide<&str>, color: bool) -> String {
    let mut page = DiffText { out: String::new(), color };
    if comparison.is_same {
        page.push_same(comparison);
    } else {
        page.push_different(comparison, names);
    }
    for note in &comparison.notes {
        page.push_styled(NOTE, "note");
        page.push_text_line(format_args!(": {}", sanitize(note)));
    }
    page.out
}

struct DiffText {
    out: String,
    color: bool,
}

impl DiffText {
    fn push_styled(&mut self, style: Style, text: impl Display) {
        let _ =
            if self.color { write!(self.out, "{style}{text}{style:#}") } else { write!(self.out, "{text}") };
    }

    fn push_text_line(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
    }

    fn push_same(&mut self, comparison: &LogComparison) {
        let is_cut = comparison.cuts.iter().any(Option::is_some);
        let events = match comparison.events {
            [left, right] if left == right => pluralize(left, "event"),
            [left, right] => format!("{left} and {}", pluralize(right, "event")),
        };
        self.push_styled(GOOD, "the same");
        let (level, far) = (comparison.level.name(), if is_cut { ", as far as they go" } else { "" });
        let of = comparison.sequences.map(|(all, _)| format!(" in {}", pluralize(all, "sequence")));
        self.push_text_line(format_args!(" at level {level}{far}: {events}{}", of.unwrap_or_default()));
    }

    fn push_different(&mut self, comparison: &LogComparison, names: PerSide<&str>) {
        self.push_styled(BAD, "different");
        let level = comparison.level.name();
        match comparison.sequences {
            Some((all, differing)) => {
                let of = pluralize(all, "sequence");
                self.push_text_line(format_args!(" at level {level}: {differing} of {of}"));
            }
            None => self.push_text_line(format_args!(" at level {level}")),
        }
        if let Some(first) = &comparison.first_difference {
            self.push_difference(first, names);
        }
        self.push_counts(comparison);
    }

    fn push_difference(&mut self, difference: &LogDifference, names: PerSide<&str>) {
        match &difference.sequence {
            Some(of) => self.push_text_line(format_args!("first in {of}:")),
            None => self.push_text_line("first here:"),
        }
        let parts = highlighted_ranges(difference);
        for side in DiffSide::BOTH {
            match &difference.lines[side as usize] {
                Some(place) => self.push_line(names[side as usize], place, parts[side as usize].clone()),
                None => {
                    self.push_styled(DIM, " --> ");
                    self.push_text_line(format_args!("{}: no more of it", sanitize(names[side as usize])));
                }
            }
        }
        if difference.sequence.is_some() {
            self.push_keys(difference);
        }
    }

    /// A line of a log, with this part of it marked.
    fn push_line(&mut self, name: &str, place: &LogLineRef, part: Range<usize>) {
        self.push_styled(DIM, " --> ");
        self.push_text_line(format_args!("{}:{}", sanitize(name), place.number));
        self.push_styled(DIM, "  | ");
        let Some(bytes) = &place.bytes else {
            return self
                .push_text_line("(the line is too long to be kept, and the log cannot be read again)");
        };
        let HighlightedLine { before, highlight: mark, after: behind } = HighlightedLine::new(bytes, part);
        self.out.push_str(&before);
        self.push_styled(BAD, &mark);
        self.push_text_line(behind);
        if !mark.is_empty() {
            self.push_styled(DIM, "  | ");
            let (indent, length) = (before.chars().count(), mark.chars().count());
            self.out.extend(std::iter::repeat_n(' ', indent));
            self.push_styled(BAD, "^".repeat(length));
            self.out.push('\n');
        }
    }

    fn push_keys(&mut self, difference: &LogDifference) {
        let differing = differing_fields(difference);
        for (key, values) in differing.iter().take(MAX_KEYS_SHOWN) {
            let alike = match values {
                [Some(left), Some(right)] => {
                    left.chars().zip(right.chars()).take_while(|(l, r)| l == r).count()
                }
                _ => 0,
            };
            let [left, right] = values.each_ref().map(|value| shorten_value(value.as_deref(), alike));
            self.push_styled(DIM, "  = ");
            self.push_text_line(format_args!("{key}: {left}, then {right}"));
        }
        if let Some(more @ 1..) = differing.len().checked_sub(MAX_KEYS_SHOWN) {
            self.push_styled(DIM, "  = ");
            self.push_text_line(format_args!("and {}", pluralize(more as u64, "more key")));
        }
    }

    /// The table of counts: the rows that differ, or all if they are few.
    fn push_counts(&mut self, comparison: &LogComparison) {
        let all: Vec<_> = comparison.counts.rows().collect();
        let are_few = all.len() <= MAX_EQUAL_COUNT_ROWS;
        let rows: Vec<_> = all.into_iter().filter(|(_, [left, right])| are_few || left != right).collect();
        if rows.is_empty() {
            return self.push_text_line("the counts do not differ");
        }
        let names: Vec<String> = rows.iter().map(|(counted, _)| counted.to_string()).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(5);
        self.push_styled(
            DIM,
            format_args!("{:<width$} {:>12} {:>12} {:>12}", "count", "left", "right", "difference"),
        );
        self.out.push('\n');
        for (name, (_, [left, right])) in names.iter().zip(rows) {
            let _ = write!(self.out, "{name:<width$} {left:>12} {right:>12} ");
            let difference = i128::from(right) - i128::from(left);
            match difference {
                0 => self.push_text_line(format_args!("{:>12}", 0)),
                _ => {
                    self.push_styled(BAD, format_args!("{difference:>+12}"));
                    self.out.push('\n');
                }
            }
        }
    }
}

/// A value, cut where it is long: to what comes behind its first `alike` characters, and a few of
/// these.
fn shorten_value(value: Option<&str>, alike: usize) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    if value.is_empty() {
        return "(empty)".to_owned();
    }
    let length = value.chars().count();
    let skipped = if length > MAX_VALUE_CHARS { alike.saturating_sub(MAX_VALUE_CHARS / 4) } else { 0 };
    let shown: String = value.chars().skip(skipped).take(MAX_VALUE_CHARS).collect();
    let (before, behind) = (skipped > 0, skipped + MAX_VALUE_CHARS < length);
    format!("{}{shown}{}", if before { "…" } else { "" }, if behind { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_to_what_differs() {
        assert_eq!(shorten_value(Some("short"), 4), "short");
        assert_eq!(shorten_value(Some(""), 0), "(empty)");
        assert_eq!(shorten_value(None, 0), "(none)");
        let long = "a".repeat(100) + "b" + &"c".repeat(100);
        assert_eq!(shorten_value(Some(&long), 100), format!("…{}b{}…", "a".repeat(10), "c".repeat(29)));
        assert_eq!(shorten_value(Some(&long), 0), format!("{}…", "a".repeat(40)));
    }
}
