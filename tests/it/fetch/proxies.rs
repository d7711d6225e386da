//! Proxies that a job names: they forward http, and make tunnels for https.

use std::cell::RefCell;
use std::rc::Rc;

use scenario_core::scenario::model::{FetchJob, ScenarioText};
use scenario_log::event::FetchErrorKind;
use tokio::net::TcpStream;

use crate::fetch::harness::{Server, fetch, job, local};
use crate::fetch::tls::{https, identity, secure};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn by(proxy: &Server, url: &str) -> FetchJob {
    FetchJob { proxy: Some(ScenarioText::plain(proxy.url(""))), ..job(url) }
}

fn by_user(proxy: &Server, url: &str) -> FetchJob {
    let proxy = proxy.url("").replace("://", "://me:canary@");
    FetchJob { proxy: Some(ScenarioText::secret(proxy, "[redacted]")), ..job(url) }
}

/// Starts a proxy that makes tunnels. Returns it and the requests it received.
async fn tunnelling() -> (Server, Rc<RefCell<Vec<String>>>) {
    let requests = Rc::new(RefCell::new(Vec::new()));
    let received = Rc::clone(&requests);
    let server = Server::new(move |mut guest, _| {
        let received = Rc::clone(&received);
        async move {
            let Some(request) = guest.request().await else { return };
            let to = request.split(' ').nth(1).unwrap().to_owned();
            received.borrow_mut().push(request);
            let mut server = TcpStream::connect(to).await.unwrap();
            guest.say("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n").await;
            let _ = tokio::io::copy_bidirectional(&mut guest.tcp, &mut server).await;
        }
    })
    .await;
    (server, requests)
}

#[test]
fn a_request_to_a_proxy_has_the_whole_url() {
    local(async {
        let proxy = Server::answering(OK).await;
        // This name is not looked up here.
        let run = fetch(by(&proxy, "http://nowhere.invalid:8080/a?b")).await;
        assert_eq!(run.fetched().bytes, 2);
        let request = &proxy.requests()[0];
        let begins = "GET http://nowhere.invalid:8080/a?b HTTP/1.1\r\nHost: nowhere.invalid:8080\r\n";
        assert!(request.starts_with(begins), "{request}");
        assert!(!request.contains("Proxy-Authorization"));
    });
}

#[test]
fn a_proxy_gets_its_credentials_and_the_server_does_not() {
    local(async {
        let proxy = Server::answering(OK).await;
        fetch(by_user(&proxy, "http://nowhere.invalid/")).await.fetched();
        let request = &proxy.requests()[0];
        assert!(request.contains("\r\nProxy-Authorization: Basic bWU6Y2FuYXJ5\r\n"), "{request}");
        let identity = identity("127.0.0.1", |_| {});
        let server = secure(&identity, &[]).await;
        let (proxy, requests) = tunnelling().await;
        let tls = FetchJob { ca: Some(identity.authority.into()), ..by_user(&proxy, &https(&server)) };
        let run = fetch(tls).await;
        assert!(run.fetched().timings.tls.is_some());
        let address = server.address();
        assert_eq!(
            requests.borrow()[..],
            [format!(
                "CONNECT {address} HTTP/1.1\r\nHost: {address}\r\nProxy-Authorization: Basic bWU6Y2FuYXJ5\r\n\r\n"
            )]
        );
    });
}

#[test]
fn http2_goes_through_a_tunnel() {
    local(async {
        let identity = identity("127.0.0.1", |_| {});
        let server = secure(&identity, &["h2"]).await;
        let (proxy, _) = tunnelling().await;
        let run =
            fetch(FetchJob { ca: Some(identity.authority.into()), ..by(&proxy, &https(&server)) }).await;
        assert_eq!(run.responded().1, "HTTP/2");
    });
}

#[test]
fn a_proxy_that_makes_no_tunnel_is_an_error() {
    local(async {
        for (answer, message) in [
            (
                "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                "it answered 407 Proxy Authentication Required",
            ),
            ("no HTTP\r\n\r\n", "its answer is not HTTP"),
            ("HTTP/1.1 200", "it closed the connection"),
        ] {
            let proxy = Server::answering(answer).await;
            let (kind, error) = fetch(by_user(&proxy, "https://nowhere.invalid/")).await.failed();
            assert_eq!(kind, FetchErrorKind::Connect, "{error}");
            let begins = format!("the proxy {} gave no connection to nowhere.invalid:443: ", proxy.address());
            assert!(error.starts_with(&begins) && error.contains(message), "{error}");
        }
        let endless = Server::new(|mut guest, _| async move { while guest.say([b'x'; 4096]).await {} }).await;
        let (_, error) = fetch(by(&endless, "https://nowhere.invalid/")).await.failed();
        assert!(error.contains("head is too large"), "{error}");
        let nobody = format!("http://{}", Server::unused_address().await);
        let job = FetchJob { proxy: Some(ScenarioText::plain(nobody)), ..job("http://nowhere.invalid/") };
        let (kind, error) = fetch(job).await.failed();
        assert_eq!(kind, FetchErrorKind::Connect);
        assert!(error.starts_with("the proxy: no connection to 127.0.0.1:"), "{error}");
    });
}

#[test]
fn a_redirect_goes_through_the_proxy_too() {
    local(async {
        let proxy = Server::new(|mut guest, n| async move {
            guest.request().await;
            let away = "HTTP/1.1 302 X\r\nLocation: http://other.invalid/x\r\nContent-Length: 0\r\n\r\n";
            guest.say(if n == 1 { away } else { OK }).await;
            guest.close().await;
        })
        .await;
        fetch(by_user(&proxy, "http://nowhere.invalid/")).await.fetched();
        let second = &proxy.requests()[1];
        assert!(second.starts_with("GET http://other.invalid/x HTTP/1.1\r\n"), "{second}");
        assert!(second.contains("Proxy-Authorization"), "it is the same proxy: {second}");
    });
}
