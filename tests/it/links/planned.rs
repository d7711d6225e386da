//! Changes on the timeline: what follows from the seed, what waits for what, and what expectations see.

use crate::common::{Folder, free_port};

fn links() -> String {
    format!("tick = \"0s\"\n[links.db]\nlisten = \"127.0.0.1:{}\"\nto = \"127.0.0.1:9\"\n", free_port())
}

const NEMESIS: &str = "[[timeline]]\nid = \"nemesis\"\nlink = { name = \"db\", latency = \"80ms..200ms\", for = \"40ms\" }\n\
    every = \"10ms..60ms\"\ntimes = 8\n[[timeline]]\nid = \"cuts\"\nlink = { name = \"db\", cut = \"both\", for = \"30ms\" }\n\
    every = { exponential = \"50ms\" }\ntimes = 5\n";

#[test]
fn the_moments_of_a_nemesis_are_the_seeds() {
    let folder = Folder::new();
    folder.file("s.toml", links() + NEMESIS);
    for (log, seed) in [("a.jsonl", "1"), ("b.jsonl", "1"), ("c.jsonl", "2")] {
        folder.scenario(&["run", "s.toml", "--log", log, "--seed", seed]).end().expect(0);
        folder.scenario(&["replay", log]).end().expect(0);
    }
    let moments = |log: &str| -> Vec<String> {
        let log = crate::common::Log::read(&folder.path().join(log));
        let mut own: Vec<String> = log
            .of("link.changed")
            .iter()
            .map(|event| format!("{} {} {}", event["due"], event["entry"], event["undone"]))
            .collect();
        own.sort();
        own
    };
    assert_eq!(moments("a.jsonl"), moments("b.jsonl"));
    assert_ne!(moments("a.jsonl"), moments("c.jsonl"));
    assert_eq!(moments("a.jsonl").len(), 26, "each is undone");
    // In virtual time it is the same schedule, and two runs are the same bytes. Nothing listens.
    for log in ["v.jsonl", "w.jsonl"] {
        let run = ["run", "s.toml", "--clock", "virtual", "--seed", "1", "--log", log];
        folder.scenario(&run).end().expect(0);
    }
    assert_eq!(moments("v.jsonl"), moments("a.jsonl"));
    let [one, other] = ["v.jsonl", "w.jsonl"].map(|log| std::fs::read(folder.path().join(log)).unwrap());
    assert_eq!(one, other);
    folder.scenario(&["replay", "v.jsonl"]).end().expect(0);
}

#[test]
fn two_runs_of_one_seed_have_the_same_source() {
    let folder = Folder::new();
    // No two changes are so close that a slow machine could turn them round.
    folder.file("s.toml", links() + "[[timeline]]\nlink = { name = \"db\", slice = \"10B\", for = \"1s\" }\n\
        [[timeline]]\nid = \"n\"\nlink = { name = \"db\", cut = \"to\" }\nevery = \"10ms..30ms\"\ntimes = 4\n");
    for log in ["a.jsonl", "b.jsonl"] {
        folder.scenario(&["run", "s.toml", "--log", log, "--seed", "3"]).end().expect(0);
    }
    folder.scenario(&["diff", "a.jsonl", "b.jsonl", "--level", "source"]).end().expect(0);
}

#[test]
fn an_entry_with_a_time_finishes_when_it_is_undone() {
    let folder = Folder::new();
    let text = links()
        + "[[timeline]]\nid = \"cut\"\nlink = { name = \"db\", cut = \"both\", for = \"300ms\" }\n\
           [[timeline]]\nafter = \"cut.finished\"\nmark = \"well\"\n\
           [[timeline]]\nafter = \"cut.started\"\nmark = \"ill\"\n\
           [[expect]]\nof = \"link.changed\"\nin = \"cut\"\nequals = 2\n\
           [[expect]]\nof = \"mark\"\nsince = \"cut.finished\"\nequals = 1\n\
           [[expect]]\nof = \"link.changed\"\nwhere = { link = \"db\", cut = \"both\" }\nequals = 1\n";
    let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
    ended.expect(0);
    let at =
        |text: &str| log.of("mark").into_iter().find(|mark| mark["text"] == text).unwrap()["t"].to_string();
    assert_eq!((at("ill"), at("well")), ("0.0".to_owned(), "0.3".to_owned()));
    assert_eq!(log.last()["took"].to_string(), "0.3", "the run waits for it");
}

#[test]
fn to_heal_ends_what_had_a_time() {
    let folder = Folder::new();
    let text = links()
        + "[[timeline]]\nid = \"cut\"\nlink = { name = \"db\", cut = \"both\", for = \"1h\" }\n\
           [[timeline]]\nid = \"slow\"\nlink = { name = \"db\", latency = \"1s\" }\n\
           [[timeline]]\nat = \"2s\"\nlink = { name = \"db\", heal = true }\n\
           [[timeline]]\nafter = \"cut.finished\"\nmark = \"well\"\n";
    let (ended, log) = folder.run(&text, &["--clock", "virtual"]);
    ended.expect(0);
    assert_eq!(log.last()["took"].to_string(), "2.0");
    let last = log.of("link.changed")[2];
    assert!(last.get("cut").is_none() && last.get("latency").is_none() && last["undone"] == true, "{last}");
}

#[test]
fn a_plan_shows_the_changes() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        links() + "[[timeline]]\nid = \"cut\"\nlink = { name = \"db\", cut = \"both\", for = \"3s\" }\n",
    );
    let plan = folder.scenario(&["plan", "s.toml"]).end().expect(0).stdout;
    assert!(plan.contains("db: cut both") && plan.contains("db: all is well again"), "{plan}");
    assert!(plan.contains("3.000 s"), "{plan}");
}
