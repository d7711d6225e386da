//! The words that every layer shares: time, names, what is observed, ordered and logged, how errors
//! are told, and the exit codes. Nothing here does anything; nothing here imports from above.

pub mod captured;
pub mod diagnostic;
pub mod event;
pub mod exit_code;
pub mod figures;
pub mod kind;
pub mod name;
pub mod observed;
pub mod order;
pub mod secrets;
pub mod signal;
pub mod time;
pub mod visible;
