//! The summary of a run for people: its properties, how it ended, its first faults, and its metrics in
//! tables and small charts, 80 columns wide. Makes text, and prints none itself.

pub mod json;
mod sections;
mod text_chart;
mod text_table;

use anstyle::{AnsiColor, Style};

pub use text_chart::ChartCharset;

use crate::report::format::format_span;
use crate::report::metrics::RunMetrics;
use crate::report::metrics::faults::readable_reason;
use crate::report::units::{format_count, group_digits};
use scenario_log::event::RunOutcome;
use scenario_log::sanitize::sanitize;

const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How the summary looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryStyle {
    /// Whether it has colours.
    pub color: bool,
    /// The characters of its charts.
    pub charset: ChartCharset,
}

impl SummaryStyle {
    fn styled(self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The summary, as lines of text.
#[must_use]
pub fn render_text(metrics: &RunMetrics, style: SummaryStyle) -> String {
    let mut out = render_head(metrics, style);
    let sections = [
        sections::faults_section(metrics),
        sections::recoveries_section(metrics),
        sections::expectations_section(metrics),
        sections::skipped_section(metrics),
        sections::injected_section(metrics),
        sections::spawns_section(metrics),
        sections::resources_section(metrics),
        sections::fetches_section(metrics),
        sections::durations_section(metrics, style.charset),
        sections::moves_section(metrics),
        sections::shared_section(metrics),
        sections::lateness_section(metrics),
        sections::flows_section(metrics, style.charset),
    ];
    for section in sections.iter().filter(|section| !section.is_empty()) {
        out.push('\n');
        for (n, line) in section.iter().enumerate() {
            out.push_str(&if n == 0 { style.styled(BOLD, line) } else { line.clone() });
            out.push('\n');
        }
    }
    match style.charset {
        ChartCharset::Blocks => out,
        ChartCharset::Ascii => text_chart::to_ascii(&out),
    }
}

/// The properties of the run, and how it ended.
fn render_head(metrics: &RunMetrics, style: SummaryStyle) -> String {
    let name = metrics.start.as_ref().map_or(String::new(), |started| sanitize(&started.name));
    let took = format_span(metrics.took());
    let outcome = match &metrics.end {
        Some(finished) => {
            let color = if finished.outcome == RunOutcome::Passed { GOOD } else { BAD };
            format!("{} after {took}", style.styled(color, finished.outcome.name()))
        }
        None => format!("{} after {took}", style.styled(BAD, "cut short")),
    };
    let mut out = format!("{}: {outcome}\n", style.styled(BOLD, &name));
    if let Some(reason) = metrics.end.as_ref().and_then(|finished| finished.reason.as_deref()) {
        out.push_str(&format!("{}\n", readable_reason(reason)));
    }
    let mut parts = Vec::new();
    if let Some(started) = &metrics.start {
        parts.push(format!("seed {}", started.seed));
        parts.push(format!("{} clock", started.clock.name()));
        parts.extend(started.at.as_deref().map(sanitize));
    }
    parts.push(format_count(metrics.events, "event"));
    out.push_str(&format!("{}\n", parts.join(" · ")));
    let [commands, refused] = metrics.typed;
    let more = [
        (commands, "typed command"),
        (refused, "typed line that was refused"),
        (metrics.pauses, "pause"),
        (metrics.unknown_events, "event of an unknown kind"),
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
