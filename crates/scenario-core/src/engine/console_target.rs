//! The target of a typed command: a name can be an entry's id, a preset, a fetch or a source such as `ps#3`.
//! Whether anything of it runs is a question for the run.

use crate::engine::command_error::{CommandError, unknown_name};
use crate::scenario::model::{EntryAction, Scenario};
use scenario_log::event::Source;

/// All that a name can stand for. Indices are those of the scenario's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleTarget<'a> {
    /// The name as it was typed.
    pub name: &'a str,
    /// The entry with this id, or the only one that starts what has this name.
    pub entry: Option<usize>,
    /// The preset of this name.
    pub preset: Option<usize>,
    /// The fetch of this name.
    pub fetch: Option<usize>,
    /// The spawn or request with this number.
    pub source: Option<Source>,
}

impl<'a> ConsoleTarget<'a> {
    /// Looks a name up.
    ///
    /// # Errors
    /// If it stands for nothing.
    pub(super) fn find(name: &'a str, scenario: &Scenario) -> Result<ConsoleTarget<'a>, CommandError> {
        let target = ConsoleTarget {
            name,
            entry: scenario.find_entry(name),
            preset: scenario.presets.iter().position(|preset| preset.name == name),
            fetch: scenario.fetches.iter().position(|fetch| fetch.name == name),
            source: parse_source(name),
        };
        if target.entry.is_some()
            || target.preset.is_some()
            || target.fetch.is_some()
            || target.source.is_some()
        {
            return Ok(target);
        }
        let ids = (0..scenario.timeline.len()).filter_map(|entry| scenario.entry_name(entry));
        let presets = scenario.presets.iter().map(|preset| &*preset.name);
        let fetches = scenario.fetches.iter().map(|fetch| &*fetch.name);
        Err(unknown_name("id", name, ids.chain(presets).chain(fetches)))
    }

    /// Whether the entry of this name starts the preset or the fetch of the same name: then the name means
    /// all of it, also what was typed.
    pub(super) fn is_one_thing(&self, scenario: &Scenario) -> bool {
        match self.entry.map(|entry| &scenario.timeline[entry].action) {
            Some(EntryAction::Spawn(preset)) => self.preset == Some(scenario.first_of_name(*preset)),
            Some(EntryAction::Fetch(fetch)) => self.fetch == Some(*fetch),
            _ => false,
        }
    }
}

/// Reads `ps#3` or `get#3`.
fn parse_source(name: &str) -> Option<Source> {
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
