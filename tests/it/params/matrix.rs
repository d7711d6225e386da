//! `[matrix]` and `run --matrix`.

use std::io::Read;

use crate::common::{Folder, Log, kill};
use rustix::process::Signal;

const FILE: &str = "name = 'm'\nseed = 9\n[vars]\nusers = 1\n[matrix]\nseed = [1, 2]\nusers = [2, 3]\n\
    [presets.p]\nplayers = [{ name = 'j{n}', count = '${users}', moves = 2, every = '0s..100ms' }]\n\
    [[timeline]]\nspawn = 'p'\n[[expect]]\nname = 'few'\nof = 'move'\nbelow = 6\n";

#[test]
fn every_combination_is_a_run_of_its_own() {
    let folder = Folder::new();
    folder.file("s.toml", FILE);
    let run = |options: &[&str]| {
        folder.scenario(&[&["run", "s.toml", "--clock", "virtual"], options].concat()).end()
    };
    let ended = run(&["--matrix", "--log", "all.jsonl", "--junit", "j.xml", "--jobs", "3"]).expect(1);
    let rows: Vec<&str> = ended.stderr.lines().filter(|line| line.contains(".jsonl")).collect();
    for (row, words) in rows.iter().zip([
        ["1", "2", "passed"],
        ["1", "3", "failed"],
        ["2", "2", "passed"],
        ["2", "3", "failed"],
    ]) {
        assert_eq!(row.split_whitespace().take(3).collect::<Vec<_>>(), words);
    }
    assert_eq!(rows.len(), 4, "{}", ended.stderr);
    assert!(ended.stderr.ends_with("2 of 4 runs passed\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("expectation `few` is missed"), "{}", ended.stderr);
    // Alone it is the same run.
    run(&["--seed", "2", "--var", "users=2", "--log", "alone.jsonl", "--quiet"]).expect(0);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("all-seed-2-users-2.jsonl"), bytes("alone.jsonl"));
    assert_eq!(Log::read(&folder.path().join("all-seed-1-users-3.jsonl")).of("move").len(), 6);
    let junit = String::from_utf8(bytes("j.xml")).unwrap();
    let report = roxmltree::Document::parse(&junit).unwrap();
    let cases: Vec<_> = report.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let names: std::collections::BTreeSet<_> =
        cases.iter().map(|case| (case.attribute("classname"), case.attribute("name"))).collect();
    assert_eq!(names.len(), cases.len());
    assert!(junit.contains("seed = 2, users = 3"), "{junit}");
    // Without `--matrix` the variables have their defaults.
    let single = run(&["--log", "one.jsonl"]).expect(0);
    assert!(
        single.stderr.contains("the [matrix] of this file has 4 combinations; `--matrix` runs them all"),
        "{}",
        single.stderr
    );
    assert_eq!(Log::read(&folder.path().join("one.jsonl")).of("move").len(), 2);
    assert_eq!(Log::read(&folder.path().join("one.jsonl")).events[0]["seed"], 9);
}

#[test]
fn a_wrong_matrix_is_told_by_check_and_starts_nothing() {
    let folder = Folder::new();
    for (matrix, message) in [
        ("usres = [1]", "there is no variable `usres` for this list"),
        ("users = []", "this list is empty"),
        ("users = 5", "expected a list"),
        ("seed = ['x']", "a seed is an integer"),
        ("seed = [-1]", "a seed is not less than 0"),
        ("users = [1, 2, 1]", "this value stands twice in its list"),
        ("users = [1, 'many']", "found the string `many` (the value of `${users}`)"),
        ("users = [1, 0]", "`0` (the value of `${users}`) is out of range"),
    ] {
        folder.file(
            "s.toml",
            format!(
                "[vars]\nusers = 1\n[matrix]\n{matrix}\n[[timeline]]\nmark = 'x'\ncount = '${{users}}'\n"
            ),
        );
        for command in [&["check", "s.toml"][..], &["run", "s.toml", "--matrix"]] {
            let ended = folder.scenario(command).end().expect(2);
            assert!(ended.stderr.contains(message), "{matrix}: {}", ended.stderr);
        }
    }
    assert!(!folder.path().join("runs").exists());
    folder.file("s.toml", "[[timeline]]\nmark = 'x'\n");
    let ended = folder.scenario(&["run", "s.toml", "--matrix"]).end().expect(2);
    assert!(ended.stderr.contains("this file has no matrix"), "{}", ended.stderr);
}

#[test]
fn a_signal_ends_the_runs_in_order_and_starts_no_more() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "seed = 1\n[matrix]\nseed = [1, 2, 3]\n[presets.p]\ncommand = ['sh', '-c', 'echo up; exec sleep 60']\n[[timeline]]\nspawn = 'p'\n",
    );
    let run = folder.scenario(&["run", "s.toml", "--matrix", "--jobs", "2", "--log", "m.jsonl"]);
    let mut child = run.start();
    let lines = |seed: u32| {
        std::fs::read_to_string(folder.path().join(format!("m-seed-{seed}.jsonl"))).unwrap_or_default()
    };
    while !(lines(1).contains("\"up\"") && lines(2).contains("\"up\"")) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    kill(&child, Signal::INT);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(crate::common::shell_code(status), Some(130), "{stderr}");
    for seed in [1, 2] {
        assert!(lines(seed).contains("\"outcome\":\"interrupted\""), "{}", lines(seed));
    }
    assert_eq!(lines(3), "");
    assert!(stderr.contains("not run"), "{stderr}");
}
