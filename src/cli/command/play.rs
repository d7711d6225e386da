//! `scenario play`: opens a log, and has it shown at its own pace.

use std::io::{self, IsTerminal};

use crate::cli::args::Play;
use crate::cli::command::log_errors::{tell_cut, tell_unreadable};
use crate::cli::command::{colors, serve, tell_error};
use crate::cli::exit_code::ExitCode;
use crate::io::log_file;
use crate::io::log_file::writer::Refusal;
use crate::playback;
use crate::playback::{Ended, Playback};
use crate::terminal::event_lines::Screen;
use crate::web::page::Page;
use crate::web::server::{Kind, Server};
use scenario_log::sanitize::visible;

pub(super) fn play(arguments: &Play) -> ExitCode {
    let refused = |refusal: String| {
        tell_error(refusal);
        ExitCode::Refused
    };
    let log = match log_file::open_file(&arguments.log) {
        Ok(log) => log,
        Err(refusal) => return refused(refusal),
    };
    let has_keys = io::stdin().is_terminal() && arguments.log.as_os_str() != "-";
    let served = match served(arguments) {
        Ok(served) => served,
        Err(Refusal(refusal)) => return refused(refusal),
    };
    let playback = Playback {
        log,
        served,
        screen: Screen::new(colors()),
        speed: arguments.speed,
        idle_limit: arguments.idle_limit,
        has_keys,
        has_line: has_keys && io::stderr().is_terminal() && colors(),
    };
    match playback::drive(playback) {
        Err(refusal) => refused(refusal),
        Ok(Err(unreadable)) => tell_unreadable(&arguments.log, &unreadable),
        Ok(Ok(Ended::Shown(Some(cut)))) => tell_cut(&arguments.log, &cut, arguments.allow_incomplete),
        Ok(Ok(Ended::Shown(None) | Ended::Left)) => ExitCode::Passed,
        Ok(Ok(Ended::Signalled(signal))) => ExitCode::Signalled(signal),
    }
}

/// The page of the log and who serves it, if it is to be.
fn served(arguments: &Play) -> Result<Option<(Page, Server)>, Refusal> {
    let Some(listening) = serve::listen(&arguments.serving)? else { return Ok(None) };
    let link = listening.link();
    let server = serve::start(listening, Kind::Playback)?;
    serve::tell_link(&link);
    Ok(Some((Page::of_log(visible(&arguments.log.to_string_lossy())), server)))
}
