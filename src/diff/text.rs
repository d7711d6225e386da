//! A comparison for people.

use std::fmt::{Display, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Effects, Style};

use crate::diff::highlight::Marked;
use crate::diff::keys::{differing, parts};
use crate::diff::{Comparison, Difference, Pair, Place, Side};
use scenario_log::sanitize::visible;

/// Up to so many rows of counts are shown although they do not differ.
const FEW: usize = 12;
/// So many keys that differ are shown with their values.
const MOST_KEYS: usize = 8;
/// A value is shown up to this many characters.
const LONGEST_VALUE: usize = 40;

const DIM: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const NOTE: Style = Style::new().effects(Effects::BOLD);

/// What came of it, in words. The names are those of the logs as they were given.
#[must_use]
pub fn text(comparison: &Comparison, names: Pair<&str>, color: bool) -> String {
    let mut page = Page { out: String::new(), color };
    if comparison.is_same {
        page.same(comparison);
    } else {
        page.different(comparison, names);
    }
    for note in &comparison.notes {
        page.styled(NOTE, "note");
        page.line(format_args!(": {}", visible(note)));
    }
    page.out
}

struct Page {
    out: String,
    color: bool,
}

impl Page {
    fn styled(&mut self, style: Style, text: impl Display) {
        let _ =
            if self.color { write!(self.out, "{style}{text}{style:#}") } else { write!(self.out, "{text}") };
    }

    fn line(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
    }

    fn same(&mut self, comparison: &Comparison) {
        let is_cut = comparison.cuts.iter().any(Option::is_some);
        let events = match comparison.events {
            [left, right] if left == right => counted(left, "event"),
            [left, right] => format!("{left} and {}", counted(right, "event")),
        };
        self.styled(GOOD, "the same");
        let (level, far) = (comparison.level.name(), if is_cut { ", as far as they go" } else { "" });
        let of = comparison.sequences.map(|(all, _)| format!(" in {}", counted(all, "sequence")));
        self.line(format_args!(" at level {level}{far}: {events}{}", of.unwrap_or_default()));
    }

    fn different(&mut self, comparison: &Comparison, names: Pair<&str>) {
        self.styled(BAD, "different");
        let level = comparison.level.name();
        match comparison.sequences {
            Some((all, differing)) => {
                let of = counted(all, "sequence");
                self.line(format_args!(" at level {level}: {differing} of {of}"));
            }
            None => self.line(format_args!(" at level {level}")),
        }
        if let Some(first) = &comparison.first {
            self.difference(first, names);
        }
        self.counts(comparison);
    }

    fn difference(&mut self, difference: &Difference, names: Pair<&str>) {
        match &difference.of {
            Some(of) => self.line(format_args!("first in {of}:")),
            None => self.line("first here:"),
        }
        let parts = parts(difference);
        for side in Side::BOTH {
            match &difference.places[side as usize] {
                Some(place) => self.place(names[side as usize], place, parts[side as usize].clone()),
                None => {
                    self.styled(DIM, " --> ");
                    self.line(format_args!("{}: no more of it", visible(names[side as usize])));
                }
            }
        }
        if difference.of.is_some() {
            self.keys(difference);
        }
    }

    /// A line of a log, with this part of it marked.
    fn place(&mut self, name: &str, place: &Place, part: Range<usize>) {
        self.styled(DIM, " --> ");
        self.line(format_args!("{}:{}", visible(name), place.number));
        self.styled(DIM, "  | ");
        let Some(bytes) = &place.bytes else {
            return self.line("(the line is too long to be kept, and the log cannot be read again)");
        };
        let Marked { before, mark, behind } = Marked::new(bytes, part);
        self.out.push_str(&before);
        self.styled(BAD, &mark);
        self.line(behind);
        if !mark.is_empty() {
            self.styled(DIM, "  | ");
            let (indent, length) = (before.chars().count(), mark.chars().count());
            self.out.extend(std::iter::repeat_n(' ', indent));
            self.styled(BAD, "^".repeat(length));
            self.out.push('\n');
        }
    }

    fn keys(&mut self, difference: &Difference) {
        let differing = differing(difference);
        for (key, values) in differing.iter().take(MOST_KEYS) {
            let alike = match values {
                [Some(left), Some(right)] => {
                    left.chars().zip(right.chars()).take_while(|(l, r)| l == r).count()
                }
                _ => 0,
            };
            let [left, right] = values.each_ref().map(|value| shortened(value.as_deref(), alike));
            self.styled(DIM, "  = ");
            self.line(format_args!("{key}: {left}, then {right}"));
        }
        if let Some(more @ 1..) = differing.len().checked_sub(MOST_KEYS) {
            self.styled(DIM, "  = ");
            self.line(format_args!("and {}", counted(more as u64, "more key")));
        }
    }

    /// The table of counts: the rows that differ, or all if they are few.
    fn counts(&mut self, comparison: &Comparison) {
        let all: Vec<_> = comparison.counts.rows().collect();
        let are_few = all.len() <= FEW;
        let rows: Vec<_> = all.into_iter().filter(|(_, [left, right])| are_few || left != right).collect();
        if rows.is_empty() {
            return self.line("the counts do not differ");
        }
        let names: Vec<String> = rows.iter().map(|(counted, _)| counted.to_string()).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default().max(5);
        self.styled(
            DIM,
            format_args!("{:<width$} {:>12} {:>12} {:>12}", "count", "left", "right", "difference"),
        );
        self.out.push('\n');
        for (name, (_, [left, right])) in names.iter().zip(rows) {
            let _ = write!(self.out, "{name:<width$} {left:>12} {right:>12} ");
            let difference = i128::from(right) - i128::from(left);
            match difference {
                0 => self.line(format_args!("{:>12}", 0)),
                _ => {
                    self.styled(BAD, format_args!("{difference:>+12}"));
                    self.out.push('\n');
                }
            }
        }
    }
}

/// A value, cut where it is long: to what comes behind its first `alike` characters, and a few of
/// these.
fn shortened(value: Option<&str>, alike: usize) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    if value.is_empty() {
        return "(empty)".to_owned();
    }
    let length = value.chars().count();
    let skipped = if length > LONGEST_VALUE { alike.saturating_sub(LONGEST_VALUE / 4) } else { 0 };
    let shown: String = value.chars().skip(skipped).take(LONGEST_VALUE).collect();
    let (before, behind) = (skipped > 0, skipped + LONGEST_VALUE < length);
    format!("{}{shown}{}", if before { "…" } else { "" }, if behind { "…" } else { "" })
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_to_what_differs() {
        assert_eq!(shortened(Some("short"), 4), "short");
        assert_eq!(shortened(Some(""), 0), "(empty)");
        assert_eq!(shortened(None, 0), "(none)");
        let long = "a".repeat(100) + "b" + &"c".repeat(100);
        assert_eq!(shortened(Some(&long), 100), format!("…{}b{}…", "a".repeat(10), "c".repeat(29)));
        assert_eq!(shortened(Some(&long), 0), format!("{}…", "a".repeat(40)));
    }
}
