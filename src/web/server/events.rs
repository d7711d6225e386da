//! `GET /events`: sends a page its feed, as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::time::timeout;

use crate::web::server::SharedServerState;
use crate::web::server::accept::ConnectionCut;
use crate::web::server::feed::{PageFeedNext, PageFeedReader};

/// How long a page may take nothing while there is something to send.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long there may be nothing to send until a page is sent a comment, which shows whether it is
/// still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How many events wait for one page, besides those in the feed.
const MAX_QUEUED_EVENTS: usize = 2;

pub(super) async fn get_events(
    State(server): SharedServerState,
    Extension(cut): Extension<ConnectionCut>,
) -> Response {
    let (sender, body) = Channel::<Bytes, std::convert::Infallible>::new(MAX_QUEUED_EVENTS);
    let reader = server.feed.subscribe();
    let feed = server.feed.clone();
    tokio::spawn(async move {
        if stream_events(reader, sender).await == EventStreamEnd::TooSlow {
            feed.count_dropped();
            cut.close_connection();
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::new(body)).into_response()
}

#[derive(PartialEq, Eq)]
enum EventStreamEnd {
    Finished,
    TooSlow,
}

/// Sends one page its events, until the feed ends, or the page leaves or is too slow.
async fn stream_events(
    mut reader: PageFeedReader,
    mut page: Sender<Bytes, std::convert::Infallible>,
) -> EventStreamEnd {
    loop {
        let (event, is_last) = match timeout(KEEP_ALIVE_INTERVAL, reader.next_event()).await {
            Err(_) => (Bytes::from_static(b":\n\n"), false),
            Ok(PageFeedNext::Event(event)) => (event, false),
            Ok(PageFeedNext::Last(event)) => (event, true),
            Ok(PageFeedNext::Ended) => return EventStreamEnd::Finished,
            Ok(PageFeedNext::Lagged) => return EventStreamEnd::TooSlow,
        };
        match timeout(WRITE_TIMEOUT, page.send_data(event)).await {
            Err(_) => return EventStreamEnd::TooSlow,
            Ok(Err(_)) => return EventStreamEnd::Finished,
            Ok(Ok(())) if is_last => return EventStreamEnd::Finished,
            Ok(Ok(())) => {}
        }
    }
}
