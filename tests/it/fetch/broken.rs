//! Servers that send broken answers, and servers that cannot be reached.

use scenario_core::scenario::model::FetchJob;
use scenario_log::event::FetchErrorKind;
use scenario_log::time::Span;
use tokio::net::{TcpSocket, TcpStream};

use crate::fetch::harness::{Rig, Run, Server, fetch, job, local};

/// A job with a short time limit.
fn hurried(url: &str) -> FetchJob {
    FetchJob { timeout: Span::from_millis(250), ..job(url) }
}

/// Fetches from a server that answers with these bytes and then closes the connection.
async fn answered(bytes: impl Into<Vec<u8>>) -> Run {
    let server = Server::answering(bytes).await;
    fetch(job(&server.url("/"))).await
}

/// Asserts the kind, and that the message contains each of `wanted`.
#[track_caller]
fn assert_failed((kind, error): (FetchErrorKind, String), wanted_kind: FetchErrorKind, wanted: &[&str]) {
    assert_eq!(kind, wanted_kind, "{error}");
    for wanted in wanted {
        assert!(error.contains(wanted), "{wanted:?} in {error:?}");
    }
}

#[test]
fn name_not_found() {
    local(async {
        let run = fetch(job("http://no-such-host.invalid/")).await;
        assert_failed(run.failed(), FetchErrorKind::Dns, &["no-such-host.invalid"]);
    });
}

#[test]
fn refused() {
    local(async {
        let nobody = Server::unused_address().await.to_string();
        let run = fetch(job(&format!("http://{nobody}/"))).await;
        assert_failed(run.failed(), FetchErrorKind::Connect, &[&nobody, "refused"]);
    });
}

#[test]
fn unreachable() {
    local(async {
        // A TCP connection to a broadcast address is impossible, whatever the routes of the machine.
        let run = fetch(job("http://255.255.255.255/")).await;
        assert_failed(run.failed(), FetchErrorKind::Connect, &["255.255.255.255:80"]);
    });
}

#[test]
fn black_hole() {
    local(async {
        // A full queue of connections that nothing accepts: the next connection gets no answer.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        let full = std::time::Duration::from_millis(100);
        while let Ok(Ok(tcp)) = tokio::time::timeout(full, TcpStream::connect(address)).await {
            queued.push(tcp);
        }
        let run = fetch(hurried(&format!("http://{address}/"))).await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Timeout,
            &["250ms", &format!("no connection to {address}")],
        );
    });
}

#[test]
fn closed_before_the_head() {
    local(async {
        let run = answered("").await;
        assert_failed(run.failed(), FetchErrorKind::Reset, &["closed", "before the answer's first byte"]);
    });
}

#[test]
fn closed_in_the_head() {
    local(async {
        let run = answered("HTTP/1.1 200 OK\r\nX: ").await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Reset,
            &["closed", "after 20 bytes, within the answer's head"],
        );
        assert_eq!(run.heads(), 0);
    });
}

#[test]
fn closed_after_the_head() {
    local(async {
        let run = answered("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await;
        assert_failed(run.failed(), FetchErrorKind::Reset, &["closed", "after 0 of 1000 bytes of the body"]);
        assert_eq!(run.heads(), 1, "the head was there");
    });
}

#[test]
fn short_body() {
    local(async {
        let body = "x".repeat(120);
        let run = answered(format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{body}")).await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Reset,
            &["closed", "after 120 of 1000 bytes of the body"],
        );
    });
}

#[test]
fn short_chunks() {
    local(async {
        let run = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Reset,
            &["closed", "after 5 bytes of the body, before its end"],
        );
    });
}

#[test]
fn reset_in_the_body() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.request().await;
            guest.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123456789").await;
            guest.reset();
        })
        .await;
        let run = fetch(job(&server.url("/"))).await;
        // A reset may overtake what was written before it.
        assert_failed(run.failed(), FetchErrorKind::Reset, &["reset"]);
    });
}

/// A server that writes `head` at once, and then one byte every 20 ms without end.
async fn dripping(head: &'static str) -> Server {
    Server::new(move |mut guest, _| async move {
        guest.request().await;
        guest.say(head).await;
        while guest.say("x").await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

#[test]
fn dripping_head() {
    local(async {
        let server = dripping("HTTP/1.1 200 OK\r\nX: ").await;
        let run = fetch(hurried(&server.url("/"))).await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Timeout,
            &["within 250ms", "bytes of the answer's head had come"],
        );
    });
}

#[test]
fn dripping_body() {
    local(async {
        let server = dripping("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n").await;
        let run = fetch(hurried(&server.url("/"))).await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Timeout,
            &["within 250ms", "of 5000 bytes of the body had come"],
        );
    });
}

#[test]
fn silence() {
    local(async {
        let server = Server::new(|guest, _| guest.wait()).await;
        let run = fetch(hurried(&server.url("/"))).await;
        let silent = format!("{} had not begun to answer", server.address());
        assert_failed(run.failed(), FetchErrorKind::Timeout, &[&silent]);
    });
}

#[test]
fn endless_body() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.request().await;
            guest.say("HTTP/1.1 200 OK\r\n\r\n").await;
            while guest.say([b'x'; 4096]).await {}
        })
        .await;
        let run = fetch(FetchJob { max_body: 100_000, ..job(&server.url("/")) }).await;
        assert_failed(run.failed(), FetchErrorKind::TooLarge, &["100000 bytes", "max_body"]);
    });
}

#[test]
fn announced_too_large() {
    local(async {
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world").await;
        let run = fetch(FetchJob { max_body: 10, ..job(&server.url("/")) }).await;
        assert_failed(run.failed(), FetchErrorKind::TooLarge, &["10 bytes", "11 are announced"]);
        let run = fetch(FetchJob { max_body: 11, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, 11);
    });
}

#[test]
fn encodings_are_not_requested_and_not_decoded_by_default() {
    local(async {
        let server =
            Server::answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08cut".to_vec())
                .await;
        assert_eq!(fetch(job(&server.url("/"))).await.fetched().bytes, 6);
        assert!(!server.requests()[0].contains("Accept-Encoding"));
    });
}

#[test]
fn bad_chunks() {
    local(async {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for chunks in ["xyz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "ffffffffffffffffff\r\nx"] {
            let run = answered(format!("{head}{chunks}")).await;
            assert_failed(run.failed(), FetchErrorKind::Protocol, &["broken"]);
        }
    });
}

#[test]
fn two_content_lengths() {
    local(async {
        let run = answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!").await;
        assert_failed(run.failed(), FetchErrorKind::Protocol, &["content-length"]);
    });
}

#[test]
fn content_length_with_chunked() {
    local(async {
        // The chunks count (RFC 9112, section 6.3), and the connection is not used again: what follows could
        // be taken for the next answer.
        let both = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = format!("{both}5\r\nhello\r\n0\r\n\r\n");
        let server = Server::new(move |mut guest, _| {
            let answer = answer.clone();
            async move { while guest.request().await.is_some() && guest.say(&answer).await {} }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        for n in 1..=2 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            assert_eq!(rig.run(n).await.fetched().bytes, 5);
        }
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn two_megabytes_of_headers() {
    local(async {
        let one = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2 << 20));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(400_000));
        for head in [one, many] {
            assert_failed(answered(head).await.failed(), FetchErrorKind::Protocol, &["head is too large"]);
        }
    });
}

#[test]
fn twenty_thousand_interim_answers() {
    local(async {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(20_000);
        let run = answered(format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).await;
        assert_eq!((run.responded().0, run.fetched().bytes), (200, 2));
    });
}

#[test]
fn odd_statuses() {
    local(async {
        let run = answered("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!((run.responded().0, run.fetched().status), (999, 999));
        // A 101 that was not requested: an answer without a body, and the end of the connection.
        let run = answered("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nrest").await;
        assert_eq!((run.responded().0, run.fetched().bytes), (101, 0));
        for status in ["099", "20", "2000", "-20", "abc"] {
            let run = answered(format!("HTTP/1.1 {status} X\r\n\r\n")).await;
            assert_failed(run.failed(), FetchErrorKind::Protocol, &["not HTTP"]);
        }
    });
}

#[test]
fn garbage() {
    local(async {
        let run = answered("SSH-2.0-OpenSSH_9.9\r\n").await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Protocol,
            &["not HTTP", "it begins with \"SSH-2.0-OpenSSH_9.9"],
        );
        let run = answered(b"\x1b[31m\0\xff\xfe".to_vec()).await;
        assert_failed(run.failed(), FetchErrorKind::Protocol, &["begins with \"\\x1b[31m\\x00\\xff\\xfe\""]);
        let run = answered(b"\x15\x03\x01\x00\x02\x02\x0a".to_vec()).await;
        assert_failed(run.failed(), FetchErrorKind::Protocol, &["TLS", "https://"]);
        let run = answered("HTTP/1.1 200 OK\r\nno colon\r\n\r\n").await;
        assert_failed(run.failed(), FetchErrorKind::Protocol, &["not HTTP", "line 2", "\"no colon\""]);
    });
}

#[test]
fn a_greeting_before_the_request() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.say("220 mail.example ESMTP\r\n").await;
            guest.wait().await;
        })
        .await;
        let run = fetch(job(&server.url("/"))).await;
        assert_failed(
            run.failed(),
            FetchErrorKind::Protocol,
            &["not HTTP", "it begins with \"220 mail.example"],
        );
    });
}
