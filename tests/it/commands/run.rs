//! `scenario run`, option by option.

use std::time::Instant;

use crate::common::{Folder, Log};

const TWO: &str =
    "[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"2s\" }]\n[[timeline]]\nspawn = \"1\"\n";

#[test]
fn a_scenario_from_standard_input() {
    let folder = Folder::new();
    let run = folder.scenario(&["run", "--clock", "virtual", "--log", "l.jsonl", "-"]);
    run.stdin(format!("seed = 5\n{TWO}")).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.events[0]["seed"], 5);
    assert_eq!(log.of("move").len(), 2);
}

#[test]
fn a_log_on_standard_output_is_alone_there() {
    let folder = Folder::new();
    folder.file("s.toml", TWO);
    let ended = folder.scenario(&["run", "--clock", "virtual", "--log", "-", "s.toml"]).end().expect(0);
    let events: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["event"], "run.finished");
    assert!(ended.stderr.contains("N john") || ended.stderr.contains(" john"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("log:"));
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn quiet_shows_only_why_it_did_not_pass() {
    let folder = Folder::new();
    folder.file("good.toml", TWO);
    folder.file("bad.toml", format!("time_limit = \"1s\"\n{TWO}"));
    let run = |file| folder.scenario(&["run", "--quiet", "--clock", "virtual", file]).end();
    let good = run("good.toml").expect(0);
    assert_eq!((good.stdout.as_str(), good.stderr.as_str()), ("", ""));
    let bad = run("bad.toml").expect(1);
    assert_eq!(
        (bad.stdout.as_str(), bad.stderr.as_str()),
        ("", "error: the run did not pass: the time limit of 1s is over\n")
    );
}

#[test]
fn the_seed_and_the_variables_of_the_command_line_win() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "seed = 5\n[vars]\nwho = \"me\"\nother = \"you\"\n[[timeline]]\nmark = \"${who} and ${other}\"\n",
    );
    let options = ["--clock", "virtual", "--seed", "6", "--var", "who=first", "--var", "who=a=b ${other}"];
    let ended = folder.scenario(&[&["run", "--log", "l.jsonl", "s.toml"], &options[..]].concat()).end();
    let ended = ended.expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.events[0]["seed"], 6);
    assert_eq!(log.of("mark")[0]["text"], "a=b ${other} and you");
    assert!(ended.stderr.contains("seed 6"));
}

#[test]
fn a_run_may_go_faster_and_its_times_stay_its_own() {
    let started = Instant::now();
    let (ended, log) = Folder::new().run(TWO, &["--speed", "20"]);
    let wall = started.elapsed().as_secs_f64();
    ended.expect(0);
    let took = log.last()["took"].as_f64().unwrap();
    assert!(took >= 4.0, "{took}");
    // Four seconds of the run are a fifth of a second: there is much room for a slow machine.
    assert!(wall < 3.0, "{wall}");
    let dues: Vec<f64> = log.of("move").iter().map(|event| event["due"].as_f64().unwrap()).collect();
    assert_eq!(dues, [0.0, 2.0]);
    assert_eq!(log.of("clock.tick").len(), 5);
}

#[test]
fn a_precise_run_is_never_early() {
    let text = "tick = \"1ms\"\n[[timeline]]\nat = \"50ms\"\nmark = \"end\"\n";
    let (ended, log) = Folder::new().run(text, &["--precise"]);
    ended.expect(0);
    assert!(log.of("clock.tick").len() >= 50);
    for event in log.of("clock.tick") {
        assert!(event["t"].as_f64() >= event["due"].as_f64());
    }
}

#[test]
fn logs_go_to_a_name_of_their_own_even_within_a_second() {
    let folder = Folder::new();
    let long = "x".repeat(300);
    folder.file("s.toml", format!("name = \"../a b\\u001b[31mé{long}\"\n{TWO}"));
    let mut logs = Vec::new();
    for _ in 0..5 {
        let ended = folder.scenario(&["run", "--clock", "virtual", "s.toml"]).end().expect(0);
        let said = ended.stderr.lines().last().unwrap().trim().to_owned();
        logs.push(said.strip_prefix("log: ").unwrap().to_owned());
    }
    let all: std::collections::BTreeSet<&String> = logs.iter().collect();
    assert_eq!(all.len(), 5, "{logs:?}");
    for log in &logs {
        let stem = log.strip_prefix("runs/..-a-b--31m-xxx").unwrap_or_else(|| panic!("{log}"));
        let stamp = stem.trim_start_matches('x');
        let (date, time) = stamp.strip_prefix('-').unwrap().split_at(8);
        assert!(
            date.bytes().all(|b| b.is_ascii_digit()) && time.starts_with('T') && &time[7..8] == "Z",
            "{log}"
        );
        assert!(!Log::read(&folder.path().join(log)).events.is_empty());
    }
}

#[test]
fn a_first_scenario_is_written_once_and_runs() {
    let folder = Folder::new();
    let ended = folder.scenario(&["init"]).end().expect(0);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("", "wrote first.toml; run it with: scenario run first.toml\n")
    );
    let written = std::fs::read(folder.path().join("first.toml")).unwrap();
    let ended = folder.scenario(&["init", "first.toml"]).end().expect(4);
    assert_eq!(ended.stderr, "error: first.toml exists already; `scenario init NAME` writes another\n");
    assert_eq!(std::fs::read(folder.path().join("first.toml")).unwrap(), written);
    let ended = folder.scenario(&["check", "first.toml"]).end().expect(0);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", "first.toml: valid\n"));
    folder.scenario(&["run", "--quiet", "--clock", "virtual", "first.toml"]).end().expect(0);
    folder.scenario(&["run", "--quiet", "--speed", "20", "first.toml"]).end().expect(0);
    folder.scenario(&["plan", "first.toml"]).end().expect(0);
    folder.scenario(&["init", "my.own_one-2"]).end().expect(0);
    let text = std::fs::read_to_string(folder.path().join("my.own_one-2.toml")).unwrap();
    assert!(text.contains("name = \"my.own_one-2\"") && text.contains("scenario run my.own_one-2.toml"));
}

#[test]
fn a_wrong_scenario_starts_nothing() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"touch\", \"started\"]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"q\"\n");
    for command in [&["run", "s.toml"][..], &["check", "s.toml"], &["plan", "s.toml"]] {
        folder.scenario(command).end().expect(2);
    }
    assert!(!folder.path().join("started").exists());
    assert!(!folder.path().join("runs").exists(), "no log was started");
}

#[test]
fn fetch_prints_the_response() {
    let address = crate::common::serve(|path, _| match path {
        "/a" => crate::common::answer("200 OK", "", "one\n\x1b[31mtwo\n"),
        "/b" => crate::common::answer("200 OK", "", "b"),
        _ => crate::common::answer("404 Not Found", "", ""),
    });
    let refused = crate::common::free_port();
    let folder = Folder::new();
    let fetch = |arguments: &[&str], code: i32| -> Vec<String> {
        let ended = folder.scenario(&[&["fetch"], arguments].concat()).end().expect(code);
        assert_eq!(ended.stderr, "");
        // The lines without their times.
        let lines = ended
            .stdout
            .lines()
            .map(|line| line.split(" in ").next().unwrap().replace(&address.to_string(), "HOST"));
        lines.collect()
    };
    let (a, b) = (format!("http://{address}/a"), format!("http://{address}/b"));
    assert_eq!(
        fetch(&["-s", "-d", &a, &b], 0),
        [
            "2 URLs",
            "get#1  http://HOST/a",
            "get#1  status 200",
            "get#1  | one",
            "get#1  | \\x1b[31mtwo",
            "get#1  13 bytes",
            "get#2  http://HOST/b",
            "get#2  status 200",
            "get#2  | b",
            "get#2  1 byte",
            "2 of 2 fetched, 14 bytes,"
        ]
    );
    let at_once = fetch(&[&a, &b], 0);
    assert_eq!(at_once[..3], ["2 URLs at once", "get#1  http://HOST/a", "get#2  http://HOST/b"]);
    assert_eq!(at_once.last().unwrap(), "2 of 2 fetched, 14 bytes,");
    let refused = format!("http://127.0.0.1:{refused}/");
    let failed = fetch(&["-s", &refused, &format!("http://{address}/c"), &b], 1);
    assert!(failed[2].starts_with("get#1  failed (connect): no connection to 127.0.0.1:"), "{failed:?}");
    assert_eq!(failed[4..6], ["get#2  status 404", "get#2  0 bytes"]);
    assert_eq!(failed.last().unwrap(), "1 of 3 fetched, 1 byte,");
}
