//! Typed actions on real programs, and the scenario that is extracted from such a run.

use super::hold::{start, type_line};
use super::{assert_replays, service, story};
use crate::common::{Folder, Log};

#[test]
fn what_was_typed_is_stopped_by_its_name() {
    let folder = Folder::new();
    let text = format!(
        "hold = true\ntick = \"0s\"\n{}[[timeline]]\nspawn = \"api\"\n[[timeline]]\nafter = \"api.ready\"\nmark = \"up\"\n",
        service("api")
    );
    let mut run = start(&folder, &text);
    run.until("ps#1    ready");
    type_line(&mut run, "stop api");
    run.until("ended api");
    type_line(&mut run, "api");
    run.until("ps#2    ready");
    type_line(&mut run, "stop api");
    run.until("ps#2    ended api");
    type_line(&mut run, "stop api");
    run.until("`api` does not run");
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_replays(&folder, "log.jsonl");

    // The same as a scenario.
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    assert_eq!(extracted.matches("stop = \"api\"").count(), 2, "{extracted}");
    folder.file("again.toml", &extracted);
    folder.scenario(&["check", "again.toml"]).end().expect(0);
}

#[test]
fn what_was_typed_is_done_again_by_the_extracted_scenario() {
    let folder = Folder::new();
    let text = "hold = true\ntick = \"0s\"\n[presets.walk]\nplayers = [{ name = \"ann\", moves = 100, every = \"1s\" }]\n\
                [[timeline]]\nspawn = \"walk\"\n";
    let mut run = start(&folder, text);
    run.until("started walk");
    for (line, shown) in [
        ("stop walk", "ps#1    ended walk"),
        ("walk", "ps#2    started walk"),
        ("restart walk", "ps#3    started walk"),
        ("stop walk", "ps#3    ended walk"),
        ("walk", "ps#4    started walk"),
        ("kill ps#4", "ps#4    ended walk with signal KILL"),
    ] {
        type_line(&mut run, line);
        run.until(shown);
    }
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_replays(&folder, "log.jsonl");
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    let (ended, again) = folder.run(&extracted, &["--clock", "virtual"]);
    ended.expect(0);
    assert_eq!(
        story(&again, &["spawn.exited"]),
        [
            "spawn.exited ps#1 TERM",
            "spawn.exited ps#2 TERM",
            "spawn.exited ps#3 TERM",
            "spawn.exited ps#4 KILL"
        ]
    );
}

#[test]
fn signals_kills_and_restarts_are_typed_and_extracted() {
    let folder = Folder::new();
    let text =
        format!("hold = true\ntick = \"0s\"\n{}[[timeline]]\nid = \"a\"\nspawn = \"api\"\n", service("api"));
    let mut run = start(&folder, &text);
    run.until("ps#1    ready");
    type_line(&mut run, "signal api stop");
    run.until("was suspended by STOP");
    type_line(&mut run, "signal a CONT");
    run.until("goes on");
    type_line(&mut run, "restart ps#1");
    run.until("ps#2    ready");
    type_line(&mut run, "kill api");
    run.until("ended api with signal KILL");
    for (line, refusal) in [
        ("restart api", "`api` does not run"),
        ("restart apj", "no id `apj`; did you mean `api`?"),
        ("kill", "which id?"),
        ("signal api HPU", "no signal `HPU`; did you mean `HUP`?"),
        ("signal api", "which signal?"),
        ("signal api 34", "no signal `34`"),
    ] {
        type_line(&mut run, line);
        run.until(&format!("`{line}`: {refusal}"));
        run.until("runs: none");
    }
    run.until("signals: HUP, INT");
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_replays(&folder, "log.jsonl");
    let log = Log::read(&folder.path().join("log.jsonl"));
    assert_eq!(
        story(&log, &["signalled", "spawn.restarted"]),
        ["signalled ps#1 STOP", "signalled ps#1 CONT", "spawn.restarted ps#2 ps#1", "signalled ps#2 KILL"]
    );

    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    for line in [
        "signal = { to = \"api\", name = \"STOP\" }",
        "signal = { to = \"a\", name = \"CONT\" }",
        "restart = \"ps#1\"",
        "kill = \"api\"",
    ] {
        assert!(extracted.contains(line), "{line} is not in\n{extracted}");
    }
    folder.file("again.toml", &extracted);
    folder.scenario(&["check", "again.toml"]).end().expect(0);
}
