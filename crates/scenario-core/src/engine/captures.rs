//! The values that fetches captured, for the texts of later entries and requests.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::scenario::model::{FetchJob, Scenario, ScenarioText};
use crate::scenario::vars::fill;
use scenario_log::captured_value::{CapturedValue, CapturedValues, REDACTED};
use scenario_log::event::FetchedResponse;

/// The captured values of a run.
#[derive(Clone)]
pub(crate) struct Captures {
    scenario: Rc<Scenario>,
    /// The names of all values that fetches capture.
    names: Rc<BTreeSet<String>>,
    values: CapturedValues,
}

impl Captures {
    pub(crate) fn new(scenario: Rc<Scenario>) -> Captures {
        let captures = scenario.fetches.iter().flat_map(|fetch| &fetch.captures);
        let names = captures.map(|capture| capture.name.clone()).collect();
        Captures { names: Rc::new(names), scenario, values: CapturedValues::new() }
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

    /// The values that a request needs, as far as there are any, and its URL as it may be shown. If a value is
    /// missing, the request fails when it is sent, as any other that cannot be sent. `of_player` are the values
    /// that its player has captured, which go before those of the run. `own` has the values that only this
    /// request has.
    pub(crate) fn for_request<'a>(
        &self,
        fetch: &'a FetchJob,
        url: usize,
        of_player: Option<&CapturedValues>,
        own: impl Fn(&str) -> Option<CapturedValue>,
    ) -> (Vec<CapturedValue>, Cow<'a, str>) {
        let url_text = &fetch.urls[url];
        let names = fill::needed_names(fetch, url);
        if names.is_empty() {
            return (Vec::new(), Cow::Borrowed(url_text.display_text()));
        }
        let captured = |name: &str| {
            let of_player = of_player.and_then(|values| values.get(name));
            of_player.or_else(|| self.values.get(name)).cloned()
        };
        let value = |name: &str| if self.names.contains(name) { captured(name) } else { own(name) };
        let needed = names.into_iter().filter_map(|name| Some((name.to_owned(), value(name)?)));
        let needed: CapturedValues = needed.collect();
        let shown = match url_text.capture_names().next() {
            Some(_) => Cow::Owned(
                url_text.with_captures(&needed, fill::encode_for_url).display_with_gaps().into_owned(),
            ),
            None => Cow::Borrowed(url_text.display_text()),
        };
        (needed.into_values().collect(), shown)
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
