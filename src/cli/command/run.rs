//! `scenario run`: reads a scenario, opens its log, and has it driven.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::cli::args::{Clock as ClockOption, Run as Arguments};
use crate::cli::command::github::GitHub;
use crate::cli::command::{
    colors, log_path, read_quietly, report_files, seed_of, serve, tell, tell_diagnostics, tell_error, watch,
};
use crate::cli::exit_code::ExitCode;
use crate::io::Context;
use crate::io::guard;
use crate::io::guard::lifeline::Lifeline;
use crate::io::input;
use crate::io::input::Keyboard;
use crate::io::log_file::writer;
use crate::io::log_file::writer::{Destination, Refusal, Writer};
use crate::report::annotations::Annotations;
use crate::run::recorder::Journal;
use crate::run::{Run, live, virtual_time};
use crate::terminal::event_lines::{Render, Screen};
use crate::terminal::latest_status::Board;
use crate::terminal::writer::{Course, Terminal};
use crate::web::page::Page;
use crate::web::server::{Kind, Listening};
use scenario_core::engine::Start;
use scenario_core::engine::effect::Verdict;
use scenario_core::plan::likely_end;
use scenario_core::scenario::Loaded;
use scenario_core::scenario::model::Scenario;
use scenario_core::scenario::write::resolved;
use scenario_log::reader::LONGEST_LINE;
use scenario_log::sanitize::visible;

/// The largest scenario, as a line of the log has it: readers take no longer line than
/// [`LONGEST_LINE`].
const LARGEST_RESOLVED: usize = LONGEST_LINE - (1 << 20);

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if let Some(fault) = misuse(arguments) {
        tell_error(fault);
        return ExitCode::Usage;
    }
    let lifeline = match Lifeline::find() {
        Ok(lifeline) => lifeline,
        Err(fault) => {
            tell_error(fault);
            return ExitCode::Refused;
        }
    };
    let github = GitHub::asked(arguments.github);
    if arguments.watch && lifeline.is_none() {
        return watch::run(arguments);
    }
    let loaded = match read_quietly(&arguments.file, &arguments.reading, arguments.clock.into()) {
        Ok(loaded) => loaded,
        Err(failure) => {
            tell_diagnostics(&failure.sources, &failure.diagnostics, github.as_ref());
            return ExitCode::Usage;
        }
    };
    if lifeline.is_none()
        && loaded.scenario.starts_processes()
        && let Some(exit) = guarded(arguments, &loaded)
    {
        return exit;
    }
    tell_diagnostics(&loaded.sources, &loaded.warnings, github.as_ref());
    let seed = match seed_of(arguments.seed, &loaded.scenario) {
        Ok(seed) => seed,
        Err(exit) => return exit,
    };
    match run_loaded(arguments, loaded, (seed, lifeline), github.as_ref()) {
        Ok(exit) => exit,
        Err(Refusal(refusal)) => {
            tell_error(refusal);
            ExitCode::Refused
        }
    }
}

/// Has the run done by a runner that this process guards. `None` where that cannot be.
fn guarded(arguments: &Arguments, loaded: &Loaded) -> Option<ExitCode> {
    // Standard input can be read only once.
    let scenario = loaded.sources.get(0).filter(|_| arguments.file.as_os_str() == "-");
    let guard::Ended { code, died } = guard::guard(scenario.map(|file| &*file.text), None)?;
    if let Some(died) = died {
        tell_error(died);
    }
    Some(ExitCode::Guarded(code))
}

/// What cannot go together.
fn misuse(arguments: &Arguments) -> Option<&'static str> {
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
        && let Some(fault) = watch::misuse(arguments)
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
    loaded: Loaded,
    (seed, lifeline): (u64, Option<Lifeline>),
    github: Option<&GitHub>,
) -> Result<ExitCode, Refusal> {
    let Loaded { scenario, folder, secrets, sources, .. } = loaded;
    let resolved = resolved::to_json(&scenario);
    if resolved.len() > LARGEST_RESOLVED {
        tell_error(format_args!(
            "with its variables put in, the scenario has {} MiB; a log holds one of {} MiB at most",
            resolved.len() >> 20,
            LARGEST_RESOLVED >> 20
        ));
        return Ok(ExitCode::Usage);
    }
    let entered = Arc::default();
    let keyboard = keyboard(arguments, &entered)?;
    let typed = match arguments.clock {
        ClockOption::Real => Vec::new(),
        ClockOption::Virtual => typed_before(keyboard.as_ref())?,
    };
    let junit = report_files::junit_of_run(arguments)?;
    let serving = serve::listen(&arguments.serving)?;
    let link = serving.as_ref().map(Listening::link);
    let scenario = Rc::new(scenario);
    let course = (!arguments.quiet).then(|| course(arguments, &scenario, seed, entered)).flatten();
    let board = course.as_ref().map(|course| course.board.clone());
    let terminal = (!arguments.quiet).then(|| Terminal::start(course));
    let show = terminal.as_ref().map_or_else(|| Box::new(|_: &[u8]| {}) as writer::Show, Terminal::show);
    let screen = (!arguments.quiet).then(|| Box::new(Screen::new(colors())) as Box<dyn Render>);
    let mut destination = None;
    let has_cases = junit.is_some();
    let annotations = github.map(|_| Annotations::new(Rc::clone(&scenario)));
    let open = || {
        let (place, opened) =
            log_path::open(arguments, &scenario.name).map_err(|Refusal(refusal)| refusal)?;
        let writer = Writer::start(opened, show).map_err(|Refusal(refusal)| refusal)?;
        let log = match &place {
            Destination::File(path) => Some(visible(&path.to_string_lossy())),
            _ => None,
        };
        destination = Some(place);
        let mut journal = Journal::new(Some(writer), screen);
        if let Some(link) = link {
            serve::tell_link(&link);
            journal = journal.with_page(Page::of_run(arguments.speed, log));
        }
        let journal = match annotations {
            Some(annotations) => journal.with_annotations(annotations),
            None => journal,
        };
        Ok(if has_cases { journal.with_cases() } else { journal })
    };
    let begin = |started_at: Option<&str>, scenario: &Rc<_>, journal| {
        let clock = arguments.clock.into();
        let start = Start { seed, clock, started_at, schedule: &[], resolved: &resolved };
        Run::start(scenario, &start, journal)
    };
    let (run, verdict) = if arguments.clock == ClockOption::Real {
        let started = terminal.as_ref().map(Terminal::started).unwrap_or_default();
        let context =
            Context { scenario: Rc::clone(&scenario), folder, secrets, seed, speed: arguments.speed };
        let (speed, precise) = (arguments.speed, arguments.precise);
        let server = serving.map(|listening| serve::start(listening, Kind::Run)).transpose()?;
        let live = live::Live { context, speed, precise, input: keyboard, lifeline, started, board, server };
        let begin = |started_at: &str, journal| begin(Some(started_at), &scenario, journal);
        live::drive(live, open, begin).map_err(Refusal)?
    } else {
        virtual_time::drive(|| Ok(begin(None, &scenario, open()?)), &typed, lifeline).map_err(Refusal)?
    };
    let Run { journal, .. } = run;
    let reason = journal.reason().map(str::to_owned);
    let cases = journal.cases().map(|cases| cases.junit(verdict.as_ref().err().map(String::as_str)));
    let annotations = journal.annotations().map(Annotations::all).unwrap_or_default();
    drop(journal);
    let dropped = terminal.map_or(0, Terminal::finish);
    let concluded = conclude(arguments, verdict, destination.as_ref(), (dropped, reason));
    if let Some(github) = github {
        github.tell(&sources, &annotations);
    }
    if let (Some(output), Some(cases)) = (junit, cases) {
        report_files::write_junit(output, cases)?;
    }
    concluded
}

/// Where typed lines come from: `--input`, or a terminal. Nothing else is ever read.
fn keyboard(arguments: &Arguments, entered: &Arc<AtomicU64>) -> Result<Option<Keyboard>, Refusal> {
    match &arguments.input {
        Some(path) if path.as_os_str() == "-" => Ok(Some(Keyboard::Stdin)),
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
                Some(fault) => Err(Refusal(format!("cannot read `--input` {}: {fault}", path.display()))),
                None => Ok(Some(Keyboard::File(path.clone()))),
            }
        }
        None => Ok((std::io::stdin().is_terminal() && arguments.file.as_os_str() != "-")
            .then(|| Keyboard::Terminal(Arc::clone(entered)))),
    }
}

/// The way to the end that a bar can show, on a terminal.
fn course(arguments: &Arguments, scenario: &Scenario, seed: u64, entered: Arc<AtomicU64>) -> Option<Course> {
    let is_shown = arguments.clock == ClockOption::Real && std::io::stderr().is_terminal() && colors();
    is_shown.then(|| Course {
        end: likely_end(scenario, seed),
        speed: arguments.speed,
        entered,
        board: Board::default(),
    })
}

/// What is typed, for a clock that does not wait: all of `--input`, at the start.
fn typed_before(keyboard: Option<&Keyboard>) -> Result<Vec<String>, Refusal> {
    match keyboard {
        Some(keyboard) => {
            input::read_all(keyboard).map_err(|error| Refusal(format!("cannot read the `--input`: {error}")))
        }
        None => Ok(Vec::new()),
    }
}

/// Says where the log is and how it went, and gives the exit code.
fn conclude(
    arguments: &Arguments,
    verdict: Result<Verdict, String>,
    destination: Option<&Destination>,
    (dropped, reason): (u64, Option<String>),
) -> Result<ExitCode, Refusal> {
    let verdict = verdict.map_err(|fault| Refusal(format!("{fault}; the run was stopped")))?;
    if arguments.quiet {
        if verdict != Verdict::Passed {
            let reason = reason.unwrap_or_default();
            tell_error(format_args!("the run did not pass: {reason}"));
        }
    } else {
        if dropped > 0 {
            tell(&format!("           {dropped} lines were not shown; the log has them\n"));
        }
        if let Some(Destination::File(path)) = destination {
            tell(&format!("           log: {}\n", visible(&path.to_string_lossy())));
        }
    }
    Ok(match verdict {
        Verdict::Passed => ExitCode::Passed,
        Verdict::Broken => ExitCode::Broken,
        Verdict::Failed | Verdict::Interrupted(None) => ExitCode::Failed,
        Verdict::Interrupted(Some(signal)) => ExitCode::Signalled(signal),
    })
}
