//! The values that must not be logged, and how they are removed from the output of programs and servers.
//!
//! Nothing here shows a secret: the type's `Debug` prints only their number.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use crate::captured_value::REDACTED;

/// The shortest secret that is searched for in text from outside, in bytes. A shorter one (a port, a
/// flag) would match ordinary text. Where the scenario itself inserts a short secret, it is redacted
/// nevertheless.
pub const MIN_SECRET_LEN: usize = 6;

/// The largest number of secrets that a run learns. After that, the oldest are forgotten, so that a run
/// that captures a new secret with each answer does not search every line for all of them.
pub const MAX_LEARNED: usize = 1_000;

/// The secrets of a run: those read from the environment, and those captured during the run.
#[derive(Clone, Default)]
pub struct Secrets {
    finders: Vec<SecretFinder>,
    learned: RefCell<VecDeque<SecretFinder>>,
}

type SecretFinder = memchr::memmem::Finder<'static>;

fn secret_finder(value: &str) -> SecretFinder {
    memchr::memmem::Finder::new(value.as_bytes()).into_owned()
}

impl Secrets {
    /// The secrets among these values: those of at least [`MIN_SECRET_LEN`] bytes.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Secrets {
        let mut values: Vec<&str> =
            values.into_iter().filter(|value| value.len() >= MIN_SECRET_LEN).collect();
        // Longer secrets come first, since one secret may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Secrets { finders: values.into_iter().map(secret_finder).collect(), learned: RefCell::default() }
    }

    /// Whether there are no secrets, so that no text needs to be searched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finders.is_empty() && self.learned.borrow().is_empty()
    }

    /// Adds a secret. A value shorter than [`MIN_SECRET_LEN`] bytes is ignored.
    pub fn learn(&self, value: &str) {
        let mut learned = self.learned.borrow_mut();
        if value.len() < MIN_SECRET_LEN || learned.iter().any(|known| known.needle() == value.as_bytes()) {
            return;
        }
        if learned.len() >= MAX_LEARNED {
            learned.pop_back();
        }
        learned.push_front(secret_finder(value));
    }

    /// Replaces every secret in `bytes` by `[redacted]`.
    pub fn mask(&self, bytes: &mut Vec<u8>) {
        for finder in self.learned.borrow().iter().chain(&self.finders) {
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

    /// `text` with every secret replaced by `[redacted]`.
    #[must_use]
    pub fn mask_text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.finders.len() + self.learned.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let secrets = Secrets::new(["hunter2hunter2", "hunter2", "abc"]);
        assert_eq!(secrets.mask_text("hunter2 abc hunter2hunter2!"), "[redacted] abc [redacted]!");
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
        assert!(Secrets::new(["short"]).is_empty());
    }

    #[test]
    fn secrets_are_learned_and_the_first_of_very_many_forgotten() {
        let secrets = Secrets::new(["hunter2"]);
        secrets.learn("short");
        secrets.learn("learned-1");
        secrets.learn("learned-1");
        assert_eq!(secrets.mask_text("hunter2 short learned-1"), "[redacted] short [redacted]");
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
        (0..MAX_LEARNED).for_each(|n| secrets.learn(&format!("other-{n:04}")));
        assert_eq!(secrets.mask_text("hunter2 learned-1 other-0999"), "[redacted] learned-1 [redacted]");
    }
}
