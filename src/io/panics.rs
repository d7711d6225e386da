//! Panics: faults of the program itself, noticed on whatever thread and in whatever task they happen,
//! so that a run can still be ended in order.
//!
//! Prints nothing, and repairs nothing.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;

use tokio::sync::Notify;

/// The first of this process. Panics know nothing of whom they concern, so this is for all.
static FIRST_PANIC: OnceLock<String> = OnceLock::new();
static PANICKED: Notify = Notify::const_new();

/// Notices panics from now on, and has each told in the place of the usual message.
pub fn install_hook(tell: impl Fn(&str) + Send + Sync + 'static) {
    set_hook(Box::new(move |panic| {
        let what = panic_message(panic);
        tell(&what);
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

/// What comes of a future; `None` if it panics. What it was at work on is to be left alone then, or
/// only to be cleared away.
pub async fn catch_future<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(result)) => Poll::Ready(Some(result)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// The same for what does not wait.
pub fn catch_call<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

/// Panics if `SCENARIO_TEST_PANIC` names this place: the tests' way to have a fault. Not in a release.
pub fn panic_if_requested(place: &str) {
    if cfg!(debug_assertions) && std::env::var_os("SCENARIO_TEST_PANIC").is_some_and(|wanted| wanted == place)
    {
        panic!("a panic is wanted here: {place}");
    }
}

/// The same for what goes on after a panic, and could panic again: by the name of `PLACE` it does so
/// once, and by `PLACE again` each time.
pub fn panic_once_if_requested(place: &str) {
    if first_panic().is_none() {
        panic_if_requested(place);
    }
    panic_if_requested(&format!("{place} again"));
}
