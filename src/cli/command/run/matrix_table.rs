//! The results of a matrix: read from the logs of its runs, and shown as one table and one JUnit report.

use std::path::{Path, PathBuf};

use crate::cli::command::write_stderr;
use crate::io::log_file;
use crate::report::feed;
use crate::report::junit_cases::JunitCases;
use crate::report::junit_xml::{TestCase, TestMessage, TestStatus};
use crate::report::metrics::RunMetrics;
use scenario_log::event::RunOutcome;
use scenario_log::reader::LogReader;
use scenario_log::sanitize::sanitize;

/// One run of the matrix.
pub(super) struct MatrixRun {
    /// The names and values.
    pub(super) values: Vec<(String, String)>,
    pub(super) log: PathBuf,
}

impl MatrixRun {
    /// The values in words: `users = 50, seed = 1`.
    pub(super) fn label(&self) -> String {
        let words: Vec<String> =
            self.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        words.join(", ")
    }
}

/// A run that has ended.
pub(super) struct RanCombination {
    index: usize,
    code: u8,
    metrics: RunMetrics,
    cases: JunitCases,
    has_log: bool,
}

impl RanCombination {
    /// Reads the log of a run, as far as it can be read.
    pub(super) fn read(index: usize, code: u8, log: &Path) -> RanCombination {
        let (mut metrics, mut cases) = (RunMetrics::default(), JunitCases::default());
        let opened = log_file::open_log(log).ok();
        let has_log = opened.is_some();
        if let Some(opened) = opened {
            // A log that is cut short says less.
            let _ = feed::feed(&mut LogReader::new(opened), &mut [&mut metrics, &mut cases]);
        }
        RanCombination { index, code, metrics, cases, has_log }
    }

    fn outcome(&self) -> &'static str {
        match self.metrics.end.as_ref().map(|end| end.outcome) {
            Some(RunOutcome::Passed) => "passed",
            Some(RunOutcome::Failed) => "failed",
            Some(RunOutcome::Interrupted) => "interrupted",
            None => "not run",
        }
    }

    fn reason(&self) -> Option<&str> {
        self.metrics.end.as_ref()?.reason.as_deref()
    }
}

/// The table.
pub(super) struct MatrixTable {
    ran: Vec<RanCombination>,
    total: usize,
    is_quiet: bool,
}

impl MatrixTable {
    pub(super) fn new(runs: &[MatrixRun], is_quiet: bool) -> MatrixTable {
        MatrixTable { ran: Vec::new(), total: runs.len(), is_quiet }
    }

    /// Adds a run, and says that it has ended.
    pub(super) fn add(&mut self, ran: RanCombination) {
        self.ran.push(ran);
        if !self.is_quiet && self.ran.len() < self.total {
            write_stderr(&format!("{} of {} runs have ended\n", self.ran.len(), self.total));
        }
        self.ran.sort_by_key(|ran| ran.index);
    }

    pub(super) fn codes(&self) -> Vec<u8> {
        self.ran.iter().map(|ran| ran.code).collect()
    }

    /// The lines of all runs, with the reasons of those that did not pass, and the verdict.
    pub(super) fn render(&self, runs: &[MatrixRun]) -> String {
        let names = runs.first().map(|run| run.values.iter().map(|(name, _)| sanitize(name)).collect());
        let names: Vec<String> = names.unwrap_or_default();
        let headings = names.into_iter().chain(["outcome", "took", "log"].map(str::to_owned)).collect();
        let mut rows: Vec<(Vec<String>, Option<String>)> = vec![(headings, None)];
        for (index, run) in runs.iter().enumerate() {
            let ran = self.ran.iter().find(|ran| ran.index == index);
            let outcome = ran.map_or("not run", RanCombination::outcome);
            let took = ran.filter(|ran| ran.metrics.end.is_some());
            let took =
                took.map_or("-".to_owned(), |ran| format!("{:.3} s", ran.metrics.took().0 as f64 / 1e9));
            let log = ran
                .filter(|ran| ran.has_log)
                .map_or("-".to_owned(), |_| run.log.to_string_lossy().into_owned());
            let values = run.values.iter().map(|(_, value)| sanitize(value));
            let row = values.chain([outcome.to_owned(), took, sanitize(&log)]).collect();
            rows.push((row, ran.and_then(RanCombination::reason).map(sanitize)));
        }
        let mut out = render_rows(&rows);
        let passed = self.ran.iter().filter(|ran| ran.code == 0).count();
        out.push_str(&match passed == self.total {
            true => format!("all {passed} runs passed\n"),
            false => format!("{passed} of {} runs passed\n", self.total),
        });
        out
    }

    /// The suites of all runs; their names tell the combinations.
    pub(super) fn junit_suites(&self, runs: &[MatrixRun]) -> Vec<(String, Vec<TestCase>)> {
        let mut suites = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let of = format!("{}: ", run.label());
            match self.ran.iter().find(|ran| ran.index == index) {
                Some(ran) => {
                    let fault = (!ran.has_log).then_some("it made no log");
                    suites.extend(ran.cases.suites(&of, fault));
                }
                None => {
                    let message = "the matrix ended before".to_owned();
                    let words = TestMessage { kind: "not run", message, details: None };
                    let case = TestCase::new("run".to_owned(), Some(run.label()), TestStatus::Error(words));
                    suites.push((format!("{of}run"), vec![case]));
                }
            }
        }
        suites
    }
}

/// Rows in columns, each with its note below it.
fn render_rows(rows: &[(Vec<String>, Option<String>)]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for (cells, _) in rows {
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for (cells, note) in rows {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        out.push_str(line.trim_end());
        out.push('\n');
        if let Some(note) = note {
            out.push_str(&format!("  {note}\n"));
        }
    }
    out
}
