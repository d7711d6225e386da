//! The tables of expectations. Names are not looked up here.

use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationTarget, LeadsToRule, LimitComparison, LimitValue, StatThreshold,
    Statistic,
};
use crate::scenario::model::expect_parts::GroupKey;
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::expect::{RawKeyMatchers, RawLimit, SubjectName};
use crate::scenario::schema::expect_parts::RawRunPoint;
use crate::scenario::schema::numbers::BoundedInt;
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::table::{TableRule, table};

table! {
    /// A condition on the events of the run. It has one limit, or `follows`, `leads_to` or `always`, or nothing
    /// but `never = true`.
    RawExpectation is "an expectation" from (Expectation) like "{ of = \"spawn.failed\", equals = 0 }" with [
        TableRule::Required("of", "of = \"fetch.took\""),
        TableRule::OneUnlessTrue(
            &["below", "at_most", "equals", "at_least", "above", "follows", "leads_to", "always"],
            "never",
        ),
        TableRule::NeedsAny("within", &["follows", "leads_to"]),
        TableRule::Excludes("stat", "follows"),
        TableRule::Excludes("stat", "leads_to"),
        TableRule::Excludes("stat", "always"),
        TableRule::Excludes("over", "follows"),
        TableRule::Excludes("over", "leads_to"),
        TableRule::Excludes("over", "always"),
        TableRule::Excludes("by", "follows"),
        TableRule::Excludes("by", "leads_to"),
        TableRule::Excludes("by", "always"),
    ] {
        /// The name of the expectation, for reports and the log; it is unique. Default: the condition in
        /// words.
        "name" name: PublicString => |one| &one.name,
        /// The events that are counted, by the name of an event, or the value that is measured:
        /// `fetch.took`, `fetch.first_byte`, `fetch.bytes`, `spawn.took`, `spawn.cpu`, `spawn.peak_memory`,
        /// `spawn.memory`, `step.took`, `player.took`, `lateness`, `run.took` or a cell, `shared.NAME`. With `always`: `running`, the number of running spawns, `in_flight`, of requests in
        /// flight, or `players`, of players that act.
        "of" of: SubjectName => |one| one.target.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" within_name: PublicString => |one| one.target.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event, or `preset`, `entry`, `job`,
        /// `url`, `step` and `player` of the start of its source; a text is matched by a regular expression.
        /// Default: all events.
        "where" values: RawKeyMatchers => |one| &one.target.key_matchers[..],
        /// The key whose values are judged each alone: `url`, `step`, `status`, `entry`, `preset`, `job`,
        /// `player` or `source`. Each value has a result of its own. Default: all events are judged together.
        "by" by: GroupKey => |one| one.part.by,
        /// The moment from which on events count: a duration from the start of the run, or a moment of an entry
        /// such as `db.ready`. Default: the start of the run.
        "since" since: RawRunPoint => |one| one.part.since.as_ref().map(ToString::to_string),
        /// The moment before which events count: a duration from the start of the run, or a moment of an entry
        /// such as `load.finished`. Default: the end of the run.
        "until" until: RawRunPoint => |one| one.part.until.as_ref().map(ToString::to_string),
        /// The length of the windows in each of which the statistic must hold, as a duration. The first begins
        /// at `since`, and each begins where the one before it ends. Default: all events are judged together.
        "over" over: DurationValue<true> => |one| one.part.over,
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
        "follows" follows: RawFollows => |one| match &one.rule {
            ExpectationRule::Order(order) => Some(RawFollows::write(&order.follows)),
            _ => None,
        },
        /// The events of which one must come after each event of `of`.
        "leads_to" leads_to: RawLeadsTo => |one| match &one.rule {
            ExpectationRule::LeadsTo(leads) => Some(RawLeadsTo::write(leads)),
            _ => None,
        },
        /// The longest time from the last event of `follows` to the event that follows it, or from each event
        /// of `of` to the one that it leads to, as a duration. Default: no limit.
        "within" within: DurationValue => |one| match &one.rule {
            ExpectationRule::Order(order) => order.within,
            ExpectationRule::LeadsTo(leads) => leads.within,
            ExpectationRule::Threshold(_) | ExpectationRule::Always(_) => None,
        },
        /// The limits that the number of `of` must be within at every moment.
        "always" always: RawAlways => |one| match &one.rule {
            ExpectationRule::Always(limits) => Some(RawAlways::write(limits)),
            _ => None,
        },
        /// Whether the condition must not hold. Alone, without a limit or an order, it means that the
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

table! {
    /// The events of which one must come after each event of the expectation.
    RawLeadsTo is "`leads_to`" from (LeadsToRule) like "{ of = \"fetch.finished\", same = \"source\" }" with [TableRule::Required("of", "of = \"fetch.finished\"")] {
        /// The name of an event.
        "of" of: SubjectName => |leads| leads.effect.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" scope_name: PublicString => |leads| leads.effect.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event; a text is matched by a
        /// regular expression. Default: all events.
        "where" key_matchers: RawKeyMatchers => |leads| &leads.effect.key_matchers[..],
        /// The key that both events must have the same value of: `source`, `player`, `entry`, `preset`, `job`,
        /// `url`, `step` or `status`. Default: any event counts.
        "same" same: GroupKey => |leads| leads.same,
    }
}

type CountLimits = Vec<(LimitComparison, u64)>;

table! {
    /// The limits of a number that a run has at every moment.
    RawAlways is "`always`" from (CountLimits) like "{ at_most = 4 }" with [
        TableRule::AnyOf(&["below", "at_most", "equals", "at_least", "above"]),
    ] {
        /// The limit that the number must be less than, an integer.
        "below" below: BoundedInt<1, { i64::MAX }> => |limits| count_limit(limits, LimitComparison::Below),
        /// The limit that the number must not be more than, an integer.
        "at_most" at_most: BoundedInt<0, { i64::MAX }> => |limits| count_limit(limits, LimitComparison::AtMost),
        /// The value that the number must be equal to, an integer.
        "equals" equals: BoundedInt<0, { i64::MAX }> => |limits| count_limit(limits, LimitComparison::Equals),
        /// The limit that the number must not be less than, an integer.
        "at_least" at_least: BoundedInt<0, { i64::MAX }> => |limits| count_limit(limits, LimitComparison::AtLeast),
        /// The limit that the number must be more than, an integer.
        "above" above: BoundedInt<0, { i64::MAX }> => |limits| count_limit(limits, LimitComparison::Above),
    }
}

fn count_limit(limits: &CountLimits, wanted: LimitComparison) -> Option<u64> {
    limits.iter().find(|(comparison, _)| *comparison == wanted).map(|(_, limit)| *limit)
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
