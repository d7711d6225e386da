//! Players over the network: their actions are in the log, and come back to them.

use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket, client};

use crate::common::{Folder, Log};
use crate::serve::asker::{Served, TOKEN, served_run};

const WORLD: &str = "seed = 4\ntick = \"0s\"\n[world]\nsize = [9, 5]\nbroadcast = \"0s\"\n\
     [presets.gate]\ncommand = [\"cat\"]\nstdin = \"open\"\n[[timeline]]\nid = \"gate\"\nspawn = \"gate\"\n";

/// A web socket at `/play`, or the status that refused it.
fn join(served: &Served, path: &str, head: &[(&'static str, &str)]) -> Result<WebSocket<TcpStream>, u16> {
    let mut request = format!("ws://127.0.0.1:{}{path}", served.port).into_client_request().unwrap();
    for (name, value) in head {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    match client(request, served.connect()) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            Err(answer.status().as_u16())
        }
        Err(error) => panic!("{error}"),
    }
}

fn play(served: &Served) -> WebSocket<TcpStream> {
    join(served, &format!("/play?token={TOKEN}"), &[]).unwrap()
}

fn send_text(socket: &mut WebSocket<TcpStream>, text: &str) {
    socket.send(Message::text(text)).unwrap();
}

/// The next message, as text and as JSON.
fn receive(socket: &mut WebSocket<TcpStream>) -> (String, Value) {
    let text = socket.read().unwrap().into_text().unwrap().to_string();
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

fn until(socket: &mut WebSocket<TcpStream>, holds: impl Fn(&Value) -> bool) -> (String, Value) {
    loop {
        let received = receive(socket);
        if holds(&received.1) {
            return received;
        }
    }
}

#[test]
fn a_guest_sees_its_own_move_and_the_log_replays() {
    let folder = Folder::new();
    let mut served = served_run(&folder, WORLD);
    served.run.until("started gate");
    let mut shown = served.look();
    shown.next().unwrap();
    let mut ann = play(&served);
    send_text(&mut ann, "N");
    assert_eq!(receive(&mut ann).1, json!({"error": "join first: `join NAME`"}));
    send_text(&mut ann, "join a\tb");
    assert!(receive(&mut ann).1["error"].as_str().unwrap().contains("is not a name"));
    send_text(&mut ann, "join ann");
    let is_answer = |value: &Value| value.get("joined").is_some();
    assert_eq!(until(&mut ann, is_answer).1, json!({"joined": "ann", "source": "net#1"}));
    let mut other = play(&served);
    send_text(&mut other, "join ann");
    assert_eq!(until(&mut other, is_answer).1["source"], "net#2");
    send_text(&mut ann, "E");
    let moved = shown.until("change", |change| change["players"]["ann"]["moves"] == 1);
    // A guest may get only the newest state, so both wait for the one after the move.
    let place = &moved["players"]["ann"]["at"];
    let is_after =
        |value: &Value| value["players"]["ann"] == *place && value["players"]["ann@net#2"].is_array();
    let (line, _) = until(&mut ann, is_after);
    assert_eq!(until(&mut other, is_after).0, line, "all guests get the same line");
    assert_eq!(moved["players"]["ann"]["source"], "net#1");
    send_text(&mut ann, "up");
    assert!(
        until(&mut ann, |value| value.get("error").is_some()).1["error"]
            .as_str()
            .unwrap()
            .contains("`join NAME`")
    );
    other.close(None).unwrap();
    shown.until("change", |change| change["players"]["ann@net#2"]["is_gone"] == true);
    assert_eq!(served.post("/input", "stop gate").status, 202);
    let end = loop {
        match ann.read() {
            Ok(Message::Close(Some(frame))) => break frame.reason.to_string(),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(end, "it is over");
    assert_eq!(served.run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    let sources = |event: &str| log.of(event).iter().map(|event| event["source"].clone()).collect::<Vec<_>>();
    assert_eq!(sources("player.joined"), ["net#1", "net#2"]);
    assert_eq!(sources("player.left")[0], "net#2");
    let moves = log.of("move");
    assert_eq!((moves.len(), &moves[0]["direction"], &moves[0]["due"]), (1, &json!("E"), &Value::Null));
    assert!(
        String::from_utf8_lossy(&log.bytes).lines().any(|logged| logged == line),
        "the line of the log itself"
    );
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn moves_can_be_posted_and_a_name_joins_once() {
    let folder = Folder::new();
    let served = served_run(&folder, WORLD);
    let answer = served.post("/moves", "N ann\nS bob\n\nE ann\n");
    assert_eq!((answer.status, &*answer.body), (200, r#"{"joined":{"ann":"net#1","bob":"net#2"}}"#));
    assert_eq!(served.post("/moves", "W ann").body, r#"{"joined":{}}"#);
    for (body, why) in [
        ("N ann\nup ann", "line 2: write a direction (N, S, E, W) and a name, like `N ann`, not `up ann`"),
        ("N", "line 1: write a direction"),
        ("N a\tb", "line 1: `a\\tb` is not a name"),
        ("N \u{1b}[2J", "line 1: `\\x1b[2J` is not a name"),
    ] {
        let answer = served.post("/moves", body);
        assert_eq!(answer.status, 422, "{body}");
        assert!(answer.body.contains(why), "{}", answer.body);
    }
    assert_eq!(served.post("/moves", &"N ann\n".repeat(300)).status, 413);
    assert_eq!(served.ask("POST", "/moves", &[], "N ann").status, 401);
    assert_eq!(served.post("/input", "stop gate").status, 202);
    assert_eq!(served.run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    let moves = log
        .of("move")
        .iter()
        .map(|event| format!("{} {}", event["source"], event["direction"]))
        .collect::<Vec<_>>();
    assert_eq!(moves, [r#""net#1" "N""#, r#""net#2" "S""#, r#""net#1" "E""#, r#""net#1" "W""#]);
    assert_eq!(log.last()["moves"], 4);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_web_socket_is_opened_by_our_own_page_with_the_token_only() {
    let folder = Folder::new();
    let served = served_run(&folder, WORLD);
    let path = format!("/play?token={TOKEN}");
    assert_eq!(join(&served, "/play", &[]).err(), Some(401));
    assert_eq!(join(&served, "/play?token=nonsense", &[]).err(), Some(401));
    assert_eq!(join(&served, &path, &[("origin", "http://evil.example")]).err(), Some(403));
    assert_eq!(join(&served, &path, &[("host", "evil.example")]).err(), Some(403));
    let own = format!("http://127.0.0.1:{}", served.port);
    assert!(join(&served, &path, &[("origin", &own)]).is_ok());
    assert_eq!(served.post("/input", "stop gate").status, 202);
    assert_eq!(served.run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.of("player.joined").is_empty(), "an open socket alone does not join");
}
