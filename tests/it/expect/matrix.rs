//! Every subject with every statistic of it, compared in every way to a limit just below it, at it and just
//! above it, with and without `never`. The wanted results are computed here, from the lines of the log alone.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::{Folder, Log, answer, serve};
use crate::expect::{expected_of_log, told};

/// A key, and the orderings of a statistic and its limit that it allows.
type Holds = (&'static str, fn(Ordering) -> bool);

const HOLDS: [Holds; 5] = [
    ("below", Ordering::is_lt),
    ("at_most", Ordering::is_le),
    ("equals", Ordering::is_eq),
    ("at_least", Ordering::is_ge),
    ("above", Ordering::is_gt),
];

const FIGURES: [&str; 13] =
    ["count", "rate", "sum", "min", "mean", "max", "p0.001", "p1", "p50", "p90", "p95", "p99", "p99.9"];

/// The most expectations that a file may have.
const MOST: usize = 200;

/// Converts seconds of the log to nanoseconds.
fn nanoseconds(value: &Value) -> u128 {
    (value.as_f64().unwrap() * 1e9).round() as u128
}

/// The values of a subject in a log; of events only the number counts.
fn values(log: &Log, of: &str) -> Vec<u128> {
    let finished = |read: &dyn Fn(&Value) -> u128| log.of("fetch.finished").into_iter().map(read).collect();
    match of {
        "spawn.took" => {
            let started: BTreeMap<&str, u128> = log
                .of("spawn.started")
                .into_iter()
                .map(|event| (event["source"].as_str().unwrap(), nanoseconds(&event["t"])))
                .collect();
            let took = |event: &Value| nanoseconds(&event["t"]) - started[event["source"].as_str().unwrap()];
            log.of("spawn.exited").into_iter().map(took).collect()
        }
        "lateness" => {
            let late = |event: &Value| nanoseconds(&event["t"]) - nanoseconds(&event["due"]);
            log.events.iter().filter(|event| !event["due"].is_null()).map(late).collect()
        }
        "fetch.took" => finished(&|event| nanoseconds(&event["took"])),
        "fetch.first_byte" => finished(&|event| nanoseconds(&event["timings"]["first_byte"])),
        "spawn.cpu" => log.of("spawn.exited").iter().map(|event| nanoseconds(&event["cpu"])).collect(),
        "fetch.bytes" => finished(&|event| event["bytes"].as_u64().unwrap().into()),
        "run.took" => vec![nanoseconds(&log.last()["took"])],
        event => log.of(event).iter().map(|_| 0).collect(),
    }
}

/// A statistic of these values as a fraction. A rate is in thousandths per second.
fn figure(stat: &str, values: &[u128], lasted: u128) -> (u128, u128) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let count = sorted.len() as u128;
    match stat {
        "count" => (count, 1),
        "rate" => (count * 1_000_000_000_000, lasted),
        "sum" => (sorted.iter().sum(), 1),
        "min" | "value" => (sorted[0], 1),
        "mean" => (sorted.iter().sum(), count),
        "max" => (sorted[sorted.len() - 1], 1),
        percentile => {
            // The nearest rank: of n values the ceil(p / 100 * n)th, from the smallest on.
            let thousandths = (percentile[1..].parse::<f64>().unwrap() * 1_000.0).round() as u128;
            let rank = (count * thousandths).div_ceil(100_000);
            (sorted[rank as usize - 1], 1)
        }
    }
}

/// A limit in the unit of its statistic.
fn written(of: &str, stat: &str, limit: u128) -> String {
    match (of, stat) {
        (_, "count") => limit.to_string(),
        (_, "rate") => format!("'{}.{:03}/s'", limit / 1_000, limit % 1_000),
        ("fetch.bytes", _) => format!("'{limit}B'"),
        _ => format!("'{limit}ns'"),
    }
}

/// One expectation, without its wanted result.
struct Asked {
    of: &'static str,
    stat: &'static str,
    holds: usize,
    limit: u128,
    never: bool,
}

impl Asked {
    fn rule(&self, n: usize) -> String {
        let Asked { of, stat, holds, limit, never } = self;
        let (holds, limit) = (HOLDS[*holds].0, written(of, stat, *limit));
        format!(
            "[[expect]]\nname = '{n}'\nof = '{of}'\nstat = '{stat}'\n{holds} = {limit}\nnever = {never}\n"
        )
    }

    /// Whether it holds for a run.
    fn ok(&self, log: &Log) -> bool {
        let lasted = nanoseconds(&log.last()["took"]);
        let (over, under) = figure(self.stat, &values(log, self.of), lasted);
        HOLDS[self.holds].1(over.cmp(&(self.limit * under))) != self.never
    }
}

/// All expectations about these subjects.
fn all(log: &Log, subjects: &[&'static str]) -> Vec<Asked> {
    let mut all = Vec::new();
    for of in subjects {
        let values = values(log, of);
        assert!(!values.is_empty(), "there is no {of}");
        let is_event = !of.contains("took")
            && !["lateness", "fetch.first_byte", "fetch.bytes", "spawn.cpu"].contains(of);
        let stats = match *of {
            "run.took" => &["value"][..],
            _ if is_event => &FIGURES[..2],
            _ => &FIGURES,
        };
        for stat in stats {
            let (over, under) = figure(stat, &values, nanoseconds(&log.last()["took"]));
            let floor = over / under;
            for limit in floor.saturating_sub(1)..=floor + 1 {
                for (holds, never) in (0..HOLDS.len()).flat_map(|holds| [(holds, false), (holds, true)]) {
                    // An expectation that can never hold is refused before the run.
                    let is_refused = limit == 0 && [(0, false), (3, true)].contains(&(holds, never));
                    if !is_refused {
                        all.push(Asked { of, stat, holds, limit, never });
                    }
                }
            }
        }
    }
    all
}

fn rules(asked: &[Asked]) -> String {
    asked.iter().enumerate().map(|(n, asked)| asked.rule(n)).collect()
}

#[track_caller]
fn assert_told(asked: &[Asked], expected: &[Value], log: &Log, how: &str) {
    assert_eq!(asked.len(), expected.len());
    for (n, (asked, expected)) in asked.iter().zip(expected).enumerate() {
        assert_eq!(expected["ok"], asked.ok(log), "{how}: {}: {expected}", asked.rule(n));
    }
}

/// Counts the expectations that hold and those that do not: a test in which all had one result would show
/// nothing.
fn assert_both(asked: &[Asked], log: &Log) {
    let held = asked.iter().filter(|asked| asked.ok(log)).count();
    assert!(held > asked.len() / 3 && held < asked.len() * 2 / 3, "{held} of {} hold", asked.len());
}

#[test]
fn what_players_do_is_judged_as_the_log_says() {
    // Eight seconds, so that rates are round numbers; 400 spawns, more than the number up to which
    // percentiles are exact.
    let scenario = "seed = 7\n[presets.p]\nplayers = [{ name = 'x', moves = 1, every = '0s..7s' }]\n\
        [presets.end]\nplayers = [{ name = 'y', moves = 1, every = '8s' }]\n\
        [[timeline]]\nspawn = 'p'\ncount = 400\n[[timeline]]\nspawn = 'end'\n";
    let folder = Folder::new();
    let (_, log) = folder.run(scenario, &["--clock", "virtual"]);
    assert_eq!(log.last()["took"], 8.0);
    let subjects =
        ["move", "spawn.started", "spawn.exited", "clock.tick", "spawn.took", "lateness", "run.took"];
    let all = all(&log, &subjects);
    assert_both(&all, &log);
    for asked in all.chunks(MOST) {
        folder.file("rules.toml", rules(asked));
        assert_told(asked, &expected_of_log(&folder, "rules.toml", 1), &log, "on the log");
        let other = Folder::new();
        let (ended, run) = other.run(&format!("{scenario}{}", rules(asked)), &["--clock", "virtual"]);
        ended.expect(1);
        assert_told(asked, &told(&run), &run, "in the run");
        other.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

#[test]
fn what_servers_and_programs_do_is_judged_as_the_log_says() {
    let server = serve(|path, _| answer("200 OK", "", "x".repeat(path.len() * path.len())));
    let urls: Vec<String> =
        (0..20).map(|n| format!("'http://{server}/{}'", "a".repeat(n * 7 % 20))).collect();
    let scenario = format!(
        "tick = '10ms'\n[presets.p]\ncommand = ['sh', '-c', 'echo one; echo two >&2']\n\
         [fetches.f]\nurls = [{}]\nmode = 'sequential'\n\
         [[timeline]]\nspawn = 'p'\ncount = 5\n[[timeline]]\nfetch = 'f'\n",
        urls.join(", ")
    );
    let folder = Folder::new();
    let (_, log) = folder.run(&scenario, &[]);
    let subjects = [
        "line",
        "spawn.took",
        "spawn.cpu",
        "lateness",
        "fetch.started",
        "fetch.finished",
        "fetch.took",
        "fetch.first_byte",
        "fetch.bytes",
        "run.took",
    ];
    let all = all(&log, &subjects);
    assert_both(&all, &log);
    for asked in all.chunks(MOST) {
        folder.file("rules.toml", rules(asked));
        assert_told(asked, &expected_of_log(&folder, "rules.toml", 1), &log, "on the log");
        // Another run has other times; its own log shows the wanted results for the same limits.
        let other = Folder::new();
        let (ended, run) = other.run(&format!("{scenario}{}", rules(asked)), &[]);
        ended.expect(1);
        assert_told(asked, &told(&run), &run, "in the run");
        other.scenario(&["replay", "log.jsonl"]).end().expect(0);
    }
}

#[test]
fn a_cell_is_judged_by_its_last_value() {
    const LAST: i64 = -3;
    let scenario = "tick = '0s'\n[shared]\na = 10\n[presets.p]\n\
        players = [{ name = 'x', steps = ['load a', 'add -13', 'store a'] }]\n[[timeline]]\nspawn = 'p'\n";
    let (mut rules, mut wanted) = (String::new(), Vec::new());
    for (holds, is) in HOLDS {
        for (limit, never) in (LAST - 1..=LAST + 1).flat_map(|limit| [(limit, false), (limit, true)]) {
            let n = wanted.len();
            rules +=
                &format!("[[expect]]\nname = '{n}'\nof = 'shared.a'\n{holds} = {limit}\nnever = {never}\n");
            wanted.push(is(LAST.cmp(&limit)) != never);
        }
    }
    let ok = |expected: &[Value]| -> Vec<bool> {
        expected.iter().map(|one| one["ok"].as_bool().unwrap()).collect()
    };
    for clock in ["real", "virtual"] {
        let folder = Folder::new();
        let (ended, log) = folder.run(&format!("{scenario}{rules}"), &["--clock", clock]);
        ended.expect(1);
        assert_eq!(ok(&told(&log)), wanted, "{clock}");
        folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
        folder.run(scenario, &["--clock", clock]).0.expect(0);
        folder.file("rules.toml", &rules);
        assert_eq!(ok(&expected_of_log(&folder, "rules.toml", 1)), wanted, "{clock}, on the log");
    }
}
