//! Expectations: each form holds, is missed and stands exactly at its limit, in runs and on logs of
//! runs; what a missed one does to a run; and how it is told.

mod forms;
mod limits;
mod matrix;
mod replays;

use crate::common::{Folder, Log};
use serde_json::Value;

/// One rule with what comes of it: whether it holds, what is got (empty for nothing to measure), and
/// the `seq` of the events that decided.
type Row = (&'static str, bool, &'static str, &'static [u64]);

/// The rules of rows as a file has them.
fn rules(rows: &[Row]) -> String {
    rows.iter().map(|(rule, ..)| format!("[[expect]]\n{rule}\n")).collect()
}

/// What came of expectations, whose names are left to others.
fn outcomes(expected: &[Value]) -> Vec<(bool, String, Vec<u64>)> {
    let of = |value: &Value| {
        let events = value["events"].as_array().map_or(&[][..], Vec::as_slice);
        let got = value["got"].as_str().unwrap_or_default().to_owned();
        (value["ok"].as_bool().unwrap(), got, events.iter().map(|seq| seq.as_u64().unwrap()).collect())
    };
    expected.iter().map(of).collect()
}

/// What a log says of its own expectations.
fn told(log: &Log) -> Vec<Value> {
    log.of("expect").into_iter().cloned().collect()
}

#[track_caller]
fn assert_rows(rows: &[Row], expected: &[Value], how: &str) {
    assert_eq!(rows.len(), expected.len(), "{how}");
    for ((rule, ok, got, events), outcome) in rows.iter().zip(outcomes(expected)) {
        assert_eq!((*ok, (*got).to_owned(), events.to_vec()), outcome, "{how}: {rule}");
    }
}

/// What a file expects of the log of this folder, by the program.
fn expected_of_log(folder: &Folder, file: &str, code: i32) -> Vec<Value> {
    let arguments = ["replay", "--format", "json", "--expect", file, "log.jsonl"];
    let ended = folder.scenario(&arguments).end().expect(code);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["result"], "same", "{report}");
    report["expect"].as_array().unwrap().clone()
}

/// Runs a scenario with these rules, and without them to have its log asked: both say the same.
#[track_caller]
fn assert_both_ways(scenario: &str, rows: &[Row], options: &[&str]) {
    let folder = Folder::new();
    let code = i32::from(rows.iter().any(|(_, ok, ..)| !ok));
    let (ended, log) = folder.run(&format!("{scenario}\n{}", rules(rows)), options);
    let ended = ended.expect(code);
    assert_rows(rows, &told(&log), "in the run");
    for (_, ok, got, _) in rows {
        let got = if got.is_empty() { "nothing to measure".to_owned() } else { format!(", got {got}") };
        let word = if *ok { "ok " } else { "MISSED " };
        let is_line = |line: &str| line.contains(word) && line.contains(&got);
        assert!(ended.stderr.lines().any(is_line), "{word}{got}: {}", ended.stderr);
    }
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let (_, bare) = folder.run(scenario, options);
    assert!(bare.of("expect").is_empty());
    folder.file("rules.toml", rules(rows));
    // Where the rules do not hang on what is measured on this machine, both runs are alike.
    assert_rows(rows, &expected_of_log(&folder, "rules.toml", code), "on the log");
}
