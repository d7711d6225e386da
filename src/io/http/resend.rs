//! Whether a request is sent again at once, because the server did not process it or closed the connection
//! before the first byte of an answer (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1; RFC 9113, section
//! 8.7). That is no retry: `retries` does not count it. Sends nothing.

use std::time::Duration;

use hyper::Method;

/// How many times a request is sent again.
const MAX_REPETITIONS: u32 = 10;

/// The pause before the second time; the first time there is none. Each further pause is twice as long …
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// … up to this one.
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnansweredReason {
    /// The connection was closed before the request was written.
    Unsent,
    /// The server states that it did not process the request.
    Refused,
    /// The same, but the server closed the connection because of an error.
    GoneAway,
    /// The connection was closed before the first byte of an answer. The server may have processed the
    /// request.
    Closed,
}

/// The repetitions of one request so far.
#[derive(Debug, Default)]
pub(super) struct RequestResends {
    repetitions: u32,
    /// A kept connection was closed, so the next one must be new.
    needs_new_conn: bool,
    /// A new connection of HTTP/2 was closed.
    met_new_close: bool,
}

impl RequestResends {
    /// Whether only a new connection may be used.
    pub(super) fn needs_new_conn(&self) -> bool {
        self.needs_new_conn
    }

    /// Whether the connection is to be given up after a refusal: it refused the request twice.
    pub(super) fn gives_up_conn(&self) -> bool {
        self.repetitions == 2
    }

    /// The pause before the request is sent again; `None` if it is not. The connection: whether it had
    /// been used before, and whether it is of HTTP/2.
    pub(super) fn pause_after(
        &mut self,
        reason: UnansweredReason,
        (is_reused, is_http2): (bool, bool),
        method: &Method,
    ) -> Option<Duration> {
        match reason {
            UnansweredReason::Closed if !is_repeatable(method) => return None,
            // A server that finds an error in a new connection would find it in the next one, too.
            UnansweredReason::GoneAway if !is_reused => return None,
            // A connection that others share is closed because of any of them, and so may the next one be.
            UnansweredReason::Closed if is_http2 && is_reused => {}
            // A server that is about to end accepts connections, and goes away at once. One that always closes
            // new connections would close the next ones, too.
            UnansweredReason::Closed if is_http2 => {
                if std::mem::replace(&mut self.met_new_close, true) {
                    return None;
                }
            }
            UnansweredReason::Closed | UnansweredReason::Unsent if !is_http2 => {
                if !is_reused || self.needs_new_conn {
                    return None;
                }
                self.needs_new_conn = true;
            }
            UnansweredReason::Closed
            | UnansweredReason::Unsent
            | UnansweredReason::Refused
            | UnansweredReason::GoneAway => {}
        }
        self.repetitions += 1;
        let pause =
            self.repetitions.checked_sub(2).map_or(Duration::ZERO, |n| FIRST_PAUSE * (1 << n)).min(MAX_PAUSE);
        (self.repetitions <= MAX_REPETITIONS).then_some(pause)
    }
}

/// Whether two requests with this method do the same as one (RFC 9110, section 9.2.2).
pub(super) fn is_repeatable(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::OPTIONS, Method::TRACE].contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_sent_once_more_after_a_kept_connection_was_closed() {
        for (reason, is_reused, method, again) in [
            (UnansweredReason::Closed, true, Method::GET, true),
            (UnansweredReason::Closed, false, Method::GET, false),
            (UnansweredReason::Closed, true, Method::POST, false),
            (UnansweredReason::Unsent, true, Method::POST, true),
            (UnansweredReason::Unsent, false, Method::POST, false),
        ] {
            let mut resends = RequestResends::default();
            let pause = resends.pause_after(reason, (is_reused, false), &method);
            assert_eq!(pause, again.then_some(Duration::ZERO), "{reason:?} {is_reused} {method}");
            assert_eq!(resends.pause_after(reason, (is_reused, false), &method), None, "only once");
        }
    }

    #[test]
    fn a_new_connection_of_http2_that_is_closed_is_no_end() {
        let (new, kept) = ((false, true), (true, true));
        for (reason, conn, method, times) in [
            (UnansweredReason::Closed, new, Method::GET, 1),
            (UnansweredReason::Closed, new, Method::POST, 0),
            (UnansweredReason::Unsent, new, Method::POST, 10),
            (UnansweredReason::GoneAway, new, Method::GET, 0),
            (UnansweredReason::GoneAway, kept, Method::POST, 10),
        ] {
            let mut resends = RequestResends::default();
            let again = (0..20).take_while(|_| resends.pause_after(reason, conn, &method).is_some()).count();
            assert_eq!(again, times, "{reason:?} {conn:?} {method}");
        }
    }

    #[test]
    fn a_refused_request_is_sent_ten_times_more_with_growing_pauses() {
        for (reason, is_reused, method) in
            [(UnansweredReason::Refused, false, Method::POST), (UnansweredReason::Closed, true, Method::GET)]
        {
            let mut resends = RequestResends::default();
            let pauses: Vec<Option<u128>> = (0..11)
                .map(|_| resends.pause_after(reason, (is_reused, true), &method))
                .map(|pause| pause.map(|pause| pause.as_millis()))
                .collect();
            assert_eq!(
                pauses,
                [0, 10, 20, 40, 80, 100, 100, 100, 100, 100]
                    .map(Some)
                    .into_iter()
                    .chain([None])
                    .collect::<Vec<_>>()
            );
            assert!(!resends.needs_new_conn());
        }
    }
}
