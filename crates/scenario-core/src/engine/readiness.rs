//! The ways in which a spawn can show that it is ready. Knows no time and no spawn.

use std::collections::BTreeMap;
use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::lifecycle::RunFailure;
use crate::scenario::model::{ReadinessRule, ReadinessTest};
use scenario_log::event::last_try_words;

/// The sign that would show that a spawn is ready.
#[derive(Clone, Debug)]
pub(crate) enum ReadinessWait {
    /// A line like this.
    Line(Rc<Regex>),
    /// A probe, which the driver makes, and what the last one came to.
    Probe { last_try: Option<String> },
}

/// The regular expressions of the presets with `ready.line`: one for all spawns of a preset, of which
/// there may be thousands.
#[derive(Clone, Default)]
pub(crate) struct ReadyRegexes {
    by_preset: BTreeMap<usize, Rc<Regex>>,
}

impl ReadyRegexes {
    /// The wait of a spawn of this preset, with its number among them.
    pub(crate) fn wait_for(
        &mut self,
        preset: usize,
        instance: u64,
        test: &ReadinessTest,
    ) -> Result<ReadinessWait, RunFailure> {
        let ReadinessTest::Line(regex) = test else { return Ok(ReadinessWait::Probe { last_try: None }) };
        if let Some(regex) = self.by_preset.get(&preset) {
            return Ok(ReadinessWait::Line(Rc::clone(regex)));
        }
        let is_same_for_all = regex.capture_names().next().is_none();
        let regex = regex.for_instance(instance);
        let regex = regex.reveal();
        let compiled = Regex::new(regex)
            .map_err(|error| RunFailure(format!("the regex /{regex}/ is not one: {error}")))?;
        let regex = Rc::new(compiled);
        if is_same_for_all {
            self.by_preset.insert(preset, Rc::clone(&regex));
        }
        Ok(ReadinessWait::Line(regex))
    }
}

/// Why a spawn did not become ready in time. Logs of older releases do not have the last try.
pub(crate) fn format_never_ready(ready: &ReadinessRule, last_try: Option<&str>) -> String {
    let within = ready.timeout.format_human();
    let mut why = match &ready.test {
        ReadinessTest::Line(regex) => {
            let regex = regex.display_text();
            format!("never became ready: no line like /{regex}/ came within {within}")
        }
        ReadinessTest::Tcp(address) => {
            format!("never became ready: {} took no connection within {within}", address.display_text())
        }
        ReadinessTest::Http(url) => {
            format!("never became ready: {} gave no answer 2xx or 3xx within {within}", url.display_text())
        }
    };
    if let Some(last_try) = last_try {
        why.push_str(&last_try_words(last_try));
    }
    why
}
