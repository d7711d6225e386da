//! Programs that a command stops.

use super::{lines_of, run_in, sh, spawn};
use crate::commands::guard::{assert_all_gone, marked, runner_of};
use crate::common::{Folder, Log, kill};
use rustix::process::{Signal, kill_process};

/// A program that ends when its file is there, and says which signals it gets.
const SCRIPT: &str = "trap 'echo got TERM; exit 7' TERM; echo up; while ! test -e stop; do sleep 0.01; done; echo ends; exit 5";

fn program(stop: &str) -> String {
    sh(
        "p",
        SCRIPT,
        &format!(
            "background = true\nready = {{ line = \"up\" }}\nenv = {{ FILE = \"stop\" }}\nstop = {{ {stop} }}"
        ),
    )
}

/// An end right after the program is ready.
const END: &str = "[[timeline]]\nafter = \"p.ready\"\nmark = \"m\"\n";

fn texts(log: &Log) -> Vec<&str> {
    log.of("line").iter().filter_map(|line| line["text"].as_str()).collect()
}

#[test]
fn a_command_stops_a_program_at_the_end_and_in_the_timeline() {
    let command = "command = [\"sh\", \"-c\", 'echo asked; touch \"$FILE\"'], grace = \"5m\"";
    for end in [END.to_owned(), format!("{END}[[timeline]]\nafter = \"p.ready\"\nstop = \"p\"\n")] {
        let folder = Folder::new();
        let (_, log) = run_in(&folder, &format!("{}{}{end}", program(command), spawn("p")), 0);
        assert_eq!(texts(&log), ["up", "ends"], "no signal was sent, and the command is not logged");
        let exit = log.of("spawn.exited")[0];
        assert_eq!((exit["code"].as_i64(), exit["ok"].as_bool()), (Some(5), Some(true)));
        assert!(log.of("stop.failed").is_empty());
    }
}

#[test]
fn a_restart_and_an_interruption_use_the_command() {
    let folder = Folder::new();
    let command = "command = [\"sh\", \"-c\", 'echo asked >> asked; touch stop; while test -e stop; do sleep 0.01; done'], grace = \"5m\"";
    let script = "echo up; while ! test -e stop; do sleep 0.01; done; rm stop; echo ends";
    let preset =
        sh("p", script, &format!("background = true\nready = {{ line = \"up\" }}\nstop = {{ {command} }}"));
    let text = format!(
        "hold = true\ntick = \"0s\"\n{preset}{}[[timeline]]\nafter = \"p.ready\"\nrestart = \"p\"\n",
        spawn("p")
    );
    folder.file("s.toml", text);
    let mut run = marked(&folder, &[]).watch();
    run.until("takes the place of ps#1");
    run.until("ready");
    kill(&run.child, Signal::INT);
    let (code, shown) = run.end();
    assert_eq!(code, Some(130), "{shown:#?}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(texts(&log), ["up", "ends", "up", "ends"]);
    assert_eq!(lines_of(&folder.path().join("asked")).len(), 2);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    assert_all_gone(&folder);
}

#[test]
fn a_command_that_fails_is_told_and_the_signal_follows() {
    for (command, error) in [
        (
            "command = [\"sh\", \"-c\", 'echo one; echo no such \"$FILE\" >&2; exit 4'], grace = \"5m\"",
            "code 4: no such stop",
        ),
        (
            "command = [\"no-such-program-anywhere\"], grace = \"5m\"",
            "could not start: there is no program `no-such-program-anywhere` in any folder of PATH",
        ),
        ("command = [\"sleep\", \"600\"], grace = \"2s\"", "not done within 2s"),
    ] {
        let folder = Folder::new();
        let (ended, log) = run_in(&folder, &format!("{}{}{END}", program(command), spawn("p")), 0);
        let failed = log.of("stop.failed");
        assert_eq!(failed.len(), 1);
        assert_eq!((failed[0]["error"].as_str(), failed[0]["signal"].as_str()), (Some(error), Some("TERM")));
        // The shell may say what became of its own child.
        let said: Vec<&str> = texts(&log).into_iter().filter(|text| *text != "Terminated").collect();
        assert_eq!(said, ["up", "got TERM"]);
        let exit = log.of("spawn.exited")[0];
        assert_eq!((exit["code"].as_i64(), exit["ok"].as_bool()), (Some(7), Some(true)));
        let shown = format!("its stop command failed: {error}; it gets TERM");
        assert!(ended.stderr.contains(&shown), "{}", ended.stderr);
    }
}

#[test]
fn a_program_that_its_command_does_not_stop_is_killed_after_the_grace() {
    let folder = Folder::new();
    let (_, log) = run_in(
        &folder,
        &format!("{}{}{END}", program("command = [\"true\"], grace = \"1s\""), spawn("p")),
        1,
    );
    let exit = log.of("spawn.exited")[0];
    assert_eq!((exit["signal"].as_str(), exit["ok"].as_bool()), (Some("KILL"), Some(false)));
    assert_eq!(log.last()["reason"], "ps#1 (p) did not stop when asked to, and was killed");
}

#[test]
fn the_stop_is_over_when_the_command_is() {
    let folder = Folder::new();
    // The program ends at once, and the command has something to do after it.
    let command = "command = [\"sh\", \"-c\", 'touch stop; sleep 0.5; echo done > cleaned'], grace = \"5m\"";
    let look = "[presets.look]\ncommand = [\"cat\", \"cleaned\"]\n[[timeline]]\nafter = \"p.ready\"\nstop = \"p\"\n\
                [[timeline]]\nafter = \"p.finished\"\nspawn = \"look\"\n";
    let (_, log) = run_in(&folder, &format!("{}{}{look}", program(command), spawn("p")), 0);
    assert_eq!(texts(&log), ["up", "ends", "done"]);
}

#[test]
fn a_second_signal_kills_the_command_too() {
    let folder = Folder::new();
    let command = "command = [\"sh\", \"-c\", 'echo > asked; sleep 600 & sleep 600'], grace = \"10m\"";
    folder.file("s.toml", format!("tick = \"0s\"\nhold = true\n{}{}", program(command), spawn("p")));
    let mut run = marked(&folder, &[]).watch();
    run.until("ready");
    kill(&run.child, Signal::INT);
    while !folder.path().join("asked").exists() {
        std::thread::yield_now();
    }
    run.until("s after the start of its stop command");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    assert_all_gone(&folder);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_program_that_is_not_alive_is_stopped_by_its_command() {
    let folder = Folder::new();
    let keys = "alive = { command = [\"false\"], every = \"1ms\", failures = 1, try_timeout = \"1m\" }\n\
                stop = { command = [\"sh\", \"-c\", 'touch stop'], grace = \"5m\" }";
    let (_, log) = run_in(&folder, &format!("{}{}", sh("p", SCRIPT, keys), spawn("p")), 1);
    assert_eq!(texts(&log), ["up", "ends"]);
    assert_eq!(log.of("spawn.exited")[0]["ok"], false);
    assert_eq!(log.last()["reason"], "ps#1 (p) was not alive: a probe failed (the last try: code 1)");
}

#[test]
fn a_suspended_program_hears_its_stop_command() {
    let folder = Folder::new();
    let command = "command = [\"sh\", \"-c\", 'touch \"$FILE\"'], grace = \"5m\"";
    let actions = "[[timeline]]\nafter = \"p.ready\"\nsignal = { to = \"p\", name = \"STOP\" }\n\
                   [[timeline]]\nafter = \"p.ready\"\nat = \"500ms\"\nstop = \"p\"\n";
    let (_, log) = run_in(&folder, &format!("{}{}{actions}", program(command), spawn("p")), 0);
    assert_eq!(texts(&log), ["up", "ends"]);
    assert_eq!(log.of("spawn.exited")[0]["code"], 5);
}

#[test]
fn a_stop_and_a_kill_at_once_end_the_run() {
    let folder = Folder::new();
    let command = "command = [\"sleep\", \"600\"], grace = \"10m\"";
    let actions =
        "[[timeline]]\nafter = \"p.ready\"\nstop = \"p\"\n[[timeline]]\nafter = \"p.ready\"\nkill = \"p\"\n";
    let (_, log) = run_in(&folder, &format!("{}{}{actions}", program(command), spawn("p")), 0);
    assert_eq!(log.of("spawn.exited")[0]["signal"], "KILL");
}

#[test]
fn a_killed_runner_leaves_no_stop_command() {
    let folder = Folder::new();
    let command = "command = [\"sh\", \"-c\", 'echo > asked; sleep 600 & sleep 600'], grace = \"10m\"";
    folder.file("s.toml", format!("tick = \"0s\"\n{}{}{END}", program(command), spawn("p")));
    let mut run = marked(&folder, &[]).watch();
    run.until("the end of the run");
    while !folder.path().join("asked").exists() {
        std::thread::yield_now();
    }
    kill_process(runner_of(&run.child), Signal::KILL).unwrap();
    assert_eq!(run.end().0, Some(137));
    assert_all_gone(&folder);
    folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end().expect(0);
}

#[test]
fn each_spawn_of_a_preset_has_its_own_stop_command() {
    let folder = Folder::new();
    let command = "command = [\"sh\", \"-c\", 'echo asked >> asked; touch stop'], grace = \"5m\"";
    let twice =
        "[[timeline]]\nid = \"p\"\nspawn = \"p\"\ncount = 2\n[[timeline]]\nat = \"500ms\"\nmark = \"m\"\n";
    let (_, log) = run_in(&folder, &format!("{}{twice}", program(command)), 0);
    assert_eq!(log.of("spawn.exited").len(), 2);
    assert_eq!(lines_of(&folder.path().join("asked")).len(), 2);
}
