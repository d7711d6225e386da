//! The events whose fields have another shape than their keys: both directions between the two.

use std::cell::OnceCell;

use crate::decode_error::DecodeError;
use crate::event::table::EventRow;
use crate::event::table::rows::{
    Expect, FetchFailed, FetchFinished, FetchLine, LineMatched, Lines, RunFinished, RunStarted, SpawnExited,
    UnfinishedText,
};
use crate::event::{
    ClockKind, Event, ExpectationResult, FetchErrorKind, FetchedResponse, OutputStream, RunSummary,
    SendCounts, Source, SpawnExit, SpawnUsage,
};
use crate::time::Span;

impl<'e> RunStarted<'e> {
    pub(super) fn from_fields(
        name: &'e str,
        seed: u64,
        clock: ClockKind,
        started_at: Option<&'e str>,
        schedule: &'e [u32],
        scenario: &'e str,
    ) -> RunStarted<'e> {
        RunStarted { format: (), generator: (), name, seed, clock, started_at, schedule, scenario }
    }
}

impl<'e> EventRow<'e> for RunStarted<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let RunStarted { format: (), generator: (), name, seed, clock, started_at, schedule, scenario } =
            self;
        Ok(Event::RunStarted { name, seed, clock, started_at, schedule, scenario })
    }
}

impl<'e> Lines<'e> {
    pub(super) fn from_fields(
        source: Source,
        stream: OutputStream,
        chunk: &'e [u8],
        partial: bool,
    ) -> Lines<'e> {
        let line = chunk.strip_suffix(b"\n").unwrap_or(chunk);
        // The key whose form the line does not have is not written.
        Lines { source, stream, text: Some(line), base64: Some(line), partial }
    }
}

impl<'e> EventRow<'e> for Lines<'e> {
    /// The line with its newline.
    type Owned = Vec<u8>;

    fn into_event(self, owned: &'e OnceCell<Vec<u8>>) -> Result<Event<'e>, DecodeError> {
        let line = either(self.text, self.base64, "`text`", "`base64`")?;
        let chunk = owned.get_or_init(|| [line, b"\n"].concat());
        Ok(Event::Lines { source: self.source, stream: self.stream, chunk, partial: self.partial })
    }
}

/// The one of two keys that a line has.
fn either<T>(first: Option<T>, second: Option<T>, name: &str, other: &str) -> Result<T, DecodeError> {
    match (first, second) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (None, None) | (Some(_), Some(_)) => {
            Err(DecodeError::new(format!("has neither a {name} nor a {other}, or both")))
        }
    }
}

impl<'e> LineMatched<'e> {
    pub(super) fn from_fields(
        source: Source,
        stream: OutputStream,
        ready: bool,
        entries: &'e [u32],
        conditions: &'e [u32],
        expects: &'e [u32],
        follows: &'e [u32],
    ) -> LineMatched<'e> {
        LineMatched { source, stream, ready, entries, conditions, expects, follows }
    }
}

impl<'e> EventRow<'e> for LineMatched<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let LineMatched { source, stream, ready, entries, conditions, expects, follows } = self;
        Ok(Event::LineMatched { source, stream, ready, entries, conditions, expects, follows })
    }
}

impl<'e> UnfinishedText<'e> {
    pub(super) fn from_fields(source: Source, stream: OutputStream, text: &'e [u8]) -> UnfinishedText<'e> {
        UnfinishedText { source, stream, text: Some(text), base64: Some(text) }
    }
}

impl<'e> EventRow<'e> for UnfinishedText<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let text = either(self.text, self.base64, "`text`", "`base64`")?;
        Ok(Event::UnfinishedText { source: self.source, stream: self.stream, text })
    }
}

impl<'e> SpawnExited<'e> {
    #[expect(clippy::too_many_arguments, reason = "one for each key of the event")]
    pub(super) fn from_fields(
        source: Source,
        exit: SpawnExit,
        ok: bool,
        running: u64,
        held: bool,
        killed: bool,
        skipped: u64,
        again: bool,
        reason: Option<&'e str>,
        restarts_in: Option<Span>,
        usage: SpawnUsage,
    ) -> SpawnExited<'e> {
        let (code, signal) = match exit {
            SpawnExit::Code(code) => (Some(code), None),
            SpawnExit::Signal(signal) => (None, Some(signal)),
        };
        let SpawnUsage { cpu, peak_memory, exceeded } = usage;
        SpawnExited {
            source,
            code,
            signal,
            ok,
            running,
            held,
            killed,
            skipped,
            again,
            reason,
            restarts_in,
            cpu,
            peak_memory,
            exceeded,
        }
    }
}

impl<'e> EventRow<'e> for SpawnExited<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let usage = SpawnUsage { cpu: self.cpu, peak_memory: self.peak_memory, exceeded: self.exceeded };
        let SpawnExited { source, code, signal, ok, running, .. } = self;
        let SpawnExited { held, killed, skipped, again, reason, restarts_in, .. } = self;
        let exit = either(code.map(SpawnExit::Code), signal.map(SpawnExit::Signal), "`code`", "`signal`")?;
        Ok(Event::SpawnExited {
            source,
            exit,
            ok,
            running,
            held,
            killed,
            skipped,
            again,
            reason,
            restarts_in,
            usage,
        })
    }
}

impl<'e> FetchLine<'e> {
    pub(super) fn from_fields(source: Source, n: u64, text: &'e [u8]) -> FetchLine<'e> {
        FetchLine { source, n, text: Some(text), base64: Some(text) }
    }
}

impl<'e> EventRow<'e> for FetchLine<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let text = either(self.text, self.base64, "`text`", "`base64`")?;
        Ok(Event::FetchLine { source: self.source, n: self.n, text })
    }
}

impl<'e> FetchFinished<'e> {
    pub(super) fn from_fields(
        source: Source,
        fetched: &'e FetchedResponse,
        ok: bool,
        again: bool,
    ) -> FetchFinished<'e> {
        let FetchedResponse { status, bytes, sha256, took, timings, reused, sent, check, captured } = fetched;
        FetchFinished {
            source,
            status: *status,
            bytes: *bytes,
            sha256: *sha256,
            ok,
            took: *took,
            timings: *timings,
            reused: *reused,
            opened: sent.opened,
            resent: sent.resent,
            retried: sent.retried,
            check: check.as_deref(),
            captured,
            again,
        }
    }
}

impl<'e> EventRow<'e> for FetchFinished<'e> {
    type Owned = FetchedResponse;

    fn into_event(self, owned: &'e OnceCell<FetchedResponse>) -> Result<Event<'e>, DecodeError> {
        let FetchFinished { source, status, bytes, sha256, ok, took, timings, reused, .. } = self;
        let FetchFinished { opened, resent, retried, check, captured, again, .. } = self;
        let fetched = owned.get_or_init(|| FetchedResponse {
            status,
            bytes,
            sha256,
            took,
            timings,
            reused,
            sent: SendCounts { opened, resent, retried },
            check: check.map(str::to_owned),
            captured: captured.to_vec(),
        });
        Ok(Event::FetchFinished { source, fetched, ok, again })
    }
}

impl<'e> FetchFailed<'e> {
    pub(super) fn from_fields(
        source: Source,
        kind: FetchErrorKind,
        error: &'e str,
        took: Span,
        SendCounts { opened, resent, retried }: SendCounts,
        again: bool,
    ) -> FetchFailed<'e> {
        FetchFailed { source, kind, error, took, opened, resent, retried, again }
    }
}

impl<'e> EventRow<'e> for FetchFailed<'e> {
    type Owned = ();

    fn into_event(self, _owned: &'e OnceCell<()>) -> Result<Event<'e>, DecodeError> {
        let FetchFailed { source, kind, error, took, opened, resent, retried, again } = self;
        let sent = SendCounts { opened, resent, retried };
        Ok(Event::FetchFailed { source, kind, error, took, sent, again })
    }
}

impl<'e> Expect<'e> {
    pub(super) fn from_fields(result: &'e ExpectationResult) -> Expect<'e> {
        let ExpectationResult { name, group, ok, wanted, got, events } = result;
        Expect { name, group: group.as_deref(), ok: *ok, wanted, got: got.as_deref(), events }
    }
}

impl<'e> EventRow<'e> for Expect<'e> {
    type Owned = ExpectationResult;

    fn into_event(self, owned: &'e OnceCell<ExpectationResult>) -> Result<Event<'e>, DecodeError> {
        Ok(Event::Expect(owned.get_or_init(|| ExpectationResult {
            name: self.name.to_owned(),
            group: self.group.map(str::to_owned),
            ok: self.ok,
            wanted: self.wanted.to_owned(),
            got: self.got.map(str::to_owned),
            events: self.events.to_vec(),
        })))
    }
}

impl<'e> RunFinished<'e> {
    pub(super) fn from_fields(summary: &'e RunSummary) -> RunFinished<'e> {
        RunFinished {
            outcome: summary.outcome,
            reason: summary.reason.as_deref(),
            spawned: summary.spawned,
            exited: summary.exited,
            fetched: summary.fetched,
            moves: summary.moves,
            lines: summary.lines,
            lateness: summary.lateness,
            fetches: &summary.fetches,
            shared: &summary.shared,
            took: summary.took,
            crc32c: (),
        }
    }
}

impl<'e> EventRow<'e> for RunFinished<'e> {
    type Owned = RunSummary;

    fn into_event(self, owned: &'e OnceCell<RunSummary>) -> Result<Event<'e>, DecodeError> {
        Ok(Event::RunFinished(owned.get_or_init(|| RunSummary {
            outcome: self.outcome,
            reason: self.reason.map(str::to_owned),
            spawned: self.spawned,
            exited: self.exited,
            fetched: self.fetched,
            moves: self.moves,
            lines: self.lines,
            lateness: self.lateness,
            fetches: self.fetches.to_vec(),
            shared: self.shared.to_vec(),
            took: self.took,
        })))
    }
}
