//! Text without a newline, and lines that hold secrets: matched as they are said, in time, and logged so
//! that nothing secret is in the log and a replay decides the same.

use rustix::process::{Signal, kill_process};

use crate::children::{NO_TICK, after_line, replays, scenario, sh, spawns, text_of};
use crate::commands::guard::{marked, runner_of};
use crate::common::{Folder, Log};

/// A program that asks, and goes on when it gets an answer.
const ASKS: &str = "printf 'Welcome\\nPassword: '; read answer; echo \"got $answer\"; exit 0";

#[test]
fn a_prompt_is_waited_for_shown_and_answered() {
    let folder = Folder::new();
    let send = "send = { to = \"p\", text = \"sesame\" }";
    for pty in ["", "\npty = true"] {
        let keys = format!("stdin = \"open\"{pty}");
        let text = scenario(ASKS, 1, &keys) + &after_line("assword: $", "p", send);
        let (ended, log) = folder.run(&text, &[]);
        let ended = ended.expect(0);
        assert!(ended.stderr.contains("| Password: \n"), "{}", ended.stderr);
        let texts = log.of("text");
        let lines = log.of("line");
        assert_eq!((&texts[0]["text"], &texts[0]["stream"]), (&"Password: ".into(), &"stdout".into()));
        // The log keeps the whole line, and both times.
        assert_eq!(lines[1]["text"], "Password: got sesame");
        assert!(lines[1]["t"].as_f64() >= texts[0]["t"].as_f64());
        replays(&folder);
    }
}

#[test]
fn a_prompt_makes_ready() {
    let folder = Folder::new();
    let keys = "background = true\nready = { line = \"^> $\" }";
    let text = [NO_TICK, &sh("p", "printf '> '; sleep 600", keys), &spawns("p", 1)].concat()
        + "[[timeline]]\nafter = \"p.ready\"\nmark = \"ready\"\n";
    let (ended, log) = folder.run(&text, &[]);
    ended.expect(0);
    assert_eq!(log.names_of("ps#1")[..3], ["spawn.started", "text", "spawn.ready"]);
    // The unfinished line is one at the end of the program.
    assert_eq!(log.of("line")[0]["text"], "> ");
    replays(&folder);
}

#[test]
fn progress_is_shown_while_it_goes_on_and_each_piece_once() {
    let folder = Folder::new();
    let script = "for n in 10 20 30; do printf '\\r[%s]' $n; sleep 0.3; done; printf '\\rdone\\n'";
    let half = after_line("20", "p", "mark = \"half\"");
    let (ended, log) = folder.run(&(scenario(script, 1, "") + &half), &[]);
    let ended = ended.expect(0);
    for piece in ["| [10]\n", "| [20]\n", "| [30]\n", "| done\n"] {
        assert_eq!(ended.stderr.matches(piece).count(), 1, "{piece}: {}", ended.stderr);
    }
    assert_eq!(text_of(&log, "ps#1"), "\r[10]\r[20]\r[30]\rdone\n");
    let said: String = log.of("text").iter().map(|text| text["text"].as_str().unwrap()).collect();
    assert_eq!(said, "\r[10]\r[20]\r[30]");
    assert!(log.of("mark")[0]["t"].as_f64() < log.of("line")[0]["t"].as_f64());
    replays(&folder);
    folder.scenario(&["play", "--speed", "max", "log.jsonl"]).end().expect(0);
    folder
        .scenario(&["report", "-o", "r.html", "--trace", "t.json", "--junit", "j.xml", "log.jsonl"])
        .end()
        .expect(0);
    folder.scenario(&["diff", "log.jsonl", "log.jsonl"]).end().expect(0);
    folder.scenario(&["extract", "log.jsonl"]).end().expect(0);
}

#[test]
fn a_line_is_matched_as_it_was_said_and_logged_redacted() {
    let folder = Folder::new();
    let script = "echo serving $WORD/public; echo then $WORD; printf \"ask $WORD? \"; sleep 600";
    let keys = "env = { WORD = \"${env:SOME_WORD}\" }\nbackground = true\n\
                ready = { line = \"serving .*swordfish/public\" }";
    let text = [
        NO_TICK,
        &sh("p", script, keys),
        &spawns("p", 1),
        &after_line("then open-swordfish$", "p", "mark = \"line\""),
        &after_line("ask open-swordfish. ", "p", "mark = \"text\""),
        // What only the redacted line would match.
        "[[timeline]]\nafter = { line = \"redacted\", of = \"p\", timeout = \"400ms\" }\nmark = \"never\"\n",
    ];
    folder.file("s.toml", text.concat());
    let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).env("SOME_WORD", "open-swordfish");
    run.end().expect(1);
    let log = Log::read(&folder.path().join("log.jsonl"));
    let bytes = String::from_utf8_lossy(&log.bytes);
    assert_eq!(log.of("line")[0]["text"], "serving [redacted]/public");
    let marks: Vec<_> = log.of("mark").iter().map(|mark| mark["text"].as_str().unwrap()).collect();
    assert_eq!(marks, ["line", "text"], "{bytes}");
    assert_eq!(log.of("spawn.ready").len(), 1);
    assert_eq!(log.of("line.matched")[0]["ready"], true);
    let values = log.of("line").into_iter().chain(log.of("text")).filter_map(|line| line["text"].as_str());
    assert!(values.into_iter().all(|text| !text.contains("swordfish")), "{bytes}");
    replays(&folder);
}

#[test]
fn an_expectation_sees_what_was_said_and_a_replay_judges_the_same() {
    let folder = Folder::new();
    let script = "echo one $WORD; echo two; echo three $WORD";
    let keys = "env = { WORD = \"${env:SOME_WORD}\" }";
    let expect = |keys: &str| format!("[[expect]]\nof = \"line\"\n{keys}\n");
    let text = [
        scenario(script, 1, keys),
        expect("where = { text = \"open-swordfish\" }\nequals = 2"),
        expect("where = { text = \"redacted\" }\nnever = true"),
        expect(
            "where = { text = \"^two$\" }\nfollows = { of = \"line\", where = { text = \"^one open-swordfish$\" } }",
        ),
        expect("equals = 3"),
    ];
    folder.file("s.toml", text.concat());
    let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl"]).env("SOME_WORD", "open-swordfish");
    run.end().expect(0);
    let log = Log::read(&folder.path().join("log.jsonl"));
    let matched = log.of("line.matched");
    assert_eq!(matched.len(), 2);
    assert_eq!((&matched[0]["expects"], &matched[0]["follows"]), (&[1].into(), &[3].into()));
    assert!(!String::from_utf8_lossy(&log.bytes[log.bytes.len() / 2..]).contains("open-swordfish\",\"w"));
    replays(&folder);
}

#[test]
fn everyday_values_are_shown_and_others_only_where_the_scenario_says_so() {
    let folder = Folder::new();
    let script = "echo mode $A in $B with $C";
    let keys = "env = { A = \"${env:NODE_ENV}\", B = \"${env:SITE}\", C = \"${env:SOME_KEY}\" }";
    for (plain, shown) in [
        ("", "mode development in [redacted] with [redacted]"),
        ("plain = [\"SITE\"]\n", "mode development in north-west with [redacted]"),
    ] {
        folder.file("s.toml", [plain, &scenario(script, 1, keys)].concat());
        let run = folder.scenario(&["run", "s.toml", "--log", "log.jsonl", "--force"]);
        let run =
            run.env("NODE_ENV", "development").env("SITE", "north-west").env("SOME_KEY", "hunter2hunter2");
        run.end().expect(0);
        let log = Log::read(&folder.path().join("log.jsonl"));
        assert_eq!(log.of("line")[0]["text"], shown);
        replays(&folder);
    }
}

#[test]
fn what_waits_in_a_pipe_is_read_before_a_limit_of_time_is_judged() {
    let folder = Folder::new();
    // The program says that it is ready when everything has been stopped, and so nobody has read it.
    let script = "echo up; while ! test -e go; do sleep 0.01; done; echo ready; touch said; sleep 600";
    let keys = "background = true\nready = { line = \"^ready\", timeout = \"1500ms\" }";
    folder.file(
        "s.toml",
        [NO_TICK, &sh("p", script, keys), &spawns("p", 1)].concat()
            + "[[timeline]]\nafter = \"p.ready\"\nmark = \"ready\"\n",
    );
    let mut run = marked(&folder, &[]).watch();
    run.until("| up");
    let runner = runner_of(&run.child);
    kill_process(runner, Signal::STOP).unwrap();
    folder.file("go", "");
    while !folder.path().join("said").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // The limit passes while the runner stands still.
    std::thread::sleep(std::time::Duration::from_secs(2));
    kill_process(runner, Signal::CONT).unwrap();
    let (code, shown) = run.end();
    assert_eq!(code, Some(0), "{shown:#?}");
    folder.scenario(&["replay", "l.jsonl"]).end().expect(0);
}

#[test]
fn a_log_on_a_closed_standard_output_is_refused() {
    let folder = Folder::new();
    folder.file("s.toml", scenario("echo ran >ran", 1, ""));
    let run = folder.scenario(&["run", "s.toml", "--log", "-"]).wrapped(|program| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(program);
        shell
    });
    let ended = run.end().expect(4);
    assert!(ended.stderr.contains("standard output is closed"), "{}", ended.stderr);
    assert!(!folder.path().join("ran").exists(), "nothing was started");
    folder.scenario(&["run", "s.toml", "--log", "-"]).end().expect(0);
}
