//! What pages are shown: a stream of server-sent events, the same bytes for all of them.
//!
//! The driver puts changes in, and a state whenever somebody has come. Nothing here waits for a page:
//! one that is too far behind is told so and dropped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, broadcast, watch};

/// How many changes a page may be behind.
const BEHIND: usize = 64;

/// One event of the stream, as it is written.
#[derive(Clone, Debug)]
pub(super) enum Note {
    /// All there is to see: for those who have just come, or for everybody.
    State { event: Bytes, is_for_all: bool },
    /// What is new.
    Change(Bytes),
    /// The last.
    Bye(Bytes),
}

/// The newest state of the world, and how many there have been.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) count: u64,
    /// The line of the log, without its newline.
    pub(super) line: Bytes,
    /// The same as an event of the stream.
    pub(super) event: Bytes,
}

/// The stream. Its copies are one.
#[derive(Clone, Debug)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    notes: Mutex<broadcast::Sender<Note>>,
    world: watch::Sender<World>,
    /// Whether somebody waits for a state, and word of it.
    is_asked: AtomicBool,
    asked: Notify,
    readers: AtomicU64,
    dropped: AtomicU64,
}

impl Feed {
    pub(super) fn new() -> Feed {
        Feed(Arc::new(Shared {
            notes: Mutex::new(broadcast::Sender::new(BEHIND)),
            world: watch::Sender::default(),
            is_asked: AtomicBool::new(false),
            asked: Notify::new(),
            readers: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }))
    }

    /// Whether anybody looks.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.0.readers.load(Ordering::Relaxed) > 0
    }

    /// How many look, and how many have been dropped since they were too slow.
    #[must_use]
    pub fn readers(&self) -> (u64, u64) {
        (self.0.readers.load(Ordering::Relaxed), self.0.dropped.load(Ordering::Relaxed))
    }

    /// Whether somebody waits for a state. Whoever asks has to put one.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.is_asked.swap(false, Ordering::AcqRel)
    }

    /// Waits until somebody waits for a state.
    pub async fn asked(&self) {
        self.0.asked.notified().await;
    }

    /// Puts all there is to see: for those who have just come, or for everybody, who then forget what
    /// they had.
    pub fn put_state(&self, json: &str, is_for_all: bool) {
        self.put(Note::State { event: event("state", json), is_for_all });
    }

    /// Puts what is new.
    pub fn put_change(&self, json: &str) {
        self.put(Note::Change(event("change", json)));
    }

    /// Puts the newest state of the world, a line of the log without its newline. Who has not taken the
    /// one before gets only this.
    pub fn put_world(&self, line: &str) {
        let (line, event) = (Bytes::copy_from_slice(line.as_bytes()), event("world", line));
        self.0.world.send_modify(|world| *world = World { count: world.count + 1, line, event });
    }

    pub(super) fn end(&self, why: &str) {
        self.put(Note::Bye(event("bye", &format!(r#"{{"why":"{why}"}}"#))));
        // With its sender the stream ends.
        *self.notes() = broadcast::Sender::new(1);
    }

    fn put(&self, note: Note) {
        // Nobody may look.
        let _ = self.notes().send(note);
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, broadcast::Sender<Note>> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody looks from now on.
    pub(super) fn look(&self) -> Reader {
        let reader = Reader {
            notes: self.notes().subscribe(),
            world: self.0.world.subscribe(),
            has_state: false,
            feed: self.clone(),
        };
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        self.0.is_asked.store(true, Ordering::Release);
        self.0.asked.notify_one();
        reader
    }

    /// The newest state of the world, from now on.
    pub(super) fn world(&self) -> watch::Receiver<World> {
        self.0.world.subscribe()
    }

    pub(super) fn count_dropped(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

fn event(name: &str, data: &str) -> Bytes {
    debug_assert!(!data.contains('\n'), "JSON of one line");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// One who looks.
#[derive(Debug)]
pub(super) struct Reader {
    notes: broadcast::Receiver<Note>,
    world: watch::Receiver<World>,
    has_state: bool,
    feed: Feed,
}

/// What comes next for one who looks.
#[derive(Debug)]
pub(super) enum Next {
    Event(Bytes),
    Last(Bytes),
    /// It was too far behind.
    Behind,
    Over,
}

impl Reader {
    /// Waits for what comes next. Nothing is lost if it is given up.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            let note = tokio::select! {
                biased;
                note = self.notes.recv() => note,
                world = self.world.changed(), if self.has_state => match world {
                    Ok(()) => return Next::Event(self.world.borrow_and_update().event.clone()),
                    Err(_) => return Next::Over,
                },
            };
            match note {
                Ok(Note::State { event, is_for_all }) => {
                    if !std::mem::replace(&mut self.has_state, true) || is_for_all {
                        return Next::Event(event);
                    }
                }
                Ok(Note::Change(event)) if self.has_state => return Next::Event(event),
                Ok(Note::Change(_)) => {}
                Ok(Note::Bye(event)) => return Next::Last(event),
                Err(broadcast::error::RecvError::Lagged(_)) => return Next::Behind,
                Err(broadcast::error::RecvError::Closed) => return Next::Over,
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.feed.0.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(reader: &mut Reader) -> Option<Next> {
        use std::future::Future;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(reader.next()).as_mut().poll(&mut context) {
            std::task::Poll::Ready(next) => Some(next),
            std::task::Poll::Pending => None,
        }
    }

    fn text(next: Option<Next>) -> String {
        match next {
            Some(Next::Event(event) | Next::Last(event)) => String::from_utf8(event.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn who_comes_late_gets_the_state_and_then_what_is_new() {
        let feed = Feed::new();
        let mut first = feed.look();
        assert!(feed.is_asked() && !feed.is_asked());
        feed.put_state("1", false);
        feed.put_change("2");
        let mut second = feed.look();
        feed.put_change("3");
        feed.put_state("123", false);
        feed.put_change("4");
        let all = |reader: &mut Reader| {
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
        feed.put_state("new", true);
        assert_eq!(all(&mut first), events(&[("state", "new")]));
    }

    #[test]
    fn who_is_too_far_behind_is_told_so_and_the_others_are_not() {
        let feed = Feed::new();
        let (mut fast, mut slow) = (feed.look(), feed.look());
        feed.put_state("0", false);
        for n in 0..=BEHIND {
            feed.put_change(&n.to_string());
            assert!(matches!(next(&mut fast), Some(Next::Event(_))));
        }
        assert!(matches!(next(&mut slow), Some(Next::Behind)));
        drop(slow);
        assert_eq!(feed.readers(), (1, 0));
    }

    #[test]
    fn of_the_world_only_the_newest_is_shown() {
        let feed = Feed::new();
        let mut reader = feed.look();
        feed.put_world("1");
        assert!(next(&mut reader).is_none(), "the state comes first");
        feed.put_state("0", false);
        feed.put_world("2");
        assert_eq!(text(next(&mut reader)), "event: state\ndata: 0\n\n");
        assert_eq!(text(next(&mut reader)), "event: world\ndata: 2\n\n");
        assert!(next(&mut reader).is_none());
        feed.end("ended");
        assert_eq!(text(next(&mut reader)), "event: bye\ndata: {\"why\":\"ended\"}\n\n");
        assert!(matches!(next(&mut reader), Some(Next::Over)));
    }
}
