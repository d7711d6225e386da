//! The time limit of the requests of a load, or of one fetch of players: one timer for all of them, because the runtime registers and
//! removes each timer under a lock.
//!
//! # How it works
//!
//! All requests have the same limit. A task sleeps until the first deadline, checks all deadlines, and
//! sleeps again; requests that start in the meantime have later deadlines. So requests that are answered in
//! time cost only one check of all workers for each period of the limit.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::io::inbox::Inbox;

/// The most deadlines that are kept for later requests.
const MAX_SPARE: usize = 256;

/// The deadlines of one fetch.
pub(crate) struct LoadDeadlines {
    inbox: Rc<Inbox>,
    limit: Duration,
    deadlines: RefCell<Vec<Weak<RequestDeadline>>>,
    /// Those of no request, to be lent again.
    spare: RefCell<Vec<Rc<RequestDeadline>>>,
}

/// The deadline of a worker's current request.
#[derive(Debug, Default)]
pub(crate) struct RequestDeadline {
    /// When the current request began, and how long the run had been paused by then.
    started: Cell<Option<(Instant, Duration)>>,
    is_expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl LoadDeadlines {
    /// Each deadline is `limit` after its request begins; pauses of the run do not count. Needs a `LocalSet`
    /// around it.
    pub(crate) fn new(inbox: &Rc<Inbox>, limit: Duration) -> Rc<LoadDeadlines> {
        let deadlines = Rc::new(LoadDeadlines {
            inbox: Rc::clone(inbox),
            limit,
            deadlines: RefCell::default(),
            spare: RefCell::default(),
        });
        let watched = Rc::downgrade(&deadlines);
        tokio::task::spawn_local(async move {
            let mut next = Instant::now() + limit;
            loop {
                tokio::time::sleep_until(next.into()).await;
                let Some(deadlines) = watched.upgrade() else { return };
                next = deadlines.expire_due(Instant::now());
            }
        });
        deadlines
    }

    /// Adds a deadline.
    pub(super) fn add(&self) -> Rc<RequestDeadline> {
        let deadline = Rc::default();
        self.deadlines.borrow_mut().push(Rc::downgrade(&deadline));
        deadline
    }

    /// A deadline for one request.
    pub(crate) fn lend(&self) -> Rc<RequestDeadline> {
        let spare = self.spare.borrow_mut().pop();
        spare.unwrap_or_else(|| self.add())
    }

    /// Takes the deadline of a request that has ended.
    pub(crate) fn take_back(&self, deadline: Rc<RequestDeadline>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MAX_SPARE {
            spare.push(deadline);
        }
    }

    /// Runs a future that begins at `now`; `None` if it takes longer than the limit.
    pub(crate) async fn run_until_deadline<T>(
        &self,
        deadline: &RequestDeadline,
        now: Instant,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        deadline.is_expired.set(false);
        deadline.started.set(Some((now, self.inbox.paused_time().total())));
        let result = std::future::poll_fn(|context| {
            if deadline.is_expired.get() {
                return Poll::Ready(None);
            }
            let result = future.as_mut().poll(context).map(Some);
            if result.is_pending() {
                deadline.store_waker(context.waker());
            }
            result
        })
        .await;
        deadline.started.set(None);
        result
    }

    /// Expires the deadlines that are over at `now`, and returns when to check again.
    fn expire_due(&self, now: Instant) -> Instant {
        let paused = self.inbox.paused_time().total();
        let mut next = now + self.limit;
        self.deadlines.borrow_mut().retain(|deadline| {
            let Some(deadline) = deadline.upgrade() else { return false };
            if let Some((began, paused_before)) = deadline.started.get() {
                let due = began + self.limit + paused.saturating_sub(paused_before);
                if due > now {
                    next = next.min(due);
                } else {
                    deadline.expire();
                }
            }
            true
        });
        next
    }
}

impl RequestDeadline {
    fn store_waker(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    fn expire(&self) {
        self.started.set(None);
        self.is_expired.set(true);
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(30);

    fn on_tokio(test: impl AsyncFn(&LoadDeadlines, &Inbox)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), async {
            let inbox = Inbox::new();
            test(&LoadDeadlines::new(&inbox, LIMIT), &inbox).await;
        });
    }

    #[test]
    fn only_a_future_that_takes_longer_is_ended() {
        on_tokio(async |deadlines, _| {
            let (one, other) = (deadlines.add(), deadlines.add());
            for _ in 0..3 {
                let began = Instant::now();
                let never = deadlines.run_until_deadline(&one, began, pending::<()>());
                let (never, done) =
                    tokio::join!(never, deadlines.run_until_deadline(&other, began, ready(1)));
                assert_eq!((never, done), (None, Some(1)));
                assert!(began.elapsed() >= LIMIT, "never early");
            }
            assert_eq!(
                deadlines.run_until_deadline(&one, Instant::now(), ready(2)).await,
                Some(2),
                "as if it were new"
            );
        });
    }

    #[test]
    fn each_has_the_whole_limit_however_late_it_begins() {
        on_tokio(async |deadlines, _| {
            let (one, other) = (deadlines.add(), deadlines.add());
            let began = Instant::now();
            let late = async {
                tokio::time::sleep(LIMIT / 2).await;
                let began = Instant::now();
                deadlines.run_until_deadline(&other, began, pending::<()>()).await;
                began.elapsed()
            };
            let (_, late) = tokio::join!(deadlines.run_until_deadline(&one, began, pending::<()>()), late);
            assert!(late >= LIMIT);
        });
    }

    #[test]
    fn a_pause_does_not_count() {
        on_tokio(async |deadlines, inbox| {
            let (one, began) = (deadlines.add(), Instant::now());
            let pause = async {
                tokio::time::sleep(LIMIT / 2).await;
                inbox.paused_time().add(LIMIT * 3);
            };
            let (never, ()) = tokio::join!(deadlines.run_until_deadline(&one, began, pending::<()>()), pause);
            assert_eq!(never, None);
            assert!(began.elapsed() >= LIMIT * 4);
        });
    }
}
