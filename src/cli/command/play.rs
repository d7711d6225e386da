//! `scenario play`: opens a log, and has it shown at its own pace.

use std::io::{self, IsTerminal};

use crate::cli::args::PlayArgs;
use crate::cli::command::log_errors::{report_log_error, report_truncated_log};
use crate::cli::command::{report_error, serve, stderr_has_color};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::io::log_file::writer::RefusedError;
use crate::playback;
use crate::playback::{PlaybackEnd, PlaybackSetup};
use crate::terminal::event_lines::LineRenderer;
use crate::web::page::LivePage;
use crate::web::server::{PageServer, ServerMode};
use scenario_log::sanitize::sanitize;

pub(super) fn play(arguments: &PlayArgs) -> ExitCode {
    let refused = |refusal: String| {
        report_error(refusal);
        ExitCode::Refused
    };
    let log = match log_file::open_log_file(&arguments.log) {
        Ok(log) => log,
        Err(error) => return refused(error.to_string()),
    };
    let has_keys = io::stdin().is_terminal() && arguments.log.as_os_str() != "-";
    let served = match start_page(arguments) {
        Ok(served) => served,
        Err(RefusedError(refusal)) => return refused(refusal),
    };
    let playback = PlaybackSetup {
        log,
        served,
        renderer: LineRenderer::new(stderr_has_color()),
        speed: arguments.speed,
        idle_limit: arguments.idle_limit,
        has_keys,
        has_position_line: has_keys && io::stderr().is_terminal() && stderr_has_color(),
    };
    match playback::drive(playback) {
        Err(refusal) => refused(refusal),
        Ok(Err(unreadable)) => report_log_error(&arguments.log, &unreadable),
        Ok(Ok(PlaybackEnd::Completed(Some(cut)))) => {
            report_truncated_log(&arguments.log, &cut, arguments.allow_incomplete)
        }
        Ok(Ok(PlaybackEnd::Completed(None) | PlaybackEnd::Quit)) => ExitCode::Passed,
        Ok(Ok(PlaybackEnd::Signalled(signal))) => ExitCode::Signalled(signal),
    }
}

/// The page of the log and who serves it, if it is to be.
fn start_page(arguments: &PlayArgs) -> Result<Option<(LivePage, PageServer)>, RefusedError> {
    let Some(listening) = serve::listen(&arguments.serving)? else { return Ok(None) };
    let link = listening.page_url();
    let server = serve::start(listening, ServerMode::Playback)?;
    serve::report_link(&link);
    Ok(Some((LivePage::for_log(sanitize(&arguments.log.to_string_lossy())), server)))
}
