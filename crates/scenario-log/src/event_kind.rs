//! The kinds of events, and what of an event a rule can look at: its keys that are texts, whole
//! numbers or booleans, by their names in the log. Times are no such keys: they are measured.

use std::borrow::Cow;

use crate::event::{Event, Exit, Fetched};

/// A kind of event; its name is the log's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(usize);

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`; where it is left out, `false`.
    Boolean,
}

/// What an event says for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// A text, or the bytes of a line.
    Text(Cow<'a, [u8]>),
    /// A whole number.
    Number(i128),
    /// A boolean.
    Boolean(bool),
}

/// What an event belongs to, by which it can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs {
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

use KeyType::{Boolean, Number, Text};

type Row = (&'static str, Belongs, &'static [(&'static str, KeyType)]);

/// All kinds, with the keys that can be looked at, in the order of the log.
const KINDS: [Row; 28] = [
    (
        "run.started",
        Belongs::Run,
        &[("generator", Text), ("name", Text), ("seed", Number), ("clock", Text), ("started_at", Text)],
    ),
    ("clock.tick", Belongs::Run, &[("n", Number)]),
    (
        "spawn.started",
        Belongs::Spawn,
        &[("source", Text), ("preset", Text), ("entry", Text), ("pid", Number)],
    ),
    ("spawn.ready", Belongs::Spawn, &[("source", Text)]),
    ("spawn.suspended", Belongs::Spawn, &[("source", Text), ("signal", Text)]),
    ("spawn.resumed", Belongs::Spawn, &[("source", Text)]),
    ("move", Belongs::Spawn, &[("source", Text), ("player", Text), ("direction", Text)]),
    ("step", Belongs::Spawn, &[("source", Text), ("player", Text), ("step", Text), ("register", Number)]),
    ("line", Belongs::Spawn, &[("source", Text), ("stream", Text), ("text", Text), ("partial", Boolean)]),
    (
        "spawn.exited",
        Belongs::Spawn,
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
    ("spawn.failed", Belongs::Spawn, &[("source", Text), ("error", Text), ("running", Number)]),
    (
        "fetch.started",
        Belongs::Request,
        &[("source", Text), ("job", Text), ("entry", Text), ("method", Text), ("url", Text)],
    ),
    ("fetch.responded", Belongs::Request, &[("source", Text), ("status", Number), ("version", Text)]),
    ("fetch.line", Belongs::Request, &[("source", Text), ("n", Number), ("text", Text)]),
    (
        "fetch.finished",
        Belongs::Request,
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
    ("fetch.failed", Belongs::Request, &[("source", Text), ("kind", Text), ("error", Text)]),
    ("input", Belongs::Run, &[("text", Text), ("accepted", Boolean), ("error", Text)]),
    ("mark", Belongs::Entry, &[("entry", Text), ("text", Text)]),
    ("sent", Belongs::Spawn, &[("source", Text), ("entry", Text), ("text", Text), ("error", Text)]),
    (
        "stopping",
        Belongs::Any,
        &[("source", Text), ("entry", Text), ("signal", Text), ("reason", Text), ("error", Text)],
    ),
    ("run.paused", Belongs::Run, &[]),
    ("run.resumed", Belongs::Run, &[]),
    ("player.joined", Belongs::Run, &[("source", Text), ("player", Text), ("called", Text)]),
    ("player.left", Belongs::Run, &[("source", Text)]),
    ("world.state", Belongs::Run, &[]),
    ("deadlock", Belongs::Run, &[]),
    ("expect", Belongs::Run, &[]),
    ("run.finished", Belongs::Run, &[]),
];

impl EventKind {
    /// How many there are.
    pub const COUNT: usize = KINDS.len();

    /// Those that come when all has been counted: nothing can be expected of them.
    pub const LAST: [&'static str; 2] = ["expect", "run.finished"];

    /// All of them, in the order of the log's description.
    pub fn all() -> impl Iterator<Item = EventKind> + Clone {
        (0..KINDS.len()).map(EventKind)
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<EventKind> {
        KINDS.iter().position(|(own, ..)| *own == name).map(EventKind)
    }

    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS[self.0].0
    }

    /// What its events belong to.
    #[must_use]
    pub fn belongs(self) -> Belongs {
        KINDS[self.0].1
    }

    /// The keys that can be looked at.
    #[must_use]
    pub fn keys(self) -> &'static [(&'static str, KeyType)] {
        KINDS[self.0].2
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
            Event::Input { .. } => 16,
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
    pub fn said(&self, key: &str) -> Option<Said<'_>> {
        let said = match (self, key) {
            (Event::Move { direction, .. }, "direction") => text(direction.letter()),
            (
                Event::Move { player, .. } | Event::Step { player, .. } | Event::PlayerJoined { player, .. },
                "player",
            ) => owned(player),
            (Event::PlayerJoined { called, .. }, "called") => text((*called)?),
            (Event::Step { step, .. }, "step") => text(step),
            (Event::Step { register, .. }, "register") => number(*register),
            (Event::Lines { stream, .. }, "stream") => text(stream.name()),
            (Event::Lines { chunk, .. }, "text") => {
                Said::Text(Cow::Borrowed(chunk.strip_suffix(b"\n").unwrap_or(chunk)))
            }
            (Event::Lines { partial, .. }, "partial") => Said::Boolean(*partial),
            (_, "source") => owned(self.source()?),
            (_, "entry") => owned(self.entry()?),
            (Event::RunStarted { .. } | Event::ClockTick { .. } | Event::SpawnStarted { .. }, _) => {
                return self.said_of_start(key);
            }
            (Event::SpawnExited { .. } | Event::SpawnSuspended { .. } | Event::SpawnFailed { .. }, _) => {
                return self.said_of_spawn(key);
            }
            (Event::Input { .. } | Event::Mark { .. } | Event::Sent { .. } | Event::Stopping { .. }, _) => {
                return self.said_of_control(key);
            }
            _ => return self.said_of_fetch(key),
        };
        Some(said)
    }

    fn said_of_start(&self, key: &str) -> Option<Said<'_>> {
        Some(match (self, key) {
            (Event::RunStarted { .. }, "generator") => text("scenario"),
            (Event::RunStarted { name, .. }, "name") => text(name),
            (Event::RunStarted { seed, .. }, "seed") => number(*seed),
            (Event::RunStarted { clock, .. }, "clock") => text(clock.name()),
            (Event::RunStarted { started_at, .. }, "started_at") => text((*started_at)?),
            (Event::ClockTick { n, .. }, "n") => number(*n),
            (Event::SpawnStarted { preset, .. }, "preset") => text(preset),
            (Event::SpawnStarted { pid, .. }, "pid") => number((*pid)?),
            _ => return None,
        })
    }

    fn said_of_spawn(&self, key: &str) -> Option<Said<'_>> {
        Some(match (self, key) {
            (Event::SpawnExited { exit: Exit::Code(code), .. }, "code") => number(u64::try_from(*code).ok()?),
            (Event::SpawnExited { exit: Exit::Signal(signal), .. }, "signal")
            | (Event::SpawnSuspended { signal, .. }, "signal") => owned(signal),
            (Event::SpawnExited { ok, .. }, "ok") => Said::Boolean(*ok),
            (Event::SpawnExited { held, .. }, "held") => Said::Boolean(*held),
            (Event::SpawnExited { skipped, .. }, "skipped") => number(*skipped),
            (Event::SpawnExited { running, .. } | Event::SpawnFailed { running, .. }, "running") => {
                number(*running)
            }
            (Event::SpawnFailed { error, .. }, "error") => text(error),
            _ => return None,
        })
    }

    fn said_of_control(&self, key: &str) -> Option<Said<'_>> {
        Some(match (self, key) {
            (Event::Input { text: own, .. } | Event::Mark { text: own, .. }, "text") => text(own),
            (Event::Sent { text: own, .. }, "text") => text((*own)?),
            (Event::Input { accepted, .. }, "accepted") => Said::Boolean(*accepted),
            (
                Event::Input { error, .. } | Event::Sent { error, .. } | Event::Stopping { error, .. },
                "error",
            ) => text((*error)?),
            (Event::Stopping { signal, .. }, "signal") => owned((*signal)?),
            (Event::Stopping { reason, .. }, "reason") => text((*reason)?),
            _ => return None,
        })
    }

    fn said_of_fetch(&self, key: &str) -> Option<Said<'_>> {
        Some(match (self, key) {
            (Event::FetchStarted { job, .. }, "job") => text(job),
            (Event::FetchStarted { method, .. }, "method") => text(method),
            (Event::FetchStarted { url, .. }, "url") => text(url),
            (Event::FetchResponded { status, .. }, "status") => number(*status),
            (Event::FetchResponded { version, .. }, "version") => text(version),
            (Event::FetchLine { n, .. }, "n") => number(*n),
            (Event::FetchLine { text, .. }, "text") => Said::Text(Cow::Borrowed(text)),
            (Event::FetchFinished { ok, .. }, "ok") => Said::Boolean(*ok),
            (Event::FetchFinished { fetched, .. }, key) => return said_of_answer(fetched, key),
            (Event::FetchFailed { kind, .. }, "kind") => text(kind.name()),
            (Event::FetchFailed { error, .. }, "error") => text(error),
            _ => return None,
        })
    }
}

fn said_of_answer<'a>(fetched: &'a Fetched, key: &str) -> Option<Said<'a>> {
    Some(match key {
        "status" => number(fetched.status),
        "bytes" => number(fetched.bytes),
        "sha256" => {
            let digits: String = fetched.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            Said::Text(Cow::Owned(digits.into_bytes()))
        }
        "reused" => Said::Boolean(fetched.reused?),
        "check" => text(fetched.check.as_deref()?),
        _ => return None,
    })
}

fn text(text: &str) -> Said<'_> {
    Said::Text(Cow::Borrowed(text.as_bytes()))
}

fn number(number: impl Into<i128>) -> Said<'static> {
    Said::Number(number.into())
}

fn owned(value: impl std::fmt::Display) -> Said<'static> {
    Said::Text(Cow::Owned(value.to_string().into_bytes()))
}
