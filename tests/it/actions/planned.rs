//! Planned actions on real programs.

use super::{assert_replays, service, story};
use crate::common::{Folder, Log, is_gone};

const KINDS: [&str; 6] =
    ["spawn.started", "spawn.ready", "spawn.restarted", "spawn.exited", "stopping", "signalled"];

/// Runs it, asserts the exit code, and that the log replays.
#[track_caller]
fn run(text: &str, code: i32) -> Log {
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("tick = \"0s\"\n{text}"), &[]);
    ended.expect(code);
    assert_replays(&folder, "log.jsonl");
    log
}

#[test]
fn restart_stops_in_order_and_spawns_the_same_again() {
    // The run waits for the second one to come up.
    let log = run(
        "[presets.api]\ncommand = [\"sh\", \"-c\", \"echo up; echo x >> starts; exec sleep 600\"]\nbackground = true\nready = { line = \"up\" }\n\
         [presets.client]\ncommand = [\"sh\", \"-c\", \"until [ -e starts ] && [ $(wc -l < starts) = 2 ]; do sleep 0.02; done\"]\n\
         [[timeline]]\nid = \"a\"\nspawn = \"api\"\n[[timeline]]\nspawn = \"client\"\n\
         [[timeline]]\nid = \"again\"\nafter = \"a.ready\"\nrestart = \"a\"\n",
        0,
    );
    let story = story(&log, &KINDS);
    let exited = story.iter().position(|line| line == "spawn.exited ps#1 TERM").unwrap();
    assert_eq!(story[exited + 1], "spawn.restarted ps#3 ps#1");
    let started = log.of("spawn.started").into_iter().find(|event| event["source"] == "ps#3").unwrap();
    assert_eq!(
        (&started["preset"], &started["entry"]),
        (&"api".into(), &"a".into()),
        "it is of the same entry"
    );
    let stopping = log.of("stopping").into_iter().find(|event| event["source"] == "ps#1").unwrap();
    assert_eq!(stopping["entry"], "again");
}

#[test]
fn an_entry_does_not_finish_by_a_restart() {
    let log = run(
        "[presets.job]\ncommand = [\"sh\", \"-c\", \"if [ -e again ]; then exit 0; fi; touch again; exec sleep 600\"]\n\
         [[timeline]]\nid = \"job\"\nspawn = \"job\"\n[[timeline]]\nafter = \"job.started\"\nat = \"200ms\"\nrestart = \"job\"\n\
         [[timeline]]\nafter = \"job.finished\"\nmark = \"the end\"\n",
        0,
    );
    let names = log.names();
    assert_eq!(names.iter().filter(|name| *name == "spawn.exited").count(), 2);
    let mark = names.iter().position(|name| name == "mark").unwrap();
    let last_exit = names.iter().rposition(|name| name == "spawn.exited").unwrap();
    assert!(mark > last_exit, "{names:?}");
}

#[test]
fn kill_ends_the_whole_group_and_does_not_fail_the_run() {
    let log = run(
        "[presets.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; sleep 600 & echo up; wait\"]\nbackground = true\nready = { line = \"up\" }\n\
         [[timeline]]\nid = \"deaf\"\nspawn = \"deaf\"\n[[timeline]]\nafter = \"deaf.ready\"\nkill = \"deaf\"\n",
        0,
    );
    let exited = log.of("spawn.exited")[0];
    assert_eq!((&exited["signal"], &exited["ok"]), (&"KILL".into(), &true.into()));
    assert_eq!(log.of("signalled")[0]["signal"], "KILL");
    assert!(is_gone(&log.of("spawn.started")[0]["pid"]));
}

#[test]
fn a_signal_reaches_the_program_and_explains_only_its_own_death() {
    let hears = "[presets.p]\ncommand = [\"sh\", \"-c\", \"trap 'echo heard; exit 0' HUP; echo up; while :; do sleep 0.05; done\"]\n\
                 ready = { line = \"up\" }\n[[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
                 [[timeline]]\nid = \"s\"\nafter = \"p.ready\"\nsignal = { to = \"p\", name = \"sighup\" }\n";
    let log = run(hears, 0);
    assert!(log.of("line").iter().any(|line| line["text"] == "heard"));
    let signalled = log.of("signalled")[0];
    assert_eq!(
        (&signalled["source"], &signalled["entry"], &signalled["signal"]),
        (&"ps#1".into(), &"s".into(), &"HUP".into())
    );

    let dies = |exit: &str, code| {
        let text = format!(
            "[presets.p]\ncommand = [\"sh\", \"-c\", \"{exit} echo up; while :; do sleep 0.05; done\"]\nready = {{ line = \"up\" }}\n\
             [[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nafter = \"p.ready\"\nsignal = {{ to = \"p\", name = \"USR1\" }}\n"
        );
        run(&text, code)
    };
    let died = dies("", 0);
    assert_eq!(
        (&died.of("spawn.exited")[0]["signal"], &died.of("spawn.exited")[0]["ok"]),
        (&"USR1".into(), &true.into())
    );
    let failed = dies("trap 'exit 3' USR1;", 1);
    assert_eq!(failed.last()["reason"], "ps#1 (p) ended with code 3", "what it makes of a signal is its own");
}

#[test]
fn stop_for_some_time_is_followed_by_cont() {
    let log = run(
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 0.6\"]\nready = { line = \"up\" }\n\
         [[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
         [[timeline]]\nid = \"pause\"\nafter = \"p.ready\"\nsignal = { to = \"p\", name = \"STOP\", for = \"300ms\" }\n",
        0,
    );
    assert_eq!(story(&log, &["signalled"]), ["signalled ps#1 STOP", "signalled ps#1 CONT"]);
    let [stop, cont] = log.of("signalled")[..] else { panic!("two signals") };
    assert_eq!(cont["entry"], "pause");
    let due = |event: &serde_json::Value| event["due"].as_f64().unwrap();
    assert!((due(cont) - due(stop) - 0.3).abs() < 1e-6);
    assert_eq!((log.of("spawn.suspended").len(), log.of("spawn.resumed").len()), (1, 1));
}

#[test]
fn targets_are_ids_presets_and_sources() {
    // Two entries start the preset: its name means both, an id one of them, and a number one spawn.
    let two = format!(
        "{}[[timeline]]\nid = \"one\"\nspawn = \"api\"\n[[timeline]]\nid = \"two\"\nafter = \"one.ready\"\nspawn = \"api\"\n[[timeline]]\nid = \"do\"\nafter = \"two.ready\"\n",
        service("api")
    );
    let killed = |action: &str| -> Vec<String> {
        let log = run(&format!("{two}{action}\n"), 0);
        let killed = log.of("signalled").into_iter().chain(log.of("stopping"));
        let killed = killed.filter(|event| event["entry"] == "do");
        killed.map(|event| event["source"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(killed("kill = \"api\""), ["ps#1", "ps#2"]);
    assert_eq!(killed("kill = \"two\""), ["ps#2"]);
    assert_eq!(killed("kill = \"ps#1\""), ["ps#1"]);
    assert_eq!(killed("stop = \"api\""), ["ps#1", "ps#2"]);
    assert_eq!(killed("signal = { to = \"ps#2\", name = \"CONT\" }"), ["ps#2"]);
    assert_eq!(killed("restart = \"one\""), ["ps#1"]);
}

#[test]
fn what_does_not_run_fails_the_run() {
    let once = |action: &str| {
        run(
            &format!(
                "[presets.p]\ncommand = [\"true\"]\nstdin = \"open\"\n[[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
                 [[timeline]]\nid = \"do\"\nafter = \"p.finished\"\n{action}\n"
            ),
            1,
        )
    };
    let reason = |action: &str| once(action).last()["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason("stop = \"p\""), "`do` could not stop anything: `p` does not run");
    assert_eq!(reason("kill = \"p\""), "`do` could not kill anything: `p` does not run");
    assert_eq!(reason("restart = \"ps#1\""), "`do` could not restart anything: `ps#1` does not run");
    assert_eq!(
        reason("signal = { to = \"p\", name = \"HUP\" }"),
        "`do` could not send a signal: `p` does not run"
    );
    assert_eq!(reason("send = { to = \"ps#7\", text = \"x\" }"), "`do` could not send: `ps#7` does not run");
    let log = once("kill = \"p\"");
    let signalled = log.of("signalled")[0];
    assert_eq!(
        (&signalled["source"], &signalled["error"]),
        (&serde_json::Value::Null, &"`p` does not run".into())
    );
}

#[test]
fn a_line_for_a_source_that_reads_nothing_fails_the_run() {
    let log = run(
        &format!(
            "{}[[timeline]]\nid = \"a\"\nspawn = \"api\"\n[[timeline]]\nid = \"do\"\nafter = \"a.ready\"\nsend = {{ to = \"ps#1\", text = \"x\" }}\n",
            service("api")
        ),
        1,
    );
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(reason.starts_with("`do` could not send: ps#1 reads nothing"), "{reason}");
}

#[test]
fn a_restart_that_a_stop_follows_is_taken_back() {
    let log = run(
        "[presets.slow]\ncommand = [\"sh\", \"-c\", \"trap 'sleep 0.3; exit 0' TERM; echo up; while :; do sleep 0.05; done\"]\nbackground = true\nready = { line = \"up\" }\n\
         [[timeline]]\nid = \"slow\"\nspawn = \"slow\"\n[[timeline]]\nid = \"again\"\nafter = \"slow.ready\"\nrestart = \"slow\"\n\
         [[timeline]]\nafter = \"again.started\"\nat = \"50ms\"\nstop = \"slow\"\n\
         [[timeline]]\nafter = \"slow.finished\"\nmark = \"down\"\n",
        0,
    );
    assert!(log.of("spawn.restarted").is_empty());
    assert_eq!(log.of("spawn.started").len(), 1);
}
