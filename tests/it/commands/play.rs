//! `scenario play`: shows the screen of a run again.

use std::time::{Duration, Instant};

use crate::commands::terminal::Terminal;
use crate::common::{Folder, kill};

/// Marks with long pauses between them: if a later one is shown within an hour, a key did it.
const HOURS: &str = "name = \"hours\"\ntick = \"0s\"\nseed = 1\n\
     [[timeline]]\nmark = \"zero\"\n[[timeline]]\nat = \"1h\"\nmark = \"one\"\n\
     [[timeline]]\nat = \"1h 3s\"\nmark = \"shortly after\"\n[[timeline]]\nat = \"2h\"\nmark = \"two\"\n";

const MIXED: &str = "seed = 3\n\
     [presets.p]\nplayers = [{ name = \"john\", count = 2, moves = 5, every = \"0s..20ms\" }]\n\
     [presets.sh]\ncommand = [\"sh\", \"-c\", \"printf 'a\\\\tb\\\\n\\\\n\\\\377'; echo err >&2; exit 3\"]\n\
     [[timeline]]\nspawn = \"p\"\n[[timeline]]\nspawn = \"sh\"\n[[timeline]]\nat = \"100ms\"\nmark = \"end\"\n";

/// A folder with the log of [`HOURS`], as `l.jsonl`.
fn hours() -> Folder {
    let folder = Folder::new();
    folder.file("s.toml", HOURS);
    folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "l.jsonl"]).end().expect(0);
    folder
}

#[test]
fn a_playback_shows_what_the_run_showed() {
    let players = MIXED.replace("spawn = \"sh\"", "mark = \"none\"");
    let players = players.split("[presets.sh]").next().unwrap().to_owned()
        + "[[timeline]]"
        + players.split_once("[[timeline]]").unwrap().1;
    for (text, options, code) in [(MIXED, &[][..], 1), (&players, &["--clock", "virtual"], 0)] {
        let folder = Folder::new();
        let (ran, log) = folder.run(text, options);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let shown = ran.stderr.split("           log: ").next().unwrap();
        for speed in ["max", "1000", "1"] {
            let played = folder.scenario(&["play", "log.jsonl", "--speed", speed]).end().expect(0);
            assert_eq!((played.stderr.as_str(), played.stdout.as_str()), (shown, ""));
        }
        let piped = folder.scenario(&["play", "-", "--speed", "max"]).stdin(&log.bytes[..]).end().expect(0);
        assert_eq!(piped.stderr, shown);
    }
}

#[test]
fn nothing_is_shown_before_its_moment() {
    let folder = Folder::new();
    folder.file("s.toml", HOURS.replace("1h 3s", "1h 1s"));
    folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "l.jsonl"]).end().expect(0);
    // Two hours, 20,000 times as fast: 360 ms.
    let began = Instant::now();
    folder.scenario(&["play", "--speed", "20000", "l.jsonl"]).end().expect(0);
    assert!(began.elapsed() >= Duration::from_millis(360));
    // Three pauses that are longer than the limit, and one second that is not.
    let began = Instant::now();
    folder.scenario(&["play", "--speed", "10", "--idle-limit", "100ms", "l.jsonl"]).end().expect(0);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_cut_log_is_shown_to_its_last_whole_line() {
    let folder = hours();
    let log = std::fs::read(folder.path().join("l.jsonl")).unwrap();
    folder.file("cut.jsonl", &log[..log.len() - 20]);
    let cut = folder.scenario(&["play", "--speed", "max", "cut.jsonl"]).end().expect(5);
    assert!(
        cut.stderr.contains("mark    two\nerror: cut.jsonl: the log was cut short: it ends after line 5"),
        "{cut:?}"
    );
    let cut = folder.scenario(&["play", "--speed", "max", "--allow-incomplete", "cut.jsonl"]).end().expect(0);
    assert!(cut.stderr.contains("mark    two\nwarning: cut.jsonl: the log was cut short"), "{cut:?}");
}

#[test]
fn a_damaged_log_is_shown_up_to_the_damage() {
    let folder = hours();
    let text = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
    for (from, to, says) in [
        ("\"seq\":3", "\"seq\":4", "line 4 has seq 4 where 3 follows"),
        ("\"text\":\"shortly after\"", "\"text\":7", "line 4 is not readable"),
        ("\"text\":\"one\"", "\"text\":\"eno\"", "line 6 says that the crc32c"),
    ] {
        folder.file("bad.jsonl", text.replace(from, to));
        let ended = folder.scenario(&["play", "--speed", "max", "bad.jsonl"]).end().expect(5);
        assert!(ended.stderr.contains("mark    zero\n") && ended.stderr.contains(says), "{}", ended.stderr);
    }
}

#[test]
fn a_closed_output_is_not_an_error() {
    let folder = hours();
    let line = "$S play --speed max l.jsonl 2>&1 >/dev/null | head -1; echo ${PIPESTATUS[@]}";
    let mut shell = std::process::Command::new("bash");
    shell.current_dir(folder.path()).args(["-c", line]).env("S", crate::common::SCENARIO);
    let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert_eq!(seen, "    0.000  run     hours · seed 1 · virtual clock\n0 0\n");
    let full = "$S play --speed max l.jsonl 2>/dev/full; echo $?; $S play --speed max l.jsonl 2>&-; echo $?";
    let mut shell = std::process::Command::new("bash");
    shell.current_dir(folder.path()).args(["-c", full]).env("S", crate::common::SCENARIO);
    let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "0\n0\n");
}

#[test]
fn signals_end_it_at_any_moment() {
    use rustix::process::Signal;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = hours();
        let mut playing = folder.scenario(&["play", "l.jsonl"]).watch();
        playing.until("zero");
        kill(&playing.child, signal);
        let (ended, shown) = playing.end();
        assert_eq!(ended, Some(code), "{shown:?}");
        // The same while nothing comes through a pipe.
        let mut playing = folder.scenario(&["play", "-"]).watch();
        let log = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
        let start: String = log.split_inclusive('\n').take(2).collect::<String>() + "{\"seq\":2,";
        let mut stdin = playing.child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, start.as_bytes()).unwrap();
        playing.until("zero");
        kill(&playing.child, signal);
        assert_eq!(playing.end().0, Some(code));
    }
}

#[test]
fn keys_pause_step_jump_and_change_the_speed() {
    let folder = hours();
    let line =
        "stty -a > before; $S play l.jsonl; code=$?; stty -a | cmp - before && echo same modes, code $code";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.types_and_sees("", "zero");
    terminal.types_and_sees("", "of 2:00:00");
    terminal.types_and_sees(" ", "paused");
    terminal.types_and_sees(".", "\x1b[0m one");
    terminal.types_and_sees("", "paused · 1:00:00 of 2:00:00 · 1x · space, arrows, q");
    for (key, then) in [
        // Right: the passed lines are shown as such.
        ("\x1b[C", "… to 1:00:05"),
        ("", "shortly after"),
        ("\x1bOD", "… to 1:00:00"),
        ("", "paused · 1:00:00"),
        // Down and up; Home: not even the first line has passed.
        ("\x1b[B", "… to 0:59:00"),
        ("\x1b[A", "… to 1:00:00"),
        ("\x1b[H", "… to 0.0 s"),
        ("+", "2x"),
        ("--", "0.5x"),
        ("++++", "8x"),
        ("\x1b[F", "… to 2:00:00"),
        ("", "passed"),
        ("\x1b[D", "… to 1:59:55"),
        (" ", "playing · 1:59:55 of 2:00:00 · 8x"),
    ] {
        terminal.types_and_sees(key, then);
    }
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("same modes, code 0"), "{seen}");
    assert!(seen.contains("\r\x1b[Jsame modes"), "the last line is taken away: {seen:?}");
}

#[test]
fn a_playback_can_be_left_and_suspended_and_the_terminal_is_as_it_was() {
    let folder = hours();
    let line = "set -m; stty -a > before; $S play l.jsonl; stty -a | cmp - before && echo suspended; fg; \
                code=$?; stty -a | cmp - before && echo same modes, code $code";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.types_and_sees("", "playing");
    terminal.types_and_sees(" ", "paused");
    terminal.types_and_sees("\x1a", "suspended");
    terminal.types_and_sees("", "paused");
    terminal.types_and_sees("\x1b[F", "passed");
    terminal.types("q");
    let (_, seen) = terminal.end();
    assert!(seen.contains("same modes, code 0"), "{seen}");
}

#[test]
fn signals_leave_the_terminal_as_it_was() {
    use rustix::process::{Pid, Signal, kill_process};
    // The shell would end with a program that dies of Ctrl-C.
    let line = "trap : INT; stty -a > before; sh -c 'echo $$ > pid; exec $S play l.jsonl'; code=$?; \
                stty -a | cmp - before && echo same modes, code $code";
    for (signal, code) in [(None, 130), (Some(Signal::TERM), 143), (Some(Signal::HUP), 129)] {
        let folder = hours();
        let mut terminal = Terminal::run(&folder, line, &[]);
        terminal.until("playing");
        match signal {
            None => terminal.types("\x03"),
            Some(signal) => {
                let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
                kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), signal).unwrap();
            }
        }
        let (_, seen) = terminal.end();
        assert!(seen.contains(&format!("same modes, code {code}")), "{seen}");
    }
}

#[test]
fn a_pipe_is_played_with_keys_and_cannot_be_read_again() {
    let folder = hours();
    let mut terminal = Terminal::run(&folder, "$S play <(cat l.jsonl)", &[]);
    terminal.types_and_sees("", "zero");
    terminal.types_and_sees(" ", "paused");
    terminal.types_and_sees(".", "\x1b[0m one");
    terminal.types_and_sees("\x1b[D", "a pipe cannot be read again");
    terminal.types_and_sees("\x1b[C", "… to 1:00:05");
    terminal.types_and_sees("\x1b[F", "passed");
    terminal.types("q");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
}

#[test]
fn without_colours_there_are_keys_and_no_last_line() {
    for variables in [&[("NO_COLOR", "1")][..], &[("TERM", "dumb")]] {
        let folder = hours();
        let mut terminal = Terminal::run(&folder, "$S play l.jsonl", variables);
        terminal.until("zero");
        terminal.types("\x1b[F");
        terminal.until("passed");
        let (code, seen) = terminal.end();
        assert_eq!(code, Some(0), "{seen}");
        assert!(!seen.contains('\x1b') && !seen.contains("playing"), "{seen:?}");
    }
}

#[test]
fn a_playback_in_the_background_leaves_the_terminal_alone() {
    let folder = hours();
    let line = "set -m; stty -a > before; $S play --speed 20000 l.jsonl & wait $!; code=$?; \
                stty -a | cmp - before && echo same modes, code $code";
    let mut terminal = Terminal::run(&folder, line, &[]);
    terminal.types("q");
    let (_, seen) = terminal.end();
    assert!(seen.contains("passed") && seen.contains("same modes, code 0"), "{seen}");
}

#[test]
fn text_from_outside_is_shown_without_control_characters() {
    let folder = Folder::new();
    let (_, log) = folder.run("[[timeline]]\nmark = \"a\"\n", &["--clock", "virtual"]);
    let text = String::from_utf8(log.bytes).unwrap();
    let text = text.replace("\"text\":\"a\"}", "\"text\":\"\\u001b]52;c;eA==\\u0007\\u202e\"}");
    folder.file("bad.jsonl", text);
    let ended = folder.scenario(&["play", "--speed", "max", "bad.jsonl"]).end().expect(5);
    assert!(ended.stderr.contains("mark    \\x1b]52;c;eA==\\x07\\u{202e}\n"), "{:?}", ended.stderr);
}
