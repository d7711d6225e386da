//! A line of a log, read: the event that it tells.
//!
//! Lines of any JSON form are read, with their keys in any order; keys and events that are not known
//! are passed over, since a later release may have added them (`docs/format.md`).

mod load_metrics;

use std::fmt;

use base64::Engine;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::captured::Captured;
use crate::event::{
    ClockKind, Direction, EntryName, Event, Exit, Expected, FetchFault, Fetched, Header, Lateness, Outcome,
    Places, Source, Stream, Summary, Timings,
};
use crate::fields;
use crate::fields::Word;
use crate::name::PlayerName;
use crate::signal::Signal;
use crate::time::{Moment, Span};
use crate::{schema, seconds};

/// Every key of every event.
#[derive(Debug, Default, Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    event: Word<'a>,
    #[serde(borrow)]
    name: Option<Word<'a>>,
    seed: Option<u64>,
    #[serde(borrow)]
    clock: Option<Word<'a>>,
    #[serde(borrow)]
    started_at: Option<Word<'a>>,
    schedule: Option<Vec<u32>>,
    #[serde(borrow)]
    scenario: Option<&'a RawValue>,
    #[serde(borrow)]
    due: Option<&'a RawValue>,
    n: Option<u64>,
    #[serde(borrow)]
    source: Option<Word<'a>>,
    #[serde(borrow)]
    preset: Option<Word<'a>>,
    #[serde(borrow)]
    entry: Option<Word<'a>>,
    pid: Option<u32>,
    #[serde(borrow)]
    player: Option<Word<'a>>,
    #[serde(borrow)]
    direction: Option<Word<'a>>,
    #[serde(borrow)]
    step: Option<Word<'a>>,
    register: Option<i64>,
    waiting: Option<Headers>,
    players: Option<Places>,
    #[serde(borrow)]
    called: Option<Word<'a>>,
    place: Option<[u32; 2]>,
    #[serde(borrow)]
    stream: Option<Word<'a>>,
    #[serde(borrow)]
    text: Option<Word<'a>>,
    #[serde(borrow)]
    base64: Option<Word<'a>>,
    partial: Option<bool>,
    code: Option<i32>,
    #[serde(borrow)]
    signal: Option<Word<'a>>,
    ok: Option<bool>,
    running: Option<u64>,
    held: Option<bool>,
    skipped: Option<u64>,
    #[serde(borrow)]
    error: Option<Word<'a>>,
    #[serde(borrow)]
    job: Option<Word<'a>>,
    #[serde(borrow)]
    method: Option<Word<'a>>,
    #[serde(borrow)]
    url: Option<Word<'a>>,
    status: Option<u16>,
    #[serde(borrow)]
    version: Option<Word<'a>>,
    headers: Option<Headers>,
    bytes: Option<u64>,
    #[serde(borrow)]
    sha256: Option<Word<'a>>,
    #[serde(borrow)]
    took: Option<&'a RawValue>,
    #[serde(borrow)]
    timings: Option<Phases<'a>>,
    reused: Option<bool>,
    #[serde(borrow)]
    check: Option<Word<'a>>,
    captured: Option<Headers>,
    #[serde(borrow)]
    kind: Option<Word<'a>>,
    accepted: Option<bool>,
    #[serde(borrow)]
    wanted: Option<Word<'a>>,
    #[serde(borrow)]
    got: Option<Word<'a>>,
    events: Option<Vec<u64>>,
    #[serde(borrow)]
    reason: Option<Word<'a>>,
    #[serde(borrow)]
    outcome: Option<Word<'a>>,
    spawned: Option<u64>,
    exited: Option<u64>,
    fetched: Option<u64>,
    moves: Option<u64>,
    lines: Option<u64>,
    #[serde(borrow)]
    lateness: Option<Late<'a>>,
    #[serde(borrow)]
    fetches: Option<crate::decode::load_metrics::Loads<'a>>,
    shared: Option<crate::decode::load_metrics::Cells>,
}

/// The one key of an event that is not known.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    event: Word<'a>,
}

#[derive(Debug, Deserialize)]
struct Phases<'a> {
    #[serde(borrow)]
    dns: Option<&'a RawValue>,
    #[serde(borrow)]
    connect: Option<&'a RawValue>,
    #[serde(borrow)]
    tls: Option<&'a RawValue>,
    #[serde(borrow)]
    first_byte: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Late<'a> {
    #[serde(borrow)]
    p50: &'a RawValue,
    #[serde(borrow)]
    p99: &'a RawValue,
    #[serde(borrow)]
    max: &'a RawValue,
}

/// Texts by name, in the order of the line: header values, or what was captured.
#[derive(Debug)]
struct Headers(Vec<Header>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    headers.push(Header { name, value });
                }
                Ok(Headers(headers))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// What a line tells.
#[derive(Debug)]
pub struct Record<'a> {
    keys: Keys<'a>,
    /// What an event borrows that the line does not have in its form.
    chunk: Vec<u8>,
    fetched: Option<Fetched>,
    expected: Option<Expected>,
    summary: Option<Summary>,
    waiting: Vec<(String, String)>,
}

/// Why a line tells no event.
pub type Fault = String;

impl<'a> Record<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is not JSON, or a key's value has another form than the format says.
    pub fn read(line: &'a [u8]) -> Result<Record<'a>, Fault> {
        let text = std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
        let keys = Keys::read(text).map_err(|error| fields::unreadable(&error))?;
        let mut record = Record {
            keys,
            chunk: Vec::new(),
            fetched: None,
            expected: None,
            summary: None,
            waiting: Vec::new(),
        };
        match &*record.keys.event {
            "line" | "fetch.line" => record.chunk = record.keys.chunk()?,
            "fetch.finished" => record.fetched = Some(record.keys.fetched()?),
            "expect" => record.expected = Some(record.keys.expected()?),
            "deadlock" => {
                let waiting = must("waiting", record.keys.waiting.as_ref())?;
                record.waiting = waiting.0.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
            }
            "run.finished" => record.summary = Some(record.keys.summary()?),
            _ => {}
        }
        Ok(record)
    }

    /// The event; `None` if it is of a kind that is not known.
    ///
    /// # Errors
    /// When a key is missing, or its value is none that the format has.
    pub fn event(&self) -> Result<Option<Event<'_>>, Fault> {
        let keys = &self.keys;
        Ok(Some(match &*keys.event {
            "run.started" => Event::RunStarted {
                name: must("name", keys.name.as_deref())?,
                seed: must("seed", keys.seed)?,
                clock: keys.clock()?,
                started_at: keys.started_at.as_deref(),
                schedule: keys.schedule.as_deref().unwrap_or_default(),
                scenario: must("scenario", keys.scenario)?.get(),
            },
            "clock.tick" => Event::ClockTick { due: must("due", keys.due()?)?, n: must("n", keys.n)? },
            "spawn.started" => Event::SpawnStarted {
                due: must("due", keys.due()?)?,
                source: must("source", keys.source()?)?,
                preset: name("preset", keys.preset.as_deref())?,
                entry: keys.entry()?,
                pid: keys.pid,
            },
            "spawn.ready" => Event::SpawnReady { source: must("source", keys.source()?)? },
            "spawn.suspended" => Event::SpawnSuspended {
                source: must("source", keys.source()?)?,
                signal: must("signal", keys.signal()?)?,
            },
            "spawn.resumed" => Event::SpawnResumed { source: must("source", keys.source()?)? },
            "move" => Event::Move {
                due: keys.due()?,
                source: must("source", keys.source()?)?,
                player: PlayerName::whole(name("player", keys.player.as_deref())?),
                direction: word("direction", keys.direction.as_deref(), Direction::from_letter)?,
            },
            "step" => Event::Step {
                due: must("due", keys.due()?)?,
                source: must("source", keys.source()?)?,
                player: PlayerName::whole(name("player", keys.player.as_deref())?),
                step: must("step", keys.step.as_deref())?,
                register: must("register", keys.register)?,
            },
            "player.joined" => Event::PlayerJoined {
                source: must("source", keys.source()?)?,
                player: PlayerName::whole(name("player", keys.player.as_deref())?),
                called: keys.called.as_deref(),
                place: keys.place,
            },
            "player.left" => Event::PlayerLeft { source: must("source", keys.source()?)? },
            "world.state" => {
                Event::WorldState { due: keys.due()?, players: must("players", keys.players.as_ref())? }
            }
            "deadlock" => Event::Deadlock { waiting: &self.waiting },
            "line" => Event::Lines {
                source: must("source", keys.source()?)?,
                stream: word("stream", keys.stream.as_deref(), Stream::from_name)?,
                chunk: &self.chunk,
                partial: keys.partial.unwrap_or_default(),
            },
            "spawn.exited" => Event::SpawnExited {
                source: must("source", keys.source()?)?,
                exit: keys.exit()?,
                ok: must("ok", keys.ok)?,
                running: must("running", keys.running)?,
                held: keys.held.unwrap_or_default(),
                skipped: keys.skipped.unwrap_or_default(),
            },
            "spawn.failed" => Event::SpawnFailed {
                source: must("source", keys.source()?)?,
                error: must("error", keys.error.as_deref())?,
                running: must("running", keys.running)?,
            },
            "input" => Event::Input {
                text: must("text", keys.text.as_deref())?,
                accepted: must("accepted", keys.accepted)?,
                error: keys.error.as_deref(),
            },
            "mark" => Event::Mark {
                due: must("due", keys.due()?)?,
                entry: keys.entry()?,
                text: must("text", keys.text.as_deref())?,
            },
            "sent" => Event::Sent {
                due: keys.due()?,
                source: keys.source()?,
                entry: keys.entry()?,
                text: keys.text.as_deref(),
                error: keys.error.as_deref(),
            },
            "stopping" => Event::Stopping {
                due: keys.due()?,
                source: keys.source()?,
                entry: keys.entry()?,
                signal: keys.signal()?,
                reason: keys.reason.as_deref(),
                error: keys.error.as_deref(),
            },
            "expect" => Event::Expect(must("name", self.expected.as_ref())?),
            "run.paused" => Event::RunPaused,
            "run.resumed" => Event::RunResumed { took: span("took", keys.took)? },
            "run.finished" => Event::RunFinished(must("outcome", self.summary.as_ref())?),
            _ => return self.fetch_event(),
        }))
    }

    fn fetch_event(&self) -> Result<Option<Event<'_>>, Fault> {
        let keys = &self.keys;
        let source = || must("source", keys.source()?);
        Ok(Some(match &*keys.event {
            "fetch.started" => Event::FetchStarted {
                due: must("due", keys.due()?)?,
                source: source()?,
                job: name("job", keys.job.as_deref())?,
                entry: keys.entry()?,
                method: must("method", keys.method.as_deref())?,
                url: must("url", keys.url.as_deref())?,
            },
            "fetch.responded" => Event::FetchResponded {
                source: source()?,
                status: must("status", keys.status)?,
                version: must("version", keys.version.as_deref())?,
                headers: must("headers", keys.headers.as_ref().map(|headers| &headers.0[..]))?,
            },
            "fetch.line" => Event::FetchLine {
                source: source()?,
                n: must("n", keys.n)?,
                text: self.chunk.strip_suffix(b"\n").unwrap_or_default(),
            },
            "fetch.finished" => Event::FetchFinished {
                source: source()?,
                fetched: must("status", self.fetched.as_ref())?,
                ok: must("ok", keys.ok)?,
            },
            "fetch.failed" => Event::FetchFailed {
                source: source()?,
                kind: word("kind", keys.kind.as_deref(), FetchFault::from_name)?,
                error: must("error", keys.error.as_deref())?,
                took: span("took", keys.took)?,
            },
            _ => return Ok(None),
        }))
    }
}

impl<'a> Keys<'a> {
    fn read(line: &'a str) -> Result<Keys<'a>, serde_json::Error> {
        serde_json::from_str(line).or_else(|error| match serde_json::from_str(line) {
            // Keys of an event that is not known may have any form.
            Ok(Named { event }) if !schema::is_event(&event) => Ok(Keys { event, ..Keys::default() }),
            _ => Err(error),
        })
    }

    fn clock(&self) -> Result<ClockKind, Fault> {
        word("clock", self.clock.as_deref(), ClockKind::from_name)
    }

    fn due(&self) -> Result<Option<Moment>, Fault> {
        Ok(optional_span("due", self.due)?.map(|Span(nanoseconds)| Moment(nanoseconds)))
    }

    fn source(&self) -> Result<Option<Source>, Fault> {
        let Some(text) = self.source.as_deref() else { return Ok(None) };
        Source::from_name(text).map(Some).ok_or_else(|| unknown("source", text))
    }

    fn entry(&self) -> Result<Option<EntryName<'_>>, Fault> {
        let Some(text) = self.entry.as_deref() else { return Ok(None) };
        match EntryName::from_name(text) {
            EntryName::Id(id) => name("entry", Some(id)).map(|id| Some(EntryName::Id(id))),
            number if number.to_string() == text => Ok(Some(number)),
            EntryName::Number(_) => Err(unknown("entry", text)),
        }
    }

    fn signal(&self) -> Result<Option<Signal>, Fault> {
        let Some(text) = self.signal.as_deref() else { return Ok(None) };
        Signal::from_name(text).map(Some).ok_or_else(|| unknown("signal", text))
    }

    fn exit(&self) -> Result<Exit, Fault> {
        match (self.code, self.signal()?) {
            (Some(code), None) => Ok(Exit::Code(code)),
            (None, Some(signal)) => Ok(Exit::Signal(signal)),
            _ => Err("has neither a `code` nor a `signal`, or both".to_owned()),
        }
    }

    /// The bytes of a line, with its newline.
    fn chunk(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = match (&self.text, &self.base64) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(base64)) => base64::engine::general_purpose::STANDARD
                .decode(base64.as_bytes())
                .map_err(|error| format!("has a `base64` that is none: {error}"))?,
            _ => return Err("has neither a `text` nor a `base64`, or both".to_owned()),
        };
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn fetched(&self) -> Result<Fetched, Fault> {
        let phases = must("timings", self.timings.as_ref())?;
        Ok(Fetched {
            status: must("status", self.status)?,
            bytes: must("bytes", self.bytes)?,
            sha256: word("sha256", self.sha256.as_deref(), digest)?,
            took: span("took", self.took)?,
            timings: Timings {
                dns: optional_span("dns", phases.dns)?,
                connect: optional_span("connect", phases.connect)?,
                tls: optional_span("tls", phases.tls)?,
                first_byte: optional_span("first_byte", phases.first_byte)?,
                body: optional_span("body", phases.body)?,
            },
            reused: self.reused,
            check: self.check.as_deref().map(str::to_owned),
            captured: self.captured(),
        })
    }

    /// What was captured, as it was shown.
    fn captured(&self) -> Vec<Captured> {
        let captured = self.captured.iter().flat_map(|captured| &captured.0);
        let owned = |Header { name, value }: &Header| Captured {
            name: name.clone(),
            value: value.clone(),
            secret: false,
        };
        captured.map(owned).collect()
    }

    fn expected(&self) -> Result<Expected, Fault> {
        let text = |key, value: &Option<Word<'_>>| must(key, value.as_deref().map(str::to_owned));
        Ok(Expected {
            name: text("name", &self.name)?,
            ok: must("ok", self.ok)?,
            wanted: text("wanted", &self.wanted)?,
            got: self.got.as_deref().map(str::to_owned),
            events: self.events.clone().unwrap_or_default(),
        })
    }

    fn summary(&self) -> Result<Summary, Fault> {
        let late = must("lateness", self.lateness.as_ref())?;
        Ok(Summary {
            outcome: word("outcome", self.outcome.as_deref(), Outcome::from_name)?,
            reason: self.reason.as_deref().map(str::to_owned),
            spawned: must("spawned", self.spawned)?,
            exited: must("exited", self.exited)?,
            fetched: must("fetched", self.fetched)?,
            moves: must("moves", self.moves)?,
            lines: must("lines", self.lines)?,
            lateness: Lateness {
                p50: span("p50", Some(late.p50))?,
                p99: span("p99", Some(late.p99))?,
                max: span("max", Some(late.max))?,
            },
            fetches: self
                .fetches
                .as_ref()
                .map_or_else(|| Ok(Vec::new()), crate::decode::load_metrics::Loads::read)?,
            shared: self.shared.as_ref().map(|cells| cells.0.clone()).unwrap_or_default(),
            took: span("took", self.took)?,
        })
    }
}

fn must<T>(key: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| format!("has no `{key}`"))
}

fn unknown(key: &str, value: &str) -> Fault {
    format!("has the `{key}` `{value}`, which the format does not know")
}

fn word<T>(key: &str, value: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<T, Fault> {
    let text = must(key, value)?;
    read(text).ok_or_else(|| unknown(key, text))
}

/// A name as a scenario gives them (a player's number may make it longer): what is written and shown as
/// it is.
fn name<'a>(key: &str, value: Option<&'a str>) -> Result<&'a str, Fault> {
    let text = must(key, value)?;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_of_name) { Err(unknown(key, text)) } else { Ok(text) }
}

fn optional_span(key: &str, value: Option<&RawValue>) -> Result<Option<Span>, Fault> {
    let read = |raw: &RawValue| seconds::read(raw.get()).map(Span).ok_or_else(|| unknown(key, raw.get()));
    value.map(read).transpose()
}

fn span(key: &str, value: Option<&RawValue>) -> Result<Span, Fault> {
    must(key, optional_span(key, value)?)
}

/// Lower-case hexadecimal digits as the bytes of a SHA-256.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return None;
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
