//! Probes of programs, and the commands that the runner starts about them, on the real binary with real programs.
//! Every log is replayed.

mod alive;
mod commands;
mod lines;
mod statuses;
mod stop;
mod taken;
mod verdicts;

use std::path::Path;

use crate::common::{Ended, Folder, Log};

/// Runs a scenario in a folder, and replays its log.
#[track_caller]
fn run_in(folder: &Folder, text: &str, code: i32) -> (Ended, Log) {
    let (ended, log) = folder.run(text, &[]);
    let ended = ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    (ended, log)
}

/// The same in a folder of its own.
#[track_caller]
fn run(text: &str, code: i32) -> (Ended, Log) {
    run_in(&Folder::new(), text, code)
}

/// A preset of a shell script, with these further keys.
fn sh(name: &str, script: &str, keys: &str) -> String {
    format!("[presets.{name}]\ncommand = [\"sh\", \"-c\", '''{script}''']\n{keys}\n")
}

/// An entry that spawns a preset, with the preset's name as its id.
fn spawn(name: &str) -> String {
    format!("[[timeline]]\nid = \"{name}\"\nspawn = \"{name}\"\n")
}

/// A mark when this program is ready.
fn mark_when_ready(name: &str) -> String {
    format!("[[timeline]]\nid = \"m\"\nafter = \"{name}.ready\"\nmark = \"m\"\n")
}

/// The lines of a file that a program wrote; none if it is not there.
fn lines_of(file: &Path) -> Vec<String> {
    std::fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}
