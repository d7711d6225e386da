//! Guests: players who join over the network, people and programs alike.
//!
//! `POST /moves` takes lines like those that programs write, `N ann`. A name joins with its first
//! move, and stays. A web socket at `/play` has one player, who leaves when it closes. It gets every
//! state of the world that it is fast enough to take.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::web::server::access::error_response;
use crate::web::server::{PageAction, ServerState, SharedServerState};
use scenario_log::event::Direction;
use scenario_log::name;
use scenario_log::sanitize::sanitize;

/// The most names that may come by `POST /moves`.
const MAX_POSTED_NAMES: usize = 1_000;

/// The largest message of a web socket, in bytes.
const MAX_MESSAGE_LEN: usize = 1 << 10;

/// How long a web socket may take nothing while there is something to send.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How much may wait for a web socket, in bytes.
const MAX_WRITE_BUFFER: usize = 1 << 20;

/// The guests so far.
#[derive(Debug, Default)]
pub(super) struct Guests {
    /// How many guests there have been.
    count: AtomicU32,
    /// The guests that came by `POST /moves`, with their numbers.
    posted_names: Mutex<BTreeMap<String, u32>>,
}

impl Guests {
    /// The number for a new guest.
    fn next_number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// `POST /moves`: lines like `N ann`.
pub(super) async fn post_moves(State(server): SharedServerState, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let mut moves = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match parse_move(line.trim()) {
            Ok(read) => moves.push(read),
            Err(why) => {
                return error_response(StatusCode::UNPROCESSABLE_ENTITY, &format!("line {}: {why}", at + 1));
            }
        }
    }
    // Held until the new names are handed over: two requests at once must not let the same name in
    // twice.
    let mut posted = server.guests.posted_names.lock().unwrap_or_else(PoisonError::into_inner);
    let mut come = BTreeMap::new();
    let mut actions = Vec::new();
    for (direction, player) in moves {
        let known = posted.get(player).or_else(|| come.get(player)).copied();
        let guest = known.unwrap_or_else(|| {
            let guest = server.guests.next_number();
            come.insert(player.to_owned(), guest);
            actions.push(PageAction::Joined { guest, player: player.to_owned() });
            guest
        });
        actions.push(PageAction::Moved { guest, direction });
    }
    if posted.len() + come.len() > MAX_POSTED_NAMES {
        return error_response(
            StatusCode::CONFLICT,
            &format!("there are {MAX_POSTED_NAMES} players by now; no more are let in"),
        );
    }
    if let Err(refused) = server.submit(actions) {
        return refused;
    }
    let joined: BTreeMap<_, _> =
        come.iter().map(|(player, guest)| (player.clone(), format!("net#{guest}"))).collect();
    posted.append(&mut come);
    drop(posted);
    json_response(&serde_json::json!({ "joined": joined }).to_string())
}

fn json_response(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

/// Reads `N ann`.
fn parse_move(line: &str) -> Result<(Direction, &str), String> {
    let wanted =
        || format!("write a direction (N, S, E, W) and a name, like `N ann`, not `{}`", sanitize(line));
    let (letter, player) = line.split_once(' ').ok_or_else(wanted)?;
    let direction = Direction::from_letter(letter).ok_or_else(wanted)?;
    let player = player.trim();
    match name::player_name_error(player) {
        Some(error) => Err(format!("`{}` is not a name: {error}", sanitize(player))),
        None => Ok((direction, player)),
    }
}

/// Waits until the server ends.
async fn wait_until_ended(ended: &mut watch::Receiver<bool>) {
    // If the sender has gone, the server has ended too.
    let _ = ended.wait_for(|ended| *ended).await;
}

/// `/play`: the web socket of one player.
pub(super) async fn get_play(State(server): SharedServerState, upgrade: WebSocketUpgrade) -> Response {
    let Some(connection) = server.open_connections.upgrade() else {
        return error_response(StatusCode::CONFLICT, "it is over");
    };
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE_LEN)
        .max_frame_size(MAX_MESSAGE_LEN)
        .max_write_buffer_size(MAX_WRITE_BUFFER);
    upgrade.on_upgrade(async move |socket| {
        let mut seat = PlayerSocket { server, socket, guest: None };
        seat.run().await;
        seat.leave().await;
        drop(connection);
    })
}

/// A web socket, and its player, once one has joined.
struct PlayerSocket {
    server: Arc<ServerState>,
    socket: WebSocket,
    guest: Option<u32>,
}

impl PlayerSocket {
    async fn run(&mut self) {
        let mut world = self.server.feed.subscribe_world();
        let mut ended = self.server.ended.clone();
        // The first message is the present state of the world, if there is one.
        world.mark_changed();
        loop {
            let answer = tokio::select! {
                biased;
                () = wait_until_ended(&mut ended) => {
                    let frame = CloseFrame { code: close_code::AWAY, reason: "it is over".into() };
                    self.send(Message::Close(Some(frame))).await;
                    return;
                }
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => Some(self.handle_message(&text)),
                    Some(Ok(Message::Binary(_))) => Some(Err("write text".to_owned())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                },
                changed = world.changed() => match changed {
                    Ok(()) => {
                        let line = world.borrow_and_update().line.clone();
                        // The bytes came from text.
                        let line = String::from_utf8_lossy(&line).into_owned();
                        if !line.is_empty() && !self.send(Message::Text(line.into())).await {
                            return;
                        }
                        None
                    }
                    Err(_) => return,
                },
            };
            let answer = match answer {
                Some(Ok(Some(answer))) => answer,
                Some(Err(error)) => serde_json::json!({ "error": error }).to_string(),
                Some(Ok(None)) | None => continue,
            };
            if !self.send(Message::Text(answer.into())).await {
                return;
            }
        }
    }

    /// Carries a message out, and gives the answer, if there is one.
    fn handle_message(&mut self, text: &str) -> Result<Option<String>, String> {
        let text = text.trim();
        if let Some(player) = text.strip_prefix("join ").map(str::trim) {
            return self.join(player).map(Some);
        }
        let direction = Direction::from_letter(text).ok_or_else(|| {
            format!("write `join NAME`, and then N, S, E or W for each move, not `{}`", sanitize(text))
        })?;
        let guest = self.guest.ok_or("join first: `join NAME`")?;
        self.submit(PageAction::Moved { guest, direction }).map(|()| None)
    }

    fn join(&mut self, player: &str) -> Result<String, String> {
        if self.guest.is_some() {
            return Err("you have joined already".to_owned());
        }
        if let Some(error) = name::player_name_error(player) {
            return Err(format!("`{}` is not a name: {error}", sanitize(player)));
        }
        let guest = self.server.guests.next_number();
        self.submit(PageAction::Joined { guest, player: player.to_owned() })?;
        self.guest = Some(guest);
        Ok(serde_json::json!({ "joined": player, "source": format!("net#{guest}") }).to_string())
    }

    fn submit(&self, action: PageAction) -> Result<(), String> {
        self.server.actions.try_send(action).map_err(|error| {
            let is_over = matches!(error, mpsc::error::TrySendError::Closed(_));
            if is_over { "it is over" } else { "too much at once; try again in a moment" }.to_owned()
        })
    }

    /// Sends a message; false if the client does not take it.
    async fn send(&mut self, message: Message) -> bool {
        match timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                self.server.feed.count_dropped();
                false
            }
        }
    }

    async fn leave(&mut self) {
        if let Some(guest) = self.guest.take() {
            // If the driver does not take it any more, the run is over.
            let _ = self.server.actions.send(PageAction::Left { guest }).await;
        }
    }
}
