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

use crate::captured_value::CapturedValue;
use crate::event::{
    ClockKind, Direction, EntryName, Event, ExpectationResult, FetchErrorKind, FetchTimings, FetchedResponse,
    HttpHeader, LatenessQuantiles, OutputStream, RunOutcome, RunSummary, Source, SpawnExit, WorldPositions,
};
use crate::name::PlayerName;
use crate::raw_fields;
use crate::raw_fields::CowStr;
use crate::signal::Signal;
use crate::time::{Moment, Span};
use crate::{parse_seconds, schema};

/// Every key of every event.
#[derive(Debug, Default, Deserialize)]
struct RecordFields<'a> {
    #[serde(borrow)]
    event: CowStr<'a>,
    #[serde(borrow)]
    name: Option<CowStr<'a>>,
    seed: Option<u64>,
    #[serde(borrow)]
    clock: Option<CowStr<'a>>,
    #[serde(borrow)]
    started_at: Option<CowStr<'a>>,
    schedule: Option<Vec<u32>>,
    #[serde(borrow)]
    scenario: Option<&'a RawValue>,
    #[serde(borrow)]
    due: Option<&'a RawValue>,
    n: Option<u64>,
    #[serde(borrow)]
    source: Option<CowStr<'a>>,
    #[serde(borrow)]
    preset: Option<CowStr<'a>>,
    #[serde(borrow)]
    entry: Option<CowStr<'a>>,
    pid: Option<u32>,
    #[serde(borrow)]
    player: Option<CowStr<'a>>,
    #[serde(borrow)]
    direction: Option<CowStr<'a>>,
    #[serde(borrow)]
    step: Option<CowStr<'a>>,
    register: Option<i64>,
    waiting: Option<StringPairs>,
    players: Option<WorldPositions>,
    #[serde(borrow)]
    called: Option<CowStr<'a>>,
    place: Option<[u32; 2]>,
    #[serde(borrow)]
    stream: Option<CowStr<'a>>,
    #[serde(borrow)]
    text: Option<CowStr<'a>>,
    #[serde(borrow)]
    base64: Option<CowStr<'a>>,
    partial: Option<bool>,
    code: Option<i32>,
    #[serde(borrow)]
    signal: Option<CowStr<'a>>,
    ok: Option<bool>,
    running: Option<u64>,
    held: Option<bool>,
    skipped: Option<u64>,
    #[serde(borrow)]
    error: Option<CowStr<'a>>,
    #[serde(borrow)]
    job: Option<CowStr<'a>>,
    #[serde(borrow)]
    method: Option<CowStr<'a>>,
    #[serde(borrow)]
    url: Option<CowStr<'a>>,
    status: Option<u16>,
    #[serde(borrow)]
    version: Option<CowStr<'a>>,
    headers: Option<StringPairs>,
    bytes: Option<u64>,
    #[serde(borrow)]
    sha256: Option<CowStr<'a>>,
    #[serde(borrow)]
    took: Option<&'a RawValue>,
    #[serde(borrow)]
    timings: Option<TimingFields<'a>>,
    reused: Option<bool>,
    #[serde(borrow)]
    check: Option<CowStr<'a>>,
    captured: Option<StringPairs>,
    #[serde(borrow)]
    kind: Option<CowStr<'a>>,
    accepted: Option<bool>,
    #[serde(borrow)]
    wanted: Option<CowStr<'a>>,
    #[serde(borrow)]
    got: Option<CowStr<'a>>,
    events: Option<Vec<u64>>,
    #[serde(borrow)]
    reason: Option<CowStr<'a>>,
    #[serde(borrow)]
    outcome: Option<CowStr<'a>>,
    spawned: Option<u64>,
    exited: Option<u64>,
    fetched: Option<u64>,
    moves: Option<u64>,
    lines: Option<u64>,
    #[serde(borrow)]
    lateness: Option<LatenessFields<'a>>,
    #[serde(borrow)]
    fetches: Option<crate::decode::load_metrics::LoadMetricsFields<'a>>,
    shared: Option<crate::decode::load_metrics::SharedCells>,
}

/// The one key of an event that is not known.
#[derive(Deserialize)]
struct EventNameField<'a> {
    #[serde(borrow)]
    event: CowStr<'a>,
}

#[derive(Debug, Deserialize)]
struct TimingFields<'a> {
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
struct LatenessFields<'a> {
    #[serde(borrow)]
    p50: &'a RawValue,
    #[serde(borrow)]
    p99: &'a RawValue,
    #[serde(borrow)]
    max: &'a RawValue,
}

/// Texts by name, in the order of the line: header values, or what was captured.
#[derive(Debug)]
struct StringPairs(Vec<HttpHeader>);

impl<'de> Deserialize<'de> for StringPairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StringPairs, D::Error> {
        struct StringPairsVisitor;
        impl<'de> Visitor<'de> for StringPairsVisitor {
            type Value = StringPairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StringPairs, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    headers.push(HttpHeader { name, value });
                }
                Ok(StringPairs(headers))
            }
        }
        deserializer.deserialize_map(StringPairsVisitor)
    }
}

/// What a line tells.
#[derive(Debug)]
pub struct LogRecord<'a> {
    fields: RecordFields<'a>,
    /// What an event borrows that the line does not have in its form.
    chunk: Vec<u8>,
    fetched_response: Option<FetchedResponse>,
    expectation_result: Option<ExpectationResult>,
    run_summary: Option<RunSummary>,
    waiting: Vec<(String, String)>,
}

/// Why a line tells no event.
pub type DecodeError = String;

impl<'a> LogRecord<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// When it is not JSON, or a key's value has another form than the format says.
    pub fn decode(line: &'a [u8]) -> Result<LogRecord<'a>, DecodeError> {
        let text = std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
        let keys = RecordFields::parse(text).map_err(|error| raw_fields::format_json_error(&error))?;
        let mut record = LogRecord {
            fields: keys,
            chunk: Vec::new(),
            fetched_response: None,
            expectation_result: None,
            run_summary: None,
            waiting: Vec::new(),
        };
        match &*record.fields.event {
            "line" | "fetch.line" => record.chunk = record.fields.line_bytes()?,
            "fetch.finished" => record.fetched_response = Some(record.fields.fetched_response()?),
            "expect" => record.expectation_result = Some(record.fields.expectation_result()?),
            "deadlock" => {
                let waiting = required("waiting", record.fields.waiting.as_ref())?;
                record.waiting = waiting.0.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
            }
            "run.finished" => record.run_summary = Some(record.fields.run_summary()?),
            _ => {}
        }
        Ok(record)
    }

    /// The event; `None` if it is of a kind that is not known.
    ///
    /// # Errors
    /// When a key is missing, or its value is none that the format has.
    pub fn event(&self) -> Result<Option<Event<'_>>, DecodeError> {
        let keys = &self.fields;
        Ok(Some(match &*keys.event {
            "run.started" => Event::RunStarted {
                name: required("name", keys.name.as_deref())?,
                seed: required("seed", keys.seed)?,
                clock: keys.clock()?,
                started_at: keys.started_at.as_deref(),
                schedule: keys.schedule.as_deref().unwrap_or_default(),
                scenario: required("scenario", keys.scenario)?.get(),
            },
            "clock.tick" => {
                Event::ClockTick { due: required("due", keys.due()?)?, n: required("n", keys.n)? }
            }
            "spawn.started" => Event::SpawnStarted {
                due: required("due", keys.due()?)?,
                source: required("source", keys.source()?)?,
                preset: parse_name("preset", keys.preset.as_deref())?,
                entry: keys.entry()?,
                pid: keys.pid,
            },
            "spawn.ready" => Event::SpawnReady { source: required("source", keys.source()?)? },
            "spawn.suspended" => Event::SpawnSuspended {
                source: required("source", keys.source()?)?,
                signal: required("signal", keys.signal()?)?,
            },
            "spawn.resumed" => Event::SpawnResumed { source: required("source", keys.source()?)? },
            "move" => Event::Move {
                due: keys.due()?,
                source: required("source", keys.source()?)?,
                player: PlayerName::from_full_name(parse_name("player", keys.player.as_deref())?),
                direction: parse_word("direction", keys.direction.as_deref(), Direction::from_letter)?,
            },
            "step" => Event::Step {
                due: required("due", keys.due()?)?,
                source: required("source", keys.source()?)?,
                player: PlayerName::from_full_name(parse_name("player", keys.player.as_deref())?),
                step: required("step", keys.step.as_deref())?,
                register: required("register", keys.register)?,
            },
            "player.joined" => Event::PlayerJoined {
                source: required("source", keys.source()?)?,
                player: PlayerName::from_full_name(parse_name("player", keys.player.as_deref())?),
                called: keys.called.as_deref(),
                place: keys.place,
            },
            "player.left" => Event::PlayerLeft { source: required("source", keys.source()?)? },
            "world.state" => {
                Event::WorldState { due: keys.due()?, players: required("players", keys.players.as_ref())? }
            }
            "deadlock" => Event::Deadlock { waiting: &self.waiting },
            "line" => Event::Lines {
                source: required("source", keys.source()?)?,
                stream: parse_word("stream", keys.stream.as_deref(), OutputStream::from_name)?,
                chunk: &self.chunk,
                partial: keys.partial.unwrap_or_default(),
            },
            "spawn.exited" => Event::SpawnExited {
                source: required("source", keys.source()?)?,
                exit: keys.exit()?,
                ok: required("ok", keys.ok)?,
                running: required("running", keys.running)?,
                held: keys.held.unwrap_or_default(),
                skipped: keys.skipped.unwrap_or_default(),
            },
            "spawn.failed" => Event::SpawnFailed {
                source: required("source", keys.source()?)?,
                error: required("error", keys.error.as_deref())?,
                running: required("running", keys.running)?,
            },
            "input" => Event::TypedInput {
                text: required("text", keys.text.as_deref())?,
                accepted: required("accepted", keys.accepted)?,
                error: keys.error.as_deref(),
            },
            "mark" => Event::Mark {
                due: required("due", keys.due()?)?,
                entry: keys.entry()?,
                text: required("text", keys.text.as_deref())?,
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
            "expect" => Event::Expect(required("name", self.expectation_result.as_ref())?),
            "run.paused" => Event::RunPaused,
            "run.resumed" => Event::RunResumed { took: parse_span("took", keys.took)? },
            "run.finished" => Event::RunFinished(required("outcome", self.run_summary.as_ref())?),
            _ => return self.fetch_event(),
        }))
    }

    fn fetch_event(&self) -> Result<Option<Event<'_>>, DecodeError> {
        let keys = &self.fields;
        let source = || required("source", keys.source()?);
        Ok(Some(match &*keys.event {
            "fetch.started" => Event::FetchStarted {
                due: required("due", keys.due()?)?,
                source: source()?,
                job: parse_name("job", keys.job.as_deref())?,
                entry: keys.entry()?,
                method: required("method", keys.method.as_deref())?,
                url: required("url", keys.url.as_deref())?,
            },
            "fetch.responded" => Event::FetchResponded {
                source: source()?,
                status: required("status", keys.status)?,
                version: required("version", keys.version.as_deref())?,
                headers: required("headers", keys.headers.as_ref().map(|headers| &headers.0[..]))?,
            },
            "fetch.line" => Event::FetchLine {
                source: source()?,
                n: required("n", keys.n)?,
                text: self.chunk.strip_suffix(b"\n").unwrap_or_default(),
            },
            "fetch.finished" => Event::FetchFinished {
                source: source()?,
                fetched: required("status", self.fetched_response.as_ref())?,
                ok: required("ok", keys.ok)?,
            },
            "fetch.failed" => Event::FetchFailed {
                source: source()?,
                kind: parse_word("kind", keys.kind.as_deref(), FetchErrorKind::from_name)?,
                error: required("error", keys.error.as_deref())?,
                took: parse_span("took", keys.took)?,
            },
            _ => return Ok(None),
        }))
    }
}

impl<'a> RecordFields<'a> {
    fn parse(line: &'a str) -> Result<RecordFields<'a>, serde_json::Error> {
        serde_json::from_str(line).or_else(|error| match serde_json::from_str(line) {
            // Keys of an event that is not known may have any form.
            Ok(EventNameField { event }) if !schema::is_event(&event) => {
                Ok(RecordFields { event, ..RecordFields::default() })
            }
            _ => Err(error),
        })
    }

    fn clock(&self) -> Result<ClockKind, DecodeError> {
        parse_word("clock", self.clock.as_deref(), ClockKind::from_name)
    }

    fn due(&self) -> Result<Option<Moment>, DecodeError> {
        Ok(parse_optional_span("due", self.due)?.map(|Span(nanoseconds)| Moment(nanoseconds)))
    }

    fn source(&self) -> Result<Option<Source>, DecodeError> {
        let Some(text) = self.source.as_deref() else { return Ok(None) };
        Source::from_name(text).map(Some).ok_or_else(|| unknown_value("source", text))
    }

    fn entry(&self) -> Result<Option<EntryName<'_>>, DecodeError> {
        let Some(text) = self.entry.as_deref() else { return Ok(None) };
        match EntryName::from_name(text) {
            EntryName::Id(id) => parse_name("entry", Some(id)).map(|id| Some(EntryName::Id(id))),
            number if number.to_string() == text => Ok(Some(number)),
            EntryName::Number(_) => Err(unknown_value("entry", text)),
        }
    }

    fn signal(&self) -> Result<Option<Signal>, DecodeError> {
        let Some(text) = self.signal.as_deref() else { return Ok(None) };
        Signal::from_name(text).map(Some).ok_or_else(|| unknown_value("signal", text))
    }

    fn exit(&self) -> Result<SpawnExit, DecodeError> {
        match (self.code, self.signal()?) {
            (Some(code), None) => Ok(SpawnExit::Code(code)),
            (None, Some(signal)) => Ok(SpawnExit::Signal(signal)),
            _ => Err("has neither a `code` nor a `signal`, or both".to_owned()),
        }
    }

    /// The bytes of a line, with its newline.
    fn line_bytes(&self) -> Result<Vec<u8>, DecodeError> {
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

    fn fetched_response(&self) -> Result<FetchedResponse, DecodeError> {
        let phases = required("timings", self.timings.as_ref())?;
        Ok(FetchedResponse {
            status: required("status", self.status)?,
            bytes: required("bytes", self.bytes)?,
            sha256: parse_word("sha256", self.sha256.as_deref(), parse_sha256)?,
            took: parse_span("took", self.took)?,
            timings: FetchTimings {
                dns: parse_optional_span("dns", phases.dns)?,
                connect: parse_optional_span("connect", phases.connect)?,
                tls: parse_optional_span("tls", phases.tls)?,
                first_byte: parse_optional_span("first_byte", phases.first_byte)?,
                body: parse_optional_span("body", phases.body)?,
            },
            reused: self.reused,
            check: self.check.as_deref().map(str::to_owned),
            captured: self.captured_values(),
        })
    }

    /// What was captured, as it was shown.
    fn captured_values(&self) -> Vec<CapturedValue> {
        let captured = self.captured.iter().flat_map(|captured| &captured.0);
        let owned = |HttpHeader { name, value }: &HttpHeader| CapturedValue {
            name: name.clone(),
            value: value.clone(),
            secret: false,
        };
        captured.map(owned).collect()
    }

    fn expectation_result(&self) -> Result<ExpectationResult, DecodeError> {
        let text = |key, value: &Option<CowStr<'_>>| required(key, value.as_deref().map(str::to_owned));
        Ok(ExpectationResult {
            name: text("name", &self.name)?,
            ok: required("ok", self.ok)?,
            wanted: text("wanted", &self.wanted)?,
            got: self.got.as_deref().map(str::to_owned),
            events: self.events.clone().unwrap_or_default(),
        })
    }

    fn run_summary(&self) -> Result<RunSummary, DecodeError> {
        let late = required("lateness", self.lateness.as_ref())?;
        Ok(RunSummary {
            outcome: parse_word("outcome", self.outcome.as_deref(), RunOutcome::from_name)?,
            reason: self.reason.as_deref().map(str::to_owned),
            spawned: required("spawned", self.spawned)?,
            exited: required("exited", self.exited)?,
            fetched: required("fetched", self.fetched)?,
            moves: required("moves", self.moves)?,
            lines: required("lines", self.lines)?,
            lateness: LatenessQuantiles {
                p50: parse_span("p50", Some(late.p50))?,
                p99: parse_span("p99", Some(late.p99))?,
                max: parse_span("max", Some(late.max))?,
            },
            fetches: self
                .fetches
                .as_ref()
                .map_or_else(|| Ok(Vec::new()), crate::decode::load_metrics::LoadMetricsFields::decode)?,
            shared: self.shared.as_ref().map(|cells| cells.0.clone()).unwrap_or_default(),
            took: parse_span("took", self.took)?,
        })
    }
}

fn required<T>(key: &str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or_else(|| format!("has no `{key}`"))
}

fn unknown_value(key: &str, value: &str) -> DecodeError {
    format!("has the `{key}` `{value}`, which the format does not know")
}

fn parse_word<T>(key: &str, value: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<T, DecodeError> {
    let text = required(key, value)?;
    read(text).ok_or_else(|| unknown_value(key, text))
}

/// A name as a scenario gives them (a player's number may make it longer): what is written and shown as
/// it is.
fn parse_name<'a>(key: &str, value: Option<&'a str>) -> Result<&'a str, DecodeError> {
    let text = required(key, value)?;
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_of_name) { Err(unknown_value(key, text)) } else { Ok(text) }
}

fn parse_optional_span(key: &str, value: Option<&RawValue>) -> Result<Option<Span>, DecodeError> {
    let read = |raw: &RawValue| {
        parse_seconds::parse_seconds(raw.get()).map(Span).ok_or_else(|| unknown_value(key, raw.get()))
    };
    value.map(read).transpose()
}

fn parse_span(key: &str, value: Option<&RawValue>) -> Result<Span, DecodeError> {
    required(key, parse_optional_span(key, value)?)
}

/// Lower-case hexadecimal digits as the bytes of a SHA-256.
fn parse_sha256(text: &str) -> Option<[u8; 32]> {
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
