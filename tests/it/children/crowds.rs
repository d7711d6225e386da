//! Many programs at once.

use crate::children::{NO_TICK, program, replays, spawns};
use crate::common::{Folder, is_gone};

#[test]
fn a_thousand_starts_at_once_are_all_in_the_log() {
    // 5,000 would only take some seconds more: docs/performance.md has the figures.
    const MANY: u32 = 1_000;
    let folder = Folder::new();
    let text = [
        NO_TICK,
        &program("p", &["sleep", "600"], ""),
        &program("last", &["true"], ""),
        &spawns("p", MANY),
        // Starts are in order: when this one starts, all others have.
        &spawns("last", 1),
        "[[timeline]]\nafter = \"last.finished\"\nstop = \"p\"\n",
    ];
    let (ended, log) = folder.run(&text.concat(), &["-q"]);
    ended.expect(0);
    let [started, exited] = ["spawn.started", "spawn.exited"].map(|event| log.of(event));
    let [started, exited] = [&started[..MANY as usize], &exited[1..]];
    assert_eq!((log.of("spawn.started").len(), exited.len()), (MANY as usize + 1, MANY as usize));
    for (n, event) in started.iter().enumerate() {
        assert_eq!(event["source"], format!("ps#{}", n + 1), "in their order");
    }
    let running: Vec<_> = exited.iter().map(|event| event["running"].as_u64().unwrap()).collect();
    assert!(running.iter().copied().eq((0..u64::from(MANY)).rev()), "all of them ran at one time");
    assert!(exited.iter().all(|event| event["signal"] == "TERM"));
    let late = |event: &serde_json::Value| event["t"].as_f64().unwrap() - event["due"].as_f64().unwrap();
    let told = log.last()["lateness"]["max"].as_f64().unwrap();
    assert!(late(started.last().unwrap()) > 0.0 && told >= late(started.last().unwrap()), "{told}");
    assert!(started.iter().all(|event| is_gone(&event["pid"])));
    replays(&folder);
}

#[test]
fn two_thousand_short_lives_are_each_reported_once() {
    let folder = Folder::new();
    let text = [NO_TICK, &program("p", &["true"], ""), &spawns("p", 2_000)];
    let (ended, log) = folder.run(&text.concat(), &["-q"]);
    ended.expect(0);
    for event in ["spawn.started", "spawn.exited"] {
        let mut sources: Vec<_> = log.of(event).iter().map(|event| event["source"].to_string()).collect();
        sources.sort_unstable();
        sources.dedup();
        assert_eq!((log.of(event).len(), sources.len()), (2_000, 2_000), "{event}");
    }
    assert_eq!(log.last()["exited"], 2_000);
    replays(&folder);
}
