//! The order in which programs are stopped at the end of a run.

use rustix::process::Signal;

use super::hold::{stack, start, type_line};
use super::{assert_replays, service, story};
use crate::common::{Folder, Log, kill};

const ENDS: [&str; 2] = ["stopping", "spawn.exited"];

#[test]
fn what_waited_for_others_is_stopped_first() {
    let folder = Folder::new();
    let text = format!(
        "tick = \"0s\"\n{}{}{}{}[presets.tests]\ncommand = [\"true\"]\n\
         [[timeline]]\nspawn = \"db\"\n[[timeline]]\nspawn = \"other\"\n\
         [[timeline]]\nid = \"migrated\"\nafter = \"db.ready\"\nmark = \"migrated\"\n\
         [[timeline]]\nafter = \"migrated.started\"\nspawn = \"api\"\n[[timeline]]\nafter = {{ line = \"up\", of = \"api\" }}\nspawn = \"web\"\n\
         [[timeline]]\nafter = \"web.ready\"\nspawn = \"tests\"\n",
        service("db"),
        service("other"),
        service("api"),
        service("web")
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_replays(&folder, "log.jsonl");
    let story = story(&log, &ENDS);
    let at = |what: &str| {
        story.iter().position(|line| line == what).unwrap_or_else(|| panic!("{what}: {story:?}"))
    };
    // ps#1 is the database, ps#2 the other, ps#3 the API and ps#4 the web.
    assert!(at("stopping ps#2") < at("spawn.exited ps#4 TERM"), "what nobody waits for is stopped at once");
    assert!(at("spawn.exited ps#4 TERM") < at("stopping ps#3"));
    assert!(at("spawn.exited ps#3 TERM") < at("stopping ps#1"));
    assert!(log.of("stopping").iter().all(|stop| stop["reason"] == "the end of the run, in order"));
}

#[test]
fn programs_without_a_relation_are_stopped_at_once() {
    let folder = Folder::new();
    let text = format!(
        "tick = \"0s\"\n{}{}[presets.tests]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"db\"\n[[timeline]]\nspawn = \"api\"\n\
         [[timeline]]\nafter = \"db.ready\"\nspawn = \"tests\"\n",
        service("db"),
        service("api")
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert!(log.of("stopping").iter().all(|stop| stop["reason"] == "the end of the run"));
}

#[test]
fn a_run_that_fails_stops_in_order_too() {
    let folder = Folder::new();
    let text = format!(
        "tick = \"0s\"\n{}{}[[timeline]]\nspawn = \"db\"\n[[timeline]]\nafter = \"db.ready\"\nspawn = \"api\"\n\
         [[timeline]]\nafter = {{ line = \"never\", of = \"api\", timeout = \"200ms\" }}\nmark = \"x\"\n",
        service("db"),
        service("api")
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    assert_replays(&folder, "log.jsonl");
    assert_eq!(
        story(&log, &ENDS)[1..],
        ["stopping ps#2", "spawn.exited ps#2 TERM", "stopping ps#1", "spawn.exited ps#1 TERM"]
    );
}

#[test]
fn what_was_typed_has_the_place_of_its_preset() {
    let folder = Folder::new();
    let mut run = start(&folder, &stack());
    run.until("ps#3    ready");
    type_line(&mut run, "stop api");
    run.until("ended api");
    type_line(&mut run, "api");
    run.until("ps#4    ready");
    type_line(&mut run, "quit");
    assert_eq!(run.end().0, Some(0));
    assert_replays(&folder, "log.jsonl");
    let log = Log::read(&folder.path().join("log.jsonl"));
    let story = story(&log, &ENDS);
    assert_eq!(
        story[story.len() - 6..],
        [
            "stopping ps#3",
            "spawn.exited ps#3 TERM",
            "stopping ps#4",
            "spawn.exited ps#4 TERM",
            "stopping ps#1",
            "spawn.exited ps#1 TERM"
        ]
    );
}

#[test]
fn a_second_signal_kills_all_at_once() {
    let folder = Folder::new();
    let deaf = stack().replace("echo web is up;", "trap '' TERM; echo web is up;");
    let mut run = start(&folder, &deaf);
    run.until("ps#3    ready");
    kill(&run.child, Signal::INT);
    run.until("stopping: signal INT");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    assert_replays(&folder, "log.jsonl");
    let log = Log::read(&folder.path().join("log.jsonl"));
    assert_eq!(log.of("spawn.exited").iter().filter(|exit| exit["signal"] == "KILL").count(), 3);
    assert_eq!(log.last()["outcome"], "failed", "they were killed");
}

#[test]
fn the_log_of_a_release_that_stopped_all_at_once_replays() {
    let folder = Folder::new();
    let (ended, log) = folder.run(
        &format!(
            "tick = \"0s\"\n{}{}[presets.tests]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"db\"\n[[timeline]]\nafter = \"db.ready\"\nspawn = \"api\"\n\
             [[timeline]]\nafter = \"api.ready\"\nspawn = \"tests\"\n",
            service("db"),
            service("api")
        ),
        &[],
    );
    ended.expect(0);
    // As such a release wrote it: both are asked to end, and then end.
    let text = String::from_utf8(log.bytes.clone())
        .unwrap()
        .replace("the end of the run, in order", "the end of the run");
    let mut lines: Vec<&str> = text.lines().collect();
    let at = |what: &str| lines.iter().position(|line| line.contains(what)).unwrap();
    let (second, first) = (at("\"stopping\",\"source\":\"ps#2\""), at("\"stopping\",\"source\":\"ps#1\""));
    assert!(first > second);
    let (line, other) = (lines.remove(first), lines.remove(second));
    // Both at the moment of the earlier.
    let t = |line: &str| line.split(',').nth(1).unwrap().to_owned();
    let line = line.replace(&t(line), &t(other));
    lines.insert(second, other);
    lines.insert(second, &line);
    let numbered: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(seq, line)| format!("{{\"seq\":{seq},{}", line.split_once(',').unwrap().1))
        .collect();
    let before = numbered[..numbered.len() - 1].iter().map(|line| format!("{line}\n")).collect::<String>();
    let last = numbered.last().unwrap();
    let checksum = format!("\"crc32c\":\"{:08x}\"}}", crc32c::crc32c(before.as_bytes()));
    let last = format!("{}{checksum}", &last[..last.find("\"crc32c\"").unwrap()]);
    folder.file("old.jsonl", format!("{before}{last}\n"));
    assert_replays(&folder, "old.jsonl");
}
