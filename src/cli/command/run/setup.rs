//! The setup of a run: everything that the arguments and the loaded scenario decide, lowered once and
//! checked. All outputs but the log are open afterwards; nothing has started.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::cli::args::{ClockArg, RunArgs};
use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::log_path::LogTarget;
use crate::cli::command::{choose_seed, report_files, serve, stderr_has_color};
use crate::io::console_input;
use crate::io::console_input::ConsoleInput;
use crate::io::guard::lifeline::Lifeline;
use crate::io::terminal::line_editor::EditedLine;
use crate::report::output_file::OutputFile;
use crate::run::live::AfterEnd;
use crate::terminal::latest_progress::LatestProgress;
use crate::terminal::writer::ProgressBarSetup;
use crate::web::server::BoundServer;
use scenario_core::diagnostic::SourceFiles;
use scenario_core::plan::likely_end;
use scenario_core::scenario::LoadedScenario;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved;
use scenario_log::reader::MAX_LINE_LEN;
use scenario_log::secrets::Secrets;

/// The largest scenario in bytes of JSON. The log holds it in one line, and readers refuse a line
/// longer than [`MAX_LINE_LEN`].
const MAX_RESOLVED_BYTES: usize = MAX_LINE_LEN - (1 << 20);

/// A run that is ready to start.
pub(super) struct RunSetup {
    pub(super) scenario: Rc<Scenario>,
    /// The scenario with all variables put in, as the log has it.
    pub(super) scenario_json: String,
    /// The folder of the scenario's file.
    pub(super) folder: PathBuf,
    pub(super) secrets: Secrets,
    /// The files that the scenario was read from.
    pub(super) sources: SourceFiles,
    pub(super) seed: u64,
    pub(super) timing: RunTiming,
    /// The connection to the guard, if this process has one.
    pub(super) lifeline: Option<Lifeline>,
    pub(super) log: LogTarget,
    pub(super) junit: Option<OutputFile>,
    /// The HTML report of `--report`.
    pub(super) report: Option<OutputFile>,
    /// Listens for the readers of the live page.
    pub(super) server: Option<BoundServer>,
    /// Whether the live page stays when the run has ended.
    pub(super) after_end: AfterEnd,
    /// None with `--quiet`.
    pub(super) screen: Option<RunScreen>,
    pub(super) github: Option<GitHubAnnotator>,
}

/// The clock of a run, with the options and the input that only this clock has.
pub(super) enum RunTiming {
    Real {
        /// Seconds of the run in a second of the machine.
        speed: f64,
        /// Whether to spin before each moment.
        precise: bool,
        input: Option<ConsoleInput>,
    },
    /// All typed lines are typed at the start: virtual time does not wait for a person.
    Virtual { typed_lines: Vec<String> },
}

/// Standard error as it shows the run.
pub(super) struct RunScreen {
    /// None if standard error cannot show a bar.
    pub(super) progress_bar: Option<ProgressBarSetup>,
}

impl RunSetup {
    /// Lowers the arguments. The first problem ends it.
    pub(super) fn new(
        arguments: &RunArgs,
        loaded: LoadedScenario,
        lifeline: Option<Lifeline>,
        github: Option<GitHubAnnotator>,
    ) -> Result<RunSetup, CliError> {
        let mut kept = report_files::run_inputs(arguments, &loaded);
        let LoadedScenario { scenario, folder, secrets, sources, .. } = loaded;
        let seed = choose_seed(arguments.seed, &scenario).map_err(CliError::already_reported)?;
        let scenario_json = resolve(&scenario)?;
        let lines_entered = Arc::default();
        let input = open_input(arguments, &lines_entered)?;
        let typed_line = input.as_ref().and_then(ConsoleInput::typed_line);
        let timing = match arguments.clock {
            ClockArg::Real => RunTiming::Real { speed: arguments.speed, precise: arguments.precise, input },
            ClockArg::Virtual => RunTiming::Virtual { typed_lines: read_typed_lines(input.as_ref())? },
        };
        let junit = report_files::open_run_junit(arguments, &mut kept)?;
        let report = report_files::open_run_report(arguments, &mut kept)?;
        // The first process of a watch has listened for a port and drawn a token, which outlive the runs.
        let is_watched = arguments.watch && lifeline.is_some();
        let server = if is_watched { serve::listen_again()? } else { serve::listen(&arguments.serving)? };
        let after_end = match arguments.stay {
            _ if is_watched => AfterEnd::StayUntilChange,
            true => AfterEnd::Stay,
            false => AfterEnd::Close,
        };
        let screen = (!arguments.quiet).then(|| RunScreen {
            progress_bar: has_progress_bar(arguments.clock).then(|| ProgressBarSetup {
                likely_end: likely_end(&scenario, seed),
                speed: arguments.speed,
                lines_entered,
                latest_progress: LatestProgress::default(),
                typed_line,
            }),
        });
        Ok(RunSetup {
            scenario: Rc::new(scenario),
            scenario_json,
            folder,
            secrets,
            sources,
            seed,
            timing,
            lifeline,
            log: LogTarget { path: arguments.log.clone(), is_overwritten: arguments.force, kept },
            junit,
            report,
            server,
            after_end,
            screen,
            github,
        })
    }
}

fn resolve(scenario: &Scenario) -> Result<String, CliError> {
    let json = resolved::to_json(scenario);
    if json.len() > MAX_RESOLVED_BYTES {
        return Err(CliError::usage(format_args!(
            "with its variables put in, the scenario has {} MiB; a log holds one of {} MiB at most",
            json.len() >> 20,
            MAX_RESOLVED_BYTES >> 20
        )));
    }
    Ok(json)
}

/// Opens the source of typed lines: `--input`, or else the terminal on standard input. A standard
/// input that is not a terminal is never read unless `--input -` asks for it.
fn open_input(arguments: &RunArgs, lines_entered: &Arc<AtomicU64>) -> Result<Option<ConsoleInput>, CliError> {
    match &arguments.input {
        Some(path) if path.as_os_str() == "-" => Ok(Some(ConsoleInput::Stdin)),
        Some(path) => match find_read_error(path) {
            Some(error) => {
                Err(CliError::refused(format_args!("cannot read `--input` {}: {error}", path.display())))
            }
            None => Ok(Some(ConsoleInput::File(path.clone()))),
        },
        None if !std::io::stdin().is_terminal() || arguments.file.as_os_str() == "-" => Ok(None),
        // The bar shows the typed text, which would be lost on a screen that draws a bar and echoes keys.
        None if !arguments.quiet && has_progress_bar(arguments.clock) => {
            Ok(Some(ConsoleInput::EditedTerminal(EditedLine::default())))
        }
        None => Ok(Some(ConsoleInput::Terminal(Arc::clone(lines_entered)))),
    }
}

/// Why a file cannot be read. It is not opened: that could wait for the writer of a pipe.
fn find_read_error(path: &Path) -> Option<String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Some("it is a folder".to_owned()),
        Ok(_) => rustix::fs::access(path, rustix::fs::Access::READ_OK)
            .err()
            .map(|errno| std::io::Error::from(errno).to_string()),
        Err(error) => Some(error.to_string()),
    }
}

fn read_typed_lines(input: Option<&ConsoleInput>) -> Result<Vec<String>, CliError> {
    input.map_or(Ok(Vec::new()), |input| {
        console_input::read_all(input)
            .map_err(|error| CliError::refused(format_args!("cannot read the `--input`: {error}")))
    })
}

fn has_progress_bar(clock: ClockArg) -> bool {
    clock == ClockArg::Real && std::io::stderr().is_terminal() && stderr_has_color()
}
