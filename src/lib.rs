//! `scenario`: write down what should happen and when, have it really happen, keep an exact log.
//!
//! # How it works
//!
//! Three words, one question each: the **clock** says what time it is, the **scheduler** says what
//! is due, the **multiplexer** says what happened. What they tell meets in the **engine**, one pure
//! state machine that decides everything; drivers tell it the time and what came from outside, and
//! have its orders carried out. Its events are the log.
//!
//! # Code map
//!
//! From the bottom up. Imports go downward only, and nothing below [`hands`] waits, reads, prints or
//! knows the machine's time; `tests/layers.rs` holds both.
//!
//! | module | its one job |
//! | --- | --- |
//! | [`words`] | what all share: [`time`](scenario_log::time), [names](scenario_log::name), [events](scenario_log::event), what is [observed](scenario_core::engine::input) and [ordered](scenario_core::engine::effect), [diagnostics](scenario_core::diagnostic), [exit codes](crate::cli::exit_code) |
//! | [`scenario`] | the scenario as data: files to a tree with places, to known keys, to the checked [model](scenario_core::scenario::model); [resolved](scenario_core::scenario::write::resolved) again, and a [draft](scenario_core::scenario::write::draft) of a file; its [schema](scenario_core::scenario::json_schema) |
//! | [`engine`] | decides: the scheduler (`engine/scheduler.rs`), spawns, requests, typed commands, expectations, the end; the players' [calendar](scenario_core::engine::calendar_queue), their steps on shared cells (`engine/steps.rs`), who goes first (`engine/ties.rs`), and who is where in a world (`engine/world.rs`), guests among them (`engine/guests.rs`); a run that is [walked](scenario_core::engine::state_walk); all [chance](scenario_core::engine::random) |
//! | [`hands`] | do, and the only modules that wait: the [clock](crate::io::clock), the [multiplexer](crate::io::multiplexer), [processes](crate::io::process), [fetches](crate::io::http), [what is typed](crate::io::input), [keys](crate::io::terminal::keys), [who looks at a page](crate::web::server); what they see goes into the [inbox](crate::io::inbox) |
//! | [`paper`] | what is written, read and shown: the [log](scenario_log), the [journal](crate::run::recorder) of a run, what comes of logs ([diff](crate::diff), [extract](crate::extract), [replayed](crate::replay::outcome), [explored](crate::explore::outcome)), [reports](crate::report) (of a log: a log is [told](crate::report::feed), its [figures](crate::report::metrics) gathered), the [live page](crate::web::page), [files](crate::cli::scenario_files), [diagnostics](crate::terminal::diagnostics) as text |
//! | [`drive`] | tells the engine the time: [live](crate::run::live), in [virtual time](crate::run::virtual_time), by a log ([replay](crate::replay)), and for a [plan](scenario_core::plan); [explores](crate::explore) what can come of it; shows a log again, without an engine ([playback](crate::playback)) |
//! | [`door`] | the command line; one file a command, which wires and decides nothing |
//!
//! # What must never be
//!
//! - Something that changes what happens and is not an argument of the engine's calls.
//! - A wait, a file, a socket or a print below [`hands`].
//! - Chance from anywhere but [`scenario_core::engine::random`]; a map without order where its order could show.
//! - A queue without a bound, or one that drops (only the screen, pages and those who read the world may, and it is said how much).
//! - A secret in anything that is logged or shown.

pub mod assets;
pub mod cli;
pub mod diff;
pub mod explore;
pub mod extract;
pub mod io;
pub mod playback;
pub mod replay;
pub mod report;
pub mod run;
pub mod terminal;
pub mod web;
