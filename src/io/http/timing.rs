//! How far one try has come: the phase for the words when its time runs out, and how long each
//! phase took. It outlives the try, which is dropped where it stands.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use scenario_log::event::{FetchFault, Timings};
use scenario_log::time::Span;

use crate::io::http::conn::stream::Received;
use crate::io::http::error::Fault;

/// What a try is waiting for.
#[derive(Debug, Default)]
pub(crate) enum Phase {
    /// Its turn.
    #[default]
    Start,
    /// This name's addresses.
    Resolving(String),
    /// A connection to one of these.
    Connecting(String),
    /// The TLS handshake.
    Handshake(SocketAddr),
    /// The head of the answer, with the connection's counter where it counts this answer only.
    Head(Rc<str>, Option<Rc<Received>>),
    /// The rest of the body: so much has come, of so much where the head said so.
    Body(u64, Option<u64>),
    /// The pause before another try, or the driver to take what came.
    Room,
}

/// How far one try has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: RefCell<Phase>,
    timings: Cell<Timings>,
    chain: RefCell<Vec<String>>,
    told: Cell<bool>,
    reused: Cell<bool>,
}

impl Progress {
    /// Waits for this now.
    pub(crate) fn enter(&self, phase: Phase) {
        *self.phase.borrow_mut() = phase;
    }

    /// How long each phase took so far. Redirects add up.
    pub(crate) fn timings(&self) -> Timings {
        self.timings.get()
    }

    /// A phase took this long; `slot` picks it.
    pub(crate) fn took(&self, slot: impl FnOnce(&mut Timings) -> &mut Option<Span>, time: Duration) {
        let mut timings = self.timings.get();
        let slot = slot(&mut timings);
        let sum = slot.unwrap_or_default().0.saturating_add(Span::from_std(time).0);
        *slot = Some(Span(sum));
        self.timings.set(timings);
    }

    /// The try goes on at this URL (fit to be shown).
    pub(crate) fn at(&self, url: String) {
        self.chain.borrow_mut().push(url);
    }

    /// The URLs so far: `http://a/ -> http://b/`; of many the first and the last ones.
    pub(crate) fn chain(&self) -> String {
        const SHOWN: usize = 8;
        let chain = self.chain.borrow();
        match chain.len().checked_sub(SHOWN) {
            None | Some(0) => chain.join(" -> "),
            Some(hidden) => {
                let last = chain[hidden + 2..].join(" -> ");
                format!("{} -> {} -> … {hidden} more … -> {last}", chain[0], chain[1])
            }
        }
    }

    /// How many redirects were followed.
    pub(crate) fn followed(&self) -> usize {
        self.chain.borrow().len().saturating_sub(1)
    }

    /// Whether the try has been at this URL.
    pub(crate) fn was_at(&self, url: &str) -> bool {
        self.chain.borrow().iter().any(|earlier| earlier == url)
    }

    /// The request goes over a connection that was used before, or not.
    pub(crate) fn on(&self, reused: bool) {
        self.reused.set(reused);
    }

    /// Whether the connection had been used before.
    pub(crate) fn reused(&self) -> bool {
        self.reused.get()
    }

    /// Something of the answer was left in the inbox: there can be no other try.
    pub(crate) fn tell(&self) {
        self.told.set(true);
    }

    /// Whether something of the answer was left in the inbox.
    pub(crate) fn told(&self) -> bool {
        self.told.get()
    }

    /// The failure of a try whose time ran out here.
    pub(crate) fn timed_out(&self, limit: Span) -> Fault {
        let what = match &*self.phase.borrow() {
            Phase::Start => "it had not begun".to_owned(),
            Phase::Resolving(host) => format!("the name {host} was still being resolved"),
            Phase::Connecting(peers) => format!("there was no connection to {peers} yet"),
            Phase::Handshake(peer) => format!("the TLS handshake with {peer} was not done"),
            Phase::Head(peer, received) => match received.as_ref().map_or(0, |received| received.bytes()) {
                0 => format!("{peer} had not begun to answer"),
                bytes => format!("only {bytes} bytes of the answer's head had come from {peer}"),
            },
            Phase::Body(got, Some(whole)) => format!("{got} of {whole} bytes of the body had come"),
            Phase::Body(got, None) => format!("{got} bytes of the body had come, and not its end"),
            Phase::Room => "the log could not keep up".to_owned(),
        };
        Fault::passing(FetchFault::Timeout, format!("not done within {}: {what}", limit.human()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_is_shown_by_its_ends() {
        let progress = Progress::default();
        for n in 0..12 {
            progress.at(n.to_string());
        }
        assert_eq!(progress.chain(), "0 -> 1 -> … 4 more … -> 6 -> 7 -> 8 -> 9 -> 10 -> 11");
        assert_eq!(progress.followed(), 11);
    }

    #[test]
    fn phases_of_redirects_add_up() {
        let progress = Progress::default();
        progress.took(|timings| &mut timings.connect, Duration::from_nanos(3));
        progress.took(|timings| &mut timings.connect, Duration::from_nanos(4));
        assert_eq!(progress.timings(), Timings { connect: Some(Span(7)), ..Timings::default() });
    }
}
