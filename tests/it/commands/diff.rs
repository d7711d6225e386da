//! `scenario diff` on logs of real runs.

use std::process::Command;

use serde_json::Value;

use crate::common::{Ended, Folder, Log, SCENARIO};

const PLAYERS: &str = "seed = 1\ntick = \"20ms\"\n[presets.1]\n\
     players = [{ name = \"john\", moves = 3, every = \"0s..40ms\" }, { name = \"mary\", moves = 3, every = \"0s..40ms\" }]\n\
     [[timeline]]\nspawn = \"1\"\n[[timeline]]\nat = \"10ms\"\nspawn = \"1\"\n[[timeline]]\nat = \"30ms\"\nmark = \"half\"\n";

/// A folder with one log of this scenario for each name and its options.
fn logs(text: &str, logs: &[(&str, &[&str])]) -> Folder {
    let folder = Folder::new();
    folder.file("s.toml", text);
    for (log, options) in logs {
        let arguments = [&["run", "s.toml", "-q", "--log", *log], *options].concat();
        folder.scenario(&arguments).end().expect(0);
    }
    folder
}

fn diff(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.scenario(&[&["diff"], arguments].concat()).end()
}

/// Puts the lines of a log in another order, and numbers them again.
fn reordered(log: &Log, order: impl Fn(&Value) -> u64) -> Vec<u8> {
    let text = String::from_utf8(log.bytes.clone()).unwrap();
    let mut lines: Vec<(&str, &Value)> = text.lines().zip(&log.events).collect();
    let last = lines.pop().unwrap().0;
    lines.sort_by_key(|(_, event)| order(event));
    lines.push((last, log.last()));
    let mut bytes = Vec::new();
    for (seq, (line, event)) in lines.iter().enumerate() {
        let own = line.split_once(",\"event\":").unwrap().1;
        if event["event"] == "run.finished" {
            let kept = own.split_once(",\"crc32c\":").unwrap().0;
            let sum = crc32c::crc32c(&bytes);
            bytes.extend(
                format!("{{\"seq\":{seq},\"t\":0.{seq:09},\"event\":{kept},\"crc32c\":\"{sum:08x}\"}}\n")
                    .bytes(),
            );
        } else {
            bytes.extend(format!("{{\"seq\":{seq},\"t\":0.{seq:09},\"event\":{own}\n").bytes());
        }
    }
    bytes
}

#[test]
fn one_seed_gives_the_same_run_on_both_clocks() {
    let folder = logs(
        PLAYERS,
        &[("r.jsonl", &[]), ("v.jsonl", &["--clock", "virtual"]), ("w.jsonl", &["--clock", "virtual"])],
    );
    let ended = diff(&folder, &["r.jsonl", "v.jsonl"]).expect(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(
        ended.stderr,
        "the same at level source: 18 events in 7 sequences\nnote: the clocks differ: real, then virtual\n"
    );
    diff(&folder, &["r.jsonl", "v.jsonl", "--level", "summary"]).expect(0);
    diff(&folder, &["r.jsonl", "v.jsonl", "--level", "exact"]).expect(3);
    diff(&folder, &["v.jsonl", "w.jsonl", "--level", "exact"]).expect(0);
}

#[test]
fn another_seed_gives_another_run() {
    let virtually = ["--clock", "virtual"];
    let folder =
        logs(PLAYERS, &[("1.jsonl", &virtually), ("2.jsonl", &[&virtually[..], &["--seed", "2"]].concat())]);
    let ended = diff(&folder, &["1.jsonl", "2.jsonl"]).expect(3);
    assert_eq!(ended.stdout, "");
    let shown = "different at level source: 4 of 7 sequences\n\
         first in player john of ps#1 (preset 1, entry #1):\n \
         --> 1.jsonl:4\n  \
         | {\"seq\":3,\"t\":0.000000000,\"event\":\"move\",\"due\":0.000000000,\"source\":\"ps#1\",\"player\":\"john\",\"direction\":\"";
    assert!(ended.stderr.starts_with(shown), "{}", ended.stderr);
    assert!(ended.stderr.ends_with("note: the seeds differ: 1, then 2\n"), "{}", ended.stderr);
    diff(&folder, &["1.jsonl", "2.jsonl", "--level", "summary"]).expect(0);
    let json =
        diff(&folder, &["1.jsonl", "2.jsonl", "--level", "summary", "--format", "json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let exits =
        serde_json::json!({ "of": "exit", "name": "1", "how": "code 0", "ok": true, "counts": [2, 2] });
    assert!(json["counts"].as_array().unwrap().contains(&exits), "{json}");

    let ended = diff(&folder, &["1.jsonl", "2.jsonl", "--format", "json"]).expect(3);
    assert_eq!(ended.stderr, "");
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&json["level"], &json["same"]), (&Value::from("source"), &Value::from(false)));
    assert_eq!(json["first"]["lines"], serde_json::json!([4, 4]));
    assert_eq!(json["first"]["keys"], serde_json::json!(["direction"]));
    assert_eq!(json["first"]["events"][0]["player"], "john");
    assert_eq!(json["counts"][0], serde_json::json!({ "of": "event", "name": "mark", "counts": [1, 1] }));
}

const PROGRAMS: &str = "[presets.a]\ncommand = [\"sh\", \"-c\", \"echo 1; echo 2 >&2; echo 3; exit 3\"]\nexits = 3\n\
     [presets.b]\ncommand = [\"printf\", 'x\\033[31mred\\n']\n[[timeline]]\nspawn = \"a\"\n[[timeline]]\nspawn = \"b\"\n";

#[test]
fn processes_may_be_interleaved_in_any_way() {
    let folder = logs(PROGRAMS, &[("a.jsonl", &[])]);
    let log = Log::read(&folder.path().join("a.jsonl"));
    let of = |event: &Value| u64::from(event["seq"] != 0) + u64::from(event["source"] == "ps#1");
    folder.file("b.jsonl", reordered(&log, of));
    let ended = diff(&folder, &["a.jsonl", "b.jsonl"]).expect(0);
    assert_eq!(ended.stderr, "the same at level source: 9 events in 6 sequences\n");
    diff(&folder, &["a.jsonl", "b.jsonl", "--level", "exact"]).expect(3);

    // The lines of one output have an order.
    let seq = |event: &Value| event["seq"].as_u64().unwrap() * 2;
    let first = log.of("line").into_iter().find(|event| event["text"] == "1").map(seq).unwrap();
    let turned = reordered(&log, |event| if event["text"] == "3" { first - 1 } else { seq(event) });
    folder.file("c.jsonl", turned);
    let ended = diff(&folder, &["a.jsonl", "c.jsonl"]).expect(3);
    assert!(ended.stderr.contains("first in stdout of ps#1 (preset a, entry #1):\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("  = text: 1, then 3\n"), "{}", ended.stderr);
}

#[test]
fn program_output_is_shown_without_control_characters() {
    let folder = logs(PROGRAMS, &[("a.jsonl", &[])]);
    let text = String::from_utf8(Log::read(&folder.path().join("a.jsonl")).bytes).unwrap();
    // Two characters that JSON may contain unescaped, and that a terminal would act on.
    let other = text.replace("red", "re\u{202e}\u{9b}d");
    folder.file(
        "b.jsonl",
        reordered(
            &Log { bytes: other.clone().into(), events: Log::read(&folder.file("c", &other)).events },
            |_| 0,
        ),
    );
    let ended = diff(&folder, &["a.jsonl", "b.jsonl"]).expect(3);
    assert!(
        ended.stderr.contains("= text: x\\x1b[31mred, then x\\x1b[31mre\\u{202e}\\u{9b}d\n"),
        "{}",
        ended.stderr
    );
    let json = diff(&folder, &["a.jsonl", "b.jsonl", "--format", "json"]).expect(3).stdout;
    for shown in [ended.stderr, json.clone()] {
        assert!(!shown.contains(['\x1b', '\u{202e}', '\u{9b}']), "{shown:?}");
    }
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["first"]["events"][1]["text"], "x\x1b[31mre\u{202e}\u{9b}d");
}

#[test]
fn a_log_that_was_cut_is_compared_as_far_as_it_goes() {
    let folder = logs(
        PLAYERS,
        &[("v.jsonl", &["--clock", "virtual"]), ("2.jsonl", &["--clock", "virtual", "--seed", "2"])],
    );
    let bytes = Log::read(&folder.path().join("v.jsonl")).bytes;
    folder.file("cut.jsonl", &bytes[..bytes.len() / 2]);
    for level in ["exact", "source", "summary"] {
        let arguments = ["v.jsonl", "cut.jsonl", "--level", level];
        let ended = diff(&folder, &arguments).expect(5);
        assert!(
            ended.stderr.starts_with(&format!("the same at level {level}, as far as they go: ")),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("error: cut.jsonl: the log was cut short: it ends after line "),
            "{}",
            ended.stderr
        );
        let ended = diff(&folder, &[&arguments[..], &["--allow-incomplete"]].concat()).expect(0);
        assert!(ended.stderr.contains("warning: cut.jsonl: the log was cut short"), "{}", ended.stderr);
    }
    let ended = diff(&folder, &["cut.jsonl", "2.jsonl"]).expect(3);
    assert!(ended.stderr.contains("warning: cut.jsonl: the log was cut short"), "{}", ended.stderr);
}

#[test]
fn a_damaged_log_is_refused_even_after_a_difference() {
    let folder = logs(
        PLAYERS,
        &[("v.jsonl", &["--clock", "virtual"]), ("2.jsonl", &["--clock", "virtual", "--seed", "2"])],
    );
    let text = String::from_utf8(Log::read(&folder.path().join("v.jsonl")).bytes).unwrap();
    folder.file("damaged.jsonl", text.replacen("half", "hall", 1));
    let last = text.lines().count();
    for (left, right) in [("damaged.jsonl", "2.jsonl"), ("v.jsonl", "damaged.jsonl")] {
        let ended = diff(&folder, &[left, right, "--format", "json"]).expect(5);
        assert_eq!(ended.stdout, "");
        assert!(
            ended.stderr.contains(&format!("damaged.jsonl: line {last} says that the crc32c")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn unreadable_logs_are_refused_and_senseless_options_are_usage_errors() {
    let folder = logs(PLAYERS, &[("v.jsonl", &["--clock", "virtual"])]);
    diff(&folder, &["v.jsonl", "nothing.jsonl"]).expect(4);
    diff(&folder, &["v.jsonl", "."]).expect(4);
    diff(&folder, &["v.jsonl", "s.toml"]).expect(5);
    diff(&folder, &["-", "-"]).expect(2);
    diff(&folder, &["v.jsonl"]).expect(2);
    diff(&folder, &["v.jsonl", "v.jsonl", "--level", "byte"]).expect(2);
}

#[test]
fn a_difference_in_a_piped_log_is_shown() {
    let virtually = ["--clock", "virtual"];
    let folder =
        logs(PLAYERS, &[("1.jsonl", &virtually), ("2.jsonl", &[&virtually[..], &["--seed", "2"]].concat())]);
    let two = Log::read(&folder.path().join("2.jsonl")).bytes;
    let files = diff(&folder, &["1.jsonl", "2.jsonl"]).expect(3).stderr;
    let piped = folder.scenario(&["diff", "1.jsonl", "-"]).stdin(two.clone()).end().expect(3).stderr;
    assert_eq!(piped, files.replace("2.jsonl", "-"));
    let turned = folder.scenario(&["diff", "-", "1.jsonl"]).stdin(two).end().expect(3).stderr;
    assert_eq!(turned, diff(&folder, &["2.jsonl", "1.jsonl"]).stderr.replace("2.jsonl", "-"));
}

#[test]
fn a_long_line_of_a_piped_log_is_named_even_if_it_cannot_be_shown() {
    let said = |word: &str| {
        let long = "x".repeat(2_000);
        format!(
            "tick = \"0s\"\n[presets.p]\ncommand = [\"echo\", \"{long}{word}\"]\n[[timeline]]\nspawn = \"p\"\n"
        )
    };
    let folder = logs(&said("one"), &[("1.jsonl", &[])]);
    folder.file("s.toml", said("two"));
    folder.scenario(&["run", "s.toml", "-q", "--log", "2.jsonl"]).end().expect(0);
    let files = diff(&folder, &["1.jsonl", "2.jsonl"]).expect(3).stderr;
    let ends = ["…xxxxxxxxxxone, then …xxxxxxxxxxtwo\n", "note: the scenarios differ\n"];
    assert!(ends.iter().all(|end| files.contains(end)), "{files}");
    let one = Log::read(&folder.path().join("1.jsonl")).bytes;
    let piped = folder.scenario(&["diff", "-", "2.jsonl"]).stdin(one).end().expect(3).stderr;
    assert!(piped.contains(" --> -:3\n  | (the line is too long to be kept, "), "{piped}");
}

#[test]
fn colours_are_for_terminals_and_a_closed_output_is_not_an_error() {
    let virtually = ["--clock", "virtual"];
    let folder =
        logs(PLAYERS, &[("1.jsonl", &virtually), ("2.jsonl", &[&virtually[..], &["--seed", "2"]].concat())]);
    let shell = |line: &str| {
        let mut command = Command::new("bash");
        command.current_dir(folder.path()).env("S", SCENARIO).env("TERM", "xterm").env("SHELL", "/bin/bash");
        let output = command.env_remove("NO_COLOR").args(["-c", line]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, seen) = shell("script -qefc '$S diff 1.jsonl 2.jsonl' /dev/null < /dev/null");
    assert_eq!(code, Some(3));
    assert!(seen.contains("\x1b[1m\x1b[31mdifferent\x1b[0m at level source"), "{seen:?}");
    let (code, seen) = shell("script -qefc 'NO_COLOR=1 $S diff 1.jsonl 2.jsonl' /dev/null < /dev/null");
    assert_eq!(code, Some(3));
    assert!(seen.contains("different") && !seen.contains('\x1b'), "{seen:?}");
    let json = "$S diff --format json 1.jsonl 2.jsonl";
    for (outputs, code) in [
        (">&-", 3),
        ("2>&- | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}", 3),
        ("> /dev/full 2> /dev/null", 4),
    ] {
        assert_eq!(shell(&format!("{json} {outputs}")).0, Some(code), "{outputs}");
    }
    assert_eq!(shell("$S diff 1.jsonl 2.jsonl 2>&-").0, Some(3));
}
