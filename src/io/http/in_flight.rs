//! The requests in flight, and the promise that each ends with exactly one `FetchFinished` or
//! `FetchFailed` in the inbox. Sends nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::time::Instant;

use tokio::task::AbortHandle;

use super::timing::SendCounter;
use crate::io::inbox::Inbox;
use scenario_core::engine::input::Input;
use scenario_log::event::{FetchErrorKind, Source};
use scenario_log::time::Span;

/// The requests in flight.
pub(super) struct InFlightRequests {
    inbox: Rc<Inbox>,
    /// Only ever looked up by source, so its order cannot show.
    requests: RefCell<HashMap<Source, InFlightRequest, BuildHasherDefault<SourceHasher>>>,
}

struct InFlightRequest {
    started: Instant,
    sent: SendCounter,
    task: Option<AbortHandle>,
}

impl InFlightRequests {
    pub(super) fn new(inbox: Rc<Inbox>) -> Rc<InFlightRequests> {
        Rc::new(InFlightRequests { inbox, requests: RefCell::default() })
    }

    /// Adds a request, and the task that fetches it. Its time counts from `started`.
    pub(super) fn insert(
        &self,
        source: Source,
        (started, sent): (Instant, SendCounter),
        task: Option<AbortHandle>,
    ) {
        self.requests.borrow_mut().insert(source, InFlightRequest { started, sent, task });
    }

    pub(super) fn count(&self) -> usize {
        self.requests.borrow().len()
    }

    /// Ends a request and its task, if it is still in flight.
    pub(super) fn abort(&self, source: Source) {
        let Some(request) = self.requests.borrow_mut().remove(&source) else { return };
        if let Some(task) = request.task {
            task.abort();
        }
        self.inbox.push(Input::FetchFailed {
            source,
            kind: FetchErrorKind::Reset,
            error: "given up before the answer was whole: it was stopped, or the run ended".to_owned(),
            took: Span::from_std(request.started.elapsed()),
            sent: request.sent.get(),
        });
    }

    /// Leaves the outcome of a request in the inbox, if the request is still in flight.
    fn finish(&self, source: Source, outcome: Input) {
        if self.requests.borrow_mut().remove(&source).is_some() {
            self.inbox.push(outcome);
        }
    }
}

/// Ends a request exactly once: with [`FetchCompletion::finish`], or, if it is dropped before (the task was
/// aborted, or it panicked), as aborted.
pub(super) struct FetchCompletion {
    in_flight: Rc<InFlightRequests>,
    source: Source,
}

impl FetchCompletion {
    pub(super) fn new(in_flight: &Rc<InFlightRequests>, source: Source) -> FetchCompletion {
        FetchCompletion { in_flight: Rc::clone(in_flight), source }
    }

    /// Leaves the outcome of the request in the inbox.
    pub(super) fn finish(self, outcome: Input) {
        self.in_flight.finish(self.source, outcome);
    }
}

impl Drop for FetchCompletion {
    fn drop(&mut self) {
        self.in_flight.abort(self.source);
    }
}

/// Hashes consecutive numbers with one multiplication each (Knuth, The Art of Computer Programming,
/// volume 3, section 6.4). That is safe here because the numbers do not come from outside.
#[derive(Default)]
struct SourceHasher(u64);

impl Hasher for SourceHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}
