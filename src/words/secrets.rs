//! The values that must not be logged, and how they are taken out of what programs and servers say.
//!
//! Nothing here can show a secret: the type has no `Debug` that prints one.

use std::fmt;

use crate::words::event::REDACTED;

/// The shortest value that is looked for in what comes from outside. A shorter one (a port, a flag)
/// would hit ordinary text; where the scenario itself puts it in, it is redacted all the same.
pub const SHORTEST: usize = 6;

/// Values read from the environment.
#[derive(Clone, Default)]
pub struct Secrets {
    finders: Vec<memchr::memmem::Finder<'static>>,
}

impl Secrets {
    /// These values; those shorter than [`SHORTEST`] bytes are left out.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Secrets {
        let mut values: Vec<&str> = values.into_iter().filter(|value| value.len() >= SHORTEST).collect();
        // A longer one first: one secret may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Secrets {
            finders: values
                .iter()
                .map(|value| memchr::memmem::Finder::new(value.as_bytes()).into_owned())
                .collect(),
        }
    }

    /// Whether there are none, so that nothing needs to be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finders.is_empty()
    }

    /// Puts `[redacted]` in the place of every secret in `bytes`.
    pub fn mask(&self, bytes: &mut Vec<u8>) {
        for finder in &self.finders {
            let Some(first) = finder.find(bytes) else { continue };
            let mut masked = bytes[..first].to_vec();
            let mut rest = &bytes[first..];
            while let Some(at) = finder.find(rest) {
                masked.extend_from_slice(&rest[..at]);
                masked.extend_from_slice(REDACTED.as_bytes());
                rest = &rest[at + finder.needle().len()..];
            }
            masked.extend_from_slice(rest);
            *bytes = masked;
        }
    }

    /// The same for text.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.finders.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let secrets = Secrets::new(["hunter2hunter2", "hunter2", "abc"]);
        assert_eq!(secrets.masked("hunter2 abc hunter2hunter2!"), "[redacted] abc [redacted]!");
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
        assert!(Secrets::new(["short"]).is_empty());
    }
}
