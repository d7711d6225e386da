//! The status panel above the progress bar: what runs, the rates, and the state of the expectations. Makes
//! text, and prints none itself.

use std::collections::VecDeque;

use anstyle::{AnsiColor, Effects, Style};

use scenario_core::engine::progress::{ExpectationStatus, RunProgress};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, NANOS_PER_SECOND};

const DIM: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);

/// Rates are averages over this time, and are updated twice in it: people cannot read numbers that change
/// faster.
const RATE_PERIOD: u64 = 2 * NANOS_PER_SECOND;

/// A line cut to the width of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusPanelLine {
    /// How many columns it takes at most.
    pub(crate) columns: usize,
    /// Its text, with styles.
    pub(crate) text: String,
}

impl StatusPanelLine {
    /// Appends as much of a text as fits in a terminal of this width; the last column stays free.
    pub(crate) fn push(&mut self, width: usize, style: Style, text: &str) {
        let start = self.text.len();
        let mut room = width.saturating_sub(self.columns + 1);
        for c in text.chars() {
            // Some other characters take two columns, and terminals do not agree on which.
            let columns = if c.is_ascii() || "·µ…".contains(c) { 1 } else { 2 };
            if columns > room {
                break;
            }
            room -= columns;
            self.columns += columns;
            self.text.push(c);
        }
        if self.text.len() > start && style != Style::new() {
            self.text.insert_str(start, &style.to_string());
            self.text.push_str(&format!("{style:#}"));
        }
    }

    /// A line that begins with a heading, aligned with the lines of events.
    fn with_heading(width: usize, what: &str) -> StatusPanelLine {
        let mut line = StatusPanelLine::default();
        line.push(width, DIM, &format!("           {what:<7} "));
        line
    }
}

/// The state from which the rates are computed.
#[derive(Debug, Default)]
pub(crate) struct StatusPanel {
    /// Moves, lines and requests so far, each with its moment; rates are computed since the first one.
    samples: VecDeque<(Moment, [u64; 3])>,
    rates: [f64; 3],
}

impl StatusPanel {
    /// The lines for the progress of now, in a terminal of this width.
    pub(crate) fn render_lines(
        &mut self,
        progress: &RunProgress,
        now: Moment,
        width: usize,
    ) -> Vec<StatusPanelLine> {
        self.add_sample(progress, now);
        let all = [
            running_line(progress, now, width),
            self.rates_line(progress, width),
            expectations_line(progress, width),
        ];
        all.into_iter().flatten().collect()
    }

    fn add_sample(&mut self, progress: &RunProgress, now: Moment) {
        let is_due = |last: &(Moment, _)| now.since(last.0).0 >= RATE_PERIOD / 2;
        if !self.samples.back().is_none_or(is_due) {
            return;
        }
        let counts = [progress.moves, progress.lines, progress.fetched];
        self.samples.push_back((now, counts));
        while self.samples.get(1).is_some_and(|(at, _)| now.since(*at).0 >= RATE_PERIOD) {
            self.samples.pop_front();
        }
        if let Some((from, before)) = self.samples.front().filter(|(from, _)| *from < now) {
            let seconds = now.since(*from).0 as f64 / NANOS_PER_SECOND as f64;
            for (index, rate) in self.rates.iter_mut().enumerate() {
                *rate = counts[index].saturating_sub(before[index]) as f64 / seconds;
            }
        }
    }

    /// The rates of everything that has happened at all.
    fn rates_line(&self, progress: &RunProgress, width: usize) -> Option<StatusPanelLine> {
        let counts = [progress.moves, progress.lines, progress.fetched];
        let mut rates = ["moves", "lines", "requests"].iter().zip(counts).zip(self.rates);
        let rates: Vec<String> = rates
            .by_ref()
            .filter(|((_, count), _)| *count > 0)
            .map(|((what, _), rate)| match rate {
                rate if rate < 9.95 => format!("{rate:.1} {what}/s"),
                rate => format!("{rate:.0} {what}/s"),
            })
            .collect();
        (!rates.is_empty()).then(|| {
            let mut line = StatusPanelLine::with_heading(width, "rate");
            line.push(width, Style::new(), &rates.join(" · "));
            line
        })
    }
}

/// The running sources: the first spawns by name, each with its time so far, and counts of the others.
fn running_line(progress: &RunProgress, now: Moment, width: usize) -> Option<StatusPanelLine> {
    let RunProgress { spawns, running_spawns: running, requests, .. } = progress;
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        count => Some(format!("{count} {what}s")),
    };
    let named = |(source, name, since): &(_, String, Moment)| {
        format!("{source} {} {} s", sanitize(name), now.since(*since).0 / NANOS_PER_SECOND)
    };
    let requests = counted(*requests, "request");
    // The names must not push the counts out of the line.
    let of_requests = requests.as_ref().map_or(0, |requests| requests.len() + 3);
    let room = width.saturating_sub(33 + of_requests);
    let (mut names, mut length) = (Vec::new(), 0);
    for name in spawns.iter().map(named) {
        length += name.chars().count() + 3;
        if length > room && !names.is_empty() {
            break;
        }
        names.push(name);
    }
    let more = running.saturating_sub(names.len());
    let more = (more > 0).then(|| format!("{more} more"));
    let parts: Vec<String> = names.into_iter().chain(more).chain(requests).collect();
    (!parts.is_empty()).then(|| {
        let mut line = StatusPanelLine::with_heading(width, "runs");
        line.push(width, Style::new(), &parts.join(" · "));
        line
    })
}

/// The counts of expectations by state, and the name of the first missed one.
fn expectations_line(progress: &RunProgress, width: usize) -> Option<StatusPanelLine> {
    let count = |wanted| progress.expectations.iter().filter(|one| one.status == wanted).count();
    let [missed, open, holds] =
        [ExpectationStatus::Missed, ExpectationStatus::Open, ExpectationStatus::Holds].map(count);
    if progress.expectations.is_empty() {
        return None;
    }
    let mut line = StatusPanelLine::with_heading(width, "expect");
    let mut before = "";
    let parts = [(holds, GOOD, "ok so far"), (open, Style::new(), "open"), (missed, BAD, "missed")];
    for (count, style, what) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        line.push(width, Style::new(), before);
        line.push(width, style, &format!("{count} {what}"));
        before = " · ";
    }
    let first = progress.expectations.iter().find(|one| one.status == ExpectationStatus::Missed);
    if let Some(one) = first {
        line.push(width, BAD, &format!(": {}", sanitize(&one.name)));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::engine::progress::ExpectationProgress;
    use scenario_log::event::Source;

    fn progress() -> RunProgress {
        let spawns = (1..=8).map(|n| (Source::Spawn(n), "server".to_owned(), Moment(NANOS_PER_SECOND)));
        let expected = [
            ("a", ExpectationStatus::Holds),
            ("b\u{1b}", ExpectationStatus::Missed),
            ("c", ExpectationStatus::Open),
            ("d", ExpectationStatus::Holds),
        ];
        RunProgress {
            spawns: spawns.collect(),
            running_spawns: 12,
            requests: 5,
            entries: (1, 3),
            moves: 100,
            lines: 0,
            fetched: 3,
            expectations: expected
                .map(|(name, status)| ExpectationProgress {
                    name: name.to_owned(),
                    status,
                    wanted: String::new(),
                    got: None,
                })
                .into(),
        }
    }

    fn plain(lines: &[StatusPanelLine]) -> Vec<String> {
        let text = |line: &StatusPanelLine| {
            let styles = [DIM, GOOD, BAD].map(|style| (style.to_string(), format!("{style:#}")));
            styles.iter().fold(line.text.clone(), |text, (on, off)| text.replace(on, "").replace(off, ""))
        };
        lines.iter().map(text).collect()
    }

    #[test]
    fn it_says_what_runs_what_happens_and_what_is_expected() {
        let mut panel = StatusPanel::default();
        panel.render_lines(&RunProgress::default(), Moment(0), 100);
        let lines = panel.render_lines(&progress(), Moment(4 * NANOS_PER_SECOND), 100);
        assert_eq!(
            plain(&lines),
            [
                "           runs    ps#1 server 3 s · ps#2 server 3 s · ps#3 server 3 s · 9 more · 5 requests",
                "           rate    25 moves/s · 0.8 requests/s",
                "           expect  2 ok so far · 1 open · 1 missed: b\\x1b",
            ]
        );
        assert!(panel.render_lines(&RunProgress::default(), Moment(4 * NANOS_PER_SECOND), 100).is_empty());
    }

    #[test]
    fn rates_are_those_of_the_last_seconds_and_calm() {
        let mut panel = StatusPanel::default();
        let mut at = |moves, milliseconds: u64| {
            let progress = RunProgress { moves, ..RunProgress::default() };
            let lines = panel.render_lines(&progress, Moment(milliseconds * 1_000_000), 80);
            plain(&lines).first().map(|line| line.trim_start_matches("           rate    ").to_owned())
        };
        assert_eq!(at(0, 0), None);
        assert_eq!(at(50, 500).as_deref(), Some("0.0 moves/s"), "not yet");
        assert_eq!(at(100, 1_000).as_deref(), Some("100 moves/s"));
        assert_eq!(at(900, 1_900).as_deref(), Some("100 moves/s"), "the same for a second");
        assert_eq!(at(200, 2_000).as_deref(), Some("100 moves/s"));
        assert_eq!(at(200, 3_000).as_deref(), Some("50 moves/s"));
        assert_eq!(at(200, 9_000).as_deref(), Some("0.0 moves/s"));
    }

    #[test]
    fn no_line_is_as_wide_as_the_terminal() {
        for width in 0..120 {
            let mut odd = progress();
            odd.expectations[1].name = "世界é".repeat(50);
            for line in StatusPanel::default().render_lines(&odd, Moment(9 * NANOS_PER_SECOND), width) {
                assert!(line.columns < width.max(1), "{width}: {line:?}");
                assert!(plain(std::slice::from_ref(&line))[0].chars().count() <= line.columns, "{line:?}");
            }
        }
    }
}
