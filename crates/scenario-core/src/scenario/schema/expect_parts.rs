//! The moments of a run that bound the events of an expectation. Names are not looked up here.

use super::durations::{duration_pattern, parse_and_report, report_bare_number};
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::quoted;
use crate::scenario::model::expect_parts::EntryPhase;
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::time::Span;

/// A moment of the run as it is written.
#[derive(Clone, Debug)]
pub(crate) enum RawRunPoint {
    /// A duration from the start of the run.
    At(Span),
    /// `ID.started`, `ID.ready`, `ID.finished`, `ID.passed` or `ID.failed`.
    Entry { id: String, phase: EntryPhase },
}

const POINT_FORMS: &str =
    "\"10s\", \"ID.started\", \"ID.ready\", \"ID.finished\", \"ID.passed\" or \"ID.failed\"";

impl TomlSchema for RawRunPoint {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<RawRunPoint> {
        let at = node.at;
        if matches!(node.value, TomlValue::Integer(_) | TomlValue::Float) {
            report_bare_number(cx, at, "a duration");
            return None;
        }
        let text = cx.decode_public_text(node, "a duration or a moment of an entry", POINT_FORMS)?;
        if let Some((id, name)) = text.rsplit_once('.')
            && let Some(phase) = EntryPhase::ALL.into_iter().find(|phase| phase.name() == name)
            && !id.is_empty()
        {
            return Some(RawRunPoint::Entry { id: id.to_owned(), phase });
        }
        if text.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            return parse_and_report(cx, at, &text, false).map(RawRunPoint::At);
        }
        let message = format!("{} is neither a duration nor a moment of an entry", quoted(&text));
        cx.error_with_help(at, message, format!("the forms are {POINT_FORMS}"));
        None
    }

    fn schema() -> Json {
        let moment = pattern_schema(r"^.+\.(started|ready|finished|passed|failed)$");
        object([("anyOf", Json::List(vec![pattern_schema(&duration_pattern()), moment]))])
            .with("examples", Json::from(["10s", "db.ready"]))
    }
}
