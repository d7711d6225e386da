//! Logs and screens that nobody reads: they hold up no end.

use std::process::Stdio;

use rustix::process::Signal;

use crate::common::{Folder, Log, Run, SCENARIO, is_gone, kill};

/// Writes without an end, and notes the process.
const FLOOD: &str = "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo $$ > pid; exec yes\"]\n\
     [[timeline]]\nspawn = \"p\"\n";

/// Waits for the process that a program noted.
fn noted_pid(folder: &Folder) -> serde_json::Value {
    loop {
        let noted = std::fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
        match noted.trim().parse::<i32>() {
            Ok(pid) if noted.ends_with('\n') => return pid.into(),
            _ => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

/// Runs with a log that nobody reads; `interrupt` sends TERM once the run stands still. Gives the exit code, and
/// what was said.
#[track_caller]
fn end_unread(folder: &Folder, mut run: Run, interrupt: bool) -> (Option<i32>, String) {
    let mut child = run.command.stdin(Stdio::null()).spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    if interrupt {
        std::io::BufRead::read_line(&mut stderr, &mut said).unwrap();
        assert_eq!(said, "warning: nothing takes the log; the run stands still until something does\n");
        kill(&child, Signal::TERM);
    }
    let code = child.wait().unwrap().code();
    assert!(is_gone(&noted_pid(folder)), "the program was stopped");
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    (code, said)
}

/// A run without an end has a log that nobody reads: it ends at a signal, or at its time limit.
fn end_at_a_reader_that_stands_still(is_fifo: bool, interrupt: bool) {
    let limit = if interrupt { "" } else { "time_limit = \"2s\"\n" };
    let folder = Folder::new();
    folder.file("s.toml", format!("{limit}{FLOOD}"));
    let fifo = folder.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
    let _reader = rustix::fs::open(&fifo, flags, rustix::fs::Mode::empty()).unwrap();
    let log = if is_fifo { "fifo" } else { "-" };
    let mut run = folder.scenario(&["run", "s.toml", "-q", "--log", log]);
    run.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, said) = end_unread(&folder, run, interrupt);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("nothing has taken it for 1 s, and the rest was dropped"), "{said}");
}

#[test]
fn a_reader_of_the_log_that_stands_still_holds_up_neither_a_signal_nor_the_time_limit() {
    // They wait most of the time, so they wait side by side.
    std::thread::scope(|scope| {
        for (is_fifo, interrupt) in [(false, false), (false, true), (true, false), (true, true)] {
            scope.spawn(move || end_at_a_reader_that_stands_still(is_fifo, interrupt));
        }
    });
}

#[test]
fn a_typed_quit_ends_a_run_whose_log_nobody_reads() {
    let folder = Folder::new();
    folder.file("s.toml", FLOOD);
    let mut run = folder.scenario(&["run", "s.toml", "-q", "--log", "-", "--input", "-"]);
    let streams = run.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut said).unwrap();
    assert_eq!(said, "warning: nothing takes the log; the run stands still until something does\n");
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"quit\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert!(is_gone(&noted_pid(&folder)), "the program was stopped");
}

/// A scenario whose test cases are more than a pipe takes.
fn many_cases(first: &str) -> String {
    let name = "x".repeat(40);
    let entries: String =
        (0..900).map(|n| format!("[[timeline]]\nid = \"{name}-{n}\"\nspawn = \"1\"\n")).collect();
    format!("{first}[presets.1]\nplayers = [{{ name = \"p\", moves = 1, every = \"1ms\" }}]\n{entries}")
}

#[test]
fn a_signal_ends_a_command_whose_test_cases_nobody_reads() {
    let program = "[presets.p]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"p\"\n";
    // A guard hears the signal for its runner.
    for (first, clock) in [("", "virtual"), ("", "real"), (program, "real")] {
        let folder = Folder::new();
        folder.file("s.toml", many_cases(first));
        let arguments = ["run", "s.toml", "-q", "--log", "l.jsonl", "--junit", "-", "--clock", clock];
        let mut child = folder.scenario(&arguments).start();
        // The run is over when it writes its test cases.
        let mut byte = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
        kill(&child, Signal::TERM);
        let code = child.wait().unwrap().code();
        let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert_eq!(code, Some(4), "{said}");
        assert!(said.ends_with("cannot write the `--junit`: a signal came before all of it was taken\n"));
        folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    }
}

#[test]
fn virtual_time_hears_a_signal_while_nobody_reads_its_log() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.1]\nplayers = [{ name = \"p{n}\", count = 1000, moves = 100000, every = \"1s\" }]\n\
         [[timeline]]\nspawn = \"1\"\n",
    );
    let mut child = folder.scenario(&["run", "s.toml", "--clock", "virtual", "-q", "--log", "-"]).start();
    // A byte has come, so the run is on.
    let mut first = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    kill(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn a_screen_that_nobody_reads_never_holds_up_the_end() {
    for (limit, interrupt, expected) in [("", true, 143), ("time_limit = \"2s\"\n", false, 1)] {
        let folder = Folder::new();
        folder.file("s.toml", format!("{limit}{FLOOD}"));
        let mut child = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).start();
        if interrupt {
            noted_pid(&folder);
            kill(&child, Signal::TERM);
        }
        assert_eq!(crate::common::shell_code(child.wait().unwrap()), Some(expected));
        assert!(is_gone(&noted_pid(&folder)));
        // The flood left too many lines to read each of them.
        let log = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
        let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        let seq = log.lines().count() - 1;
        assert_eq!((&last["event"], &last["seq"]), (&"run.finished".into(), &seq.into()));
    }
}

#[test]
fn a_reader_that_comes_late_gets_the_whole_log() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"yes 123456789 | head -n 60000\"]\n[[timeline]]\nspawn = \"p\"\n",
    );
    let line = "$S run -q s.toml --log - | { until [ -e late ]; do sleep 0.01; done; cat > l.jsonl; }; \
         exit ${PIPESTATUS[0]}";
    let mut command = std::process::Command::new("bash");
    command.current_dir(folder.path()).env("S", SCENARIO).args(["-c", line]).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut said).unwrap();
    assert_eq!(said, "warning: nothing takes the log; the run stands still until something does\n");
    folder.file("late", "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(Log::read(&folder.path().join("l.jsonl")).of("line").len(), 60_000);
}
