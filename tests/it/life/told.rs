//! What the reports and the terminal tell of programs that end and come back.

use super::{sh, spawns};
use crate::common::Folder;

/// A stack in which a service crashes once and is ready again, and another only starts again.
fn crashed() -> Folder {
    let folder = Folder::new();
    let crash = "echo x >> $0; echo up; if test $(wc -l < $0) -lt 2; then printf 'panic: \\033[31mno disk\\n' >&2; exit 7; fi; exec sleep 600";
    let text = format!(
        "tick = \"0s\"\n{}{}{}[[timeline]]\nafter = {{ all = [\"api.ready\", \"plain.ready\"] }}\nspawn = \"wait\"\n",
        sh(
            "api",
            &crash.replace("$0", "api"),
            "background = true\nready = { line = \"up\" }\nrestart = { wait = \"5ms\" }"
        ),
        sh("plain", &crash.replace("$0", "plain"), "background = true\nrestart = { wait = \"5ms\" }"),
        sh(
            "wait",
            "until test $(wc -l < api) -gt 1 && test $(wc -l < plain) -gt 1; do sleep 0.02; done; sleep 0.5",
            ""
        ),
    );
    let (ended, _) = folder.run(&format!("{text}{}", spawns(&["api", "plain"])), &[]);
    let shown = ended.expect(0).stderr;
    for part in
        ["UNEXPECTED: ended api with code 7", "! panic: \\x1b[31mno disk", "it starts again in 5.00 ms"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    folder
}

#[test]
fn the_reports_tell_when_a_program_came_back() {
    let folder = crashed();
    let text = folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    for part in [
        "what came back",
        "ps#1 (api) ended with code 7",
        "! panic: \\x1b[31mno disk",
        "took its place, and was ready after",
        "took its place, and had started after",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("what went wrong"), "{text}");
    folder.scenario(&["report", "log.jsonl", "-o", "r.html", "--junit", "r.xml"]).end().expect(0);
    let html = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(html.contains("What came back") && html.contains("took its place, and was ready after"));
    let xml = std::fs::read_to_string(folder.path().join("r.xml")).unwrap();
    let error_output = xml.split("<system-err>").nth(1).unwrap();
    assert!(error_output.contains("ps#1 (api) ended with code 7; ps#"), "{xml}");
    let json = folder.scenario(&["report", "log.jsonl", "--format", "json"]).end().expect(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["back"]["count"], 2);
    let api = json["back"]["first"].as_array().unwrap().iter().find(|one| one["source"] == "ps#1").unwrap();
    assert!(api["ready"].as_f64() >= api["started"].as_f64() && api["started"].as_f64() > api["t"].as_f64());
}

#[test]
fn two_runs_that_restart_alike_do_not_differ() {
    let [one, other] = [crashed(), crashed()];
    let (one, other) = (one.path().join("log.jsonl"), other.path().join("log.jsonl"));
    let folder = Folder::new();
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    folder.scenario(&["diff", "--level", "summary", one, other]).end().expect(0);
}

#[test]
fn a_run_that_ends_with_a_program_is_told_so_and_has_no_fault() {
    let folder = Folder::new();
    let text = format!("hold = true\n{}{}", sh("tests", "exit 0", "on_exit = \"stop\""), spawns(&["tests"]));
    let (ended, _) = folder.run(&text, &[]);
    let shown = ended.expect(0).stderr;
    assert!(shown.contains("stopping: ps#1 (tests) ended, and its `on_exit` ends the run"), "{shown}");
    let text = folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    assert!(!text.contains("what went wrong"), "{text}");
}

#[test]
fn the_reason_of_an_end_is_told_in_the_reports() {
    let folder = Folder::new();
    let text = format!("{}{}", sh("hung", "exec sleep 600", "timeout = \"50ms\""), spawns(&["hung"]));
    folder.run(&text, &[]).0.expect(1);
    let text = folder.scenario(&["report", "log.jsonl", "--junit", "r.xml"]).end().expect(0).stdout;
    let why = "ran longer than its `timeout` of 50ms";
    assert!(text.contains(&format!("ps#1 (hung) {why}")), "{text}");
    assert!(std::fs::read_to_string(folder.path().join("r.xml")).unwrap().contains(why));
}
