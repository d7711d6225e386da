//! The tables of expectations. Names are not looked up here.

use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationTarget, LimitComparison, LimitValue, OrderRule, StatThreshold,
    Statistic,
};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::expect::{RawKeyMatchers, RawLimit, SubjectName};
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::table::{TableRule, table};

table! {
    /// A condition on the events of the run. It has one limit, or `follows`, or nothing but `never = true`.
    RawExpectation is "an expectation" from (Expectation) like "{ of = \"spawn.failed\", equals = 0 }" with [
        TableRule::Required("of", "of = \"fetch.took\""),
        TableRule::OneUnlessTrue(&["below", "at_most", "equals", "at_least", "above", "follows"], "never"),
        TableRule::Needs("within", "follows"),
        TableRule::Excludes("stat", "follows"),
    ] {
        /// The name of the expectation, for reports and the log; it is unique. Default: the condition in
        /// words.
        "name" name: PublicString => |one| &one.name,
        /// The events that are counted, by the name of an event, or the value that is measured:
        /// `fetch.took`, `fetch.first_byte`, `fetch.bytes`, `spawn.took`, `step.took`, `player.took`, `lateness`, `run.took` or a cell,
        /// `shared.NAME`.
        "of" of: SubjectName => |one| one.target.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" within_name: PublicString => |one| one.target.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event; a text is matched by a
        /// regular expression. Default: all events.
        "where" values: RawKeyMatchers => |one| &one.target.key_matchers[..],
        /// The statistic that is compared with the limit: `"count"`, `"rate"` (a second), `"sum"`, `"min"`,
        /// `"mean"`, `"max"`, a percentile such as `"p95"`, `"value"`, or `"share"`, the part of the events
        /// that meet `where`. Default: `"count"` for events,
        /// `"value"` for `run.took` and for cells.
        "stat" stat: Statistic => |one| threshold(one).map(|rule| rule.stat),
        /// The limit that the statistic must be less than: a number, a duration, a size, a rate
        /// or a share.
        "below" below: RawLimit => |one| limit(one, LimitComparison::Below),
        /// The limit that the statistic must not be more than: a number, a duration, a size, a rate
        /// or a share.
        "at_most" at_most: RawLimit => |one| limit(one, LimitComparison::AtMost),
        /// The value that the statistic must be equal to: a number, a duration, a size, a rate
        /// or a share.
        "equals" equals: RawLimit => |one| limit(one, LimitComparison::Equals),
        /// The limit that the statistic must not be less than: a number, a duration, a size, a rate
        /// or a share.
        "at_least" at_least: RawLimit => |one| limit(one, LimitComparison::AtLeast),
        /// The limit that the statistic must be more than: a number, a duration, a size, a rate
        /// or a share.
        "above" above: RawLimit => |one| limit(one, LimitComparison::Above),
        /// The events of which one must come before each event of `of`.
        "follows" follows: RawFollows => |one| order(one).map(|order| RawFollows::write(&order.follows)),
        /// The longest time from the last event of `follows` to the event that follows it, as a duration.
        /// Default: no limit.
        "within" within: DurationValue => |one| order(one)?.within,
        /// Whether the condition must not hold. Alone, without a limit or `follows`, it means that the
        /// events must not come.
        "never" never: bool = false => |one| one.never,
        /// Whether the run ends as soon as the expectation can no longer hold.
        "abort" abort: bool = false => |one| one.abort,
    }
}

table! {
    /// The events of which one must come before each event of the expectation.
    RawFollows is "`follows`" from (ExpectationTarget) like "{ of = \"spawn.exited\", in = \"wave-1\" }" with [TableRule::Required("of", "of = \"spawn.exited\"")] {
        /// The name of an event.
        "of" of: SubjectName => |target| target.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" scope_name: PublicString => |target| target.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event; a text is matched by a
        /// regular expression. Default: all events.
        "where" key_matchers: RawKeyMatchers => |target| &target.key_matchers[..],
    }
}

/// The threshold of an expectation, where the file has one: a bare `never` has none.
fn threshold(expectation: &Expectation) -> Option<&StatThreshold> {
    match &expectation.rule {
        ExpectationRule::Threshold(threshold) if !expectation.is_plain_never() => Some(threshold),
        _ => None,
    }
}

fn limit(expectation: &Expectation, comparison: LimitComparison) -> Option<LimitValue> {
    threshold(expectation).filter(|threshold| threshold.comparison == comparison).map(|one| one.limit)
}

fn order(expectation: &Expectation) -> Option<&OrderRule> {
    match &expectation.rule {
        ExpectationRule::Order(order) => Some(order),
        ExpectationRule::Threshold(_) => None,
    }
}
