//! A run as one page of HTML, to be looked at in a browser and sent to others: no network, nothing
//! beside the file, readable without its script and better with it.
//!
//! # How it works
//!
//! [`gather`] takes what the log tells, beside the [figures](crate::report::metrics) of all reports; it keeps no
//! more than the page has room for, and counts the rest. [`page`] puts the figures, [`charts`] and tables
//! into the template `page.html`, which escapes every text, with the style `page.css`; [`data`] gives the
//! script (`script/`) what it draws the timeline from. A content policy in the page lets run that style
//! and that script, by their hashes, and nothing else whatever.

mod charts;
mod collect;
mod lanes;
pub(crate) mod marks;
mod page;
mod sample;
mod source_rows;
mod tables;
pub(crate) mod text;
mod timeline_json;

use std::io::{self, Write};

use crate::report::error::ReportError;
use crate::report::feed::{EventConsumer, LogEvent};
use crate::report::html::collect::CollectedReport;
use crate::report::metrics::RunMetrics;
use crate::report::origins::SourceOrigin;
use scenario_log::event::Source;

/// Gathers what a page shows, and writes it.
#[derive(Debug)]
pub struct HtmlReport<W> {
    output: W,
    collected: CollectedReport,
}

impl<W: Write> HtmlReport<W> {
    /// A page that is written there.
    pub fn new(to: W) -> HtmlReport<W> {
        HtmlReport { output: to, collected: CollectedReport::default() }
    }

    /// Writes the page. `figures` are those of the same log, and `log` is how it is called, for the
    /// commands that the page names.
    ///
    /// # Errors
    /// If the page cannot be made, or the system refuses to write it.
    pub fn finish(mut self, figures: &RunMetrics, log: &str) -> Result<(), ReportError> {
        let page = page::render_page(figures, self.collected, log)?;
        self.output.write_all(page.as_bytes())?;
        Ok(self.output.flush()?)
    }
}

impl<W: Write> EventConsumer for HtmlReport<W> {
    fn consume(&mut self, logged: &LogEvent<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.collected.on_event(logged);
        Ok(())
    }

    fn consume_unended(&mut self, source: Source, origin: &SourceOrigin) -> io::Result<()> {
        self.collected.end_open(source, origin);
        Ok(())
    }
}
