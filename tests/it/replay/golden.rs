//! Every log of a real run is replayed, for ever.

use crate::common::logs::logs;
use crate::common::{Folder, project};
use crate::replay::{Found, find};

#[test]
fn every_log_of_a_real_run_is_decided_again() {
    for (name, log) in logs() {
        let found = if name == "cut_short" { Found::CutShort } else { Found::Same };
        assert_eq!(find(&log), found, "{name}");
    }
}

#[test]
fn the_program_says_so_too() {
    let folder = Folder::new();
    let golden = project().join("tests/logs");
    let (cut, whole): (Vec<_>, Vec<_>) = logs().into_iter().partition(|(name, _)| name == "cut_short");
    let mut arguments = vec!["replay".to_owned()];
    arguments
        .extend(whole.iter().map(|(name, _)| golden.join(format!("{name}.jsonl")).display().to_string()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = folder.scenario(&arguments).end().expect(0);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.matches("same  ").count(), whole.len(), "{}", ended.stderr);

    let (_, bytes) = &cut[0];
    folder.file("cut.jsonl", bytes);
    let ended = folder.scenario(&["replay", "cut.jsonl"]).end().expect(5);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(ended.stderr.contains(&format!("line {lines}, at byte {}", bytes.len())), "{}", ended.stderr);
    folder.scenario(&["replay", "--allow-incomplete", "cut.jsonl"]).end().expect(0);
    folder.scenario(&["replay", "-"]).stdin(&bytes[..]).end().expect(5);
}
