//! Steps of players: that the cells are there, and that nobody gives back a lock that it does not
//! have. (A player's steps are one straight line, so that this can be known.)

use crate::diagnostic::{Diagnostic, Place, quoted};
use crate::scenario::findings::Findings;
use crate::scenario::model::steps::{Act, Step};
use crate::scenario::schema::Sp;
use crate::scenario::schema::steps::{RawAct, RawStep};

/// What players share: the cells of the scenario, and the locks that were named so far.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Sorted by name; `None` where nobody can say what there is.
    pub(crate) cells: Option<Vec<(String, i64)>>,
    /// In the order of their first use.
    pub(crate) locks: Vec<String>,
}

impl Shared {
    fn lock(&mut self, name: &str) -> usize {
        self.locks.iter().position(|lock| lock == name).unwrap_or_else(|| {
            self.locks.push(name.to_owned());
            self.locks.len() - 1
        })
    }

    fn cell(&self, name: &str, place: Place, found: &mut Findings) -> Option<usize> {
        let cells = self.cells.as_ref()?;
        let at = cells.iter().position(|(cell, _)| cell == name);
        if at.is_none() && !found.only_counts() {
            let fault = Diagnostic::error(place, format!("there is no cell {}", quoted(name)));
            let names = cells.iter().map(|(cell, _)| cell.as_str());
            let fault = match cells.is_empty() {
                true => fault.help(format!("add a table of cells:\n\n[shared]\n{name} = 0")),
                false => found.did_you_mean(fault, name, names, "cells"),
            };
            found.add(fault);
        }
        at
    }
}

/// A lock that a player has.
struct Held {
    lock: usize,
    place: Place,
}

/// The steps of a player; `None` if one of them is wrong.
pub(super) fn steps(raw: Vec<Sp<RawStep>>, shared: &mut Shared, found: &mut Findings) -> Option<Vec<Step>> {
    let wanted = raw.len();
    let mut steps = Vec::with_capacity(wanted);
    let mut held: Vec<Held> = Vec::new();
    for Sp { value: RawStep { text, act }, place } in raw {
        let act = match act {
            RawAct::Load(cell) => shared.cell(&cell, place, found).map(Act::Load),
            RawAct::Store(cell) => shared.cell(&cell, place, found).map(Act::Store),
            RawAct::Lock(name) => Some(Act::Lock(take(&mut held, shared.lock(&name), (&name, place), found))),
            RawAct::Unlock(name) => give_back(&mut held, shared.lock(&name), (&name, place), found),
            RawAct::Add(number) => Some(Act::Add(number)),
            RawAct::Mul(number) => Some(Act::Mul(number)),
            RawAct::Pause(interval) => Some(Act::Pause(interval)),
            RawAct::Move => Some(Act::Move),
            RawAct::Say => Some(Act::Say),
        };
        steps.extend(act.map(|act| Step { text, act }));
    }
    for Held { lock, place } in held {
        let name = quoted(&shared.locks[lock]);
        let message = format!("the lock {name} is never given back: who comes to it later waits for ever");
        found.add(Diagnostic::warning(place, message).help(format!("add \"unlock {}\"", shared.locks[lock])));
    }
    (steps.len() == wanted).then_some(steps)
}

fn take(held: &mut Vec<Held>, lock: usize, (name, place): (&str, Place), found: &mut Findings) -> usize {
    match held.iter().find(|one| one.lock == lock) {
        Some(first) => {
            let message = format!("this player has the lock {} already: it waits for itself", quoted(name));
            found.add(Diagnostic::warning(place, message).related(first.place, "it is taken here"));
        }
        None => held.push(Held { lock, place }),
    }
    lock
}

fn give_back(
    held: &mut Vec<Held>,
    lock: usize,
    (name, place): (&str, Place),
    found: &mut Findings,
) -> Option<Act> {
    match held.iter().position(|one| one.lock == lock) {
        Some(at) => {
            held.remove(at);
            Some(Act::Unlock(lock))
        }
        None => {
            let message = format!("this player does not have the lock {} here", quoted(name));
            let help = format!("a player gives back what it has taken: \"lock {name}\" comes before it");
            found.add(Diagnostic::error(place, message).help(help));
            None
        }
    }
}
