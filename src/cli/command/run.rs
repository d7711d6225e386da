//! `scenario run`: reads a scenario, opens its log, and has it driven.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::cli::args::{ClockArg as ClockOption, RunArgs as Arguments};
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::{
    choose_seed, load_quietly, log_path, report_diagnostics, report_error, report_files, serve,
    stderr_has_color, watch, write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::io::RunContext;
use crate::io::console_input;
use crate::io::console_input::ConsoleInput;
use crate::io::guard;
use crate::io::guard::lifeline::Lifeline;
use crate::io::log_file::writer;
use crate::io::log_file::writer::{LogWriter, OutputDestination, RefusedError};
use crate::report::run_annotations::RunAnnotations;
use crate::run::recorder::RunRecorder;
use crate::run::{DrivenRun, live, virtual_time};
use crate::terminal::event_lines::{EventRenderer, LineRenderer};
use crate::terminal::latest_progress::LatestProgress;
use crate::terminal::writer::{ProgressBarSetup, TerminalWriter};
use crate::web::page::LivePage;
use crate::web::server::{BoundServer, ServerMode};
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::plan::likely_end;
use scenario_core::scenario::LoadedScenario;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved;
use scenario_log::reader::MAX_LINE_LEN;
use scenario_log::sanitize::sanitize;

/// The largest scenario, as a line of the log has it: readers take no longer line than
/// [`LONGEST_LINE`].
const MAX_RESOLVED_BYTES: usize = MAX_LINE_LEN - (1 << 20);

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if let Some(fault) = find_misuse(arguments) {
        report_error(fault);
        return ExitCode::Usage;
    }
    let lifeline = match Lifeline::find() {
        Ok(lifeline) => lifeline,
        Err(fault) => {
            report_error(fault);
            return ExitCode::Refused;
        }
    };
    let github = GitHubAnnotator::detect(arguments.github);
    if arguments.watch && lifeline.is_none() {
        return watch::run_watching(arguments);
    }
    let loaded = match load_quietly(&arguments.file, &arguments.variables, arguments.clock.into()) {
        Ok(loaded) => loaded,
        Err(failure) => {
            report_diagnostics(&failure.sources, &failure.diagnostics, github.as_ref());
            return ExitCode::Usage;
        }
    };
    if lifeline.is_none()
        && loaded.scenario.starts_processes()
        && let Some(exit) = run_guarded(arguments, &loaded)
    {
        return exit;
    }
    report_diagnostics(&loaded.sources, &loaded.warnings, github.as_ref());
    let seed = match choose_seed(arguments.seed, &loaded.scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    match run_loaded(arguments, loaded, (seed, lifeline), github.as_ref()) {
        Ok(exit) => exit,
        Err(RefusedError(refusal)) => {
            report_error(refusal);
            ExitCode::Refused
        }
    }
}

/// Has the run done by a runner that this process guards. `None` where that cannot be.
fn run_guarded(arguments: &Arguments, loaded: &LoadedScenario) -> Option<ExitCode> {
    // Standard input can be read only once.
    let scenario = loaded.sources.get(0).filter(|_| arguments.file.as_os_str() == "-");
    let guard::GuardedExit { code, death_message: died } =
        guard::guard(scenario.map(|file| &*file.text), None)?;
    if let Some(died) = died {
        report_error(died);
    }
    Some(ExitCode::FromGuarded(code))
}

/// What cannot go together.
fn find_misuse(arguments: &Arguments) -> Option<&'static str> {
    if arguments.clock == ClockOption::Virtual {
        if arguments.speed != 1.0 {
            return Some("`--speed` is for the real clock; virtual time is as fast as it can be");
        }
        if arguments.precise {
            return Some("`--precise` is for the real clock; virtual time is always exact");
        }
        if arguments.serving.address.is_some() {
            return Some(
                "in virtual time there is nothing to watch: serve its log with `scenario play --serve`",
            );
        }
    }
    if arguments.watch
        && let Some(fault) = watch::find_misuse(arguments)
    {
        return Some(fault);
    }
    let is_stdout = |path: &Option<PathBuf>| path.as_deref().is_some_and(|path| path.as_os_str() == "-");
    if is_stdout(&arguments.log) && is_stdout(&arguments.junit) {
        return Some("standard output cannot be the `--log` and the `--junit`");
    }
    (arguments.file.as_os_str() == "-"
        && arguments.input.as_deref().is_some_and(|input| input.as_os_str() == "-"))
    .then_some("standard input cannot be the scenario and the `--input`")
}

fn run_loaded(
    arguments: &Arguments,
    loaded: LoadedScenario,
    (seed, lifeline): (u64, Option<Lifeline>),
    github: Option<&GitHubAnnotator>,
) -> Result<ExitCode, RefusedError> {
    let LoadedScenario { scenario, folder, secrets, sources, .. } = loaded;
    let resolved = resolved::to_json(&scenario);
    if resolved.len() > MAX_RESOLVED_BYTES {
        report_error(format_args!(
            "with its variables put in, the scenario has {} MiB; a log holds one of {} MiB at most",
            resolved.len() >> 20,
            MAX_RESOLVED_BYTES >> 20
        ));
        return Ok(ExitCode::Usage);
    }
    let entered = Arc::default();
    let keyboard = open_input(arguments, &entered)?;
    let typed = match arguments.clock {
        ClockOption::Real => Vec::new(),
        ClockOption::Virtual => read_typed_lines(keyboard.as_ref())?,
    };
    let junit = report_files::open_run_junit(arguments)?;
    let serving = serve::listen(&arguments.serving)?;
    let link = serving.as_ref().map(BoundServer::page_url);
    let scenario = Rc::new(scenario);
    let course =
        (!arguments.quiet).then(|| progress_bar_setup(arguments, &scenario, seed, entered)).flatten();
    let board = course.as_ref().map(|course| course.latest_progress.clone());
    let terminal = (!arguments.quiet).then(|| TerminalWriter::start(course));
    let show = terminal
        .as_ref()
        .map_or_else(|| Box::new(|_: &[u8]| {}) as writer::ShowOnScreen, TerminalWriter::text_sink);
    let screen =
        (!arguments.quiet).then(|| Box::new(LineRenderer::new(stderr_has_color())) as Box<dyn EventRenderer>);
    let mut destination = None;
    let has_cases = junit.is_some();
    let annotations = github.map(|_| RunAnnotations::new(Rc::clone(&scenario)));
    let open = || {
        let (place, opened) =
            log_path::open_log(arguments, &scenario.name).map_err(|RefusedError(refusal)| refusal)?;
        let writer = LogWriter::start(opened, show).map_err(|RefusedError(refusal)| refusal)?;
        let log = match &place {
            OutputDestination::File(path) => Some(sanitize(&path.to_string_lossy())),
            _ => None,
        };
        destination = Some(place);
        let mut journal = RunRecorder::new(Some(writer), screen);
        if let Some(link) = link {
            serve::report_link(&link);
            journal = journal.with_page(LivePage::for_run(arguments.speed, log).with_scenario(&scenario));
        }
        let journal = match annotations {
            Some(annotations) => journal.with_annotations(annotations),
            None => journal,
        };
        Ok(if has_cases { journal.with_junit_cases() } else { journal })
    };
    let begin = |started_at: Option<&str>, scenario: &Rc<_>, journal| {
        let clock = arguments.clock.into();
        let start = RunStart { seed, clock, started_at, schedule: &[], scenario_json: &resolved };
        DrivenRun::start(scenario, &start, journal)
    };
    let (run, verdict) = if arguments.clock == ClockOption::Real {
        let started = terminal.as_ref().map(TerminalWriter::clock_started).unwrap_or_default();
        let context =
            RunContext { scenario: Rc::clone(&scenario), folder, secrets, seed, speed: arguments.speed };
        let (speed, precise) = (arguments.speed, arguments.precise);
        let server = serving.map(|listening| serve::start(listening, ServerMode::Run)).transpose()?;
        let live = live::LiveSetup {
            context,
            speed,
            precise,
            input: keyboard,
            lifeline,
            clock_started: started,
            latest_progress: board,
            server,
        };
        let begin = |started_at: &str, journal| begin(Some(started_at), &scenario, journal);
        live::drive(live, open, begin).map_err(RefusedError)?
    } else {
        virtual_time::drive(|| Ok(begin(None, &scenario, open()?)), &typed, lifeline).map_err(RefusedError)?
    };
    let DrivenRun { recorder: journal, .. } = run;
    let reason = journal.reason().map(str::to_owned);
    let cases =
        journal.junit_cases().map(|cases| cases.render_junit(verdict.as_ref().err().map(String::as_str)));
    let annotations = journal.annotations().map(RunAnnotations::to_annotations).unwrap_or_default();
    drop(journal);
    let dropped = terminal.map_or(0, TerminalWriter::finish);
    let concluded = show_conclusion(arguments, verdict, destination.as_ref(), (dropped, reason));
    if let Some(github) = github {
        github.write_annotations(&sources, &annotations);
    }
    if let (Some(output), Some(cases)) = (junit, cases) {
        report_files::write_junit(output, cases)?;
    }
    concluded
}

/// Where typed lines come from: `--input`, or a terminal. Nothing else is ever read.
fn open_input(arguments: &Arguments, entered: &Arc<AtomicU64>) -> Result<Option<ConsoleInput>, RefusedError> {
    match &arguments.input {
        Some(path) if path.as_os_str() == "-" => Ok(Some(ConsoleInput::Stdin)),
        Some(path) => {
            let metadata = std::fs::metadata(path);
            let fault = match metadata {
                Ok(metadata) if metadata.is_dir() => Some("it is a folder".to_owned()),
                Ok(_) => rustix::fs::access(path, rustix::fs::Access::READ_OK)
                    .err()
                    .map(|errno| std::io::Error::from(errno).to_string()),
                Err(error) => Some(error.to_string()),
            };
            match fault {
                Some(fault) => {
                    Err(RefusedError(format!("cannot read `--input` {}: {fault}", path.display())))
                }
                None => Ok(Some(ConsoleInput::File(path.clone()))),
            }
        }
        None => Ok((std::io::stdin().is_terminal() && arguments.file.as_os_str() != "-")
            .then(|| ConsoleInput::Terminal(Arc::clone(entered)))),
    }
}

/// The way to the end that a bar can show, on a terminal.
fn progress_bar_setup(
    arguments: &Arguments,
    scenario: &Scenario,
    seed: u64,
    entered: Arc<AtomicU64>,
) -> Option<ProgressBarSetup> {
    let is_shown =
        arguments.clock == ClockOption::Real && std::io::stderr().is_terminal() && stderr_has_color();
    is_shown.then(|| ProgressBarSetup {
        likely_end: likely_end(scenario, seed),
        speed: arguments.speed,
        lines_entered: entered,
        latest_progress: LatestProgress::default(),
    })
}

/// What is typed, for a clock that does not wait: all of `--input`, at the start.
fn read_typed_lines(keyboard: Option<&ConsoleInput>) -> Result<Vec<String>, RefusedError> {
    match keyboard {
        Some(keyboard) => console_input::read_all(keyboard)
            .map_err(|error| RefusedError(format!("cannot read the `--input`: {error}"))),
        None => Ok(Vec::new()),
    }
}

/// Says where the log is and how it went, and gives the exit code.
fn show_conclusion(
    arguments: &Arguments,
    verdict: Result<RunVerdict, String>,
    destination: Option<&OutputDestination>,
    (dropped, reason): (u64, Option<String>),
) -> Result<ExitCode, RefusedError> {
    let verdict = verdict.map_err(|fault| RefusedError(format!("{fault}; the run was stopped")))?;
    if arguments.quiet {
        if verdict != RunVerdict::Passed {
            let reason = reason.unwrap_or_default();
            report_error(format_args!("the run did not pass: {reason}"));
        }
    } else {
        if dropped > 0 {
            write_stderr(&format!("           {dropped} lines were not shown; the log has them\n"));
        }
        if let Some(OutputDestination::File(path)) = destination {
            write_stderr(&format!("           log: {}\n", sanitize(&path.to_string_lossy())));
        }
    }
    Ok(match verdict {
        RunVerdict::Passed => ExitCode::Passed,
        RunVerdict::InternalError => ExitCode::InternalError,
        RunVerdict::Failed | RunVerdict::Interrupted(None) => ExitCode::Failed,
        RunVerdict::Interrupted(Some(signal)) => ExitCode::Signalled(signal),
    })
}
