//! The table of `until`: an entry that is done again until it is as expected.

use crate::scenario::interval::Interval;
use crate::scenario::model::EntryUntil;
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::table::{TableRule, table};

table! {
    /// How often and how long an entry tries again, until the status and the checks of its fetch, or the exit of
    /// its program, are as expected.
    RawUntil is "`until`" from (EntryUntil) like "{ every = \"500ms\", timeout = \"1m\" }" with [
        TableRule::Required("every", "every = \"500ms\""),
        TableRule::Required("timeout", "timeout = \"1m\""),
    ] {
        /// The time from the end of a try to the next one: a duration, or an interval that is drawn anew each
        /// time.
        "every" every: Interval => |until| Some(&until.every),
        /// How long it is tried, as a duration from the first try; the entry has failed then, and a try that
        /// still runs is stopped.
        "timeout" timeout: DurationValue<true> => |until| Some(until.timeout),
    }
}
