//! What of a log came from outside, as the engine is told it. A line is either that or a decision of
//! the engine; which of them its event and its keys say.

use scenario_core::engine::input::Input;
use scenario_log::decode::LogRecord;
use scenario_log::event::{
    Direction, Event, FetchErrorKind, FetchedResponse, HttpHeader, OutputStream, Source, SpawnExit,
};
use scenario_log::reader::LogLine;
use scenario_log::schema;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// What came from outside, owned: the reader goes on while the engine takes it. Bytes stand in a
/// buffer beside it, `..` of it.
#[derive(Debug)]
pub(super) enum LoggedInput {
    SpawnStarted { source: Source, pid: u32 },
    SpawnFailed { source: Source, error: String },
    SpawnReady { source: Source },
    SpawnSuspended { source: Source, signal: Signal },
    SpawnResumed { source: Source },
    SpawnLines { source: Source, stream: OutputStream, partial: bool, from: usize, to: usize },
    SpawnExited { source: Source, exit: SpawnExit, held: bool, skipped: u64 },
    SendFailed { source: Source, error: String },
    ResponseStarted { source: Source, status: u16, version: String, headers: Vec<HttpHeader> },
    ResponseLines { source: Source },
    FetchFinished { source: Source, fetched: FetchedResponse },
    FetchFailed { source: Source, kind: FetchErrorKind, error: String, took: Span },
    PlayerJoined { source: Source, player: String },
    PlayerMoved { source: Source, direction: Direction },
    PlayerLeft { source: Source },
    CommandTyped { text: String },
    SignalReceived(Signal),
    RunPaused,
    RunResumed { took: Span },
    InternalError { error: String },
}

/// Whether a kind of event is known.
pub(super) fn is_known(event: &str) -> bool {
    schema::is_event(event)
}

impl LoggedInput {
    /// What a line says came from outside; `None` if the engine decided it, or its kind is not known.
    /// Bytes of it go into `buffer`.
    #[inline]
    pub(super) fn from_line(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Result<Option<LoggedInput>, String> {
        match line.event_name_bytes() {
            // The hot ones, known by their first bytes.
            b"move" if line.payload().is_some_and(|own| own.starts_with(b",\"due\":")) => Ok(None),
            b"clock.tick" | b"world.state" | b"mark" | b"fetch.started" | b"run.finished" => Ok(None),
            b"line" => match read_plain_line(line, buffer) {
                Some(outside) => Ok(Some(outside)),
                None => read_any_line(line, buffer),
            },
            _ => read_any_line(line, buffer),
        }
    }

    /// Whether it can come to a run in virtual time: a person did it (typed a line, sent a signal), or
    /// the runner itself.
    pub(super) fn is_possible_in_virtual_time(&self) -> bool {
        matches!(
            self,
            LoggedInput::CommandTyped { .. }
                | LoggedInput::SignalReceived(_)
                | LoggedInput::InternalError { .. }
        )
    }

    /// As the engine takes it, with the bytes in `buffer`.
    pub(super) fn as_input<'a>(&'a self, buffer: &'a [u8]) -> Input<'a> {
        match self {
            LoggedInput::SpawnStarted { source, pid } => Input::SpawnStarted { source: *source, pid: *pid },
            LoggedInput::SpawnFailed { source, error } => Input::SpawnFailed { source: *source, error },
            LoggedInput::SpawnReady { source } => Input::SpawnReady { source: *source },
            LoggedInput::SpawnSuspended { source, signal } => {
                Input::SpawnSuspended { source: *source, signal: *signal }
            }
            LoggedInput::SpawnResumed { source } => Input::SpawnResumed { source: *source },
            LoggedInput::SpawnLines { source, stream, partial, from, to } => Input::SpawnLines {
                source: *source,
                stream: *stream,
                chunk: &buffer[*from..*to],
                partial: *partial,
            },
            LoggedInput::SpawnExited { source, exit, held, skipped } => {
                Input::SpawnExited { source: *source, exit: *exit, held: *held, skipped: *skipped }
            }
            LoggedInput::SendFailed { source, error } => Input::SendFailed { source: *source, error },
            LoggedInput::ResponseStarted { source, status, version, headers } => {
                Input::ResponseStarted { source: *source, status: *status, version, headers }
            }
            LoggedInput::ResponseLines { source } => Input::ResponseLines { source: *source, chunk: buffer },
            LoggedInput::FetchFinished { source, fetched } => {
                Input::FetchFinished { source: *source, fetched }
            }
            LoggedInput::FetchFailed { source, kind, error, took } => {
                Input::FetchFailed { source: *source, kind: *kind, error, took: *took }
            }
            LoggedInput::PlayerJoined { source, player } => Input::PlayerJoined { source: *source, player },
            LoggedInput::PlayerMoved { source, direction } => {
                Input::PlayerMoved { source: *source, direction: *direction }
            }
            LoggedInput::PlayerLeft { source } => Input::PlayerLeft { source: *source },
            LoggedInput::CommandTyped { text } => Input::CommandTyped { text },
            LoggedInput::SignalReceived(signal) => Input::SignalReceived(*signal),
            LoggedInput::RunPaused => Input::RunPaused,
            LoggedInput::RunResumed { took } => Input::RunResumed { took: *took },
            LoggedInput::InternalError { error } => Input::InternalError { error },
        }
    }
}

/// The same for a line of any form.
fn read_any_line(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Result<Option<LoggedInput>, String> {
    let record = LogRecord::decode(line.bytes)?;
    buffer.clear();
    Ok(Some(match record.event()? {
        Some(Event::SpawnStarted { source, pid: Some(pid), .. }) => LoggedInput::SpawnStarted { source, pid },
        // One that a line shows is decided, as is that one which runs never became ready: the engine has
        // said both by then, and passes over them.
        Some(Event::SpawnReady { source }) => LoggedInput::SpawnReady { source },
        Some(Event::SpawnSuspended { source, signal }) => LoggedInput::SpawnSuspended { source, signal },
        Some(Event::SpawnResumed { source }) => LoggedInput::SpawnResumed { source },
        Some(Event::SpawnFailed { source, error, .. }) => {
            LoggedInput::SpawnFailed { source, error: error.to_owned() }
        }
        Some(Event::Lines { source, stream, chunk, partial }) => {
            buffer.extend_from_slice(chunk);
            LoggedInput::SpawnLines { source, stream, partial, from: 0, to: chunk.len() }
        }
        Some(Event::PlayerJoined { source, player, .. }) => {
            LoggedInput::PlayerJoined { source, player: player.to_string() }
        }
        Some(Event::PlayerLeft { source }) => LoggedInput::PlayerLeft { source },
        Some(Event::Move { due: None, source: source @ Source::Guest(_), direction, .. }) => {
            LoggedInput::PlayerMoved { source, direction }
        }
        Some(Event::Move { due: None, source, player, direction }) => {
            // The line that it was.
            buffer.extend_from_slice(format!("{} {player}\n", direction.letter()).as_bytes());
            let to = buffer.len();
            LoggedInput::SpawnLines { source, stream: OutputStream::Stdout, partial: false, from: 0, to }
        }
        // Those of players in the runner are decided; the engine passes over what it has said before.
        Some(Event::SpawnExited { source, exit, held, skipped, .. }) => {
            LoggedInput::SpawnExited { source, exit, held, skipped }
        }
        Some(Event::Sent { due: None, source: Some(source), error: Some(error), .. }) => {
            LoggedInput::SendFailed { source, error: error.to_owned() }
        }
        Some(Event::FetchResponded { source, status, version, headers }) => LoggedInput::ResponseStarted {
            source,
            status,
            version: version.to_owned(),
            headers: headers.to_vec(),
        },
        Some(Event::FetchLine { source, text, .. }) => {
            buffer.extend_from_slice(text);
            buffer.push(b'\n');
            LoggedInput::ResponseLines { source }
        }
        Some(Event::FetchFinished { source, fetched, .. }) => {
            LoggedInput::FetchFinished { source, fetched: fetched.clone() }
        }
        Some(Event::FetchFailed { source, kind, error, took }) => {
            LoggedInput::FetchFailed { source, kind, error: error.to_owned(), took }
        }
        Some(Event::TypedInput { text, .. }) => LoggedInput::CommandTyped { text: text.to_owned() },
        Some(Event::Stopping { signal: Some(signal), .. }) => LoggedInput::SignalReceived(signal),
        Some(Event::Stopping { source: None, entry: None, error: Some(error), .. }) => {
            LoggedInput::InternalError { error: error.to_owned() }
        }
        Some(Event::RunPaused) => LoggedInput::RunPaused,
        Some(Event::RunResumed { took }) => LoggedInput::RunResumed { took },
        _ => return Ok(None),
    }))
}

/// A line of a process that is UTF-8, in the form of our own writer.
fn read_plain_line(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Option<LoggedInput> {
    let rest = line.payload()?.strip_prefix(b",\"source\":\"ps#")?;
    let digits = memchr::memchr(b'"', rest).filter(|length| (1..=9).contains(length) && rest[0] != b'0')?;
    let number = rest[..digits]
        .iter()
        .try_fold(0u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))?;
    let rest = rest[digits..].strip_prefix(b"\",\"stream\":\"std")?;
    let (stream, rest) = match rest.strip_prefix(b"out\",\"text\":") {
        Some(rest) => (OutputStream::Stdout, rest),
        None => (OutputStream::Stderr, rest.strip_prefix(b"err\",\"text\":")?),
    };
    let (text, partial) = match rest.strip_suffix(b",\"partial\":true}") {
        Some(text) => (text, true),
        None => (rest.strip_suffix(b"}")?, false),
    };
    buffer.clear();
    push_json_text(text, buffer)?;
    buffer.push(b'\n');
    let (source, to) = (Source::Spawn(number), buffer.len());
    Some(LoggedInput::SpawnLines { source, stream, partial, from: 0, to })
}

/// Appends what a JSON string says; `None` if it is none.
fn push_json_text(json: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
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
