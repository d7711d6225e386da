//! The states of the world as programs read them: each state as its line of the log. A slow reader
//! gets the newest, and the skipped ones are counted. The run waits for no reader.

use crate::common::{Folder, Log};
use serde_json::Value;

/// A world with a state after every move: a wave of players, and after its end one more, `last`, who
/// moves once. The last state comes with it.
fn world(players: u32, moves: u32, after: &str) -> String {
    format!(
        "seed = 1\ntick = \"0s\"\n[world]\nsize = [40, 20]\nbroadcast = \"0s\"\n\
         [presets.wave]\nplayers = [{{ name = \"p\", count = {players}, moves = {moves}, every = \"0s..2ms\" }}]\n\
         [presets.last]\nplayers = [{{ name = \"last\", moves = 1, every = \"0s\" }}]\n\
         [[timeline]]\nid = \"wave\"\nafter = \"{after}\"\nspawn = \"wave\"\n\
         [[timeline]]\nid = \"last\"\nafter = \"wave.finished\"\nspawn = \"last\"\n"
    )
}

/// A program that reads the world, and its entry; both have the name `r`.
fn reader(script: &str, keys: &str) -> String {
    format!(
        "[presets.r]\ncommand = [\"sh\", \"-c\", \"\"\"{script}\"\"\"]\nstdin = \"world\"\n{keys}\n[[timeline]]\nid = \"r\"\nspawn = \"r\"\n"
    )
}

/// Prints every line up to the last state.
const SAY: &str = "sed -u '/\\\"last\\\"/q'";

/// Releases a reader that waits at the FIFO `go`.
const GO: &str = "[presets.go]\ncommand = [\"sh\", \"-c\", \"echo > go\"]\n[[timeline]]\nafter = \"last.finished\"\nspawn = \"go\"\n";

fn fifo(folder: &Folder) {
    let path = folder.path().join("go");
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
}

/// The lines of the log with states after this event of a source.
fn states<'a>(log: &'a Log, behind: &str, source: &str) -> Vec<&'a str> {
    let text = std::str::from_utf8(&log.bytes).unwrap();
    let is_it = |event: &Value| event["event"] == behind && event["source"] == source;
    let from = log.events.iter().position(is_it).unwrap();
    let lines = text.lines().skip(from).zip(&log.events[from..]);
    lines.filter(|(_, event)| event["event"] == "world.state").map(|(line, _)| line).collect()
}

/// The lines that a source has written, without `up`.
fn lines_of<'a>(log: &'a Log, source: &str) -> Vec<&'a str> {
    let of = |event: &&&Value| event["source"] == source;
    let lines = log.of("line");
    lines
        .iter()
        .filter(of)
        .map(|event| event["text"].as_str().unwrap())
        .filter(|text| *text != "up")
        .collect()
}

/// How many states a source was not sent.
fn skipped(log: &Log, source: &str) -> usize {
    let exited = log.of("spawn.exited");
    let exit = exited.iter().find(|event| event["source"] == source).unwrap();
    exit["skipped"].as_u64().unwrap_or_default() as usize
}

/// Asserts that a source was sent states of the log, in their order, the last one among them, and
/// that the missing ones are counted.
#[track_caller]
fn assert_adds_up(log: &Log, source: &str) {
    let (states, said) = (states(log, "spawn.started", source), lines_of(log, source));
    let mut rest = states.iter();
    assert!(said.iter().all(|line| rest.any(|state| state == line)), "each is a line of the log, in order");
    assert_eq!(said.last(), states.last(), "the newest came");
    assert_eq!(said.len() + skipped(log, source), states.len());
}

#[test]
fn a_fast_reader_gets_every_line_of_the_log() {
    let folder = Folder::new();
    let text = world(4, 20, "r.started") + &reader(&format!("exec {SAY}"), "");
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let states = states(&log, "spawn.started", "ps#1");
    assert_eq!(states.len(), 81);
    assert_eq!(lines_of(&log, "ps#1"), states);
    assert!(!String::from_utf8_lossy(&log.bytes).contains("skipped"));
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn a_slow_reader_gets_the_newest_and_what_it_skipped_is_counted() {
    let folder = Folder::new();
    fifo(&folder);
    let script = format!("echo up; read go < go; {SAY}");
    let text = world(60, 8, "r.ready") + &reader(&script, "ready = { line = \"up\" }") + GO;
    let (ended, log) = folder.run(&text, &[]);
    let ended = ended.expect(0);
    assert_adds_up(&log, "ps#1");
    let count = skipped(&log, "ps#1");
    assert!(count > 0 && count < 481, "{count}");
    assert!(ended.stderr.contains(&format!("; {count} states of the world skipped")), "{}", ended.stderr);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    // The count came from outside, and does not make two runs different.
    let logged = std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let other = logged.replace(&format!("\"skipped\":{count}"), "\"skipped\":1");
    folder.file("other.jsonl", crate::common::logs::with_sum(&crate::common::logs::lines(other.as_bytes())));
    folder.scenario(&["diff", "log.jsonl", "other.jsonl"]).end().expect(0);
    folder.scenario(&["diff", "--level", "exact", "log.jsonl", "other.jsonl"]).end().expect(3);
    folder.scenario(&["replay", "other.jsonl"]).end().expect(0);
}

#[test]
fn a_reader_that_never_reads_delays_nothing_and_a_closed_one_skips_nothing() {
    let folder = Folder::new();
    fifo(&folder);
    let deaf = "[presets.deaf]\ncommand = [\"sh\", \"-c\", \"exec 0<&-; echo closed; read go < go\"]\nstdin = \"world\"\nready = { line = \"closed\" }\n\
        [[timeline]]\nid = \"deaf\"\nafter = \"r.started\"\nspawn = \"deaf\"\n";
    let text = world(60, 8, "deaf.ready") + &reader("exec sleep 600", "background = true") + deaf + GO;
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let (all, lost) = (states(&log, "spawn.started", "ps#1"), skipped(&log, "ps#1"));
    assert!(lost > 0 && lost < all.len(), "{lost} of {}", all.len());
    // The states that it was sent whole fit into its pipe: they are the first ones.
    let sent: usize = all[..all.len() - lost].iter().map(|line| line.len() + 1).sum();
    assert!(sent <= 64 << 10, "{sent}");
    assert_eq!(skipped(&log, "ps#2"), 0, "it was not late for any state");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn two_hundred_readers_each_get_the_states_of_the_log() {
    let folder = Folder::new();
    // The gate starts after all of them.
    let gate = "[presets.gate]\ncommand = [\"true\"]\n[[timeline]]\nid = \"gate\"\nspawn = \"gate\"\n";
    let text = world(4, 10, "gate.started") + &reader(&format!("exec {SAY}"), "") + gate;
    let text = text.replace("spawn = \"r\"", "spawn = \"r\"\ncount = 200");
    let (ended, log) = folder.run(&text, &["-q"]);
    ended.expect(0);
    for n in 1..=200 {
        assert_adds_up(&log, &format!("ps#{n}"));
    }
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn the_answer_of_a_program_is_in_a_later_state() {
    let folder = Folder::new();
    let script = "echo E ann; while read state; do case $state in *ann*) echo \"$state\"; exit;; esac; done";
    let text = format!(
        "tick = \"0s\"\n[world]\nsize = [40, 20]\nbroadcast = \"20ms\"\n{}",
        reader(script, "").replace("spawn = \"r\"\n", "at = \"50ms\"\nspawn = \"r\"\n")
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    let with_ann = states(&log, "spawn.started", "ps#1").into_iter().find(|state| state.contains("ann"));
    assert_eq!(lines_of(&log, "ps#1"), [with_ann.unwrap()]);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}
