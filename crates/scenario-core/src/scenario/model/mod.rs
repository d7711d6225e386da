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
    pub vars: BTreeMap<String, VarValue>,
    /// By name, sorted by name.
    pub presets: Vec<Preset>,
    /// By name, sorted by name.
    pub fetches: Vec<FetchJob>,
    /// In file order.
    pub timeline: Vec<TimelineEntry>,
    /// What must hold of a run, in file order.
    pub expectations: Vec<Expectation>,
    /// Cells that players share, with what they hold at first; sorted by name.
    pub shared_cells: Vec<(String, i64)>,
    /// The names of the locks that players take.
    pub locks: Vec<String>,
    /// Where players are, if they are anywhere.
    pub world: Option<WorldRules>,
}

impl Scenario {
    /// Whether a process may be started in a run of it, be it by what is typed.
    #[must_use]
    pub fn starts_processes(&self) -> bool {
        self.presets.iter().any(|preset| preset.kind.is_process())
    }
}

/// How many players a world holds at once: each state names them all, in one line of the log.
pub const MAX_PLAYERS_IN_WORLD: usize = 100_000;

/// Where players are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldRules {
    /// How wide and how high it is; each at least 1.
    pub size: [u32; 2],
    /// What becomes of who walks beyond it.
    pub edges: WorldEdges,
    /// How often it is told where everybody is; `None`: after every move.
    pub broadcast: Option<Span>,
}

/// What becomes of a player that walks beyond an edge of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorldEdges {
    /// It comes in again at the opposite one.
    #[default]
    Wrap,
    /// It stays where it is.
    Stop,
}

/// A variable's value.
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
    /// Players or a program.
    pub kind: PresetKind,
    /// Its name, where it is defined.
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

    /// What its spawns must show to count as ready; `None`: they are when they have started.
    #[must_use]
    pub fn ready(&self) -> Option<&ReadinessRule> {
        self.command()?.ready.as_ref()
    }
}

/// The two kinds of preset.
#[derive(Clone, Debug, PartialEq)]
pub enum PresetKind {
    /// Played by the runner.
    Players(PlayersPreset),
    /// A program of its own.
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

/// Players, which play side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayersPreset {
    /// One row of the file each; at least one.
    pub groups: Vec<PlayerGroup>,
    /// Where they play.
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
    /// Their names.
    pub name: NamePattern,
    /// How many; at least 1.
    pub count: u32,
    /// What each does.
    pub behavior: PlayerBehavior,
    /// Drawn from with equal chance; at least one.
    pub directions: Vec<Direction>,
}

impl PlayerGroup {
    /// Whether they do anything: who never moves is not looked at, however many there are.
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
        /// How many moves; may be 0.
        moves: u32,
        /// The wait after each.
        every: Interval,
    },
    /// It takes these steps, one after the other; at least one.
    Steps(Vec<PlayerStep>),
}

impl PlayerBehavior {
    /// How many moves it makes.
    #[must_use]
    pub fn move_count(&self) -> u64 {
        match self {
            PlayerBehavior::Moves { moves, .. } => u64::from(*moves),
            PlayerBehavior::Steps(steps) => {
                steps.iter().filter(|step| step.action == steps::StepAction::Move).count() as u64
            }
        }
    }

    /// How many moves or steps there are.
    #[must_use]
    pub fn step_count(&self) -> u64 {
        match self {
            PlayerBehavior::Moves { moves, .. } => u64::from(*moves),
            PlayerBehavior::Steps(steps) => steps.len() as u64,
        }
    }

    /// How long it takes at least, and at most; `None` where draws have no end, or counting has.
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

/// A real program.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandPreset {
    /// Program and arguments; at least the program.
    pub argv: Vec<ScenarioText>,
    /// Working directory, relative to the scenario's folder; `None`: that folder.
    pub dir: Option<PathBuf>,
    /// Set on top of the runner's environment.
    pub env: BTreeMap<String, ScenarioText>,
    /// Start from an empty environment instead.
    pub clear_env: bool,
    /// What it reads.
    pub stdin: StdinMode,
    /// When it counts as ready; `None`: when it has started.
    pub ready: Option<ReadinessRule>,
    /// It has a terminal of its own instead of pipes.
    pub pty: bool,
    /// Which exits do not fail the run.
    pub exits: ExitRule,
    /// The run does not wait for it.
    pub background: bool,
    /// How it is stopped.
    pub stop: StopPolicy,
    /// The longest line, in bytes, that is logged whole; at least 1.
    pub max_line: u64,
}

/// What a program reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StdinMode {
    /// Nothing: end of file at once.
    #[default]
    Null,
    /// What `send` sends.
    Open,
    /// The states of the world, as lines of the log.
    World,
    /// This text, then end of file.
    Text(ScenarioText),
    /// This file, relative to the scenario's folder.
    File(PathBuf),
}

/// When a program counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadinessRule {
    /// By what.
    pub test: ReadinessTest,
    /// How long it has, from its start.
    pub timeout: Span,
    /// The pause between two probes; nothing is probed for a line.
    pub poll: Span,
}

/// What shows that a program is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadinessTest {
    /// A line of its own that matches this valid regular expression.
    Line(String),
    /// A connection to this, which [`host_and_port`](super::endpoint::host_and_port) reads.
    Tcp(ScenarioText),
    /// An answer 2xx or 3xx of this valid `http` or `https` URL.
    Http(ScenarioText),
}

/// Which exits do not fail the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExitRule {
    /// These codes, 0 to 255.
    Codes(Vec<u8>),
    /// All.
    Any,
    /// Death by this signal.
    Signal(Signal),
}

/// How a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopPolicy {
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
    pub urls: Vec<ScenarioText>,
    /// At once or one after the other.
    pub mode: FetchMode,
    /// Log each line of the body.
    pub log_lines: bool,
    /// A valid HTTP method.
    pub method: String,
    /// Valid names and values, sorted by name as written.
    pub headers: Vec<(String, ScenarioText)>,
    /// Who asks, where the headers do not say so.
    pub auth: Option<FetchAuth>,
    /// The request's body.
    pub body: Option<FetchBody>,
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
    pub decode_body: bool,
    /// A file of PEM certificates to trust instead of the system's, relative to the scenario's folder.
    pub ca: Option<PathBuf>,
    /// Trust any certificate.
    pub insecure: bool,
    /// A valid `http` URL of nothing but a host: the proxy that is asked instead of the server.
    pub proxy: Option<ScenarioText>,
    /// What the client shows of itself to servers that ask.
    pub client_cert: Option<ClientCert>,
    /// Which protocol to speak.
    pub http2: Http2Mode,
    /// Many requests instead of one for each URL.
    pub load: Option<LoadProfile>,
    /// What an answer must be like whose status is expected.
    pub check: Option<FetchCheck>,
    /// What is taken out of such an answer for what comes later, in the order of the file.
    pub captures: Vec<FetchCapture>,
    /// Its name, where it is defined.
    pub place: FilePlace,
}

/// A load: many requests to the URLs of a job, one URL after the other. At least one of `requests` and
/// `within` is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadProfile {
    /// What lets a request start.
    pub model: LoadModel,
    /// The most requests; at least 1.
    pub max_requests: Option<u64>,
    /// The file's `for`: no request is planned at its end or later.
    pub duration: Option<Span>,
}

/// What lets a request of a load start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadModel {
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
        arrivals: ArrivalProcess,
        /// The most in flight at a time; at least 1.
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

/// What an answer must be like: all of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCheck {
    /// A valid regular expression, which something in the body matches.
    pub text: Option<String>,
    /// JSON Pointers and the JSON values that the body has there, as texts; the body is JSON.
    pub json: Option<Vec<(String, ScenarioText)>>,
    /// The body's SHA-256.
    pub sha256: Option<[u8; 32]>,
}

/// A value that is taken out of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCapture {
    /// What it is called from then on; no variable is called so.
    pub name: String,
    /// Where it stands.
    pub selector: CaptureSelector,
    /// Never log or show it.
    pub secret: bool,
}

/// Where in an answer a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureSelector {
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
pub enum FetchAuth {
    /// A user and a password; the user has no colon.
    Basic {
        /// The user.
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
    /// This file, relative to the scenario's folder.
    File(PathBuf),
    /// These fields, as a form sends them; those of one name stand together.
    Form(Vec<(String, ScenarioText)>),
    /// This JSON document; both of the text's forms are valid JSON.
    Json(ScenarioText),
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
    /// Unique.
    pub id: Option<String>,
    /// Offset from the run's start or from the moment of `after`.
    pub at: Span,
    /// What it waits for.
    pub trigger: Option<EntryTrigger>,
    /// What happens.
    pub action: EntryAction,
    /// That many at once; at least 1.
    pub count: u32,
    /// Whether it happens again.
    pub repeat: Option<EntryRepeat>,
    /// Its header or its braces.
    pub place: FilePlace,
}

impl TimelineEntry {
    /// The entry as events name it; `index` is its place in the timeline, from 0.
    #[must_use]
    pub fn event_name(&self, index: usize) -> EntryName<'_> {
        self.id.as_deref().map_or(EntryName::Number(index + 1), EntryName::Id)
    }
}

/// What happens. Entries and presets are indices into the scenario's lists.
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
    /// Note a text.
    Mark(ScenarioText),
}

/// What an entry waits for; entries are indices into the timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryTrigger {
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

impl EntryTrigger {
    /// The entry that is waited for.
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

/// How an entry happens again: `times` in all, or all that start within `within`, or whichever of
/// the two ends first; at least one of them is there.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRepeat {
    /// One draw between one occurrence and the next.
    pub every: Interval,
    /// The file's `times`.
    pub times: Option<u64>,
    /// The file's `for`, counted from the first occurrence; its end is excluded.
    pub duration: Option<Span>,
}
