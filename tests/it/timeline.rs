//! The timeline: which entry happens when, and what that lets happen next. On the virtual clock wherever
//! nothing real is needed.

use crate::common::{Folder, Log};

const PLAYERS: &str = "[presets.p]\nplayers = [{ name = \"john\", moves = 2, every = \"1s\" }]\n";

#[track_caller]
fn virtual_run(timeline: &str, code: i32) -> Log {
    let (ended, log) =
        Folder::new().run(&format!("{timeline}\n{PLAYERS}"), &["--clock", "virtual", "--seed", "1"]);
    ended.expect(code);
    log
}

/// The event, the entry (or source) and the planned moment (or moment) of all lines but ticks and moves.
fn story(log: &Log) -> Vec<String> {
    let told =
        log.events.iter().filter(|event| !["clock.tick", "move"].contains(&event["event"].as_str().unwrap()));
    told.skip(1)
        .map(|event| {
            let who = event["entry"].as_str().or(event["source"].as_str()).unwrap_or_default();
            let when = event["due"].as_f64().or(event["t"].as_f64()).unwrap();
            format!("{} {who} {when}", event["event"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn an_entry_hangs_on_the_start_or_the_end_of_another() {
    let log = virtual_run(
        "tick = \"0s\"\n\
         [[timeline]]\nid = \"late\"\nafter = \"wave.finished\"\nat = \"250ms\"\nmark = \"late\"\n\
         [[timeline]]\nafter = \"wave.started\"\nat = \"100ms\"\nmark = \"soon\"\n\
         [[timeline]]\nafter = \"wave.ready\"\nmark = \"at once\"\n\
         [[timeline]]\nid = \"wave\"\nat = \"1s\"\nspawn = \"p\"\n\
         [[timeline]]\nafter = \"late.finished\"\nspawn = \"p\"\n",
        0,
    );
    assert_eq!(
        story(&log),
        [
            "spawn.started wave 1",
            "mark #3 1",
            "mark #2 1.1",
            "spawn.exited ps#1 3",
            "mark late 3.25",
            "spawn.started #5 3.25",
            "spawn.exited ps#2 5.25",
            "run.finished  5.25"
        ]
    );
}

#[test]
fn an_entry_happens_again_by_number_or_by_time_or_by_both() {
    let marks = |repeat: &str| -> Vec<f64> {
        let timeline = format!("tick = \"0s\"\n[[timeline]]\nat = \"1s\"\nmark = \"m\"\n{repeat}");
        virtual_run(&timeline, 0).of("mark").iter().map(|mark| mark["due"].as_f64().unwrap()).collect()
    };
    assert_eq!(marks("every = \"500ms\"\ntimes = 3"), [1.0, 1.5, 2.0]);
    assert_eq!(marks("every = \"500ms\"\nfor = \"1s\""), [1.0, 1.5]);
    assert_eq!(marks("every = \"500ms\"\nfor = \"1001ms\""), [1.0, 1.5, 2.0]);
    assert_eq!(marks("every = \"500ms\"\nfor = \"10s\"\ntimes = 2"), [1.0, 1.5]);
    let drawn = marks("every = \"0s..1s\"\ntimes = 100");
    assert_eq!(drawn.len(), 100);
    assert!(drawn.windows(2).all(|pair| (0.0..1.0).contains(&(pair[1] - pair[0]))));
    assert_eq!(drawn, marks("every = \"0s..1s\"\ntimes = 100"));
}

#[test]
fn the_end_of_a_repeating_entry_is_the_end_of_all_it_started() {
    let log = virtual_run(
        "tick = \"0s\"\n[[timeline]]\nid = \"w\"\nspawn = \"p\"\ncount = 2\nevery = \"5s\"\ntimes = 2\n\
         [[timeline]]\nafter = \"w.finished\"\nmark = \"all\"\n",
        0,
    );
    assert_eq!(log.of("spawn.started").len(), 4);
    assert_eq!(log.of("mark")[0]["due"], 7.0);
    let running: Vec<u64> =
        log.of("spawn.exited").iter().map(|event| event["running"].as_u64().unwrap()).collect();
    assert_eq!(running, [1, 0, 1, 0]);
}

#[test]
fn what_is_due_at_once_happens_in_file_order_and_after_the_tick() {
    let log = virtual_run(
        "[[timeline]]\nat = \"1s\"\nmark = \"b\"\n[[timeline]]\nmark = \"a\"\n[[timeline]]\nat = \"1s\"\nmark = \"c\"\n",
        0,
    );
    let told: Vec<String> = log.events[1..]
        .iter()
        .map(|event| event["text"].as_str().or(event["event"].as_str()).unwrap().to_owned())
        .collect();
    assert_eq!(told, ["clock.tick", "a", "clock.tick", "b", "c", "run.finished"]);
}

#[test]
fn players_that_are_stopped_end_at_once_and_as_asked() {
    let log = virtual_run(
        "tick = \"0s\"\n[[timeline]]\nid = \"w\"\nspawn = \"p\"\n[[timeline]]\nat = \"500ms\"\nstop = \"w\"\n",
        0,
    );
    assert_eq!(log.of("move").len(), 1);
    let exited = log.of("spawn.exited")[0];
    assert_eq!(
        (exited["t"].as_f64(), exited["signal"].as_str(), exited["ok"].as_bool()),
        (Some(0.5), Some("TERM"), Some(true))
    );
}

#[test]
fn a_stop_of_what_does_not_run_is_told_and_fails_the_run() {
    let log = virtual_run(
        "tick = \"0s\"\n[[timeline]]\nid = \"w\"\nspawn = \"p\"\n[[timeline]]\nat = \"5s\"\nid = \"s\"\nstop = \"w\"\n",
        1,
    );
    assert_eq!(log.of("stopping")[0]["error"], "`w` does not run");
    assert_eq!(log.last()["reason"], "`s` could not stop anything: `w` does not run");
}

#[test]
fn a_time_limit_fails_the_run_where_it_is() {
    let log = virtual_run("tick = \"0s\"\ntime_limit = \"1500ms\"\n[[timeline]]\nspawn = \"p\"\n", 1);
    assert_eq!(log.last()["t"], 1.5);
    assert_eq!(log.of("move").len(), 2);
}

#[test]
fn typed_lines_of_a_virtual_run_come_at_its_start() {
    let folder = Folder::new();
    folder.file("typed", "p\n\nspawn p x2\nspawn q\nmark hello there\nfetch f\nsend w text\n");
    let text = format!("tick = \"0s\"\n[[timeline]]\nid = \"w\"\nat = \"9s\"\nspawn = \"p\"\n{PLAYERS}");
    let (ended, log) = folder.run(&text, &["--clock", "virtual", "--input", "typed"]);
    ended.expect(0);
    assert_eq!(log.of("spawn.started").len(), 4);
    let errors: Vec<&str> = log.of("input").iter().filter_map(|event| event["error"].as_str()).collect();
    assert_eq!(
        errors,
        [
            "no preset `q`; did you mean `p`?",
            "no fetch `f`",
            "it reads nothing: only a program with `stdin = \"open\"` does"
        ]
    );
    assert_eq!(log.of("mark")[0]["text"], "hello there");
}

#[test]
fn lines_typed_before_a_run_that_would_end_at_once_are_heard() {
    let folder = Folder::new();
    folder.file("typed", "nonsense\np\n\np\n");
    for clock in ["virtual", "real"] {
        let text = PLAYERS.replace("1s", "1ms");
        let (ended, log) = folder.run(&text, &["--clock", clock, "--input", "typed"]);
        ended.expect(0);
        assert_eq!(log.of("move").len(), 4, "{clock}");
    }
    folder.file("s.toml", PLAYERS.replace("1s", "1ms"));
    let piped = folder.scenario(&["run", "s.toml", "--log", "l.jsonl", "--input", "/dev/stdin"]);
    piped.stdin("p\n").end().expect(0);
}

#[test]
fn quit_ends_a_run_and_it_has_not_passed() {
    let folder = Folder::new();
    folder.file("typed", "quit\n1\n");
    let text = format!("[[timeline]]\nspawn = \"p\"\n{PLAYERS}");
    let (ended, log) = folder.run(&text, &["--clock", "virtual", "--input", "typed"]);
    ended.expect(1);
    assert_eq!(log.last()["outcome"], "interrupted");
}

const SHELL: &str = "tick = \"0s\"\n[presets.p]\ncommand = [\"sh\", \"-c\", \"SCRIPT\"]\n\
                     [[timeline]]\nid = \"prog\"\nspawn = \"p\"\n";

#[track_caller]
fn real_run(script: &str, timeline: &str, code: i32) -> Log {
    let (ended, log) = Folder::new().run(&format!("{}{timeline}", SHELL.replace("SCRIPT", script)), &[]);
    ended.expect(code);
    log
}

#[test]
fn a_line_lets_things_happen_right_behind_it() {
    let log = real_run(
        "echo one; echo ready 7; echo three",
        "[[timeline]]\nafter = { line = 'ready \\d+', of = \"prog\" }\nmark = \"seen\"\n",
        0,
    );
    let told: Vec<&str> = log.events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(told, ["one", "ready 7", "seen", "three"]);
}

#[test]
fn a_line_that_never_comes_fails_the_run_at_once() {
    let log = real_run(
        "echo no; exit 0",
        "[[timeline]]\nid = \"m\"\nafter = { line = 'ready', of = \"prog\" }\nmark = \"seen\"\n",
        1,
    );
    assert_eq!(log.last()["reason"], "`m` waits for a line like /ready/, but `prog` ended without one");
    let log = real_run(
        "echo no; sleep 600",
        "[[timeline]]\nid = \"m\"\nafter = { line = 'ready', of = \"prog\", timeout = \"100ms\" }\nmark = \"seen\"\n",
        1,
    );
    assert_eq!(log.last()["reason"], "`m` waited 100ms for a line like /ready/ of `prog`, and none came");
}

#[test]
fn what_waits_for_a_program_that_cannot_start_fails_the_run_at_once() {
    let text = "[presets.p]\ncommand = [\"no-such-program\"]\n[[timeline]]\nid = \"prog\"\nspawn = \"p\"\n\
                [[timeline]]\nid = \"m\"\nafter = \"prog.started\"\nmark = \"x\"\n\
                [presets.q]\ncommand = [\"sleep\", \"600\"]\n[[timeline]]\nspawn = \"q\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    assert!(log.of("mark").is_empty());
    assert_eq!(log.of("stopping")[0]["reason"], "`m` waits for `started` of `prog`, which never started");
}

#[test]
fn send_reaches_a_program_and_its_answer_comes_back() {
    let text = "tick = \"0s\"\n[presets.cat]\ncommand = [\"sh\", \"-c\", \"read a; echo got $a\"]\nstdin = \"open\"\n\
                [[timeline]]\nid = \"cat\"\nspawn = \"cat\"\n\
                [[timeline]]\nafter = \"cat.started\"\nid = \"s\"\nsend = { to = \"cat\", text = \"hello\" }\n\
                [[timeline]]\nafter = \"cat.finished\"\nid = \"t\"\nsend = { to = \"cat\", text = \"hello?\" }\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    assert_eq!(log.of("line")[0]["text"], "got hello");
    assert_eq!(log.of("sent").len(), 2);
    assert_eq!(log.last()["reason"], "`t` could not send: `cat` does not run");
}

#[test]
fn what_is_in_the_background_is_stopped_at_the_end() {
    let text = "tick = \"0s\"\n[presets.server]\ncommand = [\"sleep\", \"600\"]\nbackground = true\n\
                [[timeline]]\nspawn = \"server\"\n[[timeline]]\nat = \"100ms\"\nmark = \"done\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(0);
    assert_eq!(log.of("stopping")[0]["reason"], "the end of the run");
    assert_eq!(log.of("spawn.exited")[0]["signal"], "TERM");
}

#[test]
fn what_is_in_the_background_must_not_end_by_itself() {
    let text = "tick = \"0s\"\n[presets.server]\ncommand = [\"true\"]\nbackground = true\nEXITS\n\
                [[timeline]]\nid = \"s\"\nspawn = \"server\"\n[[timeline]]\nafter = \"s.finished\"\nmark = \"gone\"\n";
    let (ended, log) = Folder::new().run(&text.replace("EXITS", ""), &[]);
    ended.expect(1);
    assert_eq!(log.of("spawn.exited")[0]["ok"], false);
    let (ended, _) = Folder::new().run(&text.replace("EXITS", "exits = 0"), &[]);
    ended.expect(0);
}

#[test]
fn one_that_ignores_the_stop_is_killed_and_fails_the_run() {
    let text = "tick = \"0s\"\n[presets.deaf]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo deaf; while :; do sleep 1; done\"]\n\
                stop = { grace = \"100ms\" }\n[[timeline]]\nid = \"d\"\nspawn = \"deaf\"\n\
                [[timeline]]\nafter = { line = \"deaf\", of = \"d\" }\nstop = \"d\"\n";
    let (ended, log) = Folder::new().run(text, &[]);
    ended.expect(1);
    assert_eq!(log.of("spawn.exited")[0]["signal"], "KILL");
    assert_eq!(log.last()["reason"], "ps#1 (deaf) did not stop when asked to, and was killed");
}

#[test]
fn sequential_requests_come_one_after_the_other() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for client in server.incoming() {
            let mut client = client.unwrap();
            let mut head = [0; 4096];
            let _ = client.read(&mut head);
            let _ = client
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\none\ntwo\n");
        }
    });
    let text = format!(
        "tick = \"0s\"\n[fetches.f]\nmode = \"sequential\"\nlines = true\nurls = [\"http://{address}/a\", \"http://{address}/b\"]\n\
         [[timeline]]\nid = \"f\"\nfetch = \"f\"\n[[timeline]]\nafter = \"f.finished\"\nmark = \"all\"\n"
    );
    let (ended, log) = Folder::new().run(&text, &[]);
    ended.expect(0);
    let one = ["fetch.started", "fetch.responded", "fetch.line", "fetch.line", "fetch.finished"];
    let wanted = [&["run.started"], &one[..], &one[..], &["mark", "run.finished"]].concat();
    assert_eq!(log.names(), wanted);
}

#[test]
fn a_start_that_is_the_first_line_of_a_log_is_replayed() {
    let folder = Folder::new();
    let text = "tick = \"0s\"\n[presets.p]\ncommand = [\"true\"]\n[[timeline]]\nspawn = \"p\"\n";
    let (ended, log) = folder.run(text, &[]);
    ended.expect(0);
    assert_eq!(log.names()[1], "spawn.started");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    // The engine's decisions are still compared.
    let text = String::from_utf8(log.bytes).unwrap();
    folder.file("edited.jsonl", text.replace("\"preset\":\"p\"", "\"preset\":\"q\""));
    folder.scenario(&["replay", "edited.jsonl"]).end().expect(3);
}

#[test]
fn what_one_entry_starts_is_known_by_its_own_name() {
    let timeline = |id: &str| {
        format!(
            "tick = \"0s\"\n\
             [[timeline]]\n{id}spawn = \"p\"\nevery = {{ exponential = \"1s\" }}\ntimes = 3\n\
             [[timeline]]\nafter = \"p.started\"\nat = \"500ms\"\nstop = \"p\"\n\
             [[timeline]]\nafter = \"p.finished\"\nmark = \"over\"\n"
        )
    };
    let log = virtual_run(&timeline(""), 0);
    assert_eq!(log.of("stopping").len(), 1);
    assert_eq!(log.of("mark")[0]["due"], log.of("spawn.exited")[2]["t"]);
    // The log holds the scenario as it is written, so a replay finds the same entry.
    let folder = Folder::new();
    folder.file("l.jsonl", &log.bytes);
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
    folder.scenario(&["extract", "l.jsonl"]).end().expect(0);
    // That another entry names it changes no draw.
    let alone = timeline("").split("[[timeline]]\nafter").next().unwrap().to_owned();
    let due = |log: &Log| log.of("spawn.started").iter().map(|one| one["due"].clone()).collect::<Vec<_>>();
    assert_eq!(due(&virtual_run(&alone, 0)), due(&log));
    // An id goes before a name.
    let other = "[[timeline]]\nid = \"p\"\nat = \"9s\"\nmark = \"here\"\n";
    let log = virtual_run(
        &format!("{}{other}", alone.clone() + "[[timeline]]\nafter = \"p.finished\"\nmark = \"over\"\n"),
        0,
    );
    assert_eq!(log.of("mark").last().unwrap()["due"], 9.0);
}

#[test]
fn a_typed_line_knows_the_name_too() {
    let folder = Folder::new();
    folder.file("typed", "stop p\nstop p\n");
    let text = format!("tick = \"0s\"\n{PLAYERS}[[timeline]]\nspawn = \"p\"\n");
    let (ended, log) = folder.run(&text, &["--input", "typed", "--clock", "virtual"]);
    ended.expect(0);
    let errors: Vec<_> = log.of("input").iter().map(|input| input["error"].as_str().unwrap()).collect();
    assert_eq!(errors, ["`p` does not run"; 2]);
}
