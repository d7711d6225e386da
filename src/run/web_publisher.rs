//! Publishes the live page of a run or a playback: passes it from where it is made of events to the
//! server. Makes and serves nothing itself.

use crate::web::page::{LivePage, PageView};
use crate::web::server::{PageAction, PageServer};

/// Publishes to the readers of a live page. They receive the last state before they are disconnected.
#[derive(Debug)]
pub(crate) struct WebPublisher {
    server: PageServer,
}

impl WebPublisher {
    pub(crate) fn new(server: PageServer) -> WebPublisher {
        WebPublisher { server }
    }

    /// Sends the changes to all readers, and the whole state if a new reader asks for it.
    pub(crate) fn publish(&self, page: &mut LivePage, view: PageView<'_>) {
        let feed = &self.server.feed;
        // Taken before the change is made, so that a reader who comes after it does not miss it.
        let is_state_requested = feed.take_state_request();
        page.take_joined().into_iter().for_each(|(guest, name)| feed.answer_join(guest, name));
        if !feed.has_readers() {
            return page.forget_changes();
        }
        let view = PageView { readers: feed.reader_counts(), ..view };
        if let Some(change) = page.take_change_json(&view) {
            feed.publish_change(&change);
        }
        if is_state_requested {
            feed.publish_state(&page.state_json(&view), false);
        }
    }

    /// Sends the whole state to all readers, in place of all that they received before.
    pub(crate) fn publish_full_state(&self, page: &mut LivePage, view: PageView<'_>) {
        let feed = &self.server.feed;
        page.forget_changes();
        feed.publish_state(&page.state_json(&PageView { readers: feed.reader_counts(), ..view }), true);
    }

    /// Sends a line of the log with the positions of all players.
    pub(crate) fn broadcast(&self, line: &[u8]) {
        // A line of the log is always UTF-8, so nothing is replaced.
        self.server.feed.publish_world(String::from_utf8_lossy(line).trim_end());
    }

    /// Waits for a new reader (`None`) or for an action on a page. Nothing is lost if it is cancelled.
    pub(crate) async fn next_action(&mut self) -> Option<PageAction> {
        let PageServer { feed, actions, .. } = &mut self.server;
        let action = async {
            match actions.recv().await {
                Some(action) => action,
                // The server's thread has ended, so no action comes any more.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            action = action => Some(action),
            () = feed.state_requested() => None,
        }
    }

    /// The next action on a page, if there is one.
    pub(crate) fn try_next_action(&mut self) -> Option<PageAction> {
        self.server.actions.try_recv().ok()
    }

    /// How many readers were dropped because they were too slow.
    pub(crate) fn dropped_readers(&self) -> u64 {
        self.server.feed.reader_counts().1
    }

    /// Takes no action on a page any more.
    pub(crate) fn refuse_actions(&mut self) {
        self.server.refuse_actions();
    }

    /// Disconnects all readers: the run or the playback is over. If `comes_again`, another run will serve the
    /// same page.
    pub(crate) fn close(self, comes_again: bool) {
        self.server.shut_down(if comes_again { "again" } else { "ended" });
    }
}
