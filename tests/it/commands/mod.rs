//! The command line: what each command prints, where, and its exit code, for every input, output and
//! environment.
//!
//! The golden output is in the `.txt` files of this folder, each with its command, its exit code and
//! its standard error. `UPDATE=1 cargo test commands::` writes them anew.

mod attach;
mod canary;
mod captures;
mod ci_commands;
mod conveniences;
mod diff;
mod ending;
mod environment;
mod extract;
mod golden;
pub(crate) mod guard;
mod ignored_signals;
mod input;
mod outputs;
mod plan_limits;
mod play;
mod replaced;
mod run;
mod secrets;
mod sockets;
mod taken_logs;
mod terminal;
mod unread;
mod watch;
