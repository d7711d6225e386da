//! `scenario fetch`: fetches URLs as a scenario of one entry, and prints what comes.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crate::cli::args::Fetch;
use crate::cli::command::tell_error;
use crate::cli::exit_code::ExitCode;
use crate::io::Context;
use crate::io::log_file::writer::{Opened, Refusal, Writer};
use crate::report::fetched::Fetched;
use crate::run::recorder::Journal;
use crate::run::{Run, live};
use scenario_core::engine::Start;
use scenario_core::engine::effect::Verdict;
use scenario_core::scenario::{FileRead, Files, Loaded, Options, ReadFault, load};
use scenario_log::event::ClockKind;

pub(super) fn fetch(arguments: &Fetch) -> ExitCode {
    let text = scenario_of(arguments);
    let options = Options { vars: &[], env: &|_| None, clock: ClockKind::Real };
    let loaded = match load(Path::new("command line"), &Given(text), &options) {
        Ok(loaded) => loaded,
        Err(failure) => {
            // Where it stands in the text made of them says nothing, and would show passwords.
            for diagnostic in &failure.diagnostics {
                tell_error(&diagnostic.message);
            }
            return ExitCode::Usage;
        }
    };
    match drive(arguments, loaded) {
        Ok(Verdict::Passed) => ExitCode::Passed,
        Ok(Verdict::Broken) => ExitCode::Broken,
        Ok(Verdict::Interrupted(Some(signal))) => ExitCode::Signalled(signal),
        Ok(_) => ExitCode::Failed,
        Err(refusal) => {
            tell_error(refusal);
            ExitCode::Refused
        }
    }
}

/// The scenario that does what the command line says.
fn scenario_of(arguments: &Fetch) -> String {
    // `${` on a command line is no variable.
    let urls = arguments.urls.iter().map(|url| toml::Value::String(url.replace("${", "$${")).to_string());
    let urls: Vec<String> = urls.collect();
    let mode = if arguments.sequential { "sequential" } else { "concurrent" };
    format!(
        "tick = \"0s\"\n[fetches.urls]\nmode = \"{mode}\"\nlines = {}\nurls = [\n{}\n]\n[[timeline]]\nfetch = \"urls\"\n",
        arguments.details,
        urls.join(",\n"),
    )
}

/// A scenario that stands on the command line.
struct Given(String);

impl Files for Given {
    fn read(&self, _path: &Path) -> Result<FileRead, ReadFault> {
        Ok(FileRead { bytes: self.0.clone().into_bytes(), identity: String::new() })
    }
}

/// Fetches, and prints. Why it could not, or could not print, comes back.
fn drive(arguments: &Fetch, loaded: Loaded) -> Result<Verdict, String> {
    let Loaded { scenario, folder, secrets, .. } = loaded;
    let scenario = Rc::new(scenario);
    let fault = Arc::new(OnceLock::new());
    let noted = Arc::clone(&fault);
    let show = move |text: &[u8]| {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text).and_then(|()| stdout.flush()) {
            // A reader that has seen enough is no reason to stop.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                noted.get_or_init(|| format!("cannot write to standard output: {error}"));
            }
            _ => {}
        }
    };
    let writer = Writer::start(Opened::Nowhere, Box::new(show)).map_err(|Refusal(refusal)| refusal)?;
    let render = Fetched::new(arguments.urls.len(), arguments.sequential);
    let journal = Journal::new(Some(writer), Some(Box::new(render)));
    let context = Context { scenario: Rc::clone(&scenario), folder, secrets, seed: 0, speed: 1.0 };
    let live = live::Live {
        context,
        speed: 1.0,
        precise: false,
        input: None,
        lifeline: None,
        started: Default::default(),
        board: None,
        server: None,
    };
    let begin = |started_at: &str, journal| {
        let clock = ClockKind::Real;
        let start = Start { seed: 0, clock, started_at: Some(started_at), schedule: &[], resolved: "{}" };
        Run::start(&scenario, &start, journal)
    };
    let (run, verdict) = live::drive(live, || Ok(journal), begin)?;
    drop(run);
    match fault.get() {
        Some(fault) => Err(fault.clone()),
        None => verdict,
    }
}
