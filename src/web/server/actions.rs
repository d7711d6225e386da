//! What is done on a page, taken for the driver.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::mpsc::error::TrySendError;

use crate::web::server::access::refusal;
use crate::web::server::{Act, Place, Playback, QUEUE, Shared};

/// How long a line may be, in bytes; the engine refuses one as long.
const LONGEST: usize = 8 << 10;

/// `POST /input`: lines, as they could be typed.
pub(super) async fn input(State(place): Shared, body: Bytes) -> Response {
    if body.len() > LONGEST {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "that is longer than a command can be");
    }
    let text = String::from_utf8_lossy(&body);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let acts: Vec<Act> = lines.map(|line| Act::Typed(line.to_owned())).collect();
    if acts.is_empty() {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "there is no command in it");
    }
    place.act(acts).map_or_else(|refused| refused, |()| StatusCode::ACCEPTED.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(rename = "do")]
    does: Option<Does>,
    speed: Option<f64>,
    to: Option<f64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Does {
    Pause,
    Go,
}

/// `POST /playback`: `{"do":"pause"}`, `{"do":"go"}`, `{"speed":2}`, `{"to":12.5}`, or several of these.
pub(super) async fn playback(State(place): Shared, body: Bytes) -> Response {
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    };
    let is_sound = |figure: Option<f64>| figure.is_none_or(|figure| figure.is_finite() && figure >= 0.0);
    if !is_sound(asked.speed) || !is_sound(asked.to) || asked.speed == Some(0.0) {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "a speed is above 0, and a moment not before it");
    }
    let does = asked.does.map(|does| match does {
        Does::Pause => Playback::Pause,
        Does::Go => Playback::Go,
    });
    let all = [asked.speed.map(Playback::Speed), asked.to.map(Playback::To), does];
    let acts = all.into_iter().flatten().map(Act::Playback).collect();
    place.act(acts).map_or_else(|refused| refused, |()| StatusCode::ACCEPTED.into_response())
}

impl Place {
    /// Hands acts to the driver, who is not waited for: all of them, or none.
    #[expect(clippy::result_large_err, reason = "it is the answer that is sent")]
    pub(super) fn act(&self, acts: Vec<Act>) -> Result<(), Response> {
        if acts.len() > QUEUE {
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "that is more than can be taken at once"));
        }
        let room = self.acts.try_reserve_many(acts.len()).map_err(|error| match error {
            TrySendError::Full(()) => {
                refusal(StatusCode::TOO_MANY_REQUESTS, "too much at once; try again in a moment")
            }
            TrySendError::Closed(()) => refusal(StatusCode::CONFLICT, "it is over"),
        })?;
        for (room, act) in room.zip(acts) {
            room.send(act);
        }
        Ok(())
    }
}
