//! Ready by a command that succeeds, and the last try of one that never does.

use super::{lines_of, mark_when_ready, run, run_in, sh, spawn};
use crate::commands::guard::{assert_all_gone, family, marked, runner_of};
use crate::common::{Folder, Log, kill};
use rustix::process::{Signal, kill_process};

#[test]
fn a_command_is_tried_until_it_succeeds() {
    let folder = Folder::new();
    // It runs in the folder of the program and with its environment, and its output is not logged.
    let keys = "background = true\ndir = \"in\"\nenv = { FILE = \"up\" }\n\
                ready = { command = [\"sh\", \"-c\", 'echo try | tee -a tries; test -e \"$FILE\"'], poll = \"5ms\", try_timeout = \"1m\", timeout = \"5m\" }";
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let script =
        "while [ $(cat tries 2>/dev/null | wc -l) -lt 3 ]; do sleep 0.01; done; touch up; exec sleep 600";
    let text = format!("{}{}{}", sh("p", script, keys), spawn("p"), mark_when_ready("p"));
    let (_, log) = run_in(&folder, &text, 0);
    assert_eq!((log.of("spawn.ready").len(), log.of("mark").len()), (1, 1));
    assert!(lines_of(&folder.path().join("in/tries")).len() >= 3);
    assert!(log.of("line").is_empty(), "{:?}", log.of("line"));
}

#[test]
fn a_relative_command_is_found_beside_the_file() {
    let folder = Folder::new();
    let probe = folder.file("in/probe.sh", "#!/bin/sh\ntest \"$1\" = now\n");
    std::fs::set_permissions(&probe, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let keys = "background = true\nready = { command = [\"./probe.sh\", \"now\"], try_timeout = \"1m\" }";
    folder.file(
        "in/s.toml",
        format!("{}{}", sh("p", "exec sleep 600", keys), mark_when_ready("p") + &spawn("p")),
    );
    folder.scenario(&["run", "in/s.toml", "--log", "l.jsonl"]).end().expect(0);
    assert_eq!(Log::read(&folder.path().join("l.jsonl")).of("spawn.ready").len(), 1);
}

#[test]
fn the_last_try_of_a_command_is_told() {
    let cases = [
        (r#"["sh", "-c", "echo one; printf 'no \\033[31mdb\\n\\n' >&2; exit 3"]"#, "code 3: no \u{1b}[31mdb"),
        (r#"["sh", "-c", "echo bye; kill -9 $$"]"#, "signal KILL: bye"),
        (r#"["false"]"#, "code 1"),
        (
            r#"["no-such-program-anywhere"]"#,
            "could not start: there is no program `no-such-program-anywhere` in any folder of PATH",
        ),
    ];
    std::thread::scope(|scope| {
        for (command, last_try) in cases {
            scope.spawn(move || last_try_is_told(command, last_try));
        }
    });
}

fn last_try_is_told(command: &str, last_try: &str) {
    let keys = format!("ready = {{ command = {command}, timeout = \"8s\", try_timeout = \"1m\" }}");
    let (ended, log) = run(&format!("{}{}", sh("p", "exec sleep 600", &keys), spawn("p")), 1);
    let failed = log.of("spawn.failed")[0];
    let program = command.split('"').nth(1).unwrap();
    let error =
        format!("never became ready: `{program}` did not exit with 0 within 8s (the last try: {last_try})");
    assert_eq!(
        (failed["last_try"].as_str(), failed["error"].as_str()),
        (Some(last_try), Some(error.as_str()))
    );
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
}

#[test]
fn a_command_that_takes_too_long_has_failed_and_leaves_nothing() {
    let folder = Folder::new();
    // The first try hangs with a child of its own, and the second one succeeds.
    let probe = "test -e tried && exit; touch tried; sleep 601 & sleep 602";
    let keys = format!(
        "background = true\nready = {{ command = [\"sh\", \"-c\", \"{probe}\"], try_timeout = \"500ms\", timeout = \"5m\" }}"
    );
    folder.file(
        "s.toml",
        format!("{}{}", sh("p", "exec sleep 600", &keys), spawn("p") + &mark_when_ready("p")),
    );
    marked(&folder, &[]).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.ready").len(), 1);
    assert_all_gone(&folder);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn secrets_in_what_a_command_says_are_redacted() {
    let folder = Folder::new();
    let keys = "env = { WORD = \"${env:SOME_WORD}\" }\n\
                ready = { command = [\"sh\", \"-c\", \"echo no $WORD here; exit 1\"], timeout = \"4s\", try_timeout = \"1m\" }";
    folder.file("s.toml", format!("{}{}", sh("p", "exec sleep 600", keys), spawn("p")));
    let run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).env("SOME_WORD", "open-swordfish");
    let ended = run.end().expect(1);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.failed")[0]["last_try"], "code 1: no [redacted] here");
    assert!(
        !String::from_utf8_lossy(&log.bytes).contains("swordfish") && !ended.stderr.contains("swordfish")
    );
}

/// A program whose probe hangs.
fn hanging(folder: &Folder) {
    let keys = "background = true\n\
                ready = { command = [\"sh\", \"-c\", \"echo > probed; sleep 600 & sleep 600\"], try_timeout = \"10m\", timeout = \"10m\" }";
    let script = "while ! test -e probed; do sleep 0.01; done; echo probed; exec sleep 600";
    folder.file(
        "s.toml",
        format!("tick = \"0s\"\n{}{}", sh("p", script, keys), spawn("p") + &mark_when_ready("p")),
    );
}

#[test]
fn a_command_does_not_outlive_the_run() {
    for (signal, code) in [(Signal::INT, 130), (Signal::KILL, 137)] {
        let folder = Folder::new();
        hanging(&folder);
        let mut run = marked(&folder, &[]).watch();
        run.until("| probed");
        assert!(family(&folder).iter().filter(|line| line.contains("sleep 600")).count() > 1);
        match signal {
            Signal::KILL => kill_process(runner_of(&run.child), signal).unwrap(),
            _ => kill(&run.child, signal),
        }
        assert_eq!(run.end().0, Some(code));
        assert_all_gone(&folder);
        folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end().expect(0);
    }
}

#[test]
fn the_exit_of_the_program_ends_its_probe() {
    let folder = Folder::new();
    hanging(&folder);
    let text = std::fs::read_to_string(folder.path().join("s.toml")).unwrap();
    folder.file("s.toml", text.replace("echo probed; exec sleep 600", "exit 3"));
    marked(&folder, &[]).end().expect(1);
    assert_all_gone(&folder);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["reason"], "ps#1 (p) ended with code 3 before it was ready");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}
