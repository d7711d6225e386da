//! The kinds of events, and what of an event a rule can look at: its keys that are texts, whole
//! numbers or booleans, by their names in the log. Times are no such keys: they are measured.

use std::borrow::Cow;

use crate::event::{Event, FetchedResponse, SpawnExit};

/// A kind of event; its name is the log's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(usize);

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKeyType {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`; where it is left out, `false`.
    Boolean,
}

/// What an event says for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventValue<'a> {
    /// A text, or the bytes of a line.
    Text(Cow<'a, [u8]>),
    /// A whole number.
    Number(i128),
    /// A boolean.
    Boolean(bool),
}

/// What an event belongs to, by which it can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventScope {
    /// To nothing but the run.
    Run,
    /// To a spawn.
    Spawn,
    /// To a request.
    Request,
    /// To a timeline entry alone.
    Entry,
    /// To a spawn, a request or an entry.
    Any,
}

use EventKeyType::{Boolean, Number, Text};

type EventKindSpec = (&'static str, EventScope, &'static [(&'static str, EventKeyType)]);

/// All kinds, with the keys that can be looked at, in the order of the log.
const EVENT_KINDS: [EventKindSpec; 28] = [
    (
        "run.started",
        EventScope::Run,
        &[("generator", Text), ("name", Text), ("seed", Number), ("clock", Text), ("started_at", Text)],
    ),
    ("clock.tick", EventScope::Run, &[("n", Number)]),
    (
        "spawn.started",
        EventScope::Spawn,
        &[("source", Text), ("preset", Text), ("entry", Text), ("pid", Number)],
    ),
    ("spawn.ready", EventScope::Spawn, &[("source", Text)]),
    ("spawn.suspended", EventScope::Spawn, &[("source", Text), ("signal", Text)]),
    ("spawn.resumed", EventScope::Spawn, &[("source", Text)]),
    ("move", EventScope::Spawn, &[("source", Text), ("player", Text), ("direction", Text)]),
    ("step", EventScope::Spawn, &[("source", Text), ("player", Text), ("step", Text), ("register", Number)]),
    ("line", EventScope::Spawn, &[("source", Text), ("stream", Text), ("text", Text), ("partial", Boolean)]),
    (
        "spawn.exited",
        EventScope::Spawn,
        &[
            ("source", Text),
            ("code", Number),
            ("signal", Text),
            ("ok", Boolean),
            ("running", Number),
            ("held", Boolean),
            ("skipped", Number),
        ],
    ),
    ("spawn.failed", EventScope::Spawn, &[("source", Text), ("error", Text), ("running", Number)]),
    (
        "fetch.started",
        EventScope::Request,
        &[("source", Text), ("job", Text), ("entry", Text), ("method", Text), ("url", Text)],
    ),
    ("fetch.responded", EventScope::Request, &[("source", Text), ("status", Number), ("version", Text)]),
    ("fetch.line", EventScope::Request, &[("source", Text), ("n", Number), ("text", Text)]),
    (
        "fetch.finished",
        EventScope::Request,
        &[
            ("source", Text),
            ("status", Number),
            ("bytes", Number),
            ("sha256", Text),
            ("ok", Boolean),
            ("reused", Boolean),
            ("check", Text),
        ],
    ),
    ("fetch.failed", EventScope::Request, &[("source", Text), ("kind", Text), ("error", Text)]),
    ("input", EventScope::Run, &[("text", Text), ("accepted", Boolean), ("error", Text)]),
    ("mark", EventScope::Entry, &[("entry", Text), ("text", Text)]),
    ("sent", EventScope::Spawn, &[("source", Text), ("entry", Text), ("text", Text), ("error", Text)]),
    (
        "stopping",
        EventScope::Any,
        &[("source", Text), ("entry", Text), ("signal", Text), ("reason", Text), ("error", Text)],
    ),
    ("run.paused", EventScope::Run, &[]),
    ("run.resumed", EventScope::Run, &[]),
    ("player.joined", EventScope::Run, &[("source", Text), ("player", Text), ("called", Text)]),
    ("player.left", EventScope::Run, &[("source", Text)]),
    ("world.state", EventScope::Run, &[]),
    ("deadlock", EventScope::Run, &[]),
    ("expect", EventScope::Run, &[]),
    ("run.finished", EventScope::Run, &[]),
];

impl EventKind {
    /// How many there are.
    pub const COUNT: usize = EVENT_KINDS.len();

    /// Those that come when all has been counted: nothing can be expected of them.
    pub const AFTER_COUNTING: [&'static str; 2] = ["expect", "run.finished"];

    /// All of them, in the order of the log's description.
    pub fn all() -> impl Iterator<Item = EventKind> + Clone {
        (0..EVENT_KINDS.len()).map(EventKind)
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EventKind> {
        EVENT_KINDS.iter().position(|(own, ..)| *own == name).map(EventKind)
    }

    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        EVENT_KINDS[self.0].0
    }

    /// What its events belong to.
    #[must_use]
    pub fn scope(self) -> EventScope {
        EVENT_KINDS[self.0].1
    }

    /// The keys that can be looked at.
    #[must_use]
    pub fn keys(self) -> &'static [(&'static str, EventKeyType)] {
        EVENT_KINDS[self.0].2
    }

    /// A number below [`EventKind::COUNT`], for tables.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl Event<'_> {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        EventKind(match self {
            Event::RunStarted { .. } => 0,
            Event::ClockTick { .. } => 1,
            Event::SpawnStarted { .. } => 2,
            Event::SpawnReady { .. } => 3,
            Event::SpawnSuspended { .. } => 4,
            Event::SpawnResumed { .. } => 5,
            Event::Move { .. } => 6,
            Event::Step { .. } => 7,
            Event::Lines { .. } => 8,
            Event::SpawnExited { .. } => 9,
            Event::SpawnFailed { .. } => 10,
            Event::FetchStarted { .. } => 11,
            Event::FetchResponded { .. } => 12,
            Event::FetchLine { .. } => 13,
            Event::FetchFinished { .. } => 14,
            Event::FetchFailed { .. } => 15,
            Event::TypedInput { .. } => 16,
            Event::Mark { .. } => 17,
            Event::Sent { .. } => 18,
            Event::Stopping { .. } => 19,
            Event::RunPaused => 20,
            Event::RunResumed { .. } => 21,
            Event::PlayerJoined { .. } => 22,
            Event::PlayerLeft { .. } => 23,
            Event::WorldState { .. } => 24,
            Event::Deadlock { .. } => 25,
            Event::Expect(_) => 26,
            Event::RunFinished(_) => 27,
        })
    }

    /// Its name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// What it says for one of the keys of its kind; `None` where it leaves it out. (Of a chunk of
    /// lines the text is that of all of them: hand each line over alone.)
    #[must_use]
    pub fn value(&self, key: &str) -> Option<EventValue<'_>> {
        let said = match (self, key) {
            (Event::Move { direction, .. }, "direction") => text_value(direction.letter()),
            (
                Event::Move { player, .. } | Event::Step { player, .. } | Event::PlayerJoined { player, .. },
                "player",
            ) => to_text_value(player),
            (Event::PlayerJoined { called, .. }, "called") => text_value((*called)?),
            (Event::Step { step, .. }, "step") => text_value(step),
            (Event::Step { register, .. }, "register") => number_value(*register),
            (Event::Lines { stream, .. }, "stream") => text_value(stream.name()),
            (Event::Lines { chunk, .. }, "text") => {
                EventValue::Text(Cow::Borrowed(chunk.strip_suffix(b"\n").unwrap_or(chunk)))
            }
            (Event::Lines { partial, .. }, "partial") => EventValue::Boolean(*partial),
            (_, "source") => to_text_value(self.source()?),
            (_, "entry") => to_text_value(self.entry()?),
            (Event::RunStarted { .. } | Event::ClockTick { .. } | Event::SpawnStarted { .. }, _) => {
                return self.start_value(key);
            }
            (Event::SpawnExited { .. } | Event::SpawnSuspended { .. } | Event::SpawnFailed { .. }, _) => {
                return self.spawn_value(key);
            }
            (
                Event::TypedInput { .. } | Event::Mark { .. } | Event::Sent { .. } | Event::Stopping { .. },
                _,
            ) => {
                return self.control_value(key);
            }
            _ => return self.fetch_value(key),
        };
        Some(said)
    }

    fn start_value(&self, key: &str) -> Option<EventValue<'_>> {
        Some(match (self, key) {
            (Event::RunStarted { .. }, "generator") => text_value("scenario"),
            (Event::RunStarted { name, .. }, "name") => text_value(name),
            (Event::RunStarted { seed, .. }, "seed") => number_value(*seed),
            (Event::RunStarted { clock, .. }, "clock") => text_value(clock.name()),
            (Event::RunStarted { started_at, .. }, "started_at") => text_value((*started_at)?),
            (Event::ClockTick { n, .. }, "n") => number_value(*n),
            (Event::SpawnStarted { preset, .. }, "preset") => text_value(preset),
            (Event::SpawnStarted { pid, .. }, "pid") => number_value((*pid)?),
            _ => return None,
        })
    }

    fn spawn_value(&self, key: &str) -> Option<EventValue<'_>> {
        Some(match (self, key) {
            (Event::SpawnExited { exit: SpawnExit::Code(code), .. }, "code") => {
                number_value(u64::try_from(*code).ok()?)
            }
            (Event::SpawnExited { exit: SpawnExit::Signal(signal), .. }, "signal")
            | (Event::SpawnSuspended { signal, .. }, "signal") => to_text_value(signal),
            (Event::SpawnExited { ok, .. }, "ok") => EventValue::Boolean(*ok),
            (Event::SpawnExited { held, .. }, "held") => EventValue::Boolean(*held),
            (Event::SpawnExited { skipped, .. }, "skipped") => number_value(*skipped),
            (Event::SpawnExited { running, .. } | Event::SpawnFailed { running, .. }, "running") => {
                number_value(*running)
            }
            (Event::SpawnFailed { error, .. }, "error") => text_value(error),
            _ => return None,
        })
    }

    fn control_value(&self, key: &str) -> Option<EventValue<'_>> {
        Some(match (self, key) {
            (Event::TypedInput { text: own, .. } | Event::Mark { text: own, .. }, "text") => text_value(own),
            (Event::Sent { text: own, .. }, "text") => text_value((*own)?),
            (Event::TypedInput { accepted, .. }, "accepted") => EventValue::Boolean(*accepted),
            (
                Event::TypedInput { error, .. } | Event::Sent { error, .. } | Event::Stopping { error, .. },
                "error",
            ) => text_value((*error)?),
            (Event::Stopping { signal, .. }, "signal") => to_text_value((*signal)?),
            (Event::Stopping { reason, .. }, "reason") => text_value((*reason)?),
            _ => return None,
        })
    }

    fn fetch_value(&self, key: &str) -> Option<EventValue<'_>> {
        Some(match (self, key) {
            (Event::FetchStarted { job, .. }, "job") => text_value(job),
            (Event::FetchStarted { method, .. }, "method") => text_value(method),
            (Event::FetchStarted { url, .. }, "url") => text_value(url),
            (Event::FetchResponded { status, .. }, "status") => number_value(*status),
            (Event::FetchResponded { version, .. }, "version") => text_value(version),
            (Event::FetchLine { n, .. }, "n") => number_value(*n),
            (Event::FetchLine { text, .. }, "text") => EventValue::Text(Cow::Borrowed(text)),
            (Event::FetchFinished { ok, .. }, "ok") => EventValue::Boolean(*ok),
            (Event::FetchFinished { fetched, .. }, key) => return response_value(fetched, key),
            (Event::FetchFailed { kind, .. }, "kind") => text_value(kind.name()),
            (Event::FetchFailed { error, .. }, "error") => text_value(error),
            _ => return None,
        })
    }
}

fn response_value<'a>(fetched: &'a FetchedResponse, key: &str) -> Option<EventValue<'a>> {
    Some(match key {
        "status" => number_value(fetched.status),
        "bytes" => number_value(fetched.bytes),
        "sha256" => {
            let digits: String = fetched.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            EventValue::Text(Cow::Owned(digits.into_bytes()))
        }
        "reused" => EventValue::Boolean(fetched.reused?),
        "check" => text_value(fetched.check.as_deref()?),
        _ => return None,
    })
}

fn text_value(text: &str) -> EventValue<'_> {
    EventValue::Text(Cow::Borrowed(text.as_bytes()))
}

fn number_value(number: impl Into<i128>) -> EventValue<'static> {
    EventValue::Number(number.into())
}

fn to_text_value(value: impl std::fmt::Display) -> EventValue<'static> {
    EventValue::Text(Cow::Owned(value.to_string().into_bytes()))
}
