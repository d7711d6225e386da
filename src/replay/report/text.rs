//! A replay for people: one line for each log, and for one that differs everything that helps to find out
//! why, in the style of the diagnostics.

use anstyle::{AnsiColor, Effects, Style};

use crate::replay::outcome::{LoggedEnd, ReplayDivergence, ReplayFinding, ReplayResult, ReplayedEvent};
use crate::replay::report::marked_line::{MarkedLogLine, mark_line};
use crate::replay::report::{describe_cause, differing_keys};
use crate::report::format::{format_span, pluralize, push_expectation, push_fmt};
use crate::report::metrics::faults::readable_reason;
use scenario_log::sanitize::sanitize;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const WARN: Style = AnsiColor::Yellow.on_default();
const GUTTER: Style = AnsiColor::BrightBlue.on_default().effects(Effects::BOLD);
const BOLD: Style = Style::new().effects(Effects::BOLD);

/// One line with the result of a log's replay.
#[must_use]
pub fn render_verdict(log: &str, replayed: &ReplayResult, color: bool) -> String {
    let (style, word, what) = match &replayed.finding {
        ReplayFinding::Same if replayed.has_unwanted_end() => {
            (BAD, "failed", "; it is the same, but it is wanted to have passed".to_owned())
        }
        ReplayFinding::Same => (GOOD, "same", String::new()),
        ReplayFinding::CutShort(cut) => (WARN, "cut short", format!("; {cut}")),
        ReplayFinding::Different(divergence) => {
            (BAD, "different", format!("; line {} is not what happens now", divergence.logged.line))
        }
        ReplayFinding::Unreadable(unreadable) => (BAD, unreadable.kind(), format!("; {unreadable}")),
    };
    let mut text = format!("{:<9}  {}: ", word, sanitize(log));
    if color {
        text = format!("{style}{word:<9}{style:#}  {}: ", sanitize(log));
    }
    text.push_str(&pluralize(replayed.events, "event"));
    if let Some(LoggedEnd { outcome, reason, took }) = &replayed.end {
        push_fmt(&mut text, format_args!(", {} after {}", outcome.name(), format_span(*took)));
        if let Some(reason) = reason {
            push_fmt(&mut text, format_args!(" ({})", readable_reason(reason)));
        }
    }
    if replayed.unknown_lines > 0 {
        let (lines, verb) = (
            pluralize(replayed.unknown_lines, "line"),
            if replayed.unknown_lines == 1 { "was" } else { "were" },
        );
        push_fmt(&mut text, format_args!(", {lines} of unknown kinds {verb} passed over"));
    }
    text.push_str(&sanitize(&what));
    text.push('\n');
    text
}

/// One line with the numbers of logs by result.
#[must_use]
pub fn render_summary(findings: &[&ReplayFinding]) -> String {
    let count = |is: fn(&ReplayFinding) -> bool| findings.iter().filter(|finding| is(finding)).count();
    let kinds = [
        (count(|finding| matches!(finding, ReplayFinding::Same)), "the same"),
        (count(|finding| matches!(finding, ReplayFinding::Different(_))), "different"),
        (count(|finding| matches!(finding, ReplayFinding::CutShort(_))), "cut short"),
        (count(|finding| matches!(finding, ReplayFinding::Unreadable(_))), "unusable"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    format!("{}: {}\n", pluralize(findings.len() as u64, "log"), kinds.collect::<Vec<_>>().join(", "))
}

/// Describes the first line that differs: the line, the event that happens now in its place, the
/// difference, the lines before, the cause, and commands that show more (`again`).
#[must_use]
pub fn render_divergence(log: &str, divergence: &ReplayDivergence, again: &str, color: bool) -> String {
    let page = DivergenceText { color, width: divergence.logged.line.to_string().len() };
    let mut out = String::new();
    let ReplayDivergence {
        logged,
        replayed: now,
        previous_lines: before,
        is_checksum_valid: is_as_written,
        ..
    } = divergence;
    let log = sanitize(log);
    let title = format!("line {} of {log} is not what happens now", logged.line);
    push_fmt(&mut out, format_args!("{}: {}\n", page.styled(BAD, "error"), page.styled(BOLD, &title)));
    let place = format!("{}{}", " ".repeat(page.width), page.styled(GUTTER, "-->"));
    push_fmt(&mut out, format_args!("{place} {log}:{}\n", logged.line));
    page.push_row(&mut out, "", "");
    for previous in before {
        let shown = mark_line(&previous.text, &[], "");
        page.push_row(&mut out, &previous.line.to_string(), &format!("  {}", shown.text));
    }
    let keys = differing_keys(divergence);
    let now_text = match now {
        ReplayedEvent::Event(now) => now.as_str(),
        ReplayedEvent::RunOver | ReplayedEvent::Nothing { .. } => "",
    };
    let shown = mark_line(&logged.text, &keys, now_text);
    page.push_marked(&mut out, &logged.line.to_string(), ('-', BAD), &shown);
    match now {
        ReplayedEvent::Event(now) => {
            page.push_marked(&mut out, "", ('+', GOOD), &mark_line(now, &keys, &logged.text))
        }
        other => page.push_row(&mut out, "", &page.styled(GOOD, &format!("+ {}", describe_nothing(other)))),
    }
    page.push_row(&mut out, "", "");
    if !keys.is_empty() {
        page.push_note(&mut out, "differs", &keys.join(", "));
    }
    if let Some(cause) = describe_cause(divergence) {
        page.push_note(&mut out, "cause", &cause);
    }
    page.push_note(&mut out, "log", describe_checksum(*is_as_written));
    push_fmt(&mut out, format_args!("{}: look further with\n{again}\n", page.styled(BOLD, "help")));
    out
}

fn describe_nothing(now: &ReplayedEvent) -> String {
    match now {
        ReplayedEvent::Nothing { next: Some(next) } => format!("nothing; the next event is due at {next}"),
        ReplayedEvent::RunOver => "nothing; the run is over".to_owned(),
        ReplayedEvent::Event(_) | ReplayedEvent::Nothing { next: None } => {
            "nothing; nothing is due any more".to_owned()
        }
    }
}

/// The cause, as far as the checksum shows it.
fn describe_checksum(is_as_written: Option<bool>) -> &'static str {
    match is_as_written {
        Some(true) => "as it was written (its crc32c is right), so the scenario or the program has changed",
        Some(false) => "not as it was written (its crc32c is wrong): it was changed, or damaged",
        None => "cut short or damaged after this line, so it is not known whether it was changed",
    }
}

/// A line with the result of each expectation.
#[must_use]
pub fn render_expectations(replayed: &ReplayResult, color: bool) -> String {
    let mut text = String::new();
    for expected in &replayed.expectations {
        let (style, word) = if expected.ok { (GOOD, "ok") } else { (BAD, "MISSED") };
        if color {
            push_fmt(&mut text, format_args!("  {style}{word:<7}{style:#}  "));
        } else {
            push_fmt(&mut text, format_args!("  {word:<7}  "));
        }
        push_expectation(&mut text, expected);
        text.push('\n');
    }
    text
}

/// The layout: a column of line numbers, an edge, the text.
struct DivergenceText {
    color: bool,
    width: usize,
}

impl DivergenceText {
    fn styled(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn push_row(&self, out: &mut String, number: &str, text: &str) {
        let edge = self.styled(GUTTER, &format!("{number:>width$} |", width = self.width));
        push_fmt(out, format_args!("{edge}{}{text}\n", if text.is_empty() { "" } else { " " }));
    }

    fn push_marked(
        &self,
        out: &mut String,
        number: &str,
        (sign, style): (char, Style),
        shown: &MarkedLogLine,
    ) {
        self.push_row(out, number, &self.styled(style, &format!("{sign} {}", shown.text)));
        let Some(last) = shown.marks.last() else { return };
        let is_marked = |at: usize| shown.marks.iter().any(|mark| mark.contains(&at));
        let marks: String = (0..last.end).map(|at| if is_marked(at) { '^' } else { ' ' }).collect();
        self.push_row(out, "", &self.styled(style, &format!("  {marks}")));
    }

    fn push_note(&self, out: &mut String, what: &str, text: &str) {
        let edge = self.styled(GUTTER, &format!("{} =", " ".repeat(self.width)));
        push_fmt(out, format_args!("{edge} {}: {}\n", self.styled(BOLD, what), sanitize(text)));
    }
}
