//! HTTP/2, agreed on in the TLS handshake or known beforehand.

use std::cell::Cell;
use std::rc::Rc;

use scenario_core::scenario::model::{FetchJob, Http2Mode, LoadModel, LoadProfile, ScenarioText};
use scenario_log::event::FetchErrorKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::fetch::harness::{Rig, Server, fetch, job, local};
use crate::fetch::tls::{https, identity, secure};

/// Answers every HTTP/2 request with its path and authority. Some paths are special: `/refuse` is reset,
/// `/away` ends the connection, `/one-each` is accepted only as the first request of a connection, and
/// `/leave` is the last request that a connection accepts.
pub(crate) async fn serve_h2<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut seen = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        seen += 1;
        match request.uri().path() {
            "/one-each" if seen > 1 => respond.send_reset(h2::Reason::REFUSED_STREAM),
            "/leave" => {
                let Ok(mut stream) = respond.send_response(Default::default(), false) else { return };
                let _ = stream.send_data("bye".into(), true);
                connection.graceful_shutdown();
            }
            "/refuse" => respond.send_reset(h2::Reason::ENHANCE_YOUR_CALM),
            "/away" => connection.abrupt_shutdown(h2::Reason::INTERNAL_ERROR),
            path => {
                let body = format!("{} {path}\n", request.uri().authority().unwrap());
                let Ok(mut stream) = respond.send_response(Default::default(), false) else { return };
                let _ = stream.send_data(body.into(), true);
            }
        }
    }
}

/// A server of HTTP/2 without TLS.
async fn plain_h2() -> Server {
    Server::new(|guest, _| serve_h2::<TcpStream>(guest.tcp)).await
}

#[test]
fn http2_is_spoken_with_prior_knowledge() {
    local(async {
        let server = plain_h2().await;
        let mut rig = Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/x")) }], &[]);
        for n in 1..=3 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            assert_eq!(rig.run(n).await.responded().1, "HTTP/2");
        }
        assert_eq!(server.connections(), 1);
        let nobody = Server::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let (_, error) = fetch(FetchJob { http2: Http2Mode::Always, ..job(&nobody.url("/")) }).await.failed();
        assert!(error.contains("HTTP/2"), "{error}");
    });
}

#[test]
fn a_request_that_a_used_connection_refuses_is_sent_once_more() {
    local(async {
        let server = plain_h2().await;
        let mut rig =
            Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/one-each")) }], &[]);
        for n in 1..=3 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            assert_eq!(rig.run(n).await.fetched().status, 200);
        }
        assert_eq!(server.connections(), 3);
    });
}

#[test]
fn the_end_of_an_http2_stream_or_connection_is_a_failure() {
    local(async {
        let server = plain_h2().await;
        let job = |path| FetchJob { http2: Http2Mode::Always, ..job(&server.url(path)) };
        let (kind, error) = fetch(job("/refuse")).await.failed();
        assert_eq!(kind, FetchErrorKind::Reset, "{error}");
        assert!(error.contains("gave up the HTTP/2 stream"), "{error}");
        let (kind, error) = fetch(job("/away")).await.failed();
        assert_eq!(kind, FetchErrorKind::Reset, "{error}");
    });
}

#[test]
fn http2_is_agreed_on_and_shared() {
    local(async {
        let identity = identity("127.0.0.1", |_| {});
        let server = secure(&identity, &["h2", "http/1.1"]).await;
        let job = FetchJob { ca: Some(identity.authority.into()), log_lines: true, ..job(&https(&server)) };
        let mut rig = Rig::new(vec![job.clone()], &[]);
        (1..=50).for_each(|n| rig.start(n));
        rig.wait_for_ends(50).await;
        for n in 1..=50 {
            let run = rig.run(n).await;
            assert_eq!(run.responded().1, "HTTP/2");
            assert_eq!(run.lines().concat(), format!("{} /\n", server.address()));
        }
        assert_eq!(server.connections(), 1);
        let run = fetch(FetchJob { http2: Http2Mode::Never, ..job }).await;
        assert_eq!((run.responded().1, run.fetched().bytes), ("HTTP/1.1", 2));
    });
}

/// A closed loop with this many connections to a server of HTTP/2 without TLS.
fn closed_loop(server: &Server, connections: u32) -> FetchJob {
    let load =
        LoadProfile { model: LoadModel::Closed { connections }, max_requests: Some(100), duration: None };
    FetchJob { http2: Http2Mode::Always, load: Some(load), ..job(&server.url("/x")) }
}

#[test]
fn a_closed_loop_has_its_number_of_connections() {
    local(async {
        let plain = |server: &Server| closed_loop(server, 3);
        let checked = |server: &Server| FetchJob { retries: 1, ..closed_loop(server, 3) };
        for of in [&plain as &dyn Fn(&Server) -> FetchJob, &checked] {
            let server = plain_h2().await;
            let mut rig = Rig::new(vec![of(&server)], &[]);
            for round in 0..4 {
                (1..=3).for_each(|n| rig.start(round * 3 + n));
                rig.wait_for_ends(3).await;
                for n in 1..=3 {
                    assert_eq!(rig.run(round * 3 + n).await.fetched().reused, Some(round > 0));
                }
            }
            assert_eq!(server.connections(), 3);
        }
    });
}

#[test]
fn a_hundred_requests_share_a_connection_before_another_is_opened() {
    local(async {
        const REQUESTS: u32 = 150;
        let (arrived, all) = (Rc::new(Cell::new(0)), Rc::new(Semaphore::new(0)));
        // No request is answered before all have arrived.
        let server = Server::new(move |guest, _| {
            let (arrived, all) = (Rc::clone(&arrived), Rc::clone(&all));
            async move {
                let Ok(mut connection) = h2::server::handshake(guest.tcp).await else { return };
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let all = Rc::clone(&all);
                    arrived.set(arrived.get() + 1);
                    if arrived.get() == REQUESTS {
                        all.add_permits(REQUESTS as usize);
                    }
                    tokio::task::spawn_local(async move {
                        all.acquire().await.unwrap().forget();
                        let _ = respond.send_response(Default::default(), true);
                    });
                }
            }
        })
        .await;
        let mut rig = Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/")) }], &[]);
        (1..=REQUESTS).for_each(|n| rig.start(n));
        rig.wait_for_ends(REQUESTS as usize).await;
        for n in 1..=REQUESTS {
            assert_eq!(rig.run(n).await.fetched().status, 200);
        }
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn http1_is_agreed_on_if_the_server_speaks_nothing_else() {
    local(async {
        let identity = identity("127.0.0.1", |_| {});
        let server = secure(&identity, &["http/1.1"]).await;
        let job = FetchJob { ca: Some(identity.authority.into()), ..job(&https(&server)) };
        let mut rig = Rig::new(vec![job.clone()], &[]);
        (1..=5).for_each(|n| rig.start(n));
        rig.wait_for_ends(5).await;
        for n in 1..=5 {
            assert_eq!(rig.run(n).await.responded().1, "HTTP/1.1");
        }
        let (kind, error) = fetch(FetchJob { http2: Http2Mode::Always, ..job }).await.failed();
        assert_eq!(kind, FetchErrorKind::Tls);
        assert!(error.contains("http2 = \"auto\""), "{error}");
    });
}

#[test]
fn a_server_that_closes_a_connection_in_order_loses_no_request() {
    local(async {
        let server = plain_h2().await;
        let mut rig =
            Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/leave")) }], &[]);
        for n in 0..20 {
            (1..=3).for_each(|m| rig.start(n * 3 + m));
            rig.wait_for_ends(3).await;
            for m in 1..=3 {
                assert_eq!(rig.run(n * 3 + m).await.fetched().bytes, 3);
            }
        }
    });
}

#[test]
fn odd_requests_fail_without_a_panic() {
    local(async {
        let server = plain_h2().await;
        for method in ["CONNECT", "BREW", "HEAD", "OPTIONS"] {
            let method = method.to_owned();
            fetch(FetchJob { http2: Http2Mode::Always, method, ..job(&server.url("/")) }).await;
        }
        let headers = [("Host", "a b"), ("Connection", "x, y"), ("TE", "gzip"), ("Upgrade", "z")];
        for (name, value) in headers {
            let headers = vec![(name.to_owned(), ScenarioText::plain(value))];
            fetch(FetchJob { http2: Http2Mode::Always, headers, ..job(&server.url("/")) }).await;
        }
    });
}
