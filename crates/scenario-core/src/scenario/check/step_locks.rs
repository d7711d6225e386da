//! Follows the locks that a player has along its steps, to find releases of locks that it cannot have.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;

/// The locks that a player has at a place of its steps.
#[derive(Clone, Debug, Default)]
pub(super) struct LockChecker {
    /// By index.
    held: BTreeMap<usize, HeldLock>,
    /// Whether the player never comes here.
    is_unreachable: bool,
}

/// A lock that a player has.
#[derive(Clone, Debug)]
struct HeldLock {
    /// The place where it was taken.
    place: FilePlace,
    /// Whether the player has it on every way.
    is_certain: bool,
}

impl LockChecker {
    /// The player takes a lock.
    pub(super) fn take(&mut self, lock: usize, (name, place): (&str, FilePlace), found: &mut Diagnostics) {
        match self.held.get(&lock) {
            Some(first) if first.is_certain => {
                let message =
                    format!("this player has the lock {} already: it waits for itself", quoted(name));
                found.add(Diagnostic::warning(place, message).with_related(first.place, "it is taken here"));
            }
            _ => {
                self.held.insert(lock, HeldLock { place, is_certain: true });
            }
        }
    }

    /// The player releases a lock; `None` if it cannot have it, which is reported.
    pub(super) fn release(
        &mut self,
        lock: usize,
        (name, place): (&str, FilePlace),
        found: &mut Diagnostics,
    ) -> Option<()> {
        if self.held.remove(&lock).is_some() || self.is_unreachable {
            return Some(());
        }
        let message = format!("this player does not have the lock {} here", quoted(name));
        let help = format!("a player can release only a lock that it has: put \"lock {name}\" before it");
        found.add(Diagnostic::error(place, message).with_help(help));
        None
    }

    /// The player never comes to what follows.
    pub(super) fn end(&mut self) {
        self.held.clear();
        self.is_unreachable = true;
    }

    /// Another way leads to the same place.
    pub(super) fn join(&mut self, other: LockChecker) {
        if self.is_unreachable {
            *self = other;
            return;
        }
        if other.is_unreachable {
            return;
        }
        for (lock, held) in &mut self.held {
            held.is_certain &= other.held.get(lock).is_some_and(|other| other.is_certain);
        }
        for (lock, held) in other.held {
            self.held.entry(lock).or_insert(HeldLock { is_certain: false, ..held });
        }
    }

    /// Warns of locks that the player surely has at its end.
    pub(super) fn warn_of_held(&self, names: &[String], found: &mut Diagnostics) {
        let mut held: Vec<_> = self.held.iter().filter(|(_, held)| held.is_certain).collect();
        held.sort_by_key(|(_, held)| held.place);
        for (lock, held) in held {
            let name = &names[*lock];
            let message = format!(
                "the lock {} is never released: a player that needs it later waits for ever",
                quoted(name)
            );
            found.add(Diagnostic::warning(held.place, message).with_help(format!("add \"unlock {name}\"")));
        }
    }
}
