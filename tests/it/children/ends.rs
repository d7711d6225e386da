//! Programs end in every way, and leave nothing behind.

use crate::children::{
    NO_TICK, after_line, each_once, exit_of, program, replays, scenario, sh, spawns, text_of,
};
use crate::common::{Folder, is_gone};

/// The signals that end a program that does not catch them, by signal(7), and two real-time signals.
const DEADLY: [(i32, &str); 25] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
    (34, "34"),
    (64, "64"),
];

#[test]
fn every_exit_code_and_deadly_signal_is_reported() {
    let codes = (0..=255).map(|code| sh(&format!("c{code}"), &format!("exit {code}"), ""));
    let signals = DEADLY.iter().map(|(number, name)| {
        // A real-time signal has no name that a scenario could give.
        let exits = match number {
            34.. => "exits = \"any\"".to_owned(),
            _ => format!("exits = {{ signal = \"{name}\" }}"),
        };
        sh(&format!("s{number}"), &format!("ulimit -c 0; kill -{number} $$"), &exits)
    });
    let names = (0..=255).map(|code| format!("c{code}"));
    let names = names.chain(DEADLY.iter().map(|(number, _)| format!("s{number}")));
    let presets: String = codes.chain(signals).collect();
    let folder = Folder::new();
    let (ended, log) = folder.run(&[NO_TICK, &presets, &each_once(names)].concat(), &["-q"]);
    ended.expect(1);
    for code in 0..=255 {
        let exit = exit_of(&log, &format!("c{code}"));
        assert_eq!((exit["code"].as_i64(), exit.get("signal")), (Some(code), None), "{exit}");
        assert_eq!(exit["ok"], code == 0, "{exit}");
    }
    for (number, name) in DEADLY {
        let exit = exit_of(&log, &format!("s{number}"));
        assert_eq!((exit["signal"].as_str(), exit.get("code")), (Some(name), None), "{exit}");
        assert_eq!(exit["ok"], true, "{exit}");
    }
    replays(&folder);
}

#[test]
fn a_process_that_ignores_term_is_killed_after_the_grace_with_its_group() {
    let folder = Folder::new();
    let deaf = "trap '' TERM; sh -c 'sleep 600; :' & echo up; while :; do sleep 600; done";
    let text = [
        NO_TICK,
        &sh("deaf", deaf, "stop = { grace = \"100ms\" }"),
        &spawns("deaf", 1),
        &after_line("up", "deaf", "stop = \"deaf\""),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    // A program that was ended by KILL has failed.
    ended.expect(1);
    let exit = exit_of(&log, "deaf");
    assert_eq!((&exit["signal"], &exit["ok"]), (&"KILL".into(), &false.into()));
    let at = |event: &serde_json::Value| event["t"].as_f64().unwrap();
    assert!(at(exit) - at(log.of("stopping")[0]) >= 0.1, "the grace is over first");
    assert!(is_gone(&log.of("spawn.started")[0]["pid"]));
    replays(&folder);
}

#[test]
fn a_stop_goes_on_until_the_group_is_empty() {
    let folder = Folder::new();
    // The leader ends when it is asked to; a member of its group does not.
    let leader = "(trap '' TERM; touch trapped; while :; do sleep 600; done) & \
                  echo $! >member.pid; until [ -e trapped ]; do sleep 0.01; done; echo up; wait";
    // The run lasts until this program has seen the member end, so the stop ends it and not the run.
    let watch = "while kill -0 $(cat member.pid) 2>/dev/null; do sleep 0.01; done; echo gone";
    let text = [
        "time_limit = \"20s\"\n",
        NO_TICK,
        &sh("leader", leader, "stop = { grace = \"100ms\" }"),
        &sh("watch", watch, ""),
        &spawns("leader", 1),
        &after_line("up", "leader", "spawn = \"watch\""),
        &after_line("up", "leader", "stop = \"leader\""),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    // The member may have lost what it was about to write.
    let ended = ended.expect(1);
    let reason = "what ps#1 (leader) had started did not stop when asked to, and was killed";
    assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    let exit = exit_of(&log, "leader");
    assert_eq!(
        (&exit["signal"], &exit["ok"], &exit["killed"]),
        (&"TERM".into(), &false.into(), &true.into())
    );
    assert_eq!(text_of(&log, "ps#2"), "gone\n");
    // Which of the two ends first is chance.
    assert_eq!(log.names_of("ps#1"), ["spawn.started", "line", "stopping", "spawn.exited"]);
    assert_eq!(log.names_of("ps#2"), ["spawn.started", "line", "spawn.exited"]);
    replays(&folder);
}

#[test]
fn a_grandchild_that_holds_the_pipe_is_in_the_log() {
    let folder = Folder::new();
    let text = [
        NO_TICK,
        &sh("p", "sleep 600 & echo before", ""),
        &program("q", &["true"], ""),
        &spawns("p", 1),
        &spawns("q", 1),
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    let ended = ended.expect(0);
    assert!(ended.stderr.contains("holds its output"), "{}", ended.stderr);
    assert_eq!(log.of("line")[0]["text"], "before");
    for exited in log.of("spawn.exited") {
        let is_first = exited["source"] == "ps#1";
        assert_eq!(exited.get("held").is_some_and(|held| held == true), is_first, "{exited}");
    }
    assert!(exit_of(&log, "p")["t"].as_f64().unwrap() >= 0.5, "it is read on for half a second");
    assert!(is_gone(&log.of("spawn.started")[0]["pid"]), "and it ends with the run");
    replays(&folder);
}

#[test]
fn a_daemon_goes_on_until_the_end_of_the_run_and_no_longer() {
    let folder = Folder::new();
    // Two forks and a session of its own, and the pipes are closed.
    let daemon = "echo $$ >daemon.pid; exec sleep 600 <&- >&- 2>&-";
    let script = format!("(setsid sh -c '{daemon}; :' &); while ! test -s daemon.pid; do sleep 0.01; done");
    let text = [
        NO_TICK,
        &sh("p", &script, ""),
        &sh("look", "kill -0 $(cat daemon.pid) && echo there", ""),
        &spawns("p", 1),
        "[[timeline]]\nafter = \"p.finished\"\nspawn = \"look\"\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &[]);
    ended.expect(0);
    assert_eq!(text_of(&log, "ps#2"), "there\n");
    let daemon = std::fs::read_to_string(folder.path().join("daemon.pid")).unwrap();
    assert!(!std::path::Path::new("/proc").join(daemon.trim()).exists(), "{daemon}");
    replays(&folder);
}

#[test]
fn programs_that_go_on_forking_are_all_killed() {
    let folder = Folder::new();
    // It forks for longer than the test lasts, but not forever: a test that is aborted must not fill
    // the machine.
    let branch = "for n in $(seq 200); do sh -c 'sleep 60 & sleep 60 & wait' & sleep 0.01; done; wait";
    let family = format!("trap '' TERM; ({branch}) & ({branch}) & ({branch}) & sleep 0.1; echo up; wait");
    let stop = after_line("up", "p", "stop = \"p\"");
    let text = scenario(&family, 1, "stop = { grace = \"50ms\" }") + &stop;
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    assert_eq!(exit_of(&log, "p")["signal"], "KILL");
    assert!(is_gone(&log.of("spawn.started")[0]["pid"]));
    replays(&folder);
}
