//! Requests that the server did not answer, and that are sent again at once: after the close of a kept
//! connection, and after a refusal of HTTP/2.

use std::cell::Cell;
use std::rc::Rc;

use scenario_core::scenario::model::{FetchJob, Http2Mode, LoadModel, LoadProfile, ScenarioText};
use scenario_log::event::FetchErrorKind;
use tokio::sync::Semaphore;

use crate::fetch::harness::{Guest, Rig, Server, fetch, job, local};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A closed loop of one connection, as a job of the fast path.
fn closed() -> Option<LoadProfile> {
    let model = LoadModel::Closed { connections: 1 };
    Some(LoadProfile { model, max_requests: Some(100), duration: None })
}

/// The end of the second request on a connection.
#[derive(Clone, Copy, Debug)]
enum SecondEnd {
    Close,
    Reset,
    IdleTimeout,
    PartOfAnAnswer,
}

/// A server that answers one request on each connection. The second one it reads, and ends the connection so.
async fn one_answer_each(end: SecondEnd) -> Server {
    Server::new(move |mut guest: Guest, _| async move {
        guest.request().await;
        guest.say(OK).await;
        if guest.request().await.is_none() {
            return;
        }
        match end {
            SecondEnd::Close => guest.close().await,
            SecondEnd::Reset => guest.reset(),
            SecondEnd::IdleTimeout => {
                guest.say("HTTP/1.1 408 Late\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
                guest.close().await;
            }
            SecondEnd::PartOfAnAnswer => {
                guest.say("HTTP/1.1 2").await;
                guest.close().await;
            }
        }
    })
    .await
}

#[test]
fn a_request_on_a_kept_connection_that_was_closed_is_sent_once_more() {
    local(async {
        for end in [SecondEnd::Close, SecondEnd::Reset, SecondEnd::IdleTimeout] {
            for load in [None, closed()] {
                for method in ["GET", "PUT", "OPTIONS"] {
                    let server = one_answer_each(end).await;
                    let method = method.to_owned();
                    let load = load.clone();
                    let mut rig = Rig::new(vec![FetchJob { method, load, ..job(&server.url("/")) }], &[]);
                    for n in 1..=3 {
                        rig.start(n);
                        rig.wait_for_ends(1).await;
                        let fetched = rig.run(n).await.fetched();
                        let resent = u64::from(n > 1);
                        assert_eq!((fetched.status, fetched.sent.resent), (200, resent), "{end:?}");
                        assert_eq!(fetched.opened_conns(), 1, "{end:?}: {fetched:?}");
                    }
                    assert_eq!(server.connections(), 3);
                    assert_eq!(server.requests().len(), 5);
                }
            }
        }
    });
}

#[test]
fn a_request_is_not_sent_again_if_it_may_have_been_processed_or_was_answered() {
    local(async {
        for (end, method) in
            [(SecondEnd::Close, "POST"), (SecondEnd::Reset, "PATCH"), (SecondEnd::PartOfAnAnswer, "GET")]
        {
            for load in [None, closed()] {
                let server = one_answer_each(end).await;
                let method = method.to_owned();
                let mut rig = Rig::new(vec![FetchJob { method, load, ..job(&server.url("/")) }], &[]);
                rig.start(1);
                rig.wait_for_ends(1).await;
                rig.run(1).await.fetched();
                rig.start(2);
                rig.wait_for_ends(1).await;
                assert_eq!(rig.run(2).await.failed().0, FetchErrorKind::Reset);
                assert_eq!(server.connections(), 1, "{end:?}");
            }
        }
        // A new connection that is closed would be closed again.
        let server = Server::new(|mut guest, _| async move { drop(guest.request().await) }).await;
        for load in [None, closed()] {
            fetch(FetchJob { load, ..job(&server.url("/")) }).await.failed();
        }
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_redirect_on_a_connection_that_the_server_closes_is_followed() {
    local(async {
        let server = Server::new(|mut guest, n| async move {
            guest.request().await;
            let answer =
                if n == 1 { "HTTP/1.1 302 X\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n" } else { OK };
            guest.say(answer).await;
            guest.close().await;
        })
        .await;
        for load in [None, closed()] {
            let fetched = fetch(FetchJob { load, ..job(&server.url("/")) }).await.fetched();
            assert_eq!(fetched.status, 200);
        }
    });
}

#[test]
fn a_request_that_asks_to_close_gets_a_connection_of_its_own() {
    local(async {
        for load in [None, closed()] {
            let server = Server::new(|mut guest: Guest, _| async move {
                while guest.request().await.is_some() && guest.say(OK).await {}
            })
            .await;
            let headers = vec![("Connection".to_owned(), ScenarioText::plain("Keep-Alive, Close"))];
            let mut rig = Rig::new(vec![FetchJob { headers, load, ..job(&server.url("/")) }], &[]);
            for n in 1..=4 {
                rig.start(n);
                rig.wait_for_ends(1).await;
                assert_eq!(rig.run(n).await.fetched().reused, Some(false));
            }
            assert_eq!(server.connections(), 4);
        }
    });
}

/// A server of HTTP/2 that refuses the first `refused` requests of all, and, on each connection, those above
/// `limit` at a time. It answers when `answered` requests are there. Returns the largest number at a time.
async fn refusing(refused: usize, limit: u32, answered: usize) -> (Server, Rc<Cell<usize>>) {
    let (arrived, all, most) = (Rc::new(Cell::new(0)), Rc::new(Semaphore::new(0)), Rc::new(Cell::new(0)));
    let shared = Rc::clone(&most);
    let server = Server::new(move |guest, _| {
        let (arrived, all, most) = (Rc::clone(&arrived), Rc::clone(&all), Rc::clone(&shared));
        async move {
            let live = Rc::new(Cell::new(0_usize));
            let mut builder = h2::server::Builder::new();
            builder.max_concurrent_streams(limit);
            let Ok(mut connection) = builder.handshake::<_, bytes::Bytes>(guest.tcp).await else { return };
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                arrived.set(arrived.get() + 1);
                if arrived.get() <= refused {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                    continue;
                }
                live.set(live.get() + 1);
                most.set(most.get().max(live.get()));
                if arrived.get() == refused + answered {
                    all.add_permits(1000);
                }
                let (all, live) = (Rc::clone(&all), Rc::clone(&live));
                tokio::task::spawn_local(async move {
                    all.acquire().await.unwrap().forget();
                    live.set(live.get() - 1);
                    let _ = respond.send_response(Default::default(), true);
                });
            }
        }
    })
    .await;
    (server, most)
}

#[test]
fn a_refused_request_of_http2_is_sent_again_whatever_its_method() {
    local(async {
        for method in ["GET", "POST"] {
            let (server, _) = refusing(2, 100, 1).await;
            let method = method.to_owned();
            let run = fetch(FetchJob { method, http2: Http2Mode::Always, ..job(&server.url("/")) }).await;
            assert_eq!((run.fetched().status, run.fetched().sent.resent), (200, 2));
            assert_eq!(server.connections(), 2, "a connection that refuses twice is given up");
        }
        let (server, _) = refusing(usize::MAX / 2, 100, 1).await;
        let run = fetch(FetchJob { http2: Http2Mode::Always, ..job(&server.url("/")) }).await;
        let (kind, error) = run.failed();
        assert_eq!(kind, FetchErrorKind::Reset);
        assert!(error.contains("did not process the request (sent again 10 times)"), "{error}");
    });
}

#[test]
fn the_servers_limit_of_streams_is_kept_from_the_first_request_on() {
    local(async {
        // No request is answered before all are there: those above the limit need connections of their own.
        let (server, most) = refusing(0, 10, 45).await;
        let mut rig = Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/")) }], &[]);
        (1..=45).for_each(|n| rig.start(n));
        rig.wait_for_ends(45).await;
        for n in 1..=45 {
            let fetched = rig.run(n).await.fetched();
            assert_eq!((fetched.status, fetched.sent.resent), (200, 0));
        }
        assert_eq!((server.connections(), most.get()), (5, 10));
    });
}

#[test]
fn a_request_that_crosses_the_goodbye_of_http2_is_sent_on_a_new_connection() {
    local(async {
        // Each connection takes two requests, and says so only afterwards, as nginx does.
        let server = Server::new(|guest, _| async move {
            let Ok(mut connection) = h2::server::handshake(guest.tcp).await else { return };
            let mut seen = 0;
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                seen += 1;
                let _ = respond.send_response(Default::default(), true);
                if seen == 2 {
                    connection.graceful_shutdown();
                }
            }
        })
        .await;
        let mut rig = Rig::new(vec![FetchJob { http2: Http2Mode::Always, ..job(&server.url("/")) }], &[]);
        (1..=40).for_each(|n| rig.start(n));
        rig.wait_for_ends(40).await;
        for n in 1..=40 {
            assert_eq!(rig.run(n).await.fetched().status, 200);
        }
    });
}
