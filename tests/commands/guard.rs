//! What is left when the runner itself is killed: row C3 of the faults, with the families of B6 and
//! B7, and the ways in which signals reach a runner that is guarded.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::common::{Folder, Log, Run, SCENARIO, Watched, kill};

/// The variable by which a test finds all that was started in it, however far it went.
const MARK: &str = "SCENARIO_TEST_FAMILY";

/// The processes that have a test's mark.
pub(crate) fn family(folder: &Folder) -> Vec<String> {
    let mark = format!("{MARK}={}", folder.path().display());
    let has_mark = |environment: Vec<u8>| environment.split(|byte| *byte == 0).any(|v| v == mark.as_bytes());
    let processes = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|process| std::fs::read(process.path().join("environ")).is_ok_and(has_mark));
    let named = processes.map(|process| {
        let line = std::fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        format!("{} {}", process.file_name().display(), line.replace('\0', " "))
    });
    named.collect()
}

/// Waits until nobody has a test's mark, a second at most and as much again for a machine with much
/// to do.
#[track_caller]
pub(crate) fn nobody_is_left(folder: &Folder) {
    let since = Instant::now();
    loop {
        let left = family(folder);
        if left.is_empty() {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(2), "left: {left:#?}");
        std::thread::yield_now();
    }
}

/// A run of `s.toml` with the mark.
pub(crate) fn marked(folder: &Folder, options: &[&str]) -> Run {
    let arguments = [&["run", "s.toml", "--log", "l.jsonl"], options].concat();
    folder.scenario(&arguments).env(MARK, &folder.path().display().to_string())
}

/// The runner that a guard has started.
pub(crate) fn runner_of(guard: &std::process::Child) -> Pid {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", guard.id())).unwrap();
    Pid::from_raw(children.trim().parse().expect("a guard has one child")).unwrap()
}

/// A family that nobody gets rid of by asking: deaf, with a member in a session of its own, a daemon
/// of two forks, and one that goes on forking.
const FAMILY: &str = r#"tick = "0s"
[presets.p]
command = ["sh", "-c", """
trap '' TERM INT HUP
setsid sh -c 'sleep 600 & sleep 600' &
(setsid sh -c '(sleep 600; :) & exit' &)
(while :; do sleep 0.01 & wait; done) &
echo up
sleep 600"""]
stop = { grace = "10m" }
[[timeline]]
spawn = "p"
count = 3
"#;

fn family_up(folder: &Folder) -> Watched {
    folder.file("s.toml", FAMILY);
    let mut run = marked(folder, &[]).watch();
    for _ in 0..3 {
        run.until("| up");
    }
    run
}

#[test]
fn c3_a_runner_that_is_killed_leaves_nobody_and_a_log_to_its_last_line() {
    let folder = Folder::new();
    let run = family_up(&folder);
    assert!(family(&folder).len() > 10, "{:#?}", family(&folder));
    kill_process(runner_of(&run.child), Signal::KILL).unwrap();
    let (code, shown) = run.end();
    assert_eq!(family(&folder), Vec::<String>::new(), "the guard is the last to go");
    assert_eq!(code, Some(137));
    let last = shown.last().unwrap();
    assert!(last.starts_with("error: the runner was killed by signal KILL; "), "{last}");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(5);
    folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end().expect(0);
}

#[test]
fn c3_a_guard_that_is_killed_leaves_nobody_and_a_log_with_its_last_line() {
    let folder = Folder::new();
    let run = family_up(&folder);
    kill(&run.child, Signal::KILL);
    // The runner has its standard error, and is the last to go.
    let (code, shown) = run.end();
    assert_eq!(code, None, "ended by the signal");
    assert!(shown.iter().any(|line| line.ends_with("stopping: signal KILL")), "{shown:#?}");
    nobody_is_left(&folder);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(
        (&log.last()["outcome"], &log.last()["reason"]),
        (&"interrupted".into(), &"signal KILL".into())
    );
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    // What the engine decided of it is held to.
    let text = String::from_utf8(log.bytes).unwrap().replacen("\"ok\":false", "\"ok\":true", 1);
    folder.file("edited.jsonl", text);
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

#[test]
fn c3_nobody_but_the_two_has_the_lifeline() {
    let folder = Folder::new();
    folder
        .file("s.toml", "[presets.p]\ncommand = [\"ls\", \"/proc/self/fd\"]\n[[timeline]]\nspawn = \"p\"\n");
    marked(&folder, &[]).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    let open: Vec<_> = log.of("line").iter().filter_map(|line| line["text"].as_str()).collect();
    // Whoever starts the tests may have left something open for all that they start.
    let elsewhere = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    assert_eq!(open, String::from_utf8(elsewhere.stdout).unwrap().lines().collect::<Vec<_>>());
}

#[test]
fn c3_only_a_run_that_can_start_processes_is_guarded() {
    let folder = Folder::new();
    let players =
        "[presets.p]\nplayers = [{ name = \"p\", moves = 1, every = \"1h\" }]\n[[timeline]]\nspawn = \"p\"\n";
    for (isolation, guarded) in [("task", false), ("process", true)] {
        folder
            .file("s.toml", players.replace("players =", &format!("isolation = \"{isolation}\"\nplayers =")));
        let mut run = marked(&folder, &["--force"]).watch();
        run.until("started p");
        let all = family(&folder);
        assert_eq!(all.iter().any(|line| line.contains("guarded by")), guarded, "{all:#?}");
        kill(&run.child, Signal::INT);
        assert_eq!(run.end().0, Some(130));
        nobody_is_left(&folder);
    }
}

#[test]
fn c3_a_scenario_that_is_piped_in_is_guarded_too() {
    let folder = Folder::new();
    let text = "seed = 1\n[presets.p]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n[[timeline]]\nspawn = \"p\"\n";
    folder.scenario(&["run", "-", "--log", "l.jsonl"]).stdin(text).end().expect(1);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.exited")[0]["code"], 3);
}

#[test]
fn c3_nobody_is_guarded_by_a_guard_that_is_not_there() {
    let folder = Folder::new();
    folder.file("s.toml", FAMILY);
    let mut run = marked(&folder, &[]);
    run.command.arg0("scenario: guarded by 1 0");
    let ended = run.end().expect(4);
    assert!(ended.stderr.contains("the guard of this run"), "{}", ended.stderr);
}

const DEAF: &str = "[presets.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo up; while :; do sleep 0.05; done\"]\n\
     stop = { grace = \"300ms\" }\n[[timeline]]\nspawn = \"deaf\"\n";

/// How many signals the log of a run tells.
fn signals_told(folder: &Folder) -> usize {
    let log = Log::read(&folder.path().join("l.jsonl"));
    log.of("stopping").iter().filter(|event| event.get("signal").is_some()).count()
}

#[test]
fn c1_a_signal_to_the_group_is_one_and_the_next_is_the_second() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF.replace("300ms", "10m"));
    let mut run = marked(&folder, &[]);
    run.command.process_group(0);
    let mut run = run.watch();
    run.until("| up");
    let group = Pid::from_child(&run.child);
    kill_process_group(group, Signal::INT).unwrap();
    run.until("stopping: signal INT");
    kill_process_group(group, Signal::INT).unwrap();
    assert_eq!(run.end().0, Some(130));
    assert_eq!(signals_told(&folder), 2);
    // And one alone, however long there is time for a second: it takes the grace.
    folder.file("s.toml", DEAF);
    let mut run = marked(&folder, &["--force"]);
    run.command.process_group(0);
    let mut run = run.watch();
    run.until("| up");
    kill_process_group(Pid::from_child(&run.child), Signal::INT).unwrap();
    assert_eq!(run.end().0, Some(130));
    assert_eq!(signals_told(&folder), 1);
}

#[test]
fn c1_a_signal_to_the_runner_alone_is_heard_too() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF);
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    kill_process(runner_of(&run.child), Signal::TERM).unwrap();
    assert_eq!(run.end().0, Some(143));
    assert_eq!(signals_told(&folder), 1);
}

#[test]
fn c1_the_signals_of_timeout_are_one() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF);
    let mut command = std::process::Command::new("timeout");
    command
        .args(["-s", "INT", "0.5", SCENARIO, "run", "s.toml", "--log", "l.jsonl"])
        .current_dir(folder.path());
    assert_eq!(command.output().unwrap().status.code(), Some(124));
    assert_eq!(signals_told(&folder), 1);
}

#[test]
fn c1_a_signal_that_ends_a_program_at_once_leaves_nobody() {
    let folder = Folder::new();
    let run = family_up(&folder);
    kill(&run.child, Signal::USR1);
    assert_eq!(run.end().0, Some(128 + 10));
    nobody_is_left(&folder);
}
