//! Programs that are watched: one that does not answer its probes any more has failed.

use super::{lines_of, run, run_in, sh, spawn};
use crate::common::{Folder, free_port};

/// A program whose probe succeeds until its file is gone.
fn watched(keys: &str) -> String {
    let alive = "alive = { command = [\"sh\", \"-c\", \"echo look >> looks; cat well\"], every = \"20ms\", failures = 2, try_timeout = \"1m\" }";
    let script = "echo hale > well; echo up; while ! test -e sick; do sleep 0.01; done; rm well; trap 'echo bye; exit 0' TERM; while :; do sleep 0.01; done";
    sh("p", script, &format!("ready = {{ line = \"up\" }}\n{alive}\n{keys}"))
}

#[test]
fn a_program_that_fails_its_probes_is_stopped_and_has_failed() {
    let folder = Folder::new();
    let sick = "[presets.sick]\ncommand = [\"sh\", \"-c\", \"while [ $(cat looks | wc -l) -lt 3 ]; do sleep 0.01; done; touch sick\"]\n\
                [[timeline]]\nafter = \"p.ready\"\nspawn = \"sick\"\n[[timeline]]\nafter = \"p.finished\"\nmark = \"over\"\n";
    let (ended, log) = run_in(&folder, &format!("{}{}{sick}", watched(""), spawn("p")), 1);
    assert!(lines_of(&folder.path().join("looks")).len() >= 5);
    let unhealthy = log.of("spawn.unhealthy");
    assert_eq!(unhealthy.len(), 1);
    assert_eq!(unhealthy[0]["source"], "ps#1");
    assert_eq!(unhealthy[0]["failures"], 2);
    let last_try = unhealthy[0]["last_try"].as_str().unwrap();
    assert!(
        last_try.starts_with("code 1: cat: well: ") || last_try.starts_with("code 1: cat: can't open"),
        "{last_try}"
    );
    let stop = log.of("stopping")[0];
    assert_eq!((&stop["source"], &stop["reason"]), (&"ps#1".into(), &"it is not alive".into()));
    let exits = log.of("spawn.exited");
    let exit = exits.iter().find(|exit| exit["source"] == "ps#1").unwrap();
    assert_eq!((exit["code"].as_i64(), exit["ok"].as_bool()), (Some(0), Some(false)));
    let reason = format!("ps#1 (p) was not alive: 2 probes in a row failed (the last try: {last_try})");
    assert_eq!(log.last()["reason"], reason);
    assert_eq!(log.of("mark").len(), 1, "the run goes on to its end");
    assert!(
        ended.stderr.contains("UNEXPECTED: p is not alive: 2 probes failed, the last: code 1: cat: "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("its last lines:"), "{}", ended.stderr);
}

#[test]
fn a_program_that_answers_lives_on_and_single_failures_are_forgotten() {
    let folder = Folder::new();
    // Every second probe fails.
    let probe = "echo look >> looks; test $(( $(wc -l < looks) % 2 )) = 0";
    let keys = format!(
        "background = true\nalive = {{ command = [\"sh\", \"-c\", '{probe}'], every = \"5ms\", failures = 2, try_timeout = \"1m\" }}"
    );
    let wait = "[presets.wait]\ncommand = [\"sh\", \"-c\", \"until test -e looks && [ $(wc -l < looks) -ge 6 ]; do sleep 0.01; done\"]\n";
    let text = format!("{}{wait}{}{}", sh("p", "exec sleep 600", &keys), spawn("p"), spawn("wait"));
    let (_, log) = run_in(&folder, &text, 0);
    assert!(log.of("spawn.unhealthy").is_empty());
}

#[test]
fn a_port_that_is_closed_later_is_seen() {
    let port = free_port();
    let program = format!(
        "import socket, time; s = socket.create_server((\"127.0.0.1\", {port})); s.accept(); time.sleep(0.1); s.close(); time.sleep(600)"
    );
    let text = format!(
        "[presets.p]\ncommand = [\"python3\", \"-c\", '{program}']\nbackground = true\n\
         ready = {{ tcp = \"127.0.0.1:{port}\", timeout = \"5m\" }}\n\
         alive = {{ tcp = \"127.0.0.1:{port}\", every = \"10ms\", failures = 1, try_timeout = \"1m\" }}\n{}\
         [[timeline]]\nid = \"m\"\nafter = {{ quiet = \"10m\", of = \"p\" }}\nmark = \"never\"\n",
        spawn("p")
    );
    let (_, log) = run(&text, 1);
    let last_try = format!("no connection to 127.0.0.1:{port}: Connection refused (os error 111)");
    assert_eq!(log.of("spawn.unhealthy")[0]["last_try"], last_try);
    assert_eq!(
        log.last()["reason"],
        format!("ps#1 (p) was not alive: a probe failed (the last try: {last_try})")
    );
}

#[test]
fn a_suspended_program_is_not_alive_and_is_stopped_all_the_same() {
    let folder = Folder::new();
    let server = "import http.server, sys\n\
class H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        self.send_response(204)\n        self.end_headers()\n    def log_message(self, *a):\n        pass\n\
s = http.server.HTTPServer((\"127.0.0.1\", int(sys.argv[1])), H)\ns.serve_forever()\n";
    folder.file("server.py", server);
    let port = free_port();
    let text = format!(
        "[presets.p]\ncommand = [\"python3\", \"server.py\", \"{port}\"]\nbackground = true\n\
         ready = {{ http = \"http://127.0.0.1:{port}/\", timeout = \"5m\", try_timeout = \"1m\" }}\n\
         alive = {{ http = \"http://127.0.0.1:{port}/\", status = 204, every = \"10ms\", failures = 2, try_timeout = \"3s\" }}\n{}\
         [[timeline]]\nafter = \"p.ready\"\nsignal = {{ to = \"p\", name = \"STOP\" }}\n\
         [[timeline]]\nafter = \"p.finished\"\nmark = \"m\"\n",
        spawn("p")
    );
    let (_, log) = run_in(&folder, &text, 1);
    let last_try = log.of("spawn.unhealthy")[0]["last_try"].as_str().unwrap();
    assert!(last_try.starts_with("not done within 3s: "), "{last_try}");
    let exit = log.of("spawn.exited")[0];
    assert_eq!((exit["signal"].as_str(), exit["ok"].as_bool()), (Some("TERM"), Some(false)));
}

#[test]
fn a_try_of_an_until_that_is_not_alive_is_tried_again() {
    let folder = Folder::new();
    // The first try is not alive, and the second one ends well.
    let script = "test -e second && exit 0; touch second; exec sleep 600";
    let keys = "alive = { command = [\"sh\", \"-c\", \"echo sick; exit 9\"], every = \"300ms\", failures = 1, try_timeout = \"1m\" }";
    let text = format!(
        "{}[[timeline]]\nid = \"p\"\nspawn = \"p\"\nuntil = {{ every = \"1ms\", timeout = \"5m\" }}\n",
        sh("p", script, keys)
    );
    let (_, log) = run_in(&folder, &text, 0);
    assert!(!log.of("spawn.unhealthy").is_empty());
    let retried = log.of("entry.retried")[0];
    assert_eq!(retried["reason"], "ps#1 (p) was not alive: a probe failed (the last try: code 9: sick)");
    assert!(log.of("spawn.exited")[0]["again"] == true);
}

#[test]
fn expectations_and_other_commands_know_the_verdict() {
    let folder = Folder::new();
    let keys = "alive = { command = [\"false\"], every = \"1ms\", failures = 3, try_timeout = \"1m\" }";
    let expect = "[[expect]]\nof = \"spawn.unhealthy\"\nin = \"p\"\nwhere = { failures = 3, last_try = \"code 1\" }\nequals = 1\n";
    let (_, log) = run_in(&folder, &format!("{}{}{expect}", sh("p", "exec sleep 600", keys), spawn("p")), 1);
    assert_eq!(log.of("expect")[0]["ok"], true);
    let report =
        folder.scenario(&["report", "log.jsonl", "-o", "r.html", "--trace", "t.json", "--junit", "j.xml"]);
    report.end().expect(0);
    folder.scenario(&["diff", "log.jsonl", "log.jsonl"]).end().expect(0);
    folder.scenario(&["extract", "log.jsonl"]).end().expect(0);
    folder.scenario(&["play", "log.jsonl", "--speed", "max"]).end().expect(0);
    assert!(std::fs::read_to_string(folder.path().join("t.json")).unwrap().contains("unhealthy"));
    // A program that is not watched never has this event.
    let without = format!("{}{}{expect}", sh("p", "true", ""), spawn("p"));
    folder.file("w.toml", without);
    let said = folder.scenario(&["check", "w.toml"]).end();
    assert!(said.stderr.contains("spawn.unhealthy"), "{}", said.stderr);
}

#[test]
fn probes_that_fail_at_once_leave_time_for_the_run() {
    let keys = "background = true\nalive = { command = [\"no-such-program-anywhere\"], every = \"1ns\", failures = 4000000000 }";
    let text = format!(
        "{}{}[[timeline]]\nat = \"200ms\"\nmark = \"m\"\n",
        sh("p", "exec sleep 600", keys),
        spawn("p")
    );
    let (_, log) = run(&text, 0);
    assert_eq!(log.of("mark").len(), 1);
}

#[test]
fn a_program_that_is_not_alive_is_started_again_by_its_preset() {
    let keys = "background = true\nrestart = { times = 3, wait = \"10ms\" }\n\
                alive = { command = [\"test\", \"-e\", \"again\"], every = \"20ms\", failures = 2, try_timeout = \"1m\" }";
    let script = "if test -e was; then touch again; fi; touch was; echo up; exec sleep 600";
    let waits = sh("waits", "while ! test -e again; do sleep 0.01; done", "");
    let (_, log) = run(&format!("{}{waits}{}{}", sh("p", script, keys), spawn("p"), spawn("waits")), 0);
    assert_eq!((log.of("spawn.unhealthy").len(), log.of("spawn.restarted").len()), (1, 1));
    let exits = log.of("spawn.exited");
    let exit = exits.iter().find(|exit| exit["source"] == "ps#1").unwrap();
    assert_eq!((exit["ok"].as_bool(), exit["again"].as_bool()), (Some(false), Some(true)));
    assert!(
        exit["reason"].as_str().unwrap().starts_with("was not alive: 2 probes in a row failed"),
        "{exit}"
    );
}
