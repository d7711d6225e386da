//! The events of a run: the log holds them, one a line. Only the engine makes them; the log writes
//! them, the screen shows them, replay compares them. Nothing here reads or writes a whole line.
//!
//! Every event is declared once, in the table (`event/table.rs`): its name, its keys and their
//! meaning. This file has the types that the events are made of.

#[macro_use]
mod table_macro;

pub(crate) mod log_value;
pub(crate) mod observable;
mod parts;
pub(crate) mod rows;
pub(crate) mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

pub use parts::last_try_words;
pub use table::Event;

use crate::sanitize::sanitize;

pub use crate::captured_value::REDACTED;
pub use crate::fetch_error_kind::FetchErrorKind;
pub use crate::link_closing::{LinkClosing, LinkEnd};
pub use crate::spawn_usage::{LimitKind, SpawnSample, SpawnUsage};

use crate::captured_value::CapturedValue;
use crate::load_metrics::LoadMetrics;
use crate::signal::Signal;
use crate::time::Span;

/// The version of the log's format. The first line of a log has it.
pub const LOG_FORMAT: u32 = 1;

/// The source of an event: a spawn (`ps#1`), a request (`get#1`) or a guest (`net#1`), each counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A spawn.
    Spawn(u32),
    /// A request of a fetch job.
    Request(u32),
    /// A guest: a player who came over the network.
    Guest(u32),
}

impl Source {
    /// The source with this name in the log; `None` if the name has another form.
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

/// A timeline entry as events name it: by its `id`, or by its number in the file, counted from 1
/// (`#3`; an id cannot look like that).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryName<'a> {
    /// The entry's `id`.
    Id(&'a str),
    /// The entry's number in the timeline as written, counted from 1.
    Number(usize),
}

impl<'a> EntryName<'a> {
    /// Reads a name as it stands in the log.
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

/// The direction of a move. North is up: `y` grows to the south.
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
    /// All four directions, in the default order.
    pub const ALL: [Direction; 4] = [Direction::N, Direction::S, Direction::E, Direction::W];

    /// The direction's letter in the log.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Direction::N => "N",
            Direction::S => "S",
            Direction::E => "E",
            Direction::W => "W",
        }
    }

    /// The direction with this letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Direction> {
        match letter {
            "N" => Some(Direction::N),
            "S" => Some(Direction::S),
            "E" => Some(Direction::E),
            "W" => Some(Direction::W),
            _ => None,
        }
    }
}

/// The draw of a player for its move: one of the four directions, or a word of its scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveDirection<'a> {
    /// A direction in the world.
    Compass(Direction),
    /// Another word, which changes no position.
    Word(&'a str),
}

impl<'a> MoveDirection<'a> {
    /// The direction with this word, a letter of the four directions or any other.
    #[must_use]
    pub fn from_word(word: &'a str) -> MoveDirection<'a> {
        Direction::from_letter(word).map_or(MoveDirection::Word(word), MoveDirection::Compass)
    }

    /// The word in the log.
    #[must_use]
    pub fn word(self) -> &'a str {
        match self {
            MoveDirection::Compass(direction) => direction.letter(),
            MoveDirection::Word(word) => word,
        }
    }

    /// The word for a screen, with an escape for each [unsafe](crate::sanitize::is_unsafe_char) character.
    #[must_use]
    pub fn shown(self) -> Cow<'a, str> {
        match self {
            MoveDirection::Compass(direction) => Cow::Borrowed(direction.letter()),
            MoveDirection::Word(word) => Cow::Owned(sanitize(word)),
        }
    }
}

impl From<Direction> for MoveDirection<'_> {
    fn from(direction: Direction) -> Self {
        MoveDirection::Compass(direction)
    }
}

/// One of a process's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// Both streams.
    pub const ALL: [OutputStream; 2] = [OutputStream::Stdout, OutputStream::Stderr];

    /// The stream's name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
        }
    }

    /// The stream with this name in the log.
    #[must_use]
    pub fn from_name(name: &str) -> Option<OutputStream> {
        OutputStream::ALL.into_iter().find(|stream| stream.name() == name)
    }
}

/// The way a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnExit {
    /// It ended by itself, with this code (0 to 255).
    Code(i32),
    /// This signal ended it.
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

/// The clock of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's monotonic clock.
    Real,
    /// A clock that jumps to the next planned moment.
    Virtual,
}

impl ClockKind {
    /// Both clocks.
    pub const ALL: [ClockKind; 2] = [ClockKind::Real, ClockKind::Virtual];

    /// The clock's name in the log and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClockKind::Real => "real",
            ClockKind::Virtual => "virtual",
        }
    }

    /// The clock with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<ClockKind> {
        ClockKind::ALL.into_iter().find(|clock| clock.name() == name)
    }
}

/// The duration of each phase of a request. A phase that did not happen is `None`: a reused connection
/// has no `dns`, plain HTTP has no `tls`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchTimings {
    /// Name resolution.
    pub dns: Option<Span>,
    /// The TCP connection.
    pub connect: Option<Span>,
    /// The TLS handshake.
    pub tls: Option<Span>,
    /// From the end of sending the request to the head of the answer.
    pub first_byte: Option<Span>,
    /// From the head of the answer to the end of its body.
    pub body: Option<Span>,
}

/// The effort of sending a request, beyond one exchange on one connection. All are 0 in logs of older
/// releases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendCounts {
    /// The number of connections that were opened for the request. An answer has 0 here if its `reused`
    /// tells the number: one for a new connection, none for a used one.
    pub opened: u64,
    /// The number of times the request was sent again at once, because the server had closed the
    /// connection or had refused to process the request.
    pub resent: u64,
    /// The number of further attempts that the fetch's `retries` allowed.
    pub retried: u64,
}

/// One header of an answer. Its secrets are redacted before this value is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHeader {
    /// The name, in lower case.
    pub name: String,
    /// The value. Bytes that are not UTF-8 have become U+FFFD.
    pub value: String,
}

/// A complete answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedResponse {
    /// The HTTP status of the last answer, after all redirects.
    pub status: u16,
    /// The size of the body in bytes.
    pub bytes: u64,
    /// The SHA-256 of the body.
    pub sha256: [u8; 32],
    /// The time from the start of the request to the end of the body. In a load with a `rate` it counts
    /// from the planned moment.
    pub took: Span,
    /// The duration of each phase.
    pub timings: FetchTimings,
    /// Whether the connection had been used before. Logs of older releases do not have it.
    pub reused: Option<bool>,
    /// The effort of sending the request.
    pub sent: SendCounts,
    /// The differences between the answer and the fetch's check, as a text for people; `None` if there
    /// is no check, or all of it holds.
    pub check: Option<String>,
    /// The values that were captured from the answer, in the order of the fetch.
    pub captured: Vec<CapturedValue>,
}

impl FetchedResponse {
    /// The number of connections that were opened for the request.
    #[must_use]
    pub fn opened_conns(&self) -> u64 {
        self.sent.opened.max(u64::from(self.reused == Some(false)))
    }
}

/// The places of players by their names: `[x, y]`, counted from 0; `x` grows to the east, `y` to the
/// south.
pub type WorldPositions = BTreeMap<String, [u32; 2]>;

/// The result of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationResult {
    /// The expectation's name.
    pub name: String,
    /// The group of events that was judged; `None` if the expectation does not divide them.
    pub group: Option<String>,
    /// Whether the expectation holds.
    pub ok: bool,
    /// The wanted result, as a text for people.
    pub wanted: String,
    /// The actual result, as a text for people; `None` if there was nothing to measure.
    pub got: Option<String>,
    /// The `seq` of the events that decided the result, if single events did.
    pub events: Vec<u64>,
}

impl ExpectationResult {
    /// The name, with the group behind it if there is one.
    #[must_use]
    pub fn title(&self) -> Cow<'_, str> {
        match &self.group {
            None => Cow::Borrowed(&self.name),
            Some(group) => Cow::Owned(format!("{} [{group}]", self.name)),
        }
    }
}

/// The lateness of all events with a `due`: the time from the planned to the real moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessQuantiles {
    /// The median.
    pub p50: Span,
    /// The 99th percentile.
    pub p99: Span,
    /// The largest.
    pub max: Span,
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// The run went as the scenario expects.
    Passed,
    /// The run did not go as the scenario expects.
    Failed,
    /// A signal or a typed `quit` ended the run.
    Interrupted,
}

impl RunOutcome {
    /// All outcomes.
    pub const ALL: [RunOutcome; 3] = [RunOutcome::Passed, RunOutcome::Failed, RunOutcome::Interrupted];

    /// The outcome's name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunOutcome::Passed => "passed",
            RunOutcome::Failed => "failed",
            RunOutcome::Interrupted => "interrupted",
        }
    }

    /// The outcome with this name in the log.
    #[must_use]
    pub fn from_name(name: &str) -> Option<RunOutcome> {
        RunOutcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// The content of the last event: the result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The outcome.
    pub outcome: RunOutcome,
    /// The first thing that went wrong, if the run did not pass.
    pub reason: Option<String>,
    /// The number of spawns that started.
    pub spawned: u64,
    /// The number of spawns that ended.
    pub exited: u64,
    /// The number of requests that finished or failed.
    pub fetched: u64,
    /// The number of moves.
    pub moves: u64,
    /// The number of lines that processes wrote.
    pub lines: u64,
    /// How late the events were.
    pub lateness: LatenessQuantiles,
    /// The metrics of the loads that made requests, ordered by name.
    pub fetches: Vec<LoadMetrics>,
    /// The last values of the shared cells, ordered by name.
    pub shared: Vec<(String, i64)>,
    /// The time from the start of the run to its last event.
    pub took: Span,
}
