//! Durations, in the syntax of the `humantime` crate with its fractions. There are two more limits: a
//! duration has at most 365 days, and there are no spaces inside a number.

use super::span_text::{TIME_UNIT_PATTERN, parse_span};
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::toml::{ByteRange, TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};
use scenario_log::time::Span;

/// A duration; with `POSITIVE` it must be more than zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DurationValue<const POSITIVE: bool = false>(pub(crate) Span);

impl<const POSITIVE: bool> TomlSchema for DurationValue<POSITIVE> {
    const EXAMPLE: &'static str = r#""1s", "2s""#;

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let at = node.at;
        let span = decode_span(cx, node)?;
        if POSITIVE && span == Span::ZERO {
            cx.error_with_help(at, "this duration must be more than zero", "for example \"1s\"");
            return None;
        }
        Some(DurationValue(span))
    }

    fn list_of_text(text: &str) -> Option<String> {
        Some(format!("[{}]", own_words::toml_string(text)))
    }

    fn schema() -> Json {
        let schema = pattern_schema(&duration_pattern());
        // It is more than zero if it has a digit other than 0.
        let schema = if POSITIVE {
            object([("allOf", Json::List(vec![schema, pattern_schema("[1-9]")]))])
        } else {
            schema
        };
        schema.with("examples", Json::from(["800ms", "1m 30s"]))
    }
}

pub(super) fn duration_pattern() -> String {
    format!("^[ \\t]*([0-9]+(\\.[0-9]+)?[ \\t]*({TIME_UNIT_PATTERN})[ \\t]*)+$")
}

fn decode_span(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Span> {
    let at = node.at;
    if matches!(node.value, TomlValue::Integer(_) | TomlValue::Float) {
        report_bare_number(cx, at, "a duration");
        return None;
    }
    if matches!(node.value, TomlValue::Datetime)
        && let Some(help) = own_words::duration_help(at.slice(&cx.source))
    {
        cx.report_wrong_type_with_help(&node, "a duration", help);
        return None;
    }
    let text = cx.decode_text(node, "a duration", r#""1m 30s""#)?;
    parse_and_report(cx, at, text.reveal(), text.is_secret())
}

/// Reports a bare number, with the way to write it as a duration.
pub(super) fn report_bare_number(cx: &mut DecodeContext<'_>, at: ByteRange, what: &str) {
    let source = std::rc::Rc::clone(&cx.source);
    let number = at.slice(&source).replace('_', "");
    let number = number.trim_start_matches('+');
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = if plain { number } else { "5" };
    let help = format!("write \"{number}s\" for seconds, or \"{number}ms\" for milliseconds");
    cx.error_with_help(at, format!("{what} is a string with a unit, not a bare number"), help);
}

/// Reads a duration; reports an error, and warns of a form that may be a mistake.
pub(super) fn parse_and_report(
    cx: &mut DecodeContext<'_>,
    at: ByteRange,
    text: &str,
    secret: bool,
) -> Option<Span> {
    let place = cx.place(at);
    match parse_span(text) {
        Ok((span, doubt)) => {
            if let Some(doubt) = doubt.filter(|_| !secret) {
                cx.diagnostics.add(Diagnostic::warning(place, doubt.0).with_help(doubt.1));
            }
            Some(span)
        }
        Err((fault, help)) => {
            if secret {
                cx.error_with_help(at, "this value is not a duration", "for example \"800ms\"");
            } else {
                let fault = match text.contains(':') {
                    true => format!("{} is not a duration: its numbers have no units", quoted(text)),
                    false => fault,
                };
                cx.error_with_help(at, fault, own_words::duration_help(text).unwrap_or(help));
            }
            None
        }
    }
}
