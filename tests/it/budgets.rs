//! How many requests of a fetch may fail (`may_fail`): the verdict of the run, of its replay and of its reports.
//! The failed requests stay failed in the log.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Ended, Folder, Log};

/// A server that keeps its connections, and answers these requests, counted from 0, with 500.
fn server(is_wrong: impl Fn(usize) -> bool + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (is_wrong, count) = (Arc::new(is_wrong), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, is_wrong, count) = (client.unwrap(), Arc::clone(&is_wrong), Arc::clone(&count));
            std::thread::spawn(move || {
                let mut request = [0; 4096];
                // A request of these tests arrives in one piece.
                while client.read(&mut request).is_ok_and(|read| read > 0) {
                    let wrong = is_wrong(count.fetch_add(1, Ordering::Relaxed));
                    let status = if wrong { "500 Oh" } else { "200 OK" };
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");
                    if client.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// Runs a fetch `f` with these keys, which the entry `e` starts, and replays the log.
fn run(folder: &Folder, port: u16, keys: &str, entry: &str, code: i32) -> (Ended, Log) {
    let text = format!(
        "name = \"budget\"\nseed = 7\n[fetches.f]\nurls = [\"http://127.0.0.1:{port}/\"]\n{keys}\n\
         [[timeline]]\nid = \"e\"\nfetch = \"f\"\n{entry}"
    );
    folder.file("s.toml", text);
    let arguments = ["run", "s.toml", "--log", "log.jsonl", "--force", "--github"];
    let ended = folder.scenario(&arguments).env("GITHUB_ACTIONS", "true").end();
    let log = Log::read(&folder.path().join("log.jsonl"));
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    folder.scenario(&["replay", "--passed", "log.jsonl"]).end().expect(if code == 0 { 0 } else { 1 });
    (ended.expect(code), log)
}

fn junit(folder: &Folder) -> String {
    folder.scenario(&["report", "log.jsonl", "--junit", "j.xml"]).end().expect(0);
    std::fs::read_to_string(folder.path().join("j.xml")).unwrap()
}

#[test]
fn a_share_owns_the_verdict() {
    for (wrong, passes) in [(9, true), (10, true), (11, false)] {
        let folder = Folder::new();
        let port = server(move |n| n % 50 == 3 && n / 50 < wrong);
        let keys = "connections = 4\nrequests = 1000\nmay_fail = \"1%\"";
        let (ended, log) = run(&folder, port, keys, "", i32::from(!passes));
        let failed = log.of("fetch.finished").iter().filter(|event| event["ok"] == false).count();
        assert_eq!(failed, wrong, "they stay failed");
        let end = log.last();
        assert_eq!(end["fetches"]["f"]["statuses"]["500"]["requests"], wrong);
        let junit = junit(&folder);
        if passes {
            assert_eq!(end["outcome"], "passed");
            assert!(junit.contains("failures=\"0\""), "{junit}");
            let said =
                format!("1000 in all, {wrong} not as expected, which `may_fail` allows; the first: line ");
            assert!(junit.contains(&said), "{junit}");
            assert!(!ended.stderr.contains("::error"), "{}", ended.stderr);
        } else {
            let reason = end["reason"].as_str().unwrap();
            let said = "11 of 1000 requests of f failed, more than the 1% of `may_fail`; the first: get#";
            assert!(reason.starts_with(said), "{reason}");
            assert!(
                junit.contains("failures=\"2\"") && junit.contains("11 of 1000 were not as expected"),
                "{junit}"
            );
            assert!(ended.stderr.contains("::error"), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_share_can_be_expected() {
    for (wrong, held) in [(9, true), (10, false)] {
        let folder = Folder::new();
        let port = server(move |n| n < wrong);
        let expect = "[[expect]]\nname = 'few'\nof = 'fetch.finished'\nin = 'f'\nwhere = { ok = false }\n\
            stat = 'share'\nbelow = '1%'\n";
        let keys = "connections = 2\nrequests = 1000\nmay_fail = 1000";
        let (_, log) = run(&folder, port, keys, expect, i32::from(!held));
        let expected = log.of("expect")[0].clone();
        assert_eq!(expected["ok"], held);
        let percent = if held { "0.9%" } else { "1%" };
        assert_eq!(expected["got"], format!("{percent} ({wrong} of 1000)"));
        assert_eq!(expected["wanted"], "share below 1%");
    }
}

#[test]
fn a_number_is_passed_by_the_first_request_beyond_it() {
    for (most, passes) in [(3, true), (2, false)] {
        let folder = Folder::new();
        // The requests of all occurrences count together.
        let port = server(|n| n % 2 == 0);
        let entry = "count = 2\nevery = \"1ms\"\ntimes = 3\n";
        let (_, log) = run(&folder, port, &format!("may_fail = {most}"), entry, i32::from(!passes));
        assert_eq!(log.of("fetch.finished").len(), 6, "the run goes on");
        assert_eq!(junit(&folder).contains("failures=\"0\""), passes);
        if !passes {
            let reason = log.last()["reason"].as_str().unwrap().to_owned();
            assert!(
                reason.starts_with("3 requests of f failed, more than the 2 of `may_fail`; "),
                "{reason}"
            );
        }
    }
}

#[test]
fn whatever_fails_a_request_counts() {
    let folder = Folder::new();
    let port = server(|_| false);
    let checked = "check = { text = \"nope\" }\n";
    run(&folder, port, &format!("{checked}may_fail = 1"), "", 0);
    let (_, log) = run(&folder, port, &format!("{checked}may_fail = \"99%\""), "", 1);
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(reason.contains("1 of 1 requests of f failed") && reason.contains("matches /nope/"), "{reason}");
    let (_, log) = run(&folder, crate::common::free_port(), "may_fail = 1", "", 0);
    assert_eq!(log.of("fetch.failed").len(), 1);
    let (_, log) = run(&folder, crate::common::free_port(), "may_fail = 0", "", 1);
    assert!(log.last()["reason"].as_str().unwrap().starts_with("get#1 (f) failed: "));
}

#[test]
fn what_the_run_gives_up_is_no_failure() {
    let folder = Folder::new();
    let port = server(|n| n == 0);
    // Half of the requests that have ended failed: the second one never ends.
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[fetches.f]\nurls = [\"http://127.0.0.1:{port}/\", \"http://{}/\"]\nmay_fail = \"99%\"\n\
         [[timeline]]\nid = \"e\"\nfetch = \"f\"\n[[timeline]]\nat = \"100ms\"\nstop = \"e\"\n",
        hangs.local_addr().unwrap()
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(reason.starts_with("1 of 1 requests of f failed, more than the 99%"), "{reason}");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}
