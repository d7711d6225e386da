//! Typed commands, from every kind of input.

use std::io::Write;
use std::process::Command;

use crate::common::{Folder, Log};

/// Runs until `stop long` is typed.
const UNTIL_STOPPED: &str = "tick = \"0s\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 1, every = \"10ms\" }]\n\
     [presets.long]\ncommand = [\"sleep\", \"600\"]\n[[timeline]]\nid = \"long\"\nspawn = \"long\"\n";

#[test]
fn garbage_is_refused_and_the_run_goes_on() {
    let folder = Folder::new();
    folder.file("s.toml", UNTIL_STOPPED);
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]).watch();
    run.until("started long");
    let mut keyboard = run.child.stdin.take().unwrap();
    let pasted = [&vec![b'x'; 1 << 20][..], b"\n"].concat();
    keyboard.write_all(&pasted).unwrap();
    keyboard.write_all(&format!("{}\n", "many words ".repeat(80)).repeat(1_000).into_bytes()).unwrap();
    keyboard
        .write_all(
            b"\xff\xfe\x00\x1b[2J\n\n \t \nspawn 1 x99999999999\nmark \x1b]0;title\x07\n1\nstop long\n",
        )
        .unwrap();
    drop(keyboard);
    let (code, shown) = run.end();
    assert_eq!(code, Some(0));
    let shown = shown.join("\n");
    assert!(!shown.contains('\x1b') && !shown.contains('\x07'));
    let log = Log::read(&folder.path().join("l.jsonl"));
    let inputs = log.of("input");
    assert_eq!(inputs.len(), 1 + 1_000 + 5);
    assert_eq!(inputs[0]["error"], "a command has at most 1000 characters");
    assert!(inputs[0]["text"].as_str().unwrap().len() < 1_100, "what is pasted does not fill the log");
    assert_eq!(inputs[1]["error"], "no command or preset `many`");
    assert_eq!(inputs[1_001]["accepted"], false);
    assert_eq!(inputs[1_002]["error"], "`x99999999999` is not how many: write `x2`, up to `x10000`");
    assert_eq!(log.of("mark")[0]["text"], "\u{1b}]0;title\u{7}");
    assert_eq!(log.of("spawn.started").len(), 2);
}

#[test]
fn the_end_of_the_input_does_not_end_the_run() {
    let folder = Folder::new();
    let text = "[presets.1]\nplayers = [{ name = \"john\", moves = 3, every = \"30ms\" }]\n[[timeline]]\nspawn = \"1\"\n";
    folder.file("s.toml", text);
    folder.file("typed", "1");
    for input in ["/dev/null", "typed"] {
        folder.scenario(&["run", "s.toml", "--force", "--log", "l.jsonl", "--input", input]).end().expect(0);
        let log = Log::read(&folder.path().join("l.jsonl"));
        assert_eq!(log.of("move").len(), if input == "typed" { 6 } else { 3 });
    }
}

#[test]
fn lines_come_through_a_fifo_as_they_are_typed() {
    let folder = Folder::new();
    folder.file("s.toml", UNTIL_STOPPED);
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "fifo"]).watch();
    run.until("started long");
    let mut keyboard = std::fs::File::options().write(true).open(&fifo).unwrap();
    keyboard.write_all(b"1\n").unwrap();
    run.until("started 1");
    keyboard.write_all(b"stop long\n").unwrap();
    run.until("passed");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn an_input_that_cannot_be_read_is_refused_before_anything_starts() {
    let folder = Folder::new();
    folder.file("s.toml", UNTIL_STOPPED);
    for (input, words) in [
        ("no-such", "cannot read `--input` no-such: No such file or directory (os error 2)"),
        (".", "cannot read `--input` .: it is a folder"),
    ] {
        let ended = folder.scenario(&["run", "s.toml", "--input", input]).end().expect(4);
        assert_eq!(ended.stderr, format!("error: {words}\n"));
    }
    assert!(!folder.path().join("runs").exists(), "no log was started");
}

#[test]
fn standard_input_is_only_read_on_request() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"10ms\" }]\n[[timeline]]\nspawn = \"1\"\n");
    folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).stdin("1\n1\n").end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.of("input").is_empty());
    assert_eq!(log.of("move").len(), 2);
}
