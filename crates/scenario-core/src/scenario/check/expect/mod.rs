//! Builds the expectations of the model, and checks that their events and names exist, that their limits
//! have the right unit, and that they can hold at all.

mod early_end;
mod never_matches;
mod orders;
mod part_doubts;
mod parts;
mod planned_counts;
mod targets;
mod thresholds;
mod uncounted_answers;

use std::collections::HashMap;
use std::mem::take;

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::RawExpectation;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, LimitComparison, StatThreshold, Statistic,
};
use crate::scenario::schema::{KeySlot, Located};

use super::duplicate_name_error;
pub(crate) use crate::scenario::check::expect::never_matches::warn_of_impossible_events;
pub(crate) use crate::scenario::check::expect::part_doubts::check_parts;
pub(crate) use crate::scenario::check::expect::planned_counts::warn_of_impossible_counts;
pub(crate) use crate::scenario::check::expect::uncounted_answers::warn_of_uncounted_answers;
use early_end::warn_of_late_abort;
use orders::{PlacedTarget, build_leads_to, build_order};
use parts::{build_always, build_part};
use targets::build_target;
use thresholds::build_threshold_from_limits;

/// The largest number of expectations in a scenario: a percentile takes up to half a megabyte.
const MAX_EXPECTATIONS: usize = 200;

/// The names that `in` can have; their positions are indices into the scenario's lists.
#[derive(Debug, Default)]
pub(crate) struct ExpectationNames {
    /// Sorted like the scenario's presets.
    pub(crate) presets: Vec<String>,
    /// Sorted like the scenario's fetches.
    pub(crate) fetches: Vec<String>,
    /// The names of the cells; `None` if they could not be read.
    pub(crate) cells: Option<Vec<String>>,
    /// The id of each entry, if it has one.
    pub(crate) ids: Vec<Option<String>>,
    /// The entries by the names that others refer to: ids, and the presets and fetches that one entry starts.
    pub(crate) entries: HashMap<String, usize>,
}

impl ExpectationNames {
    /// The names of a checked scenario.
    pub(crate) fn from_scenario(scenario: &Scenario) -> ExpectationNames {
        ExpectationNames {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|fetch| fetch.name.clone()).collect(),
            cells: Some(scenario.shared_cells.iter().map(|(name, _)| name.clone()).collect()),
            ids: scenario.timeline.iter().map(|entry| entry.id.clone()).collect(),
            entries: (0..scenario.timeline.len())
                .filter_map(|index| scenario.entry_name(index))
                .filter_map(|name| Some((name.to_owned(), scenario.find_entry(name)?)))
                .collect(),
        }
    }

    fn find(&self, name: &str) -> Option<ExpectationScope> {
        let at = |names: &[String]| names.iter().position(|own| own == name);
        let within = ExpectationScope {
            name: name.to_owned(),
            preset: at(&self.presets),
            fetch: at(&self.fetches),
            entry: self.ids.iter().position(|id| id.as_deref() == Some(name)),
        };
        (within.preset.or(within.fetch).or(within.entry)).map(|_| within)
    }

    fn find_entry(&self, name: &str) -> Option<usize> {
        self.entries.get(name).copied()
    }

    fn all(&self) -> impl Iterator<Item = &str> + Clone {
        let mut names: Vec<&str> = self.ids.iter().flatten().map(String::as_str).collect();
        names.extend(self.presets.iter().chain(&self.fetches).map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }
}

/// Builds the expectations of the model; `None` if one of them is wrong.
pub(crate) fn build_expectations(
    raw: Vec<Located<RawExpectation>>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<Vec<Expectation>> {
    if let Some(first) = raw.get(MAX_EXPECTATIONS) {
        found.add(Diagnostic::error(
            first.place,
            format!("a scenario has at most {MAX_EXPECTATIONS} expectations"),
        ));
        return None;
    }
    let wanted = raw.len();
    let mut all: Vec<(Expectation, FilePlace)> = Vec::with_capacity(wanted);
    for raw in raw {
        let place = raw.value.name.as_given().map_or(raw.place, |name| name.place);
        let Some(one) = build_expectation(raw, names, found) else { continue };
        match all.iter().find(|(other, _)| other.name == one.name) {
            Some((_, first)) => found.add(duplicate_name_error("expectation", &one.name, place, *first)),
            None => all.push((one, place)),
        }
    }
    (all.len() == wanted).then(|| all.into_iter().map(|(one, _)| one).collect())
}

fn build_expectation(
    raw: Located<RawExpectation>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<Expectation> {
    let (place, mut raw) = (raw.place, raw.value);
    let of_place = raw.of.as_given().map_or(place, |of| of.place);
    let (of, within, values) = (take(&mut raw.of), take(&mut raw.within_name), take(&mut raw.values));
    let watched = build_target(of, within, values, names, found);
    let never = raw.never.or_default();
    let part = build_part(&mut raw, watched.as_ref(), names, found);
    let rule = build_rule(&mut raw, (watched.as_ref(), of_place), (never, place), names, found);
    let name = match raw.name {
        KeySlot::Given(name) if name.value.0.trim().is_empty() => {
            let message = "the name of an expectation must not be empty";
            let help = "without `name` the expectation is named by its condition";
            found.add(Diagnostic::error(name.place, message).with_help(help));
            return None;
        }
        KeySlot::Given(name) => Some(name.value.0),
        KeySlot::Invalid => return None,
        KeySlot::Absent => None,
    };
    let (target, rule, part) = (watched?, rule?, part?);
    if let ExpectationRule::Threshold(StatThreshold { stat: Statistic::Share, .. }) = rule
        && target.key_matchers.is_empty()
    {
        let message = "a share needs `where`: without it, it would be one of nothing";
        found.add(Diagnostic::error(of_place, message).with_help("for example where = { ok = false }"));
        return None;
    }
    let abort = raw.abort.as_given().filter(|abort| abort.value);
    let mut built =
        Expectation { name: String::new(), target, rule, part, never, abort: abort.is_some(), place };
    if let Some(abort) = abort {
        warn_of_late_abort(&built, abort.place, found);
    }
    built.name = name.unwrap_or_else(|| built.described());
    Some(built)
}

/// Builds the condition of an expectation.
fn build_rule(
    raw: &mut RawExpectation,
    (target, of_place): PlacedTarget<'_>,
    (never, place): (bool, FilePlace),
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationRule> {
    let within = take(&mut raw.within).into_value().map(|within| within.0);
    match (take(&mut raw.follows), take(&mut raw.leads_to), take(&mut raw.always)) {
        (KeySlot::Given(before), ..) => build_order((target, of_place), before.value, within, names, found),
        (_, KeySlot::Given(then), _) => build_leads_to((target, of_place), then.value, within, names, found),
        (_, _, KeySlot::Given(always)) if never => {
            let message = "`never` cannot turn `always` round";
            let help = "give the other limit: `always = { above = 4 }` is the opposite of `at_most = 4`";
            found.add(Diagnostic::error(always.place, message).with_help(help));
            None
        }
        (_, _, KeySlot::Given(always)) => build_always(target, always, found),
        (KeySlot::Absent, KeySlot::Absent, KeySlot::Absent) => {
            let limits = [
                (LimitComparison::Below, take(&mut raw.below)),
                (LimitComparison::AtMost, take(&mut raw.at_most)),
                (LimitComparison::Equals, take(&mut raw.equals)),
                (LimitComparison::AtLeast, take(&mut raw.at_least)),
                (LimitComparison::Above, take(&mut raw.above)),
            ];
            let never = raw.never.is_present().then_some(never);
            let what = target?.subject;
            build_threshold_from_limits(what, (take(&mut raw.stat), of_place), limits, (never, place), found)
                .map(ExpectationRule::Threshold)
        }
        _ => None,
    }
}
