//! Limits of the system: descriptors, processes, memory. With any limit, a run ends in order or does
//! not begin, and says why.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::children::{NO_TICK, program, scenario, spawns};
use crate::common::{Ended, Folder, Log, Run, SCENARIO};

/// A run of `s.toml` under limits that `sh` sets, with `ulimit` or `prlimit`.
fn limited(folder: &Folder, limit: &str, options: &[&str]) -> Run {
    let arguments = [&["run", "s.toml", "--log", "log.jsonl", "--force"], options].concat();
    folder.scenario(&arguments).wrapped(|program| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{limit} && exec \"$@\"")).arg("sh").arg(program);
        command
    })
}

/// The log of [`limited`].
fn log_of(folder: &Folder) -> Log {
    Log::read(&folder.path().join("log.jsonl"))
}

/// Asserts that the program ended with a message and not with a crash.
#[track_caller]
fn assert_ends_with_message(ended: &Ended, limit: &str) {
    let (code, said) = (ended.code, &ended.stderr);
    assert!(matches!(code, Some(0 | 1 | 4)), "{limit}: {code:?}\n{said}");
    assert!(!said.contains("has a fault") && !said.contains("panicked"), "{limit}: {said}");
    assert!(code != Some(4) || said.contains("error: "), "{limit}: {said}");
}

fn count(log: &Log, event: &str) -> usize {
    log.of(event).len()
}

#[test]
fn without_descriptors_a_start_waits_for_another_to_end() {
    let folder = Folder::new();
    folder.file("s.toml", scenario("sleep 0.05; exit 3", 30, "exits = 3"));
    limited(&folder, "ulimit -n 26", &["-q"]).end().expect(0);
    let log = log_of(&folder);
    assert_eq!((count(&log, "spawn.started"), count(&log, "spawn.failed")), (30, 0));
    let most = log.of("spawn.exited").iter().map(|event| event["running"].as_u64().unwrap()).max();
    assert!(most.unwrap() < 29, "not all at once");
    let late = |event: &&serde_json::Value| event["t"].as_f64().unwrap() - event["due"].as_f64().unwrap();
    assert!(
        log.of("spawn.started").iter().map(late).fold(0.0, f64::max) >= 0.05,
        "the log shows that they waited"
    );
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn any_descriptor_limit_gives_a_message() {
    let folder = Folder::new();
    folder.file("s.toml", scenario("echo up", 3, ""));
    let mut named = false;
    // With fewer than four descriptors the system cannot load the program.
    for most in 4..=30 {
        let limit = format!("ulimit -n {most}");
        let ended = limited(&folder, &limit, &[]).end();
        assert_ends_with_message(&ended, &limit);
        let log = log_of(&folder);
        match ended.code {
            Some(0) => assert_eq!(count(&log, "spawn.exited"), 3),
            Some(1) => {
                // The log has its own descriptor, even if the programs get none.
                assert_eq!(
                    (count(&log, "spawn.failed"), log.last()["outcome"].as_str()),
                    (3, Some("failed"))
                );
                let error = log.of("spawn.failed")[0]["error"].to_string();
                assert!(error.contains(&format!("its limit of {most} descriptors (`ulimit -n`)")), "{error}");
                named = true;
            }
            _ => assert!(ended.stderr.contains("Too many open files"), "{limit}: {}", ended.stderr),
        }
        if most == 30 {
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
    }
    assert!(named, "some limit is enough for the runner and too low for a program");
}

/// A user without any other process, who owns `folder`; `None`, with a note, where there cannot be
/// one.
fn somebody(folder: &Folder) -> Option<u32> {
    let user = 1_000_000 + std::process::id();
    let mut probe = Command::new(SCENARIO);
    probe.arg("--version").uid(user).gid(user).stdout(Stdio::null());
    if !rustix::process::geteuid().is_root() || !probe.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: a limit of processes: only root can become a user of whom nothing else runs");
        return None;
    }
    std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).unwrap();
    Some(user)
}

#[test]
fn without_processes_a_start_waits_for_another_to_end_and_alone_fails_with_a_message() {
    let folder = Folder::new();
    let Some(user) = somebody(&folder) else { return };
    folder.file("s.toml", program("p", &["sleep", "0.05"], "") + &spawns("p", 12));
    let (mut waited, mut named) = (false, false);
    for most in 1..=12 {
        let mut run = limited(&folder, &format!("prlimit --pid $$ --nproc={most}"), &["-q"]);
        run.command.uid(user).gid(user);
        let ended = run.end();
        let limit = format!("{most} processes");
        assert_ends_with_message(&ended, &limit);
        let log = log_of(&folder);
        match ended.code {
            Some(0) => {
                assert_eq!((count(&log, "spawn.started"), count(&log, "spawn.exited")), (12, 12));
                waited |= log.of("spawn.exited").iter().all(|event| event["running"].as_u64() < Some(11));
            }
            Some(1) => {
                assert_eq!(
                    (count(&log, "spawn.failed"), log.last()["outcome"].as_str()),
                    (12, Some("failed"))
                );
                let error = log.of("spawn.failed")[0]["error"].to_string();
                assert!(error.contains(&format!("(`ulimit -u` is {most};")), "{error}");
                named = true;
            }
            _ => assert!(
                ended.stderr.contains("the thread that writes the log cannot start: Resource temporarily"),
                "{limit}: {}",
                ended.stderr
            ),
        }
    }
    assert!(waited && named, "{waited} {named}");
}

/// Whether the system can load the program at all with this much memory.
fn loads(kilobytes: u32) -> bool {
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={}", kilobytes * 1024)).args([SCENARIO, "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn out_of_memory_gives_a_message_and_leaves_no_process() {
    let folder = Folder::new();
    // A program that runs when the memory for the players has run out.
    let players = "players = [{ name = \"p{n}\", count = 1_000_000, moves = 9, every = \"1s..2s\" }]";
    let text = [
        NO_TICK,
        &program("held", &["sleep", "600"], "background = true"),
        &format!("[presets.crowd]\n{players}\n"),
        &spawns("held", 1),
        "[[timeline]]\nafter = \"held.started\"\nspawn = \"crowd\"\n",
    ];
    folder.file("s.toml", text.concat());
    let least = (4..400).map(|step| step * 2_500).find(|kilobytes| loads(*kilobytes)).unwrap();
    let mut ran_out = false;
    for more in [0, 2_500, 5_000, 10_000] {
        let limit = format!("ulimit -v {}", least + more);
        let ended = limited(&folder, &limit, &["-q"]).end();
        let said = &ended.stderr;
        match ended.code {
            Some(4) => assert!(said.contains("error: "), "{limit}: {said}"),
            Some(134) => {
                // The C library has words of its own for it.
                let is_told = said.contains("memory allocation of ") || said.contains("out of memory");
                assert!(is_told, "{limit}: {said}");
                let killed = "error: the runner was killed by signal ABRT; 1 process that it left was killed";
                ran_out |= said.contains(killed);
            }
            code => panic!("{limit}: {code:?}: {said}"),
        }
        // The runner may have died while it was writing.
        let log = Log::read_torn(&folder.path().join("log.jsonl"));
        if let Some(started) = log.of("spawn.started").first() {
            assert!(crate::common::is_gone(&started["pid"]), "{limit}");
            // The part of the log that there is, is right.
            folder.scenario(&["replay", "--allow-incomplete", "log.jsonl"]).end().expect(0);
        }
    }
    assert!(ran_out, "with some limit the run had begun");
}
