//! Keys of a fetch that change where its connections go, how long they are kept, and what is sent or read.

use std::cell::RefCell;
use std::rc::Rc;

use scenario_core::scenario::model::{
    CaptureSelector, FetchBody, FetchCapture, FetchJob, Http2Mode, LoadModel, LoadProfile, MultipartPart,
    PartContent, ScenarioText, StatusRule,
};
use scenario_log::event::FetchErrorKind;
use sha2::{Digest as _, Sha256};

use crate::common::{Folder, answer, serve};
use crate::fetch::harness::{Guest, Rig, Server, fetch, folder, job, local};
use crate::fetch::tls::{https, identity, secure};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A server that keeps its connections.
async fn keeping() -> Server {
    Server::new(|mut guest, _| async move {
        while guest.request().await.is_some() {
            guest.say(OK).await;
        }
    })
    .await
}

fn resolve(from: &str, server: &Server) -> Vec<(String, String)> {
    vec![(from.to_owned(), server.address().to_string())]
}

#[test]
fn connections_go_where_an_address_is_resolved_to() {
    local(async {
        let server = keeping().await;
        let resolve = resolve("shop.test:80", &server);
        fetch(FetchJob { resolve: resolve.clone(), ..job("http://Shop.TEST/a") }).await.fetched();
        assert!(server.requests()[0].contains("\r\nHost: shop.test\r\n"), "{:?}", server.requests());
        // Another port is another address.
        let (kind, _) = fetch(FetchJob { resolve, ..job("http://shop.test:81/a") }).await.failed();
        assert_eq!(kind, FetchErrorKind::Dns);
    });
}

#[test]
fn a_redirect_is_resolved_too() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            let Some(request) = guest.request().await else { return };
            let is_first = request.starts_with("GET /a ");
            let moved = "HTTP/1.1 302 Found\r\nLocation: http://shop.test/b\r\nContent-Length: 0\r\n\r\n";
            guest.say(if is_first { moved } else { OK }).await;
            guest.close().await;
        })
        .await;
        let job = FetchJob { resolve: resolve("shop.test:80", &server), ..job(&server.url("/a")) };
        assert_eq!(fetch(job).await.fetched().bytes, 2);
    });
}

#[test]
fn a_server_has_the_name_that_it_is_given() {
    local(async {
        let identity = identity("shop.example", |_| {});
        let server = secure(&identity, &[]).await;
        let ca = || Some(identity.authority.clone().into());
        let named =
            |name: &str| FetchJob { ca: ca(), server_name: Some(name.to_owned()), ..job(&https(&server)) };
        assert_eq!(fetch(named("shop.example")).await.fetched().bytes, 2);
        let (kind, error) = fetch(named("other.example")).await.failed();
        assert_eq!(kind, FetchErrorKind::Tls);
        assert!(error.contains("not for other.example but for shop.example"), "{error}");
        let (_, error) = fetch(FetchJob { ca: ca(), ..job(&https(&server)) }).await.failed();
        assert!(error.contains("not for 127.0.0.1"), "{error}");
        // A name that is resolved needs no other one.
        let resolve = resolve("shop.example:443", &server);
        let by_name = FetchJob { ca: ca(), resolve, ..job("https://shop.example/") };
        assert_eq!(fetch(by_name).await.fetched().bytes, 2);
    });
}

#[test]
fn a_connection_is_not_kept_where_nobody_wants_that() {
    local(async {
        let load = Some(LoadProfile {
            model: LoadModel::Closed { connections: 1 },
            max_requests: Some(9),
            duration: None,
        });
        for load in [None, load] {
            let server = keeping().await;
            let kept = FetchJob { load: load.clone(), ..job(&server.url("/")) };
            let dropped = FetchJob { keep_alive: false, ..kept.clone() };
            let mut rig = Rig::new(vec![dropped, kept], &[]);
            for (n, which, connections) in [(1, 0, 1), (2, 0, 2), (3, 1, 3), (4, 1, 3), (5, 0, 4)] {
                rig.start_job(n, which);
                rig.wait_for_ends(1).await;
                rig.run(n).await.fetched();
                assert_eq!(server.connections(), connections, "{n} {load:?}");
            }
            let closes: Vec<bool> =
                server.requests().iter().map(|one| one.contains("\r\nConnection: close\r\n")).collect();
            assert_eq!(closes, [true, true, false, false, true]);
        }
    });
}

#[test]
fn a_closed_loop_has_its_streams_on_each_connection() {
    local(async {
        // Answers only when twelve requests wait, and counts those of each connection.
        let waiting: Rc<RefCell<Vec<_>>> = Rc::default();
        let counts: Rc<RefCell<Vec<usize>>> = Rc::new(RefCell::new(vec![0; 3]));
        let counted = Rc::clone(&counts);
        let server = Server::new(move |guest: Guest, number| {
            let (counts, waiting) = (Rc::clone(&counted), Rc::clone(&waiting));
            async move {
                let Ok(mut connection) = h2::server::handshake(guest.tcp).await else { return };
                while let Some(Ok((_, respond))) = connection.accept().await {
                    counts.borrow_mut()[number] += 1;
                    waiting.borrow_mut().push(respond);
                    if waiting.borrow().len() == 12 {
                        for mut respond in waiting.borrow_mut().drain(..) {
                            let _ = respond.send_response(Default::default(), true);
                        }
                    }
                }
            }
        })
        .await;
        let model = LoadModel::Closed { connections: 2 };
        let load = Some(LoadProfile { model, max_requests: Some(12), duration: None });
        let job = FetchJob { load, streams: 6, http2: Http2Mode::Always, ..job(&server.url("/")) };
        let mut rig = Rig::new(vec![job], &[]);
        (1..=12).for_each(|n| rig.start(n));
        rig.wait_for_ends(12).await;
        for n in 1..=12 {
            rig.run(n).await.fetched();
        }
        assert_eq!((server.connections(), &**counts.borrow()), (2, &[0, 6, 6][..]));
    });
}

fn part(name: &str, content: PartContent) -> MultipartPart {
    MultipartPart { name: name.to_owned(), content, file_name: None, media_type: None }
}

#[test]
fn the_parts_of_a_form_are_sent() {
    local(async {
        let file = format!("part-{}.bin", std::process::id());
        std::fs::write(folder().join(&file), b"\x00\xffbytes").unwrap();
        let parts = vec![
            part("a \"b\"", PartContent::Text(ScenarioText::plain("y\r\nz"))),
            part("file", PartContent::File((*file).into())),
            MultipartPart {
                file_name: Some("é.png".to_owned()),
                media_type: Some("image/png".to_owned()),
                ..part("c", PartContent::Text(ScenarioText::plain("")))
            },
        ];
        let server = keeping().await;
        let method = "POST".to_owned();
        let body = Some(FetchBody::Multipart(parts));
        let job = FetchJob { method, body, ..job(&server.url("/")) };
        for _ in 0..2 {
            fetch(job.clone()).await.fetched();
        }
        let requests = server.requests();
        assert_eq!(requests[0], requests[1], "the same in every run");
        let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
        let boundary = head.split("boundary=").nth(1).unwrap().lines().next().unwrap();
        assert!(head.contains("\r\nContent-Type: multipart/form-data; boundary=scenario-"), "{head}");
        let wanted = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a %22b%22\"\r\n\r\ny\r\nz\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\0\u{fffd}bytes\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"c\"; filename=\"é.png\"\r\n\
             Content-Type: image/png\r\n\r\n\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, wanted);
        std::fs::remove_file(folder().join(&file)).unwrap();
        let (_, error) = fetch(job).await.failed();
        assert!(error.contains(&format!("the file of the request's body, {file}: No such file")), "{error}");
    });
}

/// Lines without an end, after which the connection stays open.
const STREAM: &str = "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\ndata: end\r\ndata: more\nand more";

#[test]
fn a_line_ends_an_answer() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            guest.request().await;
            guest.say(STREAM).await;
            guest.wait().await;
        })
        .await;
        let until = |regex: &str| FetchJob {
            log_lines: true,
            lines_until: Some(regex.to_owned()),
            ..job(&server.url("/"))
        };
        let run = fetch(until("^data: end$")).await;
        let read = "data: 1\n\ndata: end\r\n";
        assert_eq!(run.lines().concat(), read);
        let fetched = run.fetched();
        assert_eq!((fetched.check, fetched.bytes), (None, read.len() as u64));
        assert_eq!(fetched.sha256, <[u8; 32]>::from(Sha256::digest(read)));
        // A secret of the answer holds its lines back until it is known.
        let selector = CaptureSelector::Text("data: (1)".to_owned());
        let capture = FetchCapture { name: "c".to_owned(), selector, secret: true, may_be_empty: false };
        let run = fetch(FetchJob { captures: vec![capture], ..until("end") }).await;
        assert_eq!((run.lines().len(), run.fetched().captured.len()), (1, 1));
    });
}

#[test]
fn an_answer_without_its_last_line_is_not_as_expected() {
    local(async {
        let until = |regex: &str, server: &Server| FetchJob {
            log_lines: true,
            lines_until: Some(regex.to_owned()),
            ..job(&server.url("/"))
        };
        let server = Server::answering("HTTP/1.1 404 No\r\n\r\na\nb").await;
        let expected = |regex| FetchJob { status: StatusRule::Any, ..until(regex, &server) };
        let check = fetch(expected("c")).await.fetched().check;
        assert_eq!(check.as_deref(), Some("it ended, and no line of it matched /c/"));
        assert_eq!(fetch(expected("^b$")).await.fetched().check, None, "the last line has no newline");
        let run = fetch(until("a", &server)).await;
        assert_eq!((run.lines().concat().as_str(), run.fetched().check), ("a\nb", None), "not its status");
    });
}

#[test]
fn a_log_with_these_keys_replays() {
    let folder = Folder::new();
    let address = serve(|path, request| match path {
        "/stream" => b"HTTP/1.1 200 OK\r\n\r\nn: 1\nn: 2\nn: 3\n".to_vec(),
        _ => answer("200 OK", "", if request.contains("filename=\"a.txt\"") { "a file" } else { "none" }),
    });
    folder.file("a.txt", "content");
    let text = format!(
        "[fetches.upload]\nurls = [\"http://shop.test/\"]\nmethod = \"POST\"\nkeep_alive = false\n\
         resolve = {{ \"shop.test:80\" = \"{address}\" }}\nserver_name = \"shop.test\"\n\
         multipart = [{{ name = \"f\", file = \"a.txt\" }}, {{ name = \"x\", text = \"y\" }}]\n\
         check = {{ text = \"^a file$\", took = \"20s\", absent = \"none\" }}\n\
         [fetches.stream]\nurls = [\"http://{address}/stream\"]\nlines = true\nlines_until = \"2\"\n\
         [[timeline]]\nfetch = \"upload\"\n[[timeline]]\nfetch = \"stream\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let lines: Vec<&str> = log.of("fetch.line").iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(lines, ["n: 1", "n: 2"]);
    folder.scenario(&["replay", "--passed", "log.jsonl"]).end().expect(0);
    let again = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    for key in ["multipart", "lines_until", "keep_alive", "resolve", "server_name", "absent", "took"] {
        assert!(again.contains(key), "{key}: {again}");
    }
}
