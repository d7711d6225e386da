//! Actions on a page are commands that could be typed, and are logged as such.

use crate::common::{Folder, Log};
use crate::serve::asker::served_run;

const OPEN: &str = "tick = \"0s\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"10ms\" }]\n\
     [presets.echo]\ncommand = [\"cat\"]\nstdin = \"open\"\nexits = \"any\"\n\
     [[timeline]]\nid = \"echo\"\nspawn = \"echo\"\n";

#[test]
fn actions_are_input_and_their_log_replays_and_is_extracted() {
    let folder = Folder::new();
    let mut served = served_run(&folder, OPEN);
    served.run.until("started echo");
    let mut shown = served.look();
    shown.next().unwrap();
    for line in ["1", "spawn 1 x2", "mark from a page", "send echo hello", "fetch nothing", "status"] {
        assert_eq!(served.post("/input", line).status, 202, "{line}");
    }
    let refused = shown.until("change", |change| {
        change["lines"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["kind"] == "input" && line["is_wrong"] == true)
    });
    let lines = refused["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["is_wrong"] == true).unwrap();
    assert_eq!(line["text"], "typed, and refused: fetch nothing (no fetch `nothing`)");
    served.run.until("| hello");
    assert_eq!(served.post("/input", "stop echo").status, 202);
    shown.until("bye", |_| true);
    assert_eq!(served.run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 7);
    assert_eq!(log.of("move").len(), 6);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let extracted = folder.scenario(&["extract", "l.jsonl"]).end().expect(0);
    assert!(extracted.stdout.contains("from a page"), "{}", extracted.stdout);
}

#[test]
fn garbage_in_requests_is_refused_and_the_run_goes_on() {
    let folder = Folder::new();
    let served = served_run(&folder, OPEN);
    assert_eq!(served.post("/input", &"x".repeat(9_000)).status, 413);
    assert_eq!(served.post("/input", " \n\n").status, 422);
    assert_eq!(served.post("/input", "\u{1b}[2J\u{202e}nothing").status, 202);
    // A request that is not HTTP, a head without an end, and a client that goes away.
    use std::io::Write;
    for garbage in [&b"\x16\x03\x01\x00\x00"[..], b"GET / HTTP/1.1\r\nHost: ", b"\r\n\r\n\r\n", b""] {
        served.connect().write_all(garbage).unwrap();
    }
    assert_eq!(served.post("/input", "stop echo").status, 202);
    assert_eq!(served.run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 2);
    assert_eq!(log.of("input")[0]["accepted"], false);
}
