//! The feed of the pages: a stream of server-sent events, the same bytes for all pages.
//!
//! The driver publishes changes, and a state whenever a page has come. Nothing here waits for a page. One
//! that is behind gets the whole state in place of the changes that it has missed.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, broadcast, oneshot, watch};

use crate::web::server::stream_event::StreamEvent;

/// How many changes are kept for pages, and how many may wait for a page: then it gets the whole state
/// instead, which is the newest.
const MAX_CHANGES: usize = 16;
const MAX_BEHIND: usize = 8;

/// A state of this size, in bytes, is announced before it is sent.
const LARGE_STATE: usize = 100_000;

/// How many pages that were too slow are remembered, to tell them when they come back.
const MAX_TOO_SLOW: usize = 256;

/// One event of the stream, encoded.
#[derive(Clone, Debug)]
pub(super) enum PageFeedEvent {
    /// The whole state: for pages that have just come, or for all pages.
    State { event: StreamEvent, is_for_all: bool },
    /// A change of the state.
    Change(StreamEvent),
    /// The last event.
    End(StreamEvent),
}

/// The newest state of the world, and how many states there have been.
#[derive(Clone, Debug, Default)]
pub(super) struct PageFeedWorld {
    pub(super) count: u64,
    /// The state's line of the log, without its newline.
    pub(super) line: Arc<str>,
    /// The same, encoded as an event of the stream.
    pub(super) event: StreamEvent,
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
    /// The guests whose players have not joined yet; each waits for its name.
    joining: Mutex<HashMap<u32, oneshot::Sender<String>>>,
    /// The pages that were dropped because they were too slow, by the names that they have given
    /// themselves, the latest last.
    too_slow: Mutex<VecDeque<String>>,
}

impl PageFeed {
    pub(super) fn new() -> PageFeed {
        PageFeed(Arc::new(PageFeedShared {
            events: Mutex::new(broadcast::Sender::new(MAX_CHANGES)),
            world: watch::Sender::default(),
            is_state_requested: AtomicBool::new(false),
            state_requested: Notify::new(),
            readers: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            joining: Mutex::default(),
            too_slow: Mutex::default(),
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
        self.publish(PageFeedEvent::State { event: StreamEvent::new("state", json), is_for_all });
    }

    /// Answers the guest whose player has joined with the name under which it is shown.
    pub fn answer_join(&self, guest: u32, name: String) {
        let waiting = self.joining().remove(&guest);
        // The guest may have left by now.
        let _ = waiting.map(|waiting| waiting.send(name));
    }

    /// The name that a guest's player gets once it has joined.
    pub(super) fn expect_join(&self, guest: u32) -> oneshot::Receiver<String> {
        let (answer, name) = oneshot::channel();
        self.joining().insert(guest, answer);
        name
    }

    fn joining(&self) -> std::sync::MutexGuard<'_, HashMap<u32, oneshot::Sender<String>>> {
        self.0.joining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a change.
    pub fn publish_change(&self, json: &str) {
        self.publish(PageFeedEvent::Change(StreamEvent::new("change", json)));
    }

    /// Publishes the newest state of the world: a line of the log without its newline. A page that
    /// has not taken the one before gets only this.
    pub fn publish_world(&self, line: &str) {
        let (line, event) = (Arc::from(line), StreamEvent::new("world", line));
        self.0.world.send_modify(|world| *world = PageFeedWorld { count: world.count + 1, line, event });
    }

    pub(super) fn end(&self, why: &str) {
        let bye = StreamEvent::new("bye", &format!(r#"{{"why":"{why}"}}"#));
        // Where another run comes, the pages come back soon; a browser would wait for seconds.
        let end = match why {
            "again" => {
                let retry = format!("retry: {RETRY_AFTER_MS}\n\n");
                StreamEvent::from_plain([retry.as_bytes(), bye.plain()].concat().into())
            }
            _ => bye,
        };
        self.publish(PageFeedEvent::End(end));
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

    /// Subscribes a page. `name` is the name that it has given itself, if it has: if the page was too slow
    /// before, it is told.
    pub(super) fn subscribe(&self, name: Option<&str>) -> PageFeedReader {
        let was_slow = name.is_some_and(|name| self.too_slow().iter().any(|slow| slow == name));
        let reader = PageFeedReader {
            events: self.events().subscribe(),
            world: self.0.world.subscribe(),
            has_state: false,
            next: was_slow.then(|| StreamEvent::new("bye", r#"{"why":"slow"}"#)).into_iter().collect(),
            feed: self.clone(),
        };
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        self.request_state();
        reader
    }

    fn request_state(&self) {
        self.0.is_state_requested.store(true, Ordering::Release);
        self.0.state_requested.notify_one();
    }

    fn too_slow(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.0.too_slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to the newest state of the world.
    pub(super) fn subscribe_world(&self) -> watch::Receiver<PageFeedWorld> {
        self.0.world.subscribe()
    }

    pub(super) fn count_dropped(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Remembers a page that was dropped because it was too slow, to tell it when it comes back.
    pub(super) fn note_too_slow(&self, name: &str) {
        let mut names = self.too_slow();
        names.retain(|known| known != name);
        names.truncate(MAX_TOO_SLOW - 1);
        names.push_front(name.to_owned());
    }
}

/// The feed as one page reads it.
#[derive(Debug)]
pub(super) struct PageFeedReader {
    events: broadcast::Receiver<PageFeedEvent>,
    world: watch::Receiver<PageFeedWorld>,
    has_state: bool,
    /// The events that come next, before those of the feed.
    next: VecDeque<StreamEvent>,
    feed: PageFeed,
}

/// The next thing that a reader gets.
#[derive(Debug)]
pub(super) enum PageFeedNext {
    Event(StreamEvent),
    Last(StreamEvent),
    Ended,
}

impl PageFeedReader {
    /// Waits for the next event. Loses none if it is dropped.
    pub(super) async fn next_event(&mut self) -> PageFeedNext {
        loop {
            if let Some(event) = self.next.pop_front() {
                return PageFeedNext::Event(event);
            }
            if self.has_state && self.events.len() > MAX_BEHIND {
                self.forget_state();
            }
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
                        return PageFeedNext::Event(self.announced(event));
                    }
                }
                Ok(PageFeedEvent::Change(event)) if self.has_state => return PageFeedNext::Event(event),
                Ok(PageFeedEvent::Change(_)) => {}
                Ok(PageFeedEvent::End(event)) => return PageFeedNext::Last(event),
                Err(broadcast::error::RecvError::Lagged(_)) => self.forget_state(),
                Err(broadcast::error::RecvError::Closed) => return PageFeedNext::Ended,
            }
        }
    }

    /// Asks for the whole state, in place of the changes until then.
    fn forget_state(&mut self) {
        self.has_state = false;
        self.feed.request_state();
    }

    /// The event to send for a state: one that is large has an event before it that says so.
    fn announced(&mut self, state: StreamEvent) -> StreamEvent {
        let bytes = state.plain().len();
        if bytes < LARGE_STATE {
            return state;
        }
        self.next.push_back(state);
        StreamEvent::new("coming", &format!(r#"{{"bytes":{bytes}}}"#))
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
                String::from_utf8(event.plain().to_vec()).unwrap()
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_late_reader_gets_the_state_and_then_changes() {
        let feed = PageFeed::new();
        let mut first = feed.subscribe(None);
        assert!(feed.take_state_request() && !feed.take_state_request());
        feed.publish_state("1", false);
        feed.publish_change("2");
        let mut second = feed.subscribe(None);
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
    fn a_reader_that_is_behind_gets_the_state_in_place_of_the_changes() {
        for missed in [MAX_BEHIND + 1, 3 * MAX_CHANGES] {
            let feed = PageFeed::new();
            let (mut fast, mut slow) = (feed.subscribe(None), feed.subscribe(None));
            assert!(feed.take_state_request());
            feed.publish_state("0", false);
            assert_eq!(text(next(&mut slow)), "event: state\ndata: 0\n\n");
            assert!(next(&mut fast).is_some());
            for n in 0..missed {
                feed.publish_change(&n.to_string());
                assert!(matches!(next(&mut fast), Some(PageFeedNext::Event(_))));
            }
            assert!(next(&mut slow).is_none() && feed.take_state_request());
            feed.publish_state("all", false);
            feed.publish_change("more");
            assert_eq!(text(next(&mut slow)), "event: state\ndata: all\n\n");
            assert_eq!(text(next(&mut slow)), "event: change\ndata: more\n\n");
            assert_eq!(text(next(&mut fast)), "event: change\ndata: more\n\n");
            assert_eq!(feed.reader_counts(), (2, 0));
        }
    }

    #[test]
    fn a_large_state_is_announced_and_a_page_that_was_dropped_is_told() {
        let feed = PageFeed::new();
        feed.note_too_slow("one");
        let (mut one, mut two) = (feed.subscribe(Some("one")), feed.subscribe(Some("two")));
        feed.publish_state(&"x".repeat(LARGE_STATE), false);
        assert_eq!(text(next(&mut one)), "event: bye\ndata: {\"why\":\"slow\"}\n\n");
        for page in [&mut one, &mut two] {
            let size = LARGE_STATE + "event: state\ndata: \n\n".len();
            assert_eq!(text(next(page)), format!("event: coming\ndata: {{\"bytes\":{size}}}\n\n"));
            assert!(text(next(page)).starts_with("event: state\n"));
        }
    }

    #[test]
    fn only_the_newest_state_of_the_world_is_sent() {
        let feed = PageFeed::new();
        let mut reader = feed.subscribe(None);
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
