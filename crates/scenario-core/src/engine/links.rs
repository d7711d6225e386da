//! The faults of the links of a run, and the connections that are open. Decides nothing about when they change.
//!
//! # How it works
//!
//! Each change that holds for a while, or until a later one, is a layer. What holds is all layers over each other,
//! the later above. To undo a change takes its layer away, and leaves the others.

use std::collections::BTreeSet;

use crate::scenario::model::{LinkAction, LinkFaults};

/// A change that holds.
#[derive(Clone, Debug)]
struct FaultLayer {
    change: u32,
    entry: usize,
    faults: LinkFaults,
    /// Whether it is undone at a moment of its own.
    is_timed: bool,
}

/// The state of one link.
#[derive(Clone, Debug, Default)]
struct ChangedLink {
    layers: Vec<FaultLayer>,
    /// The numbers of the connections that are open.
    open: BTreeSet<u64>,
}

/// All links of a run.
#[derive(Clone, Debug)]
pub(crate) struct LinkChanges {
    links: Vec<ChangedLink>,
    changes: u32,
    /// The changes that are to be undone later.
    timed: usize,
}

impl LinkChanges {
    pub(crate) fn new(count: usize) -> LinkChanges {
        LinkChanges { links: vec![ChangedLink::default(); count], changes: 0, timed: 0 }
    }

    /// Puts the faults of a change on its link. Returns the number of the change if it is to be undone later, and
    /// the entries whose changes it ended before their time.
    pub(crate) fn apply(&mut self, entry: usize, action: &LinkAction) -> (Option<u32>, Vec<usize>) {
        let Some(link) = self.links.get_mut(action.link) else { return (None, Vec::new()) };
        let ended: Vec<usize> = match action.heal {
            true => {
                let timed = link.layers.drain(..).filter(|layer| layer.is_timed);
                timed.map(|layer| layer.entry).collect()
            }
            false => Vec::new(),
        };
        self.timed -= ended.len();
        if action.faults.is_none() {
            return (None, ended);
        }
        let is_timed = action.duration.is_some();
        if !is_timed {
            // What lies under a change without an end never shows again.
            for layer in link.layers.iter_mut().filter(|layer| !layer.is_timed) {
                layer.faults.remove_keys_of(&action.faults);
            }
            link.layers.retain(|layer| layer.is_timed || !layer.faults.is_none());
        }
        self.changes += 1;
        self.timed += usize::from(is_timed);
        let change = self.changes;
        link.layers.push(FaultLayer { change, entry, faults: action.faults.clone(), is_timed });
        (is_timed.then_some(change), ended)
    }

    /// Takes a change away. Returns its link and its entry, unless it was ended before.
    pub(crate) fn undo(&mut self, change: u32) -> Option<(usize, usize)> {
        let undone = self.links.iter_mut().enumerate().find_map(|(index, link)| {
            let at = link.layers.iter().position(|layer| layer.change == change)?;
            Some((index, link.layers.remove(at).entry))
        });
        self.timed -= usize::from(undone.is_some());
        undone
    }

    /// The faults that hold now.
    pub(crate) fn faults(&self, link: usize) -> LinkFaults {
        let mut faults = LinkFaults::default();
        let layers = self.links.get(link).into_iter().flat_map(|link| &link.layers);
        layers.for_each(|layer| faults.overlay(&layer.faults));
        faults
    }

    /// The changes that are to be undone later.
    pub(crate) fn timed_count(&self) -> usize {
        self.timed
    }

    /// Notes a connection; false if it is open already.
    pub(crate) fn open(&mut self, link: usize, connection: u64) -> bool {
        self.links.get_mut(link).is_some_and(|link| link.open.insert(connection))
    }

    /// Forgets a connection; false if it is not open.
    pub(crate) fn close(&mut self, link: usize, connection: u64) -> bool {
        self.links.get_mut(link).is_some_and(|link| link.open.remove(&connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::LinkCut;
    use scenario_log::time::Span;

    fn change(faults: LinkFaults, duration: Option<u64>) -> LinkAction {
        LinkAction { link: 0, faults, reset: false, heal: false, duration: duration.map(Span) }
    }

    fn cut(cut: LinkCut) -> LinkFaults {
        LinkFaults { cut: Some(cut), ..LinkFaults::default() }
    }

    #[test]
    fn to_undo_one_change_leaves_the_others() {
        let mut links = LinkChanges::new(1);
        let (first, _) = links.apply(3, &change(cut(LinkCut::To), Some(5)));
        let (second, _) =
            links.apply(4, &change(LinkFaults { slice: Some(1), ..cut(LinkCut::Both) }, Some(9)));
        assert_eq!(links.faults(0), LinkFaults { slice: Some(1), ..cut(LinkCut::Both) });
        assert_eq!(links.undo(second.unwrap_or_default()), Some((0, 4)));
        assert_eq!(links.faults(0), cut(LinkCut::To));
        assert_eq!(links.undo(first.unwrap_or_default()), Some((0, 3)));
        assert_eq!(links.undo(first.unwrap_or_default()), None);
        assert!(links.faults(0).is_none());
    }

    #[test]
    fn to_heal_ends_all_changes() {
        let mut links = LinkChanges::new(1);
        links.apply(1, &change(cut(LinkCut::To), None));
        let (timed, _) =
            links.apply(2, &change(LinkFaults { refuse: true, ..LinkFaults::default() }, Some(5)));
        let heal = LinkAction { heal: true, ..change(LinkFaults::default(), None) };
        assert_eq!(links.apply(7, &heal), (None, vec![2]));
        assert_eq!(links.undo(timed.unwrap_or_default()), None);
        assert!(links.faults(0).is_none());
    }

    #[test]
    fn changes_without_an_end_do_not_pile_up() {
        let mut links = LinkChanges::new(1);
        for _ in 0..100 {
            links.apply(1, &change(cut(LinkCut::To), None));
            links.apply(1, &change(LinkFaults { slice: Some(1), ..LinkFaults::default() }, None));
        }
        assert_eq!(links.links[0].layers.len(), 2);
        assert_eq!(links.faults(0), LinkFaults { slice: Some(1), ..cut(LinkCut::To) });
    }
}
