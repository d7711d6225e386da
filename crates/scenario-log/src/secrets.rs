//! The values that must not be logged, and how they are taken out of what programs and servers say.
//!
//! Nothing here can show a secret: the type has no `Debug` that prints one.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use crate::captured_value::REDACTED;

/// The shortest value that is looked for in what comes from outside. A shorter one (a port, a flag)
/// would hit ordinary text; where the scenario itself puts it in, it is redacted all the same.
pub const MIN_SECRET_LEN: usize = 6;

/// The most values that are learned in a run. Past it the first ones are forgotten, so that a run that
/// captures a new one with each answer does not look for all of them in every line.
pub const MAX_LEARNED: usize = 1_000;

/// Values read from the environment, and those captured in the run.
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
    /// These values; those shorter than [`SHORTEST`] bytes are left out.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Secrets {
        let mut values: Vec<&str> =
            values.into_iter().filter(|value| value.len() >= MIN_SECRET_LEN).collect();
        // A longer one first: one secret may be a part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Secrets { finders: values.into_iter().map(secret_finder).collect(), learned: RefCell::default() }
    }

    /// Whether there are none, so that nothing needs to be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finders.is_empty() && self.learned.borrow().is_empty()
    }

    /// One more value, from now on; not if it is shorter than [`SHORTEST`] bytes.
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

    /// Puts `[redacted]` in the place of every secret in `bytes`.
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

    /// The same for text.
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
