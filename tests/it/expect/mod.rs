//! Expectations: each form below, at and above its limit, in runs and on logs of runs; the effect of a
//! missed one on a run; and how it is reported.

mod ahead;
mod always;
mod forms;
mod groups;
mod limits;
mod matrix;
mod replays;
mod windows;

use crate::common::{Folder, Log};
use serde_json::Value;

/// One expectation with its result: whether it holds, what it got (empty if there was nothing to measure),
/// and the `seq` of the events that decided.
type Row = (&'static str, bool, &'static str, &'static [u64]);

/// The expectations of these rows as in a file.
fn rules(rows: &[Row]) -> String {
    rows.iter().map(|(rule, ..)| format!("[[expect]]\n{rule}\n")).collect()
}

/// The results of expectations, without their names.
fn outcomes(expected: &[Value]) -> Vec<(bool, String, Vec<u64>)> {
    let of = |value: &Value| {
        let events = value["events"].as_array().map_or(&[][..], Vec::as_slice);
        let got = value["got"].as_str().unwrap_or_default().to_owned();
        (value["ok"].as_bool().unwrap(), got, events.iter().map(|seq| seq.as_u64().unwrap()).collect())
    };
    expected.iter().map(of).collect()
}

/// The results of a log's own expectations.
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

/// The results of a file's expectations for the log of this folder, from the program.
fn expected_of_log(folder: &Folder, file: &str, code: i32) -> Vec<Value> {
    let arguments = ["replay", "--format", "json", "--expect", file, "log.jsonl"];
    let ended = folder.scenario(&arguments).end().expect(code);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["result"], "same", "{report}");
    report["expect"].as_array().unwrap().clone()
}

/// Runs a scenario with these expectations, and without them, to judge its log by them: both results are the
/// same.
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
    // If the expectations do not depend on measurements of this machine, both runs are the same.
    assert_rows(rows, &expected_of_log(&folder, "rules.toml", code), "on the log");
}
