//! A replay for people: one line a log, and for one that differs all that helps to find out why, in
//! the manner of the diagnostics.

use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style};

use crate::replay::outcome::{Divergence, Finding, Now, Replayed};
use crate::replay::report::line::{Shown, show};
use crate::replay::report::{cause, differing};
use crate::terminal::event_lines::{counted, push_expected, short};
use scenario_log::sanitize::visible;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const WARN: Style = AnsiColor::Yellow.on_default();
const EDGE: Style = AnsiColor::BrightBlue.on_default().effects(Effects::BOLD);
const BOLD: Style = Style::new().effects(Effects::BOLD);

/// One line: what was found in a log.
#[must_use]
pub fn verdict(log: &str, replayed: &Replayed, color: bool) -> String {
    let (style, word, what) = match &replayed.finding {
        Finding::Same => (GOOD, "same", String::new()),
        Finding::CutShort(cut) => (WARN, "cut short", format!("; {cut}")),
        Finding::Different(divergence) => {
            (BAD, "different", format!("; line {} is not what happens now", divergence.logged.line))
        }
        Finding::Unreadable(unreadable) => (BAD, unreadable.kind(), format!("; {unreadable}")),
    };
    let mut text = format!("{:<9}  {}: ", word, visible(log));
    if color {
        text = format!("{style}{word:<9}{style:#}  {}: ", visible(log));
    }
    text.push_str(&counted(replayed.events, "event"));
    if let Some((outcome, took)) = replayed.ended {
        push(&mut text, format_args!(", {} after {}", outcome.name(), short(took)));
    }
    if replayed.unknown > 0 {
        let (lines, verb) =
            (counted(replayed.unknown, "line"), if replayed.unknown == 1 { "was" } else { "were" });
        push(&mut text, format_args!(", {lines} of unknown kinds {verb} passed over"));
    }
    text.push_str(&visible(&what));
    text.push('\n');
    text
}

/// How many logs were what.
#[must_use]
pub fn summary(findings: &[&Finding]) -> String {
    let count = |is: fn(&Finding) -> bool| findings.iter().filter(|finding| is(finding)).count();
    let kinds = [
        (count(|finding| matches!(finding, Finding::Same)), "the same"),
        (count(|finding| matches!(finding, Finding::Different(_))), "different"),
        (count(|finding| matches!(finding, Finding::CutShort(_))), "cut short"),
        (count(|finding| matches!(finding, Finding::Unreadable(_))), "unusable"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    format!("{}: {}\n", counted(findings.len() as u64, "log"), kinds.collect::<Vec<_>>().join(", "))
}

/// All about the first line that differs: the line, the engine's event in its place, what differs,
/// the lines before, the cause, and how to look further (`again`: commands).
#[must_use]
pub fn different(log: &str, divergence: &Divergence, again: &str, color: bool) -> String {
    let page = Page { color, width: divergence.logged.line.to_string().len() };
    let mut out = String::new();
    let Divergence { logged, now, before, is_as_written, .. } = divergence;
    let log = visible(log);
    let title = format!("line {} of {log} is not what happens now", logged.line);
    push(&mut out, format_args!("{}: {}\n", page.styled(BAD, "error"), page.styled(BOLD, &title)));
    let place = format!("{}{}", " ".repeat(page.width), page.styled(EDGE, "-->"));
    push(&mut out, format_args!("{place} {log}:{}\n", logged.line));
    page.row(&mut out, "", "");
    for told in before {
        let shown = show(&told.text, &[], "");
        page.row(&mut out, &told.line.to_string(), &format!("  {}", shown.text));
    }
    let keys = differing(divergence);
    let now_text = match now {
        Now::Event(now) => now.as_str(),
        Now::Over | Now::Nothing { .. } => "",
    };
    let shown = show(&logged.text, &keys, now_text);
    page.marked(&mut out, &logged.line.to_string(), ('-', BAD), &shown);
    match now {
        Now::Event(now) => page.marked(&mut out, "", ('+', GOOD), &show(now, &keys, &logged.text)),
        other => page.row(&mut out, "", &page.styled(GOOD, &format!("+ {}", nothing(other)))),
    }
    page.row(&mut out, "", "");
    if !keys.is_empty() {
        page.note(&mut out, "differs", &keys.join(", "));
    }
    if let Some(cause) = cause(divergence) {
        page.note(&mut out, "cause", &cause);
    }
    page.note(&mut out, "log", written(*is_as_written));
    push(&mut out, format_args!("{}: look further with\n{again}\n", page.styled(BOLD, "help")));
    out
}

fn nothing(now: &Now) -> String {
    match now {
        Now::Nothing { next: Some(next) } => format!("nothing; what is due next is due at {next}"),
        Now::Over => "nothing; the run is over".to_owned(),
        Now::Event(_) | Now::Nothing { next: None } => "nothing; nothing is due any more".to_owned(),
    }
}

/// What the checksum says of the cause.
fn written(is_as_written: Option<bool>) -> &'static str {
    match is_as_written {
        Some(true) => "as it was written (its crc32c is right), so the scenario or the program has changed",
        Some(false) => "not as it was written (its crc32c is wrong): it was changed, or damaged",
        None => "cut short or damaged behind this line, so nobody can say whether it was changed",
    }
}

/// A line for each expectation: what came of it.
#[must_use]
pub fn expectations(replayed: &Replayed, color: bool) -> String {
    let mut text = String::new();
    for expected in &replayed.expected {
        let (style, word) = if expected.ok { (GOOD, "ok") } else { (BAD, "MISSED") };
        if color {
            push(&mut text, format_args!("  {style}{word:<7}{style:#}  "));
        } else {
            push(&mut text, format_args!("  {word:<7}  "));
        }
        push_expected(&mut text, expected);
        text.push('\n');
    }
    text
}

/// The look of the page: a column of line numbers, an edge, the text.
struct Page {
    color: bool,
    width: usize,
}

impl Page {
    fn styled(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn row(&self, out: &mut String, number: &str, text: &str) {
        let edge = self.styled(EDGE, &format!("{number:>width$} |", width = self.width));
        push(out, format_args!("{edge}{}{text}\n", if text.is_empty() { "" } else { " " }));
    }

    fn marked(&self, out: &mut String, number: &str, (sign, style): (char, Style), shown: &Shown) {
        self.row(out, number, &self.styled(style, &format!("{sign} {}", shown.text)));
        let Some(last) = shown.marks.last() else { return };
        let is_marked = |at: usize| shown.marks.iter().any(|mark| mark.contains(&at));
        let marks: String = (0..last.end).map(|at| if is_marked(at) { '^' } else { ' ' }).collect();
        self.row(out, "", &self.styled(style, &format!("  {marks}")));
    }

    fn note(&self, out: &mut String, what: &str, text: &str) {
        let edge = self.styled(EDGE, &format!("{} =", " ".repeat(self.width)));
        push(out, format_args!("{edge} {}: {}\n", self.styled(BOLD, what), visible(text)));
    }
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}
