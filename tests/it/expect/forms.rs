//! Every form of an expectation, on both sides of its limit and at it.

use crate::common::{Folder, answer, serve};
use crate::expect::{Row, assert_both_ways, outcomes, told};

/// Two presets one after the other. The `seq` of each event:
///
/// 0 run.started, 1 tick, 2 ps#1 started, 3 john, 4 mary (0 s), 5 mary (0.5 s), 6 tick, 7 john, 8 mary
/// (1 s), 9 mary (1.5 s), 10 tick, 11 john, 12 mary (2 s), 13 tick, 14 ps#1 exited (3 s), 15 ps#2 started,
/// 16 bob (3.5 s), 17 tick, 18 bob (4.5 s), 19 tick, 20 bob (5.5 s), 21 tick, 22 ps#2 exited (6.5 s)
pub(super) const WAVES: &str = r#"
seed = 1
[presets.w]
players = [{ name = "john", moves = 3, every = "1s" }, { name = "mary", moves = 5, every = "500ms" }]
[presets.x]
players = [{ name = "bob", moves = 3, every = "1s", directions = ["N"] }]
[[timeline]]
id = "first"
spawn = "w"
[[timeline]]
id = "then"
after = "first.finished"
at = "500ms"
spawn = "x"
"#;

#[test]
fn events_are_counted() {
    let rows: &[Row] = &[
        ("of = 'move'\nat_most = 11", true, "11", &[20]),
        ("of = 'move'\nat_most = 10", false, "11", &[20]),
        ("of = 'move'\nbelow = 11", false, "11", &[20]),
        ("of = 'move'\nbelow = 12", true, "11", &[20]),
        ("of = 'move'\nequals = 11", true, "11", &[20]),
        ("of = 'move'\nequals = 10", false, "11", &[20]),
        ("of = 'move'\nequals = 12", false, "11", &[20]),
        ("of = 'move'\nat_least = 11", true, "11", &[20]),
        ("of = 'move'\nat_least = 12", false, "11", &[20]),
        ("of = 'move'\nabove = 11", false, "11", &[20]),
        ("of = 'move'\nabove = 10", true, "11", &[20]),
        ("of = 'move'\nstat = 'count'\nabove = 4", true, "11", &[8]),
        ("of = 'run.started'\nequals = 1", true, "1", &[0]),
        ("of = 'clock.tick'\nequals = 7", true, "7", &[21]),
        ("of = 'stopping'\nequals = 0", true, "0", &[]),
        ("of = 'stopping'\nat_least = 1", false, "0", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn only_what_belongs_and_says_so_is_counted() {
    let rows: &[Row] = &[
        ("of = 'move'\nin = 'w'\nequals = 8", true, "8", &[12]),
        ("of = 'move'\nin = 'then'\nequals = 3", true, "3", &[20]),
        ("of = 'move'\nin = 'x'\nwhere = { direction = 'N' }\nequals = 3", true, "3", &[20]),
        ("of = 'move'\nin = 'x'\nwhere = { direction = '[SEW]' }\nequals = 0", true, "0", &[]),
        ("of = 'move'\nwhere = { player = '^(john|bob)$' }\nequals = 6", true, "6", &[20]),
        ("of = 'move'\nwhere = { player = 'o', direction = '.' }\nequals = 6", true, "6", &[20]),
        ("of = 'spawn.started'\nwhere = { preset = 'w', entry = 'first' }\nequals = 1", true, "1", &[2]),
        ("of = 'spawn.exited'\nwhere = { code = 0, ok = true, held = false }\nequals = 2", true, "2", &[22]),
        ("of = 'spawn.exited'\nwhere = { running = 1 }\nequals = 0", true, "0", &[]),
        ("of = 'spawn.exited'\nwhere = { source = 'ps#2' }\nequals = 1", true, "1", &[22]),
        ("of = 'clock.tick'\nwhere = { n = 3 }\nequals = 1", true, "1", &[13]),
        ("of = 'run.started'\nwhere = { clock = 'virtual', seed = 1 }\nequals = 1", true, "1", &[0]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn values_are_measured() {
    let rows: &[Row] = &[
        ("of = 'spawn.took'\nstat = 'max'\nat_most = '3s'", true, "3s", &[14]),
        ("of = 'spawn.took'\nstat = 'max'\nbelow = '3s'", false, "3s", &[14]),
        ("of = 'spawn.took'\nin = 'x'\nstat = 'min'\nat_least = '3s'", true, "3s", &[22]),
        ("of = 'spawn.took'\nin = 'then'\nstat = 'min'\nabove = '3s'", false, "3s", &[22]),
        ("of = 'spawn.took'\nstat = 'mean'\nequals = '3s'", true, "3s", &[14]),
        ("of = 'spawn.took'\nstat = 'sum'\nequals = '6s'", true, "6s", &[22]),
        ("of = 'spawn.took'\nstat = 'sum'\nabove = '6s'", false, "6s", &[22]),
        ("of = 'spawn.took'\nstat = 'p50'\nat_most = '3s'", true, "3s", &[14]),
        ("of = 'spawn.took'\nstat = 'p99.9'\nbelow = '3000000001ns'", true, "about 3s", &[14]),
        ("of = 'spawn.took'\nstat = 'p99.9'\nabove = '2999999999ns'", true, "about 3s", &[14]),
        ("of = 'spawn.took'\nstat = 'count'\nequals = 2", true, "2", &[22]),
        ("of = 'lateness'\nstat = 'max'\nat_most = '0s'", true, "0ns", &[1]),
        ("of = 'lateness'\nstat = 'count'\nequals = 20", true, "20", &[21]),
        ("of = 'lateness'\nin = 'x'\nstat = 'count'\nequals = 4", true, "4", &[20]),
        ("of = 'run.took'\nequals = '6.5s'", true, "6.5s", &[]),
        ("of = 'run.took'\nstat = 'value'\nbelow = '6s 500ms'", false, "6.5s", &[]),
        ("of = 'move'\nstat = 'rate'\nabove = 1", true, "1.692/s", &[20]),
        ("of = 'spawn.exited'\nin = 'x'\nstat = 'rate'\nat_least = '0.2/s'", false, "0.154/s", &[22]),
        ("of = 'clock.tick'\nwhere = { n = 99 }\nstat = 'rate'\nequals = 0", true, "0/s", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn a_share_is_one_of_the_events_that_are_counted() {
    let rows: &[Row] = &[
        // Keys that say whose move it was choose the moves that are counted …
        (
            "of = 'move'\nin = 'x'\nwhere = { direction = 'N' }\nstat = 'share'\nequals = 1",
            true,
            "100% (3 of 3)",
            &[20],
        ),
        (
            "of = 'move'\nwhere = { player = 'bob', direction = 'N' }\nstat = 'share'\nat_least = '100%'",
            true,
            "100% (3 of 3)",
            &[20],
        ),
        (
            "of = 'move'\nwhere = { source = 'ps#2', direction = '[SEW]' }\nstat = 'share'\nat_most = 0",
            true,
            "0% (0 of 3)",
            &[20],
        ),
        // … unless there are no others.
        (
            "of = 'move'\nwhere = { player = 'bob' }\nstat = 'share'\nabove = 0.27",
            true,
            "about 27.273% (3 of 11)",
            &[20],
        ),
        (
            "of = 'move'\nwhere = { player = 'bob' }\nstat = 'share'\nbelow = '27.2727272%'",
            false,
            "about 27.273% (3 of 11)",
            &[20],
        ),
        (
            "of = 'spawn.exited'\nwhere = { ok = false }\nstat = 'share'\nbelow = '1%'",
            true,
            "0% (0 of 2)",
            &[22],
        ),
        (
            "of = 'move'\nwhere = { player = 'bob' }\nstat = 'share'\nabove = '25%'\nnever = true",
            false,
            "about 27.273% (3 of 11)",
            &[20],
        ),
        ("of = 'stopping'\nwhere = { reason = 'x' }\nstat = 'share'\nat_most = '99%'", false, "", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn where_nothing_was_measured_nothing_holds() {
    let scenario = "[fetches.f]\nurls = ['http://127.0.0.1:1/']\n[presets.p]\ncommand = ['true']\n";
    let rows: &[Row] = &[
        ("of = 'fetch.took'\nstat = 'p95'\nbelow = '1s'", false, "", &[]),
        ("of = 'fetch.bytes'\nstat = 'sum'\nbelow = '1kB'", false, "", &[]),
        ("of = 'spawn.took'\nstat = 'min'\nabove = '1s'\nnever = true", false, "", &[]),
        ("of = 'fetch.took'\nstat = 'count'\nequals = 0", true, "0", &[]),
        ("of = 'spawn.started'\nfollows = { of = 'spawn.ready' }", false, "", &[]),
        ("of = 'spawn.started'\nfollows = { of = 'spawn.exited' }\nnever = true", true, "0 of 0", &[]),
        ("of = 'spawn.failed'\nnever = true", true, "0", &[]),
        // A run that takes no time has no rate.
        ("of = 'spawn.failed'\nstat = 'rate'\nbelow = 1", false, "", &[]),
    ];
    let folder = Folder::new();
    let (_, log) = folder.run(&format!("tick = '0s'\n{scenario}{}", crate::expect::rules(&rows[..7])), &[]);
    crate::expect::assert_rows(&rows[..7], &told(&log), "in a run of nothing");
    let players = "tick = '0s'\n[presets.w]\nplayers = [{ name = 'a', moves = 0, every = '1s' }]\n";
    let (_, log) =
        folder.run(&format!("{players}{}", crate::expect::rules(&rows[7..])), &["--clock", "virtual"]);
    crate::expect::assert_rows(&rows[7..], &told(&log), "in no time");
}

#[test]
fn never_turns_each_round() {
    let rows: &[Row] = &[
        ("of = 'move'\nnever = true", false, "11", &[3]),
        ("of = 'move'\nin = 'x'\nwhere = { direction = 'S' }\nnever = true", true, "0", &[]),
        ("of = 'move'\nabove = 11\nnever = true", true, "11", &[20]),
        ("of = 'move'\nat_least = 11\nnever = true", false, "11", &[20]),
        ("of = 'spawn.took'\nstat = 'p95'\nequals = '3s'\nnever = true", false, "3s", &[14]),
        ("of = 'spawn.took'\nstat = 'p95'\nbelow = '3s'\nnever = true", true, "3s", &[14]),
        (
            "of = 'move'\nin = 'x'\nfollows = { of = 'move', in = 'w' }\nnever = true",
            false,
            "3 of 3; the first came 1.5s behind",
            &[12, 16],
        ),
        ("of = 'move'\nin = 'w'\nfollows = { of = 'move', in = 'x' }\nnever = true", true, "0 of 8", &[]),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn what_follows_comes_behind_and_in_time() {
    let rows: &[Row] = &[
        (
            "of = 'spawn.started'\nin = 'then'\nfollows = { of = 'spawn.exited', in = 'first' }\nwithin = '500ms'",
            true,
            "1 of 1",
            &[14, 15],
        ),
        (
            "of = 'spawn.started'\nin = 'then'\nfollows = { of = 'spawn.exited', in = 'first' }\nwithin = '499ms'",
            false,
            "0 of 1; the first other came 500ms behind",
            &[14, 15],
        ),
        (
            "of = 'spawn.started'\nfollows = { of = 'spawn.exited' }",
            false,
            "1 of 2; the first other came before any",
            &[2],
        ),
        // The last predecessor counts, and the longest gap is reported.
        ("of = 'spawn.exited'\nfollows = { of = 'move' }", true, "2 of 2", &[12, 14]),
        (
            "of = 'spawn.exited'\nfollows = { of = 'move' }\nwithin = '999ms'",
            false,
            "0 of 2; the first other came 1s behind",
            &[12, 14],
        ),
        // An event does not follow itself, but the event of its kind before it.
        (
            "of = 'move'\nin = 'x'\nfollows = { of = 'move', in = 'x' }",
            false,
            "2 of 3; the first other came before any",
            &[16],
        ),
        ("of = 'move'\nin = 'x'\nfollows = { of = 'move' }\nwithin = '1.5s'", true, "3 of 3", &[12, 16]),
        // At one moment, the order of the log counts.
        (
            "of = 'move'\nwhere = { player = 'mary' }\nin = 'w'\nfollows = { of = 'spawn.started' }\nwithin = '2s'",
            true,
            "5 of 5",
            &[2, 12],
        ),
        (
            "of = 'spawn.started'\nin = 'first'\nfollows = { of = 'move', in = 'w' }",
            false,
            "0 of 1; the first other came before any",
            &[2],
        ),
    ];
    assert_both_ways(WAVES, rows, &["--clock", "virtual"]);
}

#[test]
fn lines_of_one_read_are_told_apart() {
    let scenario =
        "tick = '0s'\n[presets.p]\ncommand = ['printf', 'a\\nb\\nab\\n']\n[[timeline]]\nspawn = 'p'\n";
    // 0 run.started, 1 spawn.started, 2 to 4 the lines, 5 spawn.exited
    let rows: &[Row] = &[
        ("of = 'line'\nequals = 3", true, "3", &[4]),
        ("of = 'line'\nwhere = { text = 'a' }\nequals = 2", true, "2", &[4]),
        ("of = 'line'\nwhere = { text = '^b$' }\nequals = 1", true, "1", &[3]),
        ("of = 'line'\nwhere = { text = '\\n' }\nequals = 0", true, "0", &[]),
        ("of = 'line'\nwhere = { stream = 'stderr' }\nnever = true", true, "0", &[]),
        ("of = 'line'\nwhere = { partial = false }\nin = 'p'\nat_most = 2", false, "3", &[4]),
        ("of = 'spawn.exited'\nfollows = { of = 'line', where = { text = 'ab' } }", true, "1 of 1", &[4, 5]),
        (
            "of = 'line'\nwhere = { text = '^b$' }\nfollows = { of = 'line', where = { text = '^ab$' } }",
            false,
            "0 of 1; the first other came before any",
            &[3],
        ),
    ];
    assert_both_ways(scenario, rows, &[]);
}

#[test]
fn answers_are_measured() {
    let server = serve(|path, _| match path {
        "/missing" => answer("404 Not Found", "", "no"),
        _ => answer("200 OK", "", "x".repeat(1000)),
    });
    let scenario = format!(
        "tick = '0s'\n[fetches.f]\nurls = ['http://{server}/', 'http://{server}/missing']\nmode = 'sequential'\n\
         status = [200, 404]\n[fetches.gone]\nurls = ['http://127.0.0.1:1/']\n\
         [[timeline]]\nid = 'get'\nfetch = 'f'\n"
    );
    // 0 run.started, 1 fetch.started, 2 responded, 3 finished, 4 started, 5 responded, 6 finished
    let rows: &[Row] = &[
        ("of = 'fetch.bytes'\nstat = 'sum'\nequals = 1002", true, "1002 bytes", &[6]),
        ("of = 'fetch.bytes'\nstat = 'max'\nat_most = '1kB'", true, "1000 bytes", &[3]),
        ("of = 'fetch.bytes'\nstat = 'max'\nbelow = '1kB'", false, "1000 bytes", &[3]),
        (
            "of = 'fetch.bytes'\nin = 'get'\nwhere = { status = 404 }\nstat = 'mean'\nequals = '2B'",
            true,
            "2 bytes",
            &[6],
        ),
        ("of = 'fetch.bytes'\nstat = 'p50'\nequals = 2", true, "2 bytes", &[3]),
        ("of = 'fetch.finished'\nin = 'f'\nwhere = { status = 200, ok = true }\nequals = 1", true, "1", &[3]),
        ("of = 'fetch.started'\nwhere = { url = '/missing$', method = 'GET' }\nequals = 1", true, "1", &[4]),
        ("of = 'fetch.responded'\nin = 'f'\nwhere = { version = '1\\.1' }\nequals = 2", true, "2", &[5]),
        ("of = 'fetch.failed'\nin = 'gone'\nnever = true", true, "0", &[]),
    ];
    assert_both_ways(&scenario, rows, &[]);

    let folder = Folder::new();
    let rules = "[[expect]]\nof = 'fetch.took'\nin = 'f'\nstat = 'p95'\nbelow = '1h'\n\
                 [[expect]]\nof = 'fetch.first_byte'\nstat = 'min'\nabove = '1h'\n\
                 [[expect]]\nof = 'fetch.took'\nin = 'gone'\nstat = 'max'\nbelow = '1h'\n";
    let (ended, log) = folder.run(&format!("{scenario}{rules}"), &[]);
    ended.expect(1);
    let oks: Vec<_> = outcomes(&told(&log)).into_iter().map(|(ok, got, _)| (ok, got.is_empty())).collect();
    assert_eq!(oks, [(true, false), (false, false), (false, true)]);
}

#[test]
fn what_failed_to_start_is_still_of_its_preset() {
    let scenario = "tick = '0s'\n[presets.p]\ncommand = ['./not-there']\n[presets.q]\ncommand = ['true']\n\
                    [[timeline]]\nid = 'e'\nspawn = 'p'\n[[timeline]]\nspawn = 'q'\n";
    let rules = "[[expect]]\nof = 'spawn.failed'\nin = 'p'\nequals = 1\n\
                 [[expect]]\nof = 'spawn.failed'\nin = 'e'\nwhere = { error = 'not' }\nequals = 1\n\
                 [[expect]]\nof = 'spawn.failed'\nin = 'q'\nequals = 1\n";
    let folder = Folder::new();
    let (ended, log) = folder.run(&format!("{scenario}{rules}"), &[]);
    ended.expect(1);
    let oks: Vec<bool> = outcomes(&told(&log)).into_iter().map(|(ok, ..)| ok).collect();
    assert_eq!(oks, [true, true, false]);
    // The first thing that went wrong is the reason.
    assert!(log.last()["reason"].as_str().unwrap().contains("could not start"), "{}", log.last());
}

#[test]
fn of_one_name_all_count() {
    // The preset `a`, and an entry of this name that spawns another.
    let scenario = "[presets.a]\nplayers = [{ name = 'x', moves = 1, every = '1s' }]\n\
                    [presets.b]\nplayers = [{ name = 'y', moves = 2, every = '1s' }]\n\
                    [[timeline]]\nid = 'a'\nspawn = 'b'\n[[timeline]]\nspawn = 'a'\n[[timeline]]\nspawn = 'b'\n";
    let rows: &[Row] = &[
        ("of = 'move'\nin = 'a'\nequals = 3", true, "3", &[7]),
        ("of = 'move'\nin = 'b'\nequals = 4", true, "4", &[9]),
    ];
    assert_both_ways(&format!("tick = '0s'\n{scenario}"), rows, &["--clock", "virtual"]);
}
