//! Encoded bodies: `decode = true`.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_log::event::FetchErrorKind;

use crate::fetch::harness::{Server, fetch, job, local};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

/// An answer with this body.
fn answer(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn decoding(server: &Server) -> FetchJob {
    FetchJob { decode_body: true, ..job(&server.url("/")) }
}

#[test]
fn an_encoded_body_is_requested_and_counted_decoded() {
    local(async {
        let server = Server::answering(answer("gzip", &gzip(b"hello"))).await;
        let run = fetch(FetchJob { log_lines: true, ..decoding(&server) }).await;
        assert_eq!((run.fetched().bytes, run.lines()), (5, vec!["hello".to_owned()]));
        assert_eq!(run.fetched().sha256[..4], [0x2c, 0xf2, 0x4d, 0xba], "the digest of \"hello\"");
        assert!(server.requests()[0].contains("\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"));
    });
}

#[test]
fn the_scenario_may_request_fewer_encodings() {
    local(async {
        let server = Server::answering(answer("gzip", &gzip(b"hello"))).await;
        let headers = vec![("accept-encoding".to_owned(), ScenarioText::plain("gzip;q=0.1"))];
        assert_eq!(fetch(FetchJob { headers, ..decoding(&server) }).await.fetched().bytes, 5);
        let request = server.requests()[0].to_lowercase();
        assert_eq!(request.matches("accept-encoding").count(), 1, "{request}");
        assert!(request.contains("\r\naccept-encoding: gzip;q=0.1\r\n"), "{request}");
    });
}

#[test]
fn a_body_that_is_not_encoded_stays_as_it_is() {
    local(async {
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
        assert_eq!(fetch(decoding(&server)).await.fetched().bytes, 5);
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n").await;
        let head = FetchJob { method: "HEAD".to_owned(), ..decoding(&server) };
        assert_eq!(fetch(head).await.fetched().bytes, 0);
    });
}

#[test]
fn an_encoding_that_was_not_requested_is_an_error() {
    local(async {
        let server = Server::answering(answer("compress", b"x")).await;
        let (kind, error) = fetch(decoding(&server)).await.failed();
        assert_eq!(kind, FetchErrorKind::Protocol);
        assert!(error.contains("compress") && error.contains("not asked for"), "{error}");
    });
}

#[test]
fn a_bomb_is_stopped_at_max_body() {
    // Eight megabytes out of eight kilobytes, a thousand to one.
    let bomb = gzip(&vec![b'x'; 8 << 20]);
    assert!(bomb.len() < 10_000);
    local(async move {
        let server = Server::answering(answer("gzip", &bomb)).await;
        for limit in [1_000, 1 << 20] {
            let (kind, error) = fetch(FetchJob { max_body: limit, ..decoding(&server) }).await.failed();
            assert_eq!(kind, FetchErrorKind::TooLarge);
            let message = format!("more than the {limit} bytes that max_body allows");
            assert!(error.contains(&message) && error.contains("of gzip had become more"), "{error}");
        }
        // The encoded body is smaller than this limit. Without decoding, its own size counts.
        let run = fetch(FetchJob { max_body: 10_000, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, bomb.len() as u64);
    });
}

#[test]
fn a_small_bomb_of_brotli() {
    local(async {
        // Two million times the letter `x`.
        let bomb = [0x9b, 0x7f, 0x84, 0x1e, 0xf8, 0x25, 0xf0, 0xe2, 0xb1, 0x40, 0x20, 0x87, 0xcf, 0x03];
        let server = Server::answering(answer("br", &bomb)).await;
        let run = fetch(FetchJob { max_body: 2_000_000, ..decoding(&server) }).await;
        assert_eq!(run.fetched().bytes, 2_000_000);
        let (kind, error) = fetch(FetchJob { max_body: 1_999_999, ..decoding(&server) }).await.failed();
        assert_eq!(kind, FetchErrorKind::TooLarge);
        assert!(error.contains("1999999 bytes"), "{error}");
    });
}

#[test]
fn gzip_that_is_cut_or_invalid_is_an_error() {
    local(async {
        let whole = gzip(&[b'x'; 5_000]);
        let cut = answer("gzip", &whole[..whole.len() - 4]);
        let (kind, error) = fetch(decoding(&Server::answering(cut).await)).await.failed();
        assert_eq!(kind, FetchErrorKind::Protocol);
        assert!(error.contains("cut short") && error.contains("5000 decoded"), "{error}");
        let none = answer("gzip", b"hello");
        let (kind, error) = fetch(decoding(&Server::answering(none).await)).await.failed();
        assert_eq!(kind, FetchErrorKind::Protocol);
        assert!(error.contains("not gzip that can be decoded"), "{error}");
        let mut wrong = whole.clone();
        let sum = wrong.len() - 8;
        wrong[sum] ^= 1;
        let (_, error) = fetch(decoding(&Server::answering(answer("gzip", &wrong)).await)).await.failed();
        assert!(error.contains("can be decoded, after") && error.contains("data check"), "{error}");
        // A broken connection is still reported as one.
        let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n";
        let broken = Server::answering([&head[..], &whole[..20]].concat()).await;
        assert_eq!(fetch(decoding(&broken)).await.failed().0, FetchErrorKind::Reset);
    });
}
