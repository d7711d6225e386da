//! Processes as the driver meets them: real ones, started and stopped by the library, on a
//! current-thread runtime.
//!
//! The children are `sh` and coreutils, which are present wherever the tests run, and start in a
//! millisecond. A fixture binary would have to be built and found.

mod bench;
mod ends;
mod inputs;
mod outputs;
mod starts;
