//! Real runs, again and again: what a seed decides is the same in each, and each replays.

use crate::common::Folder;

/// Players in the runner and in a process of their own, and programs, one of which starts when
/// another has said something, and one when it has ended.
const MIXED: &str = r#"
seed = 2018
tick = "100ms"
[presets.wave]
players = [
  { name = "john", moves = 6, every = "0s..80ms" },
  { name = "mary", count = 5, moves = 4, every = { exponential = "20ms" } },
]
[presets.apart]
players = [{ name = "bill", moves = 5, every = "0s..60ms" }, { name = "jane", moves = 3, every = "10ms" }]
isolation = "process"
[presets.talker]
command = ["sh", "-c", "for n in 1 2 3; do echo out $n; echo err $n >&2; done; echo ready; exit 3"]
exits = 3
[presets.server]
command = ["sh", "-c", "echo up; while read line; do echo got $line; done"]
stdin = "open"
background = true
[[timeline]]
id = "server"
spawn = "server"
[[timeline]]
id = "talk"
at = "20ms"
spawn = "talker"
count = 3
[[timeline]]
spawn = "wave"
at = "10ms"
every = { choice = ["30ms", "50ms"] }
times = 3
[[timeline]]
after = { line = "up", of = "server" }
at = "30ms"
send = { to = "server", text = "hello" }
[[timeline]]
spawn = "apart"
after = "talk.finished"
[[timeline]]
mark = "half"
at = "90ms"
[[timeline]]
spawn = "talker"
after = "talk.finished"
at = "40ms"
"#;

#[test]
fn twenty_real_runs_of_a_seed_are_the_same_at_level_source() {
    let folder = Folder::new();
    folder.file("s.toml", MIXED);
    let logs: Vec<String> = (1..=20).map(|n| format!("{n}.jsonl")).collect();
    for some in logs.chunks(5) {
        let runs: Vec<_> =
            some.iter().map(|log| folder.scenario(&["run", "-q", "s.toml", "--log", log]).start()).collect();
        for run in runs {
            let output = run.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    for log in &logs[1..] {
        let ended = folder.scenario(&["diff", &logs[0], log]).end();
        assert_eq!(ended.code, Some(0), "{log}: {}", ended.stderr);
    }
    let names: Vec<&str> = ["replay"].into_iter().chain(logs.iter().map(String::as_str)).collect();
    let ended = folder.scenario(&names).end().expect(0);
    assert!(ended.stderr.ends_with("20 logs: 20 the same\n"), "{}", ended.stderr);

    // Another seed is another run.
    folder.scenario(&["run", "-q", "s.toml", "--seed", "1", "--log", "other.jsonl"]).end().expect(0);
    folder.scenario(&["diff", "1.jsonl", "other.jsonl"]).end().expect(3);
}
