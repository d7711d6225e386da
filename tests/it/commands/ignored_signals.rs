//! A signal that is ignored when the program is started stays ignored, in it and in all that it
//! starts: that is how `nohup` keeps a program beyond its terminal.

use std::process::{Command, Stdio};

use nix::sys::signal::SigSet;
use rustix::process::{Signal, kill_process};

use super::guard::{assert_all_gone, marked, runner_of};
use crate::common::{Folder, Log, Run, Watched, kill, reset_signals};

/// Starts a run as a shell does that ignores these signals.
fn ignoring(run: Run, signals: &str) -> Run {
    run.wrapped(|program| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' {signals}; exec \"$0\" \"$@\"")]).arg(program);
        shell
    })
}

/// A program that ends when there is a file `go`.
const WAITS: &str = "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; while ! test -e go; do sleep 0.01; done\"]\n\
     [[timeline]]\nspawn = \"p\"\n";

const PLAYERS: &str = "[presets.p]\nplayers = [{ name = \"p\", moves = 4_000_000_000, every = \"1s\" }]\n[[timeline]]\nspawn = \"p\"\n";

#[test]
fn a_guarded_run_ignores_what_was_ignored_at_its_start() {
    let folder = Folder::new();
    folder.file("s.toml", WAITS);
    let mut run = ignoring(marked(&folder, &[]), "HUP INT QUIT TERM TSTP").watch();
    run.until("| up");
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::TSTP] {
        kill(&run.child, signal);
        kill_process(runner_of(&run.child), signal).unwrap();
    }
    folder.file("go", "");
    assert_eq!(run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    let names = ["run.started", "spawn.started", "line", "spawn.exited", "run.finished"];
    assert_eq!(log.names(), names);
    assert_all_gone(&folder);
}

#[test]
fn a_hangup_that_is_not_ignored_ends_a_run() {
    let folder = Folder::new();
    folder.file("s.toml", WAITS);
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    kill(&run.child, Signal::HUP);
    assert_eq!(run.end().0, Some(129));
    assert_all_gone(&folder);
}

/// Every other way to wait: the hangup does nothing, and the signal after it ends the program.
#[test]
fn whatever_waits_ignores_what_was_ignored_at_its_start() {
    let folder = Folder::new();
    folder.file("s.toml", PLAYERS);
    folder.file("short.toml", "[[timeline]]\nat = \"1h\"\nmark = \"end\"\n");
    folder.scenario(&["run", "short.toml", "--clock", "virtual", "--log", "hour.jsonl"]).end().expect(0);
    for (arguments, shown) in [
        (&["run", "s.toml", "--log", "live.jsonl"][..], "started p"),
        (&["run", "s.toml", "--log", "virtual.jsonl", "--clock", "virtual"], "ps#1"),
        (&["play", "hour.jsonl"], "seed"),
        (&["check", "--watch", "short.toml"], "waits for a change"),
    ] {
        let mut run = ignoring(folder.scenario(arguments), "HUP").watch();
        run.until(shown);
        kill(&run.child, Signal::HUP);
        kill(&run.child, Signal::INT);
        let (code, shown) = run.end();
        assert_eq!(code, Some(130), "{arguments:?}: {shown:#?}");
    }
    for name in ["live.jsonl", "virtual.jsonl"] {
        let log = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(!log.contains("HUP"), "{name}");
    }
}

/// Starts a run with these signals blocked, as a parent may have them.
fn blocking(run: Run, signals: &[Signal]) -> Watched {
    let mut mask = SigSet::empty();
    for signal in signals {
        mask.add(signal.as_raw().try_into().unwrap());
    }
    // A program inherits the mask of the thread that starts it.
    mask.thread_block().unwrap();
    let run = run.watch();
    mask.thread_unblock().unwrap();
    run
}

#[test]
fn a_run_and_its_programs_hear_what_their_parent_had_blocked() {
    for pty in [false, true] {
        let folder = Folder::new();
        let script =
            "trap 'echo asked; exit' TERM; grep SigBlk /proc/self/status; while :; do sleep 0.01; done";
        folder.file(
            "s.toml",
            format!("[presets.p]\ncommand = [\"sh\", \"-c\", {script:?}]\npty = {pty}\n[[timeline]]\nspawn = \"p\"\n"),
        );
        let blocked = [Signal::CHILD, Signal::TERM, Signal::INT, Signal::HUP, Signal::USR1];
        let mut run = blocking(marked(&folder, &[]), &blocked);
        run.until("| SigBlk:\\t0000000000000000");
        kill(&run.child, Signal::TERM);
        run.until("| asked");
        assert_eq!(run.end().0, Some(143));
        assert_all_gone(&folder);
    }
}

/// The signals that a program ignores or blocks, as proc(5) has them.
const SHOW_MASKS: [&str; 4] = ["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"];

#[test]
fn programs_ignore_what_a_shell_would_have_them_ignore() {
    reset_signals();
    for pty in [false, true] {
        for ignored in ["HUP", "HUP INT QUIT", "PIPE", "EXIT"] {
            let folder = Folder::new();
            let command = SHOW_MASKS;
            folder.file(
                "s.toml",
                format!("[presets.p]\ncommand = {command:?}\npty = {pty}\n[[timeline]]\nspawn = \"p\"\n"),
            );
            ignoring(marked(&folder, &[]), ignored).end().expect(0);
            let log = Log::read(&folder.path().join("l.jsonl"));
            let masks: Vec<_> = log.of("line").iter().map(|line| line["text"].as_str().unwrap()).collect();
            let trap = if ignored == "PIPE" { "EXIT" } else { ignored };
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("trap '' {trap}; exec \"$0\" \"$@\"")]).args(SHOW_MASKS);
            let wanted = shell.stdin(Stdio::null()).output().unwrap().stdout;
            let wanted = String::from_utf8(wanted).unwrap();
            assert_eq!(masks, wanted.lines().collect::<Vec<_>>(), "pty = {pty}, ignored: {ignored}");
        }
    }
}
