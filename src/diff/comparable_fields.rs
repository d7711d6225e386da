//! What counts of an event when two runs are compared: its own keys without its times and without
//! what its sequence says already (source, player, stream).

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use scenario_log::event::{EntryName, Event, Exit, Fetched, Header, Summary};
use scenario_log::sanitize::push_visible_bytes;
use scenario_log::signal::Signal;

/// Headers of an answer that are times: when it was made, and how long ago.
const TIMES: [&str; 2] = ["age", "date"];

/// A key of an event, or a header's name in its `headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) header: Option<&'a str>,
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.header.map_or(Ok(()), |header| write!(f, ".{header}"))
    }
}

/// The key that says what an event is.
const EVENT: Key<'_> = Key { name: "event", header: None };

/// A key's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Digest([u8; 32]),
    Number(u64),
    Signed(i64),
    Flag(bool),
}

impl Value<'_> {
    /// It as text without control characters.
    pub(super) fn visible(&self) -> String {
        let mut out = String::new();
        match self {
            Value::Text(text) => push_visible_bytes(&mut out, text.as_bytes()),
            Value::Bytes(bytes) => push_visible_bytes(&mut out, bytes),
            Value::Digest(digest) => out.extend(digest.iter().map(|byte| format!("{byte:02x}"))),
            Value::Number(number) => out = number.to_string(),
            Value::Signed(number) => out = number.to_string(),
            Value::Flag(flag) => out = flag.to_string(),
        }
        out
    }
}

/// What counts of an event, its name first.
#[derive(Debug)]
pub(super) struct Counting<'a>(Vec<(Key<'a>, Value<'a>)>);

impl<'a> Counting<'a> {
    /// What counts of this event.
    pub(super) fn of(event: &Event<'a>) -> Counting<'a> {
        let mut counting = Counting(Vec::new());
        counting.text(EVENT.name, Some(event.name()));
        match *event {
            Event::RunStarted { .. }
            | Event::ClockTick { .. }
            | Event::WorldState { .. }
            // Who it is its sequence says, and where it came to hangs on who came before.
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::SpawnReady { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. } => {}
            Event::SpawnStarted { preset, entry, .. } => {
                counting.text("preset", Some(preset));
                counting.entry(entry);
            }
            Event::Move { direction, .. } => counting.text("direction", Some(direction.letter())),
            Event::Step { step, register, .. } => {
                counting.text("step", Some(step));
                counting.add("register", Value::Signed(register));
            }
            Event::Deadlock { waiting } => {
                counting.0.extend(waiting.iter().map(|(player, lock)| {
                    (Key { name: "waiting", header: Some(player) }, Value::Text(Cow::Borrowed(lock)))
                }));
            }
            Event::Lines { chunk, partial, .. } => {
                counting.add("text", Value::Bytes(chunk.strip_suffix(b"\n").unwrap_or(chunk)));
                counting.add("partial", Value::Flag(partial));
            }
            Event::SpawnExited { exit, ok, held, .. } => {
                counting.exit(exit);
                counting.add("ok", Value::Flag(ok));
                counting.add("held", Value::Flag(held));
            }
            Event::SpawnFailed { error, .. } => counting.text("error", Some(error)),
            Event::Input { text, accepted, error } => {
                counting.text("text", Some(text));
                counting.add("accepted", Value::Flag(accepted));
                counting.text("error", error);
            }
            Event::Mark { entry, text, .. } => {
                counting.entry(entry);
                counting.text("text", Some(text));
            }
            Event::Sent { entry, text, error, .. } => {
                counting.entry(entry);
                counting.text("text", text);
                counting.text("error", error);
            }
            Event::Stopping { entry, signal, reason, error, .. } => {
                counting.entry(entry);
                counting.signal(signal);
                counting.text("reason", reason);
                counting.text("error", error);
            }
            Event::FetchStarted { job, entry, method, url, .. } => {
                counting.text("job", Some(job));
                counting.entry(entry);
                counting.text("method", Some(method));
                counting.text("url", Some(url));
            }
            Event::FetchResponded { status, version, headers, .. } => {
                counting.number("status", u64::from(status));
                counting.text("version", Some(version));
                counting.headers(headers);
            }
            Event::FetchLine { n, text, .. } => {
                counting.number("n", n);
                counting.add("text", Value::Bytes(text));
            }
            Event::FetchFinished { fetched, ok, .. } => counting.fetched(fetched, ok),
            Event::FetchFailed { kind, error, .. } => {
                counting.text("kind", Some(kind.name()));
                counting.text("error", Some(error));
            }
            // What was got is a time as often as not.
            Event::Expect(expected) => {
                counting.text("name", Some(&expected.name));
                counting.add("ok", Value::Flag(expected.ok));
                counting.text("wanted", Some(&expected.wanted));
            }
            Event::RunFinished(summary) => counting.summary(summary),
        }
        counting
    }

    /// A number that is the same for what is the same, and hardly ever for anything else. Its
    /// function has no secret: it is the same in every run of the program.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &Key<'_>) -> Option<&Value<'a>> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// The keys whose values the other does not have, and those that only the other has; of two
    /// kinds of event only that.
    pub(super) fn differing(&self, other: &Counting<'a>) -> Vec<Key<'a>> {
        if self.get(&EVENT) != other.get(&EVENT) {
            return vec![EVENT];
        }
        let mine = self.0.iter().filter(|(key, value)| other.get(key) != Some(value));
        let others = other.0.iter().filter(|(key, _)| self.get(key).is_none());
        mine.chain(others).map(|(key, _)| *key).collect()
    }

    fn add(&mut self, name: &'a str, value: Value<'a>) {
        self.0.push((Key { name, header: None }, value));
    }

    fn text(&mut self, name: &'a str, text: Option<&'a str>) {
        if let Some(text) = text {
            self.add(name, Value::Text(Cow::Borrowed(text)));
        }
    }

    fn number(&mut self, name: &'a str, number: u64) {
        self.add(name, Value::Number(number));
    }

    fn entry(&mut self, entry: Option<EntryName<'a>>) {
        match entry {
            Some(EntryName::Id(id)) => self.text("entry", Some(id)),
            Some(number) => self.add("entry", Value::Text(Cow::Owned(number.to_string()))),
            None => {}
        }
    }

    fn signal(&mut self, signal: Option<Signal>) {
        if let Some(signal) = signal {
            self.add("signal", Value::Text(Cow::Owned(signal.to_string())));
        }
    }

    fn exit(&mut self, exit: Exit) {
        match exit {
            Exit::Code(code) => self.add("code", Value::Text(Cow::Owned(code.to_string()))),
            Exit::Signal(signal) => self.signal(Some(signal)),
        }
    }

    /// The headers by name: their order in the answer says nothing.
    fn headers(&mut self, headers: &'a [Header]) {
        let mut counted: Vec<&Header> =
            headers.iter().filter(|header| !TIMES.contains(&&*header.name)).collect();
        counted.sort_by(|one, other| one.name.cmp(&other.name));
        self.0.extend(counted.into_iter().map(|Header { name, value }| {
            (Key { name: "headers", header: Some(name) }, Value::Text(Cow::Borrowed(value)))
        }));
    }

    fn fetched(&mut self, fetched: &'a Fetched, ok: bool) {
        self.number("status", u64::from(fetched.status));
        self.number("bytes", fetched.bytes);
        self.add("sha256", Value::Digest(fetched.sha256));
        self.add("ok", Value::Flag(ok));
        self.text("check", fetched.check.as_deref());
        self.0.extend(fetched.captured.iter().map(|captured| {
            let key = Key { name: "captured", header: Some(&captured.name) };
            (key, Value::Text(Cow::Borrowed(captured.shown())))
        }));
    }

    fn summary(&mut self, summary: &'a Summary) {
        let Summary { outcome, spawned, exited, fetched, moves, lines, .. } = *summary;
        self.text("outcome", Some(outcome.name()));
        let counts = [
            ("spawned", spawned),
            ("exited", exited),
            ("fetched", fetched),
            ("moves", moves),
            ("lines", lines),
        ];
        for (name, count) in counts {
            self.number(name, count);
        }
        self.0.extend(
            summary
                .shared
                .iter()
                .map(|(cell, value)| (Key { name: "shared", header: Some(cell) }, Value::Signed(*value))),
        );
    }
}
