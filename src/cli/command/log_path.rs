//! Where the log of a run goes, opened before anything is started.

use std::path::Path;
use std::time::SystemTime;

use crate::cli::args::RunArgs as Arguments;
use crate::io::log_file::writer;
use crate::io::log_file::writer::{OpenedOutput, OutputDestination, RefusedError};
use scenario_log::name;

/// How many characters of a scenario's name are in the name of its log.
const MAX_NAME_CHARS: usize = 64;

/// How many runs of one scenario may start within a second.
const MAX_RUNS_PER_SECOND: u32 = 1_000;

/// Opens the log: at `--log`, or at a new name below `runs/`.
pub(super) fn open_log(
    arguments: &Arguments,
    name: &str,
) -> Result<(OutputDestination, OpenedOutput), RefusedError> {
    let destination = match &arguments.log {
        None => return open_new_log(name),
        Some(path) if path.as_os_str() == "-" => OutputDestination::Stdout,
        Some(path) => OutputDestination::File(path.clone()),
    };
    let opened = writer::open_log_output(&destination, arguments.force)?;
    Ok((destination, opened))
}

fn open_new_log(name: &str) -> Result<(OutputDestination, OpenedOutput), RefusedError> {
    let folder = Path::new("runs");
    std::fs::create_dir_all(folder).map_err(|error| {
        RefusedError(format!(
            "cannot make the folder runs/ for the log: {error}; choose another place with `--log PATH`"
        ))
    })?;
    // Before 1970 there is no stamp to write.
    let now = SystemTime::now().max(SystemTime::UNIX_EPOCH);
    let stamp = humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "");
    let stem = file_stem(name);
    // Two runs within one second: the later one counts on.
    let paths = (1..=MAX_RUNS_PER_SECOND).map(|n| match n {
        1 => folder.join(format!("{stem}-{stamp}.jsonl")),
        n => folder.join(format!("{stem}-{stamp}-{n}.jsonl")),
    });
    let mut last = RefusedError(String::new());
    for path in paths {
        let destination = OutputDestination::File(path.clone());
        match writer::open_log_output(&destination, false) {
            Ok(opened) => return Ok((destination, opened)),
            Err(refusal) => last = refusal,
        }
        if !path.exists() {
            break;
        }
    }
    Err(last)
}

/// A scenario's name as a part of a file's.
fn file_stem(name: &str) -> String {
    let safe = |c: char| if name::name_error(&c.to_string()).is_some() { '-' } else { c };
    name.chars().take(MAX_NAME_CHARS).map(safe).collect()
}
