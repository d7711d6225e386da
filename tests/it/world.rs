//! The world: the positions of the players, the moments when they are reported, and the moves of programs.

use std::collections::BTreeMap;

use crate::common::{Folder, Log};
use serde_json::Value;

/// Runs a scenario, and replays its log.
#[track_caller]
fn run(text: &str, options: &[&str], exit: i32) -> Log {
    let folder = Folder::new();
    let (ended, log) = folder.run(text, options);
    ended.expect(exit);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    log
}

const VIRTUAL: &[&str] = &["--clock", "virtual"];

type Places = BTreeMap<String, [i64; 2]>;

fn places(state: &Value) -> Places {
    serde_json::from_value(state["players"].clone()).unwrap()
}

/// Computes the positions in each state from the moves between the states, and compares them to the logged
/// positions. Each player has one spawn.
#[track_caller]
fn follow(log: &Log, [wide, high]: [i64; 2], wraps: bool) {
    let mut now = Places::new();
    let mut seen: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for event in &log.events {
        match event["event"].as_str().unwrap() {
            "move" => {
                let step = seen.entry(event["player"].as_str().unwrap().to_owned()).or_default();
                let (axis, by) = match event["direction"].as_str().unwrap() {
                    "N" => (1, -1),
                    "S" => (1, 1),
                    "E" => (0, 1),
                    _ => (0, -1),
                };
                step[axis] += by;
                if let Some(at) = now.get_mut(event["player"].as_str().unwrap()) {
                    let side = [wide, high][axis];
                    let to = at[axis] + by;
                    at[axis] = if wraps { to.rem_euclid(side) } else { to.clamp(0, side - 1) };
                }
            }
            "world.state" => {
                for (name, at) in places(event) {
                    assert!((0..wide).contains(&at[0]) && (0..high).contains(&at[1]), "{event}");
                    assert_eq!(*now.entry(name.clone()).or_insert(at), at, "{name} in {event}");
                }
            }
            _ => {}
        }
    }
    assert!(!now.is_empty() && !seen.is_empty());
}

const WAVE: &str = "seed = 3\n[presets.wave]\nplayers = [{ name = \"a\", count = 5, moves = 40, every = \"0s..50ms\" }, \
    { name = \"s\", steps = [\"move\", \"pause 100ms\", \"move\", \"move\", \"pause 1s\"] }]\n[[timeline]]\nspawn = \"wave\"\n";

#[test]
fn states_follow_from_moves() {
    for (edges, broadcast) in [("wrap", "100ms"), ("stop", "100ms"), ("wrap", "0s"), ("stop", "0s")] {
        let world =
            format!("[world]\nsize = [5, 3]\nedges = \"{edges}\"\nbroadcast = \"{broadcast}\"\n{WAVE}")
                .replace("seed = 3\n", "");
        let log = run(&format!("seed = 3\n{world}"), VIRTUAL, 0);
        follow(&log, [5, 3], edges == "wrap");
        let states = log.of("world.state");
        if broadcast == "0s" {
            assert_eq!(states.len() as u64, log.last()["moves"].as_u64().unwrap());
            let behind = log.events.windows(2).filter(|two| two[0]["event"] == "move");
            for two in behind {
                assert_eq!((&two[1]["event"], &two[1]["due"]), (&"world.state".into(), &two[0]["due"]));
            }
        } else {
            for (n, state) in states.iter().enumerate() {
                assert_eq!(state["due"].as_f64().unwrap(), (n as u64 * 100_000_000) as f64 / 1e9, "{state}");
            }
        }
    }
}

#[test]
fn a_place_hangs_on_nobody_else() {
    let world = "[world]\nsize = [1_000, 1_000]\n";
    let alone = "[presets.p]\nplayers = [{ name = \"john\", moves = 0, every = \"1s\" }, { name = \"w\", moves = 1, every = \"3s\" }]\n\
                 [[timeline]]\nat = \"500ms\"\nspawn = \"p\"\n";
    let more = "[presets.p]\nplayers = [{ name = \"mary\", moves = 5, every = \"1s\" }, { name = \"john\", moves = 0, every = \"1s\" }]\n\
                [presets.q]\nplayers = [{ name = \"bill\", moves = 5, every = \"1s\" }]\n\
                [[timeline]]\nspawn = \"q\"\n[[timeline]]\nat = \"700ms\"\nspawn = \"p\"\n";
    let place = |text: &str, seed: &str| {
        let log = run(
            &format!("{world}{text}").replacen("[world]", &format!("seed = {seed}\n[world]"), 1),
            VIRTUAL,
            0,
        );
        places(log.of("world.state")[1])["john"]
    };
    assert_eq!(place(alone, "1"), place(more, "1"));
    assert_ne!(place(alone, "1"), place(alone, "2"));
}

#[test]
fn a_spawn_comes_and_leaves_as_one() {
    let text = "seed = 1\ntick = \"1s\"\n[world]\nsize = [9, 9]\nbroadcast = \"500ms\"\n\
        [presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1200ms\" }, { name = \"still\", moves = 0, every = \"1s\" }, \
        { name = \"b\", moves = 1, every = \"100ms\" }]\n\
        [presets.none]\nplayers = [{ name = \"nobody\", moves = 0, every = \"1s\" }]\n\
        [[timeline]]\nat = \"500ms\"\nspawn = \"p\"\n[[timeline]]\nat = \"700ms\"\nspawn = \"p\"\n\
        [[timeline]]\nat = \"1s\"\nspawn = \"none\"\n[[timeline]]\nat = \"2500ms\"\nmark = \"end\"\n";
    let log = run(text, VIRTUAL, 0);
    let there = |n: usize| places(log.of("world.state")[n]).into_keys().collect::<Vec<_>>();
    let both = ["a", "a@ps#2", "b", "b@ps#2", "still", "still@ps#2"];
    assert_eq!(there(0), [""; 0]);
    assert_eq!(there(1), ["a", "b", "still"], "what the timeline spawns comes before the state");
    assert_eq!(there(2), both);
    assert_eq!(there(3), both, "who has ended its part is there until its spawn ends");
    assert_eq!(there(4), [""; 0]);
    // At one moment: the tick, the timeline, the state, the moves.
    let at_one: Vec<_> = log.events.iter().filter(|event| event["due"] == 1.0).collect();
    let names: Vec<&str> = at_one.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["clock.tick", "spawn.started", "world.state"]);
    assert_eq!(log.of("world.state").len(), 5, "the run waits for none");
}

#[test]
fn lines_of_a_program_are_moves_and_still_lines_that_are_waited_for() {
    let text = "seed = 1\ntick = \"0s\"\n[world]\nsize = [9, 9]\nbroadcast = \"0s\"\n\
        [presets.p]\ncommand = [\"sh\", \"-c\", \"\"\"echo E ann; echo N ann; echo 'E  ann'; echo n ann; echo E a/b >&2; \
        echo E ann >&2; echo W bob; printf 'S ann'\"\"\"]\nready = { line = \"^N ann$\" }\nmax_line = \"10B\"\n\
        [presets.long]\ncommand = [\"sh\", \"-c\", \"echo 0123456789N ann; echo N ann\"]\nmax_line = \"10B\"\n\
        [[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
        [[timeline]]\nafter = \"p.ready\"\nmark = \"ready\"\n\
        [[timeline]]\nafter = { line = \"^W bob$\", of = \"p\" }\nmark = \"bob\"\n\
        [[timeline]]\nafter = \"p.finished\"\nspawn = \"long\"\n";
    let log = run(text, &[], 0);
    let moves: Vec<_> = log
        .of("move")
        .iter()
        .map(|one| format!("{} {}", one["direction"], one["player"]).replace('"', ""))
        .collect();
    assert_eq!(moves, ["E ann", "N ann", "W bob", "S ann", "N ann"]);
    assert!(log.of("move").iter().chain(&log.of("world.state")).all(|one| one["due"].is_null()));
    let lines: Vec<_> = log.of("line").iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect();
    for line in ["E  ann", "n ann", "E a/b", "E ann", "0123456789", "N ann"] {
        assert!(lines.iter().any(|own| own == line), "{line} in {lines:?}");
    }
    assert_eq!(log.last()["moves"], 5);
    assert_eq!(log.of("mark").len(), 2);
    // The state is right after the move, and `spawn.ready` right after both: one line caused all three.
    let of = |name: &str| log.events.iter().position(|one| one["event"] == name).unwrap();
    assert_eq!(log.events[of("spawn.ready") - 2]["direction"], "N");
    let end = log.of("world.state");
    let (first, last) = (places(end[0])["ann"], places(end[3])["ann"]);
    assert_eq!(first, last, "N and S; a line that is not a move moves nobody");
    assert_eq!(places(end[3]).len(), 2);
    assert_eq!(places(end[4]).len(), 1, "they left with their program");
}

#[test]
fn a_spawn_for_which_there_is_no_room_fails() {
    let text = "tick = \"0s\"\n[world]\nsize = [3, 3]\nbroadcast = \"1h\"\n\
        [presets.p]\nplayers = [{ name = \"a\", count = 60_000, moves = 0, every = \"1s\" }, { name = \"b\", moves = 1, every = \"1s\" }]\n\
        [[timeline]]\nspawn = \"p\"\n[[timeline]]\nat = \"500ms\"\nspawn = \"p\"\n[[timeline]]\nat = \"1500ms\"\nspawn = \"p\"\n";
    let log = run(text, VIRTUAL, 1);
    let failed = log.of("spawn.failed");
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error"], "a world holds at most 100000 players at once");
    assert_eq!(log.of("spawn.exited").len(), 2);
}

#[test]
fn another_world_is_another_run_and_no_outcome() {
    let folder = Folder::new();
    let text = "[shared]\na = 10\n[world]\nsize = [5, 3]\n[presets.t]\nplayers = [{ name = \"t\", count = 2, steps = [\"load a\", \"add 1\", \"store a\", \"move\"] }]\n\
        [[timeline]]\nspawn = \"t\"\n";
    let (ended, _) = folder.run(&format!("seed = 1\n{text}"), VIRTUAL);
    ended.expect(0);
    // The log's scenario contains the world, and the scenario that is extracted from it does the same.
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    folder.file("again.toml", &extracted);
    folder
        .scenario(&["run", "-q", "--clock", "virtual", "--log", "again.jsonl", "again.toml"])
        .end()
        .expect(0);
    let other = |log: &str| folder.scenario(&["diff", "--level", "exact", "log.jsonl", log]).end().code;
    folder.scenario(&["diff", "log.jsonl", "again.jsonl"]).end().expect(0);
    assert_eq!(other("log.jsonl"), Some(0));
    folder.file("wide.toml", format!("seed = 1\n{text}").replace("[5, 3]", "[50, 30]"));
    let ended = folder.scenario(&["replay", "--against", "wide.toml", "log.jsonl"]).end().expect(3);
    assert!(ended.stderr.contains("`[world]` of the scenario"), "{}", ended.stderr);
    folder.scenario(&["run", "-q", "--clock", "virtual", "--log", "wide.jsonl", "wide.toml"]).end().expect(0);
    assert_eq!(other("wide.jsonl"), Some(3));
    folder.scenario(&["diff", "log.jsonl", "wide.jsonl"]).end().expect(0);
    // The outcomes are the same with and without the world.
    let count = |world: &str| {
        folder.file("e.toml", text.replace("[world]\nsize = [5, 3]\n", world));
        folder.scenario(&["explore", "--exhaustive", "--format", "json", "e.toml"]).end().expect(0).stdout
    };
    let without = count("");
    assert_eq!(count("[world]\nsize = [5, 3]\n"), without);
    assert_eq!(count("[world]\nsize = [5, 3]\nbroadcast = \"0s\"\n"), without);
    let run = ["explore", "--exhaustive", "--outcome", "1", "--log", "witness.jsonl", "e.toml"];
    folder.scenario(&run).end().expect(0);
    folder.scenario(&["replay", "witness.jsonl"]).end().expect(0);
    assert!(!Log::read(&folder.path().join("witness.jsonl")).of("world.state").is_empty());
}

#[test]
fn words_that_begin_with_a_letter_of_a_direction_are_no_move() {
    let world = "tick = \"0s\"\nseed = 1\n[world]\nsize = [9, 9]\nbroadcast = \"0s\"\n";
    let program = "[presets.p]\ncommand = [\"printf\", '%s\\n', \"N john\", \"W no such file\", \"E  x\", \"S Čeda\", \"S\", \"N \"]\n";
    let players = "[presets.q]\nisolation = \"process\"\nplayers = [{ name = \"Miss Emma\", moves = 1, every = \"1ms\" }]\n";
    let entries =
        "[[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nafter = \"p.finished\"\nspawn = \"q\"\n";
    let log = run(&[world, program, players, entries].concat(), &[], 0);
    let texts = |kind: &str, key: &str| -> Vec<String> {
        log.of(kind).iter().map(|event| event[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("move", "player"), ["john", "Čeda", "Miss Emma"]);
    assert_eq!(texts("line", "text"), ["W no such file", "E  x", "S", "N "]);
}
