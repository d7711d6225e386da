//! Redirects, and which parts of a request they keep.

use scenario_core::scenario::model::{FetchBody, FetchJob, ScenarioText};
use scenario_log::event::FetchErrorKind;

use crate::fetch::harness::{Server, fetch, job, local};

/// A server that redirects every request to `location`.
async fn sending_to(location: &str) -> Server {
    Server::answering(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
        .await
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn redirect_loop() {
    local(async {
        let server = sending_to("/x").await;
        let (kind, error) = fetch(FetchJob { redirects: 3, ..job(&server.url("/x")) }).await.failed();
        assert_eq!(kind, FetchErrorKind::Redirects);
        let url = server.url("/x");
        let wanted =
            format!("{url} -> {url} -> {url} -> {url} -> /x: more than 3 redirects, and they go in a circle");
        assert_eq!(error, wanted);
        assert_eq!(server.requests().len(), 4);
    });
}

#[test]
fn to_another_host() {
    local(async {
        let target = Server::answering(OK).await;
        let server = sending_to(&target.url("/there")).await;
        let headers =
            [("Authorization", "x"), ("Cookie", "a=b"), ("Proxy-Authorization", "y"), ("X-Mine", "z")];
        let headers = headers.map(|(name, value)| (name.to_owned(), ScenarioText::plain(value))).to_vec();
        let run = fetch(FetchJob { headers, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, 2);
        assert_eq!(run.responded().0, 200, "only the last answer is reported");
        let (first, second) = (&server.requests()[0], &target.requests()[0]);
        for name in ["Authorization: x", "Cookie: a=b", "Proxy-Authorization: y"] {
            assert!(first.contains(name), "{first}");
            assert!(!second.contains(name.split(':').next().unwrap()), "{second}");
        }
        assert!(second.contains("X-Mine: z") && second.contains(&format!("Host: {}", target.address())));
    });
}

#[test]
fn credentials_of_the_url_stay_with_their_host() {
    local(async {
        let target = Server::answering(OK).await;
        let server = sending_to(&target.url("/")).await;
        let address = server.address();
        let url = ScenarioText::secret(
            format!("http://me:canary@{address}/"),
            format!("http://me:[redacted]@{address}/"),
        );
        fetch(FetchJob { urls: vec![url], ..job("") }).await.fetched();
        assert!(server.requests()[0].contains("Authorization: Basic bWU6Y2FuYXJ5\r\n"));
        assert!(!target.requests()[0].contains("Authorization"));
    });
}

#[test]
fn to_a_file() {
    local(async {
        for target in ["file:///etc/passwd", "ftp://127.0.0.1/", "javascript:alert(1)"] {
            let server = sending_to(target).await;
            let (kind, error) = fetch(job(&server.url("/"))).await.failed();
            assert_eq!(kind, FetchErrorKind::Redirects);
            assert_eq!(error, format!("{} -> {target}: only http and https are followed", server.url("/")));
        }
    });
}

#[test]
fn a_failure_after_redirects_shows_the_chain() {
    local(async {
        let nobody = Server::unused_address().await;
        let server = sending_to(&format!("http://you:canary@{nobody}/")).await;
        let (kind, error) = fetch(job(&server.url("/"))).await.failed();
        assert_eq!(kind, FetchErrorKind::Connect);
        let chain = format!("(redirected: {} -> http://{nobody}/)", server.url("/"));
        assert!(error.ends_with(&chain), "{error}");
        assert!(!error.contains("canary"), "{error}");
    });
}

#[test]
fn no_redirects_allowed_makes_the_redirect_the_answer() {
    local(async {
        let server = sending_to("http://you:canary@127.0.0.1/").await;
        let run = fetch(FetchJob { redirects: 0, ..job(&server.url("/")) }).await;
        let (status, _, headers) = run.responded();
        assert_eq!((status, run.fetched().status), (302, 302));
        assert!(headers.contains("location: http://you:[redacted]@127.0.0.1/"), "{headers}");
    });
}

#[test]
fn a_redirect_without_a_location_is_the_answer() {
    local(async {
        let server = Server::answering("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(fetch(job(&server.url("/"))).await.fetched().status, 302);
    });
}

#[test]
fn the_body_is_kept_only_with_the_method() {
    local(async {
        for (status, start, kept) in [(303, "GET / ", false), (302, "GET / ", false), (307, "POST / ", true)]
        {
            let server = Server::new(move |mut guest, n| async move {
                guest.request().await;
                let redirect = format!("HTTP/1.1 {status} X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
                guest.say(if n == 1 { redirect.as_str() } else { OK }).await;
                guest.close().await;
            })
            .await;
            let body = Some(FetchBody::Json(ScenarioText::plain("[1]")));
            fetch(FetchJob { method: "POST".to_owned(), body, ..job(&server.url("/")) }).await.fetched();
            let second = &server.requests()[1];
            assert!(second.starts_with(start), "{second}");
            assert_eq!(second.ends_with("\r\n\r\n[1]"), kept, "{second}");
            assert_eq!(second.contains("Content-Type: application/json"), kept, "{second}");
        }
    });
}
