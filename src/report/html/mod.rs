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
mod data;
mod lanes;
pub(crate) mod marks;
mod page;
mod rows;
mod sample;
mod tables;
pub(crate) mod text;

use std::io::{self, Write};

use crate::report::feed::{Hear, Told};
use crate::report::html::collect::Gathered;
use crate::report::metrics::Figures;

/// Gathers what a page shows, and writes it.
#[derive(Debug)]
pub struct Html<W> {
    to: W,
    gathered: Gathered,
}

impl<W: Write> Html<W> {
    /// A page that is written there.
    pub fn new(to: W) -> Html<W> {
        Html { to, gathered: Gathered::default() }
    }

    /// Writes the page. `figures` are those of the same log, and `log` is how it is called, for the
    /// commands that the page names.
    ///
    /// # Errors
    /// In words, when the system refuses.
    pub fn finish(mut self, figures: &Figures, log: &str) -> Result<(), String> {
        self.gathered.finish();
        let page = page::page(figures, self.gathered, log)?;
        self.to.write_all(page.as_bytes()).and_then(|()| self.to.flush()).map_err(|error| error.to_string())
    }
}

impl<W: Write> Hear for Html<W> {
    fn hear(&mut self, told: &Told<'_, '_>, _bytes: &[u8]) -> io::Result<()> {
        self.gathered.take(told);
        Ok(())
    }
}
