//! The fields of an event that count when two runs are compared: its own keys, without its times and
//! without what identifies its sequence (source, player, stream).

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use scenario_log::event::{
    EntryName, Event, FetchedResponse, HttpHeader, RunSummary, SpawnExit, last_try_words,
};
use scenario_log::sanitize::push_sanitized_bytes;
use scenario_log::signal::Signal;

/// Headers of an answer that are times: when it was made, and how long ago.
const TIME_HEADERS: [&str; 2] = ["age", "date"];

/// A key of an event, or the name of a header in its `headers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FieldKey<'a> {
    pub(super) name: &'a str,
    pub(super) header: Option<&'a str>,
}

impl fmt::Display for FieldKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.header.map_or(Ok(()), |header| write!(f, ".{header}"))
    }
}

/// The key with the event's name.
const EVENT_KEY: FieldKey<'_> = FieldKey { name: "event", header: None };

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum FieldValue<'a> {
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Digest([u8; 32]),
    Number(u64),
    Signed(i64),
    Flag(bool),
}

impl FieldValue<'_> {
    /// The value as text without control characters.
    pub(super) fn to_visible(&self) -> String {
        let mut out = String::new();
        match self {
            FieldValue::Text(text) => push_sanitized_bytes(&mut out, text.as_bytes()),
            FieldValue::Bytes(bytes) => push_sanitized_bytes(&mut out, bytes),
            FieldValue::Digest(digest) => out.extend(digest.iter().map(|byte| format!("{byte:02x}"))),
            FieldValue::Number(number) => out = number.to_string(),
            FieldValue::Signed(number) => out = number.to_string(),
            FieldValue::Flag(flag) => out = flag.to_string(),
        }
        out
    }
}

/// The fields that count, the event's name first.
#[derive(Debug)]
pub(super) struct ComparableFields<'a>(Vec<(FieldKey<'a>, FieldValue<'a>)>);

impl<'a> ComparableFields<'a> {
    /// The fields of this event.
    pub(super) fn from_event(event: &Event<'a>) -> ComparableFields<'a> {
        let mut counting = ComparableFields(Vec::new());
        counting.push_text(EVENT_KEY.name, Some(event.name()));
        match *event {
            Event::RunStarted { .. }
            | Event::ClockTick { .. }
            | Event::WorldState { .. }
            | Event::UnfinishedText { .. }
            | Event::LineMatched { .. }
            // How often an entry tries is a matter of time.
            | Event::EntryRetried { .. }
            // The sequence says who it is, and its place depends on who came before.
            | Event::PlayerJoined { .. }
            | Event::PlayerLeft { .. }
            // What passes on a link, and when, is a matter of time.
            | Event::LinkOpened { .. }
            | Event::LinkClosed { .. }
            | Event::RunPaused
            | Event::RunResumed { .. }
            | Event::SpawnReady { .. }
            // The result of the last probe is a matter of time.
            | Event::SpawnUnhealthy { .. }
            | Event::SpawnRestarted { .. }
            | Event::SpawnSuspended { .. }
            | Event::SpawnResumed { .. }
            | Event::SpawnSampled { .. } => {}
            Event::SpawnStarted { preset, entry, .. } => {
                counting.push_text("preset", Some(preset));
                counting.push_entry(entry);
            }
            Event::Move { direction, .. } => counting.push_text("direction", Some(direction.word())),
            Event::Step { step, register, .. } => {
                counting.push_text("step", Some(step));
                counting.push("register", FieldValue::Signed(register));
            }
            Event::StepEnded { step, ok, .. } => {
                counting.push_text("step", Some(step));
                counting.push("ok", FieldValue::Flag(ok));
            }
            Event::PlayerEnded { ok, .. } => {
                counting.push("ok", FieldValue::Flag(ok));
            }
            Event::Deadlock { waiting } => {
                counting.0.extend(waiting.iter().map(|(player, lock)| {
                    (FieldKey { name: "waiting", header: Some(player) }, FieldValue::Text(Cow::Borrowed(lock)))
                }));
            }
            Event::Lines { chunk, partial, .. } => {
                counting.push("text", FieldValue::Bytes(chunk.strip_suffix(b"\n").unwrap_or(chunk)));
                counting.push("partial", FieldValue::Flag(partial));
            }
            Event::SpawnExited { exit, ok, held, killed, .. } => {
                counting.push_exit(exit);
                counting.push("ok", FieldValue::Flag(ok));
                counting.push("held", FieldValue::Flag(held));
                counting.push("killed", FieldValue::Flag(killed));
            }
            Event::SpawnFailed { error, last_try, .. } => {
                // The result of the last probe depends on its moment.
                let error = match last_try {
                    Some(last_try) => error.strip_suffix(&last_try_words(last_try)).unwrap_or(error),
                    None => error,
                };
                counting.push_text("error", Some(error));
            }
            Event::StopFailed { signal, error, .. } => {
                counting.push_signal(Some(signal));
                counting.push_text("error", Some(error));
            }
            Event::TypedInput { text, accepted, error } => {
                counting.push_text("text", Some(text));
                counting.push("accepted", FieldValue::Flag(accepted));
                counting.push_text("error", error);
            }
            Event::Mark { entry, text, .. } => {
                counting.push_entry(entry);
                counting.push_text("text", Some(text));
            }
            Event::EntrySkipped { entry, reason } => {
                counting.push_entry(Some(entry));
                counting.push_text("reason", Some(reason));
            }
            Event::Sent { entry, text, enter, close, error, .. } => {
                counting.push_entry(entry);
                counting.push_text("text", text);
                for (key, flag) in [("enter", enter), ("close", close)] {
                    if let Some(flag) = flag {
                        counting.push(key, FieldValue::Flag(flag));
                    }
                }
                counting.push_text("error", error);
            }
            Event::Signalled { entry, signal, error, .. } => {
                counting.push_entry(entry);
                counting.push_signal(Some(signal));
                counting.push_text("error", error);
            }
            Event::Stopping { entry, signal, reason, error, .. } => {
                counting.push_entry(entry);
                counting.push_signal(signal);
                counting.push_text("reason", reason);
                counting.push_text("error", error);
            }
            Event::FetchStarted { .. } => counting.push_request(event),
            Event::FetchResponded { status, version, headers, .. } => {
                counting.push_number("status", u64::from(status));
                counting.push_text("version", Some(version));
                counting.push_headers(headers);
            }
            Event::FetchLine { n, text, .. } => {
                counting.push_number("n", n);
                counting.push("text", FieldValue::Bytes(text));
            }
            Event::FetchFinished { fetched, ok, .. } => counting.push_fetched(fetched, ok),
            Event::FetchFailed { kind, error, .. } => {
                counting.push_text("kind", Some(kind.name()));
                counting.push_text("error", Some(error));
            }
            Event::LinkChanged { .. } => counting.push_link_change(event),
            // A measured value is often a time.
            Event::Expect(expected) => {
                counting.push_text("name", Some(&expected.name));
                counting.push_text("group", expected.group.as_deref());
                counting.push("ok", FieldValue::Flag(expected.ok));
                counting.push_text("wanted", Some(&expected.wanted));
            }
            Event::RunFinished(summary) => counting.push_summary(summary),
        }
        counting
    }

    fn push_request(&mut self, event: &Event<'a>) {
        let Event::FetchStarted { job, entry, player, step, method, url, row, .. } = *event else { return };
        self.push_text("job", Some(job));
        if let Some(player) = player {
            self.push("player", FieldValue::Text(Cow::Owned(player.to_string())));
        }
        self.push_text("step", step);
        self.push_entry(entry);
        self.push_text("method", Some(method));
        self.push_text("url", Some(url));
        if let Some(row) = row {
            self.push_number("row", row);
        }
    }

    fn push_link_change(&mut self, event: &Event<'a>) {
        let Event::LinkChanged {
            link,
            entry,
            undone,
            latency,
            bandwidth,
            cut,
            limit,
            slice,
            refuse,
            reset,
            due: _,
        } = *event
        else {
            return;
        };
        self.push_text("link", Some(link));
        self.push_entry(entry);
        let texts = [
            ("latency", latency),
            ("bandwidth", bandwidth),
            ("cut", cut),
            ("limit", limit),
            ("slice", slice),
        ];
        texts.into_iter().for_each(|(name, text)| self.push_text(name, text));
        for (name, flag) in [("undone", undone), ("refuse", refuse), ("reset", reset)] {
            self.push(name, FieldValue::Flag(flag));
        }
    }

    /// A hash: equal for equal fields, and hardly ever for others. It has no random key, so it is the same
    /// in every run of the program.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &FieldKey<'_>) -> Option<&FieldValue<'a>> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    /// The keys whose values differ from the other's, and those that only the other has; for two events of
    /// different kinds, only the event's name.
    pub(super) fn differing_keys(&self, other: &ComparableFields<'a>) -> Vec<FieldKey<'a>> {
        if self.get(&EVENT_KEY) != other.get(&EVENT_KEY) {
            return vec![EVENT_KEY];
        }
        let mine = self.0.iter().filter(|(key, value)| other.get(key) != Some(value));
        let others = other.0.iter().filter(|(key, _)| self.get(key).is_none());
        mine.chain(others).map(|(key, _)| *key).collect()
    }

    fn push(&mut self, name: &'a str, value: FieldValue<'a>) {
        self.0.push((FieldKey { name, header: None }, value));
    }

    fn push_text(&mut self, name: &'a str, text: Option<&'a str>) {
        if let Some(text) = text {
            self.push(name, FieldValue::Text(Cow::Borrowed(text)));
        }
    }

    fn push_number(&mut self, name: &'a str, number: u64) {
        self.push(name, FieldValue::Number(number));
    }

    fn push_entry(&mut self, entry: Option<EntryName<'a>>) {
        match entry {
            Some(EntryName::Id(id)) => self.push_text("entry", Some(id)),
            Some(number) => self.push("entry", FieldValue::Text(Cow::Owned(number.to_string()))),
            None => {}
        }
    }

    fn push_signal(&mut self, signal: Option<Signal>) {
        if let Some(signal) = signal {
            self.push("signal", FieldValue::Text(Cow::Owned(signal.to_string())));
        }
    }

    fn push_exit(&mut self, exit: SpawnExit) {
        match exit {
            SpawnExit::Code(code) => self.push("code", FieldValue::Text(Cow::Owned(code.to_string()))),
            SpawnExit::Signal(signal) => self.push_signal(Some(signal)),
        }
    }

    /// The headers by name, since their order in the answer means nothing.
    fn push_headers(&mut self, headers: &'a [HttpHeader]) {
        let mut counted: Vec<&HttpHeader> =
            headers.iter().filter(|header| !TIME_HEADERS.contains(&&*header.name)).collect();
        counted.sort_by(|one, other| one.name.cmp(&other.name));
        for same in counted.chunk_by(|one, other| one.name == other.name) {
            let values: Vec<&str> = same.iter().map(|header| &*header.value).collect();
            let value = match values[..] {
                [value] => Cow::Borrowed(value),
                // As older releases logged them.
                _ => Cow::Owned(values.join(", ")),
            };
            self.0.push((FieldKey { name: "headers", header: Some(&same[0].name) }, FieldValue::Text(value)));
        }
    }

    fn push_fetched(&mut self, fetched: &'a FetchedResponse, ok: bool) {
        self.push_number("status", u64::from(fetched.status));
        self.push_number("bytes", fetched.bytes);
        self.push("sha256", FieldValue::Digest(fetched.sha256));
        self.push("ok", FieldValue::Flag(ok));
        self.push_text("check", fetched.check.as_deref());
        self.0.extend(fetched.captured.iter().map(|captured| {
            let key = FieldKey { name: "captured", header: Some(&captured.name) };
            (key, FieldValue::Text(Cow::Borrowed(captured.display_value())))
        }));
    }

    fn push_summary(&mut self, summary: &'a RunSummary) {
        let RunSummary { outcome, spawned, exited, fetched, moves, lines, .. } = *summary;
        self.push_text("outcome", Some(outcome.name()));
        let counts = [
            ("spawned", spawned),
            ("exited", exited),
            ("fetched", fetched),
            ("moves", moves),
            ("lines", lines),
        ];
        for (name, count) in counts {
            self.push_number(name, count);
        }
        self.0.extend(summary.shared.iter().map(|(cell, value)| {
            (FieldKey { name: "shared", header: Some(cell) }, FieldValue::Signed(*value))
        }));
    }
}
