//! Restarts by the `restart` of a preset: when they come, when they do not, and when they give up.

use super::{reason, run, sh, spawns};
use crate::actions::hold::{start, type_line};
use crate::actions::{assert_replays, story};
use crate::common::{Folder, Log};

const KINDS: [&str; 5] = ["spawn.started", "spawn.ready", "spawn.restarted", "spawn.exited", "stopping"];

/// A script that fails until it has been started this many times.
fn fails_before(times: u32, then: &str) -> String {
    format!("echo x >> starts; if test $(wc -l < starts) -lt {times}; then exit 7; fi; {then}")
}

#[test]
fn a_restart_gives_up_with_its_reason() {
    let text = format!(
        "{}{}[[timeline]]\nafter = \"api.finished\"\nmark = \"over\"\n",
        sh("api", "echo dying >&2; exit 1", "restart = { times = 2, wait = \"10ms\", within = \"10m\" }"),
        spawns(&["api"])
    );
    let (ended, log) = run(&text, 1);
    let why = "ended with code 1 for the 3rd time within 10m; its `restart` gives up after 2";
    assert_eq!(reason(&log), format!("ps#3 (api) {why}"));
    assert_eq!(log.of("spawn.restarted").len(), 2);
    let exits = log.of("spawn.exited");
    assert!(exits.iter().all(|exit| exit["ok"] == false));
    let again: Vec<bool> = exits.iter().map(|exit| exit.get("again").is_some()).collect();
    assert_eq!(again, [true, true, false]);
    assert_eq!(exits[0]["restarts_in"], 0.01);
    assert_eq!(exits[2]["reason"], why);
    assert_eq!(log.of("mark").len(), 1, "the entry finishes when the last has ended");
    let names = log.names();
    assert!(
        names.iter().position(|name| name == "mark") > names.iter().rposition(|name| name == "spawn.exited")
    );
    for part in ["it starts again in 10.0 ms", "ps#2    takes the place of ps#1", why] {
        assert!(ended.stderr.contains(part), "{part} is not in\n{}", ended.stderr);
    }
}

#[test]
fn a_failure_that_a_restart_mends_fails_nothing() {
    let text = format!(
        "{}{}[[timeline]]\nafter = \"api.passed\"\nmark = \"well\"\n[[expect]]\nof = \"spawn.restarted\"\nequals = 2\n\
         [[expect]]\nof = \"spawn.exited\"\nwhere = {{ again = true }}\nequals = 2\n",
        sh("api", &fails_before(3, "exit 0"), "restart = \"failure\""),
        spawns(&["api"])
    );
    let text = text.replace("restart = \"failure\"", "restart = { wait = \"5ms\" }");
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("mark").len(), 1);
    let started: Vec<&str> =
        log.of("spawn.started").iter().filter_map(|event| event["entry"].as_str()).collect();
    assert_eq!(started, ["api"; 3]);
    let due = |n: usize| log.of("spawn.started")[n]["due"].as_f64().unwrap();
    let ended = log.of("spawn.exited")[0]["t"].as_f64().unwrap();
    assert!((due(1) - ended - 0.005).abs() < 1e-6, "it is due 5 ms after the end");
}

#[test]
fn the_short_forms_have_their_defaults() {
    for (word, on) in [("failure", "failure"), ("always", "always")] {
        let text =
            format!("{}{}", sh("p", "exec sleep 600", &format!("restart = \"{word}\"")), spawns(&["p"]));
        let text = format!("{text}[[timeline]]\nafter = \"p.started\"\nstop = \"p\"\n");
        let (_, log) = run(&text, 0);
        let restart = &log.events[0]["scenario"]["presets"]["p"]["restart"];
        assert_eq!(restart["on"], on);
        assert_eq!((&restart["times"], &restart["wait"]), (&5.into(), &"1s".into()));
        assert!(log.of("spawn.restarted").is_empty(), "the run has stopped it");
    }
}

#[test]
fn always_means_after_good_ends_too() {
    let keys = "restart = { on = \"always\", times = 2, wait = \"0s\" }";
    let (_, log) = run(&format!("{}{}", sh("p", "exit 0", keys), spawns(&["p"])), 1);
    assert_eq!(reason(&log), "ps#3 (p) ended with code 0 for the 3rd time; its `restart` gives up after 2");
    let ok: Vec<_> = log.of("spawn.exited").iter().map(|exit| exit["ok"] == true).collect();
    assert_eq!(ok, [true, true, false]);
    let failure = format!("{}{}", sh("p", "exit 0", "restart = \"failure\""), spawns(&["p"]));
    let (_, log) = run(&failure, 0);
    assert_eq!(log.of("spawn.exited").len(), 1);
}

#[test]
fn a_background_program_comes_back_and_is_stopped_at_the_end() {
    let keys = "background = true\nready = { line = \"up\" }\nrestart = { wait = \"5ms\" }";
    let text = format!(
        "{}{}{}[[timeline]]\nafter = {{ line = \"third\", of = \"api\", timeout = \"10m\" }}\nspawn = \"work\"\n",
        sh("api", &fails_before(3, "echo up; echo third; exec sleep 600"), keys),
        sh("work", "exit 0", ""),
        spawns(&["api"])
    );
    let (_, log) = run(&text, 0);
    assert_eq!(
        story(&log, &KINDS),
        [
            "spawn.started ps#1",
            "spawn.exited ps#1",
            "spawn.restarted ps#2 ps#1",
            "spawn.started ps#2",
            "spawn.exited ps#2",
            "spawn.restarted ps#3 ps#2",
            "spawn.started ps#3",
            "spawn.ready ps#3",
            "spawn.started ps#4",
            "spawn.exited ps#4",
            "stopping ps#3",
            "spawn.exited ps#3 TERM",
        ]
    );
}

#[test]
fn a_kill_by_the_run_is_a_failure_for_the_policy() {
    let keys = "background = true\nready = { line = \"up\" }\nrestart = { wait = \"5ms\" }";
    let text = format!(
        "{}{}[[timeline]]\nafter = \"api.ready\"\nkill = \"api\"\n\
         [[timeline]]\nafter = {{ line = \"^2\", of = \"api\", timeout = \"10m\" }}\nmark = \"back\"\n",
        sh("api", "echo x >> starts; echo up; wc -l < starts; exec sleep 600", keys),
        spawns(&["api"]),
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("spawn.restarted").len(), 1);
    let killed = log.of("spawn.exited").into_iter().find(|exit| exit["signal"] == "KILL").unwrap();
    assert_eq!((&killed["ok"], &killed["again"]), (&true.into(), &true.into()), "the run asked for it");
}

#[test]
fn a_person_stops_and_restarts_what_waits() {
    let folder = Folder::new();
    let text = format!(
        "hold = true\ntick = \"0s\"\n{}{}",
        sh("api", "echo up; exit 1", "background = true\nrestart = { wait = \"10m\" }"),
        spawns(&["api"])
    );
    let mut run = start(&folder, &text);
    run.until("it starts again in");
    type_line(&mut run, "status");
    run.until("api, which waits for its restart");
    type_line(&mut run, "signal api HUP");
    run.until("`api` is no program that could get a signal");
    type_line(&mut run, "restart api");
    run.until("ps#2    UNEXPECTED: ended api with code 1");
    run.until("ps#2    its last lines:");
    type_line(&mut run, "stop api");
    run.until("stopping");
    type_line(&mut run, "stop api");
    run.until("`api` does not run");
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_replays(&folder, "log.jsonl");
    let log = Log::read(&folder.path().join("log.jsonl"));
    assert_eq!(log.of("spawn.restarted").len(), 1);
}

#[test]
fn a_program_that_hangs_or_never_becomes_ready_is_started_again() {
    let slow = fails_before(1, "test $(wc -l < starts) -lt 2 && exec sleep 600; echo up; exit 0");
    for key in ["timeout = \"300ms\"", "ready = { line = \"up\", timeout = \"300ms\" }"] {
        let keys = format!("{key}\nrestart = {{ times = 100, wait = \"5ms\" }}");
        let text = format!(
            "{}{}[[timeline]]\nafter = \"p.ready\"\nmark = \"up\"\n",
            sh("p", &slow, &keys),
            spawns(&["p"])
        );
        // A second life that takes too long on a busy machine has a third.
        let (_, log) = run(&text, 0);
        assert!(!log.of("spawn.restarted").is_empty(), "{key}");
        let first = log.of("spawn.exited")[0];
        assert_eq!((&first["signal"], &first["again"]), (&"TERM".into(), &true.into()), "{key}");
        assert_eq!(log.of("mark").len(), 1);
    }
}

#[test]
fn an_end_before_it_has_lived_is_a_failure() {
    let keys = "lives = \"10m\"\nrestart = { times = 1, wait = \"0s\" }";
    let (_, log) = run(&format!("{}{}", sh("p", "exit 0", keys), spawns(&["p"])), 1);
    assert_eq!(log.of("spawn.restarted").len(), 1);
    assert!(
        reason(&log)
            .ends_with("and `lives` wants 10m at least for the 2nd time; its `restart` gives up after 1"),
        "{}",
        reason(&log)
    );
}

#[test]
fn a_missing_program_is_not_started_again() {
    let text = format!(
        "[presets.p]\ncommand = [\"no-such-program-here\"]\nrestart = \"always\"\n{}",
        spawns(&["p"])
    );
    let (_, log) = run(&text, 1);
    assert_eq!(log.of("spawn.failed").len(), 1);
    assert!(reason(&log).contains("could not start"));
}

#[test]
fn the_seed_draws_the_waits_whatever_else_there_is() {
    let waits = |seed: u32, more: &str| -> Vec<String> {
        let keys = "restart = { times = 3, wait = \"0s..40ms\" }";
        let text = format!(
            "seed = {seed}\n{}{}{more}",
            sh("api", "exit 1", keys),
            "[[timeline]]\nspawn = \"api\"\ncount = 2\n"
        );
        let (_, log) = run(&text, 1);
        let mut waits: Vec<String> = log
            .of("spawn.exited")
            .iter()
            .filter_map(|exit| exit.get("restarts_in"))
            .map(|wait| wait.to_string())
            .collect();
        waits.sort();
        waits
    };
    let first = waits(3, "");
    assert_eq!(first.len(), 6);
    let other = format!(
        "{}[[timeline]]\nspawn = \"other\"\n",
        sh("other", "exit 1", "restart = { times = 1, wait = \"0s\" }")
    );
    let with_other = waits(3, &other);
    assert!(first.iter().all(|wait| with_other.contains(wait)), "{first:?} {with_other:?}");
    assert_ne!(first, waits(4, ""));
}

#[test]
fn the_plan_shows_the_policy() {
    let folder = Folder::new();
    let keys = "restart = { on = \"always\", times = 1, wait = \"1s..2s\", within = \"1m\" }";
    let text = format!(
        "{}{}[[timeline]]\nafter = \"p.ready\"\nspawn = \"q\"\n{}",
        sh("p", "exit 1", keys),
        spawns(&["p"]),
        sh("q", "exit 1", "restart = \"failure\"\nready = { line = \"x\" }")
    );
    folder.file("s.toml", text);
    let plan = folder.scenario(&["plan", "s.toml"]).end().expect(0).stdout;
    assert!(
        plan.contains("restarted after each end, once at most within 1m, each time after 1s..2s"),
        "{plan}"
    );
    assert!(plan.contains("restarted after a failure, 5 times at most, each time after 1s"), "{plan}");
}

#[test]
fn a_policy_is_inherited_and_selected() {
    let folder = Folder::new();
    let text = format!(
        "{}[presets.child]\nextends = \"base\"\n[[timeline]]\nid = \"a\"\nspawn = \"child\"\n[[timeline]]\nid = \"b\"\nspawn = \"base\"\n",
        sh("base", "exit 1", "restart = { times = 1, wait = \"0s\" }")
    );
    folder.file("s.toml", text);
    folder.scenario(&["run", "s.toml", "--only", "a", "--log", "l"]).end().expect(1);
    let log = Log::read(&folder.path().join("l"));
    assert_eq!(log.of("spawn.restarted").len(), 1);
    assert_eq!(
        reason(&log),
        "ps#2 (child) ended with code 1 for the 2nd time; its `restart` gives up after 1"
    );
    assert_replays(&folder, "l");
}

#[test]
fn each_run_of_a_matrix_has_its_restarts() {
    let folder = Folder::new();
    let text = format!(
        "[matrix]\ncode = [3, 4]\n[vars]\ncode = 3\n{}{}",
        sh("p", "exit ${code}", "restart = { times = 1, wait = \"0s\" }"),
        spawns(&["p"])
    );
    folder.file("s.toml", text);
    let ended = folder.scenario(&["run", "s.toml", "--matrix"]).end().expect(1);
    let shown = format!("{}{}", ended.stdout, ended.stderr);
    for code in [3, 4] {
        let why = format!("ps#2 (p) ended with code {code} for the 2nd time; its `restart` gives up after 1");
        assert!(shown.contains(&why), "{why} is not in\n{shown}");
    }
}
