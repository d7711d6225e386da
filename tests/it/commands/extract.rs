//! `scenario extract`: every kind of run gives a scenario that `check` accepts.

use std::process::Stdio;

use rustix::process::Signal;

use crate::common::{Ended, Folder, Log, answer, kill, project, serve};

/// The scenario of `log.jsonl`, which must have neither errors nor warnings; but a run that was interrupted has
/// entries that were still to come.
#[track_caller]
fn extracted(folder: &Folder) -> String {
    let ended = folder.scenario(&["extract", "log.jsonl"]).end().expect(0);
    assert_eq!(ended.stderr, "");
    checked(folder, &ended);
    ended.stdout
}

/// Checks a printed scenario, and keeps it as `again.toml`.
#[track_caller]
fn checked(folder: &Folder, ended: &Ended) {
    folder.file("again.toml", &ended.stdout);
    let check = folder.scenario(&["check", "again.toml"]).end().expect(0);
    let warnings = check.stderr.lines().filter(|line| line.starts_with("warning: "));
    let others = warnings.filter(|warning| !warning.contains("and `time_limit` is")).count();
    assert!(others == 0 && check.stderr.ends_with("again.toml: valid\n"), "{}{}", check.stderr, ended.stdout);
}

const WAVES: &str = "name = \"two waves\"\nseed = 5\n[vars]\nmoves = \"3\"\n[presets.1]\nplayers = [\n\
    { name = \"john\", moves = 3, every = \"0s..800ms\" },\n{ name = \"mary\", count = 2, moves = 1, every = \"0s..400ms\" }]\n\
    [[timeline]]\nspawn = \"1\"\n[[timeline]]\nid = \"second\"\nat = \"1s\"\nspawn = \"1\"\n";

#[test]
fn typed_commands_become_entries() {
    let folder = Folder::new();
    folder.file("typed", "1\nspawn 1 x2\nmark cost: ${5} \"now\"\nstatus\nnonsense\n");
    let (ended, log) = folder.run(WAVES, &["--clock", "virtual", "--seed", "6", "--input", "typed"]);
    ended.expect(0);
    let text = extracted(&folder);
    assert_eq!(
        text,
        r##"# What was done in a run, extracted from its log.
#
#   run      two waves, with seed 6, on the virtual clock
#   ended    passed after 1.705 s
#   typed    4 lines accepted, 1 refused
#
# Run it again with: scenario run --clock virtual FILE
# Its variables have been replaced by their values: moves.

name = "two waves"
seed = 6

[presets.1]
players = [
  { name = "john", moves = 3, every = "0s..800ms" },
  { name = "mary-{n}", count = 2, moves = 1, every = "0s..400ms" },
]

# typed at 0.000 s: 1
[[timeline]]
id = "typed-1"
at = "0s"
spawn = "1"

# typed at 0.000 s: spawn 1 x2
[[timeline]]
id = "typed-2"
at = "0s"
spawn = "1"
count = 2

# typed at 0.000 s: mark cost: ${5} "now"
[[timeline]]
id = "typed-3"
at = "0s"
mark = "cost: $${5} \"now\""

# typed at 0.000 s, which only showed what ran: status

# typed at 0.000 s, refused (no command or preset `nonsense`): nonsense

[[timeline]]
spawn = "1"

[[timeline]]
id = "second"
at = "1s"
spawn = "1"
"##
    );
    // It does the same again.
    folder.scenario(&["run", "again.toml", "--clock", "virtual", "--log", "again.jsonl"]).end().expect(0);
    let again = Log::read(&folder.path().join("again.jsonl"));
    assert_eq!(again.of("move").len(), log.of("move").len());
    let told = |log: &Log| -> Vec<_> {
        let keys = ["due", "source", "player", "direction"];
        log.of("move").iter().map(|event| keys.map(|key| event[key].to_string())).collect()
    };
    assert_eq!(told(&again), told(&log));
}

#[test]
fn commands_typed_on_the_real_clock_become_entries() {
    let address = serve(|_, _| answer("200 OK", "", "hello\n"));
    let folder = Folder::new();
    folder.file(
        "s.toml",
        format!(
            "tick = \"0s\"\n[presets.cat]\ncommand = [\"cat\"]\nstdin = \"open\"\n[fetches.page]\nurls = [\"http://{address}/\"]\n\
             [[timeline]]\nid = \"typed-1\"\nspawn = \"cat\"\n[[timeline]]\nafter = \"typed-1.started\"\nmark = \"up\"\n"
        ),
    );
    let mut run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--input", "-"]).watch();
    run.until("mark");
    let mut keyboard = run.child.stdin.take().unwrap();
    use std::io::Write;
    keyboard.write_all(b"send typed-1 hello ${x}\nfetch page\nspawn dog\n").unwrap();
    run.until("| hello ${x}");
    keyboard.write_all(b"stop typed-1\n").unwrap();
    assert_eq!(run.end().0, Some(0));
    let text = extracted(&folder);
    let log = Log::read(&folder.path().join("log.jsonl"));
    let inputs = log.of("input");
    let at = |n: usize| {
        let line = text.lines().skip_while(|line| *line != format!("id = \"typed-{n}\"")).nth(1).unwrap();
        let at = humantime::parse_duration(line.strip_prefix("at = ").unwrap().trim_matches('"')).unwrap();
        format!("{}.{:09}", at.as_secs(), at.subsec_nanos())
    };
    assert_eq!([at(2), at(3), at(4)], [0, 1, 3].map(|n: usize| log_t(&log, inputs[n])));
    for line in [
        "send = { to = \"typed-1\", text = \"hello $${x}\" }\n",
        "fetch = \"page\"\n",
        "stop = \"typed-1\"\n",
        "refused (no preset `dog`): spawn dog\n",
        "# Run it again with: scenario run FILE\n# Programs run and relative paths start in",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let ended = folder.scenario(&["run", "again.toml", "--log", "again.jsonl"]).end().expect(0);
    assert!(ended.stderr.contains("< hello ${x}"), "{}", ended.stderr);
}

/// The digits of an event's `t`, as in its line.
fn log_t(log: &Log, event: &serde_json::Value) -> String {
    let line = std::str::from_utf8(&log.bytes).unwrap().lines().nth(event["seq"].as_u64().unwrap() as usize);
    line.unwrap().split("\"t\":").nth(1).unwrap().split(',').next().unwrap().to_owned()
}

const LONG: &str = "tick = \"0s\"\ntime_limit = \"1h\"\n[presets.p]\ncommand = [\"sleep\", \"600\"]\n\
    [[timeline]]\nspawn = \"p\"\n[[timeline]]\nat = \"10m\"\nmark = \"never\"\n";

#[test]
fn an_interrupted_run_becomes_one_with_a_time_limit() {
    let folder = Folder::new();
    folder.file("s.toml", LONG);
    for is_typed in [false, true] {
        let arguments = ["run", "s.toml", "--force", "--log", "log.jsonl", "--input", "-"];
        let mut run = folder.scenario(&arguments).watch();
        run.until("started p");
        if is_typed {
            use std::io::Write;
            run.child.stdin.take().unwrap().write_all(b"quit\n").unwrap();
        } else {
            kill(&run.child, Signal::TERM);
        }
        assert_eq!(run.end().0, Some(if is_typed { 1 } else { 143 }));
        let text = extracted(&folder);
        let what =
            if is_typed { "# `quit` was typed at" } else { "# The runner received the signal TERM at" };
        assert!(text.contains(what) && !text.contains("1h") && text.contains("\ntime_limit = "), "{text}");
        let ended =
            folder.scenario(&["run", "again.toml", "--log", "again.jsonl", "--force"]).end().expect(1);
        assert!(ended.stderr.contains("the time limit of"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("never"), "{}", ended.stderr);
    }
}

#[test]
fn secrets_are_left_to_fill_in() {
    let folder = Folder::new();
    folder.file(
        "s.toml",
        "[presets.p]\ncommand = [\"true\", \"${env:KEY}\"]\nenv = { A = \"${env:KEY}\" }\n\
         [fetches.f]\nurls = [\"${env:URL}\"]\nstatus = \"any\"\n[[timeline]]\nspawn = \"p\"\n[[timeline]]\nmark = \"${env:KEY}\"\n",
    );
    let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]);
    run.env("KEY", "s3cret-k3y").env("URL", "http://127.0.0.1:1/").end().expect(0);
    let text = extracted(&folder);
    let wanted = "# [redacted] stands where a secret was. Before a run, write \"${env:NAME}\" there:\n\
        #   presets.p.command.#2\n#   presets.p.env.A\n#   fetches.f.urls.#1\n#   timeline.#2.mark\n\n";
    assert!(text.contains(wanted), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn no_text_of_a_log_breaks_out_of_the_scenario() {
    let folder = Folder::new();
    let bad = "\\u001b]0;x\\u0007\\n[[timeline]]\\nspawn = 'none'\\u202e\\u009b\\U000e0041";
    folder.file("typed", "mark \u{1b}[2J\u{9b}\u{202e}\"\\\r\n\u{1b}[31mwrong\n");
    let text = format!(
        "name = \"{bad}\"\ndescription = \"{bad}\"\n[vars]\nx = \"{bad}\"\n[presets.p]\nplayers = [{{ name = \"j\", moves = 1, every = \"1s\" }}]\n[[timeline]]\nmark = \"${{x}}\"\n"
    );
    let (ended, _) = folder.run(&text, &["--clock", "virtual", "--input", "typed"]);
    ended.expect(0);
    let text = extracted(&folder);
    assert!(!text.contains(|c| c != '\n' && scenario_log::sanitize::is_unsafe_char(c)), "{text}");
    assert_eq!(text.matches("\n[[timeline]]\n").count(), 2, "{text}");
}

#[test]
fn every_example_of_the_project_is_extracted() {
    for name in ["three_waves", "crowd"] {
        let folder = Folder::new();
        let file = project().join(format!("scenarios/{name}.toml"));
        let (log, again) = (folder.path().join("log.jsonl"), folder.path().join("again.jsonl"));
        let virtual_run = |file: &str, log: &str| {
            let arguments = ["run", "--clock", "virtual", "--quiet", "--seed", "3", file, "--log", log];
            folder.scenario(&arguments).end().expect(0);
        };
        virtual_run(file.to_str().unwrap(), "log.jsonl");
        extracted(&folder);
        virtual_run("again.toml", "again.jsonl");
        let events = |path| {
            let bytes = std::fs::read(path).unwrap();
            let from = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            let to = bytes.iter().rposition(|byte| *byte == b'c').unwrap();
            bytes[from..to].to_vec()
        };
        assert!(events(&log) == events(&again), "{name}: all but the first line is the same");
    }
}

#[test]
fn a_log_that_was_cut_short_gives_its_known_part() {
    let folder = Folder::new();
    folder.file("typed", "1\n");
    let (ended, log) = folder.run(WAVES, &["--clock", "virtual", "--input", "typed"]);
    ended.expect(0);
    let lines: Vec<&[u8]> = log.bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let cut = [&lines[..4].concat()[..], &lines[4][..10]].concat();
    folder.file("log.jsonl", &cut);
    let ended = folder.scenario(&["extract", "log.jsonl"]).end().expect(5);
    assert!(
        ended.stderr.starts_with("error: log.jsonl: the log was cut short: it ends after line 4"),
        "{}",
        ended.stderr
    );
    checked(&folder, &ended);
    let wanted = "ended    not known: the log was cut short after line 4; what was typed later is not here\n";
    assert!(ended.stdout.contains(wanted) && ended.stdout.contains("typed-1"), "{}", ended.stdout);
    let allowed = folder.scenario(&["extract", "--allow-incomplete", "-"]).stdin(cut).end().expect(0);
    assert_eq!(allowed.stdout, ended.stdout);
    assert!(allowed.stderr.starts_with("warning: -: the log was cut short"), "{}", allowed.stderr);
    // Without its first line there is no scenario at all.
    for nothing in [&b""[..], &lines[0][..50]] {
        let ended = folder.scenario(&["extract", "--allow-incomplete", "-"]).stdin(nothing).end().expect(5);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("nothing was logged"), "{}", ended.stderr);
    }
}

#[test]
fn a_file_that_is_not_a_log_is_refused() {
    let folder = Folder::new();
    folder.file("typed", "1\n");
    let (ended, log) = folder.run(WAVES, &["--clock", "virtual", "--input", "typed"]);
    ended.expect(0);
    let text = String::from_utf8(log.bytes).unwrap();
    let refused = |bytes: &str, code: i32, words: &str| {
        folder.file("bad.jsonl", bytes);
        let ended = folder.scenario(&["extract", "bad.jsonl"]).end().expect(code);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    };
    refused(&text.replacen("\"due\":0.000000000", "\"due\":0.000000001", 1), 5, "crc32c");
    refused("name = \"x\"\n", 5, "line 1");
    // Without its last line, and so without its checksum, the log is not wrong until it is
    // understood.
    let text = text.rsplit_once("{\"seq\"").unwrap().0;
    refused(
        &text.replacen("\"seed\":5,\"tick\"", "\"seed\":\"5\",\"tick\"", 1),
        5,
        "line 1 has a scenario that cannot be run",
    );
    refused(
        &text.replacen("\"text\":\"1\"", "\"text\":\"2\"", 1),
        5,
        "line 2 has an `input` that was accepted",
    );
    refused(
        &text.replacen("\"name\":\"two waves\",", "\"name\":\"two waves\",\"include\":[\"typed\"],", 2),
        5,
        "line 1 has a scenario that cannot be run",
    );
    for (path, words) in [("no-such.jsonl", "No such file"), (".", "it is a folder")] {
        let ended = folder.scenario(&["extract", path]).end().expect(4);
        assert!(ended.stdout.is_empty() && ended.stderr.contains(words), "{}", ended.stderr);
    }
    folder.scenario(&["extract", "log.jsonl", "log.jsonl"]).end().expect(2);
}

#[test]
fn more_commands_than_a_scenario_keeps_are_too_many() {
    let folder = Folder::new();
    folder.file("typed", "mark x\n".repeat(10_001) + &"x\n".repeat(200));
    let (ended, log) = folder.run(WAVES, &["--clock", "virtual", "--quiet", "--input", "typed"]);
    ended.expect(0);
    let ended = folder.scenario(&["extract", "log.jsonl"]).end().expect(5);
    assert_eq!(
        ended.stderr,
        "error: log.jsonl: more than 10000 commands were typed in this run, too many for a scenario to keep\n"
    );
    drop(log);
    folder.file("typed", "mark x\n".repeat(1_000) + &"x\n".repeat(200));
    folder.run(WAVES, &["--clock", "virtual", "--quiet", "--input", "typed"]).0.expect(0);
    let text = extracted(&folder);
    assert_eq!(text.matches(", refused (").count(), 100);
    assert!(text.ends_with("\n# 100 more lines were typed and refused\n"));
}

#[test]
fn a_closed_output_is_not_an_error() {
    let folder = Folder::new();
    folder.run(WAVES, &["--clock", "virtual"]).0.expect(0);
    let mut run = folder.scenario(&["extract", "log.jsonl"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    run.command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let output = run.command.output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
