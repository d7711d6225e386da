//! What pages are shown of a run or a playback, from what is made of its events to whoever serves it.

use crate::web::page::{Look, Page};
use crate::web::server::{Act, Server};

/// The pages of a run or a playback. They see the last of it before they go.
#[derive(Debug)]
pub(crate) struct Pages {
    server: Server,
}

impl Pages {
    pub(crate) fn new(server: Server) -> Pages {
        Pages { server }
    }

    /// Shows what is new, and all there is to those who have just come.
    pub(crate) fn show(&self, page: &mut Page, look: Look<'_>) {
        let feed = &self.server.feed;
        // Before the change is made: one that came behind it must not miss it.
        let is_asked = feed.is_asked();
        if !feed.has_readers() {
            return page.forget_changes();
        }
        let look = Look { readers: feed.readers(), ..look };
        if let Some(change) = page.change(&look) {
            feed.put_change(&change);
        }
        if is_asked {
            feed.put_state(&page.state(&look), false);
        }
    }

    /// Has everybody forget what they were shown, and shows all there is.
    pub(crate) fn show_anew(&self, page: &mut Page, look: Look<'_>) {
        let feed = &self.server.feed;
        page.forget_changes();
        feed.put_state(&page.state(&Look { readers: feed.readers(), ..look }), true);
    }

    /// Sends a line of the log that says where everybody is.
    pub(crate) fn broadcast(&self, line: &[u8]) {
        // It came out of text.
        self.server.feed.put_world(String::from_utf8_lossy(line).trim_end());
    }

    /// Waits until somebody has just come, or for what is done on a page. Nothing is lost if it is given
    /// up.
    pub(crate) async fn stir(&mut self) -> Option<Act> {
        let Server { feed, acts, .. } = &mut self.server;
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
            () = feed.asked() => None,
        }
    }

    /// What has been done on a page, if something has.
    pub(crate) fn done(&mut self) -> Option<Act> {
        self.server.acts.try_recv().ok()
    }

    /// How many have been dropped since they were slow.
    pub(crate) fn dropped(&self) -> u64 {
        self.server.feed.readers().1
    }

    /// It is over: takes leave of those who look.
    pub(crate) fn end(self) {
        self.server.end("ended");
    }
}
