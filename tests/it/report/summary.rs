//! The summary, for people and for programs.

use std::process::Command;

use serde_json::Value;

use crate::common::Folder;
use crate::common::logs::{lines, log, logs, with_sum};
use crate::report::{compare, folder};

#[test]
fn what_is_printed_to_the_letter() {
    for name in [
        "three_waves",
        "exits",
        "fetches",
        "typed",
        "cut_short",
        "empty",
        "paused",
        "time_limit",
        "loads",
        "expected",
    ] {
        let exit = if name == "cut_short" { 5 } else { 0 };
        let ended = folder(&log(name)).scenario(&["report", "log.jsonl"]).end().expect(exit);
        compare(&format!("{name}.txt"), &ended.stdout);
    }
}

#[test]
fn only_texts_of_the_log_are_wider_than_a_terminal() {
    let said = ["line ", "held ", "missed "];
    for (name, bytes) in logs() {
        let ended = folder(&bytes).scenario(&["report", "--allow-incomplete", "log.jsonl"]).end().expect(0);
        for line in
            ended.stdout.lines().skip(3).filter(|line| !said.iter().any(|said| line.starts_with(said)))
        {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
    }
}

#[test]
fn the_same_bytes_everywhere() {
    let folder = folder(&log("fetches"));
    let plain = folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    for (name, value) in [("LC_ALL", "C"), ("TZ", "Asia/Tokyo"), ("COLUMNS", "40"), ("NO_COLOR", "1")] {
        let ended = folder.scenario(&["report", "log.jsonl"]).env(name, value).end().expect(0);
        assert_eq!(ended.stdout, plain, "{name}");
    }
    let piped = folder.scenario(&["report", "-"]).stdin(log("fetches")).end().expect(0);
    assert_eq!(piped.stdout, plain, "from a pipe");
}

#[test]
fn the_figures_are_those_of_the_log() {
    for (name, bytes) in logs() {
        let events: Vec<Value> =
            lines(&bytes).iter().filter_map(|l| serde_json::from_slice(l).ok()).collect();
        let folder = folder(&bytes);
        let ended = folder.scenario(&["report", "--format", "json", "--allow-incomplete", "log.jsonl"]);
        let figures: Value = serde_json::from_str(&ended.end().expect(0).stdout).unwrap();
        let count = |is: &dyn Fn(&Value) -> bool| events.iter().filter(|event| is(event)).count() as u64;
        assert_eq!(figures["events"], events.len(), "{name}");
        assert_eq!(figures["outcome"], events.last().unwrap()["outcome"], "{name}");
        for (preset, spawns) in figures["spawns"].as_object().unwrap() {
            let started: Vec<_> = events
                .iter()
                .filter(|e| e["event"] == "spawn.started" && e["preset"] == **preset)
                .map(|e| e["source"].clone())
                .collect();
            assert_eq!(spawns["started"], started.len(), "{name} {preset}");
            if started.is_empty() {
                continue;
            }
            let of = |e: &Value| started.contains(&e["source"]);
            assert_eq!(spawns["moves"], count(&|e| e["event"] == "move" && of(e)), "{name} {preset}");
            let stdout = count(&|e| e["event"] == "line" && e["stream"] == "stdout" && of(e));
            assert_eq!(spawns["stdout"], stdout, "{name} {preset}");
            let ended = count(&|e| e["event"] == "spawn.exited" && of(e));
            assert_eq!(spawns["took"]["count"], ended, "{name} {preset}");
        }
        for (job, fetches) in figures["fetches"].as_object().unwrap() {
            let sources: Vec<_> = events
                .iter()
                .filter(|e| e["event"] == "fetch.started" && e["job"] == **job)
                .map(|e| e["source"].clone())
                .collect();
            let is_end = |e: &Value| e["event"] == "fetch.finished" || e["event"] == "fetch.failed";
            let ends = events.iter().filter(|e| is_end(e) && sources.contains(&e["source"]));
            let longest = ends.clone().map(|e| e["took"].as_f64().unwrap()).fold(0.0, f64::max);
            assert_eq!(fetches["started"], sources.len(), "{name} {job}");
            assert_eq!(fetches["took"]["max"].as_f64().unwrap(), longest, "{name} {job}");
            let bytes: u64 = ends.filter_map(|e| e["bytes"].as_u64()).sum();
            assert_eq!(fetches["bytes"], bytes, "{name} {job}");
        }
    }
}

#[test]
fn a_log_that_cannot_be_used_is_named() {
    let whole = log("moments");
    let cut = folder(&whole[..whole.len() - 200]);
    let ended = cut.scenario(&["report", "log.jsonl"]).end().expect(5);
    assert!(ended.stdout.starts_with("moments: cut short after "), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("log.jsonl: the log was cut short: it ends after line"),
        "{}",
        ended.stderr
    );
    let ended = cut.scenario(&["report", "--allow-incomplete", "log.jsonl"]).end().expect(0);
    assert!(ended.stderr.starts_with("warning: log.jsonl: the log was cut short"), "{}", ended.stderr);

    let mut moved = lines(&whole);
    moved.swap(3, 4);
    let newer = String::from_utf8(whole.clone()).unwrap().replacen("\"format\":1", "\"format\":9", 1);
    for (bytes, line) in
        [(moved.concat(), "line 4"), (newer.into_bytes(), "line 1"), (b"hello\n".to_vec(), "")]
    {
        let ended = folder(&bytes).scenario(&["report", "--allow-incomplete", "log.jsonl"]).end().expect(5);
        assert!(ended.stdout.is_empty() && ended.stderr.contains(line), "{ended:?}");
    }
}

#[test]
fn events_of_later_releases_are_counted() {
    let mut all = lines(&log("empty"));
    let last = String::from_utf8(all.pop().unwrap()).unwrap();
    all.push(b"{\"seq\":1,\"t\":0.000000000,\"event\":\"moon.risen\",\"phase\":[1]}\n".to_vec());
    all.push(last.replace("\"seq\":1", "\"seq\":2").into_bytes());
    let ended = folder(&with_sum(&all)).scenario(&["report", "log.jsonl"]).end().expect(0);
    assert!(ended.stdout.contains("1 event of an unknown kind"), "{}", ended.stdout);
}

#[test]
fn a_reader_that_has_seen_enough() {
    let folder: Folder = folder(&log("typed"));
    let run = folder.scenario(&["report", "log.jsonl"]);
    let program = run.command.get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path()).arg("-c").arg("{ \"$0\" report log.jsonl; echo $? >&2; } | head -1");
    let output = shell.arg(program).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "typed: failed after 1.34 s\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n");
}
