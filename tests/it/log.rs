//! The log: the form of each line, and that the log is written however the run ends. The tests follow
//! section D of the list of faults, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::common::{Folder, Log, SCENARIO, answer, free_port, is_gone, kill, project, serve};
use rustix::process::Signal;
use scenario_log::event_kind::{EventKeyType, EventKind};
use serde_json::Value;

/// All events with their own keys, in the order of the contract.
const EVENTS: [(&str, &str); 42] = [
    ("run.started", "format generator name seed clock started_at schedule scenario"),
    ("clock.tick", "due n"),
    ("spawn.started", "due source preset entry pid"),
    ("spawn.ready", "source"),
    ("spawn.unhealthy", "source failures last_try"),
    ("stop.failed", "source signal error"),
    ("spawn.restarted", "source replaces"),
    ("spawn.suspended", "source signal"),
    ("spawn.resumed", "source"),
    ("move", "due source player direction"),
    ("step", "due source player step register"),
    ("step.ended", "source player step took ok"),
    ("player.ended", "source player took ok"),
    ("line", "source stream text base64 partial"),
    ("text", "source stream text base64"),
    ("line.matched", "source stream ready entries conditions expects follows"),
    ("spawn.sample", "source memory cpu processes threads descriptors"),
    (
        "spawn.exited",
        "source code signal ok running held killed skipped again reason restarts_in cpu peak_memory exceeded",
    ),
    ("spawn.failed", "source preset entry error running last_try again"),
    ("fetch.started", "due source job entry player step method url row values"),
    ("fetch.responded", "source status version headers"),
    ("fetch.line", "source n text base64"),
    (
        "fetch.finished",
        "source status bytes sha256 ok took timings reused opened resent retried check captured again",
    ),
    ("fetch.failed", "source kind error took opened resent retried again"),
    ("input", "text accepted error"),
    ("mark", "due entry text"),
    ("entry.skipped", "entry reason"),
    ("entry.retried", "entry source n reason wait"),
    ("sent", "due source entry text error"),
    ("signalled", "due source entry signal error"),
    ("stopping", "due source entry signal reason error"),
    ("run.paused", ""),
    ("run.resumed", "took"),
    ("player.joined", "source player called place"),
    ("player.left", "source"),
    ("world.state", "due players"),
    ("deadlock", "waiting"),
    ("link.opened", "link connection"),
    ("link.closed", "link connection why bytes_to bytes_from took error"),
    ("link.changed", "due link entry undone latency bandwidth cut limit slice refuse reset"),
    ("expect", "name ok wanted got events"),
    ("run.finished", "outcome reason spawned exited fetched moves lines lateness fetches shared took crc32c"),
];

/// The keys whose values are times.
const TIMES: [&str; 13] =
    ["t", "due", "took", "wait", "cpu", "p50", "p99", "max", "dns", "connect", "tls", "first_byte", "body"];

/// The members of a JSON object, unchanged: keys and raw values, in their order.
fn members(object: &str) -> Vec<(&str, &str)> {
    let inside = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap();
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ',' if depth == 0 => parts.push(&inside[std::mem::replace(&mut start, at + 1)..at]),
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let split = |part: &'_ str| -> (usize, usize) { (1, part.find("\":").unwrap()) };
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (from, to) = split(part);
            (&part[from..to], &part[to + 2..])
        })
        .collect()
}

/// The nanoseconds of a text in seconds with exactly nine decimals.
#[track_caller]
fn nanoseconds(raw: &str) -> u64 {
    let (seconds, fraction) = raw.split_once('.').unwrap_or_else(|| panic!("{raw} has no decimals"));
    assert!(fraction.len() == 9 && fraction.bytes().all(|b| b.is_ascii_digit()), "{raw}");
    assert!(seconds == "0" || !seconds.starts_with('0'), "{raw}");
    seconds.parse::<u64>().unwrap() * 1_000_000_000 + fraction.parse::<u64>().unwrap()
}

/// Checks every time in the metrics of loads.
fn check_loads(fetches: &str) {
    for (_, load) in members(fetches) {
        for (key, raw) in members(load) {
            let times = match key {
                "latency" | "from_start" => members(raw),
                "took" => vec![(key, raw)],
                _ => Vec::new(),
            };
            for (_, time) in times {
                nanoseconds(time);
            }
        }
    }
}

/// Checks every time in an object, at any depth except in the scenario.
fn check_times(object: &str) {
    for (key, raw) in members(object) {
        if TIMES.contains(&key) {
            nanoseconds(raw);
        } else if ["lateness", "timings"].contains(&key) {
            check_times(raw);
        } else if key == "fetches" {
            check_loads(raw);
        }
    }
}

fn schema() -> jsonschema::Validator {
    let text = std::fs::read_to_string(project().join("schema/event.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

/// Checks a whole log against the contract, line by line and as a whole. Returns the kinds of its events.
#[track_caller]
fn assert_whole(schema: &jsonschema::Validator, log: &[u8]) -> BTreeSet<String> {
    let text = std::str::from_utf8(log).unwrap();
    assert!(text.ends_with('\n'), "the last line is whole");
    let mut seen = BTreeSet::new();
    let mut last_t = 0;
    let mut latest = 0;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut running = 0;
    for (n, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Some(error) = schema.iter_errors(&value).next() {
            panic!("{error}\n{line}");
        }
        let members = members(line);
        let event = value["event"].as_str().unwrap().to_owned();
        let own = EVENTS.iter().find(|(name, _)| *name == event).unwrap_or_else(|| panic!("{line}")).1;
        let order: Vec<&str> = ["seq", "t", "event"].into_iter().chain(own.split(' ')).collect();
        let places: Vec<usize> = members
            .iter()
            .map(|(key, _)| order.iter().position(|k| k == key).unwrap_or_else(|| panic!("{key} in {line}")))
            .collect();
        assert!(places.is_sorted_by(|a, b| a < b), "keys out of order: {line}");
        assert_eq!(value["seq"], n, "a gap: {line}");
        check_times(line);
        let raw = |wanted: &str| members.iter().find(|(key, _)| *key == wanted).map(|(_, raw)| *raw);
        let t = nanoseconds(raw("t").unwrap());
        assert!(t >= last_t, "time went back: {line}");
        last_t = t;
        if let Some(due) = raw("due").map(nanoseconds) {
            assert!(t >= due, "early: {line}");
            latest = latest.max(t - due);
        }
        match event.as_str() {
            "spawn.started" => running += 1,
            "spawn.exited" => running -= 1,
            _ => {}
        }
        if let Some(told) = value["running"].as_u64() {
            assert_eq!(told, running, "{line}");
        }
        if ["line", "text", "fetch.line"].contains(&event.as_str()) {
            assert!(value["text"].is_string() != value["base64"].is_string(), "one of the two: {line}");
        }
        assert_eq!(event == "run.started", n == 0, "{line}");
        let count = if value["partial"] == true { "part" } else { &event };
        *counts.entry(count.to_owned()).or_default() += 1;
        seen.insert(event);
    }
    let start_of_last = text.trim_end().rfind('\n').unwrap() + 1;
    let last = &text[start_of_last..].trim_end();
    let value: Value = serde_json::from_str(last).unwrap();
    assert_eq!(value["event"], "run.finished");
    assert_eq!(value["crc32c"], format!("{:08x}", crc32c::crc32c(&log[..start_of_last])));
    let members = members(last);
    let raw = |wanted: &str| members.iter().find(|(key, _)| *key == wanted).unwrap().1;
    assert_eq!(nanoseconds(raw("took")), last_t);
    let count = |event: &str| counts.get(event).copied().unwrap_or_default();
    assert_eq!(value["spawned"], count("spawn.started"));
    assert_eq!(value["exited"], count("spawn.exited"));
    assert_eq!(value["fetched"], count("fetch.finished") + count("fetch.failed"));
    assert_eq!(value["moves"], count("move"));
    assert_eq!(value["lines"], count("line"));
    let lateness = self::members(raw("lateness"));
    assert_eq!(nanoseconds(lateness[2].1), latest, "max is exact: {last}");
    seen
}

const PLAYERS: &str = r#"
name = "players \"of\" all kinds \u0007 é"
seed = 3
[presets.p]
players = [
  { name = "p{n}", count = 12, moves = 3, every = "0s..800ms" },
  { name = "q", count = 2, moves = 1, every = { exponential = "1s" }, directions = ["N"] },
  { name = "none", moves = 0, every = "1s" },
]
[presets.none]
players = [{ name = "nobody", moves = 0, every = "1s" }]
[[timeline]]
id = "wave"
at = "250ms"
spawn = "p"
every = { choice = ["1s", "2s"] }
times = 3
[[timeline]]
spawn = "none"
[[timeline]]
after = "wave.started"
mark = "tab\there, \"quoted\" and a line\nbreak"
[[timeline]]
at = "300ms"
stop = "wave"
[[timeline]]
id = "late"
at = "1h"
stop = "wave"
"#;

/// Two players that wait for each other, one that ends, and one that is stopped.
const STEPS: &str = r#"
seed = 5
[shared]
a = -9223372036854775808
"b.c" = 7
[presets.p]
players = [
  { name = "x", steps = ["lock m", "pause 1s", "lock n", "unlock n", "unlock m"] },
  { name = "y", steps = ["lock n", "pause 1s", "lock m", "unlock m", "unlock n"] },
  { name = "z", steps = ["load a", "add -1", "store b.c", "move", 'say "é" \'], directions = ["N"] },
]
[presets.q]
players = [{ name = "q", steps = ["pause 1h", "move"] }]
[[timeline]]
spawn = "p"
[[timeline]]
id = "q"
spawn = "q"
[[timeline]]
at = "500ms"
stop = "q"
"#;

const PROGRAMS: &str = r#"
[presets.says]
command = ["sh", "-c", 'echo out; echo err >&2; printf "\377\n\001 \302\205\n"; printf unended']
max_line = "1KiB"
ready = { line = "out" }
[presets.long]
command = ["sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x; echo; head -c 3000 /dev/zero | tr '\\0' '\\377'"]
max_line = "1KiB"
[presets.missing]
command = ["no-such-program-anywhere"]
[presets.reads]
command = ["sh", "-c", "read line; echo got $line; exit 3"]
stdin = "open"
exits = [0, 3]
[presets.deaf]
command = ["sh", "-c", "exec <&-; echo deaf; sleep 600"]
stdin = "open"
background = true
[presets.sleeps]
command = ["sleep", "600"]
background = true
sample = "100ms"
[presets.stands_still]
command = ["sh", "-c", "(sleep 0.2; kill -CONT $$) & kill -STOP $$; sleep 0.2"]
[presets.killed]
command = ["sh", "-c", "kill -USR1 $$"]
exits = { signal = "USR1" }
[presets.inside]
isolation = "process"
players = [{ name = "ann", moves = 2, every = "10ms" }]
[[timeline]]
spawn = "says"
[[timeline]]
spawn = "long"
[[timeline]]
spawn = "missing"
[[timeline]]
id = "reads"
spawn = "reads"
[[timeline]]
after = "reads.started"
send = { to = "reads", text = "a word" }
[[timeline]]
after = "reads.finished"
send = { to = "reads", text = "too late" }
[[timeline]]
id = "deaf"
spawn = "deaf"
[[timeline]]
id = "word"
after = { line = "deaf", of = "deaf" }
send = { to = "deaf", text = "not heard" }
[[timeline]]
id = "asleep"
spawn = "sleeps"
[[timeline]]
after = "asleep.started"
at = "50ms"
stop = "asleep"
[[timeline]]
spawn = "sleeps"
[[timeline]]
spawn = "killed"
[[timeline]]
spawn = "stands_still"
[[timeline]]
spawn = "inside"
"#;

fn fetches() -> String {
    let address = serve(|path, _| match path {
        "/lines" => answer("200 OK", "Set-Cookie: a=b\r\nX: 1\r\nX: 2\r\n", b"one\n\xff\xfe\nthree"),
        "/there" => answer("302 Found", "Location: /lines\r\n", ""),
        "/short" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!".to_vec(),
        "/garbage" => b"what?\r\n\r\n".to_vec(),
        _ => answer("404 Not Found", "", "no"),
    });
    let refused = free_port();
    format!(
        r#"
[fetches.lines]
lines = true
urls = ["http://user:secret@{address}/lines", "http://{address}/there", "http://{address}/short"]
[fetches.fails]
mode = "sequential"
method = "POST"
body = {{ json = {{ a = 1 }} }}
urls = ["http://{address}/nothing", "http://{address}/garbage", "http://127.0.0.1:{refused}/"]
[fetches.page]
urls = ["http://{address}/there"]
[presets.users]
players = [{{ name = "user", count = 2, steps = ["fetch page", {{ fetch = "fails", as = "fail" }}, "fetch page"] }}]
[[timeline]]
spawn = "users"
[[timeline]]
fetch = "lines"
[[timeline]]
fetch = "fails"
[[expect]]
of = "fetch.bytes"
in = "lines"
stat = "max"
at_most = "1kB"
[[expect]]
of = "spawn.took"
stat = "p95"
below = "1s"
[[expect]]
name = "\u001b \"never\""
of = "fetch.failed"
never = true
"#
    )
}

/// Expectations can look at exactly the keys that are texts, whole numbers or booleans in the schema.
#[test]
fn what_can_be_expected_of_an_event_is_what_it_has() {
    let file = std::fs::read_to_string(project().join("schema/event.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&file).unwrap();
    let events = schema["oneOf"].as_array().unwrap();
    let names: Vec<&str> = events.iter().map(|event| event["title"].as_str().unwrap()).collect();
    assert_eq!(names, EventKind::all().map(EventKind::name).collect::<Vec<_>>());
    for (event, kind) in events.iter().zip(EventKind::all()) {
        if EventKind::AFTER_COUNTING.contains(&kind.name()) {
            assert!(kind.keys().is_empty(), "nothing can be expected of what comes last");
            continue;
        }
        let of_type = |value: &Value| match value["type"].as_str() {
            Some("string") => Some(EventKeyType::Text),
            None if value["enum"].is_array() => Some(EventKeyType::Text),
            Some("integer") => Some(EventKeyType::Number),
            Some("boolean") => Some(EventKeyType::Boolean),
            _ => None,
        };
        // Expectations see a line that is not UTF-8 by its bytes, under `text`.
        let is_own = |key: &str| !["seq", "event", "base64", "format"].contains(&key);
        let properties = event["properties"].as_object().unwrap();
        let wanted: BTreeSet<_> = properties
            .iter()
            .filter(|(key, _)| is_own(key))
            .filter_map(|(key, value)| Some((key.as_str(), format!("{:?}", of_type(value)?))))
            .collect();
        let own = kind.keys().iter().map(|(key, key_type)| (*key, format!("{key_type:?}")));
        assert_eq!(own.collect::<BTreeSet<_>>(), wanted, "{}", kind.name());
    }
}

/// A run of which one branch is not taken.
const BRANCHES: &str = "[presets.p]\ncommand = [\"true\"]\n[[timeline]]\nid = \"a\"\nspawn = \"p\"\n\
     [[timeline]]\nid = \"b\"\nafter = \"a.failed\"\nmark = \"b\"\n[[timeline]]\nafter = \"b.started\"\nmark = \"c\"\n";

/// A run that tries something again, in vain.
const TRIES: &str = "[presets.p]\ncommand = [\"false\"]\n[[timeline]]\nspawn = \"p\"\n\
     until = { every = \"1ms\", timeout = \"100ms\" }\n";
/// Players that are killed and restarted, and a kill that reaches nothing.
const ACTIONS: &str = "[presets.p]\nplayers = [{ name = \"a\", moves = 9, every = \"1s\" }]\n\
                       [[timeline]]\nid = \"p\"\nspawn = \"p\"\n[[timeline]]\nat = \"1s\"\nrestart = \"p\"\n\
                       [[timeline]]\nat = \"2s\"\nkill = \"p\"\n[[timeline]]\nat = \"3s\"\nkill = \"p\"\n";

/// A program that is not alive, and whose stop command fails.
const UNHEALTHY: &str = "[presets.p]\ncommand = [\"sleep\", \"600\"]\n\
     alive = { command = [\"sh\", \"-c\", \"echo bad; exit 3\"], every = \"1ms\", failures = 2, try_timeout = \"1m\" }\n\
     stop = { command = [\"sh\", \"-c\", \"echo no; exit 4\"], grace = \"1m\" }\n[[timeline]]\nspawn = \"p\"\n";

/// A run that waits for a prompt with a secret in it.
fn secret_prompt() -> Log {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"printf \\\"ask $WORD? \\\"; read answer\"]\nstdin = \"open\"\n\
         env = { WORD = \"${env:SOME_WORD}\" }\n[[timeline]]\nspawn = \"p\"\n\
         [[timeline]]\nafter = { line = \"open-swordfish\", of = \"p\" }\nsend = { to = \"p\", text = \"yes\" }\n",
    );
    let run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).env("SOME_WORD", "open-swordfish");
    run.end().expect(0);
    Log::read(&folder.path().join("l.jsonl"))
}

#[test]
fn every_line_of_every_kind_of_run_is_as_the_schema_and_the_contract_say() {
    let schema = schema();
    let typed = "p\nspawn p x2\n\nnonsense\nmark typed \\ \"here\"\nstop late\nspawn p x0\nstatus\n";
    let run = |text: &str, options: &[&str], code: i32| {
        let folder = Folder::new();
        folder.file("typed", typed);
        let (ended, log) = folder.run(text, options);
        ended.expect(code);
        log
    };
    let mut seen = BTreeSet::new();
    for (text, options, code) in [
        (PLAYERS, &["--clock", "virtual"][..], 1),
        (PLAYERS, &["--clock", "virtual", "--input", "typed", "--seed", "9223372036854775807"], 1),
        (&PLAYERS.replace("1h", "1s"), &["--speed", "50"], 1),
        (PROGRAMS, &[], 1),
        (&fetches(), &[], 1),
        (&format!("time_limit = \"100ms\"\n{PROGRAMS}"), &[], 1),
        (STEPS, &["--clock", "virtual"], 1),
        (STEPS, &["--speed", "50"], 1),
        (&format!("{PLAYERS}[world]\nsize = [4, 3]\n"), &["--clock", "virtual"], 1),
        (BRANCHES, &[], 0),
        (TRIES, &[], 1),
        (UNHEALTHY, &[], 1),
        (ACTIONS, &["--clock", "virtual"], 1),
        ("tick = \"0s\"", &[], 0),
        ("tick = \"1s\"", &["--clock", "virtual"], 0),
    ] {
        let log = run(text, options, code);
        seen.extend(assert_whole(&schema, &log.bytes));
    }
    seen.extend(assert_whole(&schema, &interrupted().bytes));
    seen.extend(assert_whole(&schema, &secret_prompt().bytes));
    // Guests: players who came over the network.
    let guests = std::fs::read(project().join("tests/logs/guests.jsonl")).unwrap();
    seen.extend(assert_whole(&schema, &guests));
    // Links: faults between programs.
    let links = std::fs::read(project().join("tests/logs/links.jsonl")).unwrap();
    seen.extend(assert_whole(&schema, &links));
    let wanted: BTreeSet<String> = EVENTS.iter().map(|(event, _)| (*event).to_owned()).collect();
    assert_eq!(seen, wanted, "every event is in one of these logs");
    let file = std::fs::read_to_string(project().join("schema/event.schema.json")).unwrap();
    let of_schema: Value = serde_json::from_str(&file).unwrap();
    let of_schema = of_schema["oneOf"].as_array().unwrap();
    let of_schema = of_schema.iter().map(|event| event["properties"]["event"]["const"].as_str().unwrap());
    assert_eq!(of_schema.map(str::to_owned).collect::<BTreeSet<_>>(), wanted, "and no other in the schema");
}

/// The log of a run with a program and a request in flight that was paused, and ended by INT.
fn interrupted() -> Log {
    let folder = Folder::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    folder.file(
        "s.toml",
        format!(
            "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; sleep 600\"]\n[fetches.f]\nurls = [\"http://{address}/\"]\n\
             [[timeline]]\nfetch = \"f\"\n[[timeline]]\nspawn = \"p\"\n"
        ),
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]);
    // The run has to be a job of its own, as a shell makes it. Only such a run can be suspended.
    std::os::unix::process::CommandExt::process_group(&mut run.command, 0);
    let mut run = run.watch();
    run.until("| up");
    kill(&run.child, Signal::TSTP);
    run.until("paused");
    kill(&run.child, Signal::CONT);
    run.until("goes on");
    kill(&run.child, Signal::INT);
    assert_eq!(run.end().0, Some(130));
    let log = Log::read(&folder.path().join("l.jsonl"));
    assert_eq!(log.last()["outcome"], "interrupted");
    assert_eq!(log.of("fetch.failed").len(), 1, "a request in flight is told of");
    log
}

#[test]
fn the_schema_files_are_those_of_the_program() {
    for of in ["scenario", "event"] {
        let file = std::fs::read_to_string(project().join(format!("schema/{of}.schema.json"))).unwrap();
        let ended = Folder::new().scenario(&["schema", of]).end().expect(0);
        assert!(ended.stdout == file, "schema/{of}.schema.json is not what `scenario schema {of}` prints");
    }
}

/// Runs that write without end: one of players only, one of programs.
const ENDLESS: [(&str, &str); 2] = [
    (
        "virtual",
        "[presets.p]\nplayers = [{ name = \"p\", count = 100, moves = 1_000_000, every = \"1s\" }]\n[[timeline]]\nspawn = \"p\"\n",
    ),
    (
        "real",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"while :; do echo a line of this program; done\"]\n[[timeline]]\nspawn = \"p\"\ncount = 2\n",
    ),
];

#[test]
fn a_file_size_limit_stops_all_and_what_is_written_reads() {
    for (clock, text) in ENDLESS {
        let folder = Folder::new();
        folder.file("s.toml", text);
        let mut run = folder.scenario(&[]);
        let script = "ulimit -f 200; exec \"$0\" run s.toml --log l.jsonl --clock \"$1\"";
        let mut command = Command::new("bash");
        command.current_dir(folder.path()).args(["-c", script, SCENARIO, clock]);
        run.command = command;
        let ended = run.end().expect(4);
        let log = Log::read(&folder.path().join("l.jsonl"));
        assert!(log.bytes.ends_with(b"\n"), "only whole lines stay");
        let last = log.events.len() - 1;
        assert_eq!(log.last()["seq"], last);
        let said = format!("error: the log ends after seq {last}: File too large");
        assert!(
            ended.stderr.contains(&said),
            "{said}\n{}",
            &ended.stderr[ended.stderr.len().saturating_sub(500)..]
        );
        for started in log.of("spawn.started").iter().filter(|event| event["pid"].is_u64()) {
            assert!(is_gone(&started["pid"]), "{clock}");
        }
    }
}

#[test]
fn a_full_device_stops_all() {
    for (clock, text) in ENDLESS {
        let folder = Folder::new();
        folder.file("s.toml", text);
        let mut run = folder.scenario(&["run", "--quiet", "--log", "-", "--clock", clock, "s.toml"]);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = run.command.stdin(Stdio::null()).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{stderr}");
        assert!(stderr.starts_with("error: the log ends before its first line: No space left"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1);
    }
}

/// Makes the user `nobody` run a command, since root may write anywhere.
fn unprivileged(command: &mut Command) {
    if rustix::process::getuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
}

#[test]
fn a_log_that_cannot_be_is_refused_before_anything_starts() {
    let folder = Folder::new();
    folder.file("s.toml", "[presets.p]\ncommand = [\"touch\", \"started\"]\n[[timeline]]\nspawn = \"p\"\n");
    folder.file("there.jsonl", "mine\n");
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    Command::new("mkfifo").args(["-m", "666"]).arg(folder.path().join("fifo")).status().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    let cases: [(&[&str], &str); 9] = [
        (
            &["--log", "there.jsonl"],
            "there.jsonl exists already; `--force` writes over it, `--log PATH` writes another",
        ),
        (
            &["--log", "no/such/l.jsonl"],
            "cannot write no/such/l.jsonl: there is no folder no/such; `mkdir -p no/such` makes it",
        ),
        (&["--log", "folder"], "cannot write folder: it is a folder; name a file in it with `--log PATH`"),
        (
            &["--log", "folder", "--force"],
            "cannot write folder: it is a folder; name a file in it with `--log PATH`",
        ),
        (
            &["--log", "there.jsonl/x"],
            "cannot write there.jsonl/x: Not a directory (os error 20); choose another place with `--log PATH`",
        ),
        (
            &["--log", "locked/l.jsonl"],
            "cannot write locked/l.jsonl: Permission denied (os error 13); choose another place with `--log PATH`",
        ),
        (
            &["--log", "fifo", "--force"],
            "nobody reads from fifo; start its reader first, or name a file with `--log PATH`",
        ),
        (
            &["--log", "fifo"],
            "nobody reads from fifo; start its reader first, or name a file with `--log PATH`",
        ),
        (&["--log", "socket", "--force"], "socket is not a regular file; name one with `--log PATH`"),
    ];
    for (options, words) in cases {
        let mut run = folder.scenario(&["run", "s.toml"]);
        run.command.args(options);
        unprivileged(&mut run.command);
        let ended = run.end().expect(4);
        assert_eq!(ended.stderr, format!("error: {words}\n"));
        assert!(!folder.path().join("started").exists());
    }
    assert_eq!(std::fs::read(folder.path().join("there.jsonl")).unwrap(), b"mine\n");
    // Without `--log`, in a folder that cannot be written to.
    let mut run = folder.scenario(&["run", "../s.toml"]);
    run.command.current_dir(&locked);
    unprivileged(&mut run.command);
    let ended = run.end().expect(4);
    assert_eq!(
        ended.stderr,
        "error: cannot make the folder runs/ for the log: Permission denied (os error 13); choose another place with `--log PATH`\n"
    );
    let ended = folder.scenario(&["run", "s.toml", "--log", "there.jsonl", "--force"]).end();
    ended.expect(0);
    assert!(folder.path().join("started").exists());
}

#[test]
fn two_runs_on_one_path() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"sh\", \"-c\", \"echo up; sleep 600\"]\n[[timeline]]\nspawn = \"p\"\n",
    );
    let mut first = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).watch();
    first.until("| up");
    folder.file("short.toml", "[[timeline]]\nmark = \"short\"\n");
    let second = folder.scenario(&["run", "short.toml", "--log", "l.jsonl"]).end().expect(4);
    assert!(second.stderr.contains("l.jsonl exists already"), "{}", second.stderr);
    let third = folder.scenario(&["run", "short.toml", "--log", "l.jsonl", "--force"]).end().expect(4);
    assert_eq!(
        third.stderr,
        "error: another run writes its log to l.jsonl; give this one another with `--log PATH`\n"
    );
    kill(&first.child, Signal::TERM);
    assert_eq!(first.end().0, Some(143));
    assert_whole(&schema(), &std::fs::read(folder.path().join("l.jsonl")).unwrap());
}

#[test]
fn kill_loses_nothing_that_was_shown() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "tick = \"3ms\"\n[presets.p]\ncommand = [\"sh\", \"-c\", 'i=0; while :; do i=$((i+1)); echo \"n $i\"; done']\n\
         [[timeline]]\nspawn = \"p\"\n",
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "l.jsonl"]).watch();
    run.until("clock   40");
    kill(&run.child, Signal::KILL);
    let (code, shown) = run.end();
    assert_eq!(code, Some(137));
    let bytes = std::fs::read(folder.path().join("l.jsonl")).unwrap();
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let text = std::str::from_utf8(&bytes[..whole]).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], n);
    }
    let logged: BTreeSet<String> = events
        .iter()
        .filter_map(|event| match event["event"].as_str() {
            Some("clock.tick") => Some(format!("clock {}", event["n"])),
            Some("line") => event["text"].as_str().map(str::to_owned),
            _ => None,
        })
        .collect();
    let mut compared = 0;
    // The last shown line may be torn; the pipe has all lines before it.
    for line in &shown[..shown.len() - 1] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let what = match words[..] {
            [_, "clock", n] => format!("clock {n}"),
            [_, "ps#1", "|", "n", n] => format!("n {n}"),
            _ => continue,
        };
        compared += 1;
        assert!(logged.contains(&what), "{what} was shown and is not in the log");
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn nothing_around_a_virtual_run_changes_its_bytes() {
    let folder = Folder::new();
    folder.file("deep/er/s.toml", PLAYERS);
    folder.file("typed", "p\nnonsense\n");
    let run = |name: &str, change: &dyn Fn(&mut Command)| -> Vec<u8> {
        let log = folder.path().join(name);
        let scenario = folder.path().join("deep/er/s.toml");
        let mut run = folder.scenario(&["run", "--clock", "virtual", "--input"]);
        run.command.arg(folder.path().join("typed")).arg("--log").arg(&log);
        change(&mut run.command);
        if !run.command.get_args().any(|argument| argument == "s.toml") {
            run.command.arg(scenario);
        }
        run.end().expect(1);
        std::fs::read(log).unwrap()
    };
    let plain = run("plain", &|_| ());
    assert!(plain.len() > 5_000);
    let variables = [
        ("zone", "TZ", "Asia/Kathmandu"),
        ("language", "LANG", "tr_TR.UTF-8"),
        ("locale", "LC_ALL", "de_DE.UTF-8"),
        ("width", "COLUMNS", "7"),
        ("colour", "NO_COLOR", "1"),
        ("forced colour", "CLICOLOR_FORCE", "1"),
        ("home", "HOME", "/nowhere"),
    ];
    for (name, variable, value) in variables {
        let changed = run(name, &|command| {
            command.env(variable, value);
        });
        assert!(changed == plain, "another {name}");
    }
    type Change = fn(&mut Command);
    let changes: [(&str, Change); 3] = [
        ("screen", |command| {
            command.arg("--quiet");
        }),
        ("environment", |command| {
            command.env_clear();
        }),
        ("folder", |command| {
            let there = command.get_current_dir().unwrap().join("deep/er");
            command.current_dir(there).arg("s.toml");
        }),
    ];
    for (name, change) in changes {
        assert!(run(name, &change) == plain, "another {name}");
    }
}
