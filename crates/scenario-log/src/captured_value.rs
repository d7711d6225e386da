//! Values that were captured from answers, for use later in the run. Nothing here shows a secret value:
//! the type's `Debug` prints the redacted form.

use std::collections::BTreeMap;
use std::fmt;

/// The text that stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A captured value.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedValue {
    /// The value's name.
    pub name: String,
    /// A text without control characters. In a value that was read from a log, a secret is redacted.
    pub value: String,
    /// Whether the value must not be logged or shown.
    pub secret: bool,
}

/// The last captured value of each name.
pub type CapturedValues = BTreeMap<String, CapturedValue>;

impl CapturedValue {
    /// The text that may be logged and shown: the value, or `[redacted]`.
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
