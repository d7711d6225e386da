//! Explores a scenario: its possible outcomes, and how often each occurs. Either by [seeds], with one run for
//! each seed, or [exhaustively](exhaustive), for every order of its steps at once.
//!
//! Shows nothing and writes nothing: the caller receives the progress and the result.

pub mod outcome;
pub mod report;

pub mod exhaustive;
pub mod seeds;

pub use exhaustive::explore_exhaustively;
pub use seeds::explore_by_seeds;
