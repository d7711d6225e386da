//! The time limit of a load's requests: one timer for all of them, since a timer of the runtime's for
//! each is registered and taken away again under a lock.
//!
//! # How it works
//!
//! All have the same limit. Whoever watches sleeps until the first of them would be over, looks at
//! all, and sleeps again: what has begun since is over later still. So requests that are answered in
//! time cost a look at all workers once in a limit, and nothing else.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::io::inbox::Inbox;

/// The deadlines of one load.
pub(crate) struct Deadlines {
    inbox: Rc<Inbox>,
    limit: Duration,
    all: RefCell<Vec<Weak<Deadline>>>,
}

/// The deadline of one request after the other.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    /// When the request in hand began, and how long the run had stood still by then.
    began: Cell<Option<(Instant, Duration)>>,
    is_over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Deadlines {
    /// None yet; each is `limit` after its request begins, pauses not counted. Needs a `LocalSet` around
    /// it.
    pub(crate) fn new(inbox: &Rc<Inbox>, limit: Duration) -> Rc<Deadlines> {
        let deadlines = Rc::new(Deadlines { inbox: Rc::clone(inbox), limit, all: RefCell::default() });
        let watched = Rc::downgrade(&deadlines);
        tokio::task::spawn_local(async move {
            let mut next = Instant::now() + limit;
            loop {
                tokio::time::sleep_until(next.into()).await;
                let Some(deadlines) = watched.upgrade() else { return };
                next = deadlines.look(Instant::now());
            }
        });
        deadlines
    }

    /// A deadline more.
    pub(crate) fn add(&self) -> Rc<Deadline> {
        let deadline = Rc::default();
        self.all.borrow_mut().push(Rc::downgrade(&deadline));
        deadline
    }

    /// What comes of a future that begins now; `None` if it takes longer than the limit.
    pub(crate) async fn limit<T>(
        &self,
        deadline: &Deadline,
        now: Instant,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        deadline.is_over.set(false);
        deadline.began.set(Some((now, self.inbox.pauses().so_far())));
        let result = std::future::poll_fn(|context| {
            if deadline.is_over.get() {
                return Poll::Ready(None);
            }
            let result = future.as_mut().poll(context).map(Some);
            if result.is_pending() {
                deadline.keep(context.waker());
            }
            result
        })
        .await;
        deadline.began.set(None);
        result
    }

    /// Ends what is over by `now`, and says when to look again.
    fn look(&self, now: Instant) -> Instant {
        let stood = self.inbox.pauses().so_far();
        let mut next = now + self.limit;
        self.all.borrow_mut().retain(|deadline| {
            let Some(deadline) = deadline.upgrade() else { return false };
            if let Some((began, before)) = deadline.began.get() {
                let due = began + self.limit + stood.saturating_sub(before);
                if due > now {
                    next = next.min(due);
                } else {
                    deadline.end();
                }
            }
            true
        });
        next
    }
}

impl Deadline {
    /// Remembers whom to wake.
    fn keep(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    fn end(&self) {
        self.began.set(None);
        self.is_over.set(true);
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

    fn on_tokio(test: impl AsyncFn(&Deadlines, &Inbox)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), async {
            let inbox = Inbox::new();
            test(&Deadlines::new(&inbox, LIMIT), &inbox).await;
        });
    }

    #[test]
    fn what_takes_longer_is_ended_and_what_is_done_is_not() {
        on_tokio(async |deadlines, _| {
            let (one, other) = (deadlines.add(), deadlines.add());
            for _ in 0..3 {
                let began = Instant::now();
                let never = deadlines.limit(&one, began, pending::<()>());
                let (never, done) = tokio::join!(never, deadlines.limit(&other, began, ready(1)));
                assert_eq!((never, done), (None, Some(1)));
                assert!(began.elapsed() >= LIMIT, "never early");
            }
            assert_eq!(deadlines.limit(&one, Instant::now(), ready(2)).await, Some(2), "as if it were new");
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
                deadlines.limit(&other, began, pending::<()>()).await;
                began.elapsed()
            };
            let (_, late) = tokio::join!(deadlines.limit(&one, began, pending::<()>()), late);
            assert!(late >= LIMIT);
        });
    }

    #[test]
    fn a_pause_is_no_time() {
        on_tokio(async |deadlines, inbox| {
            let (one, began) = (deadlines.add(), Instant::now());
            let pause = async {
                tokio::time::sleep(LIMIT / 2).await;
                inbox.pauses().add(LIMIT * 3);
            };
            let (never, ()) = tokio::join!(deadlines.limit(&one, began, pending::<()>()), pause);
            assert_eq!(never, None);
            assert!(began.elapsed() >= LIMIT * 4);
        });
    }
}
