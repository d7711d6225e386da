//! The checked scenario that everything runs on: names are resolved to indices, variables are replaced, and
//! defaults are filled in. A model is always valid, and is not checked again.
//!
//! Nothing here reads files or TOML.

pub mod expect;
pub mod steps;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use expect::Expectation;
use steps::PlayerStep;
pub use text::ScenarioText;

use crate::diagnostic::FilePlace;
use crate::scenario::interval::Interval;
use crate::scenario::rate::Ramp;
use scenario_log::event::{Direction, EntryName};
use scenario_log::name::NamePattern;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A name for people and reports.
    pub name: String,
    /// A name for people and reports.
    pub description: Option<String>,
    /// The seed of every draw; `None`: the runner draws a seed.
    pub seed: Option<u64>,
    /// The period of `clock.tick`; `None`: there are no ticks.
    pub tick: Option<Span>,
    /// The longest time that the run may take; after it the run has failed.
    pub time_limit: Option<Span>,
    /// The variables, for the log. Every text below has its variables replaced already.
    pub vars: BTreeMap<String, VarValue>,
    /// Sorted by name.
    pub presets: Vec<Preset>,
    /// Sorted by name.
    pub fetches: Vec<FetchJob>,
    /// In file order.
    pub timeline: Vec<TimelineEntry>,
    /// The conditions on a run, in file order.
    pub expectations: Vec<Expectation>,
    /// The cells that players share, with the value that each holds at first; sorted by name.
    pub shared_cells: Vec<(String, i64)>,
    /// The names of the locks that players take.
    pub locks: Vec<String>,
    /// The world, if there is one.
    pub world: Option<WorldRules>,
}

impl Scenario {
    /// Whether a run may start a process, also by a command that is typed.
    #[must_use]
    pub fn starts_processes(&self) -> bool {
        self.presets.iter().any(|preset| preset.kind.is_process())
    }
}

/// The largest number of players in a world at a time: each state names all of them in one line of the log.
pub const MAX_PLAYERS_IN_WORLD: usize = 100_000;

/// The world in which players have places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldRules {
    /// The width and the height; each is at least 1.
    pub size: [u32; 2],
    /// What happens to a player that walks beyond an edge.
    pub edges: WorldEdges,
    /// The period of `world.state`; `None`: the state is sent after every move.
    pub broadcast: Option<Span>,
}

/// What happens to a player that walks beyond an edge of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorldEdges {
    /// It comes in at the opposite edge.
    #[default]
    Wrap,
    /// It stays where it is.
    Stop,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VarValue {
    /// A string, which may hold secrets.
    Text(ScenarioText),
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
    /// What its spawns are.
    pub kind: PresetKind,
    /// The place of its name, where it is defined.
    pub place: FilePlace,
}

impl Preset {
    /// The players, if it is a preset of players.
    #[must_use]
    pub fn players(&self) -> Option<&PlayersPreset> {
        match &self.kind {
            PresetKind::Players(players) => Some(players),
            PresetKind::Command(_) => None,
        }
    }

    /// The program, if it is a preset of a program.
    #[must_use]
    pub fn command(&self) -> Option<&CommandPreset> {
        match &self.kind {
            PresetKind::Command(command) => Some(command),
            PresetKind::Players(_) => None,
        }
    }

    /// The condition on which a spawn counts as ready; `None`: it is ready when it has started.
    #[must_use]
    pub fn ready(&self) -> Option<&ReadinessRule> {
        self.command()?.ready.as_ref()
    }
}

/// The two kinds of preset.
#[derive(Clone, Debug, PartialEq)]
pub enum PresetKind {
    /// Players, which the runner plays.
    Players(PlayersPreset),
    /// A program.
    Command(Box<CommandPreset>),
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

/// Players that play at the same time.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayersPreset {
    /// One group for each row of the file; at least one.
    pub groups: Vec<PlayerGroup>,
    /// Where the players play.
    pub isolation: Isolation,
}

impl PlayersPreset {
    /// Whether any of them may wait for a lock.
    #[must_use]
    pub fn may_take_locks(&self) -> bool {
        let takes = |step: &PlayerStep| matches!(step.action, steps::StepAction::Lock(_));
        self.groups
            .iter()
            .any(|group| matches!(&group.behavior, PlayerBehavior::Steps(steps) if steps.iter().any(takes)))
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
    /// The pattern of their names.
    pub name: NamePattern,
    /// The number of players; at least 1.
    pub count: u32,
    /// What each player does.
    pub behavior: PlayerBehavior,
    /// The directions of moves, drawn with equal chance; at least one.
    pub directions: Vec<Direction>,
}

impl PlayerGroup {
    /// Whether the players do anything. Players that never move cost nothing, however many there are.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !matches!(self.behavior, PlayerBehavior::Moves { moves: 0, .. })
    }
}

/// What a player does.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerBehavior {
    /// It moves, and waits after each move.
    Moves {
        /// The number of moves; may be 0.
        moves: u32,
        /// The wait after each move.
        every: Interval,
    },
    /// It takes these steps one after the other; there is at least one.
    Steps(Vec<PlayerStep>),
}

impl PlayerBehavior {
    /// The number of moves that it makes.
    #[must_use]
    pub fn move_count(&self) -> u64 {
        match self {
            PlayerBehavior::Moves { moves, .. } => u64::from(*moves),
            PlayerBehavior::Steps(steps) => {
                steps.iter().filter(|step| step.action == steps::StepAction::Move).count() as u64
            }
        }
    }

    /// The number of its moves or steps.
    #[must_use]
    pub fn step_count(&self) -> u64 {
        match self {
            PlayerBehavior::Moves { moves, .. } => u64::from(*moves),
            PlayerBehavior::Steps(steps) => steps.len() as u64,
        }
    }

    /// The shortest and the longest time that it takes. The longest is `None` where draws have no upper
    /// bound, or where it does not fit 64 bits of nanoseconds.
    #[must_use]
    pub fn duration_bounds(&self) -> (Span, Option<Span>) {
        match self {
            PlayerBehavior::Moves { moves: 0, .. } => (Span::ZERO, Some(Span::ZERO)),
            PlayerBehavior::Moves { moves, every } => {
                let all = |wait: Span| wait.checked_mul(u64::from(*moves));
                (all(every.shortest()).unwrap_or(Span(u64::MAX)), every.longest().and_then(all))
            }
            PlayerBehavior::Steps(steps) => {
                let pauses = || {
                    steps.iter().filter_map(|step| match &step.action {
                        steps::StepAction::Pause(interval) => Some(interval),
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

/// A program with its arguments, and how it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandPreset {
    /// The program and its arguments; at least the program.
    pub argv: Vec<ScenarioText>,
    /// The working directory, relative to the scenario's folder; `None`: that folder.
    pub dir: Option<PathBuf>,
    /// Variables that are set on top of the runner's environment.
    pub env: BTreeMap<String, ScenarioText>,
    /// Whether it starts with an empty environment instead of the runner's.
    pub clear_env: bool,
    /// The source of its standard input.
    pub stdin: StdinMode,
    /// The condition on which it counts as ready; `None`: it is ready when it has started.
    pub ready: Option<ReadinessRule>,
    /// Whether it has a terminal of its own instead of pipes.
    pub pty: bool,
    /// The exits that do not fail the run.
    pub exits: ExitRule,
    /// Whether the run ends without waiting for it.
    pub background: bool,
    /// How it is stopped.
    pub stop: StopPolicy,
    /// The longest line, in bytes, that is logged whole; at least 1.
    pub max_line: u64,
}

/// The source of a program's standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StdinMode {
    /// Nothing: end of file at once.
    #[default]
    Null,
    /// The lines of `send`.
    Open,
    /// The states of the world, as lines of the log.
    World,
    /// This text, followed by the end of file.
    Text(ScenarioText),
    /// The content of this file; the path is relative to the scenario's folder.
    File(PathBuf),
}

/// The condition on which a program counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadinessRule {
    /// The sign by which it is recognized.
    pub test: ReadinessTest,
    /// The longest time until it is ready, from its start.
    pub timeout: Span,
    /// The pause between two probes; a line is not probed for.
    pub poll: Span,
}

/// The sign that a program is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadinessTest {
    /// A line of its output that matches this valid regular expression.
    Line(String),
    /// A connection to this address, which [`parse_host_port`](super::host_port::parse_host_port) reads.
    Tcp(ScenarioText),
    /// An answer with a status 2xx or 3xx from this valid `http`, `https` or `http+unix` URL.
    Http(ScenarioText),
}

/// The exits that do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitRule {
    /// These exit codes, 0 to 255.
    Codes(Vec<u8>),
    /// Everything.
    Any,
    /// Death by this signal.
    Signal(Signal),
}

/// How a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopPolicy {
    /// The signal that is sent first, to the whole process group.
    pub signal: Signal,
    /// The longest time from that signal to KILL.
    pub grace: Span,
}

/// An HTTP fetch: one request for each URL, or a load of many.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchJob {
    /// Unique among fetches; no dot.
    pub name: String,
    /// Valid `http`, `https` or `http+unix` URLs; at least one.
    pub urls: Vec<ScenarioText>,
    /// The order of the requests.
    pub mode: FetchMode,
    /// Whether each line of the body is logged.
    pub log_lines: bool,
    /// A valid HTTP method.
    pub method: String,
    /// Valid names and values, sorted by the name as it is written.
    pub headers: Vec<(String, ScenarioText)>,
    /// The credentials, where no header has them.
    pub auth: Option<FetchAuth>,
    /// The request's body.
    pub body: Option<FetchBody>,
    /// The longest time that one attempt may take, from its start to the last byte of the answer.
    pub timeout: Span,
    /// The largest number of redirects that are followed.
    pub redirects: u32,
    /// The largest number of further attempts after a failed one.
    pub retries: u32,
    /// The statuses that do not fail the run.
    pub status: StatusRule,
    /// The largest body that is accepted, in bytes after decoding.
    pub max_body: u64,
    /// Whether to ask for encoded bodies, and to decode them.
    pub decode_body: bool,
    /// A file of PEM certificates to trust instead of the system's, relative to the scenario's folder.
    pub ca: Option<PathBuf>,
    /// Whether to trust any certificate.
    pub insecure: bool,
    /// The URL of the proxy that the requests go through: a valid `http` URL of a host and a port alone.
    pub proxy: Option<ScenarioText>,
    /// The certificate for servers that ask for one.
    pub client_cert: Option<ClientCert>,
    /// The version of HTTP.
    pub http2: Http2Mode,
    /// The load of many requests; `None`: one request for each URL.
    pub load: Option<LoadProfile>,
    /// Conditions on an answer whose status is expected.
    pub check: Option<FetchCheck>,
    /// The values that are taken out of such an answer for what comes later, in file order.
    pub captures: Vec<FetchCapture>,
    /// The place of its name, where it is defined.
    pub place: FilePlace,
}

/// A load: many requests to the URLs of a job in turn. At least one of `max_requests` and `duration` is
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadProfile {
    /// What starts a request.
    pub model: LoadModel,
    /// The largest number of requests; at least 1.
    pub max_requests: Option<u64>,
    /// The time from the start of the load in which requests are planned; its end is excluded.
    pub duration: Option<Span>,
}

/// What starts a request of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadModel {
    /// The answer to another request: a closed loop.
    Closed {
        /// The number of requests in flight at a time; at least 1.
        connections: u32,
    },
    /// Its planned moment, whatever the answers do: an open loop.
    Open {
        /// The rate over time. It is more than zero somewhere.
        rate: Ramp,
        /// How the requests are spread over time.
        arrivals: ArrivalProcess,
        /// The largest number of requests in flight at a time; at least 1.
        max_connections: u32,
    },
}

/// How the requests of a rate are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrivalProcess {
    /// Evenly.
    #[default]
    Constant,
    /// Each by chance, whatever the others do: a Poisson process.
    Poisson,
}

/// Conditions on an answer: all that are there must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCheck {
    /// A valid regular expression that must match somewhere in the body.
    pub text: Option<String>,
    /// JSON Pointers and the JSON values that the body must have there, as texts. The body must be JSON.
    pub json: Option<Vec<(String, ScenarioText)>>,
    /// The SHA-256 of the body.
    pub sha256: Option<[u8; 32]>,
}

/// A value that is taken out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCapture {
    /// The name by which texts refer to it; no variable has this name.
    pub name: String,
    /// Where it is in the answer.
    pub selector: CaptureSelector,
    /// Whether it must never be logged or shown.
    pub secret: bool,
}

/// Where a value is in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureSelector {
    /// At this JSON Pointer of the body.
    Json(String),
    /// The text of the one group of this valid regular expression, where it first matches in the body.
    Text(String),
    /// In the header of this name.
    Header(String),
}

/// The certificate of a client and its key: PEM files, relative to the scenario's folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCert {
    /// The certificate, and those between it and the authority.
    pub cert: PathBuf,
    /// The private key of the certificate.
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

/// The credentials of a request, for its header `Authorization`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchAuth {
    /// A user and a password; the user has no colon.
    Basic {
        /// The name of the user.
        user: ScenarioText,
        /// The password, which is shown as `[redacted]`.
        password: ScenarioText,
    },
    /// A token, which is shown as `[redacted]`.
    Bearer(ScenarioText),
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchBody {
    /// This text.
    Text(ScenarioText),
    /// The content of this file; the path is relative to the scenario's folder.
    File(PathBuf),
    /// These fields, encoded as a form; those of one name stand together.
    Form(Vec<(String, ScenarioText)>),
    /// This JSON document. Both forms of the text, the real and the shown one, are valid JSON.
    Json(ScenarioText),
}

/// The statuses that do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusRule {
    /// Any status of a class: 2 is `2xx`.
    Class(u8),
    /// These statuses, 100 to 999.
    Codes(Vec<u16>),
    /// Everything.
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

/// The version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Http2Mode {
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
pub struct TimelineEntry {
    /// A unique name.
    pub id: Option<String>,
    /// The time from the start of the run or from the moment of `trigger`.
    pub at: Span,
    /// The moment that it waits for.
    pub trigger: Option<EntryTrigger>,
    /// The action.
    pub action: EntryAction,
    /// How often it happens at the same moment; at least 1.
    pub count: u32,
    /// How it is repeated.
    pub repeat: Option<EntryRepeat>,
    /// The place of its header or its braces.
    pub place: FilePlace,
}

impl TimelineEntry {
    /// The name of the entry in events; `index` is its position in the timeline, from 0.
    #[must_use]
    pub fn event_name(&self, index: usize) -> EntryName<'_> {
        self.id.as_deref().map_or(EntryName::Number(index + 1), EntryName::Id)
    }
}

/// The action of an entry. Entries, presets and fetches are indices into the scenario's lists.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryAction {
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
        text: ScenarioText,
    },
    /// Note a text in the log.
    Mark(ScenarioText),
}

/// The moment that an entry waits for; entries are indices into the timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryTrigger {
    /// The start of another entry's first occurrence.
    Started(usize),
    /// The moment another entry's first spawn is ready.
    Ready(usize),
    /// The end of everything that another entry started, in all its occurrences.
    Finished(usize),
    /// The first line that matches, of any program that another entry started.
    Line {
        /// A valid regular expression, which is matched on the bytes of a line.
        regex: String,
        /// The entry, which spawns a program.
        of: usize,
        /// The longest wait, from the start of `of`.
        timeout: Span,
    },
}

impl EntryTrigger {
    /// The entry whose moment is waited for.
    #[must_use]
    pub fn awaited_entry(&self) -> usize {
        match self {
            EntryTrigger::Started(entry) | EntryTrigger::Ready(entry) | EntryTrigger::Finished(entry) => {
                *entry
            }
            EntryTrigger::Line { of, .. } => *of,
        }
    }
}

/// How an entry is repeated: `times` in all, or everything that starts within `duration`, or whichever of
/// the two ends first. At least one of them is there.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRepeat {
    /// The time between one occurrence and the next, drawn anew each time.
    pub every: Interval,
    /// The number of occurrences in all.
    pub times: Option<u64>,
    /// The time from the first occurrence in which the others start; its end is excluded.
    pub duration: Option<Span>,
}
