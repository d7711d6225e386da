//! The verdict on an expectation, or on one group of it.

/// Whether it holds, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// Whether it holds; `None` if there was nothing to measure.
    pub(super) holds: Option<bool>,
    /// The value so far, for people.
    pub(super) got: Option<String>,
    /// The `seq` of the events that decided.
    pub(super) events: Vec<u64>,
}

impl Verdict {
    /// One that is missed since it could not be judged.
    pub(super) fn missed(reason: String) -> Verdict {
        Verdict { holds: Some(false), got: Some(reason), events: Vec::new() }
    }
}
