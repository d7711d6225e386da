//! Guests: players who come over the network, persons and programs alike.
//!
//! `POST /moves` takes lines like those that programs write, `N ann`: a name joins with its first move,
//! and stays. At `/play` a web socket has one player, who leaves when it closes, and gets every state of
//! the world that it is quick enough to take.

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

use crate::web::server::access::refusal;
use crate::web::server::{Act, Place, Shared};
use scenario_log::event::Direction;
use scenario_log::name;
use scenario_log::sanitize::visible;

/// How many names may come by `POST /moves`.
const NAMES: usize = 1_000;

/// How large a message of a web socket may be, in bytes.
const LARGEST: usize = 1 << 10;

/// How long a web socket may take nothing while there is something to take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much may wait for a web socket, in bytes.
const UNTAKEN: usize = 1 << 20;

/// The guests so far.
#[derive(Debug, Default)]
pub(super) struct Guests {
    /// How many there have been.
    count: AtomicU32,
    /// Those who came by `POST /moves`.
    posted: Mutex<BTreeMap<String, u32>>,
}

impl Guests {
    /// The number of one more.
    fn come(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// `POST /moves`: lines like `N ann`.
pub(super) async fn moves(State(place): Shared, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let mut moves = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match read_move(line.trim()) {
            Ok(read) => moves.push(read),
            Err(why) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("line {}: {why}", at + 1)),
        }
    }
    // Until what is new is handed over: two requests at once must not both let one name in.
    let mut posted = place.guests.posted.lock().unwrap_or_else(PoisonError::into_inner);
    let mut come = BTreeMap::new();
    let mut acts = Vec::new();
    for (direction, player) in moves {
        let known = posted.get(player).or_else(|| come.get(player)).copied();
        let guest = known.unwrap_or_else(|| {
            let guest = place.guests.come();
            come.insert(player.to_owned(), guest);
            acts.push(Act::Joined { guest, player: player.to_owned() });
            guest
        });
        acts.push(Act::Moved { guest, direction });
    }
    if posted.len() + come.len() > NAMES {
        return refusal(
            StatusCode::CONFLICT,
            &format!("there are {NAMES} players by now; no more are let in"),
        );
    }
    if let Err(refused) = place.act(acts) {
        return refused;
    }
    let joined: BTreeMap<_, _> =
        come.iter().map(|(player, guest)| (player.clone(), format!("net#{guest}"))).collect();
    posted.append(&mut come);
    drop(posted);
    json(&serde_json::json!({ "joined": joined }).to_string())
}

fn json(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

/// Reads `N ann`.
fn read_move(line: &str) -> Result<(Direction, &str), String> {
    let wanted =
        || format!("write a direction (N, S, E, W) and a name, like `N ann`, not `{}`", visible(line));
    let (letter, player) = line.split_once(' ').ok_or_else(wanted)?;
    let direction = Direction::from_letter(letter).ok_or_else(wanted)?;
    match name::fault(player) {
        Some(fault) => Err(format!("`{}` is no name: {fault}", visible(player))),
        None => Ok((direction, player)),
    }
}

/// Waits until it is over.
async fn over(ended: &mut watch::Receiver<bool>) {
    // A server that has gone has ended too.
    let _ = ended.wait_for(|ended| *ended).await;
}

/// `/play`: the web socket of one player.
pub(super) async fn play(State(place): Shared, upgrade: WebSocketUpgrade) -> Response {
    let Some(attends) = place.attends.upgrade() else {
        return refusal(StatusCode::CONFLICT, "it is over");
    };
    let upgrade = upgrade.max_message_size(LARGEST).max_frame_size(LARGEST).max_write_buffer_size(UNTAKEN);
    upgrade.on_upgrade(async move |socket| {
        let mut seat = Seat { place, socket, guest: None };
        seat.play().await;
        seat.leave().await;
        drop(attends);
    })
}

/// A web socket, and the player that it has, once one has joined.
struct Seat {
    place: Arc<Place>,
    socket: WebSocket,
    guest: Option<u32>,
}

impl Seat {
    async fn play(&mut self) {
        let mut world = self.place.feed.world();
        let mut ended = self.place.ended.clone();
        // Where everybody is by now, if that has been told.
        world.mark_changed();
        loop {
            let answer = tokio::select! {
                biased;
                () = over(&mut ended) => {
                    let frame = CloseFrame { code: close_code::AWAY, reason: "it is over".into() };
                    self.send(Message::Close(Some(frame))).await;
                    return;
                }
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => Some(self.hear(&text)),
                    Some(Ok(Message::Binary(_))) => Some(Err("write text".to_owned())),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                },
                changed = world.changed() => match changed {
                    Ok(()) => {
                        let line = world.borrow_and_update().line.clone();
                        // It came out of text.
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

    /// What was said, done; with what there is to answer.
    fn hear(&mut self, text: &str) -> Result<Option<String>, String> {
        let text = text.trim();
        if let Some(player) = text.strip_prefix("join ").map(str::trim) {
            return self.join(player).map(Some);
        }
        let direction = Direction::from_letter(text).ok_or_else(|| {
            format!("write `join NAME`, and then N, S, E or W for each move, not `{}`", visible(text))
        })?;
        let guest = self.guest.ok_or("join first: `join NAME`")?;
        self.act(Act::Moved { guest, direction }).map(|()| None)
    }

    fn join(&mut self, player: &str) -> Result<String, String> {
        if self.guest.is_some() {
            return Err("you have joined already".to_owned());
        }
        if let Some(fault) = name::fault(player) {
            return Err(format!("`{}` is no name: {fault}", visible(player)));
        }
        let guest = self.place.guests.come();
        self.act(Act::Joined { guest, player: player.to_owned() })?;
        self.guest = Some(guest);
        Ok(serde_json::json!({ "joined": player, "source": format!("net#{guest}") }).to_string())
    }

    fn act(&self, act: Act) -> Result<(), String> {
        self.place.acts.try_send(act).map_err(|error| {
            let is_over = matches!(error, mpsc::error::TrySendError::Closed(_));
            if is_over { "it is over" } else { "too much at once; try again in a moment" }.to_owned()
        })
    }

    /// Sends something; false if it was not taken.
    async fn send(&mut self, message: Message) -> bool {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                self.place.feed.count_dropped();
                false
            }
        }
    }

    async fn leave(&mut self) {
        if let Some(guest) = self.guest.take() {
            // Where it cannot be told any more, the run is over.
            let _ = self.place.acts.send(Act::Left { guest }).await;
        }
    }
}
