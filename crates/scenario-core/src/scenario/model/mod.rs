//! The scenario as the engine and the hands take it: checked, with names resolved to indices,
//! variables put in, defaults filled. What is here is right; nobody checks it again.
//!
//! Nothing here reads files or TOML.

pub mod expect;
pub mod steps;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use expect::Expectation;
use steps::Step;
pub use text::Text;

use crate::diagnostic::Place;
use crate::scenario::interval::Interval;
use crate::scenario::rate::Ramp;
use scenario_log::event::{Direction, EntryName};
use scenario_log::name::NamePattern;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// For people and reports.
    pub name: String,
    /// For people and reports.
    pub description: Option<String>,
    /// `None`: the runner draws one.
    pub seed: Option<u64>,
    /// Period of `clock.tick`; `None`: no ticks.
    pub tick: Option<Span>,
    /// Past it the run has failed.
    pub time_limit: Option<Span>,
    /// The variables, for the record; everything below has them put in already.
    pub vars: BTreeMap<String, Var>,
    /// By name, sorted by name.
    pub presets: Vec<Preset>,
    /// By name, sorted by name.
    pub fetches: Vec<FetchJob>,
    /// In file order.
    pub timeline: Vec<Entry>,
    /// What must hold of a run, in file order.
    pub expect: Vec<Expectation>,
    /// Cells that players share, with what they hold at first; sorted by name.
    pub shared: Vec<(String, i64)>,
    /// The names of the locks that players take.
    pub locks: Vec<String>,
    /// Where players are, if they are anywhere.
    pub world: Option<World>,
}

impl Scenario {
    /// Whether a process may be started in a run of it, be it by what is typed.
    #[must_use]
    pub fn starts_processes(&self) -> bool {
        self.presets.iter().any(|preset| preset.kind.is_process())
    }
}

/// How many players a world holds at once: each state names them all, in one line of the log.
pub const MOST_IN_WORLD: usize = 100_000;

/// Where players are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// How wide and how high it is; each at least 1.
    pub size: [u32; 2],
    /// What becomes of who walks beyond it.
    pub edges: Edges,
    /// How often it is told where everybody is; `None`: after every move.
    pub broadcast: Option<Span>,
}

/// What becomes of a player that walks beyond an edge of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edges {
    /// It comes in again at the opposite one.
    #[default]
    Wrap,
    /// It stays where it is.
    Stop,
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Var {
    /// A string, which may hold secrets.
    Text(Text),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
}

/// Something that can be spawned.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Unique among presets; no dot.
    pub name: String,
    /// Players or a program.
    pub kind: PresetKind,
    /// Its name, where it is defined.
    pub place: Place,
}

impl Preset {
    /// What its spawns must show to count as ready; `None`: they are when they have started.
    #[must_use]
    pub fn ready(&self) -> Option<&Ready> {
        match &self.kind {
            PresetKind::Command(command) => command.ready.as_ref(),
            PresetKind::Players(_) => None,
        }
    }
}

/// The two kinds of preset.
#[derive(Clone, Debug, PartialEq)]
pub enum PresetKind {
    /// Played by the runner.
    Players(Players),
    /// A program of its own.
    Command(Box<Command>),
}

impl PresetKind {
    /// Whether its spawns are processes.
    #[must_use]
    pub fn is_process(&self) -> bool {
        match self {
            PresetKind::Players(players) => players.isolation == Isolation::Process,
            PresetKind::Command(_) => true,
        }
    }
}

/// Players, which play side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Players {
    /// One row of the file each; at least one.
    pub groups: Vec<PlayerGroup>,
    /// Where they play.
    pub isolation: Isolation,
}

impl Players {
    /// Whether any of them may wait for a lock.
    #[must_use]
    pub fn take_locks(&self) -> bool {
        let takes = |step: &Step| matches!(step.act, steps::Act::Lock(_));
        self.groups.iter().any(|group| matches!(&group.part, Part::Steps(steps) if steps.iter().any(takes)))
    }
}

/// Where players play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In the runner itself.
    #[default]
    Task,
    /// In a sub-process of the runner's own binary.
    Process,
}

/// Players that differ only in their name.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerGroup {
    /// Their names.
    pub name: NamePattern,
    /// How many; at least 1.
    pub count: u32,
    /// What each does.
    pub part: Part,
    /// Drawn from with equal chance; at least one.
    pub directions: Vec<Direction>,
}

impl PlayerGroup {
    /// Whether they do anything: who never moves is not looked at, however many there are.
    #[must_use]
    pub fn has_part(&self) -> bool {
        !matches!(self.part, Part::Moves { moves: 0, .. })
    }
}

/// What a player does.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// It moves, and waits after each move.
    Moves {
        /// How many moves; may be 0.
        moves: u32,
        /// The wait after each.
        every: Interval,
    },
    /// It takes these steps, one after the other; at least one.
    Steps(Vec<Step>),
}

impl Part {
    /// How many moves it makes.
    #[must_use]
    pub fn moves(&self) -> u64 {
        match self {
            Part::Moves { moves, .. } => u64::from(*moves),
            Part::Steps(steps) => steps.iter().filter(|step| step.act == steps::Act::Move).count() as u64,
        }
    }

    /// How many moves or steps there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Part::Moves { moves, .. } => u64::from(*moves),
            Part::Steps(steps) => steps.len() as u64,
        }
    }

    /// How long it takes at least, and at most; `None` where draws have no end, or counting has.
    #[must_use]
    pub fn lasts(&self) -> (Span, Option<Span>) {
        match self {
            Part::Moves { moves: 0, .. } => (Span::ZERO, Some(Span::ZERO)),
            Part::Moves { moves, every } => {
                let all = |wait: Span| wait.checked_mul(u64::from(*moves));
                (all(every.shortest()).unwrap_or(Span(u64::MAX)), every.longest().and_then(all))
            }
            Part::Steps(steps) => {
                let pauses = || {
                    steps.iter().filter_map(|step| match &step.act {
                        steps::Act::Pause(interval) => Some(interval),
                        _ => None,
                    })
                };
                let least = pauses().fold(0_u64, |sum, one| sum.saturating_add(one.shortest().0));
                let most = pauses().try_fold(Span::ZERO, |sum, one| sum.checked_add(one.longest()?));
                (Span(least), most)
            }
        }
    }
}

/// A real program.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Program and arguments; at least the program.
    pub argv: Vec<Text>,
    /// Working directory, relative to the scenario's folder; `None`: that folder.
    pub dir: Option<PathBuf>,
    /// Set on top of the runner's environment.
    pub env: BTreeMap<String, Text>,
    /// Start from an empty environment instead.
    pub clear_env: bool,
    /// What it reads.
    pub stdin: Stdin,
    /// When it counts as ready; `None`: when it has started.
    pub ready: Option<Ready>,
    /// It has a terminal of its own instead of pipes.
    pub pty: bool,
    /// Which exits do not fail the run.
    pub exits: Exits,
    /// The run does not wait for it.
    pub background: bool,
    /// How it is stopped.
    pub stop: Stop,
    /// The longest line, in bytes, that is logged whole; at least 1.
    pub max_line: u64,
}

/// What a program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// Nothing: end of file at once.
    #[default]
    Null,
    /// What `send` sends.
    Open,
    /// The states of the world, as lines of the log.
    World,
    /// This text, then end of file.
    Text(Text),
    /// This file, relative to the scenario's folder.
    File(PathBuf),
}

/// When a program counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// By what.
    pub by: ReadyBy,
    /// How long it has, from its start.
    pub timeout: Span,
    /// The pause between two probes; nothing is probed for a line.
    pub poll: Span,
}

/// What shows that a program is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadyBy {
    /// A line of its own that matches this valid regular expression.
    Line(String),
    /// A connection to this, which [`host_and_port`](super::endpoint::host_and_port) reads.
    Tcp(Text),
    /// An answer 2xx or 3xx of this valid `http` or `https` URL.
    Http(Text),
}

/// Which exits do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exits {
    /// These codes, 0 to 255.
    Codes(Vec<u8>),
    /// All.
    Any,
    /// Death by this signal.
    Signal(Signal),
}

/// How a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Sent first, to the whole process group.
    pub signal: Signal,
    /// How long it has before KILL.
    pub grace: Span,
}

/// Something that can be fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchJob {
    /// Unique among fetches; no dot.
    pub name: String,
    /// Valid `http` or `https` URLs; at least one.
    pub urls: Vec<Text>,
    /// At once or one after the other.
    pub mode: FetchMode,
    /// Log each line of the body.
    pub lines: bool,
    /// A valid HTTP method.
    pub method: String,
    /// Valid names and values, sorted by name as written.
    pub headers: Vec<(String, Text)>,
    /// Who asks, where the headers do not say so.
    pub auth: Option<Auth>,
    /// The request's body.
    pub body: Option<Body>,
    /// For the whole request.
    pub timeout: Span,
    /// At most this many are followed.
    pub redirects: u32,
    /// At most this many more tries.
    pub retries: u32,
    /// Which statuses do not fail the run.
    pub status: StatusRule,
    /// In bytes, after decoding.
    pub max_body: u64,
    /// Ask for encoded bodies, and decode them.
    pub decode: bool,
    /// A file of PEM certificates to trust instead of the system's, relative to the scenario's folder.
    pub ca: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure: bool,
    /// A valid `http` URL of nothing but a host: the proxy that is asked instead of the server.
    pub proxy: Option<Text>,
    /// What the client shows of itself to servers that ask.
    pub client: Option<ClientCert>,
    /// Which protocol to speak.
    pub http2: Http2,
    /// Many requests instead of one for each URL.
    pub load: Option<Load>,
    /// What an answer must be like whose status is expected.
    pub check: Option<Check>,
    /// What is taken out of such an answer for what comes later, in the order of the file.
    pub capture: Vec<Capture>,
    /// Its name, where it is defined.
    pub place: Place,
}

/// A load: many requests to the URLs of a job, one URL after the other. At least one of `requests` and
/// `within` is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What lets a request start.
    pub pace: Pace,
    /// The most requests; at least 1.
    pub requests: Option<u64>,
    /// The file's `for`: no request is planned at its end or later.
    pub within: Option<Span>,
}

/// What lets a request of a load start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The answer to another one: a closed loop.
    Closed {
        /// How many are in flight at a time; at least 1.
        connections: u32,
    },
    /// Its moment: an open loop.
    Open {
        /// How many in a time. Somewhere it is more than zero.
        rate: Ramp,
        /// How they are spread.
        arrivals: Arrivals,
        /// The most in flight at a time; at least 1.
        most: u32,
    },
}

/// How the requests of a rate are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly.
    #[default]
    Constant,
    /// Each by chance, whatever the others do: a Poisson process.
    Poisson,
}

/// What an answer must be like: all of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A valid regular expression, which something in the body matches.
    pub text: Option<String>,
    /// JSON Pointers and the JSON values that the body has there, as texts; the body is JSON.
    pub json: Option<Vec<(String, Text)>>,
    /// The body's SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// A value that is taken out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// What it is called from then on; no variable is called so.
    pub name: String,
    /// Where it stands.
    pub from: CaptureFrom,
    /// Never log or show it.
    pub secret: bool,
}

/// Where in an answer a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureFrom {
    /// At this JSON Pointer of the body.
    Json(String),
    /// What the one group of this valid regular expression matches first in the body.
    Text(String),
    /// In this header.
    Header(String),
}

/// What a client shows of itself: files of PEM, relative to the scenario's folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCert {
    /// Its certificate, and those between it and the authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The order of a job's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FetchMode {
    /// All at once.
    #[default]
    Concurrent,
    /// Each after the one before it.
    Sequential,
}

/// Who a request says that it is of: its `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A user and a password; the user has no colon.
    Basic {
        /// The user.
        user: Text,
        /// The password, which is shown as `[redacted]`.
        password: Text,
    },
    /// A token, which is shown as `[redacted]`.
    Bearer(Text),
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// This text.
    Text(Text),
    /// This file, relative to the scenario's folder.
    File(PathBuf),
    /// These fields, as a form sends them; those of one name stand together.
    Form(Vec<(String, Text)>),
    /// This JSON document; both of the text's forms are valid JSON.
    Json(Text),
}

/// Which statuses do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// Any of a class: 2 is `2xx`.
    Class(u8),
    /// These, 100 to 999.
    Codes(Vec<u16>),
    /// All.
    Any,
}

impl StatusRule {
    /// Whether this status is expected.
    #[must_use]
    pub fn allows(&self, status: u16) -> bool {
        match self {
            StatusRule::Class(class) => status / 100 == u16::from(*class),
            StatusRule::Codes(codes) => codes.contains(&status),
            StatusRule::Any => true,
        }
    }
}

/// Which protocol to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/2, with prior knowledge on plain connections.
    Always,
    /// HTTP/1.1.
    Never,
}

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Unique.
    pub id: Option<String>,
    /// Offset from the run's start or from the moment of `after`.
    pub at: Span,
    /// What it waits for.
    pub after: Option<After>,
    /// What happens.
    pub action: Action,
    /// That many at once; at least 1.
    pub count: u32,
    /// Whether it happens again.
    pub repeat: Option<Repeat>,
    /// Its header or its braces.
    pub place: Place,
}

impl Entry {
    /// The entry as events name it; `index` is its place in the timeline, from 0.
    #[must_use]
    pub fn name(&self, index: usize) -> EntryName<'_> {
        self.id.as_deref().map_or(EntryName::Number(index + 1), EntryName::Id)
    }
}

/// What happens. Entries and presets are indices into the scenario's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start a preset.
    Spawn(usize),
    /// Start a fetch job.
    Fetch(usize),
    /// Stop what an entry (a spawn or a fetch) started.
    Stop(usize),
    /// Write a line to what an entry (a spawn of a command with `stdin = "open"`) started.
    Send {
        /// The entry.
        to: usize,
        /// The line, without its newline.
        text: Text,
    },
    /// Note a text.
    Mark(Text),
}

/// What an entry waits for; entries are indices into the timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum After {
    /// The start of another entry's first occurrence.
    Started(usize),
    /// The moment another entry's first spawn is ready.
    Ready(usize),
    /// The end of all that another entry started, in all its occurrences.
    Finished(usize),
    /// The first line that matches, of anything another entry started.
    Line {
        /// A valid regular expression, matched on a line's bytes.
        regex: String,
        /// The entry: a spawn of a command.
        of: usize,
        /// Counted from the start of `of`.
        timeout: Span,
    },
}

impl After {
    /// The entry that is waited for.
    #[must_use]
    pub fn entry(&self) -> usize {
        match self {
            After::Started(entry) | After::Ready(entry) | After::Finished(entry) => *entry,
            After::Line { of, .. } => *of,
        }
    }
}

/// How an entry happens again: `times` in all, or all that start within `within`, or whichever of
/// the two ends first; at least one of them is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeat {
    /// One draw between one occurrence and the next.
    pub every: Interval,
    /// The file's `times`.
    pub times: Option<u64>,
    /// The file's `for`, counted from the first occurrence; its end is excluded.
    pub within: Option<Span>,
}
