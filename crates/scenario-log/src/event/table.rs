//! The table of all events: their names, their keys and the meaning of each. A new event is a new row here.
//! Nothing else in the crate lists events, except the encoder for the most frequent ones.
//!
//! The comment on an event and the comment on a key are its documentation in Rust, and its description
//! in the JSON Schema. So each is a full sentence that stands alone, with its unit.

use std::cell::OnceCell;

use serde::Deserialize;
use serde_json::Value;

use crate::decode_error::DecodeError;
use crate::event::log_value::{
    Captured, Checksum, ClockKind, Count, EntryRef, ExitStatus, FetchErrorKind, Fixed, Flag, FormatNumber,
    GeneratorName, GuestId, Headers, KeyVisitor, Lateness, LimitKind, LineBase64, LineText, LinkEnd,
    LoadMetricsByJob, LogKey, LogValue, Moment, MoveWord, MoverId, Name, Optional, OptionalTimings,
    OutputStream, Pid, Player, Position, Positions, Register, RequestId, Required, ResolvedScenario,
    RunOutcome, SeqList, Sha256, SharedCells, Signal, Span, SpawnId, Status, TargetId, Text, TieChoices,
    UnlessEmpty, Waiting, rust_types,
};
use crate::event::observable::{EventKeyType, EventScope};
use crate::event::{
    ExpectationResult, FetchedResponse, RunSummary, SendCounts, Source, SpawnExit, SpawnUsage,
};
use crate::raw_fields::CowStr;

/// An event as the schema and the expectations see it.
pub(crate) struct EventSpec {
    pub(crate) name: &'static str,
    /// The lines of its comment in the table.
    pub(crate) doc: &'static [&'static str],
    pub(crate) scope: EventScope,
    pub(crate) keys: &'static [KeySpec],
}

/// A key of an event.
pub(crate) struct KeySpec {
    pub(crate) name: &'static str,
    /// The lines of its comment in the table.
    pub(crate) doc: &'static [&'static str],
    pub(crate) is_required: bool,
    /// Its type for expectations; `None` if they cannot look at it.
    pub(crate) observed: Option<EventKeyType>,
    pub(crate) schema: fn() -> Value,
}

/// The keys of a line, on their way to an event.
pub(crate) trait EventRow<'e> {
    /// The data that the event borrows but the line does not have in the event's form.
    type Owned: std::fmt::Debug;

    /// The event. `owned` keeps what it borrows.
    fn into_event(self, owned: &'e OnceCell<Self::Owned>) -> Result<Event<'e>, DecodeError>;
}

events! {
    /// A run started. This is always the first line; it has everything that decides what the run does by
    /// itself.
    RunStarted = "run.started" of Run => {
        /// The scenario's name.
        name: &'a str,
        /// The seed of all random choices, given or drawn.
        seed: u64,
        /// The clock.
        clock: ClockKind,
        /// The date and time of the start by RFC 3339, on the real clock only.
        started_at: Option<&'a str>,
        /// The choices at the first ties of the run; the seed decides the later ones.
        schedule: &'a [u32],
        /// The resolved scenario as a JSON object.
        scenario: &'a str,
    } as { name, seed, clock, started_at, schedule, scenario } {
        /// The version of the log's format.
        format: Fixed<FormatNumber>,
        /// The name of the program that wrote the log.
        generator: Fixed<GeneratorName>,
        /// The scenario's name.
        name: Required<Text>,
        /// The seed of all random choices, given or drawn.
        seed: Required<Count>,
        /// The clock of the run: `real` is the machine's, `virtual` jumps to the next planned moment.
        clock: Required<ClockKind>,
        /// The date and time of the start by RFC 3339. A run on the virtual clock does not have it.
        started_at: Optional<Text>,
        /// The choices at the first ties of the run. Each is the index of the player that went first, from
        /// 0, in the order of the players' starts. The seed decides the later ties.
        schedule: UnlessEmpty<TieChoices>,
        /// The whole scenario, with its includes merged, its variables filled in and its defaults added.
        scenario: Required<ResolvedScenario>,
    }

    /// The scenario's clock ticked.
    ClockTick = "clock.tick" of Run {
        /// The planned moment of the tick, in seconds since the start of the run.
        due: Required<Moment>,
        /// The number of the tick, counted from 0.
        n: Required<Count>,
    }

    /// A spawn started: a program, or players that the runner itself plays.
    SpawnStarted = "spawn.started" of Spawn {
        /// The planned moment of the start, in seconds since the start of the run.
        due: Required<Moment>,
        /// The spawn that started.
        source: Required<SpawnId>,
        /// The name of the spawn's preset.
        preset: Required<Name>,
        /// The timeline entry that started the spawn. A typed spawn has no entry.
        entry: Optional<EntryRef>,
        /// The number of the process. Players that the runner itself plays have no process.
        pid: Optional<Pid>,
    }

    /// A program became ready, by the condition that its preset gives.
    SpawnReady = "spawn.ready" of Spawn {
        /// The spawn that became ready.
        source: Required<SpawnId>,
    }

    /// A program that was ready did not answer its probes any more (`alive`). It has failed, and is stopped.
    SpawnUnhealthy = "spawn.unhealthy" of Spawn {
        /// The spawn that did not answer.
        source: Required<SpawnId>,
        /// The number of probes that failed one after the other.
        failures: Required<Count>,
        /// The result of the last probe, for people.
        last_try: Required<Text>,
    }

    /// The command that was to stop a program failed while the program ran. The signal of its `stop` follows at once.
    StopFailed = "stop.failed" of Spawn {
        /// The spawn that was to be stopped.
        source: Required<SpawnId>,
        /// The signal that the spawn gets instead.
        signal: Required<Signal>,
        /// The result of the command, for people.
        error: Required<Text>,
    }

    /// A new spawn takes the place of one that has ended, since that was restarted.
    SpawnRestarted = "spawn.restarted" of Spawn {
        /// The new spawn. Its `spawn.started` follows.
        source: Required<SpawnId>,
        /// The spawn that has ended.
        replaces: Required<SpawnId>,
    }

    /// A process was stopped by a signal (STOP, TSTP, TTIN, TTOU), and does not continue for now.
    SpawnSuspended = "spawn.suspended" of Spawn {
        /// The spawn that was stopped.
        source: Required<SpawnId>,
        /// The signal that stopped the process.
        signal: Required<Signal>,
    }

    /// A process that a signal had stopped continues.
    SpawnResumed = "spawn.resumed" of Spawn {
        /// The spawn that continues.
        source: Required<SpawnId>,
    }

    /// A player moved one step.
    Move = "move" of Spawn {
        /// The planned moment of the move, in seconds since the start of the run. It is missing if a process
        /// printed the move or a guest made it.
        due: Optional<Moment>,
        /// The spawn or guest that the player belongs to.
        source: Required<MoverId>,
        /// The player's name.
        player: Required<Player>,
        /// The direction of the move: north, south, east or west.
        direction: Required<MoveWord>,
    }

    /// A player took one of its steps.
    Step = "step" of Spawn {
        /// The planned moment of the step, in seconds since the start of the run.
        due: Required<Moment>,
        /// The spawn that the player belongs to.
        source: Required<SpawnId>,
        /// The player's name.
        player: Required<Player>,
        /// The step as the scenario writes it.
        step: Required<Text>,
        /// The value of the player's register after the step.
        register: Required<Register>,
    }

    /// A step of a player ended that had made a fetch.
    StepEnded = "step.ended" of Spawn {
        /// The spawn that the player belongs to.
        source: Required<SpawnId>,
        /// The player's name.
        player: Required<Player>,
        /// The name of the step in figures: the `as` of the step, or else the name of the fetch.
        step: Required<Text>,
        /// The time from the planned moment of the step to its end, in seconds.
        took: Required<Span>,
        /// True if all answers were as expected.
        ok: Required<Flag>,
    }

    /// A player that makes fetches ended, and was not stopped.
    PlayerEnded = "player.ended" of Spawn {
        /// The spawn that the player belongs to.
        source: Required<SpawnId>,
        /// The player's name.
        player: Required<Player>,
        /// The time from the planned start of the player to its end, in seconds.
        took: Required<Span>,
        /// True if it took its steps to their end, and no failed fetch ended it.
        ok: Required<Flag>,
    }

    /// A process wrote a line. In Rust one event holds a chunk of lines; in the log each line is an event.
    Lines = "line" of Spawn => {
        /// The spawn that wrote the lines.
        source: Source,
        /// The output that the lines were written to.
        stream: OutputStream,
        /// The lines. Each has its newline; only the last may be without one.
        chunk: &'a [u8],
        /// The chunk is one part of a line, and more of this line follows.
        partial: bool,
    } as { source, stream, chunk, partial } {
        /// The spawn that wrote the line.
        source: Required<SpawnId>,
        /// The output that the line was written to: standard output or standard error.
        stream: Required<OutputStream>,
        /// The line without its newline, if it is UTF-8.
        text: Optional<LineText>,
        /// The line without its newline in Base64, if it is not UTF-8.
        base64: Optional<LineBase64>,
        /// True if more of the same line follows: this is a part of a line longer than `max_line`.
        partial: UnlessEmpty<Flag>,
    }

    /// A process wrote text, and its line has not ended: a prompt, or the progress of something. The `line`
    /// comes when it ends, and has the whole text.
    UnfinishedText = "text" of Spawn => {
        /// The spawn that wrote the text.
        source: Source,
        /// The output that the text was written to.
        stream: OutputStream,
        /// The text since the last such event of this line.
        text: &'a [u8],
    } as { source, stream, text } {
        /// The spawn that wrote the text.
        source: Required<SpawnId>,
        /// The output that the text was written to: standard output or standard error.
        stream: Required<OutputStream>,
        /// What was written since the last such event of this line, if it is UTF-8.
        text: Optional<LineText>,
        /// The same in Base64, if it is not UTF-8.
        base64: Optional<LineBase64>,
    }

    /// What the next `line` or `text` of a spawn decides, where that does not follow from its text: a secret
    /// in it is redacted in the log, and the run has matched what was said.
    LineMatched = "line.matched" of Spawn => {
        /// The spawn that writes the line.
        source: Source,
        /// The output that the line is written to.
        stream: OutputStream,
        /// The line is one that the spawn's `ready` waits for.
        ready: bool,
        /// The numbers of the timeline entries, counted from 1, whose wait for a line it ends.
        entries: &'a [u32],
        /// For each of these entries, the number of its condition, counted from 1; none if each is the first.
        conditions: &'a [u32],
        /// The numbers of the expectations, counted from 1, that look for such a line.
        expects: &'a [u32],
        /// The numbers of the expectations, counted from 1, whose `follows` or `leads_to` looks for such a line.
        follows: &'a [u32],
    } as { source, stream, ready, entries, conditions, expects, follows } {
        /// The spawn that writes the line.
        source: Required<SpawnId>,
        /// The output that the line is written to: standard output or standard error.
        stream: Required<OutputStream>,
        /// True if the line is one that the spawn's `ready` waits for.
        ready: UnlessEmpty<Flag>,
        /// The numbers of the timeline entries, counted from 1, whose wait for a line it ends.
        entries: UnlessEmpty<TieChoices>,
        /// For each of these entries, the number of its condition, counted from 1 in the order of its `after`. It
        /// is left out if each is the first.
        conditions: UnlessEmpty<TieChoices>,
        /// The numbers of the expectations, counted from 1, that look for a line like this one.
        expects: UnlessEmpty<TieChoices>,
        /// The numbers of the expectations, counted from 1, whose `follows` or `leads_to` looks for a line
        /// like this one.
        follows: UnlessEmpty<TieChoices>,
    }

    /// What all processes of a spawn used at one moment: its process group, and what its members have
    /// started.
    SpawnSampled = "spawn.sample" of Spawn {
        /// The spawn that was looked at.
        source: Required<SpawnId>,
        /// The memory that its processes hold, in bytes: the sum of their resident sets. Memory that several of them
        /// share counts for each.
        memory: Required<Count>,
        /// The processor time of its processes so far, in user and in kernel mode, in seconds.
        cpu: Required<Span>,
        /// The number of its processes.
        processes: Required<Count>,
        /// The number of their threads.
        threads: Required<Count>,
        /// The number of their open file descriptors. It is missing if the runner may not look at them.
        descriptors: Optional<Count>,
    }

    /// A spawn ended, by itself with a code or by a signal.
    SpawnExited = "spawn.exited" of Spawn => {
        /// The spawn that ended.
        source: Source,
        /// The way it ended.
        exit: SpawnExit,
        /// Whether the scenario expects this end.
        ok: bool,
        /// The number of spawns that still run.
        running: u64,
        /// Programs that it had started still held its output, so the rest of the output was not read.
        held: bool,
        /// It had ended when it was asked to, but others of its process group had not, and were killed.
        killed: bool,
        /// The number of world states that were not sent to it because it read too slowly.
        skipped: u64,
        /// Its entry tries again, or its preset starts it again, so that this end is no failure.
        again: bool,
        /// Why it is not as expected, where the exit alone does not say that: words that follow its name.
        reason: Option<&'a str>,
        /// The time to the planned restart by its preset.
        restarts_in: Option<Span>,
        /// What it used.
        usage: SpawnUsage,
    } as { source, exit, ok, running, held, killed, skipped, again, reason, restarts_in, usage } {
        /// The spawn that ended.
        source: Required<SpawnId>,
        /// The exit code, from 0 to 255, if the spawn ended by itself.
        code: Optional<ExitStatus>,
        /// The signal that ended the spawn, if a signal did.
        signal: Optional<Signal>,
        /// True if the scenario expects this end.
        ok: Required<Flag>,
        /// The number of spawns that still run.
        running: Required<Count>,
        /// True if programs that the spawn had started still held its output, so that the rest of the
        /// output was not read.
        held: UnlessEmpty<Flag>,
        /// True if the spawn ended when it was asked to, but others of its process group did not end within
        /// the `grace`, and were killed.
        killed: UnlessEmpty<Flag>,
        /// The number of world states that were not sent to the spawn because it read too slowly.
        skipped: UnlessEmpty<Count>,
        /// True if the entry of this source tries again, or the `restart` of its preset starts it again, so
        /// that this is no failure.
        again: UnlessEmpty<Flag>,
        /// The reason why this end is not as expected, where the exit alone does not say that, as words for
        /// people that follow the name of the spawn.
        reason: Optional<Text>,
        /// The time from this end to the planned restart by the `restart` of the preset, in seconds.
        restarts_in: Optional<Span>,
        /// The processor time of the process and of those that it has waited for, in user and in kernel mode, in
        /// seconds. Logs of older releases do not have it.
        cpu: Optional<Span>,
        /// The most memory that the process, or one that it has waited for, had resident at once, in bytes. Logs
        /// of older releases do not have it.
        peak_memory: Optional<Count>,
        /// The limit of its preset that ended it, if one is known to have: `memory`, `cpu` or `file_size`.
        exceeded: Optional<LimitKind>,
    }

    /// A spawn could not start, or a program that runs never became ready.
    SpawnFailed = "spawn.failed" of Spawn {
        /// The spawn that failed.
        source: Required<SpawnId>,
        /// The name of the spawn's preset. Logs of older releases do not have it.
        preset: Optional<Name>,
        /// The timeline entry that asked for the spawn. A typed spawn has no entry. Logs of older releases
        /// do not have it.
        entry: Optional<EntryRef>,
        /// The reason of the failure, as a sentence for people.
        error: Required<Text>,
        /// The number of spawns that still run.
        running: Required<Count>,
        /// The result of the last probe, if the program never became ready by a port, a URL or a command. The `error`
        /// ends with it, too. Logs of older releases do not have it.
        last_try: Optional<Text>,
        /// True if the entry of this source tries again, or the `restart` of its preset starts it again, so
        /// that this is no failure.
        again: Optional<Flag>,
    }

    /// A request started.
    FetchStarted = "fetch.started" of Request {
        /// The planned moment of the request, in seconds since the start of the run.
        due: Required<Moment>,
        /// The request that started.
        source: Required<RequestId>,
        /// The name of the fetch that the request belongs to.
        job: Required<Name>,
        /// The timeline entry that started the fetch. A typed fetch has no entry, nor has one of a player.
        entry: Optional<EntryRef>,
        /// The name of the player that makes the request, if one does.
        player: Optional<Player>,
        /// The name of the player's step in figures: the `as` of the step, or else the name of the fetch.
        step: Optional<Text>,
        /// The HTTP method.
        method: Required<Text>,
        /// The URL, with its secrets redacted.
        url: Required<Text>,
        /// The row of the request, from 0, if its fetch takes rows.
        row: Optional<Count>,
        /// The values of the row that stand in the URL, by their names, if the rows are in a file.
        values: Optional<Captured>,
    }

    /// The head of an answer arrived.
    FetchResponded = "fetch.responded" of Request {
        /// The request that was answered.
        source: Required<RequestId>,
        /// The HTTP status.
        status: Required<Status>,
        /// The HTTP version, such as `HTTP/1.1`.
        version: Required<Text>,
        /// The headers by their lower-case names, with secrets redacted. A name that came several
        /// times has the list of its values; in logs of older releases they are joined by a comma.
        headers: Required<Headers>,
    }

    /// A line of an answer's body arrived.
    FetchLine = "fetch.line" of Request => {
        /// The request that was answered.
        source: Source,
        /// The number of the line, counted from 1.
        n: u64,
        /// The line without its newline.
        text: &'a [u8],
    } as { source, n, text } {
        /// The request that was answered.
        source: Required<RequestId>,
        /// The number of the line in the body, counted from 1.
        n: Required<Count>,
        /// The line without its newline, if it is UTF-8.
        text: Optional<LineText>,
        /// The line without its newline in Base64, if it is not UTF-8.
        base64: Optional<LineBase64>,
    }

    /// A request finished: its whole answer arrived.
    FetchFinished = "fetch.finished" of Request => {
        /// The request that finished.
        source: Source,
        /// The answer.
        fetched: &'a FetchedResponse,
        /// Whether the status was expected and the check holds.
        ok: bool,
        /// Its entry tries again, so that this is no failure.
        again: bool,
    } as { source, fetched, ok, again } {
        /// The request that finished.
        source: Required<RequestId>,
        /// The HTTP status of the last answer, after all redirects.
        status: Required<Status>,
        /// The size of the body in bytes.
        bytes: Required<Count>,
        /// The SHA-256 of the body in hexadecimal digits.
        sha256: Required<Sha256>,
        /// True if the status was expected and the fetch's check holds.
        ok: Required<Flag>,
        /// The time from the start of the request to the end of the body, in seconds. In a load with a
        /// `rate` it counts from the planned moment of the request.
        took: Required<Span>,
        /// The duration of each phase of the request, in seconds. A phase that did not happen is left out.
        timings: Required<OptionalTimings>,
        /// True if the connection had been used before. Logs of older releases do not have it.
        reused: Optional<Flag>,
        /// The number of connections that were opened for the request, if `reused` does not tell it:
        /// redirects and further attempts may open several.
        opened: UnlessEmpty<Count>,
        /// The number of times the request was sent again at once, because the server had closed the
        /// connection or had refused to process the request.
        resent: UnlessEmpty<Count>,
        /// The number of further attempts that the fetch's `retries` allowed.
        retried: UnlessEmpty<Count>,
        /// The differences between the answer and the fetch's check, as a sentence for people.
        check: Optional<Text>,
        /// The values that were captured from the answer, by their names. A secret value is redacted.
        captured: UnlessEmpty<Captured>,
        /// True if the entry of this source tries again, so that this is no failure.
        again: UnlessEmpty<Flag>,
    }

    /// A request failed, or was given up.
    FetchFailed = "fetch.failed" of Request => {
        /// The request that failed.
        source: Source,
        /// The phase that failed, or the limit that was exceeded.
        kind: FetchErrorKind,
        /// The reason of the failure.
        error: &'a str,
        /// The time from the start of the request to its failure.
        took: Span,
        /// The effort of sending the request.
        sent: SendCounts,
        /// Its entry tries again, so that this is no failure.
        again: bool,
    } as { source, kind, error, took, sent, again } {
        /// The request that failed.
        source: Required<RequestId>,
        /// The phase that failed, or the limit that was exceeded.
        kind: Required<FetchErrorKind>,
        /// The reason of the failure, as a sentence for people.
        error: Required<Text>,
        /// The time from the start of the request to its failure, in seconds. In a load with a `rate` it
        /// counts from the planned moment of the request.
        took: Required<Span>,
        /// The number of connections that were opened for the request.
        opened: UnlessEmpty<Count>,
        /// The number of times the request was sent again at once, because the server had closed the
        /// connection or had refused to process the request.
        resent: UnlessEmpty<Count>,
        /// The number of further attempts that the fetch's `retries` allowed.
        retried: UnlessEmpty<Count>,
        /// True if the entry of this source tries again, so that this is no failure.
        again: UnlessEmpty<Flag>,
    }

    /// A line was typed at the run's console.
    TypedInput = "input" of Run {
        /// The line that was typed.
        text: Required<Text>,
        /// True if the line is a command.
        accepted: Required<Flag>,
        /// The reason why the line is not a command, as a sentence for people.
        error: Optional<Text>,
    }

    /// A mark was reached: a text of the timeline, or a typed one.
    Mark = "mark" of Entry {
        /// The planned moment of the mark, in seconds since the start of the run.
        due: Required<Moment>,
        /// The timeline entry of the mark. A typed mark has no entry.
        entry: Optional<EntryRef>,
        /// The text of the mark.
        text: Required<Text>,
    }

    /// An entry of the timeline does not happen, since it waited for an end that another entry did not have. This
    /// is no failure.
    EntrySkipped = "entry.skipped" of Entry {
        /// The timeline entry that does not happen.
        entry: Required<EntryRef>,
        /// The reason, as a sentence for people.
        reason: Required<Text>,
    }

    /// Something that an entry with `until` started was not as expected, and the entry tries again. This comes right
    /// after the event of the first fault of a try, which has `again`, as the further ones of the try have.
    EntryRetried = "entry.retried" of Entry {
        /// The timeline entry that tries again.
        entry: Required<EntryRef>,
        /// The spawn or request that was not as expected.
        source: Required<TargetId>,
        /// The number of the try, counted from 1.
        n: Required<Count>,
        /// The reason, as a sentence for people.
        reason: Required<Text>,
        /// The time from the end of this try to the next one, in seconds.
        wait: Required<Span>,
    }

    /// Input was sent to a process, or could not be sent: a line, single keys, or the end of the input.
    Sent = "sent" of Spawn {
        /// The planned moment of the sending, in seconds since the start of the run. It is missing if
        /// the sending failed later.
        due: Optional<Moment>,
        /// The spawn that the line was for. It is missing if no such spawn runs.
        source: Optional<SpawnId>,
        /// The timeline entry that sends the line. A typed line has no entry.
        entry: Optional<EntryRef>,
        /// The text of the line, with its secrets redacted.
        text: Optional<Text>,
        /// False if no newline follows the text.
        enter: Optional<Flag>,
        /// True if the standard input of the process ends here, behind the text if there is one.
        close: Optional<Flag>,
        /// The reason why the line did not arrive, as a sentence for people.
        error: Optional<Text>,
    }

    /// A signal is sent to a spawn, or could not be sent.
    Signalled = "signalled" of Spawn {
        /// The planned moment of the signal, in seconds since the start of the run.
        due: Required<Moment>,
        /// The spawn that gets the signal. It is missing if nothing runs that could get it.
        source: Optional<SpawnId>,
        /// The timeline entry that sends the signal. A typed one has no entry.
        entry: Optional<EntryRef>,
        /// The name of the signal.
        signal: Required<Signal>,
        /// The reason why the signal reached nothing, as a sentence for people.
        error: Optional<Text>,
    }

    /// A spawn or a request is asked to stop. Without `source` the whole run is.
    Stopping = "stopping" of Any {
        /// The planned moment of the `stop` entry, in seconds since the start of the run.
        due: Optional<Moment>,
        /// The spawn or request that is asked to stop. It is missing if the whole run stops.
        source: Optional<TargetId>,
        /// The `stop` entry of the timeline.
        entry: Optional<EntryRef>,
        /// The signal that the runner itself received.
        signal: Optional<Signal>,
        /// The reason of the stop where no timeline entry gives it, as a sentence for people.
        reason: Optional<Text>,
        /// The reason why nothing could be stopped, as a sentence for people.
        error: Optional<Text>,
    }

    /// The run paused: everything stands still from here on, and so does the run's clock.
    RunPaused = "run.paused" of Run (none)

    /// The run continued after a pause.
    RunResumed = "run.resumed" of Run {
        /// The length of the pause by the machine's clock, in seconds.
        took: Required<Span>,
    }

    /// A guest joined over the network with its player.
    PlayerJoined = "player.joined" of Run {
        /// The guest that joined.
        source: Required<GuestId>,
        /// The player's name.
        player: Required<Player>,
        /// The player's name in the world, if another player there already has its name.
        called: Optional<Text>,
        /// The player's place in the world as `[x, y]`, counted from 0. It is missing without a world, and
        /// in a world that is full.
        place: Optional<Position>,
    }

    /// A guest left, and its player with it.
    PlayerLeft = "player.left" of Run {
        /// The guest that left.
        source: Required<GuestId>,
    }

    /// The places of all players in the world.
    WorldState = "world.state" of Run {
        /// The planned moment of this state, in seconds since the start of the run. It is missing if the
        /// state follows a move from outside.
        due: Optional<Moment>,
        /// The place of each player in the world as `[x, y]`, counted from 0, by the player's name.
        players: Required<Positions>,
    }

    /// A deadlock was found: every player that has not finished waits for a lock, a condition or a message.
    Deadlock = "deadlock" of Run {
        /// What each player waits for, by the player's name, in the order of the players' starts: the name of a
        /// lock, a condition, or the step that sends or receives.
        waiting: Required<Waiting>,
    }

    /// A connection of a link was accepted.
    LinkOpened = "link.opened" of Run {
        /// The name of the link.
        link: Required<Name>,
        /// The number of the connection among those of the link, counted from 1.
        connection: Required<Count>,
    }

    /// A connection of a link ended. One that is open when the run ends does not have this event.
    LinkClosed = "link.closed" of Run {
        /// The name of the link.
        link: Required<Name>,
        /// The number of the connection among those of the link, counted from 1.
        connection: Required<Count>,
        /// Why it ended: both sides have `ended` it, a side has `reset` it, `to` was `unreachable`, a `fault` of an
        /// entry reset it, or it reached the `limit` of the link.
        why: Required<LinkEnd>,
        /// The number of bytes that were passed on towards `to`.
        bytes_to: Required<Count>,
        /// The number of bytes that were passed back from `to`.
        bytes_from: Required<Count>,
        /// The time from its start to its end by the machine's clock, in seconds.
        took: Required<Span>,
        /// The reason in words, if there is more to say.
        error: Optional<Text>,
    }

    /// The faults of a link changed. The keys have all that is wrong with it from now on.
    LinkChanged = "link.changed" of Entry {
        /// The planned moment of the change, in seconds since the start of the run.
        due: Required<Moment>,
        /// The name of the link.
        link: Required<Name>,
        /// The timeline entry whose faults come, or are taken away.
        entry: Optional<EntryRef>,
        /// True if the change takes faults away: the time of the entry is over, or it heals the link.
        undone: UnlessEmpty<Flag>,
        /// The time that each piece of bytes takes longer.
        latency: Optional<Text>,
        /// The bytes that pass in a second each way.
        bandwidth: Optional<Text>,
        /// The way in which nothing passes: `both`, `to` or `from`.
        cut: Optional<Text>,
        /// The bytes after which a connection is closed.
        limit: Optional<Text>,
        /// The largest piece that is passed on at once.
        slice: Optional<Text>,
        /// True if new connections are refused.
        refuse: UnlessEmpty<Flag>,
        /// True if the connections that were open are reset at this moment.
        reset: UnlessEmpty<Flag>,
    }

    /// An expectation was decided. These events come last, directly before `run.finished`.
    Expect = "expect" of Run => (&'a ExpectationResult) as (result) {
        /// The expectation's name.
        name: Required<Text>,
        /// The group of events that was judged, if the expectation judges each group alone: the value of its
        /// `by`.
        group: Optional<Text>,
        /// True if the expectation holds.
        ok: Required<Flag>,
        /// The wanted result, as a text for people.
        wanted: Required<Text>,
        /// The actual result, as a text for people. It is missing if there was nothing to measure.
        got: Optional<Text>,
        /// The `seq` of the events that decided the result, if single events did.
        events: UnlessEmpty<SeqList>,
    }

    /// The run finished. This is always the last line.
    RunFinished = "run.finished" of Run => (&'a RunSummary) as (summary) {
        /// The outcome of the run.
        outcome: Required<RunOutcome>,
        /// The first thing that went wrong, as a sentence for people.
        reason: Optional<Text>,
        /// The number of spawns that started.
        spawned: Required<Count>,
        /// The number of spawns that ended.
        exited: Required<Count>,
        /// The number of requests that finished or failed.
        fetched: Required<Count>,
        /// The number of moves.
        moves: Required<Count>,
        /// The number of lines that processes wrote.
        lines: Required<Count>,
        /// The lateness of all events with a `due`, in seconds: the median, the 99th percentile, the maximum.
        lateness: Required<Lateness>,
        /// The metrics of each load that made requests, by the name of its fetch.
        fetches: UnlessEmpty<LoadMetricsByJob>,
        /// The last value of each shared cell, by the cell's name.
        shared: UnlessEmpty<SharedCells>,
        /// The time from the start of the run to this event, in seconds.
        took: Required<Span>,
        /// The CRC-32C of all bytes before this line, in hexadecimal digits.
        crc32c: Fixed<Checksum>,
    }
}
