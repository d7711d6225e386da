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
//! | [`words`] | what all share: [`time`](words::time), [names](words::name), [events](words::event), what is [observed](words::observed) and [ordered](words::order), [diagnostics](words::diagnostic), [exit codes](words::exit_code) |
//! | [`scenario`] | the scenario as data: files to a tree with places, to known keys, to the checked [model](scenario::model); [resolved](scenario::resolved) again, and a [draft](scenario::draft) of a file; its [schema](scenario::schema) |
//! | [`engine`] | decides: the scheduler (`engine/scheduler.rs`), spawns, requests, typed commands, expectations, the end; the players' [calendar](engine::calendar), their steps on shared cells (`engine/steps.rs`), who goes first (`engine/ties.rs`), and who is where in a world (`engine/world.rs`), guests among them (`engine/guests.rs`); a run that is [walked](engine::walk); all [chance](engine::draw) |
//! | [`hands`] | do, and the only modules that wait: the [clock](hands::clock), the [multiplexer](hands::multiplexer), [processes](hands::process), [fetches](hands::fetch), [what is typed](hands::input), [keys](hands::keys), [who looks at a page](hands::serve); what they see goes into the [inbox](hands::inbox) |
//! | [`paper`] | what is written, read and shown: the [log](paper::log), the [journal](paper::journal) of a run, what comes of logs ([diff](paper::diff), [extract](paper::extract), [replayed](paper::replayed), [explored](paper::explored)), [reports](paper::report) (of a log: a log is [told](paper::report::told), its [figures](paper::report::figures) gathered), the [live page](paper::report::live), [files](paper::files), [diagnostics](paper::diagnostics) as text |
//! | [`drive`] | tells the engine the time: [live](drive::live), in [virtual time](drive::virtual_time), by a log ([replay](drive::replay)), and for a [plan](drive::plan); [explores](drive::explore) what can come of it; shows a log again, without an engine ([playback](drive::playback)) |
//! | [`door`] | the command line; one file a command, which wires and decides nothing |
//!
//! # What must never be
//!
//! - Something that changes what happens and is not an argument of the engine's calls.
//! - A wait, a file, a socket or a print below [`hands`].
//! - Chance from anywhere but [`engine::draw`]; a map without order where its order could show.
//! - A queue without a bound, or one that drops (only the screen, pages and those who read the world may, and it is said how much).
//! - A secret in anything that is logged or shown.

pub mod door;
pub mod drive;
pub mod engine;
pub mod hands;
pub mod paper;
pub mod scenario;
pub mod words;
