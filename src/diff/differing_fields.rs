//! The fields in which the two lines of a difference differ, and where they are in the lines.

use std::ops::Range;

use crate::diff::comparable_fields::{ComparableFields, FieldKey};
use crate::diff::highlight::{differing_ranges, find_value};
use crate::diff::{DiffSide, LogDifference, PerSide};
use scenario_log::decode::LogRecord;
use scenario_log::sanitize::sanitize;

/// Of a longer value, only the bytes that differ are marked.
const LONG_VALUE_BYTES: usize = 40;

/// The keys whose values differ, with both values, sanitized.
pub(super) fn differing_fields(difference: &LogDifference) -> Vec<(String, PerSide<Option<String>>)> {
    let shown = |[left, right]: PerSide<&ComparableFields<'_>>| {
        let keys = left.differing_keys(right).into_iter();
        let values = |key: &FieldKey<'_>| [left, right].map(|of| of.get(key).map(|value| value.to_visible()));
        keys.map(|key| (sanitize(&key.to_string()), values(&key))).collect()
    };
    with_both_lines(difference, shown).unwrap_or_default()
}

/// Calls `compare` with the fields of both lines of a difference, if both lines are known.
fn with_both_lines<T>(
    difference: &LogDifference,
    compare: impl Fn(PerSide<&ComparableFields<'_>>) -> T,
) -> Option<T> {
    let [Some(left), Some(right)] = &difference.lines else { return None };
    let records =
        [LogRecord::decode(left.bytes.as_deref()?).ok()?, LogRecord::decode(right.bytes.as_deref()?).ok()?];
    let [left, right] = [records[0].event().ok()??, records[1].event().ok()??];
    let counting = [ComparableFields::from_event(&left), ComparableFields::from_event(&right)];
    Some(compare([&counting[0], &counting[1]]))
}

/// The ranges to be marked in both lines: the value of the first key that differs if keys are compared,
/// else the bytes that differ.
pub(super) fn highlighted_ranges(difference: &LogDifference) -> PerSide<Range<usize>> {
    let bytes = difference
        .lines
        .each_ref()
        .map(|place| place.as_ref().and_then(|place| place.bytes.as_deref()).unwrap_or_default());
    if difference.sequence.is_none() {
        return differing_ranges(bytes[0], bytes[1]);
    }
    let at = |counting: PerSide<&ComparableFields<'_>>| {
        let keys = counting[0].differing_keys(counting[1]);
        let of = |side: DiffSide| {
            keys.iter().find_map(|key| find_value(bytes[side as usize], key)).unwrap_or_default()
        };
        let values = DiffSide::BOTH.map(of);
        let [left, right] = [&bytes[0][values[0].clone()], &bytes[1][values[1].clone()]];
        // Of a long value, only the bytes that differ.
        let within = differing_ranges(left, right);
        let is_long = left.len().max(right.len()) > LONG_VALUE_BYTES;
        let shifted =
            |side: usize| values[side].start + within[side].start..values[side].start + within[side].end;
        if is_long { [shifted(0), shifted(1)] } else { values }
    };
    with_both_lines(difference, at).unwrap_or_default()
}
