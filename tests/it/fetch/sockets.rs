//! Requests to Unix sockets, and the failures if there is no socket.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use scenario_core::scenario::model::{FetchJob, Http2Mode, ScenarioText};
use scenario_log::event::FetchErrorKind;
use scenario_log::time::Span;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::fetch::harness::{Server, fetch, folder, job, local};
use crate::fetch::http2::serve_h2;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A new path, relative to the folder of the tests and short enough for a socket.
fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("s{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The URL of a socket with this path.
fn url(path: &str, rest: &str) -> String {
    format!("http+unix://{}{rest}", scenario_core::scenario::vars::fill::encode_for_url(path))
}

/// Listens on a socket in the folder of the tests. (The absolute path may be too long for a socket.)
fn listen(name: &str) -> UnixListener {
    let short = PathBuf::from("/tmp").join(name);
    let listener = UnixListener::bind(&short).unwrap();
    std::fs::rename(&short, folder().join(name))
        .or_else(|_| std::os::unix::fs::symlink(&short, folder().join(name)))
        .unwrap();
    listener
}

/// Starts a server that answers one request on each connection. Returns its requests.
fn answering(name: &str, answer: String) -> Rc<RefCell<Vec<String>>> {
    let (listener, requests) = (listen(name), Rc::new(RefCell::new(Vec::new())));
    let received = Rc::clone(&requests);
    tokio::task::spawn_local(async move {
        while let Ok((mut unix, _)) = listener.accept().await {
            let (mut bytes, answer, received) = (Vec::new(), answer.clone(), Rc::clone(&received));
            tokio::task::spawn_local(async move {
                while !bytes.ends_with(b"\r\n\r\n") {
                    if unix.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                received.borrow_mut().push(String::from_utf8(bytes).unwrap());
                let _ = unix.write_all(answer.as_bytes()).await;
                let _ = unix.shutdown().await;
            });
        }
    });
    requests
}

#[test]
fn a_request_to_a_socket_is_like_one_to_a_host() {
    local(async {
        let name = name();
        let requests = answering(&name, OK.to_owned());
        let run = fetch(job(&url(&name, "/a%20b?c"))).await;
        assert_eq!(run.fetched().bytes, 2);
        assert!(run.fetched().timings.connect.is_some() && run.fetched().timings.dns.is_none());
        let request = &requests.borrow()[0];
        assert!(request.starts_with("GET /a%20b?c HTTP/1.1\r\nHost: localhost\r\n"), "{request}");
    });
}

#[test]
fn a_url_without_a_path_requests_the_root_and_may_have_a_user() {
    local(async {
        let name = name();
        let requests = answering(&name, OK.to_owned());
        let user = url(&name, "").replace("://", "://me:canary@");
        fetch(job(&user)).await.fetched();
        let request = &requests.borrow()[0];
        assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("Authorization: Basic bWU6Y2FuYXJ5\r\n"), "{request}");
    });
}

#[test]
fn http2_works_over_sockets() {
    local(async {
        let name = name();
        let listener = listen(&name);
        tokio::task::spawn_local(async move {
            while let Ok((unix, _)) = listener.accept().await {
                tokio::task::spawn_local(serve_h2(unix));
            }
        });
        let run = fetch(FetchJob { http2: Http2Mode::Always, ..job(&url(&name, "/x")) }).await;
        assert_eq!((run.responded().1, run.fetched().status), ("HTTP/2", 200));
    });
}

#[test]
fn a_socket_may_redirect_to_a_host_but_no_host_to_a_socket() {
    local(async {
        let target = Server::answering(OK).await;
        let name = name();
        let away =
            format!("HTTP/1.1 302 X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url("/there"));
        answering(&name, away);
        let headers = vec![("Authorization".to_owned(), ScenarioText::plain("x"))];
        fetch(FetchJob { headers, ..job(&url(&name, "/")) }).await.fetched();
        assert!(!target.requests()[0].contains("Authorization"), "{}", target.requests()[0]);
        let back = format!("HTTP/1.1 302 X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", url(&name, "/"));
        let server = Server::answering(back).await;
        let (kind, error) = fetch(job(&server.url("/"))).await.failed();
        assert_eq!(kind, FetchErrorKind::Redirects);
        assert!(error.contains("only http and https are followed"), "{error}");
    });
}

#[test]
fn a_path_without_an_answering_socket_is_an_error() {
    local(async {
        let (none, plain, left, silent) = (name(), name(), name(), name());
        std::fs::write(folder().join(&plain), "a file").unwrap();
        drop(listen(&left));
        let _silent = listen(&silent);
        for (name, kind, message) in [
            (&none, FetchErrorKind::Connect, "No such file or directory"),
            (&plain, FetchErrorKind::Connect, "it is not a socket"),
            (&left, FetchErrorKind::Connect, "nobody listens on it (connection refused)"),
            (&silent, FetchErrorKind::Timeout, "had not begun to answer"),
        ] {
            let job = FetchJob { timeout: Span::from_millis(250), ..job(&url(name, "/")) };
            let (got, error) = fetch(job).await.failed();
            assert_eq!(got, kind, "{error}");
            assert!(error.contains(message) && error.contains(&format!("the socket {name}")), "{error}");
        }
    });
}
