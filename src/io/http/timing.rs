//! How far one attempt has got: its phase, for the message if its time runs out, and how long each phase
//! took. It outlives the attempt, which is dropped when its time runs out.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use scenario_log::event::{FetchErrorKind, FetchTimings, SendCounts};
use scenario_log::time::Span;

use super::conn::socket::SocketShortage;
use super::error::FetchError;
use super::receive_counter::ReceiveCounter;

/// The phase in which an attempt waits.
#[derive(Debug, Default)]
pub(super) enum AttemptPhase {
    /// Its first turn.
    #[default]
    NotStarted,
    /// The connection of HTTP/2 that another request opens.
    Sharing,
    /// The addresses of this name.
    Resolving(String),
    /// A connection to one of these addresses.
    Connecting(String),
    /// The TLS handshake with this address.
    Handshake(SocketAddr),
    /// The head of the answer from this peer. With HTTP/1, the counter counts this answer only.
    Head(Rc<str>, Option<Rc<ReceiveCounter>>),
    /// The rest of the body: how many bytes arrived, and its length if the head states one.
    Body(u64, Option<u64>),
    /// Room in the inbox.
    Backpressure,
}

/// The effort of sending a request so far, over all of its attempts.
pub(super) type SendCounter = Rc<Cell<SendCounts>>;

/// How far one attempt has got.
#[derive(Debug, Default)]
pub(super) struct AttemptProgress {
    sent: SendCounter,
    /// Why the system has no socket for a new connection now.
    shortage: Cell<Option<SocketShortage>>,
    phase: RefCell<AttemptPhase>,
    timings: Cell<FetchTimings>,
    visited_urls: RefCell<Vec<String>>,
    has_emitted: Cell<bool>,
    reused: Cell<bool>,
}

impl AttemptProgress {
    /// An attempt that has not begun, of a request with this counter.
    pub(super) fn new(sent: SendCounter) -> AttemptProgress {
        AttemptProgress { sent, ..AttemptProgress::default() }
    }

    /// A connection was opened for the request.
    pub(super) fn count_opened(&self) {
        let sent = self.sent.get();
        self.sent.set(SendCounts { opened: sent.opened + 1, ..sent });
    }

    /// Whether the system has no socket for a new connection now.
    pub(super) fn set_shortage(&self, shortage: Option<SocketShortage>) {
        self.shortage.set(shortage);
    }

    pub(super) fn shortage(&self) -> Option<SocketShortage> {
        self.shortage.get()
    }

    /// The request is sent again at once.
    pub(super) fn count_resent(&self) {
        let sent = self.sent.get();
        self.sent.set(SendCounts { resent: sent.resent + 1, ..sent });
    }

    /// The effort of sending the request so far.
    pub(super) fn sent_counts(&self) -> SendCounts {
        self.sent.get()
    }

    /// The effort of sending a request that was answered: `opened` is left out where `reused` tells it.
    pub(super) fn answered_counts(&self) -> SendCounts {
        let sent = self.sent.get();
        let is_told = sent.opened == u64::from(!self.is_reused());
        SendCounts { opened: if is_told { 0 } else { sent.opened }, ..sent }
    }

    /// The attempt waits for this now.
    pub(super) fn enter(&self, phase: AttemptPhase) {
        *self.phase.borrow_mut() = phase;
    }

    /// How long each phase took so far, summed over redirects.
    pub(super) fn timings(&self) -> FetchTimings {
        self.timings.get()
    }

    /// Adds to the time of the phase that `slot` picks.
    pub(super) fn add_time(&self, slot: impl FnOnce(&mut FetchTimings) -> &mut Option<Span>, time: Duration) {
        let mut timings = self.timings.get();
        let slot = slot(&mut timings);
        let sum = slot.unwrap_or_default().0.saturating_add(Span::from_std(time).0);
        *slot = Some(Span(sum));
        self.timings.set(timings);
    }

    /// The attempt goes on at this URL, given as it may be shown.
    pub(super) fn push_url(&self, url: String) {
        self.visited_urls.borrow_mut().push(url);
    }

    /// The URLs so far: `http://a/ -> http://b/`. Of a long chain, only the first and the last ones.
    pub(super) fn url_chain(&self) -> String {
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

    /// How many redirects were followed so far.
    pub(super) fn redirect_count(&self) -> usize {
        self.visited_urls.borrow().len().saturating_sub(1)
    }

    pub(super) fn has_visited(&self, url: &str) -> bool {
        self.visited_urls.borrow().iter().any(|earlier| earlier == url)
    }

    /// Whether an earlier request used the connection.
    pub(super) fn set_reused(&self, reused: bool) {
        self.reused.set(reused);
    }

    pub(super) fn is_reused(&self) -> bool {
        self.reused.get()
    }

    /// A part of the answer is in the inbox, so no other attempt can follow.
    pub(super) fn set_emitted(&self) {
        self.has_emitted.set(true);
    }

    pub(super) fn has_emitted(&self) -> bool {
        self.has_emitted.get()
    }

    /// The failure of an attempt whose time runs out now.
    pub(super) fn timeout_error(&self, limit: Span) -> FetchError {
        let shortage = self.shortage().map(SocketShortage::advice);
        let phase = match &*self.phase.borrow() {
            _ if shortage.is_some() => shortage.unwrap_or_default(),
            AttemptPhase::NotStarted => "it had not begun".to_owned(),
            AttemptPhase::Sharing => {
                "the connection that it shares with other requests was not ready yet".to_owned()
            }
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
            AttemptPhase::Body(got, None) => format!("{got} bytes of the body had come, but not its end"),
            AttemptPhase::Backpressure => "the log could not keep up".to_owned(),
        };
        FetchError::transient(
            FetchErrorKind::Timeout,
            format!("not done within {}: {phase}", limit.format_human()),
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
