//! Builds the steps of players, and checks that their cells exist and that no player releases a lock that
//! it does not have. (The steps of a player have no branches, so that this can be known.)

use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::steps::{PlayerStep, StepAction};
use crate::scenario::schema::Located;
use crate::scenario::schema::steps::{RawStep, RawStepAction};

/// The cells of the scenario and the locks that have been named so far, which players share.
#[derive(Debug, Default)]
pub(crate) struct CellsAndLocks {
    /// Sorted by name; `None` if they could not be read.
    pub(crate) cells: Option<Vec<(String, i64)>>,
    /// In the order of their first use.
    pub(crate) locks: Vec<String>,
}

impl CellsAndLocks {
    fn lock_index(&mut self, name: &str) -> usize {
        self.locks.iter().position(|lock| lock == name).unwrap_or_else(|| {
            self.locks.push(name.to_owned());
            self.locks.len() - 1
        })
    }

    fn cell_index(&self, name: &str, place: FilePlace, found: &mut Diagnostics) -> Option<usize> {
        let cells = self.cells.as_ref()?;
        let at = cells.iter().position(|(cell, _)| cell == name);
        if at.is_none() && !found.count_if_full() {
            let fault = Diagnostic::error(place, format!("there is no cell {}", quoted(name)));
            let names = cells.iter().map(|(cell, _)| cell.as_str());
            let fault = match cells.is_empty() {
                true => fault.with_help(format!("add a table of cells:\n\n[shared]\n{name} = 0")),
                false => found.did_you_mean(fault, name, names, "cells"),
            };
            found.add(fault);
        }
        at
    }
}

/// A lock that a player has, and where it was taken.
struct HeldLock {
    lock: usize,
    place: FilePlace,
}

/// Builds the steps of a player; `None` if one of them is wrong.
pub(super) fn build_steps(
    raw: Vec<Located<RawStep>>,
    shared: &mut CellsAndLocks,
    found: &mut Diagnostics,
) -> Option<Vec<PlayerStep>> {
    let wanted = raw.len();
    let mut steps = Vec::with_capacity(wanted);
    let mut held: Vec<HeldLock> = Vec::new();
    for Located { value: RawStep { text, action: act }, place } in raw {
        let act = match act {
            RawStepAction::Load(cell) => shared.cell_index(&cell, place, found).map(StepAction::Load),
            RawStepAction::Store(cell) => shared.cell_index(&cell, place, found).map(StepAction::Store),
            RawStepAction::Lock(name) => {
                Some(StepAction::Lock(take_lock(&mut held, shared.lock_index(&name), (&name, place), found)))
            }
            RawStepAction::Unlock(name) => {
                release_lock(&mut held, shared.lock_index(&name), (&name, place), found)
            }
            RawStepAction::Add(number) => Some(StepAction::Add(number)),
            RawStepAction::Mul(number) => Some(StepAction::Mul(number)),
            RawStepAction::Pause(interval) => Some(StepAction::Pause(interval)),
            RawStepAction::Move => Some(StepAction::Move),
            RawStepAction::Say => Some(StepAction::Say),
        };
        steps.extend(act.map(|act| PlayerStep { text, action: act }));
    }
    for HeldLock { lock, place } in held {
        let name = quoted(&shared.locks[lock]);
        let message =
            format!("the lock {name} is never released: a player that needs it later waits for ever");
        found.add(
            Diagnostic::warning(place, message).with_help(format!("add \"unlock {}\"", shared.locks[lock])),
        );
    }
    (steps.len() == wanted).then_some(steps)
}

fn take_lock(
    held: &mut Vec<HeldLock>,
    lock: usize,
    (name, place): (&str, FilePlace),
    found: &mut Diagnostics,
) -> usize {
    match held.iter().find(|one| one.lock == lock) {
        Some(first) => {
            let message = format!("this player has the lock {} already: it waits for itself", quoted(name));
            found.add(Diagnostic::warning(place, message).with_related(first.place, "it is taken here"));
        }
        None => held.push(HeldLock { lock, place }),
    }
    lock
}

fn release_lock(
    held: &mut Vec<HeldLock>,
    lock: usize,
    (name, place): (&str, FilePlace),
    found: &mut Diagnostics,
) -> Option<StepAction> {
    match held.iter().position(|one| one.lock == lock) {
        Some(at) => {
            held.remove(at);
            Some(StepAction::Unlock(lock))
        }
        None => {
            let message = format!("this player does not have the lock {} here", quoted(name));
            let help = format!("a player can release only a lock that it has: put \"lock {name}\" before it");
            found.add(Diagnostic::error(place, message).with_help(help));
            None
        }
    }
}
