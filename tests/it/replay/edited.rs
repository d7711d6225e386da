//! Logs that were edited, one value at a time: what the engine decides differs at that line; what came
//! from outside is told by the sum, and where that was made right, by what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::Folder;
use crate::common::logs::{keys, line, lines, log, logs, value, with_sum};
use crate::replay::{Found, find};

/// The events and keys that the engine decides. (Where a process or a guest plays, a `move` came from outside; how
/// players in the runner end is decided too.)
const DECIDED: &[(&str, &[&str])] = &[
    ("run.started", &["name"]),
    ("clock.tick", &["due", "n"]),
    ("spawn.started", &["due", "source", "preset", "entry"]),
    ("move", &["due", "source", "player", "direction"]),
    ("step", &["due", "source", "player", "step", "register"]),
    ("player.joined", &["called", "place"]),
    ("player.left", &["source"]),
    ("world.state", &["due", "players"]),
    ("deadlock", &["waiting"]),
    ("spawn.exited", &["source", "ok", "running", "again", "reason", "restarts_in"]),
    ("spawn.failed", &["source", "running"]),
    ("spawn.ready", &["source"]),
    ("spawn.unhealthy", &["source", "failures"]),
    ("stop.failed", &["source", "signal"]),
    ("spawn.restarted", &["source", "replaces"]),
    ("spawn.suspended", &["source"]),
    ("spawn.sample", &["source"]),
    ("spawn.resumed", &["source"]),
    ("fetch.started", &["due", "source", "job", "entry", "method", "url"]),
    ("fetch.responded", &["source"]),
    ("fetch.line", &["source", "n"]),
    ("fetch.finished", &["source", "ok"]),
    ("fetch.failed", &["source"]),
    ("line", &["source"]),
    ("input", &["accepted", "error"]),
    ("mark", &["due", "entry", "text"]),
    ("sent", &["due", "source", "entry", "text"]),
    ("signalled", &["due", "source", "entry", "signal", "error"]),
    ("stopping", &["due", "source", "entry", "reason", "error"]),
    ("expect", &["name", "ok", "wanted", "got", "events"]),
    (
        "run.finished",
        &[
            "outcome", "reason", "spawned", "exited", "fetched", "moves", "lines", "lateness", "fetches",
            "shared", "took",
        ],
    ),
];

/// The events and keys that came from outside.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("run.started", &["started_at"]),
    ("spawn.started", &["pid"]),
    ("line", &["stream", "text", "base64"]),
    ("spawn.exited", &["code", "signal", "held", "skipped", "cpu", "peak_memory"]),
    ("spawn.sample", &["memory", "cpu", "processes", "threads", "descriptors"]),
    ("spawn.failed", &["error"]),
    ("spawn.unhealthy", &["last_try"]),
    ("stop.failed", &["error"]),
    ("spawn.suspended", &["signal"]),
    ("fetch.responded", &["status", "version", "headers"]),
    ("fetch.line", &["text", "base64"]),
    (
        "fetch.finished",
        &[
            "status", "bytes", "sha256", "took", "timings", "reused", "opened", "resent", "retried", "check",
            "captured",
        ],
    ),
    ("fetch.failed", &["kind", "error", "took", "opened", "resent", "retried"]),
    ("player.joined", &["source", "player"]),
    ("input", &["text"]),
    ("run.resumed", &["took"]),
];

fn has(table: &[(&str, &[&str])], event: &str, key: &str) -> bool {
    table.iter().any(|(known, keys)| *known == event && keys.contains(&key))
}

/// Another value of the same form.
fn other(key: &str, value: &str) -> String {
    let text = value.trim_matches('"');
    let either = |one: &str, other: &str| format!("\"{}\"", if text == one { other } else { one });
    match key {
        "direction" => either("N", "S"),
        "stream" => either("stdout", "stderr"),
        "signal" => either("TERM", "HUP"),
        "outcome" => either("passed", "failed"),
        "kind" => either("dns", "connect"),
        "source" | "replaces" => format!("\"{}77\"", text.trim_end_matches(|c: char| c.is_ascii_digit())),
        "entry" if text.starts_with('#') => "\"#77\"".to_owned(),
        "base64" => either("QUJD", "QUJE"),
        "sha256" => format!("\"{:0>64}\"", 1),
        _ if value.ends_with("\"}") => format!("{}x\"}}", &value[..value.len() - 2]),
        _ if value.starts_with('"') => format!("\"{text}x\""),
        "ok" | "accepted" | "held" | "reused" | "again" => (value != "true").to_string(),
        // A number, a time, or an object that ends in one.
        _ => {
            let low = value.rfind(|c: char| ('0'..='8').contains(&c));
            let at = low.or_else(|| value.rfind('9')).unwrap();
            let digit = value.as_bytes()[at];
            let other = char::from(if digit == b'9' { b'8' } else { digit + 1 });
            format!("{}{other}{}", &value[..at], &value[at + 1..])
        }
    }
}

/// A log in which one value was edited.
struct Edit {
    log: String,
    event: String,
    key: String,
    /// The line, from 1.
    line: u64,
    /// With the sum as it was.
    edited: Vec<u8>,
    /// With the sum that is right.
    summed: Vec<u8>,
    is_decided: bool,
    /// The line of the sum.
    last: u64,
}

/// The first two of each kind in each log.
fn edits() -> Vec<Edit> {
    let mut edits = Vec::new();
    for (log, bytes) in logs() {
        let whole = lines(&bytes);
        let is_virtual = value(&whole[0], "clock").as_deref() == Some("virtual");
        let processes: BTreeSet<_> = whole
            .iter()
            .filter(|line| value(line, "pid").is_some())
            .filter_map(|line| value(line, "source"))
            .collect();
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (n, text) in whole.iter().enumerate() {
            let event = value(text, "event").unwrap();
            let of_process = value(text, "source").is_some_and(|source| processes.contains(&source));
            let of_guest = value(text, "source").is_some_and(|source| source.starts_with("net#"));
            let is_told = event == "sent" && value(text, "due").is_none() && value(text, "entry").is_none();
            for (at, (key, old)) in keys(text).iter().enumerate() {
                let of_runner = event == "spawn.exited" && !of_process && (key == "code" || key == "signal");
                let moved = event == "move" && of_process && matches!(&**key, "player" | "direction");
                let by_guest = event == "move" && key == "direction" && of_guest;
                let unsent = is_told && value(text, "error").is_some() && key == "error";
                let is_outside = moved || by_guest || unsent || (event == "stopping" && key == "signal");
                let is_decided = !is_outside
                    && (of_runner || has(DECIDED, &event, key) || (key == "t" && is_virtual && n > 0));
                if !is_decided && !is_outside && !has(OUTSIDE, &event, key) {
                    continue;
                }
                let count = seen.entry((event.clone(), key.clone())).or_default();
                *count += 1;
                if *count > 2 {
                    continue;
                }
                let mut edited = keys(text);
                edited[at].1 = other(key, old);
                let mut with = whole.clone();
                with[n] = line(&edited);
                edits.push(Edit {
                    log: log.clone(),
                    event: event.clone(),
                    key: key.clone(),
                    line: n as u64 + 1,
                    summed: with_sum(&with),
                    edited: with.concat(),
                    is_decided,
                    last: whole.len() as u64,
                });
            }
        }
    }
    edits
}

#[test]
fn whatever_the_engine_decides_differs_at_its_line() {
    let mut seen = BTreeSet::new();
    for edit in edits().into_iter().filter(|edit| edit.is_decided) {
        let Edit { log, event, key, line, .. } = &edit;
        assert_eq!(find(&edit.edited), Found::Different(*line), "{log} {line} {event} {key}");
        assert_eq!(find(&edit.summed), Found::Different(*line), "{log} {line} {event} {key}, with its sum");
        seen.insert((event.clone(), key.clone()));
    }
    for (event, keys) in DECIDED {
        for key in *keys {
            assert!(seen.contains(&((*event).to_owned(), (*key).to_owned())), "no log has {key} in {event}");
        }
    }
}

#[test]
fn what_came_from_outside_is_told_by_the_sum_or_by_what_follows() {
    let mut seen: BTreeMap<(String, String), BTreeSet<i32>> = BTreeMap::new();
    for edit in edits().into_iter().filter(|edit| !edit.is_decided && edit.log != "cut_short") {
        let Edit { log, event, key, line, last, .. } = &edit;
        let with_sum = find(&edit.summed);
        let without = find(&edit.edited);
        let code = match &with_sum {
            Found::Same => {
                let Found::Damaged(at, what) = &without else {
                    panic!("{log} {line} {event} {key}: {without:?}")
                };
                assert!(at == last && what.contains("crc32c"), "{log} {line} {event} {key}: {what}");
                0
            }
            Found::Different(at) => {
                assert!(at >= line, "{log} {line} {event} {key}: differs at {at}");
                assert_eq!(without, with_sum, "{log} {line} {event} {key}");
                3
            }
            other => panic!("{log} {line} {event} {key}: {other:?}"),
        };
        seen.entry((event.clone(), key.clone())).or_default().insert(code);
    }
    for (event, keys) in OUTSIDE {
        for key in *keys {
            assert!(
                seen.contains_key(&((*event).to_owned(), (*key).to_owned())),
                "no log has {key} in {event}"
            );
        }
    }
    let codes = |event: &str, key: &str| {
        seen[&(event.to_owned(), key.to_owned())].iter().copied().collect::<Vec<_>>()
    };
    // Keys without a consequence, keys that always have one, and keys where it depends.
    assert_eq!(codes("run.started", "started_at"), [0]);
    assert_eq!(codes("spawn.started", "pid"), [0]);
    assert_eq!(codes("fetch.responded", "headers"), [0]);
    assert_eq!(codes("fetch.finished", "sha256"), [0]);
    // Of two signals the first decides how the run ends.
    assert_eq!(codes("stopping", "signal"), [0, 3]);
    assert_eq!(codes("line", "text"), [0, 3]);
    assert_eq!(codes("spawn.exited", "code"), [0, 3]);
    assert_eq!(codes("input", "text"), [3]);
}

/// A log with one text in the place of another, with its sum as it was or made right.
fn replaced(name: &str, old: &str, new: &str, summed: bool) -> Vec<u8> {
    let text = String::from_utf8(log(name)).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old}");
    let text = text.replace(old, new).into_bytes();
    if summed { with_sum(&lines(&text)) } else { text }
}

#[test]
fn the_program_shows_the_difference() {
    let folder = Folder::new();
    let old = r#""seq":3,"t":0.500000000,"event":"move","due":0.500000000,"source":"ps#1","player":"joe","direction":""#;
    let logged = String::from_utf8(lines(&log("three_waves"))[3].clone()).unwrap();
    let was = logged.split(old).nth(1).unwrap_or_else(|| panic!("{logged}"))[..1].to_owned();
    let is = if was == "N" { "S" } else { "N" };
    for summed in [false, true] {
        let edited = replaced("three_waves", &format!("{old}{was}"), &format!("{old}{is}"), summed);
        folder.file("edited.jsonl", edited);
        let ended = folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
        let shown = &ended.stderr;
        assert!(shown.contains("edited.jsonl:4"), "{shown}");
        assert!(shown.contains(&format!("\"direction\":\"{is}\"")), "{shown}");
        assert!(shown.contains(&format!("\"direction\":\"{was}\"")), "{shown}");
        for line in ["1 |", "2 |", "3 |", "4 |"] {
            assert!(shown.contains(line), "three events before it: {shown}");
        }
        let words = if summed { "as it was written" } else { "crc32c" };
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn the_program_names_the_sum_where_only_that_tells() {
    let folder = Folder::new();
    let said = r#""stream":"stdout","text":"hello, cat""#;
    let typed = r#""text":"status""#;
    for (old, new) in [(said, said.replace("hello", "hullo")), (typed, typed.replace("status", "status "))] {
        folder.file("edited.jsonl", replaced("typed", old, &new, false));
        let ended = folder.scenario(&["replay", "edited.jsonl"]).end().expect(5);
        assert!(ended.stderr.contains("crc32c"), "{}", ended.stderr);
        folder.file("edited.jsonl", replaced("typed", old, &new, true));
        folder.scenario(&["replay", "edited.jsonl"]).end().expect(0);
    }
}
