//! Players with steps in a run: the order at one instant, the effect of locks, and deadlocks.

use crate::common::{Folder, Log};
use serde_json::{Value, json};

/// Runs a scenario in virtual time.
#[track_caller]
fn run(text: &str, options: &[&str], exit: i32) -> Log {
    let folder = Folder::new();
    let options = [&["--clock", "virtual"], options].concat();
    let (ended, log) = folder.run(&format!("tick = \"0s\"\n{text}"), &options);
    ended.expect(exit);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    log
}

/// The events, each in a word; for a step, its player and its text.
fn told(log: &Log) -> Vec<String> {
    let of = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let one = |event: &Value| match event["event"].as_str().unwrap() {
        "step" => format!("{}: {}", of(event, "player"), of(event, "step")),
        "move" => format!("{} moves", of(event, "player")),
        "mark" => of(event, "text"),
        other => other.to_owned(),
    };
    let all: Vec<String> = log.events.iter().map(one).collect();
    all[1..all.len() - 1].to_vec()
}

#[test]
fn at_one_instant_the_timeline_comes_first_then_moves_then_steps() {
    let text = r#"
[presets.steps]
players = [{ name = "s", steps = ["say a", "pause 1s", "say b"] }]
[presets.moves]
players = [{ name = "m", moves = 2, every = "1s" }]
[[timeline]]
spawn = "steps"
[[timeline]]
spawn = "moves"
[[timeline]]
at = "1s"
mark = "mark"
"#;
    let wanted = [
        "spawn.started",
        "spawn.started",
        "m moves",
        "s: say a",
        "s: pause 1s",
        "mark",
        "m moves",
        "s: say b",
        "spawn.exited",
        "spawn.exited",
    ];
    assert_eq!(told(&run(text, &[], 0)), wanted);
}

#[test]
fn what_waits_goes_on_at_the_moment_that_the_lock_is_given_back() {
    let text = r#"
[presets.p]
players = [{ name = "a", steps = ["lock m", "pause 2s", "unlock m"] }]
[presets.q]
players = [{ name = "b", steps = ["lock m", "unlock m"] }]
[[timeline]]
spawn = "p"
[[timeline]]
at = "1s"
spawn = "q"
"#;
    let log = run(text, &[], 0);
    let wanted = [
        "spawn.started",
        "a: lock m",
        "a: pause 2s",
        "spawn.started",
        "a: unlock m",
        "spawn.exited",
        "b: lock m",
        "b: unlock m",
        "spawn.exited",
    ];
    assert_eq!(told(&log), wanted);
    let lock = log.of("step").into_iter().find(|step| step["player"] == "b").unwrap();
    assert_eq!(lock["due"], 2.0, "planned for the moment that it could come");
}

const HOLDER: &str = r#"
[presets.p]
players = [{ name = "a", steps = ["lock m", "say mine"] }]
[presets.q]
players = [{ name = "b", steps = ["pause 1s", "lock m", "unlock m"] }]
[[timeline]]
id = "p"
spawn = "p"
[[timeline]]
spawn = "q"
"#;

#[test]
fn who_ends_or_is_stopped_keeps_its_lock() {
    let stopped =
        HOLDER.replace("say mine", "pause 1h\", \"unlock m") + "[[timeline]]\nat = \"500ms\"\nstop = \"p\"\n";
    for text in [HOLDER, &stopped] {
        let log = run(text, &[], 1);
        let deadlock = log.of("deadlock");
        assert_eq!(deadlock[0]["waiting"], json!({ "b": "m" }));
        assert_eq!(deadlock[0]["t"], 1.0);
        assert_eq!(log.last()["outcome"], "failed");
        assert!(log.last()["reason"].as_str().unwrap().starts_with("deadlock: "));
    }
}

#[test]
fn a_deadlock_waits_for_who_can_still_move_and_for_nobody_else() {
    let text = format!(
        "{HOLDER}[[timeline]]\nspawn = \"moves\"\n[[timeline]]\nat = \"1m\"\nspawn = \"q\"\n\
         [presets.moves]\nplayers = [{{ name = \"m\", moves = 5, every = \"1s\" }}]\n"
    );
    let log = run(&text, &[], 1);
    assert_eq!(log.of("deadlock")[0]["t"], 5.0);
    assert_eq!(log.of("spawn.started").len(), 3, "what was to come later does not come");
}

#[test]
fn who_takes_its_own_lock_twice_waits_for_itself() {
    let text = "[presets.p]\nplayers = [{ name = \"a\", steps = [\"lock m\", \"lock m\", \"unlock m\"] }]\n\
                [[timeline]]\nspawn = \"p\"\n";
    assert_eq!(run(text, &[], 1).of("deadlock")[0]["waiting"], json!({ "a": "m" }));
}

#[test]
fn players_of_one_name_are_told_apart_by_their_spawns() {
    let text = "[presets.p]\nplayers = [{ name = \"a\", steps = [\"lock m\"] }]\n[[timeline]]\nspawn = \"p\"\ncount = 3\n";
    let log = run(text, &["--seed", "1"], 1);
    let waiting = log.of("deadlock")[0]["waiting"].as_object().unwrap();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.keys().all(|name| name.starts_with("ps#") && name.ends_with(" a")), "{waiting:?}");
}

#[test]
fn numbers_wrap_around() {
    let text = r#"
[shared]
a = 9223372036854775807
b = -9223372036854775808
[presets.p]
players = [{ name = "x", steps = ["load a", "add 2", "store a", "load b", "mul -1", "store b"] }]
[[timeline]]
spawn = "p"
"#;
    let log = run(text, &[], 0);
    assert_eq!(log.last()["shared"], json!({ "a": i64::MIN + 1, "b": i64::MIN }));
}

#[test]
fn what_a_player_draws_is_nobody_elses() {
    let text = r#"
[presets.p]
players = [{ name = "x", steps = ["move", "pause 0s..1s", "move", "pause { exponential = \"1s\" }", "move"] }]
[[timeline]]
spawn = "p"
"#;
    let others = "[presets.q]\nplayers = [{ name = \"y\", count = 5, steps = [\"move\", \"pause 0s..1s\", \"move\"] }]\n\
                  [[timeline]]\nspawn = \"q\"\n";
    let moves = |log: &Log| -> Vec<Value> {
        let own = log.of("move").into_iter().filter(|one| one["player"] == "x");
        own.map(|one| json!([one["due"], one["direction"]])).collect()
    };
    let alone = moves(&run(text, &["--seed", "7"], 0));
    assert_eq!(alone.len(), 3);
    assert_eq!(alone, moves(&run(&format!("{text}{others}"), &["--seed", "7"], 0)));
}

#[test]
fn the_players_command_plays_them_too() {
    let folder = Folder::new();
    let steps = r#"["load a", "move", "pause 1ms", "move", "lock m", "lock m"]"#;
    folder.file("s.toml", format!("[shared]\na = 1\n[presets.p]\nplayers = [{{ name = \"x\", directions = [\"N\"], steps = {steps} }}]\n"));
    let ended = folder.scenario(&["players", "s.toml", "p"]).end().expect(1);
    assert_eq!(ended.stdout, "N x\nN x\n");
    assert!(ended.stderr.contains("a deadlock"), "{}", ended.stderr);
}
