//! Panics are faults of the program itself. They are noticed on whatever thread and in whatever task
//! they happen, so that a run can still be ended in order.
//!
//! Prints nothing, and repairs nothing.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;

use tokio::sync::Notify;

/// The first panic of this process. A panic does not know which run it concerns, so there is one for
/// all.
static FIRST_PANIC: OnceLock<String> = OnceLock::new();
static PANICKED: Notify = Notify::const_new();

/// Notices panics from now on, and calls `report` in place of the usual message.
pub fn install_hook(report: impl Fn(&str) + Send + Sync + 'static) {
    set_hook(Box::new(move |panic| {
        let what = panic_message(panic);
        report(&what);
        if FIRST_PANIC.set(what).is_ok() {
            PANICKED.notify_one();
        }
    }));
}

fn panic_message(panic: &PanicHookInfo<'_>) -> String {
    let what = panic.payload_as_str().unwrap_or("a panic without words");
    match panic.location() {
        Some(place) => format!("{what} ({}:{})", place.file(), place.line()),
        None => what.to_owned(),
    }
}

/// The first panic that was noticed, if there has been one.
#[must_use]
pub fn first_panic() -> Option<&'static str> {
    FIRST_PANIC.get().map(String::as_str)
}

/// Waits until there has been one.
pub async fn wait_for_panic() {
    while first_panic().is_none() {
        PANICKED.notified().await;
    }
}

/// Awaits a future; `None` if it panics. What the future worked on must then be left alone, or only
/// be cleared away.
pub async fn catch_future<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(result)) => Poll::Ready(Some(result)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// The same for a function that does not wait.
pub fn catch_call<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Panics if `SCENARIO_TEST_PANIC` names this place: the tests use it to cause a fault. Never in a
/// release.
pub fn panic_if_requested(place: &str) {
    if cfg!(debug_assertions) && std::env::var_os("SCENARIO_TEST_PANIC").is_some_and(|wanted| wanted == place)
    {
        panic!("a panic is wanted here: {place}");
    }
}

/// The same for code that goes on after a panic, and could panic again: with `PLACE` it panics once,
/// and with `PLACE again` each time.
pub fn panic_once_if_requested(place: &str) {
    if first_panic().is_none() {
        panic_if_requested(place);
    }
    panic_if_requested(&format!("{place} again"));
}
