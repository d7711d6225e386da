//! Explores a scenario: what can come of it, and how often. By [seeds], each of which is a run of its
//! own; or [exhaustively], every order of its steps at once.
//!
//! Shows nothing and writes nothing: whoever asks is told how far it is.

pub mod outcome;
pub mod report;

pub mod exhaustive;
pub mod seeds;

pub use exhaustive::explore_exhaustively;
pub use seeds::explore_by_seeds;
