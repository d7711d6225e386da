//! Ready by a line: the n-th one, and one that has not ended.

use super::{mark_when_ready, run, sh, spawn};
use crate::common::Log;

/// The events and texts of a log, in order, without ticks.
fn events_and_texts(log: &Log) -> Vec<String> {
    let told = log.events.iter().filter(|event| event["event"] != "clock.tick");
    let words = told.map(|event| {
        let what = event["text"].as_str().or(event["source"].as_str()).unwrap_or_default();
        format!("{} {what}", event["event"].as_str().unwrap()).trim_end().to_owned()
    });
    words.collect()
}

#[test]
fn the_nth_matching_line_makes_ready() {
    let script = "echo up 1; echo no; echo up 2; echo up 3; echo up 4; exec sleep 600";
    let keys = "background = true\nready = { line = '^up \\d', times = 3 }";
    let (_, log) = run(&format!("{}{}{}", sh("p", script, keys), spawn("p"), mark_when_ready("p")), 0);
    let events = events_and_texts(&log);
    let at = events.iter().position(|event| event == "spawn.ready ps#1").unwrap();
    assert_eq!(events[at - 1], "line up 3");
    assert_eq!(events[at + 1], "mark m");
    let (_, log) = run(
        &format!(
            "{}{}",
            sh(
                "p",
                script,
                &keys.replace("background = true\n", "").replace("times = 3", "times = 5, timeout = \"2s\"")
            ),
            spawn("p")
        ),
        1,
    );
    let error = "never became ready: fewer than 5 lines like /^up \\d/ came within 2s";
    assert_eq!(log.of("spawn.failed")[0]["error"], error);
    assert!(log.of("spawn.failed")[0].get("last_try").is_none());
}

#[test]
fn a_prompt_without_a_newline_makes_ready() {
    let script = "printf 'name? '; read name; echo \"hello $name\"";
    let preset = sh("p", script, "stdin = \"open\"\nready = { line = '\\? $' }");
    let send = "[[timeline]]\nafter = \"p.ready\"\nsend = { to = \"p\", text = \"ann\" }\n";
    let (_, log) = run(&format!("{preset}{}{send}", spawn("p")), 0);
    let wanted = [
        "run.started",
        "spawn.started ps#1",
        "text name? ",
        "spawn.ready ps#1",
        "sent ann",
        "line name? hello ann",
        "spawn.exited ps#1",
        "run.finished",
    ];
    assert_eq!(events_and_texts(&log), wanted.map(str::trim_end));
}

#[test]
fn an_entry_waits_for_a_prompt_without_a_newline() {
    let script = "printf 'name? '; read name; echo \"hello $name\"";
    let send = "[[timeline]]\nafter = { line = 'name\\?', of = \"p\", timeout = \"5m\" }\nsend = { to = \"p\", text = \"ann\" }\n";
    let (_, log) = run(&format!("{}{}{send}", sh("p", script, "stdin = \"open\""), spawn("p")), 0);
    assert_eq!(log.of("text")[0]["text"], "name? ");
    assert_eq!(log.of("line")[0]["text"], "name? hello ann");
}

#[test]
fn a_line_that_comes_in_parts_counts_once() {
    // The prompt is seen before its line ends, and the whole line matches as well.
    let script = "printf 'up? '; read a; echo; printf 'up? '; read b; echo end; exec sleep 600";
    let preset = sh("p", script, "stdin = \"open\"\nbackground = true\nready = { line = 'up', times = 2 }");
    let first = "[[timeline]]\nafter = { line = 'up', of = \"p\", timeout = \"5m\" }\nsend = { to = \"p\", text = \"one\" }\n";
    let (_, log) = run(&format!("{preset}{}{first}{}", spawn("p"), mark_when_ready("p")), 0);
    let events = events_and_texts(&log);
    let at = |wanted: &str| events.iter().position(|event| event == wanted).unwrap();
    assert_eq!(events.iter().filter(|event| *event == "text up?").count(), 2, "{events:?}");
    assert!(at("line up?") < at("spawn.ready ps#1"), "{events:?}");
}
