//! The restart of a program: a word, or a table with limits.

use super::durations::DurationValue;
use super::encode::TomlEncode;
use super::numbers::BoundedInt;
use super::strings::or_variable_schema;
use super::table::table;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::interval::Interval;
use crate::scenario::model::{RestartCause, RestartPolicy};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// The most restarts that a policy can allow.
const MAX_RESTARTS: i64 = 1_000_000_000;

table! {
    /// How a program is started again when it has ended.
    RestartTable is "`restart`" from (RestartPolicy) like "{ on = \"failure\", times = 5, wait = \"100ms..1s\", within = \"1m\" }" with [] {
        /// The ends after which the program is started again: `"failure"`, those that would fail the run, or
        /// `"always"`. An end that the run asked for with a `stop` is none.
        "on" on: RestartCause = "failure" => |policy| policy.on,
        /// The most restarts: in any time of the length `within`, or, without `within`, in all. After the next
        /// such end the run has failed.
        "times" times: BoundedInt<1, MAX_RESTARTS> = 5 => |policy| policy.times,
        /// The wait from the end of the program to its next start: a duration, or an interval such as
        /// `"100ms..1s"` that is drawn anew for each restart.
        "wait" wait: Interval = "1s" => |policy| &policy.wait,
        /// The time in which restarts are counted, as a duration. Default: the whole run.
        "within" within: DurationValue<true> => |policy| policy.within,
    }
}

/// The words of the short form.
const WORDS: [(&str, RestartCause); 2] =
    [("failure", RestartCause::Failure), ("always", RestartCause::Always)];

const RESTART_FORMS: &str =
    "\"failure\", \"always\" or { on = \"failure\", times = 5, wait = \"100ms..1s\", within = \"1m\" }";

impl TomlSchema for RestartPolicy {
    const EXAMPLE: &'static str = "\"failure\"";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RestartPolicy> {
        let (table, word) = match node.value {
            TomlValue::Table(_) => (RestartTable::decode(cx, node)?, None),
            TomlValue::Boolean(value) => {
                let fault =
                    Diagnostic::error(cx.place(node.at), "`restart` says after which ends, not whether");
                cx.diagnostics.add(fault.with_help(match value {
                    true => format!("the forms are {RESTART_FORMS}"),
                    false => "remove it: without `restart` a program is not started again".to_owned(),
                }));
                return None;
            }
            TomlValue::String(_) => (RestartTable::default(), Some(decode_word(cx, node)?)),
            _ => {
                cx.report_wrong_type(&node, "a kind of restart", RESTART_FORMS);
                return None;
            }
        };
        Some(RestartPolicy {
            on: word.unwrap_or_else(|| table.on.or_default()),
            times: table.times.or_default().0.try_into().ok()?,
            wait: table.wait.or_default(),
            within: table.within.into_value().map(|within| within.0),
        })
    }

    fn schema() -> Json {
        let words = or_variable_schema(object([("enum", Json::from(WORDS.map(|(word, _)| word)))]));
        object([("anyOf", Json::List(vec![words, RestartTable::schema()]))])
    }

    #[cfg(test)]
    fn decode_defaults() {
        RestartTable::decode_defaults();
    }
}

impl TomlEncode for &RestartPolicy {
    fn encode(self) -> Option<Json> {
        Some(RestartTable::write(self))
    }
}

/// Decodes the short form. Words of other tools are answered with ours.
fn decode_word(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RestartCause> {
    let at = node.at;
    let written = cx.decode_public_text(node, "a kind of restart", RESTART_FORMS)?;
    if let Some((_, cause)) = WORDS.iter().find(|(word, _)| *word == written) {
        return Some(*cause);
    }
    let known = written.to_lowercase().replace(['_', ' '], "-");
    let help = match known.as_str() {
        "unless-stopped" | "true" | "yes" | "on" => {
            "write \"always\": a program that is stopped on purpose is not started again".to_owned()
        }
        "on-failure" | "on-abnormal" | "on-abort" | "unexpected" | "transient" | "exit-on-failure" => {
            "write \"failure\"".to_owned()
        }
        "on-success" => "no restart is only for good ends: \"always\" is for all".to_owned(),
        "no" | "never" | "false" | "off" | "none" | "temporary" => {
            "remove it: without `restart` a program is not started again".to_owned()
        }
        "permanent" => "write \"always\"".to_owned(),
        _ => {
            // Compose writes the number of restarts so: `on-failure:5`.
            let times = known.strip_prefix("on-failure:").and_then(|times| times.parse::<u32>().ok());
            let nearest = cx.diagnostics.closest_name(&written, WORDS.iter().map(|(word, _)| *word));
            match (times, nearest) {
                (Some(times), _) => format!("write {{ on = \"failure\", times = {times} }}"),
                (None, Some(word)) => format!("did you mean {word:?}? the forms are {RESTART_FORMS}"),
                (None, None) => format!("the forms are {RESTART_FORMS}"),
            }
        }
    };
    cx.error_with_help(at, format!("{} is not a kind of restart", quoted(&written)), help);
    None
}
