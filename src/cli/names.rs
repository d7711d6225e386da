//! The files that a command line leaves out or names by a short name: `scenario.toml`, `@last`, the newest
//! log of a folder. Opens no log.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The scenario of a folder that no command line has to name.
const USUAL_SCENARIO: &str = "scenario.toml";

/// How many files a message lists.
const MAX_LISTED: usize = 8;

/// The folder of the logs that `--log` does not name.
pub(super) fn log_folder() -> PathBuf {
    std::env::var_os("SCENARIO_LOG_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| "runs".into(), PathBuf::from)
}

/// The file for a scenario that was not named.
///
/// # Errors
/// The message, if there is no such file.
pub(super) fn usual_scenario(command: &str) -> Result<PathBuf, String> {
    let usual = PathBuf::from(USUAL_SCENARIO);
    if usual.is_file() {
        return Ok(usual);
    }
    let here = scenarios_in(Path::new("."));
    if here.is_empty() {
        return Err(format!(
            "which scenario? There is no {USUAL_SCENARIO} here; `scenario init` writes a first one"
        ));
    }
    let mut names: Vec<String> =
        here.iter().take(MAX_LISTED).map(|path| path.to_string_lossy().into_owned()).collect();
    if here.len() > MAX_LISTED {
        names.push(format!("{} more", here.len() - MAX_LISTED));
    }
    let first = names.first().map_or("", String::as_str);
    Err(format!(
        "which scenario? There is no {USUAL_SCENARIO} here. TOML files here: {}; try `scenario {command} {first}`",
        names.join(", ")
    ))
}

/// The files in a folder whose names end in `.toml`, sorted, without hidden ones. Those in the current folder
/// have no folder before their name.
pub(super) fn scenarios_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml") && path.is_file();
    let is_hidden =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut files: Vec<PathBuf> = entries.filter(|path| is_toml(path) && !is_hidden(path)).collect();
    for file in &mut files {
        if let Ok(name) = file.strip_prefix(".") {
            *file = name.to_owned();
        }
    }
    files.sort_unstable();
    files
}

/// The path of a log: a path as it is; `@last`, `@1`, `@2`, or nothing, for the newest logs below the
/// folder of logs. `is_short` says whether it was such a short name.
///
/// # Errors
/// The message, if there is no such log.
pub(super) fn find_log(given: &Path) -> Result<(PathBuf, bool), String> {
    let text = given.to_string_lossy();
    let nth = match text.strip_prefix('@') {
        _ if text.is_empty() => Some(1),
        Some("last") => Some(1),
        Some(number) => number.parse::<usize>().ok().filter(|number| *number > 0),
        None => None,
    };
    if let Some(nth) = nth.filter(|_| !given.exists()) {
        let folder = log_folder();
        return nth_newest(&folder, nth).map(|path| (path, true));
    }
    Ok((given.to_owned(), false))
}

/// The same, but a folder is the newest log in it.
///
/// # Errors
/// The message, if there is no such log.
pub(super) fn find_log_or_newest(given: &Path) -> Result<(PathBuf, bool), String> {
    if given.is_dir() {
        return nth_newest(given, 1).map(|path| (path, true));
    }
    find_log(given)
}

fn nth_newest(folder: &Path, nth: usize) -> Result<PathBuf, String> {
    let logs = newest_logs(folder);
    let count = logs.len();
    logs.into_iter().nth(nth - 1).map(|(path, _)| path).ok_or_else(|| {
        let folder = folder.display();
        match count {
            0 => format!("which log? There is none in {folder}/; `scenario run FILE` writes one"),
            1 => format!("there is no @{nth}: {folder}/ has one log"),
            count => format!("there is no @{nth}: {folder}/ has {count} logs"),
        }
    })
}

/// The logs of a folder with the times of their last changes, the newest first.
pub(super) fn newest_logs(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut logs: Vec<(PathBuf, SystemTime)> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let is_log = path.extension().is_some_and(|end| end == "jsonl");
            is_log.then_some((path, metadata.modified().ok()?))
        })
        .collect();
    logs.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
    logs
}
