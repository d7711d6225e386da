//! Answers: their bodies, and whether they are as expected.

pub(crate) mod body;
pub(crate) mod capture;
pub(crate) mod check;
pub(crate) mod decode;
pub(crate) mod redact;
