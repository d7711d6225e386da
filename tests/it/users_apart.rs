//! Fifty users of one preset keep apart, over each protocol, on connections that they share: every request carries
//! the cookie, the token and the row of its own user, and a server that knows them checks it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::common::Folder;
use crate::fetch::harness::folder;
use crate::fetch::tls::{acceptor, identity};

const USERS: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http1Tls,
    Http2,
    Http2Tls,
}

/// What a shop knows of its users.
#[derive(Default)]
struct Shop {
    /// The token and the user of each session.
    sessions: BTreeMap<String, (String, String)>,
    /// Requests of two users, as one line each.
    mixed: Vec<String>,
    requests: usize,
    connections: usize,
}

/// The answer to a request: its status, its cookie and its body.
type Answer = (u16, Option<String>, String);

impl Shop {
    /// `/login` gives a cookie and a token to the user of the header `x-user`; every other path ends with its user.
    fn answer(&mut self, path: &str, header: impl Fn(&str) -> String) -> Answer {
        self.requests += 1;
        let user = header("x-user");
        if path == "/login" {
            let n = self.sessions.len();
            self.sessions.insert(format!("session=s{n}"), (format!("Bearer t{n}"), user));
            return (200, Some(format!("session=s{n}; Path=/; HttpOnly")), format!("{{\"token\":\"t{n}\"}}"));
        }
        let own = self.sessions.get(&header("cookie"));
        let is_own = own.is_some_and(|(token, owner)| {
            *token == header("authorization") && *owner == user && path.ends_with(&format!("/{user}"))
        });
        if !is_own {
            let line = format!("{path} {user} {} {}", header("cookie"), header("authorization"));
            self.mixed.push(line);
        }
        (if is_own { 200 } else { 403 }, None, "{}".to_owned())
    }
}

/// Starts a shop on a thread of its own, which lives as long as the test. Returns also the file of its authority.
fn start_shop(protocol: Protocol) -> (SocketAddr, String, Arc<Mutex<Shop>>) {
    let shop = Arc::new(Mutex::new(Shop::default()));
    let shared = Arc::clone(&shop);
    let identity = identity("127.0.0.1", |_| {});
    let ca = folder().join(&identity.authority).display().to_string();
    let (started, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send(listener.local_addr().unwrap()).unwrap();
            let versions = if protocol == Protocol::Http2Tls { &["h2"][..] } else { &["http/1.1"] };
            let acceptor = acceptor(&identity, versions);
            while let Ok((tcp, _)) = listener.accept().await {
                let (shop, acceptor) = (Arc::clone(&shared), acceptor.clone());
                tokio::task::spawn_local(async move {
                    shop.lock().unwrap().connections += 1;
                    match protocol {
                        Protocol::Http1 => serve_http1(tcp, shop).await,
                        Protocol::Http2 => serve_http2(tcp, shop).await,
                        Protocol::Http1Tls | Protocol::Http2Tls => {
                            let Ok(tls) = acceptor.accept(tcp).await else { return };
                            match protocol {
                                Protocol::Http1Tls => serve_http1(tls, shop).await,
                                _ => serve_http2(tls, shop).await,
                            }
                        }
                    }
                });
            }
        });
    });
    (address.recv().unwrap(), ca, shop)
}

/// Answers one request after the other on a connection.
async fn serve_http1<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shop: Arc<Mutex<Shop>>) {
    let mut bytes = Vec::new();
    while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        // No request has a body.
        let Some(head) = bytes.strip_suffix(b"\r\n\r\n") else { continue };
        let head = String::from_utf8(head.to_vec()).unwrap();
        bytes.clear();
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).unwrap_or_default().1.to_owned()
        };
        let path = head.split(' ').nth(1).unwrap();
        let (status, cookie, body) = shop.lock().unwrap().answer(path, header);
        let cookie = cookie.map(|cookie| format!("Set-Cookie: {cookie}\r\n")).unwrap_or_default();
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} x\r\n{cookie}Content-Length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

async fn serve_http2<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shop: Arc<Mutex<Shop>>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let header = |name: &str| {
            let value = request.headers().get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let (status, cookie, body) = shop.lock().unwrap().answer(request.uri().path(), header);
        let mut response = hyper::Response::builder().status(status);
        if let Some(cookie) = cookie {
            response = response.header("set-cookie", cookie);
        }
        let Ok(mut sent) = respond.send_response(response.body(()).unwrap(), false) else { return };
        let _ = sent.send_data(body.into(), true);
    }
}

#[track_caller]
fn users_keep_apart(protocol: Protocol) {
    let (address, ca, shop) = start_shop(protocol);
    let (scheme, keys) = match protocol {
        Protocol::Http1 => ("http", String::new()),
        Protocol::Http2 => ("http", "http2 = \"always\"".to_owned()),
        Protocol::Http1Tls | Protocol::Http2Tls => ("https", format!("ca = \"{ca}\"")),
    };
    let rows: Vec<String> = (0..USERS).map(|n| format!("{{ user = \"user-{n}\" }}")).collect();
    let text = format!(
        r#"
seed = 3
tick = "0s"
[data.people]
rows = [{rows}]
take = "once"
[presets.users]
players = [{{ name = "u-{{n}}", count = {USERS}, data = "people", steps = [
    {{ fetch = "login", as = "log in" }}, "pause 0s..20ms", {{ repeat = 2, steps = ["fetch page"] }},
    {{ all = ["fetch page", {{ fetch = "page", as = "again" }}] }},
] }}]
[fetches.login]
urls = ["{scheme}://{address}/login"]
method = "POST"
headers = {{ X-User = "${{row.user}}" }}
check = {{ json = {{ "/token" = {{ exists = true }} }} }}
capture = {{ token = {{ json = "/token" }} }}
{keys}
[fetches.page]
urls = ["{scheme}://{address}/a/${{row.user}}", "{scheme}://{address}/b/${{row.user}}"]
headers = {{ X-User = "${{row.user}}" }}
auth = {{ bearer = "${{token}}" }}
{keys}
[[timeline]]
spawn = "users"
"#,
        rows = rows.join(", "),
    );
    let folder = Folder::new();
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let requests = USERS * (1 + 2 * 4);
    {
        let shop = shop.lock().unwrap();
        assert_eq!(shop.mixed, Vec::<String>::new(), "each request belongs to one user");
        assert_eq!((shop.sessions.len(), shop.requests), (USERS, requests));
        // As many at once as there are requests at once, and a busy machine may open some more.
        assert!(shop.connections < requests, "{} connections", shop.connections);
    }
    assert_eq!(log.of("fetch.finished").len(), requests);
    assert!(log.of("player.ended").iter().all(|event| event["ok"] == true));
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn over_http1() {
    users_keep_apart(Protocol::Http1);
}

#[test]
fn over_http1_and_tls() {
    users_keep_apart(Protocol::Http1Tls);
}

#[test]
fn over_http2() {
    users_keep_apart(Protocol::Http2);
}

#[test]
fn over_http2_and_tls() {
    users_keep_apart(Protocol::Http2Tls);
}
