//! What differs between the two lines of a difference: which keys, and where they stand in the lines.

use std::ops::Range;

use crate::diff::comparable_fields::{Counting, Key};
use crate::diff::highlight::{between, value_at};
use crate::diff::{Difference, Pair, Side};
use scenario_log::decode::Record;
use scenario_log::sanitize::visible;

/// Of a value of more bytes only what differs in it is marked.
const LONG: usize = 40;

/// The keys of a difference whose values differ, with both values made visible.
pub(super) fn differing(difference: &Difference) -> Vec<(String, Pair<Option<String>>)> {
    let shown = |[left, right]: Pair<&Counting<'_>>| {
        let keys = left.differing(right).into_iter();
        let values = |key: &Key<'_>| [left, right].map(|of| of.get(key).map(|value| value.visible()));
        keys.map(|key| (visible(&key.to_string()), values(&key))).collect()
    };
    of_both(difference, shown).unwrap_or_default()
}

/// Gives what counts of both lines of a difference, if both are at hand.
fn of_both<T>(difference: &Difference, compare: impl Fn(Pair<&Counting<'_>>) -> T) -> Option<T> {
    let [Some(left), Some(right)] = &difference.places else { return None };
    let records = [Record::read(left.bytes.as_deref()?).ok()?, Record::read(right.bytes.as_deref()?).ok()?];
    let [left, right] = [records[0].event().ok()??, records[1].event().ok()??];
    let counting = [Counting::of(&left), Counting::of(&right)];
    Some(compare([&counting[0], &counting[1]]))
}

/// What is to be marked in both lines: the first key that differs where keys are compared, else the
/// bytes that do.
pub(super) fn parts(difference: &Difference) -> Pair<Range<usize>> {
    let bytes = difference
        .places
        .each_ref()
        .map(|place| place.as_ref().and_then(|place| place.bytes.as_deref()).unwrap_or_default());
    if difference.of.is_none() {
        return between(bytes[0], bytes[1]);
    }
    let at = |counting: Pair<&Counting<'_>>| {
        let keys = counting[0].differing(counting[1]);
        let of =
            |side: Side| keys.iter().find_map(|key| value_at(bytes[side as usize], key)).unwrap_or_default();
        let values = Side::BOTH.map(of);
        let [left, right] = [&bytes[0][values[0].clone()], &bytes[1][values[1].clone()]];
        // Of a long value only what differs in it.
        let within = between(left, right);
        let is_long = left.len().max(right.len()) > LONG;
        let shifted =
            |side: usize| values[side].start + within[side].start..values[side].start + within[side].end;
        if is_long { [shifted(0), shifted(1)] } else { values }
    };
    of_both(difference, at).unwrap_or_default()
}
