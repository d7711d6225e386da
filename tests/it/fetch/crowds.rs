//! Many requests at once, the environment, the end of a run, and odd URLs.

use std::cell::Cell;
use std::process::Command;
use std::rc::Rc;

use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_log::event::{FetchErrorKind, Source};
use tokio::sync::Notify;

use crate::fetch::harness::{Rig, Server, fetch, job, local};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn proxy_variables_are_not_used() {
    // The environment belongs to the process, so the test starts itself again with an invalid proxy.
    const PROXIES: [&str; 6] =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    if std::env::var_os(PROXIES[0]).is_none_or(|proxy| proxy != "http://127.0.0.1:1") {
        let test = ["--exact", "fetch::crowds::proxy_variables_are_not_used"];
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(test).envs(PROXIES.map(|name| (name, "http://127.0.0.1:1"))).env_remove("no_proxy");
        let output = again.output().unwrap();
        let output_text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && output_text.contains("1 passed"), "{output_text}");
        return;
    }
    local(async {
        let server = Server::answering(OK).await;
        assert_eq!(fetch(job(&server.url("/"))).await.fetched().status, 200);
    });
}

#[test]
fn a_server_that_closes_all_connections_under_load() {
    local(async {
        let gone = Rc::new(Notify::new());
        let server = Server::new({
            let gone = Rc::clone(&gone);
            move |mut guest, n| {
                let gone = Rc::clone(&gone);
                async move {
                    guest.request().await;
                    match n {
                        // The first hundred are answered; the last one ends all others.
                        ..=100 => drop(guest.say(OK).await),
                        200 => gone.notify_waiters(),
                        _ => gone.notified().await,
                    }
                }
            }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        (1..=200).for_each(|n| rig.start(n));
        rig.wait_for_ends(200).await;
        let mut fetched = 0;
        for n in 1..=200 {
            let run = rig.run(n).await;
            if run.heads() == 1 {
                assert_eq!(run.fetched().bytes, 2);
                fetched += 1;
            } else {
                assert_eq!(run.failed().0, FetchErrorKind::Reset);
            }
        }
        assert_eq!(fetched, 100);
    });
}

#[test]
fn a_thousand_slow_answers_at_once() {
    const MANY: usize = 1_000;
    local(async {
        // No request is answered before all have arrived: if one waited for another, the test would hang.
        let (arrived, all) = (Rc::new(Cell::new(0)), Rc::new(Notify::new()));
        let server = Server::new(move |mut guest, _| {
            let (arrived, all) = (Rc::clone(&arrived), Rc::clone(&all));
            async move {
                guest.request().await;
                arrived.set(arrived.get() + 1);
                let all_arrived = all.notified();
                if arrived.get() == MANY {
                    all.notify_waiters();
                } else {
                    all_arrived.await;
                }
                guest.say(OK).await;
                guest.wait().await;
            }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        (1..=MANY as u32).for_each(|n| rig.start(n));
        rig.wait_for_ends(MANY).await;
        for n in 1..=MANY as u32 {
            assert_eq!(rig.run(n).await.fetched().bytes, 2);
        }
    });
}

#[test]
fn the_run_ends_with_requests_in_flight() {
    local(async {
        let waiting = Rc::new(Notify::new());
        let server = Server::new({
            let waiting = Rc::clone(&waiting);
            move |mut guest, n| {
                let waiting = Rc::clone(&waiting);
                async move {
                    guest.request().await;
                    if n == 3 {
                        waiting.notify_one();
                    }
                    guest.wait().await;
                }
            }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        (1..=3).for_each(|n| rig.start(n));
        waiting.notified().await;
        // Also one whose task has not run yet.
        rig.start(4);
        for n in 1..=4 {
            rig.fetcher.cancel(Source::Request(n));
            rig.fetcher.cancel(Source::Request(n));
        }
        rig.wait_for_ends(4).await;
        for n in 1..=4 {
            let (kind, error) = rig.run(n).await.failed();
            assert_eq!(kind, FetchErrorKind::Reset);
            assert!(error.contains("given up"), "{error}");
        }
        // A request that has ended cannot be cancelled.
        let server = Server::answering(OK).await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        rig.fetcher.cancel(Source::Request(1));
        rig.run(1).await.fetched();
        rig.fetcher.cancel(Source::Request(77));
    });
}

#[test]
fn ipv6() {
    local(async {
        let server = Server::on("[::1]:0", |mut guest, _| async move {
            guest.request().await;
            guest.say(OK).await;
            guest.close().await;
        })
        .await;
        assert_eq!(fetch(job(&server.url("/"))).await.fetched().bytes, 2);
        assert!(server.requests()[0].contains(&format!("Host: [::1]:{}\r\n", server.address().port())));
    });
}

#[test]
fn credentials_in_a_url_are_sent_and_not_shown() {
    local(async {
        let server = Server::answering("").await;
        let address = server.address();
        let url = ScenarioText::secret(
            format!("http://me:canary@{address}/"),
            format!("http://me:[redacted]@{address}/"),
        );
        let run = fetch(FetchJob { urls: vec![url], ..job("") }).await;
        assert!(server.requests()[0].contains("Authorization: Basic bWU6Y2FuYXJ5\r\n"));
        assert!(!format!("{run:?}").contains("canary"), "{run:?}");
    });
}

#[test]
fn a_job_that_the_check_refuses_fails_without_a_panic() {
    local(async {
        let server = Server::answering(OK).await;
        let url = server.url("/");
        let header = |name: &str, value: &str| vec![(name.to_owned(), ScenarioText::plain(value))];
        let odd = [
            FetchJob { headers: header("X", "a\r\nY: b"), ..job(&url) },
            FetchJob { headers: header("X Y", "a"), ..job(&url) },
            FetchJob { headers: header("", "a"), ..job(&url) },
            FetchJob { method: "GE T".to_owned(), ..job(&url) },
            FetchJob { method: String::new(), ..job(&url) },
            job("http://"),
            job("no url"),
        ];
        for odd in odd {
            assert_eq!(fetch(odd).await.failed().0, FetchErrorKind::Protocol);
        }
        assert_eq!(server.connections(), 0);
        assert_eq!(fetch(job("http://127.0.0.1:0/")).await.failed().0, FetchErrorKind::Connect);
        for odd in ["file:///etc/passwd", "mailto:a@b", "data:,x"] {
            let (_, error) = fetch(job(odd)).await.failed();
            assert!(error.contains("http"), "{error}");
        }
        let connect = FetchJob { method: "CONNECT".to_owned(), ..job(&url) };
        assert_eq!(fetch(connect).await.fetched().bytes, 0);
        let odd = FetchJob { method: "BREW".to_owned(), ..job(&url) };
        assert_eq!(fetch(odd).await.fetched().bytes, 2);
    });
}
