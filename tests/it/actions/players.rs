//! Actions on players that the runner plays, on the virtual clock.

use super::{assert_replays, story};
use crate::common::{Folder, Log};

const WALKERS: &str = "tick = \"0s\"\nseed = 3\n[presets.walkers]\nplayers = [{ name = \"ann\", moves = 10, every = \"1s\" }]\n\
                       [[timeline]]\nid = \"w\"\nspawn = \"walkers\"\n";

#[track_caller]
fn run(text: &str, code: i32) -> Log {
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("{WALKERS}{text}"), &["--clock", "virtual"]);
    ended.expect(code);
    assert_replays(&folder, "log.jsonl");
    log
}

const KINDS: [&str; 4] = ["spawn.started", "spawn.restarted", "spawn.exited", "signalled"];

#[test]
fn players_are_killed_at_once() {
    let log = run("[[timeline]]\nat = \"2500ms\"\nkill = \"w\"\n", 0);
    assert_eq!(story(&log, &KINDS), ["spawn.started ps#1", "signalled ps#1 KILL", "spawn.exited ps#1 KILL"]);
    assert_eq!(log.of("spawn.exited")[0]["ok"], true);
    assert_eq!(log.last()["moves"], 3);
}

#[test]
fn players_are_restarted_at_once_and_their_entry_goes_on() {
    let log = run(
        "[[timeline]]\nat = \"2500ms\"\nrestart = \"walkers\"\n[[timeline]]\nafter = \"w.finished\"\nmark = \"done\"\n",
        0,
    );
    assert_eq!(
        story(&log, &KINDS),
        [
            "spawn.started ps#1",
            "spawn.exited ps#1 TERM",
            "spawn.restarted ps#2 ps#1",
            "spawn.started ps#2",
            "spawn.exited ps#2"
        ]
    );
    assert_eq!(log.of("spawn.started")[1]["entry"], "w");
    assert_eq!(log.of("mark")[0]["t"], 12.5, "ten moves from the restart on");
    assert_eq!(log.last()["moves"], 13);
}

#[test]
fn a_step_stops_what_has_the_name_of_a_preset() {
    let log = run(
        "[presets.boss]\nplayers = [{ name = \"boss\", steps = [\"pause 1500ms\", \"stop walkers\"] }]\n[[timeline]]\nspawn = \"boss\"\n",
        0,
    );
    assert_eq!(log.of("stopping")[0]["source"], "ps#1");
    assert_eq!(log.last()["moves"], 2);
}

#[test]
fn a_run_with_hold_lasts_until_its_limit() {
    let folder = Folder::new();
    let text = format!("hold = true\ntime_limit = \"1m\"\n{WALKERS}");
    let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
    ended.expect(0);
    assert_replays(&folder, "log.jsonl");
    assert_eq!((&log.last()["outcome"], &log.last()["took"]), (&"passed".into(), &60.0.into()));
    assert_eq!(log.of("stopping")[0]["reason"], "the time limit of 1m is over");

    folder.file("s.toml", format!("hold = true\n{WALKERS}"));
    let refused = folder.scenario(&["run", "s.toml", "--clock", "virtual"]).end().expect(2);
    assert!(
        refused.stderr.contains("never ends by itself") && refused.stderr.contains("time_limit = \"1h\"")
    );
    folder.scenario(&["check", "s.toml"]).end().expect(0);
}
