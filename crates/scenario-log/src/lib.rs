//! TODO(doc)

pub mod captured;
pub mod decode;
pub mod encode;
pub mod event;
pub mod event_kind;
pub mod fields;
pub mod load_metrics;
pub mod name;
pub mod reader;
pub mod sanitize;
pub mod schema;
pub mod seconds;
pub mod secrets;
pub mod signal;
pub mod text;
pub mod time;
