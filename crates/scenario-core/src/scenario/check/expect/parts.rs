//! Builds the part of a run that an expectation judges: the time, the windows and the groups.

use std::mem::take;

use super::ExpectationNames;
use super::orders::has_key;
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{RawAlways, RawExpectation};
use crate::scenario::model::expect::{
    ExpectationRule, ExpectationSubject, ExpectationTarget, LimitComparison, MeasuredQuantity,
};
use crate::scenario::model::expect_parts::{GroupKey, ObservedPart, RunPoint};
use crate::scenario::schema::expect_parts::RawRunPoint;
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::{KeySlot, Located};

/// Builds the part of the run that an expectation judges.
pub(super) fn build_part(
    raw: &mut RawExpectation,
    target: Option<&ExpectationTarget>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<ObservedPart> {
    let keys = [
        ("since", raw.since.as_given().map(|since| since.place)),
        ("until", raw.until.as_given().map(|until| until.place)),
        ("over", raw.over.as_given().map(|over| over.place)),
        ("by", raw.by.as_given().map(|by| by.place)),
    ];
    let of_run = target.filter(|target| {
        matches!(
            target.subject,
            ExpectationSubject::Measure(MeasuredQuantity::RunTook) | ExpectationSubject::Shared
        )
    });
    if let (Some(target), Some((key, Some(place)))) = (of_run, keys.iter().find(|(_, place)| place.is_some()))
    {
        let message = format!("{} has one value, at the end of the run", quoted(&target.subject_name()));
        found.add(Diagnostic::error(*place, message).with_help(format!("remove {}", quoted(key))));
        return None;
    }
    let since = build_point(take(&mut raw.since), names, found);
    let until = build_point(take(&mut raw.until), names, found);
    let by = match take(&mut raw.by) {
        KeySlot::Given(by) => build_key(&by, target?, found).map(Some),
        KeySlot::Absent => Some(None),
        KeySlot::Invalid => None,
    };
    let over = match take(&mut raw.over) {
        KeySlot::Given(over) => Some(Some(over.value.0)),
        KeySlot::Absent => Some(None),
        KeySlot::Invalid => None,
    };
    let part = ObservedPart { since: since?, until: until?, over: over?, by: by? };
    if let (Some(RunPoint::At(since)), Some(RunPoint::At(until))) = (&part.since, &part.until)
        && since >= until
        && let (_, Some(place)) = keys[1]
    {
        let message = "no time is left: `until` is not after `since`";
        found.add(Diagnostic::error(place, message));
        return None;
    }
    Some(part)
}

/// A moment of the run; the outer `None` if it is wrong.
fn build_point(
    raw: KeySlot<RawRunPoint>,
    names: &ExpectationNames,
    found: &mut Diagnostics,
) -> Option<Option<RunPoint>> {
    match raw {
        KeySlot::Absent => Some(None),
        KeySlot::Invalid => None,
        KeySlot::Given(Located { value: RawRunPoint::At(span), .. }) => Some(Some(RunPoint::At(span))),
        KeySlot::Given(Located { value: RawRunPoint::Entry { id, phase }, place }) => {
            if let Some(entry) = names.find_entry(&id) {
                return Some(Some(RunPoint::Entry { entry, id, phase }));
            }
            if !found.count_if_full() {
                let fault = Diagnostic::error(place, format!("there is no entry {}", quoted(&id)));
                let mut ids: Vec<&str> = names.entries.keys().map(String::as_str).collect();
                ids.sort_unstable();
                let fault = found.did_you_mean(fault, &id, ids.iter().copied(), "entries");
                found.add(fault);
            }
            None
        }
    }
}

/// The key that divides the events of a target; `None` if they do not have it.
fn build_key(
    by: &Located<GroupKey>,
    target: &ExpectationTarget,
    found: &mut Diagnostics,
) -> Option<GroupKey> {
    has_key(target, by, found).then_some(by.value)
}

/// Builds the rule of an expectation with `always`.
pub(super) fn build_always(
    target: Option<&ExpectationTarget>,
    always: Located<RawAlways>,
    found: &mut Diagnostics,
) -> Option<ExpectationRule> {
    let Located { value: raw, place } = always;
    let target = target?;
    if !matches!(target.subject, ExpectationSubject::Quantity(_)) {
        let message =
            format!("{} is no number that a run has at every moment", quoted(&target.subject_name()));
        let help = "`always` is for of = \"running\", \"in_flight\" or \"players\"";
        found.add(Diagnostic::error(place, message).with_help(help));
        return None;
    }
    let number = |value: i64| u64::try_from(value).ok();
    let given = [
        (LimitComparison::Below, raw.below.into_value().and_then(|BoundedInt(limit)| number(limit))),
        (LimitComparison::AtMost, raw.at_most.into_value().and_then(|BoundedInt(limit)| number(limit))),
        (LimitComparison::Equals, raw.equals.into_value().and_then(|BoundedInt(limit)| number(limit))),
        (LimitComparison::AtLeast, raw.at_least.into_value().and_then(|BoundedInt(limit)| number(limit))),
        (LimitComparison::Above, raw.above.into_value().and_then(|BoundedInt(limit)| number(limit))),
    ];
    let limits: Vec<_> =
        given.into_iter().filter_map(|(comparison, limit)| Some((comparison, limit?))).collect();
    (!limits.is_empty()).then_some(ExpectationRule::Always(limits))
}
