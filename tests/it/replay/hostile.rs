//! Logs with text that would act on whoever reads about them: a terminal, an XML reader, the log of a
//! CI service.

use crate::common::Folder;
use crate::common::logs::{lines, log, with_sum};

/// A golden log with this in the place of that, and its sum made right.
fn changed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(log(name)).unwrap();
    assert!(text.contains(from), "{from}");
    with_sum(&lines(text.replace(from, to).as_bytes()))
}

/// A command that shows a log, and its output.
fn shown(folder: &Folder, log: &[u8]) -> Vec<(String, String)> {
    folder.file("log.jsonl", log);
    folder.file("other.toml", "tick = \"7ms\"\n[presets.p]\nplayers = [{ name = \"x\", moves = 1, every = \"1ms\" }]\n[[timeline]]\nspawn = \"p\"\n");
    let commands = [
        "replay log.jsonl",
        "replay --against other.toml log.jsonl",
        "replay --against other.toml --format json log.jsonl",
        "replay --against other.toml --format junit log.jsonl",
        "play --speed max log.jsonl",
        "diff log.jsonl other.jsonl",
        "diff --format json log.jsonl other.jsonl",
        "extract log.jsonl",
        "report log.jsonl",
        "report --format json log.jsonl",
        "report --junit - log.jsonl",
        "report --trace - log.jsonl",
    ];
    let all = commands.into_iter().map(|command| {
        let ended = folder.scenario(&command.split(' ').collect::<Vec<_>>()).end();
        (command.to_owned(), ended.stdout + &ended.stderr)
    });
    all.collect()
}

#[test]
fn nothing_of_a_log_acts_where_it_is_shown() {
    const HOSTILE: &str = r"\u001b]52;c;aGk=\u0007\u202e]]></failure><script>\uffff\ufffe\n::error::owned\r\n##[error]owned ##vso[task]";
    let folder = Folder::new();
    folder.file("other.jsonl", log("empty"));
    for log in [
        changed(
            "moments",
            r#""text":"only what is in the background runs""#,
            &format!(r#""text":"{HOSTILE}""#),
        ),
        changed("fetches", r#""version":"HTTP/1.1""#, &format!(r#""version":"{HOSTILE}""#)),
        changed("output", r#""text":""#, &format!(r#""text":"{HOSTILE}"#)),
        changed("moments", r#""name":""#, &format!(r#""name":"{HOSTILE}"#)),
    ] {
        for (command, shown) in shown(&folder, &log) {
            let acts = |c: char| c != '\n' && scenario_log::sanitize::is_unsafe_char(c);
            assert!(!shown.contains(acts), "{command}: {shown:?}");
            for line in shown.lines() {
                let line = line.trim_start();
                assert!(!line.starts_with("::"), "{command}: {line}");
                // What `extract` prints is a file, and says what was there.
                let is_file = command.starts_with("extract");
                assert!(is_file || !(line.contains("##[") || line.contains("##vso[")), "{command}: {line}");
            }
            assert!(!command.contains("junit") || !shown.contains("]]></failure>"), "{shown}");
        }
    }
}

#[test]
fn a_key_given_twice_is_not_taken() {
    let twice = changed(
        "moments",
        r#""text":"only what is in the background runs""#,
        r#""text":"only what is in the background runs","text":"other""#,
    );
    assert!(
        matches!(crate::replay::find(&twice), crate::replay::Found::Damaged(..)),
        "{:?}",
        crate::replay::find(&twice)
    );
}
