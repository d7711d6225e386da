//! Requests and answers over HTTP/1.1: what is sent, what is reported, connections and retries.

use std::rc::Rc;
use std::time::Duration;

use scenario_core::scenario::model::{FetchBody, FetchJob, ScenarioText, StatusRule};
use scenario_log::event::{FetchErrorKind, Source};

use tokio::sync::Notify;

use crate::fetch::harness::{Rig, Server, fetch, folder, job, local};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn lines_are_reported_whole_as_they_arrive() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.request().await;
            guest.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            for piece in ["one\ntw", "o\r\nthree\nfo", "ur"] {
                guest.say(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
            }
            guest.say("0\r\n\r\n").await;
            guest.wait().await;
        })
        .await;
        let run = fetch(FetchJob { log_lines: true, ..job(&server.url("/")) }).await;
        let lines = run.lines();
        assert_eq!(lines.concat(), "one\ntwo\r\nthree\nfour");
        let (last, whole) = lines.split_last().unwrap();
        assert!(whole.iter().all(|chunk| chunk.ends_with('\n')), "{lines:?}");
        assert!(last == "four" || last.ends_with("\nfour"), "{lines:?}");
        assert_eq!(run.fetched().bytes, 19);
    });
}

#[test]
fn an_endless_line_is_reported_in_pieces() {
    local(async {
        let size = (5 << 19) + 7;
        let body = "x".repeat(size);
        let server =
            Server::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}\n", size + 1))
                .await;
        let run = fetch(FetchJob { log_lines: true, ..job(&server.url("/")) }).await;
        let lines = run.lines();
        assert_eq!(lines.concat().len(), size + 1);
        assert!(lines.len() > 1 && lines.iter().all(|chunk| chunk.len() <= 2 << 20));
    });
}

#[test]
fn a_reader_that_falls_behind_stops_the_server() {
    local(async {
        let stalled = Rc::new(Notify::new());
        let server = Server::new({
            let stalled = Rc::clone(&stalled);
            move |mut guest, _| {
                let stalled = Rc::clone(&stalled);
                async move {
                    guest.request().await;
                    guest.say("HTTP/1.1 200 OK\r\n\r\n").await;
                    let lines = "line\n".repeat(20_000);
                    for _ in 0..1_000 {
                        let said = tokio::time::timeout(Duration::from_millis(200), guest.say(&lines)).await;
                        if !matches!(said, Ok(true)) {
                            break;
                        }
                    }
                    stalled.notify_one();
                    guest.wait().await;
                }
            }
        })
        .await;
        let mut rig = Rig::new(vec![FetchJob { log_lines: true, ..job(&server.url("/")) }], &[]);
        rig.start(1);
        // Nothing takes from the inbox: the server is stopped long before its 100 MB.
        stalled.notified().await;
        rig.fetcher.cancel(Source::Request(1));
        rig.wait_for_ends(1).await;
        let held: usize = rig.run(1).await.lines().iter().map(String::len).sum();
        assert!(held < 16 << 20, "{held} bytes were held");
    });
}

#[test]
fn secrets_are_masked_in_headers_lines_and_errors() {
    local(async {
        let body = "the canary-canary sings\n";
        let head = format!("HTTP/1.1 200 OK\r\nX: a canary-canary\r\nContent-Length: {}\r\n\r\n", body.len());
        let server = Server::answering(format!("{head}{body}")).await;
        let mut rig =
            Rig::new(vec![FetchJob { log_lines: true, ..job(&server.url("/")) }], &["canary-canary"]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        let run = rig.run(1).await;
        assert!(run.responded().2.contains("x: a [redacted]\n"));
        assert_eq!(run.lines().concat(), "the [redacted] sings\n");
        assert_eq!(run.fetched().bytes, body.len() as u64);

        let server = Server::answering("canary-canary").await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &["canary-canary"]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        let (_, error) = rig.run(1).await.failed();
        assert!(error.contains("[redacted]") && !error.contains("canary"), "{error}");
    });
}

#[test]
fn bodies_and_headers_are_sent() {
    local(async {
        std::fs::write(folder().join("upload.txt"), "from a file").unwrap();
        let text = |text: &str| ScenarioText::plain(text);
        let cases = [
            (FetchBody::Text(text("plain")), "plain", None),
            (FetchBody::Text(text("")), "", None),
            (FetchBody::Json(text("{\"a\":1}")), "{\"a\":1}", Some("Content-Type: application/json\r\n")),
            (FetchBody::File("upload.txt".into()), "from a file", None),
        ];
        for (body, sent, header) in cases {
            let server = Server::answering(OK).await;
            let headers = vec![("user-agent".to_owned(), text("me")), ("Host".to_owned(), text("other"))];
            let (method, body) = ("PUT".to_owned(), Some(body));
            fetch(FetchJob { method, body, headers, ..job(&server.url("/")) }).await.fetched();
            let request = &server.requests()[0];
            assert!(
                request.starts_with("PUT / HTTP/1.1\r\n") && request.ends_with(&format!("\r\n\r\n{sent}"))
            );
            for wanted in
                ["user-agent: me\r\n", "Host: other\r\n", &format!("Content-Length: {}\r\n", sent.len())]
            {
                assert_eq!(request.matches(wanted).count(), 1, "{wanted:?} in {request:?}");
            }
            assert_eq!(request.contains("Content-Type"), header.is_some());
            assert!(header.is_none_or(|header| request.contains(header)), "{request}");
        }
    });
}

#[test]
fn a_body_that_cannot_be_read_is_an_error() {
    local(async {
        for (path, reason) in
            [("missing.json", "No such file"), (".", "is a folder"), ("/dev/null", "regular")]
        {
            let server = Server::answering(OK).await;
            let body = Some(FetchBody::File(path.into()));
            let (kind, error) = fetch(FetchJob { body, ..job(&server.url("/")) }).await.failed();
            assert_eq!(kind, FetchErrorKind::Protocol);
            assert!(error.contains(path) && error.contains(reason), "{error}");
        }
    });
}

#[test]
fn an_answer_to_head_has_no_body() {
    local(async {
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await;
        let run = fetch(FetchJob { method: "HEAD".to_owned(), max_body: 1, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, 0);
    });
}

#[test]
fn connections_are_used_again() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            while guest.request().await.is_some() {
                guest.say(OK).await;
            }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        for n in 1..=5 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            let timings = rig.run(n).await.fetched().timings;
            assert_eq!(timings.connect.is_none(), n > 1, "a used connection is not connected again");
        }
        assert_eq!((server.connections(), server.requests().len()), (1, 5));
    });
}

#[test]
fn an_idle_connection_that_the_server_closed_is_not_a_failure() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.request().await;
            guest.say(OK).await;
            guest.close().await;
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        for n in 1..=3 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            assert_eq!(rig.run(n).await.fetched().bytes, 2);
        }
        assert_eq!(server.connections(), 3);
    });
}

#[test]
fn retries_end_with_the_first_expected_answer() {
    local(async {
        let server = Server::new(|mut guest, n| async move {
            guest.request().await;
            match n {
                1 => guest.reset(),
                2 => {
                    guest.say("HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy").await;
                    guest.close().await;
                }
                3 => {
                    guest.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha").await;
                    guest.close().await;
                }
                _ => {
                    guest.say(OK).await;
                    guest.close().await;
                }
            }
        })
        .await;
        let run = fetch(FetchJob { retries: 5, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, 2);
        assert_eq!((run.heads(), run.responded().0), (1, 200), "only the last attempt is reported");
        assert_eq!(server.connections(), 4);
    });
}

#[test]
fn the_last_attempt_is_reported_whatever_its_status() {
    local(async {
        let server = Server::answering("HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy").await;
        let run = fetch(FetchJob { retries: 1, log_lines: true, ..job(&server.url("/")) }).await;
        assert_eq!((run.fetched().status, run.lines().concat()), (503, "busy".to_owned()));
        assert_eq!(server.connections(), 2);
        // An expected status is never retried.
        let status = StatusRule::codes(&[503]);
        fetch(FetchJob { retries: 1, status, ..job(&server.url("/")) }).await.fetched();
        assert_eq!(server.connections(), 3);
        let nobody = Server::unused_address().await;
        let (_, error) = fetch(FetchJob { retries: 1, ..job(&format!("http://{nobody}/")) }).await.failed();
        assert!(error.ends_with("(the last of 2 tries)"), "{error}");
    });
}

#[test]
fn reported_lines_are_not_reported_again() {
    local(async {
        let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\none\n").await;
        let run = fetch(FetchJob { retries: 3, log_lines: true, ..job(&server.url("/")) }).await;
        let (kind, error) = run.failed();
        assert_eq!((kind, run.lines().concat()), (FetchErrorKind::Reset, "one\n".to_owned()));
        assert!(error.contains("after 4 of 9 bytes") && !error.contains("tries"), "{error}");
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn localhost_finds_a_server_of_either_version() {
    local(async {
        let server = Server::answering(OK).await;
        let url = format!("http://localhost:{}/", server.address().port());
        let fetched = fetch(job(&url)).await.fetched();
        assert!(fetched.timings.dns.is_some());
        let host = format!("Host: localhost:{}\r\n", server.address().port());
        assert!(server.requests()[0].contains(&host));
    });
}

#[test]
fn an_answer_may_come_before_the_request_is_read() {
    local(async {
        let large = vec![b'x'; 8 << 20];
        std::fs::write(folder().join("large.bin"), &large).unwrap();
        let server = Server::new(|mut guest, n| async move {
            if n == 1 {
                // Refuses the request at its head, but reads the rest of it all the same.
                let _ = guest.tcp.peek(&mut [0]).await;
                guest.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno").await;
                guest.wait().await;
            } else {
                guest.request().await;
                guest.say(OK).await;
                guest.wait().await;
            }
        })
        .await;
        let (method, body) = ("POST".to_owned(), Some(FetchBody::File("large.bin".into())));
        let mut rig = Rig::new(vec![FetchJob { method, body, ..job(&server.url("/")) }], &[]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        assert_eq!(rig.run(1).await.fetched().status, 413);
        rig.start(2);
        rig.wait_for_ends(1).await;
        assert_eq!(rig.run(2).await.fetched().status, 200);
        assert!(server.requests()[0].len() > large.len());
    });
}

#[test]
fn retry_after_is_kept() {
    local(async {
        let server = Server::new(|mut guest, n| async move {
            guest.request().await;
            let wait = if n == 1 { "1" } else { "3600" };
            guest.say(format!("HTTP/1.1 503 X\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n")).await;
            guest.close().await;
        })
        .await;
        let started = std::time::Instant::now();
        let fetched = fetch(FetchJob { retries: 5, ..job(&server.url("/")) }).await.fetched();
        assert!(started.elapsed() >= std::time::Duration::from_secs(1), "a second is waited for");
        // An hour is not: the answer counts.
        assert_eq!((fetched.status, fetched.sent.retried, server.connections()), (503, 1, 2));
        assert_eq!(fetched.opened_conns(), 2);
    });
}

#[test]
fn names_of_headers_are_sent_as_they_are_written() {
    local(async {
        let names = ["SOAPAction", "x-lower", "X-ODD-case"];
        let headers = names.map(|name| (name.to_owned(), ScenarioText::plain("v"))).to_vec();
        let model = scenario_core::scenario::model::LoadModel::Closed { connections: 1 };
        let load =
            scenario_core::scenario::model::LoadProfile { model, max_requests: Some(1), duration: None };
        let server = Server::answering(OK).await;
        for load in [None, Some(load)] {
            fetch(FetchJob { load, headers: headers.clone(), ..job(&server.url("/")) }).await.fetched();
            let request = server.requests().pop().unwrap();
            for name in ["SOAPAction", "x-lower", "X-ODD-case", "Host", "Accept"] {
                assert!(request.contains(&format!("\r\n{name}: ")), "{name} in {request}");
            }
        }
    });
}

#[test]
fn a_path_is_sent_as_it_is_written() {
    local(async {
        let model = scenario_core::scenario::model::LoadModel::Closed { connections: 1 };
        let load =
            scenario_core::scenario::model::LoadProfile { model, max_requests: Some(1), duration: None };
        let server = Server::answering(OK).await;
        for load in [None, Some(load)] {
            let path = "/a/../b/./%2e%2e?c=../d";
            fetch(FetchJob { load, ..job(&server.url(path)) }).await.fetched();
            assert!(server.requests().pop().unwrap().starts_with(&format!("GET {path} HTTP/1.1\r\n")));
        }
    });
}
