//! Finds what came from outside in the lines of a log. Each line is either such an input or a decision of
//! the engine; the event and its keys show which. Nothing here drives the engine.

use std::borrow::Cow;

use scenario_core::engine::END_IN_ORDER;
use scenario_core::engine::input::{Input, LineDecision, LinkConnection};
use scenario_log::decode::LogRecord;
use scenario_log::event::{Event, LinkClosing, MoveDirection, OutputStream, Source, SpawnSample};
use scenario_log::reader::LogLine;
use scenario_log::schema;

/// Whether this version knows the kind of a line's event.
#[inline]
pub(super) fn is_known(line: &LogLine<'_>) -> bool {
    // The most frequent one is found without a search.
    line.event_name_bytes() == b"move" || schema::is_event(line.event_name())
}

/// The input that a line contains; `None` if the engine decided the line, or its kind is not known.
///
/// A chunk of lines takes `buffer` away; the caller gives it back with [`Input::into_buffer`], so that
/// a log of lines allocates nothing for each of them.
#[inline]
pub(super) fn read_input(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Result<Option<Input>, String> {
    match line.event_name_bytes() {
        // The frequent ones, recognized by their first bytes.
        b"move" if line.payload().is_some_and(|own| own.starts_with(b",\"due\":")) => Ok(None),
        b"clock.tick" | b"world.state" | b"mark" | b"fetch.started" | b"run.finished" => Ok(None),
        b"line" => match read_plain_line(line, buffer) {
            Some(input) => Ok(Some(input)),
            None => read_any_line(line, buffer),
        },
        _ => read_any_line(line, buffer),
    }
}

/// Whether a line says that a source is stopped because the run is at its end.
pub(super) fn ends_run(line: &LogLine<'_>) -> bool {
    let reason = br#""reason":"the end of the run"}"#;
    line.event_name_bytes() == b"stopping" && line.payload().is_some_and(|own| own.ends_with(reason))
}

/// Whether a line says that a program is stopped because the run is at its end, and others have to wait for it.
pub(super) fn stops_in_order(line: &LogLine<'_>) -> bool {
    line.event_name_bytes() == b"stopping"
        && line.payload().and_then(|own| own.strip_suffix(b"\"}")).is_some_and(|own| {
            own.strip_suffix(END_IN_ORDER.as_bytes()).is_some_and(|own| own.ends_with(b"\"reason\":\""))
        })
}

/// Whether an input can come to a run in virtual time: a person caused it (by a typed line or a
/// signal), or the runner failed.
pub(super) fn is_possible_in_virtual_time(input: &Input) -> bool {
    matches!(input, Input::CommandTyped { .. } | Input::SignalReceived(_) | Input::InternalError { .. })
}

/// Reads a line in any form.
fn read_any_line(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Result<Option<Input>, String> {
    let record = LogRecord::decode(line.bytes)?;
    buffer.clear();
    Ok(Some(match record.event()? {
        Some(Event::SpawnStarted { source, pid: Some(pid), .. }) => Input::SpawnStarted { source, pid },
        // If a line showed that a spawn is ready, the engine decided that, as it decides that a running spawn
        // never became ready. It has emitted both by then, and ignores these inputs.
        Some(Event::SpawnReady { source }) => Input::SpawnReady { source },
        Some(Event::SpawnUnhealthy { source, last_try, .. }) => {
            Input::SpawnUnhealthy { source, last_try: last_try.to_owned() }
        }
        Some(Event::StopFailed { source, error, .. }) => {
            Input::StopFailed { source, error: error.to_owned() }
        }
        Some(Event::SpawnSuspended { source, signal }) => Input::SpawnSuspended { source, signal },
        Some(Event::SpawnResumed { source }) => Input::SpawnResumed { source },
        // The engine asks for the last try (`logged_last_try`) when the time of the spawn is over.
        Some(Event::SpawnFailed { last_try: Some(_), .. }) => return Ok(None),
        Some(Event::SpawnFailed { source, error, .. }) => {
            Input::SpawnFailed { source, error: error.to_owned() }
        }
        Some(Event::Lines { source, stream, chunk, partial }) => {
            buffer.extend_from_slice(chunk);
            Input::SpawnLines { source, stream, partial, said: None, chunk: std::mem::take(buffer) }
        }
        Some(Event::UnfinishedText { source, stream, text }) => {
            Input::SpawnText { source, stream, text: text.to_vec(), said: None }
        }
        Some(Event::LineMatched { source, stream, ready, entries, conditions, expects, follows }) => {
            let (entries, conditions) = (entries.to_vec(), conditions.to_vec());
            let (expects, follows) = (expects.to_vec(), follows.to_vec());
            let decision = Box::new(LineDecision { ready, entries, conditions, expects, follows });
            Input::LineMatched { source, stream, decision }
        }
        Some(Event::PlayerJoined { source, player, .. }) => {
            Input::PlayerJoined { source, player: player.to_string() }
        }
        Some(Event::PlayerLeft { source }) => Input::PlayerLeft { source },
        Some(Event::Move { due: None, source: source @ Source::Guest(_), direction, .. }) => {
            let MoveDirection::Compass(direction) = direction else {
                return Err(format!("{:?} is not a direction of the world", direction.word()));
            };
            Input::PlayerMoved { source, direction }
        }
        Some(Event::Move { due: None, source, player, direction }) => {
            // The line of the process, again.
            buffer.extend_from_slice(format!("{} {player}\n", direction.word()).as_bytes());
            let chunk = std::mem::take(buffer);
            Input::SpawnLines { source, stream: OutputStream::Stdout, partial: false, said: None, chunk }
        }
        // The exits of players in the runner are decisions; the engine has emitted them by then, and ignores
        // these inputs.
        Some(Event::SpawnExited { source, exit, held, killed, skipped, usage, .. }) => {
            Input::SpawnExited { source, exit, held, killed, skipped, usage }
        }
        Some(Event::SpawnSampled { source, memory, cpu, processes, threads, descriptors }) => {
            let sample = SpawnSample { memory, cpu, processes, threads, descriptors };
            Input::SpawnSampled { source, sample }
        }
        Some(Event::Sent { due: None, source: Some(source), error: Some(error), .. }) => {
            Input::SendFailed { source, error: error.to_owned() }
        }
        Some(Event::Sent { entry: None, enter: Some(false), source: Some(source), text, close, .. }) => {
            let (text, close) = (text.unwrap_or_default().to_owned(), close == Some(true));
            Input::KeysTyped { source, text, unredacted: None, close }
        }
        Some(Event::FetchResponded { source, status, version, headers }) => Input::ResponseStarted {
            source,
            status,
            version: Cow::Owned(version.to_owned()),
            headers: headers.to_vec(),
        },
        Some(Event::FetchLine { source, text, .. }) => {
            buffer.extend_from_slice(text);
            buffer.push(b'\n');
            Input::ResponseLines { source, chunk: std::mem::take(buffer) }
        }
        Some(Event::FetchFinished { source, fetched, .. }) => {
            Input::FetchFinished { source, fetched: Box::new(fetched.clone()) }
        }
        Some(Event::FetchFailed { source, kind, error, took, sent, .. }) => {
            Input::FetchFailed { source, kind, error: error.to_owned(), took, sent }
        }
        Some(Event::LinkOpened { link, connection }) => {
            Input::LinkOpened(LinkConnection { link: link.into(), connection })
        }
        Some(Event::LinkClosed { link, connection, why, bytes_to, bytes_from, took, error }) => {
            let error = error.map(str::to_owned);
            Input::LinkClosed {
                at: LinkConnection { link: link.into(), connection },
                closing: Box::new(LinkClosing { why, bytes_to, bytes_from, took, error }),
            }
        }
        Some(Event::TypedInput { text, .. }) => {
            Input::CommandTyped { text: text.to_owned(), unredacted: None }
        }
        Some(Event::Stopping { signal: Some(signal), .. }) => Input::SignalReceived(signal),
        Some(Event::Stopping { source: None, entry: None, error: Some(error), .. }) => {
            Input::InternalError { error: error.to_owned() }
        }
        Some(Event::RunPaused) => Input::RunPaused,
        Some(Event::RunResumed { took }) => Input::RunResumed { took },
        _ => return Ok(None),
    }))
}

/// Reads a line of a process that is UTF-8, in the form of our own encoder.
fn read_plain_line(line: &LogLine<'_>, buffer: &mut Vec<u8>) -> Option<Input> {
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
    Some(Input::SpawnLines {
        source: Source::Spawn(number),
        stream,
        partial,
        said: None,
        chunk: std::mem::take(buffer),
    })
}

/// Appends the content of a JSON string; `None` if it is not one.
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
