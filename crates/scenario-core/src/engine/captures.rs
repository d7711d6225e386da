//! The values that fetches captured, for the texts of later entries and requests.

use std::borrow::Cow;
use std::rc::Rc;

use crate::scenario::model::{FetchJob, Scenario, ScenarioText};
use crate::scenario::vars::fill;
use scenario_log::captured_value::{CapturedValue, CapturedValues, REDACTED};
use scenario_log::event::FetchedResponse;

/// The captured values of a run.
#[derive(Clone)]
pub(crate) struct Captures {
    scenario: Rc<Scenario>,
    values: CapturedValues,
}

impl Captures {
    pub(crate) fn new(scenario: Rc<Scenario>) -> Captures {
        Captures { scenario, values: CapturedValues::new() }
    }

    /// Keeps the values that were captured from a response that is as expected. The scenario
    /// determines which of them are secret: a log contains only their redacted texts. (Logs of older
    /// releases have the values of cookies, which are secret by now.) `own` receives them if they belong to a
    /// player.
    pub(crate) fn store(&mut self, job: usize, fetched: &FetchedResponse, own: Option<&mut CapturedValues>) {
        let values = own.unwrap_or(&mut self.values);
        for captured in &fetched.captured {
            let captures = &self.scenario.fetches[job].captures;
            let Some(capture) = captures.iter().find(|capture| capture.name == captured.name) else {
                continue;
            };
            let secret = captured.secret || capture.secret && captured.value == REDACTED;
            let captured = CapturedValue { secret, ..captured.clone() };
            values.insert(captured.name.clone(), captured);
        }
    }

    /// The captured values that a request of a player needs: its own, and those of the run.
    pub(crate) fn for_player_request<'a>(
        &self,
        fetch: &'a FetchJob,
        url: usize,
        own: &CapturedValues,
    ) -> (Vec<CapturedValue>, Cow<'a, str>) {
        if own.is_empty() {
            return self.for_request(fetch, url);
        }
        let mut values = self.values.clone();
        values.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        Captures { scenario: Rc::clone(&self.scenario), values }.for_request(fetch, url)
    }

    /// The captured values that a request needs, as far as there are any, and its URL as it may be shown.
    /// If a value is missing, the request fails when it is sent, as any other that cannot be sent.
    pub(crate) fn for_request<'a>(
        &self,
        fetch: &'a FetchJob,
        url: usize,
    ) -> (Vec<CapturedValue>, Cow<'a, str>) {
        let url_text = &fetch.urls[url];
        let shown = match url_text.capture_names().next() {
            Some(_) => Cow::Owned(
                url_text.with_captures(&self.values, fill::encode_for_url).display_with_gaps().into_owned(),
            ),
            None => Cow::Borrowed(url_text.display_text()),
        };
        (fill::needed_captures(fetch, url, &self.values), shown)
    }

    /// A text with the captured values in it, and, if a value is missing, the reason.
    pub(crate) fn fill_text<'a>(&self, text: &'a ScenarioText) -> (Cow<'a, ScenarioText>, Option<String>) {
        if text.capture_names().next().is_none() {
            return (Cow::Borrowed(text), None);
        }
        let filled = text.with_captures(&self.values, str::to_owned);
        let missing = filled.capture_names().next().map(|name| format!("`{name}` has not been captured"));
        (Cow::Owned(filled), missing)
    }
}
