//! The arguments of a trace event: everything beside its name and place.

use serde_json::{Value, json};

use crate::report::trace::trace_file::TraceArgs;
use scenario_log::event::FetchTimings;

/// The arguments, without those that are null.
pub(super) fn event_args(value: Value) -> TraceArgs {
    match value {
        Value::Object(mut args) => {
            args.retain(|_, value| !value.is_null());
            args
        }
        _ => TraceArgs::new(),
    }
}

/// The longest text, in bytes.
const MAX_TEXT_BYTES: usize = 1_000;

/// A text, or the beginning of a long one.
pub(super) fn truncate_bytes(text: &[u8]) -> String {
    let start = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT_BYTES)]);
    format!("{start}{}", if text.len() > MAX_TEXT_BYTES { "…" } else { "" })
}

/// The phases that happened.
pub(super) fn timings_json(timings: &FetchTimings) -> Value {
    let FetchTimings { dns, connect, tls, first_byte, body } = *timings;
    let phases =
        [("dns", dns), ("connect", connect), ("tls", tls), ("first_byte", first_byte), ("body", body)];
    let known =
        phases.into_iter().filter_map(|(name, span)| Some((name.to_owned(), json!(span?.to_string()))));
    Value::Object(known.collect())
}
