//! The output, the files and the exit codes of the command.

use serde_json::{Value, json};

use crate::common::{Folder, Log};

const COUNTER: &str = r#"
name = "counter"
[shared]
a = 10
[presets.p]
players = [{ name = "t", count = 2, steps = ["load a", "add 1", "store a"] }]
[[timeline]]
spawn = "p"
"#;

const EXPECTED: &str = r#"
[[expect]]
name = "nothing is lost"
of = "shared.a"
stat = "value"
equals = 12
[[expect]]
of = "step"
at_least = 6
"#;

const DEADLOCK: &str = r#"
[presets.p]
players = [
  { name = "x", steps = ["lock m", "lock n", "unlock n", "unlock m"] },
  { name = "y", steps = ["lock n", "lock m", "unlock m", "unlock n"] },
]
[[timeline]]
spawn = "p"
"#;

fn json(folder: &Folder, options: &[&str], exit: i32) -> Value {
    let arguments = [&["explore", "s.toml", "--format", "json"], options].concat();
    serde_json::from_str(&folder.scenario(&arguments).end().expect(exit).stdout).unwrap()
}

#[test]
fn what_is_expected_is_judged() {
    let folder = Folder::new();
    folder.file("s.toml", format!("{COUNTER}{EXPECTED}"));
    let all = json(&folder, &["--exhaustive"], 1);
    assert_eq!((&all["count"], &all["passes"]), (&json!("20"), &json!(false)));
    assert_eq!(all["outcomes"][0]["outcome"], "failed");
    assert_eq!(all["outcomes"][1]["outcome"], "passed");
    assert_eq!(all["expected"].as_array().unwrap().len(), 1);
    assert_eq!(all["expected"][0]["missed"], "18");
    assert_eq!(all["not_judged"], json!(["step: at least 6"]));

    let seeds = json(&folder, &["--seeds", "100"], 1);
    assert_eq!(seeds["count"], "100");
    assert_eq!(seeds["expected"].as_array().unwrap().len(), 2);
    let missed: u64 = seeds["expected"][0]["missed"].as_str().unwrap().parse().unwrap();
    assert!((1..100).contains(&missed));
    assert_eq!(seeds["expected"][1]["missed"], "0");
    // The reported seed misses it.
    let first = seeds["expected"][0]["first"]["seed"].to_string();
    let ended =
        folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "-", "--seed", &first]).end();
    assert!(ended.expect(1).stdout.contains(r#""name":"nothing is lost","ok":false"#));
}

#[test]
fn an_expectation_that_is_not_judged_never_passes() {
    let folder = Folder::new();
    folder.file("s.toml", format!("{COUNTER}[[expect]]\nof = \"step\"\nat_least = 6\n"));
    let open = json(&folder, &["--exhaustive"], 1);
    assert_eq!((&open["passes"], &open["not_judged"]), (&Value::Null, &json!(["step: at least 6"])));
    let said = folder.scenario(&["explore", "s.toml", "--exhaustive"]).end().expect(1).stderr;
    assert!(said.contains("error: 1 expectation is not judged: step: at least 6\n"), "{said}");
    let junit =
        folder.scenario(&["explore", "s.toml", "--exhaustive", "--junit", "-"]).end().expect(1).stdout;
    assert!(junit.contains("errors=\"1\"") && junit.contains("type=\"not judged\""), "{junit}");
    let cells = json(&folder, &["--exhaustive", "--judge-cells-only"], 0);
    assert_eq!(cells["passes"], true);
    assert_eq!(json(&folder, &["--seeds", "20"], 0)["passes"], true);
}

#[test]
fn without_expectations_every_outcome_is_as_expected() {
    let folder = Folder::new();
    folder.file("s.toml", COUNTER);
    let all = json(&folder, &["--exhaustive"], 0);
    assert_eq!(all["outcomes"][0]["count"], "18");
    assert_eq!(all["outcomes"][0]["shared"], json!({ "a": 11 }));
    assert_eq!(all["outcomes"][1]["shared"], json!({ "a": 12 }));
    let shown = folder.scenario(&["explore", "s.toml", "--exhaustive"]).end().expect(0);
    assert!(shown.stdout.starts_with("counter: 20 interleavings, 21 states, 2 outcomes"), "{}", shown.stdout);
    assert_eq!(shown.stderr, "", "no progress where there is no terminal");
}

#[test]
fn a_deadlock_is_an_outcome_and_fails() {
    let folder = Folder::new();
    folder.file("s.toml", DEADLOCK);
    let all = json(&folder, &["--exhaustive"], 1);
    let dead = all["outcomes"].as_array().unwrap().iter().find(|one| one["deadlock"] == true).unwrap();
    assert_eq!(dead["waiting"], json!({ "x": "n", "y": "m" }));
    assert_eq!(dead["count"], "2");
    let ended = folder.scenario(&["explore", "s.toml", "--exhaustive", "--junit", "-"]).end().expect(1);
    assert!(ended.stdout.starts_with("<?xml"), "{}", ended.stdout);
    assert!(ended.stdout.contains("2 of 6 interleavings failed"), "{}", ended.stdout);
}

#[test]
fn logs_of_the_outcomes_replay() {
    let folder = Folder::new();
    folder.file("s.toml", COUNTER);
    folder.scenario(&["explore", "s.toml", "--exhaustive", "--log", "w.jsonl"]).end().expect(0);
    for (name, value) in [("w.jsonl", 11), ("w-2.jsonl", 12)] {
        let log = Log::read(&folder.path().join(name));
        assert!(log.of("run.started")[0]["schedule"].is_array());
        assert_eq!(log.last()["shared"], json!({ "a": value }));
        folder.scenario(&["replay", name]).end().expect(0);
        folder.scenario(&["extract", name]).end().expect(0);
        folder.scenario(&["report", name]).end().expect(0);
    }
    // An existing log is not overwritten without `--force`.
    let again = ["explore", "s.toml", "--exhaustive", "--log", "w.jsonl"];
    folder.scenario(&again).end().expect(4);
    folder.scenario(&[&again[..], &["--force", "--outcome", "2"]].concat()).end().expect(0);
    assert_eq!(Log::read(&folder.path().join("w.jsonl")).last()["shared"], json!({ "a": 12 }));
    folder.scenario(&[&again[..], &["--force", "--outcome", "3"]].concat()).end().expect(2);
    folder.scenario(&["explore", "s.toml", "--seeds", "20", "--log", "seeds.jsonl"]).end().expect(0);
    folder.scenario(&["replay", "seeds.jsonl", "seeds-2.jsonl"]).end().expect(0);
    // Another schedule is another run.
    let text = String::from_utf8(Log::read(&folder.path().join("w-2.jsonl")).bytes).unwrap();
    folder.file("edited.jsonl", text.replacen("\"schedule\":[0,", "\"schedule\":[1,", 1));
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
    folder.file("edited.jsonl", text.replacen("\"schedule\":[0,", "\"schedule\":[4294967295,", 1));
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
    folder.file("edited.jsonl", text.replacen("\"schedule\":[0,", "\"schedule\":[-1,", 1));
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(5);
}

#[test]
fn what_cannot_be_explored_is_told() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"true\"]\n");
    for how in [&["--exhaustive"][..], &["--seeds", "3"]] {
        let ended = folder.scenario(&[&["explore", "s.toml"], how].concat()).end().expect(2);
        assert!(ended.stderr.contains("the virtual clock cannot run a program"), "{}", ended.stderr);
    }
    folder.file("s.toml", COUNTER.replace("count = 2", "count = 20"));
    let ended =
        folder.scenario(&["explore", "s.toml", "--exhaustive", "--max-states", "1000"]).end().expect(4);
    assert!(ended.stderr.contains("more than 1000 states"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    for wrong in [&["--seeds", "3", "--exhaustive"][..], &["--seeds", "0"], &["--seeds", "3", "--seed", "1"]]
    {
        folder.scenario(&[&["explore", "s.toml"], wrong].concat()).end().expect(2);
    }
}

#[test]
fn anything_that_runs_in_virtual_time_can_be_explored() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\nplayers = [{ name = \"j\", moves = 3, every = \"0s..1s\" }]\n[[timeline]]\nspawn = \"p\"\n");
    assert_eq!(json(&folder, &["--exhaustive"], 0)["count"], "1");
    assert_eq!(json(&folder, &["--seeds", "30"], 0)["outcomes"][0]["count"], "30");
    folder.file("s.toml", "time_limit = \"1s\"\n[presets.p]\nplayers = [{ name = \"j\", steps = [\"pause 1h\"] }]\n[[timeline]]\nspawn = \"p\"\n");
    let all = json(&folder, &["--exhaustive"], 1);
    assert_eq!(all["outcomes"][0]["reason"], "the time limit of 1s is over");
    folder.file("s.toml", "tick = \"0s\"");
    assert_eq!(json(&folder, &["--exhaustive"], 0)["count"], "1");
}
