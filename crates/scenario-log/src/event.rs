//! The events of a run: what the log holds, one a line. Only the engine makes them; the log writes
//! them, the screen shows them, replay compares them.
//!
//! The names of variants and fields are the log's own (`ClockTick` is `clock.tick`); the order of
//! the fields is the order of the keys.

use std::collections::BTreeMap;
use std::fmt;

pub use crate::captured_value::REDACTED;
pub use crate::fetch_error_kind::FetchErrorKind;

use crate::captured_value::CapturedValue;
use crate::load_metrics::LoadMetrics;
use crate::name::PlayerName;
use crate::signal::Signal;
use crate::time::{Moment, Span};

/// The version of the log's format. A log says it in its first line.
pub const LOG_FORMAT: u32 = 1;

/// What an event came from: a spawn (`ps#1`), a request (`get#1`) or a guest (`net#1`), each counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A spawn.
    Spawn(u32),
    /// A request of a fetch job.
    Request(u32),
    /// A player over the network.
    Guest(u32),
}

impl Source {
    /// The source of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Source> {
        let (kind, digits) = name.split_once('#')?;
        let source: fn(u32) -> Source = match kind {
            "ps" => Source::Spawn,
            "get" => Source::Request,
            "net" => Source::Guest,
            _ => return None,
        };
        let is_canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        digits.parse().ok().filter(|_| is_canonical).map(source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Spawn(n) => write!(f, "ps#{n}"),
            Source::Request(n) => write!(f, "get#{n}"),
            Source::Guest(n) => write!(f, "net#{n}"),
        }
    }
}

/// A timeline entry as events name it: by its `id`, or by its place in the file, counted from 1
/// (`#3`; no id can look like that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryName<'a> {
    /// The entry's `id`.
    Id(&'a str),
    /// The entry's place in the timeline as written, from 1.
    Number(usize),
}

impl<'a> EntryName<'a> {
    /// The entry of this name.
    #[must_use]
    pub fn from_name(name: &'a str) -> EntryName<'a> {
        let number = name.strip_prefix('#').and_then(|digits| digits.parse().ok());
        number.map_or(EntryName::Id(name), EntryName::Number)
    }
}

impl fmt::Display for EntryName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntryName::Id(id) => f.write_str(id),
            EntryName::Number(n) => write!(f, "#{n}"),
        }
    }
}

/// Where a player goes. North is up: `y` grows to the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// North.
    N,
    /// South.
    S,
    /// East.
    E,
    /// West.
    W,
}

impl Direction {
    /// All four, in the order of the default.
    pub const ALL: [Direction; 4] = [Direction::N, Direction::S, Direction::E, Direction::W];

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Direction::N => "N",
            Direction::S => "S",
            Direction::E => "E",
            Direction::W => "W",
        }
    }

    /// The direction of this letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Direction> {
        Direction::ALL.into_iter().find(|d| d.letter() == letter)
    }
}

/// Which of a process's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        }
    }

    /// The stream of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<OutputStream> {
        [OutputStream::Stdout, OutputStream::Stderr].into_iter().find(|stream| stream.name() == name)
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnExit {
    /// By itself, with this code (0 to 255).
    Code(i32),
    /// By this signal.
    Signal(Signal),
}

impl fmt::Display for SpawnExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpawnExit::Code(code) => write!(f, "code {code}"),
            SpawnExit::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Which clock a run goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's monotonic clock.
    Real,
    /// Time that jumps to whatever is due next.
    Virtual,
}

impl ClockKind {
    /// Its name in the log and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClockKind::Real => "real",
            ClockKind::Virtual => "virtual",
        }
    }

    /// The clock of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<ClockKind> {
        [ClockKind::Real, ClockKind::Virtual].into_iter().find(|clock| clock.name() == name)
    }
}

/// How long each phase of a request took; a phase that did not happen (a reused connection has no
/// `dns`, plain HTTP no `tls`) is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchTimings {
    /// Name resolution.
    pub dns: Option<Span>,
    /// The TCP connection.
    pub connect: Option<Span>,
    /// The TLS handshake.
    pub tls: Option<Span>,
    /// From the request written to the head of the answer.
    pub first_byte: Option<Span>,
    /// From the head to the end of the body.
    pub body: Option<Span>,
}

/// One header of an answer. Secrets are redacted before it becomes one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHeader {
    /// The name, in lower case.
    pub name: String,
    /// The value; what is not UTF-8 in it has become U+FFFD.
    pub value: String,
}

/// An answer, once it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedResponse {
    /// The status of the last answer (after redirects).
    pub status: u16,
    /// The body's size.
    pub bytes: u64,
    /// The body's SHA-256.
    pub sha256: [u8; 32],
    /// From the request's start to the body's end; of a load with a `rate`, from the planned moment.
    pub took: Span,
    /// The phases.
    pub timings: FetchTimings,
    /// Whether it went over a connection that had been used before; not known of old logs.
    pub reused: Option<bool>,
    /// What of the job's check does not hold, in words; `None` if nothing was looked at, or all holds.
    pub check: Option<String>,
    /// What was captured from it, in the order of the job.
    pub captured: Vec<CapturedValue>,
}

/// Where players are, by name: `[x, y]` from 0; `x` grows to the east, `y` to the south.
pub type WorldPositions = BTreeMap<String, [u32; 2]>;

/// What came of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationResult {
    /// Its name.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was wanted, as a person reads it.
    pub wanted: String,
    /// What there is, as a person reads it; `None`: there was nothing to measure.
    pub got: Option<String>,
    /// The `seq` of the events that decided it, as far as single ones did.
    pub events: Vec<u64>,
}

/// How late things were: the distance between planned and real moment of all events with a `due`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessQuantiles {
    /// The median.
    pub p50: Span,
    /// The 99th percentile.
    pub p99: Span,
    /// The largest.
    pub max: Span,
}

/// How a run ended, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// By a signal or a typed `quit`.
    Interrupted,
}

impl RunOutcome {
    /// Its name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunOutcome::Passed => "passed",
            RunOutcome::Failed => "failed",
            RunOutcome::Interrupted => "interrupted",
        }
    }

    /// The outcome of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<RunOutcome> {
        let all = [RunOutcome::Passed, RunOutcome::Failed, RunOutcome::Interrupted];
        all.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// The last event's own: what a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// How it ended.
    pub outcome: RunOutcome,
    /// Why, where it did not pass: the first thing that went wrong.
    pub reason: Option<String>,
    /// Spawns started.
    pub spawned: u64,
    /// Spawns ended.
    pub exited: u64,
    /// Requests finished or failed.
    pub fetched: u64,
    /// Moves.
    pub moves: u64,
    /// Lines of processes.
    pub lines: u64,
    /// Planned against real.
    pub lateness: LatenessQuantiles,
    /// The loads that made requests, by name.
    pub fetches: Vec<LoadMetrics>,
    /// The last values of the shared cells, by name.
    pub shared: Vec<(String, i64)>,
    /// From the start to this event.
    pub took: Span,
}

/// Something that happened. Borrowed, since it lives only as long as it takes to write it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// `run.started`: always the first.
    RunStarted {
        /// The scenario's name.
        name: &'a str,
        /// The seed, given or drawn.
        seed: u64,
        /// The clock.
        clock: ClockKind,
        /// RFC 3339; on the real clock only.
        started_at: Option<&'a str>,
        /// Who goes first, at the first ties of the run; from then on the seed draws it.
        schedule: &'a [u32],
        /// The resolved scenario as a JSON object.
        scenario: &'a str,
    },
    /// `clock.tick`.
    ClockTick {
        /// The planned moment.
        due: Moment,
        /// From 0.
        n: u64,
    },
    /// `spawn.started`.
    SpawnStarted {
        /// The planned moment.
        due: Moment,
        /// The spawn.
        source: Source,
        /// The preset's name.
        preset: &'a str,
        /// The entry; none for a typed spawn.
        entry: Option<EntryName<'a>>,
        /// The process; none for players in the runner itself.
        pid: Option<u32>,
    },
    /// `spawn.ready`: of a program whose preset says when it is.
    SpawnReady {
        /// The spawn.
        source: Source,
    },
    /// `spawn.suspended`: a process does not go on, by a signal that stops it (STOP, TTIN, …).
    SpawnSuspended {
        /// The spawn.
        source: Source,
        /// What stopped it.
        signal: Signal,
    },
    /// `spawn.resumed`: it goes on.
    SpawnResumed {
        /// The spawn.
        source: Source,
    },
    /// `move`.
    Move {
        /// The planned moment; none where a process or a guest says so.
        due: Option<Moment>,
        /// The spawn or guest.
        source: Source,
        /// The player's name.
        player: PlayerName<'a>,
        /// Where to.
        direction: Direction,
    },
    /// `step`: a player has taken one of its steps.
    Step {
        /// The planned moment.
        due: Moment,
        /// The spawn.
        source: Source,
        /// The player's name.
        player: PlayerName<'a>,
        /// The step, as the scenario has it.
        step: &'a str,
        /// What the player's register holds behind it.
        register: i64,
    },
    /// `line`, one event for each line of the chunk.
    Lines {
        /// The spawn.
        source: Source,
        /// Where it was written.
        stream: OutputStream,
        /// Lines, each but the last ended by a newline, and the last by one or by the end.
        chunk: &'a [u8],
        /// The chunk is a single part of a line that goes on.
        partial: bool,
    },
    /// `spawn.exited`.
    SpawnExited {
        /// The spawn.
        source: Source,
        /// How.
        exit: SpawnExit,
        /// Whether that was expected.
        ok: bool,
        /// How many spawns still run.
        running: u64,
        /// Its output was still held by what it had started, and was not read on.
        held: bool,
        /// How many states of the world it was not sent, since it did not read as fast.
        skipped: u64,
    },
    /// `spawn.failed`: it could not start, or, of one that runs, it never became ready.
    SpawnFailed {
        /// The spawn.
        source: Source,
        /// In words.
        error: &'a str,
        /// How many spawns still run.
        running: u64,
    },
    /// `fetch.started`.
    FetchStarted {
        /// The planned moment.
        due: Moment,
        /// The request.
        source: Source,
        /// The fetch job's name.
        job: &'a str,
        /// The entry; none for a typed fetch.
        entry: Option<EntryName<'a>>,
        /// The method.
        method: &'a str,
        /// The URL, redacted.
        url: &'a str,
    },
    /// `fetch.responded`.
    FetchResponded {
        /// The request.
        source: Source,
        /// The status.
        status: u16,
        /// `HTTP/1.1`.
        version: &'a str,
        /// In the order of the answer, redacted.
        headers: &'a [HttpHeader],
    },
    /// `fetch.line`.
    FetchLine {
        /// The request.
        source: Source,
        /// From 1.
        n: u64,
        /// The line without its newline.
        text: &'a [u8],
    },
    /// `fetch.finished`.
    FetchFinished {
        /// The request.
        source: Source,
        /// The answer.
        fetched: &'a FetchedResponse,
        /// Whether the status was expected and the check holds.
        ok: bool,
    },
    /// `fetch.failed`.
    FetchFailed {
        /// The request.
        source: Source,
        /// The phase or limit.
        kind: FetchErrorKind,
        /// In words.
        error: &'a str,
        /// From the request's start; of a load with a `rate`, from the planned moment.
        took: Span,
    },
    /// `input`: a line typed.
    TypedInput {
        /// The line.
        text: &'a str,
        /// Whether it was a command.
        accepted: bool,
        /// Why not.
        error: Option<&'a str>,
    },
    /// `mark`.
    Mark {
        /// The planned moment.
        due: Moment,
        /// The entry; none for a typed mark.
        entry: Option<EntryName<'a>>,
        /// The text.
        text: &'a str,
    },
    /// `sent`.
    Sent {
        /// The planned moment.
        due: Option<Moment>,
        /// The spawn; none if the entry's id does not run.
        source: Option<Source>,
        /// The entry; none for a typed send.
        entry: Option<EntryName<'a>>,
        /// The text, redacted.
        text: Option<&'a str>,
        /// Why it did not arrive.
        error: Option<&'a str>,
    },
    /// `stopping`: a spawn is asked to stop, or the whole run is.
    Stopping {
        /// The planned moment, of a `stop` entry.
        due: Option<Moment>,
        /// The spawn or request; none for the whole run.
        source: Option<Source>,
        /// The `stop` entry.
        entry: Option<EntryName<'a>>,
        /// The signal that the runner itself was sent.
        signal: Option<Signal>,
        /// Why, where no entry says so.
        reason: Option<&'a str>,
        /// Why nothing could be stopped.
        error: Option<&'a str>,
    },
    /// `run.paused`: everything stands still, the clock too, until `run.resumed`.
    RunPaused,
    /// `run.resumed`.
    RunResumed {
        /// How long the pause was by the machine's clock.
        took: Span,
    },
    /// `player.joined`: a guest comes with its player.
    PlayerJoined {
        /// The guest.
        source: Source,
        /// The player's name.
        player: PlayerName<'a>,
        /// What it is called in the world, where somebody else has its name.
        called: Option<&'a str>,
        /// Where it is; none without a world, or in one that is full.
        place: Option<[u32; 2]>,
    },
    /// `player.left`: a guest has gone.
    PlayerLeft {
        /// The guest.
        source: Source,
    },
    /// `world.state`: where every player is.
    WorldState {
        /// The planned moment; none right behind a move that came from outside.
        due: Option<Moment>,
        /// The players that are in the world.
        players: &'a WorldPositions,
    },
    /// `deadlock`: every player that is left waits for a lock.
    Deadlock {
        /// The players, each with the lock that it waits for, in the order of their start.
        waiting: &'a [(String, String)],
    },
    /// `expect`: what came of an expectation; right before `run.finished`.
    Expect(&'a ExpectationResult),
    /// `run.finished`: always the last. The log adds `crc32c`.
    RunFinished(&'a RunSummary),
}

impl Event<'_> {
    /// The spawn, request or guest that it is of.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        match self {
            Event::SpawnStarted { source, .. }
            | Event::SpawnReady { source }
            | Event::SpawnSuspended { source, .. }
            | Event::SpawnResumed { source }
            | Event::Move { source, .. }
            | Event::PlayerJoined { source, .. }
            | Event::PlayerLeft { source }
            | Event::Step { source, .. }
            | Event::Lines { source, .. }
            | Event::SpawnExited { source, .. }
            | Event::SpawnFailed { source, .. }
            | Event::FetchStarted { source, .. }
            | Event::FetchResponded { source, .. }
            | Event::FetchLine { source, .. }
            | Event::FetchFinished { source, .. }
            | Event::FetchFailed { source, .. } => Some(*source),
            Event::Sent { source, .. } | Event::Stopping { source, .. } => *source,
            _ => None,
        }
    }

    /// The timeline entry that it names.
    #[must_use]
    pub fn entry(&self) -> Option<EntryName<'_>> {
        match self {
            Event::SpawnStarted { entry, .. }
            | Event::FetchStarted { entry, .. }
            | Event::Mark { entry, .. }
            | Event::Sent { entry, .. }
            | Event::Stopping { entry, .. } => *entry,
            _ => None,
        }
    }

    /// The planned moment, where there is one: what lateness is counted from.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        match self {
            Event::ClockTick { due, .. }
            | Event::SpawnStarted { due, .. }
            | Event::Step { due, .. }
            | Event::FetchStarted { due, .. }
            | Event::Mark { due, .. } => Some(*due),
            Event::Move { due, .. }
            | Event::Sent { due, .. }
            | Event::Stopping { due, .. }
            | Event::WorldState { due, .. } => *due,
            _ => None,
        }
    }
}
