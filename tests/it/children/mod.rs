//! Programs on the real binary, from the scenario to the log, with real programs. `processes` tests
//! the same faults on the module alone.

mod crowds;
mod ends;
mod groups;
mod inputs;
mod limits;
mod outputs;
mod starts;
mod texts;

use std::fmt::Write;

use crate::common::{Folder, Log};
use serde_json::Value;

/// The start of the scenarios of these tests.
const NO_TICK: &str = "tick = \"0s\"\n";

/// A preset of a program and its arguments, with these further keys.
fn program(name: &str, argv: &[&str], keys: &str) -> String {
    let argv = serde_json::to_string(argv).unwrap();
    format!("[presets.{name}]\ncommand = {argv}\n{keys}\n")
}

/// A preset of a shell script.
fn sh(name: &str, script: &str, keys: &str) -> String {
    program(name, &["sh", "-c", script], keys)
}

/// A preset of a shell script, started `count` times at once.
fn scenario(script: &str, count: u32, keys: &str) -> String {
    [NO_TICK, &sh("p", script, keys), &spawns("p", count)].concat()
}

/// An entry that starts a preset and has its name.
fn spawns(preset: &str, count: u32) -> String {
    format!("[[timeline]]\nid = \"{preset}\"\nspawn = \"{preset}\"\ncount = {count}\n")
}

/// An entry that does something after a line of another.
fn after_line(line: &str, of: &str, what: &str) -> String {
    format!("[[timeline]]\nafter = {{ line = \"{line}\", of = \"{of}\" }}\n{what}\n")
}

/// The presets of these names, each started once.
fn each_once(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().fold(String::new(), |mut text, name| {
        let _ = write!(text, "{}", spawns(&name, 1));
        text
    })
}

/// The bytes that a source wrote to a stream, with a newline after each line.
fn output_of(log: &Log, source: &str, stream: &str) -> Vec<u8> {
    let of = |line: &&&Value| line["source"] == source && line["stream"] == stream;
    let lines = log.of("line");
    lines.iter().filter(of).fold(Vec::new(), |mut said, line| {
        match line["base64"].as_str() {
            Some(bytes) => {
                base64::Engine::decode_vec(&base64::prelude::BASE64_STANDARD, bytes, &mut said).unwrap()
            }
            None => said.extend_from_slice(line["text"].as_str().unwrap().as_bytes()),
        }
        if line.get("partial").is_none() {
            said.push(b'\n');
        }
        said
    })
}

/// The same as text, of the standard output.
fn text_of(log: &Log, source: &str) -> String {
    String::from_utf8(output_of(log, source, "stdout")).unwrap()
}

/// The `spawn.exited` of the first spawn of a preset.
fn exit_of<'a>(log: &'a Log, preset: &str) -> &'a Value {
    let started = log.of("spawn.started");
    let source = &started.iter().find(|event| event["preset"] == preset).unwrap()["source"];
    log.of("spawn.exited").into_iter().find(|event| event["source"] == *source).unwrap()
}

/// Replays the log of [`Folder::run`], and expects the same run.
fn replays(folder: &Folder) {
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}
