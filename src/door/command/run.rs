//! `scenario run`: reads a scenario, opens its log, and has it driven.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use crate::door::cli::{Clock as ClockOption, Run as Arguments};
use crate::door::command::{colors, read, tell, tell_error};
use crate::drive::{Run, live, virtual_time};
use crate::engine::{Start, draw};
use crate::hands::Context;
use crate::hands::input::{self, Keyboard};
use crate::paper::journal::Journal;
use crate::paper::log::writer::{self, Destination, Refusal, Writer};
use crate::paper::report::screen::{Render, Screen};
use crate::paper::report::terminal::Terminal;
use crate::scenario::{Loaded, resolved};
use crate::words::exit_code::ExitCode;
use crate::words::order::Verdict;

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if let Some(fault) = misuse(arguments) {
        tell_error(fault);
        return ExitCode::Usage;
    }
    let loaded = match read(&arguments.file, &arguments.reading, arguments.clock.into()) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    match run_loaded(arguments, loaded) {
        Ok(exit) => exit,
        Err(Refusal(refusal)) => {
            tell_error(refusal);
            ExitCode::Refused
        }
    }
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
    }
    (arguments.file.as_os_str() == "-"
        && arguments.input.as_deref().is_some_and(|input| input.as_os_str() == "-"))
    .then_some("standard input cannot be the scenario and the `--input`")
}

fn run_loaded(arguments: &Arguments, loaded: Loaded) -> Result<ExitCode, Refusal> {
    let Loaded { scenario, folder, secrets, .. } = loaded;
    let seed = arguments.seed.or(scenario.seed).map_or_else(draw::fresh_seed, Ok);
    let seed = seed.map_err(|error| Refusal(format!("no seed can be drawn: {error}")))?;
    let keyboard = keyboard(arguments)?;
    let (destination, opened) = open_log(arguments, &scenario.name)?;

    let resolved = resolved::to_json(&scenario);
    let scenario = Rc::new(scenario);
    let terminal = (!arguments.quiet).then(|| Terminal::start(None));
    let show = terminal.as_ref().map_or_else(|| Box::new(|_: &[u8]| {}) as writer::Show, Terminal::show);
    let screen = (!arguments.quiet).then(|| Box::new(Screen::new(colors())) as Box<dyn Render>);
    let journal = Journal::new(Some(Writer::start(opened, show)), screen);

    let begin = |started_at: Option<&str>, scenario: &Rc<_>| {
        let start = Start { seed, clock: arguments.clock.into(), started_at, resolved: &resolved };
        Run::start(scenario, &start, journal)
    };
    let (run, verdict) = if arguments.clock == ClockOption::Real {
        let progress = terminal.as_ref().map(Terminal::progress).unwrap_or_default();
        let context =
            Context { scenario: Rc::clone(&scenario), folder, secrets, seed, speed: arguments.speed };
        let (speed, precise) = (arguments.speed, arguments.precise);
        let live = live::Live { context, speed, precise, input: keyboard, progress };
        live::drive(live, |started_at| begin(Some(started_at), &scenario)).map_err(Refusal)?
    } else {
        let typed = typed_before(keyboard)?;
        let mut run = begin(None, &scenario);
        let verdict = virtual_time::drive(&mut run, &typed);
        (run, verdict)
    };
    let Run { journal, .. } = run;
    let events = journal.count();
    let reason = journal.reason().map(str::to_owned);
    drop(journal);
    let dropped = terminal.map_or(0, Terminal::finish);
    conclude(arguments, verdict, &destination, (events, dropped, reason))
}

/// Where typed lines come from: `--input`, or a terminal. Nothing else is ever read.
fn keyboard(arguments: &Arguments) -> Result<Option<Keyboard>, Refusal> {
    match &arguments.input {
        Some(path) if path.as_os_str() == "-" => Ok(Some(Keyboard::Stdin)),
        Some(path) => {
            let metadata = std::fs::metadata(path);
            let fault = match metadata {
                Ok(metadata) if metadata.is_dir() => Some("it is a folder".to_owned()),
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            match fault {
                Some(fault) => Err(Refusal(format!("cannot read `--input` {}: {fault}", path.display()))),
                None => Ok(Some(Keyboard::File(path.clone()))),
            }
        }
        None => Ok((std::io::stdin().is_terminal() && arguments.file.as_os_str() != "-")
            .then_some(Keyboard::Terminal)),
    }
}

/// What is typed, for a clock that does not wait: all of `--input`, at the start.
fn typed_before(keyboard: Option<Keyboard>) -> Result<Vec<String>, Refusal> {
    match keyboard {
        Some(keyboard) => {
            input::read_all(&keyboard).map_err(|error| Refusal(format!("cannot read the `--input`: {error}")))
        }
        None => Ok(Vec::new()),
    }
}

/// Opens the log before anything is started.
fn open_log(arguments: &Arguments, name: &str) -> Result<(Destination, writer::Opened), Refusal> {
    if let Some(path) = &arguments.log {
        let destination =
            if path.as_os_str() == "-" { Destination::Stdout } else { Destination::File(path.clone()) };
        let opened = writer::open(&destination, arguments.force)?;
        return Ok((destination, opened));
    }
    std::fs::create_dir_all("runs").map_err(|error| {
        Refusal(format!(
            "cannot make the folder runs/ for the log: {error}; choose another place with `--log PATH`"
        ))
    })?;
    let stamp = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(['-', ':'], "");
    let stem: String = name
        .chars()
        .map(|c| if crate::words::name::fault(&c.to_string()).is_some() { '-' } else { c })
        .collect();
    // Two runs within one second: the later one counts on.
    for n in 1..=1_000 {
        let suffix = if n == 1 { String::new() } else { format!("-{n}") };
        let path = PathBuf::from(format!("runs/{stem}-{stamp}{suffix}.jsonl"));
        if !path.exists() {
            let destination = Destination::File(path);
            if let Ok(opened) = writer::open(&destination, false) {
                return Ok((destination, opened));
            }
        }
    }
    let destination = Destination::File(PathBuf::from(format!("runs/{stem}-{stamp}.jsonl")));
    let opened = writer::open(&destination, false)?;
    Ok((destination, opened))
}

/// Says where the log is and how it went, and gives the exit code.
fn conclude(
    arguments: &Arguments,
    verdict: Result<Verdict, String>,
    destination: &Destination,
    (events, dropped, reason): (u64, u64, Option<String>),
) -> Result<ExitCode, Refusal> {
    let verdict = verdict.map_err(|fault| {
        let last = events.saturating_sub(1);
        Refusal(format!(
            "the log could not be written past seq {last} at the latest: {fault}; the run was stopped"
        ))
    })?;
    if arguments.quiet {
        if verdict != Verdict::Passed {
            let reason = reason.unwrap_or_default();
            tell_error(format_args!("the run did not pass: {}", crate::words::visible::visible(&reason)));
        }
    } else {
        if dropped > 0 {
            tell(&format!("           {dropped} lines were not shown; the log has them\n"));
        }
        if let Destination::File(path) = destination {
            tell(&format!("           log: {}\n", path.display()));
        }
    }
    Ok(match verdict {
        Verdict::Passed => ExitCode::Passed,
        Verdict::Failed | Verdict::Interrupted(None) => ExitCode::Failed,
        Verdict::Interrupted(Some(signal)) => ExitCode::Signalled(signal),
    })
}
