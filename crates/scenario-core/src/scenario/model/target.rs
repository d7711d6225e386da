//! The targets of actions: what a name in `stop`, `send`, `signal`, `kill` and `restart` stands for. Whether
//! anything of it runs is a question for the run.

use super::{EntryAction, Scenario, ScenarioText};
use scenario_log::event::Source;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// All that a name can stand for. Indices are those of the scenario's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionTarget {
    /// The name as it was written or typed.
    pub name: String,
    /// The entry with this id, or the only one that starts what has this name.
    pub entry: Option<usize>,
    /// The preset of this name.
    pub preset: Option<usize>,
    /// The fetch of this name.
    pub fetch: Option<usize>,
    /// The spawn or request with this number.
    pub source: Option<Source>,
}

impl ActionTarget {
    /// Whether the name stands for anything.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.entry.is_some() || self.preset.is_some() || self.fetch.is_some() || self.source.is_some()
    }

    /// Whether the entry of this name starts the preset or the fetch of the same name.
    #[must_use]
    pub fn is_one_thing(&self, scenario: &Scenario) -> bool {
        match self.entry.map(|entry| &scenario.timeline[entry].action) {
            Some(EntryAction::Spawn(preset)) => self.preset == Some(scenario.first_of_name(*preset)),
            Some(EntryAction::Fetch(fetch)) => self.fetch == Some(*fetch),
            _ => false,
        }
    }
}

/// A signal that an entry sends.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalAction {
    /// The programs that get it.
    pub to: ActionTarget,
    /// The signal. It has a name, since a signal of real time cannot be sent.
    pub signal: Signal,
    /// The time after which CONT follows; only with STOP.
    pub pause: Option<Span>,
}

/// Input that an entry sends.
#[derive(Clone, Debug, PartialEq)]
pub struct SendAction {
    /// The programs that get it.
    pub to: ActionTarget,
    /// The text, without its newline. There is one, or `close` is true.
    pub text: Option<ScenarioText>,
    /// Whether a newline follows the text.
    pub enter: bool,
    /// Whether this is the end of the input.
    pub close: bool,
}

impl Scenario {
    /// All that a name can stand for.
    #[must_use]
    pub fn find_target(&self, name: &str) -> ActionTarget {
        ActionTarget {
            name: name.to_owned(),
            entry: self.find_entry(name),
            preset: self.presets.iter().position(|preset| preset.name == name),
            fetch: self.fetches.iter().position(|fetch| fetch.name == name),
            source: parse_source(name),
        }
    }
}

/// Reads `ps#3` or `get#3`.
#[must_use]
pub(crate) fn parse_source(name: &str) -> Option<Source> {
    let (kind, number) = name.split_once('#')?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|number| is_plain && *number > 0)?;
    match kind {
        "ps" => Some(Source::Spawn(number)),
        "get" => Some(Source::Request(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        assert_eq!(parse_source("ps#3"), Some(Source::Spawn(3)));
        assert_eq!(parse_source("get#12"), Some(Source::Request(12)));
        for wrong in ["ps#", "ps#0", "ps#+1", "ps#99999999999", "net#1", "ps3", "#3"] {
            assert_eq!(parse_source(wrong), None, "{wrong}");
        }
    }
}
