//! What fetches captured, for the texts of what comes later.

use std::borrow::Cow;

use crate::engine::RunState;
use crate::scenario::model::{FetchJob, ScenarioText};
use crate::scenario::vars::fill;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::FetchedResponse;

impl RunState {
    /// Keeps what was captured from an answer that is as expected. Whether it is a secret the scenario
    /// says: a log has only what was shown.
    pub(crate) fn store_captured(&mut self, job: usize, fetched: &FetchedResponse) {
        for captured in &fetched.captured {
            let captures = &self.scenario.fetches[job].captures;
            let Some(capture) = captures.iter().find(|capture| capture.name == captured.name) else {
                continue;
            };
            let captured = CapturedValue { secret: capture.secret, ..captured.clone() };
            self.captured_values.insert(captured.name.clone(), captured);
        }
    }

    /// The captured values that a request needs, as far as there are any, and its URL as it is shown. One
    /// that lacks a value is failed by the hand, as all that it cannot send.
    pub(crate) fn captures_for_request<'a>(
        &self,
        fetch: &'a FetchJob,
        url: usize,
    ) -> (Vec<CapturedValue>, Cow<'a, str>) {
        let url_text = &fetch.urls[url];
        let shown = match url_text.capture_names().next() {
            Some(_) => Cow::Owned(
                url_text
                    .with_captures(&self.captured_values, fill::encode_for_url)
                    .display_with_gaps()
                    .into_owned(),
            ),
            None => Cow::Borrowed(url_text.display_text()),
        };
        (fill::needed_captures(fetch, url, &self.captured_values), shown)
    }

    /// A text with the captured values in it, and why it is not whole, if it is not.
    pub(crate) fn fill_text<'a>(&self, text: &'a ScenarioText) -> (Cow<'a, ScenarioText>, Option<String>) {
        if text.capture_names().next().is_none() {
            return (Cow::Borrowed(text), None);
        }
        let filled = text.with_captures(&self.captured_values, str::to_owned);
        let missing = filled.capture_names().next().map(|name| format!("`{name}` has not been captured"));
        (Cow::Owned(filled), missing)
    }
}
