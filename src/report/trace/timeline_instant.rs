//! The instants of the timeline's own track: ticks, marks, typed lines, sends, signals, stops, restarts, guests, pauses,
//! expectations and the end. Makes their names and arguments, and writes nothing.

use serde_json::{Value, json};

use crate::report::link_words::change_words;
use crate::report::trace::trace_file::TraceArgs;
use scenario_log::event::Event;

/// The name and the arguments of the instant that an event is on the timeline's track, if it is one.
pub(super) fn timeline_instant(event: &Event<'_>) -> Option<(String, Value)> {
    let none = || json!({});
    Some(match *event {
        Event::ClockTick { n, .. } => (format!("tick {n}"), none()),
        Event::TypedInput { text, accepted, error } => {
            ("input".to_owned(), json!({ "text": text, "accepted": accepted, "error": error }))
        }
        Event::Mark { text, .. } => (text.to_owned(), none()),
        Event::EntrySkipped { entry, reason } => {
            (format!("skipped {entry}"), json!({ "entry": entry.to_string(), "reason": reason }))
        }
        Event::EntryRetried { entry, source, n, reason, wait } => {
            let (source, wait) = (source.to_string(), wait.to_string());
            let args = json!({ "entry": entry.to_string(), "source": source, "n": n, "reason": reason, "wait": wait });
            (format!("{entry} tries again"), args)
        }
        Event::Sent { source, text, close, error, .. } => {
            let source = source.map(|source| source.to_string());
            ("sent".to_owned(), json!({ "source": source, "text": text, "close": close, "error": error }))
        }
        Event::Stopping { source, signal, reason, error, .. } => {
            let (source, signal) = (source.map(|s| s.to_string()), signal.map(|s| s.to_string()));
            let args = json!({ "source": source, "signal": signal, "reason": reason, "error": error });
            ("stopping".to_owned(), args)
        }
        Event::Signalled { source, signal, error, .. } => {
            let source = source.map(|source| source.to_string());
            (format!("signal {signal}"), json!({ "source": source, "error": error }))
        }
        Event::LinkChanged { link, .. } => {
            let words = change_words(event).unwrap_or_default();
            (format!("link {link}: {words}"), json!({ "link": link }))
        }
        Event::SpawnRestarted { source, replaces } => {
            let args = json!({ "source": source.to_string(), "replaces": replaces.to_string() });
            ("restarted".to_owned(), args)
        }
        Event::PlayerJoined { source, player, .. } => {
            (format!("{player} joined"), json!({ "source": source.to_string() }))
        }
        Event::PlayerLeft { source } => (format!("{source} left"), none()),
        Event::Deadlock { waiting } => {
            let waiting: TraceArgs =
                waiting.iter().map(|(player, lock)| (player.clone(), Value::from(lock.as_str()))).collect();
            ("deadlock".to_owned(), json!({ "waiting": waiting }))
        }
        Event::RunPaused => ("paused".to_owned(), none()),
        Event::RunResumed { took } => ("resumed".to_owned(), json!({ "took": took.to_string() })),
        Event::Expect(expected) => {
            let args = json!({ "ok": expected.ok, "wanted": expected.wanted, "got": expected.got });
            (expected.title().into_owned(), args)
        }
        Event::RunFinished(summary) => {
            (summary.outcome.name().to_owned(), json!({ "reason": summary.reason }))
        }
        Event::RunStarted { .. }
        | Event::SpawnStarted { .. }
        | Event::SpawnReady { .. }
        | Event::SpawnUnhealthy { .. }
        | Event::StopFailed { .. }
        | Event::SpawnSuspended { .. }
        | Event::SpawnResumed { .. }
        | Event::SpawnSampled { .. }
        | Event::StepEnded { .. }
        | Event::PlayerEnded { .. }
        | Event::Move { .. }
        | Event::Step { .. }
        | Event::Lines { .. }
        | Event::UnfinishedText { .. }
        | Event::LineMatched { .. }
        | Event::SpawnExited { .. }
        | Event::SpawnFailed { .. }
        | Event::FetchStarted { .. }
        | Event::FetchResponded { .. }
        | Event::FetchLine { .. }
        | Event::FetchFinished { .. }
        | Event::FetchFailed { .. }
        | Event::WorldState { .. }
        | Event::LinkOpened { .. }
        | Event::LinkClosed { .. } => return None,
    })
}
