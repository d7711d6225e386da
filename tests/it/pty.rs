//! Programs on a terminal of their own (`pty = true`), on the real binary.

use crate::common::{Ended, Folder, Log};
use serde_json::Value;

/// A scenario that starts a shell script on a terminal once, with these further keys of its preset.
fn scenario(script: &str, keys: &str) -> String {
    let script = serde_json::to_string(script).unwrap();
    format!(
        "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", {script}]\npty = true\n{keys}\n\
         [[timeline]]\nid = \"p\"\nspawn = \"p\"\n"
    )
}

fn run(script: &str, keys: &str) -> (Ended, Log) {
    Folder::new().run(&scenario(script, keys), &[])
}

/// All lines that were written.
fn lines(log: &Log) -> Vec<&str> {
    log.of("line").into_iter().map(|line| line["text"].as_str().unwrap()).collect()
}

#[test]
fn a_program_has_a_terminal_of_its_own() {
    let script = "test -t 0 && test -t 1 && test -t 2 && echo all three; stty size; echo $TERM; \
                  echo out; echo err >&2; : </dev/tty && echo controlling; \
                  cut -d' ' -f5,6,8 /proc/$$/stat; echo $$ $$ $$";
    let (ended, log) = run(script, "");
    ended.expect(0);
    let [said @ .., ids, pids] = &lines(&log)[..] else { panic!("nothing was said") };
    assert_eq!(said, ["all three", "24 80", "xterm-256color", "out", "err", "controlling"]);
    assert_eq!(ids, pids, "it leads its group, its session, and has the foreground");
    assert!(log.of("line").iter().all(|line| line["stream"] == "stdout"));
    let (ended, log) = run("echo $TERM; exit 7", "env = { TERM = \"vt100\" }\nexits = 7");
    ended.expect(0);
    assert_eq!(lines(&log), ["vt100"]);
}

#[test]
fn lines_arrive_as_they_were_written() {
    let (_, log) = run(r"printf 'one\r\ntwo\n\tthree\033[0m\nlast'", "");
    assert_eq!(lines(&log), ["one\r", "two", "\tthree\u{1b}[0m", "last"]);
}

#[test]
fn without_input_a_program_reads_the_end() {
    let (ended, log) = run("cat; echo end", "");
    ended.expect(0);
    assert_eq!(lines(&log), ["end"]);
}

#[test]
fn input_is_typed_and_then_the_end() {
    let (ended, log) = run("cat; echo end", "stdin = { text = \"one\\ntwo\\n\" }");
    ended.expect(0);
    assert_eq!(lines(&log), ["one", "two", "end"]);
    let (ended, log) = run("cat; echo end", "stdin = { text = \"one\\ntwo\" }");
    ended.expect(0);
    assert_eq!(lines(&log), ["one", "twoend"]);
    let folder = Folder::new();
    let much: String = (0..20_000).map(|n| format!("line {n} of much\n")).collect();
    folder.file("much", &much);
    let (ended, log) = folder.run(&scenario("cat", "stdin = { file = \"much\" }"), &[]);
    ended.expect(0);
    assert!(lines(&log) == much.lines().collect::<Vec<_>>());
    // A program that does not read it makes no mistake.
    let (ended, _) = folder.run(&scenario("exit 0", "stdin = { file = \"much\" }"), &[]);
    ended.expect(0);
    let (ended, log) = run("cat", &format!("stdin = {{ text = \"{}\" }}", "x".repeat(5_000)));
    ended.expect(1);
    let error = log.of("spawn.failed")[0]["error"].as_str().unwrap();
    assert!(error.contains("more than 4095 bytes"), "{error}");
}

#[test]
fn sent_input_is_typed() {
    let send_after = |line: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            "[[timeline]]\nafter = {{ line = \"{line}\", of = \"p\" }}\nsend = {{ to = \"p\", text = {text} }}\n"
        )
    };
    let send = |text: &str| send_after("ready", text);
    let script = "echo ready; read one; echo \"got $one\"; exec cat";
    let text = scenario(script, "stdin = \"open\"\nexits = { signal = \"INT\" }");
    // Ctrl-C means what it does on every terminal.
    let (ended, log) = Folder::new().run(&(text.clone() + &send("hello") + &send_after("got", "\u{3}")), &[]);
    ended.expect(0);
    assert_eq!(lines(&log), ["ready", "got hello"]);
    // To a program in raw mode Enter is a carriage return.
    let keys = "stty raw; echo ready; head -c 6 | od -An -c; exit 0";
    let (ended, log) = Folder::new().run(&(scenario(keys, "stdin = \"open\"") + &send("hello")), &[]);
    ended.expect(0);
    assert_eq!(lines(&log)[1].split_whitespace().collect::<String>(), "hello\\r");
    // A single key, and Ctrl-D for the end.
    let key = send("q").replace("text =", "enter = false, text =");
    let (ended, log) = Folder::new()
        .run(&(scenario("stty raw; echo ready; head -c 1; exit 0", "stdin = \"open\"") + &key), &[]);
    ended.expect(0);
    assert_eq!(lines(&log), ["ready", "q"]);
    let end = "[[timeline]]\nafter = { line = \"ready\", of = \"p\" }\nsend = { to = \"p\", text = \"x\", enter = false, close = true }\n";
    let (ended, log) =
        Folder::new().run(&(scenario("echo ready; cat; echo end", "stdin = \"open\"") + end), &[]);
    ended.expect(0);
    assert_eq!(lines(&log), ["ready", "xend"]);
    // A terminal would cut it.
    let (ended, log) = Folder::new().run(&(text + &send(&"x".repeat(5_000)) + &send("\u{3}")), &[]);
    ended.expect(1);
    let unsent: Vec<&Value> = log.of("sent").into_iter().filter_map(|sent| sent.get("error")).collect();
    assert_eq!(unsent, ["it is a line of more than 4095 bytes, which is the most that a terminal takes"]);
}

#[test]
fn commands_typed_to_the_runner_reach_the_program() {
    let folder = Folder::new();
    folder.file("s.toml", scenario("echo ready; read one; echo \"got $one\"", "stdin = \"open\""));
    let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--input", "-"]).watch();
    run.until("| ready");
    std::io::Write::write_all(run.child.stdin.as_mut().unwrap(), b"send p hello there\n").unwrap();
    run.until("| got hello there");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn a_flood_arrives_whole_and_in_order() {
    let (ended, log) = run("seq 200000", "");
    ended.expect(0);
    let wanted: Vec<String> = (1..=200_000).map(|n| n.to_string()).collect();
    assert!(lines(&log) == wanted, "{} lines", lines(&log).len());
    let (ended, log) = run("head -c 1000000 /dev/zero | tr '\\0' x", "max_line = \"1KiB\"");
    ended.expect(0);
    assert_eq!(lines(&log).concat(), "x".repeat(1_000_000));
    assert!(log.of("line").iter().rev().skip(1).all(|part| part["partial"] == true));
}

/// The error of a program that could not start, with a terminal or without.
fn failure(folder: &Folder, keys: &str, pty: bool) -> String {
    let text = format!("tick = \"0s\"\n[presets.p]\n{keys}\npty = {pty}\n[[timeline]]\nspawn = \"p\"\n");
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(1);
    assert_eq!(log.of("spawn.started").len(), 0);
    log.of("spawn.failed")[0]["error"].as_str().unwrap().to_owned()
}

#[test]
fn failed_starts_have_the_same_messages_as_without_a_terminal() {
    let folder = Folder::new();
    let script = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.file(name, text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    script("no_line.sh", "echo hello\n", 0o755);
    script("empty.sh", "", 0o755);
    script("not_executable.sh", "#!/bin/sh\n", 0o644);
    script("lost.sh", "#!/no/such/interpreter -x\n", 0o755);
    script("windows.sh", "#!/bin/sh\r\n", 0o755);
    let long = format!("command = [\"sh\", \"-c\", \"{}\"]", "x".repeat(200_000));
    let rows = [
        "command = [\"no-such-program\"]",
        "command = [\"./no_such\"]",
        "command = [\"sh\"]\ndir = \"no/such\"",
        "command = [\"sh\"]\ndir = \"lost.sh\"",
        "command = [\"./no_line.sh\"]",
        "command = [\"./empty.sh\"]",
        "command = [\"./not_executable.sh\"]",
        "command = [\"./lost.sh\"]",
        "command = [\"./windows.sh\"]",
        "command = [\"./\"]",
        "command = [\"/dev/null\"]",
        &long,
    ];
    let mut seen = Vec::new();
    for row in rows {
        let [with, without] = [true, false].map(|pty| failure(&folder, row, pty));
        assert_eq!(with, without);
        seen.push(with);
    }
    assert!(seen[4].contains("neither a program for this machine nor a script"), "{seen:?}");
}

#[test]
fn a_process_that_ignores_term_is_killed_after_the_grace() {
    let script = "trap '' TERM HUP; sleep 600 & echo ready; while :; do wait; done";
    let text = scenario(script, "background = true\nstop = { signal = \"TERM\", grace = \"50ms\" }");
    let after = "[[timeline]]\nafter = { line = \"ready\", of = \"p\" }\nmark = \"up\"\n";
    let (ended, log) = Folder::new().run(&(text + after), &[]);
    ended.expect(1);
    assert_eq!(log.of("spawn.exited")[0]["signal"], "KILL");
    assert!(crate::common::is_gone(&log.of("spawn.started")[0]["pid"]));
}

#[test]
fn a_grandchild_that_holds_the_terminal_delays_the_end_only_a_little() {
    let (ended, log) = run("trap '' HUP; sleep 600 & echo last words", "");
    ended.expect(0);
    assert_eq!(lines(&log), ["last words"]);
    assert!(crate::common::is_gone(&log.of("spawn.started")[0]["pid"]));
}

#[test]
fn a_program_that_closes_its_terminal_is_not_hung_up() {
    let script = "echo out; exec <&- >&- 2>&-; n=0; while test $n -lt 20000; do n=$((n+1)); done; \
                  echo again >/dev/tty && exit 5";
    let (ended, log) = run(script, "exits = 5");
    ended.expect(0);
    assert_eq!(lines(&log)[0], "out");
}

#[test]
fn a_log_with_a_terminal_is_replayed_and_extracted() {
    let folder = Folder::new();
    let (ended, _) = folder.run(&scenario("cat; echo end", "stdin = { text = \"one\\n\" }"), &[]);
    ended.expect(0);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    let extracted = folder.scenario(&["extract", "log.jsonl"]).end().expect(0).stdout;
    assert!(extracted.contains("\npty = true\n"), "{extracted}");
}

#[test]
fn players_have_no_terminal() {
    let folder = Folder::new();
    folder
        .file("s.toml", "[presets.p]\nplayers = [{ name = \"a\", moves = 1, every = \"1s\" }]\npty = true\n");
    let said = folder.scenario(&["check", "s.toml"]).end().expect(2).stderr;
    assert!(said.contains("`pty`") && said.contains("command"), "{said}");
}
