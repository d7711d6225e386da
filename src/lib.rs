//! `scenario`: run programs, players and HTTP load on one timeline from a TOML file, and get an exact
//! log that replays in CI.
//!
//! # How it works
//!
//! The **clock** says what time it is, the **scheduler** says what is due, the **multiplexer** says what
//! happened outside. All three meet in the **engine**, a pure state machine that decides everything.
//! Drivers tell the engine the time and what came from outside, and carry out its effects. Its events
//! are the log. `docs/ARCHITECTURE.md` follows a line, an entry and a log through the code.
//!
//! # Code map
//!
//! From the bottom up. A room imports only rooms above it in this table; `tests/it/tidy.rs` holds that.
//!
//! | crate or room | its one job |
//! | --- | --- |
//! | `crates/scenario-log` | the event log as a library: [events](scenario_log::event), [encoding](scenario_log::encode), [decoding](scenario_log::decode), [reading](scenario_log::reader), its [schema](scenario_log::schema). It opens no file |
//! | `crates/scenario-core` | what decides, and neither waits nor prints: the [scenario] as data, the [engine], the [plan]; [diagnostics](scenario_core::diagnostic) |
//! | [`assets`] | the scripts, styles and templates of the report and of the live page, joined from their modules |
//! | [`io`] | everything that waits: the [clock](io::clock), the [multiplexer](io::multiplexer), [processes](io::process), [HTTP](io::http), [typed input](io::console_input), [signals](io::signals), the [guard](io::guard), the [log file](io::log_file). Observations go into the [inbox](io::inbox) |
//! | [`report`] | what is made of a log: the [feed](report::feed) of its events, [metrics](report::metrics), the [summary](report::summary), [HTML](report::html), JUnit, CSV, the trace |
//! | [`terminal`] | what a person sees of a run: a [line for each event](terminal::event_lines), the live area beneath, diagnostics as text |
//! | [`diff`], [`extract`] | the differences of two logs; a scenario made from a log |
//! | [`web`] | the live page: its [server](web::server), the [page](web::page) |
//! | [`run`] | the drivers of a run: [live](run::live), in [virtual time](run::virtual_time); the [recorder](run::recorder) of its events |
//! | [`replay`], [`playback`], [`explore`] | a log decided again and compared; a log shown at its own pace; many seeds, or every interleaving |
//! | [`cli`] | the command line: one file a command, which wires the parts and decides nothing |
//!
//! [scenario]: scenario_core::scenario
//! [engine]: scenario_core::engine
//! [plan]: scenario_core::plan

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
