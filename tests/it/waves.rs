//! The first scenario of the project, and what a seed decides.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{Folder, Log};

fn three_waves() -> String {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let text = std::fs::read_to_string(scenarios.join("three_waves.toml")).unwrap();
    let course = scenarios.join("presets/course.toml");
    text.replace("presets/course.toml", course.to_str().unwrap())
}

/// Checks what must hold for the three waves on any clock.
#[track_caller]
fn assert_three_waves(log: &Log) {
    let mut moves: BTreeMap<&str, usize> = BTreeMap::new();
    for event in log.of("move") {
        *moves.entry(event["player"].as_str().unwrap()).or_default() += 1;
    }
    let wanted = [("john", 3), ("mary", 7), ("bill", 5), ("jane", 4), ("augustin", 8), ("randalphe", 10)];
    assert_eq!(moves, BTreeMap::from(wanted));
    let starts = log.of("spawn.started");
    let dues: Vec<f64> = starts.iter().map(|event| event["due"].as_f64().unwrap()).collect();
    assert_eq!(dues, [0.5, 1.0, 6.0]);
    let names = log.names();
    let third = names.iter().rposition(|name| name == "spawn.started").unwrap();
    assert_eq!(names[..third].iter().filter(|name| *name == "spawn.exited").count(), 2);
    assert_eq!(log.last()["event"], "run.finished");
    assert_eq!(log.last()["outcome"], "passed");
    assert_eq!(log.last()["moves"], 37);
    for (n, event) in log.events.iter().enumerate() {
        assert_eq!(event["seq"], n);
    }
    let times: Vec<f64> = log.events.iter().map(|event| event["t"].as_f64().unwrap()).collect();
    assert!(times.is_sorted());
}

/// The moves of each source: the player, the direction and the planned moment.
fn draws(log: &Log) -> BTreeMap<String, Vec<(String, String)>> {
    let players = ["john", "mary", "bill", "jane", "augustin", "randalphe"];
    players.into_iter().map(|player| (player.to_owned(), log.moves_of(player))).collect()
}

#[test]
fn three_waves_come_and_go_in_virtual_time() {
    let folder = Folder::new();
    let (ended, log) = folder.run(&three_waves(), &["--clock", "virtual"]);
    ended.expect(0);
    assert_three_waves(&log);
    let took = log.last()["took"].as_f64().unwrap();
    assert!((6.0..12.4).contains(&took), "{took}");
    assert_eq!(log.last()["lateness"]["max"], 0.0);
}

#[test]
fn three_waves_come_and_go_in_real_time() {
    let folder = Folder::new();
    let (ended, log) = folder.run(&three_waves(), &[]);
    ended.expect(0);
    assert_three_waves(&log);
    assert!(log.last()["took"].as_f64().unwrap() >= 6.0);
    for event in &log.events {
        if let Some(due) = event["due"].as_f64() {
            assert!(event["t"].as_f64().unwrap() >= due, "early: {event}");
        }
    }
    let (_, planned) = Folder::new().run(&three_waves(), &["--clock", "virtual"]);
    assert_eq!(draws(&log), draws(&planned), "a seed decides the same on both clocks");
}

#[test]
fn three_waves_of_processes_make_the_same_moves() {
    let folder = Folder::new();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let course = std::fs::read_to_string(scenarios.join("presets/course.toml")).unwrap();
    folder.file("course.toml", course.replace("players = [", "isolation = \"process\"\nplayers = ["));
    let text = std::fs::read_to_string(scenarios.join("three_waves.toml")).unwrap();
    let text = text.replace("presets/course.toml", "course.toml");
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_three_waves(&log);
    assert!(log.of("spawn.started").iter().all(|event| event["pid"].is_u64()));
    let (_, planned) = Folder::new().run(&three_waves(), &["--clock", "virtual"]);
    let directions = |log: &Log| -> BTreeMap<String, Vec<String>> {
        let of = draws(log).into_iter();
        of.map(|(player, moves)| (player, moves.into_iter().map(|(_, direction)| direction).collect()))
            .collect()
    };
    assert_eq!(directions(&log), directions(&planned));
}

#[test]
fn two_virtual_runs_of_a_seed_are_the_same_bytes() {
    let runs: Vec<Vec<u8>> =
        (0..2).map(|_| Folder::new().run(&three_waves(), &["--clock", "virtual"]).1.bytes).collect();
    assert!(!runs[0].is_empty());
    assert_eq!(runs[0], runs[1]);
    let (_, other) = Folder::new().run(&three_waves(), &["--clock", "virtual", "--seed", "2019"]);
    assert_ne!(runs[0], other.bytes);
}

#[test]
fn nobody_else_is_changed_by_one_more() {
    let text = three_waves();
    let (_, before) = Folder::new().run(&text, &["--clock", "virtual"]);
    let more = "\n[presets.extra]\nplayers = [{ name = \"zoe\", count = 3, moves = 4, every = \"1s\" }]\n\
                [[timeline]]\nat = \"200ms\"\nspawn = \"extra\"\nevery = \"0s..1s\"\ntimes = 3\n";
    let (ended, after) = Folder::new().run(&(text.clone() + more), &["--clock", "virtual"]);
    ended.expect(0);
    assert_eq!(draws(&before), draws(&after), "an entry of another preset");

    let one = "[presets.p]\nplayers = [{ name = \"john\", moves = 9, every = \"0s..1s\" }]\n[[timeline]]\nspawn = \"p\"\n";
    let two = one.replace("]\n[[", ", { name = \"anna\", moves = 9, every = \"0s..1s\" }]\n[[");
    let virtual_seed = ["--clock", "virtual", "--seed", "5"];
    let (_, alone) = Folder::new().run(one, &virtual_seed);
    let (_, together) = Folder::new().run(&two, &virtual_seed);
    assert_eq!(together.of("move").len(), 18);
    assert_eq!(alone.moves_of("john"), together.moves_of("john"), "a player more");
}

#[test]
fn the_second_spawn_of_a_preset_draws_anew() {
    let text = "[presets.p]\nplayers = [{ name = \"john\", moves = 20, every = \"1s\" }]\n\
                [[timeline]]\nspawn = \"p\"\ncount = 2\n";
    let (_, log) = Folder::new().run(text, &["--clock", "virtual", "--seed", "5"]);
    let of = |source: &str| -> Vec<String> {
        let of = log.of("move").into_iter().filter(|event| event["source"] == source);
        of.map(|event| event["direction"].to_string()).collect()
    };
    assert_ne!(of("ps#1"), of("ps#2"));
}

#[test]
fn another_language_draws_the_same() {
    let Ok(python) = std::process::Command::new("python3").arg("--version").output() else {
        eprintln!("skipped: there is no python3");
        return;
    };
    assert!(python.status.success());
    let text = "[presets.wave]\nplayers = [{ name = \"p{n}\", count = 12, moves = 50, every = \"100ms..2500ms\" }]\n\
                [[timeline]]\nspawn = \"wave\"\ncount = 2\n";
    let (_, log) = Folder::new().run(text, &["--clock", "virtual", "--seed", "987654321"]);
    for (source, nth) in [("ps#1", "0"), ("ps#2", "1")] {
        let of_player = |event: &&serde_json::Value| event["source"] == source && event["player"] == "p12";
        let moves: Vec<String> = log
            .of("move")
            .into_iter()
            .filter(of_player)
            .map(|event| {
                let due = (event["due"].as_f64().unwrap() * 1e9).round() as u64;
                format!("{due} {}", event["direction"].as_str().unwrap())
            })
            .collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/draws.py");
        let mut draws = std::process::Command::new("python3");
        draws.arg(script).args(["987654321", "wave", nth, "p12", "50", "100000000", "2500000000"]);
        let drawn = String::from_utf8(draws.output().unwrap().stdout).unwrap();
        assert_eq!(moves, drawn.lines().collect::<Vec<_>>());
    }
}
