//! Servers that end a stream or a connection of HTTP/2 at every point of an exchange, frame by frame.

use scenario_core::scenario::model::{FetchBody, FetchJob, Http2Mode, LoadModel, LoadProfile, ScenarioText};
use scenario_log::event::FetchErrorKind;
use scenario_log::time::Span;
use tokio::io::AsyncReadExt as _;

use crate::fetch::harness::{Guest, Rig, Run, Server, fetch, job, local};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const CANCEL: u32 = 8;

/// One frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The head of an answer with status 200, and with this length if it has one.
fn head(length: Option<u8>) -> Vec<u8> {
    let length = length.map(|length| vec![0x0f, 0x0d, 1, b'0' + length]);
    frame(HEADERS, END_HEADERS, 1, &[vec![0x88], length.unwrap_or_default()].concat())
}

fn data(bytes: &str) -> Vec<u8> {
    frame(DATA, 0, 1, bytes.as_bytes())
}

fn end(bytes: &str) -> Vec<u8> {
    frame(DATA, END_STREAM, 1, bytes.as_bytes())
}

fn rst(code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, 1, &code.to_be_bytes())
}

fn goaway(last_stream: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last_stream.to_be_bytes(), code.to_be_bytes()].concat())
}

/// Greets a client, and reads its frames to the head of its request. `None` if it has closed.
async fn read_request(guest: &mut Guest) -> Option<()> {
    guest.tcp.read_exact(&mut [0; 24]).await.ok()?;
    guest.say(frame(SETTINGS, 0, 0, &[])).await;
    read_to_head(guest).await
}

async fn read_to_head(guest: &mut Guest) -> Option<()> {
    loop {
        let mut start = [0; 9];
        guest.tcp.read_exact(&mut start).await.ok()?;
        let length = u32::from_be_bytes([0, start[0], start[1], start[2]]);
        guest.tcp.read_exact(&mut vec![0; length as usize]).await.ok()?;
        if start[3] == HEADERS {
            return Some(());
        }
    }
}

/// A server that answers the first request of each connection with these bytes, and closes it.
async fn answering(bytes: Vec<u8>) -> Server {
    Server::new(move |mut guest, _| {
        let bytes = bytes.clone();
        async move {
            if read_request(&mut guest).await.is_some() {
                guest.say(&bytes).await;
                guest.close().await;
            }
        }
    })
    .await
}

fn closed() -> Option<LoadProfile> {
    let model = LoadModel::Closed { connections: 1 };
    Some(LoadProfile { model, max_requests: Some(1), duration: None })
}

fn http2(server: &Server) -> FetchJob {
    FetchJob { http2: Http2Mode::Always, ..job(&server.url("/")) }
}

/// The length of a whole body, or the message.
fn outcome(run: &Run) -> Result<u64, String> {
    if run.is_fetched() {
        return Ok(run.fetched().bytes);
    }
    let (kind, error) = run.failed();
    assert_eq!(kind, FetchErrorKind::Reset, "{error}");
    Err(error)
}

#[test]
fn an_answer_is_whole_only_if_the_server_says_so() {
    local(async {
        let gave_up = "the server gave up the HTTP/2 stream";
        let closed_at = "the server closed the connection";
        let no_error = "it gave no error (NO_ERROR)";
        for (answer, wanted) in [
            ([head(Some(3)), end("abc")].concat(), Ok(3)),
            // The stream ends first, then the connection or what is left of the request.
            ([head(Some(3)), end("abc"), rst(NO_ERROR)].concat(), Ok(3)),
            ([head(None), end("abc"), goaway(1, NO_ERROR)].concat(), Ok(3)),
            ([goaway(1, NO_ERROR), head(None), end("abc")].concat(), Ok(3)),
            // All of the length came.
            ([head(Some(3)), data("abc"), rst(NO_ERROR)].concat(), Ok(3)),
            (
                [head(Some(9)), rst(NO_ERROR)].concat(),
                Err(format!("{gave_up} after 0 of 9 bytes of the body: {no_error}")),
            ),
            (
                [head(Some(9)), data("abc"), rst(NO_ERROR)].concat(),
                Err(format!("{gave_up} after 3 of 9 bytes of the body: {no_error}")),
            ),
            (
                [head(None), data("abc"), rst(NO_ERROR)].concat(),
                Err(format!("{gave_up} after 3 bytes of the body, before its end: {no_error}")),
            ),
            (
                [head(Some(9)), data("abc"), rst(CANCEL)].concat(),
                Err(format!(
                    "{gave_up} after 3 of 9 bytes of the body: it no longer needs the stream (CANCEL)"
                )),
            ),
            (
                [head(Some(9)), data("abc"), goaway(0, NO_ERROR)].concat(),
                Err(format!("{gave_up} after 3 of 9 bytes of the body: {no_error}")),
            ),
            (head(Some(9)), Err(format!("{closed_at} after 0 of 9 bytes of the body"))),
            (
                [head(None), data("abc")].concat(),
                Err(format!("{closed_at} after 3 bytes of the body, before its end")),
            ),
            // Within a frame.
            (
                [head(Some(9)), data("abc")[..10].to_vec()].concat(),
                Err(format!("{closed_at} after 0 of 9 bytes of the body")),
            ),
        ] {
            let server = answering(answer.clone()).await;
            for load in [None, closed()] {
                let run = fetch(FetchJob { load, ..http2(&server) }).await;
                assert_eq!(outcome(&run), wanted, "{answer:02x?}");
            }
        }
    });
}

#[test]
fn an_answer_may_come_before_the_request_is_read() {
    local(async {
        // Without a length nobody can tell such an answer from one that is cut.
        let server = answering([head(None), data("abc"), rst(NO_ERROR)].concat()).await;
        let body = Some(FetchBody::Text(ScenarioText::plain("x".repeat(1 << 20))));
        let run = fetch(FetchJob { body, method: "POST".to_owned(), ..http2(&server) }).await;
        assert_eq!(outcome(&run), Ok(3));
    });
}

/// A server whose first connections end with these bytes, before a request is read, and whose later ones answer.
async fn leaving(connections: usize, bytes: Vec<u8>) -> Server {
    Server::new(move |mut guest, n| {
        let bytes = bytes.clone();
        async move {
            if n <= connections {
                guest.say(&bytes).await;
                return guest.close().await;
            }
            if read_request(&mut guest).await.is_some() {
                guest.say([head(None), end("ok")].concat()).await;
                guest.wait().await;
            }
        }
    })
    .await
}

#[test]
fn a_server_that_is_about_to_end_loses_no_request() {
    local(async {
        let settings = frame(SETTINGS, 0, 0, &[]);
        // nginx does so while it is reloaded.
        let goodbye = [settings.clone(), goaway(0, NO_ERROR)].concat();
        for (connections, bytes, method) in
            [(1, goodbye, "GET"), (1, settings, "GET"), (1, Vec::new(), "GET")]
        {
            for load in [None, closed()] {
                let server = leaving(connections, bytes.clone()).await;
                let job = FetchJob { method: method.to_owned(), load, ..http2(&server) };
                assert_eq!(outcome(&fetch(job).await), Ok(2), "{bytes:02x?}");
                assert_eq!(server.connections(), 2);
            }
        }
        // One that always closes is not asked for ever.
        let server = leaving(100, Vec::new()).await;
        let closes = "the server closed the connection before the answer's head (sent again once)";
        assert_eq!(outcome(&fetch(http2(&server)).await), Err(closes.to_owned()));
    });
}

#[test]
fn a_server_that_never_greets_is_no_hang() {
    local(async {
        let server = Server::new(|guest, _| guest.wait()).await;
        let timeout = Span::from_millis(250);
        let mut rig = Rig::new(vec![FetchJob { timeout, ..http2(&server) }], &[]);
        (1..=2).for_each(|n| rig.start(n));
        rig.wait_for_ends(2).await;
        // The second waits for the first one's connection, or is on its own way since that was given up.
        let own = [
            "shares with other requests was not ready yet",
            "there was no connection",
            "had not begun to answer",
        ];
        for (n, wanted) in [(1, &["had not begun to answer"][..]), (2, &own)] {
            let (kind, error) = rig.run(n).await.failed();
            assert_eq!(kind, FetchErrorKind::Timeout);
            assert!(wanted.iter().any(|wanted| error.contains(wanted)), "{error}");
        }
    });
}

#[test]
fn a_connection_that_answers_nothing_is_given_up() {
    local(async {
        let server = Server::new(|mut guest, n| async move {
            if read_request(&mut guest).await.is_some() && n > 1 {
                guest.say([head(None), end("ok")].concat()).await;
            }
            guest.wait().await;
        })
        .await;
        let timeout = Span::from_millis(250);
        let mut rig = Rig::new(vec![FetchJob { timeout, ..http2(&server) }], &[]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        assert_eq!(rig.run(1).await.failed().0, FetchErrorKind::Timeout);
        rig.start(2);
        rig.wait_for_ends(1).await;
        assert_eq!(outcome(&rig.run(2).await), Ok(2));
    });
}

#[test]
fn a_request_that_an_error_of_others_kept_from_its_turn_is_sent_again() {
    local(async {
        // The second request of the first connection is refused together with the connection.
        let server = Server::new(|mut guest: Guest, n| async move {
            if read_request(&mut guest).await.is_none() {
                return;
            }
            guest.say([head(None), end("ok")].concat()).await;
            if n == 1 && read_to_head(&mut guest).await.is_some() {
                guest.say(goaway(1, INTERNAL_ERROR)).await;
                return guest.close().await;
            }
            guest.wait().await;
        })
        .await;
        let mut rig = Rig::new(vec![FetchJob { method: "POST".to_owned(), ..http2(&server) }], &[]);
        for n in 1..=2 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            let fetched = rig.run(n).await.fetched();
            assert_eq!((fetched.status, fetched.sent.resent), (200, u64::from(n == 2)));
        }
        // On a new connection the error is about this request.
        let server = answering(goaway(0, INTERNAL_ERROR)).await;
        let error = outcome(&fetch(http2(&server)).await).unwrap_err();
        assert!(error.ends_with("it had an internal error (INTERNAL_ERROR)"), "{error}");
        assert_eq!(server.connections(), 1);
    });
}
