//! The tables of probes: when a program counts as ready, and whether it is still alive.

use super::BoundedU32;
use crate::scenario::model::{
    HttpProbe, LivenessRule, ProbeTest, ReadinessRule, ReadinessTest, ScenarioText, StatusRule,
};
use crate::scenario::schema::collections::{ListOf, NamedTable};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::encode::{encode_named, unless_empty};
use crate::scenario::schema::key_rules::HeaderNameRule;
use crate::scenario::schema::strings::{NulFreeText, ProbeHeaderText, ProgramRegex, ProgramText, UrlText};
use crate::scenario::schema::table::{TableRule, table};
use crate::scenario::write::json::Json;

table! {
    /// The condition on which a program counts as ready. It has exactly one of `line`, `tcp`, `http` and
    /// `command`.
    RawReady is "`ready`" from (ReadinessRule) like "{ line = \"listening\" }" with [
        TableRule::ExactlyOne(&["line", "tcp", "http", "command"]),
        TableRule::Needs("times", "line"),
        TableRule::Needs("status", "http"),
        TableRule::Needs("headers", "http"),
        TableRule::Excludes("try_timeout", "line"),
    ] {
        /// A regular expression: the program is ready with the first line of its output that matches.
        "line" line: ProgramRegex => |ready| match &ready.test {
            ReadinessTest::Line { regex, .. } => Some(regex),
            ReadinessTest::Probe(_) => None,
        },
        /// The number of matching lines: with `2`, the program is ready with the second one.
        "times" times: BoundedU32<1> = 1 => |ready| match &ready.test {
            ReadinessTest::Line { times, .. } => Some(*times),
            ReadinessTest::Probe(_) => None,
        }; UnlessDefault,
        /// An address `host:port`: the program is ready when a connection to it succeeds.
        "tcp" tcp: ProgramText => |ready| ready.probe().and_then(tcp_of),
        /// A URL: the program is ready when a request to it is answered with a status of `status`.
        "http" http: UrlText<false> => |ready| Some(&ready.probe()?.http()?.url),
        /// A program and its arguments, as a list of strings: the program of the preset is ready when this one
        /// exits with 0. It runs in the folder and with the environment of the program.
        "command" command: ListOf<NulFreeText, 1> => |ready| ready.probe().and_then(command_of),
        /// How long the program may take to become ready, as a duration from its start; if it takes longer,
        /// the run has failed.
        "timeout" timeout: DurationValue<true> = "30s" => |ready| ready.timeout,
        /// The pause between two attempts of `tcp`, `http` or `command`, as a duration. The first pauses are shorter.
        "poll" poll: DurationValue<true> = "100ms" => |ready| ready.poll,
        /// The statuses of an answer that make the program ready: a status, a class such as `"2xx"`, a range such
        /// as `"400..499"`, in which both ends are, a list of these, or `"any"`.
        "status" status: StatusRule = ["2xx", "3xx"] => |ready| ready.probe().and_then(status_of); UnlessDefault,
        /// The headers of the request of `http` by name.
        "headers" headers: NamedTable<ProbeHeaderText, HeaderNameRule> => |ready| ready.probe().and_then(headers_of),
        /// How long one attempt of `tcp`, `http` or `command` may take, as a duration, before it has failed.
        "try_timeout" try_timeout: DurationValue<true> = "2s" => |ready| ready.try_timeout; UnlessDefault,
    }
}

table! {
    /// The probes that a program must answer from its readiness on. It has exactly one of `tcp`, `http` and
    /// `command`.
    RawAlive is "`alive`" from (LivenessRule) like "{ tcp = \"127.0.0.1:5432\", every = \"5s\", failures = 3 }" with [
        TableRule::ExactlyOne(&["tcp", "http", "command"]),
        TableRule::Needs("status", "http"),
        TableRule::Needs("headers", "http"),
    ] {
        /// An address `host:port`: a probe succeeds when a connection to it does.
        "tcp" tcp: ProgramText => |alive| tcp_of(&alive.test),
        /// A URL: a probe succeeds when a request to it is answered with a status of `status`.
        "http" http: UrlText<false> => |alive| Some(&alive.test.http()?.url),
        /// A program and its arguments, as a list of strings: a probe succeeds when it exits with 0. It runs in the
        /// folder and with the environment of the program of the preset.
        "command" command: ListOf<NulFreeText, 1> => |alive| command_of(&alive.test),
        /// The time from one probe to the next, as a duration. The first comes so long after the program is ready.
        "every" every: DurationValue<true> = "5s" => |alive| alive.every,
        /// The number of probes that must fail one after the other for the program to have failed.
        "failures" failures: BoundedU32<1> = 3 => |alive| alive.failures,
        /// How long one probe may take, as a duration, before it has failed.
        "try_timeout" try_timeout: DurationValue<true> = "2s" => |alive| alive.try_timeout; UnlessDefault,
        /// The statuses of an answer that are good: a status, a class such as `"2xx"`, a range such as
        /// `"400..499"`, in which both ends are, a list of these, or `"any"`.
        "status" status: StatusRule = ["2xx", "3xx"] => |alive| status_of(&alive.test); UnlessDefault,
        /// The headers of the request of `http` by name.
        "headers" headers: NamedTable<ProbeHeaderText, HeaderNameRule> => |alive| headers_of(&alive.test),
    }
}

fn tcp_of(test: &ProbeTest) -> Option<&ScenarioText> {
    match test {
        ProbeTest::Tcp(address) => Some(address),
        ProbeTest::Http(_) | ProbeTest::Command(_) => None,
    }
}

fn command_of(test: &ProbeTest) -> Option<Vec<&ScenarioText>> {
    match test {
        ProbeTest::Command(argv) => Some(argv.iter().collect()),
        ProbeTest::Tcp(_) | ProbeTest::Http(_) => None,
    }
}

fn status_of(test: &ProbeTest) -> Option<&StatusRule> {
    test.http().map(|http| &http.status)
}

fn headers_of(test: &ProbeTest) -> Option<Json> {
    let HttpProbe { headers, .. } = test.http()?;
    unless_empty(encode_named(headers.iter().map(|(name, value)| (&**name, value))))
}
