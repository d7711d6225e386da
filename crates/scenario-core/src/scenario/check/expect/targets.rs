//! Builds the target of an expectation: the events that it is about, their names and the conditions on their
//! keys.

use super::ExpectationNames;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::expect::{
    ExpectationScope, ExpectationSubject, ExpectationTarget, KeyMatcher, MeasuredQuantity,
};
use crate::scenario::model::expect_parts::{GroupKey, RunQuantity};
use crate::scenario::schema::expect::{RawKeyMatchers, SubjectName};
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::event_kind::{EventKeyType, EventKind, EventScope};

/// Builds the target of an expectation; reports everything that is wrong with it.
pub(super) fn build_target(
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
        KeySlot::Given(name) => build_scope(what, &name, names, found).map(Some),
        _ => Some(None),
    };
    let values = match (what, values) {
        (Some(what), KeySlot::Given(values)) => build_key_matchers(what, values.value, found),
        _ => Some(Vec::new()),
    };
    let watched = ExpectationTarget { subject: what?, cell, scope: within?, key_matchers: values? };
    (!is_broken).then_some(watched)
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
    if let Some(quantity) = RunQuantity::ALL.into_iter().find(|quantity| quantity.name() == name) {
        return Some((ExpectationSubject::Quantity(quantity), None));
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
        let names = names.chain(RunQuantity::ALL.into_iter().map(RunQuantity::name));
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
    let kind = what.event_kind();
    let mut values = Vec::with_capacity(raw.0.len());
    let wanted = raw.0.len();
    for (key, value) in raw.0 {
        let Some(kind) = kind else {
            let message =
                format!("{} does not belong to one kind of event, so it has no keys", quoted(what.name()));
            found.add(Diagnostic::error(key.place, message).with_help("remove `where`"));
            return None;
        };
        let own = kind.keys().iter().find(|(name, _)| *name == key.value).map(|(_, key_type)| *key_type);
        let inherited = GroupKey::from_name(&key.value).filter(|key| key.is_inherited(kind));
        let Some(key_type) = own.or(inherited.map(|_| EventKeyType::Text)) else {
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
            let inherited =
                GroupKey::ALL.into_iter().filter(|key| key.is_inherited(kind)).map(GroupKey::name);
            let names = kind.keys().iter().map(|(name, _)| *name).chain(inherited);
            found.did_you_mean(fault, &key.value, names, "keys")
        }
    };
    found.add(fault);
}
