//! The summary of a run for people: what it was, how it ended, what went wrong first, and its
//! figures in tables and small charts, 80 columns wide. Makes text, and shows none itself.

mod chart;
pub mod json;
mod sections;
mod table;

use anstyle::{AnsiColor, Style};

pub use chart::Charset;

use crate::report::metrics::Figures;
use crate::report::units::{counted, grouped};
use crate::terminal::event_lines::short;
use scenario_log::event::Outcome;
use scenario_log::sanitize::visible;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How the summary is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// With colours.
    pub color: bool,
    /// What charts are drawn with.
    pub charset: Charset,
}

impl Look {
    fn styled(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The summary, as lines of text.
#[must_use]
pub fn text(figures: &Figures, look: Look) -> String {
    let mut out = head(figures, look);
    let sections = [
        sections::wrong(figures),
        sections::expected(figures),
        sections::spawns(figures),
        sections::fetches(figures),
        sections::times(figures, look.charset),
        sections::moves(figures),
        sections::shared(figures),
        sections::lateness(figures),
        sections::course(figures, look.charset),
    ];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        out.push('\n');
        for (n, line) in section.iter().enumerate() {
            out.push_str(&if n == 0 { look.styled(BOLD, line) } else { line.clone() });
            out.push('\n');
        }
    }
    match look.charset {
        Charset::Blocks => out,
        Charset::Ascii => chart::ascii(&out),
    }
}

/// What the run was, and how it ended.
fn head(figures: &Figures, look: Look) -> String {
    let name = figures.started.as_ref().map_or(String::new(), |started| visible(&started.name));
    let took = short(figures.took());
    let outcome = match &figures.finished {
        Some(finished) => {
            let style = if finished.outcome == Outcome::Passed { GOOD } else { BAD };
            format!("{} after {took}", look.styled(style, finished.outcome.name()))
        }
        None => format!("{} after {took}", look.styled(BAD, "cut short")),
    };
    let mut out = format!("{}: {outcome}\n", look.styled(BOLD, &name));
    if let Some(reason) = figures.finished.as_ref().and_then(|finished| finished.reason.as_deref()) {
        out.push_str(&format!("{}\n", visible(reason)));
    }
    let mut parts = Vec::new();
    if let Some(started) = &figures.started {
        parts.push(format!("seed {}", started.seed));
        parts.push(format!("{} clock", started.clock.name()));
        parts.extend(started.at.as_deref().map(visible));
    }
    parts.push(counted(figures.events, "event"));
    out.push_str(&format!("{}\n", parts.join(" · ")));
    let [commands, refused] = figures.typed;
    let more = [
        (commands, "typed command"),
        (refused, "typed line that was refused"),
        (figures.pauses, "pause"),
        (figures.unknown, "event of an unknown kind"),
    ];
    let more = more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| match (*what, *count) {
        ("typed line that was refused", n) if n != 1 => {
            format!("{} typed lines that were refused", grouped(n))
        }
        ("event of an unknown kind", n) if n != 1 => {
            format!("{} events of unknown kinds", grouped(n))
        }
        (what, count) => counted(count, what),
    });
    let more: Vec<_> = more.collect();
    if !more.is_empty() {
        out.push_str(&format!("{}\n", more.join(" · ")));
    }
    out
}
