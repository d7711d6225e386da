//! Passes the actions on a page to the driver.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc::error::TrySendError;

use crate::web::server::access::error_response;
use crate::web::server::{MAX_QUEUED_ACTIONS, PageAction, PlaybackAction, ServerState, SharedServerState};

/// The longest line, in bytes. The engine refuses a line of this length.
const MAX_INPUT_LEN: usize = 8 << 10;

/// `POST /input`: lines of commands, as they could be typed.
pub(super) async fn post_input(State(server): SharedServerState, body: Bytes) -> Response {
    if body.len() > MAX_INPUT_LEN {
        return error_response(StatusCode::PAYLOAD_TOO_LARGE, "that is longer than a command can be");
    }
    let text = String::from_utf8_lossy(&body);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let actions: Vec<PageAction> = lines.map(|line| PageAction::Typed(line.to_owned())).collect();
    if actions.is_empty() {
        return error_response(StatusCode::UNPROCESSABLE_ENTITY, "there is no command in it");
    }
    server.submit(actions).map_or_else(|refused| refused, |()| StatusCode::ACCEPTED.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(rename = "do")]
    verb: Option<PlaybackVerb>,
    speed: Option<f64>,
    to: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlaybackVerb {
    Pause,
    Go,
}

/// `POST /playback`: `{"do":"pause"}`, `{"do":"go"}`, `{"speed":2}`, `{"to":12.5}`, or several of these.
pub(super) async fn post_playback(State(server): SharedServerState, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return error_response(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    };
    let is_sound = |figure: Option<f64>| figure.is_none_or(|figure| figure.is_finite() && figure >= 0.0);
    if !is_sound(asked.speed) || !is_sound(asked.to) || asked.speed == Some(0.0) {
        return error_response(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a speed is above 0, and a moment not before it",
        );
    }
    let does = asked.verb.map(|does| match does {
        PlaybackVerb::Pause => PlaybackAction::Pause,
        PlaybackVerb::Go => PlaybackAction::Resume,
    });
    let all = [asked.speed.map(PlaybackAction::SetSpeed), asked.to.map(PlaybackAction::Seek), does];
    let actions = all.into_iter().flatten().map(PageAction::Playback).collect();
    server.submit(actions).map_or_else(|refused| refused, |()| StatusCode::ACCEPTED.into_response())
}

impl ServerState {
    /// Hands actions to the driver, without waiting for it: all of them, or none.
    #[expect(clippy::result_large_err, reason = "it is the answer that is sent")]
    pub(super) fn submit(&self, actions: Vec<PageAction>) -> Result<(), Response> {
        if actions.len() > MAX_QUEUED_ACTIONS {
            return Err(error_response(
                StatusCode::PAYLOAD_TOO_LARGE,
                "that is more than can be taken at once",
            ));
        }
        let room = self.actions.try_reserve_many(actions.len()).map_err(|error| match error {
            TrySendError::Full(()) => {
                error_response(StatusCode::TOO_MANY_REQUESTS, "too much at once; try again in a moment")
            }
            TrySendError::Closed(()) => error_response(StatusCode::CONFLICT, "it is over"),
        })?;
        for (room, action) in room.zip(actions) {
            room.send(action);
        }
        Ok(())
    }
}
