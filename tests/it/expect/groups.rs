//! A result for each group of events, and conditions on what an event has from its start.

use serde_json::Value;

use crate::common::{Folder, Log, answer, serve};
use crate::expect::forms::WAVES;
use crate::expect::{Row, assert_both_ways, told};

/// The groups of an expectation in a log: whether each holds, and what it got.
fn groups(log: &Log) -> Vec<(String, bool, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |one: &Value| (text(&one["group"]), one["ok"].as_bool().unwrap(), text(&one["got"]));
    told(log).iter().map(one).collect()
}

fn group(name: &str, ok: bool, got: &str) -> (String, bool, String) {
    (name.to_owned(), ok, got.to_owned())
}

#[test]
fn each_group_has_a_result() {
    let folder = Folder::new();
    let of = |rule: &str, code: i32| {
        let text = format!("{WAVES}[[expect]]\nname = 'it'\n{rule}\n");
        let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
        let ended = ended.expect(code);
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
        (groups(&log), ended.stderr, log)
    };
    let (all, said, log) = of("of = 'move'\nby = 'player'\nat_most = 3", 1);
    assert_eq!(all, [group("bob", true, "3"), group("john", true, "3"), group("mary", false, "5")]);
    assert!(said.contains("MISSED it [mary]: wanted at most 3, for each player, got 5 (seq 9)"), "{said}");
    let reason = "expectation `it [mary]` is missed: wanted at most 3, for each player, got 5";
    assert_eq!(log.last()["reason"], reason);
    let (all, ..) = of("of = 'spawn.took'\nby = 'entry'\nstat = 'max'\nat_most = '3s'", 0);
    assert_eq!(all, [group("first", true, "3s"), group("then", true, "3s")]);
    let (all, ..) = of("of = 'move'\nby = 'preset'\nat_least = 3\nover = '3s'", 1);
    assert_eq!(all[0], group("w", false, "1 of 2 windows; the first other has 0 in 3s..6s"));
    assert_eq!(all[1], group("x", false, "1 of 2 windows; the first other has 0 in 0ns..3s"));
    let (all, ..) = of("of = 'spawn.exited'\nby = 'source'\nstat = 'count'\nequals = 1", 0);
    assert_eq!(all, [group("ps#1", true, "1"), group("ps#2", true, "1")]);
    // Without any event there is no group, and one result.
    let (all, ..) = of("of = 'spawn.failed'\nby = 'preset'\nnever = true", 0);
    assert_eq!(all, [group("", true, "0")]);
}

#[test]
fn requests_are_divided_by_what_they_began_with() {
    let server = serve(|path, _| match path {
        "/missing" => answer("404 Not Found", "", "no"),
        _ => answer("200 OK", "", "yes"),
    });
    let scenario = format!(
        "tick = '0s'\n[fetches.f]\nurls = ['http://{server}/a', 'http://{server}/missing']\nmode = 'sequential'\n\
         status = 'any'\n[[timeline]]\nid = 'get'\nfetch = 'f'\ncount = 2\n"
    );
    let folder = Folder::new();
    for (rule, wanted) in [
        ("of = 'fetch.finished'\nby = 'status'\nequals = 2", vec!["200", "404"]),
        ("of = 'fetch.took'\nby = 'entry'\nstat = 'p95'\nbelow = '1h'", vec!["get"]),
        ("of = 'fetch.took'\nby = 'step'\nstat = 'count'\nequals = 4", vec!["no step"]),
        ("of = 'fetch.bytes'\nby = 'job'\nstat = 'max'\nequals = 3", vec!["f"]),
    ] {
        let (ended, log) = folder.run(&format!("{scenario}[[expect]]\n{rule}\n"), &[]);
        ended.expect(0);
        assert_eq!(groups(&log).iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), wanted, "{rule}");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
    let rule = "[[expect]]\nname = 'sizes'\nof = 'fetch.bytes'\nby = 'url'\nstat = 'max'\nat_most = 2\n";
    let (ended, log) = folder.run(&format!("{scenario}{rule}"), &[]);
    ended.expect(1);
    let (ok, missed) = (format!("http://{server}/missing"), format!("http://{server}/a"));
    assert_eq!(groups(&log), [group(&missed, false, "3 bytes"), group(&ok, true, "2 bytes")]);
    // Each group is a test case of its own, in all reports.
    let report = folder.scenario(&["report", "log.jsonl", "--junit", "-"]).end().expect(0).stdout;
    assert!(report.contains(&format!("name=\"sizes [{missed}]\"")), "{report}");
    let shown = folder.scenario(&["report", "log.jsonl"]).end().expect(0).stdout;
    assert!(
        shown.contains(&format!("missed  sizes [{missed}]: wanted max at most 2B, for each url")),
        "{shown}"
    );
    let rows: &[Row] = &[
        ("of = 'fetch.took'\nwhere = { url = '/missing$' }\nstat = 'count'\nequals = 2", true, "2", &[12]),
        ("of = 'fetch.finished'\nwhere = { url = '/a$', status = 404 }\nnever = true", true, "0", &[]),
        ("of = 'fetch.finished'\nwhere = { entry = '^get$', job = 'f' }\nequals = 4", true, "4", &[12]),
    ];
    let scenario = scenario.replace("count = 2", "every = '200ms'\ntimes = 2");
    assert_both_ways(&scenario, rows, &[]);
}

#[test]
fn where_reads_what_an_event_has_from_its_start() {
    let rows: &[Row] = &[
        ("of = 'move'\nwhere = { preset = 'x' }\nequals = 3", true, "3", &[20]),
        ("of = 'move'\nwhere = { entry = '^first$', player = 'john' }\nequals = 3", true, "3", &[11]),
        ("of = 'spawn.exited'\nwhere = { preset = '^w$' }\nequals = 1", true, "1", &[14]),
        ("of = 'spawn.took'\nwhere = { entry = 'then' }\nstat = 'max'\nequals = '3s'", true, "3s", &[22]),
        (
            "of = 'move'\nwhere = { preset = 'w', direction = '[NESW]' }\nstat = 'share'\nequals = '100%'",
            true,
            "100% (8 of 8)",
            &[12],
        ),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
    let folder = Folder::new();
    folder.file("s.toml", format!("{WAVES}[[expect]]\nof = 'move'\nwhere = {{ url = 'x' }}\nequals = 1\n"));
    let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
    assert!(ended.stderr.contains("the event `move` has no key `url`"), "{}", ended.stderr);
    folder.file("s.toml", format!("{WAVES}[[expect]]\nof = 'move'\nby = 'status'\nequals = 1\n"));
    let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
    let wanted = ["the event `move` has no key `status`", "`move` has `entry`, `preset`, `player`, `source`"];
    assert!(wanted.iter().all(|wanted| ended.stderr.contains(wanted)), "{}", ended.stderr);
}

#[test]
fn players_that_fetch_are_divided_by_step_and_preset() {
    let server = serve(|_, _| answer("200 OK", "", "yes"));
    let scenario = format!(
        "tick = '0s'\nseed = 1\n[fetches.a]\nurls = ['http://{server}/a']\n[fetches.b]\nurls = ['http://{server}/b']\n\
         [presets.p]\nplayers = [{{ name = 'u{{n}}', count = 2, steps = [{{ fetch = 'a', as = 'log in' }}, 'fetch b'] }}]\n\
         [[timeline]]\nid = 'users'\nspawn = 'p'\n"
    );
    let folder = Folder::new();
    for (rule, wanted) in [
        ("of = 'fetch.finished'\nby = 'step'\nequals = 2", &["b", "log in"][..]),
        ("of = 'fetch.took'\nby = 'player'\nstat = 'count'\nequals = 2", &["u1", "u2"]),
        ("of = 'fetch.took'\nby = 'preset'\nstat = 'count'\nequals = 4", &["p"]),
        ("of = 'fetch.started'\nby = 'entry'\nequals = 4", &["users"]),
        ("of = 'step.took'\nby = 'step'\nstat = 'count'\nequals = 2", &["b", "log in"]),
        (
            "of = 'fetch.finished'\nwhere = { step = 'log in', player = '^u2$', preset = '^p$' }\nequals = 1",
            &[""],
        ),
        (
            "of = 'fetch.started'\nwhere = { step = 'log in' }\nleads_to = { of = 'fetch.started', where = { step = 'b' }, same = 'player' }",
            &[""],
        ),
        ("of = 'players'\nalways = { at_most = 2 }", &[""]),
    ] {
        let (ended, log) = folder.run(&format!("{scenario}[[expect]]\n{rule}\n"), &[]);
        ended.expect(0);
        assert_eq!(groups(&log).iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), wanted, "{rule}");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}
