//! What is wrong with a scenario's files, and where. Says nothing by itself: the door renders it.

/// Where something stands in the scenario's files, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index of the file among those read; 0 is the scenario itself.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}
