//! `scenario runs`: lists the logs below the folder of logs, or deletes all but the newest.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::cli::args::{RunsAction, RunsArgs};
use crate::cli::command::{print_stdout, report_error, write_stderr};
use crate::cli::exit_code::ExitCode;
use crate::cli::names::{log_folder, newest_logs};
use crate::report::format::format_span;
use scenario_log::decode::LogRecord;
use scenario_log::event::Event;
use scenario_log::sanitize::sanitize;

/// How many bytes of the end of a log are looked at for its last line.
const MAX_LAST_LINE: u64 = 1 << 20;

/// How many bytes of the start of a log show that it is one.
const LOG_START: &[u8] = br#"{"seq":0,"#;

pub(super) fn runs(arguments: &RunsArgs) -> ExitCode {
    match &arguments.action {
        None => list(),
        Some(RunsAction::Prune { keep }) => prune(*keep),
    }
}

fn list() -> ExitCode {
    let folder = log_folder();
    let logs = newest_logs(&folder);
    if logs.is_empty() {
        write_stderr(&format!("there are no logs in {}/\n", sanitize(&folder.to_string_lossy())));
        return ExitCode::Passed;
    }
    let mut text = String::new();
    for (n, (path, _)) in logs.iter().enumerate() {
        let (outcome, took) = read_end(path).unwrap_or_else(|| ("cut short".to_owned(), String::new()));
        let path = sanitize(&path.to_string_lossy());
        let number = format!("@{}", n + 1);
        text.push_str(&format!("{number:<5} {outcome:<11}  {took:>10}  {path}\n"));
    }
    print_stdout(&text)
}

/// How a logged run ended, and how long it took. None if its log has no end.
fn read_end(path: &Path) -> Option<(String, String)> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_LAST_LINE))).ok()?;
    let mut tail = Vec::new();
    file.take(MAX_LAST_LINE).read_to_end(&mut tail).ok()?;
    let line = tail.strip_suffix(b"\n")?;
    let start = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let record = LogRecord::decode(&line[start..]).ok()?;
    match record.event().ok()? {
        Some(Event::RunFinished(summary)) => {
            Some((summary.outcome.name().to_owned(), format_span(summary.took)))
        }
        _ => None,
    }
}

/// Deletes all logs but the newest. A file that is no log stays.
fn prune(keep: usize) -> ExitCode {
    let folder = log_folder();
    let mut deleted = 0;
    for (path, _) in newest_logs(&folder).into_iter().skip(keep) {
        if !is_log(&path) {
            continue;
        }
        if let Err(error) = std::fs::remove_file(&path) {
            report_error(format_args!("cannot delete {}: {error}", path.display()));
            return ExitCode::Refused;
        }
        deleted += 1;
    }
    let s = if deleted == 1 { "" } else { "s" };
    write_stderr(&format!("deleted {deleted} log{s} in {}/\n", sanitize(&folder.to_string_lossy())));
    ExitCode::Passed
}

fn is_log(path: &Path) -> bool {
    let mut start = [0; LOG_START.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == LOG_START
}
