//! The command line: what each command prints, and where, and with which code it ends; whatever its
//! input, its outputs and its environment are.
//!
//! What is printed stands in the `.txt` files beside this one, with its command, its exit code and
//! its standard error; `UPDATE=1 cargo test --test commands` writes them anew.

mod captures;
mod diff;
mod ending;
mod environment;
mod extract;
mod golden;
mod guard;
mod ignored_signals;
mod input;
mod outputs;
mod play;
mod run;
mod secrets;
mod sockets;
mod terminal;
mod watch;
