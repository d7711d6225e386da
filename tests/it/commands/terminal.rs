//! A run on a terminal: colours, the progress bar, typed commands, and a place in the background.
//! script(1) makes the terminal.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::common::{Folder, Log, SCENARIO};

/// A line of shell on a terminal of its own, with `$S` as the program.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    output: ChildStdout,
    bytes: Vec<u8>,
    seen: String,
    /// How much of `seen` earlier waits have passed.
    found: usize,
}

impl Terminal {
    pub(crate) fn run(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Terminal {
        let mut command = Command::new("script");
        command.current_dir(folder.path()).args(["-qefc", line, "/dev/null"]);
        command
            .env("S", SCENARIO)
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/bash")
            .env_remove("NO_COLOR");
        command.envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keyboard, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Terminal { child, keyboard, output, bytes: Vec::new(), seen: String::new(), found: 0 }
    }

    #[track_caller]
    pub(crate) fn until(&mut self, what: &str) {
        while !self.seen.contains(what) {
            assert!(self.read(), "`{what}` was never shown, but:\n{}", self.seen);
        }
    }

    /// Reads on; false at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let read = self.output.read(&mut buffer).unwrap();
        // A character may come in two parts.
        self.bytes.extend_from_slice(&buffer[..read]);
        self.seen = String::from_utf8_lossy(&self.bytes).into_owned();
        read > 0
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Types, and waits until `what` is shown after everything that earlier calls waited for.
    #[track_caller]
    pub(crate) fn types_and_sees(&mut self, text: &str, what: &str) {
        self.types(text);
        loop {
            if let Some(at) = self.seen[self.found..].find(what) {
                self.found += at + what.len();
                return;
            }
            assert!(self.read(), "`{what}` was not shown in the end, but:\n{}", self.seen);
        }
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        while self.read() {}
        drop(self.keyboard);
        (self.child.wait().unwrap().code(), self.seen)
    }
}

const UNTIL_STOPPED: &str = "tick = \"0s\"\n[presets.1]\nplayers = [{ name = \"john\", moves = 1, every = \"10ms\" }]\n\
     [presets.long]\ncommand = [\"sh\", \"-c\", \"echo up; sleep 600\"]\n[[timeline]]\nid = \"long\"\nspawn = \"long\"\n";

#[test]
fn commands_typed_on_a_terminal_are_carried_out() {
    let folder = Folder::new();
    folder.file("s.toml", UNTIL_STOPPED);
    let mut terminal = Terminal::run(&folder, "$S run s.toml --log l.jsonl", &[]);
    terminal.until("| up");
    terminal.types("1\n");
    terminal.until("ended 1");
    // The end of input (Ctrl-D) ends only the input; Ctrl-C ends the run.
    terminal.types("\x04");
    terminal.types("\x03");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(130), "{seen}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 1);
    assert_eq!(log.of("spawn.started").len(), 2);
    assert_eq!(log.last()["reason"], "signal INT");
}

const PLAYERS: &str = "seed = 1\n[presets.1]\nplayers = [{ name = \"john\", moves = 8, every = \"100ms\" }]\n\
     [[timeline]]\nspawn = \"1\"\n";

#[test]
fn a_terminal_has_colours_and_a_bar_and_its_last_line_is_clean() {
    let folder = Folder::new();
    folder.file("s.toml", PLAYERS);
    let (code, seen) = Terminal::run(&folder, "$S run s.toml --log l.jsonl", &[]).end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("\x1b[32mpassed\x1b[0m"), "{seen:?}");
    assert!(seen.contains('━') && seen.contains("0.8 s"), "{seen:?}");
    let behind = seen.rsplit("━").next().unwrap();
    assert!(behind.contains("\x1b[A\x1b[J"), "the bar is taken away: {behind:?}");
    let end = behind.rsplit("\x1b[J").next().unwrap();
    assert_eq!(end.trim_end(), "           log: l.jsonl", "{seen:?}");
}

#[test]
fn without_colours_there_is_no_escape_sequence() {
    let folder = Folder::new();
    folder.file("s.toml", PLAYERS);
    folder.file("wrong.toml", "spawn = 1\n");
    for variables in [&[("NO_COLOR", "1")][..], &[("TERM", "dumb")]] {
        let (code, seen) = Terminal::run(&folder, "$S run s.toml --force --log l.jsonl", variables).end();
        assert_eq!(code, Some(0), "{seen}");
        assert!(!seen.contains('\x1b'), "{seen:?}");
        let (code, seen) = Terminal::run(&folder, "$S check wrong.toml", variables).end();
        assert_eq!(code, Some(2));
        assert!(!seen.contains('\x1b'), "{seen:?}");
    }
    let ended =
        folder.scenario(&["run", "s.toml", "--log", "other.jsonl"]).env("TERM", "xterm").end().expect(0);
    assert!(!ended.stderr.contains('\x1b') && !ended.stderr.contains('━'), "{:?}", ended.stderr);
    let (_, seen) = Terminal::run(&folder, "$S check wrong.toml", &[]).end();
    assert!(seen.contains("\x1b["), "diagnostics have colours too");
}

/// The last state of a terminal with this many columns, to which `seen` was written: letters,
/// newlines, and the runner's drawing.
fn screen(seen: &str, columns: usize) -> Vec<String> {
    let (mut rows, mut at, mut saved) = (vec![Vec::new()], (0, 0), (0, 0));
    let mut rest = seen.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\r', _) => at.1 = 0,
            ('\n', _) => at.0 += 1,
            ('\x1b', Some('7')) => saved = at,
            ('\x1b', Some('8')) => at = saved,
            ('\x1b', Some('[')) => {
                rest.next();
                let code: String =
                    std::iter::from_fn(|| rest.next_if(|c| !c.is_ascii_alphabetic())).collect();
                let row: &mut Vec<char> = &mut rows[at.0];
                match rest.next().unwrap() {
                    'A' => at.0 -= 1,
                    'K' => row.truncate(at.1),
                    'J' => {
                        row.truncate(at.1);
                        rows.truncate(at.0 + 1);
                    }
                    'm' => {}
                    'h' | 'l' => assert_eq!(code, "?2026"),
                    other => panic!("the runner does not draw with {other:?}"),
                }
                continue;
            }
            (c, _) => {
                if at.1 == columns {
                    at = (at.0 + 1, 0);
                    rows.resize(rows.len().max(at.0 + 1), Vec::new());
                }
                let row = &mut rows[at.0];
                row.resize(row.len().max(at.1 + 1), ' ');
                row[at.1] = c;
                at.1 += 1;
                continue;
            }
        }
        if c == '\x1b' {
            rest.next();
        }
        rows.resize(rows.len().max(at.0 + 1), Vec::new());
    }
    rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn the_status_panel_is_below_the_lines_and_leaves_nothing() {
    const RULES: &str = "[[expect]]\nname = 'few'\nof = 'line'\nbelow = 2\n[[expect]]\nof = 'spawn.failed'\nnever = true\n\
        [[expect]]\nof = 'input'\nat_least = 1\n";
    let folder = Folder::new();
    let scenario = |program: &str| {
        format!(
            "seed = 1\ntime_limit = '30s'\n[presets.p]\ncommand = ['sh', '-c', '{program}']\n[[timeline]]\nspawn = 'p'\ncount = 2\n\
             [[timeline]]\nmark = 'm'\n{RULES}"
        )
    };
    // Until a command is typed, or the test gives up.
    folder.file("s.toml", scenario("echo one; echo two; while [ ! -e stop ]; do sleep 0.02; done"));
    let line = "stty cols 72 rows 20; $S run s.toml --log l.jsonl";
    let mut terminal = Terminal::run(&folder, line, &[]);
    for part in [
        "ps#1 p 1 s · ps#2 p 1 s",
        " lines/s",
        "1 ok so far",
        "1 open",
        "1 missed",
        ": few",
        "2 of 2 entries",
    ] {
        terminal.until(part);
    }
    terminal.types("mark typed\n");
    terminal.until("2 ok so far");
    std::fs::write(folder.path().join("stop"), "").unwrap();
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(1), "{seen}");
    assert!(seen.contains("\x1b[?2026h\r") && seen.contains("\x1b[?2026l"), "drawn at once: {seen:?}");
    // The lines of a run without a terminal stay; nothing that was drawn or typed does.
    let shown = screen(&seen, 72).join("\n");
    for drawn in ["runs    ps", "rate   ", "so far", "━", "─", "entries"] {
        assert!(!shown.contains(drawn), "{drawn}: {shown}");
    }
    let plain = folder.scenario(&["report", "l.jsonl"]).end().expect(0);
    assert!(plain.stdout.contains("missed"), "{}", plain.stdout);
    for part in
        ["started p", "| one", "| two", "m", "MISSED few", "FAILED: expectation `few`", "log: l.jsonl"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    // Too small for the panel: the bar alone. With --quiet: nothing at all.
    let small = "stty cols 72 rows 8; $S run s.toml --log small.jsonl";
    let (_, seen) = Terminal::run(&folder, small, &[]).end();
    assert!(!seen.contains("so far"), "{seen}");
    let (_, seen) = Terminal::run(&folder, "$S run s.toml --quiet --log quiet.jsonl", &[]).end();
    assert!(!seen.contains('─') && !seen.contains("so far") && seen.contains("error"), "{seen:?}");
}

#[test]
fn what_is_being_typed_has_a_row_of_its_own() {
    let folder = Folder::new();
    let program = "while [ ! -e stop ]; do echo line; sleep 0.1; done";
    folder.file(
        "s.toml",
        format!("tick = '0s'\n[presets.p]\ncommand = ['sh', '-c', '{program}']\n[[timeline]]\nid = 'p'\nspawn = 'p'\n"),
    );
    let line = "stty cols 72 rows 20; stty -a > before; $S run s.toml --log l.jsonl; stty -a > after";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.until("| line");
    // Half a word, which is still there after more lines, and then the rest of it.
    terminal.types("mark ha\u{7f}a");
    terminal.until("> mark ha");
    let seen = terminal.seen.len();
    while !terminal.seen[seen..].contains("| line") {
        assert!(terminal.read());
    }
    // The row ends with no newline, and so these are lines of events; their labels have colours.
    terminal.types_and_sees("lf\n", " mark half\r\n");
    terminal.types_and_sees("hlep\n", " commands: spawn");
    terminal.types_and_sees("help\n", " spawn PRESET");
    std::fs::write(folder.path().join("stop"), "").unwrap();
    let (_, seen) = terminal.end();
    let shown = screen(&seen, 72).join("\n");
    assert!(!shown.contains("> mark"), "{shown}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("before"), read("after"), "the terminal has its modes again");
    assert_eq!(Log::read(&folder.path().join("l.jsonl")).of("input").len(), 3);
}

#[test]
fn a_background_job_is_never_stopped() {
    let folder = Folder::new();
    folder.file("s.toml", UNTIL_STOPPED.replace("sleep 600", "sleep 0.5"));
    // Job control gives it a group of its own. There is typed text to read all the time.
    let line = "set -m; $S run s.toml --log l.jsonl & wait $!; echo code $?";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.types("1\n");
    terminal.until("| up");
    terminal.types("1\n");
    let (_, seen) = terminal.end();
    assert!(seen.contains("code 0"), "{seen}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["outcome"], "passed");
    assert!(log.of("input").is_empty(), "the terminal is not its own");
}

/// Puts itself in the foreground of the terminal and sets it raw. Then it ends, or it stays until it
/// has lost the terminal, and reads.
const TAKER: &str = "import os, signal, sys, time, tty\n\
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n\
    parent, terminal = os.getppid(), os.open('/dev/tty', os.O_RDWR)\n\
    os.tcsetpgrp(terminal, os.getpgrp())\n\
    tty.setraw(terminal)\n\
    print('taken', flush=True)\n\
    while sys.argv[1] == 'stays' and os.tcgetpgrp(terminal) == os.getpgrp(): time.sleep(0.01)\n\
    if sys.argv[1] == 'stays': os.read(terminal, 1)\n";

fn taker(folder: &Folder, then: &str) {
    folder.file("taker.py", TAKER);
    let taker = format!("[presets.taker]\ncommand = [\"python3\", \"taker.py\", \"{then}\"]\n");
    folder.file(
        "s.toml",
        format!("time_limit = \"30s\"\n{UNTIL_STOPPED}{taker}[[timeline]]\nspawn = \"taker\"\n"),
    );
}

#[test]
fn a_terminal_that_a_program_took_is_restored_at_its_end() {
    let folder = Folder::new();
    taker(&folder, "ends");
    // The shell would end with a program that dies of Ctrl-C.
    let line = "trap : INT; stty -a > before; $S run s.toml --log l.jsonl; echo code $?; stty -a > after";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.until("ended taker");
    terminal.types("1\n");
    terminal.until("ended 1");
    terminal.types("\x03");
    let (_, seen) = terminal.end();
    assert!(seen.contains("code 130"), "{seen}");
    let modes = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(modes("before"), modes("after"));
}

#[test]
fn a_program_that_takes_the_terminal_loses_it_and_is_seen_to_be_suspended() {
    let folder = Folder::new();
    taker(&folder, "stays");
    let mut terminal = Terminal::run(&folder, "trap : INT; $S run s.toml --log l.jsonl; echo code $?", &[]);
    terminal.until("was suspended by TTIN");
    terminal.types("\x03");
    let (_, seen) = terminal.end();
    assert!(seen.contains("code 130"), "{seen}");
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("spawn.suspended")[0]["signal"], "TTIN");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_killed_runner_leaves_the_terminal_as_it_was() {
    let folder = Folder::new();
    taker(&folder, "stays");
    folder.file("taker.py", TAKER.replace("time.sleep(0.01)", "os.kill(parent, 9)"));
    // The shell would end with a program that dies of Ctrl-C.
    let line = "trap : INT; stty -a > before; $S run s.toml --log l.jsonl; echo code $?; stty -a > after";
    let (_, seen) = Terminal::run(&folder, line, &[]).end();
    assert!(seen.contains("code 137"), "{seen}");
    let modes = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(modes("before"), modes("after"));
}

#[test]
fn suspended_and_continued_programs_are_shown() {
    let folder = Folder::new();
    let own = "echo $$; kill -STOP $$; echo on; sleep 600";
    let preset =
        format!("time_limit = \"30s\"\ntick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"{own}\"]\n");
    folder.file("s.toml", preset + "[[timeline]]\nid = \"p\"\nspawn = \"p\"\n");
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).watch();
    run.until("was suspended by STOP");
    let log = Log::read(&folder.path().join("l.jsonl"));
    let pid = i32::try_from(log.of("spawn.started")[0]["pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    run.until("goes on");
    crate::common::kill(&run.child, rustix::process::Signal::TERM);
    assert_eq!(run.end().0, Some(143));
    let log = Log::read(&folder.path().join("l.jsonl"));
    let names: Vec<_> = log.names().into_iter().filter(|name| name.starts_with("spawn.")).collect();
    assert_eq!(names, ["spawn.started", "spawn.suspended", "spawn.resumed", "spawn.exited"]);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    let edited = String::from_utf8(log.bytes).unwrap();
    folder.file(
        "edited.jsonl",
        edited.replacen("resumed\",\"source\":\"ps#1", "resumed\",\"source\":\"ps#2", 1),
    );
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}
