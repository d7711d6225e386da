//! The effect of a missed expectation on a run, and how it is reported.

use rustix::process::Signal;

use crate::common::{Folder, kill};
use crate::expect::{outcomes, told};

const PLAYERS: &str = "tick = '0s'\nseed = 1\n[presets.p]\n\
    players = [{ name = 'john', count = 3, moves = 100, every = '10ms..20ms' }]\n[[timeline]]\nspawn = 'p'\n";

#[test]
fn a_missed_one_fails_the_run_and_is_its_reason() {
    let folder = Folder::new();
    let rules = "[[expect]]\nname = 'fine'\nof = 'move'\nequals = 300\n\
                 [[expect]]\nname = 'few moves'\nof = 'move'\nat_most = 5\n\
                 [[expect]]\nname = 'fewer'\nof = 'move'\nat_most = 4\n";
    let (ended, log) = folder.run(&format!("{PLAYERS}{rules}"), &["--clock", "virtual"]);
    let ended = ended.expect(1);
    let names: Vec<_> = log.of("expect").iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fine", "few moves", "fewer"], "in the order of the file");
    assert_eq!(log.last()["outcome"], "failed");
    let reason = "expectation `few moves` is missed: wanted at most 5, got 300";
    assert_eq!(log.last()["reason"], reason);
    assert!(ended.stderr.contains("ok fine: wanted exactly 300, got 300"), "{}", ended.stderr);
    assert!(ended.stderr.contains("MISSED few moves: wanted at most 5, got 300 (seq "), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("FAILED: {reason}")), "{}", ended.stderr);
    let kinds: Vec<_> = log.names().into_iter().rev().take(5).collect();
    assert_eq!(kinds, ["run.finished", "expect", "expect", "expect", "spawn.exited"]);
}

#[test]
fn they_are_told_at_every_end() {
    let rule =
        "[[expect]]\nname = 'it'\nof = 'move'\nequals = 0\n[[expect]]\nof = 'spawn.started'\nequals = 1\n";
    let folder = Folder::new();
    let limited = format!("time_limit = '50ms'\n{PLAYERS}{rule}");
    let (ended, log) = folder.run(&limited, &["--clock", "virtual"]);
    ended.expect(1);
    assert_eq!(outcomes(&told(&log)).iter().map(|(ok, ..)| *ok).collect::<Vec<_>>(), [false, true]);
    assert!(
        log.last()["reason"].as_str().unwrap().contains("time limit"),
        "what failed first: {}",
        log.last()
    );

    folder.file(
        "s.toml",
        format!("tick = '0s'\n[presets.p]\ncommand = ['sleep', '60']\n[[timeline]]\nspawn = 'p'\n{rule}"),
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "i.jsonl"]).watch();
    run.until("started p");
    kill(&run.child, Signal::INT);
    let (code, _) = run.end();
    assert_eq!(code, Some(130));
    let log = crate::expect::Log::read(&folder.path().join("i.jsonl"));
    assert_eq!(told(&log).len(), 2);
    assert_eq!(log.last()["outcome"], "interrupted");
    folder.scenario(&["replay", "i.jsonl"]).end().expect(0);
}

#[test]
fn an_abort_ends_the_run_at_the_event_that_decides() {
    for (rule, last, got) in [
        ("of = 'move'\nat_most = 7", "move", "8"),
        ("of = 'move'\nbelow = 8", "move", "8"),
        ("of = 'move'\nequals = 7", "move", "8"),
        ("of = 'move'\nwhere = { player = '3' }\nnever = true", "move", "1"),
        ("of = 'run.took'\nbelow = '30ms'", "move", ""),
        ("of = 'move'\nfollows = { of = 'spawn.exited' }", "move", ""),
        ("of = 'spawn.started'\nnever = true", "move", "1"),
    ] {
        let folder = Folder::new();
        let text = format!("{PLAYERS}[[expect]]\nname = 'it'\nabort = true\n{rule}\n");
        let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
        ended.expect(1);
        let reason = log.last()["reason"].as_str().unwrap();
        assert!(reason.starts_with("expectation `it` can no longer hold: wanted "), "{rule}: {reason}");
        assert!(got.is_empty() || reason.ends_with(&format!(", got {got}")), "{rule}: {reason}");
        let names = log.names();
        let at = names.iter().position(|name| name == "stopping").unwrap();
        assert_eq!(names[at - 1], last, "{rule}");
        assert_eq!(&names[at..], ["stopping", "spawn.exited", "expect", "run.finished"], "{rule}");
        assert!(names.len() < 30, "{rule}: the run goes no further");
        assert_eq!(log.events[at]["reason"], reason, "{rule}");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

#[test]
fn an_abort_comes_right_behind_a_line_of_one_read() {
    // All lines are written at once; those after the sixth come while the run is being stopped.
    let program = "printf '%s\\n' 1 2 3 4 5 6 7 8 9; exec sleep 60";
    let scenario = format!(
        "tick = '0s'\n[presets.p]\ncommand = ['sh', '-c', \"\"\"{program}\"\"\"]\n[[timeline]]\nspawn = 'p'\n\
         [[expect]]\nof = 'line'\nat_most = 5\nabort = true\n"
    )
    .replace("\\n'", "\\\\n'");
    let folder = Folder::new();
    let (ended, log) = folder.run(&scenario, &[]);
    ended.expect(1);
    let names = log.names();
    let at = names.iter().position(|name| name == "stopping").unwrap();
    assert_eq!(log.events[at - 1]["text"], "6", "{names:?}");
    assert_eq!(log.of("line").len(), 9, "none is lost");
    assert_eq!(log.of("expect")[0]["got"], "9");
    assert_eq!(log.of("expect")[0]["events"], serde_json::json!([at as u64 - 1]));
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn an_abort_comes_right_behind_a_line_of_an_answer() {
    let server = crate::common::serve(|_, _| crate::common::answer("200 OK", "", "a\nb\nc\nd\n"));
    let scenario = format!(
        "tick = '0s'\n[fetches.f]\nurls = ['http://{server}/']\nlines = true\n[[timeline]]\nfetch = 'f'\n\
         [[expect]]\nof = 'fetch.line'\nwhere = {{ text = 'b' }}\nnever = true\nabort = true\n"
    );
    let folder = Folder::new();
    let (ended, log) = folder.run(&scenario, &[]);
    ended.expect(1);
    let at = log.names().iter().position(|name| name == "stopping").unwrap();
    assert_eq!(log.events[at - 1]["text"], "b");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn without_abort_a_run_goes_on_to_its_end() {
    let folder = Folder::new();
    let text = format!("{PLAYERS}[[expect]]\nof = 'move'\nnever = true\n");
    let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
    ended.expect(1);
    assert_eq!(log.of("move").len(), 300);
    assert!(log.of("stopping").is_empty());
}

#[test]
fn a_virtual_run_gives_the_same_bytes_twice() {
    let folder = Folder::new();
    let text = format!(
        "{PLAYERS}[[expect]]\nof = 'spawn.took'\nstat = 'p99.9'\nbelow = '5s'\n[[expect]]\nof = 'move'\n\
         stat = 'rate'\nabove = '1/s'\n[[expect]]\nof = 'move'\nwhere = {{ direction = 'N' }}\nat_most = 70\nabort = true\n"
    );
    let (_, first) = folder.run(&text, &["--clock", "virtual"]);
    let (_, second) = folder.run(&text, &["--clock", "virtual"]);
    assert!(!first.bytes.is_empty() && first.bytes == second.bytes);
    assert_eq!(first.of("expect").len(), 3);
}

#[test]
fn other_commands_know_them() {
    let folder = Folder::new();
    let text = format!(
        "{PLAYERS}[[expect]]\nname = 'it'\nof = 'move'\nin = 'p'\nwhere = {{ player = 'j' }}\nat_most = 5\n"
    );
    let (_, log) = folder.run(&text, &["--clock", "virtual"]);
    std::fs::rename(folder.path().join("log.jsonl"), folder.path().join("first.jsonl")).unwrap();

    // The extracted scenario expects the same, and its run is the same.
    let extracted = folder.scenario(&["extract", "first.jsonl"]).end().expect(0).stdout;
    let (ended, again) = folder.run(&extracted, &["--clock", "virtual"]);
    ended.expect(1);
    assert_eq!(told(&log), told(&again));
    for level in ["source", "summary"] {
        folder.scenario(&["diff", "first.jsonl", "log.jsonl", "--level", level]).end().expect(0);
    }

    let (ended, _) = folder.run(&text.replace("at_most = 5", "at_most = 500"), &["--clock", "virtual"]);
    ended.expect(0);
    let ended = folder.scenario(&["diff", "first.jsonl", "log.jsonl", "--level", "summary"]).end().expect(3);
    assert!(
        ended.stderr.contains("expectation it: ok") && ended.stderr.contains("expectation it: missed"),
        "{}{}",
        ended.stdout,
        ended.stderr
    );

    let played = folder.scenario(&["play", "first.jsonl", "--speed", "max"]).end().expect(0);
    assert!((played.stdout + &played.stderr).contains("MISSED it: wanted at most 5, got 300"));
    let planned = folder.scenario(&["plan", "s.toml"]).end().expect(0);
    assert!(
        planned.stdout.contains("expects  it: move in p where player = 'j': at most 500"),
        "{}",
        planned.stdout
    );
}
