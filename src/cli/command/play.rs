//! `scenario play`: opens a log, and plays it at its own speed.

use std::io::{self, IsTerminal};

use crate::cli::args::PlayArgs;
use crate::cli::command::cli_error::CliError;
use crate::cli::command::log_errors::{report_log_error, report_truncated_log, report_unopened_log};
use crate::cli::command::{serve, stderr_has_color};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::playback;
use crate::playback::{PlaybackEnd, PlaybackError, PlaybackSetup};
use crate::terminal::event_lines::LineRenderer;
use crate::web::page::LivePage;
use crate::web::server::{PageServer, ServerMode};
use scenario_log::sanitize::sanitize;

pub(super) fn play(arguments: &PlayArgs) -> ExitCode {
    try_play(arguments).unwrap_or_else(CliError::report)
}

fn try_play(arguments: &PlayArgs) -> Result<ExitCode, CliError> {
    let log = log_file::open_log_file(&arguments.log).map_err(|error| {
        CliError::already_reported(report_unopened_log(&error, arguments.allow_incomplete))
    })?;
    let has_keys = io::stdin().is_terminal() && arguments.log.as_os_str() != "-";
    let served = start_page(arguments)?;
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
        Err(PlaybackError::Start(error)) => Err(CliError::refused(error)),
        Err(PlaybackError::Log(error)) => Ok(report_log_error(&arguments.log, &error)),
        Ok(PlaybackEnd::Completed(Some(cut))) => {
            Ok(report_truncated_log(&arguments.log, &cut, arguments.allow_incomplete))
        }
        Ok(PlaybackEnd::Completed(None) | PlaybackEnd::Quit) => Ok(ExitCode::Passed),
        Ok(PlaybackEnd::Signalled(signal)) => Ok(ExitCode::Signalled(signal)),
    }
}

/// The live page of the log with its server, if `--serve` asks for it.
fn start_page(arguments: &PlayArgs) -> Result<Option<(LivePage, PageServer)>, CliError> {
    let Some(listening) = serve::listen(&arguments.serving)? else { return Ok(None) };
    let link = listening.page_url();
    let server = serve::start(listening, ServerMode::Playback)?;
    serve::report_link(&link);
    Ok(Some((LivePage::for_log(sanitize(&arguments.log.to_string_lossy())), server)))
}
