//! Builds the expectations of the model, and checks that their events and names exist, that their limits
//! have the right unit, and that they can hold at all.

mod never_matches;
mod planned_counts;
mod thresholds;
mod uncounted_answers;

use std::mem::take;

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawExpectation, RawFollows};
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher,
    LimitComparison, MeasuredQuantity, OrderRule, StatThreshold, Statistic,
};
use crate::scenario::schema::expect::{RawKeyMatchers, SubjectName};
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::event_kind::{EventKeyType, EventKind, EventScope};
use scenario_log::time::Span;

use super::duplicate_name_error;
pub(crate) use crate::scenario::check::expect::never_matches::warn_of_impossible_events;
pub(crate) use crate::scenario::check::expect::planned_counts::warn_of_impossible_counts;
pub(crate) use crate::scenario::check::expect::uncounted_answers::warn_of_uncounted_answers;
use thresholds::{build_threshold_from_limits, why_not_decidable_early};

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
}

impl ExpectationNames {
    /// The names of a checked scenario.
    pub(crate) fn from_scenario(scenario: &Scenario) -> ExpectationNames {
        ExpectationNames {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|fetch| fetch.name.clone()).collect(),
            cells: Some(scenario.shared_cells.iter().map(|(name, _)| name.clone()).collect()),
            ids: scenario.timeline.iter().map(|entry| entry.id.clone()).collect(),
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
    let rule = match take(&mut raw.follows) {
        KeySlot::Given(before) => {
            let what = watched.as_ref().map(|watched| watched.subject);
            build_order(
                what,
                of_place,
                (before.value, raw.within.into_value().map(|within| within.0)),
                names,
                found,
            )
        }
        KeySlot::Invalid => None,
        KeySlot::Absent => {
            let limits = [
                (LimitComparison::Below, raw.below),
                (LimitComparison::AtMost, raw.at_most),
                (LimitComparison::Equals, raw.equals),
                (LimitComparison::AtLeast, raw.at_least),
                (LimitComparison::Above, raw.above),
            ];
            let never = raw.never.is_present().then_some(never);
            let what = watched.as_ref().map(|watched| watched.subject);
            build_threshold_from_limits(what?, (raw.stat, of_place), limits, (never, place), found)
                .map(ExpectationRule::Threshold)
        }
    };
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
    let (of, rule) = (watched?, rule?);
    if let ExpectationRule::Threshold(StatThreshold { stat: Statistic::Share, .. }) = rule
        && of.key_matchers.is_empty()
    {
        let message = "a share needs `where`: without it, it would be one of nothing";
        found.add(Diagnostic::error(of_place, message).with_help("for example where = { ok = false }"));
        return None;
    }
    let abort = raw.abort.as_given().filter(|abort| abort.value);
    if let (Some(abort), ExpectationRule::Threshold(figure)) = (&abort, &rule)
        && let Some(why) = why_not_decidable_early(figure, never)
    {
        found.add(Diagnostic::warning(abort.place, format!("`abort` has no effect here: {why}")));
    }
    let name = name.unwrap_or_else(|| Expectation::default_name(&of, &rule, never));
    Some(Expectation { name, target: of, rule, never, abort: abort.is_some(), place })
}

/// Builds the rule of an expectation with `follows`.
fn build_order(
    what: Option<ExpectationSubject>,
    of: FilePlace,
    (before, within): (RawFollows, Option<Span>),
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationRule> {
    let follows = build_follows(before, names, found);
    if let Some(what @ (ExpectationSubject::Measure(_) | ExpectationSubject::Shared)) = what {
        let message = format!("{} is not an event, so it cannot follow one", quoted(what.name()));
        found.add(Diagnostic::error(of, message).with_help("for example of = \"spawn.started\""));
        return None;
    }
    Some(ExpectationRule::Order(Box::new(OrderRule { follows: follows?, within })))
}

/// Builds the target of an expectation; reports everything that is wrong with it.
fn build_target(
    of: KeySlot<SubjectName>,
    within: KeySlot<PublicString>,
    values: KeySlot<RawKeyMatchers>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationTarget> {
    let is_broken = matches!(within, KeySlot::Invalid) || matches!(values, KeySlot::Invalid);
    let (what, cell) = of.into_given().and_then(|of| parse_subject(&of, names, found)).unzip();
    let cell = cell.flatten();
    let within = match within {
        KeySlot::Given(name) => self::build_scope(what, &name, names, found).map(Some),
        _ => Some(None),
    };
    let values = match (what, values) {
        (Some(what), KeySlot::Given(values)) => self::build_key_matchers(what, values.value, found),
        _ => Some(Vec::new()),
    };
    let watched = ExpectationTarget { subject: what?, cell, scope: within?, key_matchers: values? };
    (!is_broken).then_some(watched)
}

fn build_follows(
    raw: RawFollows,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationTarget> {
    let place = raw.of.as_given().map(|of| of.place);
    let watched = build_target(raw.of, raw.scope_name, raw.key_matchers, names, found)?;
    if let what @ (ExpectationSubject::Measure(_) | ExpectationSubject::Shared) = watched.subject {
        let message = format!("{} is not an event, so nothing can follow it", quoted(what.name()));
        found.add(Diagnostic::error(place?, message).with_help("for example of = \"spawn.exited\""));
        return None;
    }
    Some(watched)
}

/// The subject of an expectation, and the name of its cell.
fn parse_subject(
    of: &Located<SubjectName>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<(ExpectationSubject, Option<String>)> {
    let name = &*of.value.0;
    if let Some(measure) = MeasuredQuantity::ALL.into_iter().find(|measure| measure.name() == name) {
        return Some((ExpectationSubject::Measure(measure), None));
    }
    if EventKind::AFTER_COUNTING.contains(&name) {
        let message = format!("{} comes only after all expectations have been checked", quoted(name));
        found.add(
            Diagnostic::error(of.place, message)
                .with_help("for the duration of the run use of = \"run.took\""),
        );
        return None;
    }
    if let Some(cell) = name.strip_prefix("shared.") {
        let cells = names.cells.as_ref()?;
        if cells.iter().any(|own| own == cell) {
            return Some((ExpectationSubject::Shared, Some(cell.to_owned())));
        }
        if !found.count_if_full() {
            let fault = Diagnostic::error(of.place, format!("there is no shared cell {}", quoted(cell)));
            let fault = found.did_you_mean(fault, cell, cells.iter().map(String::as_str), "cells");
            found.add(fault);
        }
        return None;
    }
    if let Some(kind) = EventKind::from_name(name) {
        return Some((ExpectationSubject::Event(kind), None));
    }
    if !found.count_if_full() {
        let fault =
            Diagnostic::error(of.place, format!("{} is neither an event nor a measure", quoted(name)));
        let events =
            EventKind::all().map(EventKind::name).filter(|name| !EventKind::AFTER_COUNTING.contains(name));
        let names = events.chain(MeasuredQuantity::ALL.into_iter().map(MeasuredQuantity::name));
        let fault = found.did_you_mean(fault, name, names, "events and measures");
        found.add(fault);
    }
    None
}

fn build_scope(
    what: Option<ExpectationSubject>,
    name: &Located<PublicString>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ExpectationScope> {
    let belongs = match what {
        Some(ExpectationSubject::Event(kind)) => Some(kind.scope()),
        Some(ExpectationSubject::Measure(MeasuredQuantity::RunTook) | ExpectationSubject::Shared) => {
            Some(EventScope::Run)
        }
        _ => None,
    };
    if let (Some(EventScope::Run), Some(what)) = (belongs, what) {
        let message =
            format!("{} belongs to the whole run, not to a preset, fetch or entry", quoted(what.name()));
        found.add(Diagnostic::error(name.place, message).with_help("remove `in`"));
        return None;
    }
    let within = names.find(&name.value.0);
    if within.is_none() && !found.count_if_full() {
        let message = format!("there is no preset, fetch or entry {}", quoted(&name.value.0));
        let fault = Diagnostic::error(name.place, message);
        let fault = found.did_you_mean(fault, &name.value.0, names.all(), "names");
        found.add(fault);
    }
    within
}

/// Builds the conditions on the keys of an event.
fn build_key_matchers(
    what: ExpectationSubject,
    raw: RawKeyMatchers,
    found: &mut Diagnostics,
) -> Option<Vec<(String, KeyMatcher)>> {
    let kind = match what {
        ExpectationSubject::Event(kind) => Some(kind),
        ExpectationSubject::Measure(measure) => measure.event_kind(),
        ExpectationSubject::Shared => None,
    };
    let mut values = Vec::with_capacity(raw.0.len());
    let wanted = raw.0.len();
    for (key, value) in raw.0 {
        let Some(kind) = kind else {
            let message =
                format!("{} does not belong to one kind of event, so it has no keys", quoted(what.name()));
            found.add(Diagnostic::error(key.place, message).with_help("remove `where`"));
            return None;
        };
        let Some((_, key_type)) = kind.keys().iter().find(|(name, _)| *name == key.value) else {
            report_unknown_key(kind, &key, found);
            continue;
        };
        let (is_right, form) = match (key_type, &value.value) {
            (EventKeyType::Text, KeyMatcher::Regex(_))
            | (EventKeyType::Number, KeyMatcher::Number(_))
            | (EventKeyType::Boolean, KeyMatcher::Boolean(_)) => (true, ""),
            (EventKeyType::Text, _) => (false, "a text, which takes a regular expression: for example 'a.*'"),
            (EventKeyType::Number, _) => (false, "a whole number: for example 200"),
            (EventKeyType::Boolean, _) => (false, "`true` or `false`"),
        };
        if is_right {
            values.push((key.value, value.value));
        } else {
            let message = format!("the key {} of {} is {form}", quoted(&key.value), quoted(kind.name()));
            found.add(Diagnostic::error(value.place, message));
        }
    }
    (values.len() == wanted).then_some(values)
}

fn report_unknown_key(kind: EventKind, key: &Located<String>, found: &mut Diagnostics) {
    if found.count_if_full() {
        return;
    }
    let message = format!("the event {} has no key {}", quoted(kind.name()), quoted(&key.value));
    let fault = Diagnostic::error(key.place, message);
    let fault = match &*key.value {
        "t" | "due" | "took" => fault.with_help("times are measured: for example of = \"fetch.took\""),
        _ => {
            let names = kind.keys().iter().map(|(name, _)| *name);
            found.did_you_mean(fault, &key.value, names, "keys")
        }
    };
    found.add(fault);
}
