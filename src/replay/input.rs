//! What of a log came from outside, as the engine is told it. A line is either that or a decision of
//! the engine; which of them its event and its keys say.

use scenario_core::engine::input::Observed;
use scenario_log::decode::Record;
use scenario_log::event::{Direction, Event, Exit, FetchFault, Fetched, Header, Source, Stream};
use scenario_log::reader::Line;
use scenario_log::schema;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// What came from outside, owned: the reader goes on while the engine takes it. Bytes stand in a
/// buffer beside it, `..` of it.
#[derive(Debug)]
pub(super) enum Outside {
    Started { source: Source, pid: u32 },
    CouldNotStart { source: Source, error: String },
    Ready { source: Source },
    Suspended { source: Source, signal: Signal },
    GoesOn { source: Source },
    Lines { source: Source, stream: Stream, partial: bool, from: usize, to: usize },
    Exited { source: Source, exit: Exit, held: bool, skipped: u64 },
    NotSent { source: Source, error: String },
    Responded { source: Source, status: u16, version: String, headers: Vec<Header> },
    BodyLines { source: Source },
    Fetched { source: Source, fetched: Fetched },
    FetchFailed { source: Source, kind: FetchFault, error: String, took: Span },
    Joined { source: Source, player: String },
    Moved { source: Source, direction: Direction },
    Left { source: Source },
    Typed { text: String },
    Signalled(Signal),
    Paused,
    Resumed { took: Span },
    Broken { error: String },
}

/// Whether a kind of event is known.
pub(super) fn is_known(event: &str) -> bool {
    schema::is_event(event)
}

impl Outside {
    /// What a line says came from outside; `None` if the engine decided it, or its kind is not known.
    /// Bytes of it go into `buffer`.
    #[inline]
    pub(super) fn of(line: &Line<'_>, buffer: &mut Vec<u8>) -> Result<Option<Outside>, String> {
        match line.name() {
            // The hot ones, known by their first bytes.
            b"move" if line.own().is_some_and(|own| own.starts_with(b",\"due\":")) => Ok(None),
            b"clock.tick" | b"world.state" | b"mark" | b"fetch.started" | b"run.finished" => Ok(None),
            b"line" => match plain_line(line, buffer) {
                Some(outside) => Ok(Some(outside)),
                None => any(line, buffer),
            },
            _ => any(line, buffer),
        }
    }

    /// Whether it can come to a run in virtual time: a person did it (typed a line, sent a signal), or
    /// the runner itself.
    pub(super) fn is_heard_in_virtual_time(&self) -> bool {
        matches!(self, Outside::Typed { .. } | Outside::Signalled(_) | Outside::Broken { .. })
    }

    /// As the engine takes it, with the bytes in `buffer`.
    pub(super) fn observed<'a>(&'a self, buffer: &'a [u8]) -> Observed<'a> {
        match self {
            Outside::Started { source, pid } => Observed::Started { source: *source, pid: *pid },
            Outside::CouldNotStart { source, error } => Observed::CouldNotStart { source: *source, error },
            Outside::Ready { source } => Observed::Ready { source: *source },
            Outside::Suspended { source, signal } => Observed::Suspended { source: *source, signal: *signal },
            Outside::GoesOn { source } => Observed::GoesOn { source: *source },
            Outside::Lines { source, stream, partial, from, to } => Observed::Lines {
                source: *source,
                stream: *stream,
                chunk: &buffer[*from..*to],
                partial: *partial,
            },
            Outside::Exited { source, exit, held, skipped } => {
                Observed::Exited { source: *source, exit: *exit, held: *held, skipped: *skipped }
            }
            Outside::NotSent { source, error } => Observed::NotSent { source: *source, error },
            Outside::Responded { source, status, version, headers } => {
                Observed::Responded { source: *source, status: *status, version, headers }
            }
            Outside::BodyLines { source } => Observed::BodyLines { source: *source, chunk: buffer },
            Outside::Fetched { source, fetched } => Observed::Fetched { source: *source, fetched },
            Outside::FetchFailed { source, kind, error, took } => {
                Observed::FetchFailed { source: *source, kind: *kind, error, took: *took }
            }
            Outside::Joined { source, player } => Observed::Joined { source: *source, player },
            Outside::Moved { source, direction } => {
                Observed::Moved { source: *source, direction: *direction }
            }
            Outside::Left { source } => Observed::Left { source: *source },
            Outside::Typed { text } => Observed::Typed { text },
            Outside::Signalled(signal) => Observed::Signalled(*signal),
            Outside::Paused => Observed::Paused,
            Outside::Resumed { took } => Observed::Resumed { took: *took },
            Outside::Broken { error } => Observed::Broken { error },
        }
    }
}

/// The same for a line of any form.
fn any(line: &Line<'_>, buffer: &mut Vec<u8>) -> Result<Option<Outside>, String> {
    let record = Record::read(line.bytes)?;
    buffer.clear();
    Ok(Some(match record.event()? {
        Some(Event::SpawnStarted { source, pid: Some(pid), .. }) => Outside::Started { source, pid },
        // One that a line shows is decided, as is that one which runs never became ready: the engine has
        // said both by then, and passes over them.
        Some(Event::SpawnReady { source }) => Outside::Ready { source },
        Some(Event::SpawnSuspended { source, signal }) => Outside::Suspended { source, signal },
        Some(Event::SpawnResumed { source }) => Outside::GoesOn { source },
        Some(Event::SpawnFailed { source, error, .. }) => {
            Outside::CouldNotStart { source, error: error.to_owned() }
        }
        Some(Event::Lines { source, stream, chunk, partial }) => {
            buffer.extend_from_slice(chunk);
            Outside::Lines { source, stream, partial, from: 0, to: chunk.len() }
        }
        Some(Event::PlayerJoined { source, player, .. }) => {
            Outside::Joined { source, player: player.to_string() }
        }
        Some(Event::PlayerLeft { source }) => Outside::Left { source },
        Some(Event::Move { due: None, source: source @ Source::Guest(_), direction, .. }) => {
            Outside::Moved { source, direction }
        }
        Some(Event::Move { due: None, source, player, direction }) => {
            // The line that it was.
            buffer.extend_from_slice(format!("{} {player}\n", direction.letter()).as_bytes());
            let to = buffer.len();
            Outside::Lines { source, stream: Stream::Stdout, partial: false, from: 0, to }
        }
        // Those of players in the runner are decided; the engine passes over what it has said before.
        Some(Event::SpawnExited { source, exit, held, skipped, .. }) => {
            Outside::Exited { source, exit, held, skipped }
        }
        Some(Event::Sent { due: None, source: Some(source), error: Some(error), .. }) => {
            Outside::NotSent { source, error: error.to_owned() }
        }
        Some(Event::FetchResponded { source, status, version, headers }) => {
            Outside::Responded { source, status, version: version.to_owned(), headers: headers.to_vec() }
        }
        Some(Event::FetchLine { source, text, .. }) => {
            buffer.extend_from_slice(text);
            buffer.push(b'\n');
            Outside::BodyLines { source }
        }
        Some(Event::FetchFinished { source, fetched, .. }) => {
            Outside::Fetched { source, fetched: fetched.clone() }
        }
        Some(Event::FetchFailed { source, kind, error, took }) => {
            Outside::FetchFailed { source, kind, error: error.to_owned(), took }
        }
        Some(Event::Input { text, .. }) => Outside::Typed { text: text.to_owned() },
        Some(Event::Stopping { signal: Some(signal), .. }) => Outside::Signalled(signal),
        Some(Event::Stopping { source: None, entry: None, error: Some(error), .. }) => {
            Outside::Broken { error: error.to_owned() }
        }
        Some(Event::RunPaused) => Outside::Paused,
        Some(Event::RunResumed { took }) => Outside::Resumed { took },
        _ => return Ok(None),
    }))
}

/// A line of a process that is UTF-8, in the form of our own writer.
fn plain_line(line: &Line<'_>, buffer: &mut Vec<u8>) -> Option<Outside> {
    let rest = line.own()?.strip_prefix(b",\"source\":\"ps#")?;
    let digits = memchr::memchr(b'"', rest).filter(|length| (1..=9).contains(length) && rest[0] != b'0')?;
    let number = rest[..digits]
        .iter()
        .try_fold(0u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))?;
    let rest = rest[digits..].strip_prefix(b"\",\"stream\":\"std")?;
    let (stream, rest) = match rest.strip_prefix(b"out\",\"text\":") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"err\",\"text\":")?),
    };
    let (text, partial) = match rest.strip_suffix(b",\"partial\":true}") {
        Some(text) => (text, true),
        None => (rest.strip_suffix(b"}")?, false),
    };
    buffer.clear();
    push_text(text, buffer)?;
    buffer.push(b'\n');
    let (source, to) = (Source::Spawn(number), buffer.len());
    Some(Outside::Lines { source, stream, partial, from: 0, to })
}

/// Appends what a JSON string says; `None` if it is none.
fn push_text(json: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
    let text = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_plain = |byte: u8| byte != b'"' && byte != b'\\' && byte >= 0x20;
    if text.iter().fold(true, |plain, byte| plain & is_plain(*byte)) && std::str::from_utf8(text).is_ok() {
        buffer.extend_from_slice(text);
        return Some(());
    }
    let text: String = serde_json::from_slice(json).ok()?;
    buffer.extend_from_slice(text.as_bytes());
    Some(())
}
