//! Executes a run that is set up: starts its outputs, drives it on its clock, and writes what was made
//! of its events. Decides nothing about the run.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::cli::command::cli_error::CliError;
use crate::cli::command::github::GitHubAnnotator;
use crate::cli::command::log_path::LogTarget;
use crate::cli::command::run::setup::{RunSetup, RunTiming};
use crate::cli::command::watch::WATCH_NOTICE;
use crate::cli::command::{
    html_report, report_error, report_files, serve, stderr_has_color, verdict_exit_code, write_stderr,
};
use crate::cli::exit_code::ExitCode;
use crate::io::RunContext;
use crate::io::link::BoundLinks;
use crate::io::log_file::writer::{LogWriter, OutputDestination, RefusedError, RescuedLog};
use crate::io::signals::interruptible::run_until_signal;
use crate::report::junit_cases::JunitCases;
use crate::report::metrics::faults::{RunFault, RunFaults, readable_reason};
use crate::report::output_file::OutputFile;
use crate::report::run_annotations::RunAnnotations;
use crate::run::live::AfterEnd;
use crate::run::recorder::{RecordError, RunRecorder};
use crate::run::{DrivenRun, RunStartError, SharedPage, live, virtual_time};
use crate::terminal::event_lines::{EventRenderer, LineRenderer};
use crate::terminal::writer::TerminalWriter;
use crate::web::page::LivePage;
use crate::web::server::ServerMode;
use scenario_core::diagnostic::SourceFiles;
use scenario_core::engine::RunStart;
use scenario_core::engine::effect::RunVerdict;
use scenario_core::scenario::model::Scenario;
use scenario_log::event::ClockKind;
use scenario_log::sanitize::sanitize;

/// The last lines of this many programs are shown at the end of a run with `--quiet`.
const MAX_PROGRAMS_QUOTED: usize = 3;

/// How long the reader of a report may take if a signal or `quit` has ended the run.
const REPORT_PATIENCE: Duration = Duration::from_secs(5);

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
        report,
        server,
        after_end,
        screen,
        github,
    } = setup;
    let show_run = screen.is_some();
    let progress_bar = screen.and_then(|screen| screen.progress_bar);
    let typed_line = progress_bar.as_ref().and_then(|bar| bar.typed_line.clone());
    let latest_progress = progress_bar.as_ref().map(|bar| bar.latest_progress.clone());
    let annotations = || Rc::new(RefCell::new(RunAnnotations::new(Rc::clone(&scenario))));
    let page = server.as_ref().map(|server| ServedPage { link: server.page_url(), after_end });
    let outputs = RefCell::new(Some(RunOutputs {
        terminal: TerminalWriter::start(progress_bar),
        is_quiet: !show_run,
        junit: junit.map(|output| (output, Rc::default())),
        report,
        github: github.map(|github| (github, annotations())),
        // On a screen the lines of a program stand above its end. The faults cost time for each event.
        unshown_faults: (!show_run && scenario.starts_processes()).then(Rc::default),
        sources,
        page,
        destination: OnceCell::new(),
    }));
    let opening = RecorderOpening { log, scenario: Rc::clone(&scenario), outputs: &outputs };
    let end = |recorder: &RunRecorder, verdict| {
        if let Some(typed) = &typed_line {
            typed.give_back();
        }
        // It is called once.
        outputs.take().map_or(Ok(ExitCode::InternalError), |outputs| outputs.finish(recorder, verdict))
    };
    let start = |clock, started_at: Option<&str>, recorder| {
        let start = RunStart { seed, clock, started_at, schedule: &[], scenario_json: &scenario_json };
        DrivenRun::start(&scenario, &start, recorder)
    };
    let ended = match timing {
        RunTiming::Real { speed, precise, input } => {
            let links = BoundLinks::bind(&scenario, &folder, seed).map_err(CliError::refused)?;
            let live = live::LiveSetup {
                links,
                context: RunContext { scenario: Rc::clone(&scenario), folder, secrets, seed, speed },
                speed,
                precise,
                input,
                lifeline,
                clock_started: opening.clock_started(),
                latest_progress,
                server: server.map(|server| serve::start(server, ServerMode::Run)).transpose()?,
                after_end,
            };
            let begin = |started_at: &str, recorder| start(ClockKind::Real, Some(started_at), recorder);
            let driven = live::drive(live, || opening.open_with_page(speed), begin, end);
            driven.map_err(CliError::refused).and_then(|ended| ended)
        }
        RunTiming::Virtual { typed_lines } => {
            let begin = || Ok(start(ClockKind::Virtual, None, opening.open()?));
            let driven = virtual_time::drive(begin, (&typed_lines, &secrets), lifeline);
            driven.map_err(CliError::refused).and_then(|(run, verdict)| end(&run.recorder, verdict))
        }
    };
    if let Some(typed) = &typed_line {
        // A run that could not start has taken the terminal too.
        typed.give_back();
    }
    ended
}

/// The live page of a run.
struct ServedPage {
    link: String,
    after_end: AfterEnd,
}

impl ServedPage {
    /// Shows what becomes of the page, now that the run has ended.
    fn report_end(&self, is_quiet: bool) {
        let link = sanitize(&self.link);
        match self.after_end {
            AfterEnd::Stay => write_stderr(&format!("           page: {link} stays; Ctrl-C ends it\n")),
            AfterEnd::StayUntilChange if !is_quiet => {
                write_stderr(&format!("           page: {link} stays\n           {WATCH_NOTICE}\n"));
            }
            AfterEnd::Close if !is_quiet => {
                write_stderr("           page: closed with the run; `--stay` keeps it\n");
            }
            AfterEnd::Close | AfterEnd::StayUntilChange => {}
        }
    }
}

/// The outputs of a run beside its log. What is made of the events is shared with the recorder.
struct RunOutputs {
    terminal: TerminalWriter,
    /// Whether the screen shows only errors and warnings.
    is_quiet: bool,
    junit: Option<(OutputFile, Rc<RefCell<JunitCases>>)>,
    /// The HTML report, which is made of the log when the run has ended.
    report: Option<OutputFile>,
    github: Option<(GitHubAnnotator, Rc<RefCell<RunAnnotations>>)>,
    /// The faults, for the end of a run with programs and `--quiet`.
    unshown_faults: Option<Rc<RefCell<RunFaults>>>,
    /// The files that annotations refer to.
    sources: SourceFiles,
    page: Option<ServedPage>,
    /// The place of the log, once it is open.
    destination: OnceCell<OutputDestination>,
}

impl RunOutputs {
    /// Finishes all outputs of a run that has ended.
    fn finish(
        self,
        recorder: &RunRecorder,
        verdict: Result<RunVerdict, RecordError>,
    ) -> Result<ExitCode, CliError> {
        let failure_reason = recorder.reason().map(str::to_owned);
        let rescued = recorder.rescued_log();
        let rescued_path = rescued_path(rescued.as_ref());
        let destination = rescued_path.as_ref().or(self.destination.get());
        // The recorder's writer has ended, so the terminal has got the last lines.
        let dropped_lines = self.terminal.finish();
        let verdict = verdict.map_err(|error| match error.has_stopped_run {
            true => format!("{error}; the run was stopped"),
            false => error.to_string(),
        });
        match &verdict {
            Ok(verdict) if self.is_quiet => {
                let faults = self.unshown_faults.map(|faults| faults.take()).unwrap_or_default();
                // A run with `hold` that a signal ended may have passed.
                if let Some(reason) = failure_reason {
                    report_failure(*verdict, &reason, &faults.first);
                }
            }
            Ok(_) => show_log_path(dropped_lines, destination),
            Err(_) => {}
        }
        let is_interrupted = matches!(verdict, Ok(RunVerdict::Interrupted(_)));
        let is_signalled = matches!(verdict, Ok(RunVerdict::Interrupted(Some(_))));
        if let Some(page) = self.page.filter(|_| !is_signalled) {
            page.report_end(self.is_quiet);
        }
        if let Some((github, annotations)) = self.github {
            github.write_annotations(&self.sources, &annotations.borrow().to_annotations());
        }
        if let Some((output, cases)) = self.junit {
            let rescue = rescued.as_ref().map(|rescued| &*rescued.message);
            let error = verdict.as_ref().err().map(String::as_str).or(rescue);
            let xml = cases.borrow().render_junit(error);
            let patience = is_interrupted.then_some(REPORT_PATIENCE);
            write_unless_ended("--junit", patience, move || report_files::write_junit(output, xml))?;
        }
        if let (Some(output), Some(OutputDestination::File(log))) = (self.report, destination) {
            let log = log.clone();
            write_unless_ended("--report", None, move || html_report::write_html_report(&log, output))?;
        }
        match (verdict, rescued) {
            (Err(error), _) => Err(CliError::refused(error)),
            (Ok(_), Some(rescued)) => Err(CliError::refused(rescued.message)),
            (Ok(verdict), None) => Ok(verdict_exit_code(verdict)),
        }
    }
}

/// Writes a report whose reader may stand still: a signal ends the command all the same.
fn write_unless_ended(
    option: &str,
    patience: Option<Duration>,
    write: impl FnOnce() -> Result<(), RefusedError> + Send + 'static,
) -> Result<(), RefusedError> {
    run_until_signal(write, patience)
        .unwrap_or_else(|error| Err(RefusedError(format!("cannot write the `{option}`: {error}"))))
}

/// Where a log is that was written anew.
fn rescued_path(rescued: Option<&RescuedLog>) -> Option<OutputDestination> {
    rescued.and_then(|rescued| rescued.path.clone()).map(OutputDestination::File)
}

/// Opens the log and makes the recorder of a run, once its driver is ready for signals.
struct RecorderOpening<'a> {
    log: LogTarget,
    scenario: Rc<Scenario>,
    outputs: &'a RefCell<Option<RunOutputs>>,
}

impl RecorderOpening<'_> {
    /// Set by the driver once the clock has started; the progress bar waits for it.
    fn clock_started(&self) -> Arc<OnceLock<Instant>> {
        self.outputs.borrow().as_ref().map(|outputs| outputs.terminal.clock_started()).unwrap_or_default()
    }

    fn open(&self) -> Result<RunRecorder, RunStartError> {
        let refused = |RefusedError(message)| RunStartError(message);
        let outputs = self.outputs.borrow();
        let outputs = outputs.as_ref().ok_or_else(|| RunStartError("the run is over".to_owned()))?;
        let (destination, output) = self.log.open(&self.scenario.name).map_err(refused)?;
        let writer = LogWriter::start(output, outputs.terminal.text_sink()).map_err(refused)?;
        let _ = outputs.destination.set(destination);
        let renderer = (!outputs.is_quiet)
            .then(|| Box::new(LineRenderer::new(stderr_has_color())) as Box<dyn EventRenderer>);
        let mut recorder = RunRecorder::new(Some(writer), renderer);
        recorder.show_warnings(outputs.terminal.text_sink());
        if let Some((_, cases)) = &outputs.junit {
            recorder.add_sink(Rc::clone(cases));
        }
        if let Some(faults) = &outputs.unshown_faults {
            recorder.add_sink(Rc::clone(faults));
        }
        if let Some((_, annotations)) = &outputs.github {
            recorder.add_sink(Rc::clone(annotations));
        }
        Ok(recorder)
    }

    /// The same with a live page, if it is served. Shows its link.
    fn open_with_page(&self, speed: f64) -> Result<(RunRecorder, Option<SharedPage>), RunStartError> {
        let mut recorder = self.open()?;
        let outputs = self.outputs.borrow();
        let Some(served) = outputs.as_ref().and_then(|outputs| outputs.page.as_ref()) else {
            return Ok((recorder, None));
        };
        serve::report_link(&served.link);
        let log = outputs.as_ref().and_then(|outputs| outputs.destination.get()).and_then(printable_log_path);
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

/// Reports why a run did not pass, and the last lines of the programs that failed.
fn report_failure(verdict: RunVerdict, reason: &str, faults: &[RunFault]) {
    if verdict == RunVerdict::Passed {
        return;
    }
    let reason = readable_reason(reason);
    report_error(format_args!("the run did not pass: {reason}"));
    let mut text = String::new();
    for fault in faults.iter().filter(|fault| !fault.output.is_empty()).take(MAX_PROGRAMS_QUOTED) {
        if fault.message != reason {
            text.push_str(&format!("  {}:\n", fault.message));
        }
        fault.output.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    write_stderr(&text);
}

fn show_log_path(dropped_lines: u64, destination: Option<&OutputDestination>) {
    if dropped_lines > 0 {
        write_stderr(&format!("           {dropped_lines} lines were not shown; the log has them\n"));
    }
    if let Some(path) = destination.and_then(printable_log_path) {
        write_stderr(&format!("           log: {path}\n"));
    }
}
