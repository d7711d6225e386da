//! Parameters of scenario files.

mod kinds;
