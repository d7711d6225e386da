//! `scenario fetch`: fetches URLs as a scenario of one entry, and prints what comes.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crate::cli::args::FetchArgs;
use crate::cli::command::report_error;
use crate::cli::exit_code::ExitCode;
use crate::io::RunContext;
use crate::io::log_file::writer::{LogWriter, OpenedOutput, RefusedError};
use crate::run::recorder::RunRecorder;
use crate::run::{DrivenRun, live};
use crate::terminal::fetch_lines::FetchLineRenderer;
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::scenario::{
    FileContent, FileProvider, FileReadError, LoadedScenario, ScenarioOptions, load_scenario,
};
use scenario_log::event::ClockKind;

pub(super) fn fetch(arguments: &FetchArgs) -> ExitCode {
    let text = build_scenario(arguments);
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock: ClockKind::Real };
    let loaded = match load_scenario(Path::new("command line"), &CommandLineFile(text), &options) {
        Ok(loaded) => loaded,
        Err(failure) => {
            // Where it stands in the text made of them says nothing, and would show passwords.
            for diagnostic in &failure.diagnostics {
                report_error(&diagnostic.message);
            }
            return ExitCode::Usage;
        }
    };
    match drive(arguments, loaded) {
        Ok(RunVerdict::Passed) => ExitCode::Passed,
        Ok(RunVerdict::InternalError) => ExitCode::InternalError,
        Ok(RunVerdict::Interrupted(Some(signal))) => ExitCode::Signalled(signal),
        Ok(_) => ExitCode::Failed,
        Err(refusal) => {
            report_error(refusal);
            ExitCode::Refused
        }
    }
}

/// The scenario that does what the command line says.
fn build_scenario(arguments: &FetchArgs) -> String {
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
struct CommandLineFile(String);

impl FileProvider for CommandLineFile {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.clone().into_bytes(), identity: String::new() })
    }
}

/// Fetches, and prints. Why it could not, or could not print, comes back.
fn drive(arguments: &FetchArgs, loaded: LoadedScenario) -> Result<RunVerdict, String> {
    let LoadedScenario { scenario, folder, secrets, .. } = loaded;
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
    let writer =
        LogWriter::start(OpenedOutput::Discard, Box::new(show)).map_err(|RefusedError(refusal)| refusal)?;
    let render = FetchLineRenderer::new(arguments.urls.len(), arguments.sequential);
    let journal = RunRecorder::new(Some(writer), Some(Box::new(render)));
    let context = RunContext { scenario: Rc::clone(&scenario), folder, secrets, seed: 0, speed: 1.0 };
    let live = live::LiveSetup {
        context,
        speed: 1.0,
        precise: false,
        input: None,
        lifeline: None,
        clock_started: Default::default(),
        latest_progress: None,
        server: None,
    };
    let begin = |started_at: &str, journal| {
        let clock = ClockKind::Real;
        let start =
            RunStart { seed: 0, clock, started_at: Some(started_at), schedule: &[], scenario_json: "{}" };
        DrivenRun::start(&scenario, &start, journal)
    };
    let (run, verdict) = live::drive(live, || Ok(journal), begin)?;
    drop(run);
    match fault.get() {
        Some(fault) => Err(fault.clone()),
        None => verdict,
    }
}
