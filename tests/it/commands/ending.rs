//! A signal ends a run in order, and the second one at once.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::common::{Folder, Log, is_gone, kill, shell_code};

#[test]
fn one_signal_stops_all_programs_in_order() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"trap 'echo going; sleep 0.2; echo gone; exit 0' TERM; echo up; while :; do sleep 0.01; done\"]\n\
         [[timeline]]\nspawn = \"p\"\ncount = 3\n[[timeline]]\nat = \"1h\"\nmark = \"never\"\n",
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).watch();
    for _ in 0..3 {
        run.until("| up");
    }
    kill(&run.child, Signal::INT);
    let (code, shown) = run.end();
    assert_eq!(code, Some(130));
    assert!(shown.iter().any(|line| line.contains("run     interrupted: signal INT")), "{shown:#?}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.of("mark").is_empty());
    let texts: Vec<&str> = log.of("line").iter().filter_map(|event| event["text"].as_str()).collect();
    for word in ["up", "going", "gone"] {
        assert_eq!(texts.iter().filter(|text| **text == word).count(), 3, "{texts:?}");
    }
    assert!(log.of("spawn.exited").iter().all(|event| event["ok"] == true && event["code"] == 0));
    assert_eq!(log.last()["reason"], "signal INT");
    assert!(log.of("spawn.started").iter().all(|event| is_gone(&event["pid"])));
}

const DEAF: &str = "[presets.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo up; while :; do sleep 0.05; done\"]\n\
     stop = { grace = \"10m\" }\n[[timeline]]\nspawn = \"deaf\"\ncount = 2\n";

#[test]
fn a_second_signal_kills_all_programs_at_once() {
    for (first, second) in
        [(Signal::INT, Signal::INT), (Signal::TERM, Signal::INT), (Signal::HUP, Signal::HUP)]
    {
        let folder = Folder::new();
        folder.file("s.toml", DEAF);
        let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).watch();
        run.until("| up");
        run.until("| up");
        kill(&run.child, first);
        run.until("stopping: signal");
        kill(&run.child, second);
        // The grace is ten minutes: only KILL ends this.
        assert_eq!(run.end().0, Some(128 + first.as_raw()));
        let log = Log::read(&folder.path().join("l.jsonl"));
        assert!(log.of("spawn.exited").iter().all(|event| event["signal"] == "KILL"));
        assert_eq!(log.of("spawn.exited").len(), 2);
        assert_eq!(log.last()["outcome"], "interrupted");
        assert!(log.of("spawn.started").iter().all(|event| is_gone(&event["pid"])));
    }
}

#[test]
fn a_signal_after_a_typed_quit_counts_as_the_first() {
    let folder = Folder::new();
    let text = DEAF.replace("trap ''", "trap 'echo asked'").replace("count = 2", "");
    folder.file("s.toml", text);
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]).watch();
    run.until("| up");
    std::io::Write::write_all(run.child.stdin.as_mut().unwrap(), b"quit\n").unwrap();
    run.until("| asked");
    kill(&run.child, Signal::INT);
    run.until("stopping: signal INT");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
}

#[test]
fn a_signal_ends_a_virtual_run_in_order_too() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"p\", moves = 4_000_000_000, every = \"1s\" }]\n[[timeline]]\nspawn = \"p\"\n",
    );
    let mut run = folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "l.jsonl"]).watch();
    run.until("ps#1");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let log = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["event"].as_str(), last["outcome"].as_str()),
        (Some("run.finished"), Some("interrupted"))
    );
    assert_eq!(last["exited"], 1);
}

#[test]
fn a_signal_ends_a_fetch() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let child = folder.scenario(&["fetch", &url]).start();
    // The client is connected, so it listens to signals.
    let (_connection, _) = silent.accept().unwrap();
    kill(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(shell_code(output.status), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("0 of 1 fetched"));
}

#[test]
fn a_log_that_exists_gets_its_last_line() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\nplayers = [{ name = \"a\", moves = 9, every = \"9s\" }]\n[[timeline]]\nspawn = \"p\"\n",
    );
    for n in 0..20 {
        let name = format!("{n}.jsonl");
        let child = folder.scenario(&["run", "-q", "s.toml", "--log", &name]).start();
        let log = folder.path().join(&name);
        while !log.exists() {
            std::thread::yield_now();
        }
        // As early as possible.
        kill(&child, Signal::TERM);
        let output = child.wait_with_output().unwrap();
        assert_eq!(shell_code(output.status), Some(143), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(Log::read(&log).last()["reason"], "signal TERM");
    }
}

#[test]
fn the_program_dies_of_the_signal_that_ended_it() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"sleep\", \"600\"]\n[[timeline]]\nspawn = \"p\"\n");
    let players =
        "[presets.p]\nplayers = [{ name = \"p\", moves = 9, every = \"1h\" }]\n[[timeline]]\nspawn = \"p\"\n";
    folder.file("players.toml", players);
    for (arguments, shown) in [
        (&["run", "s.toml", "--log", "l.jsonl", "--force"][..], "started p"),
        (&["run", "players.toml", "--log", "l.jsonl", "--force"], "started p"),
        (&["check", "--watch", "s.toml"], "waits for a change"),
    ] {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let mut run = folder.scenario(arguments).watch();
            run.until(shown);
            kill(&run.child, signal);
            let status = run.child.wait().unwrap();
            assert_eq!(status.signal(), Some(signal.as_raw()), "{arguments:?}: {status}");
        }
    }
}
