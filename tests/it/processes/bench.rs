//! The bench for these tests: the processes of a scenario made here, and the reports of each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::common::reset_signals;
use scenario::io::RunContext;
use scenario::io::inbox::Inbox;
use scenario::io::process::{Processes, SpawnNumber};
use scenario_core::diagnostic::FilePlace;
use scenario_core::engine::input::Input;
use scenario_core::scenario::interval::Interval;
use scenario_core::scenario::model::{
    CommandPreset, ExitRule, Isolation, LifeRules, OnFailure, PlayerBehavior, PlayerGroup, PlayersPreset,
    Preset, PresetKind, Scenario, ScenarioText, StdinMode, StopPolicy,
};
use scenario_log::event::{Direction, OutputStream, Source, SpawnExit};
use scenario_log::name::NamePattern;
use scenario_log::secrets::Secrets;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// A program with the defaults of a scenario, except for a grace that no test waits for.
pub(crate) fn command(argv: &[&str]) -> CommandPreset {
    CommandPreset {
        argv: argv.iter().map(|word| ScenarioText::plain(*word)).collect(),
        dir: None,
        env: BTreeMap::new(),
        clear_env: false,
        stdin: StdinMode::Null,
        ready: None,
        alive: None,
        pty: false,
        exits: ExitRule::Any,
        background: false,
        stop: StopPolicy { signal: Signal::TERM, grace: Span::from_secs(60), command: Vec::new() },
        max_line: 64 << 10,
        life: LifeRules::default(),
        resources: Default::default(),
    }
}

pub(crate) fn sh(script: &str) -> CommandPreset {
    command(&["sh", "-c", script])
}

pub(crate) fn open(script: &str) -> CommandPreset {
    CommandPreset { stdin: StdinMode::Open, ..sh(script) }
}

/// The reports of one process, in order.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) pid: Option<u32>,
    pub(crate) failure: Option<String>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) unsent: Vec<String>,
    pub(crate) exit: Option<SpawnExit>,
}

impl Story {
    /// Takes the next report, and asserts their order.
    pub(crate) fn record(&mut self, seen: &Input) {
        assert!(self.exit.is_none() && self.failure.is_none(), "after its end: {seen:?}");
        assert!(self.pid.is_some() || matches!(seen, Input::SpawnStarted { .. } | Input::SpawnFailed { .. }));
        match seen {
            Input::SpawnStarted { pid, .. } => assert_eq!(self.pid.replace(*pid), None, "started once"),
            Input::SpawnFailed { error, .. } => self.failure = Some(error.clone()),
            Input::SpawnExited { exit, .. } => self.exit = Some(*exit),
            Input::SendFailed { error, .. } => self.unsent.push(error.clone()),
            Input::SpawnLines { stream: OutputStream::Stdout, chunk, .. } => {
                self.stdout.extend_from_slice(chunk)
            }
            Input::SpawnLines { stream: OutputStream::Stderr, chunk, .. } => {
                self.stderr.extend_from_slice(chunk)
            }
            // The line follows; and whether a stop is seen before the end is a matter of time.
            Input::SpawnText { .. } | Input::SpawnSuspended { .. } | Input::SpawnResumed { .. } => {}
            other => panic!("not from a process: {other:?}"),
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.exit.is_some() || self.failure.is_some()
    }
}

/// A driver without an engine.
pub(crate) struct Bench {
    pub(crate) inbox: Rc<Inbox>,
    pub(crate) processes: Processes,
    pub(crate) stories: BTreeMap<Source, Story>,
    pub(crate) started: u32,
}

impl Bench {
    /// Starts the command of this index.
    pub(crate) fn start(&mut self, preset: usize) -> Source {
        self.started += 1;
        let source = Source::Spawn(self.started);
        self.processes.start(source, preset, SpawnNumber { nth: 0, instance: 1 });
        source
    }

    pub(crate) fn story(&self, source: Source) -> &Story {
        &self.stories[&source]
    }

    /// Takes reports until `enough` holds.
    pub(crate) async fn until(&mut self, mut enough: impl FnMut(&BTreeMap<Source, Story>) -> bool) {
        let mut taken = Vec::new();
        while !enough(&self.stories) {
            self.inbox.wait_for_input().await;
            self.inbox.take_all(&mut taken);
            for seen in taken.drain(..) {
                let (Input::SpawnStarted { source, .. }
                | Input::SpawnFailed { source, .. }
                | Input::SpawnLines { source, .. }
                | Input::SpawnText { source, .. }
                | Input::SpawnSuspended { source, .. }
                | Input::SpawnResumed { source }
                | Input::SpawnExited { source, .. }
                | Input::SendFailed { source, .. }) = &seen
                else {
                    panic!("not from a process: {seen:?}")
                };
                self.stories.entry(*source).or_default().record(&seen);
                self.inbox.recycle(seen);
            }
        }
    }

    /// Takes reports until all started processes have ended or failed.
    pub(crate) async fn until_all_ended(&mut self) {
        let started = self.started as usize;
        self.until(|all| all.len() == started && all.values().all(Story::is_over)).await;
    }

    /// Takes reports until a process has written `text` to its standard output.
    pub(crate) async fn until_output(&mut self, source: Source, text: &str) {
        self.until(|all| all.get(&source).is_some_and(|story| story.text().contains(text))).await;
    }

    /// Starts a command, and gives its story once it has ended or failed.
    pub(crate) async fn story_of(&mut self, preset: usize) -> &Story {
        let source = self.start(preset);
        self.until_all_ended().await;
        self.story(source)
    }
}

/// The folder of the scenario.
pub(crate) fn folder() -> PathBuf {
    std::fs::canonicalize(env!("CARGO_TARGET_TMPDIR")).expect("cargo makes it")
}

/// A scenario with the presets `p0`, `p1` and so on of these commands, and one of players after them.
pub(crate) fn scenario(commands: &[CommandPreset]) -> Scenario {
    let preset = |(n, command): (usize, &CommandPreset)| Preset {
        name: format!("p{n}"),
        kind: PresetKind::Command(Box::new(command.clone())),
        args: BTreeMap::new(),
        variant: None,
        place: FilePlace::default(),
    };
    let john = PlayerGroup {
        name: NamePattern::new("john", 1),
        count: 1,
        behavior: PlayerBehavior::Moves { moves: 1, every: Interval::Constant(Span::ZERO) },
        directions: Direction::ALL.map(|one| one.letter().to_owned()).to_vec(),
        data: None,
        on_failure: OnFailure::End,
        cookies: true,
    };
    let players = Preset {
        name: "players".to_owned(),
        kind: PresetKind::Players(PlayersPreset { groups: vec![john], isolation: Isolation::Process }),
        args: BTreeMap::new(),
        variant: None,
        place: FilePlace::default(),
    };
    Scenario {
        name: "test".to_owned(),
        description: None,
        seed: None,
        tick: None,
        world: None,
        links: Vec::new(),
        time_limit: None,
        hold: false,
        vars: BTreeMap::new(),
        ports: BTreeMap::new(),
        presets: commands.iter().enumerate().map(preset).chain([players]).collect(),
        fetches: Vec::new(),
        data: Vec::new(),
        timeline: Vec::new(),
        expectations: Vec::new(),
        shared_cells: Vec::new(),
        locks: Vec::new(),
        channels: Vec::new(),
    }
}

pub(crate) fn with_secrets(commands: &[CommandPreset], secrets: Secrets, test: impl AsyncFnOnce(&mut Bench)) {
    reset_signals();
    let scenario = Rc::new(scenario(commands));
    let context = RunContext { scenario, folder: folder(), secrets, seed: 1, speed: 1.0 };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = async {
        let inbox = Inbox::new();
        let processes = Processes::new(Rc::new(context), Rc::clone(&inbox), |_, _| String::new());
        let mut bench = Bench { inbox, processes, stories: BTreeMap::new(), started: 0 };
        // Not a bound on anything: it only ends a test that would never end.
        tokio::time::timeout(Duration::from_secs(120), test(&mut bench)).await.expect("an end");
    };
    runtime.expect("a runtime").block_on(tokio::task::LocalSet::new().run_until(run));
}

pub(crate) fn with(commands: &[CommandPreset], test: impl AsyncFnOnce(&mut Bench)) {
    with_secrets(commands, Secrets::default(), test);
}

/// The fields of a process's `stat`, from the third on; `None` if the process has gone or is a
/// zombie.
pub(crate) fn stat(pid: &str) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    let fields: Vec<String> = stat.rsplit(") ").next()?.split(' ').map(str::to_owned).collect();
    (fields[0] != "Z").then_some(fields)
}

/// Waits until a process has gone.
pub(crate) async fn gone(pid: &str) {
    while stat(pid).is_some() {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn write_file(name: &str, content: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(&path, content).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
}

/// Runs a test again in a process of its own, which `sh` starts after these commands. True in that
/// process, false in the first one, where the test has then passed.
pub(crate) fn is_prepared_process(test: &str, prepare: &str) -> bool {
    if std::env::var_os("SCENARIO_TEST_PREPARED").is_some() {
        return true;
    }
    let script = format!("{prepare} \"$0\" --exact {test} --nocapture");
    let again = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().expect("its path"))
        .env("SCENARIO_TEST_PREPARED", "1")
        .output()
        .expect("it runs");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(String::from_utf8_lossy(&again.stdout).contains("1 passed"), "there is such a test");
    false
}
