//! What fetches captured, for the texts of what comes later.

use std::borrow::Cow;

use crate::engine::Run;
use crate::scenario::model::{FetchJob, Text};
use crate::scenario::vars::fill;
use scenario_log::captured::Captured;
use scenario_log::event::Fetched;

impl Run {
    /// Keeps what was captured from an answer that is as expected. Whether it is a secret the scenario
    /// says: a log has only what was shown.
    pub(crate) fn keep_captured(&mut self, job: usize, fetched: &Fetched) {
        for captured in &fetched.captured {
            let captures = &self.scenario.fetches[job].capture;
            let Some(capture) = captures.iter().find(|capture| capture.name == captured.name) else {
                continue;
            };
            let captured = Captured { secret: capture.secret, ..captured.clone() };
            self.captured.insert(captured.name.clone(), captured);
        }
    }

    /// The captured values that a request needs, as far as there are any, and its URL as it is shown. One
    /// that lacks a value is failed by the hand, as all that it cannot send.
    pub(crate) fn captured_for<'a>(&self, fetch: &'a FetchJob, url: usize) -> (Vec<Captured>, Cow<'a, str>) {
        let url_text = &fetch.urls[url];
        let shown = match url_text.wanted().next() {
            Some(_) => Cow::Owned(url_text.filled(&self.captured, fill::in_url).written().into_owned()),
            None => Cow::Borrowed(url_text.shown()),
        };
        (fill::wanted(fetch, url, &self.captured), shown)
    }

    /// A text with the captured values in it, and why it is not whole, if it is not.
    pub(crate) fn filled<'a>(&self, text: &'a Text) -> (Cow<'a, Text>, Option<String>) {
        if text.wanted().next().is_none() {
            return (Cow::Borrowed(text), None);
        }
        let filled = text.filled(&self.captured, str::to_owned);
        let missing = filled.wanted().next().map(|name| format!("`{name}` has not been captured"));
        (Cow::Owned(filled), missing)
    }
}
