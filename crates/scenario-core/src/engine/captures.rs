//! The values that fetches captured, for the texts of later entries and requests.

use std::borrow::Cow;
use std::rc::Rc;

use crate::engine::player_sessions::PlayerCaptures;
use crate::scenario::model::{FetchJob, Scenario, ScenarioText};
use crate::scenario::vars::fill;
use scenario_log::captured_value::{CapturedValue, CapturedValues, REDACTED};
use scenario_log::event::FetchedResponse;

/// The captured values of a run.
#[derive(Clone)]
pub(crate) struct Captures {
    scenario: Rc<Scenario>,
    /// The names of all values that fetches capture, sorted.
    names: Rc<[String]>,
    /// The values that the requests of each fetch need, by URL.
    needed: Rc<[Vec<NeededValues>]>,
    values: CapturedValues,
}

/// The values that a request needs.
type NeededValues = Box<[NeededValue]>;

/// A value that a request needs.
struct NeededValue {
    name: String,
    /// The number of the name, if fetches capture it.
    captured: Option<u32>,
}

impl Captures {
    pub(crate) fn new(scenario: Rc<Scenario>) -> Captures {
        let captures = scenario.fetches.iter().flat_map(|fetch| &fetch.captures);
        let mut names: Vec<String> = captures.map(|capture| capture.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let needed_value = |name: &str| NeededValue { name: name.to_owned(), captured: number(&names, name) };
        let needed_by_url = |fetch: &FetchJob| -> Vec<NeededValues> {
            let needed = |url| {
                let mut names = fill::needed_names(fetch, url);
                // The log has them in this order.
                names.sort_unstable();
                names.into_iter().map(needed_value).collect()
            };
            (0..fetch.urls.len()).map(needed).collect()
        };
        let needed = scenario.fetches.iter().map(needed_by_url).collect();
        Captures { names: names.into(), needed, scenario, values: CapturedValues::new() }
    }

    /// Keeps the values that were captured from a response that is as expected. The scenario
    /// determines which of them are secret: a log contains only their redacted texts. (Logs of older
    /// releases have the values of cookies, which are secret by now.) `own` receives them if they belong to a
    /// player.
    pub(crate) fn store(
        &mut self,
        job: usize,
        fetched: &FetchedResponse,
        mut own: Option<&mut PlayerCaptures>,
    ) {
        for captured in &fetched.captured {
            let captures = &self.scenario.fetches[job].captures;
            let Some(capture) = captures.iter().find(|capture| capture.name == captured.name) else {
                continue;
            };
            let secret = captured.secret || capture.secret && captured.value == REDACTED;
            match (&mut own, number(&self.names, &captured.name)) {
                (Some(own), Some(name)) => own.set(name, &captured.value, secret),
                _ => {
                    let captured = CapturedValue { secret, ..captured.clone() };
                    self.values.insert(captured.name.clone(), captured);
                }
            }
        }
    }

    /// The values that a request to a URL of a fetch needs, as far as there are any, and the URL as it may be
    /// shown. If a value is missing, the request fails when it is sent, as any other that cannot be sent.
    /// `of_player` are the values that its player has captured, which go before those of the run. `own` has the
    /// values that only this request has.
    pub(crate) fn for_request<'a>(
        &self,
        fetch: &'a FetchJob,
        (job, url): (usize, usize),
        of_player: Option<&PlayerCaptures>,
        own: impl Fn(&str) -> Option<CapturedValue>,
    ) -> (Vec<CapturedValue>, Cow<'a, str>) {
        let url_text = &fetch.urls[url];
        let needed = &self.needed[job][url];
        if needed.is_empty() {
            return (Vec::new(), Cow::Borrowed(url_text.display_text()));
        }
        let captured = |name: &str, number: u32| {
            let of_player = of_player.and_then(|values| values.get(number));
            let of_player = of_player.map(|capture| CapturedValue {
                name: name.to_owned(),
                value: capture.value.as_ref().to_owned(),
                secret: capture.secret,
            });
            of_player.or_else(|| self.values.get(name).cloned())
        };
        let value = |needed: &NeededValue| match needed.captured {
            Some(number) => captured(&needed.name, number),
            None => own(&needed.name),
        };
        let values: Vec<CapturedValue> = needed.iter().filter_map(value).collect();
        let shown = match url_text.capture_names().next() {
            Some(_) => {
                let values = values.iter().map(|value| (value.name.clone(), value.clone()));
                let filled = url_text.with_captures(&values.collect(), fill::encode_for_url);
                Cow::Owned(filled.display_with_gaps().into_owned())
            }
            None => Cow::Borrowed(url_text.display_text()),
        };
        (values, shown)
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

/// The number of a name among all that are captured.
fn number(names: &[String], name: &str) -> Option<u32> {
    names.binary_search_by(|known| (**known).cmp(name)).ok().map(|number| number as u32)
}
