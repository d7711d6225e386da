//! The checked scenario that everything runs on: names are resolved to indices, variables are replaced, and
//! defaults are filled in. A model is always valid, and is not checked again.
//!
//! Nothing here reads files or TOML.

mod checks;
mod data;
pub mod expect;
pub mod expect_parts;
mod fetches;
mod instance;
mod life;
mod links;
mod presets;
mod probes;
pub mod resources;
mod status;
pub mod step_program;
pub mod steps;
mod target;
mod text;
mod timeline;
mod trigger;

use std::collections::BTreeMap;
use std::path::Path;

pub use checks::{FetchCheck, JsonCondition, JsonTests};
pub use data::{DataRows, DataSource, DataTable, RowOrder};
use expect::Expectation;
pub use fetches::{
    ArrivalProcess, CaptureSelector, ClientCert, FailureBudget, FetchAuth, FetchBody, FetchCapture, FetchJob,
    FetchMode, Http2Mode, LoadModel, LoadProfile, MultipartPart, PartContent, RowSource,
};
pub(crate) use instance::INSTANCE;
pub use life::{LifeRules, OnExit, RestartCause, RestartPolicy};
pub(crate) use links::format_bandwidth;
pub use links::{Link, LinkAction, LinkAddress, LinkCut, LinkDirection, LinkFaults, describe_faults};
pub use presets::{
    CommandPreset, ExitRule, Isolation, OnFailure, PlayerBehavior, PlayerGroup, PlayersPreset, Preset,
    PresetKind, PresetVariant, StdinMode, StopPolicy,
};
pub use probes::{HttpProbe, LivenessRule, ProbeTest, ReadinessRule, ReadinessTest};
pub use status::{StatusRange, StatusRule};
use steps::Channel;
pub(crate) use target::parse_source;
pub use target::{ActionTarget, SendAction, SignalAction};
pub use text::ScenarioText;
pub use timeline::{EntryAction, EntryPace, EntryRepeat, EntryUntil, TimelineEntry};
pub use trigger::EntryTrigger;

use scenario_log::time::Span;

/// A whole scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A name for people and reports.
    pub name: String,
    /// A description for people and reports.
    pub description: Option<String>,
    /// The seed of every draw; `None`: the runner draws a seed.
    pub seed: Option<u64>,
    /// The period of `clock.tick`; `None`: there are no ticks.
    pub tick: Option<Span>,
    /// The longest time that the run may take. After it the run has failed, unless it has `hold`.
    pub time_limit: Option<Span>,
    /// Whether the run goes on when everything has happened, until a person or the time limit ends it.
    pub hold: bool,
    /// The variables, for the log. Every text below has its variables replaced already.
    pub vars: BTreeMap<String, VarValue>,
    /// The ports of `${port:NAME}`, for the log. Every text below has them already.
    pub ports: BTreeMap<String, u16>,
    /// Sorted by key.
    pub presets: Vec<Preset>,
    /// Sorted by name.
    pub fetches: Vec<FetchJob>,
    /// Sorted by name.
    pub data: Vec<DataTable>,
    /// In file order.
    pub timeline: Vec<TimelineEntry>,
    /// The conditions on a run, in file order.
    pub expectations: Vec<Expectation>,
    /// The cells that players share, with the value that each holds at first; sorted by name.
    pub shared_cells: Vec<(String, i64)>,
    /// The names of the locks that players take.
    pub locks: Vec<String>,
    /// The channels through which players send numbers, sorted by name.
    pub channels: Vec<Channel>,
    /// The world, if there is one.
    pub world: Option<WorldRules>,
    /// The links between programs, sorted by name.
    pub links: Vec<Link>,
}

impl Scenario {
    /// The name by which entries and typed commands refer to an entry: its id, or else the name of what it
    /// starts. `None` if it has no id and starts nothing.
    #[must_use]
    pub fn entry_name(&self, entry: usize) -> Option<&str> {
        let entry = &self.timeline[entry];
        entry.id.as_deref().or(match entry.action {
            EntryAction::Spawn(preset) => Some(&self.presets[preset].name),
            EntryAction::Fetch(fetch) => Some(&self.fetches[fetch].name),
            EntryAction::Stop(_)
            | EntryAction::Send(_)
            | EntryAction::Signal(_)
            | EntryAction::Kill(_)
            | EntryAction::Restart(_)
            | EntryAction::Link(_)
            | EntryAction::Mark(_) => None,
        })
    }

    /// The entry that a name refers to: the one of this id; if there is none, the one without an id that
    /// starts a preset or a fetch of this name, if it is the only such entry.
    #[must_use]
    pub fn find_entry(&self, name: &str) -> Option<usize> {
        let by_id = self.timeline.iter().position(|entry| entry.id.as_deref() == Some(name));
        by_id.or_else(|| {
            let starts = |entry: &TimelineEntry| match entry.action {
                EntryAction::Spawn(preset) => self.presets[preset].name == name,
                EntryAction::Fetch(fetch) => self.fetches[fetch].name == name,
                _ => false,
            };
            let is_meant = |entry: &TimelineEntry| entry.id.is_none() && starts(entry);
            let mut starting = self.timeline.iter().enumerate().filter(|(_, entry)| is_meant(entry));
            let (index, _) = starting.next()?;
            starting.next().is_none().then_some(index)
        })
    }

    /// The first preset of the name that a preset has: itself, but for variants.
    #[must_use]
    pub fn first_of_name(&self, preset: usize) -> usize {
        self.presets[preset].variant.as_ref().map_or(preset, |variant| variant.first)
    }

    /// The preset that a typed name spawns: the one with the arguments of its own.
    #[must_use]
    pub fn preset_by_key(&self, key: &str) -> Option<usize> {
        self.presets.iter().position(|preset| preset.key() == key)
    }

    /// Whether a run may start a process, also by a command that is typed.
    #[must_use]
    pub fn starts_processes(&self) -> bool {
        self.presets.iter().any(|preset| preset.kind.is_process())
    }

    /// The files that programs and fetches of a run read, and those of rows, relative to the scenario's
    /// folder.
    #[must_use]
    pub fn input_files(&self) -> Vec<&Path> {
        let stdin = self.presets.iter().filter_map(|preset| match &preset.kind {
            PresetKind::Command(command) => match &command.stdin {
                StdinMode::File(path) => Some(&**path),
                _ => None,
            },
            PresetKind::Players(_) => None,
        });
        let fetched = self.fetches.iter().flat_map(|job| {
            let cert = job.client_cert.iter().flat_map(|cert| [&*cert.cert, &*cert.key]);
            let body = job.body.iter().flat_map(FetchBody::files);
            body.chain(job.ca.as_deref()).chain(cert)
        });
        stdin.chain(fetched).chain(self.data.iter().filter_map(DataTable::path)).collect()
    }
}

/// The largest number of players in a world at a time: each state names all of them in one line of the log.
pub const MAX_PLAYERS_IN_WORLD: usize = 100_000;

/// The world in which players have places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldRules {
    /// The width and the height; each is at least 1.
    pub size: [u32; 2],
    /// The rule for a player that walks beyond an edge.
    pub edges: WorldEdges,
    /// The period of `world.state`; `None`: the state is sent after every move.
    pub broadcast: Option<Span>,
}

/// The rule for a player that walks beyond an edge of the world.
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
