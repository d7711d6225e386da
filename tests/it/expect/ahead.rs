//! What leads to something else: each cause is followed in time, or ends the run.

use crate::common::{Folder, answer, serve};
use crate::expect::forms::WAVES;
use crate::expect::{Row, assert_both_ways, outcomes, told};

#[test]
fn each_cause_is_followed_in_time() {
    let rows: &[Row] = &[
        (
            "of = 'move'\nwhere = { player = 'john' }\nleads_to = { of = 'move', where = { player = 'mary' } }\n\
             within = '0s'",
            true,
            "3 of 3; the slowest, that of ps#1 at 0ns, after 0ns",
            &[3, 4],
        ),
        (
            "of = 'spawn.started'\nleads_to = { of = 'spawn.exited', same = 'source' }\nwithin = '3s'",
            true,
            "2 of 2; the slowest, that of ps#1 at 0ns, after 3s",
            &[2, 14],
        ),
        (
            "of = 'spawn.started'\nleads_to = { of = 'spawn.exited', same = 'source' }\nwithin = '2999ms'",
            false,
            "0 of 2; the first other is that of ps#1 at 0ns",
            &[2],
        ),
        // One effect answers all causes before it.
        (
            "of = 'move'\nin = 'x'\nleads_to = { of = 'spawn.exited', in = 'x' }",
            true,
            "3 of 3; the slowest, that of ps#2 at 3.5s, after 3s",
            &[16, 22],
        ),
        // What is open when the run ends is missed.
        (
            "of = 'spawn.exited'\nleads_to = { of = 'spawn.started' }\nwithin = '500ms'",
            false,
            "1 of 2; the first other is that of ps#2 at 6.5s",
            &[22],
        ),
        // At one moment, the order of the log counts.
        (
            "of = 'move'\nwhere = { player = 'mary' }\nleads_to = { of = 'move', where = { player = 'john' } }\n\
             within = '500ms'",
            false,
            "2 of 5; the first other is that of ps#1 at 0ns",
            &[4],
        ),
        // No event follows itself.
        (
            "of = 'spawn.exited'\nin = 'x'\nleads_to = { of = 'spawn.exited' }",
            false,
            "0 of 1; the first other is that of ps#2 at 6.5s",
            &[22],
        ),
        (
            "of = 'move'\nin = 'w'\nleads_to = { of = 'move', in = 'x' }\nwithin = '1s'\nnever = true",
            true,
            "0 of 8",
            &[],
        ),
        (
            "of = 'move'\nin = 'w'\nleads_to = { of = 'move', in = 'x' }\nwithin = '1500ms'\nnever = true",
            false,
            "2 of 8; the first, that of ps#1 at 2s, was followed after 1.5s",
            &[11, 16],
        ),
        // Of the same player, and of the same entry.
        (
            "of = 'move'\nwhere = { player = 'john' }\nuntil = '2s'\nleads_to = { of = 'move', same = 'player' }\n\
             within = '1s'",
            true,
            "2 of 2; the slowest, that of ps#1 at 0ns, after 1s",
            &[3, 7],
        ),
        (
            "of = 'move'\nin = 'w'\nleads_to = { of = 'spawn.exited', same = 'entry' }\nwithin = '3s'",
            true,
            "8 of 8; the slowest, that of ps#1 at 0ns, after 3s",
            &[3, 14],
        ),
        ("of = 'stopping'\nleads_to = { of = 'move' }", false, "", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn an_abort_ends_the_run_as_soon_as_a_cause_has_waited_too_long() {
    let players = "tick = '0s'\nseed = 1\n[presets.p]\nplayers = [{ name = 'john', moves = 5, every = '1s' }]\n\
                   [[timeline]]\nspawn = 'p'\n[[timeline]]\nat = '3s'\nmark = 'here'\n";
    let rule = "[[expect]]\nname = 'it'\nabort = true\nof = 'mark'\n\
                leads_to = { of = 'spawn.exited' }\nwithin = '250ms'\n";
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("{players}{rule}"), &["--clock", "virtual"]);
    ended.expect(1);
    let reason = "expectation `it` can no longer hold: wanted followed by spawn.exited, within 250ms, \
                  got 0 of 1; the first other is the one at 3s";
    assert_eq!(log.last()["reason"], reason);
    let stopping = log.of("stopping")[0];
    assert_eq!((stopping["t"].as_f64(), &stopping["reason"]), (Some(3.250_000_001), &reason.into()));
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    // It is in time at the last moment.
    let text = format!("{players}{rule}").replace("'250ms'", "'2s'");
    let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
    ended.expect(0);
    assert_eq!(told(&log)[0]["got"], "1 of 1; the slowest, the one at 3s, after 2s");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn on_the_real_clock_a_replay_ends_at_the_same_event() {
    let scenario = "tick = '0s'\n[presets.p]\ncommand = ['sh', '-c', 'echo ask; exec sleep 60']\n\
        [[timeline]]\nspawn = 'p'\n\
        [[expect]]\nname = 'answered'\nof = 'line'\nwhere = { text = 'ask' }\nabort = true\n\
        leads_to = { of = 'line', where = { text = 'answer' }, same = 'source' }\nwithin = '50ms'\n";
    let folder = Folder::new();
    let (ended, log) = folder.run(scenario, &[]);
    ended.expect(1);
    let line = log.of("line")[0]["t"].as_f64().unwrap();
    assert!(log.of("stopping")[0]["t"].as_f64().unwrap() > line + 0.05);
    assert!(
        told(&log)[0]["got"].as_str().unwrap().starts_with("0 of 1; the first other is that of ps#1 at ")
    );
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn each_request_has_its_own_answer() {
    let server = serve(|path, _| match path {
        "/missing" => answer("404 Not Found", "", "no"),
        _ => answer("200 OK", "", "yes"),
    });
    let scenario = format!(
        "tick = '0s'\n[fetches.f]\nurls = ['http://{server}/a', 'http://{server}/missing']\nmode = 'sequential'\n\
         status = 'any'\n[[timeline]]\nfetch = 'f'\n"
    );
    let rules = "[[expect]]\nof = 'fetch.started'\nleads_to = { of = 'fetch.finished', same = 'source' }\n\
        [[expect]]\nof = 'fetch.started'\n\
        leads_to = { of = 'fetch.finished', where = { status = 200 }, same = 'source' }\n\
        [[expect]]\nof = 'fetch.started'\n\
        leads_to = { of = 'fetch.finished', where = { url = 'missing' }, same = 'url' }\n";
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("{scenario}{rules}"), &[]);
    ended.expect(1);
    let came = outcomes(&told(&log));
    assert!(came[0].0 && came[0].1.starts_with("2 of 2; the slowest, that of get#"), "{came:?}");
    assert!(!came[1].0 && came[1].1.starts_with("1 of 2; the first other is that of get#2 at "), "{came:?}");
    assert!(!came[2].0 && came[2].1.starts_with("1 of 2; the first other is that of get#1 at "), "{came:?}");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn what_cannot_be_followed_is_told() {
    let folder = Folder::new();
    let refused = |rule: &str, wanted: &str| {
        folder.file("s.toml", format!("{WAVES}[[expect]]\n{rule}\n"));
        let ended = folder.scenario(&["check", "s.toml"]).end().expect(2);
        assert!(ended.stderr.contains(wanted), "{rule}: {}", ended.stderr);
    };
    refused(
        "of = 'spawn.took'\nleads_to = { of = 'move' }",
        "`spawn.took` is not an event, so nothing can follow it",
    );
    refused(
        "of = 'move'\nleads_to = { of = 'spawn.took' }",
        "`spawn.took` is not an event, so it cannot follow one",
    );
    refused(
        "of = 'move'\nleads_to = { of = 'mark', same = 'source' }",
        "the event `mark` has no key `source`",
    );
    refused(
        "of = 'move'\nleads_to = { of = 'move', same = 'status' }",
        "the event `move` has no key `status`",
    );
    refused("of = 'move'\nleads_to = { of = 'move' }\nfollows = { of = 'move' }", "exclude each other");
    refused("of = 'move'\nleads_to = { of = 'move' }\nover = '1s'", "cannot be used together");
    refused("of = 'move'\nequals = 1\nwithin = '1s'", "`within` needs `follows` or `leads_to`");
}

#[test]
fn an_exploration_judges_them_or_says_that_it_does_not() {
    let folder = Folder::new();
    let scenario = "tick = '0s'\n[shared]\na = 1\n[presets.p]\n\
        players = [{ name = 'p', count = 2, steps = ['load a', 'add 1', 'store a'] }]\n[[timeline]]\nspawn = 'p'\n\
        [[expect]]\nname = 'steps'\nof = 'step'\nby = 'player'\nequals = 2\n\
        [[expect]]\nname = 'stored'\nof = 'step'\nwhere = { step = 'load a' }\n\
        leads_to = { of = 'step', where = { step = 'store a' }, same = 'player' }\n\
        [[expect]]\nname = 'few'\nof = 'running'\nalways = { at_most = 1 }\n";
    folder.file("s.toml", scenario);
    let explored = folder.scenario(&["explore", "s.toml", "--seeds", "20"]).end().expect(1);
    // Both groups of the first are missed in every run, which is one miss of it.
    let lines: Vec<&str> = explored.stdout.lines().filter(|line| line.contains("steps")).collect();
    assert!(lines.iter().any(|line| line.contains("20")), "{}", explored.stdout);
    assert!(!explored.stdout.contains("40"), "{}", explored.stdout);
    let scenario = scenario.replace("equals = 2", "equals = 3");
    folder.file("s.toml", &scenario);
    folder.scenario(&["explore", "s.toml", "--seeds", "20"]).end().expect(0);
    let explored = folder.scenario(&["explore", "s.toml", "--exhaustive"]).end();
    let said = format!("{}{}", explored.stdout, explored.stderr);
    assert!(["steps", "stored", "few"].iter().all(|name| said.contains(name)), "{said}");
    assert_ne!(explored.code, Some(0), "what was not judged has not passed: {said}");
}
