//! Changes links, undoes the changes whose time is over, and takes the connections that come and go.

use std::sync::Arc;

use super::RunState;
use crate::engine::effect::Effect;
use crate::engine::input::LinkConnection;
use crate::engine::output::EngineOutput;
use crate::engine::timer_queue::Timer;
use crate::scenario::interval::Interval;
use crate::scenario::model::{LinkAction, LinkCut, LinkFaults};
use scenario_log::event::{Event, LinkClosing};
use scenario_log::time::Moment;

impl RunState {
    /// Carries out a change of a link. An entry with a time has not ended before its faults are undone.
    pub(super) fn run_link_entry(
        &mut self,
        entry: usize,
        action: &LinkAction,
        due: Moment,
        out: &mut EngineOutput<'_>,
    ) {
        let (timed, ended) = self.links.apply(entry, action);
        if let (Some(change), Some(duration)) = (timed, action.duration) {
            self.timeline.add_source(Some(entry));
            self.timers.push_overdue(due.saturating_add(duration), Timer::LinkHeal(change));
        }
        self.emit_link_change((action.link, entry), due, (action.reset, action.heal), out);
        for ended in ended {
            self.entry_source_removed(Some(ended), due, out);
        }
    }

    /// The time of a change is over.
    pub(super) fn undo_link_change(&mut self, change: u32, due: Moment, out: &mut EngineOutput<'_>) {
        let Some((link, entry)) = self.links.undo(change) else { return };
        self.emit_link_change((link, entry), due, (false, true), out);
        self.entry_source_removed(Some(entry), due, out);
    }

    /// Reports the faults that hold from now on, and has them put on the link.
    fn emit_link_change(
        &self,
        (link, entry): (usize, usize),
        due: Moment,
        (reset, undone): (bool, bool),
        out: &mut EngineOutput<'_>,
    ) {
        let faults = self.links.faults(link);
        let latency = faults.latency.as_ref().map(Interval::describe);
        let (bandwidth, limit, slice) = (faults.bandwidth_text(), faults.limit_text(), faults.slice_text());
        out.event(&Event::LinkChanged {
            due,
            link: &self.scenario.links[link].name,
            entry: Some(self.scenario.timeline[entry].event_name(entry)),
            undone,
            latency: latency.as_deref(),
            bandwidth: bandwidth.as_deref(),
            cut: faults.cut.map(LinkCut::word),
            limit: limit.as_deref(),
            slice: slice.as_deref(),
            refuse: faults.refuse,
            reset,
        });
        out.effect(Effect::ChangeLink { link, faults: Arc::<LinkFaults>::new(faults), reset });
    }

    /// A connection of a link has been accepted.
    pub(super) fn link_opened(&mut self, at: &LinkConnection, out: &mut EngineOutput<'_>) {
        let Some(link) = self.find_link(&at.link) else { return };
        if self.links.open(link, at.connection) {
            out.event(&Event::LinkOpened { link: &at.link, connection: at.connection });
        }
    }

    /// A connection of a link has ended.
    pub(super) fn link_closed(
        &mut self,
        at: &LinkConnection,
        closing: &LinkClosing,
        out: &mut EngineOutput<'_>,
    ) {
        let Some(link) = self.find_link(&at.link) else { return };
        if self.links.close(link, at.connection) {
            let LinkClosing { bytes_to, bytes_from, why, error, took } = closing;
            out.event(&Event::LinkClosed {
                link: &at.link,
                connection: at.connection,
                why: *why,
                bytes_to: *bytes_to,
                bytes_from: *bytes_from,
                took: *took,
                error: error.as_deref(),
            });
        }
    }

    fn find_link(&self, name: &str) -> Option<usize> {
        self.scenario.links.binary_search_by(|link| (*link.name).cmp(name)).ok()
    }
}
