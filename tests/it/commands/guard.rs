//! A runner that is killed leaves nothing behind, and signals reach a guarded runner on every route.

use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::common::{Folder, Log, Run, SCENARIO, Watched, kill, skip, works};

/// The environment variable by which a test finds everything that was started in it.
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

/// Waits until no process has a test's mark: a second at most, and another one for a busy machine.
#[track_caller]
pub(crate) fn assert_all_gone(folder: &Folder) {
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

/// The runner of a guard.
pub(crate) fn runner_of(guard: &std::process::Child) -> Pid {
    runner_if_any(guard).expect("a guard has one child")
}

fn runner_if_any(guard: &std::process::Child) -> Option<Pid> {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", guard.id())).ok()?;
    children.trim().parse().ok().and_then(Pid::from_raw)
}

/// Processes that no signal but KILL ends: one that ignores the others, a member in a session of its
/// own, a daemon of two forks, and one that goes on forking.
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
fn a_killed_runner_leaves_no_process_and_a_log_of_whole_lines() {
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
fn a_killed_guard_leaves_no_process_and_a_finished_log() {
    let folder = Folder::new();
    let run = family_up(&folder);
    kill(&run.child, Signal::KILL);
    // The runner has the same standard error, and is the last to end.
    let (code, shown) = run.end();
    assert_eq!(code, Some(137), "ended by the signal");
    assert!(shown.iter().any(|line| line.ends_with("stopping: signal KILL")), "{shown:#?}");
    assert_all_gone(&folder);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(
        (&log.last()["outcome"], &log.last()["reason"]),
        (&"interrupted".into(), &"signal KILL".into())
    );
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    // Replay compares the engine's decisions in it.
    let text = String::from_utf8(log.bytes).unwrap().replacen("\"ok\":false", "\"ok\":true", 1);
    folder.file("edited.jsonl", text);
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

#[test]
fn no_program_inherits_the_lifeline() {
    let folder = Folder::new();
    folder
        .file("s.toml", "[presets.p]\ncommand = [\"ls\", \"/proc/self/fd\"]\n[[timeline]]\nspawn = \"p\"\n");
    marked(&folder, &[]).end().expect(0);
    let log = Log::read(&folder.path().join("l.jsonl"));
    let open: Vec<_> = log.of("line").iter().filter_map(|line| line["text"].as_str()).collect();
    // The test's own parent may have left descriptors open.
    let elsewhere = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    assert_eq!(open, String::from_utf8(elsewhere.stdout).unwrap().lines().collect::<Vec<_>>());
}

#[test]
fn only_a_run_that_can_start_processes_is_guarded() {
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
        assert_all_gone(&folder);
    }
}

#[test]
fn a_piped_scenario_is_guarded_too() {
    let folder = Folder::new();
    let text = "seed = 1\n[presets.p]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n[[timeline]]\nspawn = \"p\"\n";
    folder.scenario(&["run", "-", "--log", "l.jsonl"]).stdin(text).end().expect(1);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.exited")[0]["code"], 3);
}

#[test]
fn a_runner_without_its_guard_is_refused() {
    let folder = Folder::new();
    folder.file("s.toml", FAMILY);
    let mut run = marked(&folder, &[]);
    run.command.arg0("scenario: guarded by 1 0");
    let ended = run.end().expect(4);
    assert!(ended.stderr.contains("the guard of this run"), "{}", ended.stderr);
}

const DEAF: &str = "[presets.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo up; while :; do sleep 0.05; done\"]\n\
     stop = { grace = \"300ms\" }\n[[timeline]]\nspawn = \"deaf\"\n";

/// How many signals the log of a run contains.
fn signal_count(folder: &Folder) -> usize {
    let log = Log::read(&folder.path().join("l.jsonl"));
    log.of("stopping").iter().filter(|event| event.get("signal").is_some()).count()
}

#[test]
fn a_signal_to_the_group_counts_once_and_the_next_is_the_second() {
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
    assert_eq!(signal_count(&folder), 2);
    // And a single signal stays one, even if there is time for a second: the grace passes.
    folder.file("s.toml", DEAF);
    let mut run = marked(&folder, &["--force"]);
    run.command.process_group(0);
    let mut run = run.watch();
    run.until("| up");
    kill_process_group(Pid::from_child(&run.child), Signal::INT).unwrap();
    assert_eq!(run.end().0, Some(130));
    assert_eq!(signal_count(&folder), 1);
}

#[test]
fn a_signal_to_the_runner_alone_counts_too() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF);
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    kill_process(runner_of(&run.child), Signal::TERM).unwrap();
    assert_eq!(run.end().0, Some(143));
    assert_eq!(signal_count(&folder), 1);
}

#[test]
fn both_signals_of_timeout_count_once() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF);
    let mut command = std::process::Command::new("timeout");
    command
        .args(["-s", "INT", "0.5", SCENARIO, "run", "s.toml", "--log", "l.jsonl"])
        .current_dir(folder.path());
    assert_eq!(command.output().unwrap().status.code(), Some(124));
    assert_eq!(signal_count(&folder), 1);
}

#[test]
fn a_signal_that_ends_the_guard_at_once_leaves_no_process() {
    let folder = Folder::new();
    let run = family_up(&folder);
    kill(&run.child, Signal::USR1);
    assert_eq!(run.end().0, Some(128 + 10));
    assert_all_gone(&folder);
}

/// Waits until a process is in one of these states of proc(5).
#[track_caller]
fn wait_for_state(pid: Pid, states: &str) {
    let since = Instant::now();
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap();
        let state = stat.rsplit(") ").next().unwrap().chars().next().unwrap();
        if states.contains(state) {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{stat}");
        std::thread::yield_now();
    }
}

const PAUSED: &str = "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; exec sleep 600\"]\nbackground = true\n\
     [[timeline]]\nspawn = \"p\"\n[[timeline]]\nat = \"2s\"\nmark = \"end\"\n";

/// The length of the only pause of a log, and the names of its events without lines.
fn pause_of(folder: &Folder) -> (f64, Vec<String>) {
    let log = Log::read(&folder.path().join("l.jsonl"));
    let names = log.names().into_iter().filter(|name| name != "line").collect();
    (log.of("run.resumed")[0]["took"].as_f64().unwrap(), names)
}

#[test]
fn a_run_pauses_with_its_children_and_goes_on_in_its_own_time() {
    let folder = Folder::new();
    folder.file("s.toml", PAUSED);
    let mut run = marked(&folder, &[]);
    run.command.process_group(0);
    let mut run = run.watch();
    run.until("| up");
    let (guard, runner) = (Pid::from_child(&run.child), runner_of(&run.child));
    kill_process(guard, Signal::TSTP).unwrap();
    run.until("paused");
    for process in [guard, runner] {
        wait_for_state(process, "T");
    }
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["event"], "run.paused", "it is in the log while it lasts");
    let pid = log.of("spawn.started")[0]["pid"].as_i64().unwrap();
    wait_for_state(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), "T");
    // Past the moment of the mark by the machine's clock: the test is that the run's time stands
    // still.
    std::thread::sleep(Duration::from_millis(2_100));
    kill_process(guard, Signal::CONT).unwrap();
    run.until("goes on after 2.");
    assert_eq!(run.end().0, Some(0));
    let (took, names) = pause_of(&folder);
    assert!(took >= 2.1, "{took}");
    let wanted = [
        "run.started",
        "spawn.started",
        "run.paused",
        "run.resumed",
        "mark",
        "stopping",
        "spawn.exited",
        "run.finished",
    ];
    assert_eq!(names, wanted);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.of("run.resumed")[0]["t"].as_f64().unwrap() < 2.0, "the clock stood still");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let text = String::from_utf8(log.bytes).unwrap();
    // A run that was not paused cannot go on.
    let edited: String =
        text.lines().filter(|l| !l.contains("run.paused")).map(|l| format!("{l}\n")).collect();
    let edited = renumbered(&edited);
    folder.file("edited.jsonl", edited);
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

/// The lines of a log, numbered again.
fn renumbered(log: &str) -> String {
    let numbered = log.lines().enumerate().map(|(n, line)| {
        let rest = line.split_once(",\"t\"").unwrap().1;
        format!("{{\"seq\":{n},\"t\"{rest}\n")
    });
    numbered.collect()
}

#[test]
fn a_run_without_a_guard_pauses_too() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\nplayers = [{ name = \"p\", moves = 1, every = \"300ms\" }]\n[[timeline]]\nspawn = \"p\"\n");
    let mut run = marked(&folder, &[]);
    run.command.process_group(0);
    let mut run = run.watch();
    run.until("started p");
    kill(&run.child, Signal::TSTP);
    run.until("paused");
    wait_for_state(Pid::from_child(&run.child), "T");
    kill(&run.child, Signal::CONT);
    assert_eq!(run.end().0, Some(0));
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

/// Pauses a run once it shows `at`, for longer than its limits, and continues it.
fn pause_beyond_limits(run: &mut Watched, at: &str) {
    run.until(at);
    kill(&run.child, Signal::TSTP);
    run.until("paused");
    wait_for_state(Pid::from_child(&run.child), "T");
    // Past the limits by the machine's clock: the test is that no time passes in the run.
    std::thread::sleep(Duration::from_millis(1_100));
    kill(&run.child, Signal::CONT);
    run.until("goes on after 1.");
}

#[test]
fn a_pause_takes_nothing_from_the_time_to_stop() {
    let folder = Folder::new();
    let tidies = "trap 'n=0; while test $n -lt 20; do sleep 0.01; n=$((n+1)); done; exit 0' TERM; \
                  echo up; while :; do sleep 0.01; done";
    folder.file(
        "s.toml",
        format!(
            "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"{tidies}\"]\nstop = {{ grace = \"1s\" }}\n\
             [[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
             [[timeline]]\nafter = {{ line = \"up\", of = \"p\" }}\nstop = \"p\"\n"
        ),
    );
    let mut run = marked(&folder, &[]);
    run.command.process_group(0);
    let mut run = run.watch();
    pause_beyond_limits(&mut run, "stopping");
    assert_eq!(run.end().0, Some(0));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.exited")[0]["code"], 0, "it was not killed");
}

#[test]
fn a_pause_takes_nothing_from_the_time_to_answer() {
    let folder = Folder::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    folder.file(
        "s.toml",
        format!(
            "tick = \"0s\"\n[fetches.f]\ntimeout = \"1s\"\nurls = [\"http://{address}/\"]\n[[timeline]]\nfetch = \"f\"\n"
        ),
    );
    let mut run = marked(&folder, &[]);
    run.command.process_group(0);
    let mut run = run.watch();
    let (mut client, _) = server.accept().unwrap();
    pause_beyond_limits(&mut run, "get#1");
    // Time enough for the runner to find that a limit has passed, if it had.
    std::thread::sleep(Duration::from_millis(50));
    std::io::Write::write_all(&mut client, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    assert_eq!(run.end().0, Some(0));
}

/// As a container's init starts it: its group and session are from outside the PID namespace.
#[test]
fn a_run_with_group_and_session_from_outside_the_namespace_pauses() {
    const OUTSIDE: [&str; 3] = ["--pid", "--fork", "--mount-proc"];
    if !works("unshare", &[&OUTSIDE[..], &["true"]].concat()) {
        return skip("a PID namespace", "`unshare` cannot make one here");
    }
    let folder = Folder::new();
    folder.file("s.toml", PAUSED);
    let script = "\"$@\" & run=$!
        said() { until grep -q \"$1\" l.jsonl 2>/dev/null; do kill -0 $run || exit; done; }
        said '\"up\"'; kill -TSTP $run; said run.paused; kill -CONT $run; wait $run";
    let run = marked(&folder, &[]).wrapped(|program| {
        let mut command = std::process::Command::new("unshare");
        command.args(OUTSIDE).args(["sh", "-c", script, "sh"]).arg(program);
        command
    });
    run.end().expect(0);
    let (_, names) = pause_of(&folder);
    assert_eq!(names.iter().filter(|name| name.starts_with("run.")).count(), 4, "{names:?}");
}

#[test]
fn the_shell_sees_the_job_stopped_and_brings_it_back() {
    let folder = Folder::new();
    folder.file("s.toml", PAUSED);
    let line = "set -m; $S run s.toml --log l.jsonl; echo code $?; jobs; fg; echo then $?";
    let mut terminal = super::terminal::Terminal::run(&folder, line, &[]);
    terminal.until("| up");
    terminal.types("\x1a");
    let (_, seen) = terminal.end();
    assert!(seen.contains("Stopped") && seen.contains("code 147") && seen.contains("then 0"), "{seen}");
    let (_, names) = pause_of(&folder);
    assert_eq!(names.iter().filter(|name| *name == "run.paused").count(), 1, "the key is one");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

/// A random generator of its own (xorshift), so that a moment can be drawn again from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// Every kind of process that a run can have at its end: deaf ones, daemons, players in a process,
/// and lines.
const CROWD: &str = r#"tick = "10ms"
[presets.p]
command = ["sh", "-c", "trap '' TERM; (setsid sh -c 'sleep 600 & sleep 600' &); echo up; while :; do echo on; sleep 0.01; done"]
stop = { grace = "50ms" }
[presets.players]
isolation = "process"
players = [{ name = "p", count = 3, moves = 1000, every = "5ms" }]
[[timeline]]
spawn = "p"
every = "20ms"
times = 10
[[timeline]]
spawn = "players"
"#;

fn end_at_random(seed: u64) {
    let mut dice = Dice(seed);
    let folder = Folder::new();
    folder.file("s.toml", CROWD);
    let run = marked(&folder, &[]).watch();
    // The moment is random, so there is nothing to wait for here.
    std::thread::sleep(Duration::from_millis(dice.below(400)));
    let guard = Pid::from_child(&run.child);
    let (target, signal) = match dice.below(5) {
        0 => (guard, Signal::INT),
        1 => (guard, Signal::TERM),
        2 => (guard, Signal::HUP),
        3 => (guard, Signal::KILL),
        _ => (runner_if_any(&run.child).unwrap_or(guard), Signal::KILL),
    };
    println!("seed {seed}: {signal:?} to {}", if target == guard { "the guard" } else { "the runner" });
    // A process that is not waited for keeps its number; a runner may have gone with its guard.
    let _ = kill_process(target, signal);
    let (_, shown) = run.end();
    assert_all_gone(&folder);
    let log = std::fs::read(folder.path().join("l.jsonl")).unwrap_or_default();
    if log.contains(&b'\n') {
        let replayed = folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end();
        assert_eq!(replayed.code, Some(0), "seed {seed}: {}\n{}", replayed.stderr, shown.join("\n"));
    }
}

#[test]
fn runs_ended_at_random_moments_leave_no_process_and_a_log_that_replays() {
    let seed = u64::from(std::process::id());
    let seeds = std::sync::Mutex::new((1..=50u64).map(|n| (n << 32) + seed).collect::<Vec<u64>>());
    let next = || seeds.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    end_at_random(seed)
                }
            });
        }
    });
}

/// Runs a scenario in which the runner panics in this place; gives the shown lines.
fn broken(folder: &Folder, place: &str) -> Vec<String> {
    folder.file("s.toml", FAMILY.replace("10m", "300ms"));
    let (code, shown) = marked(folder, &[]).env("SCENARIO_TEST_PANIC", place).watch().end();
    assert_eq!(code, Some(101), "{shown:#?}");
    assert_all_gone(folder);
    let said = format!("error: `scenario` itself has a fault: a panic is wanted here: {place} (");
    assert!(shown.iter().any(|line| line.starts_with(&said)), "{shown:#?}");
    assert!(shown.iter().any(|line| line.starts_with("help: please report it")), "{shown:#?}");
    shown
}

#[test]
fn a_panic_in_a_task_ends_the_run_in_order() {
    let folder = Folder::new();
    broken(&folder, "process");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["outcome"], "failed");
    let reason = log.last()["reason"].as_str().unwrap();
    assert!(reason.starts_with("the runner has a fault of its own: a panic is wanted here"), "{reason}");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let text = String::from_utf8(log.bytes).unwrap().replacen("of its own: a", "of its own: A", 1);
    folder.file("edited.jsonl", text);
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

#[test]
fn a_panic_in_the_driver_ends_the_run_in_order() {
    let folder = Folder::new();
    broken(&folder, "driver");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.last()["reason"].as_str().unwrap().starts_with("the runner has a fault of its own"));
    assert_eq!(log.last()["spawned"], log.last()["exited"]);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_panic_in_virtual_time_ends_the_run_in_order() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\nplayers = [{ name = \"p\", moves = 9, every = \"9s\" }]\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nat = \"9h\"\nmark = \"end\"\n");
    let run = || folder.scenario(&["run", "s.toml", "--clock", "virtual", "--force", "--log", "l.jsonl"]);
    run().env("SCENARIO_TEST_PANIC", "virtual").end().expect(101);
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(log.last()["reason"].as_str().unwrap().starts_with("the runner has a fault of its own"));
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    run().env("SCENARIO_TEST_PANIC", "virtual again").end().expect(101);
    folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end().expect(0);
}

#[test]
fn a_repeated_panic_in_the_driver_leaves_no_process_and_a_readable_log() {
    let folder = Folder::new();
    broken(&folder, "driver again");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.events[0]["event"], "run.started");
    folder.scenario(&["replay", "l.jsonl", "--allow-incomplete"]).end().expect(0);
}

#[test]
fn a_stopping_run_shows_the_programs_that_have_not_ended() {
    let folder = Folder::new();
    folder.file("s.toml", DEAF.replace("300ms", "10m"));
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    kill(&run.child, Signal::INT);
    for _ in 0..2 {
        run.until(" s after TERM; KILL in 59");
        assert!(run.shown.last().unwrap().contains("ps#1    deaf has not ended, "), "{:#?}", run.shown);
    }
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert!(!String::from_utf8(log.bytes).unwrap().contains("has not ended"), "it is for people");
}
