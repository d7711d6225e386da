//! Actions on a spawn besides a stop: signals, a kill, and the order to spawn it again.

use crate::engine::lineage::SpawnLineage;
use scenario_log::event::SpawnExit;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// The actions on a spawn besides a stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpawnActs {
    /// A bit for the number of each signal that it was sent.
    signals: u64,
    is_killed: bool,
    /// The planned moment of its restart, until it has ended.
    restart: Option<Moment>,
    /// When it continues, if it was stopped with STOP for some time, and the entry that did it.
    pause: Option<(Moment, Option<usize>)>,
}

/// The order to spawn something again.
#[derive(Clone, Debug)]
pub(crate) struct SpawnRestart {
    pub(crate) preset: usize,
    /// The entry of what has ended, which has the new spawn too.
    pub(crate) entry: Option<usize>,
    /// The planned moment, if it does not depend on a process.
    pub(crate) due: Option<Moment>,
    /// The place of what has ended, which the new spawn takes.
    pub(crate) lineage: SpawnLineage,
}

impl SpawnActs {
    /// Notes that a signal is sent. Any CONT ends a pause.
    pub(crate) fn record_signal(&mut self, signal: Signal) {
        self.signals |= bit(signal);
        if signal == Signal::CONT {
            self.pause = None;
        }
    }

    /// Lets a pause last until this moment at least.
    pub(crate) fn pause_until(&mut self, moment: Moment, entry: Option<usize>) {
        if self.pause.is_none_or(|(until, _)| until <= moment) {
            self.pause = Some((moment, entry));
        }
    }

    /// Ends a pause that is over at this moment. Returns the entry that began it.
    pub(crate) fn end_pause(&mut self, moment: Moment) -> Option<Option<usize>> {
        self.pause.take_if(|(until, _)| *until <= moment).map(|(_, entry)| entry)
    }

    /// Notes that it is killed; false if it already was.
    pub(crate) fn begin_kill(&mut self) -> bool {
        self.restart = None;
        !std::mem::replace(&mut self.is_killed, true)
    }

    /// Lets it be spawned again when it has ended.
    pub(crate) fn order_restart(&mut self, due: Moment) {
        self.restart = Some(due);
    }

    pub(crate) fn cancel_restart(&mut self) {
        self.restart = None;
    }

    /// The planned moment of its restart.
    pub(crate) fn restart(&self) -> Option<Moment> {
        self.restart
    }

    /// Whether the runner caused an exit: it killed the spawn, or sent it the signal that it died of.
    pub(crate) fn explains(&self, exit: SpawnExit) -> bool {
        self.is_killed || matches!(exit, SpawnExit::Signal(signal) if self.signals & bit(signal) != 0)
    }
}

fn bit(signal: Signal) -> u64 {
    // The numbers are 1 to 64.
    1 << (signal.number() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_signals_and_a_kill_explain_an_exit() {
        let mut acts = SpawnActs::default();
        assert!(!acts.explains(SpawnExit::Signal(Signal::HUP)));
        acts.record_signal(Signal::HUP);
        assert!(acts.explains(SpawnExit::Signal(Signal::HUP)));
        assert!(!acts.explains(SpawnExit::Signal(Signal::TERM)) && !acts.explains(SpawnExit::Code(1)));
        assert!(acts.begin_kill() && !acts.begin_kill());
        assert!(acts.explains(SpawnExit::Signal(Signal::KILL)) && acts.explains(SpawnExit::Code(1)));
    }

    #[test]
    fn the_last_of_two_pauses_counts() {
        let mut acts = SpawnActs::default();
        acts.pause_until(Moment(5), Some(1));
        acts.pause_until(Moment(3), Some(2));
        assert_eq!(acts.end_pause(Moment(3)), None);
        assert_eq!(acts.end_pause(Moment(5)), Some(Some(1)));
        acts.pause_until(Moment(9), None);
        acts.record_signal(Signal::CONT);
        assert_eq!(acts.end_pause(Moment(9)), None);
    }
}
