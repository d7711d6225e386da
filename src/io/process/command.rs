//! Builds the command of a preset from the checked scenario: program, arguments, folder, environment
//! and standard input. Starts nothing, and opens only the file that is to be the standard input.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use rustix::fs::{Access, OFlags};

use crate::io::notices::Notices;
use crate::io::own_program::{PROGRAM_NAME, RUNNING_PROGRAM};
use crate::io::process::SpawnNumber;
use crate::io::process::prepared::Preparation;
use crate::io::process::prepared::cgroup::ControlGroups;
use crate::io::process::pty;
use crate::io::process::start_error::ProcessStartError;
use crate::io::{PAGE_VARIABLE, RunContext, TOKEN_VARIABLE};
use scenario_core::scenario::model;
use scenario_core::scenario::model::{PresetKind, Scenario, ScenarioText, StdinMode};
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// The folders to search if there is no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The stop policy of players in a process: the default of a program.
const PLAYERS_STOP: model::StopPolicy =
    model::StopPolicy { signal: Signal::TERM, grace: Span::from_secs(5), command: Vec::new() };

/// The longest line of players in a process: the default of `max_line`.
const PLAYERS_MAX_LINE: u64 = 64 << 10;

/// A process to start.
#[derive(Debug)]
pub(super) struct CommandSpec {
    /// Its name in the scenario.
    pub(super) display_name: String,
    /// Absolute.
    pub(super) program: PathBuf,
    /// Absolute.
    pub(super) folder: PathBuf,
    /// With its name for itself, arguments and environment.
    pub(super) command: Command,
    pub(super) stdin_content: StdinContent,
    /// The process gets a terminal of its own instead of pipes, and `command` is the one that
    /// provides it.
    pub(super) pty: bool,
    pub(super) stop: model::StopPolicy,
    pub(super) max_line: u64,
    /// What the process takes on before it becomes the program, if `command` is the one that does that.
    pub(super) preparation: Option<Preparation>,
}

/// The standard input of a process.
#[derive(Debug)]
pub(super) enum StdinContent {
    /// Nothing.
    Null,
    /// Open: commands of the run are sent to it.
    Open,
    /// The states of the world.
    World,
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// This file.
    File(OwnedFd),
}

impl CommandSpec {
    /// Builds the command for a spawn of a preset. `players_text` gives players in a
    /// process their scenario.
    pub(super) fn new(
        context: &RunContext,
        preset: usize,
        number: SpawnNumber,
        players_text: fn(&Scenario, usize) -> String,
        around: (&Rc<ControlGroups>, &Notices),
    ) -> Result<CommandSpec, ProcessStartError> {
        let folder = absolute_folder(context)?;
        let preset_index = preset;
        let preset = &context.scenario.presets[preset];
        match &preset.kind {
            PresetKind::Command(command) => {
                CommandSpec::from_command(&command.for_instance(number.instance), folder, around)
            }
            PresetKind::Players(_) => {
                let program = PathBuf::from(RUNNING_PROGRAM);
                let mut command = Command::new(&program);
                command.arg0(PROGRAM_NAME).args(players_arguments(context, preset.key(), number.nth));
                Ok(CommandSpec {
                    display_name: PROGRAM_NAME.to_owned(),
                    program,
                    folder,
                    command,
                    stdin_content: StdinContent::Bytes(
                        players_text(&context.scenario, preset_index).into_bytes(),
                    ),
                    pty: false,
                    stop: PLAYERS_STOP,
                    max_line: PLAYERS_MAX_LINE,
                    preparation: None,
                })
            }
        }
    }

    /// Builds the command of a program.
    fn from_command(
        preset: &model::CommandPreset,
        home: PathBuf,
        around: (&Rc<ControlGroups>, &Notices),
    ) -> Result<CommandSpec, ProcessStartError> {
        let FoundProgram { shown, program, called, folder } = locate_program(preset, &preset.argv, &home)?;
        let preparation = Preparation::new(preset, around)?;
        let mut command = match &preparation {
            Some(preparation) => preparation.command(&program, &called, preset.pty),
            None if preset.pty => pty::exec_on_pty_command(&program, &called),
            None => {
                let mut command = Command::new(&program);
                command.arg0(&called);
                command
            }
        };
        set_surroundings(&mut command, preset, &preset.argv, preparation.as_ref());
        let input = match &preset.stdin {
            StdinMode::Null => StdinContent::Null,
            StdinMode::Open => StdinContent::Open,
            StdinMode::World => StdinContent::World,
            StdinMode::Text(text) => StdinContent::Bytes(text.reveal().as_bytes().to_vec()),
            StdinMode::File(file) => StdinContent::File(open_stdin_file(&home.join(file))?),
        };
        let (stop, max_line) = (preset.stop.clone(), preset.max_line);
        Ok(CommandSpec {
            display_name: shown,
            program,
            folder,
            command,
            stdin_content: input,
            pty: preset.pty,
            stop,
            max_line,
            preparation,
        })
    }

    /// The standard input for the process, and the end of it that we write to.
    pub(super) fn take_stdin(&mut self) -> io::Result<(Stdio, Option<io::PipeWriter>)> {
        match std::mem::replace(&mut self.stdin_content, StdinContent::Null) {
            StdinContent::Null => Ok((Stdio::null(), None)),
            StdinContent::File(file) => Ok((Stdio::from(file), None)),
            input @ (StdinContent::Open | StdinContent::World | StdinContent::Bytes(_)) => {
                self.stdin_content = input;
                let (theirs, ours) = io::pipe()?;
                Ok((Stdio::from(theirs), Some(ours)))
            }
        }
    }
}

/// A command of the runner's own about a program of a preset, to be started.
#[derive(Debug)]
pub(super) struct ShortCommandSpec {
    /// Its name in the scenario.
    pub(super) display_name: String,
    /// Absolute.
    pub(super) program: PathBuf,
    /// Absolute: the folder of the program that it is about.
    pub(super) folder: PathBuf,
    /// With its name for itself, arguments and environment.
    pub(super) command: tokio::process::Command,
}

impl ShortCommandSpec {
    /// Builds a command that runs where the program of a preset runs, with its environment.
    pub(super) fn new(
        context: &RunContext,
        preset: &model::CommandPreset,
        argv: &[ScenarioText],
    ) -> Result<ShortCommandSpec, ProcessStartError> {
        let home = absolute_folder(context)?;
        let FoundProgram { shown, program, called, folder } = locate_program(preset, argv, &home)?;
        let mut command = tokio::process::Command::new(&program);
        command.arg0(&called).current_dir(&folder).stdin(Stdio::null());
        set_surroundings(command.as_std_mut(), preset, argv, None);
        Ok(ShortCommandSpec { display_name: shown, program, folder, command })
    }
}

/// The scenario's folder.
fn absolute_folder(context: &RunContext) -> Result<PathBuf, ProcessStartError> {
    let folder = Some(context.folder.as_path()).filter(|folder| !folder.as_os_str().is_empty());
    std::path::absolute(folder.unwrap_or(Path::new("."))).map_err(|error| ProcessStartError::from_io(&error))
}

/// A program that was looked for.
struct FoundProgram {
    /// Its name in the scenario.
    shown: String,
    /// Absolute.
    program: PathBuf,
    /// The name that a shell would give it: some programs act by the name that they are called.
    called: OsString,
    /// Absolute: the folder that it runs in.
    folder: PathBuf,
}

/// Finds the program of a list of arguments, for a preset. `home` is the scenario's folder.
fn locate_program(
    preset: &model::CommandPreset,
    argv: &[ScenarioText],
    home: &Path,
) -> Result<FoundProgram, ProcessStartError> {
    let folder = preset.dir.as_ref().map_or_else(|| home.to_owned(), |dir| home.join(dir.reveal()));
    let name = argv.first().map_or("", ScenarioText::reveal);
    let shown = argv.first().map_or("", ScenarioText::display_text).to_owned();
    if name.contains('/') {
        let program = home.join(name);
        return Ok(FoundProgram { shown, called: program.as_os_str().to_owned(), program, folder });
    }
    // The program is searched for here and not by the system: if the environment named another
    // PATH, a start would need a fork, and a fork of a big runner takes ten times as long.
    let path = search_path(preset);
    let program = find_program(name, &shown, &path, &folder).map_err(|error| {
        // The runner's own path is known to its user, and another one is not.
        let is_own = std::env::var_os("PATH").as_ref() == Some(&path);
        let looked_in = if is_own { String::new() } else { looked_in(&path) };
        ProcessStartError::Permanent(format!("{error}{looked_in}"))
    })?;
    Ok(FoundProgram { called: name.into(), shown, program, folder })
}

/// Gives a command its arguments and the environment of the program of a preset.
fn set_surroundings(
    command: &mut Command,
    preset: &model::CommandPreset,
    argv: &[ScenarioText],
    preparation: Option<&Preparation>,
) {
    command.args(argv.iter().skip(1).map(ScenarioText::reveal));
    if preset.clear_env {
        command.env_clear();
    }
    // The programs of a scenario must not see it, unless the preset sets it.
    command.env_remove(TOKEN_VARIABLE).env_remove(PAGE_VARIABLE);
    if preset.pty {
        command.env("TERM", pty::TERM_VALUE);
    }
    if let Some(preparation) = preparation.filter(|_| !preset.clear_env) {
        command.envs(preparation.variables());
    }
    command.envs(preset.env.iter().map(|(name, value)| (name, value.reveal())));
}

/// The arguments for a process of this program that plays one preset, which it reads from its
/// standard input.
fn players_arguments(context: &RunContext, preset: &str, nth: u64) -> [String; 9] {
    let [seed, nth, speed] = [context.seed.to_string(), nth.to_string(), context.speed.to_string()];
    let words = ["players", "--seed", &seed, "--nth", &nth, "--speed", &speed, "-", preset];
    words.map(str::to_owned)
}

/// The search path that the process itself would use.
fn search_path(preset: &model::CommandPreset) -> OsString {
    let inherited = || (!preset.clear_env).then(|| std::env::var_os("PATH")).flatten();
    let named = preset.env.get("PATH").map(|path| OsString::from(path.reveal()));
    named.or_else(inherited).unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Finds the program of this name in the order of `path`. Relative folders in it start at `folder`.
fn find_program(name: &str, shown: &str, path: &OsStr, folder: &Path) -> Result<PathBuf, String> {
    let mut forbidden = None;
    for place in std::env::split_paths(path).filter(|_| !name.is_empty()) {
        let program = folder.join(place).join(name);
        if program.is_file() {
            if rustix::fs::access(&program, Access::EXEC_OK).is_ok() {
                return Ok(program);
            }
            forbidden.get_or_insert(program);
        }
    }
    Err(match forbidden {
        Some(program) => format!("`{}` is not executable (`chmod +x` makes it so)", program.display()),
        None => format!("there is no program `{shown}` in any folder of PATH"),
    })
}

/// The folders of a search path, in brackets.
fn looked_in(path: &OsStr) -> String {
    let folders: Vec<String> =
        std::env::split_paths(path).map(|folder| folder.display().to_string()).collect();
    format!(" ({})", folders.join(", "))
}

/// Opens the file for a standard input. `O_NONBLOCK`, since opening a FIFO would wait for a writer.
fn open_stdin_file(file: &Path) -> Result<OwnedFd, ProcessStartError> {
    let fail = |error: io::Error| match ProcessStartError::from_io(&error) {
        ProcessStartError::Permanent(words) => ProcessStartError::Permanent(format!(
            "its standard input `{}` cannot be read: {words}",
            file.display()
        )),
        limit @ ProcessStartError::LimitReached(_) => limit,
    };
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = rustix::fs::open(file, flags, rustix::fs::Mode::empty())
        .and_then(|opened| {
            // Only opening the file must not wait; the process reads it as usual.
            rustix::fs::fcntl_setfl(&opened, OFlags::empty())?;
            Ok(std::fs::File::from(opened))
        })
        .map_err(|error| fail(error.into()))?;
    if opened.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(fail(rustix::io::Errno::ISDIR.into()));
    }
    Ok(opened.into())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use scenario_log::secrets::Secrets;

    #[test]
    fn players_get_the_arguments_that_decide_their_moves() {
        let scenario = Scenario {
            name: String::new(),
            description: None,
            seed: None,
            tick: None,
            world: None,
            links: Vec::new(),
            time_limit: None,
            hold: false,
            vars: Default::default(),
            ports: Default::default(),
            presets: Vec::new(),
            fetches: Vec::new(),
            data: Vec::new(),
            timeline: Vec::new(),
            expectations: Vec::new(),
            shared_cells: Vec::new(),
            locks: Vec::new(),
            channels: Vec::new(),
        };
        let secrets = Secrets::default();
        let context = RunContext {
            scenario: Rc::new(scenario),
            folder: PathBuf::new(),
            secrets,
            seed: 2018,
            speed: 2.5,
        };
        let words = players_arguments(&context, "wave", 3).join(" ");
        assert_eq!(words, "players --seed 2018 --nth 3 --speed 2.5 - wave");
    }
}
