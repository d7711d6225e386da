//! How far one try has come: the phase for the words when its time runs out, and how long each
//! phase took. It outlives the try, which is dropped where it stands.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use scenario_log::event::{FetchErrorKind, FetchTimings};
use scenario_log::time::Span;

use crate::io::http::conn::stream::ReceiveCounter;
use crate::io::http::error::FetchError;

/// What a try is waiting for.
#[derive(Debug, Default)]
pub(crate) enum AttemptPhase {
    /// Its turn.
    #[default]
    NotStarted,
    /// This name's addresses.
    Resolving(String),
    /// A connection to one of these.
    Connecting(String),
    /// The TLS handshake.
    Handshake(SocketAddr),
    /// The head of the answer, with the connection's counter where it counts this answer only.
    Head(Rc<str>, Option<Rc<ReceiveCounter>>),
    /// The rest of the body: so much has come, of so much where the head said so.
    Body(u64, Option<u64>),
    /// The pause before another try, or the driver to take what came.
    Backpressure,
}

/// How far one try has come.
#[derive(Debug, Default)]
pub(crate) struct AttemptProgress {
    phase: RefCell<AttemptPhase>,
    timings: Cell<FetchTimings>,
    visited_urls: RefCell<Vec<String>>,
    has_emitted: Cell<bool>,
    reused: Cell<bool>,
}

impl AttemptProgress {
    /// Waits for this now.
    pub(crate) fn enter(&self, phase: AttemptPhase) {
        *self.phase.borrow_mut() = phase;
    }

    /// How long each phase took so far. Redirects add up.
    pub(crate) fn timings(&self) -> FetchTimings {
        self.timings.get()
    }

    /// A phase took this long; `slot` picks it.
    pub(crate) fn add_time(&self, slot: impl FnOnce(&mut FetchTimings) -> &mut Option<Span>, time: Duration) {
        let mut timings = self.timings.get();
        let slot = slot(&mut timings);
        let sum = slot.unwrap_or_default().0.saturating_add(Span::from_std(time).0);
        *slot = Some(Span(sum));
        self.timings.set(timings);
    }

    /// The try goes on at this URL (fit to be shown).
    pub(crate) fn push_url(&self, url: String) {
        self.visited_urls.borrow_mut().push(url);
    }

    /// The URLs so far: `http://a/ -> http://b/`; of many the first and the last ones.
    pub(crate) fn url_chain(&self) -> String {
        const SHOWN: usize = 8;
        let chain = self.visited_urls.borrow();
        match chain.len().checked_sub(SHOWN) {
            None | Some(0) => chain.join(" -> "),
            Some(hidden) => {
                let last = chain[hidden + 2..].join(" -> ");
                format!("{} -> {} -> … {hidden} more … -> {last}", chain[0], chain[1])
            }
        }
    }

    /// How many redirects were followed.
    pub(crate) fn redirect_count(&self) -> usize {
        self.visited_urls.borrow().len().saturating_sub(1)
    }

    /// Whether the try has been at this URL.
    pub(crate) fn has_visited(&self, url: &str) -> bool {
        self.visited_urls.borrow().iter().any(|earlier| earlier == url)
    }

    /// The request goes over a connection that was used before, or not.
    pub(crate) fn set_reused(&self, reused: bool) {
        self.reused.set(reused);
    }

    /// Whether the connection had been used before.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused.get()
    }

    /// Something of the answer was left in the inbox: there can be no other try.
    pub(crate) fn set_emitted(&self) {
        self.has_emitted.set(true);
    }

    /// Whether something of the answer was left in the inbox.
    pub(crate) fn has_emitted(&self) -> bool {
        self.has_emitted.get()
    }

    /// The failure of a try whose time ran out here.
    pub(crate) fn timeout_error(&self, limit: Span) -> FetchError {
        let what = match &*self.phase.borrow() {
            AttemptPhase::NotStarted => "it had not begun".to_owned(),
            AttemptPhase::Resolving(host) => format!("the name {host} was still being resolved"),
            AttemptPhase::Connecting(peers) => format!("there was no connection to {peers} yet"),
            AttemptPhase::Handshake(peer) => format!("the TLS handshake with {peer} was not done"),
            AttemptPhase::Head(peer, received) => {
                match received.as_ref().map_or(0, |received| received.bytes()) {
                    0 => format!("{peer} had not begun to answer"),
                    bytes => format!("only {bytes} bytes of the answer's head had come from {peer}"),
                }
            }
            AttemptPhase::Body(got, Some(whole)) => format!("{got} of {whole} bytes of the body had come"),
            AttemptPhase::Body(got, None) => format!("{got} bytes of the body had come, and not its end"),
            AttemptPhase::Backpressure => "the log could not keep up".to_owned(),
        };
        FetchError::transient(
            FetchErrorKind::Timeout,
            format!("not done within {}: {what}", limit.format_human()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_is_shown_by_its_ends() {
        let progress = AttemptProgress::default();
        for n in 0..12 {
            progress.push_url(n.to_string());
        }
        assert_eq!(progress.url_chain(), "0 -> 1 -> … 4 more … -> 6 -> 7 -> 8 -> 9 -> 10 -> 11");
        assert_eq!(progress.redirect_count(), 11);
    }

    #[test]
    fn phases_of_redirects_add_up() {
        let progress = AttemptProgress::default();
        progress.add_time(|timings| &mut timings.connect, Duration::from_nanos(3));
        progress.add_time(|timings| &mut timings.connect, Duration::from_nanos(4));
        assert_eq!(progress.timings(), FetchTimings { connect: Some(Span(7)), ..FetchTimings::default() });
    }
}
