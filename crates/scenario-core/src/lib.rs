//! The deciding part of `scenario`: the checked scenario, the engine that runs it, and the plan of a run.
//!
//! The crate is pure. It does not wait, print, read a clock, read files, open sockets or start
//! processes. Everything that changes its result is an argument of a call, so that the same arguments
//! give the same result on every machine.
//!
//! - [`scenario`] turns the text of a scenario file into a checked model, with a [`diagnostic`] for
//!   every error in it.
//! - [`engine`] is one state machine that runs such a model. Its caller passes it the time and the
//!   input from outside; it returns events, which are the log, and effects for the caller to carry out.
//! - [`plan`] drives the engine through virtual time to find the moments at which things would happen.
//!
//! The events and their log are in the crate [`scenario_log`].

pub mod diagnostic;
pub mod engine;
pub mod plan;
pub mod scenario;
