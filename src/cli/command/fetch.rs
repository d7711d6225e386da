//! `scenario fetch`: fetches URLs with a scenario of one entry, and prints their answers. Writes no log.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use crate::cli::args::FetchArgs;
use crate::cli::command::cli_error::CliError;
use crate::cli::command::report_error;
use crate::cli::command::verdict_exit_code;
use crate::cli::exit_code::ExitCode;
use crate::io::RunContext;
use crate::io::link::BoundLinks;
use crate::io::log_file::writer::{LogWriter, OpenedOutput};
use crate::run::live::AfterEnd;
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
            // A place in the generated text would help nobody, and its line may hold a password.
            for diagnostic in &failure.diagnostics {
                report_error(&diagnostic.message);
            }
            return ExitCode::Usage;
        }
    };
    match drive(arguments, loaded) {
        Ok(verdict) => verdict_exit_code(verdict),
        Err(error) => error.report(),
    }
}

/// The scenario of the command line, as TOML.
fn build_scenario(arguments: &FetchArgs) -> String {
    // `${` on a command line is not a variable.
    let urls = arguments.urls.iter().map(|url| toml::Value::String(url.replace("${", "$${")).to_string());
    let urls: Vec<String> = urls.collect();
    let mode = if arguments.sequential { "sequential" } else { "concurrent" };
    format!(
        "tick = \"0s\"\n[fetches.urls]\nmode = \"{mode}\"\nlines = {}\nurls = [\n{}\n]\n[[timeline]]\nfetch = \"urls\"\n",
        arguments.details,
        urls.join(",\n"),
    )
}

/// The one file of the scenario that the command line makes.
struct CommandLineFile(String);

impl FileProvider for CommandLineFile {
    fn read(&self, _path: &Path) -> Result<FileContent, FileReadError> {
        Ok(FileContent { bytes: self.0.clone().into_bytes(), identity: String::new() })
    }
}

/// Fetches and prints. An error of standard output is found at the end, since the writer's thread prints.
fn drive(arguments: &FetchArgs, loaded: LoadedScenario) -> Result<RunVerdict, CliError> {
    let LoadedScenario { scenario, folder, secrets, .. } = loaded;
    let scenario = Rc::new(scenario);
    let print_error = Arc::new(OnceLock::new());
    let first_error = Arc::clone(&print_error);
    let show = move |text: &[u8]| {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text).and_then(|()| stdout.flush()) {
            // A reader that has closed the pipe (`| head`) does not end the fetch.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                first_error.get_or_init(|| format!("cannot write to standard output: {error}"));
            }
            _ => {}
        }
    };
    let writer = LogWriter::start(OpenedOutput::Discard, Box::new(show))?;
    let renderer = FetchLineRenderer::new(arguments.urls.len(), arguments.sequential);
    let recorder = RunRecorder::new(Some(writer), Some(Box::new(renderer)));
    let context = RunContext { scenario: Rc::clone(&scenario), folder, secrets, seed: 0, speed: 1.0 };
    let live = live::LiveSetup {
        context,
        links: BoundLinks::default(),
        speed: 1.0,
        precise: false,
        input: None,
        lifeline: None,
        clock_started: Default::default(),
        latest_progress: None,
        server: None,
        after_end: AfterEnd::Close,
    };
    let begin = |started_at: &str, recorder| {
        let clock = ClockKind::Real;
        let start =
            RunStart { seed: 0, clock, started_at: Some(started_at), schedule: &[], scenario_json: "{}" };
        DrivenRun::start(&scenario, &start, recorder)
    };
    let end = |_: &RunRecorder, verdict| verdict;
    // Its writer has printed everything by the end.
    let verdict = live::drive(live, || Ok((recorder, None)), begin, end).map_err(CliError::refused)?;
    match print_error.get() {
        Some(error) => Err(CliError::refused(error)),
        None => verdict.map_err(CliError::refused),
    }
}
