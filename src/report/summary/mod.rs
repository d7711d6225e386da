//! The summary of a run for people: what it was, how it ended, what went wrong first, and its
//! figures in tables and small charts, 80 columns wide. Makes text, and shows none itself.

pub mod json;
mod sections;
mod text_chart;
mod text_table;

use anstyle::{AnsiColor, Style};

pub use text_chart::ChartCharset;

use crate::report::format::format_span;
use crate::report::metrics::RunMetrics;
use crate::report::units::{format_count, group_digits};
use scenario_log::event::RunOutcome;
use scenario_log::sanitize::sanitize;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How the summary is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryStyle {
    /// With colours.
    pub color: bool,
    /// What charts are drawn with.
    pub charset: ChartCharset,
}

impl SummaryStyle {
    fn styled(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The summary, as lines of text.
#[must_use]
pub fn render_text(figures: &RunMetrics, look: SummaryStyle) -> String {
    let mut out = render_head(figures, look);
    let sections = [
        sections::faults_section(figures),
        sections::expectations_section(figures),
        sections::spawns_section(figures),
        sections::fetches_section(figures),
        sections::durations_section(figures, look.charset),
        sections::moves_section(figures),
        sections::shared_section(figures),
        sections::lateness_section(figures),
        sections::flows_section(figures, look.charset),
    ];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        out.push('\n');
        for (n, line) in section.iter().enumerate() {
            out.push_str(&if n == 0 { look.styled(BOLD, line) } else { line.clone() });
            out.push('\n');
        }
    }
    match look.charset {
        ChartCharset::Blocks => out,
        ChartCharset::Ascii => text_chart::to_ascii(&out),
    }
}

/// What the run was, and how it ended.
fn render_head(figures: &RunMetrics, look: SummaryStyle) -> String {
    let name = figures.start.as_ref().map_or(String::new(), |started| sanitize(&started.name));
    let took = format_span(figures.took());
    let outcome = match &figures.end {
        Some(finished) => {
            let style = if finished.outcome == RunOutcome::Passed { GOOD } else { BAD };
            format!("{} after {took}", look.styled(style, finished.outcome.name()))
        }
        None => format!("{} after {took}", look.styled(BAD, "cut short")),
    };
    let mut out = format!("{}: {outcome}\n", look.styled(BOLD, &name));
    if let Some(reason) = figures.end.as_ref().and_then(|finished| finished.reason.as_deref()) {
        out.push_str(&format!("{}\n", sanitize(reason)));
    }
    let mut parts = Vec::new();
    if let Some(started) = &figures.start {
        parts.push(format!("seed {}", started.seed));
        parts.push(format!("{} clock", started.clock.name()));
        parts.extend(started.at.as_deref().map(sanitize));
    }
    parts.push(format_count(figures.events, "event"));
    out.push_str(&format!("{}\n", parts.join(" · ")));
    let [commands, refused] = figures.typed;
    let more = [
        (commands, "typed command"),
        (refused, "typed line that was refused"),
        (figures.pauses, "pause"),
        (figures.unknown_events, "event of an unknown kind"),
    ];
    let more = more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| match (*what, *count) {
        ("typed line that was refused", n) if n != 1 => {
            format!("{} typed lines that were refused", group_digits(n))
        }
        ("event of an unknown kind", n) if n != 1 => {
            format!("{} events of unknown kinds", group_digits(n))
        }
        (what, count) => format_count(count, what),
    });
    let more: Vec<_> = more.collect();
    if !more.is_empty() {
        out.push_str(&format!("{}\n", more.join(" · ")));
    }
    out
}
