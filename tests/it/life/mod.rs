//! The lives of programs: the ends that are expected, the time that they must and may run, the end of the run with
//! theirs, and the restarts by policy.

mod ends;
mod instances;
mod refused;
mod restarts;
mod told;
mod waiting;

use crate::actions::assert_replays;
use crate::common::{Ended, Folder, Log};

/// A preset of a shell script, with these further keys.
fn sh(name: &str, script: &str, keys: &str) -> String {
    format!("[presets.{name}]\ncommand = [\"sh\", \"-c\", '''{script}''']\n{keys}\n")
}

/// Entries that spawn these presets, with their names as ids.
fn spawns(names: &[&str]) -> String {
    names.iter().map(|name| format!("[[timeline]]\nid = \"{name}\"\nspawn = \"{name}\"\n")).collect()
}

/// Runs a scenario, expects this code, and replays its log.
#[track_caller]
fn run(text: &str, code: i32) -> (Ended, Log) {
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("tick = \"0s\"\n{text}"), &[]);
    let ended = ended.expect(code);
    assert_replays(&folder, "log.jsonl");
    (ended, log)
}

/// The reason why a run failed.
fn reason(log: &Log) -> &str {
    log.last()["reason"].as_str().unwrap_or_default()
}
