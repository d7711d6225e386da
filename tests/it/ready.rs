//! Programs become ready by a line, a port or a URL, or never do, and the run fails. Real programs;
//! every log is replayed.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{Ended, Folder, Log, answer, free_port, is_gone, kill, listen_from, serve_from};
use rustix::process::Signal;

/// Runs a scenario, and replays its log.
#[track_caller]
fn run(text: &str, code: i32) -> (Ended, Log) {
    let folder = Folder::new();
    let (ended, log) = folder.run(text, &[]);
    let ended = ended.expect(code);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    (ended, log)
}

/// A preset of a shell script, with these further keys.
fn sh(name: &str, script: &str, keys: &str) -> String {
    format!("[presets.{name}]\ncommand = [\"sh\", \"-c\", '''{script}''']\n{keys}\n")
}

/// The events and texts of a log, in order, without ticks.
fn events_and_texts(log: &Log) -> Vec<String> {
    let told = log.events.iter().filter(|event| event["event"] != "clock.tick");
    let words = told.map(|event| {
        let what = event["text"].as_str().or(event["source"].as_str()).unwrap_or_default();
        format!("{} {what}", event["event"].as_str().unwrap()).trim_end().to_owned()
    });
    words.collect()
}

const WAITS: &str =
    "[[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nid = \"m\"\nafter = \"p.ready\"\nmark = \"m\"\n";

#[test]
fn a_line_makes_ready_right_after_it() {
    let script = "echo one; echo 'now up 7'; echo up 8; echo three";
    let (ended, log) = run(&format!("{}{WAITS}", sh("p", script, "ready = { line = 'up \\d$' }")), 0);
    let wanted = [
        "run.started",
        "spawn.started ps#1",
        "line one",
        "line now up 7",
        "spawn.ready ps#1",
        "mark m",
        "line up 8",
        "line three",
        "spawn.exited ps#1",
        "run.finished",
    ];
    assert_eq!(events_and_texts(&log), wanted);
    assert!(ended.stderr.contains("ps#1    ready\n"), "{}", ended.stderr);
}

#[test]
fn without_ready_a_program_is_ready_once_it_has_started() {
    let (_, log) = run(&format!("{}{WAITS}", sh("p", "cat", "stdin = { text = \"x\" }")), 0);
    assert_eq!(events_and_texts(&log)[1..3], ["spawn.started ps#1", "mark m"]);
    assert!(log.of("spawn.ready").is_empty());
    assert!(!log.events[0]["scenario"]["presets"]["p"].to_string().contains("ready"));
}

/// A server that listens once it is asked to, which is after some probes.
fn late_server(port: u16) -> String {
    let program = "import socket, sys; print(\"up\", flush=True); sys.stdin.readline(); \
                   s = socket.create_server((\"127.0.0.1\", PORT)); s.accept(); sys.stdin.read()";
    let program = program.replace("PORT", &port.to_string());
    format!(
        "[presets.p]\ncommand = [\"python3\", \"-c\", '{program}']\nstdin = \"open\"\nbackground = true\n\
         ready = {{ tcp = \"localhost:{port}\", poll = \"20ms\" }}\n\
         [[timeline]]\nafter = {{ line = \"up\", of = \"p\", timeout = \"60s\" }}\nat = \"150ms\"\n\
         send = {{ to = \"p\", text = \"listen\" }}\n"
    )
}

#[test]
fn a_port_makes_ready_once_it_takes_connections() {
    let (_, log) = run(&format!("{}{WAITS}", late_server(free_port())), 0);
    let wanted = [
        "run.started",
        "spawn.started ps#1",
        "line up",
        "sent listen",
        "spawn.ready ps#1",
        "mark m",
        "stopping ps#1",
        "spawn.exited ps#1",
        "run.finished",
    ];
    assert_eq!(events_and_texts(&log), wanted);
}

#[test]
fn a_good_response_makes_ready() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let nowhere = free_port();
    let folder = Folder::new();
    let flag = folder.path().join("runs");
    let address = serve_from(flag, move |path, _| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => b"no HTTP\r\n\r\n".to_vec(),
        1 => answer("503 Service Unavailable", "", "not yet"),
        2 => Vec::new(),
        3 => answer("404 Not Found", "", ""),
        4 => answer("302 Found", &format!("Location: http://127.0.0.1:{nowhere}/\r\n"), ""),
        n => panic!("asked for {path} a {n}th time"),
    });
    let keys =
        format!("background = true\nready = {{ http = \"http://{address}/health?a=b\", poll = \"5ms\" }}");
    let text = format!("{}{WAITS}", sh("p", "touch runs; exec sleep 600", &keys));
    let proxy = format!("http://127.0.0.1:{nowhere}");
    folder.file("s.toml", text);
    let run = folder.scenario(&["run", "s.toml", "--log", "l"]);
    run.env("http_proxy", &proxy).env("ALL_PROXY", &proxy).end().expect(0);
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    let log = Log::read(&folder.path().join("l"));
    assert_eq!(events_and_texts(&log)[1..4], ["spawn.started ps#1", "spawn.ready ps#1", "mark m"]);
    assert!(log.of("fetch.started").is_empty() && log.last()["fetched"] == 0, "a probe is no request");
}

#[test]
fn a_probe_that_hangs_gives_way_to_the_next() {
    let folder = Folder::new();
    let address = listen_from(folder.path().join("runs"), |server| {
        let mut held = Vec::new();
        for client in server.incoming() {
            let mut client = client.unwrap();
            // The first request is never answered.
            if !held.is_empty() {
                let _ = client.write_all(&answer("204 No Content", "", ""));
            }
            held.push(client);
        }
    });
    let keys = format!("background = true\nready = {{ http = \"http://{address}/\" }}");
    let (ended, log) = folder.run(&format!("{}{WAITS}", sh("p", "touch runs; exec sleep 600", &keys)), &[]);
    ended.expect(0);
    assert_eq!(log.of("mark").len(), 1);
}

#[test]
fn a_program_that_never_becomes_ready_fails_the_run_and_shows_its_last_lines() {
    let flags = Folder::new();
    // Each server listens once the program of its case runs.
    let flag = |case: usize| flags.path().join(case.to_string());
    let silent = listen_from(flag(2), |server| {
        let _held: Vec<_> = server.incoming().collect();
    });
    let nobody = free_port();
    let broken = serve_from(flag(3), |_, _| answer("503 Service Unavailable", "", "not yet"));
    for (case, (ready, error, last_try)) in [
        ("line = \"up\"".to_owned(), "no line like /up/ came within 2s".to_owned(), None),
        (
            format!("tcp = \"127.0.0.1:{nobody}\""),
            format!("127.0.0.1:{nobody} took no connection within 2s"),
            Some(format!("no connection to 127.0.0.1:{nobody}: Connection refused (os error 111)")),
        ),
        (
            // It takes connections and never answers.
            format!("http = \"http://u:pw@{silent}/\", try_timeout = \"400ms\""),
            format!("http://u:[redacted]@{silent}/ gave no answer 2xx or 3xx within 2s"),
            Some(format!("not done within 300ms: {silent} had not begun to answer")),
        ),
        (
            format!("http = \"http://{broken}/\""),
            format!("http://{broken}/ gave no answer 2xx or 3xx within 2s"),
            Some("status 503".to_owned()),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let keys = format!("background = true\nready = {{ {ready}, timeout = \"2s\" }}");
        let flag = flag(case);
        let flag = flag.display();
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11; do echo try $i; done; printf 'no \\033[31mdb' >&2; exec sleep 600";
        let other = sh("other", "sleep 600", "");
        let script = format!("touch {flag}; {script}");
        let text = format!("{}{WAITS}{other}[[timeline]]\nspawn = \"other\"\n", sh("p", &script, &keys));
        let (ended, log) = run(&text, 1);
        let tried = last_try.as_ref().map_or_else(String::new, |last| format!(" (the last try: {last})"));
        let error = format!("never became ready: {error}{tried}");
        let failed = log.of("spawn.failed")[0];
        assert_eq!(failed["last_try"].as_str(), last_try.as_deref());
        assert_eq!((failed["error"].as_str(), failed["running"].as_u64()), (Some(error.as_str()), Some(2)));
        assert!(failed["t"].as_f64().unwrap() >= 2.0);
        let stops: Vec<&str> = log.of("stopping").iter().filter_map(|stop| stop["reason"].as_str()).collect();
        assert_eq!(
            stops,
            ["it never became ready", "`m` waits for `ready` of `p`, which never became ready"]
        );
        let exits = log.of("spawn.exited");
        assert!(exits.iter().all(|exit| exit["ok"] == true), "it was asked to: {exits:?}");
        assert_eq!((log.last()["spawned"].as_u64(), log.last()["exited"].as_u64()), (Some(2), Some(2)));
        assert_eq!(log.last()["reason"], format!("ps#1 (p) {error}"));
        let shown = ended.stderr.split("its last lines:\n").nth(1).unwrap();
        let again = shown.lines().take_while(|line| line.contains("| ") || line.contains("! ")).count();
        assert!((10..=11).contains(&again) && shown.contains("| try 11"), "{}", ended.stderr);
    }
}

#[test]
fn a_program_that_ends_before_it_is_ready_fails_the_run() {
    let preset = sh("p", "echo gone", "ready = { line = \"up\" }\nexits = \"any\"");
    let (ended, log) = run(&format!("{preset}{WAITS}"), 1);
    let exited = log.of("spawn.exited")[0];
    assert_eq!((exited["code"].as_i64(), exited["ok"].as_bool()), (Some(0), Some(false)));
    assert_eq!(log.last()["reason"], "ps#1 (p) ended with code 0 before it was ready");
    let stopping = log.of("stopping")[0];
    assert_eq!(stopping["reason"], "`m` waits for `ready` of `p`, which never became ready");
    assert!(ended.stderr.contains("ended p before it was ready; nothing runs\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("ps#1    its last lines:\n"), "{}", ended.stderr);
    // Also if nothing waits for it.
    let (_, log) = run(&format!("{preset}[[timeline]]\nspawn = \"p\"\n"), 1);
    assert!(log.of("stopping").is_empty() && log.of("spawn.failed").is_empty());
}

#[test]
fn readiness_waits_along_a_chain() {
    let up = "ready = { line = \"up\" }\nbackground = true";
    let presets: String = ["a", "b", "c"].map(|name| sh(name, "echo up; exec sleep 600", up)).concat();
    let spawn =
        |name: &str, after: &str| format!("[[timeline]]\nid = \"{name}\"\n{after}spawn = \"{name}\"\n");
    let timeline = [
        spawn("c", "after = \"b.ready\"\n"),
        spawn("b", "after = \"a.ready\"\n"),
        spawn("a", ""),
        "[[timeline]]\nafter = \"c.ready\"\nmark = \"all\"\n".to_owned(),
    ];
    let (_, log) = run(&format!("{presets}{}", timeline.concat()), 0);
    let one = |n: u32| [format!("spawn.started ps#{n}"), "line up".to_owned(), format!("spawn.ready ps#{n}")];
    let wanted = [&one(1)[..], &one(2), &one(3), &["mark all".to_owned()]].concat();
    assert_eq!(events_and_texts(&log)[1..11], wanted);
}

#[test]
fn the_first_of_many_makes_its_entry_ready_and_the_others_go_on() {
    let folder = Folder::new();
    // The first one that makes the folder is ready; the others never are.
    let script = "mkdir first 2>/dev/null && echo up && exit; exec sleep 600";
    let many = WAITS.replacen("spawn = \"p\"", "spawn = \"p\"\ncount = 3", 1);
    let end = "[[timeline]]\nafter = \"p.finished\"\nmark = \"end\"\n";
    let preset = sh("p", script, "ready = { line = \"up\", timeout = \"2s\" }");
    let (ended, log) = folder.run(&format!("{preset}{many}{end}"), &[]);
    ended.expect(1);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
    assert_eq!((log.of("spawn.ready").len(), log.of("spawn.failed").len()), (1, 2));
    let marks: Vec<_> = log.of("mark").iter().map(|mark| mark["text"].as_str().unwrap()).collect();
    assert_eq!(marks, ["m", "end"], "the run goes on to its end, which is that it failed");
}

/// A program that never answers its probe.
fn unready(name: &str) -> String {
    let port = free_port();
    let ready = format!("ready = {{ tcp = \"127.0.0.1:{port}\", poll = \"1ms\" }}\nbackground = true");
    sh(name, "exec sleep 600", &ready)
}

#[test]
fn a_stop_ends_the_wait_and_fails_only_entries_that_wait() {
    let stop = "[[timeline]]\nafter = \"p.started\"\nat = \"100ms\"\nid = \"s\"\nstop = \"p\"\n";
    let spawn = "[[timeline]]\nid = \"p\"\nspawn = \"p\"\n";
    let gone = "[[timeline]]\nafter = \"p.finished\"\nmark = \"gone\"\n";
    let (_, log) = run(&format!("{}{spawn}{stop}{gone}", unready("p")), 0);
    let wanted = ["spawn.started ps#1", "stopping ps#1", "spawn.exited ps#1", "mark gone", "run.finished"];
    assert_eq!(events_and_texts(&log)[1..], wanted);
    let (_, log) = run(&format!("{}{WAITS}{stop}", unready("p")), 1);
    assert_eq!(log.last()["reason"], "`m` waits for `ready` of `p`, which never became ready");
    // Lines on its way out do not make it ready.
    let says = sh(
        "p",
        "trap 'echo up; exit 0' TERM; echo on; while :; do sleep 1 & wait; done",
        "ready = { line = \"up\" }",
    );
    let stop = stop.replace("after = \"p.started\"\nat = \"100ms\"", "after = { line = \"on\", of = \"p\" }");
    let (_, log) = run(&format!("{says}{spawn}{stop}{gone}"), 0);
    assert!(log.of("spawn.ready").is_empty());
}

#[test]
fn the_time_limit_ends_the_wait() {
    let (_, log) = run(&format!("time_limit = \"200ms\"\n{}{WAITS}", unready("p")), 1);
    assert_eq!(log.last()["reason"], "the time limit of 200ms is over");
    assert!(log.of("spawn.failed").is_empty() && log.of("mark").is_empty());
}

#[test]
fn a_signal_ends_the_wait_and_leaves_no_process() {
    let folder = Folder::new();
    folder.file("s.toml", format!("{}{WAITS}", unready("p")));
    let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).watch();
    run.until("started p");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let log = Log::read(&folder.path().join("log.jsonl"));
    assert!(is_gone(&log.of("spawn.started")[0]["pid"]));
    assert_eq!(log.last()["outcome"], "interrupted");
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

#[test]
fn a_typed_spawn_becomes_ready_as_well() {
    let folder = Folder::new();
    let preset = sh("p", "echo up", "ready = { line = \"up\" }");
    folder.file("s.toml", format!("{preset}[[timeline]]\nat = \"1s\"\nmark = \"end\"\n"));
    folder.file("typed", "p\n");
    folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--input", "typed"]).end().expect(0);
    assert_eq!(Log::read(&folder.path().join("log.jsonl")).of("spawn.ready").len(), 1);
    folder.scenario(&["replay", "log.jsonl"]).end().expect(0);
}

/// A log with lines changed or removed, numbered again and closed again.
fn edited(log: &Log, edit: impl Fn(&str) -> Option<String>) -> Vec<u8> {
    let text = String::from_utf8(log.bytes.clone()).unwrap();
    let mut bytes = Vec::new();
    for (seq, line) in text.lines().filter_map(edit).enumerate() {
        let (_, own) = line.split_once(",\"t\":").unwrap();
        let own = match own.split_once(",\"crc32c\":") {
            Some((own, _)) => format!("{own},\"crc32c\":\"{:08x}\"}}", crc32c::crc32c(&bytes)),
            None => own.to_owned(),
        };
        bytes.extend_from_slice(format!("{{\"seq\":{seq},\"t\":{own}\n").as_bytes());
    }
    bytes
}

#[test]
fn a_log_with_a_changed_readiness_is_refused() {
    let folder = Folder::new();
    let by_line = sh("p", "echo no; echo up; cat", "stdin = { text = \"more\" }\nready = { line = \"up\" }");
    let never = sh("p", "exec sleep 600", "ready = { line = \"up\", timeout = \"50ms\" }");
    let is = |line: &str, event: &str| line.contains(&format!("\"event\":\"{event}\""));
    let kept = |line: &str| Some(line.to_owned());
    let replayed = |preset: &str, run_code: i32, edit: &dyn Fn(&str) -> Option<String>, code: i32| {
        let (ended, log) = folder.run(&format!("{preset}{WAITS}"), &[]);
        ended.expect(run_code);
        folder.file("edited.jsonl", edited(&log, edit));
        folder.scenario(&["replay", "edited.jsonl"]).end().expect(code);
    };
    replayed(&by_line, 0, &kept, 0);
    let without = |line: &str| (!is(line, "spawn.ready")).then(|| line.to_owned());
    replayed(&by_line, 0, &without, 3);
    replayed(&late_server(free_port()), 0, &without, 3);
    let earlier = |line: &str| Some(line.replace("\"text\":\"no\"", "\"text\":\"up\""));
    replayed(&by_line, 0, &earlier, 3);
    let other = |line: &str| {
        Some(if is(line, "spawn.ready") { line.replace("ps#1", "ps#2") } else { line.to_owned() })
    };
    replayed(&by_line, 0, &other, 3);
    replayed(
        &never,
        1,
        &|line| Some(line.replace("within 50ms\",\"running\"", "within 51ms\",\"running\"")),
        3,
    );
    let fewer = |line: &str| {
        Some(if is(line, "spawn.failed") {
            line.replace("\"running\":1", "\"running\":0")
        } else {
            line.to_owned()
        })
    };
    replayed(&never, 1, &fewer, 3);
}

#[test]
fn a_plan_leaves_entries_open_that_wait_for_readiness() {
    let folder = Folder::new();
    let stop = "[[timeline]]\nat = \"2s\"\nstop = \"p\"\n[[timeline]]\nat = \"3s\"\nmark = \"later\"\n";
    let at = WAITS.replace("after = \"p.ready\"", "after = \"p.ready\"\nat = \"1s\"");
    folder.file("s.toml", format!("{}{at}{stop}", unready("p")));
    let plan = folder.scenario(&["plan", "s.toml", "--seed", "1"]).end().expect(0).stdout;
    for shown in
        ["after p.ready + 1s", "mark   later", "earliest 3.000 s", "latest   31.000 s", "likely   open"]
    {
        assert!(plan.contains(shown), "{shown}:\n{plan}");
    }
}

#[test]
fn a_program_that_is_ready_within_milliseconds_is_seen_long_before_the_first_poll() {
    // The third try succeeds. By `poll` alone it would come after a minute.
    let folder = Folder::new();
    let ready = "ready = { command = [\"sh\", \"-c\", \"echo >> tries; test $(wc -l < tries) -ge 3\"], poll = \"10m\", \
                 timeout = \"9m\", try_timeout = \"5m\" }";
    let text = format!(
        "{}{WAITS}[[timeline]]\nafter = \"p.ready\"\nstop = \"p\"\n",
        sh("p", "exec sleep 600", ready)
    );
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_eq!(log.of("spawn.ready").len(), 1);
    let tries = std::fs::read_to_string(folder.path().join("tries")).unwrap();
    assert_eq!(tries.lines().count(), 3);
}
