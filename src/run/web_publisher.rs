//! What pages are shown of a run or a playback, from what is made of its events to whoever serves it.

use crate::web::page::{LivePage, PageView};
use crate::web::server::{PageAction, PageServer};

/// The pages of a run or a playback. They see the last of it before they go.
#[derive(Debug)]
pub(crate) struct WebPublisher {
    server: PageServer,
}

impl WebPublisher {
    pub(crate) fn new(server: PageServer) -> WebPublisher {
        WebPublisher { server }
    }

    /// Shows what is new, and all there is to those who have just come.
    pub(crate) fn publish(&self, page: &mut LivePage, look: PageView<'_>) {
        let feed = &self.server.feed;
        // Before the change is made: one that came behind it must not miss it.
        let is_asked = feed.take_state_request();
        if !feed.has_readers() {
            return page.forget_changes();
        }
        let look = PageView { readers: feed.reader_counts(), ..look };
        if let Some(change) = page.take_change_json(&look) {
            feed.publish_change(&change);
        }
        if is_asked {
            feed.publish_state(&page.state_json(&look), false);
        }
    }

    /// Has everybody forget what they were shown, and shows all there is.
    pub(crate) fn publish_full_state(&self, page: &mut LivePage, look: PageView<'_>) {
        let feed = &self.server.feed;
        page.forget_changes();
        feed.publish_state(&page.state_json(&PageView { readers: feed.reader_counts(), ..look }), true);
    }

    /// Sends a line of the log that says where everybody is.
    pub(crate) fn broadcast(&self, line: &[u8]) {
        // It came out of text.
        self.server.feed.publish_world(String::from_utf8_lossy(line).trim_end());
    }

    /// Waits until somebody has just come, or for what is done on a page. Nothing is lost if it is given
    /// up.
    pub(crate) async fn next_action(&mut self) -> Option<PageAction> {
        let PageServer { feed, actions: acts, .. } = &mut self.server;
        let act = async {
            match acts.recv().await {
                Some(act) => act,
                // The server's thread has gone: nothing comes any more.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            act = act => Some(act),
            () = feed.state_requested() => None,
        }
    }

    /// What has been done on a page, if something has.
    pub(crate) fn try_next_action(&mut self) -> Option<PageAction> {
        self.server.actions.try_recv().ok()
    }

    /// How many have been dropped since they were slow.
    pub(crate) fn dropped_readers(&self) -> u64 {
        self.server.feed.reader_counts().1
    }

    /// It is over: takes leave of those who look.
    pub(crate) fn close(self) {
        self.server.shut_down("ended");
    }
}
