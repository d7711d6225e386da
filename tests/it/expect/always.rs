//! Numbers that a run has at every moment.

use crate::common::{Folder, answer, serve};
use crate::expect::forms::WAVES;
use crate::expect::{Row, assert_both_ways, outcomes, told};

#[test]
fn a_number_stays_within_its_limits() {
    let rows: &[Row] = &[
        ("of = 'running'\nalways = { at_most = 1 }", true, "0 to 1", &[]),
        ("of = 'running'\nalways = { below = 1 }", false, "1 at 0ns", &[2]),
        ("of = 'running'\nuntil = 'first.finished'\nalways = { at_least = 1 }", true, "1", &[]),
        ("of = 'running'\nuntil = 'first.passed'\nalways = { at_least = 1 }", true, "1", &[]),
        (
            "of = 'running'\nsince = 'first.failed'\nalways = { at_least = 0 }",
            false,
            "`first.failed` never came",
            &[],
        ),
        ("of = 'running'\nuntil = '3s'\nalways = { equals = 1 }", true, "1", &[]),
        ("of = 'running'\nuntil = '3s 1ns'\nalways = { equals = 1 }", false, "0 at 3s", &[14]),
        ("of = 'running'\nalways = { above = 0 }", false, "0 at 3s", &[14]),
        ("of = 'running'\nsince = 'then.started'\nalways = { at_least = 1, at_most = 1 }", true, "1", &[]),
        ("of = 'players'\nalways = { at_most = 2 }", true, "0 to 2", &[]),
        ("of = 'players'\nalways = { at_most = 1 }", false, "2 at 0ns", &[2]),
        ("of = 'players'\nin = 'x'\nalways = { at_most = 1 }", true, "0 to 1", &[]),
        ("of = 'running'\nin = 'then'\nalways = { at_most = 0 }", false, "1 at 3.5s", &[15]),
        ("of = 'in_flight'\nalways = { at_most = 0 }", true, "0", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn what_ends_and_starts_at_the_same_moment_leaves_no_gap() {
    let scenario = "tick = '0s'\nseed = 1\n[presets.p]\nplayers = [{ name = 'a', moves = 1, every = '1s' }]\n\
        [[timeline]]\nid = 'one'\nspawn = 'p'\n[[timeline]]\nid = 'two'\nafter = 'one.finished'\nspawn = 'p'\n";
    let rows: &[Row] = &[
        ("of = 'running'\nalways = { equals = 1 }", true, "1", &[]),
        ("of = 'running'\nalways = { at_least = 1 }", true, "1", &[]),
    ];
    assert_both_ways(scenario, rows, &["--clock", "virtual"]);
}

#[test]
fn an_abort_ends_the_run_at_once() {
    let scenario = "tick = '0s'\nseed = 1\n[presets.p]\nplayers = [{ name = 'a', moves = 5, every = '1s' }]\n\
        [[timeline]]\nspawn = 'p'\nevery = '500ms'\ntimes = 5\n";
    for (rule, at, got) in [
        ("always = { at_most = 2 }", 1.0, "3 at 1s"),
        ("in = 'p'\nsince = '5s'\nalways = { at_least = 5 }", 5.000_000_001, "4 at 5s"),
    ] {
        let folder = Folder::new();
        let text = format!("{scenario}[[expect]]\nname = 'few'\nof = 'running'\nabort = true\n{rule}\n");
        let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
        ended.expect(1);
        assert_eq!(log.of("stopping")[0]["t"].as_f64(), Some(at), "{rule}");
        assert!(log.last()["reason"].as_str().unwrap().ends_with(&format!(", got {got}")), "{}", log.last());
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

#[test]
fn requests_in_flight_are_counted() {
    let server = serve(|_, _| answer("200 OK", "", "yes"));
    let scenario = format!(
        "tick = '0s'\n[fetches.f]\nurls = ['http://{server}/a']\nconnections = 2\nrequests = 20\n\
         [[timeline]]\nid = 'load'\nfetch = 'f'\n"
    );
    let rules = "[[expect]]\nof = 'in_flight'\nin = 'f'\nalways = { at_most = 2 }\n\
        [[expect]]\nof = 'in_flight'\nalways = { at_most = 1 }\n";
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("{scenario}{rules}"), &[]);
    ended.expect(1);
    let came = outcomes(&told(&log));
    assert_eq!((came[0].0, came[0].1.as_str()), (true, "0 to 2"), "{came:?}");
    assert!(!came[1].0 && came[1].1.starts_with("2 at "), "{came:?}");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn what_has_no_value_at_every_moment_is_told() {
    let folder = Folder::new();
    let refused = |rule: &str, wanted: &str| {
        folder.file("s.toml", format!("{WAVES}[[expect]]\n{rule}\n"));
        let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
        assert!(ended.stderr.contains(wanted), "{rule}: {}", ended.stderr);
    };
    refused("of = 'move'\nalways = { at_most = 1 }", "`move` is no number that a run has at every moment");
    refused("of = 'running'\nat_most = 1", "`running` has a value at every moment, not one of the whole run");
    refused("of = 'running'\nalways = { at_most = 1 }\nnever = true", "`never` cannot turn `always` round");
    refused("of = 'running'\nalways = {}", "lacks one of");
    refused("of = 'runing'\nalways = { at_most = 1 }", "did you mean `running`?");
}
