//! Statistics in every window, and in a part of a run.

use serde_json::Value;

use crate::common::{Folder, Log};
use crate::expect::forms::WAVES;
use crate::expect::{Row, assert_both_ways, expected_of_log, told};

#[test]
fn a_statistic_holds_in_every_window() {
    let rows: &[Row] = &[
        ("of = 'move'\nat_most = 3\nover = '1s'", true, "6 of 6 windows; the closest has 3 in 0ns..1s", &[5]),
        (
            "of = 'move'\nat_least = 1\nover = '1s'",
            true,
            "6 of 6 windows; the closest has 1 in 3s..4s",
            &[16],
        ),
        (
            "of = 'move'\nat_least = 2\nover = '1s'",
            false,
            "3 of 6 windows; the first other has 1 in 3s..4s",
            &[16],
        ),
        (
            "of = 'move'\nat_most = 5\nover = '2s'",
            false,
            "2 of 3 windows; the first other has 6 in 0ns..2s",
            &[9],
        ),
        (
            "of = 'move'\nstat = 'rate'\nat_most = 3\nover = '1s'",
            true,
            "6 of 6 windows; the closest has 3/s in 0ns..1s",
            &[5],
        ),
        (
            "of = 'move'\nat_least = 1\nsince = '3500ms'\nover = '1s'",
            true,
            "3 of 3 windows; the closest has 1 in 3.5s..4.5s",
            &[16],
        ),
        (
            "of = 'move'\nat_least = 3\nover = '1s'\nnever = true",
            false,
            "4 of 6 windows; the first other has 3 in 0ns..1s",
            &[5],
        ),
        (
            "of = 'spawn.took'\nstat = 'p95'\nat_most = '3s'\nover = '5s'",
            true,
            "2 of 2 windows; the closest has 3s in 0ns..5s",
            &[14],
        ),
        // The last window is cut short: a total counts there only if it is settled.
        (
            "of = 'move'\nat_least = 2\nover = '4s'",
            true,
            "2 of 2 windows; the closest has 2 in 4s..8s",
            &[20],
        ),
        (
            "of = 'move'\nat_least = 3\nover = '4s'",
            true,
            "1 of 1 windows; the closest has 9 in 0ns..4s",
            &[5],
        ),
        // A window without a value is nothing to measure.
        (
            "of = 'spawn.took'\nstat = 'max'\nat_most = '3s'\nover = '1s'",
            true,
            "2 of 2 windows; the closest has 3s in 3s..4s",
            &[14],
        ),
        (
            "of = 'stopping'\nwhere = { reason = 'x' }\nstat = 'share'\nbelow = '1%'\nover = '1s'",
            false,
            "",
            &[],
        ),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn only_a_part_of_the_run_counts() {
    let rows: &[Row] = &[
        ("of = 'move'\nsince = '1s'\nuntil = '2s'\nequals = 3", true, "3", &[9]),
        ("of = 'move'\nuntil = '1s'\nequals = 3", true, "3", &[5]),
        ("of = 'move'\nsince = 'then.started'\nequals = 3", true, "3", &[20]),
        ("of = 'move'\nsince = 'then.ready'\nequals = 3", true, "3", &[20]),
        ("of = 'move'\nuntil = 'then.started'\nequals = 8", true, "8", &[12]),
        // What starts comes behind its start, and what ends before its end.
        ("of = 'spawn.started'\nsince = 'then.started'\nequals = 1", true, "1", &[15]),
        ("of = 'spawn.exited'\nuntil = 'first.finished'\nequals = 1", true, "1", &[14]),
        ("of = 'spawn.exited'\nsince = 'first.finished'\nequals = 1", true, "1", &[22]),
        ("of = 'move'\nstat = 'rate'\nsince = '2s'\nuntil = '4s'\nequals = '1.5/s'", true, "1.5/s", &[16]),
        ("of = 'spawn.took'\nsince = '3001ms'\nstat = 'count'\nequals = 1", true, "1", &[22]),
        ("of = 'move'\nsince = '7s'\nnever = true", false, "the run ended before 7s", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn an_abort_ends_the_run_with_the_window_that_misses() {
    let players = "tick = '0s'\nseed = 1\n[presets.p]\nplayers = [{ name = 'john', moves = 100, every = '10ms' }]\n\
                   [[timeline]]\nspawn = 'p'\n[[timeline]]\nat = '300ms'\nspawn = 'p'\n";
    for (rule, at, got) in [
        ("stat = 'rate'\nat_least = '150/s'", 0.2, "0 of 1 windows; the first other has 100/s in 0ns..200ms"),
        (
            "stat = 'rate'\nat_most = '150/s'",
            0.55,
            "2 of 3 windows; the first other has 155/s in 400ms..600ms",
        ),
        ("at_most = 30", 0.55, "2 of 3 windows; the first other has 31 in 400ms..600ms"),
    ] {
        let folder = Folder::new();
        let text =
            format!("{players}[[expect]]\nname = 'it'\nof = 'move'\nover = '200ms'\nabort = true\n{rule}\n");
        let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
        ended.expect(1);
        let stopping = log.of("stopping")[0];
        assert!(stopping["t"].as_f64().unwrap() <= at, "{rule}: {stopping}");
        let reason = log.last()["reason"].as_str().unwrap();
        assert!(reason.starts_with("expectation `it` can no longer hold: wanted "), "{rule}: {reason}");
        assert!(reason.ends_with(&format!(", got {got}")), "{rule}: {reason}");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

/// The windows of a log and how many of them a limit on the number of moves breaks, counted from its lines.
fn count_by_hand(log: &Log, over: f64, holds: impl Fn(u64) -> bool) -> (u64, u64) {
    let took = log.last()["took"].as_f64().unwrap();
    let whole = (took / over).floor() as usize;
    let mut counts = vec![0; whole];
    for event in log.of("move") {
        let index = (event["t"].as_f64().unwrap() / over).floor() as usize;
        if let Some(count) = counts.get_mut(index) {
            *count += 1;
        }
    }
    (counts.iter().filter(|count| holds(**count)).count() as u64, whole as u64)
}

#[test]
fn windows_agree_with_a_count_by_hand() {
    for seed in 1..6 {
        let folder = Folder::new();
        let scenario = format!(
            "tick = '0s'\nseed = {seed}\n[presets.p]\n\
             players = [{{ name = 'p', count = 20, moves = 30, every = {{ exponential = '125ms' }} }}]\n\
             [[timeline]]\nspawn = 'p'\n"
        );
        let (ended, log) = folder.run(&scenario, &["--clock", "virtual"]);
        ended.expect(0);
        let mut rules = String::new();
        let mut wanted = Vec::new();
        for over in [0.25, 0.5, 1.0, 2.0] {
            for limit in [10, 40, 80, 160, 320] {
                rules += &format!("[[expect]]\nof = 'move'\nat_least = {limit}\nover = '{}ms'\n", over * 1e3);
                wanted.push(count_by_hand(&log, over, |count| count >= limit));
            }
        }
        folder.file("rules.toml", rules);
        let all: Vec<Value> = expected_of_log(&folder, "rules.toml", 1);
        for (one, (held, judged)) in all.iter().zip(&wanted) {
            let got = one["got"].as_str().unwrap();
            let counts: Vec<u64> = got.split(' ').filter_map(|word| word.parse().ok()).take(2).collect();
            // The last window is judged if it has reached the limit before the run ends.
            let is_cut_judged = counts == [held + 1, judged + 1];
            assert!(counts == [*held, *judged] || is_cut_judged, "{one}: {held} of {judged}");
            assert_eq!(one["ok"], held == judged, "{one}");
        }
    }
}

#[test]
fn what_is_no_part_of_a_run_is_told() {
    let folder = Folder::new();
    let refused = |rule: &str, wanted: &str| {
        folder.file("s.toml", format!("{WAVES}[[expect]]\n{rule}\n"));
        let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
        assert!(ended.stderr.contains(wanted), "{rule}: {}", ended.stderr);
    };
    refused("of = 'move'\nequals = 1\nover = '0s'", "must be more than zero");
    refused("of = 'run.took'\nbelow = '1s'\nover = '1s'", "`run.took` has one value, at the end of the run");
    refused("of = 'move'\nequals = 1\nsince = '2s'\nuntil = '2s'", "`until` is not after `since`");
    refused("of = 'move'\nequals = 1\nsince = 'frist.ready'", "did you mean `first`?");
    refused(
        "of = 'move'\nequals = 1\nsince = 'soon'",
        "`soon` is neither a duration nor a moment of an entry",
    );
    refused("of = 'move'\nequals = 1\nuntil = 5", "write \"5s\" for seconds");
}

#[test]
fn an_abort_that_only_the_end_decides_is_a_warning_with_the_cure() {
    let folder = Folder::new();
    let check = |rule: &str| {
        folder.file("s.toml", format!("{WAVES}[[expect]]\nabort = true\n{rule}\n"));
        folder.scenario(&["check", "s.toml"]).end().expect(0).stderr
    };
    for rule in ["of = 'spawn.took'\nstat = 'p95'\nbelow = '9s'", "of = 'move'\nstat = 'rate'\nbelow = '9/s'"]
    {
        let warned = check(rule);
        assert!(
            warned.contains("`abort` has no effect here") && warned.contains("over = \"10s\""),
            "{warned}"
        );
        assert!(!check(&format!("{rule}\nover = '1s'")).contains("`abort`"));
    }
    assert!(!check("of = 'spawn.took'\nstat = 'max'\nbelow = '9s'").contains("`abort`"));
}

#[test]
fn all_windows_have_one_result() {
    // Many windows miss, and there is one result.
    let folder = Folder::new();
    let (ended, log) = folder.run(
        &format!("{WAVES}[[expect]]\nof = 'move'\nnever = true\nover = '1s'\n"),
        &["--clock", "virtual"],
    );
    ended.expect(1);
    assert_eq!(told(&log).len(), 1);
}

#[test]
fn a_part_that_no_run_has_is_a_warning() {
    let folder = Folder::new();
    let limited = format!("time_limit = '20s'\n{WAVES}");
    let check = |rule: &str, code: i32| {
        folder.file("s.toml", format!("{limited}[[expect]]\n{rule}\n"));
        folder.scenario(&["check", "s.toml"]).end().expect(code).stderr
    };
    for (rule, warning) in [
        ("of = 'move'\nat_least = 1\nover = '21s'", "a window has 21s, and `time_limit` is 20s"),
        ("of = 'move'\nat_least = 1\nsince = '21s'", "nothing counts before 21s, and `time_limit` is 20s"),
        (
            "of = 'move'\nat_least = 1\nsince = '1s'\nuntil = '3s'\nover = '5s'",
            "a window has 5s, and only 2s count",
        ),
        ("of = 'running'\nalways = { at_least = 1 }", "`running` is 0 until something has started"),
        ("of = 'move'\nin = 'x'\nsince = '4s'\nequals = 5", "the timeline makes at most 3 `move`"),
        ("of = 'move'\nleads_to = { of = 'fetch.finished' }", "the event `fetch.finished` never comes"),
    ] {
        assert!(check(rule, 0).contains(warning), "{rule}: {}", check(rule, 0));
    }
    assert!(!check("of = 'move'\nin = 'x'\nsince = '4s'\nequals = 2", 0).contains("warning"));
    folder.file(
        "s.toml",
        "[[timeline]]\nid = 'm'\nmark = 'x'\n[[expect]]\nof = 'mark'\nequals = 1\nsince = 'm.ready'\n",
    );
    let refused = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
    assert!(refused.contains("`m` spawns nothing that could get ready"), "{refused}");
}
