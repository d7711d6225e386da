//! Values that were captured from answers, for what comes later in a run. Nothing here can show a
//! secret one: the type has no `Debug` that prints it.

use std::collections::BTreeMap;
use std::fmt;

/// The text that stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A captured value.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedValue {
    /// What it is called.
    pub name: String,
    /// What it is: a text without control characters. Of a log, what was shown.
    pub value: String,
    /// Whether it must not be shown.
    pub secret: bool,
}

/// The last value of each name.
pub type CapturedValues = BTreeMap<String, CapturedValue>;

impl CapturedValue {
    /// What may be logged and shown.
    #[must_use]
    pub fn display_value(&self) -> &str {
        if self.secret { REDACTED } else { &self.value }
    }
}

impl fmt::Debug for CapturedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?}", self.name, self.display_value())
    }
}
