//! Processes as the driver meets them: real ones, started and stopped through the hands, on a
//! current-thread runtime. The tests are named after the rows of the faults they show.
//!
//! The children are `sh` and coreutils, which are wherever the tests run and start in a millisecond;
//! a fixture binary would have to be built and found.

mod bench;
mod ends;
mod inputs;
mod outputs;
mod starts;
