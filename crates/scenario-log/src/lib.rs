//! TODO(doc)

pub mod captured_value;
pub mod decode;
pub mod encode;
pub mod encode_text;
pub mod event;
pub mod event_kind;
pub mod load_metrics;
pub mod name;
pub mod parse_seconds;
pub mod raw_fields;
pub mod reader;
pub mod sanitize;
pub mod schema;
pub mod secrets;
pub mod signal;
pub mod time;
