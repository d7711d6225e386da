//! The lines above the bar of a run: what runs, how much happens a second, and how what is expected
//! stands. Makes text, and shows none itself.

use std::collections::VecDeque;

use anstyle::{AnsiColor, Effects, Style};

use scenario_core::engine::progress::{ExpectationStatus, RunProgress};
use scenario_log::sanitize::sanitize;
use scenario_log::time::{Moment, NANOS_PER_SECOND};

const DIM: Style = Style::new().effects(Effects::DIMMED);
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);

/// Rates are of this time, and are written anew twice in it: who reads them wants them calm.
const RATE_PERIOD: u64 = 2 * NANOS_PER_SECOND;

/// A line cut to the width of the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StatusPanelLine {
    /// How many columns it takes at most.
    pub(crate) columns: usize,
    /// With its styles.
    pub(crate) text: String,
}

impl StatusPanelLine {
    /// Adds as much of a text as there is room for in a terminal so wide, but for its last column.
    fn push(&mut self, width: usize, style: Style, text: &str) {
        let start = self.text.len();
        let mut room = width.saturating_sub(self.columns + 1);
        for c in text.chars() {
            // Some of the others take two columns; which, terminals do not agree on.
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

    /// A line that begins with what it is about, below the lines of events.
    fn with_heading(width: usize, what: &str) -> StatusPanelLine {
        let mut line = StatusPanelLine::default();
        line.push(width, DIM, &format!("           {what:<7} "));
        line
    }
}

/// What is remembered of a run to say its rates.
#[derive(Debug, Default)]
pub(crate) struct StatusPanel {
    /// Moves, lines and requests so far, each with its moment; the first is as old as rates go back.
    samples: VecDeque<(Moment, [u64; 3])>,
    rates: [f64; 3],
}

impl StatusPanel {
    /// The lines for how a run stands now, in a terminal so wide.
    pub(crate) fn render_lines(
        &mut self,
        standing: &RunProgress,
        now: Moment,
        width: usize,
    ) -> Vec<StatusPanelLine> {
        self.add_sample(standing, now);
        let all = [
            running_line(standing, now, width),
            self.rates_line(standing, width),
            expectations_line(standing, width),
        ];
        all.into_iter().flatten().collect()
    }

    fn add_sample(&mut self, standing: &RunProgress, now: Moment) {
        let is_due = |last: &(Moment, _)| now.since(last.0).0 >= RATE_PERIOD / 2;
        if !self.samples.back().is_none_or(is_due) {
            return;
        }
        let counts = [standing.moves, standing.lines, standing.fetched];
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

    /// How much happens a second, of what has happened at all.
    fn rates_line(&self, standing: &RunProgress, width: usize) -> Option<StatusPanelLine> {
        let counts = [standing.moves, standing.lines, standing.fetched];
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

/// What runs, the first of it by name and with how long it has.
fn running_line(standing: &RunProgress, now: Moment, width: usize) -> Option<StatusPanelLine> {
    let RunProgress { spawns, running_spawns: running, requests, .. } = standing;
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        count => Some(format!("{count} {what}s")),
    };
    let named = |(source, name, since): &(_, String, Moment)| {
        format!("{source} {} {} s", sanitize(name), now.since(*since).0 / NANOS_PER_SECOND)
    };
    let requests = counted(*requests, "request");
    // The counts must not be cut off by the names.
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

/// How what is expected stands: what is missed first, by name.
fn expectations_line(standing: &RunProgress, width: usize) -> Option<StatusPanelLine> {
    let count = |wanted| standing.expectations.iter().filter(|(_, stand)| *stand == wanted).count();
    let [missed, open, holds] =
        [ExpectationStatus::Missed, ExpectationStatus::Open, ExpectationStatus::Holds].map(count);
    if standing.expectations.is_empty() {
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
    let first = standing.expectations.iter().find(|(_, stand)| *stand == ExpectationStatus::Missed);
    if let Some((name, _)) = first {
        line.push(width, BAD, &format!(": {}", sanitize(name)));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_log::event::Source;

    fn standing() -> RunProgress {
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
            expectations: expected.map(|(name, stand)| (name.to_owned(), stand)).into(),
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
        let lines = panel.render_lines(&standing(), Moment(4 * NANOS_PER_SECOND), 100);
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
            let standing = RunProgress { moves, ..RunProgress::default() };
            let lines = panel.render_lines(&standing, Moment(milliseconds * 1_000_000), 80);
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
            let mut odd = standing();
            odd.expectations[1].0 = "世界é".repeat(50);
            for line in StatusPanel::default().render_lines(&odd, Moment(9 * NANOS_PER_SECOND), width) {
                assert!(line.columns < width.max(1), "{width}: {line:?}");
                assert!(plain(std::slice::from_ref(&line))[0].chars().count() <= line.columns, "{line:?}");
            }
        }
    }
}
