//! The failures of the small systems that this program comes from: each must not happen here, tested
//! on the real binary.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::common::{Folder, shell_code};

const ONE: &str = "[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"10ms\" }]\n\
                   [[timeline]]\nspawn = \"1\"\n";

#[test]
fn stdin_from_dev_null_runs_as_usual() {
    let (ended, log) = Folder::new().run(ONE, &[]);
    ended.expect(0);
    assert_eq!(log.of("move").len(), 2);
}

#[test]
fn a_closed_stdin_costs_nothing() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.1]\nplayers = [{ name = \"john\", moves = 2, every = \"500ms\" }]\n[[timeline]]\nspawn = \"1\"\n");
    let mut run = folder.scenario(&[]).command;
    let program = run.get_program().to_owned();
    run = std::process::Command::new("sh");
    run.current_dir(folder.path()).env("P", program).args(["-c", "exec \"$P\" run s.toml --log l.jsonl <&-"]);
    let before = children_time();
    let status = run.stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    let spent = children_time() - before;
    // One second of run: a callback that spins would burn most of it.
    assert!(spent < 50, "{spent} hundredths of a second of processor time in a run of one second");
    assert_eq!(crate::common::Log::read(&folder.path().join("l.jsonl")).of("move").len(), 2);
}

/// Processor time of this process's ended children, in clock ticks (hundredths of a second).
fn children_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
}

#[test]
fn two_lines_typed_at_once_are_both_taken() {
    let folder = Folder::new();
    folder.file("s.toml", format!("tick = \"0s\"\n{ONE}"));
    let ended = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]).stdin("1\n1\n").end();
    ended.expect(0);
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.of("input").len(), 2);
    assert_eq!(log.of("move").len(), 6);
}

#[test]
fn typing_spawns_while_it_runs_and_nonsense_changes_nothing() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.1]\nplayers = [{ name = \"john\", moves = 1, every = \"10ms\" }]\n[presets.long]\ncommand = [\"sleep\", \"60\"]\n[[timeline]]\nid = \"long\"\nspawn = \"long\"\n");
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "-"]);
    let mut child =
        run.command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    let mut screen = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until = |what: &str| assert!(screen.any(|line| line.contains(what)), "{what} was never shown");
    until("started long");
    keyboard.write_all(b"1\n").unwrap();
    until("started 1");
    keyboard.write_all(b"\nlnog\nspawn 7\nstop nobody\n").unwrap();
    until("`lnog`: no command or preset `lnog`; did you mean `long`?");
    until("`stop nobody`");
    keyboard.write_all(b"status\n").unwrap();
    until("runs long");
    keyboard.write_all(b"mark here\nstop long\n").unwrap();
    until("here");
    until("passed");
    drop(screen);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    let accepted: Vec<bool> =
        log.of("input").iter().map(|event| event["accepted"].as_bool().unwrap()).collect();
    assert_eq!(accepted, [true, false, false, false, true, true, true]);
    assert_eq!(log.of("spawn.started").len(), 2);
}

#[test]
fn a_long_line_is_logged_in_parts_and_none_of_it_is_lost() {
    let text = "[presets.p]\ncommand = [\"sh\", \"-c\", \"head -c 200000 /dev/zero | tr '\\\\0' x; echo\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(0);
    let lines = log.of("line");
    let parts: Vec<usize> = lines.iter().map(|event| event["text"].as_str().unwrap().len()).collect();
    assert_eq!(parts, [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]);
    let partial: Vec<bool> = lines.iter().map(|event| event["partial"].as_bool().unwrap_or(false)).collect();
    assert_eq!(partial, [true, true, true, false]);
}

#[test]
fn bytes_that_are_not_utf_8_are_kept() {
    let text =
        "[presets.p]\ncommand = [\"printf\", 'a\\377b\\n\\303\\251\\n']\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(0);
    let lines = log.of("line");
    assert_eq!(lines[0]["base64"], "Yf9i");
    assert_eq!(lines[1]["text"], "é");
}

#[test]
fn a_missing_program_is_an_event() {
    let text = "[presets.p]\ncommand = [\"no-such-program-here\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    assert_eq!(log.names(), ["run.started", "spawn.failed", "run.finished"]);
    assert!(log.of("spawn.failed")[0]["error"].as_str().unwrap().contains("no-such-program-here"));
}

#[test]
fn an_empty_timeline_ends_at_once() {
    let (ended, log) = Folder::new().run("name = \"nothing\"\n", &[]);
    ended.expect(0);
    assert_eq!(log.names(), ["run.started", "run.finished"]);
}

#[test]
fn a_failing_child_fails_the_run() {
    let text = "[presets.p]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    let exited = log.of("spawn.exited")[0];
    assert_eq!((exited["code"].as_u64(), exited["ok"].as_bool()), (Some(3), Some(false)));
    assert_eq!(log.last()["reason"], "ps#1 (p) ended with code 3");
}

#[test]
fn term_stops_all() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; sleep 600 & wait\"]\n[[timeline]]\nspawn = \"p\"\ncount = 3\n");
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]);
    let mut child = run.command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let screen = BufReader::new(child.stderr.take().unwrap());
    let mut up = 0;
    for line in screen.lines() {
        up += u32::from(line.unwrap().contains("| up"));
        if up == 3 {
            break;
        }
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(shell_code(child.wait().unwrap()), Some(143));
    let log = crate::common::Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["outcome"], "interrupted");
    assert_eq!(log.of("spawn.exited").len(), 3);
    for started in log.of("spawn.started") {
        let group = rustix::process::Pid::from_raw(started["pid"].as_i64().unwrap() as i32).unwrap();
        assert!(rustix::process::test_kill_process_group(group).is_err(), "somebody is left of {group:?}");
    }
}

#[test]
fn planned_moments_do_not_drift() {
    let text = "tick = \"20ms\"\n[presets.p]\ncommand = [\"sleep\", \"4\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(0);
    let ticks = log.of("clock.tick");
    assert!(ticks.len() >= 200);
    for (n, tick) in ticks.iter().enumerate() {
        assert_eq!(tick["n"], n);
        let due = (tick["due"].as_f64().unwrap() * 1e9).round() as u64;
        assert_eq!(due, n as u64 * 20_000_000, "planned from the start, not from the last");
        assert!(tick["t"].as_f64() >= tick["due"].as_f64());
    }
}

#[test]
fn stdout_and_stderr_are_told_apart_byte_for_byte() {
    let text = "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo '  out'; echo '\\terr ' >&2\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    let ended = ended.expect(0);
    let text_of = |stream: &str| {
        let of = log.of("line").into_iter().find(|event| event["stream"] == stream);
        of.unwrap()["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(text_of("stdout"), "  out");
    assert_eq!(text_of("stderr").trim_end(), "\terr");
    assert!(ended.stderr.contains("|   out") && ended.stderr.contains("! \\terr"), "{}", ended.stderr);
}

#[test]
fn a_seed_is_always_there_to_do_it_again() {
    let (ended, log) = Folder::new().run(ONE, &[]);
    ended.expect(0);
    let seed = log.events[0]["seed"].as_u64().unwrap();
    let (_, again) = Folder::new().run(ONE, &["--seed", &seed.to_string()]);
    assert_eq!(log.moves_of("john"), again.moves_of("john"));
}

#[test]
fn each_request_fails_by_itself_and_in_words() {
    let folder = Folder::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let open = server.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut head = BufReader::new(client.try_clone().unwrap());
        let mut line = String::new();
        while head.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone")
            .unwrap();
    });
    let text = format!(
        "[fetches.f]\nurls = [\"http://{closed}/a\", \"http://{open}/b\"]\n[[timeline]]\nfetch = \"f\"\n"
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    serving.join().unwrap();
    assert_eq!(log.of("fetch.started").len(), 2);
    let failed = log.of("fetch.failed")[0];
    assert_eq!(failed["kind"], "connect");
    assert!(failed["error"].as_str().unwrap().contains("refused"), "{failed}");
    let finished = log.of("fetch.finished")[0];
    assert_eq!(
        (finished["status"].as_u64(), finished["ok"].as_bool(), finished["bytes"].as_u64()),
        (Some(404), Some(false), Some(4))
    );
}

#[test]
fn a_time_limit_ends_what_does_not_end() {
    let text =
        "time_limit = \"200ms\"\n[presets.p]\ncommand = [\"sleep\", \"600\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    assert_eq!(log.last()["reason"], "the time limit of 200ms is over");
    assert_eq!(log.of("spawn.exited")[0]["signal"], "TERM");
}
