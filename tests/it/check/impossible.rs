//! Warnings about what can never be as wanted: entries after the time limit, counts that the timeline cannot
//! give, seeds that others read as another number.

use crate::common::Folder;

const MOVES: &str = "[presets.1]\nplayers = [{ name = \"john\", moves = 3, every = \"1s\" }]\n[[timeline]]\n\
     id = \"one\"\nspawn = \"1\"\n";

/// The heads of the warnings of a scenario without errors.
#[track_caller]
fn warnings(scenario: &str) -> Vec<String> {
    let folder = Folder::new();
    folder.file("s.toml", scenario);
    let said = folder.scenario(&["check", "s.toml"]).end().expect(0).stderr;
    said.lines().filter_map(|line| line.strip_prefix("warning: ")).map(ToOwned::to_owned).collect()
}

#[test]
fn an_entry_after_the_time_limit_is_a_warning() {
    let late = |timeline: &str| warnings(&format!("time_limit = \"2s\"\n{MOVES}[[timeline]]\n{timeline}\n"));
    assert_eq!(
        late("at = \"5s\"\nmark = \"x\""),
        ["this entry comes after 5s at the earliest, and `time_limit` is 2s"]
    );
    // Three moves with a pause of 1 s after each.
    assert_eq!(late("after = \"one.finished\"\nmark = \"x\"").len(), 1);
    assert_eq!(late("after = \"one.started\"\nat = \"3s\"\nmark = \"x\"").len(), 1);
    for in_time in ["at = \"2s\"\nmark = \"x\"", "after = \"one.started\"\nat = \"1s\"\nmark = \"x\""] {
        assert_eq!(late(in_time), [""; 0], "{in_time}");
    }
    // What is stopped ends before its time.
    let stopped = "after = \"one.finished\"\nmark = \"x\"\n[[timeline]]\nat = \"1s\"\nstop = \"one\"";
    assert_eq!(late(stopped), [""; 0]);
    assert_eq!(warnings(&format!("{MOVES}[[timeline]]\nat = \"5s\"\nmark = \"x\"\n")), [""; 0], "no limit");
}

#[test]
fn a_count_that_the_timeline_cannot_give_is_a_warning() {
    let expect = |scenario: &str, expected: &str| warnings(&format!("{scenario}[[expect]]\n{expected}\n"));
    let exactly = ["the timeline makes exactly 3 `move`"];
    for impossible in ["equals = 5", "equals = 2", "at_least = 4", "above = 3", "below = 3", "at_most = 2"] {
        assert_eq!(expect(MOVES, &format!("of = \"move\"\n{impossible}")), exactly, "{impossible}");
    }
    for possible in ["equals = 3", "at_least = 3", "above = 2", "below = 4", "at_most = 3"] {
        assert_eq!(expect(MOVES, &format!("of = \"move\"\n{possible}")), [""; 0], "{possible}");
        // Turned round, it never holds.
        assert_eq!(expect(MOVES, &format!("of = \"move\"\n{possible}\nnever = true")), exactly, "{possible}");
    }
    assert_eq!(
        expect(MOVES, "of = \"move\"\nin = \"one\"\nequals = 5"),
        ["the timeline makes exactly 3 `move` of `one`"]
    );
    // A condition on the moves may leave any number of them.
    assert_eq!(expect(MOVES, "of = \"move\"\nwhere = { direction = \"N\" }\nequals = 1"), [""; 0]);
    assert_eq!(
        expect(MOVES, "of = \"move\"\nwhere = { direction = \"N\" }\nequals = 4"),
        ["the timeline makes at most 3 `move`"]
    );
    // Guests and programs move in a world.
    assert_eq!(expect(&format!("{MOVES}[world]\nsize = [9, 9]\n"), "of = \"move\"\nequals = 5"), [""; 0]);
    let stopped = format!("{MOVES}[[timeline]]\nat = \"1s\"\nstop = \"one\"\n");
    assert_eq!(expect(&stopped, "of = \"move\"\nequals = 2"), [""; 0]);
    assert_eq!(expect(&stopped, "of = \"move\"\nequals = 4"), ["the timeline makes at most 3 `move`"]);
    let repeated = format!("{MOVES}[[timeline]]\nspawn = \"1\"\ncount = 2\nevery = \"1s\"\ntimes = 4\n");
    assert_eq!(expect(&repeated, "of = \"spawn.started\"\nequals = 9"), [""; 0]);
    assert_eq!(
        expect(&repeated, "of = \"spawn.started\"\nequals = 8"),
        ["the timeline makes exactly 9 `spawn.started`"]
    );
    let drawn = format!("{MOVES}[[timeline]]\nmark = \"x\"\nevery = \"1s..2s\"\nfor = \"10s\"\n");
    assert_eq!(expect(&drawn, "of = \"mark\"\nequals = 7"), [""; 0]);
    assert_eq!(expect(&drawn, "of = \"mark\"\nequals = 11"), ["the timeline makes 6 to 10 `mark`"]);
}

#[test]
fn failures_that_count_no_answers_are_a_warning() {
    let expect = |status: &str, expected: &str| {
        warnings(&format!(
            "[fetches.f]\nurls = [\"http://h\"]\nconnections = 1\nrequests = 9\nstatus = {status}\n\
             [fetches.one]\nurls = [\"http://h\"]\nstatus = \"any\"\n\
             [[timeline]]\nid = \"e\"\nfetch = \"f\"\n[[timeline]]\nfetch = \"one\"\n\
             [[expect]]\nof = \"fetch.failed\"\n{expected}\n"
        ))
    };
    let warned = ["`fetch.failed` counts no answers, whatever their status"];
    for limit in [
        "never = true",
        "at_most = 3",
        "equals = 0",
        "in = \"e\"\nbelow = 5",
        "in = \"f\"\nat_least = 2\nnever = true",
    ] {
        assert_eq!(expect("\"any\"", limit), warned, "{limit}");
        assert_eq!(expect("[200, \"5xx\"]", limit), warned, "{limit}");
        assert_eq!(expect("[200, \"4xx\"]", limit), [""; 0], "{limit}");
    }
    for other in ["at_least = 3", "in = \"one\"\nnever = true", "where = { kind = \"dns\" }\nnever = true"] {
        assert_eq!(expect("\"any\"", other), [""; 0], "{other}");
    }
}

#[test]
fn a_large_seed_is_a_warning_and_none_is_drawn() {
    let folder = Folder::new();
    folder.file("s.toml", "[[timeline]]\nmark = \"x\"\n");
    for n in 0..20 {
        let log = format!("{n}.jsonl");
        folder.scenario(&["run", "-q", "s.toml", "--clock", "virtual", "--log", &log]).end().expect(0);
        let log = crate::common::Log::read(&folder.path().join(log));
        assert!(log.events[0]["seed"].as_u64().unwrap() < 1 << 53, "{}", log.events[0]["seed"]);
    }
    let run =
        |seed| folder.scenario(&["run", "-q", "s.toml", "--clock", "virtual", "--log", "-", "--seed", seed]);
    assert_eq!(run("9007199254740992").end().expect(0).stderr, "");
    let large = run("9007199254740993").end().expect(0).stderr;
    assert!(large.starts_with("warning: the seed 9007199254740993 is above 2^53: jq, JavaScript"), "{large}");
}
