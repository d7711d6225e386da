//! Heads of answers that are not quite HTTP: what curl takes is taken, plain and in a load, and what is
//! refused is named.

use scenario_core::scenario::model::{FetchJob, LoadModel, LoadProfile, StatusRule};
use scenario_log::event::FetchErrorKind;

use crate::fetch::harness::{Server, fetch, job, local};

/// Fetches this answer by itself and in a load.
async fn both(answer: &str) -> [Result<(u16, u64), (FetchErrorKind, String)>; 2] {
    let model = LoadModel::Closed { connections: 1 };
    let load = Some(LoadProfile { model, max_requests: Some(1), duration: None });
    let server = Server::answering(answer).await;
    let mut ends = Vec::new();
    for load in [None, load] {
        let run = fetch(FetchJob { load, status: StatusRule::Any, ..job(&server.url("/")) }).await;
        let is_whole = run.is_fetched();
        ends.push(if is_whole { Ok((run.fetched().status, run.fetched().bytes)) } else { Err(run.failed()) });
    }
    ends.try_into().unwrap()
}

#[test]
fn what_curl_takes_is_taken() {
    local(async {
        let many: String = (0..300).map(|n| format!("X-{n}: v\r\n")).collect();
        for head in [
            "HTTP/1.1 200 OK\r\nX-A : v\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\nContent-Length : 2",
            "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\n\tc\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\n: v\r\nX A: v\r\nX(A): v\r\nÄ: v\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\nX-A: a\x01b\x7fc\rd\r\nContent-Length: 2",
            "HTTP/1.1  200 O\x01K\r\nContent-Length: 2",
            "http/1.1 200\r\nContent-Length: 2",
            "HTTP/2 200\r\nContent-Length: 2",
            "HTTP/1.1 200 OK\r\nContent-Length: +2",
            "HTTP/1.1 200 OK\r\nContent-Length: 2 bytes",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999",
            "HTTP/1.1 103 Early\r\nX : y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length : 2",
            &format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 2"),
        ] {
            for end in both(&format!("{head}\r\n\r\nok")).await {
                assert_eq!(end.unwrap(), (200, 2), "{head:?}");
            }
        }
        // curl does not follow it either.
        for end in both("HTTP/1.1 302 X\r\nLocation: \r\nContent-Length: 2\r\n\r\nok").await {
            assert_eq!(end.unwrap(), (302, 2));
        }
    });
}

#[test]
fn what_is_refused_is_named_by_its_line() {
    local(async {
        for (head, wanted) in [
            ("HTTP/1.1 200 OK\r\nstray\r\nContent-Length: 2", "line 2 of its head is no header: \"stray\""),
            ("HTTP/1.1 200 OK\r\nA: b\r\nX: \0", "line 3 of its head has a zero byte"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: x",
                "line 2 of its head has no length: \"Content-Length: x\"",
            ),
            ("HTTP/1.1 20 OK", "line 1 of its head is no status line of HTTP/1: \"HTTP/1.1 20 OK\""),
        ] {
            for end in both(&format!("{head}\r\n\r\nok")).await {
                let (kind, error) = end.unwrap_err();
                assert_eq!(kind, FetchErrorKind::Protocol);
                assert!(error.contains(wanted), "{wanted:?} in {error:?}");
            }
        }
    });
}

#[test]
fn a_location_in_latin1_is_followed_as_it_is() {
    local(async {
        let server = Server::new(|mut guest, n| async move {
            guest.request().await;
            match n {
                1 => guest.say(b"HTTP/1.1 302 X\r\nLocation: /caf\xe9?q=\xfc\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await,
                _ => guest.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await,
            };
            guest.close().await;
        })
        .await;
        assert_eq!(fetch(job(&server.url("/"))).await.fetched().bytes, 2);
        assert!(server.requests()[1].starts_with("GET /caf%E9?q=%FC HTTP/1.1\r\n"));
    });
}

#[test]
fn loads_and_fetches_read_the_same_in_whatever_pieces() {
    use scenario::io::http::fuzzing::check_answer;
    let seeds: Vec<Vec<u8>> = std::fs::read_dir(crate::common::project().join("fuzz/seeds/http"))
        .unwrap()
        .map(|seed| std::fs::read(seed.unwrap().path()).unwrap())
        .collect();
    assert!(!seeds.is_empty());
    // Every end of a seed with every beginning of another, and a byte changed here and there.
    for one in &seeds {
        check_answer(one);
        for end in 0..one.len() {
            check_answer(&one[..end]);
            let mut changed = one.clone();
            for byte in [b' ', b':', b'\r', b'\n', b'0', 0, 0xff] {
                changed[end] = byte;
                check_answer(&changed);
            }
        }
        for other in &seeds {
            check_answer(&[&one[..], other].concat());
        }
    }
}
