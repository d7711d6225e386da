//! `GET /events`: sends a page its feed, as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::time::timeout;

use crate::web::server::SharedServerState;
use crate::web::server::accept::ConnectionCut;
use crate::web::server::feed::{PageFeedNext, PageFeedReader};
use crate::web::server::stream_event::{GZIP_HEAD, StreamEvent, StreamSum};

/// How long a page may take nothing while there is something to send.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long there may be nothing to send until a page is sent a comment, which shows whether it is
/// still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How many parts of events wait for one page, besides the events in the feed.
const MAX_QUEUED_PARTS: usize = 2;

/// The longest name that a page may give itself, in bytes.
const MAX_NAME_LEN: usize = 40;

/// How much of an event is sent at once, in bytes: a page on a slow link takes a large event in many parts.
const PART_SIZE: usize = 16 << 10;

type PageSender = Sender<Bytes, std::convert::Infallible>;

pub(super) async fn get_events(
    State(server): SharedServerState,
    Extension(cut): Extension<ConnectionCut>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let (sender, body) = Channel::<Bytes, std::convert::Infallible>::new(MAX_QUEUED_PARTS);
    let name = page_name(&uri).map(str::to_owned);
    let reader = server.feed.subscribe(name.as_deref());
    let feed = server.feed.clone();
    let is_compressed = takes_gzip(&headers);
    tokio::spawn(async move {
        let page = PageStream { page: sender, sum: is_compressed.then(StreamSum::default) };
        if page.send_events(reader).await == EventStreamEnd::TooSlow {
            feed.count_dropped();
            name.iter().for_each(|name| feed.note_too_slow(name));
            cut.close_connection();
        }
    });
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// The name that a page has given itself, if it has: `page=NAME` in the query.
fn page_name(uri: &Uri) -> Option<&str> {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    pairs.find_map(|pair| pair.strip_prefix("page=")).filter(|name| (1..=MAX_NAME_LEN).contains(&name.len()))
}

/// Whether a client takes gzip: it names it, and not with the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map(str::parse::<f32>);
        is_gzip && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

#[derive(PartialEq, Eq)]
enum EventStreamEnd {
    Finished,
    TooSlow,
}

/// The stream to one page.
struct PageStream {
    page: PageSender,
    /// The checksum of a compressed stream.
    sum: Option<StreamSum>,
}

impl PageStream {
    /// Sends a page its events, until the feed ends, or the page leaves or is too slow.
    async fn send_events(mut self, mut reader: PageFeedReader) -> EventStreamEnd {
        if self.sum.is_some()
            && let Err(end) = self.send(&Bytes::from_static(GZIP_HEAD)).await
        {
            return end;
        }
        loop {
            let (event, is_last) = match timeout(KEEP_ALIVE_INTERVAL, reader.next_event()).await {
                Err(_) => (StreamEvent::from_plain(Bytes::from_static(b":\n\n")), false),
                Ok(PageFeedNext::Event(event)) => (event, false),
                Ok(PageFeedNext::Last(event)) => (event, true),
                Ok(PageFeedNext::Ended) => return self.finish().await,
            };
            if let Err(end) = self.send_event(&event).await {
                return end;
            }
            if is_last {
                return self.finish().await;
            }
        }
    }

    async fn send_event(&mut self, event: &StreamEvent) -> Result<(), EventStreamEnd> {
        match &mut self.sum {
            Some(sum) => {
                sum.add(event);
                self.send(event.blocks()).await
            }
            None => self.send(event.plain()).await,
        }
    }

    /// Ends a compressed stream.
    async fn finish(mut self) -> EventStreamEnd {
        let end = self.sum.as_ref().map(StreamSum::end).unwrap_or_default();
        self.send(&end).await.err().unwrap_or(EventStreamEnd::Finished)
    }

    /// Sends bytes in parts. The page must take something in time, and not all of it.
    async fn send(&mut self, bytes: &Bytes) -> Result<(), EventStreamEnd> {
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let part = rest.split_to(rest.len().min(PART_SIZE));
            match timeout(WRITE_TIMEOUT, self.page.send_data(part)).await {
                Err(_) => return Err(EventStreamEnd::TooSlow),
                Ok(Err(_)) => return Err(EventStreamEnd::Finished),
                Ok(Ok(())) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_that_take_it() {
        for (value, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(takes_gzip(&headers), takes, "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_page_may_have_a_name() {
        let name = |text: &'static str| page_name(&Uri::from_static(text)).map(str::to_owned);
        assert_eq!(name("/events?token=x&page=ab1"), Some("ab1".to_owned()));
        assert_eq!(name("/events?page="), None);
        assert_eq!(name("/events"), None);
    }
}
