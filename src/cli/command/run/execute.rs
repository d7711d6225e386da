//! Executes a run that is set up: starts its outputs, drives it on its clock, and writes what was made
//! of its events. Decides nothing about the run.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::log_path::LogTarget;
use crate::cli::command::run::setup::{RunSetup, RunTiming};
use crate::cli::command::{
    report_error, report_files, serve, stderr_has_color, verdict_exit_code, write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::io::RunContext;
use crate::io::log_file::writer::{LogWriter, OutputDestination, RefusedError, ShowOnScreen};
use crate::report::junit_cases::JunitCases;
use crate::report::output_file::OutputFile;
use crate::report::run_annotations::RunAnnotations;
use crate::run::recorder::{RecordError, RunRecorder};
use crate::run::{DrivenRun, RunStartError, SharedPage, live, virtual_time};
use crate::terminal::event_lines::{EventRenderer, LineRenderer};
use crate::terminal::writer::TerminalWriter;
use crate::web::page::LivePage;
use crate::web::server::{BoundServer, ServerMode};
use scenario_core::diagnostic::SourceFiles;
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

/// Executes the run to its end. The exit code is that of its verdict.
pub(super) fn execute(setup: RunSetup) -> Result<ExitCode, CliError> {
    let RunSetup {
        scenario,
        scenario_json,
        folder,
        secrets,
        sources,
        seed,
        timing,
        lifeline,
        log,
        junit,
        server,
        screen,
        github,
    } = setup;
    let show_run = screen.is_some();
    let progress_bar = screen.and_then(|screen| screen.progress_bar);
    let latest_progress = progress_bar.as_ref().map(|bar| bar.latest_progress.clone());
    let annotations = || Rc::new(RefCell::new(RunAnnotations::new(Rc::clone(&scenario))));
    let outputs = RunOutputs {
        terminal: show_run.then(|| TerminalWriter::start(progress_bar)),
        junit: junit.map(|output| (output, Rc::default())),
        github: github.map(|github| (github, annotations())),
        sources,
    };
    let mut opening =
        RecorderOpening { log, scenario: Rc::clone(&scenario), outputs: &outputs, destination: None };
    let start = |clock, started_at: Option<&str>, recorder| {
        let start = RunStart { seed, clock, started_at, schedule: &[], scenario_json: &scenario_json };
        DrivenRun::start(&scenario, &start, recorder)
    };
    let driven = match timing {
        RunTiming::Real { speed, precise, input } => {
            let link = server.as_ref().map(BoundServer::page_url);
            let live = live::LiveSetup {
                context: RunContext { scenario: Rc::clone(&scenario), folder, secrets, seed, speed },
                speed,
                precise,
                input,
                lifeline,
                clock_started: outputs.clock_started(),
                latest_progress,
                server: server.map(|server| serve::start(server, ServerMode::Run)).transpose()?,
            };
            let open = || opening.open_with_page(link.map(|link| (link, speed)));
            live::drive(live, open, |started_at, recorder| start(ClockKind::Real, Some(started_at), recorder))
        }
        RunTiming::Virtual { typed_lines } => {
            let begin = || Ok(start(ClockKind::Virtual, None, opening.open()?));
            virtual_time::drive(begin, (&typed_lines, &secrets), lifeline)
        }
    };
    let destination = opening.destination;
    let (DrivenRun { recorder, .. }, verdict) = driven.map_err(CliError::refused)?;
    outputs.finish(recorder, verdict, destination.as_ref())
}

/// The outputs of a run beside its log. What is made of the events is shared with the recorder.
struct RunOutputs {
    /// None with `--quiet`.
    terminal: Option<TerminalWriter>,
    junit: Option<(OutputFile, Rc<RefCell<JunitCases>>)>,
    github: Option<(GitHubAnnotator, Rc<RefCell<RunAnnotations>>)>,
    /// The files that annotations refer to.
    sources: SourceFiles,
}

impl RunOutputs {
    /// Set by the driver once the clock has started; the progress bar waits for it.
    fn clock_started(&self) -> Arc<OnceLock<Instant>> {
        self.terminal.as_ref().map(TerminalWriter::clock_started).unwrap_or_default()
    }

    /// Finishes all outputs of a run that has ended.
    fn finish(
        self,
        recorder: RunRecorder,
        verdict: Result<RunVerdict, RecordError>,
        destination: Option<&OutputDestination>,
    ) -> Result<ExitCode, CliError> {
        let failure_reason = recorder.reason().map(str::to_owned);
        // The recorder's writer shows the last lines, and the terminal must have them before it finishes.
        drop(recorder);
        let is_quiet = self.terminal.is_none();
        let dropped_lines = self.terminal.map_or(0, TerminalWriter::finish);
        let verdict = verdict.map_err(|error| error.to_string());
        match &verdict {
            Ok(verdict) if is_quiet => report_failure(*verdict, failure_reason),
            Ok(_) => show_log_path(dropped_lines, destination),
            Err(_) => {}
        }
        if let Some((github, annotations)) = self.github {
            github.write_annotations(&self.sources, &annotations.borrow().to_annotations());
        }
        if let Some((output, cases)) = self.junit {
            let error = verdict.as_ref().err().map(String::as_str);
            report_files::write_junit(output, cases.borrow().render_junit(error))?;
        }
        verdict
            .map(verdict_exit_code)
            .map_err(|error| CliError::refused(format_args!("{error}; the run was stopped")))
    }
}

/// Opens the log and makes the recorder of a run, once its driver is ready for signals.
struct RecorderOpening<'a> {
    log: LogTarget,
    scenario: Rc<Scenario>,
    outputs: &'a RunOutputs,
    /// The place of the log, once it is open.
    destination: Option<OutputDestination>,
}

impl RecorderOpening<'_> {
    fn open(&mut self) -> Result<RunRecorder, RunStartError> {
        let refused = |RefusedError(message)| RunStartError(message);
        let (destination, output) = self.log.open(&self.scenario.name).map_err(refused)?;
        let terminal = self.outputs.terminal.as_ref();
        let show: ShowOnScreen =
            terminal.map_or_else(|| Box::new(|_: &[u8]| {}) as ShowOnScreen, TerminalWriter::text_sink);
        let writer = LogWriter::start(output, show).map_err(refused)?;
        self.destination = Some(destination);
        let renderer =
            terminal.map(|_| Box::new(LineRenderer::new(stderr_has_color())) as Box<dyn EventRenderer>);
        let mut recorder = RunRecorder::new(Some(writer), renderer);
        if let Some((_, cases)) = &self.outputs.junit {
            recorder.add_sink(Rc::clone(cases));
        }
        if let Some((_, annotations)) = &self.outputs.github {
            recorder.add_sink(Rc::clone(annotations));
        }
        Ok(recorder)
    }

    /// The same with a live page, if it has a link. Shows the link.
    fn open_with_page(
        &mut self,
        served: Option<(String, f64)>,
    ) -> Result<(RunRecorder, Option<SharedPage>), RunStartError> {
        let mut recorder = self.open()?;
        let Some((link, speed)) = served else { return Ok((recorder, None)) };
        serve::report_link(&link);
        let log = self.destination.as_ref().and_then(printable_log_path);
        let page = Rc::new(RefCell::new(LivePage::for_run(speed, log).with_scenario(&self.scenario)));
        recorder.add_sink(Rc::clone(&page));
        Ok((recorder, Some(page)))
    }
}

fn printable_log_path(destination: &OutputDestination) -> Option<String> {
    match destination {
        OutputDestination::File(path) => Some(sanitize(&path.to_string_lossy())),
        _ => None,
    }
}

fn report_failure(verdict: RunVerdict, reason: Option<String>) {
    if verdict != RunVerdict::Passed {
        report_error(format_args!("the run did not pass: {}", reason.unwrap_or_default()));
    }
}

fn show_log_path(dropped_lines: u64, destination: Option<&OutputDestination>) {
    if dropped_lines > 0 {
        write_stderr(&format!("           {dropped_lines} lines were not shown; the log has them\n"));
    }
    if let Some(path) = destination.and_then(printable_log_path) {
        write_stderr(&format!("           log: {path}\n"));
    }
}
