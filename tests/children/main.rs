//! Rows B of the faults on the real binary, from the scenario to the log.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::Folder;

/// A preset of a shell script, started `count` times at once.
fn scenario(script: &str, count: u32, keys: &str) -> String {
    let script = serde_json::to_string(script).unwrap();
    format!(
        "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", {script}]\n{keys}\n\
         [[timeline]]\nspawn = \"p\"\ncount = {count}\n"
    )
}

/// The most memory that a program on GNU/Linux has had so far, in kB, while its children live.
const PEAK: &str = "grep VmHWM /proc/$PPID/status";

#[test]
fn b08_a_line_without_end_arrives_whole_and_memory_stays_flat() {
    let folder = Folder::new();
    let script = format!("head -c 64000000 /dev/zero | tr '\\0' x; echo; {PEAK}");
    let (ended, log) = folder.run(&scenario(&script, 1, ""), &[]);
    ended.expect(0);
    let lines = log.of("line");
    let [parts @ .., peak] = &lines[..] else { panic!("nothing was logged") };
    let length: usize = parts.iter().map(|part| part["text"].as_str().unwrap().len()).sum();
    assert_eq!(length, 64_000_000);
    assert!(parts.iter().rev().skip(1).all(|part| part["partial"] == true));
    let peak = peak["text"].as_str().unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 100_000, "{peak}");
}

#[test]
fn b11_sixteen_producers_lose_nothing_and_keep_their_order() {
    let folder = Folder::new();
    let (ended, log) = folder.run(&scenario("seq 10000; seq 10000 >&2", 16, ""), &["-q"]);
    ended.expect(0);
    for n in 1..=16 {
        for stream in ["stdout", "stderr"] {
            let source = format!("ps#{n}");
            let of = |line: &&&serde_json::Value| line["source"] == *source && line["stream"] == stream;
            let lines = log.of("line");
            let said = lines.iter().filter(of).map(|line| line["text"].as_str().unwrap());
            assert!(said.eq((1..=10_000).map(|n| n.to_string())), "{source} {stream}");
        }
    }
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn b16_two_thousand_short_lives_are_each_seen_once() {
    let folder = Folder::new();
    let text = scenario("", 2_000, "").replace("[\"sh\", \"-c\", \"\"]", "[\"true\"]");
    let (ended, log) = folder.run(&text, &["-q"]);
    ended.expect(0);
    for event in ["spawn.started", "spawn.exited"] {
        let mut sources: Vec<_> = log.of(event).iter().map(|event| event["source"].to_string()).collect();
        sources.sort_unstable();
        sources.dedup();
        assert_eq!((log.of(event).len(), sources.len()), (2_000, 2_000), "{event}");
    }
    assert_eq!(log.last()["exited"], 2_000);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn b17_what_writes_to_our_log_is_found_by_the_reader() {
    let folder = Folder::new();
    // Over what is written already; what stands behind it we write over ourselves.
    let script = "while ! test -s log.jsonl; do sleep 0.01; done; \
                  printf XXXX | dd of=log.jsonl conv=notrunc bs=1 seek=30 2>&1";
    folder.file("s.toml", scenario(script, 1, ""));
    folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).end();
    let said = folder.scenario(&["replay", "log.jsonl"]).end().expect(5).stderr;
    assert!(said.contains("line"), "{said}");
}

#[test]
fn b05_a_grandchild_that_holds_the_pipe_is_said_in_the_log() {
    let folder = Folder::new();
    let (ended, log) = folder.run(
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"sleep 600 & echo before\"]\n\
         [presets.q]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"q\"\n",
        &[],
    );
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("holds its output"), "{}", ended.stderr);
    assert_eq!(log.of("line")[0]["text"], "before");
    for exited in log.of("spawn.exited") {
        let is_first = exited["source"] == "ps#1";
        assert_eq!(exited.get("held").is_some_and(|held| held == true), is_first, "{exited}");
    }
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}
