//! `GET /events`: what a page is shown, as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::time::timeout;

use crate::web::server::Shared;
use crate::web::server::accept::Cut;
use crate::web::server::feed::{Next, Reader};

/// How long a page may take nothing while there is something to take.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how long without news a page is sent a sign of life, which shows whether it is there.
const QUIET: Duration = Duration::from_secs(15);

/// How many events wait for one page beside those in the feed.
const AHEAD: usize = 2;

pub(super) async fn events(State(place): Shared, Extension(cut): Extension<Cut>) -> Response {
    let (sender, body) = Channel::<Bytes, std::convert::Infallible>::new(AHEAD);
    let reader = place.feed.look();
    let feed = place.feed.clone();
    tokio::spawn(async move {
        if tell(reader, sender).await == Told::TooSlow {
            feed.count_dropped();
            cut.now();
        }
    });
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::new(body)).into_response()
}

#[derive(PartialEq, Eq)]
enum Told {
    All,
    TooSlow,
}

/// Tells one page what comes, until it is over, gone, or too slow.
async fn tell(mut reader: Reader, mut page: Sender<Bytes, std::convert::Infallible>) -> Told {
    loop {
        let (event, is_last) = match timeout(QUIET, reader.next()).await {
            Err(_) => (Bytes::from_static(b":\n\n"), false),
            Ok(Next::Event(event)) => (event, false),
            Ok(Next::Last(event)) => (event, true),
            Ok(Next::Over) => return Told::All,
            Ok(Next::Behind) => return Told::TooSlow,
        };
        match timeout(PATIENCE, page.send_data(event)).await {
            Err(_) => return Told::TooSlow,
            Ok(Err(_)) => return Told::All,
            Ok(Ok(())) if is_last => return Told::All,
            Ok(Ok(())) => {}
        }
    }
}
