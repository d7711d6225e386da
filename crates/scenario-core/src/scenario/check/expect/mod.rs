//! Expectations: what they look at exists, their limits have the unit of their figure, and they can
//! hold at all.

mod figures;
mod never_matches;

use std::mem::take;

use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::file::{RawExpect, RawFollows};
use crate::scenario::findings::Findings;
use crate::scenario::model::Scenario;
use crate::scenario::model::expect::{
    Comparison, Expectation, Measure, Order, Rule, Subject, Wanted, Watched, Within,
};
use crate::scenario::schema::expect::RawWhere;
use crate::scenario::schema::text::Open;
use crate::scenario::schema::{Slot, Sp};
use scenario_log::event_kind::{Belongs, EventKind, KeyType};
use scenario_log::time::Span;

use super::given_twice;
pub(crate) use crate::scenario::check::expect::never_matches::warn_of_nothing;
use figures::{limited, never_too_early};

/// The most expectations of a scenario: a percentile takes up to half a megabyte.
const MOST: usize = 200;

/// The names that `in` can have, as indices into the scenario's lists.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Sorted, as the scenario's presets are.
    pub(crate) presets: Vec<String>,
    /// Sorted, as the scenario's fetches are.
    pub(crate) fetches: Vec<String>,
    /// The cells; `None` where nobody can say what there is.
    pub(crate) cells: Option<Vec<String>>,
    /// The id of each entry.
    pub(crate) ids: Vec<Option<String>>,
}

impl Names {
    /// Those of a whole scenario.
    pub(crate) fn of(scenario: &Scenario) -> Names {
        Names {
            presets: scenario.presets.iter().map(|preset| preset.name.clone()).collect(),
            fetches: scenario.fetches.iter().map(|fetch| fetch.name.clone()).collect(),
            cells: Some(scenario.shared.iter().map(|(name, _)| name.clone()).collect()),
            ids: scenario.timeline.iter().map(|entry| entry.id.clone()).collect(),
        }
    }

    fn find(&self, name: &str) -> Option<Within> {
        let at = |names: &[String]| names.iter().position(|own| own == name);
        let within = Within {
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

/// The expectations of the model; `None` if one is wrong.
pub(crate) fn expectations(
    raw: Vec<Sp<RawExpect>>,
    names: &Names,
    found: &mut Findings,
) -> Option<Vec<Expectation>> {
    if let Some(first) = raw.get(MOST) {
        found.add(Diagnostic::error(first.place, format!("a scenario has at most {MOST} expectations")));
        return None;
    }
    let wanted = raw.len();
    let mut all: Vec<(Expectation, Place)> = Vec::with_capacity(wanted);
    for raw in raw {
        let place = raw.value.name.as_given().map_or(raw.place, |name| name.place);
        let Some(one) = expectation(raw, names, found) else { continue };
        match all.iter().find(|(other, _)| other.name == one.name) {
            Some((_, first)) => found.add(given_twice("expectation", &one.name, place, *first)),
            None => all.push((one, place)),
        }
    }
    (all.len() == wanted).then(|| all.into_iter().map(|(one, _)| one).collect())
}

fn expectation(raw: Sp<RawExpect>, names: &Names, found: &mut Findings) -> Option<Expectation> {
    let (place, mut raw) = (raw.place, raw.value);
    let of_place = raw.of.as_given().map_or(place, |of| of.place);
    let (of, within, values) = (take(&mut raw.of), take(&mut raw.within_name), take(&mut raw.values));
    let watched = watched(of, within, values, names, found);
    let never = raw.never.as_given().is_some_and(|never| never.value);
    let rule = match take(&mut raw.follows) {
        Slot::Given(before) => {
            let what = watched.as_ref().map(|watched| watched.what);
            order(what, of_place, (before.value, raw.within.value().map(|within| within.0)), names, found)
        }
        Slot::Broken => None,
        Slot::Absent => {
            let limits = [
                (Comparison::Below, raw.below),
                (Comparison::AtMost, raw.at_most),
                (Comparison::Equals, raw.equals),
                (Comparison::AtLeast, raw.at_least),
                (Comparison::Above, raw.above),
            ];
            let never = raw.never.is_present().then_some(never);
            let what = watched.as_ref().map(|watched| watched.what);
            limited(what?, (raw.stat, of_place), limits, (never, place), found).map(Rule::Figure)
        }
    };
    let name = match raw.name {
        Slot::Given(name) if name.value.0.trim().is_empty() => {
            let message = "the name of an expectation is not empty";
            let help = "without `name` it is called by what it says";
            found.add(Diagnostic::error(name.place, message).help(help));
            return None;
        }
        Slot::Given(name) => Some(name.value.0),
        Slot::Broken => return None,
        Slot::Absent => None,
    };
    let (of, rule) = (watched?, rule?);
    let abort = raw.abort.given().filter(|abort| abort.value);
    if let (Some(abort), Rule::Figure(figure)) = (&abort, &rule)
        && let Some(why) = never_too_early(figure, never)
    {
        found.add(Diagnostic::warning(abort.place, format!("`abort` ends nothing here: {why}")));
    }
    let name = name.unwrap_or_else(|| Expectation::default_name(&of, &rule, never));
    Some(Expectation { name, of, rule, never, abort: abort.is_some(), place })
}

/// The rule of an expectation that is an order.
fn order(
    what: Option<Subject>,
    of: Place,
    (before, within): (RawFollows, Option<Span>),
    names: &Names,
    found: &mut Findings,
) -> Option<Rule> {
    let follows = follows(before, names, found);
    if let Some(what @ (Subject::Measure(_) | Subject::Shared)) = what {
        let message = format!("{} is no event, which could follow one", quoted(what.name()));
        found.add(Diagnostic::error(of, message).help("for example of = \"spawn.started\""));
        return None;
    }
    Some(Rule::Order(Box::new(Order { follows: follows?, within })))
}

/// What is looked at; tells all that is wrong with it.
fn watched(
    of: Slot<Open>,
    within: Slot<Open>,
    values: Slot<RawWhere>,
    names: &Names,
    found: &mut Findings,
) -> Option<Watched> {
    let is_broken = matches!(within, Slot::Broken) || matches!(values, Slot::Broken);
    let (what, cell) = of.given().and_then(|of| subject(&of, names, found)).unzip();
    let cell = cell.flatten();
    let within = match within {
        Slot::Given(name) => self::within(what, &name, names, found).map(Some),
        _ => Some(None),
    };
    let values = match (what, values) {
        (Some(what), Slot::Given(values)) => self::values(what, values.value, found),
        _ => Some(Vec::new()),
    };
    let watched = Watched { what: what?, cell, within: within?, values: values? };
    (!is_broken).then_some(watched)
}

fn follows(raw: RawFollows, names: &Names, found: &mut Findings) -> Option<Watched> {
    let place = raw.of.as_given().map(|of| of.place);
    let watched = watched(raw.of, raw.within_name, raw.values, names, found)?;
    if let what @ (Subject::Measure(_) | Subject::Shared) = watched.what {
        let message = format!("{} is no event, which could be followed", quoted(what.name()));
        found.add(Diagnostic::error(place?, message).help("for example of = \"spawn.exited\""));
        return None;
    }
    Some(watched)
}

/// What is looked at, and which cell.
fn subject(of: &Sp<Open>, names: &Names, found: &mut Findings) -> Option<(Subject, Option<String>)> {
    let name = &*of.value.0;
    if let Some(measure) = Measure::ALL.into_iter().find(|measure| measure.name() == name) {
        return Some((Subject::Measure(measure), None));
    }
    if EventKind::LAST.contains(&name) {
        let message = format!("{} comes when all expectations have been checked", quoted(name));
        found.add(Diagnostic::error(of.place, message).help("for how long the run took: of = \"run.took\""));
        return None;
    }
    if let Some(cell) = name.strip_prefix("shared.") {
        let cells = names.cells.as_ref()?;
        if cells.iter().any(|own| own == cell) {
            return Some((Subject::Shared, Some(cell.to_owned())));
        }
        if !found.only_counts() {
            let fault = Diagnostic::error(of.place, format!("there is no shared cell {}", quoted(cell)));
            let fault = found.did_you_mean(fault, cell, cells.iter().map(String::as_str), "cells");
            found.add(fault);
        }
        return None;
    }
    if let Some(kind) = EventKind::from_name(name) {
        return Some((Subject::Event(kind), None));
    }
    if !found.only_counts() {
        let fault = Diagnostic::error(of.place, format!("{} is nothing to expect", quoted(name)));
        let events = EventKind::all().map(EventKind::name).filter(|name| !EventKind::LAST.contains(name));
        let names = events.chain(Measure::ALL.into_iter().map(Measure::name));
        let fault = found.did_you_mean(fault, name, names, "events and measures");
        found.add(fault);
    }
    None
}

fn within(what: Option<Subject>, name: &Sp<Open>, names: &Names, found: &mut Findings) -> Option<Within> {
    let belongs = match what {
        Some(Subject::Event(kind)) => Some(kind.belongs()),
        Some(Subject::Measure(Measure::RunTook) | Subject::Shared) => Some(Belongs::Run),
        _ => None,
    };
    if let (Some(Belongs::Run), Some(what)) = (belongs, what) {
        let message =
            format!("{} belongs to the whole run, not to a preset, fetch or entry", quoted(what.name()));
        found.add(Diagnostic::error(name.place, message).help("take `in` out"));
        return None;
    }
    let within = names.find(&name.value.0);
    if within.is_none() && !found.only_counts() {
        let message = format!("there is no preset, fetch or entry {}", quoted(&name.value.0));
        let fault = Diagnostic::error(name.place, message);
        let fault = found.did_you_mean(fault, &name.value.0, names.all(), "names");
        found.add(fault);
    }
    within
}

/// What the keys of an event must be.
fn values(what: Subject, raw: RawWhere, found: &mut Findings) -> Option<Vec<(String, Wanted)>> {
    let kind = match what {
        Subject::Event(kind) => Some(kind),
        Subject::Measure(measure) => measure.event(),
        Subject::Shared => None,
    };
    let mut values = Vec::with_capacity(raw.0.len());
    let wanted = raw.0.len();
    for (key, value) in raw.0 {
        let Some(kind) = kind else {
            let message =
                format!("{} is of no one event, whose keys could be looked at", quoted(what.name()));
            found.add(Diagnostic::error(key.place, message).help("take `where` out"));
            return None;
        };
        let Some((_, key_type)) = kind.keys().iter().find(|(name, _)| *name == key.value) else {
            unknown_key(kind, &key, found);
            continue;
        };
        let (is_right, form) = match (key_type, &value.value) {
            (KeyType::Text, Wanted::Text(_))
            | (KeyType::Number, Wanted::Number(_))
            | (KeyType::Boolean, Wanted::Boolean(_)) => (true, ""),
            (KeyType::Text, _) => (false, "a text, which takes a regular expression: for example 'a.*'"),
            (KeyType::Number, _) => (false, "a whole number: for example 200"),
            (KeyType::Boolean, _) => (false, "`true` or `false`"),
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

fn unknown_key(kind: EventKind, key: &Sp<String>, found: &mut Findings) {
    if found.only_counts() {
        return;
    }
    let message = format!("{} has no key {} to look at", quoted(kind.name()), quoted(&key.value));
    let fault = Diagnostic::error(key.place, message);
    let fault = match &*key.value {
        "t" | "due" | "took" => fault.help("times are measured: for example of = \"fetch.took\""),
        _ => {
            let names = kind.keys().iter().map(|(name, _)| *name);
            found.did_you_mean(fault, &key.value, names, "keys")
        }
    };
    found.add(fault);
}
