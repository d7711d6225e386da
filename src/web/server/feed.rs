//! The feed of the pages: a stream of server-sent events, the same bytes for all pages.
//!
//! The driver publishes changes, and a state whenever a page has come. Nothing here waits for a page:
//! a page that lags too far is dropped, and gets a notice of that.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};

/// How many changes a page may lag.
const MAX_LAG: usize = 64;

/// One event of the stream, encoded.
#[derive(Clone, Debug)]
pub(super) enum PageFeedEvent {
    /// The whole state: for pages that have just come, or for all pages.
    State { event: Bytes, is_for_all: bool },
    /// A change of the state.
    Change(Bytes),
    /// The last event.
    End(Bytes),
}

/// The newest state of the world, and how many states there have been.
#[derive(Clone, Debug, Default)]
pub(super) struct PageFeedWorld {
    pub(super) count: u64,
    /// The state's line of the log, without its newline.
    pub(super) line: Bytes,
    /// The same, encoded as an event of the stream.
    pub(super) event: Bytes,
}

/// How long a page waits until it asks for the next run, in milliseconds.
const RETRY_AFTER_MS: u32 = 300;

/// The feed. Its clones are the same feed.
#[derive(Clone, Debug)]
pub struct PageFeed(Arc<PageFeedShared>);

#[derive(Debug)]
struct PageFeedShared {
    events: Mutex<broadcast::Sender<PageFeedEvent>>,
    world: watch::Sender<PageFeedWorld>,
    /// Whether a page waits for a state; `state_requested` notifies of it.
    is_state_requested: AtomicBool,
    state_requested: Notify,
    readers: AtomicU64,
    dropped: AtomicU64,
}

impl PageFeed {
    pub(super) fn new() -> PageFeed {
        PageFeed(Arc::new(PageFeedShared {
            events: Mutex::new(broadcast::Sender::new(MAX_LAG)),
            world: watch::Sender::default(),
            is_state_requested: AtomicBool::new(false),
            state_requested: Notify::new(),
            readers: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Whether any page reads.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.0.readers.load(Ordering::Relaxed) > 0
    }

    /// How many pages read, and how many have been dropped because they were too slow.
    #[must_use]
    pub fn reader_counts(&self) -> (u64, u64) {
        (self.0.readers.load(Ordering::Relaxed), self.0.dropped.load(Ordering::Relaxed))
    }

    /// Whether a page waits for a state. The caller has to publish one then.
    #[must_use]
    pub fn take_state_request(&self) -> bool {
        self.0.is_state_requested.swap(false, Ordering::AcqRel)
    }

    /// Waits until a page waits for a state.
    pub async fn state_requested(&self) {
        self.0.state_requested.notified().await;
    }

    /// Publishes the whole state: for pages that have just come, or for all pages, which then forget
    /// what they had.
    pub fn publish_state(&self, json: &str, is_for_all: bool) {
        self.publish(PageFeedEvent::State { event: encode_event("state", json), is_for_all });
    }

    /// Publishes a change.
    pub fn publish_change(&self, json: &str) {
        self.publish(PageFeedEvent::Change(encode_event("change", json)));
    }

    /// Publishes the newest state of the world: a line of the log without its newline. A page that
    /// has not taken the one before gets only this.
    pub fn publish_world(&self, line: &str) {
        let (line, event) = (Bytes::copy_from_slice(line.as_bytes()), encode_event("world", line));
        self.0.world.send_modify(|world| *world = PageFeedWorld { count: world.count + 1, line, event });
    }

    pub(super) fn end(&self, why: &str) {
        let bye = encode_event("bye", &format!(r#"{{"why":"{why}"}}"#));
        // Where another run comes, the pages come back soon; a browser would wait for seconds.
        let retry = if why == "again" { format!("retry: {RETRY_AFTER_MS}\n\n") } else { String::new() };
        self.publish(PageFeedEvent::End([retry.as_bytes(), &bye].concat().into()));
        // The stream ends when its sender is dropped.
        *self.events() = broadcast::Sender::new(1);
    }

    fn publish(&self, note: PageFeedEvent) {
        // There may be no reader.
        let _ = self.events().send(note);
    }

    fn events(&self) -> std::sync::MutexGuard<'_, broadcast::Sender<PageFeedEvent>> {
        self.0.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes a page.
    pub(super) fn subscribe(&self) -> PageFeedReader {
        let reader = PageFeedReader {
            events: self.events().subscribe(),
            world: self.0.world.subscribe(),
            has_state: false,
            feed: self.clone(),
        };
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        self.0.is_state_requested.store(true, Ordering::Release);
        self.0.state_requested.notify_one();
        reader
    }

    /// Subscribes to the newest state of the world.
    pub(super) fn subscribe_world(&self) -> watch::Receiver<PageFeedWorld> {
        self.0.world.subscribe()
    }

    pub(super) fn count_dropped(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn encode_event(name: &str, data: &str) -> Bytes {
    debug_assert!(!data.contains('\n'), "JSON of one line");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// The feed as one page reads it.
#[derive(Debug)]
pub(super) struct PageFeedReader {
    events: broadcast::Receiver<PageFeedEvent>,
    world: watch::Receiver<PageFeedWorld>,
    has_state: bool,
    feed: PageFeed,
}

/// What a reader gets next.
#[derive(Debug)]
pub(super) enum PageFeedNext {
    Event(Bytes),
    Last(Bytes),
    /// The reader lagged too far.
    Lagged,
    Ended,
}

impl PageFeedReader {
    /// Waits for the next event. Loses none if it is dropped.
    pub(super) async fn next_event(&mut self) -> PageFeedNext {
        loop {
            let note = tokio::select! {
                biased;
                note = self.events.recv() => note,
                world = self.world.changed(), if self.has_state => match world {
                    Ok(()) => return PageFeedNext::Event(self.world.borrow_and_update().event.clone()),
                    Err(_) => return PageFeedNext::Ended,
                },
            };
            match note {
                Ok(PageFeedEvent::State { event, is_for_all }) => {
                    if !std::mem::replace(&mut self.has_state, true) || is_for_all {
                        return PageFeedNext::Event(event);
                    }
                }
                Ok(PageFeedEvent::Change(event)) if self.has_state => return PageFeedNext::Event(event),
                Ok(PageFeedEvent::Change(_)) => {}
                Ok(PageFeedEvent::End(event)) => return PageFeedNext::Last(event),
                Err(broadcast::error::RecvError::Lagged(_)) => return PageFeedNext::Lagged,
                Err(broadcast::error::RecvError::Closed) => return PageFeedNext::Ended,
            }
        }
    }
}

impl Drop for PageFeedReader {
    fn drop(&mut self) {
        self.feed.0.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(reader: &mut PageFeedReader) -> Option<PageFeedNext> {
        use std::future::Future;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(reader.next_event()).as_mut().poll(&mut context) {
            std::task::Poll::Ready(next) => Some(next),
            std::task::Poll::Pending => None,
        }
    }

    fn text(next: Option<PageFeedNext>) -> String {
        match next {
            Some(PageFeedNext::Event(event) | PageFeedNext::Last(event)) => {
                String::from_utf8(event.to_vec()).unwrap()
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_late_reader_gets_the_state_and_then_changes() {
        let feed = PageFeed::new();
        let mut first = feed.subscribe();
        assert!(feed.take_state_request() && !feed.take_state_request());
        feed.publish_state("1", false);
        feed.publish_change("2");
        let mut second = feed.subscribe();
        feed.publish_change("3");
        feed.publish_state("123", false);
        feed.publish_change("4");
        let all = |reader: &mut PageFeedReader| {
            std::iter::from_fn(|| next(reader)).map(|next| text(Some(next))).collect::<Vec<_>>()
        };
        let events = |events: &[(&str, &str)]| {
            events.iter().map(|(name, data)| format!("event: {name}\ndata: {data}\n\n")).collect::<Vec<_>>()
        };
        assert_eq!(
            all(&mut first),
            events(&[("state", "1"), ("change", "2"), ("change", "3"), ("change", "4")])
        );
        assert_eq!(all(&mut second), events(&[("state", "123"), ("change", "4")]));
        feed.publish_state("new", true);
        assert_eq!(all(&mut first), events(&[("state", "new")]));
    }

    #[test]
    fn only_a_reader_that_lags_too_far_is_dropped() {
        let feed = PageFeed::new();
        let (mut fast, mut slow) = (feed.subscribe(), feed.subscribe());
        feed.publish_state("0", false);
        for n in 0..=MAX_LAG {
            feed.publish_change(&n.to_string());
            assert!(matches!(next(&mut fast), Some(PageFeedNext::Event(_))));
        }
        assert!(matches!(next(&mut slow), Some(PageFeedNext::Lagged)));
        drop(slow);
        assert_eq!(feed.reader_counts(), (1, 0));
    }

    #[test]
    fn only_the_newest_state_of_the_world_is_sent() {
        let feed = PageFeed::new();
        let mut reader = feed.subscribe();
        feed.publish_world("1");
        assert!(next(&mut reader).is_none(), "the state comes first");
        feed.publish_state("0", false);
        feed.publish_world("2");
        assert_eq!(text(next(&mut reader)), "event: state\ndata: 0\n\n");
        assert_eq!(text(next(&mut reader)), "event: world\ndata: 2\n\n");
        assert!(next(&mut reader).is_none());
        feed.end("ended");
        assert_eq!(text(next(&mut reader)), "event: bye\ndata: {\"why\":\"ended\"}\n\n");
        assert!(matches!(next(&mut reader), Some(PageFeedNext::Ended)));
    }
}
