//! The event log of a `scenario` run: its vocabulary, its encoding, its reader and its schema.
//!
//! A log is a text file with one JSON object a line. The first line is `run.started`, the last is
//! `run.finished` with a checksum of all bytes before it. Each line has a number without gaps (`seq`)
//! and a time that never decreases (`t`, in seconds with nine decimals).
//!
//! - [`reader`] reads any size of log line by line and checks that the lines form a log.
//! - [`decode`] turns a line into an [`Event`](event::Event), [`encode`] turns events into lines.
//! - [`event`] declares every event once, in one table. The [kinds](event_kind), the [schema], the
//!   decoding and the encoding come from that table.
//! - [`raw_fields`] gives a line's keys and values as they are written, without interpreting them.
//!
//! Nothing here prints, or reads a clock or the environment. The crate reads only what is given to it.
//!
//! # Example
//!
//! Reads a log and counts its events by name. Events of a later release have names that this release
//! does not know; they are counted like the others.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use scenario_log::decode::LogRecord;
//! use scenario_log::event::Event;
//! use scenario_log::reader::LogReader;
//!
//! let log = concat!(
//!     r#"{"seq":0,"t":0.000000000,"event":"run.started","format":1,"generator":"scenario","#,
//!     r#""name":"short","seed":7,"clock":"virtual","scenario":{}}"#, "\n",
//!     r#"{"seq":1,"t":1.000000000,"event":"clock.tick","due":1.000000000,"n":0}"#, "\n",
//!     r#"{"seq":2,"t":2.000000000,"event":"clock.tick","due":2.000000000,"n":1}"#, "\n",
//! );
//! let mut counts: BTreeMap<String, u64> = BTreeMap::new();
//! let mut last_tick = None;
//! let mut reader = LogReader::new(log.as_bytes());
//! while let Some(line) = reader.peek()? {
//!     *counts.entry(line.event_name().to_owned()).or_default() += 1;
//!     if let Some(Event::ClockTick { n, .. }) = LogRecord::decode(line.bytes)?.event()? {
//!         last_tick = Some(n);
//!     }
//!     reader.advance();
//! }
//! assert_eq!(counts["clock.tick"], 2);
//! assert_eq!(last_tick, Some(1));
//! // This log has no `run.finished`: the run was cut short after its third line.
//! assert_eq!(reader.truncated_end().map(|end| end.last_line), Some(3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod captured_value;
pub mod decode;
mod decode_error;
pub mod encode;
pub mod encode_text;
pub mod event;
pub mod event_kind;
pub mod fetch_error_kind;
pub mod link_closing;
pub mod load_metrics;
pub mod name;
pub mod parse_seconds;
pub mod raw_fields;
pub mod reader;
pub mod sanitize;
pub mod schema;
pub mod secrets;
pub mod signal;
pub mod spawn_usage;
pub mod time;
