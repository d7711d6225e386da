//! Spawns at a rate: their moments are those of the requests of an open loop.

use serde_json::Value;

use crate::common::{Folder, Log};

const PLAYERS: &str =
    "tick = \"0s\"\n[presets.p]\nplayers = [{ name = \"john\", moves = 1, every = \"10ms\" }]\n";

/// Runs an entry with these keys on the virtual clock, and replays its log.
#[track_caller]
fn run(keys: &str, rest: &str, code: i32) -> (Folder, Log) {
    let folder = Folder::new();
    let text = format!("{PLAYERS}[[timeline]]\nid = \"w\"\nspawn = \"p\"\n{keys}\n{rest}");
    let (ended, log) = folder.run(&text, &["--clock", "virtual", "--seed", "2018"]);
    ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    (folder, log)
}

/// The planned moments of the spawns of the entry, in nanoseconds.
fn dues(log: &Log) -> Vec<u64> {
    let nanoseconds = |value: &Value| (value.as_f64().unwrap() * 1e9).round() as u64;
    let own = log.of("spawn.started").into_iter().filter(|event| event["entry"] == "w");
    own.map(|event| nanoseconds(&event["due"])).collect()
}

#[test]
fn a_rate_spawns_evenly_from_its_start() {
    let (_, log) = run("at = \"1s\"\nrate = \"4/s\"\nfor = \"1s\"", "", 0);
    assert_eq!(dues(&log), [1_000_000_000, 1_250_000_000, 1_500_000_000, 1_750_000_000]);
    let (_, log) = run("rate = \"3/s\"\ntimes = 3\ncount = 2", "", 0);
    assert_eq!(dues(&log), [0, 0, 333_333_333, 333_333_333, 666_666_666, 666_666_666]);
    let (_, log) = run("rate = \"1/s\"\ntimes = 10\nfor = \"1500ms\"", "", 0);
    assert_eq!(dues(&log), [0, 1_000_000_000]);
}

#[test]
fn a_ramp_spawns_as_many_as_its_area() {
    let ramp = "rate = [{ at = \"0s\", to = \"0/s\" }, { at = \"500ms\", to = \"400/s\" }]\nfor = \"700ms\"";
    let (folder, log) = run(ramp, "[[timeline]]\nafter = \"w.finished\"\nmark = \"all\"\n", 0);
    let dues = dues(&log);
    // 100 under the slope, the nth at sqrt(n / 400) seconds, and 80 after it.
    assert_eq!(dues.len(), 180);
    assert_eq!([dues[0], dues[25], dues[100], dues[101]], [0, 250_000_000, 500_000_000, 502_500_000]);
    let last = dues.last().unwrap() + 10_000_000;
    assert_eq!(log.of("mark")[0]["due"].as_f64().map(|due| (due * 1e9).round() as u64), Some(last));
    let plan = folder.scenario(&["plan", "s.toml", "--format", "json"]).end().expect(0).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(plan["timeline"].as_array().unwrap().len(), 181, "{plan}");
    assert_eq!(plan["end"]["earliest"], plan["end"]["latest"], "an even rate leaves nothing to chance");
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("to = \"400/s\""), "{extracted}");
    folder.file("again.toml", extracted);
    folder.scenario(&["check", "again.toml"]).end().expect(0);
}

#[test]
fn moments_by_chance_come_from_the_seed_and_the_entry_alone() {
    let keys = "rate = \"100/s\"\ntimes = 50\narrivals = \"poisson\"";
    let (_, alone) = run(keys, "", 0);
    let other = format!(
        "[[timeline]]\nid = \"x\"\nspawn = \"p\"\n{keys}\n[[timeline]]\nspawn = \"p\"\nevery = \"1s\"\ntimes = 3\n"
    );
    let (_, among) = run(keys, &other, 0);
    assert_eq!(dues(&alone), dues(&among), "other entries change nothing");
    assert_eq!(dues(&alone)[..3], GOLDEN);
    let gaps: Vec<u64> = dues(&alone).windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<u64>() / gaps.len() as u64;
    assert!((7_000_000..13_000_000).contains(&mean) && gaps.iter().any(|gap| *gap < 3_000_000), "{gaps:?}");
}
const GOLDEN: [u64; 3] = [21_921_072, 25_173_791, 28_924_671];

#[test]
fn a_rate_without_a_moment_in_its_time_is_over_with_it() {
    let keys = "rate = \"0.000001/h\"\narrivals = \"poisson\"\nfor = \"2s\"";
    let (_, log) = run(keys, "", 0);
    assert_eq!((dues(&log).len(), log.last()["took"].as_f64()), (0, Some(2.0)));
    let (_, log) = run(keys, "[[timeline]]\nafter = \"w.started\"\nmark = \"x\"\n", 1);
    assert_eq!(log.last()["reason"], "`#2` waits for `started` of `w`, which never started");
}

#[test]
fn wrong_rates_of_entries_are_told() {
    let folder = Folder::new();
    let told = |keys: &str| {
        folder.file("s.toml", format!("{PLAYERS}[[timeline]]\n{keys}\n"));
        folder.scenario(&["check", "s.toml"]).end().expect(2).stderr
    };
    for (keys, wanted) in [
        ("spawn = \"p\"\nrate = \"5/s\"", "`rate` needs `times` or `for`"),
        (
            "spawn = \"p\"\nrate = \"5/s\"\nevery = \"1s\"\ntimes = 2",
            "`rate` cannot be used together with `every`",
        ),
        ("mark = \"x\"\nrate = \"5/s\"\ntimes = 2", "`rate` can be used only together with `spawn`"),
        ("spawn = \"p\"\narrivals = \"poisson\"", "`arrivals` can be used only together with `rate`"),
        ("spawn = \"p\"\nrate = 5\ntimes = 2", "a rate is a string with a unit"),
        ("spawn = \"p\"\nrate = \"0/s\"\ntimes = 2", "at this rate there are no requests at all"),
        ("spawn = \"p\"\ntimes = 2", "`times` needs `every` or `rate`"),
        (
            "spawn = \"p\"\ntimes = 200\nrate = [{ at = \"0s\", to = \"10/s\" }, { at = \"10s\", to = \"0/s\" }]",
            "this number is never reached: the rate ends at 0, after 50 spawns",
        ),
        ("spawn = \"p\"\nrate = \"1000000/s\"\nfor = \"1h\"", "at this rate there are 3600000000 spawns"),
        (
            "spawn = \"p\"\nfor = \"5s\"\nrate = [{ at = \"9s\", to = \"0/s\" }, { at = \"9s\", to = \"5/s\" }]",
            "no spawn starts within this time",
        ),
        (
            "spawn = \"p\"\ntimes = 1000000000\nrate = \"1/h\"",
            "at this rate the last spawn would start more than",
        ),
    ] {
        let told = told(keys);
        assert!(told.contains(wanted), "{keys}\n{told}");
    }
}
