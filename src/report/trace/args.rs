//! What is said of an event of a trace beside its place.

use serde_json::{Value, json};

use crate::report::trace::page::Args;
use scenario_log::event::Timings;

/// The arguments that are there.
pub(super) fn args(value: Value) -> Args {
    match value {
        Value::Object(mut args) => {
            args.retain(|_, value| !value.is_null());
            args
        }
        _ => Args::new(),
    }
}

/// The longest text, in bytes.
const LONGEST: usize = 1_000;

/// A text, or the start of a long one.
pub(super) fn short(text: &[u8]) -> String {
    let start = String::from_utf8_lossy(&text[..text.len().min(LONGEST)]);
    format!("{start}{}", if text.len() > LONGEST { "…" } else { "" })
}

/// The phases that there were.
pub(super) fn timings(timings: &Timings) -> Value {
    let Timings { dns, connect, tls, first_byte, body } = *timings;
    let phases =
        [("dns", dns), ("connect", connect), ("tls", tls), ("first_byte", first_byte), ("body", body)];
    let known =
        phases.into_iter().filter_map(|(name, span)| Some((name.to_owned(), json!(span?.to_string()))));
    Value::Object(known.collect())
}
