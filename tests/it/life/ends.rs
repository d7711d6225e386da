//! Exits in lists, and the keys `lives`, `timeout` and `on_exit`.

use super::{reason, run, sh, spawns};

#[test]
fn a_list_of_exits_has_codes_and_signals() {
    let exits = "exits = [0, 3, { signal = \"TERM\" }]";
    for (script, code) in [("exit 3", 0), ("kill -TERM $$", 0), ("exit 4", 1), ("kill -KILL $$", 1)] {
        let (_, log) = run(&format!("{}{}", sh("p", script, exits), spawns(&["p"])), code);
        assert_eq!(log.of("spawn.exited")[0]["ok"], code == 0, "{script}");
    }
}

#[test]
fn an_entry_can_wait_for_one_of_several_exits() {
    let text = format!(
        "{}{}[[timeline]]\nafter = {{ exit = [3, {{ signal = \"HUP\" }}], of = \"p\" }}\nmark = \"m\"\n",
        sh("p", "kill -HUP $$", "exits = \"any\""),
        spawns(&["p"])
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("mark").len(), 1);
}

#[test]
fn a_program_that_hangs_is_stopped_when_its_time_is_over_and_has_failed() {
    let text = format!(
        "{}{}{}",
        sh("hung", "exec sleep 600", "timeout = \"100ms\""),
        sh("quick", "exit 0", "timeout = \"10m\""),
        spawns(&["hung", "quick"])
    );
    let (ended, log) = run(&text, 1);
    assert_eq!(reason(&log), "ps#1 (hung) ran longer than its `timeout` of 100ms");
    let exits = log.of("spawn.exited");
    let hung = exits.iter().find(|exit| exit["source"] == "ps#1").unwrap();
    assert_eq!((&hung["signal"], &hung["ok"]), (&"TERM".into(), &false.into()));
    assert_eq!(hung["reason"], "ran longer than its `timeout` of 100ms");
    let quick = exits.iter().find(|exit| exit["source"] == "ps#2").unwrap();
    assert_eq!((&quick["ok"], quick.get("reason")), (&true.into(), None));
    assert_eq!(log.of("stopping")[0]["reason"], "its `timeout` of 100ms is over");
    assert!(ended.stderr.contains("hung ran longer than its `timeout` of 100ms"), "{}", ended.stderr);
}

#[test]
fn no_exit_excuses_a_timeout_and_a_deaf_program_is_killed() {
    let keys = "timeout = \"100ms\"\nexits = \"any\"\nstop = { grace = \"50ms\" }";
    let script = "trap \"\" TERM; echo up; while :; do sleep 600; done";
    let (_, log) = run(&format!("{}{}", sh("deaf", script, keys), spawns(&["deaf"])), 1);
    assert_eq!(reason(&log), "ps#1 (deaf) ran longer than its `timeout` of 100ms");
    assert_eq!(log.of("spawn.exited")[0]["signal"], "KILL");
}

#[test]
fn a_timeout_before_it_is_ready_fails_who_waits_for_that() {
    let keys = "timeout = \"100ms\"\nready = { line = \"up\" }";
    let text = format!(
        "{}{}[[timeline]]\nafter = \"p.ready\"\nmark = \"m\"\n",
        sh("p", "exec sleep 600", keys),
        spawns(&["p"])
    );
    let (_, log) = run(&text, 1);
    assert!(reason(&log).contains("waits for `ready` of `p`, which never became ready"), "{}", reason(&log));
    assert!(log.of("mark").is_empty());
}

#[test]
fn a_stop_before_the_timeout_is_no_failure() {
    let text = format!(
        "{}{}[[timeline]]\nafter = \"p.ready\"\nstop = \"p\"\n",
        sh("p", "echo up; exec sleep 600", "timeout = \"10m\"\nready = { line = \"up\" }"),
        spawns(&["p"])
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("spawn.exited")[0]["ok"], true);
}

#[test]
fn an_end_that_comes_too_early_fails_the_run_whatever_the_exits_are() {
    let text = format!("{}{}", sh("p", "exit 3", "lives = \"10m\"\nexits = \"any\""), spawns(&["p"]));
    let (ended, log) = run(&text, 1);
    let why = log.of("spawn.exited")[0]["reason"].as_str().unwrap().to_owned();
    assert!(
        why.starts_with("ended with code 3 after ") && why.ends_with("and `lives` wants 10m at least"),
        "{why}"
    );
    assert_eq!(reason(&log), format!("ps#1 (p) {why}"));
    assert!(ended.stderr.contains("and `lives` wants 10m at least"), "{}", ended.stderr);
    let lived = format!("{}{}", sh("p", "sleep 0.1; exit 3", "lives = \"50ms\"\nexits = 3"), spawns(&["p"]));
    run(&lived, 0);
}

#[test]
fn the_end_of_one_program_ends_the_run_with_its_verdict() {
    for (script, code) in [("exit 0", 0), ("exit 5", 1)] {
        let text = format!(
            "hold = true\n{}{}{}[[timeline]]\nat = \"10m\"\nmark = \"never\"\n",
            sh("server", "echo up; exec sleep 600", "background = true\nready = { line = \"up\" }"),
            sh("tests", script, "on_exit = \"stop\""),
            "[[timeline]]\nid = \"server\"\nspawn = \"server\"\n[[timeline]]\nafter = \"server.ready\"\nspawn = \"tests\"\n",
        );
        let (ended, log) = run(&text, code);
        let stops: Vec<&str> = log.of("stopping").iter().filter_map(|stop| stop["reason"].as_str()).collect();
        assert_eq!(stops[0], "ps#2 (tests) ended, and its `on_exit` ends the run");
        assert!(log.of("mark").is_empty());
        let server = log.of("spawn.exited").into_iter().find(|exit| exit["source"] == "ps#1").unwrap();
        assert_eq!(server["ok"], true, "it was stopped in order");
        match code {
            0 => assert_eq!(log.last()["outcome"], "passed", "{}", ended.stderr),
            _ => assert_eq!(reason(&log), "ps#2 (tests) ended with code 5"),
        }
    }
}

#[test]
fn a_missing_program_ends_the_run_too() {
    let text = "hold = true\n[presets.tests]\ncommand = [\"no-such-program-here\"]\non_exit = \"stop\"\n";
    let (_, log) = run(&format!("{text}{}", spawns(&["tests"])), 1);
    assert!(reason(&log).starts_with("ps#1 (tests) could not start: "), "{}", reason(&log));
}

#[test]
fn a_try_that_is_done_again_ends_no_run() {
    let folder = crate::common::Folder::new();
    let script = "test -e there && exit 0; touch there; exit 1";
    let text = format!(
        "{}[[timeline]]\nspawn = \"p\"\nuntil = {{ every = \"10ms\", timeout = \"10m\" }}\n",
        sh("p", script, "on_exit = \"stop\"")
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_eq!(log.of("spawn.exited").len(), 2);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn cleanup_comes_after_the_program_that_ends_the_run() {
    let text = format!(
        "{}{}[[timeline]]\nalways = true\nmark = \"clean\"\n",
        sh("tests", "exit 0", "on_exit = \"stop\""),
        spawns(&["tests"])
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("mark")[0]["text"], "clean");
}

#[test]
fn a_plan_knows_that_a_program_may_end_the_run() {
    let folder = crate::common::Folder::new();
    let text = format!(
        "hold = true\ntime_limit = \"1h\"\n{}[[timeline]]\nat = \"5s\"\nspawn = \"tests\"\n",
        sh("tests", "exit 0", "on_exit = \"stop\"")
    );
    folder.file("s.toml", text);
    let plan = folder.scenario(&["plan", "s.toml"]).end().expect(0).stdout;
    assert!(plan.contains("earliest 5.000 s") && plan.contains("likely   open"), "{plan}");
}
